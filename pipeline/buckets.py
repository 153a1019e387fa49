"""The buckets of a brand that are open, and the closed ones that can still be corrected: who wrote in them, and in what mood.

A bucket has 5 minutes of event time. One author counts once per clock hour (UTC) and polarity: the cap is applied when a bucket closes,
in the order of buckets, so that neither the order of arrival nor a retraction before the close changes a count.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pipeline.exhibits import Exhibit
from pipeline.scrp import RING
from pipeline.seen import NEGATIVE, REPLY, REPOST, UNSCORED, Seen
from pipeline.ticks import BUCKET

PER_HOUR = 3600 // BUCKET
KEPT = RING + PER_HOUR
"""Closed buckets kept: six hours to correct, and the rest of the first one's clock hour, whose authors have counted."""


class Counted(NamedTuple):
    """Author-capped counts."""

    negatives: int
    mentions: int


Said = tuple[int, int, int, int, int]
"""Of a public mention: family, topic, author, polarity and role."""


class Bucket:
    """``voices``: author and polarity → mentions, of which an hour counts one.

    ``said``: as long as it is open, how many public mentions of each kind it holds: what parts of the brand they are of is
    worked out when it closes.
    """

    __slots__ = ("amplifiers", "exhibit", "roots", "said", "voices")

    def __init__(self) -> None:
        self.voices: dict[int, int] = {}
        self.said: dict[Said, int] = {}
        self.roots = 0
        self.amplifiers = 0
        self.exhibit: Exhibit | None = None

    def say(self, said: Said, step: int = 1) -> None:
        """One mention more, or one less."""
        number = self.said.get(said, 0) + step
        if number:
            self.said[said] = number
        else:
            del self.said[said]

    def shows(self) -> Exhibit:
        """What is kept to be told of it, made if need be: most buckets have nothing."""
        if self.exhibit is None:
            self.exhibit = Exhibit()
        return self.exhibit

    def complainers(self) -> set[int]:
        """Authors of negative mentions."""
        return {key >> 2 for key in self.voices if key & 3 == NEGATIVE}


LOUD = 6
"""Negative mentions of one author within an hour beyond which it is noise: nobody complains so often, and a crew of bots is no crowd."""


class Volume(NamedTuple):
    """What some buckets hold together, authors not capped but where it says so."""

    authors: int
    """Distinct, of negative mentions."""
    everybody: int
    """Distinct authors of all mentions."""
    unscored: int
    amplification: float | None
    """(reposts + replies) / roots; None without a root."""


def voice(seen: Seen) -> int:
    """An author in one mood."""
    return seen.author << 2 | seen.polarity


