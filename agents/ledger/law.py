"""The ledger law: every raw record that is not a tick has exactly one outcome.

An outcome is a record in routed, routed.shadow or dead-letter that carries the raw record's origin; a repeat after a crash has the same
``ce_id`` and is the same outcome. Memory: five or six bits for each raw offset, however many outcomes there are. What says of an offset
that it has an outcome is one bit for each topic; only where an origin comes twice are the outcomes' identities compared, in a second look
at the topics, by sorting them on disk.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple

from agents.ledger.findings import SHOWN, Findings, place_of
from agents.ledger.sorting import Layout, Sorter
from agents.topic_reader import Record
from pipeline.brands import Registry
from pipeline.door import AuthorHasher, Door
from pipeline.stage import ORIGIN, Incoming, Origin, header, parse_origin
from schemas.codec import RejectedRecordError
from schemas.mention import Tick
from schemas.topics import DEAD_LETTER, RAW, ROUTED, ROUTED_SHADOW

OUTCOMES = (ROUTED.name, ROUTED_SHADOW.name, DEAD_LETTER.name)
_NUMBER = {topic: number for number, topic in enumerate(OUTCOMES)}
_STRIDE = 4096
_ROW = Layout("IQB16sIQ")
"""Raw partition, raw offset; topic, identity; partition, offset."""

_ORIGIN_BYTES = 12
_IDENTITY = slice(_ORIGIN_BYTES, _ORIGIN_BYTES + 17)


class Extent(NamedTuple):
    """Offsets of a raw partition: from ``start``, before ``end``; all stages had begun what is before ``begun``."""

    start: int
    end: int
    begun: int


@dataclass
class Ledger:
    """What was found. ``clean`` when nothing is missing, doubled or from nowhere."""

    epoch: str = ""
    raw: int = 0
    """Raw records that are no ticks."""
    ticks: Counter[str] = field(default_factory=Counter)
    """By what they are: of the ``wall`` clock, of a ``file``, of one ``brand``."""
    outcomes: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    under_way: int = 0
    """Without an outcome yet: some stage has not committed past them."""
    gone: int = 0
    """Raw offsets that retention took before this look; nothing can be said of them."""
    before_start: int = 0
    """Outcomes of such raw records."""
    earlier_topics: int = 0
    """Outcomes of raw records of a raw topic of that name that was deleted."""
    rules: Counter[str] = field(default_factory=Counter)
    """Configuration hash of rule books → routed records decided by it."""
    bytes_in_memory: int = 0
    bytes_on_disk: int = 0
    missing: Findings = field(default_factory=Findings)
    doubled: Findings = field(default_factory=Findings)
    unknown: Findings = field(default_factory=Findings)

    @property
    def clean(self) -> bool:
        """Whether nothing speaks against the law."""
        return not (self.missing or self.doubled or self.unknown)

    @property
    def says_nothing(self) -> bool:
        """Whether there was no raw record to look at although there have been some."""
        return not self.raw and bool(self.gone or self.before_start or self.earlier_topics)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        told = {name: value for name, value in vars(self).items() if not isinstance(value, Findings)}
        found = {name: value.as_json() for name, value in vars(self).items() if isinstance(value, Findings)}
        return {"clean": self.clean, **told, **found}


class TickTest:
    """Whether a raw record is a tick, by the door's own word: what the door refuses has an outcome, also if it looks like a tick."""

    def __init__(self) -> None:
        self._door = Door(Registry([]), AuthorHasher(b"no author is hashed here"))
        self._counts: Counter[tuple[str, ...]] = Counter()

    def __call__(self, record: Record) -> Tick | None:
        """The tick, or None."""
        value = record.value
        if value is None or (b"tick" not in value and b"\\u" not in value):
            return None
        try:
            admitted = self._door.decode(Incoming(*record[1:]), self._counts)
        except RejectedRecordError:
            return None
        return admitted if isinstance(admitted, Tick) else None


