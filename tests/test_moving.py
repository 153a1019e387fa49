"""What a change of the partition count does to snapshots: ticks and what a brand waits for, and nothing else."""

import msgspec
import pytest

from pipeline.brand_core import Core, Counters, decode_core, encode_core
from pipeline.brand_memory import Core as RoutingCore
from pipeline.brand_state import BrandState
from pipeline.brands import Brand
from pipeline.incident import Versions
from pipeline.journal import Journal, seal, unseal
from pipeline.moving import grown_ticks, moved_core, read_ticks, write_ticks
from pipeline.seen import Marks
from pipeline.stage import Origin
from pipeline.ticks import PartitionTicks
from schemas.codec import encode

EPOCH = "MkU3OEVBNTcwNTJENDM2Qg"
mark = Marks()


@pytest.mark.parametrize(
    ("own", "others", "grown"),
    [
        pytest.param(
            {0: 50.0, 1: 60.0}, [], {0: 50.0, 1: 60.0, 2: 50.0, 3: 50.0}, id="an old partition: new raw ones stand with the slowest"
        ),
        pytest.param(
            None, [{0: 50.0, 1: 60.0}, {0: 55.0, 1: 40.0}], {0: 50.0, 1: 40.0, 2: 40.0, 3: 40.0}, id="a new one hears the slowest"
        ),
        pytest.param({0: 50.0, 2: 70.0, 3: 10.0}, [], {0: 50.0, 2: 50.0, 3: 50.0}, id="run again: the same"),
        pytest.param(None, [], {}, id="no tick ever: nobody knows anything"),
        pytest.param({}, [], {}, id="none heard"),
    ],
)
def test_ticks_of_new_raw_partitions(own: dict[int, float] | None, others: list[dict[int, float]], grown: dict[int, float]) -> None:
    assert grown_ticks(own, others, range(2, 4)) == grown
    assert grown_ticks(dict(grown), others, range(2, 4)) == grown


@pytest.mark.parametrize("stage", ["crisis", "routing"])
def test_ticks_are_read_as_they_were_written(stage: str) -> None:
    assert read_ticks(stage, write_ticks(stage, {3: 1.5, 0: 2.0})) == {0: 2.0, 3: 1.5}
    with pytest.raises(ValueError):
        read_ticks(stage, b"\x63garbage")


def brand_state(core: Core) -> BrandState:
    state = BrandState(Brand(slug="acme"), Versions("test", "test"), Journal())
    state.restore("", "", encode_core(core))
    state.restored(PartitionTicks())
    return state


def test_a_moved_brand_waits_for_its_new_raw_partition_and_knows_all_origins() -> None:
    old = mark(Origin(EPOCH, 1, 700))
    before = Core(Counters(mentions=5), "live", {old[:6]: 700}, event_at=100.0, first_open=3)
    moved = decode_core(unseal(b"acme", moved_core("crisis", b"acme", seal(b"acme", encode_core(before)), EPOCH, 5)))
    assert msgspec.structs.replace(moved, awaited=()) == before
    state = brand_state(moved)
    assert state.partitions == (5,)
    assert not state.is_new(old), "a repeat is known for ever"
    state.note(mark(Origin(EPOCH, 5, 0)), "live")
    assert state.partitions == (5,)
    state.note(mark(Origin(EPOCH, 1, 701)), "live")
    assert state.partitions == (1, 5), "a producer that has not heard yet: its raw partition counts again"
    assert brand_state(state.core).partitions == (1, 5)
    again = decode_core(unseal(b"acme", moved_core("crisis", b"acme", seal(b"acme", encode_core(state.core)), EPOCH, 9)))
    assert brand_state(again).partitions == (9,)


def test_a_brand_that_never_moved_waits_for_those_it_was_seen_from() -> None:
    origins = {mark(Origin(EPOCH, partition, 0))[:6]: 1 for partition in (2, 0)}
    assert brand_state(Core(Counters(), "live", origins)).partitions == (0, 2)


def test_a_core_of_before_reads_as_it_was() -> None:
    known = encode_core(Core(Counters(mentions=7), "live", {}))
    fields = msgspec.msgpack.decode(known[1:])
    assert decode_core(known[:1] + msgspec.msgpack.encode(fields[:-1])).awaited == ()


def test_routing_waits_the_same_way() -> None:
    before = RoutingCore(origins={f"{EPOCH}:1": 700}, epoch=EPOCH, partitions=(1,))
    moved = msgspec.json.decode(unseal(b"acme", moved_core("routing", b"acme", seal(b"acme", encode(before)), EPOCH, 5)), type=RoutingCore)
    assert (moved.origins, moved.epoch, moved.partitions) == (before.origins, EPOCH, (5,))
