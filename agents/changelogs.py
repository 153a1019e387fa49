"""Reads and writes whole changelogs from outside a worker: for procedures that move state or make it anew."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from agents.runtime.restore import Newest, take
from agents.runtime.writer import Write, Writer
from agents.topic_reader import read_to_end
from pipeline.journal import CHANGE

Snapshots = Mapping[bytes, bytes | None]
"""Key → snapshot, None: tombstone."""

TOMBSTONES = 5_000


def read_changelog(bootstrap: str, topic: str) -> dict[int, Newest]:
    """The newest snapshot of each key, per partition; records that are none are passed over."""
    found: defaultdict[int, Newest] = defaultdict(dict)
    for record in read_to_end(bootstrap, topic):
        take(found[record.partition], [record])
    return dict(found)


def highest(newest: Newest) -> int:
    """The highest change number."""
    return max((change for change, _, _ in newest.values()), default=0)


async def write_snapshots(writer: Writer, topic: str, partition: int, snapshots: Snapshots, change: int) -> None:
    """Write them under one change number, those of a brand together, tombstones last; all acknowledged."""
    await writer.publish_together(topic, {partition: _groups(snapshots, change)})


def _groups(snapshots: Snapshots, change: int) -> Iterator[list[Write]]:
    number = [(CHANGE, str(change).encode())]
    brands: defaultdict[bytes, list[Write]] = defaultdict(list)
    gone: list[Write] = []
    for key, value in snapshots.items():
        (gone if value is None else brands[key.partition(b"|")[0]]).append(Write(key, value, number))
    for written in brands.values():
        yield sorted(written, key=lambda write: b"|" not in (write.key or b""))  # the brand's own key last, as a worker does
    for start in range(0, len(gone), TOMBSTONES):
        yield gone[start : start + TOMBSTONES]
