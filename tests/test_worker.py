"""The whole way on a real broker: a worker process, a replay, kills; against the offline run of the same file."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.broker import Broker
from agents.demo.phrases import load_phrases
from agents.demo.run import worker_process
from agents.demo.scenario import scenario
from agents.deployment import build_stages, load_deployment
from agents.lag import LagMeter
from agents.ledger import check_ledger
from agents.offline import OfflineChain, run_offline
from agents.reference import ROOT
from agents.replay import Line, RawRecord, in_order, read_line, replay
from agents.runtime.writer import Write
from agents.sending import send_records
from agents.settings import DEMO_KEY, Settings
from agents.states import read_states
from agents.topic_reader import read_to_end
from agents.topics import apply_topics
from pipeline.partition import Partitioner
from pipeline.stage import header
from schemas.topics import (
    ALERT_EVENT,
    ALERT_STATE,
    ASSESSED,
    DEAD_LETTER,
    DEFAULT_PARTITIONS,
    ITEM,
    ITEM_SHADOW,
    LANGUAGE,
    RAW,
    ROUTED,
    ROUTED_SHADOW,
    SENTIMENT,
)

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

SINCE, UNTIL = datetime(2026, 9, 20, 12, tzinfo=UTC), datetime(2026, 9, 22, 13, tzinfo=UTC)
"""Two days of the demo's story with the first hours of its row."""
OUTPUTS = (LANGUAGE, SENTIMENT, ASSESSED, ROUTED, ROUTED_SHADOW, ITEM, ITEM_SHADOW, ALERT_EVENT, ALERT_STATE)
PARTITIONER = Partitioner(DEFAULT_PARTITIONS)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    told = [line for line in scenario(load_phrases()) if SINCE <= line.at < UNTIL]
    return [read_line(number, line.value) for number, line in enumerate(told, start=1)]


@pytest.fixture(scope="module")
def records(lines: list[Line]) -> list[RawRecord]:
    ordered, times = in_order(lines, sort=False, name="the story")
    return list(replay(ordered, times, PARTITIONER))


