"""A history of counts instead of mentions: the crisis rule at brand level, without authors, channels and sentences of its own."""

from datetime import UTC, datetime
from pathlib import Path

from agents.backtest.history import BrandHistory, HourSeen, Mark
from agents.backtest.profiles import other_profiles
from agents.counts import read_counts
from pipeline.announced import EventCalendar
from pipeline.baseline import prior_of
from pipeline.brands import Brand
from pipeline.scrp import local_slot
from pipeline.series import Counts
from pipeline.share import NOTHING_ANNOUNCED, Announced
from pipeline.ticks import BUCKET
from pipeline.watch import Verdict, Watch

HOUR = 3600 // BUCKET


def read_history(path: Path, brand: Brand) -> BrandHistory:
    """Judge a file of counts (`agents.counts`) with each profile; times that name no zone are UTC.

    The brand's prior and holidays hold, and its calendar for every row in which the file itself announces nothing.

    Raises:
        InputError: the file cannot be read, or a line is not what the header says.
    """
    history, prior, zone = BrandHistory(brand.slug), prior_of(brand), brand.zone()
    watch, others = Watch(brand.profile, prior), {profile: Watch(profile, prior) for profile in other_profiles(brand)}
    history.otherwise = dict.fromkeys(others, 0)
    calendar, holidays = EventCalendar(brand.events), brand.holiday_numbers()
    for row in read_counts(path):
        at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at
        bucket = int(at.timestamp() // BUCKET)
        _note(history, bucket, row)
        slot, day = local_slot(at.astimezone(zone), holidays)
        announced = calendar.at(bucket) if row.announced == NOTHING_ANNOUNCED else row.announced
        for profile, other in others.items():
            history.otherwise[profile] += _closes(other, row, slot, day, announced)[1]
        verdict, opens = _closes(watch, row, slot, day, announced)
        observed, expected = watch.hour()
        if bucket % HOUR == HOUR - 1:
            history.hours[bucket // HOUR] = HourSeen(observed, expected)
        closed = datetime.fromtimestamp((bucket + 1) * BUCKET, UTC)
        sentence = f"{observed:.0f} negatives in an hour, {expected:.1f} expected"
        if verdict.change in ("raised", "escalated") and watch.tier is not None:
            history.told.append(Mark(closed, watch.tier, verdict.signal or "", sentence, opens))
        if verdict.surge == "raised":
            history.told.append(Mark(closed, "surge", "", f"{row.mentions:.0f} mentions in 5 minutes", opens=False))
    return history


def _closes(watch: Watch, row: Counts, slot: int, day: int, announced: Announced) -> tuple[Verdict, bool]:
    """Close a bucket: the verdict, and whether an incident becomes one of tier warning or crisis, be it from a watch."""
    before = watch.tier
    verdict = watch.close(row.negatives, row.mentions, slot, day, announced)
    return verdict, verdict.change in ("raised", "escalated") and watch.tier != "watch" and before in (None, "watch")


def _note(history: BrandHistory, bucket: int, row: Counts) -> None:
    history.mentions[bucket] = history.counted[bucket] = round(row.mentions)
    history.negatives[bucket] = history.counted_negatives[bucket] = round(row.negatives)
