"""Runtime alone: four stages that only set a field, the same code for every system.

``set_field`` is what all systems run. Around it, ours does what its protocol asks: origin and append-time headers, and a small state per
brand that is written to the changelog; the others do nothing more.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Struct

from pipeline.journal import Journal, unseal
from pipeline.stage import APPENDED, ORIGIN, Incoming, Origin, Outcome, Outgoing, Reading, header, parse_origin
from schemas.topics import ASSESSED, CRISIS_STATE, LANGUAGE, RAW, ROUTED, SENTIMENT, Topic

TOPICS = (RAW, LANGUAGE, SENTIMENT, ASSESSED, ROUTED)
NAMES = ("language", "sentiment", "crisis", "routing")


class Light(Struct):
    """About 290 bytes of JSON on its way in, 350 at the end."""

    id: int
    brand: str
    author: str
    published_at: str
    text: str
    language: str | None = None
    score: float | None = None
    alert: bool | None = None
    route: str | None = None


_decode = msgspec.json.Decoder(Light).decode
_encode = msgspec.json.Encoder().encode
_FIELDS = (("language", "nl"), ("score", -0.3), ("alert", False), ("route", "service"))


def setter(number: int) -> Callable[[bytes], bytes]:
    """Stage ``number`` (0 to 3): decode, set one field, encode."""
    name, value = _FIELDS[number]

    def set_field(body: bytes) -> bytes:
        record = _decode(body)
        setattr(record, name, value)
        return _encode(record)

    return set_field


class LightStage:
    """One of the four as our runtime drives it."""

    def __init__(self, number: int) -> None:
        self.name = NAMES[number]
        self.source: Topic = TOPICS[number]
        self.changelog: Topic | None = CRISIS_STATE if self.name == "crisis" else None
        self.target: Topic = TOPICS[number + 1]
        self.set_field = setter(number)

    def open(self, partition: int, epoch: str) -> "LightPartition":
        """An empty partition."""
        if self.source is RAW:
            return LightDoor(self, partition, epoch)
        return LightPartition(self) if self.changelog is None else LightCounter(self)


class LightPartition:
    """Sets the field, passes key and headers on."""

    def __init__(self, stage: LightStage) -> None:
        self._stage = stage

    def restore(self, key: bytes, value: bytes) -> None:
        """Nothing to restore."""

    def restored(self, change: int) -> None:
        """Nothing to restore."""

    def readings(self) -> Iterable[Reading]:
        """Nothing to read."""
        return ()

    def process(self, records: Sequence[Incoming]) -> Outcome:
        """One record out for each that comes in; those without a body (ticks) are dropped."""
        outcome = Outcome()
        stage = self._stage
        outcome.outgoing = [
            Outgoing(stage.target, record.key, stage.set_field(record.value), list(record.headers))
            for record in records
            if record.key is not None and record.value is not None
        ]
        return outcome


class LightDoor(LightPartition):
    """The first stage: says where each record comes from."""

    def __init__(self, stage: LightStage, partition: int, epoch: str) -> None:
        super().__init__(stage)
        self._partition = partition
        self._epoch = epoch

    def process(self, records: Sequence[Incoming]) -> Outcome:
        outcome = Outcome()
        stage = self._stage
        for record in records:
            if record.key is None or record.value is None:
                continue
            headers = [
                *record.headers,
                (ORIGIN, Origin(self._epoch, self._partition, record.offset).encode()),
                (APPENDED, str(record.timestamp).encode()),
            ]
            outcome.outgoing.append(Outgoing(stage.target, record.key, stage.set_field(record.value), headers))
        return outcome


class _Count(Struct, array_like=True):
    number: int = 0
    last: int = -1


_encode_count = msgspec.msgpack.Encoder().encode
_decode_count = msgspec.msgpack.Decoder(_Count).decode


class LightCounter(LightPartition):
    """The third stage: counts per brand, each origin once, and writes what changed to the changelog."""

    def __init__(self, stage: LightStage) -> None:
        super().__init__(stage)
        self._counts: dict[bytes, _Count] = {}
        self._journal = Journal()

    def restore(self, key: bytes, value: bytes) -> None:
        self._counts[key] = _decode_count(unseal(key, value))

    def restored(self, change: int) -> None:
        self._journal.change = change

    def process(self, records: Sequence[Incoming]) -> Outcome:
        outcome = super().process(records)
        for record in records:
            if record.key is None:
                continue
            count = self._counts.get(record.key)
            if count is None:
                count = self._counts[record.key] = _Count()
            offset = parse_origin(header(record.headers, ORIGIN) or b"").offset
            if offset > count.last:
                count.number += 1
                count.last = offset
                self._journal.applied()
                self._journal.touch(record.key.decode(), record.key, lambda count=count: _encode_count(count))
        outcome.changes = self._journal.drain()
        outcome.change = self._journal.change
        return outcome
