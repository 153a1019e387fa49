"""The small part of a brand's state, written with every change: counters, clock, origins, the open incident."""

import math
from datetime import datetime

import msgspec
from msgspec import Struct

from pipeline.journal import SEAL, SEALED
from pipeline.ticks import BUCKET
from schemas.mention import Label, Mode, ScoredMention, Tier

VERSION = b"\x01"
"""First byte of every snapshot of a brand."""


NEVER = 1 << 30
_HOUR = 3600 // BUCKET


class Counters(Struct, array_like=True):
    """Cumulative counts since the brand was first seen. Every accepted identity is a mention and has one label, whatever becomes of it."""

    mentions: int = 0
    negatives: int = 0
    neutrals: int = 0
    positives: int = 0
    unscored: int = 0
    duplicates: int = 0
    retractions: int = 0
    late: int = 0
    edits: int = 0
    outbound: int = 0
    private: int = 0
    spam: int = 0
    ambiguous: int = 0
    reposts: int = 0
    alerts_raised: int = 0
    alerts_escalated: int = 0
    alerts_resolved: int = 0
    buckets_closed: int = 0

    def count(self, label: Label) -> None:
        """One more mention of this label."""
        self.mentions += 1
        match label:
            case "negative":
                self.negatives += 1
            case "neutral":
                self.neutrals += 1
            case "positive":
                self.positives += 1
            case "unscored":
                self.unscored += 1

    def take(self, mention: ScoredMention) -> None:
        """One more mention."""
        self.count(mention.sentiment.label)
        # Asked one by one, of which nearly all say no: adding up what they say costs four times as much.
        if mention.direction == "outbound":
            self.outbound += 1
        if mention.visibility == "private":
            self.private += 1
        if mention.spam:
            self.spam += 1
        if mention.ambiguous:
            self.ambiguous += 1
        if mention.kind == "repost":
            self.reposts += 1


_TIMES = 2.0
"""Of the expected rate: what a run of complaints, or of mentions, has at least (see `slow_burn.run_of`)."""

_SURE = math.log(100.0)
"""What comes after a lull is the run going on, if it is a hundred times likelier as a run than as usual."""


class Run(Struct, array_like=True):
    """How long what was raised has gone on: its most likely end as far as known, as counts come in one after another.

    The windows of a detector forget hours later; for the most likely end of a run no window is needed.
    """

    until: int
    """The bucket after its last."""
    lack: float = 0.0
    """What the buckets since then have against its going on: a log of likelihoods, from 0 to `_SURE`."""

    def follow(self, bucket: int, count: float, mean: float) -> None:
        """A bucket has closed."""
        self.lack = min(_SURE, self.lack + mean * (_TIMES - 1.0) - count * math.log(_TIMES))
        if self.lack < 0.0:
            self.until, self.lack = max(self.until, bucket + 1), 0.0

    def is_near(self, bucket: int) -> bool:
        """Whether it went on within the hour that ends with ``bucket``, as far as known."""
        return self.until > bucket - _HOUR

    def over(self, bucket: int, calm: int) -> int:
        """How many buckets ago it was over, at the close of ``bucket``: at least ``calm``."""
        return max(calm, bucket + 1 - self.until)


class OpenIncident(Struct, array_like=True):
    """What fires now; its latest telling is the alert of that fingerprint."""

    fingerprint: str
    incident_id: str
    tier: Tier
    mode: Mode
    raised_at: datetime
    peak: float
    unconfirmed: int | None = None
    """Raised before its bucket closed: over unless the close of this bucket or one before confirms it."""
    run: Run | None = None
    """None: of a version that did not follow it."""

    def goes_on(self, bucket: int) -> bool:
        """Whether its row does, at the close of ``bucket``: what fires may be over for hours, until its windows have forgotten it."""
        return self.run is None or self.run.is_near(bucket)


class OpenSurge(Struct, array_like=True):
    """A surge or a silence that has not ended. It has no tier."""

    fingerprint: str
    incident_id: str
    mode: Mode
    raised_at: datetime
    peak: float
    run: Run | None = None


class Core(Struct, array_like=True):
    """``origins``: epoch and raw partition → highest raw offset applied. Times in seconds of event time, -inf before the first."""

    counters: Counters
    mode: Mode
    origins: dict[bytes, int]
    event_at: float = float("-inf")
    """Latest detection time of a mention."""
    tick_at: float = float("-inf")
    """Latest tick of this brand alone."""
    replaying: bool = False
    first_open: int | None = None
    heard: int = 0
    """The last closed bucket in which anything counted."""
    incident: OpenIncident | None = None
    awaited: tuple[int, ...] = ()
    """Raw partitions whose ticks the brand waits for, where the partition count has been changed; else those it was seen from."""
    surge: OpenSurge | None = None
    look: int = NEVER
    """So many complaints in open buckets are worth a look whether they would raise an alarm."""
    arrived: dict[str, dict[int, int]] = msgspec.field(default_factory=dict)
    """Registered source → open bucket → mentions it brought."""
    silences: dict[str, OpenSurge] = msgspec.field(default_factory=dict)
    """By source: what was told of it, as long as it is silent."""
    replay_from: str = ""
    """Origin of the tick that began the replay."""
    untold_from: int | None = None
    """The first bucket after a replay that has ended, as long as it has not closed."""

    @property
    def confirmed(self) -> OpenIncident | None:
        """What fires by a close: the order of arrival within the lateness does not change that."""
        return self.incident if self.incident is not None and self.incident.unconfirmed is None else None

    def hear(self, source: str, bucket: int) -> None:
        """A registered source has brought a mention; a late one shows that it is alive now."""
        assert self.first_open is not None
        counts = self.arrived.setdefault(source, {})
        open_bucket = max(bucket, self.first_open)
        counts[open_bucket] = counts.get(open_bucket, 0) + 1


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Core).decode


def encode_core(core: Core) -> bytes:
    """A snapshot."""
    return VERSION + _encode(core)


def decode_core(value: bytes) -> Core:
    """Read a snapshot.

    Raises:
        ValueError: it is of another version, or none at all.
    """
    return _decode(body(value))


def body(value: bytes) -> bytes:
    """What follows the version byte. A seal is passed over: who restores has checked it before.

    Raises:
        ValueError: the snapshot is of another version.
    """
    start = SEALED if value[:1] == SEAL else 0
    if value[start : start + 1] != VERSION:
        raise ValueError("a snapshot of another version")
    return value[start + 1 :]
