"""The ledger law, checked over a broker's topics: every raw record that is not a tick has exactly one outcome.

An outcome is a record in routed, routed.shadow or dead-letter with the raw record's origin; a repeat after a crash has the same
``ce_id`` and is the same outcome.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.topic_reader import Record, read_to_end
from agents.topics import topic_epoch
from pipeline.stage import ORIGIN, header, parse_origin
from schemas.codec import RejectedRecordError, raw_decoder
from schemas.mention import Tick
from schemas.topics import DEAD_LETTER, RAW, ROUTED, ROUTED_SHADOW

Place = tuple[int, int]
"""Raw partition and offset."""


@dataclass
class Ledger:
    """What was found. ``clean`` when nothing is missing, doubled or from nowhere."""

    raw: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    missing: list[Place] = field(default_factory=list)
    doubled: list[Place] = field(default_factory=list)
    unknown: list[Place] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether the law holds."""
        return not (self.missing or self.doubled or self.unknown)


def check_ledger(bootstrap: str) -> Ledger:
    """Read the four topics and compare."""
    return compare(
        raw_places(read_to_end(bootstrap, RAW.name)),
        read_to_end(bootstrap, ROUTED.name, ROUTED_SHADOW.name, DEAD_LETTER.name),
        topic_epoch(bootstrap, RAW.name),
    )


def raw_places(records: Iterable[Record]) -> set[Place]:
    """Where mentions, retractions and everything unreadable stand in the raw topic; ticks have no outcome."""
    decoder = raw_decoder()
    places = set()
    for record in records:
        try:
            is_tick = isinstance(decoder.decode(record.value), Tick)
        except RejectedRecordError:
            is_tick = False
        if not is_tick:
            places.add((record.partition, record.offset))
    return places


def compare(raw: set[Place], outcomes: Iterable[Record], epoch: str) -> Ledger:
    """Match outcomes to raw records. Outcomes of an earlier raw topic (another epoch) are not looked at."""
    ledger = Ledger(raw=len(raw))
    told: dict[Place, tuple[str, bytes | None]] = {}
    for record in outcomes:
        try:
            origin = parse_origin(header(record.headers, ORIGIN) or b"")
        except ValueError:
            ledger.unknown.append((record.partition, record.offset))
            continue
        if origin.epoch != epoch:
            continue
        place = (origin.partition, origin.offset)
        outcome = (record.topic, header(record.headers, "ce_id"))
        if place not in raw:
            ledger.unknown.append(place)
        elif place not in told:
            told[place] = outcome
            ledger.outcomes[record.topic] = ledger.outcomes.get(record.topic, 0) + 1
        elif told[place] == outcome:
            ledger.repeats += 1
        else:
            ledger.doubled.append(place)
    ledger.missing = sorted(raw - told.keys())
    return ledger
