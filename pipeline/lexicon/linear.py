"""What a language's own words add to its pack: a small linear model, one file of 128 KB, whose answer is three calibrated probabilities.

Two sums over a text: how positive it is against negative, and how neutral. Both add up a few figures of the pack's answer and the weights
of its words; polarity those of pieces of words too. A token counts once, however often it is said:

    polarity   = spread · (figures·a + room · Σ tokens / √n)      P(positive | not neutral) = σ(polarity)
    neutrality = figures·b + room · Σ tokens / √n                 P(neutral)                = σ(neutrality)

with n the number of different tokens, as split at white space. Words decide where the pack is silent or torn: the surer it is, the less
``room`` it leaves them. And a long text is less sure than the sum of all that it says (``spread``): a verdict in ten words is the
text's, in a hundred it may be one of three. The file: a line of JSON (`Header`), then for either sum an int8 weight by bucket. What a
token weighs is worked out when it is first met, in steps of `STEP`, and remembered with all else that is known of it (`tokens.py`): no
numpy is needed.
"""

import math
import re
from array import array
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec
from msgspec import Struct

from pipeline.lexicon.pack import MOST_VALENCE, PackError
from pipeline.lexicon.units import Unit

BUCKETS = 1 << 16
PIECES = (3, 4)
"""Bytes of a piece of a word."""
LONGEST_WORD = 40
"""So much of a word is looked at."""
REMEMBERED_WORDS = 1 << 14
"""Words before all are forgotten: 4 MB a language."""

FIGURES = (
    "one", "compound", "absolute", "praise", "blame", "mixed", "silent", "last", "asks", "exclaims", "length", "vader", "judged", "long",
)  # fmt: skip
"""What is taken of the pack's answer and the text; see `figures`."""
MOST_SUMMED = 6.0
"""Of praise and of blame; beyond it more of the same says no more."""
JUDGED = 0.1
"""A compound that far from 0 is a verdict of the pack."""
SHORT = 20
"""So many words can be one verdict."""
VERDICT = 8
SPREAD = 0.35
"""So many different tokens may be one verdict; of more, the sum is divided by a root of their number, as gently as the sets
that were trained on ask: they are right more often in few words than in many."""
STEP = 1 / 256
"""Of what a token weighs: a hundredth of a weak word."""
MOST_SHARED = 4.0
"""What weighs more is no word's, but that of a long token: it is not shared, so that nobody can fill our memory with such numbers."""
LEAST_LOGIT = -700.0
"""Below it a probability is 0, and `math.exp` would overflow."""

_WORDS = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|[!?]+|[^\w\s]")
_DIGITS = re.compile(r"\d")
_APOSTROPHES = str.maketrans("’‘`´", "''''")


class Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a model but the weights of its buckets.

    ``pack``: digest of the pack it was trained on. ``trained_on``: set → sha256 of what was read. ``figures``: weights of `FIGURES` in the
    two sums. ``scales``: what an int8 step is worth in either. ``valence``: how far a pack's valence of 1 moves polarity.
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
    """A model as read from its file; the weights are signed bytes by bucket, for polarity of words and pieces, for neutrality of words."""

    header: Header
    polarity: "array[int]"
    neutrality: "array[int]"


class Judgement(Struct, frozen=True, gc=False):
    """Three probabilities that add up to 1; what a polarity of 1 is worth as a valence, and how far the strongest token moved it."""

    negative: float
    neutral: float
    positive: float
    worth: float
    most: float


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
    if header.version != 4 or len(weights) != 2 * BUCKETS or {len(header.polarity), len(header.neutrality)} != {len(FIGURES)}:
        raise PackError(f"{file}: a model of another version, or a damaged one; make it with `make train`")
    return Model(header, array("b", weights[:BUCKETS]), array("b", weights[BUCKETS:]))


def words_of(token: str) -> list[str]:
    """The words and signs of a raw token, in lower case, digits as 0, cut at `LONGEST_WORD`."""
    lower = token.lower()
    if lower.isalpha() and len(lower) <= LONGEST_WORD:
        return [lower]
    return [_DIGITS.sub("0", word[:LONGEST_WORD]) for word in _WORDS.findall(lower.translate(_APOSTROPHES))]


def word_bucket(word: str) -> int:
    """Bucket of a word as a whole."""
    return crc32(b"w" + word.encode("utf-8", "surrogatepass")) % BUCKETS


def word_features(word: str) -> tuple[int, list[int]]:
    """Buckets of a word, and of its pieces with the edges of the word marked. All pieces together count as much as the word itself."""
    whole = word_bucket(word)
    if not word[0].isalnum():
        return whole, []
    letters = b"<" + word.encode("utf-8", "surrogatepass") + b">"
    return whole, [crc32(letters[at : at + size]) % BUCKETS for size in PIECES for at in range(len(letters) - size + 1)]


def text_features(tokens: Sequence[str]) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Buckets and weights of all words of a text, and of all pieces of them: the plain form of what `LinearLayer` sums."""
    words: list[tuple[int, float]] = []
    pieces: list[tuple[int, float]] = []
    different = list(dict.fromkeys(tokens))
    for word in [word for token in different for word in words_of(token)]:
        whole, parts = word_features(word)
        words.append((whole, 1 / math.sqrt(len(different))))
        pieces += [(piece, 1 / math.sqrt(len(parts) * len(different))) for piece in parts]
    return words, pieces


MOST_WORDS = 400
_LENGTHS = tuple(math.log1p(words) / 4 for words in range(MOST_WORDS + 1))
_LONG = tuple(math.log(max(words / SHORT, 1.0)) for words in range(MOST_WORDS + 1))
_SPREADS: tuple[float, ...] = tuple(min(1.0, (VERDICT / max(words, 1)) ** SPREAD) for words in range(MOST_WORDS + 1))


def room(compound: float) -> float:
    """How much the words of a text count beside a pack's answer: from 1, where it is silent, to 0."""
    return 1.0 - abs(compound)


