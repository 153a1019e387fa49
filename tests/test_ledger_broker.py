"""`webcare ledger` on a real broker: clean after kills, and what is removed, added, doubled or changed there is found and named."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from agents.broker import Broker
from agents.demo.phrases import load_phrases
from agents.demo.run import worker_process
from agents.demo.scenario import scenario
from agents.deployment import Deployment, load_deployment
from agents.lag import LagMeter
from agents.ledger import Result, check
from agents.ledger.recount import core_in
from agents.raw_replay import replay_raw, stages_for
from agents.replay import RawRecord, in_order, read_line, replay
from agents.sending import send_records
from agents.settings import DEMO_KEY, Settings
from agents.topic_reader import Record, read_to_end
from agents.topics import apply_topics
from pipeline.brand_core import encode_core
from pipeline.journal import CHANGE
from pipeline.partition import Partitioner
from pipeline.stage import header
from schemas.topics import ALERT_EVENT, CRISIS_STATE, DEAD_LETTER, ITEM, LANGUAGE, RAW, ROUTED

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

PARTITIONS = 4
HOME = Partitioner(PARTITIONS)("noordnet")
SINCE, UNTIL = datetime(2026, 9, 20, 12, tzinfo=UTC), datetime(2026, 9, 22, 13, tzinfo=UTC)
"""Two days of the demo's story, with the first hours of its row."""


