"""Which state keys a batch has changed: the changelog of a stage, one change number for the whole partition.

The change number grows by one per applied change. A restore takes per key the snapshot with the highest number, so a stale snapshot of
an owner that slept cannot set the state back; inputs come in one order, so equal numbers mean equal state.
"""

from collections.abc import Callable

CHANGE = "webcare-change"
"""Header of changelog records, tombstones too: the change number at which the snapshot was taken."""

Snapshot = Callable[[], bytes | None]


class Journal:
    """Collects changed keys. Snapshots are taken once, at the end of the batch."""

    def __init__(self) -> None:
        self.change = 0
        self._dirty: dict[str, dict[bytes, Snapshot]] = {}

    def applied(self) -> None:
        """One more change has been applied (whatever number of keys it touched)."""
        self.change += 1

    def touch(self, brand: str, key: bytes, snapshot: Snapshot) -> None:
        """``key`` changed; ``snapshot`` gives its bytes when the batch is over, or None once it is gone."""
        self._dirty.setdefault(brand, {})[key] = snapshot

    def drain(self) -> dict[bytes, bytes | None]:
        """The snapshots of all keys touched since the last call, those of a brand side by side."""
        changes = {key: snapshot() for keys in self._dirty.values() for key, snapshot in keys.items()}
        self._dirty.clear()
        return changes
