"""Counts of many brands, a CSV file each, through the crisis rule: what `webcare detect --counts` does."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from agents.replay import InputError
from agents.text_files import NotUtf8Error, utf8_of
from pipeline.series import Counts, Raised, detect_counts
from pipeline.share import Announced
from pipeline.watch import Profile

COLUMNS = ("ts", "tot", "neg", "mult_tot", "mult_neg")
NEEDED = COLUMNS[:3]
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_WRITTEN = ["brand", "bucket", "kind", "signal"]


def judge_folder(folder: Path, alerts: Path, *, profile: Profile = "default", time_zone: tzinfo = UTC) -> int:
    """Judge every ``<brand>.csv`` of a folder, or the one that is given; writes what was raised as CSV, and returns how many files
    that were.

    A row is one bucket of 5 minutes: its start (ISO, or seconds since 1970), author-capped counts of all mentions and of negative ones, and
    by what factors the calendar raises the expectation of each (without them: nothing was announced).

    Raises:
        InputError: no such files, or a row that cannot be read (with file and line).
    """
    files = [folder] if folder.is_file() else sorted(folder.glob("*.csv"))
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
    yield from detect_counts(read_counts(file, time_zone=time_zone), profile=profile, time_zone=time_zone)


class Buckets:
    """That rows are buckets in their order: each begins after the one before. Times without a zone are those of ``time_zone``."""

    def __init__(self, time_zone: tzinfo = UTC) -> None:
        self._zone = time_zone
        self._last: datetime | None = None
        self._shown = ""

    def take(self, at: datetime, shown: str, place: str) -> None:
        """The next row begins ``at``.

        Raises:
            InputError: at the time of the row before, or earlier; names ``place``.
        """
        moment = self._moment(at, fold=0)
        if self._last is not None and moment <= self._last:
            moment = self._moment(at, fold=1)  # the hour that a local clock shows twice in autumn
        if self._last is not None and moment <= self._last:
            hint = "" if at.tzinfo is not None else " (of local times, `webcare detect --timezone` names the zone)"
            raise InputError(
                f"{place}: {shown} does not come after {self._shown} in the row before; one row is one bucket, in the order of time{hint}"
            )
        self._last, self._shown = moment, shown

    def _moment(self, at: datetime, fold: int) -> datetime:
        return (at if at.tzinfo is not None else at.replace(tzinfo=self._zone, fold=fold)).astimezone(UTC)


def read_counts(file: Path, *, time_zone: tzinfo = UTC) -> Iterator[Counts]:
    """The rows of a file of counts. Without factors nothing was announced. ``time_zone``: of times that name none.

    Raises:
        InputError: the file, a column or a row cannot be read, or a row does not come after the one before.
    """
    buckets = Buckets(time_zone)
    try:
        reader = csv_of(file.read_bytes(), str(file))
        header = next(reader, None) or []
        missing = [column for column in NEEDED if column not in header]
        if missing:
            raise InputError(f"{file}: line 1: columns missing: {', '.join(missing)}{separator_hint(header)}")
        places = [header.index(column) if column in header else None for column in COLUMNS]
        for number, row in enumerate(reader, start=2):
            if row:
                counts = _read_row(row, places, f"{file}: line {number}")
                buckets.take(counts.at, counts.at.isoformat(sep=" "), f"{file}: line {number}")
                yield counts
    except (OSError, csv.Error) as error:
        raise InputError(f"{file}: cannot be read ({type(error).__name__})") from None


def csv_of(content: bytes, name: str) -> Iterator[list[str]]:
    """The rows of CSV, whatever program saved it; a byte-order mark at its start is passed over.

    Raises:
        InputError: it is not UTF-8.
    """
    try:
        return csv.reader(io.StringIO(utf8_of(content, name).decode(), newline=""))
    except NotUtf8Error as error:
        raise InputError(str(error)) from None


def separator_hint(header: Sequence[str]) -> str:
    """What to do where another sign than a comma stands between the columns: spreadsheets of many countries write a semicolon."""
    return "; save it with commas between the columns, not semicolons" if any(";" in name for name in header) else ""


def _read_row(row: list[str], places: Sequence[int | None], place: str) -> Counts:
    try:
        at, *values = ("1" if column is None else row[column] for column in places)
        mentions, negatives, times_mentions, times_negatives = map(float, values)
        moment = datetime.fromtimestamp(int(at), UTC) if at.isdecimal() else datetime.fromisoformat(at)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError("beyond what local times can be reckoned with")
    except (ValueError, IndexError, OverflowError, OSError):
        raise InputError(f"{place}: expected a time, two counts and two factors") from None
    if not (0 <= negatives <= mentions < float("inf")):
        raise InputError(f"{place}: negatives are 0 or more, and at most all mentions")
    if not all(0.1 <= factor <= 1000 for factor in (times_mentions, times_negatives)):
        raise InputError(f"{place}: a factor lies between 0.1 and 1000")
    return Counts(moment, mentions, negatives, Announced(times_mentions, times_negatives))
