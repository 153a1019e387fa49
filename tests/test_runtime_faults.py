"""What a worker does when things go wrong, on a real broker: it ends with its reason, waits, pauses, or stops in time."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest
from kafka.admin import KafkaAdminClient

from agents.broker import Broker
from agents.broker.node import _free_port
from agents.lag import LagMeter
from agents.ledger import check_ledger
from agents.settings import DEMO_KEY, Settings
from agents.topic_reader import read_to_end
from agents.topics import apply_topics
from schemas.topics import ASSESSED, DEAD_LETTER, LANGUAGE, RAW, ROUTED

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

FAULTY = [sys.executable, str(Path(__file__).parent / "faulty_worker.py")]
WORKER = [sys.executable, "-m", "agents", "worker"]
STOP_SECONDS = 10.0
STUCK = "6"
"""Seconds without progress. Not fewer: several processes that start side by side on a busy machine may stand still so long."""
PATIENCE = 240.0
"""Seconds to wait for what must come, however busy the machine is. A worker that ends ends the waiting too."""


class Process:
    """A worker in a process of its own."""

    def __init__(self, command: Sequence[str], bootstrap: str, log: Path, **environment: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=Path(__file__).parents[1],
                env={
                    **os.environ,
                    "PYTHONPATH": str(Path(__file__).parents[1]),
                    "WEBCARE_KAFKA_BOOTSTRAP": bootstrap,
                    "WEBCARE_AUTHOR_KEY": DEMO_KEY,
                    "WEBCARE_TICKS": "log",
                    "WEBCARE_WEB_PORT": "0",
                    **environment,
                },
            )

    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text(errors="replace"))

    def wait_for(self, words: str, seconds: float = PATIENCE) -> None:
        wait_until(lambda: words in self.text() or self.popen.poll() is not None, seconds, self.text)
        assert words in self.text(), self.text()[-3000:]

    def runs(self) -> bool:
        """Whether it has not ended by itself."""
        assert self.popen.poll() is None, self.text()[-3000:]
        return True

    def ends(self, seconds: float) -> int:
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it still runs after {seconds} s:\n{self.text()[-3000:]}")

    def stop(self) -> float:
        """SIGTERM; how long it takes to end well."""
        started = time.monotonic()
        self.popen.send_signal(signal.SIGTERM)
        assert self.ends(STOP_SECONDS + 2) == 0, self.text()[-3000:]
        return time.monotonic() - started

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.popen.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def process(command: Sequence[str], bootstrap: str, log: Path, **environment: str) -> Iterator[Process]:
    running = Process(command, bootstrap, log, **environment)
    try:
        yield running
    finally:
        if running.popen.poll() is None:
            running.popen.kill()
        running.popen.wait()


def wait_until(holds: Callable[[], bool], seconds: float, explain: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, explain()[-3000:]
        time.sleep(0.1)


@contextmanager
def frozen(broker: Broker) -> Iterator[None]:
    """The broker neither answers nor closes a connection."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


def send(
    bootstrap: str, values: Sequence[bytes], topic: str = RAW.name, partition: int = 0, headers: Sequence[tuple[str, bytes]] = ()
) -> None:
    import asyncio

    from prometheus_client import CollectorRegistry

    from agents.runtime.writer import Write, Writer
    from agents.telemetry import Telemetry

    async def write() -> None:
        async with Writer(Settings(bootstrap=bootstrap), Telemetry(CollectorRegistry())) as writer:
            await writer.publish({(topic, partition): [Write(None, value, list(headers)) for value in values]})

    asyncio.run(write())


