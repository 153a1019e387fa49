"""How far an incident went: its authors, its reach, and how many of its complaints the brand answered.

While an incident lasts, what leaves the six hours of buckets that are kept is added up here; the rest is added when it ends.
"""

import math
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from pipeline.brand_core import VERSION, body
from pipeline.exhibits import Exhibit, Heard
from pipeline.seen import identity_of

EXACT = 4_096
"""Authors up to which they are counted one by one; beyond, within a hundredth."""
_BITS = 131_072
_NOBODY = Heard()


class _Sums(Struct, array_like=True):
    authors: set[int]
    crowd: bytes
    """A bit for each author by the place that the author's number gives, where they are too many to be kept."""
    complaints: int
    answered: int
    reach: int | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Sums).decode


class Extent:
    """Sums over buckets."""

    def __init__(self) -> None:
        self._authors: set[int] = set()
        self._crowd: bytearray | None = None
        self._complaints = 0
        self._answered = 0
        self.reach: int | None = None
        """How often people may have seen it, as far as that is known."""

    def take(self, authors: Iterable[int], exhibit: Exhibit | None, heard: dict[bytes, Heard]) -> None:
        """Add a bucket; ``heard``: what became of complaints, in all buckets kept."""
        for author in authors:
            self._meet(author)
        if exhibit is None:
            return
        for quote in exhibit.quotes:
            self._complaints += 1
            self._answered += heard.get(identity_of(quote.mention_id), _NOBODY).answered
            self._see(quote.reach)
        for echo in exhibit.echoes.values():
            self._see(echo.reach)

    def _see(self, reach: int | None) -> None:
        if reach is not None:
            self.reach = reach + (self.reach or 0)

    def _meet(self, author: int) -> None:
        if self._crowd is None:
            self._authors.add(author)
            if len(self._authors) <= EXACT:
                return
            self._crowd = bytearray(_BITS // 8)
            met, self._authors = self._authors, set()
        else:
            met = {author}
        for one in met:
            place = one % _BITS
            self._crowd[place >> 3] |= 1 << (place & 7)

    @property
    def authors(self) -> int:
        """How many different authors."""
        if self._crowd is None:
            return len(self._authors)
        free = _BITS - int.from_bytes(self._crowd, "big").bit_count()
        return round(_BITS * math.log(_BITS / max(1, free)))

    @property
    def answered(self) -> float | None:
        """The share of its complaints that the brand answered; None without any."""
        return self._answered / self._complaints if self._complaints else None

    def snapshot(self) -> bytes | None:
        """Bit for bit; None where there is nothing."""
        if not self._authors and self._crowd is None and not self._complaints:
            return None
        crowd = b"" if self._crowd is None else bytes(self._crowd)
        return VERSION + _encode([sorted(self._authors), crowd, self._complaints, self._answered, self.reach])

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        sums = _decode(body(value))
        if sums.crowd and len(sums.crowd) != _BITS // 8:
            raise ValueError("an extent of another size")
        self._authors, self._crowd = sums.authors, bytearray(sums.crowd) if sums.crowd else None
        self._complaints, self._answered, self.reach = sums.complaints, sums.answered, sums.reach
