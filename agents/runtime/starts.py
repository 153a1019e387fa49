"""Where a stage goes on in a partition: at what its group has committed, unless that counts in another topic of the same name."""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

P = TypeVar("P")


class Start(NamedTuple):
    """``lost_from``: the committed offset, where retention took what lies from there to ``offset``. ``anew``: the commit counted in a
    topic that is no more."""

    offset: int
    lost_from: int | None = None
    anew: bool = False


def start_of(first: int, end: int, committed: tuple[int, str] | None, topic_epoch: str) -> Start:
    """``first``, ``end``: of the log as it is; ``committed``: the group's offset and the identity of the topic it counts in, if noted.

    A topic that is made anew begins at 0. Its group's commits go with the old topic, but a worker that has not noticed yet may commit once
    more: without the note, as many records of the new one would be skipped.
    """
    if committed is None:
        return Start(first)
    offset, note = committed
    if (note and note != topic_epoch) or (not note and offset > end):
        return Start(first, anew=True)
    if offset < first:
        return Start(first, lost_from=offset)
    return Start(min(offset, end))


def starts_of(firsts: Mapping[P, int], ends: Mapping[P, int], committed: Mapping[P, tuple[int, str]], topic_epoch: str) -> dict[P, Start]:
    """Of all partitions."""
    return {place: start_of(first, ends[place], committed.get(place), topic_epoch) for place, first in firsts.items()}
