"""The runtime's own rules, without a broker: what counts as stuck, how retries wait, when intake pauses, and that nothing is too large."""

import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Literal, cast

import pytest
import structlog
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from agents.deployment import build_stages, load_deployment
from agents.logs import SeldomTold, configure_logging
from agents.offline import OfflineChain
from agents.replay import RawRecord
from agents.runtime import ticker
from agents.runtime.ending import places, within
from agents.runtime.header_names import accept_any_header_name
from agents.runtime.intake import RESUMES_AT, Intake
from agents.runtime.progress import CUT, LONGEST_STEP, Look, Stalls, stalled
from agents.runtime.reader import PartitionReader
from agents.runtime.retrying import FIRST_SECONDS, TOLD_EVERY, Retries
from agents.runtime.shell import TOMBSTONES, dead_letter_headers, state_groups
from agents.runtime.starts import Start, start_of
from agents.runtime.writer import Writer
from agents.settings import DEMO_KEY, Settings, SettingsError, read_settings
from agents.telemetry import Telemetry
from agents.waiting import PortError, WaitingRoom, waiting_room
from pipeline.journal import CHANGE
from pipeline.stage import DeadLetter, Outcome, Outgoing
from schemas.topics import DEAD_LETTER, RAW

LIMIT = 10.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# -- what should move


def test_time_counts_only_while_the_same_thing_is_waited_for() -> None:
    clock = Clock()
    stalls = Stalls(clock)
    seen = []
    for mark, waiting in ((1, True), (1, True), (1, True), (2, True), (2, True), (2, False), (2, True), (2, True)):
        seen.append(stalls.seconds("x", mark, waiting=waiting))
        clock.now += 1
    assert seen == [0, 1, 2, 0, 1, 0, 0, 1]


def test_a_frozen_process_has_not_stalled() -> None:
    clock = Clock()
    stalls = Stalls(clock)
    stalls.seconds("x", 1, waiting=True)
    clock.now += 3600
    assert stalls.seconds("x", 1, waiting=True) == LONGEST_STEP


WATCHED = """
import asyncio
from agents.runtime import watchdog

watchdog.LAST_RESORT_SECONDS = 0.5
watchdog.BEAT_SECONDS, watchdog._ARM_SECONDS = 0.25, 1.25  # armed anew at every fifth beat

async def main():
    async with watchdog.Watchdog(1.0):
        print("watched", flush=True)
        await asyncio.sleep(2.2)

asyncio.run(main())
"""


