"""Alerts and work items: each version told once (repeats are the same), and the latest state agrees with the last that was told.

Sorted on disk by identity; in memory is one fingerprint's or item's history at a time, and the digest of each alert version (alerts are
few: some in a day for a brand in trouble).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from agents.ledger.findings import Findings
from agents.ledger.sorting import Layout, Sorter
from agents.topic_reader import Record
from pipeline.decisions import task_id
from pipeline.stage import header
from pipeline.ticks import BUCKET
from pipeline.told_alerts import KEPT_BUCKETS
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, ALERT_STATE, ALERT_STATE_SHADOW, ITEM, ITEM_SHADOW

ALERT_TOPICS = (ALERT_EVENT.name, ALERT_STATE.name, ALERT_EVENT_SHADOW.name, ALERT_STATE_SHADOW.name)
ITEM_TOPICS = (ITEM.name, ITEM_SHADOW.name)
_ALERT_NUMBER = {topic: number for number, topic in enumerate(ALERT_TOPICS)}
_ITEM_NUMBER = {topic: number for number, topic in enumerate(ITEM_TOPICS)}
_KEPT = timedelta(seconds=KEPT_BUCKETS * BUCKET)
_DELETED, _OPEN_TASK, _STRAY, _UNREADABLE, _MAY_GO = 1, 2, 4, 8, 16

_ROW = Layout("B64sBIQ64sI16s16sB100s")
"""Group (live or shadow), key; topic, partition, offset; version's id, revision; body, ce_id; flags; brand (as long as a slug may be)."""
ROW_BYTES = _ROW.size


class _Row(NamedTuple):
    group: int
    key: bytes
    topic: int
    partition: int
    offset: int
    id: bytes
    revision: int
    body: bytes
    ce_id: bytes
    flags: int
    brand: bytes


class _Alert(Struct):
    """What is looked at of an alert."""

    incident_id: str
    fingerprint: str
    revision: int
    brand: str
    status: str
    config_hash: str
    detector_version: str
    ended_at: datetime | None = None


class _Item(Struct):
    """What is looked at of an item."""

    item_id: str
    revision: int
    brand: str
    kind: str
    status: str
    root_id: str | None = None


_decode_alert = msgspec.json.Decoder(_Alert).decode
_decode_item = msgspec.json.Decoder(_Item).decode


class AlertVersion(NamedTuple):
    """One transition of an incident, as it was told."""

    shadow: bool
    incident_id: str
    revision: int


@dataclass
class Outputs:
    """What was found in the alert and item topics."""

    alerts: int = 0
    """Versions of alerts, each once."""
    items: int = 0
    """Items that are there (latest version not deleted)."""
    open_tasks: int = 0
    repeats: int = 0
    missing: Findings = field(default_factory=Findings)
    """Versions of incidents of which later ones are there."""
    doubled: Findings = field(default_factory=Findings)
    """One version told in two ways, two open tasks of one thread, an id in two partitions."""
    disagreeing: Findings = field(default_factory=Findings)
    """The latest state is not the last that was told."""
    versions: dict[AlertVersion, tuple[str, bytes]] = field(default_factory=dict)
    """Brand and digest of the body of each alert event."""
    items_of: dict[str, Counter[str]] = field(default_factory=dict)
    """Brand → items that are there, open tasks, and versions (the sum of their revisions)."""
    deciders: set[tuple[str, str]] = field(default_factory=set)
    """Detector version and configuration hash of every alert event."""

    @property
    def clean(self) -> bool:
        """Whether nothing is missing or doubled, and everything agrees."""
        return not (self.missing or self.doubled or self.disagreeing)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        counts = {name: getattr(self, name) for name in ("alerts", "items", "open_tasks", "repeats")}
        found = {name: getattr(self, name).as_json() for name in ("missing", "doubled", "disagreeing")}
        return {"clean": self.clean, **counts, **found}


