"""How much is written when: the week of a brand, Gamma-Poisson, in buckets of five minutes."""

import math
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")
BUCKET = timedelta(minutes=5)
START = datetime(2026, 9, 14, tzinfo=UTC)
"""A Monday; the sixth week ends with the change from summer time."""
PER_DAY = 288


def poisson(rng: Random, mean: float) -> int:
    """A Poisson number: by multiplication, in parts where the mean is large."""
    count = 0
    while mean > 20:
        count += poisson(rng, 20)
        mean -= 20
    limit, product = math.exp(-mean), rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def expected(rng: Random, daily: float, days: int) -> list[float]:
    """Mentions expected in each bucket: hour of the local day, weekend, newsletter hour, drift, good and bad days and hours."""
    peak, amplitude, weekend = rng.uniform(13, 19), rng.uniform(0.8, 1.3), rng.uniform(0.5, 0.9)
    newsletter = rng.random() < 0.5
    drift = rng.uniform(-0.25, 0.25)
    shape: list[float] = []
    for index in range(days * PER_DAY):
        local = (START + BUCKET * index).astimezone(ZONE)
        hour = local.hour + local.minute / 60
        level = amplitude * math.cos((hour - peak) / 12 * math.pi) + 0.3 * math.cos((hour - peak) / 6 * math.pi)
        rate = math.exp(level) * (weekend if local.weekday() >= 5 else 1.0)
        if newsletter and local.weekday() == 1 and local.hour == 10:
            rate *= 2.5
        shape.append(rate)
    mean = sum(shape) / len(shape)
    out: list[float] = []
    day_level = hour_level = 1.0
    for index, rate in enumerate(shape):
        if index % PER_DAY == 0:
            day_level = rng.gammavariate(40, 1 / 40)
        if index % 12 == 0:
            # Neighbouring hours are alike: half of the level stays.
            hour_level = 0.5 * hour_level + 0.5 * rng.gammavariate(8, 1 / 8)
        out.append(daily / PER_DAY * rate / mean * day_level * hour_level * math.exp(drift * index / len(shape)))
    return out


def moment(rng: Random, bucket: int) -> datetime:
    """Somewhere in a bucket, to the millisecond."""
    return START + BUCKET * bucket + timedelta(milliseconds=rng.randrange(300_000))


def is_awake(bucket: int) -> bool:
    """Whether a bucket lies between 7 and 21 local time."""
    return 7 <= (START + BUCKET * bucket).astimezone(ZONE).hour < 21
