"""Keys below the brand that are public: a topic, or a channel family.

Bad reviews of one evening, or complaints about one topic, are a row that the brand's total hides where they are a small part of it. Such a
part is counted from its first mention on, and watched as soon as it matters: when so many people complain in it within an hour that a
burst may come of it. Its watch begins as that part of the brand's (`Watch.seed`), so nothing has to be learnt first, and goes when it has
not mattered for two days. Where a part is most of the brand, the brand itself says the same.

A burst of a part is looked for in many places at once. So that all of them together raise no more alarms by chance than the brand itself,
each must be rarer by their number. In a row of the brand itself a part is told, as a child, only where it stands out: with twice its usual
share of the row.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec
from msgspec import Struct

from pipeline.alert_book import AlertBook
from pipeline.baseline import counts_of
from pipeline.brand_core import VERSION, Core, Counters, OpenIncident, body
from pipeline.buckets import PER_HOUR, Buckets, Counted
from pipeline.closing import Closing, Row
from pipeline.exhibits import Exhibit, Part, Quote
from pipeline.journal import Journal
from pipeline.key import CODES, FAMILIES, Key
from pipeline.parts import FIRST_TOPIC, LARGEST, MOST_OF_BUCKET, Parts, codes_of, counted_of
from pipeline.rewarming import reconcile_below
from pipeline.scrp import HOUR, RING, SILENT, WINDOWS
from pipeline.seen import NEGATIVE, REPOST, Seen, identity_of, topic_number
from pipeline.watch import Profile, Watch

MATTERS = 3
"""People who complain within an hour: half of what a burst needs."""
_TIMES = 2.0
"""Of what is expected: what a burst of an hour needs; and of a part's usual share in a row of the brand, to be told of."""
MOST_WATCHED = 8
"""Of one brand: what has mattered longest ago makes room."""
UNUSED = 2 * 288
"""Buckets after which a part that has not mattered is no longer watched."""


