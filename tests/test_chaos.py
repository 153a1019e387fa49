"""The chaos suite's short version: one seed under fire, one with a rule broken on purpose, and every check shown to fail on its own.

The whole suite is `make chaos`; how a seed is drawn and judged is told in `tests/chaos/`.
"""

import importlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agents.reference import ROOT
from agents.topic_reader import Record
from schemas.topics import ALERT_EVENT, CRISIS_STATE, DEAD_LETTER, ITEM, LANGUAGE, RAW, ROUTED, ROUTING_STATE, SENTIMENT

CHAOS = ROOT / "tests" / "chaos"
EPOCH = "epoch"
SECONDS = 550.0


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHAOS / "run.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            said, complaints = running.communicate(timeout=SECONDS)
        except BaseException:
            running.terminate()  # killed, it would leave its broker and its workers behind
            raise
    return subprocess.CompletedProcess(command, running.returncode, said, complaints)


SHORT = ("--minutes", "0.12", "--mentions", "700", "--hours", "3", "--workers", "2")


@pytest.mark.broker
@pytest.mark.timeout(600)
def test_a_short_seed_under_fire_is_exact(broker_cache: None) -> None:
    ran = chaos("--seed", "5", "--kinds", "kill-worker", "die-in-write", "poison", *SHORT)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert "good" in ran.stdout


@pytest.mark.broker
@pytest.mark.timeout(600)
def test_a_runtime_that_commits_before_its_effects_is_found_out(broker_cache: None) -> None:
    ran = chaos("--seed", "5", "--kinds", "kill-worker", "die-in-write", "--sabotage", "commit-first", "--discard", *SHORT)
    assert ran.returncode == 1, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert "BROKEN: lost: no outcome" in ran.stdout
    assert "FAILED" not in ran.stdout


# -- the checks, on what a run leaves behind


@pytest.fixture(scope="module")
def modules() -> dict[str, ModuleType]:
    sys.path.insert(0, str(CHAOS))
    try:
        return {name: importlib.import_module(name) for name in ("load", "plan", "reference", "findings")}
    finally:
        sys.path.remove(str(CHAOS))


