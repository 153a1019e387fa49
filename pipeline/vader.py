"""VADER, exactly: the four figures of vaderSentiment 3.3.2, at a fraction of its cost and never quadratic.

The package looks every word up some twenty times and copies the whole text at each hit. Here each token is looked up once, in a table
from raw token to a shared record (None for the great majority, plain words), and the rules run only where the lexicon has a word.
Order of summation and rounding are the package's, so the figures are equal to the last bit; the package itself is the oracle of the
tests. Its known faults are kept here on purpose: what is ours to judge is judged elsewhere.

Source: C.J. Hutto and E.E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014.
"""

import math
import re
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from schemas.mention import Vader

CAPITALS = 0.733
NEGATED = -0.74
WIDEST_GAP = 0x1000
REMEMBERED_TOKENS = 1 << 16
LONGEST_REMEMBERED = 40
"""Longer tokens are looked up anew each time: nobody can fill our memory with them."""


class VaderData(NamedTuple):
    """The package's data: lexicon, emoji with their descriptions, degree words, negations, and idioms that hold a lexicon word."""

    valences: Mapping[str, float]
    emoji: Mapping[str, str]
    boosters: Mapping[str, float]
    negations: frozenset[str]
    idioms: Mapping[str, float]


class Word:
    """All that the rules ask of a token."""

    __slots__ = ("alone", "booster", "form", "idiom", "lower", "negates", "upper", "valence")

    def __init__(self, form: str, data: VaderData, idiom_words: frozenset[str]) -> None:
        self.form = form
        self.lower = form.lower()
        self.upper = form.isupper()
        self.valence = data.valences.get(self.lower)
        self.booster = data.boosters.get(self.lower)
        self.negates = self.lower in data.negations or "n't" in self.lower
        self.idiom = self.lower in idiom_words
        self.alone = not self.idiom and self.lower != "no"
        """Whether it says what it says where only plain words stand before it."""


_RULE_WORDS = frozenset({"but", "kind", "of", "or", "nor", "at", "very", "least", "never", "so", "this", "without", "doubt"})
"""Words that rules ask for by name."""


_ALSO_TURN = frozenset({"no", "least"})
"""Words beside the negations that turn round what follows."""


class _Words(dict[str, Word | None]):
    """Raw token → its record, or None for a word without any part in the rules."""

    def __init__(self, data: VaderData) -> None:
        super().__init__()
        self._data = data
        phrases = (*data.idioms, *(booster for booster in data.boosters if " " in booster))
        self._idiom_words = frozenset(word for phrase in phrases for word in phrase.split(" "))
        self._known = _RULE_WORDS.union(data.valences, data.boosters, data.negations, self._idiom_words)

    def __missing__(self, token: str) -> Word | None:
        stripped = token.strip(string.punctuation)
        form = stripped if len(stripped) > 2 else token  # what is left of an emoticon is too short
        lower = form.lower()
        word = Word(form, self._data, self._idiom_words) if lower in self._known or "n't" in lower else None
        if len(token) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED_TOKENS:
                self.clear()
            self[token] = word
        return word


