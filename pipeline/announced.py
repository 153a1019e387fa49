"""What the event calendar announces, bucket by bucket: an announced event raises what is expected."""

from collections.abc import Iterable

from pipeline.brands import CalendarEvent
from pipeline.share import NOTHING_ANNOUNCED, Announced
from pipeline.ticks import BUCKET


class EventCalendar:
    """The announced events of one brand. Events that overlap multiply."""

    def __init__(self, events: Iterable[CalendarEvent]) -> None:
        self._events = [(event.starts_at.timestamp(), event.ends_at.timestamp(), event) for event in events]

    def at(self, bucket: int) -> Announced:
        """By how much the expectation of a bucket is raised; an event counts for the buckets that start in it."""
        if not self._events:
            return NOTHING_ANNOUNCED
        mentions = negatives = 1.0
        start = bucket * BUCKET
        for starts, ends, event in self._events:
            if starts <= start < ends:
                mentions *= event.expected_mentions
                negatives *= event.expected_negatives
        return Announced(mentions, negatives)

    def names(self, first: int, last: int) -> tuple[str, ...]:
        """Events that count in any of the buckets ``first`` to ``last``."""
        return tuple(event.name for starts, ends, event in self._events if starts <= last * BUCKET and first * BUCKET < ends)
