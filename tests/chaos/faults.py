"""Carries out a plan's strikes, each in a thread of its own, and counts what was really done."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from cluster import SESSION_SECONDS, Cluster, Slot
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from load import poison
from plan import STAGES, Plan, Strike
from sender import Sender

from agents.settings import group_of
from schemas.topics import ASSESSED, CRISIS_STATE, LANGUAGE, RAW, ROUTING_STATE, SENTIMENT

SOURCES = dict(zip(STAGES, (RAW, LANGUAGE, SENTIMENT, ASSESSED), strict=True))


class Faults:
    """The strikes of one run. ``over`` ends those that last."""

    def __init__(self, plan: Plan, cluster: Cluster, sender: Sender, disk: Path | None) -> None:
        self._plan = plan
        self._cluster = cluster
        self._sender = sender
        self._disk = disk
        self._rng = Random(f"{plan.seed} strikes")
        self._threads: list[Thread] = []
        self.over = Event()
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def strike(self, strike: Strike) -> None:
        """Begin one; returns at once."""
        act: Callable[[dict[str, Any]], None] = getattr(self, "_" + strike.kind.replace("-", "_"))
        thread = Thread(target=self._guarded, args=(act, strike), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _guarded(self, act: Callable[[dict[str, Any]], None], strike: Strike) -> None:
        try:
            act(strike.how)
        except BaseException as error:
            self.failures.append(f"the harness could not do {strike.kind}: {error!r}"[:600])

    def busy(self) -> bool:
        """Whether a strike has not come to its end."""
        return any(thread.is_alive() for thread in self._threads)

    def _slot(self, how: dict[str, Any]) -> Slot:
        return self._cluster.slots[how["worker"] % len(self._plan.topology)]

    # -- workers

    def _kill_worker(self, how: dict[str, Any]) -> None:
        self.counts["kill-worker"] += self._cluster.signal(self._slot(how), signal.SIGKILL)

    def _term_worker(self, how: dict[str, Any]) -> None:
        self.counts["term-worker"] += self._cluster.signal(self._slot(how), signal.SIGTERM)

    def _sleep_worker(self, how: dict[str, Any]) -> None:
        assert how["seconds"] > SESSION_SECONDS
        self.counts["sleep-worker"] += self._cluster.signal(self._slot(how), signal.SIGSTOP, asleep=how["seconds"])

    def _clock(self, how: dict[str, Any]) -> None:
        slot = self._slot(how)
        self._cluster.control(slot, self._cluster.told(slot) | {"clock": how["offset"]})
        self.counts["clock"] += 1

    # -- the broker

    def _kill_broker(self, how: dict[str, Any]) -> None:
        with self._cluster.broker_lock:
            self._cluster.broker.kill()
            time.sleep(how["seconds"])
            self._cluster.restart_broker()
        self.counts["kill-broker"] += 1

    def _pause_broker(self, how: dict[str, Any]) -> None:
        with self._cluster.broker_lock:
            self._cluster.broker_signal(signal.SIGSTOP)
            time.sleep(how["seconds"])
            self._cluster.broker_signal(signal.SIGCONT)
        self.counts["pause-broker"] += 1

    def _slow_broker(self, how: dict[str, Any]) -> None:
        """Runs a seventh of the time, while the load's producer sends all it can."""
        until = time.monotonic() + how["seconds"]
        with self._cluster.broker_lock:
            self._cluster.broker_signal(signal.SIGSTOP)
            self._sender.full_rate.set()
            time.sleep(2.0)
            while time.monotonic() < until:
                self._cluster.broker_signal(signal.SIGCONT)
                time.sleep(0.05)
                self._cluster.broker_signal(signal.SIGSTOP)
                time.sleep(0.3)
            self._cluster.broker_signal(signal.SIGCONT)
        self._sender.full_rate.clear()
        self.counts["slow-broker"] += 1

    def _disk_full(self, how: dict[str, Any]) -> None:
        """Fill the disk to its last byte; the broker ends or goes on without its log folder; then make space and start it again."""
        if self._disk is None:
            return
        broker = self._cluster.broker
        with self._cluster.broker_lock:
            filler = self._disk / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(64 * 1024))
            with filler.open("ab", buffering=0) as file, suppress(OSError):
                while file.write(b"0"):
                    pass
            deadline = time.monotonic() + 8.0
            while broker.running and time.monotonic() < deadline:
                time.sleep(0.1)
            self.counts["disk-full: broker ended by itself"] += not broker.running
            time.sleep(how["seconds"])
            filler.unlink()
            broker.kill()
            self._cluster.restart_broker()
        self.counts["disk-full"] += 1

    # -- the groups

    def _storm(self, how: dict[str, Any]) -> None:
        """Guests that take partitions, read nothing of use and leave; and a worker that comes and goes."""
        until = time.monotonic() + how["seconds"]
        guest = self._cluster.add(
            "guest", self._rng.choice(("", "sentiment", "crisis,routing")), self._cluster.told(self._cluster.slots[0])
        )
        try:
            asyncio.run(self._guests(until, guest))
        finally:
            guest.wanted = False
            self._cluster.signal(guest, signal.SIGTERM)

    async def _guests(self, until: float, guest: Slot) -> None:
        def goes_on() -> bool:
            return time.monotonic() < until and not self.over.is_set()

        async def visit() -> None:
            while goes_on():
                await self._visit(self._rng.choice(STAGES))
                await asyncio.sleep(self._rng.uniform(0.0, 0.6))

        async def come_and_go() -> None:
            ready_at = None
            while goes_on():
                await asyncio.sleep(0.2)
                if not _is_ready(guest):
                    ready_at = None
                elif ready_at is None:
                    ready_at = time.monotonic()
                elif time.monotonic() > ready_at + 1.0:
                    how = self._rng.choice((signal.SIGTERM, signal.SIGKILL))
                    self.counts["storm: workers that left"] += self._cluster.signal(guest, how)
                    ready_at = None

        await asyncio.gather(visit(), visit(), visit(), come_and_go())

    async def _visit(self, stage: str) -> None:
        """Join a group as its members do, hold what is assigned for a moment, leave."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._cluster.broker.bootstrap,
            group_id=group_of("webcare", stage),
            enable_auto_commit=False,
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(SESSION_SECONDS * 300),
            rebalance_timeout_ms=30_000,
            partition_assignment_strategy=(StickyPartitionAssignor,),
        )
        consumer.subscribe([SOURCES[stage].name])
        try:
            await consumer.start()
            await consumer.getmany(timeout_ms=self._rng.randrange(200, 1_200), max_records=1)
        except KafkaError:
            pass
        finally:
            await consumer.stop()
        self.counts["storm"] += 1

    # -- records

    def _poison(self, how: dict[str, Any]) -> None:
        self._sender.add_poison(poison(self._rng, self._plan.partitions, how["records"]))
        self.counts["poison"] += how["records"]


def _is_ready(slot: Slot) -> bool:
    life = slot.life
    return life is not None and b"partitions ready" in life.log.read_bytes()


def compact_at_once(bootstrap: str) -> None:
    """Segments of a second, no lag: what a changelog may lose by compaction, it loses during the run."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        settings = {
            "segment.ms": "1000",
            "min.compaction.lag.ms": "0",
            "max.compaction.lag.ms": "1000",
            "min.cleanable.dirty.ratio": "0.01",
            "delete.retention.ms": "60000",
        }
        topics = (CRISIS_STATE.name, ROUTING_STATE.name)
        answer = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings) for topic in topics])
        assert all(answer["topic"][topic] == "OK" for topic in topics), answer
    finally:
        admin.close()
