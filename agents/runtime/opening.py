"""Opens the partitions of an assignment: their state, and where to go on in them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.logs import get_logger
from agents.runtime.ending import end_process
from agents.runtime.holes import Holes
from agents.runtime.restore import StateBusyError, restore
from agents.runtime.retrying import Retries
from agents.runtime.starts import starts_of
from agents.runtime.survey import Survey
from agents.settings import Settings, group_of
from agents.telemetry import Telemetry
from agents.topics import TopicsError
from pipeline.stage import Stage, StagePartition

log = get_logger(__name__)


class Opened(NamedTuple):
    """What can be worked on: states by partition, the offset to go on at of each place, and the identity of the topic."""

    partitions: dict[int, StagePartition]
    starts: Mapping[TopicPartition, int]
    topic_epoch: str


class Opening:
    """Of one stage. ``epoch_of`` asks the broker for the identity of the source topic."""

    def __init__(
        self, stage: Stage, settings: Settings, telemetry: Telemetry, epoch_of: Callable[[str], str], survey: Survey, holes: Holes
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._telemetry = telemetry
        self._epoch_of = epoch_of
        self._survey = survey
        self._holes = holes
        self._trouble = Retries("restore", telemetry, stage=stage.name)
        self.heard = 0
        """How far the present attempt has got: grows as long as it gets on."""

    async def open(
        self, consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], before: str | None, wanted: Callable[[], bool]
    ) -> Opened | None:
        """Restore all these partitions, again and again while the broker is away; None as soon as that is not ``wanted`` any more.

        Args:
            before: the identity that the topic had, if it was known.
        """
        self.heard = 0
        while wanted():
            try:
                opened = await self._open(consumer, places, before, self._heard_of(wanted))
            except (KafkaError, TopicsError, ConnectionError, TimeoutError) as error:
                if not wanted():
                    return None
                if isinstance(error, StateBusyError):
                    self.heard += 1  # somebody works on it: that is no standstill of ours
                await asyncio.sleep(self._trouble.failed(error))
            else:
                self._trouble.succeeded()
                return opened
        return None

    def _heard_of(self, wanted: Callable[[], bool]) -> Callable[[], bool]:
        """It is asked as an attempt gets on, and one that begins anew has got on only once it gets further."""
        asked = 0

        def is_wanted() -> bool:
            nonlocal asked
            asked += 1
            self.heard = max(self.heard, asked)
            return wanted()

        return is_wanted

    async def _open(
        self, consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], before: str | None, wanted: Callable[[], bool]
    ) -> Opened:
        stage = self._stage
        topic_epoch = await asyncio.to_thread(self._epoch_of, stage.source.name)
        if before not in (None, topic_epoch):
            end_process("the source topic was made anew", topic=stage.source.name)
        opened = {place.partition: stage.open(place.partition, topic_epoch) for place in places}
        if stage.changelog is not None:
            await restore(stage.name, stage.changelog.name, opened, self._settings, self._telemetry, wanted)
        return Opened(opened, await self._starts(consumer, places, topic_epoch), topic_epoch)

    async def _starts(self, consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], topic_epoch: str) -> dict[TopicPartition, int]:
        """Where to go on in each partition: at the committed offset, else at the start of the log."""
        committed = await self._survey.committed(group_of(self._settings.app, self._stage.name), places)
        starts = starts_of(await consumer.beginning_offsets(places), await consumer.end_offsets(places), committed, topic_epoch)
        for place, start in starts.items():
            if start.lost_from is not None:
                self._holes.tell_loss(place.partition, start.lost_from, start.offset)
            if start.anew:
                log.warning("the topic was made anew: reading it from its start", topic=place.topic, partition=place.partition)
        return {place: start.offset for place, start in starts.items()}
