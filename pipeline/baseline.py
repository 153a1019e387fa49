"""The counts topic: what it tells of a closed bucket, and a brand's baseline made anew from it, as a watch would have learnt it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pipeline.announced import EventCalendar
from pipeline.brands import Brand
from pipeline.buckets import Counted
from pipeline.incident import moment
from pipeline.scrp import PRIOR_MEAN, local_slot
from pipeline.seen import NEGATIVE
from pipeline.ticks import BUCKET
from pipeline.watch import Watch
from schemas.mention import Mode
from schemas.outputs import BrandCounts

STALE = 8 * 7 * 86_400 // BUCKET
"""After eight silent weeks silence teaches nothing more, so that a brand that comes back costs a second at most."""

BUCKETS_PER_MONTH = 365.25 / 12 * 86_400 / BUCKET


def prior_of(brand: Brand) -> float:
    """Negatives expected per bucket before anything is known: the public part of the complaints that are known of, if any are."""
    if brand.complaints_per_month is None:
        return PRIOR_MEAN
    return brand.complaints_per_month * brand.public_fraction / BUCKETS_PER_MONTH


def counts_of(
    brand: str,
    bucket: int,
    voices: Mapping[int, int],
    counted: Counted,
    mode: Mode,
    channel_family: str | None = None,
    topic: str | None = None,
) -> BrandCounts:
    """What a bucket that closes came to. ``voices``: mentions by author and polarity, before the cap; ``counted``: after it."""
    return BrandCounts(
        brand=brand,
        bucket_start=moment(bucket * BUCKET),
        mentions=sum(voices.values()),
        negatives=sum(count for key, count in voices.items() if key & 3 == NEGATIVE),
        mode=mode,
        topic=topic,
        channel_family=channel_family,
        capped_mentions=counted.mentions,
        capped_negatives=counted.negatives,
    )


def rebuilt_watch(brand: Brand, counts: Iterable[BrandCounts], until: int) -> Watch:
    """The watch after the close of bucket ``until`` (event time // 300), from the brand's own records of the counts topic, in any order.

    A bucket of which there is no record held nothing; a crash may leave two equal records of one. What a late
    mention corrected is not in them; alerts have their own topic, and this watch raises none.
    """
    watch = Watch(brand.profile, prior_of(brand))
    calendar, zone = EventCalendar(brand.events), brand.zone()
    holidays = brand.holiday_numbers()
    found = {
        int(row.bucket_start.timestamp()) // BUCKET: row
        for row in counts
        if row.topic is None and row.channel_family is None and row.capped_mentions
    }
    if not found:
        return watch
    heard = min(found)
    for bucket in range(heard, until + 1):
        row = found.get(bucket)
        if row is not None:
            heard = bucket
        elif bucket > heard + STALE:
            continue
        negatives, mentions = (0, 0) if row is None else (row.capped_negatives or 0, row.capped_mentions or 0)
        slot, day = local_slot(datetime.fromtimestamp(bucket * BUCKET, zone), holidays)
        watch.close(negatives, mentions, slot, day, calendar.at(bucket))
    return watch