class AlertCheck:
    """Alerts: events and states, live and shadow apart.

    Args:
        settled: whether no worker was writing meanwhile: only then must states agree with events.
        events_whole: whether the event topics reach back to their start; if not, a state may be older than all events.
        watermarks: brand → event time (seconds) up to which its buckets are closed: an alert leaves its state topic 90 days after its end.
    """

    def __init__(self, sorter: Sorter, *, settled: bool, events_whole: bool, watermarks: Mapping[str, float]) -> None:
        self._sorter = sorter
        self._settled = settled
        self._events_whole = events_whole
        self._watermarks = watermarks
        self.found = Outputs()

    def take(self, records: Iterable[Record]) -> None:
        """Records of the four alert topics, in any order."""
        for record in records:
            number = _ALERT_NUMBER[record.topic]
            key = record.key or b""
            if record.value is None:
                self._add(record, number, key, "", 0, _DELETED, "")
                continue
            try:
                alert = _decode_alert(record.value)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._add(record, number, key, "", 0, _UNREADABLE, "")
                continue
            if number % 2 == 0:
                self.found.deciders.add((alert.detector_version, alert.config_hash))
            flags = (0 if key == alert.fingerprint.encode() else _STRAY) | (_MAY_GO if self._may_be_gone(alert) else 0)
            self._add(record, number, key, alert.incident_id, alert.revision, flags, alert.brand)

    def _may_be_gone(self, alert: _Alert) -> bool:
        """Of an event: whether its state's time may be over."""
        watermark = self._watermarks.get(alert.brand)
        return (
            alert.status == "resolved"
            and alert.ended_at is not None
            and watermark is not None
            and (alert.ended_at + _KEPT).timestamp() <= watermark
        )

    def _add(self, record: Record, number: int, key: bytes, incident: str, revision: int, flags: int, brand: str) -> None:
        self._sorter.add(_packed(record, number // 2, number, key, incident, revision, flags, brand))

    def finish(self) -> Outputs:
        """What came of it."""
        for _, rows in groupby(_rows(self._sorter), key=lambda row: (row.group, row.key)):
            self._fingerprint(list(rows))
        return self.found

    def _fingerprint(self, rows: list[_Row]) -> None:
        found = self.found
        events = [row for row in rows if row.topic % 2 == 0]
        states = [row for row in rows if row.topic % 2]
        _unreadable(rows, ALERT_TOPICS, found)
        told = _versions(events, ALERT_TOPICS, found)
        state = _latest(states, ALERT_TOPICS, found)
        for (incident, revision), row in told.items():
            version = AlertVersion(row.group == 1, _text(incident), revision)
            found.versions[version] = (_text(row.brand), row.body)
            found.alerts += 1
        self._complete(told)
        for row in rows:
            if row.flags & _STRAY:
                found.disagreeing.add(_text(row.id), _at(row, ALERT_TOPICS), note="its key is not its fingerprint")
        if self._settled:
            # Incidents' ids grow with time. Their order in the log is none where the number of partitions has changed.
            self._agree(
                max((row for row in reversed(events) if row.id.strip(b"\0")), key=lambda row: (row.id, row.revision), default=None), state
            )

    def _complete(self, told: Mapping[tuple[bytes, int], _Row]) -> None:
        """The revisions of an incident have no gaps; where the topic reaches back, they begin with 1."""
        for incident, versions in groupby(sorted(told), key=lambda version: version[0]):
            before = 0 if self._events_whole else None
            for _, revision in versions:
                if before is not None and revision > before + 1:
                    self.found.missing.add(_text(incident), note=f"revision {before + 1}{f' to {revision - 1}' * (revision > before + 2)}")
                before = revision

    def _agree(self, last: _Row | None, state: _Row | None) -> None:
        disagreeing = self.found.disagreeing
        held = state is not None and not state.flags & _DELETED
        if last is None:
            if state is not None and held and self._events_whole:
                disagreeing.add(_text(state.key), _at(state, ALERT_TOPICS), note="a state of which no event tells")
        elif state is None or not held:
            if not last.flags & _MAY_GO:
                shown = [] if state is None else [_at(state, ALERT_TOPICS)]
                note = "no state of it" if state is None else "its state is deleted"
                disagreeing.add(_text(last.id), _at(last, ALERT_TOPICS), *shown, note=note)
        elif (state.id, state.revision, state.body) != (last.id, last.revision, last.body):
            note = "the latest state is not the last event"
            disagreeing.add(_text(last.id), _at(last, ALERT_TOPICS), _at(state, ALERT_TOPICS), note=note)


class ItemCheck:
    """Work items, live and shadow apart."""

    def __init__(self, sorter: Sorter, found: Outputs, *, settled: bool) -> None:
        self._sorter = sorter
        self._settled = settled
        self.found = found

    def take(self, records: Iterable[Record]) -> None:
        """Records of the two item topics, in any order."""
        for record in records:
            number = _ITEM_NUMBER[record.topic]
            key = record.key or b""
            if record.value is None:
                self._sorter.add(_packed(record, number, number, key, "", 0, _DELETED, ""))
                continue
            try:
                item = _decode_item(record.value)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._sorter.add(_packed(record, number, number, key, "", 0, _UNREADABLE, ""))
                continue
            flags = 0 if key == item.item_id.encode() else _STRAY
            if item.kind == "task" and item.status == "open":
                flags |= _OPEN_TASK
                if item.root_id is not None and item.item_id != task_id(item.brand, item.root_id):
                    flags |= _STRAY
            self._sorter.add(_packed(record, number, number, key, item.item_id, item.revision, flags, item.brand))

    def finish(self) -> Outputs:
        """What came of it."""
        for _, rows in groupby(_rows(self._sorter), key=lambda row: (row.group, row.key)):
            self._item(list(rows))
        return self.found

    def _item(self, rows: list[_Row]) -> None:
        found = self.found
        _unreadable(rows, ITEM_TOPICS, found)
        last = _latest(rows, ITEM_TOPICS, found)
        if last is None or last.flags & (_DELETED | _UNREADABLE):
            return
        found.items += 1
        counts = found.items_of.setdefault(_text(last.brand), Counter())
        is_open = bool(last.flags & _OPEN_TASK)
        found.open_tasks += is_open
        counts.update(items=1, open_tasks=is_open, versions=last.revision)
        if last.flags & _STRAY:
            found.doubled.add(_text(last.key), _at(last, ITEM_TOPICS), note="not the one task of its thread")
        rows = [row for row in rows if row.partition == last.partition]
        since = max((index for index, row in enumerate(rows) if row.flags & _DELETED), default=-1)
        highest = max(rows[since + 1 :], key=lambda row: row.revision)
        if self._settled and highest.revision > last.revision:
            found.disagreeing.add(
                _text(last.key), _at(highest, ITEM_TOPICS), _at(last, ITEM_TOPICS), note="an earlier version stands after a later one"
            )


def _latest(rows: Iterable[_Row], topics: tuple[str, ...], found: Outputs) -> _Row | None:
    """The latest version of a key of a compacted topic. One that has moved to another partition is deleted where it was."""
    ends = []
    for _, group in groupby(rows, key=lambda row: row.partition):
        part = list(group)
        _versions(part, topics, found)
        ends.append(part[-1])
    living = [row for row in ends if not row.flags & _DELETED]
    if len(living) > 1:
        found.doubled.add(_text(living[0].key), *(_at(row, topics) for row in living), note="in two partitions")
    return living[0] if living else ends[-1] if ends else None


def _versions(rows: Iterable[_Row], topics: tuple[str, ...], found: Outputs) -> dict[tuple[bytes, int], _Row]:
    """Each version once. A deletion begins a new life, in which revisions start again."""
    told: dict[tuple[bytes, int], _Row] = {}
    for row in rows:
        if row.flags & _UNREADABLE:
            continue
        if row.flags & _DELETED:
            told.clear()
            continue
        known = told.setdefault((row.id, row.revision), row)
        if known is row:
            continue
        if (known.body, known.ce_id) == (row.body, row.ce_id):
            found.repeats += 1
        else:
            note = f"revision {row.revision} was told in two ways"
            found.doubled.add(_text(row.id), _at(known, topics), _at(row, topics), note=note)
    return told


def _unreadable(rows: Iterable[_Row], topics: tuple[str, ...], found: Outputs) -> None:
    for row in rows:
        if row.flags & _UNREADABLE:
            found.disagreeing.add(_text(row.key), _at(row, topics), note="cannot be read")


def _packed(record: Record, group: int, number: int, key: bytes, id_: str, revision: int, flags: int, brand: str) -> bytes:
    body = blake2b(record.value or b"", digest_size=16).digest()
    ce_id = blake2b(header(record.headers, "ce_id") or b"", digest_size=16).digest()
    most = min(max(revision, 0), 0xFFFFFFFF)
    return _ROW.pack(group, key, number, record.partition, record.offset, id_.encode(), most, body, ce_id, flags, brand.encode())


def _rows(sorter: Sorter) -> Iterator[_Row]:
    return map(_Row._make, map(_ROW.unpack, sorter.rows()))


def _text(packed: bytes) -> str:
    return packed.rstrip(b"\0").decode("utf-8", "replace")


def _at(row: _Row, topics: tuple[str, ...]) -> str:
    return f"{topics[row.topic]}:{row.partition}:{row.offset}"
