"""Reads the sentiment engines' data: VADER's from its package, packs from `pipeline/lexicon`."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES

from pipeline.layered import LayeredScorer
from pipeline.lexicon.function_words import FUNCTION_WORDS
from pipeline.lexicon.linear import LinearLayer, parse_model
from pipeline.lexicon.own_words import OwnWords, with_own_words
from pipeline.lexicon.pack import Pack, PackError, parse_pack, refuse_two_valences
from pipeline.lexicon.scorer import PackScorer
from pipeline.lexicon.tokens import no_weights
from pipeline.lexicon.units import BASE_SCALE
from pipeline.sentiment import EnglishScorer, PackSentiment, Polyglot, Reader, SentimentEngine, VaderScorer
from pipeline.vader import VaderData, VaderRules

Engine = Literal["vader", "pack", "full"]
"""``vader``: English as the package scores it, nothing else. ``pack``: rules and lexicons. ``full``: the best there is."""

LAYER = "linear.bin"
LANGUAGES = ("nl", "en", "de", "fr", "es", "it", "pt")
"""Those that have a pack."""
NO_WORDS: OwnWords = {}
NO_LAYERS: Mapping[str, LinearLayer] = {}


@cache
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
    """The pack of one of `LANGUAGES`; the English one stands on VADER's lexicon.

    Raises:
        PackError: one of its files is wrong; the message names the language first.
    """
    lexicon = files("pipeline.lexicon")
    rules, words, phrases = ((lexicon / language / name).read_bytes() for name in ("rules.toml", "words.toml", "phrases.toml"))
    try:
        return parse_pack(rules=rules, words=words, phrases=phrases, base=_base(language), signs=(lexicon / "signs.toml").read_bytes())
    except PackError as error:
        raise PackError(f"{language}: {error}") from None


def check_packs() -> None:
    """Read all that sentiment is judged by, with what there is no time for when it is loaded.

    Raises:
        PackError: a file is wrong; the message names language, file and entry.
    """
    for language in LANGUAGES:
        pack = load_pack(language)
        try:
            refuse_two_valences(pack.phrases)
        except PackError as error:
            raise PackError(f"{language}: phrases.toml: {error}") from None
        load_layer(language)


def _base(language: str) -> bytes:
    """The general lexicon below a pack's own words; for English the words of VADER's (its emoticons are in `signs.toml`)."""
    if language != "en":
        return (files("pipeline.lexicon") / language / "base.tsv").read_bytes()
    words = {word: valence for word, valence in load_vader().valences.items() if word.isalpha()}
    return "".join(f"{word}\t{valence / BASE_SCALE:.3f}\n" for word, valence in words.items()).encode()


def load_pack_scorers(own_words: OwnWords = NO_WORDS, layers: Mapping[str, LinearLayer] = NO_LAYERS) -> dict[str, Reader]:
    """Every language by its pack alone, with a deployment's own words; English with VADER's figures beside it. Tokens are found with what
    they weigh in the layers."""
    packs = {
        language: PackScorer(
            with_own_words(load_pack(language), own_words.get(language, {})),
            FUNCTION_WORDS.get(language, ()),
            layers[language].weigh if language in layers else no_weights,
        )
        for language in LANGUAGES
    }
    scorers: dict[str, Reader] = {language: PackSentiment(pack) for language, pack in packs.items()}
    return scorers | {"en": EnglishScorer(packs["en"], VaderRules(load_vader()))}


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
    names = (f"{language}/rules.toml", f"{language}/words.toml", f"{language}/phrases.toml", f"{language}/base.tsv", "signs.toml")
    for name in names:
        content = _base(language) if name.endswith(".tsv") else (lexicon / name).read_bytes()
        found.update(name.encode() + b"\0" + content + b"\0")
    return found.hexdigest()


def load_engine(engine: Engine = "full", own_words: OwnWords = NO_WORDS) -> SentimentEngine:
    """A sentiment engine with its data, and a deployment's own words (``vader`` is the package and has none)."""
    if engine == "vader":
        return Polyglot({"en": VaderScorer(VaderRules(load_vader()))})
    if engine == "pack":
        return Polyglot(load_pack_scorers(own_words))
    layers = {language: layer for language in LANGUAGES if (layer := load_layer(language)) is not None}
    scorers = load_pack_scorers(own_words, layers)
    return Polyglot(scorers | {language: LayeredScorer(scorers[language], layer) for language, layer in layers.items()})
