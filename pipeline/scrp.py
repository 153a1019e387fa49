"""SCRP, seasonal consensus return period: how unusual a count stream of one key is, bucket by bucket.

Counts of complaints are small and over-dispersed, so "mean plus three sigma" fires by chance several times a week. SCRP asks instead how
often this key sees such a day: the expectation follows the hour of the local week, the tail of a negative binomial gives a normal score
per window of 5 minutes, 15 minutes, 1 and 6 hours, and each window's own history of daily maxima turns that into a return period. A
score of 1 reads: this unusual about once in 10 days.

Pure and O(1) per bucket; `math` only, so that equal input gives equal bits. Winsorising in the expectation and in the dispersion matters
most: without it one crisis blinds the next.
"""

import math
import struct
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from pipeline.extremes import DailyMaxima

WINDOWS = (1, 3, 12, 72)
"""Buckets of the four windows: 5 minutes, 15 minutes, 1 hour, 6 hours."""

RING = WINDOWS[-1]
HOUR = 2
"""Index of the one-hour window."""

SILENT = 288
"""The first day's buckets teach, and raise nothing."""

PRIOR_MEAN = 0.05
"""Expected per bucket of a key that nothing is known of."""

_PRIOR_WEIGHT = 6.0
_LEAST_MEAN = 0.005
_POOL = 100.0
"""Weight, in buckets, of the hour of the day in the hour of the week, and of the overall mean in the hour of the day."""

_FORGET_ALL, _FORGET_DAY, _FORGET_WEEK = 0.0005, 0.002, 0.005
_FORGET_SPREAD = 0.0003
_PRIOR_SPREAD, _PRIOR_SPREAD_BUCKETS = 0.2, 2000.0
_LEAST_SPREAD = 1e-3
_ANNOUNCED_SPREAD = 0.25
"""Added to the inverse dispersion while an announced event lasts: how strong it turns out nobody knows."""

_LEARN_SDS, _SPREAD_SDS = 2.5, 2.0
_CONSENSUS_DISCOUNT = 1.2
"""One window alone must be so much rarer than all windows together."""

_SUNDAY = 6
_VERSION = 1
_HEAD = struct.Struct("<BI")
_NUMBERS = struct.Struct(f"<{2 + 2 * 24 + 2 * 168 + 2 * RING + 4 * len(WINDOWS)}d")


class Judgement(NamedTuple):
    """What one closed bucket comes to. Tuples have one entry per window."""

    score: float
    expected: float
    """Of this bucket alone."""
    returns: tuple[float, ...]
    sums: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    """Inverse dispersions 1/r: the variance of a window is its mean + mean² x spread."""

    def window(self) -> int:
        """Index of the window that explains the score best, the shorter of equal ones."""
        return self.returns.index(max(self.returns))

    def sd(self, window: int) -> float:
        """Standard deviation of a window's count."""
        mean = self.means[window]
        return math.sqrt(mean + mean * mean * self.spreads[window])


class Expectation:
    """Seasonal mean of one bucket: hour of the local week, drawn to the hour of the day, drawn to the overall mean."""

    __slots__ = ("day", "day_weight", "overall", "overall_weight", "prior", "week", "week_weight")

    def __init__(self, prior: float) -> None:
        self.prior = prior
        self.overall = self.overall_weight = 0.0
        self.day, self.day_weight = [0.0] * 24, [0.0] * 24
        self.week, self.week_weight = [0.0] * 168, [0.0] * 168

    def of(self, slot: int) -> float:
        """Expected count of a bucket in hour ``slot`` (0-167) of the local week."""
        hour = slot % 24
        overall = (self.overall + self.prior * _PRIOR_WEIGHT) / (self.overall_weight + _PRIOR_WEIGHT)
        day = (self.day[hour] + _POOL * overall) / (self.day_weight[hour] + _POOL)
        return max(_LEAST_MEAN, (self.week[slot] + _POOL * day) / (self.week_weight[slot] + _POOL))

    def learn(self, slot: int, count: float) -> None:
        """A bucket of that hour came to ``count``."""
        hour = slot % 24
        self.overall = self.overall * (1.0 - _FORGET_ALL) + count
        self.overall_weight = self.overall_weight * (1.0 - _FORGET_ALL) + 1.0
        self.day[hour] = self.day[hour] * (1.0 - _FORGET_DAY) + count
        self.day_weight[hour] = self.day_weight[hour] * (1.0 - _FORGET_DAY) + 1.0
        self.week[slot] = self.week[slot] * (1.0 - _FORGET_WEEK) + count
        self.week_weight[slot] = self.week_weight[slot] * (1.0 - _FORGET_WEEK) + 1.0


