"""Event time: what ticks tell a brand, and the ticks and file time of a replay. No wall clock anywhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

BUCKET = 300
"""Seconds of a bucket; replays tick at its boundaries."""

AFTER_END = 6 * 3600
"""A replay's last tick comes so many seconds after its end: everything open closes."""

DAY = 86_400
CONFIRMING_LINES = 20
BACKWARDS = 6 * 3600

LONGEST_SILENCE = 31 * DAY
"""A longer stretch without a line has no ticks but its last: one post from 1970 at the head of a file must not make six million of them."""

FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
"""Of the years 1 to 9999: nothing beyond can be written as a date."""


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
            if slowest is None or at < slowest:
                slowest = at
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


def file_times(published: Sequence[float | None]) -> list[float]:
    """File time of each line: the running maximum of ``published`` (seconds; None: the line has no time).

    A jump of more than a day counts only if the next 20 lines confirm it: most of those that have a time lie at its level, at most a day
    before it, and nearer to it than to the time before. So a few posts from the future do not pull the clock along, and the last line of a
    file cannot either. A jump of more than 6 h counts unless most of them lie nearer to the time before.

    Raises:
        BackwardsFileError: the file is not in event-time order.
    """
    times = [None if at is None else min(max(at, FIRST_SECOND), LAST_SECOND) for at in published]
    now = next((at for at in times if at is not None), 0.0)
    out: list[float] = []
    back: list[int] = []
    for index, at in enumerate(times):
        if at is not None:
            if at > now and _counts(times, index, now, at):
                now = at
            elif now - at > BACKWARDS:
                back.append(index)
        out.append(now)
    if len(back) > len(times) * 0.01:
        raise BackwardsFileError(back[0] + 1, len(back) / len(times))
    return out


def _counts(times: Sequence[float | None], index: int, now: float, at: float) -> bool:
    """Whether the time goes on from ``now`` to that of line ``index``, ``at``."""
    if at - now <= BACKWARDS:
        return True
    following = [time for time in times[index + 1 : index + 1 + CONFIRMING_LINES] if time is not None]
    level = max(at - DAY, (now + at) / 2)
    confirming = sum(time >= level for time in following)
    return confirming * 2 > len(following) or (at - now <= DAY and confirming * 2 == len(following))


def paced(times: Sequence[float]) -> Iterator[Paced]:
    """Lines and ticks of a replay in the order in which they are written: a tick at every 5-minute boundary of file time.

    A boundary's tick comes before the first line that lies at or beyond it. After the last line there is only one more, marked ``end``, 6 h
    later: nobody says anything of that time, which is not silence.
    """
    if not times:
        return
    boundary = (times[0] // BUCKET) * BUCKET
    for line, now in enumerate(times):
        if now - boundary > LONGEST_SILENCE:
            boundary = (now // BUCKET) * BUCKET
        while boundary <= now:
            yield Paced(boundary, None, boundary)
            boundary += BUCKET
        yield Paced(None, line, now)
    end = min(times[-1] + AFTER_END, LAST_SECOND)
    yield Paced(end, None, end, end=True)
