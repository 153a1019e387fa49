"""Our own labelled texts: whole, varied, nobody else's."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.mention import Label

FOLDER = Path(__file__).parent / "texts"
LABELS = set(get_args(Label)) - {"unscored"}
LEAST = {"nl": 3_500, "en": 1_300, "de": 1_500, "fr": 1_400, "es": 900, "it": 1_000, "pt": 900}
CHANNELS = {"social", "review", "mail", "forum", "app", "chat", "blog"}
SECTORS = {
    "telecom", "transport", "energy", "parcel", "public", "streaming", "retail", "banking", "insurance", "health", "travel", "software",
    "hospitality", "media", "leisure", "automotive",
}  # fmt: skip
PHENOMENA = {
    "plain", "sarcasm", "implicit", "persistence", "double_negation", "negation", "negated_praise", "but", "comparison",
    "thanks_closing", "question", "complaint_question", "news", "trap_word", "threat", "resolved", "mild", "strong", "profanity",
    "typos", "region", "code_switch", "emoji", "elongated",
}  # fmt: skip
ALIKE = 0.6
"""Share of common five-character pieces from which two texts are taken for one."""


@cache
def texts() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines())


def pieces(text: str) -> frozenset[str]:
    plain = " ".join(text.lower().split())
    return frozenset(plain[at : at + 5] for at in range(max(1, len(plain) - 4)))


class Known:
    """Texts by their pieces, to find those that are nearly a given one."""

    def __init__(self) -> None:
        self._with: defaultdict[str, list[int]] = defaultdict(list)
        self._sizes: list[int] = []
        self._names: list[str] = []

    def add(self, name: str, text: str) -> None:
        found = pieces(text)
        for piece in found:
            self._with[piece].append(len(self._sizes))
        self._sizes.append(len(found))
        self._names.append(name)

    def like(self, text: str) -> Iterator[str]:
        found = pieces(text)
        common = Counter(number for piece in found for number in self._with.get(piece, ()))
        for number, shared in common.items():
            if shared > ALIKE * (len(found) + self._sizes[number] - shared):
                yield self._names[number]


def test_every_line_is_whole() -> None:
    ids = Counter(text["id"] for text in texts())
    assert [name for name, times in ids.items() if times > 1] == []
    for text in texts():
        assert set(text) == {"id", "text", "lang", "label", "sector", "channel", "phenomena"}, text["id"]
        assert text["id"].startswith(f"{text['lang']}-"), text["id"]
        assert text["text"].strip() == text["text"] != "", text["id"]
        assert text["label"] in LABELS, text["id"]
        assert text["channel"] in CHANNELS, text["id"]
        assert text["sector"] in SECTORS, text["id"]
        assert text["phenomena"], text["id"]
        assert set(text["phenomena"]) <= PHENOMENA, text["id"]


def test_there_are_enough_of_each_language_and_label() -> None:
    by_language = Counter(text["lang"] for text in texts())
    assert {language: by_language[language] >= least for language, least in LEAST.items()} == dict.fromkeys(LEAST, True), by_language
    for language in LEAST:
        labels = Counter(text["label"] for text in texts() if text["lang"] == language)
        assert min(labels.values()) / labels.total() > 0.2, (language, labels)


def test_every_sector_and_channel_has_all_labels() -> None:
    """Where a label can be told from the kind of text, a model learns the kind."""
    for field in ("sector", "channel"):
        seen = defaultdict(Counter)
        for text in texts():
            seen[text["lang"], text[field]][text["label"]] += 1
        for kind, labels in seen.items():
            if labels.total() >= 30:
                assert set(labels) == LABELS, (kind, labels)
                assert max(labels.values()) / labels.total() < 0.65, (kind, labels)


def test_no_two_are_nearly_the_same() -> None:
    known = Known()
    twice = []
    for text in texts():
        twice += [(text["id"], other) for other in known.like(text["text"]) if len(text["text"]) > 12]
        known.add(text["id"], text["text"])
    assert twice == []


@pytest.mark.timeout(900)  # eleven thousand texts against a hundred thousand
def test_none_is_or_nearly_is_an_evaluation_text() -> None:
    """With ``DATA=`` the folder of evaluation sets: what is measured with must not be among what may be learnt from."""
    if (folder := os.environ.get("DATA")) is None:
        pytest.skip("DATA does not name a folder of evaluation sets")
    known = Known()
    for text in texts():
        if len(text["text"]) > 12:
            known.add(text["id"], text["text"])
    found = []
    for file in sorted(Path(folder).glob("sentiment/*.jsonl")) + sorted(Path(folder).glob("language/*.jsonl")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            found += [(name, f"{file.name}:{number}") for name in known.like(json.loads(line)["text"])]
    assert found == []
