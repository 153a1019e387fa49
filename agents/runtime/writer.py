"""One idempotent producer for all stages: a record goes to a named partition, in order, and its acknowledgement is awaited."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, RequestTimedOutError
from mode import Service

from agents.runtime.ending import within
from agents.runtime.retrying import Retries
from agents.settings import Settings
from agents.telemetry import Telemetry

BATCH_BYTES = 512 * 1024
"""A batch is sent when it is this large; one record alone may be larger."""

LARGEST_BATCH = 12 * 1024 * 1024
LARGEST_GROUP = 8 * 1024 * 1024
REQUEST_SECONDS = 40
LAST_SECONDS = 1.0
"""When it stops, nothing is in hand that anybody waits for."""


class RefusedError(Exception):
    """The broker does not take a record, and never will: too large for its topic, no permission. Names topic and class of error."""

    def __init__(self, topic: str, error: BaseException) -> None:
        self.topic = topic
        self.kind = type(error).__name__
        super().__init__(f"{topic}: {self.kind}")


class Written(Protocol):
    """What the writer needs of a record; a stage's `Outgoing` is one."""

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Write(NamedTuple):
    """One record for the log."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


_PARTS = attrgetter("key", "value", "headers")

Place = tuple[str, int]
"""A topic's name and the partition to write to."""


def is_transient(error: BaseException) -> bool:
    """Whether trying again can help: the broker is away, slow or electing; not: it refused what we sent."""
    return isinstance(error, KafkaTimeoutError | KafkaConnectionError | RequestTimedOutError | ConnectionError) or (
        isinstance(error, KafkaError) and bool(error.retriable)
    )


class Writer(Service):  # type: ignore[misc]  # mode has no types we use
    """Publishes in order and waits. Transient faults are retried in place with backoff; anything else is raised."""

    def __init__(self, settings: Settings, telemetry: Telemetry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._telemetry = telemetry
        self._producer: AIOKafkaProducer | None = None
        self._connected = asyncio.Event()
        self._troubles: dict[str, Retries] = {}

    async def on_start(self) -> None:
        """Start without waiting for the broker, so that the web server answers meanwhile."""
        self.add_future(self._connect())

    async def _connect(self) -> None:
        connecting = Retries("connect", self._telemetry, bootstrap=self._settings.bootstrap)
        while not self.should_stop:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._settings.bootstrap,
                client_id=f"{self._settings.app}-writer",
                acks="all",
                enable_idempotence=True,
                max_batch_size=LARGEST_BATCH,
                max_request_size=2 * LARGEST_BATCH,
                request_timeout_ms=REQUEST_SECONDS * 1000,
            )
            try:
                await producer.start()
            except KafkaError as error:
                await within(producer.stop(), 2)
                await self.sleep(connecting.failed(error))
            else:
                connecting.succeeded()
                self._producer = producer
                self._connected.set()
                return

    async def on_stop(self) -> None:
        if self._producer is not None:
            await within(self._producer.stop(), LAST_SECONDS)

    def _trouble(self, topic: str) -> Retries:
        if topic not in self._troubles:
            self._troubles[topic] = Retries("write", self._telemetry, topic=topic)
        return self._troubles[topic]

    async def publish(self, groups: Mapping[Place, Sequence[Written]]) -> dict[Place, int]:
        """Write all records, those of a place in their order; returns, when the broker has acknowledged every one, the offset behind
        the last of each place."""
        if not groups:
            return {}
        await self._connected.wait()
        if len(groups) == 1:
            ((place, only),) = groups.items()
            return {place: await self._write(*place, only)}
        ends = await asyncio.gather(*(self._write(topic, partition, group) for (topic, partition), group in groups.items()))
        return dict(zip(groups, ends, strict=True))

    async def publish_together(self, topic: str, partitions: Mapping[int, Iterable[Sequence[Written]]]) -> None:
        """Write groups of records, by partition, that must not be torn: a batch is appended whole or not at all, and is split only
        between groups.

        Only a group larger than any batch may be is split, in its order.
        """
        await self._connected.wait()
        await asyncio.gather(*(self._write_whole(topic, partition, groups) for partition, groups in partitions.items()))

    async def _write_whole(self, topic: str, partition: int, groups: Iterable[Sequence[Written]]) -> None:
        pending: list[Written] = []
        size = 0
        for group in groups:
            weight = sum(map(_weight, group))
            if pending and size + weight > BATCH_BYTES:
                await self._write(topic, partition, pending, LARGEST_BATCH)
                pending, size = [], 0
            if weight > LARGEST_GROUP:
                await self._write(topic, partition, group)
                continue
            pending.extend(group)
            size += weight
        if pending:
            await self._write(topic, partition, pending, LARGEST_BATCH)

    async def _write(self, topic: str, partition: int, records: Sequence[Written], largest: int = BATCH_BYTES) -> int:
        """In record batches of at most about ``largest`` bytes, each acknowledged before the next one: keeps the order.

        Returns the offset behind the last.
        """
        written = end = 0
        while written < len(records):
            written, end = await self._send(topic, partition, records, written, largest)
        return end

    async def _send(self, topic: str, partition: int, records: Sequence[Written], first: int, largest: int) -> tuple[int, int]:
        """One record batch from ``first`` on, acknowledged; returns where the next one begins, and the offset behind the last record."""
        while True:
            assert self._producer is not None
            batch = self._producer.create_batch()
            append, size, end = batch.append, batch.size, first
            for key, value, headers in map(_PARTS, islice(records, first, None)):
                # A topic's size limit is one of batches: a large record goes alone.
                if end > first and size() + len(value or b"") > largest:
                    break
                if append(timestamp=None, key=key, value=value, headers=headers) is None:
                    break
                end += 1
            if end == first:
                raise RefusedError(topic, MessageSizeTooLargeError())
            batch.close()
            try:
                metadata = await (await self._producer.send_batch(batch, topic, partition=partition))
            except KafkaError as error:
                if not is_transient(error):
                    raise RefusedError(topic, error) from None
                await asyncio.sleep(self._trouble(topic).failed(error))
            else:
                if topic in self._troubles:
                    self._troubles.pop(topic).succeeded()
                return end, metadata.offset + end - first


def _weight(record: Written) -> int:
    headers = sum(map(len, filter(None, chain.from_iterable(record.headers))))
    return len(record.key or b"") + len(record.value or b"") + 40 + headers
