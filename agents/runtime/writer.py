"""One idempotent producer for all stages: a record goes to a named partition, in order, and its acknowledgement is awaited."""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, RequestTimedOutError
from mode import Service

from agents.logs import get_logger
from agents.settings import Settings
from agents.telemetry import Telemetry

log = get_logger(__name__)

BATCH_BYTES = 512 * 1024
"""A batch is sent when it is this large; one record alone may be larger."""

LARGEST_BATCH = 12 * 1024 * 1024
LARGEST_GROUP = 8 * 1024 * 1024
REQUEST_SECONDS = 40


class Write(NamedTuple):
    """One record for the log."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def is_transient(error: BaseException) -> bool:
    """Whether trying again can help: the broker is away, slow or electing; not: it refused what we sent."""
    return isinstance(error, KafkaTimeoutError | KafkaConnectionError | RequestTimedOutError | ConnectionError) or (
        isinstance(error, KafkaError) and bool(error.retriable)
    )


async def bounded(awaitable: Any, seconds: float) -> bool:
    """Wait for a clean-up that may fail or hang; says whether it ended well."""
    try:
        await asyncio.wait_for(awaitable, seconds)
    except (TimeoutError, KafkaError):
        return False
    return True


class Writer(Service):  # type: ignore[misc]  # mode has no types we use
    """Publishes in order and waits. Transient faults are retried in place with backoff; anything else is raised."""

    def __init__(self, settings: Settings, telemetry: Telemetry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._telemetry = telemetry
        self._producer: AIOKafkaProducer | None = None
        self._connected = asyncio.Event()

    async def on_start(self) -> None:
        """Start without waiting for the broker, so that the web server answers meanwhile."""
        self.add_future(self._connect())

    async def _connect(self) -> None:
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
                await bounded(producer.stop(), 2)
                self._telemetry.retries.labels("connect").inc()
                log.warning("broker not reachable, trying again", bootstrap=self._settings.bootstrap, error=type(error).__name__)
                await self.sleep(1)
            else:
                self._producer = producer
                self._connected.set()
                return

    async def on_stop(self) -> None:
        if self._producer is not None:
            await bounded(self._producer.stop(), 3)

    async def publish(self, records: Iterable[Write]) -> None:
        """Write all records, each partition's in order; returns when the broker has acknowledged every one."""
        groups: dict[tuple[str, int], list[Write]] = {}
        for record in records:
            groups.setdefault((record.topic, record.partition), []).append(record)
        if not groups:
            return
        await self._connected.wait()
        if len(groups) == 1:
            ((place, only),) = groups.items()
            await self._write(*place, only)
            return
        await asyncio.gather(*(self._write(topic, partition, group) for (topic, partition), group in groups.items()))

    async def publish_together(self, topic: str, partition: int, groups: Iterable[list[Write]]) -> None:
        """Write groups of records that must not be torn: a batch is appended whole or not at all, and is split only between groups.

        Only a group larger than any batch may be is split, in its order.
        """
        pending: list[Write] = []
        size = 0
        await self._connected.wait()
        for group in groups:
            weight = sum(map(_weight, group))
            if pending and size + weight > BATCH_BYTES:
                await self._send(topic, partition, pending)
                pending, size = [], 0
            if weight > LARGEST_GROUP:
                await self._write(topic, partition, group)
                continue
            pending.extend(group)
            size += weight
        if pending:
            await self._send(topic, partition, pending)

    async def _write(self, topic: str, partition: int, records: list[Write]) -> None:
        pending: list[Write] = []
        size = 0
        for record in records:
            weight = _weight(record)
            if pending and size + weight > BATCH_BYTES:
                await self._send(topic, partition, pending)  # waits before the next one: keeps the order
                pending, size = [], 0
            pending.append(record)
            size += weight
        await self._send(topic, partition, pending)

    async def _send(self, topic: str, partition: int, records: list[Write]) -> None:
        """One record batch, acknowledged."""
        delay = 0.1
        while True:
            assert self._producer is not None
            batch = self._producer.create_batch()
            for record in records:
                if batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers) is None:
                    raise ValueError(f"{len(records)} records for {topic} do not fit a batch of {LARGEST_BATCH} bytes")
            batch.close()
            try:
                await (await self._producer.send_batch(batch, topic, partition=partition))
            except KafkaError as error:
                if not is_transient(error):
                    raise
                self._telemetry.retries.labels("write").inc()
                log.warning("write not acknowledged, trying again", topic=topic, error=type(error).__name__, in_seconds=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
            else:
                return


def _weight(record: Write) -> int:
    return len(record.key or b"") + len(record.value or b"") + sum(len(name) + len(value or b"") for name, value in record.headers) + 40
