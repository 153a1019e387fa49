"""What a stage is: per partition, a batch of records in; outgoing records, dead letters and state changes out. No I/O.

The runtime (`agents/`) and the offline runner drive the same stages. A stage keeps all its state in its `StagePartition`, changes it
in place, and journals every changed key; the runtime writes outputs first, then the journal, then commits, and throws the whole
partition away when it is not the owner any more.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from pipeline.events import Headers as Headers  # where stages look for it
from pipeline.events import passed_on
from schemas.codec import Reason, RecordDecoder, RejectedRecordError
from schemas.mention import Tick
from schemas.topics import Topic

ORIGIN = "webcare-origin"
APPENDED = "webcare-appended"

FIRST_DETECTED, LAST_DETECTED = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Detection times lie between these behind the door, so that no stage need fear the ends of the calendar."""


class Incoming(NamedTuple):
    """A record as the log holds it. ``timestamp`` is the broker's append time in milliseconds."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Outgoing(NamedTuple):
    """A record to publish. ``partition`` None: the partition that the batch was read from."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None


class DeadLetter(NamedTuple):
    """A record that is itself at fault. ``detail`` names the place, never the content. ``origin`` is added where the record has none."""

    record: Incoming
    reason: Reason
    detail: str
    origin: bytes | None = None


@dataclass
class Outcome:
    """What one batch comes to.

    ``changes``: changelog key → snapshot (None: tombstone) of every key whose state changed, all keys of a brand side by side.
    ``counts``: (metric name, label value, …) → how many, for telemetry; label sets are bounded.
    """

    outgoing: list[Outgoing] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    changes: dict[bytes, bytes | None] = field(default_factory=dict)
    change: int = 0
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)


class Reading(NamedTuple):
    """One gauge at this moment: name without prefix, label values by label name, value."""

    name: str
    labels: dict[str, str]
    value: float


class StagePartition(Protocol):
    """All state of a stage in one partition."""

    def restore(self, key: bytes, value: bytes) -> None:
        """Take back one snapshot, the newest of its key.

        Raises:
            ValueError: it cannot be read; the runtime names the key, and goes on without it.
        """

    def unreadable(self, key: bytes) -> None:
        """What the changelog holds under ``key`` cannot be read: go on from all else that is known, and write the key anew. Between
        `restore` and `restored`."""

    def restored(self, change: int) -> None:
        """All snapshots are in; ``change`` is the highest change number seen."""

    def process(self, records: Sequence[Incoming]) -> Outcome:
        """Work through a batch, in order. Never raises for a record's own fault."""

    def readings(self) -> Iterable[Reading]:
        """Gauges of what this partition holds now; cheap, taken at each scrape."""


class Stage(Protocol):
    """One of language, sentiment, crisis, routing."""

    @property
    def name(self) -> str:
        """Its name, also of its agent, consumer group and changelog."""

    @property
    def source(self) -> Topic:
        """The topic it reads."""

    @property
    def changelog(self) -> Topic | None:
        """Where its state is kept; None: it has none."""

    def open(self, partition: int, epoch: str) -> StagePartition:
        """An empty partition; ``epoch`` is the identity of the source topic (Kafka's topic id), which only the door uses."""


@runtime_checkable
class WorksTogether(Protocol):
    """A stage that works batches of several partitions off in fewer steps than one by one, with the same outcomes."""

    def process_together(self, parts: Sequence[tuple[Any, Sequence[Incoming]]]) -> list[Outcome]:
        """The outcome of each partition's batch; the partitions are the stage's own, each at most once."""


class Origin(NamedTuple):
    """Where in the raw topic a record comes from: the thread through all stages."""

    epoch: str
    partition: int
    offset: int

    def encode(self) -> bytes:
        """As the header ``webcare-origin`` carries it."""
        return f"{self.epoch}:{self.partition}:{self.offset}".encode()

    def is_before(self, other: str) -> bool:
        """Whether it lies in the same raw partition as the encoded origin ``other``, and before it."""
        place, _, offset = other.rpartition(":")
        return place == f"{self.epoch}:{self.partition}" and self.offset < int(offset)


