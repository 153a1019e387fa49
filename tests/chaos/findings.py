"""The checks after a run: what the topics hold, against the laws and against the undisturbed run. All are exact.

A finding names places and identities, never what a mention says.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from load import MARKER, LoadRecord, Poison
from reference import Undisturbed

from agents.topic_reader import Record
from pipeline.journal import CHANGE
from pipeline.stage import ORIGIN, Incoming, Outcome, arrivals, header, parse_origin
from schemas.codec import Reason, assessed_decoder, language_decoder, raw_decoder, sentiment_decoder
from schemas.mention import Tick
from schemas.topics import (
    ALERT_EVENT,
    ALERT_EVENT_SHADOW,
    ASSESSED,
    CRISIS_STATE,
    DEAD_LETTER,
    ITEM,
    ITEM_SHADOW,
    LANGUAGE,
    RAW,
    ROUTED,
    ROUTED_SHADOW,
    ROUTING_STATE,
    SENTIMENT,
)

DECODERS = {LANGUAGE.name: language_decoder, SENTIMENT.name: sentiment_decoder, ASSESSED.name: assessed_decoder}
PASSED = (LANGUAGE.name, SENTIMENT.name, ASSESSED.name, ROUTED.name, ROUTED_SHADOW.name)
"""Topics that hold one record per origin (ticks aside), in the order of the brand's mentions."""
STATES = (CRISIS_STATE.name, ROUTING_STATE.name)
READ = (
    RAW.name,
    *PASSED,
    ITEM.name,
    ITEM_SHADOW.name,
    ALERT_EVENT.name,
    ALERT_EVENT_SHADOW.name,
    DEAD_LETTER.name,
    *STATES,
)
SHOWN = 4
REASONS = frozenset(reason.value for reason in Reason)


class Finding(NamedTuple):
    """A law that does not hold."""

    law: str
    count: int
    examples: str

    def __str__(self) -> str:
        return f"{self.law}: {self.count} ({self.examples})"


@dataclass
class Evidence:
    """All that a run left behind."""

    topics: dict[str, list[Record]]
    epoch: str
    sent: Sequence[LoadRecord]
    poison: dict[tuple[str, int, int], Poison]
    """Topic, partition, offset → what was written there."""
    logs: Sequence[Path]
    reference: Undisturbed
    figures: Counter[str] = field(default_factory=Counter)


def examine(evidence: Evidence) -> list[Finding]:
    """Every law, in turn."""
    laws = (_sent_is_there, _ledger, _outcomes, _order, _decided_once, _poison_is_dead, _raw_dead, _state, _silent_logs)
    return [finding for law in laws for finding in law(evidence)]


def _told(law: str, broken: Iterable[object]) -> Iterator[Finding]:
    broken = list(broken)
    if broken:
        yield Finding(law, len(broken), ", ".join(str(one)[:160] for one in broken[:SHOWN]))


def _sent_is_there(evidence: Evidence) -> Iterator[Finding]:
    """What the broker acknowledged to the load's producer is in the raw topic (a repeat of its own is one more raw record)."""
    there = Counter((record.partition, record.key, record.value or b"") for record in evidence.topics[RAW.name])
    sent = Counter((record.partition, record.key, record.value or b"") for record in evidence.sent)
    yield from _told("a record that was sent is not in raw", [f"partition {place[0]}" for place in (sent - there).elements()])


def _ledger(evidence: Evidence) -> Iterator[Finding]:
    """0 lost, 0 double effects: every raw record but ticks has exactly one outcome; repeats have the same ``ce_id``.

    Written without the product's own ledger: what judges must not be what is judged.
    """
    topics = evidence.topics
    raw = {(record.partition, record.offset) for record in topics[RAW.name] if not is_tick(record)}
    told: dict[tuple[int, int], tuple[str, bytes | None]] = {}
    doubled, unknown, repeats = [], [], 0
    for record in (*topics[ROUTED.name], *topics[ROUTED_SHADOW.name], *topics[DEAD_LETTER.name]):
        if record.topic == DEAD_LETTER.name and _place_of(record) in evidence.poison:
            continue
        epoch, partition, offset = parse_origin(header(record.headers, ORIGIN) or b"none:-1:-1")
        place, outcome = (partition, offset), (record.topic, header(record.headers, "ce_id"))
        if epoch != evidence.epoch or place not in raw:
            unknown.append((record.topic, record.partition, record.offset))
        elif told.setdefault(place, outcome) != outcome:
            doubled.append(place)
        else:
            repeats += 1
    evidence.figures += Counter(raw=len(raw), repeats=repeats - len(told), outcomes=len(told))
    yield from _told("lost: no outcome", sorted(raw - told.keys()))
    yield from _told("two different outcomes", doubled)
    yield from _told("an outcome of nothing", unknown)


_raw = raw_decoder()


def is_tick(record: Record) -> bool:
    """Whether a raw record is a tick, which has no outcome."""
    try:
        return isinstance(_raw.decode(record.value), Tick)
    except ValueError:
        return False


