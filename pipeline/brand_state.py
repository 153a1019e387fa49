"""All that the crisis stage keeps of one brand: its clock, what was seen, its buckets, its watch and its alerts.

Each part is a changelog key of its own, written only when it changes: ``brand`` (small, with every mention), ``brand|watch`` (10 KB, once
per closed bucket), ``brand|seen|<identity>``, ``brand|evidence|<bucket>``, ``brand|alert|<fingerprint>``, ``brand|cadence`` (of registered
sources), ``brand|topics`` (the usual ones), ``brand|extent`` (of an incident longer than buckets are kept), and ``brand|family|<name>`` (a
private channel family; its evidence and extent lie under ``brand|evidence|<bucket>|<name>`` and ``brand|extent|<name>``), ``brand|parts``
(which part each topic and public channel family usually is) and ``brand|key|<name>`` (one of them that is watched; 10 KB). Open buckets
have no snapshot: they follow from the identities seen.
"""

from datetime import datetime
from functools import partial

from pipeline.alert_book import AlertBook
from pipeline.announced import EventCalendar
from pipeline.baseline import STALE, counts_of, prior_of
from pipeline.below import Below
from pipeline.brand_core import NEVER, Core, Counters, OpenIncident, decode_core, encode_core
from pipeline.brands import Brand
from pipeline.buckets import KEPT, PER_HOUR, Buckets, Counted
from pipeline.cadence import Cadences
from pipeline.closing import Closing
from pipeline.dossiers import BrandDossiers
from pipeline.exhibition import Exhibition
from pipeline.identities import Identities, forgotten_at
from pipeline.incident import LATENESS, Versions
from pipeline.journal import Journal
from pipeline.key import WHOLE, Key
from pipeline.looking import look
from pipeline.rewarming import reconcile, rewarmed_core
from pipeline.scrp import RING, local_slot
from pipeline.seen import PLACE, Seen, offset_of, partition_of
from pipeline.ticks import BUCKET, PartitionTicks
from pipeline.told_alerts import Tell, ToldAlerts
from pipeline.usual_topics import UsualTopics
from pipeline.watch import Verdict, Watch
from schemas.mention import Mode, ScoredMention, Situation


