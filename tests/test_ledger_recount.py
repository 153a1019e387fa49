"""Counting again: what agrees, what differs, and what is not compared and why; with the real stages, without a broker."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.cli import app
from agents.deployment import Deployment, build_stages, detector_version, load_deployment
from agents.ledger import Ledger, Result
from agents.ledger.outputs import ROW_BYTES, AlertCheck, ItemCheck, Outputs
from agents.ledger.proof import _as_ticked
from agents.ledger.recount import BrandCores, Counted, Held, Recount, Tally, compare, core_in, recount
from agents.ledger.sorting import Sorter
from agents.offline import OfflineChain
from agents.raw_replay import RawReplay
from agents.settings import DEMO_KEY, Settings
from agents.topic_reader import Record
from pipeline.brand_core import encode_core
from pipeline.journal import CHANGE
from pipeline.partition import Partitioner
from pipeline.stage import Incoming
from schemas.topics import CRISIS_STATE, ROUTING_STATE

PARTITIONS = 4
HOME = Partitioner(PARTITIONS)
EPOCH = "e"


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return load_deployment()


def mentions() -> Iterator[tuple[str, bytes]]:
    for number in range(120):
        brand = ("noordnet", "veldspoor", "nergens")[number % 3]
        body = {
            "mention_id": f"x:{number % 100}",  # the last ones are repeats
            "brand": brand,
            "channel": "x",
            "channel_family": "social",
            "text": "Al drie dagen geen internet, waardeloos!" if number % 2 else "Heel fijn geholpen, bedankt!",
            "published_at": f"2026-09-20T{12 + number // 30}:{number % 60:02}:00Z",
            "author": {"id": f"a{number}"},
        }
        yield brand, json.dumps(body).encode()


def raw_records(scattered: str = "") -> list[Incoming]:
    """In their partitions; those of the scattered brand in two."""
    records, offsets = [], dict.fromkeys(range(PARTITIONS), 0)
    for number, (brand, value) in enumerate(mentions()):
        partition = (HOME(brand) + number % 2 * (brand == scattered)) % PARTITIONS
        records.append(Incoming(partition, offsets[partition], 1_790_000_000_000 + number, None, value, []))
        offsets[partition] += 1
    return records


def counted(deployment: Deployment, records: list[Incoming], epoch: str = EPOCH, starts: dict[int, int] | None = None) -> Counted:
    """As `count_again` does it, out of memory."""
    stages = build_stages(deployment, DEMO_KEY, PARTITIONS)
    with Sorter(ROW_BYTES) as of_alerts, Sorter(ROW_BYTES) as of_items:
        alerts = AlertCheck(of_alerts, settled=True, events_whole=True, watermarks={})
        items = ItemCheck(of_items, alerts.found, settled=True)
        tally = Tally(alerts, items)
        chain = OfflineChain(stages, epoch)
        for stage, partition, outcome in chain.work(records):
            tally.hear(stage, partition, outcome)
        alerts.finish()
        all_starts = dict.fromkeys(range(PARTITIONS), 0) | (starts or {})
        return Counted(tally, items.finish(), RawReplay(epoch, all_starts, {}, stages, chain))


def held(run: Counted, changed: dict[str, bytes] | None = None) -> Held:
    """What a deployment that did this run holds."""
    cores = BrandCores()
    for topic, told in ((CRISIS_STATE.name, run.cores.crisis | (changed or {})), (ROUTING_STATE.name, run.cores.routing)):
        for brand, value in told.items():
            cores.take(Record(topic, 0, 0, 0, brand.encode(), value, [(CHANGE, b"1")]))
    return Held(cores, run.outputs, dict.fromkeys(range(PARTITIONS), 100), {}, language_whole=True, nothing_whole=False)


def compared(of: Held, run: Counted, in_order: Counted | None = None, *, rules_known: bool = True) -> Recount:
    result = Recount()
    compare(of, run, in_order, rules_known, result)
    return result


@pytest.fixture(scope="module")
def run(deployment: Deployment) -> Counted:
    return counted(deployment, raw_records())


def differing(result: Recount) -> dict[str, dict[str, Any]]:
    return {brand.brand: brand.different for brand in result.brands if brand.different}


def test_the_same_is_the_same(deployment: Deployment, run: Counted) -> None:
    """However the partitions were read side by side."""
    other_way = counted(deployment, sorted(raw_records(), key=lambda record: -record.partition))
    result = compared(held(run), other_way)
    assert result.clean
    assert {brand.brand: brand.said for brand in result.brands} == {"nergens": "", "noordnet": "", "veldspoor": ""}
    assert all(brand.compared > 30 for brand in result.brands)


def test_a_changed_counter_is_named(run: Counted) -> None:
    core = core_in("noordnet", run.cores.crisis["noordnet"])
    core.counters.negatives += 1
    result = compared(held(run, {"noordnet": encode_core(core)}), run)
    before = core.counters.negatives
    assert differing(result) == {"noordnet": {"crisis.negatives": (before, before - 1)}}
    assert not result.clean


def test_a_record_less_or_a_record_twice_is_named(deployment: Deployment, run: Counted) -> None:
    records = raw_records()
    fewer = compared(held(counted(deployment, records[:50] + records[51:])), run)
    assert "crisis.mentions" in next(iter(differing(fewer).values()))
    assert len(differing(fewer)) == 1


@pytest.mark.parametrize(("state", "says"), [(b"", "cannot be read"), (None, "a state")])
def test_a_state_that_is_gone_or_cannot_be_read_is_named(run: Counted, state: bytes | None, says: str) -> None:
    given = held(run, {"noordnet": b""})
    if state is None:
        given = held(run)
        given.cores._newest.pop((True, 0, b"noordnet"))
    result = compared(given, run)
    assert list(differing(result)) == ["noordnet"]
    assert says in str(differing(result)["noordnet"]["crisis"])


def test_not_compared_where_raw_does_not_reach_back(deployment: Deployment, run: Counted) -> None:
    records = raw_records()
    short = counted(deployment, records[60:], starts={HOME("noordnet"): 5})
    said = {brand.brand: (brand.said, brand.compared) for brand in compared(held(run), short).brands}
    assert said["noordnet"] == (f"not compared: raw partition {HOME('noordnet')} does not reach back to its start", 0)


def test_not_compared_across_raw_topics(deployment: Deployment, run: Counted) -> None:
    result = compared(held(run), counted(deployment, raw_records(), epoch="another"))
    assert result.clean
    assert {brand.said for brand in result.brands} == {"not compared: it has counted records of an earlier raw topic"}


def test_a_brand_in_two_partitions_is_compared_in_the_order_of_the_language_topic(deployment: Deployment) -> None:
    records = raw_records(scattered="veldspoor")
    as_it_was = counted(deployment, sorted(records, key=lambda record: record.partition))
    from_raw = counted(deployment, records)
    with_order = compared(held(as_it_was), from_raw, as_it_was)
    assert with_order.clean
    said = {brand.brand: brand for brand in with_order.brands}
    assert "counted in the order of the language topic" in said["veldspoor"].said
    assert said["veldspoor"].compared > said["noordnet"].compared

    sums_only = compared(held(as_it_was), from_raw)
    assert sums_only.clean
    said = {brand.brand: brand for brand in sums_only.brands}
    assert "only sums are compared" in said["veldspoor"].said
    assert said["veldspoor"].compared == 2

    core = core_in("veldspoor", as_it_was.cores.crisis["veldspoor"])
    core.counters.mentions -= 1
    assert list(differing(compared(held(as_it_was, {"veldspoor": encode_core(core)}), from_raw))) == ["veldspoor"]


def test_a_brand_that_moved_is_compared_in_sums(deployment: Deployment) -> None:
    records = raw_records(scattered="veldspoor")
    run = counted(deployment, records)
    run.cores.homes["veldspoor"] = {0, 1}
    result = compared(held(run), run, run)
    assert result.clean
    said = {brand.brand: brand for brand in result.brands}["veldspoor"]
    assert "moved when their number changed" in said.said
    assert said.compared == 2

    moved = BrandCores()
    for partition, value, change in ((0, b"old", b"5"), (1, b"new", b"1"), (0, None, b"6")):
        moved.take(Record(CRISIS_STATE.name, partition, 0, 0, b"veldspoor", value, [(CHANGE, change)]))
    assert moved.crisis == {"veldspoor": b"new"}


def test_of_other_rule_books_only_what_no_rule_changes_is_compared(run: Counted) -> None:
    with_rules, without = (compared(held(run), run, rules_known=known) for known in (True, False))
    assert sum(brand.compared for brand in without.brands) < sum(brand.compared for brand in with_rules.brands)


def test_alerts_of_one_side_are_named(run: Counted) -> None:
    from agents.ledger.outputs import AlertVersion

    version = AlertVersion(False, "incident", 1)
    for mine, theirs, note in (
        ({version: ("noordnet", b"a")}, {}, "was told, and is not in the recount"),
        ({}, {version: ("noordnet", b"a")}, "was not told"),
        ({version: ("noordnet", b"a")}, {version: ("noordnet", b"b")}, "was told otherwise"),
        ({version: ("noordnet", b"a")}, {version: ("noordnet", b"a")}, None),
    ):
        given, again = held(run), Counted(run.cores, Outputs(items_of=run.outputs.items_of, versions=theirs), run.replay)
        given.outputs = Outputs(items_of=run.outputs.items_of, versions=mine)
        result = compared(given, again)
        assert [finding.note for finding in result.alerts] == ([note] if note else [])


def test_not_compared_where_another_version_decided(deployment: Deployment, run: Counted) -> None:
    given = held(run)
    given.outputs = Outputs(deciders={("webcare-stream 0.0.1", "abc")})
    result = recount("nowhere:1", Settings(), deployment, given, set(), None)
    assert "alerts were decided by webcare-stream 0.0.1 with configuration abc" in result.why_not
    assert detector_version() in result.why_not


@pytest.mark.parametrize(
    ("seen", "ticks", "becomes", "says"),
    [
        pytest.param({}, "wall", "wall", "", id="no ticks"),
        pytest.param({"wall": 9}, "wall", "wall", "", id="live"),
        pytest.param({"file": 9}, "log", "log", "", id="replay"),
        pytest.param({"file": 9, "brand": 2}, "wall", "log", "counted as `webcare worker --replay` does", id="replay, not told so"),
        pytest.param({"brand": 9, "wall": 1}, "wall", "wall", "", id="warm start of a brand"),
        pytest.param({"file": 9, "wall": 1}, "log", None, "no one way", id="both"),
    ],
)
def test_the_kind_of_time_is_seen_from_the_ticks(seen: dict[str, int], ticks: Any, becomes: str | None, says: str) -> None:
    law = Ledger()
    law.ticks.update(seen)
    used, note = _as_ticked(Settings(ticks=ticks), law)
    assert (None if used is None else used.ticks) == becomes
    assert says in note


def test_exit_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    clean, broken, unsaid = Result(), Result(), Result(law=Ledger(gone=9))
    clean.law.raw = 3
    broken.law.missing.add("webcare.mention.raw.v1:0:7")
    for result, code, says in ((clean, 0, "holds"), (broken, 1, "raw.v1:0:7"), (unsaid, 3, "nothing can be said")):
        monkeypatch.setattr("agents.commands.ledger.check", lambda *_, result=result, **__: result)
        ran = CliRunner().invoke(app, ["ledger"])
        assert ran.exit_code == code, ran.output
        assert says in ran.stdout
        as_json = CliRunner().invoke(app, ["ledger", "--json"])
        assert as_json.exit_code == code
        assert json.loads(as_json.stdout)["clean"] is (code != 1)


def test_usage_errors_are_one_line() -> None:
    for arguments, says in ((["--bootstrap", "127.0.0.1:1"], "no Kafka answers"), (["--temp-dir", "/does/not/exist"], "no such folder")):
        ran = CliRunner().invoke(app, ["ledger", *arguments])
        assert ran.exit_code == 2
        assert says in ran.stderr
        assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("headers", [[], [(CHANGE, b"\xff")], [(CHANGE, b"")]], ids=["none", "no number", "empty"])
def test_a_snapshot_without_a_change_number_is_passed_over_as_a_restore_does(headers: list[tuple[str, bytes]]) -> None:
    cores = BrandCores()
    cores.take(Record(CRISIS_STATE.name, 0, 0, 0, b"acme", b"kept", [(CHANGE, b"3")]))
    cores.take(Record(CRISIS_STATE.name, 0, 1, 0, b"acme", b"damaged", headers))
    assert cores.crisis == {"acme": b"kept"}
