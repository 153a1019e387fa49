"""The life of the state on a real broker: damaged changelogs, a state made anew, and another number of partitions; all against an
undisturbed run of the same story."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient
from prometheus_client import CollectorRegistry

from agents import repartition as repartition_module
from agents.broker import Broker
from agents.broker.node import _free_port
from agents.changelogs import read_changelog
from agents.demo.phrases import load_phrases
from agents.demo.run import worker_process
from agents.demo.scenario import scenario
from agents.deployment import build_stages, load_deployment
from agents.lag import LagMeter
from agents.ledger import check, check_ledger
from agents.rebuild import RebuildError, rebuild
from agents.repartition import RepartitionError, repartition
from agents.replay import RawRecord, in_order, read_line, replay
from agents.runtime.restore import REBUILDING
from agents.runtime.writer import Write, Writer
from agents.sending import send_records
from agents.settings import DEMO_KEY, Settings
from agents.standstill import NotStillError
from agents.states import read_states
from agents.telemetry import Telemetry
from agents.topic_reader import read_to_end
from agents.topics import TopicsError, apply_topics, partition_count
from pipeline.journal import CHANGE
from pipeline.partition import Partitioner
from pipeline.stage import header
from schemas.topics import ALERT_EVENT, ALERT_STATE, CRISIS_STATE, ITEM, ITEM_SHADOW, ROUTED, ROUTING_STATE

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

SINCE, SPLIT, UNTIL = (datetime(2026, 9, day, hour, tzinfo=UTC) for day, hour in ((20, 12), (22, 10), (22, 13)))
"""Two days of the demo's story; the split lies in its row, with an incident open."""
SESSION = {"WEBCARE_SESSION_TIMEOUT": "6"}


def story(partitions: int) -> tuple[list[RawRecord], list[RawRecord]]:
    """The records before the split and after it."""
    lines = [read_line(number, line.value) for number, line in enumerate(scenario(load_phrases()), 1) if SINCE <= line.at < UNTIL]
    records = list(replay(*in_order(lines, sort=False, name="the story"), Partitioner(partitions)))
    at = SPLIT.timestamp()
    return [record for record in records if record.at < at], [record for record in records if record.at >= at]


def work(bootstrap: str, records: Sequence[RawRecord], log: Path, **more: str) -> None:
    """Send these records to a worker and wait until nothing is left to do; it ends well."""
    with worker_process(bootstrap, log, **SESSION, **more) as worker:
        send_records(Settings(bootstrap=bootstrap), records)
        deadline = time.monotonic() + 400
        with closing(LagMeter(bootstrap)) as meter:
            while any((left := meter.remaining()).values()):
                assert worker.poll() is None, f"the worker ended with {worker.returncode}:\n{log.read_text()[-3000:]}"
                assert time.monotonic() < deadline, f"not finished: {left}\n{log.read_text()[-3000:]}"
                time.sleep(0.2)


def told(bootstrap: str, refused: int = 0) -> dict[str, dict[str, Any]]:
    said: list[str] = []
    states = {brand: view.as_json(detailed=True) for brand, view in read_states(bootstrap, said.append).items()}
    assert len(said) == refused, said
    return states


def identities(bootstrap: str, topic: str) -> set[bytes | None]:
    return {header(record.headers, "ce_id") for record in read_to_end(bootstrap, topic)}


def kept(bootstrap: str, topic: str) -> dict[bytes, list[bytes]]:
    """Live values by key: a list, as there must be one of each."""
    newest: dict[tuple[int, bytes], bytes | None] = {}
    for record in read_to_end(bootstrap, topic):
        newest[record.partition, record.key or b""] = record.value
    live: dict[bytes, list[bytes]] = {}
    for (_, key), value in newest.items():
        if value is not None:
            live.setdefault(key, []).append(value)
    return live


def in_order_of_writing(bootstrap: str, topic: str) -> dict[bytes, bytes]:
    """What a reader holds who keeps values by key alone, and takes them in the order in which they were appended."""
    held: dict[bytes, bytes] = {}
    for record in sorted(read_to_end(bootstrap, topic), key=lambda record: record.timestamp):
        if record.value is None:
            held.pop(record.key or b"", None)
        else:
            held[record.key or b""] = record.value
    return held


