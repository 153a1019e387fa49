"""A history of counts instead of mentions: the crisis rule at brand level, without authors, channels and sentences of its own."""

from datetime import UTC, datetime
from pathlib import Path

from agents.backtest.history import BrandHistory, HourSeen, Mark
from agents.counts import read_counts
from pipeline.brands import Brand
from pipeline.scrp import local_slot
from pipeline.series import Counts
from pipeline.ticks import BUCKET
from pipeline.watch import Watch

COLUMNS = ("ts", "tot", "neg")
"""What such a file must have; ``mult_tot`` and ``mult_neg`` may be there."""
HOUR = 3600 // BUCKET


def read_history(path: Path, brand: Brand) -> BrandHistory:
    """Judge a file of counts (`agents.counts`); times that name no zone are UTC.

    Raises:
        InputError: the file cannot be read, or a line is not what the header says.
    """
    history, watch, zone = BrandHistory(brand.slug), Watch(brand.profile), brand.zone()
    holidays = brand.holiday_numbers()
    for row in read_counts(path, COLUMNS):
        at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at
        bucket = int(at.timestamp() // BUCKET)
        _note(history, bucket, row)
        verdict = watch.close(row.negatives, row.mentions, *local_slot(at.astimezone(zone), holidays), row.announced)
        observed, expected = watch.hour()
        if bucket % HOUR == HOUR - 1:
            history.hours[bucket // HOUR] = HourSeen(observed, expected)
        closed = datetime.fromtimestamp((bucket + 1) * BUCKET, UTC)
        sentence = f"{observed:.0f} negatives in an hour, {expected:.1f} expected"
        if verdict.change in ("raised", "escalated") and watch.tier is not None:
            opens = watch.tier != "watch" and verdict.change == "raised"
            history.told.append(Mark(closed, watch.tier, verdict.signal or "", sentence, opens))
        if verdict.surge == "raised":
            history.told.append(Mark(closed, "surge", "", f"{row.mentions:.0f} mentions in 5 minutes", opens=False))
    return history


def _note(history: BrandHistory, bucket: int, row: Counts) -> None:
    history.mentions[bucket] = history.counted[bucket] = round(row.mentions)
    history.negatives[bucket] = history.counted_negatives[bucket] = round(row.negatives)