def _identity(record: Record) -> tuple[bytes, bytes]:
    return header(record.headers, ORIGIN) or b"", header(record.headers, "ce_id") or b""


def _outcomes(evidence: Evidence) -> Iterator[Finding]:
    """Each topic's records, first occurrences, are those of the undisturbed run; poison aside."""
    for topic in PASSED:
        first: dict[tuple[bytes, bytes], tuple[bytes | None, bytes | None]] = {}
        mixed, repeats = [], 0
        for record in evidence.topics[topic]:
            if (record.topic, record.partition, record.offset) in evidence.poison:
                continue
            identity = _identity(record)
            if identity in first:
                repeats += record.key is not None  # a tick goes to every partition
            else:
                first[identity] = (record.key, record.value)
        evidence.figures[f"repeats {topic}"] += repeats
        expected = evidence.reference.outcomes[topic]
        ticks = {identity for identity, (key, _) in {**first, **expected}.items() if key is None}
        mixed = [identity for identity in expected.keys() & first.keys() if expected[identity] != first[identity]]
        yield from _told(f"{topic}: missing beside the undisturbed run", map(_show, expected.keys() - first.keys() - ticks))
        yield from _told(f"{topic}: not in the undisturbed run", map(_show, first.keys() - expected.keys() - ticks))
        yield from _told(f"{topic}: another body than in the undisturbed run", map(_show, sorted(mixed)))


def _show(identity: tuple[bytes, bytes]) -> str:
    return f"{identity[0].decode('ascii', 'replace')} {identity[1].decode('ascii', 'replace')[:8]}"


def _order(evidence: Evidence) -> Iterator[Finding]:
    """First occurrences of a brand's records come in the order of its raw offsets, in every topic."""
    for topic in PASSED:
        seen: set[bytes] = set()
        last: dict[tuple[bytes, int], int] = {}
        broken = []
        for record in evidence.topics[topic]:
            origin = header(record.headers, ORIGIN)
            if record.key is None or origin is None or (record.topic, record.partition, record.offset) in evidence.poison:
                continue
            if origin in seen:
                continue
            seen.add(origin)
            _, partition, offset = parse_origin(origin)
            if offset < last.get((record.key, partition), -1):
                broken.append(f"{record.key.decode()} {partition}:{offset}")
            last[record.key, partition] = max(offset, last.get((record.key, partition), -1))
        yield from _told(f"{topic}: a first occurrence out of order", broken)


def _decided_once(evidence: Evidence) -> Iterator[Finding]:
    """Alerts by (incident, revision), items by (item, revision): one body each, and those of the undisturbed run."""
    for topic, names in (
        (ALERT_EVENT.name, ("incident_id", "revision")),
        (ALERT_EVENT_SHADOW.name, ("incident_id", "revision")),
        (ITEM.name, ("item_id", "revision")),
        (ITEM_SHADOW.name, ("item_id", "revision")),
    ):
        bodies = _bodies((record.value for record in evidence.topics[topic]), names)
        expected = _bodies((value for _, value in evidence.reference.outcomes[topic].values()), names)
        evidence.figures[topic] += len(bodies)
        yield from _told(f"{topic}: two bodies of one revision", [key for key, found in bodies.items() if len(found) > 1])
        yield from _told(f"{topic}: missing beside the undisturbed run", expected.keys() - bodies.keys())
        yield from _told(f"{topic}: not in the undisturbed run", bodies.keys() - expected.keys())
        differing = [key for key in bodies.keys() & expected.keys() if bodies[key] != expected[key]]
        yield from _told(f"{topic}: another body than in the undisturbed run", differing)


def _bodies(values: Iterable[bytes | None], names: tuple[str, ...]) -> dict[tuple[object, ...], set[bytes]]:
    found: dict[tuple[object, ...], set[bytes]] = defaultdict(set)
    for value in values:
        if value is not None:
            told = json.loads(value)
            found[tuple(told[name] for name in names)].add(value)
    return found


def _place_of(letter: Record) -> tuple[str, int, int]:
    """Where the original of a dead letter stands."""

    def text(name: str) -> str:
        # Ours come after the original's: the last one counts.
        found = [value for key, value in letter.headers if key == f"__connect.errors.{name}"]
        return (found[-1] if found else b"").decode()

    return text("topic"), int(text("partition") or -1), int(text("offset") or -1)


