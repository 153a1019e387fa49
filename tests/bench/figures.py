"""The arithmetic of the benchmark: percentiles, spreads over rounds, ratios of two systems. No measuring here."""

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """Median, lowest and highest of one figure over the rounds."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Median and range.

    Raises:
        ValueError: no value at all.
    """
    if not values:
        raise ValueError("a spread of nothing")
    return Spread(median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of the values do not exceed (nearest rank: a value that was measured).

    Raises:
        ValueError: no value at all, or a share outside 0 to 1.
    """
    if not values or not 0.0 <= share <= 1.0:
        raise ValueError("a percentile of nothing, or of no share")
    return sorted(values)[max(0, ceil(len(values) * share) - 1)]


def summary(values: Sequence[float]) -> dict[str, float]:
    """What is told of a latency: median, 95th and 99th percentile, longest, and how many were measured."""
    return {
        "p50": percentile(values, 0.5),
        "p95": percentile(values, 0.95),
        "p99": percentile(values, 0.99),
        "max": max(values),
        "samples": len(values),
    }


def ratio(first: Mapping[int, float], second: Mapping[int, float]) -> Spread | None:
    """``first`` / ``second``, round by round (keys are rounds): what a machine does to both in a round falls out. None: no common round."""
    rounds = sorted(first.keys() & second.keys())
    return spread([first[number] / second[number] for number in rounds]) if rounds else None


def alternating(names: Sequence[str], rounds: int) -> list[tuple[int, str]]:
    """(round, name) in the order of measuring: forwards, backwards, forwards…, so that a drift of the machine falls out (ABBA)."""
    return [(number, name) for number in range(rounds) for name in (names if number % 2 == 0 else reversed(names))]
