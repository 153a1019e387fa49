"""A key below the brand: what people write to it in private, by channel family.

A wrong invoice makes a row in the mailbox that no public count shows, and private messages are no public row. So each family of private
mentions (mail, messaging, phone, desk, ...) has buckets, a watch and alerts of its own, which come into being with its first mention.
Its incident is a child of the brand's where that fires already: one row is one incident.
"""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from msgspec import Struct

from pipeline.alert_book import AlertBook
from pipeline.baseline import STALE, counts_of
from pipeline.brand_core import VERSION, Core, Counters, OpenIncident, body
from pipeline.brands import Brand
from pipeline.buckets import Buckets
from pipeline.closing import Closing, Row
from pipeline.journal import Journal
from pipeline.key import CODES, FAMILIES, Key
from pipeline.rewarming import reconcile_below
from pipeline.scrp import RING
from pipeline.seen import Seen
from pipeline.usual_topics import UsualTopics
from pipeline.watch import Watch


class _Snapshot(Struct, array_like=True):
    heard: int
    incident: OpenIncident | None
    watch: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


def incident_in(value: bytes) -> OpenIncident | None:
    """What fires, out of a family's snapshot.

    Raises:
        ValueError: it cannot be read.
    """
    return _decode(body(value)).incident


class PrivateFamily:
    """One family of one brand. Buckets open and close with the brand's own."""

    def __init__(self, name: str, brand: Brand, journal: Journal, book: Callable[[Buckets, Key], AlertBook]) -> None:
        self.name = name
        self.key = Key(None, name, is_private=True)
        self._slug = brand.slug
        self._journal = journal
        self.core = Core(Counters(), brand.mode, {})
        self._heard = 0
        self._topics = UsualTopics()
        self.watch = Watch(brand.profile, bursts_only=True)
        self.buckets = Buckets()
        self.alerts = book(self.buckets, self.key)

    @property
    def incident(self) -> OpenIncident | None:
        """What fires."""
        return self.core.incident

    def is_awake(self) -> bool:
        """Whether anything is in the last six hours, waits in an open bucket, or fires."""
        return self.buckets.waiting > 0 or not self.watch.is_empty() or self.core.incident is not None

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

    def close(self, now: Closing, row: Row) -> None:
        """A bucket ends, after that of the brand itself."""
        core, bucket, tell = self.core, now.bucket, now.tell
        core.counters, core.mode = now.core.counters, now.core.mode
        found = self.buckets.get(bucket)
        counted, shows_less = self.buckets.end(bucket, now.is_complaint)
        if shows_less:
            now.touch(bucket, CODES[self.name])
        if found is not None and found.voices:
            tell(counts_of(self._slug, bucket, found.voices, counted, core.mode, self.name))
        if counted.mentions:
            self._heard = bucket
        if counted.mentions or self.learns(bucket):
            incident = core.incident
            if incident is not None and incident.mode == "observe" and core.mode == "live":
                self.alerts.resolve(core, bucket, 0, "went_live", tell)
                self.watch.end()
            verdict = self.watch.close(*counted, *now.place, now.announced, partial(self.buckets.crowd, bucket))
            self.alerts.parent = row()
            # More mail of every kind is work, not a wave that anybody sees.
            self.alerts.follow(core, bucket, verdict._replace(surge=None), self.watch, self._topics, tell)
            self.touch()
        if self.alerts.pass_by(core, bucket - RING):
            self.buckets.at(bucket - RING).shows().clear()
            now.touch(bucket - RING, CODES[self.name])
        self.buckets.forget(bucket + 1)

    def touch(self) -> None:
        """Something changed."""
        self._journal.touch(self._slug, f"{self._slug}|family|{self.name}".encode(), self._snapshot)

    def _snapshot(self) -> bytes:
        return VERSION + _encode(_Snapshot(self._heard, self.core.incident, self.watch.snapshot()))

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        snapshot = _decode(body(value))
        self.watch.restore(snapshot.watch)
        self._heard, self.core.incident = snapshot.heard, snapshot.incident

    def restored(self) -> None:
        """All keys are back."""
        reconcile_below(self.core, self.watch, self.alerts.firing())


class PrivateFamilies:
    """All families of one brand, in the order of their names, so that a restart changes no order."""

    def __init__(self, found: Callable[[str], PrivateFamily]) -> None:
        self._found = found
        self._families: dict[str, PrivateFamily] = {}

    def __len__(self) -> int:
        return len(self._families)

    def __contains__(self, name: object) -> bool:
        return name in self._families

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
        return FAMILIES[code - 1] in self

    def are_awake(self) -> bool:
        """Whether one of them is."""
        return any(family.is_awake() for family in self)

    def learn(self, bucket: int) -> bool:
        """Whether a silent bucket teaches one of them anything."""
        return any(family.learns(bucket) for family in self)
