"""Third stage: does a row begin? sentiment → assessed, with alerts on the way.

Everything in event time. A brand's buckets close at its watermark; what a close decides is published before the record that moved the
watermark. A repeat of our own after a crash changes nothing and gives the same identities; a repeat by the source is marked and has no
effect. Source of the method: `pipeline/scrp.py`; of the rule: `pipeline/watch.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline.assessing import Read, assessed, read, seconds, teller
from pipeline.brand_core import VERSION, OpenIncident, body, decode_core
from pipeline.brand_state import BrandState
from pipeline.brands import Registry
from pipeline.buckets import PER_HOUR
from pipeline.dossiers import DossierBook
from pipeline.events import cloud_headers, digest, event_id, event_type
from pipeline.families import incident_in
from pipeline.identities import LONGER_HOURS
from pipeline.incident import LATENESS, Versions
from pipeline.journal import Journal, unseal
from pipeline.key import WHOLE, Key
from pipeline.parts import numbers_of
from pipeline.public_keys import incident_in as incident_of_part
from pipeline.replaying import ends_replay, follow_replay, last_told
from pipeline.schedule import Schedule
from pipeline.seen import EXCLUDED, KEPT_ORIGINS, NEGATIVE, POLARITIES, REPOST, Marks, Seen, identity_of, role_of
from pipeline.stage import Arrival, Incoming, Outcome, Outgoing, Reading, arrivals_at_once
from pipeline.ticks import BUCKET
from pipeline.watch import TIERS
from schemas.codec import sentiment_decoder
from schemas.mention import ScoredMention, SteppedRetraction, Tick
from schemas.topics import ASSESSED, CRISIS_STATE, SENTIMENT, Topic

TICKS_KEY = b"|ticks"
_POLARITY = {label: code for code, label in enumerate(POLARITIES)}
_encode_ticks = msgspec.msgpack.Encoder().encode
_decode_ticks = msgspec.msgpack.Decoder(dict[int, float]).decode


class CrisisStage:
    """The stage. ``version`` names detector, tzdata and the rest of what decides besides the configuration."""

    name = "crisis"
    source: Topic = SENTIMENT
    changelog: Topic | None = CRISIS_STATE

    def __init__(self, registry: Registry, version: str, dossiers: DossierBook | None = None) -> None:
        self._registry = registry
        self._dossiers = DossierBook() if dossiers is None else dossiers
        self._versions = Versions(version, self._dossiers.with_brands(registry.hash))

    def open(self, partition: int, epoch: str) -> "CrisisPartition":  # noqa: ARG002
        """An empty partition; origins bring their own epoch."""
        return CrisisPartition(self._registry, self._dossiers, self._versions)


class CrisisPartition:
    """All brands of one partition."""

    def __init__(self, registry: Registry, dossiers: DossierBook, versions: Versions) -> None:
        self._registry = registry
        self._dossiers = dossiers
        self._versions = versions
        self._decoder = sentiment_decoder()
        self._journal = Journal()
        self._marks = Marks()
        self._schedule = Schedule()
        self._brands: dict[str, BrandState] = {}
        self._ticked = False

    # -- state

    def restore(self, key: bytes, value: bytes) -> None:
        """Take back one snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        snapshot = unseal(key, value)
        if key == TICKS_KEY:
            self._schedule.ticks.last = _decode_ticks(body(snapshot))
            return
        brand, kind, name = (*key.decode().split("|", 2), "", "")[:3]
        self._brand(brand).restore(kind, name, snapshot)

    def unreadable(self, key: bytes) -> None:
        """Go on from all else that is known. Ticks come again by themselves."""
        if key != TICKS_KEY:
            brand, _, rest = key.decode().partition("|")
            self._brand(brand).unreadable(rest.partition("|")[0], key)

    def restored(self, change: int) -> None:
        """All snapshots are in."""
        self._journal.change = change
        for state in self._brands.values():
            state.restored(self._schedule.ticks)
            self._wait(state)

    def _brand(self, slug: str) -> BrandState:
        state = self._brands.get(slug)
        if state is None:
            brand = self._registry.brand(slug)
            dossiers = self._dossiers.of(slug, brand.zone()) if len(self._dossiers) else None
            state = self._brands[slug] = BrandState(brand, self._versions, self._journal, dossiers)
        return state

    def _wait(self, state: BrandState) -> None:
        if not state.waits_as_before():
            self._schedule.set(state.slug, state.partitions, state.due())

    # -- records

    def process(self, records: Sequence[Incoming]) -> Outcome:
        """Work through a batch, in order."""
        outcome = Outcome()
        for arrived in arrivals_at_once(self._decoder, records, outcome):
            self._work(arrived, iter(read(arrived, self._marks)), outcome)
        if self._ticked:
            # Last, so that a torn checkpoint never knows a tick whose closes it does not know.
            self._journal.touch("", TICKS_KEY, self._snapshot_ticks)
            self._ticked = False
        outcome.changes = self._journal.drain()
        outcome.change = self._journal.change
        return outcome

    def _work(self, arrived: Sequence[Arrival[Any]], said: Iterator[Read], outcome: Outcome) -> None:
        """What follows from the mentions alone is read by now; what memory makes of them, and of the rest, follows in order."""
        for arrival in arrived:
            match arrival.value:
                case ScoredMention():
                    self._mention(next(said), outcome)
                case SteppedRetraction() as retraction:
                    self._retraction(arrival.record, retraction, self._marks(arrival.origin), outcome)
                case Tick() as tick:
                    self._tick(arrival, tick, outcome)

    def _snapshot_ticks(self) -> bytes:
        return VERSION + _encode_ticks(dict(sorted(self._schedule.ticks.last.items())))

    def _mention(self, said: Read, outcome: Outcome) -> None:
        mention, mark, identity, bucket = said.mention, said.mark, said.identity, said.bucket
        state = self._brands.get(mention.brand) or self._brand(mention.brand)
        seen = state.identities.recall(identity)
        if seen is None:
            if state.is_beyond_horizon(bucket) and not state.is_new(mark):
                self._assess(said, state, Seen(bucket, 0), outcome)
                return
        elif mark in seen.accepted:
            self._assess(said, state, seen, outcome, blocked=seen.was_blocked(mark))
            return
        elif not state.is_new(mark) and self._is_forgotten(seen, mark, mention.edit, state.is_beyond_horizon(bucket)):
            self._assess(said, state, seen, outcome, blocked=bool(seen.accepted) and seen.blocked >= KEPT_ORIGINS)
            return
        elif mention.edit <= seen.edit:
            self._duplicate(said, state, seen, outcome)
            return

        self._journal.change += 1
        state.note(mark, mention.mode)
        core = state.core
        if said.at > core.event_at:
            core.event_at = said.at
        if state.closes_at(clock := self._clock(state)):
            state.advance(clock, teller(said.record, outcome), eager=True)
            seen = state.identities.recall(identity)  # the clock may have moved beyond its 7 days
        if seen is None or seen.edit < 0:
            seen = self._first(said, state, seen, outcome)
            if state.buckets.complaints >= core.look:
                state.look(teller(said.record, outcome))
        else:
            seen = self._edit(mention, state, bucket, seen).accept(mark, mention.edit)
        state.identities.remember(identity, seen)
        self._wait(state)
        self._assess(said, state, seen, outcome, blocked=seen.retracted)

    @staticmethod
    def _is_forgotten(seen: Seen, mark: bytes, edit: int, beyond_horizon: bool) -> bool:
        """Whether a repeat of ours is from before what is remembered: an earlier version, or the life of an identity since forgotten."""
        if not seen.accepted:
            return beyond_horizon
        return seen.is_older(mark) and (beyond_horizon or edit < seen.edit)

    def _first(self, said: Read, state: BrandState, retracted: Seen | None, outcome: Outcome) -> Seen:
        """A mention that was not seen; its retraction may have been."""
        mention, bucket = said.mention, said.bucket
        counters = state.core.counters
        counters.take(mention)
        applied = state.hour_for(bucket)
        source = mention.source
        if source is not None and self._registry.source(source) is not None:
            state.core.hear(source, bucket)
        if retracted is not None:
            return retracted._replace(applied=max(applied, retracted.applied)).accept(said.mark, mention.edit)
        late = state.is_late(bucket)
        if late:
            counters.late += 1
            outcome.counts["late", self._registry.source_label(source)] += 1
        role = role_of(mention)
        live = role != EXCLUDED and not late
        family, public, topic = numbers_of(mention)
        polarity = _POLARITY[mention.sentiment.label]
        seen = Seen(bucket, applied, said.author, polarity, role, live, False, late, mention.edit, 0, (said.mark,), family, public, topic)
        if live:
            counts = state.count(seen)
            if polarity == NEGATIVE and role != REPOST:
                state.exhibition.show(mention, seen, is_open=state.is_open(bucket), counts=counts)
        if not late and (not family or mention.direction == "outbound") and (mention.parent_id is not None or mention.root_id is not None):
            state.exhibition.echo(mention, said.identity, seen, is_open=state.is_open(bucket))
        return seen

    def _edit(self, mention: ScoredMention, state: BrandState, bucket: int, seen: Seen) -> Seen:
        """A later version: scored anew; in the counts it replaces the earlier one while their bucket is open."""
        state.core.counters.edits += 1
        polarity = _POLARITY[mention.sentiment.label]
        if seen.live and state.is_open(seen.bucket):
            topic = 0 if seen.family else numbers_of(mention)[2]
            changed = seen._replace(polarity=polarity, topic=topic)
            if (seen.polarity, seen.topic) != (polarity, topic):
                state.recount(seen, changed)
            if seen.is_complaint():
                state.exhibition.hide(mention.mention_id, seen)
            if changed.is_complaint():
                state.exhibition.show(mention, changed, is_open=True)
            seen = changed
        return seen._replace(applied=max(seen.applied, state.hour_for(bucket)))

    def _duplicate(self, said: Read, state: BrandState, seen: Seen, outcome: Outcome) -> None:
        """The source said it again, or said an older version: no effect but on the counter of such."""
        if state.is_new(said.mark):
            self._journal.applied()
            state.note(said.mark, said.mention.mode)
            state.core.counters.duplicates += 1
            outcome.counts["duplicates",] += 1
            self._stretch(state, said.identity, seen, said.bucket)
            self._wait(state)
        self._assess(said, state, seen, outcome, duplicate=True, blocked=seen.retracted)

    @staticmethod
    def _stretch(state: BrandState, identity: bytes, seen: Seen, bucket: int) -> None:
        """An identity is kept at least as long as any record that named it could be taken for new."""
        if bucket // PER_HOUR > seen.applied:
            state.identities.remember(identity, seen._replace(applied=bucket // PER_HOUR))

    def _retraction(self, record: Incoming, retraction: SteppedRetraction, mark: bytes, outcome: Outcome) -> None:
        state = self._brand(retraction.brand)
        identity = identity_of(retraction.mention_id)
        bucket = int(seconds(retraction.detected_at) // BUCKET)
        seen = state.identities.recall(identity)
        new = state.is_new(mark)
        if seen is None and not new and state.is_beyond_horizon(bucket):
            pass  # a repeat of what has been forgotten
        elif seen is None or not seen.retracted:
            self._journal.applied()
            state.note(mark, retraction.mode)
            state.core.counters.retractions += 1
            outcome.counts["retractions",] += 1
            applied = state.hour_for(bucket) + LONGER_HOURS
            if seen is None:
                state.take_back_unseen(retraction.mention_id, retraction.detected_at, teller(record, outcome))
                seen = Seen(bucket, applied, retracted=True)
            else:
                state.take_back(retraction.mention_id, identity, seen, retraction.detected_at, teller(record, outcome))
                live = seen.live and not state.is_open(seen.bucket)
                seen = seen._replace(live=live, retracted=True, applied=max(seen.applied, applied))
            state.identities.remember(identity, seen)
            self._wait(state)
        elif new:
            self._journal.applied()
            state.note(mark, retraction.mode)
            self._stretch(state, identity, seen, bucket)
            self._wait(state)
        identifier = event_id(ASSESSED, retraction.brand, retraction.mention_id, 0, "retracted")
        headers = cloud_headers(ASSESSED, identifier, retraction.mention_id, retraction.detected_at, record.headers)
        outcome.outgoing.append(Outgoing(ASSESSED, record.key, record.value, headers))

    # -- time

    def _tick(self, arrival: Arrival[Any], tick: Tick, outcome: Outcome) -> None:
        at = seconds(tick.at)
        tell = teller(arrival.record, outcome)
        if tick.brand is not None:
            state = self._brand(tick.brand)
            if at > state.core.tick_at or ends_replay(tick, arrival.origin, state.core):
                self._journal.applied()
                state.core.tick_at = max(state.core.tick_at, at)
                follow_replay(tick, arrival.origin, state.core)
                state.touch()
                if tick.replay == "end":
                    state.end_replay(last_told(at))
                state.advance(self._clock(state), tell, eager=False)
                self._wait(state)
        else:
            changed = self._schedule.see(arrival.origin.partition, at)
            self._ticked = self._ticked or changed
            if changed and tick.replay == "end":
                for state in self._brands.values():
                    if arrival.origin.partition in state.partitions and not state.core.replaying:
                        state.end_replay(last_told(at))
            for slug, _ in self._schedule.due(arrival.origin.partition):
                state = self._brands[slug]
                changed = state.advance(self._clock(state), tell, eager=False) or changed
                self._wait(state)
            if changed:
                self._journal.applied()
        identifier = digest(event_type(ASSESSED), "tick", tick.brand or "", tick.at.isoformat())
        headers = cloud_headers(ASSESSED, identifier, tick.brand or "tick", tick.at, arrival.record.headers)
        outcome.outgoing.append(Outgoing(ASSESSED, arrival.record.key, arrival.record.value, headers))

    def _clock(self, state: BrandState) -> float:
        """The brand's event time: its latest mention or tick. In a replay of its own it hears no ticks but its own."""
        core = state.core
        clock = core.event_at if core.event_at >= core.tick_at else core.tick_at
        if not core.replaying and (tick := self._schedule.ticks.of(state.partitions)) is not None and tick > clock:
            clock = tick
        return clock

    # -- what goes out

    @staticmethod
    def _assess(said: Read, state: BrandState, seen: Seen, outcome: Outcome, *, duplicate: bool = False, blocked: bool = False) -> None:
        """The mention with its brand's situation."""
        late = seen.late and not duplicate
        dossier = None if blocked else state.exhibition.about(said.mention)
        outcome.outgoing.append(assessed(said, state.situation(said.mention), dossier, duplicate=duplicate, blocked=blocked, late=late))

    # -- gauges

    def readings(self) -> Iterable[Reading]:
        """What the registered brands' detectors see, watermarks, open alerts and state held."""
        firing: dict[str, int] = dict.fromkeys(TIERS, 0)
        surges = silences = 0
        keys = 1
        for slug, state in self._brands.items():
            keys += state.keys()
            for incident in state.incidents():
                firing[incident.tier] += 1
            surges += state.core.surge is not None
            silences += len(state.core.silences)
            if not self._registry.knows(slug):
                continue
            label = {"brand": self._registry.label(slug)}
            if state.watch.closed:  # before that nothing is known, which is not 0
                yield Reading("detector_observed", label, state.hour[0])
                yield Reading("detector_expected", label, state.hour[1])
            if state.core.first_open is not None:
                yield Reading("watermark_timestamp_seconds", label, (self._clock(state) - LATENESS) // BUCKET * BUCKET)
        for tier, number in firing.items():
            yield Reading("open_alerts", {"kind": "crisis", "tier": tier}, number)
        yield Reading("open_alerts", {"kind": "surge", "tier": "none"}, surges)
        yield Reading("open_alerts", {"kind": "silence", "tier": "none"}, silences)
        yield Reading("state_keys", {"stage": "crisis"}, keys)


def read_brand_state(key: bytes, value: bytes) -> dict[str, Any] | None:
    """One brand's counters and open incident out of a changelog snapshot, for the command line; None for every other kind of key.

    Raises:
        ValueError: the snapshot is of another version.
    """
    if b"|" in key:
        return None
    core = decode_core(unseal(key, value))
    return {
        "brand": key.decode(),
        "mode": core.mode,
        "watermark": None if core.first_open is None else datetime.fromtimestamp(core.first_open * BUCKET, UTC).isoformat(),
        **msgspec.structs.asdict(core.counters),
        "incident": None if core.incident is None else _told(core.incident),
    }


def read_incident_below(key: bytes, value: bytes) -> dict[str, Any] | None:
    """The incident of what is watched below a brand out of its snapshot, with the brand; None where none fires, or for another kind of key.

    Raises:
        ValueError: the snapshot is of another version.
    """
    brand, _, rest = key.decode().partition("|")
    kind, _, name = rest.partition("|")
    match kind:
        case "family":
            below, incident = Key(channel_family=name, is_private=True), incident_in(unseal(key, value))
        case "key":
            below, incident = Key.named(name), incident_of_part(unseal(key, value))
        case _:
            return None
    return None if incident is None else {"brand": brand, **_told(incident, below)}


def _told(incident: OpenIncident, key: Key = WHOLE) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "fingerprint": incident.fingerprint,
        "kind": "crisis",
        "topic": key.topic,
        "channel_family": key.channel_family,
        "visibility": key.visibility,
        "tier": incident.tier,
        "mode": incident.mode,
        "raised_at": incident.raised_at.isoformat(),
        "peak": incident.peak,
    }
