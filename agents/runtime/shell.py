"""The one way a batch goes through a stage: pure code, then outputs, then state, then done. The only place where effects happen."""

import asyncio
import time
from collections.abc import AsyncIterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

from agents.runtime.batch import Batch, Round
from agents.runtime.ending import end_process
from agents.runtime.waves import Waves
from agents.runtime.writer import Place, Write, Writer, Written
from agents.telemetry import Telemetry
from pipeline.door import appended_at
from pipeline.journal import CHANGE
from pipeline.stage import APPENDED, ORIGIN, DeadLetter, Incoming, Outcome, header
from schemas.topics import ALERT_EVENT, DEAD_LETTER, ROUTED, Topic

REJECTED_IN_A_ROW = {"language": 100_000}
"""Circuit breaker: so many dead letters without one good record between them, and we take it that we are the bug. At the door, where
anybody's bytes arrive, the limit is high; behind it, where only our own records arrive, it is low."""
REJECTED_IN_A_ROW_BEHIND_THE_DOOR = 200


@dataclass
class Shell:
    """Carries out what stages decide."""

    writer: Writer
    telemetry: Telemetry
    app: str
    waves: Waves = field(default_factory=Waves)

    def __post_init__(self) -> None:
        self._rejected: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._delays = {ROUTED.name: self.telemetry.to_route, ALERT_EVENT.name: self.telemetry.to_alert}

    async def follow(self, rounds: AsyncIterable[Round]) -> None:
        """The life of an agent: one round after the other, each in hand until it is done."""
        async for one in rounds:
            async with one.in_hand():
                await self.work(one)

    async def work(self, one: Round) -> None:
        """Outputs → state → done. A crash anywhere in between repeats work and loses nothing.

        The next round may begin before this one's state is written; its own state waits for that (`PartitionReader.state_turn`).
        """
        reader = one.batches[0].reader
        stage = reader.stage
        outcomes = await self._compute(one)
        for batch in one.batches:
            self._check_rejections(stage.name, len(batch.records), outcomes[batch.partition])

        groups: dict[Place, list[Written]] = {}
        for batch in await one.confirm():
            self._add_outputs(groups, batch, outcomes[batch.partition])
        self.waves.sent(await self.writer.publish(groups))
        reader.told(one)
        self.waves.moved()

        async with reader.state_turn:
            one.tell()
            if stage.changelog is not None and any(outcomes[batch.partition].changes for batch in one.batches):
                changes = {b.partition: state_groups(outcomes[b.partition]) for b in await one.confirm() if outcomes[b.partition].changes}
                await self.writer.publish_together(stage.changelog.name, changes)

        for batch in one.batches:
            self.telemetry.finished(stage.name, outcomes[batch.partition], len(batch.records))
            self._measure_delays(outcomes[batch.partition])

    async def _compute(self, one: Round) -> dict[int, Outcome]:
        """The stage over the batches, by partition.

        In steps of about `BATCH_SECONDS`, and one step of any stage per turn of the event loop: were all that wait computed in one turn,
        every answer of the broker would wait for them, at each of the some six turns that a record needs per stage.
        """
        reader = one.batches[0].reader
        outcomes: dict[int, Outcome] = {}
        async with reader.alone:
            for step in one.steps(reader.pace.records):
                in_thread = step[0].is_slow()
                async with nullcontext() if in_thread else self._turn:
                    started, cpu = time.perf_counter(), time.thread_time()
                    outcomes.update(await one.process(step))
                    self.telemetry.computed(reader.stage.name, time.perf_counter() - started)
                    if not in_thread:
                        # CPU, not time that passed: on a busy machine batches would become ever smaller, and so ever dearer.
                        reader.pace.learn(sum(len(batch.records) for batch in step), time.thread_time() - cpu)
                    await asyncio.sleep(0)
        return outcomes

    def _add_outputs(self, groups: dict[Place, list[Written]], batch: Batch, outcome: Outcome) -> None:
        topic: Topic | None = None
        target: int | None = None
        group: list[Written] = []  # most records go where the one before went
        for out in outcome.outgoing:
            if out.topic is not topic or out.partition != target:
                topic, target = out.topic, out.partition
                group = groups.setdefault((topic.name, batch.partition if target is None else target), [])
            group.append(out)
        stage = batch.reader.stage
        for letter in outcome.dead:
            record = letter.record
            write = Write(record.key, record.value, dead_letter_headers(letter, self.app, stage.name, stage.source.name))
            groups.setdefault((DEAD_LETTER.name, record.partition), []).append(write)

    def _check_rejections(self, stage: str, records: int, outcome: Outcome) -> None:
        if len(outcome.dead) < records:
            self._rejected[stage] = 0
            return
        self._rejected[stage] = self._rejected.get(stage, 0) + records
        if self._rejected[stage] >= REJECTED_IN_A_ROW.get(stage, REJECTED_IN_A_ROW_BEHIND_THE_DOOR):
            end_process("too many dead letters in a row", stage=stage, rejected=self._rejected[stage])

    def _measure_delays(self, outcome: Outcome) -> None:
        now = time.time()
        for out in outcome.outgoing:
            if (histogram := self._delays.get(out.topic.name)) is None or (appended := header(out.headers, APPENDED)) is None:
                continue
            if appended.isdigit() and len(appended) <= 15:  # behind the door anybody with access may write; a bad header is not our end
                histogram.observe(max(0.0, now - int(appended) / 1000))


