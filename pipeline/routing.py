"""Fourth stage: where does it go, by when, and why? assessed → routed, with work items beside.

Every mention and every retraction gets exactly one routed record. What a repeat of our own brings after a crash changes nothing: it gives
the same decision (a decision follows from its facts alone) and the items as they now stand.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from math import ceil
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from pipeline import packed_items
from pipeline.brand_memory import BrandMemory, Core
from pipeline.brands import Registry
from pipeline.decisions import RETRACTED, Decider, Read
from pipeline.desk import Desk, Placed
from pipeline.items import Kept, Tell
from pipeline.journal import Journal, unseal
from pipeline.replaying import ends_replay, follow_replay
from pipeline.routed import retold, withheld
from pipeline.rules import RuleBook
from pipeline.schedule import Schedule
from pipeline.stage import Arrival, Incoming, Outcome, Reading, arrivals_at_once
from pipeline.telling import Telling
from schemas.codec import assessed_decoder, encode
from schemas.mention import AssessedMention, SteppedRetraction, Tick
from schemas.outputs import Decision, RoutedMention
from schemas.topics import ASSESSED, ROUTING_STATE, Topic


class Judged(NamedTuple):
    """A mention with all that follows from it alone. ``read`` is None of what was taken back."""

    mention: AssessedMention
    read: Read | None
    decision: Decision
    record: RoutedMention


TICKS_KEY = b"|ticks"
_decode_ticks = msgspec.json.Decoder(dict[int, float]).decode
_core = msgspec.json.Decoder(Core)


class RoutingStage:
    """The stage."""

    name = "routing"
    source: Topic = ASSESSED
    changelog: Topic | None = ROUTING_STATE

    def __init__(self, rules: RuleBook, registry: Registry) -> None:
        self._decider = Decider(rules, registry)

    def open(self, partition: int, epoch: str) -> "RoutingPartition":  # noqa: ARG002
        """An empty partition; origins bring their own epoch."""
        return RoutingPartition(self._decider)


class RoutingPartition:
    """All brands of one partition."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._rules = decider.rules
        self._decoder = assessed_decoder()
        self._journal = Journal()
        self._schedule = Schedule()
        self._desks: dict[str, Desk] = {}
        self._ticked = False

    # -- state

    def restore(self, key: bytes, value: bytes) -> None:
        """Take back one snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        snapshot = unseal(key, value)
        if key == TICKS_KEY:
            self._schedule.ticks.last = _decode_ticks(snapshot)
            return
        brand, _, rest = key.decode().partition("|")
        kind, _, name = rest.partition("|")
        self._desk(brand).memory.restore(kind, name, snapshot)

    def unreadable(self, key: bytes) -> None:
        """Go on from all else that is known. Ticks come again by themselves."""
        if key != TICKS_KEY:
            brand, _, rest = key.decode().partition("|")
            self._desk(brand).memory.unreadable(rest.partition("|")[0], key)

    def restored(self, change: int) -> None:
        """All snapshots are in."""
        self._journal.change = change
        self._recover()
        for desk in self._desks.values():
            desk.memory.restored()
            self._wait(desk.memory)

    def _recover(self) -> None:
        """Where a brand's core is lost, its neighbours tell how far the partition had come: records of a raw partition keep their order."""
        memories = [desk.memory for desk in self._desks.values()]
        lost = [memory for memory in memories if memory.is_core_lost]
        if not lost:
            return
        reached: dict[str, int] = {}
        for memory in memories:
            for place, offset in memory.core.origins.items():
                reached[place] = max(reached.get(place, -1), offset)
        youngest = max((memory.core for memory in memories), key=attrgetter("event_at"))
        for memory in lost:
            memory.recover(reached, youngest.epoch, tuple(sorted(self._schedule.ticks.last)))

    def _desk(self, brand: str) -> Desk:
        desk = self._desks.get(brand)
        if desk is None:
            desk = self._desks[brand] = Desk(BrandMemory(brand, self._journal))
        return desk

    def _wait(self, memory: BrandMemory) -> None:
        due = None if memory.core.replaying else memory.due()
        self._schedule.set(memory.slug, memory.core.partitions, None if due is None else ceil(due))

    # -- records

    def process(self, records: Sequence[Incoming]) -> Outcome:
        """Work through a batch, in order."""
        outcome = Outcome()
        for arrived in arrivals_at_once(self._decoder, records, outcome):
            self._work(arrived, outcome)
        if self._ticked:
            # Last, so that a torn checkpoint never knows a tick whose effects it does not know.
            self._journal.touch("", TICKS_KEY, self._snapshot_ticks)
            self._ticked = False
        outcome.changes = self._journal.drain()
        outcome.change = self._journal.change
        return outcome

    def _work(self, arrived: Sequence[Arrival[Any]], outcome: Outcome) -> None:
        """What follows from the records alone first, then what memory makes of them, in order, then all that is told of it."""
        judged = self._judge([arrival.value for arrival in arrived if isinstance(arrival.value, AssessedMention)])
        telling = Telling()
        for arrival in arrived:
            telling.passed = arrival.passed
            match arrival.value:
                case AssessedMention():
                    self._mention(arrival, next(judged), telling, outcome)
                case SteppedRetraction() as retraction:
                    self._retraction(arrival, retraction, telling, outcome)
                case Tick() as tick:
                    self._tick(arrival, tick, telling)
        telling.publish(outcome)

    def _judge(self, mentions: Sequence[AssessedMention]) -> Iterator[Judged]:
        """The decision on each mention: a function of what it says and the rule book."""
        decider = self._decider
        reads = [None if mention.retracted else decider.read(mention) for mention in mentions]
        decisions = [
            decider.decide(RETRACTED, mention.mention_id)
            if read is None
            else decider.decide(read.facts, mention.mention_id, mention.root_id, at=mention.detected_at)
            for mention, read in zip(mentions, reads, strict=True)
        ]
        routed = [
            withheld(mention, decision, mention.edit) if read is None else retold(mention, read, decision)
            for mention, read, decision in zip(mentions, reads, decisions, strict=True)
        ]
        return map(Judged, mentions, reads, decisions, routed)

    def _snapshot_ticks(self) -> bytes:
        return encode(dict(sorted(self._schedule.ticks.last.items())))

    def _mention(self, arrival: Arrival[Any], judged: Judged, telling: Telling, outcome: Outcome) -> None:
        mention, read, decision, record = judged
        desk = self._desks.get(mention.brand) or self._desk(mention.brand)
        memory, origin, tell = desk.memory, arrival.origin, telling.item
        kind = "retracted" if read is None else "duplicate" if mention.duplicate else "mention"
        if memory.is_repeat(origin):
            telling.routed(record, kind, mention.published_at)
            self._tell_again(desk, mention, decision, tell)
            return
        self._journal.applied()
        memory.note(origin, mention.mode)
        core = memory.core
        counters = core.counters
        counters.routed += 1
        outcome.counts["routed", decision.queue or "none", decision.priority] += 1
        moment = mention.detected_at.timestamp()
        if moment > core.event_at:
            core.event_at = moment
        clock = self._clock(memory)
        memory.advance(clock, tell)
        telling.routed(record, kind, mention.published_at)
        if mention.duplicate:
            counters.duplicates += 1
        elif read is None:
            pass
        elif mention.direction == "outbound":
            counters.own_posts += 1
            desk.answer(mention, tell)
        elif mention.spam:
            counters.spam += 1
        else:
            counters.move_to_private += decision.handling == "move_to_private"
            decider = self._decider
            at_risk_at = decider.at_risk_at(decision, mention.brand, mention.detected_at)
            desk.take(mention, Placed(decision, read.text, moment, decider.is_marketing(decision), at_risk_at), tell)
            forgotten = memory.conversations.forgotten
            if forgotten:
                for name, number in forgotten.items():
                    outcome.counts["forgotten", name] += number
                forgotten.clear()
            memory.advance(clock, tell)  # a mention that comes late may be overdue at once
        self._wait(memory)

    def _tell_again(self, desk: Desk, mention: AssessedMention, decision: Decision, tell: Tell) -> None:
        """The stored items that a repeat of our own had a part in, as they now stand."""
        if mention.duplicate or mention.retracted or mention.spam:
            return
        kept = desk.answered_by(mention) if mention.direction == "outbound" else self._items_of(desk.memory, mention, decision)
        for part in kept:
            tell(part.item)

    @staticmethod
    def _items_of(memory: BrandMemory, mention: AssessedMention, decision: Decision) -> Iterable[Kept]:
        found = {kept.item.item_id: kept for kept in memory.concerned(mention.mention_id)}
        for item_id in (decision.item_id, *(inform.item_id for inform in decision.informs)):
            kept = None if item_id is None else memory.items.get(item_id)
            if kept is not None:
                found[kept.item.item_id] = kept
        return found.values()

    def _retraction(self, arrival: Arrival[Any], retraction: SteppedRetraction, telling: Telling, outcome: Outcome) -> None:
        desk = self._desk(retraction.brand)
        memory, tell = desk.memory, telling.item
        repeat = memory.is_repeat(arrival.origin)
        if not repeat:
            self._journal.applied()
            memory.note(arrival.origin)
            memory.core.counters.routed += 1
            memory.core.counters.retractions += 1
            outcome.counts["routed", "none", "low"] += 1
            memory.core.event_at = max(memory.core.event_at, retraction.detected_at.timestamp())
            memory.advance(self._clock(memory), tell)
        concerned = memory.concerned(retraction.mention_id)
        task = desk.task_of(retraction.mention_id)
        item_id = memory.conversations.lost_by(retraction.mention_id) if repeat else None if task is None else task.item.item_id
        decision = msgspec.structs.replace(self._decider.decide(RETRACTED, retraction.mention_id), item_id=item_id)
        telling.routed(withheld(retraction, decision), "retracted", retraction.detected_at)
        if repeat:
            for kept in concerned:
                tell(kept.item)
        else:
            desk.retract(retraction.mention_id, retraction.detected_at, tell)
            self._wait(memory)

    # -- time

    def _tick(self, arrival: Arrival[Any], tick: Tick, telling: Telling) -> None:
        at = tick.at.timestamp()
        if tick.brand is not None:
            memory = self._desk(tick.brand).memory
            core = memory.core
            if at > core.tick_at or ends_replay(tick, arrival.origin, core):
                self._journal.applied()
                core.tick_at = max(at, core.tick_at)
                follow_replay(tick, arrival.origin, core)
                memory.touch()
                memory.advance(self._clock(memory), telling.item)
                self._wait(memory)
            return
        changed = self._schedule.see(arrival.origin.partition, at)
        self._ticked = changed or self._ticked
        for brand, _ in self._schedule.due(arrival.origin.partition):
            memory = self._desks[brand].memory
            clock = self._clock(memory)
            if not memory.open(clock):  # else its moment may be later: it comes again, in its order
                changed = memory.advance(clock, telling.item) or changed
            self._wait(memory)
        if changed:
            self._journal.applied()

    def _clock(self, memory: BrandMemory) -> float:
        """The brand's event time: its latest mention or tick. In a replay of its own it hears no ticks but its own."""
        core = memory.core
        clock = max(core.event_at, core.tick_at)
        if not core.replaying and (tick := self._schedule.ticks.of(core.partitions)) is not None:
            clock = max(clock, tick)
        return clock

    # -- gauges

    def readings(self) -> Iterable[Reading]:
        """Open, overdue and oldest tasks of live brands by queue, and state held."""
        waiting = dict.fromkeys(self._rules.queues, 0)
        overdue = dict.fromkeys(self._rules.queues, 0)
        oldest: dict[str, float] = {}
        keys = 1
        for desk in self._desks.values():
            keys += desk.memory.keys()
            for kept in desk.memory.open_tasks():
                queue = kept.queue
                if queue is None or kept.mode == "observe" or queue not in waiting:
                    continue
                waiting[queue] += 1
                overdue[queue] += kept.sla == "breached"
                oldest[queue] = min(oldest.get(queue, float("inf")), kept.since.timestamp())
        for queue, number in waiting.items():
            yield Reading("queue_open", {"queue": queue}, number)
            yield Reading("queue_overdue", {"queue": queue}, overdue[queue])
        for queue, at in oldest.items():
            yield Reading("queue_oldest_timestamp_seconds", {"queue": queue}, at)
        yield Reading("state_keys", {"stage": "routing"}, keys)


