"""Damaged snapshots of both stages: only ever a ValueError, and the partition works on from what else is known."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.demo.phrases import load_phrases
from agents.demo.scenario import scenario
from agents.deployment import build_stages, load_deployment
from agents.offline import OfflineChain
from agents.replay import in_order, read_line, replay
from agents.settings import DEMO_KEY
from pipeline import crisis, routing
from pipeline.brand_core import decode_core
from pipeline.journal import SEALED, unseal
from pipeline.partition import Partitioner
from pipeline.stage import Incoming, Outcome, Stage, StagePartition
from schemas.outputs import Alert
from schemas.topics import ALERT_EVENT, ASSESSED, SENTIMENT

SINCE, UNTIL = datetime(2026, 9, 20, 12, tzinfo=UTC), datetime(2026, 9, 22, 13, tzinfo=UTC)
"""Two days of the demo's story, and the first hours of its row: an incident is open when the damage is done."""
SPLIT = datetime(2026, 9, 22, 10, tzinfo=UTC)
Log = dict[bytes, bytes]
slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Told:
    """A stage, what it was given before and after the split, and the changelog that it left there."""

    def __init__(self, stage: Stage, before: list[Incoming], after: list[Incoming]) -> None:
        self.stage, self.before, self.after = stage, before, after
        self.log: Log = {}
        first = stage.open(0, "")
        first.restored(0)
        outcome = written(self.log, first.process(before))
        self.change = outcome.change
        self.end = dict(self.log)
        self.outcome = written(self.end, first.process(after))

    def reopened(self, log: Log) -> tuple[StagePartition, list[bytes]]:
        """A new owner, and the keys that it could not read."""
        partition = self.stage.open(0, "")
        damaged = []
        for key, value in log.items():
            try:
                partition.restore(key, value)
            except ValueError:
                damaged.append(key)
        for key in damaged:
            partition.unreadable(key)
        partition.restored(self.change)
        return partition, damaged


def written(log: Log, outcome: Outcome) -> Outcome:
    for key, value in outcome.changes.items():
        if value is None:
            log.pop(key, None)
        else:
            log[key] = value
    return outcome


@pytest.fixture(scope="module")
def told() -> dict[str, Told]:
    lines = [read_line(number, line.value) for number, line in enumerate(scenario(load_phrases()), 1) if SINCE <= line.at < UNTIL]
    records = list(replay(*in_order(lines, sort=False, name="the story"), Partitioner(1)))
    stages = build_stages(load_deployment(), DEMO_KEY, 1)
    chain = OfflineChain(stages)
    heard: dict[str, list[Incoming]] = {SENTIMENT.name: [], ASSESSED.name: []}
    split: dict[str, int] = {}
    for half in (True, False):
        for _, item in chain.feed([record for record in records if (record.at < SPLIT.timestamp()) is half]):
            topic = getattr(item, "topic", None)
            if topic in (SENTIMENT, ASSESSED):
                into = heard[topic.name]
                into.append(Incoming(0, len(into), 0, item.key, item.value, item.headers))  # type: ignore[union-attr]
        split = split or {name: len(into) for name, into in heard.items()}
    by_name = {stage.name: stage for stage in stages}
    return {
        name: Told(by_name[name], heard[topic.name][: split[topic.name]], heard[topic.name][split[topic.name] :])
        for name, topic in (("crisis", SENTIMENT), ("routing", ASSESSED))
    }


def damage(data: st.DataObject, value: bytes) -> bytes:
    """Bytes flipped, cut off, added or replaced."""
    kind = data.draw(st.sampled_from(["flip", "cut", "append", "random", "json", "empty"]))
    if kind == "flip":
        out = bytearray(value)
        for _ in range(data.draw(st.integers(1, 3))):
            out[data.draw(st.integers(0, len(out) - 1))] ^= data.draw(st.integers(1, 255))
        return bytes(out)
    if kind == "cut":
        return value[: data.draw(st.integers(0, len(value) - 1))]
    if kind == "append":
        return value + data.draw(st.binary(min_size=1, max_size=20))
    return {"random": data.draw(st.binary(max_size=60)), "json": b'{"a":1}', "empty": b""}[kind]


@pytest.mark.parametrize("name", ["crisis", "routing"])
@slow
@given(data=st.data())
def test_any_damage_is_told_and_the_partition_works_on(told: dict[str, Told], name: str, data: st.DataObject) -> None:
    stage = told[name]
    chosen = data.draw(st.lists(st.sampled_from(sorted(stage.log)), min_size=1, max_size=6, unique=True))
    log = dict(stage.log)
    for key in chosen:
        log[key] = damage(data, log[key])
    changed = [key for key in chosen if log[key] != stage.log[key]]
    partition, damaged = stage.reopened(log)
    assert set(damaged) <= set(changed)
    again = data.draw(st.integers(0, 50))
    outcome = written(log, partition.process(stage.before[len(stage.before) - again :] + stage.after))
    assert not outcome.dead
    assert len(outcome.outgoing) >= len(stage.after)
    partition, damaged = stage.reopened(log)
    assert damaged == [], "what could not be read has been written anew"
    list(partition.readings())


