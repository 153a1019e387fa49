"""Packed identities in little memory: some 75 bytes each, where a dict of bytes takes 300.

Entries of one size lie one behind the other in the order in which they were filed, and are found by chains over a table of heads. An
entry that goes is only marked; when a third of all are, the table is made anew without them. An hour's entries are found by a look over
all, which costs a nanosecond each.
"""

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.seen import APPLIED, BUCKET_OF, FLAGS, LIVE, ONE_ORIGIN, hour_in

_IDENTITY = 16
_ENTRY = _IDENTITY + ONE_ORIGIN
_GONE, _ELSEWHERE = 0, b"\xff"
"""In place of the version that begins a packed identity: it is no more; it is not of the usual length, and kept beside the table."""

_LEAST_HEADS = 256
"""A kilobyte: most brands have no more identities, and making a small table anew costs as much as filling it."""


class SeenTable:
    """Identity (16 bytes, as good as random) → packed `Seen`, filed under the hour that it names (`hour_in`)."""

    def __init__(self) -> None:
        self._entries = bytearray(_ENTRY)  # the first is no entry: 0 ends a chain
        self._next = array("I", [0])
        self._heads = array("I", bytes(4 * _LEAST_HEADS))
        self._beside: dict[bytes, bytes] = {}
        self._gone = 0
        self._asked: tuple[bytes, int] | None = None
        """What was looked for last, and its entry: who asks for an identity mostly puts it next."""
        self._hours: dict[int, int] = {}  # how many are filed under each
        self._first: int | None = None

    def __len__(self) -> int:
        return len(self._next) - 1 - self._gone

    def get(self, identity: bytes) -> bytes | None:
        """What is kept of an identity."""
        entry = self._find(identity)
        self._asked = identity, entry
        return self._packed(entry) if entry else None

    def put(self, identity: bytes, packed: bytes) -> None:
        """Keep or change an identity. Under another hour than before it is filed anew, behind all others.

        Raises:
            ValueError: it cannot be read, or is under no identity.
        """
        hour = hour_in(packed)
        if len(identity) != _IDENTITY:
            raise ValueError("not the identity of a mention")  # it would put all after it out of place
        asked = self._asked
        entry = asked[1] if asked is not None and asked[0] == identity else self._find(identity)
        self._asked = None
        if entry and self._hour(entry) != hour:
            self._drop(entry)
            entry = 0
        if self._beside:
            self._beside.pop(identity, None)
        if len(packed) != ONE_ORIGIN:
            self._beside[identity] = packed
            packed = _ELSEWHERE + packed[1:ONE_ORIGIN].ljust(ONE_ORIGIN - 1, b"\0")
        if entry:
            start = entry * _ENTRY + _IDENTITY
            self._entries[start : start + ONE_ORIGIN] = packed
        else:
            self._add(identity, packed)
            self._hours[hour] = self._hours.get(hour, 0) + 1
            if self._first is None or hour < self._first:
                self._first = hour

    def values(self) -> Iterator[bytes]:
        """All that is kept, in the order in which it was filed."""
        return (self._packed(entry) for entry in range(1, len(self._next)) if self._entries[entry * _ENTRY + _IDENTITY] != _GONE)

    def live_since(self, bucket: int) -> list[bytes]:
        """What is in the counts of that bucket or a later one."""
        table = self._table()
        wanted = (table[:, _IDENTITY] != _GONE) & (table[:, _IDENTITY + FLAGS] & LIVE != 0) & (_numbers(table, BUCKET_OF) >= bucket)
        return [self._packed(entry) for entry in np.flatnonzero(wanted).tolist()]

    def first_hour(self) -> int | None:
        """The earliest hour under which anything is filed."""
        if self._first not in self._hours:
            self._first = min(self._hours, default=None)
        return self._first

    def drop_hour(self, hour: int) -> list[bytes]:
        """Drop what is filed under an hour; whose it was, in the order in which it was filed."""
        self._asked = None
        table = self._table()
        entries = np.flatnonzero((table[:, _IDENTITY] != _GONE) & (_numbers(table, APPLIED) == hour)).tolist()
        del table  # while anybody looks at it, its memory cannot grow
        dropped = [self._identity(entry) for entry in entries]
        for entry in entries:
            self._drop(entry)
        return dropped

    def _find(self, identity: bytes) -> int:
        """The number of its entry; 0: there is none."""
        heads, following, entries = self._heads, self._next, self._entries
        entry = heads[int.from_bytes(identity[:4], "little") & (len(heads) - 1)]
        while entry:
            start = entry * _ENTRY
            if entries.startswith(identity, start) and entries[start + _IDENTITY] != _GONE:
                break
            entry = following[entry]
        return entry

    def _packed(self, entry: int) -> bytes:
        start = entry * _ENTRY + _IDENTITY
        if self._entries[start] == _ELSEWHERE[0]:
            return self._beside[self._identity(entry)]
        return bytes(self._entries[start : start + ONE_ORIGIN])

    def _identity(self, entry: int) -> bytes:
        return bytes(self._entries[entry * _ENTRY : entry * _ENTRY + _IDENTITY])

    def _hour(self, entry: int) -> int:
        start = entry * _ENTRY + _IDENTITY + APPLIED
        return int.from_bytes(self._entries[start : start + 4], "little")

    def _add(self, identity: bytes, packed: bytes) -> None:
        if len(self._next) > len(self._heads) or self._gone > 16 + len(self) // 2:
            self._renew()
        place = int.from_bytes(identity[:4], "little") & (len(self._heads) - 1)
        self._entries += identity + packed
        self._next.append(self._heads[place])
        self._heads[place] = len(self._next) - 1

    def _drop(self, entry: int) -> None:
        start = entry * _ENTRY + _IDENTITY
        if self._entries[start] == _ELSEWHERE[0]:
            del self._beside[self._identity(entry)]
        hour = self._hour(entry)
        if self._hours[hour] > 1:
            self._hours[hour] -= 1
        else:
            del self._hours[hour]
        self._entries[start] = _GONE
        self._gone += 1

    def _table(self) -> NDArray[np.uint8]:
        return np.frombuffer(self._entries, np.uint8).reshape(-1, _ENTRY)

    def _renew(self) -> None:
        """Leave out what is gone, with heads enough for half as many again."""
        table = self._table()
        kept = table[:, _IDENTITY] != _GONE
        kept[0] = True
        table = table[kept]
        self._entries = bytearray(table.tobytes())
        self._gone = 0
        heads = 1 << max(len(table) * 3 // 2, _LEAST_HEADS - 1).bit_length()
        places = _numbers(table, -_IDENTITY)[1:] & (heads - 1)
        order = np.argsort(places, kind="stable").astype(np.uint32) + np.uint32(1)
        places = places[order - 1]
        is_last = np.ones(len(order), dtype=bool)  # of its chain
        is_last[:-1] = places[1:] != places[:-1]
        following = np.zeros(len(table), dtype=np.uint32)
        following[order[:-1]] = np.where(is_last[:-1], 0, order[1:])
        first = np.zeros(heads, dtype=np.uint32)
        is_first = np.roll(is_last, 1)
        first[places[is_first]] = order[is_first]
        self._next, self._heads = array("I", following.tobytes()), array("I", first.tobytes())


def _numbers(table: NDArray[np.uint8], at: int) -> NDArray[Any]:
    """Four bytes of each entry as a number, ``at`` so many behind its identity."""
    return np.ascontiguousarray(table[:, _IDENTITY + at : _IDENTITY + at + 4]).view("<u4").ravel()