class Undisturbed:
    """What the story comes to."""

    def __init__(self, bootstrap: str) -> None:
        self.states = told(bootstrap)
        self.ids = {topic.name: identities(bootstrap, topic.name) for topic in (ALERT_EVENT, ITEM, ROUTED)}
        self.kept = {topic.name: kept(bootstrap, topic.name) for topic in (ITEM, ITEM_SHADOW, ALERT_STATE)}


@pytest.fixture(scope="module")
def undisturbed(broker_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    with Broker() as broker:
        apply_topics(broker.bootstrap)
        before, after = story(8)
        work(broker.bootstrap, before + after, tmp_path_factory.mktemp("undisturbed") / "worker.log")
        yield Undisturbed(broker.bootstrap)


def put(bootstrap: str, topic: str, partition: int, *writes: Write) -> None:
    async def write() -> None:
        async with Writer(Settings(bootstrap=bootstrap), Telemetry(CollectorRegistry())) as writer:
            await writer.publish({(topic, partition): writes})

    asyncio.run(write())


def newest(bootstrap: str, key: bytes) -> bytes | None:
    """What the crisis stage's changelog holds under a key."""
    return next((held[key][1] for held in read_changelog(bootstrap, CRISIS_STATE.name).values() if key in held), None)


def garbage(key: bytes | None, change: bytes | None = b"999999999", value: bytes = b"\x02garbage") -> Write:
    return Write(key, value, [] if change is None else [(CHANGE, change)])


def test_a_worker_tells_damaged_state_and_works_on(fresh_broker: Broker, undisturbed: Undisturbed, tmp_path: Path) -> None:
    bootstrap, log, port = fresh_broker.bootstrap, tmp_path / "worker.log", _free_port()
    apply_topics(bootstrap)
    before, after = story(8)
    work(bootstrap, before, log)
    home = Partitioner(8)
    at = home("noordnet")
    put(
        bootstrap,
        CRISIS_STATE.name,
        at,
        garbage(b"noordnet"),
        garbage(b"noordnet|seen|00", b"no number"),
        garbage(b"\xff\xfe"),
    )
    put(bootstrap, CRISIS_STATE.name, (at + 1) % 8, garbage(b"noordnet"))
    put(bootstrap, ROUTING_STATE.name, at, garbage(b"noordnet"), garbage(b"noordnet|weather|1"), garbage(b"secret words", None))
    with worker_process(bootstrap, log, WEBCARE_WEB_PORT=str(port), **SESSION) as worker:
        send_records(Settings(bootstrap=bootstrap), after)
        with closing(LagMeter(bootstrap)) as meter:
            while any(meter.remaining().values()):
                assert worker.poll() is None, log.read_text()[-3000:]
                time.sleep(0.2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
    assert 'webcare_state_unreadable_total{stage="crisis"} 4.0' in metrics
    assert 'webcare_state_unreadable_total{stage="routing"} 3.0' in metrics
    text = log.read_text()
    assert text.count("state cannot be read") == 7
    assert "secret words" not in text
    assert check_ledger(bootstrap).clean
    raised = [json.loads(r.value or b"") for r in read_to_end(bootstrap, ALERT_EVENT.name)]
    assert len({alert["incident_id"] for alert in raised}) == len({a["incident_id"] for a in raised if a["transition"] == "raised"})
    assert identities(bootstrap, ALERT_EVENT.name) == undisturbed.ids[ALERT_EVENT.name], "no incident told twice, none missing"
    states = told(bootstrap, refused=3)
    for name in ("mentions", "negatives", "open_items", "open_incidents", "open_tasks", "watermark"):
        assert states["noordnet"][name] == undisturbed.states["noordnet"][name], name
    assert {brand: view for brand, view in states.items() if brand != "noordnet"} == {
        brand: view for brand, view in undisturbed.states.items() if brand != "noordnet"
    }


def test_a_destroyed_state_is_made_anew(
    fresh_broker: Broker, undisturbed: Undisturbed, dying_worker: Callable[..., None], tmp_path: Path
) -> None:
    bootstrap, log = fresh_broker.bootstrap, tmp_path / "worker.log"
    settings = Settings(bootstrap=bootstrap, session_timeout=6)
    apply_topics(bootstrap)
    before, after = story(8)
    stages = build_stages(load_deployment(), DEMO_KEY, 8, ("crisis", "routing"))
    send_records(settings, before)
    # Outputs and state lie ahead of the offsets. It stays a member long enough to be found.
    dying_worker(bootstrap, log, sum(not record.is_tick for record in before) // 2, session=15)
    with pytest.raises(NotStillError, match="workers are running"):
        rebuild(settings, stages, lambda _: None)
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.delete_topics([CRISIS_STATE.name])
        while CRISIS_STATE.name in admin.list_topics():
            time.sleep(0.1)
    apply_topics(bootstrap)
    for brand in undisturbed.states:
        put(bootstrap, ROUTING_STATE.name, Partitioner(8)(brand), garbage(brand.encode()), garbage(f"{brand}|item|none".encode()))

    lines: list[str] = []
    deadline = time.monotonic() + 90
    while True:
        try:
            rebuild(settings, stages, lines.append, dry_run=True)
        except NotStillError:
            assert time.monotonic() < deadline, "a killed worker stays a member only while its session lasts"
            time.sleep(0.5)
        else:
            break
    assert not any(record.key == REBUILDING for record in read_to_end(bootstrap, CRISIS_STATE.name)), "a dry run writes nothing"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.rebuild.write_snapshots", _ends_after(2 * 8 + 11, "agents.rebuild"))
        with pytest.raises(KilledError):
            rebuild(settings, stages, lines.append)
    for topic in (CRISIS_STATE, ROUTING_STATE):
        marks = {record.partition: record.value for record in read_to_end(bootstrap, topic.name) if record.key == REBUILDING}
        assert sorted(number for number, value in marks.items() if value is not None) == list(range(8)), (
            "no stage goes on before all are whole"
        )
    with worker_process(bootstrap, tmp_path / "early.log", **SESSION) as early:
        while "is being rebuilt" not in (tmp_path / "early.log").read_text():
            assert early.poll() is None
            assert time.monotonic() < deadline + 120
            time.sleep(0.2)
    ran = subprocess.run(
        [sys.executable, "-m", "agents", "state", "rebuild", "--bootstrap", bootstrap],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "written to webcare.state.routing.v1" in ran.stdout
    again: list[str] = []
    rebuild(settings, stages, again.append, dry_run=True)
    assert [line for line in again if "keys" in line and " 0 of them" not in line] == [], "a second time nothing differs"

    work(bootstrap, after, log)
    assert "cannot be read" not in log.read_text()
    assert check_ledger(bootstrap).clean
    assert told(bootstrap) == undisturbed.states
    for topic in (ALERT_EVENT, ITEM, ROUTED):
        assert identities(bootstrap, topic.name) == undisturbed.ids[topic.name], topic.name


class KilledError(Exception):
    """Stands for the end of the process."""


def _ends_after(calls: int, module: str) -> Any:
    """The real thing, so many times; then the end."""
    real = sys.modules[module].write_snapshots  # type: ignore[attr-defined]
    made = 0

    async def write(*arguments: Any) -> None:
        nonlocal made
        made += 1
        if made > calls:
            raise KilledError
        await real(*arguments)

    return write


def test_what_retention_took_is_told_and_needs_a_word(fresh_broker: Broker, tmp_path: Path) -> None:
    from kafka import TopicPartition

    bootstrap = fresh_broker.bootstrap
    settings = Settings(bootstrap=bootstrap, session_timeout=6)
    apply_topics(bootstrap, 2)
    before, _ = story(2)
    work(bootstrap, before[:2000], tmp_path / "worker.log")
    held = told(bootstrap)
    stages = build_stages(load_deployment(), DEMO_KEY, 2, ("crisis",))
    with pytest.MonkeyPatch.context() as patch:
        looks = iter(({"crisis": {0: 100, 1: 100}}, {"crisis": {0: 100, 1: 101}}))
        patch.setattr("agents.rebuild.committed_offsets", lambda _: next(looks))
        with pytest.raises(NotStillError, match="a worker has run meanwhile"):
            rebuild(settings, stages, lambda _: None)
    assert told(bootstrap) == held, "what it had worked out was not the state any more"
    marks = {record.partition: record.value for record in read_to_end(bootstrap, CRISIS_STATE.name) if record.key == REBUILDING}
    assert marks == {0: None, 1: None}, "and workers may go on"
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.delete_records({TopicPartition("webcare.mention.sentiment.v1", 0): 100})
    brand = next(name for name in held if Partitioner(2)(name) == 0)
    learnt = newest(bootstrap, f"{brand}|watch".encode())
    put(bootstrap, CRISIS_STATE.name, 0, garbage(brand.encode()))
    with pytest.raises(RebuildError, match=r"crisis, partition 0: 100 records have gone by retention, its oldest record is of 20"):
        rebuild(settings, stages, lambda _: None)
    lines: list[str] = []
    rebuild(settings, stages, lines.append, partial=True)
    after = told(bootstrap)
    assert {name: view for name, view in after.items() if name != brand} == {name: view for name, view in held.items() if name != brand}
    assert 0 < after[brand]["mentions"] <= held[brand]["mentions"]

    # What is usual for the brand is learnt again from the counts of its whole past.
    assert newest(bootstrap, f"{brand}|watch".encode()) != learnt
    put(bootstrap, CRISIS_STATE.name, 0, garbage(brand.encode(), b"9999999999"))
    lines.clear()
    rebuild(settings, stages, lines.append, partial=True, registry=load_deployment().brands)
    assert "crisis: baselines of 1 brands made from webcare.brand.counts.v1" in lines
    assert newest(bootstrap, f"{brand}|watch".encode()) == learnt
    assert told(bootstrap) == after


DIES_MOVING = """
import os, signal
from agents import repartition
from agents.cli import main

class Writer(repartition.Writer):
    async def publish(self, groups):
        await super().publish(groups)
        os.kill(os.getpid(), signal.SIGKILL)

repartition.Writer = Writer
main()
"""
"""The command, killed when the first items have been put where they belong and none has been taken away where it was."""


def test_more_partitions_change_nothing(fresh_broker: Broker, undisturbed: Undisturbed, tmp_path: Path) -> None:
    bootstrap, log = fresh_broker.bootstrap, tmp_path / "worker.log"
    settings = Settings(bootstrap=bootstrap, session_timeout=6)
    apply_topics(bootstrap, 4)
    with pytest.raises(RepartitionError, match="Kafka can only add"):
        repartition(settings, 3, lambda _: None)
    send_records(settings, story(4)[0][:5])
    with pytest.raises(NotStillError, match="records for language"):
        repartition(settings, 8, lambda _: None)
    work(bootstrap, story(4)[0][5:], log)
    held, items = told(bootstrap), kept(bootstrap, ITEM.name)

    lines: list[str] = []
    repartition(settings, 8, lines.append, dry_run=True)
    assert partition_count(bootstrap) == 4, "a dry run changes nothing"
    for calls in (1, 4, 11):  # ended while values are put, while they are taken away, and in the second changelog
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(repartition_module, "write_snapshots", _ends_after(calls, "agents.repartition"))
            with pytest.raises(KilledError):
                repartition(settings, 8, lines.append)
        with pytest.raises(TopicsError, match="different numbers of partitions"):
            partition_count(bootstrap)  # which is where a worker ends that is started now
    with pytest.raises(RepartitionError, match="finish it with --partitions 8"):
        repartition(settings, 16, lines.append)
    arguments = ["topics", "repartition", "--partitions", "8", "--bootstrap", bootstrap]
    killed = subprocess.run([sys.executable, "-c", DIES_MOVING, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    command = [sys.executable, "-m", "agents", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "start workers and producers again" in ran.stdout
    assert partition_count(bootstrap) == 8
    assert told(bootstrap) == held
    assert kept(bootstrap, ITEM.name) == items
    assert in_order_of_writing(bootstrap, ITEM.name) == {key: values[0] for key, values in items.items()}
    home = Partitioner(8)
    for topic in (CRISIS_STATE, ROUTING_STATE):
        newest = {(r.partition, r.key or b""): r.value for r in read_to_end(bootstrap, topic.name)}
        astray = [
            key for (partition, key), value in newest.items() if value and key[:1] != b"|" and home(key.decode().split("|")[0]) != partition
        ]
        assert astray == []

    work(bootstrap, story(8)[1], log)
    assert "cannot be read" not in log.read_text()
    proof = check(bootstrap, Settings(bootstrap=bootstrap, ticks="log"), load_deployment())
    assert proof.clean, proof.as_json()
    assert told(bootstrap) == undisturbed.states
    for topic in (ALERT_EVENT, ROUTED):
        assert identities(bootstrap, topic.name) == undisturbed.ids[topic.name], topic.name
    for name, values in undisturbed.kept.items():
        now = kept(bootstrap, name)
        assert now == values, name
        assert in_order_of_writing(bootstrap, name) == {key: one[0] for key, one in now.items()}, name
