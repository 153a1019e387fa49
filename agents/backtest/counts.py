"""A history of counts instead of mentions: the crisis rule at brand level, without authors, channels and sentences of its own."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from agents.backtest.history import BrandHistory, HourSeen, Mark
from agents.replay import InputError
from pipeline.brands import Brand
from pipeline.scrp import local_slot
from pipeline.share import Announced
from pipeline.ticks import BUCKET
from pipeline.watch import Watch

COLUMNS = ("ts", "tot", "neg")
HOUR = 3600 // BUCKET


def read_counts(path: Path, brand: Brand) -> BrandHistory:
    """Judge ``ts,tot,neg`` (``mult_tot,mult_neg`` if there): epoch seconds, mentions and negatives of 5-minute buckets, authors capped.

    Raises:
        InputError: the file cannot be read, or a line is not what the header says.
    """
    history, watch, zone = BrandHistory(brand.slug), Watch(brand.profile), brand.zone()
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise InputError(f"{path}: line 1: the header must have {','.join(COLUMNS)}")
            for number, row in enumerate(reader, start=2):
                try:
                    start, mentions, negatives = int(row["ts"]), int(row["tot"]), int(row["neg"])
                    announced = Announced(float(row.get("mult_tot") or 1), float(row.get("mult_neg") or 1))
                    slot, day = local_slot(datetime.fromtimestamp(start, zone))
                except (TypeError, ValueError, OverflowError, OSError):
                    raise InputError(f"{path}: line {number}: expected whole numbers in {','.join(COLUMNS)}") from None
                bucket = start // BUCKET
                _note(history, bucket, mentions, negatives)
                verdict = watch.close(negatives, mentions, slot, day, announced)
                observed, expected = watch.hour()
                if bucket % HOUR == HOUR - 1:
                    history.hours[bucket // HOUR] = HourSeen(observed, expected)
                at = datetime.fromtimestamp((bucket + 1) * BUCKET, UTC)
                sentence = f"{observed:.0f} negatives in an hour, {expected:.1f} expected"
                if verdict.change in ("raised", "escalated") and watch.tier is not None:
                    opens = watch.tier != "watch" and verdict.change == "raised"
                    history.told.append(Mark(at, watch.tier, verdict.signal or "", sentence, opens))
                if verdict.surge == "raised":
                    history.told.append(Mark(at, "surge", "", f"{mentions} mentions in 5 minutes", opens=False))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__})") from None
    return history


def _note(history: BrandHistory, bucket: int, mentions: int, negatives: int) -> None:
    history.mentions[bucket] = history.counted[bucket] = mentions
    history.negatives[bucket] = history.counted_negatives[bucket] = negatives
