"""The life of an incident: raised, escalated, resolved, each a new revision of one alert. Identity never changes on the way.

What is told can be recomputed: every number comes from the closed bucket that decided. The moment of a decision is event time: a bucket
that ends at E is closed at E + 10 minutes, whatever record moved the watermark there.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from pipeline.brands import Brand
from pipeline.buckets import EVIDENCE, Quote, Volume
from pipeline.events import digest
from pipeline.headline import Facts, explanation, headline, resolved_headline
from pipeline.scrp import WINDOWS
from pipeline.ticks import BUCKET
from pipeline.watch import Verdict
from schemas.mention import Mode, Tier
from schemas.outputs import Alert, Band, Baseline, Evidence

LATENESS = 600
"""Seconds that a bucket stays open after its end."""

WARM_DAYS = 14.0
HALF_WIDTH_SDS = 1.96
MOST_RETURN_DAYS = 1e6

Severity = Literal["info", "warning", "critical"]
SEVERITIES: dict[Tier, Severity] = {"watch": "info", "warning": "warning", "crisis": "critical"}


class Scene(NamedTuple):
    """What surrounds a verdict. ``bucket`` is the one that was closed; ``started`` the bucket in which the run began."""

    brand: Brand
    mode: Mode
    bucket: int
    started: int
    verdict: Verdict
    tier: Tier
    volume: Volume
    calendar: tuple[str, ...]
    history: int
    """Buckets learnt from."""
    peak: float
    evidence: Iterable[Quote]


class Versions(NamedTuple):
    """What decided: software and configuration."""

    detector: str
    config: str


def fingerprint_of(brand: str, kind: str, topic: str | None = None, channel_family: str | None = None, source: str | None = None) -> str:
    """The kind of trouble: the same for each case of it."""
    return digest(brand, kind, topic or "", channel_family or "", source or "")


def incident_id_of(fingerprint: str, bucket: int) -> str:
    """This case of it: the fingerprint and the start of the bucket in which it was raised."""
    return f"{fingerprint}-{moment(bucket * BUCKET):%Y%m%dT%H%MZ}"


def moment(seconds: float) -> datetime:
    """Event time, UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def closed_at(bucket: int) -> datetime:
    """When, in event time, a bucket closes."""
    return moment((bucket + 1) * BUCKET + LATENESS)


def span(bucket: int, verdict: Verdict) -> tuple[int, int]:
    """First and last bucket of the window that explains the score best, which ends with ``bucket``."""
    return bucket - WINDOWS[verdict.negatives.window()] + 1, bucket


def raise_alert(scene: Scene, versions: Versions) -> Alert:
    """The first revision."""
    fingerprint = fingerprint_of(scene.brand.slug, "crisis")
    at = closed_at(scene.bucket)
    judged = scene.verdict.negatives
    return _told(
        Alert(
            fingerprint=fingerprint,
            incident_id=incident_id_of(fingerprint, scene.bucket),
            revision=1,
            brand=scene.brand.slug,
            kind="crisis",
            status="firing",
            transition="raised",
            mode=scene.mode,
            raised_at=at,
            started_at=moment(scene.started * BUCKET),
            updated_at=at,
            headline="",
            language=scene.brand.alert_language(),
            window_seconds=0,
            observed=0.0,
            expected=Band(mean=judged.expected, half_width=0.0),
            detector_version=versions.detector,
            config_hash=versions.config,
            signal="burst",
            team=scene.brand.team,
        ),
        scene,
    )


def escalate(alert: Alert, scene: Scene, versions: Versions) -> Alert:
    """The same incident on a higher tier."""
    return _told(
        replace(
            alert,
            revision=alert.revision + 1,
            transition="escalated",
            updated_at=closed_at(scene.bucket),
            detector_version=versions.detector,
            config_hash=versions.config,
        ),
        scene,
    )


def _told(alert: Alert, scene: Scene) -> Alert:
    """With the figures of this bucket."""
    judged, all_ = scene.verdict.negatives, scene.verdict.mentions
    window = judged.window()
    mentions = all_.sums[window]
    days = scene.history * BUCKET / 86_400
    facts = Facts(
        brand=scene.brand.names[0] if scene.brand.names else scene.brand.slug,
        zone=scene.brand.zone(),
        window=window,
        observed=judged.sums[window],
        mean=judged.means[window],
        half_width=HALF_WIDTH_SDS * judged.sd(window),
        return_days=min(MOST_RETURN_DAYS, 10.0 ** min(judged.score, 10.0)),
        onset=alert.started_at,
        authors=scene.volume.authors,
        share=min(1.0, judged.sums[window] / mentions) if mentions else 0.0,
        usual_share=scene.verdict.usual_share,
        calendar=scene.calendar,
        history_days=days,
        warm=days >= WARM_DAYS,
        peak=scene.peak,
    )
    return replace(
        alert,
        tier=scene.tier,
        severity=SEVERITIES[scene.tier],
        headline=headline(facts, alert.language),
        explanation=explanation(facts, alert.language),
        window_seconds=WINDOWS[window] * BUCKET,
        observed=facts.observed,
        expected=Band(mean=round(facts.mean, 3), half_width=round(facts.half_width, 3)),
        score=round(judged.score, 3),
        return_period_days=round(facts.return_days, 1),
        distinct_authors=facts.authors,
        negative_share=round(facts.share, 4) if mentions else None,
        negative_share_usual=round(facts.usual_share, 4),
        unscored=scene.volume.unscored,
        amplification=None if scene.volume.amplification is None else round(scene.volume.amplification, 3),
        baseline=Baseline(days=round(days, 1), state="warm" if facts.warm else "prior"),
        calendar=scene.calendar,
        evidence=_evidence(alert.evidence, scene.evidence),
        peak=scene.peak,
    )


def _evidence(told: tuple[Evidence, ...], found: Iterable[Quote]) -> tuple[Evidence, ...]:
    """What was told stays; what was found since fills it up."""
    known = {evidence.mention_id for evidence in told}
    out = list(told)
    for quote in found:
        if len(out) >= EVIDENCE:
            break
        if quote.mention_id not in known:
            out.append(Evidence(mention_id=quote.mention_id, published_at=moment(quote.published_at), url=quote.url))
    return tuple(out)


def resolve(alert: Alert, brand: Brand, bucket: int, calm: int, peak: float, reason: Literal["calmed", "went_live"]) -> Alert:
    """The incident is over; its figures stay those of its last telling. It ended ``calm`` buckets before ``bucket`` closed."""
    ended = moment((bucket + 1 - calm) * BUCKET)
    name = brand.names[0] if brand.names else brand.slug
    return replace(
        alert,
        revision=alert.revision + 1,
        status="resolved",
        transition="resolved",
        resolved_reason=reason,
        updated_at=closed_at(bucket),
        ended_at=ended,
        peak=peak,
        headline=resolved_headline(name, brand.zone(), ended, peak, reason, alert.language),
    )


def without(alert: Alert, mention_id: str, at: datetime) -> Alert | None:
    """The alert without a mention that its author took back; None where it did not show it."""
    kept = tuple(evidence for evidence in alert.evidence if evidence.mention_id != mention_id)
    if len(kept) == len(alert.evidence):
        return None
    return replace(alert, revision=alert.revision + 1, transition="updated", updated_at=max(alert.updated_at, at), evidence=kept)
