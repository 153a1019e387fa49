"""The topic table: what exists, how it is keyed, how long it is kept, who reads it. `webcare topics apply` creates exactly this."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from schemas.mention import AssessedMention, LanguageMention, Mention, Retraction, ScoredMention, SteppedRetraction, Tick
from schemas.outputs import Alert, BrandCounts, Feedback, RoutedMention, WorkItem

DEFAULT_PARTITIONS = 8
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Topic:
    """One Kafka topic. ``records`` are the types its JSON values may have; none: the bytes are not ours to describe."""

    name: str
    key: str
    records: tuple[type[Struct], ...]
    cleanup: Literal["delete", "compact"]
    retention: timedelta | None
    read_by: str
    max_message_bytes: int = MEBIBYTE
    worker_only: bool = False

    def config(self) -> dict[str, str]:
        """Kafka topic settings, as the broker names them."""
        settings = {
            "cleanup.policy": self.cleanup,
            "message.timestamp.type": "LogAppendTime",  # event time would let retention delete a backfill at once
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.retention is not None:
            settings["retention.ms"] = _milliseconds(self.retention)
        if self.cleanup == "compact":
            # Small segments and a bounded lag keep restores short; the lag of at least 1 h keeps a stale snapshot and the newer one
            # it follows visible side by side, and a tombstone lives as long.
            settings |= {
                "segment.bytes": str(16 * MEBIBYTE),
                "segment.ms": _milliseconds(timedelta(hours=6)),
                "min.compaction.lag.ms": _milliseconds(timedelta(hours=1)),
                "max.compaction.lag.ms": _milliseconds(timedelta(hours=12)),
                "delete.retention.ms": _milliseconds(timedelta(days=1)),
                "min.cleanable.dirty.ratio": "0.3",
            }
        return settings


def _milliseconds(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))


RAW = Topic(
    "webcare.mention.raw.v1", "brand (ticks: none)", (Mention, Retraction, Tick), "delete", timedelta(days=14), "language", 2 * MEBIBYTE
)
LANGUAGE = Topic(
    "webcare.mention.language.v1",
    "brand",
    (LanguageMention, SteppedRetraction, Tick),
    "delete",
    timedelta(days=14),
    "sentiment",
    3 * MEBIBYTE,
    True,
)
SENTIMENT = Topic(
    "webcare.mention.sentiment.v1",
    "brand",
    (ScoredMention, SteppedRetraction, Tick),
    "delete",
    timedelta(days=14),
    "crisis",
    3 * MEBIBYTE,
    True,
)
ASSESSED = Topic(
    "webcare.mention.assessed.v1",
    "brand",
    (AssessedMention, SteppedRetraction, Tick),
    "delete",
    timedelta(days=14),
    "routing",
    3 * MEBIBYTE,
    True,
)
ROUTED = Topic(
    "webcare.mention.routed.v1", "brand", (RoutedMention,), "delete", timedelta(days=28), "downstream systems, analytics", 3 * MEBIBYTE
)
ITEM = Topic("webcare.queue.item.v1", "item id", (WorkItem,), "compact", None, "the agent queue (ticket system, CRM)")
ALERT_EVENT = Topic("webcare.alert.event.v1", "fingerprint", (Alert,), "delete", timedelta(days=90), "audit, analytics")
ALERT_STATE = Topic("webcare.alert.state.v1", "fingerprint", (Alert,), "compact", None, "delivery")
COUNTS = Topic("webcare.brand.counts.v1", "brand", (BrandCounts,), "delete", timedelta(days=400), "charts, reports, rebuilding baselines")
FEEDBACK = Topic("webcare.feedback.v1", "brand", (Feedback,), "delete", timedelta(days=90), "crisis, routing, quality metrics")
ROUTED_SHADOW = Topic(
    "webcare.mention.routed.shadow.v1", "brand", (RoutedMention,), "delete", timedelta(days=28), "readiness report", 3 * MEBIBYTE
)
ITEM_SHADOW = Topic("webcare.queue.item.shadow.v1", "item id", (WorkItem,), "compact", None, "readiness report")
ALERT_EVENT_SHADOW = Topic("webcare.alert.event.shadow.v1", "fingerprint", (Alert,), "delete", timedelta(days=90), "readiness report")
ALERT_STATE_SHADOW = Topic("webcare.alert.state.shadow.v1", "fingerprint", (Alert,), "compact", None, "readiness report")
DEAD_LETTER = Topic("webcare.dead-letter.v1", "as the original", (), "delete", timedelta(days=28), "`webcare dlq`", 4 * MEBIBYTE)


def changelog(stage: str) -> Topic:
    """The state of a stage with state: keys `brand` or `brand|kind|id`, read only by the stage itself (and `webcare state`)."""
    return Topic(f"webcare.state.{stage}.v1", "brand or brand, kind, id", (), "compact", None, "the stage itself", 12 * MEBIBYTE, True)


CRISIS_STATE = changelog("crisis")
ROUTING_STATE = changelog("routing")

TOPICS: tuple[Topic, ...] = (
    RAW,
    LANGUAGE,
    SENTIMENT,
    ASSESSED,
    ROUTED,
    ITEM,
    ALERT_EVENT,
    ALERT_STATE,
    COUNTS,
    FEEDBACK,
    ROUTED_SHADOW,
    ITEM_SHADOW,
    ALERT_EVENT_SHADOW,
    ALERT_STATE_SHADOW,
    DEAD_LETTER,
    CRISIS_STATE,
    ROUTING_STATE,
)
BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