class Buckets:
    """All of a brand's buckets by number (event time // 300), and per clock hour the voices that have counted."""

    def __init__(self) -> None:
        self._buckets: dict[int, Bucket] = {}
        self._counted: dict[int, set[int]] = {}
        self.waiting = 0
        """Voices in buckets that have not closed."""
        self.complaints = 0
        """Those of them that are negative: what closes count of them is at most that."""

    def get(self, number: int) -> Bucket | None:
        """A bucket, if anything is in it."""
        return self._buckets.get(number)

    def at(self, number: int) -> Bucket:
        """A bucket, made if need be."""
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = Bucket()
        return bucket

    def add(self, seen: Seen, said: Said | None = None) -> None:
        """A live identity joins its open bucket. ``said``: see `Bucket`."""
        new = self._join(seen)
        if said is not None:
            self._buckets[seen.bucket].say(said)
        self.waiting += new
        if new and seen.polarity == NEGATIVE:
            self.complaints += 1

    def _join(self, seen: Seen) -> int:
        """Returns how many voices are new in the bucket: 0 or 1."""
        bucket = self._buckets.get(seen.bucket) or self.at(seen.bucket)
        role = seen.role
        if role >= REPLY:
            bucket.amplifiers += 1
        else:
            bucket.roots += 1
        if role == REPOST:
            return 0
        key = voice(seen)
        known = bucket.voices.get(key, 0)
        bucket.voices[key] = known + 1
        return 0 if known else 1

    def remove(self, seen: Seen) -> None:
        """It leaves its open bucket again."""
        bucket = self._buckets[seen.bucket]
        if seen.role >= REPLY:
            bucket.amplifiers -= 1
        else:
            bucket.roots -= 1
        if seen.role != REPOST:
            key = voice(seen)
            left = bucket.voices[key] - 1
            if left:
                bucket.voices[key] = left
            else:
                del bucket.voices[key]
                self.waiting -= 1
                if seen.polarity == NEGATIVE:
                    self.complaints -= 1

    def close(self, number: int) -> Counted:
        """Apply the cap to the bucket that ends; only mentions that counted stay to be shown."""
        bucket = self._buckets.get(number)
        if bucket is None or not bucket.voices:
            return Counted(0, 0)
        self.waiting -= len(bucket.voices)
        if self.complaints:
            self.complaints -= _negatives(bucket.voices)
        counted = self._counted.setdefault(number // PER_HOUR, set())
        new = bucket.voices.keys() - counted
        counted |= new
        if bucket.exhibit is not None:
            bucket.exhibit.keep_authors(new)
        return Counted(_negatives(new), len(new))

    def end(self, number: int, is_complaint: Callable[[bytes], bool]) -> tuple[Counted, bool]:
        """`close` a bucket, and of the echoes that are kept of it keep those of complaints; whether less is kept than before."""
        bucket = self._buckets.get(number)
        exhibit = None if bucket is None else bucket.exhibit
        if exhibit is None:
            return self.close(number), False
        before = exhibit.size()
        counted = self.close(number)
        exhibit.keep_echoes(is_complaint)
        return counted, exhibit.size() != before

    def has_counted(self, voice: int, number: int) -> bool:
        """Whether a voice has counted in the clock hour of a bucket."""
        return voice in self._counted.get(number // PER_HOUR, ())

    def as_if_closed(self, first_open: int) -> list[tuple[int, Counted]]:
        """What the open buckets, from ``first_open`` to the last that holds anything, come to if they close as they are."""
        counted: dict[int, set[int]] = {}
        last = max((number for number, bucket in self._buckets.items() if bucket.voices), default=first_open - 1)
        out = []
        for number in range(first_open, last + 1):
            bucket = self._buckets.get(number)
            hour = number // PER_HOUR
            known = counted.setdefault(hour, set(self._counted.get(hour, ())))
            new = bucket.voices.keys() - known if bucket is not None else set()
            known |= new
            out.append((number, Counted(_negatives(new), len(new))))
        return out

    def add_late(self, seen: Seen) -> Counted:
        """A live identity joins a closed bucket: what that adds to its counts."""
        self._join(seen)
        if seen.role == REPOST:
            return Counted(0, 0)
        counted = self._counted.setdefault(seen.bucket // PER_HOUR, set())
        key = voice(seen)
        if key in counted:
            return Counted(0, 0)
        counted.add(key)
        return Counted(int(seen.polarity == NEGATIVE), 1)

    def forget(self, first_open: int) -> int | None:
        """Drop the one bucket that can neither be counted nor corrected any more, now that the one before ``first_open`` has closed.

        Returns it if anything was still kept of it.
        """
        gone = first_open - KEPT - 1
        bucket = self._buckets.pop(gone, None)
        if gone % PER_HOUR == PER_HOUR - 1:
            self._counted.pop(gone // PER_HOUR, None)
        return gone if bucket is not None and bucket.exhibit is not None and bucket.exhibit.counted is not None else None

    def skip(self, first_open: int) -> list[int]:
        """Drop all such buckets: time jumps to ``first_open``. Returns those of them of which something was kept to be told."""
        oldest = first_open - KEPT
        shown = [number for number, bucket in self._buckets.items() if number < oldest and bucket.exhibit is not None]
        self._buckets = {number: bucket for number, bucket in self._buckets.items() if number >= oldest}
        self._counted = {hour: voices for hour, voices in self._counted.items() if (hour + 1) * PER_HOUR > oldest}
        return shown

    def rebuild(self, entries: Iterable[Seen], first_open: int) -> None:
        """After a restore: everything but the evidence follows from the identities in the counts of the last `KEPT` buckets."""
        for seen in entries:
            self._join(seen)
        for number, bucket in self._buckets.items():
            if number < first_open:
                self._counted.setdefault(number // PER_HOUR, set()).update(bucket.voices)
            else:
                self.waiting += len(bucket.voices)
                self.complaints += _negatives(bucket.voices)

    def is_bare(self) -> bool:
        """Whether there is no bucket."""
        return not self._buckets

    def counts(self, last: int, length: int) -> list[Counted]:
        """What each of ``length`` buckets up to ``last`` comes to, as if none had been counted in another order than its own."""
        out: list[Counted] = []
        known: set[int] = set()
        first = last - length + 1
        for number in range(first // PER_HOUR * PER_HOUR, last + 1):
            if number % PER_HOUR == 0:
                known = set()
            bucket = self._buckets.get(number)
            new = set() if bucket is None else bucket.voices.keys() - known
            known |= new
            if number >= first:
                out.append(Counted(_negatives(new), len(new)))
        return out

    def crowd(self, last: int, length: int) -> int:
        """Distinct authors of negative mentions in the ``length`` buckets up to ``last``, but for those who write all the time."""
        wrote: dict[int, int] = {}
        for number in range(last - length + 1, last + 1):
            bucket = self._buckets.get(number)
            if bucket is None:
                continue
            for key, count in bucket.voices.items():
                if key & 3 == NEGATIVE:
                    wrote[key] = wrote.get(key, 0) + count
        most = LOUD * max(1, length // PER_HOUR)
        return sum(1 for count in wrote.values() if count <= most)

    def volume(self, first: int, last: int) -> Volume:
        """Of buckets ``first`` to ``last``."""
        chosen = [bucket for number in range(first, last + 1) if (bucket := self._buckets.get(number)) is not None]
        authors = {key for bucket in chosen for key in bucket.voices if key & 3 == NEGATIVE}
        unscored = sum(count for bucket in chosen for key, count in bucket.voices.items() if key & 3 == UNSCORED)
        roots = sum(bucket.roots for bucket in chosen)
        amplification = sum(bucket.amplifiers for bucket in chosen) / roots if roots else None
        everybody = {key >> 2 for bucket in chosen for key in bucket.voices}
        return Volume(len(authors), len(everybody), unscored, amplification)

    def exhibit(self, number: int) -> Exhibit | None:
        """What is kept to be told of a bucket."""
        bucket = self._buckets.get(number)
        return None if bucket is None else bucket.exhibit

    def exhibits(self, first: int, last: int) -> list[Exhibit]:
        """The same of buckets ``first`` to ``last``, in order."""
        found = map(self.exhibit, range(first, last + 1))
        return [exhibit for exhibit in found if exhibit is not None]


def _negatives(voices: Iterable[int]) -> int:
    return sum(1 for key in voices if key & 3 == NEGATIVE)
