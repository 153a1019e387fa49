"""What it means that offsets are missing: nothing, as after a transaction, or that records were gone before they were read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.logs import get_logger
from agents.runtime.ending import end_process
from agents.runtime.offsets import Offsets, Step
from agents.telemetry import Telemetry
from pipeline.stage import Incoming

log = get_logger(__name__)


class Holes:
    """Of one stage. ``spawn`` starts work beside."""

    def __init__(self, stage: str, telemetry: Telemetry, spawn: Callable[[Awaitable[None]], Any]) -> None:
        self._stage = stage
        self._telemetry = telemetry
        self._spawn = spawn
        self.any_lost = False

    def follows(self, consumer: AIOKafkaConsumer, offsets: Offsets, place: TopicPartition, records: Sequence[Incoming]) -> bool:
        """Take records, if nothing is missing before them: a hole is fetched once more; one that stays is real, and explained."""
        if not self._goes_on(consumer, offsets, place, records[0].offset):
            return False
        offsets.take(place.partition, records[-1].offset + 1)
        return True

    async def pass_markers(self, consumer: AIOKafkaConsumer, offsets: Offsets, place: TopicPartition, is_free: Callable[[], bool]) -> None:
        """The end of a transaction takes an offset. Where nothing follows, it would be a record that is left, for ever.

        Args:
            is_free: whether the assignment is still that of ``offsets``, and nothing of this partition is taken and not done.
        """
        asked = asyncio.ensure_future(consumer.position(place))
        await asyncio.wait([asked], timeout=1)
        if not asked.done() or asked.exception() is not None or not is_free():
            return
        position = asked.result()
        if position > offsets.taken[place.partition] and self._goes_on(consumer, offsets, place, position):
            offsets.take(place.partition, position)
            offsets.finish(place.partition, position)

    def tell_loss(self, partition: int, want: int, got: int) -> None:
        """Records went by retention before they were read: the next was ``want``, and the first that is there is ``got``."""
        self.any_lost = True
        self._telemetry.lost_records.labels(self._stage).inc(max(1, got - want))
        log.error(
            "records lost: gone by retention before they were read",
            stage=self._stage,
            partition=partition,
            next_offset=want,
            first_offset=got,
        )

    def _goes_on(self, consumer: AIOKafkaConsumer, offsets: Offsets, place: TopicPartition, at: int) -> bool:
        partition, want = place.partition, offsets.taken[place.partition]
        step = offsets.step(partition, at)
        if step is Step.BACK:
            end_process("the source topic was made anew or cut", topic=place.topic, partition=partition, next_offset=want)
        if step is Step.HOLE:
            log.warning("hole in the offsets, fetching again", stage=self._stage, partition=partition, offset=want)
            consumer.seek(place, want)
        if step is Step.GAP:
            self._spawn(self._explain(consumer, place, want, at))
        return step is not Step.HOLE

    async def _explain(self, consumer: AIOKafkaConsumer, place: TopicPartition, want: int, got: int) -> None:
        """A transaction's marker takes an offset, as do records taken back; what lies before the start of the log is lost."""
        try:
            start = (await consumer.beginning_offsets([place]))[place]
        except KafkaError as error:
            log.warning("cannot tell what a hole is", stage=self._stage, partition=place.partition, error=type(error).__name__)
            return
        if want < start:
            self.tell_loss(place.partition, want, got)