class VaderRules:
    """The rules over one set of data."""

    def __init__(self, data: VaderData) -> None:
        self._emoji = data.emoji
        self._idioms = data.idioms
        self._boosters = data.boosters
        self._words = _Words(data)
        self._sign = re.compile(f"[{_ranges(ord(sign) for sign in data.emoji if len(sign) == 1)}]")

    def score(self, text: str) -> tuple[Vader, list[tuple[str, float]]]:
        """The four figures of a text, and each word that moved them with its final valence, in order. Nothing is cut off.

        A word that a negation turns round is told with it, and with what stands between.
        """
        figures, tokens, found, valences = self._score(text, None)
        word_at = dict(found)
        return figures, [(_told(i, valence, word_at, tokens), valence) for i, valence in sorted(valences.items())]

    def figures(self, text: str, tokens: Sequence[str] | None = None) -> Vader:
        """The four figures of a text; ``tokens``: the text split at white space, where it is at hand."""
        return self._score(text, tokens)[0]

    def _score(
        self, text: str, tokens: Sequence[str] | None
    ) -> tuple[Vader, Sequence[str], Sequence[tuple[int, Word]], Mapping[int, float]]:
        """The figures; all tokens; and the words of the rules with the valences of those that moved them, by position."""
        if not text.isascii():
            described = self._sign.sub(self._describe, text)
            if described != text:
                text, tokens = described, None
        if tokens is None:
            tokens = text.split()
        if not tokens:
            return NOTHING, (), (), {}
        words = list(map(self._words.__getitem__, tokens))
        found = [(i, word) for i, word in enumerate(words) if word is not None]
        valences = self._valences(words, found, tokens) if found else {}
        if not valences:
            return PLAIN, (), (), {}
        return _figures(valences.values(), len(tokens) - len(valences), _emphasis(text)), tokens, found, valences

    def _describe(self, match: re.Match[str]) -> str:
        sign = match[0]
        description = self._emoji.get(sign)
        if description is None:
            return sign
        start = match.start()
        return description if start == 0 or match.string[start - 1] == " " else f" {description}"

    def _valences(self, words: Sequence[Word | None], found: Sequence[tuple[int, Word]], tokens: Sequence[str]) -> dict[int, float]:
        """Position → valence, after all rules, of the words whose valence is not 0."""
        mixed_case = False
        for _, word in found:
            if word.upper:
                mixed_case = 0 < sum(map(str.isupper, tokens)) < len(tokens)
                break
        valences: dict[int, float] = {}
        but: int | None = None
        for i, word in found:
            if word.valence is None:
                if but is None and word.lower == "but":
                    but = i
            elif word.booster is None and not (word.lower == "kind" and _lower(words, i + 1) == "of"):
                valence = self._valence(word, words, i, mixed_case)
                if valence != 0:
                    valences[i] = valence
        if but is not None:
            _weigh_around(but, valences)
        return valences

    def _valence(self, word: Word, words: Sequence[Word | None], i: int, mixed_case: bool) -> float:
        assert word.valence is not None
        one = words[i - 1] if i > 0 else None
        two = words[i - 2] if i > 1 else None
        three = words[i - 3] if i > 2 else None
        valence = word.valence
        if word.alone and one is None and two is None and three is None:
            return valence if not (word.upper and mixed_case) else valence + CAPITALS if valence > 0 else valence - CAPITALS
        if word.lower == "no" and i + 1 < len(words) and (after := words[i + 1]) is not None and after.valence is not None:
            valence = 0.0
        if (
            (one is not None and (one.lower == "no" or (one.lower in ("or", "nor") and three is not None and three.lower == "no")))
            or (two is not None and two.lower == "no")
        ):  # fmt: skip
            valence = word.valence * NEGATED
        if word.upper and mixed_case:
            valence = valence + CAPITALS if valence > 0 else valence - CAPITALS
        if one is not None and one.valence is None:
            if one.booster is not None:
                valence += _boost(one, valence, mixed_case)
            if one.negates:
                valence *= NEGATED
        if two is not None and two.valence is None:
            if two.booster is not None:
                valence += _boost(two, valence, mixed_case) * 0.95
            if two.negates:
                valence *= _negation(two, one)
        if i > 2 and (three is None or three.valence is None):
            if three is not None and three.booster is not None:
                valence += _boost(three, valence, mixed_case) * 0.9
            if one is not None and one.lower in ("so", "this"):
                valence *= 1.25  # the package asks for "never" only beside the other pair; kept
            elif three is not None and three.negates:
                valence *= _negation(three, two, one)
            if word.idiom or (one is not None and one.idiom) or (two is not None and two.idiom):
                valence = self._idiom(words, i, valence)
        if one is not None and one.lower == "least" and one.valence is None and (two is None or two.lower not in ("at", "very")):
            valence *= NEGATED
        return valence

    def _idiom(self, words: Sequence[Word | None], i: int, valence: float) -> float:
        """Idioms around a word at ``i`` ≥ 3, and boosters of two words before it."""
        three, two, one, here, next_, last = [_lower(words, place) for place in range(i - 3, i + 3)]
        for phrase in (f"{one} {here}", f"{two} {one} {here}", f"{two} {one}", f"{three} {two} {one}", f"{three} {two}"):
            if phrase in self._idioms:
                valence = self._idioms[phrase]
                break
        valence = self._idioms.get(f"{here} {next_}", valence)
        valence = self._idioms.get(f"{here} {next_} {last}", valence)
        for phrase in (f"{three} {two} {one}", f"{three} {two}", f"{two} {one}"):
            valence += self._boosters.get(phrase, 0.0)
        return valence


