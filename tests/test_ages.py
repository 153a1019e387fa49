"""What a look at the broker for the age of waiting records must stand: a stop in its middle, a broker that says nothing."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaConnectionError

from agents.runtime.ages import Ages

PLACE = TopicPartition("raw", 0)


class Consumer:
    """Answers with one record, or with an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.assigned: list[TopicPartition] = []

    def assign(self, places: list[TopicPartition]) -> None:
        self.assigned = places

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.at = place, offset

    async def getmany(self, *places: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms
        if self.error is not None:
            raise self.error
        return {place: [SimpleNamespace(timestamp=5_000)] for place in places}

    def unsubscribe(self) -> None:
        self.assigned = []


@pytest.mark.parametrize("error", [ConsumerStoppedError(), KafkaConnectionError()])
def test_a_look_that_fails_raises_nothing_and_knows_nothing(error: Exception):
    ages = Ages()
    asyncio.run(ages.look(Consumer(error), {PLACE: 7}))  # type: ignore[arg-type]
    assert ages.appended_at(PLACE) is None


def test_a_look_tells_the_first_record_that_waits_and_forgets_it_once_nothing_does():
    ages, consumer = Ages(), Consumer()
    asyncio.run(ages.look(consumer, {PLACE: 7}))  # type: ignore[arg-type]
    assert (ages.appended_at(PLACE), consumer.at, consumer.assigned) == (5.0, (PLACE, 7), [])
    asyncio.run(ages.look(consumer, {}))  # type: ignore[arg-type]
    assert ages.appended_at(PLACE) is None
