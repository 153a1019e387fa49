"""Reads topics for the command line (kafka-python): from the start to the end of now, or following."""

from collections.abc import Generator, Iterator, Sequence
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from agents.topics import TopicMissingError, require_kafka
from schemas.topics import BY_NAME


class Record(NamedTuple):
    """A record as the log holds it; ``timestamp`` is in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def consumer(bootstrap: str) -> Any:
    """A consumer outside any group.

    Raises:
        KafkaAwayError: no broker answers.
    """
    require_kafka(bootstrap)
    return KafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=16 << 20,
        fetch_max_bytes=64 << 20,
        max_poll_records=5_000,
    )


def partitions_of(reader: Any, topic: str) -> list[TopicPartition]:
    """All partitions of a topic.

    Raises:
        TopicMissingError: the topic does not exist.
    """
    found = reader.partitions_for_topic(topic)
    if not found:
        hint = "create the topics with `webcare topics apply`" if topic in BY_NAME else "`webcare topics list` shows them"
        raise TopicMissingError(f"there is no topic {topic}; {hint}")
    return [TopicPartition(topic, partition) for partition in sorted(found)]


def read_to_end(bootstrap: str, *topics: str) -> Iterator[Record]:
    """Every record that is in these topics now, each partition in order."""
    reader = consumer(bootstrap)
    try:
        places = [place for topic in topics for place in partitions_of(reader, topic)]
        reader.assign(places)
        reader.seek_to_beginning(*places)
        ends = reader.end_offsets(places)
        waiting = {place for place in places if reader.position(place) < ends[place]}
        while waiting:
            for place, fetched in reader.poll(timeout_ms=500).items():
                end = ends[place]
                for record in fetched:
                    if record.offset < end:
                        yield _record(record)
            waiting = {place for place in waiting if reader.position(place) < ends[place]}
    finally:
        reader.close()


def follow(bootstrap: str, *topics: str, from_beginning: bool = False) -> Generator[Record | None]:
    """Records as they come; None each time nothing came for half a second."""
    reader = consumer(bootstrap)
    try:
        places = [place for topic in topics for place in partitions_of(reader, topic)]
        reader.assign(places)
        (reader.seek_to_beginning if from_beginning else reader.seek_to_end)(*places)
        while True:
            polled = reader.poll(timeout_ms=500)
            if not polled:
                yield None
            for fetched in polled.values():
                for record in fetched:
                    yield _record(record)
    finally:
        reader.close()


def _record(record: Any) -> Record:
    return Record(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
