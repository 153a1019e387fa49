"""Asks the engines: the same code as `webcare score`, without a process between."""

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from figures import LABELS, POLES, calibration, figures

from agents.lexicons import Engine, load_engine
from pipeline.sentiment import scored_text
from schemas.mention import Sentiment

ROOT = Path(__file__).parents[2]
TEXTS = ROOT / "tests" / "texts"
UNREAD = frozenset((TEXTS / "unread.txt").read_text("utf-8").split())
"""Our own texts by which no words were written, not only not by their held-back fifth (tests/texts/README.md)."""
ENGINES: tuple[Engine, ...] = ("vader", "pack", "full")
TWO_CLASSES = frozenset({"bol", "amazon", "xed", "resto16doc"})
"""External sets whose neutral texts mean nothing."""


def read(file: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def held_back(name: str) -> bool:
    """Whether an own text is one of the fifth that nobody writes words by or trains on (tests/texts/README.md)."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") % 5 == 0


def own_texts(language: str) -> list[dict[str, Any]]:
    """Our own texts in a language."""
    return [one for file in sorted(TEXTS.glob(f"{language}-*.jsonl")) for one in read(file)]


def unread(name: str) -> bool:
    """Whether an own text is in a file of `UNREAD`."""
    return name.rpartition("-")[0] in UNREAD


def external_sets(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]], bool]]:
    """Name, texts and whether it has two classes only, of each set in ``folder``/sentiment."""
    for file in sorted((folder / "sentiment").glob("*.jsonl")):
        rows = read(file)
        source = file.stem.partition("-")[2]
        two = source in TWO_CLASSES or sum(row["label"] == "neutral" for row in rows) < 5
        yield file.stem, [row for row in rows if row["label"] != "neutral"] if two else rows, two


class Engines:
    """The three engines, loaded once."""

    def __init__(self) -> None:
        self._engines = {name: load_engine(name) for name in ENGINES}

    def of(self, language: str) -> tuple[Engine, ...]:
        """Those that score a language."""
        return ENGINES if language == "en" else ENGINES[1:]

    def judge(self, engine: Engine, rows: Sequence[dict[str, Any]], *, two: bool = False, intervals: bool = True) -> dict[str, Any]:
        """All figures of an engine over texts of known language."""
        texts = [scored_text(None, row["text"]) for row in rows]
        answers = self._engines[engine].score(texts, [row["lang"] for row in rows])
        gold = [row["label"] for row in rows]
        if two:
            return figures(gold, [_pole(one) for one in answers], POLES, intervals=intervals)
        found = figures(gold, [one.label for one in answers], LABELS, intervals=intervals)
        sure = [max(one.negative, one.neutral, one.positive) for one in answers if one.negative is not None]  # type: ignore[type-var]
        if len(sure) == len(rows) and sure:
            found["calibration"] = calibration(sure, [one.label == label for one, label in zip(answers, gold, strict=True)])
        return found


def _pole(sentiment: Sentiment) -> str:
    compound = sentiment.compound or 0.0
    return "positive" if compound > 0 else "negative" if compound < 0 else "neither"
