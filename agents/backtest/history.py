"""What the stages up to the crisis stage make of a history: per brand its counts, its alerts, and who wrote where in which tone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from agents.offline import CHUNK, EPOCH, OfflineChain
from agents.refused import Refused
from agents.replay import RawRecord
from pipeline.stage import ORIGIN, Incoming, Origin, Outgoing, Stage, header, parse_origin
from pipeline.ticks import BUCKET
from pipeline.watch import Profile
from schemas.mention import Situation
from schemas.outputs import Alert
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, ASSESSED

STAGES = ("language", "sentiment", "crisis")
"""What a backtest needs; nothing is routed."""


class Raised(NamedTuple):
    """One transition of an incident, and the raw record that decided it."""

    alert: Alert
    decided_by: Origin | None


class Mark(NamedTuple):
    """A moment for the picture and the table of alerts.

    ``name``: tier of a crisis, else kind; ``opens``: here an incident of tier warning or crisis begins; ``is_child``: of one that is
    part of another.
    """

    at: datetime
    name: str
    signal: str
    sentence: str
    opens: bool
    is_child: bool = False


class HourSeen(NamedTuple):
    """How the detector saw an hour: author-capped negatives, and what it expected."""

    observed: float
    expected: float


@dataclass
class BrandHistory:
    """One brand's past. Buckets are those of event time (epoch seconds / 300); hours likewise (/ 3600).

    ``mentions`` and ``negatives``: everything, as other products count; ``counted`` and ``counted_negatives``: without reposts, each author
    once an hour and polarity, as our detector counts.
    """

    slug: str
    mentions: Counter[int] = field(default_factory=Counter)
    negatives: Counter[int] = field(default_factory=Counter)
    counted: Counter[int] = field(default_factory=Counter)
    counted_negatives: Counter[int] = field(default_factory=Counter)
    hours: dict[int, HourSeen] = field(default_factory=dict)
    raised: list[Raised] = field(default_factory=list)
    told: list[Mark] = field(default_factory=list)
    """Instead of alerts, where only counts are known."""
    otherwise: dict[Profile, int] = field(default_factory=dict)
    """Incidents of tier warning or crisis that each other profile than the brand's would have raised, where they were tried."""
    tones: dict[str, Counter[str]] = field(default_factory=dict)
    languages: Counter[str] = field(default_factory=Counter)
    authors: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    too_late: Counter[str] = field(default_factory=Counter)
    labels: dict[str, str] = field(default_factory=dict)
    _loud: set[tuple[int, str, bool]] = field(default_factory=set)

    def marks(self) -> list[Mark]:
        """What was raised or escalated, in order; each incident opens once, children of another never.

        What was told as one of its own and then became part of another, or goes on under another name, is one with that.
        """
        out, open_ones = list(self.told), set[str]()
        wholes = {alert.incident_id: alert.parent_incident_id for alert, _ in self.raised if alert.parent_incident_id is not None}
        for alert, _ in self.raised:
            if alert.transition not in ("raised", "escalated"):
                continue
            paged = alert.kind == "crisis" and alert.tier in ("warning", "crisis") and alert.parent_incident_id is None
            opens = paged and (whole := _whole(alert.incident_id, wholes)) not in open_ones
            if opens:
                open_ones.add(whole)
            name, is_child = alert.tier or alert.kind, alert.parent_incident_id is not None
            out.append(Mark(alert.updated_at, name, alert.signal or "", alert.headline, opens, is_child))
        return sorted(out)

    def incidents(self) -> list[datetime]:
        """When incidents of tier warning or crisis began, each once, children of another left out."""
        return [mark.at for mark in self.marks() if mark.opens]

    def stretch(self) -> range:
        """The buckets from the first mention to the last."""
        return range(min(self.mentions), max(self.mentions) + 1) if self.mentions else range(0)


def _whole(incident_id: str, wholes: Mapping[str, str]) -> str:
    """What an incident is part of in the end."""
    passed = {incident_id}
    while (whole := wholes.get(incident_id)) is not None and whole not in passed:
        passed.add(incident_id := whole)
    return incident_id


class _Author(Struct):
    id: str


class _Sentiment(Struct):
    label: str


