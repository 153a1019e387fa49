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
from operator import mul
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pipeline.lexicon.pack import PackError

BUCKETS = 1 << 16
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
LEAST_SHOWN = 0.5
"""A word is told if it counts as much as half a mild word of a pack."""
MOST_VALENCE = 4.0
"""A pack's own bounds."""

_WORDS = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|[!?]+|[^\w\s]")
_DIGITS = re.compile(r"\d")
_APOSTROPHES = str.maketrans("’‘`´", "''''")


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
    if pieces := _pieces(word):
        share = 1 / math.sqrt(len(pieces))
        for bucket in pieces:
            yield bucket, share


_PIECE = zlib.crc32(b"c")


def _pieces(word: str) -> list[int]:
    """Buckets of a word's pieces of 2 to 5 characters, its edges marked; each is hashed on from the one that is a character shorter."""
    if not word[0].isalnum():
        return []
    letters = [letter.encode("utf-8", "surrogatepass") for letter in f"<{word[:LONGEST_WORD]}>"]
    found = []
    for at in range(len(letters) - 1):
        sum_ = zlib.crc32(letters[at], _PIECE)
        for letter in letters[at + 1 : at + LONGEST_PIECE]:
            sum_ = zlib.crc32(letter, sum_)
            found.append(sum_ % BUCKETS)
    return found


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


class _Token:
    """What a raw token brings: its words, and what they and their pairs inside it add to the two sums.

    What is added to both is one complex number, polarity and neutrality: one object to fetch and one addition instead of two.
    """

    __slots__ = ("adds", "after", "count", "last", "moves", "words")

    def __init__(self, words: list[str], adds: complex, moves: float) -> None:
        self.words = words
        self.count = len(words)
        self.last = words[-1]
        self.adds = adds
        self.moves = moves
        """The most that one of its words, or a pair inside it, adds to polarity, whatever its sign."""
        self.after: dict[str, complex] = {}
        """Word before it → what the two neighbours add."""


class _Tokens(dict[str, _Token | None]):
    """Raw token → what it brings; None for one without any word."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self.words: dict[str, complex] = {}
        self.neighbours = 0

    def __missing__(self, raw: str) -> _Token | None:
        words = words_of(raw)
        token: _Token | None = None
        if words:
            sums = [self.word(word) for word in words] + [self.pair(first, second) for first, second in pairwise(words)]
            token = _Token(words, sum(sums), max(abs(one.real) for one in sums))
        if len(raw) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
                self.neighbours = 0
            self[raw] = token
        return token

    def met(self, token: _Token, last: str) -> complex:
        """What a token and the word before it add beside their own, for the first time."""
        pair = self.pair(last, token.words[0])
        if len(last) <= LONGEST_REMEMBERED:
            if self.neighbours >= REMEMBERED:
                for other in self.values():
                    if other is not None:
                        other.after.clear()
                self.neighbours = 0
            self.neighbours += last not in token.after
            token.after[last] = pair
        return pair

    def word(self, word: str) -> complex:
        """What a word adds to polarity and neutrality."""
        known = self.words.get(word)
        if known is None:
            known = self._of_word(word)
            if len(word) <= LONGEST_REMEMBERED:
                if len(self.words) >= REMEMBERED:
                    self.words.clear()
                self.words[word] = known
        return known

    def pair(self, first: str, second: str) -> complex:
        """What two neighbours add beside their words."""
        bucket = pair_feature(first, second)
        polarity, neutrality = self._model.header.scales
        return complex(polarity * self._model.polarity[bucket], neutrality * self._model.neutrality[bucket])

    def _of_word(self, word: str) -> complex:
        whole, pieces = _bucket("w" + word), _pieces(word)
        share = 1 / math.sqrt(len(pieces)) if pieces else 0.0
        polarity, neutrality = (
            scale * (weights[whole] + share * sum([weights[bucket] for bucket in pieces]))
            for weights, scale in zip((self._model.polarity, self._model.neutrality), self._model.header.scales, strict=True)
        )
        return complex(polarity, neutrality)


class LinearLayer:
    """One language's model at work."""

    def __init__(self, model: Model) -> None:
        self.header = model.header
        self._tokens = _Tokens(model)
        self._polarity, self._neutrality = tuple(model.header.polarity), tuple(model.header.neutrality)

    def judge(self, text: str, compound: float, valences: Sequence[float], vader: float = 0.0) -> Judgement:
        """Judge a text without links and handles, of which the pack says this."""
        tokens = list(filter(None, map(self._tokens.__getitem__, text.split())))
        sums = 0j
        moved = 0.0
        count = 0
        last: str | None = None
        for token in tokens:
            sums += token.adds
            count += token.count
            if token.moves > moved:
                moved = token.moves
            if last is not None:
                pair = token.after.get(last)
                if pair is None:
                    pair = self._tokens.met(token, last)
                if pair:
                    sums += pair
                    if not -moved <= pair.real <= moved:
                        moved = abs(pair.real)
            last = token.last
        share = 1 / math.sqrt(2 * count - 1) if count else 0.0
        given = figures(text, count, compound, valences, vader)
        positive = _sigmoid(sum(map(mul, self._polarity, given)) + sums.real * share)
        neutral = _sigmoid(sum(map(mul, self._neutrality, given)) + sums.imag * share)
        scale = share / self.header.valence
        words = self._moving(tokens, scale, LEAST_SHOWN) if moved * scale >= LEAST_SHOWN else []
        return Judgement((1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive, words)

    def moving(self, text: str, least: float) -> list[tuple[str, float]]:
        """Words and pairs that move polarity, each with the valence (``least`` or more) of a pack's word that would move it as far."""
        tokens = list(filter(None, map(self._tokens.__getitem__, text.split())))
        count = sum(token.count for token in tokens)
        return self._moving(tokens, 1 / math.sqrt(2 * count - 1) / self.header.valence, least) if count else []

    def _moving(self, tokens: Sequence[_Token], scale: float, least: float) -> list[tuple[str, float]]:
        found: list[tuple[str, float]] = []
        known = self._tokens
        least /= scale
        last: str | None = None
        for token in tokens:
            if last is not None:
                value = (token.after.get(last) or known.met(token, last)).real
                if value >= least or -value >= least:
                    found.append((f"{last} {token.words[0]}", _bounded(value * scale)))
            if token.moves >= least:
                before: str | None = None
                for word in token.words:
                    if before is not None and abs(value := known.pair(before, word).real) >= least:
                        found.append((f"{before} {word}", _bounded(value * scale)))
                    if word[0].isalnum() and abs(value := known.word(word).real) >= least:
                        found.append((word, _bounded(value * scale)))
                    before = word
            last = token.last
        return found


def _bounded(valence: float) -> float:
    return max(-MOST_VALENCE, min(MOST_VALENCE, valence))


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
