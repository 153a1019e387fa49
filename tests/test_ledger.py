"""The ledger law over made-up topics: what is missing, doubled or from nowhere is named, in memory that does not grow with outcomes."""

import random
import tracemalloc
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.ledger.law import ROW_BYTES, Extent, Ledger, LedgerCheck
from agents.ledger.sorting import RUNS, Sorter
from agents.topic_reader import Record
from schemas.topics import DEAD_LETTER, RAW, ROUTED, ROUTED_SHADOW

MENTION = (
    b'{"mention_id":"x:1","brand":"acme","channel":"x","channel_family":"social","text":"tick tock",'
    b'"published_at":"2026-01-01T00:00:00Z","author":{"id":"a"}}'
)
TICK = b'{"type":"tick","at":"2026-01-01T00:00:00Z"}'


def outcome(offset: int, identity: str = "", topic: str = ROUTED.name, epoch: str = "e", partition: int = 0, at: int = 0) -> Record:
    headers = [("webcare-origin", f"{epoch}:{partition}:{offset}".encode()), ("ce_id", (identity or f"id {offset}").encode())]
    return Record(topic, partition, at, 0, b"acme", b"{}", headers)


def raw(offset: int, value: bytes | None = MENTION, key: bytes | None = None, partition: int = 0) -> Record:
    return Record(RAW.name, partition, offset, 0, key, value, [])


def law(
    records: list[Record],
    outcomes: list[Record],
    *,
    extents: dict[int, Extent] | None = None,
    under_way: list[Record] | None = None,
    rows_in_memory: int = 2,
    begins_at: dict[int, int] | None = None,
) -> Ledger:
    check = LedgerCheck("e", extents or {0: Extent(0, max((r.offset for r in records), default=-1) + 1, 1_000_000)})
    check.take_raw(records)
    check.now_begins_at(begins_at or {})
    check.take_outcomes(outcomes)
    check.take_under_way(under_way or [])
    if check.wants_again:
        with Sorter(ROW_BYTES, rows_in_memory=rows_in_memory) as sorter:
            check.compare_repeats(outcomes, sorter)
    return check.finish()


def named(found: Any) -> list[str]:
    return [finding.what.removeprefix(f"{RAW.name}:") for finding in found]


def test_ticks_have_no_outcome_and_what_the_door_refuses_has() -> None:
    records = [
        raw(0),
        raw(1, TICK),
        raw(2, b'{"type":"tick","at":"soon"}'),
        raw(3, b"\x00"),
        raw(4, None),
        raw(5, rb'{"type":"\u0074ick","at":"2026-01-01T00:00:00Z"}'),
        raw(6, b'{"type":"tick","at":"2026-01-01T00:00:00Z","brand":"acme"}', key=b"other"),
        raw(7, b'{"type":"tick","at":"2026-01-01T00:00:00Z","brand":"acme","replay":"end"}'),
        raw(8, b'{"type":"tick","at":"2026-01-01T00:00:00Z","replay":"running"}'),
    ]
    found = law(records, [])
    assert named(found.missing) == ["0:0", "0:2", "0:3", "0:4", "0:6"]
    assert found.ticks == {"wall": 2, "brand": 1, "file": 1}