def parse_origin(value: bytes) -> Origin:
    """Read a ``webcare-origin`` header.

    Raises:
        ValueError: it does not have the form ``<topic epoch>:<raw partition>:<raw offset>``, or no Kafka has such numbers.
    """
    place, _, offset = value.rpartition(b":")
    if len(offset) > 19 or not offset.isdigit():
        raise ValueError("no offset in a raw topic")
    return Origin(*_parse_place(place), int(offset))


@lru_cache(maxsize=1024)
def _parse_place(value: bytes) -> tuple[str, int]:
    """``<topic epoch>:<raw partition>``: one for all records of a raw partition."""
    epoch, partition = value.decode("ascii").split(":")
    if len(epoch) > 100 or len(partition) > 10 or not partition.isdigit():
        raise ValueError("no place in a raw topic")  # int() takes signs, spaces and any size, which no snapshot can hold
    return epoch, int(partition)


def header(headers: Iterable[tuple[str, bytes]], name: str) -> bytes | None:
    """The first header of that name."""
    for key, value in headers:
        if key == name:
            return value
    return None


T = TypeVar("T", bound=Struct)


def _check_times(value: object) -> None:
    """Refuse times that the door lets nobody bring: what lies beyond cannot be reckoned with, and would end the process.

    Raises:
        RejectedRecordError: naming the field.
    """
    moment: datetime = value.at if isinstance(value, Tick) else value.detected_at  # type: ignore[attr-defined]
    if not FIRST_DETECTED <= moment <= LAST_DETECTED:
        name = "at" if isinstance(value, Tick) else "detected_at"
        raise RejectedRecordError(Reason.INVALID_RECORD, f"not between the years 1970 and 2100 - at `$.{name}`")
    published: datetime = getattr(value, "published_at", moment)
    if published.tzinfo is not UTC:
        try:
            published.astimezone(UTC)
        except OverflowError:
            raise RejectedRecordError(Reason.INVALID_RECORD, "beyond the years 1 to 9999 in UTC - at `$.published_at`") from None


class Arrival(Struct, Generic[T], frozen=True):
    """A record that decoded, where it comes from, and those of its headers that what comes of it passes on (see `passed_on`)."""

    record: Incoming
    value: T
    origin: Origin
    passed: Headers


AT_ONCE = 32
"""Records that go through one step of a stage before any goes through the next. Each step's code then stays in the processor's cache, at
two thirds of the price of record by record; of many more the records themselves would not."""


def arrivals(decoder: RecordDecoder[T], records: Sequence[Incoming], outcome: Outcome) -> Iterator[Arrival[T]]:
    """Decode a batch behind the door, in order; what is at fault becomes a dead letter of ``outcome``, the others go on."""
    for some in arrivals_at_once(decoder, records, outcome):
        yield from some


def arrivals_at_once(decoder: RecordDecoder[T], records: Sequence[Incoming], outcome: Outcome) -> Iterator[list[Arrival[T]]]:
    """The same, some at a time (see `AT_ONCE`)."""
    known = decoder.unknown_fields
    decode = decoder.decode
    for start in range(0, len(records), AT_ONCE):
        arrived: list[Arrival[T]] = []
        for record in records[start : start + AT_ONCE]:
            try:
                value = decode(record.value)
                _check_times(value)
                passed = passed_on(record.headers)  # the origin is among them, and found at once
                origin = parse_origin(header(passed, ORIGIN) or b"")
            except RejectedRecordError as error:
                outcome.dead.append(DeadLetter(record, error.reason, error.detail))
            except ValueError:
                outcome.dead.append(DeadLetter(record, Reason.BAD_ORIGIN, f"no readable {ORIGIN} header"))
            else:
                arrived.append(Arrival(record, value, origin, passed))
        yield arrived
    if decoder.unknown_fields > known:
        outcome.counts["unknown_fields",] += decoder.unknown_fields - known
