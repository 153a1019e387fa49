"""Reads a stage's changelog back when partitions are assigned: per key the snapshot with the highest change number, not the last one.

It runs beside live partitions on the same event loop, so it never computes for longer than a few milliseconds at a time; and one
partition after the other, so that raw snapshots and loaded state are never both held of more than one. What cannot be read is named,
counted and passed over; the stage goes on from all else that is known, and writes the key anew.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.logs import get_logger
from agents.runtime.writer import Written
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.topics import TopicsError
from pipeline.journal import CHANGE
from pipeline.partition import Partitioner
from pipeline.stage import StagePartition

log = get_logger(__name__)

Newest = dict[bytes, tuple[int, bytes | None, int]]
"""Per key: change number, snapshot (None: tombstone), and offset of the record."""

REBUILDING = b"|rebuilding"
"""While this key has a value, the snapshots around it are being replaced (`webcare state rebuild`), and belong to no state."""

SLICE_SECONDS = 0.004
"""So long a restore computes before the event loop's other work has its turn."""

NAMED = 20
"""So many unreadable records of a restore are named one by one; the rest is only counted."""

_KINDS = frozenset(
    {b"", *b"ticks watch cadence seen evidence topics extent alert family key parts".split(), *b"item thread author".split()}
)
_KEY = re.compile(rb"([a-z0-9-]{0,100})(?:\|([a-z]+)(?:\|.*)?)?", re.DOTALL)


class Logged(Written, Protocol):
    """What is read of a changelog record: what was written, and where."""

    @property
    def offset(self) -> int: ...


class UnwantedError(TopicsError):
    """The partitions have been taken away meanwhile: nobody waits for their state."""


class StateBusyError(TopicsError):
    """The state is being rebuilt: nobody may work on it until that is finished."""


def change_of(headers: Sequence[tuple[str, bytes | None]]) -> int:
    """The change number of a changelog record.

    Raises:
        ValueError: it has none that can be read.
    """
    for name, value in headers:
        if name == CHANGE:
            if value is None or len(value) > 18 or not value.isdigit():
                break
            return int(value)
    raise ValueError("no readable change number")


def place_in(key: bytes | None) -> tuple[str, str]:
    """Brand and kind of a key, for the log: ids stay out of it, and so does whatever is no key of ours ("?")."""
    found = _KEY.fullmatch(key or b"?")
    if found is None or (found[2] or b"") not in _KINDS:
        return "?", "?"
    return found[1].decode(), (found[2] or b"core").decode()


@dataclass
class Unreadable:
    """What a restore could not read."""

    stage: str
    telemetry: Telemetry
    count: int = 0

    def tell(self, partition: int, offset: int, key: bytes | None, problem: str) -> None:
        """Name and count one record."""
        self.count += 1
        self.telemetry.state_unreadable.labels(self.stage).inc()
        if self.count <= NAMED:
            brand, kind = place_in(key)
            log.error(
                "state cannot be read, going on without it; `webcare state rebuild` makes it anew",
                stage=self.stage,
                partition=partition,
                offset=offset,
                brand=brand,
                kind=kind,
                problem=problem,
            )

    def sum_up(self) -> None:
        """How many were not named."""
        if self.count > NAMED:
            log.error("more state that cannot be read", stage=self.stage, records=self.count - NAMED)


@dataclass
class Pace:
    """Gives the event loop its turn, and ends what is not wanted any more."""

    wanted: Callable[[], bool] = lambda: True
    since: float = field(default_factory=time.monotonic)

    async def breathe(self) -> None:
        """Return at once, or after all that waits has run once.

        Raises:
            UnwantedError: nobody waits for the result any more.
        """
        if time.monotonic() - self.since > SLICE_SECONDS:
            await asyncio.sleep(0)
            if not self.wanted():
                raise UnwantedError("the partitions are not ours any more")
            self.since = time.monotonic()


