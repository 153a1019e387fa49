"""What the crisis stage writes: each mention with its brand's situation, and alerts. How it came to them is `pipeline/crisis.py`'s."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from pipeline.events import Headers, cloud_headers, digest, event_id, event_type, headers_with
from pipeline.seen import Marks, author_of, identity_of
from pipeline.stage import Arrival, Incoming, Outcome, Outgoing
from pipeline.ticks import BUCKET
from pipeline.told_alerts import Tell, Telling
from schemas.codec import encode
from schemas.mention import ScoredMention, Sentiment, Situation, Tier
from schemas.outputs import BrandCounts
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, ALERT_STATE, ALERT_STATE_SHADOW, ASSESSED, COUNTS

_LAST_SECOND = 4e9
"""In the year 2096."""

REMEMBERED_SITUATIONS = 4096
"""A brand's situation is the same from one closed bucket to the next."""


def seconds(moment: datetime) -> float:
    """Event time, within the years in which local times and packed buckets work: a date in the year 1 must not end the process."""
    at = moment.timestamp()
    return at if 0.0 <= at <= _LAST_SECOND else min(max(at, 0.0), _LAST_SECOND)


class _Assessment(Struct, kw_only=True):
    """What an `AssessedMention` has beyond a `ScoredMention`, in its order."""

    situation: Situation
    dossier: str | None = None
    duplicate: bool = False
    retracted: bool = False
    late: bool = False


class Read(NamedTuple):
    """A mention, and what follows from it alone: who says what, when, and the record that goes out but for the brand's situation.

    ``at``: its detection time in seconds, within the years in which local times work; ``begun``: the JSON of the record without its end.
    """

    record: Incoming
    mention: ScoredMention
    mark: bytes
    identity: bytes
    at: float
    bucket: int
    author: int
    begun: bytes
    headers: Headers


def read(arrivals: Iterable[Arrival[Any]], marks: Marks) -> list[Read]:
    """The mentions among some arrivals."""
    out = []
    for record, mention, origin, passed in [(one.record, one.value, one.origin, one.passed) for one in arrivals]:
        if not isinstance(mention, ScoredMention):
            continue
        mention_id = mention.mention_id
        at = seconds(mention.detected_at)
        identifier = event_id(ASSESSED, mention.brand, mention_id, mention.edit, "mention")
        assert record.value is not None
        out.append(
            Read(
                record,
                mention,
                marks(origin),
                identity_of(mention_id),
                at,
                int(at // BUCKET),
                author_of(mention.author.id),
                record.value.rstrip()[:-1],
                headers_with(ASSESSED, identifier, mention_id, mention.published_at, passed),
            )
        )
    return out


def assessed(
    said: Read,
    situation: Situation,
    dossier: str | None = None,
    *,
    duplicate: bool,
    blocked: bool,
    late: bool,
) -> Outgoing:
    """The mention with its brand's situation. One that was taken back before it came keeps no text, nor words of it."""
    record, mention, begun, headers = said.record, said.mention, said.begun, said.headers
    if blocked:
        silent = replace(mention, text="", title=None, topic=None, sentiment=Sentiment(label=mention.sentiment.label))
        begun = encode(silent)[:-1]
    if blocked or duplicate:
        identifier = event_id(ASSESSED, mention.brand, mention.mention_id, mention.edit, "duplicate" if duplicate else "retracted")
        headers = cloud_headers(ASSESSED, identifier, mention.mention_id, mention.published_at, headers)
    # The JSON of an AssessedMention, for a tenth of what it costs to build and write one.
    addition = _addition(
        situation.tier, situation.incident_id, situation.observed, situation.expected, dossier, duplicate, blocked, late
    )  # fmt: skip
    return Outgoing(ASSESSED, record.key, begun + addition, headers)


@lru_cache(REMEMBERED_SITUATIONS, typed=True)
def _addition(
    tier: Tier | None,
    incident_id: str | None,
    observed: float | None,
    expected: float | None,
    dossier: str | None,
    duplicate: bool,
    blocked: bool,
    late: bool,
) -> bytes:
    """JSON of an assessment, as it goes on from that of a mention."""
    situation = Situation(tier=tier, incident_id=incident_id, observed=observed, expected=expected)
    return b"," + encode(_Assessment(situation=situation, dossier=dossier, duplicate=duplicate, retracted=blocked, late=late))[1:]


def teller(record: Incoming, outcome: Outcome) -> Tell:
    """Publishes what ``record`` brought about: alerts, every transition and the latest state, and the counts of buckets that closed."""

    def tell(telling: Telling | BrandCounts) -> None:
        if isinstance(telling, BrandCounts):
            below: tuple[str, ...] = () if telling.channel_family is None else (telling.channel_family,)
            if telling.topic is not None:
                below = "", telling.topic
            identifier = digest(event_type(COUNTS), telling.brand, telling.bucket_start.isoformat(), *below)
            headers = cloud_headers(COUNTS, identifier, telling.brand, telling.bucket_start, record.headers)
            outcome.outgoing.append(Outgoing(COUNTS, telling.brand.encode(), encode(telling), headers))
            return
        alert = telling.alert
        shadow = alert.mode == "observe"
        key = alert.fingerprint.encode()
        latest = ALERT_STATE_SHADOW if shadow else ALERT_STATE
        if telling.gone:
            identifier = digest(event_type(latest), alert.incident_id, "gone")
            headers = cloud_headers(latest, identifier, alert.incident_id, alert.updated_at, record.headers)
            outcome.outgoing.append(Outgoing(latest, key, None, headers))
            return
        value = encode(alert)
        for topic in (ALERT_EVENT_SHADOW if shadow else ALERT_EVENT, latest):
            identifier = digest(event_type(topic), alert.incident_id, alert.revision)
            headers = cloud_headers(topic, identifier, alert.incident_id, alert.updated_at, record.headers)
            outcome.outgoing.append(Outgoing(topic, key, value, headers))
        outcome.counts["alerts", alert.kind, alert.tier or "none", alert.transition] += 1

    return tell
