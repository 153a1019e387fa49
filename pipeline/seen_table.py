"""Packed identities in little memory: less than 64 bytes each, where a dict of bytes takes 300.

Entries of one size lie one behind the other in the order in which they were filed, and are found by chains over a table of heads. What
many have in common, the epoch and raw partition they came from and their topic, is kept once and numbered. An entry that goes is only
marked; when one in seventeen is, the table is made anew without them. An hour's entries are found by a look over all, which costs a
nanosecond each.
"""

import struct
from array import array
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.seen import LIVE, MARK, PLACE, fields_of, packed_of

_IDENTITY = 16
_ENTRY = struct.Struct("<16sBHIIBQH6s")
"""Identity, number of its place, flags, bucket, hour, edit, author, number of its topic, offset."""

_PLACE, _FLAGS, _BUCKET, _HOUR = 16, 17, 19, 23
"""Where these begin in an entry."""

_GONE, _BESIDE = 0, 1
"""In place of a place: it is no more; it is not as nearly all are, and kept beside the table."""

_PLACES, _TOPICS, _EDITS = 254, 4_096, 256
"""What an entry can tell apart. More of a brand's places or topics, or later edits, are kept beside the table."""

_LEAST_HEADS = 256
"""A kilobyte: most brands have no more identities, and making a small table anew costs as much as filling it."""


Value = TypeVar("Value", bytes, int)


class _Numbering(Generic[Value]):
    """Numbers for what many entries have in common, from ``first`` on."""

    def __init__(self, first: int, most: int) -> None:
        self._first = first
        self._most = most
        self._values: list[Value] = []
        self._numbers: dict[Value, int] = {}

    def of(self, value: Value) -> int | None:
        """The number of a value, a new one if need be; None: there are too many."""
        number = self._numbers.get(value)
        if number is None and len(self._values) < self._most:
            number = self._numbers[value] = self._first + len(self._values)
            self._values.append(value)
        return number

    def value(self, number: int) -> Value:
        return self._values[number - self._first]


class SeenTable:
    """Identity (16 bytes, as good as random) → packed `Seen`, filed under the hour from which it is kept."""

    def __init__(self) -> None:
        self._entries = bytearray(_ENTRY.size)  # the first is no entry: 0 ends a chain
        self._next = array("I", [0])
        self._heads = array("I", bytes(4 * _LEAST_HEADS))
        self._beside: dict[bytes, bytes] = {}
        self._places = _Numbering[bytes](_BESIDE + 1, _PLACES)
        self._topics = _Numbering[int](1, _TOPICS)
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
        flags, edit, bucket, hour, author, topic, origins = fields_of(packed)
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
        place = self._places.of(origins[:PLACE]) if len(origins) == MARK and edit < _EDITS else None
        number = 0 if topic is None else self._topics.of(topic)
        if place is None or number is None:
            self._beside[identity] = packed
            row = _ENTRY.pack(identity, _BESIDE, flags, bucket, hour, 0, 0, 0, b"")
        else:
            row = _ENTRY.pack(identity, place, flags, bucket, hour, edit, author, number, origins[PLACE:])
        if entry:
            start = entry * _ENTRY.size
            self._entries[start : start + _ENTRY.size] = row
        else:
            self._add(row)
            self._hours[hour] = self._hours.get(hour, 0) + 1
            if self._first is None or hour < self._first:
                self._first = hour

    def values(self) -> Iterator[bytes]:
        """All that is kept, in the order in which it was filed."""
        return (self._packed(entry) for entry in range(1, len(self._next)) if self._entries[entry * _ENTRY.size + _PLACE] != _GONE)

    def live_since(self, bucket: int) -> list[bytes]:
        """What is in the counts of that bucket or a later one."""
        table = self._table()
        wanted = (table[:, _PLACE] != _GONE) & (table[:, _FLAGS] & LIVE != 0) & (_numbers(table, _BUCKET) >= bucket)
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
        entries = np.flatnonzero((table[:, _PLACE] != _GONE) & (_numbers(table, _HOUR) == hour)).tolist()
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
            start = entry * _ENTRY.size
            if entries.startswith(identity, start) and entries[start + _PLACE] != _GONE:
                break
            entry = following[entry]
        return entry

    def _packed(self, entry: int) -> bytes:
        identity, place, flags, bucket, hour, edit, author, topic, offset = _ENTRY.unpack_from(self._entries, entry * _ENTRY.size)
        if place == _BESIDE:
            return self._beside[identity]
        origins = self._places.value(place) + offset
        return packed_of(flags, edit, bucket, hour, author, self._topics.value(topic) if topic else None, origins)

    def _identity(self, entry: int) -> bytes:
        start = entry * _ENTRY.size
        return bytes(self._entries[start : start + _IDENTITY])

    def _hour(self, entry: int) -> int:
        start = entry * _ENTRY.size + _HOUR
        return int.from_bytes(self._entries[start : start + 4], "little")

    def _add(self, row: bytes) -> None:
        if len(self._next) > 2 * len(self._heads) or self._gone > 16 + len(self) // 16:
            self._renew()
        place = int.from_bytes(row[:4], "little") & (len(self._heads) - 1)
        self._entries += row
        self._next.append(self._heads[place])
        self._heads[place] = len(self._next) - 1

    def _drop(self, entry: int) -> None:
        start = entry * _ENTRY.size + _PLACE
        if self._entries[start] == _BESIDE:
            del self._beside[self._identity(entry)]
        hour = self._hour(entry)
        if self._hours[hour] > 1:
            self._hours[hour] -= 1
        else:
            del self._hours[hour]
        self._entries[start] = _GONE
        self._gone += 1

    def _table(self) -> NDArray[np.uint8]:
        return np.frombuffer(self._entries, np.uint8).reshape(-1, _ENTRY.size)

    def _renew(self) -> None:
        """Leave out what is gone, with heads for chains of one or two."""
        table = self._table()
        kept = table[:, _PLACE] != _GONE
        kept[0] = True
        table = table[kept]
        self._entries = bytearray(table.tobytes())
        self._gone = 0
        heads = 1 << max(len(table) * 3 // 4, _LEAST_HEADS - 1).bit_length()
        places = _numbers(table, 0)[1:] & (heads - 1)
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
    """The four bytes of each entry from ``at`` on as a number."""
    return np.ascontiguousarray(table[:, at : at + 4]).view("<u4").ravel()