def test_a_process_that_was_frozen_is_not_ended_by_its_watchdog() -> None:
    with subprocess.Popen([sys.executable, "-c", WATCHED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "watched\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(2.0)
        process.send_signal(signal.SIGCONT)
        assert process.wait(20) == 0, process.stderr.read()


def look(**changes: Any) -> Look:
    usual: dict[str, Any] = {
        "epoch": 1,
        "partitions": frozenset({0, 1}),
        "waiting": None,
        "heard": 0,
        "in_hand": {},
        "silent": {},
        "lost": frozenset(),
        "uncommitted": False,
        "commits": 0,
        "finished": 0,
    }
    return Look(**usual | changes)


NONE: set[str] = set()


@pytest.mark.parametrize(
    ("looks", "answers", "end", "reasons"),
    [
        pytest.param(lambda _: look(), True, 0, NONE, id="nothing to do"),
        pytest.param(lambda _: look(silent={0: 5}), True, 5, NONE, id="all is read"),
        pytest.param(lambda _: look(silent={0: 5}), True, 9, {"nothing is fetched while there is lag"}, id="lag, and nothing comes"),
        pytest.param(lambda _: look(silent={0: 5}), False, 9, NONE, id="the broker is away and nothing is in hand"),
        pytest.param(lambda _: look(), True, 9, NONE, id="lag, and the intake is paused"),
        pytest.param(lambda n: look(silent={0: 5 + n}, finished=n), True, 99, NONE, id="slow but it moves"),
        pytest.param(lambda _: look(silent={0: 9}), True, 5, {CUT}, id="the log ends before what was read"),
        pytest.param(lambda _: look(in_hand={0: 5}), False, 9, {"no progress while there is work"}, id="a batch never ends"),
        pytest.param(
            lambda n: look(in_hand={0: 5, 1: n}, finished=n), True, 9, {"no progress while there is work"}, id="one partition of two stands"
        ),
        pytest.param(lambda n: look(in_hand={0: n}, finished=n), True, 99, NONE, id="batches end"),
        pytest.param(lambda _: look(uncommitted=True), True, 0, {"no commit accepted while there is work"}, id="no commit"),
        pytest.param(lambda n: look(uncommitted=True, commits=n), True, 0, NONE, id="commits"),
        pytest.param(lambda _: look(waiting="joining"), True, 0, {"no progress joining, and the broker answers"}, id="never joins"),
        pytest.param(lambda _: look(waiting="connecting"), False, 0, NONE, id="waits for its broker"),
        pytest.param(lambda n: look(waiting="restoring", heard=n), True, 0, NONE, id="a long restore that gets on"),
        pytest.param(lambda _: look(partitions=frozenset()), True, 9, NONE, id="more workers than partitions"),
        pytest.param(
            lambda _: look(lost=frozenset({1})),
            True,
            9,
            {"a partition was lost to another worker, and no new assignment comes"},
            id="lost, and never assigned again",
        ),
        pytest.param(
            lambda n: look(epoch=n, waiting="joining") if n % 2 else look(epoch=n, in_hand={0: None}),
            True,
            9,
            {"no batch is finished while there is lag"},
            id="loses its partition again and again",
        ),
    ],
)
def test_what_is_stuck(looks: Callable[[int], Look], answers: bool, end: int, reasons: set[str]) -> None:
    clock = Clock()
    stalls = Stalls(clock)
    found: set[str] = set()
    for second in range(60):
        found |= {verdict.reason for verdict in stalled(looks(second), stalls, answers=answers, end=lambda _: end, limit=LIMIT)}
        if second <= LIMIT:
            assert not found - {CUT}, "in time is in time"
        clock.now += 1
    assert {reason for reason in found if reason != "no batch is finished while there is lag" or reasons == {reason}} == reasons


# -- trying again


def test_retries_wait_longer_up_to_a_cap_and_do_not_flood(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    telemetry = Telemetry(CollectorRegistry())
    retries = Retries("write", telemetry, most=5.0, clock=clock, spread=lambda: 1.0)
    waits = []
    for _ in range(40):
        waits.append(retries.failed(TimeoutError()))
        clock.now += waits[-1]
    assert waits[:6] == [FIRST_SECONDS * 2**n for n in range(6)]
    assert max(waits) == waits[-1] == 5.0
    assert telemetry.registry.get_sample_value("webcare_retries_total", {"operation": "write"}) == 40
    assert len(caplog.records) <= 2 + (clock.now - 1000) / TOLD_EVERY
    retries.succeeded()
    assert retries.failed(TimeoutError()) == FIRST_SECONDS


@given(st.floats(0, 1), st.integers(1, 100))
def test_retries_are_spread_between_half_and_whole(spread: float, attempts: int) -> None:
    retries = Retries("x", TELEMETRY, spread=lambda: spread)
    whole = Retries("x", TELEMETRY, spread=lambda: 1.0)
    for _ in range(attempts):
        wait, longest = retries.failed("y"), whole.failed("y")
    assert longest / 2 <= wait <= longest


TELEMETRY = Telemetry(CollectorRegistry())


def test_the_libraries_are_heard_once_in_a_while() -> None:
    clock = Clock()
    told = SeldomTold(clock)

    def line(name: str, message: str, *values: object) -> logging.LogRecord:
        return logging.LogRecord(name, logging.ERROR, "", 0, message, values, None)

    assert told(line("aiokafka.conn", "no %s", "node 1"))
    assert not told(line("aiokafka.conn", "no %s", "node 2"))
    assert told(line("aiokafka.conn", "another"))
    assert all(told(line("agents.worker", "ours")) for _ in range(3))
    clock.now += 31
    last = line("aiokafka.conn", "no %s", "node 3")
    assert told(last)
    assert last.getMessage() == "no node 3 (and 1 more like it)"


# -- where to go on


@pytest.mark.parametrize(
    ("committed", "expected"),
    [
        pytest.param(None, Start(5), id="nothing committed"),
        pytest.param((7, "now"), Start(7), id="as committed"),
        pytest.param((7, ""), Start(7), id="committed without a note"),
        pytest.param((3, "now"), Start(5, lost_from=3), id="retention was quicker"),
        pytest.param((7, "before"), Start(5, anew=True), id="counted in another topic"),
        pytest.param((70, ""), Start(5, anew=True), id="beyond the end, without a note"),
        pytest.param((70, "now"), Start(9), id="the log was cut"),
    ],
)
def test_where_a_partition_goes_on(committed: tuple[int, str] | None, expected: Start) -> None:
    assert start_of(5, 9, committed, "now") == expected


# -- back-pressure


def test_intake_pauses_above_the_limit_and_goes_on_well_below() -> None:
    intake = Intake(1000)
    assert [(intake.decide(ahead), intake.paused) for ahead in (None, 1000, 1001, 900, None, 801, 800, 900)] == [
        (False, False),
        (False, False),
        (True, True),
        (False, True),
        (False, True),
        (False, True),
        (True, False),
        (False, False),
    ]
    assert RESUMES_AT == 0.8


def test_no_limit_is_no_limit() -> None:
    assert not Intake(0).decide(10**12)


def test_settings_are_not_negative() -> None:
    assert read_settings({"WEBCARE_MAX_AHEAD": "0"}).max_ahead == 0
    with pytest.raises(SettingsError, match="WEBCARE_MAX_AHEAD must be a number from 0 up, not -1"):
        read_settings({"WEBCARE_MAX_AHEAD": "-1"})


# -- ending


def test_a_clean_up_that_hangs_or_fails_is_left() -> None:
    async def fail() -> None:
        raise ConnectionError

    async def ends() -> tuple[bool, bool, bool]:
        return await within(asyncio.sleep(0), 1), await within(asyncio.sleep(60), 0.01), await within(fail(), 1)

    assert asyncio.run(ends()) == (True, False, False)


def test_a_place_is_files_and_lines_without_values() -> None:
    secret = "not to be told"
    told = places(sys._getframe())
    assert told.endswith(f"test_runtime.py:{sys._getframe().f_lineno - 1} test_a_place_is_files_and_lines_without_values")
    assert secret not in told


def test_the_waiting_room_says_what_is_missing() -> None:
    room = WaitingRoom()
    room.tell("waiting for Kafka")
    assert room.page("/livez") == (200, "ok\n")
    assert room.page("/readyz") == (503, "not ready: waiting for Kafka\n")
    assert room.page("/metrics")[0] == 404


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(PortError, match=rf"127\.0\.0\.1:{port}: cannot listen there .*WEBCARE_WEB_PORT"),
            waiting_room(Settings(web_port=port)),
        ):
            pass


@pytest.mark.parametrize(("every", "ticks"), [(30.0, False), (0.01, True)])
def test_a_worker_that_stops_leaves_no_last_tick_behind(every: float, ticks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be left undone after a quiet stop: more partitions are refused otherwise."""
    monkeypatch.setattr(ticker, "EVERY_SECONDS", every)
    written: list[Any] = []

    class Listening:
        async def publish(self, writes: Any) -> None:
            written.append(writes)

    async def life() -> int:
        service = ticker.Ticker(cast("Writer", Listening()), cast("PartitionReader", SimpleNamespace(assigned=[0, 1])))
        await service.start()
        await asyncio.sleep(0.1)
        before = len(written)
        await service.stop()
        return before

    before = asyncio.run(life())
    assert (before > 0) is ticks
    assert len(written) == before


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_in_the_log_holds_no_values(
    form: Literal["text", "json"], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A library that tells of an error (Faust does, of every crash) must not tell of the mention in hand."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    configure_logging(form)
    mention = "Ik " + "ben Piet"
    try:
        int("x")
    except ValueError:
        logging.getLogger("faust.worker").exception("it failed")
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "it failed" in told
    assert mention not in told


# -- sizes


@pytest.fixture(scope="module")
def stages() -> list[Any]:
    return build_stages(load_deployment(), DEMO_KEY, 1)


OVERHEAD = 200
"""Bytes of a record batch around one record, generously."""
CONTROL = "\u0001"
"""Six bytes as JSON writes it: no character takes more."""
EMOJI = "😡"
WIDEST = {
    "mention_id": CONTROL * 200,
    "brand": "noordnet",
    "channel": CONTROL * 60,
    "channel_family": "social",
    "title": CONTROL * 2000,
    "url": CONTROL * 4000,
    "thread_id": CONTROL * 200,
    "root_id": CONTROL * 200,
    "published_at": "2026-09-20T12:00:00Z",
    "received_at": "2026-09-20T12:00:01Z",
    "author": {"id": CONTROL * 200, "name": CONTROL * 400},
    "source": CONTROL * 100,
}
ANGRY = "waardeloos, internet doet het niet, bel 0612345678 of mail a@b.nl! "


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(EMOJI * 100_000, id="emoji"),
        pytest.param(CONTROL * 100_000, id="control characters"),
        pytest.param((ANGRY * 2000)[:100_000], id="words that score, personal data to replace"),
        pytest.param('"\\' * 50_000, id="quotation marks and backslashes"),
        pytest.param("a" * 100_000, id="one word"),
    ],
)
def test_the_largest_mentions_make_nothing_that_a_topic_refuses(text: str, stages: list[Any]) -> None:
    """A thread of the largest mentions that may come: whatever leaves any stage fits its topic with 64 KiB of foreign headers."""
    foreign = [("x" * 100, b"h" * (64 * 1024 - 100))]
    chain = OfflineChain(stages)
    leaving = 0
    for number in range(25):
        body = WIDEST | {"mention_id": f"{number:02}" + CONTROL * 198, "text": text}
        value = json.dumps(body).encode()
        for stage, item in chain.feed([RawRecord(0, None, value, 1_790_000_000.0 + number, False)]):
            if isinstance(item, Outgoing):
                leaving += 1
                size = weight(item.key, item.value, [*item.headers, *foreign])
                assert size < item.topic.max_message_bytes, (stage, item.topic.name, size)
            else:
                pytest.fail(f"{stage}: {item}"[:300])
    assert leaving >= 25 * 4


def test_a_dead_letter_of_the_largest_records_fits_its_topic() -> None:
    from pipeline.stage import Incoming
    from schemas.codec import Reason
    from schemas.topics import ASSESSED

    for topic in (RAW, ASSESSED):
        record = Incoming(0, 2**60, 2**40, b"k" * 1000, b"v" * (topic.max_message_bytes - 65_000), [("x" * 100, b"h" * 63_000)])
        headers = dead_letter_headers(DeadLetter(record, Reason.INVALID_RECORD, "d" * 300), "webcare", "language", topic.name)
        assert weight(record.key, record.value, headers) < DEAD_LETTER.max_message_bytes


def weight(key: bytes | None, value: bytes | None, headers: Any) -> int:
    return OVERHEAD + len(key or b"") + len(value or b"") + sum(len(name) + len(content or b"") + 10 for name, content in headers)


# -- headers whose names the client library cannot read


def record_batch(first: int, badly_named: set[int], codec: int, size: int = 4) -> bytes:
    batch = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
    for number in range(size):
        headers = [("naam" if codec else "n??m", b"\xff"), ("leeg", None)] if number in badly_named else []
        batch.append(number, timestamp=5, key=b"k", value=b"v\xff", headers=headers)
    built = bytearray(bytes(batch.build()).replace(b"n??m", b"n\xe4\xe4m"))
    built[:8] = first.to_bytes(8, "big")
    built[17:21] = calc_crc32c(bytes(built[21:])).to_bytes(4, "big")
    return bytes(built)


@pytest.mark.parametrize("codec", [0, 1], ids=["not compressed", "gzip beside it"])
def test_a_header_whose_name_is_not_utf8_is_read_all_the_same(codec: int) -> None:
    accept_any_header_name()
    log = record_batch(10, {0, 1, 2}, 0) + record_batch(14, {3}, codec) + record_batch(18, {3}, 0)
    records = fetcher.PartitionRecords(TopicPartition("t", 0), fetcher.MemoryRecords(log), [], 11, None, None, True, 1)
    read = list(records)
    assert [record.offset for record in read] == list(range(11, 22))
    assert {(record.timestamp, record.key, record.value) for record in read} == {(5, b"k", b"v\xff")}
    badly = (("n\ufffd\ufffdm", b"\xff"), ("leeg", None))
    well = (("naam", b"\xff"), ("leeg", None)) if codec else badly
    assert {record.offset: record.headers for record in read if record.headers} == {11: badly, 12: badly, 17: well, 21: badly}
    assert records.next_fetch_offset == 22


@pytest.mark.parametrize("size", [255, 256, 257, 512, 700])
@pytest.mark.parametrize(("badly_named", "codec"), [(set(), 1), ({254}, 0), ({255}, 0), ({3, 256}, 0), ({650}, 0)])
def test_long_record_batches_are_read_to_their_end_once(size: int, badly_named: set[int], codec: int) -> None:
    accept_any_header_name()
    log = record_batch(10, badly_named, codec, size) + record_batch(10 + size, set(), 0)
    records = fetcher.PartitionRecords(TopicPartition("t", 0), fetcher.MemoryRecords(log), [], 10, None, None, True, 1)
    assert [record.offset for record in records] == list(range(10, 14 + size))


def test_record_batches_of_before_there_were_headers_are_read() -> None:
    accept_any_header_name()
    old = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    for number in range(2):
        old.append(number, timestamp=5, key=b"k", value=b"v")
    records = fetcher.PartitionRecords(TopicPartition("t", 0), fetcher.MemoryRecords(bytes(old.build())), [], 0, None, None, True, 1)
    assert [record.offset for record in records] == [0, 1]


def test_snapshots_of_a_brand_stay_together_its_own_last_and_tombstones_after_them():
    changes = {b"a|item|1": b"1", b"a": b"2", b"a|thread|1": b"3", b"a|item|2": None, b"b|ticks": None, b"c": b"4"}
    groups = list(state_groups(Outcome(changes=changes, change=7)))
    assert [[(write.key, write.value) for write in group] for group in groups] == [
        [(b"a|item|1", b"1"), (b"a|thread|1", b"3"), (b"a", b"2")],
        [(b"a|item|2", None)],
        [(b"b|ticks", None)],
        [(b"c", b"4")],
    ]
    assert all(write.headers == [(CHANGE, b"7")] for group in groups for write in group)
    many = list(state_groups(Outcome(changes={b"a|seen|%d" % n: None for n in range(TOMBSTONES + 1)})))
    assert [len(group) for group in many] == [TOMBSTONES, 1]