class _Bits:
    """One bit for each offset of a raw partition."""

    __slots__ = ("_bits",)

    def __init__(self, size: int) -> None:
        self._bits = bytearray((size + 7) // 8)

    def set(self, index: int) -> None:
        self._bits[index >> 3] |= 1 << (index & 7)

    def __getitem__(self, index: int) -> int:
        return self._bits[index >> 3] >> (index & 7) & 1

    def part(self, at: int) -> int:
        """The bits of `_STRIDE` bytes from byte ``at``, as one number."""
        return int.from_bytes(self._bits[at : at + _STRIDE], "little")

    def __len__(self) -> int:
        return len(self._bits)


class _Page:
    """What is noted of a raw partition."""

    def __init__(self, extent: Extent) -> None:
        self.extent = extent
        size = max(0, extent.end - extent.start)
        self.raw = _Bits(size)
        self.told = [_Bits(size) for _ in OUTCOMES]
        self.again = _Bits(size)
        self.under_way: _Bits | None = None
        self.spoken_from = extent.start

    def mark_under_way(self, index: int) -> None:
        if self.under_way is None:
            self.under_way = _Bits(max(0, self.extent.end - self.extent.start))
        self.under_way.set(index)

    def without_outcome(self) -> Iterator[tuple[int, int, int]]:
        """Per stretch of offsets: the first of them, and as bits from there on what is missing and what is under way."""
        for at in range(0, len(self.raw), _STRIDE):
            left = self.raw.part(at)
            for told in self.told:
                left &= ~told.part(at)
            first = self.extent.start + at * 8
            if first < self.spoken_from:
                left = left >> (skipped := self.spoken_from - first) << skipped
            if left:
                begun = (1 << min(max(self.extent.begun - first, 0), _STRIDE * 8)) - 1
                if self.under_way is not None:
                    begun &= ~self.under_way.part(at)
                yield first, left & begun, left & ~begun

    def size(self) -> int:
        return sum(map(len, (self.raw, *self.told, self.again))) + (len(self.under_way) if self.under_way is not None else 0)


class LedgerCheck:
    """Give it the raw topic, then the outcomes, what is under way, and the outcomes once more if it asks for them (`wants_again`).

    Args:
        epoch: of the raw topic.
        extents: of each raw partition.
    """

    def __init__(self, epoch: str, extents: Mapping[int, Extent]) -> None:
        self._pages = {partition: _Page(extent) for partition, extent in extents.items()}
        self._is_tick = TickTest()
        self._once_more = 0
        self.found = Ledger(epoch, gone=sum(extent.start for extent in extents.values()))

    @property
    def wants_again(self) -> bool:
        """Whether some origin came twice."""
        return self._once_more > 0

    def take_raw(self, records: Iterable[Record]) -> None:
        """What the raw topic holds. A hole in its offsets (a transaction's marker, a record taken back) is no record."""
        for record in records:
            if (tick := self._is_tick(record)) is not None:
                self.found.ticks["brand" if tick.brand is not None else "file" if tick.replay is not None else "wall"] += 1
                continue
            page = self._pages[record.partition]
            page.raw.set(record.offset - page.extent.start)
            self.found.raw += 1

    def take_outcomes(self, records: Iterable[Record]) -> None:
        """What routed, routed.shadow and dead-letter hold."""
        found = self.found
        for record in records:
            if record.topic != DEAD_LETTER.name and (rule_book := _config_hash(record.value)) is not None:
                found.rules[rule_book] += 1
            origin = _origin(record)
            if origin is None:
                found.unknown.add("no origin", place_of(record))
                continue
            if origin.epoch != found.epoch:
                found.earlier_topics += 1
                continue
            page = self._pages.get(origin.partition)
            if page is None or origin.offset >= page.extent.end:
                found.unknown.add(_raw(origin.partition, origin.offset), place_of(record), note="no such raw record")
                continue
            index = origin.offset - page.extent.start
            if origin.offset < page.spoken_from:
                found.before_start += 1
            elif not page.raw[index]:
                found.unknown.add(_raw(origin.partition, origin.offset), place_of(record), note="a tick or nothing is there")
            elif any(told[index] for told in page.told):
                page.again.set(index)
                page.told[_NUMBER[record.topic]].set(index)
                self._once_more += 1
            else:
                page.told[_NUMBER[record.topic]].set(index)
                found.outcomes[record.topic] = found.outcomes.get(record.topic, 0) + 1

    def take_under_way(self, records: Iterable[Record]) -> None:
        """What lies between the stages: records of the middle topics that the next stage has not committed past."""
        for record in records:
            origin = _origin(record)
            if origin is None or origin.epoch != self.found.epoch or (page := self._pages.get(origin.partition)) is None:
                continue
            if page.extent.start <= origin.offset < page.extent.end:
                page.mark_under_way(origin.offset - page.extent.start)

    def compare_repeats(self, records: Iterable[Record], sorter: Sorter) -> None:
        """The outcomes once more: of origins that came twice, whether it was the same outcome. ``sorter`` is for rows of `ROW_BYTES`."""
        for record in records:
            origin = _origin(record)
            if origin is None or origin.epoch != self.found.epoch or (page := self._pages.get(origin.partition)) is None:
                continue
            index = origin.offset - page.extent.start
            if index >= 0 and origin.offset < page.extent.end and page.again[index]:
                identity = blake2b(header(record.headers, "ce_id") or b"", digest_size=16).digest()
                row = (origin.partition, origin.offset, _NUMBER[record.topic], identity, record.partition, record.offset)
                sorter.add(_ROW.pack(*row))
        self.found.bytes_on_disk = max(self.found.bytes_on_disk, sorter.count * ROW_BYTES)
        for _, rows in groupby(sorter.rows(), key=lambda row: row[:_ORIGIN_BYTES]):
            self._same_or_not(rows)

    def _same_or_not(self, rows: Iterable[bytes]) -> None:
        shown: list[str] = []
        different, number = 0, 0
        partition = offset = 0
        for _, same in groupby(rows, key=lambda row: row[_IDENTITY]):
            different += 1
            for row in same:
                partition, offset, topic, _, at_partition, at = _ROW.unpack(row)
                number += 1
                if len(shown) < different <= 5:
                    shown.append(f"{OUTCOMES[topic]}:{at_partition}:{at}")
        self.found.repeats += number - different
        if different > 1:
            self.found.doubled.add(_raw(partition, offset), *shown, note=f"{different} different outcomes")

    def now_begins_at(self, starts: Mapping[int, int]) -> None:
        """Where the raw partitions start now that they have been read: what retention took meanwhile may have been missed, and is not
        spoken of. Before the outcomes.
        """
        for partition, page in self._pages.items():
            page.spoken_from = max(page.extent.start, starts.get(partition, 0))

    def finish(self) -> Ledger:
        """What came of it."""
        found = self.found
        found.bytes_in_memory = sum(page.size() for page in self._pages.values())
        for partition, page in sorted(self._pages.items()):
            for first, missing, under_way in page.without_outcome():
                found.under_way += under_way.bit_count()
                while missing and len(found.missing.first) < SHOWN:
                    lowest = missing & -missing
                    found.missing.add(_raw(partition, first + lowest.bit_length() - 1))
                    missing ^= lowest
                found.missing.count += missing.bit_count()
        return found


ROW_BYTES = _ROW.size


def _origin(record: Record) -> Origin | None:
    try:
        origin = parse_origin(header(record.headers, ORIGIN) or b"")
    except ValueError:
        return None
    return origin if origin.partition >= 0 and origin.offset >= 0 else None


_CONFIG = b'"config_hash":"'


def _config_hash(value: bytes | None) -> str | None:
    """Out of a routed record, without decoding it: inside a text the quotation marks would have a backslash before them."""
    at = -1 if value is None else value.find(_CONFIG)
    if value is None or at < 0:
        return None
    start = at + len(_CONFIG)
    return value[start : start + 64].partition(b'"')[0].decode("ascii", "replace")


def _raw(partition: int, offset: int) -> str:
    return f"{RAW.name}:{partition}:{offset}"
