"""Reads the sentiment engines' data: VADER's from its package, packs from `pipeline/lexicon`."""

from importlib.resources import files
from typing import Literal

from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES

from pipeline.lexicon.pack import Pack, parse_pack
from pipeline.lexicon.scorer import PackScorer
from pipeline.sentiment import EnglishScorer, PackSentiment, Polyglot, Scorer, SentimentEngine, VaderScorer
from pipeline.vader import VaderData, VaderRules

Engine = Literal["vader", "pack", "full"]
"""``vader``: English as the package scores it, nothing else. ``pack``: rules and lexicons. ``full``: the best there is."""

PACKS = ("nl", "es")


def load_vader() -> VaderData:
    """Lexicon, emoji and word lists of the installed vaderSentiment."""
    folder = files("vaderSentiment")
    return VaderData(
        valences={word: float(valence) for word, valence in _columns((folder / "vader_lexicon.txt").read_text("utf-8"))},
        emoji=dict(_columns((folder / "emoji_utf8_lexicon.txt").read_text("utf-8"))),
        boosters=BOOSTER_DICT,
        negations=frozenset(NEGATE),
        idioms=SPECIAL_CASES,
    )


def _columns(content: str) -> list[tuple[str, str]]:
    """The first two columns, stripped and split as the package does."""
    rows = (line.strip().split("\t") for line in content.rstrip("\n").split("\n") if line)
    return [(row[0], row[1]) for row in rows]


def load_pack(language: str) -> Pack:
    """The pack of one of `PACKS`.

    Raises:
        PackError: one of its files is wrong.
    """
    lexicon = files("pipeline.lexicon")
    rules, words, phrases, base = (
        (lexicon / language / name).read_bytes() for name in ("rules.toml", "words.toml", "phrases.toml", "base.tsv")
    )
    return parse_pack(rules=rules, words=words, phrases=phrases, base=base, signs=(lexicon / "signs.toml").read_bytes())


def load_engine(engine: Engine = "full") -> SentimentEngine:
    """A sentiment engine with its data."""
    rules = VaderRules(load_vader())
    if engine == "vader":
        return Polyglot({"en": VaderScorer(rules)})
    scorers: dict[str, Scorer] = {language: PackSentiment(PackScorer(load_pack(language))) for language in PACKS}
    return Polyglot(scorers | {"en": EnglishScorer(rules)})
