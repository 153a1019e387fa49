"""Sends the load while faults happen, and poison straight into the topics between the stages; keeps account of what was acknowledged."""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from threading import Event, Thread

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from load import LoadRecord, Poison

from schemas.topics import RAW

PATIENCE_MILLISECONDS = 150_000


class Sender(Thread):
    """One idempotent producer for the load, at a rate that changes; its own retries keep the order."""

    def __init__(self, bootstrap: str, records: Sequence[LoadRecord], seconds: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._servers = bootstrap
        self._records = records
        self._seconds = seconds
        self._rng = Random(f"{seed} rate")
        self.full_rate = Event()
        """Set: everything that is left of the load goes out as fast as the producer takes it."""
        self.sent: list[LoadRecord] = []
        self.poison: dict[tuple[str, int, int], Poison] = {}
        self.failure: BaseException | None = None
        self._queue: list[Poison] = []
        self.fullest = 0.0
        """The longest that one record waited for room in the producer's buffer, in seconds."""

    def add_poison(self, records: Sequence[Poison]) -> None:
        """To be written as soon as may be."""
        self._queue.extend(records)

    def run(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self.failure = error

    async def _run(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=64 * 1024,
            max_request_size=4 << 20,
            request_timeout_ms=PATIENCE_MILLISECONDS,
        )
        await self._patiently(producer.start)
        try:
            await asyncio.gather(self._send_load(producer), self._send_poison(producer))
        finally:
            await producer.stop()

    @staticmethod
    async def _patiently(call: object) -> None:
        for _ in range(60):
            try:
                await call()  # type: ignore[operator]
            except KafkaError:
                await asyncio.sleep(0.5)
            else:
                return

    async def _send_load(self, producer: AIOKafkaProducer) -> None:
        """In stretches: each its own rate, some of them pauses, some bursts."""
        waiting: list[tuple[LoadRecord, asyncio.Future[object]]] = []
        begun = time.monotonic()
        at, total = 0, len(self._records)
        weights = [self._rng.choice((0.05, 0.5, 1.0, 1.0, 3.0)) for _ in range(12)]
        for number, weight in enumerate(weights):
            count = total - at if number == len(weights) - 1 else round(total * weight / sum(weights))
            end = begun + self._seconds * (number + 1) / len(weights)
            chunk = self._records[at : at + count]
            for index, record in enumerate(chunk):
                due = end - (self._seconds / len(weights)) * (1 - index / max(1, len(chunk)))
                while not self.full_rate.is_set() and (early := due - time.monotonic()) > 0.01:  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(min(early, 0.1))
                tried = time.monotonic()
                future = await producer.send(RAW.name, record.value, record.key, partition=record.partition, headers=record.headers)
                self.fullest = max(self.fullest, time.monotonic() - tried)
                waiting.append((record, future))
                if index % 200 == 199:
                    await asyncio.sleep(0)
            at += count
        for record, future in waiting:
            await future
            self.sent.append(record)
        self.full_rate.clear()
        self._done = True

    _done = False

    async def _send_poison(self, producer: AIOKafkaProducer) -> None:
        while not self._done or self._queue:
            while self._queue:
                one = self._queue.pop(0)
                told = await producer.send_and_wait(one.topic, one.value, one.key, partition=one.partition, headers=one.headers)
                self.poison[told.topic, told.partition, told.offset] = one
            await asyncio.sleep(0.05)
