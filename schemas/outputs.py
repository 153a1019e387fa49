"""What comes out: routed mentions, work items, alerts, counts, feedback. Others build on these; they only grow."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.mention import (
    Author,
    BrandSlug,
    Label,
    MentionId,
    Mode,
    Moment,
    Reach,
    Sentiment,
    Share,
    Signals,
    Situation,
    Tier,
)

Priority = Literal["critical", "high", "normal", "low"]
Posture = Literal["defensive", "offensive"]
ResponsePolicy = Literal["respond", "acknowledge", "monitor", "do_not_respond"]
Handling = Literal["reply_in_channel", "move_to_private"]
Fact = bool | int | float | str | None | list[str]


class Inform(Struct, frozen=True, kw_only=True):
    """Somebody is told (no task): the recipient and the item that tells it."""

    recipient: str
    item_id: str


class Decision(Struct, frozen=True, kw_only=True):
    """Where a mention goes, by when, and why. ``facts`` is all that the rules looked at: the decision can be recomputed from it."""

    rule: Annotated[str, Meta(description="the rule that decided; built-in ones are duplicate, retracted and own-post")]
    config_hash: str
    queue: str | None = None
    item_id: str | None = None
    priority: Priority = "low"
    rank: Annotated[int, Meta(ge=0, description="order inside a queue, lower comes first")] = 0
    posture: Posture = "defensive"
    response_policy: ResponsePolicy = "monitor"
    response_reason: str = ""
    handling: Handling = "reply_in_channel"
    found: Annotated[tuple[str, ...], Meta(description="kinds of personal data found: email, phone, iban, bsn")] = ()
    due_at: Moment | None = None
    calendar: str | None = None
    informs: tuple[Inform, ...] = ()
    facts: dict[str, Fact] = {}


class RoutedMention(Struct, frozen=True, kw_only=True, tag_field="type", tag="mention"):
    """Every mention with where it went and why (``webcare.mention.routed.v1``). Redacted: personal data found in the text is replaced.

    ``kind`` is the mention's own, or ``retracted``; a repeat by the source has ``duplicate`` true. Nothing else of a retracted
    mention is told, so its fields are null.
    """

    mention_id: MentionId
    brand: BrandSlug
    kind: Literal["post", "reply", "repost", "review", "message", "retracted"]
    mode: Mode
    decision: Decision
    duplicate: bool = False
    edit: Annotated[int, Meta(ge=0)] = 0
    channel: str | None = None
    channel_family: str | None = None
    text: Annotated[str, Meta(max_length=110_000)] | None = None
    title: str | None = None
    published_at: Moment | None = None
    received_at: Moment | None = None
    detected_at: Moment | None = None
    clock_ahead: bool = False
    late: bool = False
    author: Author | None = None
    url: str | None = None
    thread_id: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    visibility: Literal["public", "private"] | None = None
    addressed: bool | None = None
    direction: Literal["inbound", "outbound"] | None = None
    reach: Reach | None = None
    rating: Annotated[float, Meta(ge=1, le=5)] | None = None
    source: str | None = None
    spam: bool = False
    ambiguous: bool = False
    language: str | None = None
    language_guess: str | None = None
    language_confidence: Share | None = None
    language_ground: Literal["text", "words", "hint"] | None = None
    sentiment: Sentiment | None = None
    signals: Signals | None = None
    situation: Situation | None = None
    topic: str | None = None


class Quote(Struct, frozen=True, kw_only=True):
    """Another mention, quoted without its text."""

    mention_id: MentionId
    label: Label
    published_at: Moment
    url: str | None = None


class WorkItem(Struct, frozen=True, kw_only=True):
    """One task for an agent or one message to inform somebody; the latest version counts (``webcare.queue.item.v1``, compacted)."""

    item_id: str
    revision: Annotated[int, Meta(ge=1)]
    brand: BrandSlug
    mode: Mode
    kind: Literal["task", "inform"]
    status: Literal["open", "closed"]
    mention_id: Annotated[str, Meta(description="the latest mention of the thread")]
    queue: str | None
    recipient: str | None
    priority: Priority
    rank: Annotated[int, Meta(ge=0)]
    posture: Posture
    response_policy: ResponsePolicy
    response_reason: str
    handling: Handling
    rule: str
    config_hash: str
    opened_at: Moment
    updated_at: Moment
    root_id: str | None = None
    found: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    topic: str | None = None
    due_at: Moment | None = None
    calendar: str | None = None
    sla: Literal["on_track", "at_risk", "breached"] | None = None
    closed_at: Moment | None = None
    closed_reason: Literal["answered", "retracted", "rerouted"] | None = None
    facts: dict[str, Fact] = {}
    channel: str | None = None
    channel_family: str | None = None
    language: str | None = None
    mood: Annotated[Label, Meta(description="sentiment label of the latest mention")] = "unscored"
    compound: float | None = None
    text: Annotated[str, Meta(description="redacted, at most 2,000 characters; null once retracted")] | None = None
    url: str | None = None
    author: Author | None = None
    author_history: tuple[Quote, ...] = ()
    thread: tuple[Quote, ...] = ()
    thread_size: Annotated[int, Meta(ge=0)] = 0
    situation: Situation | None = None
    dossier: str | None = None


class Band(Struct, frozen=True, kw_only=True):
    """What was expected: mean and the half-width of its interval (about 95 %)."""

    mean: float
    half_width: Annotated[float, Meta(description="1.96 standard deviations")]


ChosenFor = Literal["amplified", "earliest", "typical"]


class Evidence(Struct, frozen=True, kw_only=True):
    """A mention that shows what the alert is about; no text."""

    mention_id: MentionId
    published_at: Moment
    url: str | None = None
    chosen_for: Annotated[ChosenFor, Meta(description="reposted and answered most, among the first, or like the others")] | None = None
    echoes: Annotated[int, Meta(ge=0, description="reposts and replies of others so far")] | None = None


class Baseline(Struct, frozen=True, kw_only=True):
    """What the expectation rests on."""

    days: Annotated[float, Meta(ge=0)]
    state: Literal["warm", "prior"]


class AlertDossier(Struct, frozen=True, kw_only=True):
    """The headache file that matches."""

    id: str
    owner: str | None = None
    crisis_plan_url: str | None = None
    response_policy: ResponsePolicy | None = None
    title: str | None = None


class TopicShare(Struct, frozen=True, kw_only=True):
    """A topic in the window against the brand's usual."""

    topic: str
    share: Share
    usual: Share | None = None


