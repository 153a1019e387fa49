"""What the crisis stage writes: each mention with its brand's situation, and alerts. How it came to them is `pipeline/crisis.py`'s."""

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from pipeline.alert_book import Tell, Telling
from pipeline.events import cloud_headers, digest, event_id, event_type
from pipeline.stage import Incoming, Outcome, Outgoing
from schemas.codec import encode
from schemas.mention import ScoredMention, Sentiment, Situation, Tier
from schemas.outputs import BrandCounts
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, ALERT_STATE, ALERT_STATE_SHADOW, ASSESSED, COUNTS

REMEMBERED_SITUATIONS = 4096
"""A brand's situation is the same from one closed bucket to the next."""


class _Assessment(Struct, kw_only=True):
    """What an `AssessedMention` has beyond a `ScoredMention`, in its order."""

    situation: Situation
    dossier: str | None = None
    duplicate: bool = False
    retracted: bool = False
    late: bool = False


def assessed(
    record: Incoming,
    mention: ScoredMention,
    situation: Situation,
    dossier: str | None = None,
    *,
    duplicate: bool,
    blocked: bool,
    late: bool,
) -> Outgoing:
    """The mention with its brand's situation. One that was taken back before it came keeps no text, nor words of it."""
    value = record.value
    if blocked:
        value = encode(replace(mention, text="", title=None, topic=None, sentiment=Sentiment(label=mention.sentiment.label)))
    assert value is not None
    # The JSON of an AssessedMention, for a tenth of what it costs to build and write one.
    addition = _addition(
        situation.tier,
        situation.incident_id,
        situation.observed,
        situation.expected,
        dossier,
        duplicate=duplicate,
        blocked=blocked,
        late=late,
    )
    value = value.rstrip()[:-1] + addition
    kind = "duplicate" if duplicate else "retracted" if blocked else "mention"
    identifier = event_id(ASSESSED, mention.brand, mention.mention_id, mention.edit, kind)
    headers = cloud_headers(ASSESSED, identifier, mention.mention_id, mention.published_at, record.headers)
    return Outgoing(ASSESSED, record.key, value, headers)


@lru_cache(REMEMBERED_SITUATIONS, typed=True)
def _addition(
    tier: Tier | None,
    incident_id: str | None,
    observed: float | None,
    expected: float | None,
    dossier: str | None,
    *,
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
            below = () if telling.channel_family is None else (telling.channel_family,)
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
