"""Silence of a source: a connector that usually brings mentions of a brand, and now brings none.

Each source has an expected cadence by hour of the local day. What counts is not time but the mentions that should have come meanwhile: a
night or a small brand misses few. A silence is told when these are many in themselves and more than this source has missed before.
"""

import math
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pipeline.brand_core import VERSION, body
from pipeline.ticks import BUCKET

LEAST_MISSED = 20.0
"""Mentions that should have come, at least. With the spread of small counts, a gap of that size is chance in one of a thousand."""

TIMES_USUAL = 3.0
"""Of the largest gap of late."""

SILENT = 3 * 288
"""Three days' buckets teach, and raise nothing."""

SPREAD = 0.2
_FORGET = 0.002
_FORGET_GAP = 0.9997
"""Per bucket: a half-life of eight days."""
_POOL = 100.0
_LEARN_SDS = 2.5
_MOST_DAYS = 60


class Cadence(Struct, array_like=True):
    """What is usual of one source of one brand. ``missed``: expected since it was last heard; ``largest``: of the gaps before."""

    heard: int
    """The last bucket in which it was heard."""
    closed: int = 0
    overall: float = 0.0
    weight: float = 0.0
    hours: list[float] = msgspec.field(default_factory=lambda: [0.0] * 24)
    weights: list[float] = msgspec.field(default_factory=lambda: [0.0] * 24)
    missed: float = 0.0
    largest: float = 0.0
    paused: bool = False
    """Nobody would tell if it brought anything: until it is heard again it teaches nothing, and misses nothing."""

    def expected(self, hour: int) -> float:
        """Mentions of a bucket in that hour of the local day."""
        overall = self.overall / self.weight if self.weight else 0.0
        return (self.hours[hour] + _POOL * overall) / (self.weights[hour] + _POOL)

    def enough(self) -> float:
        """Missed mentions at which it is told."""
        return max(LEAST_MISSED, TIMES_USUAL * self.largest)

    def close(self, bucket: int, count: int, hour: int) -> bool:
        """A bucket has ended with so many mentions of it; whether its silence is to be told now."""
        if self.paused:
            if not count:
                return False
            self.paused, self.missed = False, 0.0
        mean = self.expected(hour)
        self.closed += 1
        self.largest *= _FORGET_GAP
        before = self.missed
        if count:
            self.heard = bucket
            # A gap that was told teaches as much as makes a tale, not more: one outage must not hide the next.
            self.largest = max(self.largest, min(self.missed, self.enough()) / TIMES_USUAL if self.missed >= self.enough() else self.missed)
            self.missed = 0.0
        else:
            self.missed += mean
        if before < self.enough():  # an outage teaches nothing of what is usual
            learnt = min(count, mean + _LEARN_SDS * math.sqrt(mean + mean * mean * SPREAD + 0.25)) if self.closed > 1 else count
            self.overall = self.overall * (1.0 - _FORGET) + learnt
            self.weight = self.weight * (1.0 - _FORGET) + 1.0
            self.hours[hour] = self.hours[hour] * (1.0 - _FORGET) + learnt
            self.weights[hour] = self.weights[hour] * (1.0 - _FORGET) + 1.0
        return self.closed > SILENT and self.missed >= self.enough() > before

    def tells_at(self, bucket: int, zone: tzinfo) -> int | None:
        """A bucket from ``bucket`` on, at most an hour early, at whose close its silence may be told if it lasts; None: not soon."""
        enough = self.enough()
        if self.paused or self.missed >= enough:
            return None
        left = enough - self.missed
        for number in range(_MOST_DAYS * 24):
            at = bucket + number * 12
            left -= 12 * self.expected(_hour(at, zone))
            if left <= 0.0:
                return max(bucket, at - 12)
        return None


class Silence(NamedTuple):
    """What there is to tell: the source, since when (a bucket), and how many mentions should have come."""

    source: str
    since: int
    missed: float


class Cadences:
    """The sources of one brand. ``waiting``: source → open bucket → mentions, which lies in the brand's small part."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[str, Cadence] = {}

    def __len__(self) -> int:
        return len(self._known)

    def close(self, bucket: int, waiting: dict[str, dict[int, int]]) -> tuple[list[Silence], list[str]]:
        """A bucket has ended: which silences begin to be worth telling, and which sources were heard."""
        silences, heard = [], []
        for source, counts in list(waiting.items()):
            if source not in self._known and bucket in counts:
                self._known[source] = Cadence(bucket)
        hour = _hour(bucket, self._zone) if self._known else 0
        for source, cadence in self._known.items():
            counts = waiting.get(source, {})
            count = counts.pop(bucket, 0)
            if not counts:
                waiting.pop(source, None)
            since = cadence.heard + 1
            if cadence.close(bucket, count, hour):
                silences.append(Silence(source, since, cadence.missed))
            if count:
                heard.append(source)
        return silences, heard

    def pause(self) -> None:
        """Nobody tells of any source from now on until it is heard again."""
        for cadence in self._known.values():
            cadence.paused = True

    def wake(self, bucket: int, told: Mapping[str, object]) -> int | None:
        """The bucket at whose close the first silence may be told."""
        found = [cadence.tells_at(bucket, self._zone) for source, cadence in self._known.items() if source not in told]
        return min((at for at in found if at is not None), default=None)

    def snapshot(self) -> bytes:
        """All state, bit for bit: about 500 bytes a source."""
        return VERSION + _encode(self._known)

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        self._known = _decode(body(value))


def _hour(bucket: int, zone: tzinfo) -> int:
    return datetime.fromtimestamp(bucket * BUCKET, zone).hour


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Cadence]).decode