class PartBuckets(Buckets):
    """The buckets of a part. What is kept to be told of them lies with the brand's own."""

    def __init__(self, whole: Buckets) -> None:
        super().__init__()
        self._whole = whole
        self.key = Key()

    def exhibit(self, number: int) -> Exhibit | None:
        """What is kept to be told of a bucket."""
        found = self.exhibits(number, number)
        return found[0] if found else None

    def exhibits(self, first: int, last: int) -> list[Exhibit]:
        """The same of buckets ``first`` to ``last``: of each author one in a clock hour, and of the echoes those of the part's own."""
        topic, family = self.key.topic, self.key.channel_family
        mine: set[bytes] = set()
        authors: dict[tuple[int, int], Quote] = {}
        out = []
        for number in range(first - RING, last + 1):
            whole = self._whole.exhibit(number)
            if whole is None:
                continue
            part = whole.of_part(topic, family)
            part.quotes = [quote for quote in part.quotes if authors.setdefault((number // PER_HOUR, quote.author), quote) is quote]
            mine.update(identity_of(quote.mention_id) for quote in part.quotes)
            if number >= first:
                part.echoes = {identity: echo for identity, echo in whole.echoes.items() if not mine.isdisjoint(echo.of)}
                out.append(part)
        return out


class _Snapshot(Struct, array_like=True):
    mattered: int
    incident: OpenIncident | None
    watch: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode


def incident_in(value: bytes) -> OpenIncident | None:
    """What fires, out of a key's snapshot.

    Raises:
        ValueError: it cannot be read.
    """
    return _decode(body(value)).incident


class PublicKey:
    """One part of a brand that is watched."""

    def __init__(self, key: Key, slug: str, profile: Profile, buckets: PartBuckets, alerts: AlertBook, journal: Journal) -> None:
        self.key = key
        self._slug = slug
        self._journal = journal
        self._place = f"{slug}|key|{key.below}".encode()
        self.core = Core(Counters(), "live", {})
        self.mattered = 0
        """The last bucket in which it mattered."""
        self.watch = Watch(profile, is_part=True)
        self.buckets = buckets
        self.alerts = alerts

    @property
    def incident(self) -> OpenIncident | None:
        """What fires."""
        return self.core.incident

    def close(self, now: Closing, counted: Counted, margin: float, row: Row) -> None:
        """A bucket ends, after that of the brand itself."""
        core, bucket, tell = self.core, now.bucket, now.tell
        core.counters, core.mode = now.core.counters, now.core.mode
        found = self.buckets.get(bucket)
        # Counts that name a family are of what came in private.
        if found is not None and found.voices and self.key.topic is not None:
            tell(counts_of(self._slug, bucket, found.voices, counted, core.mode, topic=self.key.topic))
        if core.incident is not None and core.incident.mode == "observe" and core.mode == "live":
            self.alerts.resolve(core, bucket, 0, "went_live", tell)
            self.watch.end()
        in_row = now.core.confirmed is not None
        self.watch.margin = math.inf if in_row and not self._stands_out(now.whole, counted) else margin
        crowd = partial(self.buckets.crowd, bucket)
        verdict = self.watch.close(*counted, *now.place, now.announced, crowd, learns=now.whole.learns)
        self.alerts.parent = row()
        # More of every kind is told of the brand as a whole.
        self.alerts.follow(core, bucket, verdict._replace(surge=None), self.watch, now.usual, tell)
        if core.incident is not None:
            self.alerts.pass_by(core, bucket - RING)
        self.touch()

    def _stands_out(self, whole: Watch, counted: Counted) -> bool:
        """Whether its hour, with the bucket that closes, holds more of the brand's complaints than usual."""
        mine, all_of_it = self.watch.negatives, whole.negatives
        hour = math.fsum(mine.counts[1 - WINDOWS[HOUR] :]) + counted.negatives
        return hour * all_of_it.mean_sums()[HOUR] >= _TIMES * mine.mean_sums()[HOUR] * all_of_it.sums()[HOUR]

    def touch(self) -> None:
        """Something changed."""
        self._journal.touch(self._slug, self._place, self._snapshot)

    def drop(self) -> None:
        """It is watched no longer."""
        self._journal.gone(self._slug, self._place)

    def _snapshot(self) -> bytes:
        return VERSION + _encode(_Snapshot(self.mattered, self.core.incident, self.watch.snapshot()))

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        snapshot = _decode(body(value))
        self.watch.restore(snapshot.watch)
        self.mattered, self.core.incident = snapshot.mattered, snapshot.incident

    def restored(self) -> None:
        """All keys are back."""
        reconcile_below(self.core, self.watch, self.alerts.firing())


class PublicKeys:
    """All parts of one brand: what is counted of each, and those that are watched. Gone through in the order of their codes."""

    def __init__(self, slug: str, profile: Profile, whole: Buckets, book: Callable[[Buckets, Key], AlertBook], journal: Journal) -> None:
        self._slug = slug
        self._profile = profile
        self._whole = whole
        self._book = book
        self._journal = journal
        self._buckets: dict[int, PartBuckets] = {}
        self._watched: dict[int, PublicKey] = {}
        self.parts = Parts()

    def __len__(self) -> int:
        return len(self._watched)

    def __iter__(self) -> Iterator[PublicKey]:
        return iter(self._watched.values())

    def _of(self, code: int) -> PartBuckets:
        buckets = self._buckets.get(code)
        if buckets is None:
            buckets = self._buckets[code] = PartBuckets(self._whole)
        return buckets

    # -- counts

    def remove(self, seen: Seen) -> None:
        """A live identity has left its open bucket again."""
        bucket = self._whole.get(seen.bucket)
        assert bucket is not None
        bucket.say((seen.public, seen.topic, seen.author, seen.polarity, seen.role), -1)

    def divide(self, number: int) -> bool:
        """A bucket is about to end: its mentions join their parts. Whether less than before is kept of it to be told."""
        bucket = self._whole.get(number)
        if bucket is None:
            return False
        said, bucket.said = bucket.said, {}
        complained: dict[int, set[int]] = {}
        for _, topic, author, polarity, role in said:
            if topic:
                authors = complained.setdefault(topic, set())
                if polarity == NEGATIVE and role != REPOST:
                    authors.add(author)
        counted = counted_of(complained)
        for (public, topic, author, polarity, role), times in said.items():
            topic = topic if counted is None or topic in counted else 0
            seen = Seen(number, 0, author, polarity, role, live=True, public=public, topic=topic)
            for code in codes_of(seen):
                for _ in range(times):
                    self._of(code).add(seen)
        exhibit = bucket.exhibit if counted is None else bucket.shows()
        if exhibit is None:
            return False
        return exhibit.keep_parts([topic for topic, authors in complained.items() if authors], counted, partial(self._is_new, number))

    def _is_new(self, number: int, part: Part, author: int) -> bool:
        kind, name = part
        buckets = self._buckets.get(CODES[name] if kind == "family" else FIRST_TOPIC + topic_number(name))
        return buckets is not None and not buckets.has_counted(author << 2 | NEGATIVE, number)

    def correct(self, seen: Seen, age: int) -> bool:
        """A late mention joins a closed bucket; whether something else is kept of that for it."""
        changes = False
        if seen.topic and not self._takes(seen):
            exhibit = self._whole.at(seen.bucket).shows()
            changes = exhibit.counted is None
            if changes:  # from now on these and no others, after a restart too
                exhibit.counted = frozenset(self._topics(seen.bucket))
            seen = seen._replace(topic=0)
        for code in codes_of(seen):
            counted = self._of(code).add_late(seen)
            key = self._watched.get(code)
            if key is not None and counted.mentions and key.watch.correct(age, counted.negatives, counted.mentions):
                key.touch()
        return changes

    def _takes(self, seen: Seen) -> bool:
        """Whether the topic of a late mention counts apart."""
        exhibit = self._whole.exhibit(seen.bucket)
        if exhibit is not None and exhibit.counted is not None:
            return seen.topic in exhibit.counted
        buckets = self._buckets.get(FIRST_TOPIC + seen.topic)
        is_known = buckets is not None and buckets.get(seen.bucket) is not None
        return is_known or len(self._topics(seen.bucket)) < MOST_OF_BUCKET

    def _topics(self, number: int) -> list[int]:
        """Those that count apart in a closed bucket."""
        return [code - FIRST_TOPIC for code, buckets in self._buckets.items() if code > FIRST_TOPIC and buckets.get(number) is not None]

    def rebuild(self, entries: Iterable[Seen], first_open: int) -> None:
        """After a restore: what is counted follows from the identities."""
        found: dict[int, list[Seen]] = {}
        for seen in entries:
            if seen.bucket >= first_open:
                self._whole.at(seen.bucket).say((seen.public, seen.topic, seen.author, seen.polarity, seen.role))
                continue
            exhibit = self._whole.exhibit(seen.bucket)
            if seen.topic and exhibit is not None and not exhibit.counts(seen.topic):
                seen = seen._replace(topic=0)
            for code in codes_of(seen):
                found.setdefault(code, []).append(seen)
        for code, those in found.items():
            self._of(code).rebuild(those, first_open)

    # -- time

    def close(self, now: Closing, counted: Counted, row: Row) -> None:
        """A bucket ends, after that of the brand itself, which came to ``counted``."""
        bucket = now.bucket
        ended = {code: self._buckets[code].close(bucket) for code in sorted(self._buckets) if self._buckets[code].get(bucket) is not None}
        known = {code: one for code, one in ended.items() if one.mentions}
        mattering = [code for code, one in known.items() if one.negatives and self._matters(code, bucket, now.whole)]
        for code in mattering:
            if (key := self._watched.get(code)) is not None:
                key.mattered = bucket
        for code in mattering:  # after all that are watched have said whether they matter still: none of those makes room
            self._watch(code, now)
        margin = math.log10(max(1, self.parts.small(), len(self._watched)))
        for code, key in list(self._watched.items()):
            key.close(now, ended.get(code, Counted(0, 0)), margin, row)
            if key.incident is None and bucket - key.mattered > UNUSED:
                self._drop(code)
        if known and now.core.confirmed is None:
            self.parts.learn(counted, known)
            self._journal.touch(self._slug, f"{self._slug}|parts".encode(), self.parts.snapshot)
        for code in list(self._buckets):
            self._buckets[code].forget(bucket + 1)
            if code not in self._watched and self._buckets[code].is_bare():
                del self._buckets[code]

    def _matters(self, code: int, bucket: int, whole: Watch) -> bool:
        """Whether a burst may come of what a part holds."""
        share = self.parts.shares(code)[0]
        if share > LARGEST or whole.closed <= SILENT:
            return False
        people = self._buckets[code].crowd(bucket, WINDOWS[HOUR])
        return people >= MATTERS and people >= _TIMES * share * whole.negatives.mean_sums()[HOUR]

    def _watch(self, code: int, now: Closing) -> None:
        """Watch a part from the bucket on that has just ended, unless more others matter more."""
        if code in self._watched:
            return
        key = self._key(code, now.bucket)
        if key is None:
            return
        if len(self._watched) >= MOST_WATCHED:
            idle = [(one.mattered, number) for number, one in self._watched.items() if one.incident is None and one.mattered < now.bucket]
            if not idle:
                return
            self._drop(min(idle)[1])
        made = self._made(code, key)
        made.mattered = now.bucket
        made.watch.seed(now.whole, self.parts.shares(code), made.buckets.counts(now.bucket - 1, RING))

    def _key(self, code: int, bucket: int) -> Key | None:
        """What a code stands for; None: nothing that is kept says what a topic is called."""
        if code < FIRST_TOPIC:
            return Key(channel_family=FAMILIES[code - 1])
        for exhibit in self._whole.exhibits(bucket - RING + 1, bucket):
            name = exhibit.names.get(code - FIRST_TOPIC)
            if name is not None:
                return Key(topic=name)
        return None

    def _made(self, code: int, key: Key) -> PublicKey:
        buckets = self._of(code)
        buckets.key = key
        self._watched[code] = PublicKey(key, self._slug, self._profile, buckets, self._book(buckets, key), self._journal)
        self._watched = dict(sorted(self._watched.items()))
        return self._watched[code]

    def _drop(self, code: int) -> None:
        self._watched.pop(code).drop()

    def skip(self, first_open: int) -> None:
        """Time jumps to ``first_open``."""
        for code in list(self._buckets):
            self._buckets[code].skip(first_open)
            if code not in self._watched and self._buckets[code].is_bare():
                del self._buckets[code]

    def are_awake(self) -> bool:
        """Whether one of them fires."""
        return any(key.incident is not None for key in self._watched.values())

    # -- snapshots

    def named(self, below: str) -> PublicKey:
        """The key of that name, made if need be.

        Raises:
            ValueError: no part is named so.
        """
        key = Key.named(below)
        code = CODES[key.channel_family] if key.channel_family is not None else FIRST_TOPIC + topic_number(key.topic or "")
        return self._watched.get(code) or self._made(code, key)
