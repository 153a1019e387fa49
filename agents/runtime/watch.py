"""Judges one reader about once a second: whether it gets on, how far it is ahead of the next stage, and whether its topic is still the one
it began with. What it finds ends the process with its reason, or pauses the intake."""

import asyncio
from collections.abc import Callable, Iterable

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from agents.logs import get_logger
from agents.runtime.ending import end_process
from agents.runtime.intake import Intake
from agents.runtime.progress import CUT, Look, Stalls, Verdict, stalled
from agents.runtime.reader import PartitionReader
from agents.runtime.survey import Survey
from agents.settings import Settings, group_of
from agents.topics import TopicMissingError, TopicsError
from pipeline.stage import Reading

log = get_logger(__name__)

LOOK_SECONDS = 1.0
INTAKE_SECONDS = 0.2
IDENTITY_SECONDS = 30.0


class ReaderWatch(Service):  # type: ignore[misc]
    """Watches one reader. ``next_group``: the consumer group that reads what the stage writes, if its topic is a stage's."""

    def __init__(
        self,
        reader: PartitionReader,
        survey: Survey,
        settings: Settings,
        epoch_of: Callable[[str], str],
        next_stage: str | None,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self._reader = reader
        self._survey = survey
        self._limit = settings.stuck_after
        self._epoch_of = epoch_of
        self._next_group = group_of(settings.app, next_stage) if next_stage is not None else None
        self._intake = Intake(settings.max_ahead)
        self._stalls = Stalls()
        self._answers = 0
        self._behind: int | None = None
        self._place = (0, 0, 0)
        self.ahead = 0

    def readings(self) -> Iterable[Reading]:
        """How far the stage is ahead of the next one."""
        if self._next_group is not None:
            yield Reading("ahead_records", {"stage": self._reader.stage.name}, self.ahead)

    def _ends(self, partition: int) -> int | None:
        return self._survey.end(TopicPartition(self._reader.stage.source.name, partition))

    @Service.task  # type: ignore[untyped-decorator]
    async def watch_progress(self) -> None:
        """End the process when something that should move does not."""
        while not self.should_stop:
            await self.sleep(LOOK_SECONDS)
            look = self._reader.look()
            for verdict in list(stalled(look, self._stalls, answers=self._survey.is_fresh, end=self._ends, limit=self._limit)):
                await self._judge(look, verdict)

    async def _judge(self, look: Look, verdict: Verdict) -> None:
        facts: dict[str, object] = {} if verdict.partition is None else {"partition": verdict.partition}
        if verdict.needs_asking and verdict.partition is not None:
            # The answers it rests on are up to a second old, and markers of transactions take offsets that no record has: ask again.
            place = TopicPartition(self._reader.stage.source.name, verdict.partition)
            at = look.silent[verdict.partition]
            try:
                end = await self._survey.ask_end(place)
            except KafkaError:
                return
            if verdict.reason == CUT and end >= at:
                return
            asked = asyncio.ensure_future(self._reader.position(verdict.partition))
            await asyncio.wait([asked], timeout=self._limit)
            if self.should_stop or self._reader.look().epoch != look.epoch:
                return
            position = asked.result() if asked.done() and asked.exception() is None else None
            if verdict.reason != CUT and position is not None and (position != at or position >= end):
                self._stalls.forget()
                return
            facts |= {"position": position, "end": end}
        end_process(verdict.reason, stage=self._reader.stage.name, seconds=round(verdict.seconds), **facts)

    @Service.task  # type: ignore[untyped-decorator]
    async def watch_intake(self) -> None:
        """Pause the reader while it is too far ahead of the next stage, and let it go on when that has caught up."""
        if self._next_group is None:
            return
        while not self.should_stop:
            await self.sleep(INTAKE_SECONDS)
            ahead = self._count_ahead(self._next_group)
            if self._intake.decide(ahead):
                tell = log.warning if self._intake.paused else log.info
                event = "intake paused: too far ahead of the next stage" if self._intake.paused else "intake goes on"
                tell(event, stage=self._reader.stage.name, next_group=self._next_group, ahead=ahead)
                self._reader.pause(self._intake.paused)
            elif self._intake.paused:
                self._reader.pause(True)

    def _count_ahead(self, group: str) -> int | None:
        """What the next stage had not committed when it was last asked, and what this one has taken since."""
        epoch, taken, done = self._reader.places()
        if self._survey.answers != self._answers:
            self._answers = self._survey.answers
            self._behind = self._survey.behind(group)
            self._place = (epoch, taken, done)
        if self._behind is None or epoch != self._place[0]:
            return None  # offsets of another assignment do not compare: wait for the next answer
        self.ahead = self._behind + taken - self._place[2]
        return self.ahead

    @Service.task  # type: ignore[untyped-decorator]
    async def watch_identity(self) -> None:
        """A topic that was deleted and made anew counts from 0 again: what was read of the old one must not be mixed with the new one."""
        topic = self._reader.stage.source.name
        assignment, quiet = 0, 0.0
        while not self.should_stop:
            await self.sleep(LOOK_SECONDS)
            quiet += LOOK_SECONDS
            epoch = self._reader.look().epoch
            # After each assignment too: a topic that is gone, or has another number of partitions, makes one.
            if epoch == assignment and quiet < IDENTITY_SECONDS:
                continue
            assignment, quiet = epoch, 0.0
            began = self._reader.topic_epoch
            try:
                now = await asyncio.to_thread(self._epoch_of, topic)
            except TopicMissingError:
                end_process("the source topic is gone", topic=topic)
            except (TopicsError, ConnectionError, TimeoutError):
                continue
            if began is not None and now != began:
                end_process("the source topic was made anew", topic=topic)