@pytest.fixture(scope="module")
def offline(records: list[RawRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offline")
    run_offline(records, build_stages(load_deployment(), DEMO_KEY, DEFAULT_PARTITIONS), folder)
    return folder


@pytest.fixture
def kafka(fresh_broker: Broker) -> str:
    apply_topics(fresh_broker.bootstrap)
    return fresh_broker.bootstrap


def finish(bootstrap: str, worker: subprocess.Popen[bytes], log: Path, seconds: float = 240) -> None:
    """Wait until nothing is left to do."""
    deadline = time.monotonic() + seconds
    with closing(LagMeter(bootstrap)) as meter:
        while any((left := meter.remaining()).values()):
            assert worker.poll() is None, f"the worker ended with {worker.returncode}:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"not finished: {left}\n{log.read_text()[-3000:]}"
            time.sleep(0.2)


def bare(bootstrap: str, topic: str) -> set[bytes]:
    return {record.value for record in read_to_end(bootstrap, topic) if record.value is not None}


def of_file(folder: Path, topic: str) -> set[bytes]:
    file = folder / f"{topic}.jsonl"
    return set(file.read_bytes().splitlines()) if file.exists() else set()


def told(bootstrap: str) -> dict[str, dict[str, Any]]:
    return {brand: view.as_json(detailed=True) for brand, view in read_states(bootstrap).items()}


@pytest.fixture(scope="module")
def undisturbed(
    broker_cache: None, records: list[RawRecord], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """A broker after an undisturbed run, and the state that came of it."""
    log = tmp_path_factory.mktemp("undisturbed") / "worker.log"
    with Broker() as broker:
        apply_topics(broker.bootstrap)
        with worker_process(broker.bootstrap, log) as worker:
            send_records(Settings(bootstrap=broker.bootstrap), records)
            finish(broker.bootstrap, worker, log)
        yield broker.bootstrap, told(broker.bootstrap)


def test_broker_and_offline_write_the_same_records(undisturbed: tuple[str, Any], offline: Path, records: list[RawRecord]) -> None:
    bootstrap, _ = undisturbed
    for topic in OUTPUTS:
        assert bare(bootstrap, topic.name) == of_file(offline, topic.name), topic.name
    ledger = check_ledger(bootstrap)
    assert ledger.clean
    assert ledger.raw == sum(not record.is_tick for record in records)
    assert ledger.repeats == 0


def test_the_row_is_raised_and_the_state_tells_it(undisturbed: tuple[str, Any], lines: list[Line]) -> None:
    bootstrap, state = undisturbed
    alerts = [json.loads(value) for value in bare(bootstrap, ALERT_EVENT.name)]
    assert {(alert["brand"], alert["kind"]) for alert in alerts} == {("noordnet", "crisis")}
    assert state["noordnet"]["negatives"] > state["noordnet"]["positives"]
    mentions = sum(brand["mentions"] for brand in state.values())
    assert mentions == len(
        {(line.body["mention_id"], line.body.get("edit", 0)) for line in lines if line.body and "text" in line.body}
    ) - sum(brand["edits"] for brand in state.values())


def test_every_record_carries_its_headers_and_its_brands_partition(undisturbed: tuple[str, Any]) -> None:
    bootstrap, _ = undisturbed
    for topic in (LANGUAGE, ASSESSED, ROUTED, ITEM, ALERT_EVENT):
        for record in read_to_end(bootstrap, topic.name):
            names = {name for name, _ in record.headers}
            assert {"ce_id", "ce_type", "ce_time", "ce_source", "ce_specversion", "webcare-origin"} <= names
            assert header(record.headers, "ce_type") == f"nl.{topic.name}".encode()
            if record.value is not None and (brand := json.loads(record.value).get("brand")):
                assert record.partition == PARTITIONER(brand)


def test_order_per_brand_is_kept(undisturbed: tuple[str, Any]) -> None:
    bootstrap, _ = undisturbed
    for topic in (LANGUAGE, SENTIMENT, ASSESSED, ROUTED):
        last: dict[bytes, int] = {}
        for record in read_to_end(bootstrap, topic.name):
            if record.key is not None:
                offset = int((header(record.headers, "webcare-origin") or b"").split(b":")[2])
                assert offset > last.get(record.key, -1), (topic.name, record.key)
                last[record.key] = offset


def test_kills_lose_nothing_and_count_nothing_twice(
    kafka: str,
    records: list[RawRecord],
    undisturbed: tuple[str, dict[str, dict[str, Any]]],
    dying_worker: Callable[..., None],
    tmp_path: Path,
) -> None:
    log = tmp_path / "worker.log"
    send_records(Settings(bootstrap=kafka), records)
    mentions = sum(not record.is_tick for record in records)
    for share in (5, 4, 4):  # together less than all, also if each one's work was committed to the last record
        dying_worker(kafka, log, mentions // share)
    with worker_process(kafka, log, WEBCARE_SESSION_TIMEOUT="6") as worker:
        finish(kafka, worker, log)
    ledger = check_ledger(kafka)
    assert ledger.clean, (str(ledger.missing), str(ledger.doubled), str(ledger.unknown))
    bootstrap, state = undisturbed
    assert told(kafka) == state
    for topic in (ALERT_EVENT, ITEM, ROUTED):
        assert _identities(kafka, topic.name) == _identities(bootstrap, topic.name), topic.name


def _identities(bootstrap: str, topic: str) -> set[bytes | None]:
    return {header(record.headers, "ce_id") for record in read_to_end(bootstrap, topic)}


SOUND = {
    "mention_id": "x:1",
    "brand": "noordnet",
    "channel": "x",
    "channel_family": "social",
    "text": "Mijn internet werkt niet, wanneer is dit opgelost?",
    "published_at": "2026-09-20T12:00:00Z",
    "received_at": "2026-09-20T12:00:01Z",
    "author": {"id": "iemand"},
}


def sound(number: int, **fields: Any) -> bytes:
    return json.dumps(SOUND | {"mention_id": f"x:{number}"} | fields).encode()


ZOO: tuple[tuple[str, bytes | None, bytes | None, str], ...] = (
    ("not JSON", b"noordnet", b"{nee", "not_json"),
    ("null bytes", b"noordnet", b"\x00\x00", "not_json"),
    ("an array", b"noordnet", b"[]", "invalid_record"),
    ("empty value", b"noordnet", b"", "empty_value"),
    ("no value", b"noordnet", None, "empty_value"),
    ("missing brand", None, json.dumps({k: v for k, v in SOUND.items() if k != "brand"}).encode(), "invalid_record"),
    ("wrong type", b"noordnet", sound(2, text=7), "invalid_record"),
    ("a megabyte of text", b"noordnet", sound(3, text="a" * 1_000_000), "too_large"),
    ("key of another brand", b"veldspoor", sound(4), "key_mismatch"),
    ("unknown type", b"noordnet", sound(5, type="fax"), "unknown_type"),
    ("naive time", b"noordnet", sound(6, published_at="2026-09-20T12:00:00"), "invalid_record"),
    ("null bytes in the text", b"noordnet", sound(7, text="hallo\u0000daar"), "routed"),
    ("far future", b"noordnet", sound(8, published_at="9999-12-31T23:59:59Z"), "routed"),
    ("ancient", b"noordnet", sound(9, published_at="0001-01-01T00:00:00Z"), "routed"),
    ("unknown field", b"noordnet", sound(10, shoe_size=43), "routed"),
    ("no key", None, sound(11), "routed"),
    ("unknown brand", b"nergens", sound(12, brand="nergens"), "routed"),
    ("emoji only", b"noordnet", sound(13, text="😡😡😡"), "routed"),
    ("retraction before its mention", b"noordnet", b'{"type":"retraction","mention_id":"x:14","brand":"noordnet"}', "routed"),
    ("the mention it blocks", b"noordnet", sound(14), "routed"),
    ("a first time", b"noordnet", sound(15), "routed"),
    ("a duplicate", b"noordnet", sound(15), "routed"),
    ("surrogates", b"noordnet", b'{"text":"\\ud83d"}', "not_json"),
)


def test_malformed_records_have_their_documented_outcome_and_the_rest_flows(kafka: str, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    send_raw(kafka, [(key, value) for _, key, value, _ in ZOO])
    with worker_process(kafka, log) as worker:
        finish(kafka, worker, log)
        assert worker.poll() is None
    letters = list(read_to_end(kafka, DEAD_LETTER.name))
    routed = [json.loads(record.value or b"null") for record in read_to_end(kafka, ROUTED.name)]
    reasons = Counter((header(record.headers, "webcare-reason") or b"").decode() for record in letters)
    assert reasons == Counter(outcome for _, _, _, outcome in ZOO if outcome != "routed")
    assert len(routed) == sum(outcome == "routed" for _, _, _, outcome in ZOO)
    by_id = {record["mention_id"]: record for record in routed}
    assert by_id["x:8"]["clock_ahead"] is True
    assert by_id["x:9"]["late"] is True
    assert by_id["x:13"]["language"] is None
    assert by_id["x:13"]["sentiment"]["label"] == "unscored"
    retracted = [record for record in routed if record["mention_id"] == "x:14"]
    assert [record["kind"] for record in retracted] == ["retracted", "retracted"]
    assert all(record["text"] is None for record in retracted)
    assert sorted(record["duplicate"] for record in routed if record["mention_id"] == "x:15") == [False, True]
    sent = Counter((key, value or b"") for _, key, value, outcome in ZOO if outcome != "routed")
    assert Counter((letter.key, letter.value or b"") for letter in letters) == sent, "a dead letter keeps its bytes"
    assert "nee" not in log.read_text()
    assert check_ledger(kafka).clean


def send_raw(bootstrap: str, pairs: list[tuple[bytes | None, bytes | None]]) -> None:
    """Write exactly these keys and values, in order, into noordnet's partition."""
    import asyncio

    from prometheus_client import CollectorRegistry

    from agents.runtime.writer import Writer
    from agents.telemetry import Telemetry

    async def write() -> None:
        async with Writer(Settings(bootstrap=bootstrap), Telemetry(CollectorRegistry())) as writer:
            await writer.publish({(RAW.name, PARTITIONER("noordnet")): [Write(key, value, []) for key, value in pairs]})

    asyncio.run(write())


def test_the_worker_tells_how_it_is_and_ends_quickly(kafka: str, tmp_path: Path) -> None:
    from agents.broker.node import _free_port

    port, log = _free_port(), tmp_path / "worker.log"
    with worker_process(kafka, log, WEBCARE_WEB_PORT=str(port)) as worker:
        send_raw(kafka, [(b"noordnet", sound(1)), (b"noordnet", b"{")])
        finish(kafka, worker, log)
        assert page(port, "readyz") == "ok\n"
        assert page(port, "livez") == "ok\n"
        assert json.loads(page(port, "version"))["stages"] == ["language", "sentiment", "crisis", "routing"]
        metrics = page(port, "metrics")
        assert 'webcare_records_in_total{stage="language"} 2.0' in metrics
        assert 'webcare_records_rejected_total{reason="not_json",stage="language"} 1.0' in metrics
        assert "webcare_mention_to_route_seconds_count 1.0" in metrics
        assert 'webcare_lag_records{stage="routing"} 0.0' in metrics
        assert "iemand" not in metrics
        started = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
        assert time.monotonic() - started < 10


def page(port: int, name: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=10) as answer:
        content: bytes = answer.read()
        return content.decode()


def test_one_chain_over_any_cut_of_the_file_gives_the_same(records: list[RawRecord], offline: Path) -> None:
    """Batches of the broker fall anywhere: outputs must not depend on them."""
    chain = OfflineChain(build_stages(load_deployment(), DEMO_KEY, DEFAULT_PARTITIONS))
    values: set[bytes] = set()
    for start in range(0, len(records), 37):
        for _, item in chain.feed(records[start : start + 37]):
            if getattr(item, "topic", None) is ROUTED and item.value is not None:  # type: ignore[union-attr]
                values.add(item.value)  # type: ignore[union-attr]
    assert values == of_file(offline, ROUTED.name)


def test_what_other_producers_really_send(kafka: str, tmp_path: Path) -> None:
    """Null header values, every codec, and a transaction that was taken back: nothing ends the worker, nothing is told as lost."""
    import asyncio

    from aiokafka import AIOKafkaProducer

    partition = PARTITIONER("noordnet")

    async def produce() -> None:
        number = 0
        for codec in (None, "gzip", "snappy", "lz4", "zstd"):
            producer = AIOKafkaProducer(bootstrap_servers=kafka, compression_type=codec)
            await producer.start()
            number += 1
            await producer.send_and_wait(RAW.name, sound(number), partition=partition, headers=[("empty", None), ("traceparent", b"00-1")])
            await producer.stop()
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="other")
        await producer.start()
        async with producer.transaction():
            await producer.send_and_wait(RAW.name, sound(number + 1), partition=partition)
        await producer.begin_transaction()
        await producer.send_and_wait(RAW.name, sound(number + 2), partition=partition)
        await producer.abort_transaction()
        await producer.stop()
        last = AIOKafkaProducer(bootstrap_servers=kafka)
        await last.start()
        await last.send_and_wait(RAW.name, sound(number + 3), partition=partition)
        await last.stop()
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="other")  # and its marker ends the log
        await producer.start()
        async with producer.transaction():
            await producer.send_and_wait(RAW.name, sound(number + 4), partition=partition)
        await producer.stop()

    asyncio.run(produce())
    log = tmp_path / "worker.log"
    with worker_process(kafka, log) as worker:
        finish(kafka, worker, log)
        assert worker.poll() is None
    routed = {json.loads(record.value or b"")["mention_id"] for record in read_to_end(kafka, ROUTED.name)}
    assert routed == {f"x:{number}" for number in (1, 2, 3, 4, 5, 6, 8, 9)}
    assert "records lost" not in log.read_text()
    assert check_ledger(kafka).clean


def test_the_reader_on_the_page_for_readers_works(undisturbed: tuple[str, Any]) -> None:
    """The code that the page prints, run as it stands: every mention once."""
    bootstrap, _ = undisturbed
    page_ = (ROOT / "schemas" / "README.md").read_text("utf-8")
    code = page_.partition("<!-- reader -->\n```python\n")[2].partition("```\n<!-- /reader -->")[0]
    environment = {**os.environ, "WEBCARE_KAFKA_BOOTSTRAP": bootstrap}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert len(ran.stdout.splitlines()) == len(_identities(bootstrap, ROUTED.name))