def spread(different: int) -> float:
    """How much of what a text of so many different tokens comes to is meant as one verdict."""
    return _SPREADS[different if different < MOST_WORDS else MOST_WORDS]


def figures(text: str, words: int, compound: float, hits: Sequence[tuple[str, float]], vader: float) -> list[float]:
    """`FIGURES` of a text of so many tokens, by the pack's compound and its hits; each is bounded."""
    praise = blame = valence = 0.0
    for _, valence in hits:
        if valence > 0:
            praise += valence
        else:
            blame -= valence
    # no min, max: a call each is a third of what all of this costs
    praise = (praise if praise < MOST_SUMMED else MOST_SUMMED) / 3
    blame = (blame if blame < MOST_SUMMED else MOST_SUMMED) / 3
    last = valence / 2
    words, absolute = words if words < MOST_WORDS else MOST_WORDS, abs(compound)
    return [
        1.0,
        compound,
        absolute,
        praise,
        blame,
        praise if praise < blame else blame,
        0.0 if hits else 1.0,
        -1.0 if last < -1.0 else 1.0 if last > 1.0 else last,
        1.0 if "?" in text else 0.0,
        1.0 if "!" in text else 0.0,
        _LENGTHS[words],
        vader,
        1.0 if absolute >= JUDGED else 0.0,
        absolute * _LONG[words],
    ]


class _Words(dict[str, float]):
    """Word in lower case → what it adds to a sum. Half of all new tokens are a known word with a comma, a capital, other digits."""

    def __init__(self, weights: "array[int]", scale: float, *, pieces: bool) -> None:
        super().__init__()
        self._weights, self._scale, self._pieces = weights, scale, pieces

    def __missing__(self, word: str) -> float:
        weights = self._weights
        whole, pieces = word_features(word) if self._pieces else (word_bucket(word), [])
        of_pieces = sum([weights[piece] for piece in pieces]) / math.sqrt(len(pieces)) if pieces else 0.0
        if len(self) >= REMEMBERED_WORDS:
            self.clear()
        self[word] = weight = self._scale * (weights[whole] + of_pieces)
        return weight


_steps: dict[float, float] = {}


def _stepped(weight: float) -> float:
    """A weight, rounded to a number that tokens share: many tokens then weigh what is in the processor's cache already."""
    rounded = round(weight / STEP) * STEP
    return _steps.setdefault(rounded, rounded) if abs(rounded) <= MOST_SHARED else rounded


class LinearLayer:
    """One language's model at work."""

    def __init__(self, model: Model) -> None:
        header, polarity, neutrality = model
        self.header = header
        self._polarity, self._neutrality = (
            [(place, weight) for place, weight in enumerate(weights) if weight] for weights in (header.polarity, header.neutrality)
        )
        self._of_word = _Words(polarity, header.scales[0], pieces=True)
        self._neutral = _Words(neutrality, header.scales[1], pieces=False)

    def weigh(self, token: str) -> tuple[float, float]:
        """What a raw token adds to polarity and to neutrality, in steps of `STEP`."""
        words = words_of(token)
        return _stepped(sum(map(self._of_word.__getitem__, words))), _stepped(sum(map(self._neutral.__getitem__, words)))

    def judge(
        self,
        text: str,
        tokens: Sequence[str],
        known: Sequence[Unit],
        compound: float,
        hits: Sequence[tuple[str, float]],
        vader: float = 0.0,
    ) -> Judgement:
        """Judge a text without links and handles, as it is and split at white space, of which the pack says this.

        ``known``: each token, with what `weigh` said of it.
        """
        given = figures(text, len(tokens), compound, hits, vader)
        polarity, neutrality = _weighed(self._polarity, given), _weighed(self._neutrality, given)
        worth = moved = stilled = most = 0.0
        different = dict(zip(tokens, known, strict=True)).values()  # each token once
        for token in different:
            by = token.polarity
            moved += by
            stilled += token.neutrality
            if by > most:
                most = by
            elif by < -most:
                most = -by
        if different:
            share = room(compound) / math.sqrt(len(different))
            polarity = spread(len(different)) * (polarity + share * moved)
            neutrality += share * stilled
            worth = share / self.header.valence
        positive = 1 / (1 + math.exp(-polarity)) if polarity > LEAST_LOGIT else 0.0
        neutral = 1 / (1 + math.exp(-neutrality)) if neutrality > LEAST_LOGIT else 0.0
        return Judgement((1 - neutral) * (1 - positive), neutral, (1 - neutral) * positive, worth, worth * most)

    def moving(self, tokens: Sequence[str], known: Sequence[Unit], worth: float, least: float) -> list[tuple[str, float]]:
        """Words that move polarity, each with the valence (``least`` or more) of a pack's word that would; ``worth``: see `Judgement`."""
        found: dict[str, float] = {}
        for raw, token in dict(zip(tokens, known, strict=True)).items():
            if raw.isascii() and raw.isalpha() and abs(token.polarity * worth) < least:
                continue  # one word, of which this is all
            for word in words_of(raw):
                if word[0].isalnum() and word not in found and abs(value := self._of_word[word] * worth) >= least:
                    found[word] = max(-MOST_VALENCE, min(MOST_VALENCE, value))
        return list(found.items())


def _weighed(weights: Sequence[tuple[int, float]], given: Sequence[float]) -> float:
    """The sum of those figures that have a weight."""
    total = 0.0
    for place, weight in weights:
        total += weight * given[place]
    return total