@pytest.fixture(scope="module")
def records() -> list[RawRecord]:
    """The story, one broken record, and one of its brands' mentions by a producer that does not partition by key."""
    told = [line for line in scenario(load_phrases()) if SINCE <= line.at < UNTIL]
    lines = [read_line(number, line.value) for number, line in enumerate(told, start=1)]
    ordered, times = in_order(lines, sort=False, name="the story")
    out = list(replay(ordered, times, Partitioner(PARTITIONS)))
    mine = [index for index, record in enumerate(out) if record.key == b"veldspoor"]
    for index in mine[::3]:
        out[index] = out[index]._replace(partition=(out[index].partition + 1) % PARTITIONS)
    out.insert(len(out) // 2, RawRecord(HOME, b"noordnet", b"{broken", out[len(out) // 2].at, is_tick=False))
    return out


@pytest.fixture(scope="module")
def killed(
    broker_cache: None,
    records: list[RawRecord],
    dying_worker: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A broker on which workers were killed twice in the middle of work, and the third finished it."""
    log = tmp_path_factory.mktemp("ledger") / "worker.log"
    with Broker() as broker:
        bootstrap = broker.bootstrap
        apply_topics(bootstrap, PARTITIONS)
        send_records(Settings(bootstrap=bootstrap), records)
        mentions = sum(not record.is_tick for record in records)
        for share in (0.2, 0.3):
            dying_worker(bootstrap, log, int(share * mentions))
            assert proven(bootstrap, count_again=False).law.under_way > 0, "in the middle of work nothing is called missing"
        with closing(LagMeter(bootstrap)) as meter, worker_process(bootstrap, log, WEBCARE_SESSION_TIMEOUT="6") as worker:
            wait(lambda: not any(meter.remaining().values()), worker, log)
        yield bootstrap


def wait(until: Callable[[], bool], worker: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while not until():
        assert worker.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.02)


def settings(bootstrap: str) -> Settings:
    return Settings(bootstrap=bootstrap, ticks="log", author_key=DEMO_KEY)


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return load_deployment()


def proven(bootstrap: str, **options: Any) -> Result:
    result = check(bootstrap, settings(bootstrap), load_deployment(), **options)
    assert result.law.clean or options.get("count_again") is not False, str(result.law.missing)
    return result


class Added(NamedTuple):
    """A record that no stage wrote."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def write(bootstrap: str, *added: Added) -> None:
    async def publish() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await producer.start()
        for one in added:
            await producer.send_and_wait(one.topic, one.value, key=one.key, partition=one.partition, headers=one.headers)
        await producer.stop()

    asyncio.run(publish())


def first_of(bootstrap: str, topic: str, wanted: Callable[[Record], bool] = lambda record: record.value is not None) -> Record:
    return next(record for record in read_to_end(bootstrap, topic) if wanted(record))


def delete_before(bootstrap: str, topic: str, offsets: dict[int, int]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_records({TopicPartition(topic, partition): offset for partition, offset in offsets.items()})
    admin.close()


def test_clean_after_kills_and_counted_again(killed: str, records: list[RawRecord]) -> None:
    result = proven(killed)
    assert result.clean, result.as_json()
    law = result.law
    assert law.raw == sum(not record.is_tick for record in records)
    assert sum(law.outcomes.values()) == law.raw
    assert law.outcomes[DEAD_LETTER.name] == 1
    assert law.repeats > 0
    assert law.ticks["file"] == sum(record.is_tick for record in records)
    assert result.outputs.alerts >= 2
    brands = {brand.brand: brand for brand in result.recount.brands}
    assert len(brands) == 5
    assert all(brand.compared > 30 for brand in brands.values()), result.recount.why_not
    assert "counted in the order of the language topic" in brands["veldspoor"].said
    assert brands["noordnet"].said == ""
    assert result.recount.records == len(records)


def test_the_command_says_so(killed: str) -> None:
    command = [sys.executable, "-m", "agents", "ledger", "--bootstrap", killed, "--no-recount", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["clean"] is True
    assert told["recount"]["why_not"] == "not asked for"


def test_a_replay_of_raw_gives_the_stages_and_their_changes(killed: str, deployment: Deployment, records: list[RawRecord]) -> None:
    changes: dict[str, dict[bytes, bytes | None]] = {"crisis": {}, "routing": {}}
    origins: set[bytes] = set()

    def hear(stage: Any, partition: int, outcome: Any) -> None:
        if stage.changelog is not None:
            changes[stage.name] |= outcome.changes
        origins.update(header(out.headers, "webcare-origin") or b"" for out in outcome.outgoing if out.topic is LANGUAGE and out.key)

    replayed = replay_raw(killed, stages_for(settings(killed), deployment, PARTITIONS), hear, chunk=500)
    assert replayed.records == len(records)
    assert replayed.reaches_back
    assert sorted(replayed.partitions("crisis")) == list(range(PARTITIONS))
    assert origins == {header(record.headers, "webcare-origin") for record in read_to_end(killed, LANGUAGE.name) if record.key}
    assert {b"noordnet", b"veldspoor"} <= changes["crisis"].keys() & changes["routing"].keys()


def test_what_is_tampered_with_is_found_and_named(killed: str) -> None:
    routed = first_of(killed, ROUTED.name)
    origin = (header(routed.headers, "webcare-origin") or b"").decode()
    place = origin.partition(":")[2]
    foreign = [(name, b"another" if name == "ce_id" else value) for name, value in routed.headers]
    nowhere = [(name, b"%s:0:999999" % origin.partition(":")[0].encode() if name == "webcare-origin" else v) for name, v in routed.headers]
    alert = first_of(killed, ALERT_EVENT.name)
    item = first_of(killed, ITEM.name, lambda record: record.value is not None and b'"brand":"noordnet"' not in record.value)
    core_at, core = newest_core(killed, "noordnet")
    core.counters.negatives += 1
    write(
        killed,
        Added(ROUTED.name, routed.partition, routed.key, routed.value, foreign),
        Added(ROUTED.name, routed.partition, routed.key, routed.value, nowhere),
        Added(ROUTED.name, routed.partition, routed.key, routed.value, list(routed.headers)),
        Added(
            ALERT_EVENT.name,
            alert.partition,
            alert.key,
            (alert.value or b"").replace(b'"revision":1', b'"score":9,"revision":1'),
            list(alert.headers),
        ),
        Added(ITEM.name, item.partition, item.key, item.value, list(item.headers)),
        Added(CRISIS_STATE.name, core_at.partition, core_at.key, encode_core(core), [(CHANGE, b"%d" % 10**9)]),
    )
    result = proven(killed)
    assert not result.clean
    assert [finding.what for finding in result.law.doubled] == [f"{RAW.name}:{place}"]
    assert [finding.what for finding in result.law.unknown] == [f"{RAW.name}:0:999999"]
    assert not result.law.missing
    assert any("told in two ways" in finding.note for finding in result.outputs.doubled)
    differing = {brand.brand: list(brand.different) for brand in result.recount.brands if brand.different}
    assert differing["noordnet"] == ["crisis.negatives"]
    assert not [name for brand, names in differing.items() for name in names if brand != "noordnet" and name.startswith("crisis")]


def newest_core(bootstrap: str, brand: str) -> tuple[Record, Any]:
    newest = max(
        (record for record in read_to_end(bootstrap, CRISIS_STATE.name) if record.key == brand.encode() and record.value),
        key=lambda record: (int(header(record.headers, CHANGE) or 0), record.offset),
    )
    assert newest.value is not None
    return newest, core_in(brand, newest.value)


def test_removed_outcomes_are_missing_and_removed_raw_records_are_not(killed: str) -> None:
    """After the tampering above; told by what is added to its findings."""
    at = {
        record.offset: header(record.headers, "webcare-origin") or b""
        for record in read_to_end(killed, ROUTED.name)
        if record.partition == HOME
    }
    # An outcome that a kill had told again has not gone with its first telling: cut behind the first that is told no more.
    last = {origin: offset for offset, origin in sorted(at.items())}
    cut = min(last.values()) + 1
    places = {origin for origin, offset in last.items() if offset < cut}
    delete_before(killed, ROUTED.name, {HOME: cut})
    missing = {finding.what for finding in check(killed, settings(killed), load_deployment(), count_again=False).law.missing}
    assert missing == {f"{RAW.name}:{place.decode().partition(':')[2]}" for place in places}

    delete_before(killed, RAW.name, {HOME: 40})
    result = check(killed, settings(killed), load_deployment())
    assert result.law.gone == 40
    assert result.law.before_start > 0
    for finding in result.law.missing:
        partition, offset = map(int, finding.what.split(":")[1:])
        assert partition != HOME or offset >= 40
    said = {brand.brand: brand for brand in result.recount.brands}
    assert said["noordnet"].said == f"not compared: raw partition {HOME} does not reach back to its start"
    assert said["noordnet"].compared == 0
    assert any(brand.compared for brand in said.values())
