"""Reads the sentiment engines' data: VADER's from its package, packs from `pipeline/lexicon`."""

import hashlib
from importlib.resources import files
from typing import Literal

from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES

from pipeline.layered import LayeredScorer
from pipeline.lexicon.linear import LinearLayer, parse_model
from pipeline.lexicon.own_words import OwnWords, with_own_words
from pipeline.lexicon.pack import Pack, parse_pack
from pipeline.lexicon.scorer import PackScorer
from pipeline.sentiment import EnglishScorer, PackSentiment, Polyglot, Scorer, SentimentEngine, VaderScorer
from pipeline.vader import VaderData, VaderRules

Engine = Literal["vader", "pack", "full"]
"""``vader``: English as the package scores it, nothing else. ``pack``: rules and lexicons. ``full``: the best there is."""

LAYER = "linear.bin"
PACKS = ("nl", "de", "fr", "es", "it", "pt")
LANGUAGES = (*PACKS, "en")
NO_WORDS: OwnWords = {}


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


def load_pack_scorers(own_words: OwnWords = NO_WORDS) -> dict[str, Scorer]:
    """Every language by its pack alone, with a deployment's own words; English by VADER, which knows no phrases of theirs."""
    scorers: dict[str, Scorer] = {
        language: PackSentiment(PackScorer(with_own_words(load_pack(language), own_words.get(language, {})))) for language in PACKS
    }
    data = load_vader()
    own = {forms[0]: valence for forms, valence in own_words.get("en", {}).items() if len(forms) == 1}
    ours = VaderRules(data._replace(valences={**data.valences, **own})) if own else None
    return scorers | {"en": EnglishScorer(VaderRules(data), ours)}


def load_layer(language: str) -> LinearLayer | None:
    """The linear layer of a language, if it has one.

    Raises:
        PackError: its file is damaged.
    """
    file = files("pipeline.lexicon") / language / LAYER
    return LinearLayer(parse_model(file.read_bytes(), file=f"{language}/{LAYER}")) if file.is_file() else None


def pack_digest(language: str) -> str:
    """Names this version of the files that a language's pack is made of: a layer goes with the pack it was trained on."""
    lexicon = files("pipeline.lexicon")
    found = hashlib.blake2b(digest_size=8)
    for name in (f"{language}/rules.toml", f"{language}/words.toml", f"{language}/phrases.toml", f"{language}/base.tsv", "signs.toml"):
        file = lexicon / name
        found.update(name.encode() + b"\0" + (file.read_bytes() if file.is_file() else b"") + b"\0")
    return found.hexdigest()


def load_engine(engine: Engine = "full", own_words: OwnWords = NO_WORDS) -> SentimentEngine:
    """A sentiment engine with its data, and a deployment's own words (``vader`` is the package and has none)."""
    if engine == "vader":
        return Polyglot({"en": VaderScorer(VaderRules(load_vader()))})
    scorers = load_pack_scorers(own_words)
    if engine == "full":
        scorers |= {language: LayeredScorer(base, layer) for language, base in scorers.items() if (layer := load_layer(language))}
    return Polyglot(scorers)