class WordUse(Struct, frozen=True, kw_only=True):
    """A word that at least five authors used, and how many did."""

    word: str
    authors: Annotated[int, Meta(ge=5)]


class ChannelShare(Struct, frozen=True, kw_only=True):
    """A medium, and its share of the complaints."""

    channel: str
    share: Share


class IncidentSummary(Struct, frozen=True, kw_only=True):
    """What an incident came to in the end. Authors, reach and answers are those of a crisis."""

    duration_seconds: Annotated[int, Meta(ge=0)]
    authors: Annotated[int, Meta(ge=0, description="distinct, of complaints; beyond 4,096 within a hundredth")] | None = None
    reach: Annotated[int, Meta(ge=0, description="sum of what is known of complaints, their reposts and replies; at least")] | None = None
    answered_share: Annotated[Share, Meta(description="of the complaints kept, those that the brand itself replied to")] | None = None


class Alert(Struct, frozen=True, kw_only=True):
    """One incident at one of its transitions (``webcare.alert.event.v1``) or its latest (``webcare.alert.state.v1``, compacted).

    ``fingerprint`` names the kind of trouble, ``incident_id`` this case of it; tier, severity and team are in neither, so the same
    incident keeps both through escalation and restarts. Fields whose producer does not exist yet are null.
    """

    fingerprint: str
    incident_id: str
    revision: Annotated[int, Meta(ge=1)]
    brand: BrandSlug
    kind: Literal["crisis", "surge", "silence"]
    status: Literal["firing", "resolved"]
    transition: Literal["raised", "escalated", "updated", "resolved"]
    mode: Mode
    raised_at: Annotated[datetime, Meta(tz=True, description="event time at which it was decided")]
    started_at: Annotated[datetime, Meta(tz=True, description="estimated onset")]
    updated_at: Annotated[datetime, Meta(tz=True, description="event time of this revision; that of its figures is window_end")]
    headline: str
    language: Annotated[Literal["nl", "en"], Meta(description="of headline and explanation")]
    window_seconds: Annotated[int, Meta(ge=0, description="length of the window of the figures, which ends at window_end")]
    observed: Annotated[
        float, Meta(ge=0, description="in the window: complaints (of a surge: mentions), each author once per clock hour and mood")
    ]
    expected: Annotated[Band, Meta(description="of observed")]
    detector_version: str
    config_hash: str
    tier: Tier | None = None
    severity: Literal["info", "warning", "critical"] = "info"
    signal: Literal["burst", "share", "slow_burn"] | None = None
    topic: str | None = None
    channel_family: str | None = None
    source: str | None = None
    team: str | None = None
    ended_at: Moment | None = None
    resolved_reason: Literal["calmed", "false_alert", "went_live", "not_confirmed"] | None = None
    explanation: str | None = None
    score: Annotated[float, Meta(description="this unusual about once in 10 ** score days of this brand")] | None = None
    return_period_days: Annotated[float, Meta(ge=0, description="10 ** score, at most a million")] | None = None
    distinct_authors: Annotated[int, Meta(ge=0, description="of the complaints in the window; of a surge: of all mentions")] | None = None
    negative_share: Annotated[Share, Meta(description="of the mentions in the window that count")] | None = None
    negative_share_usual: Annotated[Share, Meta(description="what the brand is used to")] | None = None
    unscored: Annotated[int, Meta(ge=0, description="mentions in the window of which nobody knows whether they complain")] | None = None
    amplification: Annotated[float, Meta(ge=0, description="(reposts + replies) / roots in the window")] | None = None
    baseline: Baseline | None = None
    calendar: Annotated[tuple[str, ...], Meta(description="announced events applied")] = ()
    topics: tuple[TopicShare, ...] | None = None
    dominant_cause: str | None = None
    evidence: tuple[Evidence, ...] = ()
    dossier: AlertDossier | None = None
    planned: Annotated[bool, Meta(description="a dossier matched")] | None = None
    suppressed_by: str | None = None
    parent_incident_id: str | None = None
    peak: Annotated[float, Meta(ge=0, description="highest count of five minutes so far")] | None = None
    runbook_url: str | None = None
    words: Annotated[tuple[WordUse, ...], Meta(description="of the complaints, most authors first")] | None = None
    channels: Annotated[tuple[ChannelShare, ...], Meta(description="of the complaints kept since it began, largest first")] | None = None
    summary: Annotated[IncidentSummary, Meta(description="once resolved")] | None = None
    visibility: Annotated[Literal["public", "private"], Meta(description="of a channel family's alert: which of its mentions")] | None = (
        None
    )
    window_end: Annotated[datetime, Meta(tz=True, description="end of the last five minutes that the figures count")] | None = None


class BrandCounts(Struct, frozen=True, kw_only=True):
    """Counts of one closed 5-minute bucket of one key (``webcare.brand.counts.v1``); no text, no authors."""

    brand: BrandSlug
    bucket_start: Moment
    mentions: Annotated[int, Meta(ge=0)]
    negatives: Annotated[int, Meta(ge=0)]
    mode: Mode
    topic: str | None = None
    channel_family: str | None = None
    capped_mentions: Annotated[int, Meta(ge=0)] | None = None
    capped_negatives: Annotated[int, Meta(ge=0)] | None = None


class Feedback(Struct, frozen=True, kw_only=True, rename={"kind": "type"}):
    """What people say of our outcomes (``webcare.feedback.v1``)."""

    kind: Literal["resolved", "acknowledged", "reopened", "wrong_language", "wrong_sentiment", "wrong_route", "false_alert"]
    brand: BrandSlug
    target_id: str
    by_role: str
    at: Moment
    value: str | None = None
