"""One measurement: a backlog drained, a pace kept up, an alert raised."""

import pickle
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
from cluster import Cluster
from figures import summary
from mentions import Draft
from processes import Child, ChildFailedError, child, cpu_seconds, machine_seconds, resident_bytes

from pipeline.stage import APPENDED, ORIGIN, parse_origin
from schemas.topics import ALERT_EVENT, DEAD_LETTER, RAW, ROUTED

EVERY = 0.05
PATIENCE = 120.0
"""Seconds without one more routed record after which a measurement fails."""

EVENT_PACE = 50.0
"""Mentions a second of event time: how densely a backlog was written (4.3 million a day)."""

Due = tuple[float, int, bytes | None, bytes, bytes | None]
_number = msgspec.json.Decoder(type("Numbered", (msgspec.Struct,), {"__annotations__": {"id": int}})).decode


class Drain(NamedTuple):
    """A backlog from the first fetch to the last routed record. CPU in seconds; ``worker_cpu`` per process, ``foreign_cpu`` of others."""

    records: int
    seconds: float
    worker_cpu: list[float]
    broker_cpu: float
    foreign_cpu: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    @property
    def worker_micros(self) -> float:
        """CPU of all workers per record, in microseconds."""
        return sum(self.worker_cpu) / self.records * 1e6

    @property
    def broker_micros(self) -> float:
        """CPU of the broker per record, in microseconds."""
        return self.broker_cpu / self.records * 1e6


def wait_for(cluster: Cluster, children: Sequence[Child], goal: int) -> None:
    """Until so many records are routed.

    Raises:
        ChildFailedError: a worker ended, or nothing moves.
        RuntimeError: there are dead letters: the systems do not do the same work.
    """
    seen, moved = -1, time.monotonic()
    while (done := cluster.count(ROUTED.name)) < goal:
        for worker in children:
            worker.check()
        if done > seen:
            seen, moved = done, time.monotonic()
        if time.monotonic() - moved > PATIENCE:
            raise ChildFailedError(f"nothing routed for {PATIENCE:.0f} s, {done} of {goal} done:\n{children[0].last_words()}")
        time.sleep(EVERY)
    if dead := cluster.count(DEAD_LETTER.name):
        raise RuntimeError(f"{dead} dead letters")


def drain(cluster: Cluster, children: Sequence[Child], drafts: Sequence[Draft]) -> Drain:
    """Freeze the workers, fill the raw topic, let them go on, and measure until the last of these records is routed."""
    goal = cluster.count(ROUTED.name) + len(drafts)
    for worker in children:
        worker.freeze()
    try:
        now = time.time()
        cluster.fill(drafts, now - len(drafts) / EVENT_PACE, now)
        before = [cpu_seconds(worker.pid) for worker in children]
        broker = cpu_seconds(cluster.pid)
        machine, own = machine_seconds(), time.process_time()
        started = time.time()
    finally:
        for worker in children:
            worker.go_on()
    wait_for(cluster, children, goal)
    spent = [cpu_seconds(worker.pid) - cpu for worker, cpu in zip(children, before, strict=True)]
    by_broker = cpu_seconds(cluster.pid) - broker
    foreign = machine_seconds() - machine - (time.process_time() - own) - sum(spent) - by_broker
    return Drain(len(drafts), cluster.last_append(ROUTED.name) - started, spent, by_broker, max(0.0, foreign))


def warm_up(cluster: Cluster, children: Sequence[Child], drafts: Sequence[Draft]) -> int:
    """Records before the measuring starts; returns the workers' memory (bytes) when the first of them came out."""
    goal = cluster.count(ROUTED.name) + len(drafts)
    now = time.time()
    cluster.fill(drafts, now - len(drafts) / EVENT_PACE - 600, now - 600)
    wait_for(cluster, children, goal - len(drafts) + 1)
    resident = sum(resident_bytes(worker.pid) for worker in children)
    wait_for(cluster, children, goal)
    return resident


