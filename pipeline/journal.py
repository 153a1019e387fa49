"""Which state keys a batch has changed: the changelog of a stage, one change number for the whole partition.

The change number grows by one per applied change. A restore takes per key the snapshot with the highest number, so a stale snapshot of
an owner that slept cannot set the state back; inputs come in one order, so equal numbers mean equal state.
"""

from collections.abc import Callable, Iterable
from zlib import crc32

CHANGE = "webcare-change"
"""Header of changelog records, tombstones too: the change number at which the snapshot was taken."""

Snapshot = Callable[[], bytes | None]
Bring = Callable[[], Iterable[tuple[bytes, bytes | None]]]

SEAL = b"\x02"
"""First byte of a sealed snapshot; those of before seals begin otherwise, and are read as they are."""
SEALED = len(SEAL) + 4
"""Bytes of a seal."""


def seal(key: bytes, snapshot: bytes) -> bytes:
    """A snapshot with a checksum of itself and its key: five bytes more, and no damaged or misplaced one is ever taken for state."""
    return SEAL + crc32(snapshot, crc32(key)).to_bytes(4, "big") + snapshot


def unseal(key: bytes, value: bytes) -> bytes:
    """The snapshot in a changelog value.

    Raises:
        ValueError: it is not what was written under this key.
    """
    if value[:1] != SEAL:
        return value
    snapshot = value[SEALED:]
    if crc32(snapshot, crc32(key)).to_bytes(4, "big") != value[1:SEALED]:
        raise ValueError("a damaged snapshot")
    return snapshot


class Journal:
    """Collects changed keys. Snapshots are taken once, at the end of the batch."""

    def __init__(self) -> None:
        self.change = 0
        self._dirty: dict[str, dict[bytes, Snapshot]] = {}
        self._bringing: dict[str, Bring] = {}

    def applied(self) -> None:
        """One more change has been applied (whatever number of keys it touched)."""
        self.change += 1

    def touch(self, brand: str, key: bytes, snapshot: Snapshot) -> None:
        """``key`` changed; ``snapshot`` gives its bytes when the batch is over, or None once it is gone."""
        keys = self._dirty.get(brand)
        if keys is None:
            keys = self._dirty[brand] = {}
        keys[key] = snapshot

    def brings(self, brand: str, bring: Bring) -> None:
        """Many keys of ``brand`` may change; ``bring`` gives those that did, with their bytes, when the batch is over."""
        self._bringing[brand] = bring

    def drain(self) -> dict[bytes, bytes | None]:
        """The snapshots of all keys touched since the last call, those of a brand side by side, and what was touched last at the end."""
        changes: dict[bytes, bytes | None] = {}
        for brand, bring in self._bringing.items():
            if brand not in self._dirty:
                for key, value in bring():
                    changes[key] = None if value is None else seal(key, value)
        for brand, keys in self._dirty.items():
            for key, snapshot in keys.items():
                value = snapshot()
                changes[key] = None if value is None else seal(key, value)
            if brand in self._bringing:
                for key, value in self._bringing[brand]():
                    changes[key] = None if value is None else seal(key, value)
        self._dirty.clear()
        self._bringing.clear()
        return changes

    def gone(self, brand: str, key: bytes) -> None:
        """What stands under ``key`` is of no use: a tombstone takes its place."""
        self.touch(brand, key, _nothing)


def _nothing() -> None:
    return None
