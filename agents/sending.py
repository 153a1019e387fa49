"""Writes raw records: for `send` and the demo. In record batches through the worker's own writer, ten times as fast as one by one."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice

import msgspec
from prometheus_client import CollectorRegistry

from agents.replay import InputError, RawRecord
from agents.runtime.writer import Place, RefusedError, Write, Writer
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.topic_reader import opened, places_of, read_between
from schemas.mention import Tick
from schemas.topics import RAW

CHUNK = 5_000
MOST_OF_A_TICK = 500
"""Bytes; what is longer is no tick."""

_decode_tick = msgspec.json.Decoder(Tick).decode
_HEADERS = [("content-type", b"application/json")]


def send_records(settings: Settings, records: Iterable[RawRecord], told: Callable[[int], None] = lambda _: None) -> Counter[str]:
    """Write all records in order, every one acknowledged; returns how many mentions (lines) and ticks.

    ``told`` hears how many mentions more have been written. A broker that is away is waited for.

    Raises:
        InputError: the broker refused a record.
    """
    return asyncio.run(_send(settings, iter(records), told))


LOOKED_AT = 5_000
"""Records at the end of each raw partition among which its last tick is looked for: a live worker writes one every 30 seconds."""


def last_ticks_of_the_clock(bootstrap: str) -> datetime | None:
    """The time of the newest tick that a live worker wrote, where the last tick of some raw partition is one; else None.

    Raises:
        TopicMissingError: there is no raw topic.
        KafkaAwayError: no broker answers.
    """
    places = places_of(bootstrap, RAW.name)
    last: dict[int, Tick] = {}
    with opened(bootstrap) as reader:
        starts, ends = reader.starts(places), reader.ends(places)
        since = {place: max(starts[place], ends[place] - LOOKED_AT) for place in places}
        for record in read_between(reader, since, ends):
            if (tick := _tick(record.value)) is not None and tick.brand is None:
                last[record.partition] = tick
    return max((tick.at for tick in last.values() if tick.replay is None), default=None)


def _tick(value: bytes | None) -> Tick | None:
    if value is None or b'"tick"' not in value[:MOST_OF_A_TICK]:
        return None
    try:
        return _decode_tick(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def _send(settings: Settings, records: Iterable[RawRecord], told: Callable[[int], None]) -> Counter[str]:
    counts: Counter[str] = Counter()
    async with Writer(settings, Telemetry(CollectorRegistry())) as writer:
        while chunk := list(islice(records, CHUNK)):
            groups: defaultdict[Place, list[Write]] = defaultdict(list)
            for record in chunk:
                groups[RAW.name, record.partition].append(Write(record.key, record.value, _HEADERS))
            try:
                await writer.publish(groups)
            except RefusedError as error:
                raise InputError(f"the broker does not take a record: {error}") from None
            ticks = sum(record.is_tick for record in chunk)
            counts += Counter(ticks=ticks, mentions=len(chunk) - ticks)
            told(len(chunk) - ticks)
    return counts
