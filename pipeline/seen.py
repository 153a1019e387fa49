"""What is remembered of a mention for 7 days: enough to know it again, and to rebuild the open buckets from. At most 64 bytes.

Three things look alike when they arrive: our own repeat after a crash (this identity, this origin), a repeat by the source (this
identity, another origin), and an edit (this id, a higher edit number). The origins that were accepted tell them apart.
"""

import struct
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from pipeline.stage import Origin
from schemas.mention import Label, ScoredMention

POLARITIES: tuple[Label, ...] = ("negative", "neutral", "positive", "unscored")
NEGATIVE = 0
UNSCORED = 3

EXCLUDED, ROOT, REPLY, REPOST = range(4)
"""How a mention takes part in the counts: not at all, as a mention, as a mention that answers another, only by making another louder."""

KEPT_ORIGINS = 3
"""Accepted origins remembered: those of the last edits, which is what a crash repeats."""

_VERSION, _WITH_TOPIC = 1, 3
_HEAD = struct.Struct("<BHIIIQ")
_TOPIC = struct.Struct("<I")
"""Of a version with a topic: its number, between the head and the origins."""
MARK = 12
"""Bytes of an origin: 4 of the epoch's hash, 2 of the partition, 6 of the offset."""

PLACE = 6
"""Bytes of a mark that name the epoch and raw partition."""

LIVE, _RETRACTED, _LATE = 1 << 4, 1 << 5, 1 << 6
_FAMILY, _PUBLIC = 9, 1 << 13


class Marks:
    """Origins as 12 bytes. Remembers the hash of each epoch."""

    def __init__(self) -> None:
        self._epochs: dict[str, bytes] = {}

    def __call__(self, origin: Origin) -> bytes:
        epoch = self._epochs.get(origin.epoch)
        if epoch is None:
            epoch = self._epochs[origin.epoch] = blake2b(origin.epoch.encode(), digest_size=4).digest()
        return epoch + ((origin.partition & 0xFFFF) << 48 | origin.offset & 0xFFFF_FFFF_FFFF).to_bytes(8, "big")


def offset_of(mark: bytes) -> int:
    """The raw offset in a mark."""
    return int.from_bytes(mark[PLACE:], "big")


def partition_of(place: bytes) -> int:
    """The raw partition in a mark or its place."""
    return int.from_bytes(place[4:PLACE], "big")


def identity_of(mention_id: str) -> bytes:
    """A mention's id within its brand, in 16 bytes."""
    return blake2b(mention_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@lru_cache(1024)
def topic_number(topic: str) -> int:
    """A topic in four bytes, never 0."""
    return int.from_bytes(blake2b(topic.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big") or 1


def author_of(author_id: str) -> int:
    """An author's id, in 8 bytes."""
    return int.from_bytes(blake2b(author_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Seen(NamedTuple):
    """One identity. ``bucket`` of its first version; ``applied``: the hour (of event time) from which the 7 days run.

    ``live``: it is in the counts, or was when its bucket closed. ``edit`` is -1 where only its retraction has come. ``accepted``: the
    origins of its last accepted versions; the last ``blocked`` of them came after the retraction.
    """

    bucket: int
    applied: int
    author: int = 0
    polarity: int = UNSCORED
    role: int = EXCLUDED
    live: bool = False
    retracted: bool = False
    late: bool = False
    edit: int = -1
    blocked: int = 0
    accepted: tuple[bytes, ...] = ()
    family: int = 0
    """In which channel family it counts apart, being private (`key.FAMILIES`, from 1); 0: with the brand."""
    public: int = 0
    """In which channel family it counts besides, being public; 0: it is private, or of a version that did not say."""
    topic: int = 0
    """The number of its topic (`topic_number`), with which it counts besides, being public; 0: none is known."""

    def is_complaint(self) -> bool:
        """Whether it says something negative of its own."""
        return self.polarity == NEGATIVE and self.role != REPOST

    def pack(self) -> bytes:
        """At most 64 bytes."""
        flags = (
            self.polarity
            | self.role << 2
            | (LIVE if self.live else 0)
            | (_RETRACTED if self.retracted else 0)
            | (_LATE if self.late else 0)
            | self.blocked << 7
            | (self.family << _FAMILY if self.family else self.public << _FAMILY | _PUBLIC if self.public else 0)
        )
        topic = self.topic or None
        return packed_of(flags, self.edit + 1, self.bucket, self.applied, self.author, topic, b"".join(self.accepted))

    def accept(self, mark: bytes, edit: int) -> "Seen":
        """The same with one more accepted version."""
        accepted = (*self.accepted, mark)[-KEPT_ORIGINS:]
        blocked = min(self.blocked + 1, len(accepted)) if self.retracted else 0
        return self._replace(edit=edit, accepted=accepted, blocked=blocked)

    def is_older(self, mark: bytes) -> bool:
        """Whether that origin came before every accepted one that is remembered."""
        return bool(self.accepted) and mark[:PLACE] == self.accepted[0][:PLACE] and mark < self.accepted[0]

    def was_blocked(self, mark: bytes) -> bool:
        """Whether that accepted version came after the retraction."""
        return self.accepted.index(mark) >= len(self.accepted) - self.blocked


Fields = tuple[int, int, int, int, int, int | None, bytes]
"""Flags, edit + 1, bucket, applied, author, topic and origins of a packed identity."""


def packed_of(flags: int, edit: int, bucket: int, applied: int, author: int, topic: int | None, origins: bytes) -> bytes:
    """A packed identity of its `Fields`."""
    if topic is None:
        return _HEAD.pack(_VERSION, flags, edit, bucket, applied, author) + origins
    return _HEAD.pack(_WITH_TOPIC, flags, edit, bucket, applied, author) + _TOPIC.pack(topic) + origins


def fields_of(packed: bytes) -> Fields:
    """The fields of a packed identity.

    Raises:
        ValueError: it is of another version or size.
    """
    start = _HEAD.size
    if len(packed) >= start:
        version, flags, edit, bucket, applied, author = _HEAD.unpack_from(packed)
        topic = None
        if version == _WITH_TOPIC and len(packed) >= start + _TOPIC.size:
            (topic,) = _TOPIC.unpack_from(packed, start)
            start += _TOPIC.size
        elif version != _VERSION:
            start = 0
        if start and (len(packed) - start) % MARK == 0:
            return flags, edit, bucket, applied, author, topic, packed[start:]
    raise ValueError("a seen identity of another version")


def unpack(value: bytes) -> Seen:
    """Read a packed identity.

    Raises:
        ValueError: it is of another version or size.
    """
    flags, edit, bucket, applied, author, topic, origins = fields_of(value)
    code = flags >> _FAMILY & 15
    is_public = flags & _PUBLIC
    return Seen(
        bucket,
        applied,
        author,
        flags & 3,
        flags >> 2 & 3,
        bool(flags & LIVE),
        bool(flags & _RETRACTED),
        bool(flags & _LATE),
        edit - 1,
        flags >> 7 & 3,
        tuple([origins[at : at + MARK] for at in range(0, len(origins), MARK)]),
        0 if is_public else code,
        code if is_public else 0,
        topic or 0,
    )


def role_of(mention: ScoredMention) -> int:
    """How a mention takes part in the counts, the brand's or those of its private family.

    The brand's own posts never do, nor spam, nor what may mean something else than the brand. A repost is no new complaint: it makes its
    root louder.
    """
    if mention.direction == "outbound" or mention.spam or mention.ambiguous:
        return EXCLUDED
    if mention.kind == "repost":
        return REPOST
    return REPLY if mention.kind == "reply" else ROOT