def read_brand_state(key: bytes, value: bytes) -> dict[str, Any] | None:
    """One brand's counters and open tasks by queue out of a changelog snapshot, for the command line; None for every other kind of key.

    Raises:
        ValueError: the snapshot cannot be read.
    """
    if b"|" in key:
        return None
    core = _core.decode(unseal(key, value))
    return {
        "brand": key.decode(),
        "mode": core.mode,
        "event_time": datetime.fromtimestamp(max(core.event_at, core.tick_at), UTC).isoformat(),
        **msgspec.structs.asdict(core.counters),
        "open_tasks": dict(sorted(core.open.items())),
    }


def read_open_item(key: bytes, value: bytes) -> dict[str, Any] | None:
    """One open item out of a changelog snapshot, without its words; None for closed items and every other kind of key.

    Raises:
        ValueError: the snapshot cannot be read.
    """
    if key.split(b"|")[1:2] != [b"item"]:
        return None
    item = packed_items.unpack(unseal(key, value)).item
    if item.status != "open":
        return None
    shown = ("item_id", "kind", "queue", "recipient", "priority", "rank", "sla", "due_at", "opened_at", "mention_id", "thread_size", "rule")
    return {"brand": item.brand} | {name: msgspec.to_builtins(getattr(item, name)) for name in shown}