@pytest.mark.parametrize(
    ("outcomes", "missing", "doubled", "unknown", "repeats"),
    [
        pytest.param([outcome(0), outcome(1)], [], [], [], 0, id="each once"),
        pytest.param([outcome(0), outcome(1), outcome(1)], [], [], [], 1, id="a repeat after a crash is the same outcome"),
        pytest.param([outcome(0), *[outcome(1)] * 9], [], [], [], 8, id="and so are eight"),
        pytest.param([outcome(0)], ["0:1"], [], [], 0, id="missing"),
        pytest.param([outcome(0), outcome(1, "b"), outcome(1, "c")], [], ["0:1"], [], 0, id="two identities"),
        pytest.param([outcome(0), outcome(1, "b"), outcome(1, "c"), outcome(1, "b")], [], ["0:1"], [], 1, id="two, and a repeat"),
        pytest.param([outcome(0), outcome(1), outcome(1, topic=DEAD_LETTER.name)], [], ["0:1"], [], 0, id="routed and dead letter"),
        pytest.param([outcome(0), outcome(1), outcome(1, topic=ROUTED_SHADOW.name)], [], ["0:1"], [], 0, id="live and in shadow"),
        pytest.param([outcome(0), outcome(1), outcome(7)], [], [], ["0:7"], 0, id="from behind the end"),
        pytest.param([outcome(0), outcome(1), outcome(0, partition=9)], [], [], ["9:0"], 0, id="from a partition that is not there"),
        pytest.param([outcome(0), outcome(1), outcome(2)], [], [], ["0:2"], 0, id="of a tick"),
        pytest.param([outcome(0), outcome(1), outcome(3)], [], [], ["0:3"], 0, id="of a hole"),
        pytest.param([outcome(0), outcome(1, epoch="old")], ["0:1"], [], [], 0, id="another raw topic's outcome does not count"),
    ],
)
def test_the_law(outcomes: list[Record], missing: list[str], doubled: list[str], unknown: list[str], repeats: int) -> None:
    records = [raw(0), raw(1), raw(2, TICK), raw(4, TICK)]
    found = law(records, outcomes)
    assert (named(found.missing), named(found.doubled), named(found.unknown)) == (missing, doubled, unknown)
    assert found.repeats == repeats
    assert found.clean == (not (missing or doubled or unknown))


@pytest.mark.parametrize("origin", [None, b"", b"e:0", b"e:0:", b"e:0:1:2", b"e:0:-1", b"\xff:0:1", b"e:zero:1"])
def test_a_torn_outcome_is_told_with_its_place(origin: bytes | None) -> None:
    headers = [] if origin is None else [("webcare-origin", origin)]
    found = law([], [Record(ROUTED.name, 3, 9, 0, b"acme", b"{}", headers)])
    assert [finding.records for finding in found.unknown] == [(f"{ROUTED.name}:3:9",)]


def test_different_outcomes_are_named_by_topic_and_place() -> None:
    found = law([raw(0)], [outcome(0, at=4), outcome(0, topic=DEAD_LETTER.name, at=7)])
    assert next(iter(found.doubled)).records == (f"{ROUTED.name}:0:4", f"{DEAD_LETTER.name}:0:7")


def test_what_is_before_the_start_of_raw_is_told_apart() -> None:
    found = law([raw(5), raw(6)], [outcome(3), outcome(5), outcome(6)], extents={0: Extent(5, 7, 7)})
    assert found.clean
    assert (found.gone, found.before_start, found.raw) == (5, 1, 2)


def test_what_retention_takes_meanwhile_is_not_spoken_of() -> None:
    """Offset 5 went before it was read, 6 after."""
    found = law([raw(6), raw(7)], [outcome(5), outcome(7)], extents={0: Extent(5, 8, 8)}, begins_at={0: 7})
    assert found.clean
    assert found.before_start == 1


def test_outcomes_of_an_earlier_raw_topic_are_counted_apart() -> None:
    found = law([raw(0)], [outcome(0), outcome(0, "old", epoch="before"), outcome(99, epoch="before")])
    assert found.clean
    assert found.earlier_topics == 2


def test_nothing_can_be_said_when_all_of_raw_has_gone() -> None:
    assert law([], [outcome(1)], extents={0: Extent(9, 9, 9)}).says_nothing
    assert not law([], [], extents={0: Extent(0, 0, 0)}).says_nothing


@pytest.mark.parametrize(
    ("begun", "between", "missing", "under_way"),
    [
        pytest.param(4, [], ["0:1", "0:2", "0:3"], 0, id="all stages are past it"),
        pytest.param(2, [], ["0:1"], 2, id="not begun"),
        pytest.param(4, [2], ["0:1", "0:3"], 1, id="between two stages"),
        pytest.param(0, [2], [], 3, id="no worker has run"),
    ],
)
def test_only_what_all_stages_have_passed_is_missing(begun: int, between: list[int], missing: list[str], under_way: int) -> None:
    records = [raw(offset) for offset in range(4)]
    found = law(records, [outcome(0)], extents={0: Extent(0, 4, begun)}, under_way=[outcome(offset) for offset in between])
    assert (named(found.missing), found.under_way) == (missing, under_way)


def test_many_are_counted_and_the_first_named() -> None:
    count = 40_000
    found = law([raw(offset) for offset in range(count)], [], extents={0: Extent(0, count, 39_999)})
    assert (len(found.missing), found.under_way) == (39_999, 1)
    assert named(found.missing)[:2] == ["0:0", "0:1"]
    assert len(found.missing.first) == 20
    assert str(found.missing).endswith("and 39979 more")


