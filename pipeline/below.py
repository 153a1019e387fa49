"""All that is watched below a brand: its private channel families, and the topics and channel families of what is public.

One row is one incident: what is raised while another incident of the brand goes on is a part of that, and the brand's own incident takes in
what went on below it before. What only fires still, because its windows have not forgotten a row that ended an hour ago, is another row.
"""

from collections.abc import Callable, Iterator
from functools import partial

from pipeline.alert_book import AlertBook
from pipeline.brand_core import Core, OpenIncident
from pipeline.brands import Brand
from pipeline.buckets import Buckets, Counted
from pipeline.closing import Closing
from pipeline.families import PrivateFamilies, PrivateFamily
from pipeline.journal import Journal
from pipeline.key import Key, keys_of
from pipeline.public_keys import PublicKey, PublicKeys
from pipeline.seen import Seen
from pipeline.told_alerts import ToldAlerts
from schemas.mention import ScoredMention


class Below:
    """Of one brand, whose own buckets are ``whole``. Buckets open and close with these."""

    def __init__(self, brand: Brand, whole: Buckets, told: ToldAlerts, book: Callable[[Buckets, Key], AlertBook], journal: Journal) -> None:
        self._whole = whole
        self._told = told
        self.families = PrivateFamilies(lambda name: PrivateFamily(name, brand, journal, book))
        self.keys = PublicKeys(brand.slug, brand.profile, whole, book, journal)
        self._firing: dict[str, OpenIncident] = {}  # by the key's name; only a close changes that, and every mention asks

    def __len__(self) -> int:
        return len(self.families) + len(self.keys)

    def __iter__(self) -> Iterator[PrivateFamily | PublicKey]:
        yield from self.families
        yield from self.keys

    # -- counts

    def add(self, seen: Seen) -> None:
        """A live identity joins its open bucket, the brand's too."""
        if seen.family:
            self.families.of(seen.family).buckets.add(seen)
        else:
            self._whole.add(seen, (seen.public, seen.topic, seen.author, seen.polarity, seen.role))

    def remove(self, seen: Seen) -> None:
        """It leaves its open bucket again."""
        if seen.family:
            self.families.of(seen.family).buckets.remove(seen)
        else:
            self._whole.remove(seen)
            self.keys.remove(seen)

    def rebuild(self, live: dict[int, list[Seen]], first_open: int) -> None:
        """After a restore: buckets follow from the identities, by `Seen.family`."""
        for family, entries in live.items():
            if family:
                self.families.of(family).buckets.rebuild(entries, first_open)
            else:
                self._whole.rebuild(entries, first_open)
                self.keys.rebuild(entries, first_open)

    # -- time

    def is_awake(self) -> bool:
        """Whether any of it must go on though the brand itself may rest."""
        return self.families.are_awake() or self.keys.are_awake()

    def row(self, core: Core, bucket: int) -> str | None:
        """The incident of which one that is raised now, at the close of ``bucket``, is a part."""
        for incident in (core.confirmed, *(one.incident for one in self)):
            if incident is not None and incident.goes_on(bucket):
                return self._told[incident.fingerprint].alert.parent_incident_id or incident.incident_id
        return None

    def close(self, now: Closing, counted: Counted) -> None:
        """A bucket ends, after that of the brand itself, which came to ``counted``."""
        core = now.core
        row = partial(self.row, core, now.bucket)
        for family in self.families:
            family.close(now, row)
        self.keys.close(now, counted, row)
        own = core.confirmed
        if own is not None and own.goes_on(now.bucket):
            for one in self:
                if one.incident is not None and one.incident.goes_on(now.bucket):
                    one.alerts.join(one.core, own.incident_id, now.bucket, now.tell)
        self._note_firing()

    def _note_firing(self) -> None:
        self._firing = {one.key.below or "": one.incident for one in self if one.incident is not None}

    def incident_of(self, mention: ScoredMention) -> OpenIncident | None:
        """What fires of the part that a mention is of: its topic, before its channel family."""
        if not self._firing:
            return None
        found = (self._firing.get(key.below or "") for key in keys_of(mention))
        return next((incident for incident in found if incident is not None), None)

    # -- snapshots

    def named(self, name: str) -> PrivateFamily | PublicKey:
        """What is watched under that name among the brand's keys, made if need be.

        Raises:
            ValueError: nothing can have that name.
        """
        return self.keys.named(name) if ":" in name else self.families.named(name)

    def restored(self) -> None:
        """All keys are back."""
        for one in self:
            one.restored()
        self._note_firing()