class _Mention(Struct, tag_field="type", tag="mention"):
    brand: str
    mention_id: str
    channel_family: str
    detected_at: datetime
    author: _Author
    sentiment: _Sentiment
    situation: Situation
    received_at: datetime | None = None
    direction: Literal["inbound", "outbound"] = "inbound"
    kind: str = "post"
    source: str | None = None
    language: str | None = None
    spam: bool = False
    ambiguous: bool = False
    duplicate: bool = False
    retracted: bool = False
    late: bool = False


class _Retraction(Struct, tag_field="type", tag="retraction"):
    pass


class _Tick(Struct, tag_field="type", tag="tick"):
    pass


_assessed = msgspec.json.Decoder(_Mention | _Retraction | _Tick)
_alert = msgspec.json.Decoder(Alert)

LATE = 600.0
"""Seconds behind its event time after which a mention misses the close of its bucket."""


class Listener:
    """Takes what the stages write, and knows each brand afterwards. ``keep_labels``: also the label of every mention id."""

    def __init__(self, *, keep_labels: bool = False) -> None:
        self.brands: dict[str, BrandHistory] = {}
        self._keep_labels = keep_labels

    def hear(self, outgoing: Iterable[Outgoing]) -> None:
        """Take the records of a batch of any stage."""
        for out in outgoing:
            if out.value is None:
                continue
            if out.topic is ASSESSED:
                seen = _assessed.decode(out.value)
                if isinstance(seen, _Mention):
                    _count(self._brand(seen.brand), seen, keep_labels=self._keep_labels)
            elif out.topic in (ALERT_EVENT, ALERT_EVENT_SHADOW):
                alert = _alert.decode(out.value)
                origin = header(out.headers, ORIGIN)
                self._brand(alert.brand).raised.append(Raised(alert, parse_origin(origin) if origin is not None else None))

    def _brand(self, slug: str) -> BrandHistory:
        return self.brands.setdefault(slug, BrandHistory(slug))


def read_history(
    records: Iterable[RawRecord], stages: Sequence[Stage], *, keep_labels: bool = False, refused: Refused | None = None
) -> dict[str, BrandHistory]:
    """Run raw records through the stages (those named in `STAGES`); what is known of each brand afterwards.

    ``keep_labels``: also the label of every mention id (for evaluations that know the truth). ``refused`` hears of every dead letter.
    """
    refused = Refused() if refused is None else refused
    listener = Listener(keep_labels=keep_labels)
    chain = OfflineChain(stages, EPOCH)
    source = refused.noting(records)
    offsets: Counter[int] = Counter()
    while chunk := list(islice(source, CHUNK)):
        arriving = []
        for record in chunk:
            arriving.append(Incoming(record.partition, offsets[record.partition], int(record.at * 1000), record.key, record.value, []))
            offsets[record.partition] += 1
        for _, _, outcome in chain.work(arriving):
            listener.hear(outcome.outgoing)
            for letter in outcome.dead:
                refused.take(letter)
    return listener.brands


def _count(brand: BrandHistory, seen: _Mention, *, keep_labels: bool) -> None:
    if keep_labels:
        brand.labels.setdefault(seen.mention_id, seen.sentiment.label)
    if seen.duplicate or seen.retracted or seen.spam or seen.ambiguous or seen.direction == "outbound":
        return
    at = seen.detected_at.timestamp()
    bucket = int(at // BUCKET)
    brand.mentions[bucket] += 1
    negative = seen.sentiment.label == "negative"
    brand.negatives[bucket] += negative
    once = (int(at // 3600), seen.author.id, negative)
    if seen.kind != "repost" and once not in brand._loud:
        brand._loud.add(once)
        brand.counted[bucket] += 1
        brand.counted_negatives[bucket] += negative
    brand.tones.setdefault(seen.channel_family, Counter())[seen.sentiment.label] += 1
    brand.languages[seen.language or "none"] += 1
    brand.authors[seen.author.id] += 1
    source = seen.source or "unknown"
    brand.by_source[source] += 1
    brand.too_late[source] += seen.late
    if seen.received_at is not None and seen.received_at.timestamp() - at > LATE:
        brand.late[source] += 1
    situation = seen.situation
    if situation.observed is not None and situation.expected is not None:
        brand.hours[int(at // 3600)] = HourSeen(situation.observed, situation.expected)
