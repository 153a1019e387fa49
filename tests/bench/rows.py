"""Rows that must raise alerts: event time runs faster than the clock, so that buckets close every few seconds, brand by brand."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from cluster import stamp
from measuring import Due
from mentions import BRANDS, Town

from pipeline.ticks import BUCKET
from schemas.topics import DEFAULT_PARTITIONS

SPEED = 60
"""Seconds of event time per second: all brands' buckets close sixty times as often as they do live."""

BACKGROUND = 100
"""Mentions a second, of all brands."""

COMPLAINTS = 30
FIRST_ROW = BRANDS // 4
"""Rows begin at brands from this place on: quiet ones, which nobody else complains about much."""


class Rows(NamedTuple):
    """A schedule for `pace.py`, and how many rows are in it."""

    schedule: list[Due]
    rows: int


def rows(town: Town, rows_: int, buckets: int, begin: float, seed: int = 3) -> Rows:
    """``rows_`` brands with 30 complaints by 30 authors each within one bucket, over a background; ticks at every bucket's boundary.

    Args:
        buckets: how many buckets rows may begin in; three more follow, so that all of them close.
        begin: event time (seconds) at which it starts; brought down to a bucket's boundary.
    """
    rng = Random(seed)
    begin = begin // BUCKET * BUCKET
    last = (buckets + 4) * BUCKET
    said: list[tuple[float, int | None]] = [(rng.uniform(0, last), None) for _ in range(round(last / SPEED * BACKGROUND))]
    for row in range(rows_):
        start = (1 + row % buckets) * BUCKET
        said += [(rng.uniform(start, start + BUCKET), FIRST_ROW + row) for _ in range(COMPLAINTS)]
    said.sort(key=lambda moment: moment[0])
    schedule = _ticks(begin, last)
    everyone = town.drafts()
    for number, (at, place) in enumerate(said):
        draft = next(everyone) if place is None else town.draft(place, "complaint", author=100_000 + number)
        schedule.append((at / SPEED, draft.partition, draft.key, draft.head + stamp(begin + at) + draft.tail, None))
    schedule.sort(key=lambda due: due[0])
    return Rows(schedule, rows_)


def _ticks(begin: float, last: int) -> list[Due]:
    return [
        (at / SPEED, partition, None, b'{"type":"tick","at":"' + stamp(begin + at) + b'","replay":"running"}', None)
        for at in range(BUCKET, last + 1, BUCKET)
        for partition in range(DEFAULT_PARTITIONS)
    ]


def mentions_in(schedule: Sequence[Due]) -> int:
    """How many of a schedule are mentions."""
    return sum(key is not None for _, _, key, _, _ in schedule)