def _poison_is_dead(evidence: Evidence) -> Iterator[Finding]:
    """Every record at fault between the stages is a dead letter with its bytes and a bounded reason; no other record there is."""
    letters: dict[tuple[str, int, int], list[Record]] = defaultdict(list)
    for letter in evidence.topics[DEAD_LETTER.name]:
        letters[_place_of(letter)].append(letter)
    missing, changed, reasons, accepted = [], [], [], []
    for place, poison in evidence.poison.items():
        expected = _verdict(place, poison)
        if expected is None:
            accepted.append(place)
        if place not in letters:
            missing.append(place)
        for letter in letters.get(place, ()):
            if (letter.key, letter.value or None) != (poison.key, poison.value or None) or list(letter.headers)[
                : len(poison.headers)
            ] != poison.headers:
                changed.append(place)
            given = (_text(letter, "webcare-reason"), _text(letter, "__connect.errors.exception.message"))
            if expected is not None and given != expected:
                reasons.append((place, given[0]))
    yield from _told("poison that a decoder takes for sound", accepted)
    yield from _told("poison without a dead letter", missing)
    yield from _told("a dead letter with other bytes than its original", changed)
    yield from _told("a dead letter with another reason than its record gives", reasons)
    strangers = [place for place in letters if place[0] != RAW.name and place not in evidence.poison]
    yield from _told("a sound record between the stages is a dead letter", strangers)
    every = [letter for found in letters.values() for letter in found]
    unbounded = [_place_of(letter) for letter in every if _text(letter, "webcare-reason") not in REASONS]
    yield from _told("a reason outside the bounded set", unbounded)
    telling = [_place_of(letter) for letter in every if MARKER in _text(letter, "__connect.errors.exception.message")]
    yield from _told("a dead letter's message quotes the mention", telling)
    evidence.figures["dead letters"] += len(letters)


def _text(record: Record, name: str) -> str:
    found = [value for key, value in record.headers if key == name]
    return (found[-1] if found else b"").decode("utf-8", "replace")


def _verdict(place: tuple[str, int, int], poison: Poison) -> tuple[str, str] | None:
    outcome = Outcome()
    record = Incoming(place[1], place[2], 0, poison.key, poison.value, poison.headers)
    list(arrivals(DECODERS[poison.topic](), [record], outcome))
    return (outcome.dead[0].reason.value, outcome.dead[0].detail) if outcome.dead else None


def _raw_dead(evidence: Evidence) -> Iterator[Finding]:
    """Dead letters of the door: those of the undisturbed run, with the raw record's bytes and headers."""
    raw = {(record.partition, record.offset): record for record in evidence.topics[RAW.name]}
    told: dict[bytes, tuple[str, str]] = {}
    changed = []
    for letter in evidence.topics[DEAD_LETTER.name]:
        topic, partition, offset = _place_of(letter)
        if topic != RAW.name:
            continue
        original = raw[partition, offset]
        kept = [pair for pair in original.headers if pair[0] != ORIGIN]
        same = (letter.key, letter.value or None) == (original.key, original.value or None) and list(letter.headers)[: len(kept)] == kept
        if not same:
            changed.append((partition, offset))
        origin = header(letter.headers, ORIGIN) or b""
        told[origin] = (_text(letter, "webcare-reason"), _text(letter, "__connect.errors.exception.message"))
    yield from _told("a dead letter of raw with other bytes than its original", changed)
    wrong = [origin for origin in told.keys() | evidence.reference.dead.keys() if told.get(origin) != evidence.reference.dead.get(origin)]
    yield from _told("dead letters of raw differ from the undisturbed run", wrong)


def _state(evidence: Evidence) -> Iterator[Finding]:
    """What a restore would give is the state of the undisturbed run, every key byte for byte: counters, incidents, open items, all."""
    for topic in STATES:
        newest: dict[tuple[int, bytes], tuple[int, bytes | None]] = {}
        for record in evidence.topics[topic]:
            assert record.key is not None
            change = int(header(record.headers, CHANGE) or 0)
            if change >= newest.get((record.partition, record.key), (0, None))[0]:
                newest[record.partition, record.key] = (change, record.value)
        restored = {key: value for (_, key), (_, value) in newest.items() if value is not None and key[:1] != b"|"}
        expected = {key: value for key, value in evidence.reference.state[topic].items() if key[:1] != b"|"}
        evidence.figures[f"keys {topic}"] += len(expected)
        yield from _told(f"{topic}: a key is missing", map(_key, sorted(expected.keys() - restored.keys())))
        yield from _told(f"{topic}: a key that the undisturbed run has not", map(_key, sorted(restored.keys() - expected.keys())))
        wrong = sorted(key for key in restored.keys() & expected.keys() if restored[key] != expected[key])
        yield from _told(f"{topic}: another state than the undisturbed run's", map(_key, wrong))


def _key(key: bytes) -> str:
    return key.decode("utf-8", "replace")


def _silent_logs(evidence: Evidence) -> Iterator[Finding]:
    """No text, title or author in any worker's log, and no worker misses anything."""
    marker = MARKER.encode()
    yield from _told("a log quotes a mention", [log.name for log in evidence.logs if marker in log.read_bytes()])
    for alarm in (b"records lost", b"state cannot be read", b"\nTraceback"):
        told = [log.name for log in evidence.logs if alarm in log.read_bytes()]
        yield from _told(f"a log says: {alarm.decode().strip()}", told)


def mentions_in(raw: Sequence[Record]) -> int:
    """Mentions and retractions among raw records."""
    count = 0
    for record in raw:
        try:
            count += not isinstance(_raw.decode(record.value), Tick)
        except ValueError:
            continue
    return count
