"""The broker of the benchmark and its topics: emptied between measurements, filled at once, read for append times."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from mentions import Draft

from agents.topics import apply_topics
from schemas.topics import DEFAULT_PARTITIONS, RAW, TOPICS

LIMIT_SECONDS = 30.0


def stamp(seconds: float) -> bytes:
    """RFC 3339 of a wall-clock time, as `published_at` is written."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


class Cluster:
    """One broker, by its address and process id."""

    def __init__(self, bootstrap: str, pid: int) -> None:
        self.bootstrap = bootstrap
        self.pid = pid
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})

    def empty(self) -> None:
        """All topics of the table deleted and made anew, with the settings that they have in production."""
        names = [topic.name for topic in TOPICS]
        known = set(self._admin.list_topics(timeout=10).topics)
        doomed = [name for name in names if name in known]
        if doomed:
            for future in self._admin.delete_topics(doomed).values():
                future.result()
        until = monotonic() + LIMIT_SECONDS
        while set(names) & set(self._admin.list_topics(timeout=10).topics):
            if monotonic() > until:
                raise RuntimeError("the topics are still there")
            sleep(0.1)
        apply_topics(self.bootstrap)

    def fill(self, drafts: Sequence[Draft], since: float, until: float) -> None:
        """Append drafts to the raw topic as fast as it goes, written evenly between two wall-clock times; all acknowledged."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "batch.num.messages": 5_000,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        step = (until - since) / max(1, len(drafts))
        for number, draft in enumerate(drafts):
            producer.produce(RAW.name, draft.head + stamp(since + number * step) + draft.tail, draft.key, draft.partition)
            if number % 1_000 == 0:
                producer.poll(0)
        if producer.flush(LIMIT_SECONDS):
            raise RuntimeError("the raw topic could not be filled")

    def ends(self, topic: str) -> list[int]:
        """The next offset of each partition."""
        return [result.offset for result in self._offsets(topic, OffsetSpec.latest())]

    def count(self, topic: str) -> int:
        """Records a topic has had (it was made empty, and nobody writes transactions)."""
        return sum(self.ends(topic))

    def last_append(self, topic: str) -> float:
        """Wall-clock seconds at which the broker appended the last record."""
        return max(result.timestamp for result in self._offsets(topic, OffsetSpec.max_timestamp())) / 1000

    def _offsets(self, topic: str, wanted: OffsetSpec) -> list[Any]:
        asked = {TopicPartition(topic, partition): wanted for partition in range(DEFAULT_PARTITIONS)}
        until = monotonic() + LIMIT_SECONDS
        while True:
            try:
                return [future.result() for future in self._admin.list_offsets(asked, request_timeout=10).values()]
            except KafkaException as error:
                if (not error.args[0].retriable() and error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION) or monotonic() > until:
                    raise  # else the topic is so young that its leader is not known everywhere
                sleep(0.1)

    def read(self, topic: str, starts: Sequence[int]) -> Iterator[Any]:
        """The messages of a topic from these offsets on to its end of now."""
        ends = self.ends(topic)
        left = {partition: ends[partition] for partition in range(len(ends)) if starts[partition] < ends[partition]}
        with _consumer(self.bootstrap) as consumer:
            consumer.assign([TopicPartition(topic, partition, starts[partition]) for partition in left])
            silent = monotonic()
            while left:
                for message in consumer.consume(5_000, 0.5):
                    silent = monotonic()
                    if message.error():
                        raise RuntimeError(message.error())
                    if message.offset() < ends[message.partition()]:
                        yield message
                    if message.offset() >= ends[message.partition()] - 1:
                        left.pop(message.partition(), None)
                if monotonic() - silent > LIMIT_SECONDS:
                    raise RuntimeError(f"{topic} cannot be read to its end")


@contextmanager
def _consumer(bootstrap: str) -> Iterator[Consumer]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-reader", "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()


def append_times(messages: Iterable[Any]) -> dict[tuple[int, int], int]:
    """(partition, offset) → append time in milliseconds."""
    return {(message.partition(), message.offset()): message.timestamp()[1] for message in messages}
