"""Baselines out of the counts topic (400 days), for brands whose past the crisis stage's own input (14 days) holds no more."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from agents.topic_reader import Record
from pipeline.baseline import rebuilt_watch
from pipeline.brand_core import decode_core
from pipeline.brands import Registry
from pipeline.journal import seal, unseal
from pipeline.scrp import RING
from pipeline.ticks import BUCKET
from schemas.outputs import BrandCounts

CountsOf = Mapping[str, list[BrandCounts]]
"""Brand → its closed buckets, in any order."""

_decode = msgspec.json.Decoder(BrandCounts).decode


def read_counts(log: Iterable[Record], refuse: Callable[[str], None]) -> CountsOf:
    """The records of the counts topic by brand; ``refuse`` hears where one is that cannot be read."""
    found: dict[str, list[BrandCounts]] = {}
    for record in log:
        if record.value is None:
            continue
        try:
            counts = _decode(record.value)
        except ValueError as error:
            refuse(f"{record.topic}, partition {record.partition}, offset {record.offset}: {type(error).__name__}")
        else:
            found.setdefault(counts.brand, []).append(counts)
    return found


def watches(snapshots: Mapping[bytes, bytes], brands: Iterable[str], counts: CountsOf, registry: Registry) -> Iterator[tuple[bytes, bytes]]:
    """New snapshots of these brands' watches, each up to the bucket that its clock has reached in ``snapshots``.

    A brand of which nothing else is left is taken to where the others are, so that its silence meanwhile is none in the middle of a row.
    """
    reached = {key.decode(): _first_open(key, value) for key, value in snapshots.items() if key and b"|" not in key}
    latest = max((first for first in reached.values() if first is not None), default=None)
    for brand in sorted(brands):
        rows = counts.get(brand)
        if not rows:
            continue
        last = max(int(row.bucket_start.timestamp()) // BUCKET for row in rows)
        first_open = reached.get(brand) or max(last + RING, latest or 0)
        watch = rebuilt_watch(registry.brand(brand), rows, first_open - 1)
        if watch.closed:
            key = f"{brand}|watch".encode()
            yield key, seal(key, watch.snapshot())


def _first_open(key: bytes, value: bytes) -> int | None:
    return decode_core(unseal(key, value)).first_open
