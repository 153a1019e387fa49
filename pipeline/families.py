"""A key below the brand: what people write to it in private, by channel family.

A wrong invoice makes a row in the mailbox that no public count shows, and private messages are no public row. So each family of private
mentions (mail, messaging, phone, desk, ...) has buckets, a watch and alerts of its own, which come into being with its first mention.
Its incident is a child of the brand's where that fires already: one row is one incident.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import get_args

import msgspec
from msgspec import Struct

from pipeline.alert_book import AlertBook, Tell
from pipeline.announced import EventCalendar
from pipeline.baseline import STALE, counts_of
from pipeline.brand_core import VERSION, Core, Counters, OpenIncident, body
from pipeline.brands import Brand
from pipeline.buckets import Buckets
from pipeline.dossiers import BrandDossiers
from pipeline.incident import Versions
from pipeline.journal import Journal
from pipeline.scrp import RING
from pipeline.seen import Seen
from pipeline.share import Announced
from pipeline.usual_topics import UsualTopics
from pipeline.watch import Watch
from schemas.mention import ChannelFamily, ScoredMention

FAMILIES: tuple[str, ...] = get_args(ChannelFamily)
"""In the order of their codes, from 1: see `Seen.family`."""


class _Snapshot(Struct, array_like=True):
    heard: int
    incident: OpenIncident | None
    watch: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


def family_code(mention: ScoredMention) -> int:
    """Of the private family in which a mention counts; 0: it is public, and counts with the brand."""
    return FAMILIES.index(mention.channel_family) + 1 if mention.visibility == "private" else 0


def incident_in(value: bytes) -> OpenIncident | None:
    """What fires, out of a family's snapshot.

    Raises:
        ValueError: it cannot be read.
    """
    return _decode(body(value)).incident


class PrivateFamily:
    """One family of one brand. Buckets open and close with the brand's own."""

    def __init__(
        self, name: str, brand: Brand, versions: Versions, calendar: EventCalendar, dossiers: BrandDossiers | None, journal: Journal
    ) -> None:
        self.name = name
        self._slug = brand.slug
        self._journal = journal
        self._core = Core(Counters(), brand.mode, {})
        self._heard = 0
        self._topics = UsualTopics()
        self.watch = Watch(brand.profile, bursts_only=True)
        self.buckets = Buckets()
        self.alerts = AlertBook(brand, versions, calendar, self.buckets, dossiers, journal, channel_family=name)

    @property
    def incident(self) -> OpenIncident | None:
        """What fires."""
        return self._core.incident

    def is_awake(self) -> bool:
        """Whether anything is in the last six hours, waits in an open bucket, or fires."""
        return self.buckets.waiting > 0 or not self.watch.is_empty() or self._core.incident is not None

    def learns(self, bucket: int) -> bool:
        """Whether a silent bucket teaches anything."""
        return self.watch.closed > 0 and bucket <= self._heard + STALE

    def correct(self, seen: Seen, age: int) -> bool:
        """A late mention joins a closed bucket; whether it still counts."""
        counted = self.buckets.add_late(seen)
        if not counted.mentions or not self.watch.correct(age, counted.negatives, counted.mentions):
            return False
        self._heard = max(self._heard, seen.bucket)
        self.touch()
        return True

    def close(
        self,
        bucket: int,
        place: tuple[int, int],
        announced: Announced,
        brand: Core,
        is_complaint: Callable[[bytes], bool],
        touch_evidence: Callable[[int], None],
        tell: Tell,
    ) -> None:
        """A bucket ends, after that of the brand itself. ``place``: hour of the local week, and running number of the day."""
        core = self._core
        core.counters, core.mode = brand.counters, brand.mode
        found = self.buckets.get(bucket)
        counted, shows_less = self.buckets.end(bucket, is_complaint)
        if shows_less:
            touch_evidence(bucket)
        if found is not None and found.voices:
            tell(counts_of(self._slug, bucket, found.voices, counted, core.mode, self.name))
        if counted.mentions:
            self._heard = bucket
        if counted.mentions or self.learns(bucket):
            incident = core.incident
            if incident is not None and incident.mode == "observe" and core.mode == "live":
                self.alerts.resolve(core, bucket, 0, "went_live", tell)
                self.watch.end()
            verdict = self.watch.close(*counted, *place, announced, partial(self.buckets.crowd, bucket))
            # More mail of every kind is work, not a wave that anybody sees.
            self.alerts.parent = None if brand.confirmed is None else brand.confirmed.incident_id
            self.alerts.follow(core, bucket, verdict._replace(surge=None), self.watch, self._topics, tell)
            self.touch()
        if self.alerts.pass_by(core, bucket - RING):
            touch_evidence(bucket - RING)
        self.buckets.forget(bucket + 1)
        self.alerts.forget(bucket, tell)

    def touch(self) -> None:
        """Something changed."""
        self._journal.touch(self._slug, f"{self._slug}|family|{self.name}".encode(), self._snapshot)

    def _snapshot(self) -> bytes:
        return VERSION + _encode(_Snapshot(self._heard, self._core.incident, self.watch.snapshot()))

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        snapshot = _decode(body(value))
        self.watch.restore(snapshot.watch)
        self._heard, self._core.incident = snapshot.heard, snapshot.incident

    def restored(self) -> None:
        """All keys are back. An alert without its incident, or the other way round, is one whose key could not be read."""
        core = self._core
        if core.incident is not None and core.incident.fingerprint not in self.alerts:
            core.incident = None
        if core.incident is None:
            for alert in self.alerts.firing():
                if alert.tier is not None:
                    core.incident = OpenIncident(
                        alert.fingerprint, alert.incident_id, alert.tier, alert.mode, alert.raised_at, alert.peak or 0.0
                    )
        tier = None if core.incident is None else core.incident.tier
        if (tier is None) is not (self.watch.tier is None):
            self.watch.tier = tier
        self.watch.alarm.firing = self.watch.tier is not None


class PrivateFamilies:
    """All families of one brand, in the order of their names, so that a restart changes no order."""

    def __init__(self, found: Callable[[str], PrivateFamily]) -> None:
        self._found = found
        self._families: dict[str, PrivateFamily] = {}

    def __len__(self) -> int:
        return len(self._families)

    def __iter__(self) -> Iterator[PrivateFamily]:
        return iter(self._families.values())

    def of(self, code: int) -> PrivateFamily:
        """The family of that code, made if need be."""
        return self.named(FAMILIES[code - 1])

    def named(self, name: str) -> PrivateFamily:
        """The same by its name.

        Raises:
            ValueError: there is no such family.
        """
        family = self._families.get(name)
        if family is None:
            if name not in FAMILIES:
                raise ValueError("a key of an unknown channel family")
            family = self._families[name] = self._found(name)
            self._families = dict(sorted(self._families.items()))
        return family

    def knows(self, code: int) -> bool:
        """Whether anything was written in it."""
        return FAMILIES[code - 1] in self._families

    def incident(self) -> OpenIncident | None:
        """The first that fires."""
        for family in self._families.values():
            if (incident := family.incident) is not None:
                return incident
        return None

    def are_awake(self) -> bool:
        """Whether one of them is."""
        return any(family.is_awake() for family in self)

    def learn(self, bucket: int) -> bool:
        """Whether a silent bucket teaches one of them anything."""
        return any(family.learns(bucket) for family in self)
