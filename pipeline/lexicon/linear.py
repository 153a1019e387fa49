"""What a language's own words add to its pack: a small linear model, one file of 128 KB, whose answer is three calibrated probabilities.

Two sums over a text: how positive it is against negative, and how neutral. Each adds the weights of a few figures of the pack's answer to
those of words, word pairs and pieces of words (2 to 5 characters). Every feature belongs to one word or one pair of neighbours, so what
a word is worth is worked out once and remembered; at run time nothing is vectorised, and no numpy is needed.

    polarity   = figures·a + Σ words / √n        P(positive | not neutral) = σ(polarity)
    neutrality = figures·b + Σ words / √n        P(neutral)                = σ(neutrality)

with n the number of words and pairs. The file: a line of JSON (`Header`), then the int8 weights of polarity and of neutrality by bucket.
"""

import math
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from pipeline.lexicon.pack import PackError

BUCKETS = 1 << 16
SHORTEST_PIECE = 2
LONGEST_PIECE = 5
LONGEST_WORD = 40
"""Of a longer one only so much is taken to pieces."""
REMEMBERED = 1 << 16
LONGEST_REMEMBERED = 40
"""Longer tokens are looked at anew each time: nobody can fill our memory with them."""

FIGURES = (
    "one", "compound", "absolute", "praise", "blame", "mixed", "silent", "last", "asks", "exclaims", "length", "vader",
)  # fmt: skip
"""What is taken of the pack's answer and the text; see `figures`."""
MOST_SUMMED = 6.0
"""Of praise and of blame; beyond it more of the same says no more."""
LEAST_MOVE = 0.15
"""Words that count less, as valence, are not told at all."""
MOST_VALENCE = 4.0
"""A pack's own bounds."""

_WORDS = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|[!?]+|[^\w\s]")
_DIGITS = re.compile(r"\d")
_APOSTROPHES = str.maketrans("’‘`´", "''''")
K = TypeVar("K")
V = TypeVar("V")


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a model but the weights of its buckets.

    ``pack``: digest of the pack it was trained on. ``trained_on``: set → sha256 of what was read. ``figures``: weights of `FIGURES` in the
    two sums. ``scales``: what an int8 step is worth in each. ``valence``: how far a pack's valence of 1 moves polarity.
    """

    version: int
    language: str
    pack: str
    trained_on: dict[str, str]
    polarity: list[float]
    neutrality: list[float]
    scales: tuple[float, float]
    valence: float


class Model(NamedTuple):
    """A model as read from its file; the weights are signed bytes."""

    header: Header
    polarity: memoryview
    neutrality: memoryview


class Judgement(NamedTuple):
    """Three probabilities that add up to 1, and the words that moved them: text, valence on the pack's scale, in the text's order."""

    negative: float
    neutral: float
    positive: float
    words: list[tuple[str, float]]


def parse_model(content: bytes, *, file: str = "linear.bin") -> Model:
    """Read a model's file.

    Raises:
        PackError: it is not one of this version, or damaged.
    """
    line, _, weights = content.partition(b"\n")
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{file}: not a model ({error}); make it with `make train`") from None
    if header.version != 1 or len(weights) != 2 * BUCKETS or {len(header.polarity), len(header.neutrality)} != {len(FIGURES)}:
        raise PackError(f"{file}: a model of another version, or a damaged one; make it with `make train`")
    whole = memoryview(weights).cast("b")
    return Model(header, whole[:BUCKETS], whole[BUCKETS:])


def words_of(token: str) -> list[str]:
    """The words and signs of a raw token, in lower case, digits as 0."""
    return [_DIGITS.sub("0", word) for word in _WORDS.findall(token.translate(_APOSTROPHES).lower())]


def word_features(word: str) -> Iterator[tuple[int, float]]:
    """Buckets and weights of a word by itself: the word whole, and all its pieces together as much again."""
    yield _bucket("w" + word), 1.0
    if word[0].isalnum():
        whole = f"<{word[:LONGEST_WORD]}>"
        pieces = [
            whole[at : at + size]
            for size in range(SHORTEST_PIECE, LONGEST_PIECE + 1)
            for at in range(len(whole) - size + 1)
        ]  # fmt: skip
        share = 1 / math.sqrt(len(pieces))
        for piece in pieces:
            yield _bucket("c" + piece), share


def pair_feature(first: str, second: str) -> int:
    """Bucket of two neighbours."""
    return _bucket(f"p{first} {second}")


def _bucket(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS


def figures(text: str, words: int, compound: float, valences: Sequence[float], vader: float) -> list[float]:
    """`FIGURES` of a text of so many words, by the pack's compound and the valences of its hits; each is bounded."""
    praise = blame = 0.0
    for valence in valences:
        if valence > 0:
            praise += valence
        else:
            blame -= valence
    praise, blame = min(praise, MOST_SUMMED) / 3, min(blame, MOST_SUMMED) / 3
    return [
        1.0,
        compound,
        abs(compound),
        praise,
        blame,
        min(praise, blame),
        0.0 if valences else 1.0,
        max(-1.0, min(1.0, valences[-1] / 2)) if valences else 0.0,
        1.0 if "?" in text else 0.0,
        1.0 if "!" in text else 0.0,
        math.log1p(min(words, 400)) / 4,
        vader,
    ]


