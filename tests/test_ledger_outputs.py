"""Alerts and items over made-up topics: told once, complete, and the latest state the last that was told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from agents.ledger.outputs import ROW_BYTES, AlertCheck, ItemCheck, Outputs
from agents.ledger.sorting import Sorter
from agents.topic_reader import Record
from pipeline.decisions import task_id
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, ALERT_STATE, ALERT_STATE_SHADOW, ITEM, ITEM_SHADOW

FINGERPRINT = "f" * 32
INCIDENT = f"{FINGERPRINT}-20260101T0000Z"
ENDED = datetime(2026, 1, 1, tzinfo=UTC)


class Log:
    """Gives each record its offset."""

    def __init__(self) -> None:
        self.offset = 0

    def record(self, topic: str, key: str, body: Any, identity: str, partition: int = 0) -> Record:
        self.offset += 1
        value = None if body is None else msgspec.json.encode(body)
        return Record(topic, partition, self.offset, 0, key.encode(), value, [("ce_id", identity.encode())])


LOG = Log()


def alert(revision: int, topic: str = ALERT_EVENT.name, *, incident: str = INCIDENT, partition: int = 0, **fields: Any) -> Record:
    body = {
        "incident_id": incident,
        "fingerprint": FINGERPRINT,
        "revision": revision,
        "brand": "acme",
        "status": "firing",
        "config_hash": "c",
        "detector_version": "d",
        **fields,
    }
    return LOG.record(topic, FINGERPRINT, body, f"{topic} {incident} {revision}", partition)


def both(revision: int, **fields: Any) -> list[Record]:
    return [alert(revision, **fields), alert(revision, ALERT_STATE.name, **fields)]


def deleted(topic: str, key: str = FINGERPRINT) -> Record:
    return LOG.record(topic, key, None, "gone")


def alerts(records: list[Record], *, settled: bool = True, whole: bool = True, watermark: datetime = ENDED) -> Outputs:
    with Sorter(ROW_BYTES, rows_in_memory=2) as sorter:
        check = AlertCheck(sorter, settled=settled, events_whole=whole, watermarks={"acme": watermark.timestamp()})
        check.take(records)
        return check.finish()


def notes(found: Any) -> list[str]:
    return [finding.note for finding in found]


RESOLVED = {"status": "resolved", "ended_at": ENDED.isoformat()}
OTHER = f"{FINGERPRINT}-20260102T0000Z"


@pytest.mark.parametrize(
    ("records", "missing", "doubled", "disagreeing"),
    [
        pytest.param([*both(1), *both(2)], [], [], [], id="raised and escalated"),
        pytest.param([*both(1), *both(2), *both(1), *both(2)], [], [], [], id="repeated after a crash"),
        pytest.param([*both(1), *both(3)], ["revision 2"], [], [], id="an event is missing"),
        pytest.param([*both(4)], ["revision 1 to 3"], [], [], id="the first ones are missing"),
        pytest.param([*both(1), *both(1, observed=9)], [], ["revision 1 was told in two ways"] * 2, [], id="two bodies"),
        pytest.param([*both(1), alert(1, ALERT_STATE.name, partition=1)], [], ["in two partitions"], [], id="two partitions"),
        pytest.param([*both(1), deleted(ALERT_STATE.name), *both(1, partition=1), *both(2, partition=1)], [], [], [], id="moved"),
        pytest.param([*both(1), alert(2)], [], [], ["the latest state is not the last event"], id="torn: the event without its state"),
        pytest.param([*both(1), *both(2), alert(1, ALERT_STATE.name)], [], [], ["the latest state is not the last event"], id="set back"),
        pytest.param([alert(1)], [], [], ["no state of it"], id="no state"),
        pytest.param([alert(1, ALERT_STATE.name)], [], [], ["a state of which no event tells"], id="no event"),
        pytest.param([*both(1), *both(2, **RESOLVED), *both(1, incident=OTHER)], [], [], [], id="the next incident begins with 1"),
        pytest.param([*both(1), deleted(ALERT_STATE.name)], [], [], ["its state is deleted"], id="deleted while it fires"),
        pytest.param([*both(1), alert(1, ALERT_EVENT_SHADOW.name), alert(1, ALERT_STATE_SHADOW.name)], [], [], [], id="shadows are apart"),
    ],
)
def test_alerts(records: list[Record], missing: list[str], doubled: list[str], disagreeing: list[str]) -> None:
    found = alerts(records)
    assert (notes(found.missing), notes(found.doubled), notes(found.disagreeing)) == (missing, doubled, disagreeing)
    assert found.clean == (not (missing or doubled or disagreeing))


def test_one_id_for_one_version() -> None:
    again = alert(1)._replace(headers=[("ce_id", b"another")])
    assert notes(alerts([*both(1), again]).doubled) == ["revision 1 was told in two ways"]


@pytest.mark.parametrize(("days", "clean"), [(89, False), (90, True), (300, True)])
@pytest.mark.parametrize("tail", [[], [deleted(ALERT_STATE.name)]], ids=["compacted away", "tombstone"])
def test_a_resolved_alert_leaves_its_state_after_90_days(days: int, clean: bool, tail: list[Record]) -> None:
    records = [alert(1), alert(2, **RESOLVED), *tail]
    assert alerts(records, watermark=ENDED + timedelta(days=days)).clean == clean


def test_what_is_still_being_written_is_not_held_against_it() -> None:
    assert alerts([*both(1), alert(2)], settled=False).clean
    assert not alerts([*both(1), *both(1, observed=9)], settled=False).clean


def test_events_gone_by_retention_are_not_missing() -> None:
    assert alerts([*both(3), *both(4)], whole=False).clean
    assert alerts([alert(3, ALERT_STATE.name)], whole=False).clean
    assert notes(alerts([*both(3), *both(5)], whole=False).missing) == ["revision 4"]


def test_what_cannot_be_read_and_a_foreign_key_are_told() -> None:
    unreadable = LOG.record(ALERT_EVENT.name, FINGERPRINT, {"no": "alert"}, "x")
    stray = alert(1)._replace(key=b"another")
    assert notes(alerts([*both(1), unreadable], settled=False).disagreeing) == ["cannot be read"]
    assert "its key is not its fingerprint" in notes(alerts([*both(1), stray], settled=False).disagreeing)


def test_versions_and_deciders_are_told() -> None:
    found = alerts([*both(1), *both(2)])
    assert [(version.incident_id, version.revision) for version in sorted(found.versions)] == [(INCIDENT, 1), (INCIDENT, 2)]
    assert found.deciders == {("d", "c")}


ITEM_ID = task_id("acme", "root")


def item(revision: int, topic: str = ITEM.name, *, item_id: str = ITEM_ID, partition: int = 0, **fields: Any) -> Record:
    body = {"item_id": item_id, "revision": revision, "brand": "acme", "kind": "task", "status": "open", "root_id": "root", **fields}
    return LOG.record(topic, item_id, body, f"{topic} {item_id} {revision}", partition)


def items(records: list[Record], *, settled: bool = True) -> Outputs:
    with Sorter(ROW_BYTES, rows_in_memory=2) as sorter:
        check = ItemCheck(sorter, Outputs(), settled=settled)
        check.take(records)
        return check.finish()


@pytest.mark.parametrize(
    ("records", "doubled", "disagreeing"),
    [
        pytest.param([item(1), item(2), item(3)], [], [], id="three versions"),
        pytest.param([item(7)], [], [], id="earlier ones compacted away"),
        pytest.param([item(1), item(2), item(1), item(2)], [], [], id="repeated after a crash"),
        pytest.param([item(1), item(1, priority="high")], ["revision 1 was told in two ways"], [], id="two bodies"),
        pytest.param([item(1), item(2), item(1)], [], ["an earlier version stands after a later one"], id="set back"),
        pytest.param([item(1), item(2, partition=1)], ["in two partitions"], [], id="two partitions"),
        pytest.param([item(1, partition=1), item(2, partition=1), item(1), deleted(ITEM.name, ITEM_ID)], [], [], id="moved away from 0"),
        pytest.param([item(1), deleted(ITEM.name, ITEM_ID), item(1, partition=1), item(1, partition=1)], [], [], id="moved to 1"),
        pytest.param([item(1), item(1, item_id="another")], ["not the one task of its thread"], [], id="two open tasks of one thread"),
        pytest.param([item(1), item(1, ITEM_SHADOW.name)], [], [], id="shadows are apart"),
        pytest.param([item(1), deleted(ITEM.name, ITEM_ID), item(1, priority="high")], [], [], id="a new life after a deletion"),
        pytest.param([item(1, item_id="told", kind="inform")], [], [], id="informs are no tasks"),
        pytest.param([item(1, item_id="old", status="closed", root_id=None)], [], [], id="closed tasks may have lost their thread"),
    ],
)
def test_items(records: list[Record], doubled: list[str], disagreeing: list[str]) -> None:
    found = items(records)
    assert (notes(found.doubled), notes(found.disagreeing)) == (doubled, disagreeing)


def test_items_are_counted_as_they_stand() -> None:
    closed = item(4, item_id=task_id("acme", "b"), root_id="b", status="closed")
    found = items([item(1), item(2), closed, item(1, item_id="told", kind="inform"), item(1, item_id="x"), deleted(ITEM.name, "x")])
    assert found.items_of == {"acme": {"items": 3, "open_tasks": 1, "versions": 7}}
    assert (found.items, found.open_tasks) == (3, 1)


def test_the_longest_brand_keeps_its_name() -> None:
    """Cut off it would be another one, and nothing of it would be compared."""
    brand = "a" * 100
    found = alerts(both(1, brand=brand))
    assert [name for name, _ in found.versions.values()] == [brand]
