"""Makes the state of a stage anew from the records that the stage has worked through, when its changelog is lost or damaged.

From the stage's own input topic, not from raw: it is kept as long (14 days), it holds just what the stage saw in the order in which it
saw it, ticks too, and the committed offsets are offsets of it. So the new state is that of the moment at which the stage stopped, to the
last record, and the worker goes on there. What the stage writes on the way is thrown away: readers have it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from agents.baselines import CountsOf, read_counts, watches
from agents.changelogs import Snapshots, highest, read_changelog, write_snapshots
from agents.runtime.restore import REBUILDING, Newest
from agents.runtime.writer import Writer
from agents.settings import Settings
from agents.standstill import NotStillError, committed_offsets, require_stopped
from agents.telemetry import Telemetry
from agents.topic_reader import TopicReader, opened, read_to_end
from agents.topics import TopicsError, partition_count
from pipeline.brands import Registry
from pipeline.crisis import CrisisStage
from pipeline.journal import seal
from pipeline.partition import Partitioner
from pipeline.stage import Incoming, Stage, StagePartition
from schemas.topics import COUNTS

CHUNK = 1_000
Say = Callable[[str], None]


class RebuildError(TopicsError):
    """The state cannot be made anew as it was; the message says what is missing."""


@dataclass
class PartitionRebuild:
    """One partition. ``snapshots`` replace everything that its changelog holds, but for the keys of ``kept`` brands."""

    partition: int
    start: int
    end: int
    records: int = 0
    since: datetime | None = None
    snapshots: dict[bytes, bytes] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    """Brands whose records lie here, and that have moved to another partition since."""
    kept: set[bytes] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        """Whether nothing that the stage has worked through is missing."""
        return (self.start == 0 or self.end == 0) and not self.strangers

    def changes(self, before: Newest) -> Snapshots:
        """What must be written: new snapshots, and tombstones for what has none any more."""
        live = {key for key, (_, value, _) in before.items() if value is not None and key != REBUILDING}
        out: dict[bytes, bytes | None] = dict.fromkeys(sorted(live - self.snapshots.keys()))
        out |= self.snapshots
        return {key: value for key, value in out.items() if _brand(key) not in self.kept}


@dataclass
class StageRebuild:
    """What came of one stage."""

    stage: str
    partitions: list[PartitionRebuild]
    written: int = 0
    differing: int = 0

    @property
    def records(self) -> int:
        """Records worked through again."""
        return sum(partition.records for partition in self.partitions)

    @property
    def lacking(self) -> list[str]:
        """What cannot be made as it was, a line each."""
        told = []
        for one in self.partitions:
            if one.start and one.end:
                oldest = f"its oldest record is of {one.since:%Y-%m-%d %H:%M} UTC" if one.since is not None else "none is left"
                told.append(f"{self.stage}, partition {one.partition}: {one.start} records have gone by retention, {oldest}")
            if one.strangers:
                told.append(
                    f"{self.stage}, partition {one.partition}: {len(one.strangers)} brands moved elsewhere when the partition count was "
                    "changed; what they had before cannot be put in order with what came after"
                )
        return told


def rebuild(
    settings: Settings,
    stages: Sequence[Stage],
    say: Say,
    *,
    partial: bool = False,
    registry: Registry | None = None,
    dry_run: bool = False,
) -> list[StageRebuild]:
    """Make the state of these stages anew. A run that was ended in the middle is simply run again.

    Args:
        stages: with a changelog; built from the deployment's present configuration.
        say: hears a line for each step.
        partial: also where not everything is there any more: then brands whose state can be read are left as it is, and the others
            begin with the oldest record that is left.
        registry: with ``partial``, the baselines of those others are made from the counts topic, as these brands have it.
        dry_run: only work it out and compare.

    Raises:
        NotStillError: a worker of such a stage is running.
        RebuildError: not everything is there any more, and ``partial`` is not set. Nothing has been changed.
    """
    names = [stage.name for stage in stages]
    require_stopped(settings, names)
    partitions = partition_count(settings.bootstrap)
    committed = committed_offsets(settings)
    done = []
    for stage in stages:
        with opened(settings.bootstrap) as reader:
            made = StageRebuild(
                stage.name, [_replayed(reader, stage, number, partitions, committed[stage.name]) for number in range(partitions)]
            )
        say(f"{stage.name}: {made.records} records of {stage.source.name} worked through again")
        if made.lacking and not partial:
            raise RebuildError("\n".join([*made.lacking, "--partial makes of the rest what can be made of it"]))
        for line in made.lacking:
            say(line)
        done.append(made)
    counts: CountsOf = {}
    if registry is not None and any(made.lacking for made in done if made.stage == CrisisStage.name):
        counts = read_counts(read_to_end(settings.bootstrap, COUNTS.name), lambda place: say(f"cannot be read: {place}"))
    replacements = [_compared(settings, stage, made, say, registry, counts) for stage, made in zip(stages, done, strict=True)]
    if not dry_run:
        require_stopped(settings, names)
        asyncio.run(_replace(settings, replacements, say, lambda: _require_untouched(settings, names, committed)))
    return done


def _require_untouched(settings: Settings, stages: Sequence[str], committed: Mapping[str, Mapping[int, int]]) -> None:
    """What was worked out still is the state of these stages: none of them has worked since.

    Raises:
        NotStillError: one works, or has.
    """
    require_stopped(settings, stages)
    now = committed_offsets(settings)
    if worked := [stage for stage in stages if now[stage] != committed[stage]]:
        raise NotStillError(f"a worker has run meanwhile ({', '.join(worked)}): keep them all stopped and run this again")


def _replayed(reader: TopicReader, stage: Stage, number: int, partitions: int, committed: dict[int, int]) -> PartitionRebuild:
    """Work through everything that the stage had worked through."""
    place = TopicPartition(stage.source.name, number)
    made = PartitionRebuild(number, reader.starts([place])[place], committed.get(number, 0))
    if made.end > (end := reader.ends([place])[place]):
        raise RebuildError(
            f"{stage.name}, partition {number}: {made.end} records were worked through and {stage.source.name} ends at {end}: it was made "
            "anew or cut since, and what the state was made from is gone"
        )
    home = Partitioner(partitions)
    state = stage.open(number, "")
    state.restored(0)
    for batch in _batches(reader, place, made):
        here = []
        for record in batch:
            brand = None if record.key is None else record.key.decode("utf-8", "replace")
            if brand is not None and home(brand) != number:
                made.strangers.add(brand)
            else:
                here.append(record)
        for key, value in state.process(here).changes.items():
            if value is None:
                made.snapshots.pop(key, None)
            else:
                made.snapshots[key] = value
        made.records += len(batch)
    return made


def _batches(reader: TopicReader, place: TopicPartition, made: PartitionRebuild) -> Iterator[list[Incoming]]:
    if made.start >= made.end:
        return
    reader.start([place])
    waiting: list[Incoming] = []
    while reader.position(place) < made.end or waiting:
        for record in reader.poll() if reader.position(place) < made.end else ():
            if record.offset < made.end:
                made.since = made.since or datetime.fromtimestamp(record.timestamp / 1000, UTC)
                waiting.append(Incoming(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers))
        yield waiting[:CHUNK]
        del waiting[:CHUNK]


class Replacement(NamedTuple):
    """New snapshots for one changelog."""

    topic: str
    changes: dict[int, Snapshots]
    numbers: dict[int, int]
    """Per partition the change number that its new snapshots get, above every one that is there."""
    marked: Set[int]
    """Partitions that a run which was ended in the middle has left marked as being rebuilt."""


def _compared(settings: Settings, stage: Stage, made: StageRebuild, say: Say, registry: Registry | None, counts: CountsOf) -> Replacement:
    """What has to be written so that the changelog tells the new state."""
    assert stage.changelog is not None
    topic = stage.changelog.name
    before = read_changelog(settings.bootstrap, topic)
    changes: dict[int, Snapshots] = {}
    home = Partitioner(len(made.partitions))
    baselines = 0
    for one in made.partitions:
        held = before.get(one.partition, {})
        if not one.is_whole:
            one.kept = _sound_brands(stage.open(one.partition, ""), held) - {b""}
            if registry is not None and stage.name == CrisisStage.name:
                anew = [brand for brand in counts if home(brand) == one.partition and brand.encode() not in one.kept]
                made_anew = dict(watches(one.snapshots, anew, counts, registry))
                one.snapshots |= made_anew
                baselines += len(made_anew)
        changes[one.partition] = one.changes(held)
        made.differing += sum(held.get(key, (0, None, 0))[1] != value for key, value in changes[one.partition].items())
        made.written += len(changes[one.partition])
    if counts and stage.name == CrisisStage.name:
        say(f"{stage.name}: baselines of {baselines} brands made from {COUNTS.name}")
    say(f"{stage.name}: {made.written} keys, {made.differing} of them other than in the changelog")
    marked = {number for number, held in before.items() if held.get(REBUILDING, (0, None, 0))[1] is not None}
    return Replacement(topic, changes, {number: highest(held) + 1 for number, held in before.items()}, marked)


async def _replace(settings: Settings, replacements: Sequence[Replacement], say: Say, require_untouched: Callable[[], None]) -> None:
    """Put the new snapshots in the place of the old.

    Until all stages' are written no worker takes any of them for its state: a worker started in between would work on with what is
    damaged in the stage whose turn has not come. Whether one has begun before is asked only when all are marked: from then on none can.
    """
    async with Writer(settings, Telemetry(CollectorRegistry())) as writer:

        async def write(one: Replacement, partition: int, snapshots: Snapshots) -> None:
            await write_snapshots(writer, one.topic, partition, snapshots, one.numbers.get(partition, 1))

        places = [(one, partition) for one in replacements for partition in one.changes]
        for one, partition in places:
            await write(one, partition, {REBUILDING: seal(REBUILDING, b"")})
        try:
            await asyncio.to_thread(require_untouched)
        except TopicsError:
            for one, partition in places:
                if partition not in one.marked:
                    await write(one, partition, {REBUILDING: None})
            raise
        for one, partition in places:
            await write(one, partition, one.changes[partition])
        for one, partition in places:
            await write(one, partition, {REBUILDING: None})
    for one in replacements:
        say(f"written to {one.topic}")


def _sound_brands(state: StagePartition, held: Newest) -> set[bytes]:
    """Brands with a readable core and nothing that is damaged."""
    sound, damaged = set(), set()
    for key, (_, value, _) in held.items():
        if value is None:
            continue
        try:
            state.restore(key, value)
        except ValueError:
            damaged.add(_brand(key))
        else:
            if b"|" not in key:
                sound.add(key)
    return sound - damaged


def _brand(key: bytes) -> bytes:
    return key.partition(b"|")[0]
