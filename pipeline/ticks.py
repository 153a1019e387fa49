"""Event time: what ticks tell a brand, and the ticks and file time of a replay. No wall clock anywhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

BUCKET = 300
"""Seconds of a bucket; replays tick at its boundaries."""

AFTER_END = 6 * 3600
"""A replay's last tick comes so many seconds after its end: everything open closes."""

DAY = 86_400
CONFIRMING_LINES = 20
BACKWARDS = 6 * 3600


@dataclass
class PartitionTicks:
    """The last tick of each raw partition that reached this partition, in seconds of event time."""

    last: dict[int, float] = field(default_factory=dict)

    def see(self, raw_partition: int, at: float) -> None:
        """Note a tick; one that runs back is a repeat."""
        if at > self.last.get(raw_partition, float("-inf")):
            self.last[raw_partition] = at

    def of(self, raw_partitions: Iterable[int]) -> float | None:
        """The tick time of a brand that was seen from these raw partitions: the slowest of them; None where one never ticked."""
        slowest: float | None = None
        for partition in raw_partitions:
            at = self.last.get(partition)
            if at is None:
                return None
            slowest = at if slowest is None else min(slowest, at)
        return slowest


class Paced(NamedTuple):
    """What a replay writes next: a tick at ``tick`` (seconds), or line ``line`` (0-based) whose file time is ``now``."""

    tick: float | None
    line: int | None
    now: float
    end: bool = False


class BackwardsFileError(ValueError):
    """More than 1 % of the lines lie more than 6 h before the file's own time."""

    def __init__(self, line: int, share: float) -> None:
        super().__init__(
            f"line {line}: event time runs back more than 6 h, as on {share:.1%} of the lines; "
            "sort the file by published_at, or give --sort"
        )
        self.line = line


def file_times(published: list[float | None]) -> list[float]:
    """File time of each line: the running maximum of ``published`` (seconds; None: the line has no time).

    A jump of more than a day counts only if one of the next 20 lines with a time confirms it (is itself beyond the jump's day),
    so that one post from the future does not pull the clock along.

    Raises:
        BackwardsFileError: the file is not in event-time order.
    """
    first = next((at for at in published if at is not None), 0.0)
    now: float | None = None
    out: list[float] = []
    back: list[int] = []
    for index, at in enumerate(published):
        if at is not None and (now is None or at > now):
            reference = first if now is None else now
            if now is None or at - reference <= DAY or _confirmed(published, index, reference):
                now = at if now is None or at > now else now
        current = first if now is None else now
        if at is not None and current - at > BACKWARDS:
            back.append(index)
        out.append(current)
    if published and len(back) > max(1, len(published)) * 0.01:
        raise BackwardsFileError(back[0] + 1, len(back) / len(published))
    return out


def _confirmed(published: list[float | None], index: int, reference: float) -> bool:
    following = [at for at in published[index + 1 : index + 1 + CONFIRMING_LINES] if at is not None]
    return any(at - reference > DAY for at in following)


def paced(times: list[float]) -> Iterator[Paced]:
    """Lines and ticks of a replay in the order in which they are written: a tick at every 5-minute boundary of file time.

    A boundary's tick comes before the first line that lies at or beyond it; the last one, marked ``end``, comes 6 h after the last line.
    """
    if not times:
        return
    boundary = (times[0] // BUCKET) * BUCKET
    for line, now in enumerate(times):
        while boundary <= now:
            yield Paced(boundary, None, boundary)
            boundary += BUCKET
        yield Paced(None, line, now)
    yield from ((Paced(at, None, at)) for at in _steps(boundary, times[-1] + AFTER_END))
    end = times[-1] + AFTER_END
    yield Paced(end, None, end, end=True)


def _steps(start: float, end: float) -> Iterator[float]:
    at = start
    while at < end:
        yield at
        at += BUCKET