@pytest.mark.parametrize("name", ["crisis", "routing"])
@slow
@given(data=st.data())
def test_a_damaged_snapshot_is_never_taken_for_another(told: dict[str, Told], name: str, data: st.DataObject) -> None:
    """One bit anywhere in a sealed value, or the value of another key."""
    log = told[name].log
    key = data.draw(st.sampled_from(sorted(log)))
    if data.draw(st.booleans()):
        bad = log[data.draw(st.sampled_from(sorted(set(log) - {key})))]
    else:
        at = data.draw(st.integers(0, len(log[key]) * 8 - 1))
        bad = bytes(byte ^ (1 << at % 8 if index == at // 8 else 0) for index, byte in enumerate(log[key]))
    with pytest.raises(ValueError):
        told[name].stage.open(0, "").restore(key, bad)


@pytest.mark.parametrize("name", ["crisis", "routing"])
@slow
@given(data=st.data())
def test_snapshots_of_before_seals_are_read_and_damaged_ones_raise_nothing_but_a_value_error(
    told: dict[str, Told], name: str, data: st.DataObject
) -> None:
    log = told[name].log
    key = data.draw(st.sampled_from(sorted(log)))
    plain = log[key][SEALED:]
    told[name].stage.open(0, "").restore(key, plain)
    bad = data.draw(st.one_of(st.just(damage(data, plain)), st.binary(max_size=80)))
    names = st.one_of(
        st.just(key), st.binary(max_size=20), st.sampled_from([b"noordnet|seen|zz", b"noordnet|evidence|x", b"a|b|c", b"|ticks"])
    )
    with suppress(ValueError):
        told[name].stage.open(0, "").restore(data.draw(names), bad)


def raised(outcomes: Iterable[Outcome]) -> set[str]:
    alerts = [
        msgspec.json.decode(out.value, type=Alert) for one in outcomes for out in one.outgoing if out.topic is ALERT_EVENT and out.value
    ]
    return {alert.incident_id for alert in alerts if alert.transition == "raised"}


def test_a_brand_without_its_core_counts_nothing_twice_and_raises_nothing_anew(told: dict[str, Told]) -> None:
    stage = told["crisis"]
    assert decode_core(stage.log[b"noordnet"]).incident is not None, "the row is on"
    log = dict(stage.log) | {b"noordnet": b"garbage"}
    partition, damaged = stage.reopened(log)
    assert damaged == [b"noordnet"]
    repeated = written(log, partition.process(stage.before[-400:]))
    back = decode_core(log[b"noordnet"])
    lost = decode_core(stage.log[b"noordnet"])
    assert (back.counters.mentions, back.counters.negatives) == (lost.counters.mentions, lost.counters.negatives)
    assert lost.incident is not None
    known = msgspec.structs.replace(
        lost.incident, run=None
    )  # how far it has gone on stands nowhere else; its end is told by the windows then
    assert (back.first_open, back.incident, back.origins) == (lost.first_open, known, lost.origins)
    went_on = written(log, partition.process(stage.after))
    assert raised([repeated, went_on]) <= raised([stage.outcome])
    end, whole = (decode_core(one[b"noordnet"]).counters for one in (log, stage.end))
    assert (end.mentions, end.negatives) == (whole.mentions, whole.negatives)
    assert log[b"noordnet|watch"] == stage.end[b"noordnet|watch"], "the detector learnt the same"


def test_a_brand_without_its_watch_is_silent_while_it_learns(told: dict[str, Told]) -> None:
    stage = told["crisis"]
    log = dict(stage.log) | {b"noordnet|watch": b"garbage"}
    partition, _ = stage.reopened(log)
    outcome = written(log, partition.process(stage.after))
    assert raised([outcome]) == set()
    assert unseal(b"noordnet|watch", log[b"noordnet|watch"])
    assert decode_core(log[b"noordnet"]).counters.mentions == decode_core(stage.end[b"noordnet"]).counters.mentions


def test_routing_without_a_brands_core_goes_on_where_its_neighbours_are(told: dict[str, Told]) -> None:
    stage = told["routing"]
    log = dict(stage.log) | {b"noordnet": b"{}{"}
    partition, damaged = stage.reopened(log)
    assert damaged == [b"noordnet"]
    written(log, partition.process(stage.before[-100:]))
    items = {key: value for key, value in log.items() if b"|item|" in key}
    assert items == {key: value for key, value in stage.log.items() if b"|item|" in key}, "a repeat changes no item"
    written(log, partition.process(stage.after))
    assert {key: value for key, value in log.items() if b"|" in key} == {key: value for key, value in stage.end.items() if b"|" in key}
    shown, whole = (routing.read_brand_state(b"noordnet", one[b"noordnet"]) or {} for one in (log, stage.end))
    assert shown["open_tasks"] == whole["open_tasks"]


def test_what_is_shown_of_a_brand_can_be_read_out_of_sealed_snapshots(told: dict[str, Told]) -> None:
    shown: dict[str, Any] | None = crisis.read_brand_state(b"noordnet", told["crisis"].log[b"noordnet"])
    assert shown is not None
    assert shown["incident"]["tier"] in ("watch", "warning", "crisis")
