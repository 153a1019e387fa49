"""How good language and sentiment are on our own texts: `tests/reports/sentiment.md`, `.json`, `.svg`. The same code gives the same bytes.

uv run python tests/eval/own.py --report tests/reports
"""

import argparse
import json
from pathlib import Path
from typing import Any

from answers import Engines, held_back, own_texts, unread
from drawing import calibration_svg
from figures import LABELS, language_figures
from tables import percent, table

from agents.lexicons import LANGUAGES, load_layer, pack_digest
from agents.models import load_identifier

HARD = {"sarcasm": "sarcasm", "implicit": "implicit complaint", "but": "mixed (one thing, but another)"}


def measure() -> dict[str, Any]:
    """All figures, ready for JSON."""
    engines = Engines()
    sentiment: dict[str, Any] = {}
    for language in LANGUAGES:
        texts = own_texts(language)
        held = [text for text in texts if held_back(text["id"])]
        rest = [text for text in texts if not held_back(text["id"])]
        hard = {name: [text for text in held if name in text["phenomena"]] for name in HARD}
        never = [text for text in held if unread(text["id"])]
        plain = [text for text in held if not HARD.keys() & set(text["phenomena"])]
        layer = load_layer(language)
        sentiment[language] = {
            "layer": None if layer is None else ("of this pack" if layer.header.pack == pack_digest(language) else "of an older pack"),
            "engines": {
                engine: {
                    "held_back": engines.judge(engine, held),
                    "unread": engines.judge(engine, never, intervals=False),
                    "rest": engines.judge(engine, rest, intervals=False),
                    "plain": engines.judge(engine, plain, intervals=False),
                    "hard": {name: engines.judge(engine, rows, intervals=False) for name, rows in hard.items() if rows},
                }
                for engine in engines.of(language)
            },
        }
    texts = [text for language in LANGUAGES for text in own_texts(language)]
    found = load_identifier().identify([text["text"] for text in texts])
    language = language_figures([text["lang"] for text in texts], [one.code for one in found], [one.guess for one in found])
    return {"sentiment": sentiment, "language": language}


def page(measured: dict[str, Any]) -> str:
    """The report."""
    held, classes, hard, curve = [], [], [], []
    for language, found in measured["sentiment"].items():
        for engine, by_part in found["engines"].items():
            own, never, rest = by_part["held_back"], by_part["unread"], by_part["rest"]
            low, high = own["macro_f1_interval"]
            held.append(
                [language, engine, str(own["texts"]), f"{own['macro_f1']:.3f}", f"{low:.3f}-{high:.3f}"]
                + [f"{one:.3f}" for one in (own["accuracy"], by_part["plain"]["accuracy"])]
                + [f"{never['macro_f1']:.3f} of {never['texts']}", f"{rest['macro_f1']:.3f}"]
            )
            classes.append([language, engine, *(f"{own[label][what]:.2f}" for label in LABELS for what in ("precision", "recall"))])
            hard.append(
                [language, engine]
                + [f"{one['accuracy']:.2f} of {one['texts']}" if (one := by_part["hard"].get(name)) else "" for name in HARD]
            )
            if (calibrated := own.get("calibration")) is not None:
                curve += [
                    [language, str(one["texts"]), f"{one['sure']:.2f}", f"{one['right']:.2f}"] for one in calibrated["bins"]
                ]  # fmt: skip
    errors = {
        language: found["engines"]["full"]["held_back"]["calibration"]["error"]
        for language, found in measured["sentiment"].items()
        if "calibration" in found["engines"]["full"]["held_back"]
    }
    stale = [language for language, found in measured["sentiment"].items() if found["layer"] != "of this pack"]
    said = measured["language"]
    return "\n".join(
        [
            "# Language and sentiment on our own texts",
            "",
            "Made by `make eval` (`tests/eval/own.py`); the texts and their limits: [tests/texts](../texts/README.md). Figures are on",
            "the fifth of the texts that nobody looked at for words or training; intervals of 95 % by drawing texts again 1,000 times.",
            "*rest*: macro-F1 on the other four fifths, on which `full` was trained and by which words may have been written: no measure",
            "of quality. *unread*: macro-F1 on those of the fifth whose files nobody read for words (`tests/texts/unread.txt`).",
            "*plain*: accuracy without the hard texts. Engines: `vader` the package's rules (English only), `pack` lexicon and rules,",
            "`full` with the linear layer.",
            *(["", f"**Layers trained on an older pack, or none:** {', '.join(stale)}; `make train` makes them anew."] if stale else []),
            "",
            table(("language", "engine", "texts", "macro-F1", "95 %", "accuracy", "plain", "unread", "rest"), held),
            "",
            "## Precision and recall",
            "",
            table(("language", "engine", *(f"{label[:3]} {what}" for label in LABELS for what in ("prec.", "recall"))), classes),
            "",
            "## The hard texts",
            "",
            "Accuracy on the held-back texts that are sarcastic, complain without saying so, or say one thing and then another. They are",
            "few: read the figures as hints.",
            "",
            table(("language", "engine", *HARD.values()), hard),
            "",
            "## Are the probabilities what they say?",
            "",
            *_calibrated(errors, curve),
            "",
            "## Language",
            "",
            f"{said['texts']} texts, with the ordinary priors: best guess right {percent(said['forced'])}, not declined "
            f"{percent(said['coverage'])}, of those right {percent(said['accuracy_covered'])}.",
            "",
            table(
                ("language", "texts", "recall (declined is missed)", "precision"),
                [[code, str(one["texts"]), percent(one["recall"]), percent(one["precision"])] for code, one in said["languages"].items()],
            ),
            "",
        ]
    )


def _calibrated(errors: dict[str, float], curve: list[list[str]]) -> list[str]:
    if not errors:
        return ["No language has a layer."]
    return [
        f"Expected calibration error: {', '.join(f'{language} {error:.3f}' for language, error in errors.items())}. On the dashed line,",
        "what is said to be 70 % sure is right 7 times of 10.",
        "",
        "![calibration](sentiment.svg)",
        "",
        table(("language", "texts", "sure", "right"), curve),
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--report", type=Path, required=True, help="folder for sentiment.md, .json and .svg")
    folder = parser.parse_args().report
    folder.mkdir(parents=True, exist_ok=True)
    measured = measure()
    written = page(measured)
    (folder / "sentiment.json").write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    (folder / "sentiment.md").write_text(written, "utf-8")
    curves = {
        language: found["engines"]["full"]["held_back"]["calibration"]["bins"]
        for language, found in measured["sentiment"].items()
        if "calibration" in found["engines"]["full"]["held_back"]
    }
    (folder / "sentiment.svg").write_text(calibration_svg(curves), "utf-8")
    print(written)


if __name__ == "__main__":
    main()
