"""The table of packed identities is a dict that takes little memory."""

import tracemalloc
from random import Random

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from pipeline.seen import KEPT_ORIGINS, MARK, PLACE, Seen, fields_of, unpack
from pipeline.seen_table import SeenTable

identities = st.integers(0, 40).map(lambda number: (number % 5).to_bytes(4, "little") + number.to_bytes(12, "little"))
"""Few, so that they come again, and in few chains."""


def hour_in(packed: bytes) -> int:
    return fields_of(packed)[3]


hours = st.integers(0, 6) | st.sampled_from([2**32 - 1, 255, 256])
seens = st.builds(
    Seen,
    bucket=st.integers(0, 30),
    applied=hours,
    author=st.integers(0, 2**64 - 1),
    polarity=st.integers(0, 3),
    role=st.integers(0, 3),
    live=st.booleans(),
    retracted=st.booleans(),
    late=st.booleans(),
    blocked=st.integers(0, KEPT_ORIGINS),
    edit=st.integers(-1, 3),
    accepted=st.lists(st.binary(min_size=MARK, max_size=MARK), max_size=KEPT_ORIGINS).map(tuple),
    family=st.integers(0, 15),
    public=st.integers(0, 15),
    topic=st.one_of(st.just(0), st.integers(0, 2**32 - 1)),
).map(lambda seen: seen._replace(public=0) if seen.family else seen)


class TableIsADict(RuleBasedStateMachine):
    """Beside it, a dict in the order in which identities were filed."""

    def __init__(self) -> None:
        super().__init__()
        self.table = SeenTable()
        self.known: dict[bytes, bytes] = {}

    def _put(self, identity: bytes, packed: bytes) -> None:
        self.table.put(identity, packed)
        if identity in self.known and hour_in(self.known[identity]) != hour_in(packed):
            del self.known[identity]
        self.known[identity] = packed

    @initialize(count=st.sampled_from([0, 0, 30, 200]), hour=hours)
    def crowd(self, count: int, hour: int) -> None:
        rng = Random(count)
        for number in range(count):
            self._put(rng.randbytes(16), Seen(number, hour, live=True, accepted=(bytes(MARK),)).pack())

    @rule(identity=identities, seen=seens)
    def put(self, identity: bytes, seen: Seen) -> None:
        self._put(identity, seen.pack())

    @rule(hour=hours)
    def drop(self, hour: int) -> None:
        gone = [identity for identity, packed in self.known.items() if hour_in(packed) == hour]
        assert self.table.drop_hour(hour) == gone
        for identity in gone:
            del self.known[identity]

    @rule()
    def forget(self) -> None:
        if (hour := self.table.first_hour()) is not None:
            self.drop(hour)

    @rule(bucket=st.integers(0, 30))
    def live(self, bucket: int) -> None:
        wanted = [packed for packed in self.known.values() if (seen := unpack(packed)).live and seen.bucket >= bucket]
        assert self.table.live_since(bucket) == wanted

    @rule(identity=identities)
    def get(self, identity: bytes) -> None:
        assert self.table.get(identity) == self.known.get(identity)

    @rule(identity=identities, wrong=st.sampled_from([b"", b"\x01", b"\x02" * 35, bytes(35), b"\x01" * 36]))
    def unreadable(self, identity: bytes, wrong: bytes) -> None:
        with pytest.raises(ValueError, match="version"):
            self.table.put(identity, wrong)

    @rule(identity=st.binary(max_size=40).filter(lambda identity: len(identity) != 16), seen=seens)
    def misplaced(self, identity: bytes, seen: Seen) -> None:
        with pytest.raises(ValueError, match="identity"):
            self.table.put(identity, seen.pack())

    @invariant()
    def same(self) -> None:
        assert len(self.table) == len(self.known)
        assert self.table.first_hour() == min(map(hour_in, self.known.values()), default=None)
        assert list(self.table.values()) == list(self.known.values())


TableIsADict.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_the_table_is_a_dict = TableIsADict.TestCase


class CountedLooks(SeenTable):
    """Counts the looks over all entries."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def _table(self) -> NDArray[np.uint8]:
        self.looks += 1
        return super()._table()


def test_the_first_hour_is_known_without_a_look_over_all_while_its_identities_leave_it_one_by_one() -> None:
    table = CountedLooks()
    many = [number.to_bytes(16, "little") for number in range(64)]
    for identity in many:
        table.put(identity, Seen(60, 5, accepted=(bytes(MARK),)).pack())
    for identity in many[:-1]:
        table.put(identity, Seen(60, 7, accepted=(bytes(MARK),)).pack())
        before = table.looks
        assert table.first_hour() == 5
        assert table.looks == before


def test_an_identity_takes_less_than_64_bytes_through_weeks_of_coming_and_going() -> None:
    rng = Random(1)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        table = SeenTable()
        places = [rng.randbytes(PLACE) for _ in range(16)]
        topics = [0, *(rng.randrange(1, 2**32) for _ in range(100))]
        for hour in range(24 * 21):
            for _ in range(60):
                origin = rng.choice(places) + rng.randbytes(MARK - PLACE)
                table.put(rng.randbytes(16), Seen(hour * 12, hour, topic=rng.choice(topics), accepted=(origin,)).pack())
            if hour >= 24 * 7:
                assert len(table.drop_hour(hour - 24 * 7)) == 60
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(table) == 60 * 24 * 7
    assert used / len(table) < 64
