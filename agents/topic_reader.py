"""Reads topics for the command line: from the start to the end of now, or following.

With aiokafka on an event loop of its own: its record parser is compiled, kafka-python's costs ten times as much a record.

A worker waits for its broker; a command does not: where nothing answers for `PATIENCE_SECONDS`, it ends and says so.
"""

import asyncio
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.runtime.ending import within
from agents.runtime.header_names import accept_any_header_name
from agents.runtime.writer import is_transient
from agents.topics import KafkaAwayError, TopicsError, partitions_of, require_kafka

T = TypeVar("T")
POLL_MILLISECONDS = 500
PATIENCE_SECONDS = 30
"""So long a broker may be silent: longer than a restart takes."""

LOOK_AFTER_POLLS = 10
"""After so many in a row that brought nothing, the broker is asked whether it is still there."""

CLOSE_SECONDS = 2


class Record(NamedTuple):
    """A record as the log holds it; ``timestamp`` is in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class TopicReader:
    """A consumer outside any group, for code that does not run on an event loop. Close it."""

    def __init__(self, bootstrap: str) -> None:
        """Connect.

        Raises:
            KafkaAwayError: no broker answers.
        """
        require_kafka(bootstrap)
        self._bootstrap = bootstrap
        self._empty_polls = 0
        self._loop = asyncio.new_event_loop()
        try:
            self._consumer: AIOKafkaConsumer = self._run(self._connect(bootstrap))
        except BaseException:
            self._end_loop()
            raise

    @staticmethod
    async def _connect(bootstrap: str) -> AIOKafkaConsumer:
        accept_any_header_name()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 << 20,
            max_poll_records=5_000,
        )
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """What Kafka answers, if it does.

        Raises:
            KafkaAwayError: it does not.
            TopicsError: it refuses.
        """
        task = self._loop.create_task(work)
        for _ in range(PATIENCE_SECONDS):  # in steps: time in which we were frozen ourselves counts as one
            self._loop.run_until_complete(asyncio.wait({task}, timeout=1))
            if task.done():
                break
        else:
            raise KafkaAwayError(self._silent())
        try:
            return task.result()
        except KafkaError as error:
            if is_transient(error):
                raise KafkaAwayError(self._silent()) from error
            raise TopicsError(f"Kafka at {self._bootstrap} refuses: {type(error).__name__}") from error

    def _silent(self) -> str:
        return (
            f"Kafka at {self._bootstrap} answers no more; run this again when the broker is well (WEBCARE_KAFKA_BOOTSTRAP or --bootstrap "
            "names another)"
        )

    def ends(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset of each partition."""
        ends: dict[TopicPartition, int] = self._run(self._consumer.end_offsets(list(places)))
        return ends

    def starts(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that is there of each partition."""
        starts: dict[TopicPartition, int] = self._run(self._consumer.beginning_offsets(list(places)))
        return starts

    def start(self, places: Sequence[TopicPartition], *, at_end: bool = False) -> None:
        """Read these partitions, from their start or from now on."""
        self._run(self._start(places, at_end))

    async def _start(self, places: Sequence[TopicPartition], at_end: bool) -> None:
        self._consumer.assign(list(places))
        await (self._consumer.seek_to_end if at_end else self._consumer.seek_to_beginning)(*places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on reading at this offset, or at the start where it is gone."""
        self._consumer.seek(place, offset)

    def position(self, place: TopicPartition) -> int:
        """The offset that is read next."""
        at: int = self._run(self._consumer.position(place))
        return at

    def poll(self, places: Sequence[TopicPartition] = ()) -> list[Record]:
        """What has come, of these partitions only where some are named; empty if nothing does for half a second.

        Raises:
            KafkaAwayError: nothing has come for a while, and the broker does not answer either.
        """
        fetched = self._run(self._consumer.getmany(*places, timeout_ms=POLL_MILLISECONDS))
        self._empty_polls = 0 if fetched else self._empty_polls + 1
        if self._empty_polls >= LOOK_AFTER_POLLS:
            self._empty_polls = 0
            self.ends(places or sorted(self._consumer.assignment()))
        return [
            Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for records in fetched.values() for r in records
        ]

    def close(self) -> None:
        """Disconnect, whether or not the broker is there."""
        self._loop.run_until_complete(within(self._consumer.stop(), CLOSE_SECONDS))
        self._end_loop()

    def _end_loop(self) -> None:
        """Close the loop with what still waits in it for a broker that does not answer."""
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        if waiting:
            self._loop.run_until_complete(asyncio.wait(waiting, timeout=CLOSE_SECONDS))
        self._loop.close()


def places_of(bootstrap: str, *topics: str) -> list[TopicPartition]:
    """All partitions of these topics.

    Raises:
        TopicMissingError: one does not exist.
    """
    counts = partitions_of(bootstrap, *topics)
    return [TopicPartition(topic, partition) for topic in topics for partition in range(counts[topic])]


@contextmanager
def opened(bootstrap: str) -> Iterator[TopicReader]:
    """A reader, closed at the end."""
    reader = TopicReader(bootstrap)
    try:
        yield reader
    finally:
        reader.close()


def read_to_end(bootstrap: str, *topics: str) -> Iterator[Record]:
    """Every record that is in these topics now, each partition in order.

    Raises:
        TopicMissingError: one does not exist.
        KafkaAwayError: no broker answers, or does no more.
    """
    places = places_of(bootstrap, *topics)
    with opened(bootstrap) as reader:
        yield from read_between(reader, {}, reader.ends(places))


def read_between(reader: TopicReader, since: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> Iterator[Record]:
    """Every record before these ends, from the start or from the offset that ``since`` names; each partition in order."""
    if not ends:
        return
    reader.start(list(ends))
    for place, offset in since.items():
        reader.seek(place, offset)
    waiting = {place for place in ends if reader.position(place) < ends[place]}
    while waiting:
        for record in reader.poll():
            if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                yield record
        waiting = {place for place in waiting if reader.position(place) < ends[place]}


def follow(bootstrap: str, *topics: str, from_beginning: bool = False) -> Generator[Record | None]:
    """Records as they come; None each time nothing came for half a second."""
    places = places_of(bootstrap, *topics)
    with opened(bootstrap) as reader:
        reader.start(places, at_end=not from_beginning)
        while True:
            records = reader.poll()
            if not records:
                yield None
            yield from records
