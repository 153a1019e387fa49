"""When records were appended that nobody has taken yet: a paused intake leaves them at the broker, and only the broker can tell."""

import time
from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

ASK_SECONDS = 1.0

Wanted = Callable[[], Mapping[TopicPartition, int]]
"""Partitions with records that are not taken, and the offset of the first of them."""


class Ages:
    """What the broker told at the last look."""

    def __init__(self) -> None:
        self._known: dict[TopicPartition, tuple[int, float]] = {}

    def appended_at(self, place: TopicPartition) -> float | None:
        """When the first record that was not taken was appended, in seconds since 1970; None where nothing waited."""
        known = self._known.get(place)
        return None if known is None else known[1]

    async def look(self, consumer: AIOKafkaConsumer, wanted: Mapping[TopicPartition, int]) -> None:
        """Read one batch of each partition whose first record is another one than at the last look.

        For a gauge alone: what cannot be had within a second is asked for again at the next look, and nothing is raised.
        """
        self._known = {place: known for place, known in self._known.items() if place in wanted}
        missing = {place: offset for place, offset in wanted.items() if self._known.get(place, (-1, 0.0))[0] != offset}
        if not missing:
            return
        consumer.assign(list(missing))
        for place, offset in missing.items():
            consumer.seek(place, offset)
        deadline = time.monotonic() + ASK_SECONDS
        try:
            while missing and time.monotonic() < deadline:
                for place, records in (await consumer.getmany(*missing, timeout_ms=100)).items():
                    self._known[place] = missing.pop(place), records[0].timestamp / 1000
        except ConsumerStoppedError:
            return  # the worker stops in the middle of a look
        except KafkaError:
            pass
        consumer.unsubscribe()