TOMBSTONES = 5_000


def state_groups(outcome: Outcome) -> Iterator[list[Write]]:
    """Snapshots, those of a brand in one group: its many keys stay consistent. The brand's own key comes last, should a group be split.

    Tombstones follow in groups of their own: one that is missing is only forgotten later, and an hour of identities that ends at once
    may be more than a batch holds.
    """
    number = [(CHANGE, str(outcome.change).encode())]
    brand: bytes | None = None
    kept: list[Write] = []
    own: list[Write] = []
    gone: list[Write] = []
    for key, value in outcome.changes.items():
        of, bar, _ = key.partition(b"|")
        if of != brand:
            yield from _groups(kept, own, gone)
            brand, kept, own, gone = of, [], [], []
        (gone if value is None else kept if bar else own).append(Write(key, value, number))
    yield from _groups(kept, own, gone)


def _groups(kept: list[Write], own: list[Write], gone: list[Write]) -> Iterator[list[Write]]:
    if kept or own:
        yield kept + own
    for start in range(0, len(gone), TOMBSTONES):
        yield gone[start : start + TOMBSTONES]


def dead_letter_headers(letter: DeadLetter, app: str, stage: str, source: str) -> list[tuple[str, bytes]]:
    """The original's headers, Kafka Connect's error headers, and ours. No content of the record in any of them."""
    record: Incoming = letter.record
    seen = appended_at(record).isoformat()
    redriven = header(record.headers, "webcare-redriven")
    added = {
        "__connect.errors.topic": source,
        "__connect.errors.partition": str(record.partition),
        "__connect.errors.offset": str(record.offset),
        "__connect.errors.connector.name": app,
        "__connect.errors.task.id": str(record.partition),
        "__connect.errors.stage": stage,
        "__connect.errors.class.name": f"pipeline.{stage}",
        "__connect.errors.exception.class.name": "schemas.codec.RejectedRecordError",
        "__connect.errors.exception.message": letter.detail,
        "webcare-reason": letter.reason.value,
        "webcare-attempts": str(int(redriven) + 1 if redriven is not None and len(redriven) <= 6 and redriven.isdigit() else 1),
        "webcare-first-seen": seen,
    }
    # An origin on a raw record is not ours and would speak of another record: the one of this record replaces it.
    original = [(name, value) for name, value in record.headers if not (name == ORIGIN and letter.origin is not None)]
    origin = [(ORIGIN, letter.origin)] if letter.origin is not None else []
    return [*original, *((name, value.encode()) for name, value in added.items()), *origin]
