"""Counts of many brands, a CSV file each, through the crisis rule: what `webcare detect --counts` does."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from agents.replay import InputError
from pipeline.series import Counts, Raised, detect_counts
from pipeline.share import Announced
from pipeline.watch import Profile

COLUMNS = ("ts", "tot", "neg", "mult_tot", "mult_neg")
_WRITTEN = ["brand", "bucket", "kind", "signal"]


def judge_folder(folder: Path, alerts: Path, *, profile: Profile = "default", time_zone: tzinfo = UTC) -> int:
    """Judge every ``<brand>.csv`` of a folder; writes what was raised as CSV, and returns how many files that were.

    A row is one bucket of 5 minutes: its start (ISO, or seconds since 1970), author-capped counts of all mentions and of negative ones, and
    by what factors the calendar raises the expectation of each.

    Raises:
        InputError: no such files, or a row that cannot be read (with file and line).
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise InputError(f"{folder}: no <brand>.csv files")
    with alerts.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_WRITTEN)
        for file in files:
            for raised in judge_file(file, profile=profile, time_zone=time_zone):
                writer.writerow([file.stem, raised.bucket, raised.kind, raised.signal or ""])
    return len(files)


def judge_file(file: Path, *, profile: Profile = "default", time_zone: tzinfo = UTC) -> Iterator[Raised]:
    """The same of one brand.

    Raises:
        InputError: a column is missing, or a row cannot be read.
    """
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader, None) or []
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise InputError(f"{file}: line 1: columns missing: {', '.join(missing)}")
        places = [header.index(column) for column in COLUMNS]
        yield from detect_counts(_rows(reader, places, file), profile=profile, time_zone=time_zone)


def _rows(reader: Iterator[list[str]], places: list[int], file: Path) -> Iterator[Counts]:
    for number, row in enumerate(reader, start=2):
        if not row:
            continue
        try:
            at, *values = (row[place] for place in places)
            mentions, negatives, times_mentions, times_negatives = map(float, values)
            moment = datetime.fromtimestamp(int(at), UTC) if at.isdecimal() else datetime.fromisoformat(at)
        except (ValueError, IndexError, OverflowError, OSError):
            raise InputError(f"{file}: line {number}: expected a time, two counts and two factors") from None
        if not (0 <= negatives <= mentions < float("inf")):
            raise InputError(f"{file}: line {number}: negatives are 0 or more, and at most all mentions")
        if not all(0.1 <= factor <= 1000 for factor in (times_mentions, times_negatives)):
            raise InputError(f"{file}: line {number}: a factor lies between 0.1 and 1000")
        yield Counts(moment, mentions, negatives, Announced(times_mentions, times_negatives))
