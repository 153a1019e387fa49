"""What a text comes to by a pack: phrases first, then words; negation, degree, contrast and emphasis on each."""

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from pipeline.lexicon.beside import beside
from pipeline.lexicon.finds import Found, Read, find, units_of
from pipeline.lexicon.pack import Pack
from pipeline.lexicon.tokens import Tokens, Weigh, no_weights
from pipeline.lexicon.turns import (
    ALIKE_WORDS,
    HUSHED,
    ask,
    balance,
    belittle,
    close,
    contrast,
    even_out,
    hush,
    mend,
    mock,
    modify,
    report,
    sentences,
    turn_back,
)
from pipeline.lexicon.units import Unit, Units

LONE_NEGATION = -0.6
"""A negation of something we have no word for leans to the negative; in a question it does not ("kan dat niet anders?")."""
EXCLAIMED = 0.1
MOST_EXCLAMATIONS = 3
SATURATION = 15.0
"""A sum of √15 makes a compound of 0.71, as in VADER."""


class PackScore(NamedTuple):
    """``compound`` in [-1, 1]; ``hits``: words and phrases that moved it, with their valence after all rules, in order."""

    compound: float
    hits: list[tuple[str, float]]


_start = attrgetter("start")
REMEMBERED_VALENCES = 1 << 12


class _Rounded(dict[float, float]):
    """A valence, to two decimals. Most are a word's own, time and again; to round one costs as much as finding its word."""

    def __missing__(self, valence: float) -> float:
        if len(self) >= REMEMBERED_VALENCES:
            self.clear()
        self[valence] = rounded = round(valence, 2)
        return rounded


_rounded = _Rounded()

_NO_QUESTION: tuple[list[int], set[int]] = ([], set())
"""Most texts have none, and then it is all the same where their sentences end."""


class PackScorer:
    """One language's pack at work."""

    def __init__(self, pack: Pack, unsaid: Collection[str] = (), weigh: Weigh = no_weights) -> None:
        """``unsaid``: words that tell a reader nothing at the end of what is negated ("geen enkele trap in"); ``weigh``: what a token adds
        to the sums of a linear layer, to be remembered with all else that is known of it."""
        self._pack = pack
        self._unsaid = unsaid
        self._weigh = weigh

    @cached_property
    def _tokens(self) -> Tokens:
        """Made at the first text: some milliseconds for each language that is met, none for the others."""
        return Tokens(Units(self._pack), self._weigh)

    def look_up(self, tokens: Sequence[str]) -> list[Unit]:
        """What is known of each token of a text."""
        known = self._tokens
        return [known[token] for token in tokens]

    def score(self, text: str) -> PackScore:
        """Score one text, without links and handles."""
        tokens = text.split()
        ((compound, hits),) = self.read_all([text], [tokens], [self.look_up(tokens)])
        return PackScore(compound, hits)

    def read_all(
        self, texts: Sequence[str], tokens: Sequence[Sequence[str]], known: Sequence[Sequence[Unit]]
    ) -> list[tuple[float, list[tuple[str, float]]]]:
        """The same of several texts that are already split at white space, and looked up; for so many a named tuple costs too much.

        Step by step: each text by itself costs a fifth more, as all of this does not fit into the processor's cache.
        """
        units = list(map(units_of, known))
        read = list(map(find, units))
        used = list(map(modify, texts, units, read))
        return list(map(_sum, texts, units, list(map(self._turn, texts, tokens, known, units, read, used))))

    def _turn(
        self,
        text: str,
        tokens: Sequence[str],
        known: Sequence[Unit],
        units: Sequence[Unit],
        read: Read,
        used: set[int],
    ) -> Sequence[Found]:
        """What the rest of a text makes of each find; negations that found none (none of ``used``) are finds of their own."""
        found, negations, turns = read
        asked = "?" in text
        short = len(found) == 2 and len(units) <= 2 * ALIKE_WORDS + 2
        several = len(found) > 1 and (short or units[0].hollow or found[-1].valence > 0 > found[-2].valence)
        if turns is None and not asked and not negations and not several:
            return found  # most texts
        contrasts = turns.contrasts if turns is not None else []
        lone: list[int] = []
        if negations:
            lone = [place for place in negations if place not in used]
            if lone:
                used |= turn_back(units, found, lone)
                lone = [place for place in lone if place not in used and not units[place].quiet]
        if turns is not None and turns.mocking and not contrasts:
            mock(self._pack.rules, units, found, turns.mocking, blamed=bool(lone))
        if turns is not None and turns.thanks:
            close(units, turns.thanks)
        mends = turns is not None and (turns.mends or turns.mended)
        hushed = hush(self._pack.rules, units, found, turns.hushed, contrasts) if turns is not None and turns.hushed else []
        ends, questions = sentences(units) if contrasts or asked or mends else _NO_QUESTION
        if mends:
            mend(units, ends, found, turns.mended if turns is not None else [])
        heard = [hit for hit in found if not hit.hushed] if hushed else found
        if len(heard) > 1:
            if not contrasts:
                belittle(self._pack.rules, units, heard)
            if short and not contrasts and not lone:
                balance(units, heard)
        if lone:
            said = [place for place in lone if bisect_left(ends, place) not in questions] if questions else lone
            if said:
                taken = [(hit.start, hit.end) for hit in found]
                told = beside(self._unsaid, tokens, [(token,) if token.parts is None else token.parts for token in known], said, taken)
                for place, shown in zip(said, told, strict=True):
                    valence = LONE_NEGATION * units[place].negation
                    if (number := bisect_left(hushed, (place,))) and place < hushed[number - 1][1]:
                        valence *= HUSHED
                    found.append(Found(place, place, valence, valence, told=shown))
                found.sort(key=_start)
        if questions:
            ask(self._pack.rules, units, ends, questions, found)
        if contrasts:
            contrast(ends, found, contrasts)
        if turns is not None and turns.reports and "!" not in text:
            report(self._pack.rules, units, found)
        if turns is not None and turns.balances:
            even_out(found)
        return found


def _sum(text: str, units: Sequence[Unit], found: Sequence[Found]) -> tuple[float, list[tuple[str, float]]]:
    """The compound of a text, and its hits."""
    if not found:
        return 0.0, []
    valences: list[float] = []
    hits: list[tuple[str, float]] = []
    for hit in found:
        valences.append(hit.valence)
        if valence := _rounded[hit.valence]:
            plain = not hit.places and not hit.told and hit.negation < 0
            hits.append((units[hit.start].shown if plain else _shown(units, hit), valence))
    total = math.fsum(valences)
    if "!" in text:
        total *= 1 + EXCLAIMED * min(text.count("!"), MOST_EXCLAMATIONS)
    return round(total / math.sqrt(total * total + SATURATION), 4), hits


def _shown(units: Sequence[Unit], hit: Found) -> str:
    """The words that count, as written."""
    if hit.told:
        return hit.told
    shown = " ".join([word for place in hit.places if (word := units[place].shown)]) if hit.places else units[hit.start].shown
    if hit.negation < 0:
        return shown
    if hit.start < hit.negation < hit.end:
        return " ".join([word for place in sorted((*hit.places, hit.negation)) if (word := units[place].shown)])
    if hit.negation > hit.start:
        return f"{shown} {units[hit.negation].shown}"
    return " ".join([*[unit.shown for unit in units[hit.negation : hit.start] if unit.shown], shown])