class _Token(NamedTuple):
    """What a raw token brings: its words, and what they and their pairs inside it add to the two sums."""

    words: tuple[str, ...]
    polarity: float
    neutrality: float


class _Tokens(dict[str, _Token]):
    """Raw token → what it brings."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self.words: dict[str, tuple[float, float]] = {}
        self.pairs: dict[tuple[str, str], tuple[float, float]] = {}

    def __missing__(self, raw: str) -> _Token:
        words = tuple(words_of(raw))
        sums = [self.word(word) for word in words] + [self.pair(first, second) for first, second in pairwise(words)]
        token = _Token(words, math.fsum(one for one, _ in sums), math.fsum(other for _, other in sums))
        if len(raw) <= LONGEST_REMEMBERED:
            _remember(self, raw, token)
        return token

    def word(self, word: str) -> tuple[float, float]:
        """What a word adds to polarity and neutrality."""
        known = self.words.get(word)
        if known is None:
            known = self._weights(list(word_features(word)))
            if len(word) <= LONGEST_REMEMBERED:
                _remember(self.words, word, known)
        return known

    def pair(self, first: str, second: str) -> tuple[float, float]:
        """What two neighbours add beside their words."""
        known = self.pairs.get((first, second))
        if known is None:
            known = self._weights([(pair_feature(first, second), 1.0)])
            if len(first) + len(second) <= LONGEST_REMEMBERED:
                _remember(self.pairs, (first, second), known)
        return known

    def _weights(self, features: Sequence[tuple[int, float]]) -> tuple[float, float]:
        model = self._model
        polarity, neutrality = model.header.scales
        return (
            polarity * math.fsum(model.polarity[bucket] * weight for bucket, weight in features),
            neutrality * math.fsum(model.neutrality[bucket] * weight for bucket, weight in features),
        )


def _remember(known: dict[K, V], key: K, value: V) -> None:
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value


class LinearLayer:
    """One language's model at work."""

    def __init__(self, model: Model) -> None:
        self.header = model.header
        self._tokens = _Tokens(model)

    def judge(self, text: str, compound: float, valences: Sequence[float], vader: float = 0.0) -> Judgement:
        """Judge a text without links and handles, of which the pack says this."""
        tokens = list(map(self._tokens.__getitem__, text.split()))
        polarity = neutrality = 0.0
        count = 0
        pair, last = self._tokens.pair, None
        for token in tokens:
            words = token.words
            if words:
                polarity += token.polarity
                neutrality += token.neutrality
                count += len(words)
                if last is not None:
                    more = pair(last, words[0])
                    polarity += more[0]
                    neutrality += more[1]
                last = words[-1]
        share = 1 / math.sqrt(2 * count - 1) if count else 0.0
        given = figures(text, count, compound, valences, vader)
        header = self.header
        positive = _sigmoid(sum(map(_times, header.polarity, given)) + polarity * share)
        neutral = _sigmoid(sum(map(_times, header.neutrality, given)) + neutrality * share)
        return Judgement((1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive, self._moving(tokens, share / header.valence))

    def _moving(self, tokens: Sequence[_Token], scale: float) -> list[tuple[str, float]]:
        """Words and pairs that move polarity, each with the valence of a pack's word that would move it as far."""
        least = LEAST_MOVE / scale if scale else math.inf
        found: list[tuple[str, float]] = []
        known, pairs = self._tokens.words, self._tokens.pairs
        last: str | None = None
        for token in tokens:
            for word in token.words:
                if last is not None and (pair := pairs.get((last, word))) is not None and not -least < pair[0] < least:
                    found.append((f"{last} {word}", _bounded(pair[0] * scale)))
                if (single := known.get(word)) is not None and not -least < single[0] < least and word[0].isalnum():
                    found.append((word, _bounded(single[0] * scale)))
                last = word
        return found


def _bounded(valence: float) -> float:
    return max(-MOST_VALENCE, min(MOST_VALENCE, valence))


def _times(weight: float, figure: float) -> float:
    return weight * figure


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
