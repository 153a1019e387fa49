"""When people write: the shape of a day and of a week, in local time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")

# Relative weight of each local hour.
EVENINGS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 9, 9, 9, 10, 10, 10, 11, 12, 11, 10, 11, 12, 11, 8, 4)
COMMUTERS = (2, 1, 1, 1, 1, 4, 11, 16, 14, 9, 7, 7, 8, 8, 9, 11, 15, 16, 13, 9, 8, 7, 6, 4)
OFFICE = (1, 1, 1, 1, 1, 1, 3, 6, 10, 12, 12, 11, 11, 11, 11, 11, 10, 8, 8, 9, 9, 8, 5, 2)
DELIVERIES = (1, 1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 12, 12, 12, 13, 13, 14, 13, 11, 9, 5, 2)
WEEKEND = (4, 3, 2, 1, 1, 1, 2, 3, 6, 9, 11, 12, 12, 12, 12, 12, 12, 11, 10, 10, 11, 10, 8, 5)


def moments(day: date, count: int, hours: Sequence[float], rng: Random, evenness: float = 0.8) -> list[datetime]:
    """``count`` times of a local day, UTC, in order.

    ``evenness``: share of them that are spread evenly over the weighted day (each somewhere in its own stretch); the rest falls anywhere,
    as independent writers would.
    """
    even = round(count * evenness)
    shares = [(index + rng.random()) / even for index in range(even)] + [rng.random() for _ in range(count - even)]
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return sorted(midnight.astimezone(UTC) + timedelta(hours=_hour(share, hours)) for share in shares)


def _hour(share: float, hours: Sequence[float]) -> float:
    """The hour of day by which ``share`` of the weight has passed."""
    rest = share * sum(hours)
    for hour, weight in enumerate(hours):
        if rest < weight:
            return hour + rest / weight
        rest -= weight
    return float(len(hours)) - 1e-6


def days(start: datetime, end: datetime) -> list[date]:
    """The local days that the stretch touches."""
    first, last = start.astimezone(ZONE).date(), end.astimezone(ZONE).date()
    return [first + timedelta(days=index) for index in range((last - first).days + 1)]


def is_weekend(day: date) -> bool:
    """Saturday or Sunday."""
    return day.weekday() >= 5


def served(at: datetime) -> bool:
    """Whether the brands' teams answer at this moment: 8 to 22 local time, weekends 9 to 18."""
    local = at.astimezone(ZONE)
    return 9 <= local.hour < 18 if is_weekend(local.date()) else 8 <= local.hour < 22
