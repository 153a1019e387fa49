"""The life of an incident: raised, escalated, resolved, each a new revision of one alert. Identity never changes on the way.

What is told can be recomputed: every number comes from the closed bucket that decided. The moment of a decision is event time: a bucket
that ends at E is closed at E + 10 minutes, whatever record moved the watermark there.
"""

import math
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from pipeline.brands import Brand
from pipeline.buckets import Volume
from pipeline.cadence import SPREAD, Silence
from pipeline.dossiers import Dossier
from pipeline.events import digest
from pipeline.evidence import SHOWN, Findings, Shown
from pipeline.explanation import advised, epilogue, explanation
from pipeline.extent import Extent
from pipeline.figures import HALF_WIDTH_SDS, figures_of
from pipeline.headline import (
    MOSTLY,
    Ending,
    Facts,
    Quiet,
    headline,
    recognised,
    resolved_headline,
    silence_explanation,
    silence_headline,
)
from pipeline.key import WHOLE, Key
from pipeline.scrp import RING
from pipeline.ticks import BUCKET
from pipeline.watch import TIERS, Signal, Verdict
from schemas.mention import Mode, Tier
from schemas.outputs import Alert, Band, Baseline, Evidence, IncidentSummary

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
    findings: Findings
    dossier: Dossier | None = None
    at: datetime | None = None
    """When it was decided, if before the close."""
    key: Key = WHOLE
    parent: str | None = None
    """The incident that this one is part of."""
    raised: int | None = None
    """The bucket whose close would raise it, where that is not ``bucket``."""
    counted: int | None = None
    """The last bucket that the figures count, where that is not ``bucket``."""


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
    fingerprint = fingerprint_of(scene.brand.slug, scene.kind, scene.key.topic, scene.key.family)
    at = closed_at(scene.bucket) if scene.at is None else scene.at
    return _told(
        Alert(
            fingerprint=fingerprint,
            incident_id=incident_id_of(fingerprint, scene.bucket if scene.raised is None else scene.raised),
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
            runbook_url=scene.brand.runbook_url,
            topic=scene.key.topic,
            channel_family=scene.key.channel_family,
            visibility=scene.key.visibility,
            parent_incident_id=scene.parent,
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


def following(told: Alert, decided: Alert, *, escalated: bool) -> Alert:
    """What closes have decided, as the next revision of what was told of the same incident, perhaps early."""
    if decided is told:
        return told
    transition = "escalated" if escalated else "updated"
    return replace(
        decided,
        revision=told.revision + 1,
        mode=told.mode,  # it ends where it was told of, whatever the brand's mode has become
        parent_incident_id=decided.parent_incident_id or told.parent_incident_id,
        raised_at=told.raised_at,
        updated_at=max(told.updated_at, decided.updated_at),
        transition=transition,
    )


def adopted(alert: Alert, parent: str, bucket: int) -> Alert:
    """An incident that fires turns out to be part of another."""
    updated = max(alert.updated_at, closed_at(bucket))
    return replace(alert, revision=alert.revision + 1, transition="updated", updated_at=updated, parent_incident_id=parent)


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
        window_end=moment((bucket + 1) * BUCKET),
        observed=0.0,
        expected=Band(mean=round(silence.missed, 3), half_width=round(width, 3)),
        detector_version=versions.detector,
        config_hash=versions.config,
        severity="warning",
        source=silence.source,
        team=brand.team,
        runbook_url=brand.runbook_url,
        baseline=Baseline(days=round(days, 1), state="warm" if days >= WARM_DAYS else "prior"),
    )


def _told(alert: Alert, scene: Scene) -> Alert:
    """With the figures of this bucket."""
    figures = figures_of(scene.verdict, scene.signal)
    volume = scene.volume
    days = scene.history * BUCKET / 86_400
    share = figures.share
    found = scene.findings
    # What complaints say is what a wave is about only if it is made of them.
    speaks = scene.kind == "crisis" or (share is not None and share >= MOSTLY)
    dossier = alert.dossier if scene.dossier is None else scene.dossier.told()
    amplification = None if volume is None or volume.amplification is None else round(volume.amplification, 3)
    facts = Facts(
        brand=name_of(scene.brand),
        zone=scene.brand.zone(),
        tier=scene.tier,
        signal=scene.signal,
        figures=figures,
        at=alert.updated_at,
        onset=alert.started_at,
        authors=None if volume is None else volume.authors if scene.kind == "crisis" else volume.everybody,
        unscored=None if volume is None else volume.unscored,
        amplification=amplification,
        loudest=max((one.echoes for one in found.shown), default=0) if speaks else 0,
        usual_share=scene.verdict.usual_share,
        calendar=scene.calendar,
        history_days=days,
        warm=days >= WARM_DAYS,
        channels=found.channels if speaks else (),
        words=found.words if speaks else (),
        topic=found.dominant if speaks else None,
        dossier=dossier if speaks else None,
        key=scene.key,
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
        unscored=facts.unscored,
        amplification=amplification,
        baseline=Baseline(days=round(days, 1), state="warm" if facts.warm else "prior"),
        calendar=scene.calendar,
        topics=found.topics if speaks else None,
        dominant_cause=facts.topic,
        words=found.words if speaks else None,
        channels=found.channels if speaks else None,
        evidence=_evidence(alert.evidence, found.shown),
        dossier=facts.dossier,
        planned=facts.dossier is not None if scene.kind == "crisis" else None,
        peak=scene.peak,
        window_end=moment(((scene.bucket if scene.counted is None else scene.counted) + 1) * BUCKET),
    )


def recognise(alert: Alert, bucket: int, dossier: Dossier) -> Alert:
    """A dossier is recognised in an incident that fires: its floor holds, and what to do is known. The figures stay as they were told."""
    tier = floored(alert.tier, dossier)
    told = dossier.told()
    return replace(
        alert,
        revision=alert.revision + 1,
        transition="updated" if tier == alert.tier else "escalated",
        updated_at=max(alert.updated_at, closed_at(bucket)),
        tier=tier,
        severity=SEVERITIES[tier],
        headline=recognised(alert.headline, alert.tier, tier, told, alert.language),
        explanation=advised(alert.explanation, told, alert.language),
        dossier=told,
        planned=True,
    )


def floored(tier: Tier | None, dossier: Dossier | None) -> Tier | None:
    """A tier, but never lower than the dossier says."""
    if dossier is None or dossier.severity_floor is None or tier is None:
        return tier
    return max(tier, dossier.severity_floor, key=TIERS.index)


def name_of(brand: Brand) -> str:
    """What people call it."""
    return brand.names[0] if brand.names else brand.slug


def _evidence(told: tuple[Evidence, ...], found: tuple[Shown, ...]) -> tuple[Evidence, ...]:
    """What stands for the incident now; what was told before fills it up."""
    out = [
        Evidence(
            mention_id=quote.mention_id,
            published_at=moment(quote.published_at),
            url=quote.url,
            chosen_for=chosen_for,
            echoes=echoes,
        )
        for quote, chosen_for, echoes in found
    ]
    known = {evidence.mention_id for evidence in out}
    out += [evidence for evidence in told if evidence.mention_id not in known]
    return tuple(out[:SHOWN])


def resolve(
    alert: Alert,
    brand: Brand,
    key: Key,
    bucket: int,
    calm: int,
    peak: float,
    reason: Reason,
    extent: Extent | None = None,
    becomes: str | None = None,
    *,
    hears_answers: bool = True,
) -> Alert:
    """The incident is over; its figures stay those of its last telling. It ended ``calm`` buckets before ``bucket`` closed.

    ``becomes``: the incident as which it goes on. ``hears_answers``: whether anything that the brand itself writes comes in; else nobody
    knows what it answered.
    """
    ended = max(moment((bucket + 1 - calm) * BUCKET), alert.started_at)
    summary = IncidentSummary(duration_seconds=round((ended - alert.started_at).total_seconds())) if reason == "calmed" else None
    if summary is not None and extent is not None:
        answered = None if extent.answered is None or not hears_answers else round(extent.answered, 4)
        summary = replace(summary, authors=extent.authors, reach=extent.reach, answered_share=answered)
    # The longest run that a window sees, closed, is no longer than what is kept.
    is_partial = (alert.raised_at - alert.started_at).total_seconds() > (RING + 1) * BUCKET + LATENESS
    facts = Ending(name_of(brand), brand.zone(), alert.kind, ended, peak, reason, summary, key, becomes is not None, is_partial)
    return replace(
        alert,
        revision=alert.revision + 1,
        status="resolved",
        transition="resolved",
        resolved_reason=reason,
        updated_at=closed_at(bucket),
        ended_at=ended,
        peak=peak,
        headline=resolved_headline(facts, alert.language),
        explanation=epilogue(facts, alert.language) or alert.explanation,
        summary=summary,
        parent_incident_id=alert.parent_incident_id if becomes is None else becomes,
    )


def without(alert: Alert, mention_id: str, at: datetime) -> Alert | None:
    """The alert without a mention that its author took back; None where it did not show it."""
    kept = tuple(evidence for evidence in alert.evidence if evidence.mention_id != mention_id)
    if len(kept) == len(alert.evidence):
        return None
    return replace(alert, revision=alert.revision + 1, transition="updated", updated_at=max(alert.updated_at, at), evidence=kept)