async def restore(
    stage: str,
    changelog: str,
    partitions: Mapping[int, StagePartition],
    settings: Settings,
    telemetry: Telemetry,
    wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Fill freshly opened partitions from their changelog, to its present end; ``wanted`` is asked on the way.

    Raises:
        KafkaError: the broker is away; the caller tries again with new partitions.
        StateBusyError: the state is being rebuilt; the caller tries again.
        UnwantedError: it is not wanted any more.
    """
    started = time.monotonic()
    unreadable, pace = Unreadable(stage, telemetry), Pace(wanted)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # an offset that is gone must not make it jump over the rest
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=4 << 20,
        max_poll_records=500,
    )
    keys = 0
    loading = 0.0
    try:
        await consumer.start()
        logs = [TopicPartition(changelog, partition) for partition in partitions]
        consumer.assign(logs)
        consumer.pause(*logs)
        await consumer.seek_to_beginning(*logs)
        ends = await consumer.end_offsets(logs)
        belongs = _belongs(len(consumer.partitions_for_topic(changelog) or ()))
        for place in logs:
            newest = await _read(consumer, place, ends[place], unreadable, pace) if ends[place] else {}
            if newest.get(REBUILDING, (0, None, 0))[1] is not None:
                log.error("the state is being rebuilt; finish `webcare state rebuild`", stage=stage, partition=place.partition)
                raise StateBusyError(f"partition {place.partition} of {changelog} is being rebuilt")
            keys += len(newest)
            read_at = time.monotonic()
            await load(place.partition, partitions[place.partition], newest, unreadable, belongs, pace)
            loading += time.monotonic() - read_at
    finally:
        await consumer.stop()
    unreadable.sum_up()
    seconds = time.monotonic() - started
    log.info(
        "state restored",
        stage=stage,
        partitions=sorted(partitions),
        keys=keys,
        unreadable=unreadable.count,
        seconds=round(seconds, 3),
        read_seconds=round(seconds - loading, 3),
        load_seconds=round(loading, 3),
    )


async def _read(consumer: AIOKafkaConsumer, place: TopicPartition, end: int, unreadable: Unreadable, pace: Pace) -> Newest:
    """The newest snapshot of each key of one partition."""
    newest: Newest = {}
    consumer.resume(place)
    while await consumer.position(place) < end:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            take(newest, records, lambda record, problem: unreadable.tell(place.partition, record.offset, record.key, problem))
            await pace.breathe()
    consumer.pause(place)
    return newest


def take(newest: Newest, records: Iterable[Logged], refuse: Callable[[Logged, str], None] = lambda _record, _problem: None) -> None:
    """Keep the snapshots with the highest change number of their keys, of equal ones the later; ``refuse`` hears of what is none."""
    last: Sequence[tuple[str, bytes]] | None = None
    change = 0
    for record in records:
        try:
            if record.key is None:
                raise ValueError("no key")
            if record.headers != last:  # records of one batch carry the same number
                change = change_of(record.headers)
                last = record.headers
        except ValueError as error:
            refuse(record, str(error))
            continue
        key = record.key
        known = newest.get(key)
        if known is None or change >= known[0]:
            newest[key] = (change, record.value, record.offset)


def _belongs(partitions: int) -> Callable[[bytes, int], bool]:
    """Whether a brand's keys belong to a partition. Without brand: to any."""
    partitioner = Partitioner(partitions) if partitions else None
    known: dict[bytes, int] = {b"": -1}

    def belongs(brand: bytes, partition: int) -> bool:
        home = known.get(brand)
        if home is None:
            home = known[brand] = partition if partitioner is None else partitioner(brand.decode())
        return home in (partition, -1)

    return belongs


async def load(
    partition: int, state: StagePartition, newest: Newest, unreadable: Unreadable, belongs: Callable[[bytes, int], bool], pace: Pace
) -> None:
    """Hand the newest snapshots to the stage; ``newest`` is empty afterwards, so that nothing is held twice."""
    highest = max((change for change, _, _ in newest.values()), default=0)
    damaged = []
    last, is_home = b"", True
    for number, key in enumerate(list(newest)):
        _, value, offset = newest.pop(key)
        if value is not None:
            try:
                if (brand := key.partition(b"|")[0]) != last:
                    is_home, last = belongs(brand, partition), brand
                if not is_home:
                    unreadable.tell(partition, offset, key, "of a brand that belongs to another partition")
                    continue
                state.restore(key, value)
            except ValueError as error:
                unreadable.tell(partition, offset, key, type(error).__name__)
                damaged.append(key)
        if not number & 31:
            await pace.breathe()
    for key in damaged:
        if place_in(key) != ("?", "?"):
            state.unreadable(key)
    await pace.breathe()
    state.restored(highest)
