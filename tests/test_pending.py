"""How taken records are cut into the batches of a round: every record once and in order, nobody waits for ever, bytes are bounded."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.runtime.batch import Round, StaleBatchError
from agents.runtime.pending import BATCH_BYTES, BATCH_LEAST, BATCH_RECORDS, BATCH_SECONDS, ROUND_BATCHES, TAKEN_BYTES, Pace, Pending, weight
from pipeline.stage import Incoming


def record(partition: int, offset: int, value: bytes = b"x", headers: list[tuple[str, bytes]] | None = None) -> Incoming:
    return Incoming(partition, offset, offset * 1000, None, value, headers or [])


def never(partition: int, first: int, last: int) -> bool:
    return False


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 40)), max_size=20), st.integers(1, 30))
def test_every_record_goes_once_and_in_order(arrivals: list[tuple[int, int]], most: int) -> None:
    pending, put, taken = Pending(), dict.fromkeys(range(5), 0), dict[int, list[int]]()
    for partition, count in arrivals:
        pending.add(partition, [record(partition, put[partition] + n) for n in range(count)])
        put[partition] += count
    while pending:
        batches = list(pending.take(most, never))
        assert batches
        assert len({partition for partition, _ in batches}) == len(batches)
        assert all(0 < len(records) <= most for _, records in batches)
        assert sum(len(records) for _, records in batches) <= ROUND_BATCHES * most
        for partition, records in batches:
            taken.setdefault(partition, []).extend(record.offset for record in records)
    assert taken == {partition: list(range(count)) for partition, count in put.items() if count}
    assert not pending.partitions()
    assert not pending.is_full()


def test_no_partition_is_passed_over_for_ever() -> None:
    pending = Pending()
    for partition in range(8):
        pending.add(partition, [record(partition, n) for n in range(100)])
    served = [partition for _ in range(8) for partition, _ in pending.take(10, never)]
    assert served == [n % 8 for n in range(8 * ROUND_BATCHES)]


def test_slow_records_have_a_round_of_their_own() -> None:
    pending = Pending()
    for partition in range(3):
        pending.add(partition, [record(partition, n) for n in range(5)])

    def slow(partition: int, first: int, last: int) -> bool:
        return partition == 1 and first <= 2 <= last

    rounds = []
    while pending:
        rounds.append([(partition, len(records)) for partition, records in pending.take(10, slow)])
    assert rounds == [[(0, 5), (2, 5)], [(1, 5)]]


@pytest.mark.parametrize(
    "large",
    [
        pytest.param(record(0, 0, b"x" * (BATCH_BYTES // 2 + 1)), id="value"),
        pytest.param(record(0, 0, b"", [("name", b"x" * (BATCH_BYTES // 2))]), id="headers"),
    ],
)
def test_bytes_are_bounded_with_headers(large: Incoming) -> None:
    pending = Pending()
    pending.add(0, [large] * 3)
    assert [len(records) for _, records in pending.take(10, never)] == [1]
    pending.add(0, [large] * (TAKEN_BYTES // weight(large)))
    assert pending.is_full()
    pending.drop(0)
    assert not pending.is_full()


def test_one_record_may_be_larger_than_a_batch() -> None:
    pending = Pending()
    pending.add(0, [record(0, 0, b"x" * 2 * BATCH_BYTES), record(0, 1)])
    assert [[r.offset for r in records] for _, records in pending.take(10, never)] == [[0]]


def test_batches_become_as_large_as_their_records_allow() -> None:
    pace = Pace()
    for _ in range(200):
        pace.learn(100, 100 * BATCH_SECONDS / 300)
    assert 290 <= pace.records <= 310
    for _ in range(200):
        pace.learn(10, 5.0)
    assert pace.records == BATCH_LEAST
    for _ in range(400):
        pace.learn(1000, 1e-6)
    assert pace.records == BATCH_RECORDS


def test_a_partition_lost_while_another_is_asked_about_is_not_written() -> None:
    """The first is sure without asking, and is taken away while the coordinator is asked about the second."""
    dropped: list[str] = []
    lost: set[str] = set()

    async def confirm(batch: Any) -> None:
        if batch.name in lost:
            raise StaleBatchError
        if batch.confirmed_at == 0.0:
            lost.add("first")
            batch.confirmed_at = 1.0

    reader = SimpleNamespace(confirm_ownership=confirm, drop=lambda batch: dropped.append(batch.name))
    batches = [SimpleNamespace(name=name, confirmed_at=at, reader=reader) for name, at in (("first", 1.0), ("second", 0.0))]

    async def confirmed() -> list[str]:
        return [batch.name for batch in await Round(batches).confirm()]  # type: ignore[arg-type, attr-defined]

    assert asyncio.run(confirmed()) == ["second"]
    assert dropped == ["first"]