def _told(i: int, valence: float, word_at: Mapping[int, Word], tokens: Sequence[str]) -> str:
    """The word at ``i`` as it stands, after the nearest of three words that may have turned it round, if it is."""
    word = word_at[i]
    if word.valence is not None and word.valence * valence < 0:
        for before in range(i - 1, max(i - 4, -1), -1):
            turning = word_at.get(before)
            if turning is not None and (turning.negates or turning.lower in _ALSO_TURN):
                return " ".join([turning.form, *tokens[before + 1 : i], word.form])
    return word.form


def _lower(words: Sequence[Word | None], i: int) -> str:
    """The word at ``i`` in lower case; "" for a plain word, and beyond the end."""
    word = words[i] if i < len(words) else None
    return "" if word is None else word.lower


def _boost(booster: Word, valence: float, mixed_case: bool) -> float:
    assert booster.booster is not None
    scalar = -booster.booster if valence < 0 else booster.booster
    if booster.upper and mixed_case:
        scalar = scalar + CAPITALS if valence > 0 else scalar - CAPITALS
    return scalar


def _negation(negation: Word, *following: Word | None) -> float:
    """The factor of a negation two or three words before, by the words between it and its target."""
    between = {word.lower for word in following if word is not None}
    if negation.lower == "never" and following[0] is not None and following[0].lower in ("so", "this"):
        return 1.25
    return 1.0 if negation.lower == "without" and "doubt" in between else NEGATED


def _ranges(points: Iterable[int]) -> str:
    """A regular expression's character class of a few wide ranges around all points: short, so that it is fast."""
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and point - ranges[-1][1] < WIDEST_GAP:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\U{start:08x}-\\U{end:08x}" for start, end in ranges)


def _weigh_around(but: int, valences: dict[int, float]) -> None:
    """What comes before "but" counts half, what comes after one and a half times.

    The package looks each valence up by value and changes the first place that holds it. Where two are equal that is another place
    than meant; the figures depend on it. A heap of places per value finds the first place without searching the text each time.
    """
    places: dict[float, list[int]] = {}
    for i, valence in valences.items():
        places.setdefault(valence, []).append(i)
    for i in valences:
        valence = valences[i]
        heap = places[valence]
        while valences[heap[0]] != valence:
            heappop(heap)
        first = heap[0]
        if first != but:
            valences[first] = weighed = valence * (0.5 if first < but else 1.5)
            heappush(places.setdefault(weighed, []), first)


def _emphasis(text: str) -> float:
    """What exclamation marks (at most four) and question marks (from two) add."""
    shouted = min(text.count("!"), 4) * 0.292 if "!" in text else 0.0
    if "?" in text and (questions := text.count("?")) > 1:
        return shouted + (questions * 0.18 if questions <= 3 else 0.96)
    return shouted


def _figures(valences: Collection[float], plain: int, emphasis: float) -> Vader:
    total = float(sum(valences))
    if total > 0:
        total += emphasis
    elif total < 0:
        total -= emphasis
    positive = negative = 0.0
    for valence in valences:
        if valence > 0:
            positive += valence + 1
        else:
            negative += 1 - valence
    if positive > negative:
        positive += emphasis
    elif positive < negative:
        negative += emphasis
    whole = positive + negative + plain
    return Vader(
        round(negative / whole, 3), round(plain / whole, 3), round(positive / whole, 3), round(total / math.sqrt(total * total + 15), 4)
    )


NOTHING = Vader(neg=0.0, neu=0.0, pos=0.0, compound=0.0)
PLAIN = Vader(neg=0.0, neu=1.0, pos=0.0, compound=0.0)