class Detector:
    """SCRP of one key and one stream."""

    __slots__ = ("_errors", "_mean_sums", "_squares", "_sums", "closed", "counts", "expectation", "maxima", "means")

    def __init__(self, prior: float = PRIOR_MEAN) -> None:
        self.expectation = Expectation(prior)
        self.maxima = DailyMaxima(len(WINDOWS), mean=2.8, sd=1.0)
        self.closed = 0
        self.counts: list[float] = [0.0] * RING
        self.means: list[float] = [0.0] * RING
        self._sums = [0.0] * len(WINDOWS)
        self._mean_sums = [0.0] * len(WINDOWS)
        self._errors = [0.0] * len(WINDOWS)
        self._squares = [0.0] * len(WINDOWS)

    def seed(self, whole: "Detector", share: float, counts: Sequence[float]) -> None:
        """Begin as that part of ``whole``, its hours, its level and its spread, before the bucket that ``whole`` has closed last.

        ``counts``: its own of six hours. How rare its scores are it has yet to learn.
        """
        e, of = self.expectation, whole.expectation
        # No snapshot holds the prior: what it adds to the level of the whole is taken over, what it would add here is taken off.
        e.overall = (of.overall + of.prior * _PRIOR_WEIGHT) * share - e.prior * _PRIOR_WEIGHT
        e.overall_weight = of.overall_weight
        e.day, e.day_weight = [count * share for count in of.day], of.day_weight[:]
        e.week, e.week_weight = [count * share for count in of.week], of.week_weight[:]
        self.closed = whole.closed - 1
        self.counts = [float(count) for count in counts]
        self.means = [max(_LEAST_MEAN, mean * share) for mean in (whole.means[0], *whole.means[:-1])]
        self._sums = [math.fsum(self.counts[-size:]) for size in WINDOWS]
        self._mean_sums = [math.fsum(self.means[-size:]) for size in WINDOWS]
        self._errors = [errors * share * share for errors in whole._errors]
        self._squares = [squares * share * share for squares in whole._squares]

    def close(self, count: float, slot: int, day: int, multiplier: float = 1.0, *, learns: bool = True) -> Judgement:
        """Judge the bucket that has just ended, then learn from it.

        Args: ``slot``: hour of the local week of its start; ``day``: running number (from 1) of its local day; ``multiplier``: by how much
            the calendar raises the expectation; ``learns``: False while an incident makes the bucket no measure of what is usual.
        """
        count = float(count)  # as a restore gives it back: an int would be written differently
        mean = self.expectation.of(slot) * multiplier
        self._roll(count, mean)
        self.maxima.start(day)
        announced = _ANNOUNCED_SPREAD if multiplier != 1.0 else 0.0
        scores, spreads = [], []
        for window, expected in enumerate(self._mean_sums):
            total = self._sums[window]
            square = expected * expected
            prior = _PRIOR_SPREAD_BUCKETS * square
            errors, squares = self._errors[window], self._squares[window]
            spread = max(_LEAST_SPREAD, (errors + _PRIOR_SPREAD * prior) / (squares + prior)) + announced
            spreads.append(spread)
            scores.append(tail_score(total, expected, spread) if total > expected else 0.0)
            if learns and not announced:
                most = _SPREAD_SDS * math.sqrt(expected + square * spread)
                error = max(-most, min(total - expected, most))
                self._errors[window] = errors * (1.0 - _FORGET_SPREAD) + error * error - expected
                self._squares[window] = squares * (1.0 - _FORGET_SPREAD) + square
        returns = self.maxima.returns(scores, learns=learns)
        score = 0.0
        if self.closed >= SILENT:
            score = max((sum(map(math.sqrt, returns)) / len(returns)) ** 2, max(returns) - _CONSENSUS_DISCOUNT)

        if learns:
            usual = mean + _LEARN_SDS * math.sqrt(mean + mean * mean * spreads[0] + 0.25)
            self.expectation.learn(slot, min(count, usual) / multiplier)
        self.closed += 1
        return Judgement(score, mean, tuple(returns), tuple(self._sums), tuple(self._mean_sums), tuple(spreads))

    def _roll(self, count: float, mean: float) -> None:
        """A bucket enters the windows, and one leaves each."""
        counts, means = self.counts, self.means
        for window, size in enumerate(WINDOWS):
            self._sums[window] += count - counts[-size]
            self._mean_sums[window] += mean - means[-size]
        del counts[0], means[0]
        counts.append(count)
        means.append(mean)
        if self.closed % RING == 0:  # what adding and taking away has left of rounding does not pile up
            self._sums = [math.fsum(counts[-size:]) for size in WINDOWS]
            self._mean_sums = [math.fsum(means[-size:]) for size in WINDOWS]

    def correct(self, age: int, by: float) -> bool:
        """A closed bucket turned out larger; ``age`` 0 is the one closed last. The sums are judged with it from now on.

        Returns: whether the bucket is still in the six hours (and was ever closed here).
        """
        if age >= min(RING, self.closed):
            return False
        self.counts[-1 - age] += by
        for window, size in enumerate(WINDOWS):
            if age < size:
                self._sums[window] += by
        return True

    def hour(self) -> tuple[float, float]:
        """Count of the last closed hour, and what was expected."""
        return self._sums[HOUR], self._mean_sums[HOUR]

    def sums(self) -> list[float]:
        """Counts of the four windows that end with the bucket closed last."""
        return self._sums

    def mean_sums(self) -> list[float]:
        """What was expected of them."""
        return self._mean_sums

    def snapshot(self) -> bytes:
        """All state, bit for bit: about 4.5 KB."""
        e = self.expectation
        numbers = _NUMBERS.pack(
            e.overall, e.overall_weight, *e.day, *e.day_weight, *e.week, *e.week_weight,
            *self.counts, *self.means, *self._sums, *self._mean_sums, *self._errors, *self._squares,
        )  # fmt: skip
        return _HEAD.pack(_VERSION, self.closed) + numbers + self.maxima.snapshot()

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it is of another version or size.
        """
        if len(value) != self.size or value[0] != _VERSION:
            raise ValueError("a detector snapshot of another version")
        _, self.closed = _HEAD.unpack_from(value)
        numbers = _NUMBERS.unpack_from(value, _HEAD.size)
        taken = 0

        def take(count: int) -> list[float]:
            nonlocal taken
            taken += count
            return list(numbers[taken - count : taken])

        e = self.expectation
        e.overall, e.overall_weight = take(2)
        e.day, e.day_weight, e.week, e.week_weight = take(24), take(24), take(168), take(168)
        self.counts, self.means = take(RING), take(RING)
        self._sums, self._mean_sums = take(len(WINDOWS)), take(len(WINDOWS))
        self._errors, self._squares = take(len(WINDOWS)), take(len(WINDOWS))
        self.maxima.restore(value[_HEAD.size + _NUMBERS.size :])

    @property
    def size(self) -> int:
        """Bytes of a snapshot."""
        return _HEAD.size + _NUMBERS.size + self.maxima.size


def tail_score(count: float, mean: float, spread: float) -> float:
    """Normal score of P(X >= count) for a negative binomial of that mean and inverse dispersion; 0 at or below the mean.

    Signed root of the deviance with the Lugannani-Rice correction, within 8 % of the exact tail.
    """
    x = count - 0.5
    if x <= mean:
        return 0.0
    size = 1.0 / spread
    a = math.log(x / mean)
    b = math.log((x + size) / (mean + size))
    root = math.sqrt(max(0.0, 2.0 * (x * a - (x + size) * b)))
    if root < 1e-4:
        return 0.0
    ratio = (a - b) * math.sqrt(x + x * x * spread) / root
    if abs(ratio - 1.0) < 1e-6:  # singular near the mean
        return root if root > 0.1 else 0.0
    return max(0.0, root + math.log(ratio) / root)


def local_slot(at: datetime, holidays: Collection[int] = ()) -> tuple[int, int]:
    """Hour of the week (0-167, from Monday) and running number of the day, of a local time. Days may have 23 or 25 hours.

    Days among ``holidays`` (by that number) go like a Sunday.
    """
    day = at.toordinal()
    return (_SUNDAY if day in holidays else at.weekday()) * 24 + at.hour, day


class Alarm:
    """Raise, calm down, and a bar for the next raise: the state machine over the scores of one key.

    ``quietly``: an alarm that pages nobody. It bars only its like.
    """

    __slots__ = ("bar", "calm", "firing", "quiet_bar")

    CALM = 0.25
    CALM_BUCKETS = 12
    STEP = 0.6
    HIGHEST_BAR = 2.0
    """A second crisis must stay audible."""
    BAR_DECAY = 0.997
    """Per bucket: a half-life of 19 hours."""

    _LAYOUT = struct.Struct("<ddHB")

    def __init__(self) -> None:
        self.bar = self.quiet_bar = 0.0
        self.calm = 0
        self.firing = False

    def step(self, score: float, *, passes: bool, quietly: bool = False, calm: bool | None = None) -> Literal["raised", "resolved"] | None:
        """One bucket further. ``passes``: score and counts are enough for an alarm; ``calm``: nothing unusual, the score where not given.

        Returns: what changed.
        """
        self.bar *= self.BAR_DECAY
        self.quiet_bar *= self.BAR_DECAY
        if not self.firing:
            if passes and score >= self.bar and (not quietly or score >= self.quiet_bar):
                self.firing = True
                self.calm = 0
                self.lift(score, quietly=quietly)
                return "raised"
            return None
        self.calm = self.calm + 1 if (score < self.CALM if calm is None else calm) else 0
        if self.calm < self.CALM_BUCKETS:
            return None
        self.end()
        return "resolved"

    def lift(self, score: float, *, quietly: bool = False) -> None:
        """Told at this score: the next alarm must be clearly worse, until that is forgotten."""
        bar = min(score + self.STEP, self.HIGHEST_BAR)
        if quietly:
            self.quiet_bar = max(self.quiet_bar, bar)
        else:
            self.bar = max(self.bar, bar)

    def end(self) -> None:
        """Not firing any more."""
        self.firing = False
        self.calm = 0

    def forget(self) -> None:
        """As if nothing had been told: the same may be told again at once."""
        self.end()
        self.bar = self.quiet_bar = 0.0

    def snapshot(self) -> bytes:
        """All state."""
        return self._LAYOUT.pack(self.bar, self.quiet_bar, self.calm, self.firing)

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            struct.error: it has another size.
        """
        self.bar, self.quiet_bar, self.calm, firing = self._LAYOUT.unpack(value)
        self.firing = bool(firing)

    @classmethod
    def size(cls) -> int:
        """Bytes of a snapshot."""
        return cls._LAYOUT.size
