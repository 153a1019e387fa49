"""Who may write, and what may be committed, without a broker: a reader whose coordinator answers as the test says."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, RequestTimedOutError
from prometheus_client import CollectorRegistry

from agents.runtime.ages import Ages
from agents.runtime.batch import Batch, Round
from agents.runtime.offsets import Offsets, SlowRecords, Step
from agents.runtime.reader import PartitionReader
from agents.runtime.shell import Shell
from agents.settings import Settings
from agents.telemetry import Telemetry
from pipeline.stage import Incoming, Outcome, Outgoing, Reading
from schemas.topics import ASSESSED, CRISIS_STATE, SENTIMENT

SESSION = 10.0


class Consumer:
    """Takes commits, or refuses them."""

    def __init__(self) -> None:
        self.asked: list[dict[int, int]] = []
        self.refuses = False
        self.at = 10
        self.sought: list[int] = []

    async def position(self, _: TopicPartition) -> int:
        return self.at

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.sought.append(offset)

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        await asyncio.sleep(0)
        self.asked.append({place.partition: offset for place, (offset, _) in offsets.items()})
        if self.refuses:
            raise CommitFailedError


class Partition:
    """Passes on, and changes a key for each record that is not called still."""

    def readings(self) -> Sequence[Reading]:
        return ()

    def process(self, records: Sequence[Incoming]) -> Outcome:
        outcome = Outcome(change=records[-1].offset)
        for record in records:
            outcome.outgoing.append(Outgoing(ASSESSED, record.key, record.value, []))
            if record.value != b"still":
                outcome.changes[b"brand"] = record.value
        return outcome


class Writer:
    """Writes into lists. ``state`` is awaited before the changelog takes anything."""

    def __init__(self) -> None:
        self.outputs: list[bytes | None] = []
        self.states: list[bytes | None] = []
        self.state: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)

    async def publish(self, groups: dict[Any, Sequence[Outgoing]]) -> dict[Any, int]:
        await asyncio.sleep(0)
        self.outputs += [out.value for group in groups.values() for out in group]
        return {place: len(self.outputs) for place in groups}

    async def publish_together(self, topic: str, partitions: dict[int, Any]) -> None:  # noqa: ARG002
        await self.state()
        self.states += [write.value for groups in partitions.values() for group in groups for write in group]


async def _put(one: Round) -> None: ...


class Scene:
    """A reader that owns partitions 0 and 1 from offset 10 on, and what its rounds write."""

    def __init__(self) -> None:
        self.consumer, self.writer = Consumer(), Writer()
        telemetry = Telemetry(CollectorRegistry())
        stage: Any = SimpleNamespace(name="crisis", source=SENTIMENT, changelog=CRISIS_STATE)
        settings = Settings(session_timeout=SESSION)
        survey: Any = SimpleNamespace(end=lambda _: 20, ages=Ages())
        self.shell = Shell(self.writer, telemetry, "webcare")  # type: ignore[arg-type]
        self.reader = PartitionReader(stage, _put, settings, telemetry, str, survey)
        self.reader._consumer = self.consumer
        self.state: Any = Partition()
        self.reader._partitions = dict.fromkeys((0, 1), cast(Any, self.state))
        for partition in (0, 1):
            self.reader._offsets.begin(partition, 10)
        self.reader._commits.joined()

    def round(self, *records: tuple[int, int, bytes]) -> Round:
        """Of records of one each: partition, offset, value."""
        incoming = [
            Incoming(partition, offset, int(time.time() * 1000) - 5_000, b"brand", value, []) for partition, offset, value in records
        ]
        one = Round([Batch(self.reader, record.partition, [record], self.state, self.reader._epoch) for record in incoming])
        self.reader._in_hand.append(one)
        return one

    async def work(self, one: Round) -> None:
        async with one.in_hand():
            await self.shell.work(one)

    async def told(self, value: bytes) -> None:
        """Its outputs are written."""
        while value not in self.writer.outputs:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)

    def sleep(self, seconds: float) -> None:
        """The process is frozen."""
        self.reader._commits.sure_at -= seconds
        for batch in (batch for one in self.reader._in_hand for batch in one.batches):
            batch.made_at -= seconds
            batch.confirmed_at -= seconds


def test_nothing_of_a_round_is_committed_before_its_state_is_written() -> None:
    """Its follower asks the coordinator meanwhile, by a commit: only of what is done."""

    async def story() -> None:
        scene = Scene()
        written = asyncio.Event()
        scene.writer.state = written.wait  # type: ignore[assignment]
        first = asyncio.create_task(scene.work(one := scene.round((0, 10, b"a"))))
        await one.told
        follower = scene.round((0, 11, b"b"))
        scene.sleep(SESSION)
        second = asyncio.create_task(scene.work(follower))
        await scene.told(b"b")
        asked = list(scene.consumer.asked)
        written.set()
        await asyncio.gather(first, second)
        assert asked == [{0: 10}], "a crash before would have left the state without the first record for ever"
        assert scene.writer.states == [b"a", b"b"]
        assert scene.reader._offsets.done == {0: 12}

    asyncio.run(story())


def test_records_that_were_taken_before_the_process_was_frozen_are_not_written_afterwards() -> None:
    async def story() -> None:
        scene = Scene()
        scene.consumer.refuses = True
        scene.sleep(60)  # with the records taken, and in no batch yet
        await scene.work(scene.round((0, 10, b"a"), (1, 10, b"b")))
        assert scene.writer.outputs == scene.writer.states == []
        assert scene.reader._offsets.lost == {0, 1}
        assert scene.reader._offsets.done == {}

    asyncio.run(story())


def test_a_coordinator_that_was_asked_once_is_believed_for_all_partitions() -> None:
    async def story() -> None:
        scene = Scene()
        scene.sleep(60)
        await scene.work(scene.round((0, 10, b"a"), (1, 10, b"b")))
        assert scene.consumer.asked == [{0: 10}]
        assert scene.writer.outputs == [b"a", b"b"]
        await scene.reader._commits.commit(scene.reader._offsets, 1)
        scene.reader._commits.sure_at += 0.01
        await scene.work(scene.round((0, 11, b"c")))
        assert scene.consumer.asked == [{0: 10}, {0: 11, 1: 11}], "a commit that was taken says it too"

    asyncio.run(story())


def test_what_follows_a_round_whose_state_was_not_written_is_not_done_either() -> None:
    """The follower has changed nothing, so that its own state is not asked about."""

    async def story() -> None:
        scene = Scene()
        turn = asyncio.Event()
        one = scene.round((0, 10, b"a"))
        follower = scene.round((0, 11, b"still"))

        async def lost() -> None:
            await turn.wait()
            scene.reader.drop(one.batches[0])
            one.batches.clear()

        scene.writer.state = lost
        first = asyncio.create_task(scene.work(one))
        await one.told
        second = asyncio.create_task(scene.work(follower))
        await scene.told(b"still")
        turn.set()
        await asyncio.gather(first, second)
        assert scene.reader._offsets.done == {}
        assert scene.reader._offsets.uncommitted() == {}

    asyncio.run(story())


def test_a_coordinator_that_does_not_answer_is_asked_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def no_time(seconds: float) -> None:
        waited.append(seconds)

    async def story() -> None:
        scene = Scene()
        answers = [RequestTimedOutError(), RequestTimedOutError()]

        async def commit(_: Any) -> None:
            if answers:
                raise answers.pop()

        scene.consumer.commit = commit  # type: ignore[assignment, method-assign]
        scene.sleep(60)
        one = scene.round((0, 10, b"a"))
        monkeypatch.setattr("agents.runtime.commits.asyncio.sleep", no_time)
        await scene.reader.confirm_ownership(one.batches[0])
        assert len(waited) == 2

    asyncio.run(story())


def test_slow_records_teach_nothing_about_the_others() -> None:
    """They are computed in another thread, whose time is not that of the loop."""

    async def story() -> None:
        scene = Scene()
        before = scene.reader.pace.records
        scene.reader._slow.add(0, 10, 11)
        await scene.work(scene.round((0, 10, b"a")))
        assert scene.writer.outputs == [b"a"]
        assert scene.reader.pace.records == before

    asyncio.run(story())


def test_markers_at_the_end_of_a_log_are_no_work_that_is_left() -> None:
    async def story() -> None:
        scene = Scene()
        reader, offsets = scene.reader, scene.reader._offsets
        await reader._pass_markers(0)
        assert offsets.done == {}, "nothing has come"
        scene.consumer.at = 20
        one = scene.round((0, 10, b"a"))
        offsets.take(0, 11)
        await reader._pass_markers(0)
        assert scene.consumer.sought == [], "records are in hand: the consumer is ahead"
        await scene.work(one)
        await reader._pass_markers(0)
        assert scene.consumer.sought == [11], "fetched once more"
        assert offsets.done == {0: 11}
        await reader._pass_markers(0)
        assert offsets.done == {0: 20}
        assert offsets.taken[0] == 20
        assert not reader._holes.any_lost

    asyncio.run(story())


def test_lag_counts_what_is_in_hand() -> None:
    async def story() -> None:
        scene = Scene()
        scene.round((0, 10, b"a"))
        scene.reader._offsets.take(0, 11)
        told = {reading.name: reading.value for reading in scene.reader.readings() if reading.name.startswith("lag")}
        assert told["lag_records"] == 20
        assert 5 <= told["lag_seconds"] < 60

    asyncio.run(story())


def test_a_hole_is_one_once_and_then_nothing() -> None:
    offsets = Offsets()
    offsets.begin(0, 5)
    assert [offsets.step(0, first) for first in (5, 4, 7, 7)] == [Step.ON, Step.BACK, Step.HOLE, Step.GAP]
    offsets.take(0, 9)
    assert [offsets.step(0, first) for first in (12, 9, 12, 12)] == [Step.HOLE, Step.ON, Step.GAP, Step.GAP]
    assert offsets.sums() == (9, 5)
    assert offsets.behind(0, 12) == 7


def test_many_holes_are_not_remembered() -> None:
    """A transaction leaves one after each of its ends."""
    offsets = Offsets()
    offsets.begin(0, 0)
    for end in range(1, 2_000, 2):
        offsets.step(0, end)
        offsets.take(0, end + 1)
    assert len(offsets._holes) == 1


def test_slow_records_are_known_until_they_are_done() -> None:
    slow = SlowRecords()
    for _ in range(3):
        slow.add(0, 10, 13)
    assert slow.among(0, 12, 20)
    assert not slow.among(0, 13, 20)
    assert not slow.among(1, 10, 12)
    slow.forget(1, 99)
    slow.forget(0, 12)
    assert slow.among(0, 12, 12)
    slow.forget(0, 13)
    assert not slow.among(0, 12, 12)


def test_a_stage_owes_what_it_was_sent_until_its_outputs_are_acknowledged() -> None:
    """Not what another worker owns, or what it lost to one."""

    async def story() -> None:
        scene = Scene()
        one = scene.round((0, 10, b"a"))
        assert scene.reader.owes(0, 11)
        await scene.work(one)
        assert not scene.reader.owes(0, 11)
        assert scene.reader.owes(0, 12)
        assert not scene.reader.owes(7, 12)
        scene.reader._offsets.lost.add(0)
        assert not scene.reader.owes(0, 12)

    asyncio.run(story())


def test_what_was_worked_off_before_an_assignment_is_not_owed_after_it() -> None:
    """The door would wait for it at every wave."""

    async def story() -> None:
        scene = Scene()
        assert not scene.reader.owes(0, 10)
        assert scene.reader.owes(0, 11)

    asyncio.run(story())
