"""Reads one topic in its own consumer group and hands the batches of its partitions to one agent; commits only what the agent finished.

The shape and its reasons: Faust's own consumer loses events at rebalances, so Faust is the application and this service the reader.
Protocol: outputs, then state, then commit; ownership confirmed before each write; a crash in between repeats work.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from mode import Service

from agents.logs import get_logger
from agents.runtime.batch import Batch, Round, StaleBatchError, place_of
from agents.runtime.consumers import stage_consumer
from agents.runtime.ending import end_process, within
from agents.runtime.pending import Pace, Pending
from agents.runtime.progress import Look
from agents.runtime.restore import StateBusyError, restore
from agents.runtime.retrying import Retries
from agents.runtime.starts import starts_of
from agents.runtime.survey import Survey
from agents.settings import Settings, group_of
from agents.telemetry import Telemetry
from agents.topics import TopicsError
from pipeline.stage import Incoming, Outcome, Reading, Stage, StagePartition

log = get_logger(__name__)

DRAIN_SECONDS = 4.0
COMMIT_EVERY = 1.0
LAST_COMMIT_SECONDS = 1.5
LEAVE_SECONDS = 1.5
"""Of a stop: these three together stay well below `ending.STOP_SECONDS`."""

Put = Callable[[Round], Awaitable[Any]]


class PartitionReader(Service, ConsumerRebalanceListener):  # type: ignore[misc]  # neither library types these for subclassing
    """One stage's reader. ``put`` is the stage's Faust channel; ``epoch_of`` asks the broker for the identity of the source topic."""

    def __init__(
        self,
        stage: Stage,
        put: Put,
        settings: Settings,
        telemetry: Telemetry,
        epoch_of: Callable[[str], str],
        survey: Survey,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stage = stage
        self._put = put
        self._settings = settings
        self._telemetry = telemetry
        self._epoch_of = epoch_of
        self._survey = survey
        self._group = group_of(settings.app, stage.name)
        self._consumer: AIOKafkaConsumer | None = None
        self._epoch = 0  # counts assignments: a batch of an earlier one is stale
        self._closing = False
        self._room = asyncio.Event()
        self._preparing: asyncio.Task[None] | None = None
        self._committing: asyncio.Task[float] | None = None
        self._is_member = False
        self._heard = 0
        self._commits = self._finished = 0
        self._slow: list[tuple[int, int, int]] = []
        self.alone = asyncio.Lock()
        self.state_turn = asyncio.Lock()
        self._threads = 0
        self._trouble = {name: Retries(name, telemetry, stage=stage.name) for name in ("connect", "restore", "commit", "confirm")}
        self.topic_epoch: str | None = None
        self.paused = False
        self._finished_wall = 0.0
        self._lost = False
        self.pace = Pace()
        self._forget()

    def _forget(self) -> None:
        """Everything that belongs to an assignment."""
        self._partitions: dict[int, StagePartition] = {}
        self._pending = Pending()
        self._rounds: asyncio.Task[None] | None = None
        self._in_hand: list[Round] = []
        self._done: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._begun: dict[int, int] = {}
        self._holes: set[tuple[int, int]] = set()
        self._dropped: set[int] = set()

    # -- what others may ask

    @property
    def assigned(self) -> list[int]:
        """Partitions owned and restored."""
        return sorted(self._partitions)

    def why_not_ready(self) -> str | None:
        """What is missing of: connected, member of its group, everything assigned restored, nothing lost. None: nothing."""
        if self._closing:
            return "giving up its partitions"
        return self._waiting_for() or ("records were lost" if self._lost else None)

    def _waiting_for(self) -> str | None:
        if not self._is_member:
            return "connecting to Kafka and joining its group"
        return "restoring its partitions" if self._preparing is not None else None

    def look(self) -> Look:
        """How things stand."""
        busy = self._pending.partitions()
        busy.update(batch.partition for one in self._in_hand for batch in one.batches)
        may_fetch = self._waiting_for() is None and not (self.paused or self._closing or self._pending.is_full())
        return Look(
            epoch=self._epoch,
            partitions=frozenset(self._partitions),
            waiting=self._waiting_for(),
            heard=self._heard,
            in_hand={partition: self._done.get(partition) for partition in busy},
            silent={p: self._next[p] for p in self._partitions if p not in busy | self._dropped and p in self._next} if may_fetch else {},
            lost=frozenset(self._dropped),
            uncommitted=bool(self._uncommitted()),
            commits=self._commits,
            finished=self._finished,
        )

    def places(self) -> tuple[int, int, int]:
        """Of this assignment: its number, and how far all partitions together have been taken and are done, as sums of offsets."""
        return self._epoch, sum(self._next.values()), sum(self._done.get(p, begun) for p, begun in self._begun.items())

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
        lag, oldest = 0, None
        now = time.time()
        for partition in self._partitions:
            place = self._place(partition)
            end = self._survey.end(place)
            behind = max(0, (end or 0) - self._done.get(partition, self._next.get(partition, end or 0)))
            lag += behind
            if (stamp := self._pending.oldest(partition)) is not None:
                oldest = stamp if oldest is None else min(oldest, stamp)
        return lag, max(0.0, now - oldest) if oldest is not None else 0.0

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
            await self.sleep(self._trouble["connect"].failed(error))
            return False
        self._trouble["connect"].succeeded()
        return True

    async def on_stop(self) -> None:
        """Let the batches in flight end, commit them, leave the group; each for a bounded time."""
        await self._drain()
        await self._commit(LAST_COMMIT_SECONDS)
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
            if partition in self._partitions and self._is_contiguous(partition, records):
                # aiokafka's record has all that an `Incoming` has, and is taken as it is.
                self._pending.add(partition, records)
        if self._rounds is None and self._pending:
            self._rounds = asyncio.create_task(self._make_rounds(self._epoch))
        while self._pending.is_full() and not self.should_stop:
            self._room.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), 1)

    async def _make_rounds(self, epoch: int) -> None:
        """One round after the other; what arrives meanwhile becomes the next one."""
        try:
            while not self._closing and not self.should_stop and epoch == self._epoch:
                batches = self._next_batches(epoch)
                if not batches:
                    return
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
        taken = self._pending.take(self.pace.records, self._was_slow)
        return [Batch(self, partition, records, self._partitions[partition], epoch) for partition, records in taken]

    def _is_contiguous(self, partition: int, records: list[Any]) -> bool:
        """Nothing between the batches may be missing: a hole is fetched once more; one that stays is real, and explained."""
        if partition in self._dropped:
            return False
        want = self._next.get(partition)
        if want is not None and records[0].offset < want:
            end_process("the source topic was made anew or cut", topic=self.stage.source.name, partition=partition, next_offset=want)
        if want is not None and records[0].offset != want:
            if (partition, want) not in self._holes:
                self._holes.add((partition, want))
                log.warning("hole in the offsets, fetching again", stage=self.stage.name, partition=partition, offset=want)
                assert self._consumer is not None
                self._consumer.seek(self._place(partition), want)
                return False
            self.add_future(self._explain_hole(partition, want, records[0].offset))
        self._next[partition] = records[-1].offset + 1
        return True

    async def _explain_hole(self, partition: int, want: int, got: int) -> None:
        """A transaction's marker takes an offset, as do records taken back; what lies before the start of the log is lost."""
        assert self._consumer is not None
        try:
            start = (await self._consumer.beginning_offsets([self._place(partition)]))[self._place(partition)]
        except KafkaError as error:
            log.warning("cannot tell what a hole is", stage=self.stage.name, partition=partition, error=type(error).__name__)
            return
        if want < start:
            self._tell_loss(partition, want, got)

    def _tell_loss(self, partition: int, want: int, got: int) -> None:
        """Records went by retention before they were read."""
        self._lost = True
        self._telemetry.lost_records.labels(self.stage.name).inc(max(1, got - want))
        log.error(
            "records lost: gone by retention before they were read",
            stage=self.stage.name,
            partition=partition,
            next_offset=want,
            first_offset=got,
        )

    # -- ownership and offsets

    async def confirm_ownership(self, batch: Batch) -> None:
        """Call before every write. Free in the normal case; after a long gap (frozen process, slow batch, broker away) the coordinator
        is asked.

        Raises:
            StaleBatchError: another worker owns the partition.
        """
        while True:
            if batch.epoch != self._epoch or batch.partition in self._dropped:
                raise StaleBatchError
            if time.monotonic() - batch.confirmed_at < self._settings.session_timeout / 2:
                return
            try:
                asked = time.monotonic()
                # A commit is checked against member and generation, and renews the session. As a task: never cancel an aiokafka call.
                await asyncio.shield(asyncio.ensure_future(self._write_offsets({batch.partition: batch.first})))
                batch.confirmed_at = asked
            except (CommitFailedError, IllegalStateError):
                log.warning("another worker owns the partition, batch dropped", batch=repr(batch))
                if asked - batch.confirmed_at > self._settings.session_timeout:
                    self._slow.append((batch.partition, batch.first, batch.next))
                raise StaleBatchError from None
            except KafkaError as error:
                await asyncio.sleep(self._trouble["confirm"].failed(error))
            else:
                self._trouble["confirm"].succeeded()

    def is_slow(self, batch: Batch) -> bool:
        """Whether records of this batch once took so long that the partition was lost for it."""
        return self._was_slow(batch.partition, batch.first, batch.next - 1)

    def _was_slow(self, partition: int, first: int, last: int) -> bool:
        return any(partition == slow and first < next_ and begin <= last for slow, begin, next_ in self._slow)

    async def in_thread(self, process: Callable[[Sequence[Incoming]], Outcome], records: Sequence[Incoming]) -> Outcome:
        """Work that would keep the event loop, which sends the heartbeats, for too long. Only with `alone`: stages are not made for two
        threads."""
        self._threads += 1
        try:
            return await asyncio.to_thread(process, records)
        finally:
            self._threads -= 1

    def finish(self, one: Round) -> None:
        """All its effects are acknowledged."""
        for batch in one.batches:
            if batch.epoch == self._epoch:
                self._done[batch.partition] = batch.next
                self._finished += 1
                self._slow = [slow for slow in self._slow if slow[0] != batch.partition or slow[2] > batch.next]
        self._finished_wall = time.time()

    def let_go(self, one: Round) -> None:
        """It is over, done or not."""
        if one in self._in_hand:
            self._in_hand.remove(one)

    async def _write_offsets(self, offsets: dict[int, int]) -> None:
        assert self._consumer is not None
        # With each the identity of the topic it counts in: one of the same name that is made anew begins at 0.
        await self._consumer.commit({self._place(partition): (offset, self.topic_epoch or "") for partition, offset in offsets.items()})

    def drop(self, batch: Batch) -> None:
        """A stale batch: its partition's state is wrong now; the next assignment reads and restores it anew."""
        self._telemetry.stale.labels(self.stage.name).inc()
        if batch.epoch == self._epoch:
            self._dropped.add(batch.partition)
            self._pending.drop(batch.partition)

    @Service.task  # type: ignore[untyped-decorator]
    async def commit_regularly(self) -> None:
        """Commit what is done, about every second."""
        wait = COMMIT_EVERY
        while not self.should_stop:
            await self.sleep(wait)
            wait = max(COMMIT_EVERY, await self._commit(5))

    def _uncommitted(self) -> dict[int, int]:
        return {partition: offset for partition, offset in self._done.items() if self._committed.get(partition) != offset}

    async def _commit(self, timeout: float) -> float:
        """Commit what is done; returns how long to wait before trying again, if it failed."""
        if self._committing is not None and not self._committing.done():
            await asyncio.wait([self._committing], timeout=timeout)
        if self._committing is None or self._committing.done():
            todo = self._uncommitted()
            if not todo or self._consumer is None:
                return 0.0
            # Started as a task and waited for: a cancelled commit left the group without a coordinator after a broker restart.
            self._committing = asyncio.create_task(self._commit_now(todo, self._epoch))
            await asyncio.wait([self._committing], timeout=timeout)
        return self._committing.result() if self._committing.done() else 0.0

    async def _commit_now(self, todo: dict[int, int], epoch: int) -> float:
        try:
            await self._write_offsets(todo)
        except (CommitFailedError, IllegalStateError):
            log.warning("commit refused: another worker repeats the work", stage=self.stage.name)
        except KafkaError as error:
            return self._trouble["commit"].failed(error)
        else:
            self._trouble["commit"].succeeded()
            self._commits += 1
            if epoch == self._epoch:
                self._committed.update(todo)
        return 0.0

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
            await self._commit(3)
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
        if places:
            assert self._consumer is not None
            self._consumer.pause(*places)
            self._preparing = asyncio.create_task(self._prepare(places, self._epoch))

    async def _drain(self) -> None:
        self._closing = True
        if self._in_hand:
            await asyncio.wait([one.done for one in self._in_hand], timeout=DRAIN_SECONDS)

    async def _prepare(self, places: list[TopicPartition], epoch: int) -> None:
        assert self._consumer is not None
        self._heard = 0
        while epoch == self._epoch and not self.should_stop:
            try:
                topic_epoch = await asyncio.to_thread(self._epoch_of, self.stage.source.name)
                if self.topic_epoch not in (None, topic_epoch):
                    end_process("the source topic was made anew", topic=self.stage.source.name)
                opened = {place.partition: self.stage.open(place.partition, topic_epoch) for place in places}
                if self.stage.changelog is not None:
                    changelog = self.stage.changelog.name
                    await restore(self.stage.name, changelog, opened, self._settings, self._telemetry, self._attempt(epoch))
                positions = await self._starts(places, topic_epoch)
            except (KafkaError, TopicsError, ConnectionError, TimeoutError) as error:
                if epoch != self._epoch or self.should_stop:
                    return
                if isinstance(error, StateBusyError):
                    self._heard += 1  # somebody works on it: that is no standstill of ours
                await self.sleep(self._trouble["restore"].failed(error))
            except Exception as error:
                if epoch == self._epoch:
                    end_process("restore failed", stage=self.stage.name, error=type(error).__name__, where=place_of(error))
            else:
                self._trouble["restore"].succeeded()
                if epoch == self._epoch:
                    for place, offset in positions.items():
                        self._consumer.seek(place, offset)
                        self._next[place.partition] = self._begun[place.partition] = offset
                    self._partitions = opened
                    self.topic_epoch = topic_epoch
                    self._preparing = None
                    self._consumer.resume(*places)
                    log.info("partitions ready", stage=self.stage.name, partitions=self.assigned)
                return

    def _attempt(self, epoch: int) -> Callable[[], bool]:
        """Whether a restore is still wanted; it asks as it gets on, and one that begins anew has got on only once it gets further."""
        asked = 0

        def is_wanted() -> bool:
            nonlocal asked
            asked += 1
            self._heard = max(self._heard, asked)
            return epoch == self._epoch and not self.should_stop

        return is_wanted

    async def _starts(self, places: list[TopicPartition], topic_epoch: str) -> dict[TopicPartition, int]:
        """Where to go on in each partition: at the committed offset, else at the start of the log."""
        assert self._consumer is not None
        committed = await self._survey.committed(self._group, places)
        starts = starts_of(await self._consumer.beginning_offsets(places), await self._consumer.end_offsets(places), committed, topic_epoch)
        for place, start in starts.items():
            if start.lost_from is not None:
                self._tell_loss(place.partition, start.lost_from, start.offset)
            if start.anew:
                log.warning("the topic was made anew: reading it from its start", topic=place.topic, partition=place.partition)
        return {place: start.offset for place, start in starts.items()}