def poisson(drafts: Sequence[Draft], rate: float, seed: int) -> list[Due]:
    """Arrivals at random moments, ``rate`` a second on average: in bursts, as people write."""
    rng, due, schedule = Random(seed), 0.0, []
    for draft in drafts:
        due += rng.expovariate(rate)
        schedule.append((due, draft.partition, draft.key, draft.head, draft.tail))
    return schedule


def send_paced(cluster: Cluster, children: Sequence[Child], schedule: Sequence[Due], work: Path) -> None:
    """Run the producer process over a schedule, to its end."""
    path = work / "schedule.pickle"
    path.write_bytes(pickle.dumps(schedule))
    with child("pace.py", [cluster.bootstrap, str(path)], work / "pace.log") as producer:
        producer.wait(schedule[-1][0] + 60)
    for worker in children:
        worker.check()


def keep_pace(cluster: Cluster, children: Sequence[Child], drafts: Sequence[Draft], rate: float, work: Path) -> dict[str, Any]:
    """Send at a pace, and return the summary of raw→routed delays in milliseconds, CPU shares beside it."""
    raw, routed = cluster.ends(RAW.name), cluster.ends(ROUTED.name)
    goal = sum(routed) + len(drafts)
    before, broker, started = sum(cpu_seconds(worker.pid) for worker in children), cpu_seconds(cluster.pid), time.monotonic()
    send_paced(cluster, children, poisson(drafts, rate, seed=len(drafts)), work)
    wait_for(cluster, children, goal)
    seconds = time.monotonic() - started
    return summary(delays(cluster.read(RAW.name, raw), cluster.read(ROUTED.name, routed))) | {
        "rate": rate,
        "worker_share": (sum(cpu_seconds(worker.pid) for worker in children) - before) / seconds,
        "broker_share": (cpu_seconds(cluster.pid) - broker) / seconds,
    }


def sustained(cluster: Cluster, children: Sequence[Child], drafts: Sequence[Draft], rate: float, work: Path) -> float:
    """Routed records a second while more come than can be taken: producer, broker and workers share the machine, unlike in a drain."""
    raw, routed = cluster.ends(RAW.name), cluster.ends(ROUTED.name)
    goal = sum(routed) + len(drafts)
    send_paced(cluster, children, poisson(drafts, rate, seed=len(drafts)), work)
    wait_for(cluster, children, goal)
    sent = [message.timestamp()[1] for message in cluster.read(RAW.name, raw) if message.key() is not None]
    begin = min(sent) + (max(sent) - min(sent)) / 3  # by then all stages are at work
    done = sum(begin <= message.timestamp()[1] < max(sent) for message in cluster.read(ROUTED.name, routed))
    return done / (max(sent) - begin) * 1000


def delays(raw: Iterable[Any], routed: Iterable[Any]) -> list[float]:
    """Milliseconds from the append of each raw record to that of its routed one, both by the broker's clock.

    They find each other by the origin header, or where a system has none by the number in the light record's body.
    """
    by_place: dict[tuple[int, int], int] = {}
    by_number: dict[int, int] = {}
    for message in raw:
        if message.key() is None:
            continue  # a tick
        appended = message.timestamp()[1]
        by_place[message.partition(), message.offset()] = appended
        if message.value().startswith(b'{"id":'):
            by_number[_number(message.value()).id] = appended
    found = []
    for message in routed:
        origin = next((value for name, value in message.headers() or () if name == ORIGIN), None)
        if origin is not None:
            _, partition, offset = parse_origin(origin)
            appended = by_place.get((partition, offset))
        else:
            appended = by_number.get(_number(message.value()).id)
        if appended is not None:
            found.append(float(message.timestamp()[1] - appended))
    return found


def alert_delays(cluster: Cluster) -> list[float]:
    """Milliseconds from the append of the record that decided (header `webcare-appended`) to the append of the alert it raised."""
    found = []
    for message in cluster.read(ALERT_EVENT.name, [0] * len(cluster.ends(ALERT_EVENT.name))):
        appended = next((value for name, value in message.headers() or () if name == APPENDED), None)
        if appended is not None:
            found.append(float(message.timestamp()[1] - int(appended)))
    return found
