"""What is kept of a brand's buckets to be told of, its own and those of its private families, under keys of its own.

``brand|evidence|<bucket>`` or ``brand|evidence|<bucket>|<family>``: complaints, and what echoed them (`pipeline/exhibits.py`).
"""

from functools import partial

from pipeline.brands import Brand
from pipeline.buckets import Buckets
from pipeline.dossiers import BrandDossiers
from pipeline.exhibits import OPEN_TIMES, Exhibit, echo_of, quote_of
from pipeline.families import PrivateFamilies
from pipeline.identities import Identities
from pipeline.journal import Journal
from pipeline.key import CODES, FAMILIES, topic_of
from pipeline.phrases import words_of
from pipeline.seen import NEGATIVE, Seen
from schemas.mention import ScoredMention


class Exhibition:
    """Of one brand. The exhibits lie in the buckets; which of them change is told to the journal here."""

    def __init__(
        self,
        brand: Brand,
        buckets: Buckets,
        families: PrivateFamilies,
        identities: Identities,
        dossiers: BrandDossiers | None,
        journal: Journal,
    ) -> None:
        self._slug = brand.slug
        self._names = frozenset(word for name in (brand.slug, *brand.names) for word in words_of(name))
        self._buckets = buckets
        self._families = families
        self._identities = identities
        self._dossiers = dossiers
        self._journal = journal

    def about(self, mention: ScoredMention) -> str | None:
        """The dossier that a mention is about."""
        return None if self._dossiers is None else self._dossiers.about(mention.detected_at, mention.text, mention.title)

    def _of(self, code: int) -> Buckets:
        return self._families.of(code).buckets if code else self._buckets

    def _exhibit(self, bucket: int, code: int) -> Exhibit | None:
        """What is kept to be told of a bucket, the brand's or that of a family."""
        if code and not self._families.knows(code):
            return None
        found = self._of(code).get(bucket)
        return None if found is None else found.exhibit

    def show(self, mention: ScoredMention, seen: Seen, *, is_open: bool, counts: bool = True) -> None:
        """Keep a complaint to be told of. ``is_open``: its bucket has not closed; ``counts``: with the brand, not only in a part."""
        exhibit = self._of(seen.family).at(seen.bucket).shows()
        times = OPEN_TIMES if is_open else 1
        topic = topic_of(mention)
        if topic is not None and seen.topic and exhibit.counts(seen.topic) and exhibit.name(topic):
            self.touch(seen.bucket, seen.family)
        if not counts:
            return
        family = None if seen.family else mention.channel_family
        wanted = exhibit.wants(mention.detected_at.timestamp(), mention.mention_id, times, topic, family)
        if wanted and exhibit.show(quote_of(mention, seen, self._names, self.about(mention)), times):
            self.touch(seen.bucket, seen.family)

    def hide(self, mention_id: str, seen: Seen) -> None:
        """Another version of a mention has come: tell of this one no more."""
        exhibit = self._exhibit(seen.bucket, seen.family)
        if exhibit is not None and exhibit.hide(mention_id):
            self.touch(seen.bucket, seen.family)

    def take_back(self, mention_id: str, identity: bytes, seen: Seen) -> None:
        """A mention was retracted: nothing is told of it, as a complaint or an echo."""
        exhibit = self._exhibit(seen.bucket, seen.family)
        if exhibit is not None and exhibit.hide(mention_id) | (exhibit.echoes.pop(identity, None) is not None):
            self.touch(seen.bucket, seen.family)

    def echo(self, mention: ScoredMention, identity: bytes, seen: Seen, *, is_open: bool) -> None:
        """Keep what makes a complaint louder, or answers it."""
        echo = echo_of(mention, seen.role)
        # Most are of no complaint. What is echoed may yet come, as long as this bucket is open.
        if echo is None or not any(map(self._may_be_complaint if is_open else self.is_complaint, echo.of)):
            return
        if self._of(seen.family).at(seen.bucket).shows().hear(identity, echo, OPEN_TIMES if is_open else 1):
            self.touch(seen.bucket, seen.family)

    def _may_be_complaint(self, identity: bytes) -> bool:
        seen = self._identities.recall(identity)
        return seen is None or (seen.live and seen.polarity == NEGATIVE)

    def is_complaint(self, identity: bytes) -> bool:
        """Whether a mention is known, and counts as a complaint."""
        seen = self._identities.recall(identity)
        return seen is not None and seen.live and seen.polarity == NEGATIVE

    def skip(self, first_open: int) -> None:
        """Drop the buckets that a jump of time to ``first_open`` leaves behind, and their keys."""
        for code in (0, *(CODES[family.name] for family in self._families)):
            for bucket in self._of(code).skip(first_open):
                self.touch(bucket, code)

    def touch(self, bucket: int, code: int = 0) -> None:
        """What is kept of a bucket changed; ``code``: of the family whose it is."""
        key = f"{self._slug}|evidence|{bucket}" if not code else f"{self._slug}|evidence|{bucket}|{FAMILIES[code - 1]}"
        self._journal.touch(self._slug, key.encode(), partial(self._snapshot, bucket, code))

    def _snapshot(self, bucket: int, code: int) -> bytes | None:
        exhibit = self._exhibit(bucket, code)
        return None if exhibit is None else exhibit.snapshot()

    def restore(self, name: str, value: bytes) -> None:
        """Take back one snapshot, of the bucket and family that its key names.

        Raises:
            ValueError: it cannot be read.
        """
        number, _, family = name.partition("|")
        buckets = self._families.named(family).buckets if family else self._buckets
        buckets.at(int(number)).shows().restore(value)