class BrandState:
    """One brand. Changes in place; tells the journal which keys changed."""

    def __init__(self, brand: Brand, versions: Versions, journal: Journal, dossiers: BrandDossiers | None = None) -> None:
        self.slug = brand.slug
        self._key = brand.slug.encode()
        self._mode = brand.mode
        self._is_core_lost = False
        self._journal = journal
        self._zone = brand.zone()
        self._holidays = brand.holiday_numbers()
        self._calendar = EventCalendar(brand.events)
        self.core = Core(Counters(), brand.mode, {})
        self.watch = Watch(brand.profile, prior_of(brand))
        self.buckets = Buckets()
        self.cadences = Cadences(self._zone)
        self.identities = Identities(brand.slug, journal)
        self.topics = UsualTopics()
        self._told = told = ToldAlerts(brand.slug, journal)

        def book(buckets: Buckets, key: Key = WHOLE) -> AlertBook:
            return AlertBook(brand, versions, self._calendar, buckets, dossiers, journal, told, key)

        self._alerts = book(self.buckets)
        self._below = Below(brand, self.buckets, told, book, journal)
        self.exhibition = Exhibition(brand, self.buckets, self._below.families, self.identities, dossiers, journal)
        self.partitions: tuple[int, ...] = ()
        """Raw partitions whose ticks the brand waits for: those it was seen from."""
        self.hour = (0.0, 0.0)
        """Negatives of the last closed hour, and how many were expected."""
        self._is_touched = False
        self._waits: tuple[tuple[int, ...], int | None] | None = None

    # -- origins

    def is_new(self, mark: bytes) -> bool:
        """Whether nothing at or after this origin was applied."""
        return offset_of(mark) > self.core.origins.get(mark[:PLACE], -1)

    def is_beyond_horizon(self, bucket: int) -> bool:
        """Whether what was applied of that bucket at its time is forgotten by now: then the origin alone tells a repeat."""
        first_open = self.core.first_open
        return first_open is not None and forgotten_at(bucket // PER_HOUR) <= first_open

    def note(self, mark: bytes, mode: Mode) -> None:
        """A record from this origin is applied now."""
        place, offset = mark[:PLACE], offset_of(mark)
        core = self.core
        known = core.origins.get(place)
        if known is None or offset > known:
            core.origins[place] = offset
        if known is None or core.awaited:
            self._wait_for(partition_of(place))
        core.mode = mode
        self.touch()

    def _wait_for(self, partition: int) -> None:
        if partition not in self.partitions:
            self.partitions = tuple(sorted({*self.partitions, partition}))
            if self.core.awaited:
                self.core.awaited = self.partitions

    # -- counts

    def hour_for(self, bucket: int) -> int:
        """From which hour the 7 days of an identity run that is applied now: its own, or where the brand's clock stands."""
        first_open = self.core.first_open
        return (bucket if first_open is None or bucket >= first_open else first_open) // PER_HOUR

    def is_open(self, bucket: int) -> bool:
        """Whether a bucket has not closed."""
        first_open = self.core.first_open
        return first_open is None or bucket >= first_open

    def is_late(self, bucket: int) -> bool:
        """Whether a bucket closed too long ago to be corrected."""
        return self.core.first_open is not None and bucket < self.core.first_open - RING

    def count(self, seen: Seen) -> bool:
        """A live identity joins its bucket; a closed one is corrected, and judged with that from now on. Whether it can count at all."""
        if self.is_open(seen.bucket):
            self._below.add(seen)
            return True
        assert self.core.first_open is not None
        age = self.core.first_open - 1 - seen.bucket
        if seen.family:
            return self._below.families.of(seen.family).correct(seen, age)
        if self._below.keys.correct(seen, age):
            self.exhibition.touch(seen.bucket)
        counted = self.buckets.add_late(seen)
        if not counted.mentions or not self.watch.correct(age, counted.negatives, counted.mentions):
            return False
        self.core.heard = max(self.core.heard, seen.bucket)
        self.hour = self.watch.hour()
        self._touch_watch()
        return True

    def incidents(self) -> list[OpenIncident]:
        """All that fires, the brand's own first."""
        found = [self.core.incident, *(below.incident for below in self._below)]
        return [incident for incident in found if incident is not None]

    def look(self, tell: Tell) -> None:
        """Whether the open buckets would raise an alarm: see `pipeline/looking.py`."""
        look(self.core, self.watch, self.buckets, self._judged, partial(self._alerts.tell_early, usual=self.topics, tell=tell))

    def _judged(self, watch: Watch, bucket: int, counted: Counted) -> Verdict:
        """What a watch says of a bucket that comes to so much."""
        return watch.close(*counted, *self._slot(bucket), self._calendar.at(bucket), partial(self.buckets.crowd, bucket))

    def _slot(self, bucket: int) -> tuple[int, int]:
        return local_slot(datetime.fromtimestamp(bucket * BUCKET, self._zone), self._holidays)

    def recount(self, before: Seen, after: Seen) -> None:
        """An edit while the bucket is open: polarity and topic are replaced, the total stays."""
        self._below.remove(before)
        self.count(after)

    def take_back(self, mention_id: str, identity: bytes, seen: Seen, at: datetime, tell: Tell) -> None:
        """A mention was retracted: before its bucket closes it un-counts; no alert shows it any more."""
        if seen.live and self.is_open(seen.bucket):
            self._below.remove(seen)
        self.exhibition.take_back(mention_id, identity, seen)
        self.take_back_unseen(mention_id, at, tell)

    def take_back_unseen(self, mention_id: str, at: datetime, tell: Tell) -> None:
        """The same of a mention that is not remembered any more: an alert may still show it."""
        self._told.take_back(mention_id, at, tell)

    def situation(self, mention: ScoredMention) -> Situation:
        """How the brand stands: its incident, or that of the part that the mention is of, and the last closed hour."""
        incident = self.core.incident or self._below.incident_of(mention)
        observed, expected = self.hour if self.watch.closed else (None, None)
        if incident is None:
            return Situation(observed=observed, expected=expected)
        return Situation(tier=incident.tier, incident_id=incident.incident_id, observed=observed, expected=expected)

    # -- time

    def due(self) -> int | None:
        """Event time (seconds) of the tick that the brand needs next; None: none at all."""
        first_open = self.core.first_open
        if first_open is None or self.core.replaying:
            return None
        bucket = first_open if self._is_awake() else self._wake()
        return None if bucket is None else (bucket + 1) * BUCKET + LATENESS

    def waits_as_before(self) -> bool:
        """Whether `due` is surely what it was when this was asked last: nearly every mention comes to an open bucket in which others
        wait already."""
        core = self.core
        is_busy = core.first_open is not None and self.buckets.waiting > 0 and not core.replaying
        before, self._waits = self._waits, (self.partitions, core.first_open) if is_busy else None
        return is_busy and self._waits == before

    def _is_awake(self) -> bool:
        """Whether anything is in the last six hours, waits in an open bucket, or fires."""
        core = self.core
        own = self.buckets.waiting > 0 or not self.watch.is_empty() or core.incident is not None or core.surge is not None
        return own or self._below.is_awake()

    def _wake(self) -> int | None:
        """The bucket at whose close an idle brand has something to forget."""
        hour = self.identities.first_hour()
        alert = self._told.first_to_go()
        silence = self.cadences.wake(self.core.first_open or 0, self.core.silences) if self.watch.closed else None
        if silence is not None and silence > self.core.heard + STALE:
            silence = None  # by then silence teaches nothing, and is not judged
        wakes = [wake for wake in (None if hour is None else forgotten_at(hour) - 1, alert, silence) if wake is not None]
        # What should have been forgotten before the first open bucket goes when that one closes.
        return max(min(wakes), self.core.first_open or 0) if wakes else None

    def closes_at(self, clock: float) -> bool:
        """Whether event time ``clock`` closes anything, or starts the brand's first bucket."""
        first_open = self.core.first_open
        return first_open is None or clock - LATENESS >= (first_open + 1) * BUCKET

    def advance(self, clock: float, tell: Tell, *, eager: bool) -> bool:
        """Close what ends 10 minutes before ``clock``; whether anything closed.

        An idle brand is left as it is unless ``eager`` (it is about to change) or there is something to forget: it catches up later, to the
        same bytes, and costs nothing meanwhile.
        """
        core = self.core
        last = int((clock - LATENESS) // BUCKET) - 1
        if core.first_open is None:
            core.first_open = last + 1
            self.identities.forget(core.first_open)  # a retraction may have come long before the first mention
            return False
        before = core.first_open
        while core.first_open <= last:
            if self._is_awake():
                self._close(core.first_open, tell)
                continue
            wake = self._wake()
            if not eager and (wake is None or wake > last):
                break
            upto = last if wake is None else min(last, wake)
            while core.first_open <= upto:
                if not self._learns(core.first_open) and not self._below.families.learn(core.first_open):
                    core.first_open = upto
                    self.exhibition.skip(upto)
                    self._below.keys.skip(upto)
                self._close(core.first_open, tell)
        if core.first_open == before:
            return False
        self.touch()
        return True

    def _learns(self, bucket: int) -> bool:
        """Whether a silent bucket teaches anything: not before the first mention that counts, and not for ever after the last."""
        return self.watch.closed > 0 and bucket <= self.core.heard + STALE

    def end_replay(self, last: int) -> None:
        """A replay tells of no bucket after ``last``: until it is heard again, nobody knows whether a source is silent."""
        core = self.core
        is_repeat = core.first_open is not None and core.first_open > last + 1
        if not is_repeat and (len(self.cadences) or core.arrived):
            core.untold_from = last + 1
            self.touch()

    def _close(self, bucket: int, tell: Tell) -> None:
        core = self.core
        if core.untold_from is not None and bucket >= core.untold_from:
            core.untold_from = None
            self.cadences.pause()
            self._touch_cadences()
        if self._below.keys.divide(bucket):
            self.exhibition.touch(bucket)
        found = self.buckets.get(bucket)
        exhibit = None if found is None else found.exhibit
        counted, shows_less = self.buckets.end(bucket, self.exhibition.is_complaint)
        if shows_less:
            self.exhibition.touch(bucket)
        core.first_open = bucket + 1
        if counted.mentions:
            core.heard = bucket
        if found is not None and found.voices:
            tell(counts_of(self.slug, bucket, found.voices, counted, core.mode))
        if counted.mentions or self._learns(bucket):
            incident = core.incident
            if incident is not None and incident.mode == "observe" and core.mode == "live":
                self._alerts.resolve(core, bucket, 0, "went_live", tell)
                self.watch.end()
            if core.surge is not None and core.surge.mode == "observe" and core.mode == "live":
                self._alerts.resolve_surge(core, bucket, 0, "went_live", tell)
                self.watch.surge.forget()
            verdict = self._judged(self.watch, bucket, counted)
            core.counters.buckets_closed += 1
            self.hour = self.watch.hour()
            self._alerts.follow(core, bucket, verdict, self.watch, self.topics, tell)
            if exhibit is not None and core.confirmed is None and self.topics.learn([quote.topic for quote in exhibit.quotes]):
                self._journal.touch(self.slug, f"{self.slug}|topics".encode(), self.topics.snapshot)
            self._listen(bucket, tell)
            self._touch_watch()
            look = self.watch.worth_a_look()
            core.look = NEVER if look is None else look
        passed = self._alerts.pass_by(core, bucket - RING)
        place, announced, show = self._slot(bucket), self._calendar.at(bucket), self.exhibition
        now = Closing(bucket, place, announced, core, self.watch, self.topics, tell, show.is_complaint, show.touch)
        self._below.close(now, counted)
        if passed:
            self.buckets.at(bucket - RING).shows().clear()
            self.exhibition.touch(bucket - RING)
        gone = self.buckets.forget(bucket + 1)
        if gone is not None:
            self.exhibition.touch(gone)
        self.identities.forget(bucket + 1)
        self._told.forget(bucket, tell)

    def _listen(self, bucket: int, tell: Tell) -> None:
        """Which sources are silent that should not be, and which are no longer."""
        core = self.core
        silences, heard = self.cadences.close(bucket, core.arrived)
        self._touch_cadences()
        for source, silence in list(core.silences.items()):
            if source in heard:
                self._alerts.resolve_silence(core, source, bucket, "calmed", tell)
            elif silence.mode == "observe" and core.mode == "live":
                self._alerts.resolve_silence(core, source, bucket, "went_live", tell)
        for found in silences:
            self._alerts.raise_silence(core, found, bucket, self.watch.closed, tell)

    def _touch_cadences(self) -> None:
        if len(self.cadences):
            self._journal.touch(self.slug, f"{self.slug}|cadence".encode(), self.cadences.snapshot)

    # -- snapshots

    def keys(self) -> int:
        """Changelog keys held, but for those of the evidence."""
        return 3 + len(self.identities) + len(self._told) + len(self._below)

    def touch(self) -> None:
        """The small part changed."""
        if not self._is_touched:
            self._is_touched = True
            self._journal.touch(self.slug, self._key, self._snapshot_core)

    def _touch_watch(self) -> None:
        self._journal.touch(self.slug, f"{self.slug}|watch".encode(), self.watch.snapshot)

    def _snapshot_core(self) -> bytes:
        self._is_touched = False
        return encode_core(self.core)

    def restore(self, kind: str, name: str, value: bytes) -> None:
        """Take back one key's snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        match kind:
            case "":
                self.core = decode_core(value)
            case "watch":
                self.watch.restore(value)
            case "cadence":
                self.cadences.restore(value)
            case "seen":
                self.identities.restore(name, value)
            case "evidence":
                self.exhibition.restore(name, value)
            case "topics":
                self.topics.restore(value)
            case "extent":
                (self._below.named(name).alerts if name else self._alerts).extent.restore(value)
            case "alert":
                key = self._told.restore(name, value)
                if key.below is not None and self._told[name].resolved is None:
                    self._below.named(key.below)
            case "family":
                self._below.families.named(name).restore(value)
            case "key":
                self._below.keys.named(name).restore(value)
            case "parts":
                self._below.keys.parts.restore(value)
            case _:
                raise ValueError("a key of an unknown kind")

    def unreadable(self, kind: str, key: bytes) -> None:
        """A key's snapshot cannot be read. A watch begins anew, silent for its first day; an identity, alert or evidence is forgotten."""
        match kind:
            case "":
                self._is_core_lost = True
            case "watch":
                self._touch_watch()
            case "seen" | "evidence" | "alert" | "cadence" | "topics" | "extent" | "family" | "key" | "parts":
                self._journal.gone(self.slug, key)

    def restored(self, ticks: PartitionTicks) -> None:
        """All keys are back: build what follows from them."""
        if self._is_core_lost:
            self.core = rewarmed_core(self.identities.all(), self._alerts.firing(), self._mode, ticks)
            self.core.counters.buckets_closed = self.watch.closed
            if self.watch.closed or len(self.identities) or len(self._told):
                self.touch()
            else:
                self._journal.gone(self.slug, self._key)  # nothing else is known: perhaps never a brand at all
        core = self.core
        self.partitions = core.awaited or tuple(sorted({partition_of(place) for place in core.origins}))
        reconcile(core, self.watch, self._told)
        if self.watch.closed:
            self.hour = self.watch.hour()
        if core.first_open is not None:
            self._below.rebuild(self.identities.live_since(core.first_open - KEPT), core.first_open)
        self._below.restored()