def page(port: int, name: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module")
def bootstrap(broker_cache: None) -> Iterator[str]:
    """A broker that these tests share; each worker has an application name, and so groups, of its own."""
    with Broker() as running:
        apply_topics(running.bootstrap)
        yield running.bootstrap


FAULTS = {
    "hang": ("hang", 70, "the event loop is blocked"),
    "hang in C": ("hang in C", -signal.SIGVTALRM, "faulty_worker.py"),
    "agent leaves": ("", 70, "no progress while there is work"),
    "restore hangs": ("", 70, "no progress restoring its partitions"),
    "fetch falls silent": ("", 70, "nothing is fetched while there is lag"),
    "too much": ("too much", 70, "the broker refuses what was written"),
}


def test_a_worker_that_does_not_get_on_ends_with_its_reason(bootstrap: str, tmp_path: Path) -> None:
    """All at once, each in its own group, since most of the time is waiting."""
    running = {}
    try:
        for fault in FAULTS:
            app = fault.replace(" ", "-")
            running[fault] = Process([*FAULTY, fault], bootstrap, tmp_path / f"{app}.log", WEBCARE_APP=app, WEBCARE_STUCK_AFTER=STUCK)
        for fault, worker in running.items():
            worker.wait_for("partitions ready" if fault != "restore hangs" else "")
        first = b"passes as the first"
        send(bootstrap, [first])  # and is done before others come: some faults begin with the second round
        wait_until(lambda: written(bootstrap).count(first) == len(FAULTS) - 1, PATIENCE)  # one never comes to it
        send(bootstrap, [b"%s %s" % (fault.replace(" ", "-").encode(), order.encode()) for fault, (order, _, _) in FAULTS.items() if order])
        send(bootstrap, [b"passes"] * 3, partition=1)
        for fault, worker in running.items():
            _, code, reason = FAULTS[fault]
            assert worker.ends(PATIENCE) == code, (fault, worker.text()[-3000:])
            assert reason in worker.text(), (fault, worker.text()[-3000:])
    finally:
        for worker in running.values():
            if worker.popen.poll() is None:
                worker.popen.kill()
            worker.popen.wait()
    hung = running["hang"].text()
    assert "faulty_worker.py" in hung
    assert "obey" in hung, "the place where it hangs"
    assert "topic=webcare.queue.item.v1" in running["too much"].text()
    assert "MessageSizeTooLargeError" in running["too much"].text()


def test_a_slow_record_loses_its_partition_once_writes_nothing_then_and_is_done(bootstrap: str, tmp_path: Path) -> None:
    """One record takes three session timeouts: no heartbeat meanwhile, so ownership is gone and confirmed before anything is written."""
    settings = {"WEBCARE_APP": "slow", "WEBCARE_SESSION_TIMEOUT": "4", "WEBCARE_STUCK_AFTER": "60", "WEBCARE_MAX_AHEAD": "0"}
    with process([*FAULTY, "slow"], bootstrap, tmp_path / "slow.log", **settings) as worker:
        worker.wait_for("partitions ready")
        send(bootstrap, [b"slow before", b"slow slow", b"slow after"], partition=3)
        wait_until(lambda: worker.runs() and b"slow after" in written(bootstrap), PATIENCE, worker.text)
        text = worker.text()
        assert "another worker owns the partition, batch dropped" in text
        assert text.count("partitions ready") == 2, "the second time it keeps its partitions, since heartbeats go on"
        worker.stop()
    assert [value for value in written(bootstrap) if value.startswith(b"slow ")] == [b"slow before", b"slow slow", b"slow after"]


def delete_topic(bootstrap: str, topic: str) -> None:
    """Gone when this returns: the broker still shows it for a moment, and then it would not be made anew."""
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.delete_topics([topic])
        wait_until(lambda: topic not in admin.list_topics(), PATIENCE)


def written(bootstrap: str) -> list[bytes]:
    return [record.value or b"" for record in read_to_end(bootstrap, LANGUAGE.name)]


def test_a_source_topic_made_anew_ends_the_worker_and_nothing_is_skipped(fresh_broker: Broker, tmp_path: Path) -> None:
    """Two workers after each other: the first notices, the second begins at the start of the new topic, whatever was committed."""
    apply_topics(fresh_broker.bootstrap)
    log = tmp_path / "worker.log"
    with process([*FAULTY, ""], fresh_broker.bootstrap, log) as worker:
        worker.wait_for("partitions ready")
        send(fresh_broker.bootstrap, [b"old %d" % number for number in range(50)])
        with closing(LagMeter(fresh_broker.bootstrap)) as meter:
            wait_until(lambda: worker.runs() and meter.remaining()["language"] == 0, PATIENCE, worker.text)
        delete_topic(fresh_broker.bootstrap, RAW.name)
        apply_topics(fresh_broker.bootstrap)
        send(fresh_broker.bootstrap, [b"new %d" % number for number in range(40)])
        assert worker.ends(PATIENCE) == 70, worker.text()[-3000:]
        assert re.search("the source topic (was made anew|is gone)", worker.text())
    with process([*FAULTY, ""], fresh_broker.bootstrap, log) as worker:
        wait_until(lambda: worker.runs() and written(fresh_broker.bootstrap)[-1:] == [b"new 39"], PATIENCE, worker.text)
        worker.stop()
    new = [value for value in written(fresh_broker.bootstrap) if value.startswith(b"new ")]
    assert set(new) == {b"new %d" % number for number in range(40)}


def test_a_stage_waits_in_kafka_while_the_next_one_is_away(bootstrap: str, tmp_path: Path) -> None:
    """Language and sentiment in processes of their own; sentiment comes late, and language goes on by itself."""
    port = _free_port()
    settings = {"WEBCARE_APP": "ahead", "WEBCARE_MAX_AHEAD": "1500", "WEBCARE_STUCK_AFTER": STUCK}
    with (
        closing(LagMeter(bootstrap, "ahead")) as meter,
        process([*FAULTY, ""], bootstrap, tmp_path / "language.log", WEBCARE_WEB_PORT=str(port), **settings) as language,
    ):
        language.wait_for("partitions ready")
        while language.runs() and "intake paused" not in language.text():
            send(bootstrap, [b"passes"] * 1500, partition=1)
        send(bootstrap, [b"passes"] * 1500, partition=1)  # taken by nobody now, however quick it was before
        wait_until(lambda: language.runs() and stands_still(meter), PATIENCE, language.text)  # what was in hand is written
        written_then = meter.ends()["sentiment"]
        time.sleep(1.5 * float(STUCK))
        assert language.runs(), "paused is not stuck"
        assert meter.ends()["sentiment"] == written_then, "nothing is taken meanwhile"
        assert meter.remaining()["language"] > 0, "the rest waits in Kafka"
        told = page(port, "metrics")[1]
        assert 'webcare_intake_paused{stage="language"} 1.0' in told
        assert 'webcare_lag_seconds{stage="language"} ' in told
        age = float(told.partition('webcare_lag_seconds{stage="language"} ')[2].split()[0])
        assert age > float(STUCK), "what waits at the broker grows old"
        following_settings = settings | {"WEBCARE_MAX_AHEAD": "0"}
        with process([*FAULTY, "", "sentiment"], bootstrap, tmp_path / "sentiment.log", **following_settings) as following:
            wait_until(lambda: language.runs() and following.runs() and meter.remaining()["language"] == 0, PATIENCE, language.text)
            assert "intake goes on" in language.text()
        language.stop()


def stands_still(meter: LagMeter) -> bool:
    """Whether nothing is written for a second."""
    before = meter.ends()["sentiment"]
    time.sleep(1)
    return meter.ends()["sentiment"] == before


def test_a_stop_is_in_time_whatever_the_broker_does(fresh_broker: Broker, tmp_path: Path) -> None:
    """Frozen with work in hand, with memory flat; in the middle of a restore; a second signal; and away."""
    bootstrap = fresh_broker.bootstrap
    apply_topics(bootstrap)
    with (
        process([*FAULTY, ""], bootstrap, tmp_path / "busy.log", WEBCARE_APP="busy") as busy,
        process([*FAULTY, ""], bootstrap, tmp_path / "second.log", WEBCARE_APP="second") as second,
        process([*FAULTY, "restore hangs"], bootstrap, tmp_path / "restoring.log", WEBCARE_APP="restoring") as restoring,
        process([*FAULTY, ""], bootstrap, tmp_path / "joining.log", WEBCARE_APP="busy") as joining,
    ):
        for worker in (busy, second, joining):
            worker.wait_for("partitions ready")
        for partition in range(8):
            send(bootstrap, [b"x" * 10_000] * 300, partition=partition)
        with frozen(fresh_broker):
            time.sleep(2)
            memory = busy.memory()
            time.sleep(3)
            assert busy.memory() < memory + 20_000_000
            started = time.monotonic()
            for worker in (busy, second, restoring, joining):
                worker.popen.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            second.popen.send_signal(signal.SIGTERM)
            assert second.ends(STOP_SECONDS) == 0
            assert "a second signal: ends at once" in second.text()
            for worker in (restoring, busy, joining):
                assert worker.ends(STOP_SECONDS) == 0, worker.text()[-3000:]
            assert time.monotonic() - started < STOP_SECONDS


def test_a_worker_waits_for_its_broker_and_says_so(tmp_path: Path) -> None:
    port = _free_port()
    with process(WORKER, f"127.0.0.1:{_free_port()}", tmp_path / "waiting.log", WEBCARE_WEB_PORT=str(port)) as worker:
        worker.wait_for("waiting for Kafka")
        assert page(port, "livez") == (200, "ok\n")
        status, text = page(port, "readyz")
        assert status == 503
        assert text.startswith("not ready: waiting for Kafka: no Kafka answers at")
        assert worker.stop() < STOP_SECONDS / 2, "it waits for nothing"


def test_a_stage_that_can_read_nothing_stops_itself(bootstrap: str, tmp_path: Path) -> None:
    """Behind the door only our own records arrive: 200 dead letters in a row say that we are the bug."""
    send(bootstrap, [b"not ours"] * 250, ASSESSED.name, partition=2)
    with process([*WORKER, "--stages", "routing"], bootstrap, tmp_path / "routing.log", WEBCARE_APP="breaker") as worker:
        assert worker.ends(PATIENCE) == 70
        assert "too many dead letters in a row" in worker.text()
    letters = sum(record.value == b"not ours" for record in read_to_end(bootstrap, DEAD_LETTER.name))
    assert letters < 200, "the topic is not emptied into the dead letters"


def test_the_largest_records_that_the_raw_topic_takes_go_their_way(fresh_broker: Broker, tmp_path: Path) -> None:
    """2 MiB with headers, 100,000 characters of four bytes written as escapes: routed; as large and no JSON: a dead letter. No crash."""
    bootstrap = fresh_broker.bootstrap
    apply_topics(bootstrap)
    most = RAW.max_message_bytes - 300  # the record batch around it
    headers = [("padding", b"h" * 60_000)]
    body = {
        "mention_id": "x:large",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": "😡" * 100_000,
        "published_at": "2026-09-20T12:00:00Z",
        "author": {"id": "iemand"},
        "url": "\u0001" * 4_000,
        "unknown": "",
    }
    body["unknown"] = "x" * (most - 60_000 - len(json.dumps(body)))
    send(bootstrap, [json.dumps(body).encode(), b"n" * (most - 60_000)], partition=5, headers=headers)
    with process(WORKER, bootstrap, tmp_path / "worker.log", WEBCARE_APP="large") as worker, closing(LagMeter(bootstrap, "large")) as meter:
        wait_until(lambda: worker.runs() and not any(meter.remaining().values()), PATIENCE, worker.text)
        worker.stop()
    assert any(b'"x:large"' in (record.value or b"") for record in read_to_end(bootstrap, ROUTED.name))
    assert any((record.value or b"").startswith(b"nnn") for record in read_to_end(bootstrap, DEAD_LETTER.name))


def test_a_header_whose_name_is_not_utf8_ends_no_worker(fresh_broker: Broker, tmp_path: Path) -> None:
    """A name in Latin-1, as clients built on librdkafka may send it."""
    import asyncio

    from aiokafka import AIOKafkaProducer
    from aiokafka.record.util import calc_crc32c

    bootstrap = fresh_broker.bootstrap
    apply_topics(bootstrap, partitions=1)

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            batch = producer.create_batch()
            for number in range(3):
                batch.append(key=None, value=b"no mention", timestamp=None, headers=[("prioriteit", b"1")] if number == 1 else [])
            batch.close()
            batch._buffer = bytearray(bytes(batch._build()).replace(b"prioriteit", b"priorit\xe9it"))
            batch._buffer[17:21] = calc_crc32c(bytes(batch._buffer[21:])).to_bytes(4, "big")
            await (await producer.send_batch(batch, RAW.name, partition=0))

    asyncio.run(write())
    with process(WORKER, bootstrap, tmp_path / "worker.log") as worker, closing(LagMeter(bootstrap)) as meter:
        wait_until(lambda: worker.runs() and not any(meter.remaining().values()), PATIENCE, worker.text)
        worker.stop()
    letters = list(read_to_end(bootstrap, DEAD_LETTER.name))
    assert ["priorit\ufffdit" in dict(letter.headers) for letter in letters] == [False, True, False]
    assert check_ledger(bootstrap).clean
