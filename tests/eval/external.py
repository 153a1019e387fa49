"""How good language and sentiment are on external sets, and which targets (targets.toml) are met. Nothing of a set is written anywhere.

uv run python tests/eval/external.py --data DIR [--json FILE] [--only sentiment|language]
"""

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from answers import Engines, external_sets, read
from figures import calibration, language_figures
from tables import table

from agents.lexicons import load_layer
from agents.models import load_identifier

TARGETS = Path(__file__).with_name("targets.toml")
LEVELS = (("must", "pack"), ("should", "full"), ("stretch", "full"))


def measure_sentiment(data: Path) -> dict[str, Any]:
    """Set → engine → figures; and whether the layer was trained on the set."""
    engines = Engines()
    measured = {}
    for name, rows, two in external_sets(data):
        language = name[:2]
        layer = load_layer(language)
        measured[name] = {
            "two_classes": two,
            "trained_on": layer is not None and name in layer.header.trained_on,
            "engines": {engine: engines.judge(engine, rows, two=two, intervals=False) for engine in engines.of(language)},
        }
    return measured


def measure_language(data: Path) -> dict[str, Any]:
    """Set → what was said of each text: gold, code, guess, confidence."""
    identifier = load_identifier()
    said = {}
    for file in sorted((data / "language").glob("*.jsonl")):
        rows = read(file)
        found = identifier.identify([row["text"] for row in rows])
        said[file.stem] = [(row["lang"], one.code, one.guess, one.confidence) for row, one in zip(rows, found, strict=True)]
    return said


def language_figure(said: Mapping[str, Sequence[tuple[str, str | None, str | None, float | None]]], wanted: Mapping[str, Any]) -> float:
    """The figure that a target asks for."""
    names = wanted["sets"] or [name for name in said if not name.startswith("und_") and name != "other_langs"]
    rows = [row for name in names for row in said[name]]
    codes = [None if code in ("zxx", "und") else code for _, code, _, _ in rows]
    figure = wanted["figure"]
    if figure == "declined":
        return sum(code is None for code in codes) / len(rows)
    if figure == "right":
        return sum(code == row[0] for code, row in zip(codes, rows, strict=True)) / len(rows)
    if figure == "calibration":
        told = [(row[3] or 0.0, code == row[0]) for code, row in zip(codes, rows, strict=True) if code is not None]
        return float(calibration([sure for sure, _ in told], [right for _, right in told])["error"])
    found = language_figures([row[0] for row in rows], codes, [row[2] for row in rows])
    if figure.startswith("Dutch "):
        return float(found["languages"]["nl"][figure.removeprefix("Dutch ")])
    return float(found[figure])


def sentiment_figure(found: Mapping[str, Any], figure: str) -> float:
    """The figure that a target asks for: macro-F1, accuracy, or precision or recall of a label."""
    label, _, what = figure.partition(" ")
    return float(found[label][what] if what else found[figure])


def show_sentiment(measured: Mapping[str, Any], targets: Mapping[str, Any]) -> None:
    """All sets, then the targets."""
    rows = []
    below = []
    for name, one in measured.items():
        figure = "accuracy" if one["two_classes"] else "macro_f1"
        found = one["engines"]
        if found["full"][figure] < found["pack"][figure]:
            below.append(name)
        rows.append(
            [
                name + (" (trained on)" if one["trained_on"] else ""),
                str(found["full"]["texts"]),
                "accuracy" if one["two_classes"] else "macro-F1",
            ]
            + [f"{found[engine][figure]:.3f}" if engine in found else "" for engine in ("vader", "pack", "full")]
            + [f"{found['full']['negative']['precision']:.2f}", f"{found['full']['negative']['recall']:.2f}"]
            + [f"{found['full']['calibration']['error']:.3f}" if "calibration" in found["full"] else ""]
        )
    print(table(("set", "texts", "figure", "vader", "pack", "full", "neg. prec.", "recall", "calib. error"), rows))
    print(f"\nfull below its own pack: {', '.join(below) or 'nowhere'}\n")
    rows = []
    for target in targets["sentiment"]:
        if (one := measured.get(target["set"])) is None:
            continue
        figure = target.get("figure", "macro_f1")
        for level, engine in LEVELS:
            if level in target:
                got = sentiment_figure(one["engines"][engine], figure)
                note = " (trained on)" if one["trained_on"] and engine == "full" else ""
                rows.append(
                    [
                        target["set"],
                        figure.replace("_", "-"),
                        level,
                        engine,
                        f"{target[level]:.2f}",
                        f"{got:.3f}",
                        _met(got >= target[level]) + note,
                    ]
                )
    limit = targets["calibration"]
    for name, one in measured.items():
        found = one["engines"]["full"]
        if not one["two_classes"] and not one["trained_on"] and found["texts"] >= limit["least_texts"] and "calibration" in found:
            error = found["calibration"]["error"]
            rows.append([name, "calibration error", "should", "full", f"≤ {limit['most']}", f"{error:.3f}", _met(error <= limit["most"])])
    print(table(("set", "figure", "level", "engine", "target", "got", ""), rows))


def show_language(said: Mapping[str, Any], targets: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets; returned for JSON too."""
    rows, figures = [], []
    for target in targets["language"]:
        if any(name not in said for name in target["sets"]):
            continue
        got = language_figure(said, target)
        most = target.get("most")
        met = got <= most if most is not None else got >= target["must"]
        named = ", ".join(target["sets"]) or "all"
        figures.append({"sets": target["sets"], "figure": target["figure"], "got": round(got, 4), "met": met})
        rows.append([named, target["figure"], f"≤ {most}" if most is not None else f"{target['must']:.3f}", f"{got:.3f}", _met(met)])
    print(table(("sets", "figure", "target", "got", ""), rows))
    return figures


def _met(met: bool) -> str:
    return "met" if met else "MISSED"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with sentiment/*.jsonl and language/*.jsonl")
    parser.add_argument("--json", type=Path, help="write all figures here too")
    parser.add_argument("--only", choices=("sentiment", "language"))
    options = parser.parse_args()
    targets = tomllib.loads(TARGETS.read_text("utf-8"))
    written: dict[str, Any] = {}
    if options.only != "language":
        written["sentiment"] = measure_sentiment(options.data)
        show_sentiment(written["sentiment"], targets)
        print()
    if options.only != "sentiment":
        written["language"] = show_language(measure_language(options.data), targets)
    if not any((options.data / kind).is_dir() for kind in ("sentiment", "language")):
        parser.error(f"{options.data} holds neither sentiment nor language")
    if options.json:
        options.json.write_text(json.dumps(written, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
