"""From the sentence pools in `texts/` to posts: a sentence or two, filled, framed and mistyped the way its writer does."""

import json
import re
import tomllib
from functools import cache
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

LANGUAGES = ("nl", "en", "de", "fr")
TEXTS = Path(__file__).parent / "texts"
TOPICS = ("outage", "billing", "leak", "recall", "staff", "price")

LABELLED = Path(__file__).parents[1] / "texts"
HARD, HARD_IN_CRISES = 0.4, 0.3
"""Shares of posts that are drawn from the held-back labelled texts instead of the pools: on those the sentiment stage errs as it does."""

_LABELS = {
    "complaint": "negative",
    "mild": "negative",
    "sarcasm": "negative",
    "praise": "positive",
    "question": "neutral",
    "neutral": "neutral",
}

_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[^\W\d_]{5,}")
_EMOJI = {"bad": ("😡", "🙄", "😤", "👎"), "good": ("😊", "👍", "🙏", "❤️"), "flat": ("🤔", "👀", "🙂")}
_BAD = frozenset({"complaint", "sarcasm", "mild", "follow_bad", "bot", *TOPICS})
_GOOD = frozenset({"praise", "viral_praise", "follow_good"})


class Habits(NamedTuple):
    """How somebody types; shares in [0, 1]."""

    slips: float
    lower: bool
    bare: bool
    emoji: float


def habits(rng: Random) -> Habits:
    """One of many ways to type."""
    careful = rng.random() < 0.5
    return Habits(
        slips=0.01 if careful else rng.choice((0.03, 0.07, 0.15)),
        lower=not careful and rng.random() < 0.4,
        bare=not careful and rng.random() < 0.4,
        emoji=rng.choice((0.0, 0.05, 0.2, 0.5)),
    )


@cache
def pool(language: str) -> dict[str, Any]:
    """All sentences and slots of a language, sentences by tone or topic."""
    parsed = tomllib.loads((TEXTS / f"{language}.toml").read_text("utf-8"))
    return {"slots": parsed["slots"], "things": parsed["things"], **parsed["say"], **parsed["crisis"], **parsed["other"]}


@cache
def held_back(language: str) -> dict[str, list[str]]:
    """Texts by label of the fifth that no word list and no training has seen. They are drawn by chance, and read by nobody."""
    out: dict[str, list[str]] = {"negative": [], "neutral": [], "positive": []}
    for file in sorted(LABELLED.glob(f"{language}-*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            given = json.loads(line)
            if int.from_bytes(blake2b(given["id"].encode(), digest_size=8).digest(), "big") % 5 == 0:
                out[given["label"]].append(given["text"])
    return out


class Wording:
    """Writes the texts of one brand."""

    def __init__(self, name: str, sector: str, rng: Random) -> None:
        self._name = name
        self._sector = sector
        self._rng = rng

    def text(self, tone: str, language: str, how: Habits, *, long: bool = False) -> str:
        """A post in this tone (a key of the pool). ``long``: of several sentences, as in a mail."""
        rng, said = self._rng, pool(language)
        label = "negative" if tone in TOPICS else _LABELS.get(tone)
        if label is not None and rng.random() < (HARD_IN_CRISES if tone in TOPICS else HARD):
            return rng.choice(held_back(language)[label])
        parts = [self._sentence(said[tone], language)]
        # A second sentence of the same tone, or for complaints on a topic one of general annoyance.
        more = rng.choice((1, 2, 3)) if long else int(rng.random() < 0.25)
        parts.extend(self._sentence(said["complaint" if tone in TOPICS else tone], language) for _ in range(more))
        if rng.random() < (0.8 if long else 0.12):
            parts.insert(0, self._sentence(said["opener"], language))
        if rng.random() < (0.7 if long else 0.22):
            parts.append(self._sentence(said["tail"], language))
        text = " ".join(parts)
        if rng.random() < how.emoji:
            text += " " + rng.choice(_EMOJI["bad" if tone in _BAD else "good" if tone in _GOOD else "flat"])
        return self._typed(text, how)

    def plain(self, tone: str, language: str) -> str:
        """One careful sentence: what a press office or the brand itself writes."""
        return self._sentence(pool(language)[tone], language)

    def _sentence(self, sentences: list[str], language: str) -> str:
        said = pool(language)

        def fill(match: re.Match[str]) -> str:
            slot = match.group(1)
            if slot == "brand":
                return self._name
            if slot == "tag":
                return self._name.lower()
            return str(self._rng.choice(said["things"][self._sector] if slot == "thing" else said["slots"][slot]))

        text = _SLOT.sub(fill, self._rng.choice(sentences))
        return text[0].upper() + text[1:]

    def _typed(self, text: str, how: Habits) -> str:
        rng = self._rng

        def slip(match: re.Match[str]) -> str:
            word = match.group()
            if rng.random() >= how.slips or word.startswith(self._name[:5]):
                return word
            at = rng.randrange(1, len(word) - 1)
            return rng.choice(
                (word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at] + word[at:])
            )

        text = _WORD.sub(slip, text)
        if how.bare:
            text = text.rstrip(".").replace(",", "")
        return text.lower() if how.lower else text
