"""The life of an incident: raised, escalated, resolved, each a new revision of one alert. Identity never changes on the way.

What is told can be recomputed: every number comes from the closed bucket that decided. The moment of a decision is event time: a bucket
that ends at E is closed at E + 10 minutes, whatever record moved the watermark there.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from pipeline.brands import Brand
from pipeline.buckets import EVIDENCE, Quote, Volume
from pipeline.cadence import SPREAD, Silence
from pipeline.events import digest
from pipeline.figures import HALF_WIDTH_SDS, figures_of
from pipeline.headline import Ending, Facts, Quiet, explanation, headline, resolved_headline, silence_explanation, silence_headline
from pipeline.ticks import BUCKET
from pipeline.watch import Signal, Verdict
from schemas.mention import Mode, Tier
from schemas.outputs import Alert, Band, Baseline, Evidence

LATENESS = 600
"""Seconds that a bucket stays open after its end."""

WARM_DAYS = 14.0

Kind = Literal["crisis", "surge", "silence"]
Reason = Literal["calmed", "went_live", "not_confirmed"]
Severity = Literal["info", "warning", "critical"]
SEVERITIES: dict[Tier | None, Severity] = {None: "info", "watch": "info", "warning": "warning", "crisis": "critical"}


class Scene(NamedTuple):
    """What surrounds a verdict. ``bucket`` is the one that was closed; ``started`` the bucket in which the run began.

    ``tier`` and ``signal`` are of a crisis; a surge has none. ``volume`` None: the window is longer than authors are kept.
    """

    brand: Brand
    kind: Kind
    mode: Mode
    bucket: int
    started: int
    verdict: Verdict
    tier: Tier | None
    signal: Signal | None
    volume: Volume | None
    calendar: tuple[str, ...]
    history: int
    """Buckets learnt from."""
    peak: float
    evidence: Iterable[Quote]
    at: datetime | None = None
    """When it was decided, if before the close."""


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


def raise_alert(scene: Scene, versions: Versions) -> Alert:
    """The first revision."""
    fingerprint = fingerprint_of(scene.brand.slug, scene.kind)
    at = closed_at(scene.bucket) if scene.at is None else scene.at
    return _told(
        Alert(
            fingerprint=fingerprint,
            incident_id=incident_id_of(fingerprint, scene.bucket),
            revision=1,
            brand=scene.brand.slug,
            kind=scene.kind,
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
            expected=Band(mean=0.0, half_width=0.0),
            detector_version=versions.detector,
            config_hash=versions.config,
            team=scene.brand.team,
        ),
        scene,
    )


def escalate(alert: Alert, scene: Scene, versions: Versions) -> Alert:
    """The same incident on a higher tier; on the same, it is confirmed."""
    return _told(
        replace(
            alert,
            revision=alert.revision + 1,
            transition="updated" if scene.tier == alert.tier else "escalated",
            updated_at=closed_at(scene.bucket) if scene.at is None else max(scene.at, alert.updated_at),
            detector_version=versions.detector,
            config_hash=versions.config,
        ),
        scene,
    )


def silence_alert(brand: Brand, mode: Mode, silence: Silence, bucket: int, history: int, versions: Versions) -> Alert:
    """A source that should have brought mentions brings none: nothing is known of the brand meanwhile, which is not calm."""
    fingerprint = fingerprint_of(brand.slug, "silence", source=silence.source)
    at, since, language = closed_at(bucket), moment(silence.since * BUCKET), brand.alert_language()
    days = history * BUCKET / 86_400
    width = HALF_WIDTH_SDS * math.sqrt(silence.missed + silence.missed * silence.missed * SPREAD)
    quiet = Quiet(name_of(brand), brand.zone(), silence.source, since, silence.missed, width)
    return Alert(
        fingerprint=fingerprint,
        incident_id=incident_id_of(fingerprint, bucket),
        revision=1,
        brand=brand.slug,
        kind="silence",
        status="firing",
        transition="raised",
        mode=mode,
        raised_at=at,
        started_at=since,
        updated_at=at,
        headline=silence_headline(quiet, language),
        explanation=silence_explanation(quiet, language),
        language=language,
        window_seconds=(bucket + 1 - silence.since) * BUCKET,
        observed=0.0,
        expected=Band(mean=round(silence.missed, 3), half_width=round(width, 3)),
        detector_version=versions.detector,
        config_hash=versions.config,
        severity="warning",
        source=silence.source,
        team=brand.team,
        baseline=Baseline(days=round(days, 1), state="warm" if days >= WARM_DAYS else "prior"),
    )


def _told(alert: Alert, scene: Scene) -> Alert:
    """With the figures of this bucket."""
    figures = figures_of(scene.verdict, scene.signal)
    volume = scene.volume
    days = scene.history * BUCKET / 86_400
    share = figures.share
    facts = Facts(
        brand=name_of(scene.brand),
        zone=scene.brand.zone(),
        signal=scene.signal,
        figures=figures,
        onset=alert.started_at,
        authors=None if volume is None else volume.authors,
        usual_share=scene.verdict.usual_share,
        calendar=scene.calendar,
        history_days=days,
        warm=days >= WARM_DAYS,
    )
    return replace(
        alert,
        tier=scene.tier,
        signal=scene.signal,
        severity=SEVERITIES[scene.tier],
        headline=headline(facts, alert.language),
        explanation=explanation(facts, alert.language),
        window_seconds=figures.seconds,
        observed=round(figures.observed, 3),
        expected=Band(mean=round(figures.mean, 3), half_width=round(figures.half_width, 3)),
        score=round(figures.score, 3),
        return_period_days=round(figures.return_days, 1),
        distinct_authors=facts.authors,
        negative_share=None if share is None else round(share, 4),
        negative_share_usual=round(facts.usual_share, 4),
        unscored=None if volume is None else volume.unscored,
        amplification=None if volume is None or volume.amplification is None else round(volume.amplification, 3),
        baseline=Baseline(days=round(days, 1), state="warm" if facts.warm else "prior"),
        calendar=scene.calendar,
        evidence=_evidence(alert.evidence, scene.evidence),
        peak=scene.peak,
    )


def name_of(brand: Brand) -> str:
    """What people call it."""
    return brand.names[0] if brand.names else brand.slug


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


def resolve(alert: Alert, brand: Brand, bucket: int, calm: int, peak: float, reason: Reason) -> Alert:
    """The incident is over; its figures stay those of its last telling. It ended ``calm`` buckets before ``bucket`` closed."""
    ended = moment((bucket + 1 - calm) * BUCKET)
    return replace(
        alert,
        revision=alert.revision + 1,
        status="resolved",
        transition="resolved",
        resolved_reason=reason,
        updated_at=closed_at(bucket),
        ended_at=ended,
        peak=peak,
        headline=resolved_headline(Ending(name_of(brand), brand.zone(), alert.kind, ended, peak, reason), alert.language),
    )


def without(alert: Alert, mention_id: str, at: datetime) -> Alert | None:
    """The alert without a mention that its author took back; None where it did not show it."""
    kept = tuple(evidence for evidence in alert.evidence if evidence.mention_id != mention_id)
    if len(kept) == len(alert.evidence):
        return None
    return replace(alert, revision=alert.revision + 1, transition="updated", updated_at=max(alert.updated_at, at), evidence=kept)
