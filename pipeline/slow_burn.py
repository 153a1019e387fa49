"""Slow burn: complaints that stay a little above what is expected for a day, and never look like a burst.

Sums of whole hours over 24 of them, judged once an hour. What an incident has already told is replaced by what was expected, so that it
cannot alarm a second time.
"""

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.extremes import DailyMaxima
from pipeline.scrp import tail_score

HOURS = 24
_HOUR = 12
"""Buckets."""

SILENT = 3 * 288
"""Three days' buckets teach, and raise nothing."""

_FORGET = 0.0036
_PRIOR_SPREAD, _PRIOR_HOURS = 0.1, 168.0
_LEAST_SPREAD = 1e-3
_SPREAD_SDS = 2.0
_TIMES, _EXCESS = 1.6, 12.0
"""Worth telling at so many times the expectation, and so many mentions above it."""

_AFTERMATH = 48
"""Whole hours after an incident in which this signal is silent: what is left of a row is no new one."""

_LEAST_TIMES = 1.25
_TIMES_USUAL = 1.15

OFFSET = 0.45
"""A return exponent of 1.3 asks for attention as a score of 0.85 of the other signals does: one window alone is no consensus."""


class SlowJudgement(NamedTuple):
    """Of the last 24 whole hours. ``score``: on the scale of the other signals."""

    score: float
    observed: float
    expected: float
    spread: float
    usual: float
    """Negatives to be expected among so many mentions as there were."""

    def is_telling(self, again: float = 0.0) -> bool:
        """Whether it is not only unusual but large, and not just part of a wave of mentions of every kind.

        ``again``: how many of them are of people who had complained before.
        """
        enough = max(_TIMES * self.expected, self.expected + _EXCESS, _TIMES_USUAL * self.usual)
        return self.observed - again >= enough

    def sd(self) -> float:
        """Standard deviation of the expected count."""
        return math.sqrt(self.expected + self.expected * self.expected * self.spread)


NOT_SLOW = SlowJudgement(0.0, 0.0, 0.0, 0.0, 0.0)


class SlowBurn:
    """The last 24 hours' negatives against their expectation."""

    __slots__ = ("_count", "_counts", "_errors", "_mean", "_means", "_squares", "_untold", "_usual", "_usuals", "closed", "last", "maxima")

    _LAYOUT = struct.Struct(f"<II{5 + 3 * HOURS + 5}d")

    def __init__(self) -> None:
        self.closed = 0
        self._untold = _AFTERMATH
        """Whole hours since an incident last spoke."""
        self._count = self._mean = self._usual = 0.0
        self._errors = self._squares = 0.0
        self._counts, self._means, self._usuals = [0.0] * HOURS, [0.0] * HOURS, [0.0] * HOURS
        self.maxima = DailyMaxima(1, mean=1.2, sd=1.0)
        self.last = NOT_SLOW

    def close(self, count: float, mean: float, usual: float, day: int, *, told: bool, announced: bool = False) -> SlowJudgement:
        """A bucket has closed: negatives, how many were expected, and how many are usual among so many mentions of all kinds.

        ``told``: an incident is open, which speaks for it.
        """
        if told:
            self._untold = 0
        self._count += mean if told else count
        self._mean += mean
        self._usual += usual
        self.closed += 1
        if self.closed % _HOUR == 0:
            self.last = self._judge(day, told=told, announced=announced)
        return self.last

    def _judge(self, day: int, *, told: bool, announced: bool) -> SlowJudgement:
        """An hour is over."""
        del self._counts[0], self._means[0], self._usuals[0]
        self._counts.append(self._count)
        self._means.append(self._mean)
        self._usuals.append(self._usual)
        self._count = self._mean = self._usual = 0.0
        self._untold += not told
        observed, expected = math.fsum(self._counts), math.fsum(self._means)
        square = expected * expected
        prior = _PRIOR_HOURS * square
        spread = max(_LEAST_SPREAD, (self._errors + _PRIOR_SPREAD * prior) / (self._squares + prior)) if square else _PRIOR_SPREAD
        if announced:
            spread += 0.25
        self.maxima.start(day)
        (back,) = self.maxima.returns([tail_score(observed, expected, spread) if observed > expected else 0.0])
        if not told:
            error = min(observed - expected, _SPREAD_SDS * math.sqrt(expected + square * spread))
            self._errors = self._errors * (1.0 - _FORGET) + error * error - expected
            self._squares = self._squares * (1.0 - _FORGET) + square
        score = max(0.0, back - OFFSET) if self.closed > SILENT and self._untold >= _AFTERMATH else 0.0
        return SlowJudgement(score, observed, expected, spread, math.fsum(self._usuals))

    def tell(self, counts: Sequence[float], means: Sequence[float], since: int) -> None:
        """An incident tells of the ``since`` + 1 buckets closed last: they count as expected from now on. Newest last."""
        for age in range(min(since + 1, len(counts), self.closed)):
            self._add(age, means[-1 - age] - counts[-1 - age])

    def onset(self) -> int:
        """How many buckets back it began, by whole hours (0: with the bucket closed last)."""
        times = max(_LEAST_TIMES, math.sqrt(self.last.observed / self.last.expected))
        part = self.closed % _HOUR
        return part + (run_of(self._counts, self._means, times) + 1) * _HOUR - 1

    def tell_all(self) -> None:
        """The incident tells of all 24 hours."""
        self._counts = list(self._means)
        self._count = self._mean
        self.last = NOT_SLOW

    def correct(self, age: int, by: float) -> None:
        """A late mention: bucket ``age`` (0: closed last) turned out larger."""
        if age < self.closed:
            self._add(age, by)

    def _add(self, age: int, by: float) -> None:
        part = self.closed % _HOUR
        if age < part:
            self._count += by
        else:
            self._counts[-1 - (age - part) // _HOUR] += by

    @property
    def size(self) -> int:
        """Bytes of a snapshot."""
        return self._LAYOUT.size + self.maxima.size

    def snapshot(self) -> bytes:
        """All state, bit for bit."""
        sums = (self._count, self._mean, self._usual, self._errors, self._squares)
        numbers = (*sums, *self._counts, *self._means, *self._usuals, *self.last)
        return self._LAYOUT.pack(self.closed, self._untold, *numbers) + self.maxima.snapshot()

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            struct.error: it has another size.
        """
        self.closed, self._untold, *numbers = self._LAYOUT.unpack_from(value)
        self._count, self._mean, self._usual, self._errors, self._squares, *rest = numbers
        self._counts, self._means, self._usuals = rest[:HOURS], rest[HOURS : 2 * HOURS], rest[2 * HOURS : 3 * HOURS]
        self.last = SlowJudgement(*rest[3 * HOURS :])
        self.maxima.restore(value[self._LAYOUT.size :])


def run_of(counts: Sequence[float], means: Sequence[float], times: float) -> int:
    """The age (0: the last) at which a run of ``times`` the expected rate most likely began."""
    best, best_age, evidence = 0.0, 0, 0.0
    weight = math.log(times)
    for age, (count, mean) in enumerate(zip(reversed(counts), reversed(means), strict=True)):
        evidence += count * weight - mean * (times - 1.0)
        if evidence > best:
            best, best_age = evidence, age
    return best_age
