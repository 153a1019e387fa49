"""The detector over counts instead of mentions: one row is one bucket, and is never counted into others."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Literal, NamedTuple

from pipeline.scrp import Alarm, Detector, local_slot
from pipeline.share import Announced
from pipeline.watch import Profile, Signal, Watch

SERIES_THRESHOLD = 0.70
"""A bare series has no shares or authors to check against, and asks for less."""

_BELOW_ALARM = 0.499


class Judged(NamedTuple):
    """One row judged. ``anomaly_score`` is at least 0.5 exactly where ``alert`` is true: in the row that raises an alarm."""

    expected: float
    anomaly_score: float
    alert: bool


def detect_series(rows: Iterable[tuple[datetime, float]], *, time_zone: tzinfo = UTC) -> Iterator[Judged]:
    """Judge a series row by row, each from what came before it.

    Args: ``rows``: time and count, 5 minutes apart; ``time_zone``: of times without one, and of the hours of the week.

    The anomaly score is half of 1 - 10^-score, plus a half in a row that raises an alarm. The first 288 rows raise nothing.
    """
    detector = Detector()
    alarm = Alarm()
    for at, count in rows:
        slot, day = local_slot(at.replace(tzinfo=time_zone) if at.tzinfo is None else at.astimezone(time_zone))
        judgement = detector.close(count, slot, day)
        raised = alarm.step(judgement.score, passes=judgement.score >= SERIES_THRESHOLD) == "raised"
        unusual = 0.5 * (1.0 - 10.0**-judgement.score)
        yield Judged(judgement.expected, 0.5 + unusual if raised else min(unusual, _BELOW_ALARM), raised)


class Counts(NamedTuple):
    """One bucket of a brand, authors already capped. ``at``: its start."""

    at: datetime
    mentions: float
    negatives: float
    announced: Announced = Announced()


class Raised(NamedTuple):
    """By the close of row ``bucket`` (from 0) an alert of tier warning or crisis was raised or escalated to it, or a surge was raised."""

    bucket: int
    kind: Literal["warn", "crit", "surge"]
    signal: Signal | None = None


def detect_counts(rows: Iterable[Counts], *, profile: Profile = "default", time_zone: tzinfo = UTC) -> Iterator[Raised]:
    """The crisis rule over a brand's counts, as the crisis stage applies it to mentions."""
    watch = Watch(profile)
    for bucket, row in enumerate(rows):
        at = row.at.replace(tzinfo=time_zone) if row.at.tzinfo is None else row.at.astimezone(time_zone)
        verdict = watch.close(row.negatives, row.mentions, *local_slot(at), row.announced)
        if verdict.change in ("raised", "escalated") and watch.tier != "watch":
            yield Raised(bucket, "crit" if watch.tier == "crisis" else "warn", verdict.signal)
        if verdict.surge == "raised":
            yield Raised(bucket, "surge")
