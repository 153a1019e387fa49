"""What a change of the partition count does to snapshots: a brand's records come through another raw partition from now on.

The origins applied so far stay as they are, so that a repeat is known for ever. Only the ticks change: nobody need wait any more for
those of the raw partitions the brand came through before, all of which have been worked through to their end, and a raw partition that is
new is as far as the slowest of the others.
"""

from collections.abc import Iterable

import msgspec

from pipeline import crisis, routing
from pipeline.brand_core import VERSION, decode_core, encode_core
from pipeline.brand_memory import Core as RoutingCore
from pipeline.journal import seal, unseal
from schemas import codec

_routing_core = msgspec.json.Decoder(RoutingCore)
_crisis_ticks = msgspec.msgpack.Decoder(dict[int, float])
_routing_ticks = msgspec.json.Decoder(dict[int, float])


def moved_core(stage: str, key: bytes, value: bytes, epoch: str, raw_partition: int) -> bytes:
    """A brand's own snapshot for its new partition.

    Args: ``epoch``: the raw topic's; ``raw_partition``: through which the brand's records come from now on.

    Raises:
        ValueError: the snapshot cannot be read.
    """
    snapshot = unseal(key, value)
    if stage == crisis.CrisisStage.name:
        core = decode_core(snapshot)
        core.awaited = (raw_partition,)
        return seal(key, encode_core(core))
    routed = _routing_core.decode(snapshot)
    routed.epoch, routed.partitions = epoch, (raw_partition,)
    return seal(key, codec.encode(routed))


def read_ticks(stage: str, value: bytes) -> dict[int, float]:
    """The last tick of each raw partition, in seconds.

    Raises:
        ValueError: the snapshot cannot be read.
    """
    if stage == crisis.CrisisStage.name:
        snapshot = unseal(crisis.TICKS_KEY, value)
        if snapshot[:1] != VERSION:
            raise ValueError("ticks of another version")
        return _crisis_ticks.decode(snapshot[1:])
    return _routing_ticks.decode(unseal(routing.TICKS_KEY, value))


def write_ticks(stage: str, ticks: dict[int, float]) -> bytes:
    """The snapshot of such."""
    ordered = dict(sorted(ticks.items()))
    if stage == crisis.CrisisStage.name:
        return seal(crisis.TICKS_KEY, VERSION + msgspec.msgpack.encode(ordered))
    return seal(routing.TICKS_KEY, codec.encode(ordered))


def grown_ticks(own: dict[int, float] | None, others: Iterable[dict[int, float]], raw_partitions: range) -> dict[int, float]:
    """The ticks of a partition after ``raw_partitions`` have been added; ``own``: what it had, if it is not new itself."""
    if own is None:
        own = {}
        for ticks in others:
            for partition, at in ticks.items():
                own[partition] = min(at, own.get(partition, at))
    known = {partition: at for partition, at in own.items() if partition not in raw_partitions}
    return own if not known else known | dict.fromkeys(raw_partitions, min(known.values()))
