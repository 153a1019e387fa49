"""The records a mention is on its way: raw, with language, with sentiment, assessed.

Each stage adds fields and takes none away; what a later stage needs travels in the record. Times are UTC-aware event
times. What is unknown is None, never 0. New fields get defaults, so that old records stay readable.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=100_000)]
MentionId = Annotated[str, Meta(min_length=1, max_length=200, description="<channel>:<native id>")]
BrandSlug = Annotated[str, Meta(pattern=r"^[a-z0-9-]+$", max_length=100, description="the Kafka key of every mention topic")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]
LONGEST_TOPIC = 100
"""Characters of a topic's name; a mention with a longer one is taken as if its topic were not known."""
Share = Annotated[float, Meta(ge=0.0, le=1.0)]

ChannelFamily = Literal["social", "messaging", "review", "forum", "blog", "news", "mail", "phone", "desk"]
MentionKind = Literal["post", "reply", "repost", "review", "message"]
Role = Literal["customer", "prospect", "press", "employee", "public-body", "partner", "influencer", "unknown"]
Mode = Literal["live", "observe"]
Label = Literal["negative", "neutral", "positive", "unscored"]
Tier = Literal["watch", "warning", "crisis"]


class Author(Struct, frozen=True, kw_only=True):
    """Who wrote it. Behind the door ``id`` is a keyed hash (prefix ``h1:``) and ``name`` is None."""

    id: Name
    name: Annotated[str, Meta(max_length=400)] | None = None
    followers: Annotated[int, Meta(ge=0)] | None = None
    role: Role = "unknown"


class Reach(Struct, frozen=True, kw_only=True):
    """How many people may have seen it, and how that is known."""

    value: Annotated[int, Meta(ge=0)]
    source: Literal["followers", "reported", "estimated"]


class Mention(Struct, frozen=True, kw_only=True, tag_field="type", tag="mention"):
    """One message that names a brand, as a connector delivers it (``webcare.mention.raw.v1``)."""

    mention_id: MentionId
    brand: BrandSlug
    channel: Annotated[str, Meta(min_length=1, max_length=60, description="listed in the channel registry, not an enum")]
    channel_family: ChannelFamily
    text: Text
    published_at: Annotated[datetime, Meta(tz=True, description="event time")]
    author: Author
    kind: MentionKind = "post"
    title: Annotated[str, Meta(max_length=2_000)] | None = None
    received_at: Moment | None = None
    url: Annotated[str, Meta(max_length=4_000)] | None = None
    thread_id: Name | None = None
    parent_id: Name | None = None
    root_id: Name | None = None
    visibility: Literal["public", "private"] = "public"
    addressed: bool | None = None
    direction: Literal["inbound", "outbound"] = "inbound"
    reach: Reach | None = None
    rating: Annotated[float, Meta(ge=1, le=5)] | None = None
    language_hint: Annotated[str, Meta(max_length=20)] | None = None
    edit: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    source: Annotated[str, Meta(max_length=100)] | None = None


class Retraction(Struct, frozen=True, kw_only=True, tag_field="type", tag="retraction"):
    """The source has deleted a mention: it stops counting, its item closes, its text goes."""

    mention_id: MentionId
    brand: BrandSlug
    retracted_at: Moment | None = None
    source: Annotated[str, Meta(max_length=100)] | None = None


class Tick(Struct, frozen=True, kw_only=True, tag_field="type", tag="tick"):
    """Event time passes. Which raw partition a tick comes from says its ``webcare-origin`` header behind the door."""

    at: Moment
    brand: BrandSlug | None = None
    replay: Literal["running", "end"] | None = None


class LanguageMention(Mention, frozen=True, kw_only=True, tag_field="type", tag="mention"):
    """+ what the door and the language stage know (``webcare.mention.language.v1``)."""

    mode: Mode
    detected_at: Annotated[datetime, Meta(tz=True, description="detection time: published_at, never later than received_at + 2 minutes")]
    clock_ahead: Annotated[bool, Meta(description="published_at lay ahead of what is possible and was clamped")] = False
    spam: bool = False
    ambiguous: Annotated[bool, Meta(description="the brand's name is a common word and nothing shows that the brand is meant")] = False
    language: Annotated[str, Meta(description="ISO 639-1, null where it is not known")] | None = None
    language_guess: str | None = None
    language_confidence: Share | None = None
    language_ground: Literal["text", "words", "hint"] | None = None


class SteppedRetraction(Retraction, frozen=True, kw_only=True, tag_field="type", tag="retraction"):
    """A retraction behind the door: with the brand's mode and its event time."""

    mode: Mode
    detected_at: Moment


class Hit(Struct, frozen=True):
    """A word or phrase that moved the score, and how far (valence, negative to positive)."""

    text: str
    valence: float


class Vader(Struct, frozen=True):
    """vaderSentiment's four figures, English only."""

    neg: float
    neu: float
    pos: float
    compound: float


class Sentiment(Struct, frozen=True, kw_only=True):
    """``unscored`` is not neutral: nothing is known. Probabilities are null until calibrated."""

    label: Label
    compound: Annotated[float, Meta(ge=-1.0, le=1.0)] | None = None
    negative: Share | None = None
    neutral: Share | None = None
    positive: Share | None = None
    hits: tuple[Hit, ...] = ()
    vader: Vader | None = None


class Signals(Struct, frozen=True, kw_only=True):
    """What else the text says. Intents are proxies read from words, not judgements of the author."""

    intents: tuple[Literal["question", "complaint", "compliment"], ...] = ()
    rating_conflict: Annotated[bool, Meta(description="the rating says one thing, the text another")] | None = None


class ScoredMention(LanguageMention, frozen=True, kw_only=True, tag_field="type", tag="mention"):
    """+ sentiment and signals (``webcare.mention.sentiment.v1``)."""

    sentiment: Sentiment
    signals: Signals
    topic: Annotated[str, Meta(description="what it is about; null: not known, as is a name of more than 100 characters")] | None = None


class Situation(Struct, frozen=True, kw_only=True):
    """How the brand stands at this mention: author-capped negatives of the last hour against the brand's own expectation.

    ``tier`` and ``incident_id`` are of the brand's open incident; while only a part of it has one, of mentions of that part: of that
    topic, or of that channel family in public or in private.
    """

    tier: Tier | None = None
    incident_id: str | None = None
    observed: Annotated[float, Meta(ge=0, description="negatives, last closed hour")] | None = None
    expected: Annotated[float, Meta(ge=0, description="negatives expected in that hour")] | None = None


class AssessedMention(ScoredMention, frozen=True, kw_only=True, tag_field="type", tag="mention"):
    """+ the brand's situation and whether this is news at all (``webcare.mention.assessed.v1``)."""

    situation: Situation
    dossier: Annotated[str, Meta(description="id of the headache file that its words match")] | None = None
    duplicate: Annotated[bool, Meta(description="this identity, or a later edit of it, came before: no effect")] = False
    retracted: Annotated[bool, Meta(description="its retraction came first: no effect, no text")] = False
    late: Annotated[bool, Meta(description="more than 6 h behind the brand's time: not counted")] = False
