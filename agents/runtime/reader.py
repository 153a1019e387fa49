"""Reads one topic in its own consumer group and hands the batches of its partitions to one agent; commits only what the agent finished.

The shape and its reasons: Faust's own consumer loses events at rebalances, so Faust is the application and this service the reader.
Protocol: outputs, then state, then commit; ownership confirmed before each write; a crash in between repeats work.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from agents.logs import get_logger
from agents.runtime.batch import Batch, Round, StaleBatchError, place_of
from agents.runtime.commits import Commits
from agents.runtime.consumers import stage_consumer
from agents.runtime.ending import end_process, within
from agents.runtime.holes import Holes
from agents.runtime.offsets import Offsets, SlowRecords
from agents.runtime.opening import Opening
from agents.runtime.pending import Pace, Pending
from agents.runtime.progress import Look
from agents.runtime.retrying import Retries
from agents.runtime.survey import Survey
from agents.runtime.waves import Waves
from agents.settings import Settings
from agents.telemetry import Telemetry
from pipeline.stage import Incoming, Outcome, Reading, Stage, StagePartition, WorksTogether

log = get_logger(__name__)

DRAIN_SECONDS = 4.0
COMMIT_EVERY = 1.0
LAST_COMMIT_SECONDS = 1.5
LEAVE_SECONDS = 1.5
"""Of a stop: these three together stay well below `ending.STOP_SECONDS`."""

Put = Callable[[Round], Awaitable[Any]]


class PartitionReader(Service, ConsumerRebalanceListener):  # type: ignore[misc]  # neither library types these for subclassing
    """One stage's reader. ``put`` is the stage's Faust channel; ``epoch_of`` asks the broker for the identity of the source topic;
    ``waves``: of the door, which waits for them."""

    def __init__(
        self,
        stage: Stage,
        put: Put,
        settings: Settings,
        telemetry: Telemetry,
        epoch_of: Callable[[str], str],
        survey: Survey,
        waves: Waves | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stage = stage
        self.together = stage if isinstance(stage, WorksTogether) else None  # asked once: to ask a protocol is dear
        self._put = put
        self._settings = settings
        self._telemetry = telemetry
        self._survey = survey
        self._waves = waves
        self._holes = Holes(stage.name, telemetry, self.add_future)
        self._opening = Opening(stage, settings, telemetry, epoch_of, survey, self._holes)
        self._consumer: AIOKafkaConsumer | None = None
        self._epoch = 0  # counts assignments: a batch of an earlier one is stale
        self._closing = False
        self._room = asyncio.Event()
        self._preparing: asyncio.Task[None] | None = None
        self._is_member = False
        self._finished = 0
        self._commits = Commits(stage.name, telemetry, self._write_offsets)
        self._slow = SlowRecords()
        self.alone = asyncio.Lock()
        self.state_turn = asyncio.Lock()
        self._threads = 0
        self._connecting = Retries("connect", telemetry, stage=stage.name)
        self.topic_epoch: str | None = None
        self.paused = False
        self._finished_wall = 0.0
        self.pace = Pace()
        self._forget()

    def _forget(self) -> None:
        """Everything that belongs to an assignment."""
        self._partitions: dict[int, StagePartition] = {}
        self._pending = Pending()
        self._rounds: asyncio.Task[None] | None = None
        self._in_hand: list[Round] = []
        self._offsets = Offsets()

    # -- what others may ask

    @property
    def assigned(self) -> list[int]:
        """Partitions owned and restored."""
        return sorted(self._partitions)

    def why_not_ready(self) -> str | None:
        """What is missing of: connected, member of its group, everything assigned restored, nothing lost. None: nothing."""
        if self._closing:
            return "giving up its partitions"
        return self._waiting_for() or ("records were lost" if self._holes.any_lost else None)

    def _waiting_for(self) -> str | None:
        if not self._is_member:
            return "connecting to Kafka and joining its group"
        return "restoring its partitions" if self._preparing is not None else None

    def look(self) -> Look:
        """How things stand."""
        busy = self._busy()
        done, taken, lost = self._offsets.done, self._offsets.taken, self._offsets.lost
        may_fetch = self._waiting_for() is None and not (self.paused or self._closing or self._pending.is_full())
        return Look(
            epoch=self._epoch,
            partitions=frozenset(self._partitions),
            waiting=self._waiting_for(),
            heard=self._opening.heard,
            in_hand={partition: done.get(partition) for partition in busy},
            silent={p: taken[p] for p in self._partitions if p not in busy | lost and p in taken} if may_fetch else {},
            lost=frozenset(lost),
            uncommitted=bool(self._offsets.uncommitted()),
            commits=self._commits.accepted,
            finished=self._finished,
        )

    def _busy(self) -> set[int]:
        """Partitions with records that are taken and not done."""
        return self._pending.partitions().union(batch.partition for one in self._in_hand for batch in one.batches)

    def places(self) -> tuple[int, int, int]:
        """Of this assignment: its number, and how far all partitions together have been taken and are done, as sums of offsets."""
        return self._epoch, *self._offsets.sums()

    def readings(self) -> Iterable[Reading]:
        """Lag, progress and what the stage's partitions tell."""
        name = {"stage": self.stage.name}
        yield Reading("partitions", name, len(self._partitions))
        yield Reading("intake_paused", name, float(self.paused))
        yield Reading("last_progress_timestamp_seconds", name, self._finished_wall)
        lag, oldest = self._lag()
        yield Reading("lag_records", name, lag)
        yield Reading("lag_seconds", name, oldest)
        if not self._threads:  # a thread is changing what would be read
            for partition in self._partitions.values():
                yield from partition.readings()

    def _lag(self) -> tuple[int, float]:
        """Records that are not done, and the age in seconds of the oldest of them, taken or not."""
        records = sum(self._offsets.behind(partition, self._survey.end(self._place(partition)) or 0) for partition in self._partitions)
        taken = [stamp for partition in self._partitions if (stamp := self._pending.oldest(partition)) is not None]
        in_hand = [batch.records[0].timestamp / 1000 for one in self._in_hand for batch in one.batches]
        at_broker = [stamp for place in self.untaken() if (stamp := self._survey.ages.appended_at(place)) is not None]
        now = time.time()
        return records, max(0.0, now - min(taken + in_hand + at_broker, default=now))

    def untaken(self) -> dict[TopicPartition, int]:
        """Partitions whose oldest record that is not done has not been taken either, and its offset."""
        reached = {self._place(p): self._offsets.reached(p) for p in self._partitions.keys() - self._busy() - self._offsets.lost}
        return {place: offset for place, offset in reached.items() if (self._survey.end(place) or 0) > offset}

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self.stage.source.name, partition)

    # -- life

    @Service.task  # type: ignore[untyped-decorator]
    async def run(self) -> None:
        """Connect, then fetch until stopped."""
        try:
            while not self.should_stop and not await self._connect():
                pass
            while not self.should_stop:
                await self._step()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self.should_stop:
                end_process("reader failed", stage=self.stage.name, error=type(error).__name__, where=place_of(error))

    async def _connect(self) -> bool:
        consumer = stage_consumer(self._settings, self.stage)
        consumer.subscribe([self.stage.source.name], listener=self)
        self._consumer = consumer  # before it has started: an assignment may come at once
        try:
            await consumer.start()
        except KafkaError as error:
            self._consumer = None
            await within(consumer.stop(), 2)
            await self.sleep(self._connecting.failed(error))
            return False
        self._connecting.succeeded()
        return True

    async def on_stop(self) -> None:
        """Let the batches in flight end, commit them, leave the group; each for a bounded time."""
        await self._drain()
        await self._commits.commit(self._offsets, LAST_COMMIT_SECONDS)
        if self._consumer is not None:
            await within(self._consumer.stop(), LEAVE_SECONDS)

    # -- taking records

    async def _step(self) -> None:
        """Take what arrived at once: a partition with untaken records is left out of the next fetch, which then waits at the broker."""
        assert self._consumer is not None
        got = await self._consumer.getmany(timeout_ms=200)
        if self.should_stop or self._closing:
            return  # a revoke is under way: all this will be read again
        for place, records in got.items():  # no await up to here: a revoke cannot come in between
            partition = place.partition
            is_ours = partition in self._partitions and partition not in self._offsets.lost
            if is_ours and self._holes.follows(self._consumer, self._offsets, place, records):
                # aiokafka's record has all that an `Incoming` has, and is taken as it is.
                self._pending.add(partition, records)
        if self._waves is not None:
            self._waves.moved()
        if self._rounds is None and self._pending:
            self._rounds = asyncio.create_task(self._make_rounds(self._epoch))
        while self._pending.is_full() and not self.should_stop:
            self._room.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), 1)

    async def _make_rounds(self, epoch: int) -> None:
        """One round after the other; what arrives meanwhile becomes the next one."""
        try:
            while True:
                if self._waves is not None:
                    await self._waves.passed(self._pending)
                if self._closing or self.should_stop or epoch != self._epoch:
                    return
                batches = self._next_batches(epoch)
                if not batches:
                    return
                if self._waves is not None:
                    self._waves.entered(sum(len(batch.records) for batch in batches))
                one = Round(batches)
                self._in_hand.append(one)
                self._room.set()
                await self._put(one)
                await one.told
        except Exception as error:
            end_process("rounds failed", stage=self.stage.name, error=type(error).__name__, where=place_of(error))
        finally:
            if self._rounds is asyncio.current_task():
                self._rounds = None

    def _next_batches(self, epoch: int) -> list[Batch]:
        taken = self._pending.take(self.pace.records, self._slow.among)
        return [Batch(self, partition, records, self._partitions[partition], epoch) for partition, records in taken]

    # -- ownership and offsets

    async def confirm_ownership(self, batch: Batch) -> None:
        """Call before every write. Free in the normal case; after a long gap (frozen process, slow batch, broker away) the coordinator
        is asked.

        Raises:
            StaleBatchError: another worker owns the partition.
        """
        while True:
            if batch.epoch != self._epoch or batch.partition in self._offsets.lost:
                raise StaleBatchError
            batch.confirmed_at = max(batch.confirmed_at, self._commits.sure_at)
            asked = time.monotonic()
            if asked - batch.confirmed_at < self._settings.session_timeout / 2:
                return
            if not await self._commits.ask(self._offsets, batch.partition):
                log.warning("another worker owns the partition, batch dropped", batch=repr(batch))
                if asked - batch.made_at > self._settings.session_timeout:
                    self._slow.add(batch.partition, batch.first, batch.next)
                raise StaleBatchError

    @property
    def sure_at(self) -> float:
        """When ownership was last sure: at the last assignment, or commit that was taken. Not when records came: they may have lain here
        while the process was frozen."""
        return self._commits.sure_at

    def is_slow(self, batch: Batch) -> bool:
        """Whether records of this batch once took so long that the partition was lost for it."""
        return self._slow.among(batch.partition, batch.first, batch.next - 1)

    async def in_thread(self, process: Callable[[Sequence[Incoming]], Outcome], records: Sequence[Incoming]) -> Outcome:
        """Work that would keep the event loop, which sends the heartbeats, for too long. Only with `alone`: stages are not made for two
        threads."""
        self._threads += 1
        try:
            return await asyncio.to_thread(process, records)
        finally:
            self._threads -= 1

    def told(self, one: Round) -> None:
        """Its outputs are acknowledged."""
        for batch in one.batches:
            if batch.epoch == self._epoch:
                self._offsets.told[batch.partition] = batch.next

    def owes(self, partition: int, end: int) -> bool:
        """Whether records before ``end`` are ours, and their outputs not acknowledged yet."""
        offsets = self._offsets
        return partition in self._partitions and partition not in offsets.lost and offsets.told[partition] < end

    def finish(self, one: Round) -> None:
        """All its effects are acknowledged."""
        for batch in one.batches:
            if batch.epoch == self._epoch and batch.partition not in self._offsets.lost:  # lost: the state of one before is not written
                self._offsets.finish(batch.partition, batch.next)
                self._finished += 1
                self._slow.forget(batch.partition, batch.next)
        self._finished_wall = time.time()

    def let_go(self, one: Round) -> None:
        """It is over, done or not."""
        if one in self._in_hand:
            self._in_hand.remove(one)

    async def _write_offsets(self, offsets: Mapping[int, int]) -> None:
        assert self._consumer is not None
        # With each the identity of the topic it counts in: one of the same name that is made anew begins at 0.
        await self._consumer.commit({self._place(partition): (offset, self.topic_epoch or "") for partition, offset in offsets.items()})

    def drop(self, batch: Batch) -> None:
        """A stale batch: its partition's state is wrong now; the next assignment reads and restores it anew."""
        self._telemetry.stale.labels(self.stage.name).inc()
        if batch.epoch == self._epoch:
            self._offsets.lost.add(batch.partition)
            self._pending.drop(batch.partition)

    @Service.task  # type: ignore[untyped-decorator]
    async def commit_regularly(self) -> None:
        """Commit what is done, about every second."""
        wait = COMMIT_EVERY
        while not self.should_stop:
            await self.sleep(wait)
            for partition in self.assigned:
                await self._pass_markers(partition)
            wait = max(COMMIT_EVERY, await self._commits.commit(self._offsets, 5))

    async def _pass_markers(self, partition: int) -> None:
        consumer, offsets = self._consumer, self._offsets

        def is_free() -> bool:
            return offsets is self._offsets and not self._closing and partition not in self._busy() | offsets.lost

        end, taken = self._survey.end(self._place(partition)), offsets.taken.get(partition)
        if consumer is not None and end is not None and taken is not None and taken < end and is_free():
            await self._holes.pass_markers(consumer, offsets, self._place(partition), is_free)

    def pause(self, paused: bool) -> None:
        """Take no more (or again); what is taken goes its way. Said again after each assignment, which begins unpaused."""
        self.paused = paused
        if self._consumer is not None and self._preparing is None and (places := [self._place(p) for p in self._partitions]):
            (self._consumer.pause if paused else self._consumer.resume)(*places)

    async def position(self, partition: int) -> int:
        """Where the consumer stands, which may be behind the last record taken: markers of transactions take offsets too.

        Raises:
            IllegalStateError: the partition is not ours any more.
        """
        assert self._consumer is not None
        at: int = await self._consumer.position(self._place(partition))
        return at

    # -- rebalances; aiokafka only logs what these raise, so they end the process themselves

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002
        """Let the batches in flight finish, commit, forget everything."""
        try:
            self._is_member = False
            self._preparing = None  # it sees the next epoch, and ends by itself: aiokafka calls are never cancelled
            await self._drain()
            await self._commits.commit(self._offsets, 3)
            self._epoch += 1
            self._forget()
            self._closing = False
            self._room.set()
        except Exception as error:
            end_process("revoke failed", stage=self.stage.name, error=type(error).__name__, where=place_of(error))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Heartbeats start only after this returns: open and restore in the background, the partitions paused."""
        places = sorted(assigned)
        self._epoch += 1
        self._is_member = True
        self._commits.joined()
        if places:
            assert self._consumer is not None
            self._consumer.pause(*places)
            self._preparing = asyncio.create_task(self._prepare(places, self._epoch))

    async def _drain(self) -> None:
        self._closing = True
        if self._in_hand:
            await asyncio.wait([one.done for one in self._in_hand], timeout=DRAIN_SECONDS)

    async def _prepare(self, places: list[TopicPartition], epoch: int) -> None:
        consumer = self._consumer
        assert consumer is not None
        try:
            opened = await self._opening.open(consumer, places, self.topic_epoch, lambda: epoch == self._epoch and not self.should_stop)
        except Exception as error:
            if epoch == self._epoch:
                end_process("restore failed", stage=self.stage.name, error=type(error).__name__, where=place_of(error))
            return
        if opened is None or epoch != self._epoch:
            return
        for place, offset in opened.starts.items():
            consumer.seek(place, offset)
            self._offsets.begin(place.partition, offset)
        self._partitions = opened.partitions
        self.topic_epoch = opened.topic_epoch
        self._preparing = None
        consumer.resume(*places)
        log.info("partitions ready", stage=self.stage.name, partitions=self.assigned)