def test_rule_books_are_read_from_the_records_but_not_from_their_words() -> None:
    routed = b'{"text":"\\"config_hash\\":\\"not this\\"","decision":{"rule":"r","config_hash":"abc"}}'
    found = law([raw(0)], [outcome(0)._replace(value=routed)])
    assert found.rules == {"abc": 1}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_it_says_what_a_plain_comparison_says(data: st.DataObject) -> None:
    extents = {
        p: Extent(start, start + data.draw(st.integers(0, 30)), 100)
        for p, start in enumerate(data.draw(st.lists(st.integers(0, 9), max_size=3)))
    }
    offsets = [(p, offset) for p, extent in extents.items() for offset in range(extent.start, extent.end)]
    is_tick = {place: data.draw(st.booleans()) for place in offsets}
    told = data.draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, 40), st.sampled_from("ab"), st.sampled_from([ROUTED.name, DEAD_LETTER.name])),
            max_size=60,
        )
    )
    records = [raw(offset, TICK if is_tick[p, offset] else MENTION, partition=p) for p, offset in offsets]
    outcomes = [outcome(offset, identity, topic, partition=p, at=at) for at, (p, offset, identity, topic) in enumerate(told)]
    found = law(records, outcomes, extents=extents, rows_in_memory=3)
    wanted = {place for place in offsets if not is_tick[place]}
    kinds: dict[tuple[int, int], set[tuple[str, str]]] = {}
    for p, offset, identity, topic in told:
        kinds.setdefault((p, offset), set()).add((topic, identity))
    known = {place: different for place, different in kinds.items() if place in wanted}
    before = [place for place in kinds if place[0] in extents and place[1] < extents[place[0]].start]
    assert len(found.missing) == len(wanted - kinds.keys())
    assert len(found.doubled) == sum(len(different) > 1 for different in known.values())
    assert found.repeats == sum((p, o) in wanted for p, o, _, _ in told) - sum(map(len, known.values()))
    assert len(found.unknown) == sum((p, o) not in wanted and (p, o) not in before for p, o, _, _ in told)


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 5 * RUNS, 20 * RUNS], ids=str)
def test_sorting_gives_what_memory_would(rows: int) -> None:
    """Four rows in memory: many runs, and runs of runs."""
    chance = random.Random(rows)
    given_ = [chance.randbytes(3) for _ in range(rows)]
    with Sorter(3, rows_in_memory=4) as sorter:
        for row in given_:
            sorter.add(row)
        assert list(sorter.rows()) == sorted(given_)
        assert sorter.count == rows


def held_after(count: int) -> tuple[int, int]:
    """Bytes that a check holds after so many raw records with two outcomes each, and the most it held on the way."""
    tracemalloc.start()
    try:
        check = LedgerCheck("e", {0: Extent(0, count, count)})
        check.take_raw(raw(offset, b"{}") for offset in range(count))
        check.take_outcomes(outcome(offset) for offset in range(count) for _ in range(2))
        held, _ = tracemalloc.get_traced_memory()
        with Sorter(ROW_BYTES, rows_in_memory=100) as sorter:
            check.compare_repeats((outcome(offset) for offset in range(count) for _ in range(2)), sorter)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    found = check.finish()
    assert found.clean
    assert found.repeats == count
    assert found.bytes_in_memory <= count * 5 / 8 + 8
    return held, most


def test_memory_grows_by_bits() -> None:
    """Between two sizes it grows by the bitmaps, five bits a record; repeats are sorted on disk, a hundred at a time."""
    held_after(10)
    (few, _), (many, most) = held_after(1_000), held_after(21_000)
    assert many - few <= 20_000 * 5 / 8 + 4_000  # the interpreter's own allocations come and go between two runs
    assert most < 2_000_000


def test_rows_are_grouped_by_what_they_are_of() -> None:
    with Sorter(2, rows_in_memory=2) as sorter:
        for row in (b"b1", b"a1", b"b0", b"a0", b"c0"):
            sorter.add(row)
        assert [(key, len(list(rows))) for key, rows in groupby(sorter.rows(), key=lambda row: row[:1])] == [
            (b"a", 2),
            (b"b", 2),
            (b"c", 1),
        ]
