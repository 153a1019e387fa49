"""Changes the number of partitions of all topics: brands move, with their state, items and alerts, to the partitions of the new number.

Crash-safe and idempotent: a run that was ended anywhere is simply run again. The raw topic grows last; until then the numbers differ, and
no worker starts. Whatever moves is first written where it belongs and only then taken away where it was.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec
from prometheus_client import CollectorRegistry

from agents.changelogs import highest, read_changelog, write_snapshots
from agents.runtime.restore import REBUILDING, place_in
from agents.runtime.writer import Write, Writer
from agents.settings import Settings
from agents.standstill import NotStillError, require_stopped, undone
from agents.telemetry import Telemetry
from agents.topic_reader import Record, read_to_end
from agents.topics import TopicsError, add_partitions, partitions_of, topic_epoch
from pipeline.crisis import TICKS_KEY
from pipeline.events import digest, event_type
from pipeline.moving import grown_ticks, moved_core, read_ticks, write_ticks
from pipeline.partition import Partitioner
from schemas.topics import ALERT_STATE, ALERT_STATE_SHADOW, CRISIS_STATE, ITEM, ITEM_SHADOW, RAW, ROUTING_STATE, TOPICS, Topic

STATES = {"crisis": CRISIS_STATE, "routing": ROUTING_STATE}
TOLD = (ITEM, ITEM_SHADOW, ALERT_STATE, ALERT_STATE_SHADOW)
"""Compacted topics that others read."""

Say = Callable[[str], None]
Where = dict[int, dict[bytes, bytes | None]]
"""Partition → key → value, None: tombstone."""


class RepartitionError(TopicsError):
    """The number cannot become what was asked for."""


@dataclass
class _Move:
    """What moves in one changelog. ``number`` wins over all that is there."""

    number: int = 1
    put: Where = field(default_factory=lambda: defaultdict(dict))
    ticks: Where = field(default_factory=lambda: defaultdict(dict))
    take: Where = field(default_factory=lambda: defaultdict(dict))

    @property
    def keys(self) -> int:
        return sum(map(len, self.put.values()))


@dataclass
class _Told:
    """What moves in one topic that others read."""

    put: dict[int, list[Write]] = field(default_factory=lambda: defaultdict(list))
    take: dict[int, list[Write]] = field(default_factory=lambda: defaultdict(list))
    again: dict[int, list[Write]] = field(default_factory=lambda: defaultdict(list))


def repartition(settings: Settings, partitions: int, say: Say, *, dry_run: bool = False) -> None:
    """Give all topics so many partitions.

    Raises:
        RepartitionError: fewer than there are, or another number than that of a run that was ended in the middle.
        NotStillError: a worker is running, or work is left. Nothing has been changed.
    """
    require_stopped(settings)
    counts = partitions_of(settings.bootstrap, *(topic.name for topic in TOPICS))
    raw, most = counts[RAW.name], max(counts.values())
    if most > raw and partitions != most:
        raise RepartitionError(f"a change from {raw} to {most} partitions was begun and not finished: finish it with --partitions {most}")
    if partitions < most:
        raise RepartitionError(
            f"{partitions} partitions were asked for, but there are {most}: Kafka can only add partitions, not take them away"
        )
    growing = [topic for topic in TOPICS if counts[topic.name] < partitions]
    if not growing:
        say(f"all topics have {partitions} partitions: nothing to do")
        return
    _require_drained(settings, begun=most > raw)
    say(f"{len(growing)} topics of {len(TOPICS)} grow to {partitions} partitions")
    if not dry_run:
        add_partitions(settings.bootstrap, partitions, [topic for topic in growing if topic is not RAW])
    epoch = topic_epoch(settings.bootstrap, RAW.name)
    for stage, topic in STATES.items():
        move = _state_move(settings.bootstrap, stage, topic, raw, partitions, epoch)
        brands = len({key.partition(b"|")[0] for keys in move.put.values() for key in keys})
        say(f"{topic.name}: {move.keys} keys of {brands} brands move")
        if not dry_run:
            asyncio.run(_move_state(settings, topic, move))
    for topic in TOLD:
        told = _told_move(topic, read_to_end(settings.bootstrap, topic.name), raw, partitions)
        say(f"{topic.name}: {sum(map(len, told.again.values()))} keys move")
        if not dry_run:
            asyncio.run(_move_told(settings, topic, told))
    if dry_run:
        return
    require_stopped(settings)
    add_partitions(settings.bootstrap, partitions, [RAW])
    say(f"done: start workers and producers again, they find {partitions} partitions")


def _require_drained(settings: Settings, *, begun: bool) -> None:
    """Behind the door nothing may be left: its records lie in partitions which their brands leave. Nor at the door, unless the change has
    been begun: then no worker can start, and what producers wrote since is worked through afterwards."""
    left = undone(settings)
    if begun:
        left.pop("language", None)
    if left:
        told = ", ".join(f"{number} records for {stage}" for stage, number in left.items())
        raise NotStillError(
            f"not everything is worked through: {told}. Stop the producers, let the workers finish, stop them, run this again"
        )


def _state_move(bootstrap: str, stage: str, topic: Topic, raw: int, partitions: int, epoch: str) -> _Move:
    held = read_changelog(bootstrap, topic.name)
    if any(newest.get(REBUILDING, (0, None, 0))[1] is not None for newest in held.values()):
        raise RepartitionError(f"the state of {stage} is being rebuilt; finish `webcare state rebuild` first")
    home = Partitioner(partitions)
    move = _Move(number=max((highest(newest) for newest in held.values()), default=0) + 1)
    ticks: dict[int, dict[int, float]] = {}
    for partition, newest in held.items():
        for key, (_, value, _) in newest.items():
            brand, kind = place_in(key)
            if value is None or kind == "?":
                continue
            try:
                if key == TICKS_KEY:
                    ticks[partition] = read_ticks(stage, value)
                elif (target := home(brand)) != partition:
                    move.take[partition][key] = None
                    move.put[target][key] = value  # should the next line refuse it, the worker tells, as it would have done before
                    if kind == "core":
                        move.put[target][key] = moved_core(stage, key, value, epoch, target)
            except ValueError:
                continue
    old = [ticks[partition] for partition in range(raw) if partition in ticks]
    for partition in range(partitions):
        own = ticks.get(partition) if partition < raw else None
        if grown := grown_ticks(own, old, range(raw, partitions)):
            move.ticks[partition][TICKS_KEY] = write_ticks(stage, grown)
    return move


async def _move_state(settings: Settings, topic: Topic, move: _Move) -> None:
    async with Writer(settings, Telemetry(CollectorRegistry())) as writer:
        for where in (move.put, move.ticks, move.take):
            for partition, snapshots in where.items():
                await write_snapshots(writer, topic.name, partition, snapshots, move.number)


def _told_move(topic: Topic, log: Iterable[Record], raw: int, partitions: int) -> _Told:
    """Values go to their new partition, tombstones to the old one, and the values once more.

    So whoever keeps them by key alone, in the order in which they were written, ends with the value. All that may have moved by a run
    before is written once more too: nobody knows how far that run came.
    """
    newest: dict[tuple[int, bytes], Record] = {}
    for record in log:
        if record.key is not None:
            newest[record.partition, record.key] = record
    home, before = Partitioner(partitions), Partitioner(raw)
    told = _Told()
    for (partition, key), record in newest.items():
        if record.value is None:
            continue
        try:
            brand = msgspec.json.decode(record.value, type=_Branded).brand
        except msgspec.DecodeError:
            continue
        target = home(brand)
        headers = list(record.headers)
        if partition != target:
            gone = digest(event_type(topic), key.decode("utf-8", "replace"), "moved", partitions).encode()
            told.put[target].append(Write(key, record.value, headers))
            told.take[partition].append(Write(key, None, [(name, gone if name == "ce_id" else value) for name, value in headers]))
        if partition != target or before(brand) != target:
            told.again[target].append(Write(key, record.value, headers))
    return told


class _Branded(msgspec.Struct):
    brand: str


async def _move_told(settings: Settings, topic: Topic, told: _Told) -> None:
    async with Writer(settings, Telemetry(CollectorRegistry())) as writer:
        for step in (told.put, told.take, told.again):
            for partition, writes in step.items():
                await writer.publish({(topic.name, partition): writes})
