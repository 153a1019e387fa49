"""What goes wrong on the way, as it does in life: repeats, edits, retractions, late and early clocks, records that are broken."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import msgspec

from schemas import codec
from schemas.mention import Mention, Retraction

DUPLICATES = 14
EDITS = 10
RETRACTIONS = 9
LATE_MINUTES = (4, 6, 9, 12, 14, 18, 20, 23, 27, 31, 35, 40, 44, 55, 58, 75, 90, 130, 170, 210, 290, 400, 560)
CLOCK_AHEAD = timedelta(days=3)
RECEIVED = 300


class Line(NamedTuple):
    """One record for the raw topic: its key (the brand; None where the record has none), its bytes, and when it is delivered."""

    key: bytes | None
    value: bytes
    at: datetime


def line(record: Mention | Retraction, at: datetime | None = None) -> Line:
    """The record as a connector writes it: what is unknown is left out. Delivered when it is published unless ``at`` says otherwise."""
    value = codec.encode(_known(msgspec.to_builtins(record)))
    if at is None:
        at = record.published_at if isinstance(record, Mention) else record.retracted_at
    assert at is not None
    return Line(record.brand.encode(), value, at)


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _known(field) if isinstance(field, dict) else field for name, field in fields.items() if field is not None}


def deliver(mentions: Sequence[Mention], rng: Random) -> Iterator[Line]:
    """All mentions as lines, unordered, with some of them delivered twice, edited, retracted, late or ahead of the clock."""
    chosen = [index for index, mention in enumerate(mentions) if mention.kind in ("post", "reply") and mention.direction == "inbound"]
    rng.shuffle(chosen)
    draw = iter(chosen)
    late = {next(draw): timedelta(minutes=minutes) for minutes in LATE_MINUTES}
    ahead = next(draw)
    received = {next(draw) for _ in range(RECEIVED)}
    for index, mention in enumerate(mentions):
        if index in late:
            yield line(mention, mention.published_at + late[index])
        elif index == ahead:
            yield line(msgspec.structs.replace(mention, published_at=mention.published_at + CLOCK_AHEAD), mention.published_at)
        elif index in received:
            delay = timedelta(milliseconds=rng.randrange(400, 9_000))
            yield line(msgspec.structs.replace(mention, received_at=mention.published_at + delay))
        else:
            yield line(mention)
    for _ in range(DUPLICATES):
        mention = mentions[next(draw)]
        yield line(mention, mention.published_at + timedelta(seconds=rng.uniform(1, 4_000)))
    for _ in range(EDITS):
        mention = mentions[next(draw)]
        edited = msgspec.structs.replace(mention, text=f"{mention.text} (aangepast: typefout)", edit=1)
        yield line(edited, mention.published_at + timedelta(seconds=rng.uniform(40, 1_500)))
    for _ in range(RETRACTIONS):
        mention = mentions[next(draw)]
        at = mention.published_at + timedelta(seconds=rng.uniform(60, 20_000))
        yield line(Retraction(mention_id=mention.mention_id, brand=mention.brand, retracted_at=at, source=mention.source))


def overtaken(mention: Mention) -> tuple[Line, Line]:
    """A retraction that comes before its mention."""
    gone = Retraction(mention_id=mention.mention_id, brand=mention.brand, retracted_at=mention.published_at + timedelta(seconds=50))
    return line(gone), line(mention, mention.published_at + timedelta(seconds=75))


def broken(mention: Mention) -> tuple[Line, ...]:
    """Records at fault, made from a sound one: each shows another reason among the dead letters."""
    fields = _known(msgspec.to_builtins(mention))
    sound = codec.encode(fields)
    key = mention.brand.encode()
    values: tuple[tuple[bytes | None, bytes], ...] = (
        (key, sound[: len(sound) // 2]),
        (key, b"\x00\xffnot json"),
        (None, codec.encode({name: field for name, field in fields.items() if name != "brand"})),
        (key, codec.encode(fields | {"published_at": "vorige week dinsdag"})),
        (key, codec.encode(fields | {"author": "natte_wollensok"})),
        (key, codec.encode(fields | {"type": "fax"})),
        (key, codec.encode(fields | {"text": "a" * 100_001})),
        (key, codec.encode(fields | {"rating": 11})),
    )
    return tuple(Line(key, value, mention.published_at + timedelta(seconds=number)) for number, (key, value) in enumerate(values))
