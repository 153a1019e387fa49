"""What the documented alert rules of other products would have done on the same counts. Baselines for comparison, never our detector.

A rule looks at a series of counts in buckets of five minutes, each from what came before it. Where a product's documentation leaves a
figure to its user or names none, the figure here is ours, and ``assumed`` says so. A rule that stays true is one alarm, not one an hour:
that is kinder than most of the documentation.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

HOUR = 12
DAY = 24 * HOUR
WEEK = 7 * DAY
CALM = 6 * HOUR
"""Buckets for which a rule must have been false before it alarms anew."""


class Sums:
    """Sums over any stretch of a series."""

    def __init__(self, counts: Sequence[float]) -> None:
        self._before = [0.0, *accumulate(counts)]

    def __len__(self) -> int:
        return len(self._before) - 1

    def of(self, end: int, length: int) -> float:
        """Over ``length`` buckets, the last of which is ``end - 1``; what lies before the series is nothing."""
        return self._before[max(end, 0)] - self._before[max(end - length, 0)]

    def hours(self, end: int, count: int) -> list[float]:
        """The last ``count`` whole hours, the earliest first; fewer where the series is shorter."""
        marks = self._before[end % HOUR + max(end - end % HOUR - HOUR * count, 0) : end + 1 : HOUR]
        return [after - before for before, after in pairwise(marks)]


class VendorRule(NamedTuple):
    """``holds(sums, end)`` judges the moment at which bucket ``end - 1`` closes, every ``every`` buckets, from bucket ``warm`` on."""

    name: str
    documented: str
    assumed: str
    holds: Callable[[Sums, int], bool]
    every: int = HOUR
    warm: int = WEEK
    cool_down: int = CALM


def alarms(rule: VendorRule, counts: Sequence[float]) -> Iterator[int]:
    """Buckets whose close raises an alarm by this rule."""
    sums = Sums(counts)
    silent_until = 0
    for end in range(math.ceil(rule.warm / rule.every) * rule.every, len(sums) + 1, rule.every):
        if not rule.holds(sums, end):
            continue
        if end >= silent_until:
            yield end - 1
        silent_until = end + rule.cool_down


def _last_hour(factor: float, least: float) -> Callable[[Sums, int], bool]:
    def holds(sums: Sums, end: int) -> bool:
        last = sums.of(end, HOUR)
        usual = sums.of(end - HOUR, 12 * HOUR) / 12
        return last >= least and last > factor * max(usual, sums.of(end - DAY, HOUR), sums.of(end - WEEK, HOUR))

    return holds


def _same_window(length: int, factor: float) -> Callable[[Sums, int], bool]:
    def holds(sums: Sums, end: int) -> bool:
        weeks = [sums.of(end - WEEK * back, length) for back in (1, 2, 3, 4) if end - WEEK * back >= length]
        return bool(weeks) and sums.of(end, length) > factor * sum(weeks) / len(weeks)

    return holds


def _deviations(how_many: float) -> Callable[[Sums, int], bool]:
    def holds(sums: Sums, end: int) -> bool:
        hours = sums.hours(end, 7 * 24)
        mean = sum(hours) / len(hours)
        deviation = math.sqrt(sum((hour - mean) ** 2 for hour in hours) / len(hours))
        return sums.of(end, DAY) / 24 > mean + how_many * deviation

    return holds


def _deviations_of_days(how_many: float) -> Callable[[Sums, int], bool]:
    def holds(sums: Sums, end: int) -> bool:
        days = [sums.of(end - DAY * back, DAY) for back in range(7)]
        mean = sum(days) / len(days)
        return days[0] > mean + how_many * math.sqrt(sum((day - mean) ** 2 for day in days) / len(days))

    return holds


def _share_of_week(percent: float) -> Callable[[Sums, int], bool]:
    def holds(sums: Sums, end: int) -> bool:
        return sums.of(end, HOUR) > percent / 100 * sums.of(end - HOUR, WEEK) / (7 * 24) > 0

    return holds


def _fixed(number: float) -> Callable[[Sums, int], bool]:
    return lambda sums, end: sums.of(end, HOUR) >= number


VENDOR_RULES: tuple[VendorRule, ...] = (
    VendorRule(
        "meltwater",
        "the last hour against the 12 hours before, checked again against the same hour of the day and the week before",
        "twice as much as each of them, at least 5",
        _last_hour(2.0, 5),
    ),
    VendorRule(
        "salesforce-1h",
        "a window against the mean of the same window in up to four weeks before; checked every minute",
        "one hour, twice as much; checked every 5 minutes",
        _same_window(HOUR, 2.0),
        every=1,
    ),
    VendorRule(
        "salesforce-24h",
        "the same with the 24 hours of its own example",
        "half as much again",
        _same_window(DAY, 1.5),
        every=1,
        warm=WEEK + DAY,
    ),
    VendorRule("socialmetrix-1.5", "hourly: mean of 24 hours above mean of 7 days + 1.5 standard deviations", "of hours", _deviations(1.5)),
    VendorRule("socialmetrix-2", "the same with 2 standard deviations", "of hours", _deviations(2.0)),
    VendorRule("socialmetrix-3", "the same with 3 standard deviations", "of hours", _deviations(3.0)),
    VendorRule(
        "socialmetrix-1.5-days", "the same with 1.5", "of the seven days: the other reading of its documentation", _deviations_of_days(1.5)
    ),
    VendorRule("socialmetrix-2-days", "the same with 2", "of the seven days", _deviations_of_days(2.0)),
    VendorRule(
        "agility-150",
        "150 % of the hourly mean of 7 days, with a cool-down",
        "the last hour; 12 hours of cool-down",
        _share_of_week(150),
        cool_down=12 * HOUR,
    ),
    VendorRule("fixed-10", "a fixed number an hour", "10; checked every 5 minutes", _fixed(10), every=1, warm=HOUR),
)
"""By name; each the documented rule with its documented figures where there are any."""