@pytest.fixture(scope="module")
def evidence(modules: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What an undisturbed run of a small load would leave behind, with one record of poison."""
    sent = modules["load"].load(3, "file", 400, 8, 2, datetime(2026, 9, 22, tzinfo=UTC), 27)
    raw = append(RAW.name, [(r.partition, r.key, r.value, r.headers) for r in sent])
    reference = modules["reference"].undisturbed(raw, EPOCH, 2, replaying=True)
    topics: dict[str, list[Record]] = {topic: [] for topic in modules["findings"].READ} | {RAW.name: raw}
    for topic, written in reference.outcomes.items():
        if topic in topics:
            topics[topic] = append(
                topic, [(0, key, value, [("webcare-origin", origin), ("ce_id", name)]) for (origin, name), (key, value) in written.items()]
            )
    originals = {f"{EPOCH}:{record.partition}:{record.offset}".encode(): record for record in raw}
    letters = []
    for origin, (reason, detail) in reference.dead.items():
        record = originals[origin]
        kept = [pair for pair in record.headers if pair[0] != "webcare-origin"]
        letters.append((record.partition, record.key, record.value, [*kept, *told(record, reason, detail), ("webcare-origin", origin)]))
    poison = modules["load"].Poison(SENTIMENT.name, 0, b"gif", b"{nee", [("webcare-origin", b"elsewhere:0:7")])
    place = Record(SENTIMENT.name, 0, len(topics[SENTIMENT.name]), 0, poison.key, poison.value, poison.headers)
    verdict = modules["findings"]._verdict((place.topic, 0, place.offset), poison)
    topics[SENTIMENT.name].append(place)
    letters.append((0, poison.key, poison.value, [*poison.headers, *told(place, *verdict)]))
    topics[DEAD_LETTER.name] = append(DEAD_LETTER.name, letters)
    for topic, state in reference.state.items():
        topics[topic] = append(topic, [(0, key, value, [("webcare-change", b"1")]) for key, value in state.items()])
    log = tmp_path_factory.mktemp("logs") / "worker.log"
    log.write_text('{"event": "worker starts"}\n')
    return modules["findings"].Evidence(topics, EPOCH, sent, {(place.topic, 0, place.offset): poison}, [log], reference)


def append(topic: str, records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]]) -> list[Record]:
    offsets: dict[int, int] = {}
    appended = []
    for number, (partition, key, value, headers) in enumerate(records):
        offset = offsets.get(partition, 0)
        offsets[partition] = offset + 1
        appended.append(Record(topic, partition, offset, 1_800_000_000_000 + number, key, value, headers))
    return appended


def told(record: Record, reason: str, detail: str) -> list[tuple[str, bytes]]:
    place = {"topic": record.topic, "partition": str(record.partition), "offset": str(record.offset), "exception.message": detail}
    return [*((f"__connect.errors.{name}", value.encode()) for name, value in place.items()), ("webcare-reason", reason.encode())]


def test_an_undisturbed_run_breaks_no_law(modules: dict[str, ModuleType], evidence: Any) -> None:
    assert modules["findings"].examine(evidence) == []
    assert evidence.topics[ALERT_EVENT.name], "the load's rows raise alerts"
    assert evidence.topics[ITEM.name]


Damage = Callable[[Any], None]


def drop(topic: str, number: int = -1) -> Damage:
    return lambda evidence: evidence.topics[topic].pop(number)


def change(topic: str, number: int = -1, **fields: Any) -> Damage:
    def damage(evidence: Any) -> None:
        record = evidence.topics[topic][number]
        evidence.topics[topic][number] = record._replace(**fields)

    return damage


def again(topic: str, **fields: Any) -> Damage:
    """One more record, made from the last one."""

    def damage(evidence: Any) -> None:
        record = evidence.topics[topic][-1]
        evidence.topics[topic].append(record._replace(offset=record.offset + 1, **fields))

    return damage


def decide_otherwise(evidence: Any) -> None:
    record = evidence.topics[ROUTED.name][-1]
    headers = [("webcare-origin", dict(record.headers)["webcare-origin"]), ("ce_id", b"other")]
    evidence.topics[ROUTED.name].append(record._replace(offset=record.offset + 1, headers=headers))


def lose_between(evidence: Any) -> None:
    records = evidence.topics[SENTIMENT.name]
    del records[next(number for number, record in enumerate(records) if record.key == b"noordnet")]


def swap(evidence: Any) -> None:
    records = evidence.topics[LANGUAGE.name]
    brand = [number for number, record in enumerate(records) if record.key == b"noordnet"][:2]
    records[brand[0]], records[brand[1]] = records[brand[1]], records[brand[0]]


def other_body(topic: str, name: str) -> Damage:
    def damage(evidence: Any) -> None:
        record = evidence.topics[topic][-1]
        value = json.dumps(json.loads(record.value) | {name: "anders"}).encode()
        evidence.topics[topic].append(record._replace(offset=record.offset + 1, value=value))

    return damage


def say_it(evidence: Any) -> None:
    log = Path(evidence.logs[0]).with_name("loud.log")
    log.write_text("ValueError: Waardeloos kwetterzang7\n")
    evidence.logs = [log]


@pytest.mark.parametrize(
    ("damage", "law"),
    [
        pytest.param(drop(ROUTED.name), "lost: no outcome", id="a routed record is missing"),
        pytest.param(drop(RAW.name, 3), "not in raw", id="the broker lost a record that it acknowledged"),
        pytest.param(decide_otherwise, "two different outcomes", id="counted twice"),
        pytest.param(
            again(ROUTED.name, headers=[("webcare-origin", b"epoch:1:999999"), ("ce_id", b"x")]), "an outcome of nothing", id="of nothing"
        ),
        pytest.param(change(ROUTED.name, value=b"{}"), "another body than in the undisturbed run", id="another decision"),
        pytest.param(lose_between, "missing beside the undisturbed run", id="lost between the stages"),
        pytest.param(swap, "out of order", id="a brand's order"),
        pytest.param(other_body(ALERT_EVENT.name, "headline"), "two bodies of one revision", id="an alert decided twice"),
        pytest.param(drop(ALERT_EVENT.name), "alert.event.v1: missing", id="an alert is missing"),
        pytest.param(other_body(ITEM.name, "queue"), "two bodies of one revision", id="an item decided twice"),
        pytest.param(drop(ITEM.name), "queue.item.v1: missing", id="an item is missing"),
        pytest.param(change(CRISIS_STATE.name, 0, value=b"?"), "state.crisis.v1: another state", id="a counter is off"),
        pytest.param(drop(ROUTING_STATE.name), "state.routing.v1: a key is missing", id="state was lost"),
        pytest.param(again(CRISIS_STATE.name, key=b"gif|seen|00"), "a key that the undisturbed run has not", id="state of nothing"),
        pytest.param(drop(DEAD_LETTER.name), "poison without a dead letter", id="poison was swallowed"),
        pytest.param(change(DEAD_LETTER.name, value=b"{ja"), "with other bytes than its original", id="a dead letter's bytes"),
        pytest.param(change(DEAD_LETTER.name, 0, key=b"x"), "of raw with other bytes", id="a dead letter's key"),
        pytest.param(say_it, "a log quotes a mention", id="a log quotes a mention"),
    ],
)
def test_every_check_can_fail(modules: dict[str, ModuleType], evidence: Any, damage: Damage, law: str) -> None:
    damaged = replace(evidence, topics={topic: list(records) for topic, records in evidence.topics.items()}, figures=Counter())
    damage(damaged)
    assert law in "\n".join(map(str, modules["findings"].examine(damaged)))


def test_a_seed_is_one_plan_and_the_suite_draws_every_kind(modules: dict[str, ModuleType]) -> None:
    plan = modules["plan"]
    assert plan.draw(7) == plan.draw(7)
    drawn = [plan.draw(seed) for seed in range(1, 21)]
    assert set(plan.KINDS) == {kind for one in drawn for kind in one.kinds}
    assert {one.mode for one in drawn} == {"file", "live"}
    assert any("sentiment" in stages for one in drawn for stages in one.topology)
