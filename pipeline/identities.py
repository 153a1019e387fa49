"""The identities a brand has seen, kept for 7 days of its event time, each under its own changelog key."""

from collections.abc import Iterator

from pipeline.buckets import PER_HOUR
from pipeline.journal import Journal
from pipeline.seen import Seen, unpack
from pipeline.seen_table import SeenTable
from pipeline.ticks import BUCKET

SEEN_BUCKETS = 7 * 86_400 // BUCKET
LONGER_HOURS = 83 * 24
"""A retraction is remembered for 90 days, 83 more: a crawler or a replay may bring its mention again, whose text must not go out."""


def forgotten_at(hour: int) -> int:
    """First open bucket at which identities applied in that hour (event time // 3600) are forgotten."""
    return (hour + 1) * PER_HOUR + SEEN_BUCKETS


class Identities:
    """Packed identities by their 16 bytes. The 7 days run from the hour they were applied in, so that a late mention is known as long."""

    def __init__(self, brand: str, journal: Journal) -> None:
        self._brand = brand
        self._prefix = f"{brand}|seen|".encode()
        self._journal = journal
        self._table = SeenTable()
        self._changed: dict[bytes, bytes | None] = {}

    def __len__(self) -> int:
        return len(self._table)

    def all(self) -> Iterator[Seen]:
        """Every identity kept."""
        return map(unpack, self._table.values())

    def live_since(self, bucket: int) -> dict[int, list[Seen]]:
        """Those in the counts of that bucket or a later one, by `Seen.family`."""
        live: dict[int, list[Seen]] = {}
        for seen in map(unpack, self._table.live_since(bucket)):
            live.setdefault(seen.family, []).append(seen)
        return live

    def recall(self, identity: bytes) -> Seen | None:
        """What is remembered of an identity."""
        packed = self._table.get(identity)
        return None if packed is None else unpack(packed)

    def remember(self, identity: bytes, seen: Seen) -> None:
        """Keep or change an identity."""
        packed = seen.pack()
        self._table.put(identity, packed)
        self._change(identity, packed)

    def _change(self, identity: bytes, packed: bytes | None) -> None:
        """What is told last of an identity is what the batch ends with: nothing need be looked up again. Keys are made only then."""
        if not self._changed:
            self._journal.brings(self._brand, self._changes)
        self._changed[identity] = packed

    def _changes(self) -> Iterator[tuple[bytes, bytes | None]]:
        changed, self._changed = self._changed, {}
        prefix = self._prefix
        for identity, packed in changed.items():
            yield prefix + identity.hex().encode(), packed

    def first_hour(self) -> int | None:
        """The earliest hour whose identities are kept."""
        return self._table.first_hour()

    def forget(self, first_open: int) -> None:
        """Drop what is older than 7 days, with a tombstone each."""
        while (hour := self.first_hour()) is not None and forgotten_at(hour) <= first_open:
            for identity in self._table.drop_hour(hour):
                self._change(identity, None)

    def restore(self, name: str, value: bytes) -> None:
        """Take back one identity.

        Raises:
            ValueError: it cannot be read.
        """
        self._table.put(bytes.fromhex(name), value)
