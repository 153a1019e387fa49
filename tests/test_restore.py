"""Restoring: the highest change number wins, not the last record; what cannot be read is named and left out, never a crash loop."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from agents.demo.phrases import load_phrases
from agents.demo.scenario import scenario
from agents.deployment import build_stages, load_deployment
from agents.offline import OfflineChain
from agents.rebuild import RebuildError, _replayed
from agents.runtime.restore import Newest, Pace, Unreadable, change_of, load, place_in, take
from agents.settings import DEMO_KEY
from agents.telemetry import Telemetry
from agents.topic_reader import Record
from pipeline.journal import CHANGE, seal, unseal
from pipeline.stage import Incoming, Outcome, Reading
from schemas.topics import SENTIMENT


class Held:
    """A stage partition that remembers what it was given."""

    def __init__(self) -> None:
        self.given: dict[bytes, bytes] = {}
        self.damaged: list[bytes] = []
        self.change: int | None = None

    def restore(self, key: bytes, value: bytes) -> None:
        if value == b"rotten":
            raise ValueError("of another version")
        self.given[key] = value

    def unreadable(self, key: bytes) -> None:
        assert self.change is None
        self.damaged.append(key)

    def restored(self, change: int) -> None:
        self.change = change

    def process(self, records: Sequence[Incoming]) -> Outcome:
        raise NotImplementedError

    def readings(self) -> Iterable[Reading]:
        return ()


def record(key: bytes | None, value: bytes | None, change: int | bytes | None, offset: int = 0) -> Record:
    number = change if isinstance(change, bytes) else str(change).encode()
    return Record("state", 3, offset, 0, key, value, [] if change is None else [(CHANGE, number)])


def restored(*records: Record, at_home: bool = True) -> tuple[Held, float]:
    newest: Newest = {}
    held, telemetry = Held(), Telemetry(CollectorRegistry())
    unreadable = Unreadable("crisis", telemetry)
    take(newest, records, lambda one, problem: unreadable.tell(3, one.offset, one.key, problem))
    asyncio.run(load(3, held, newest, unreadable, lambda _brand, _partition: at_home, Pace()))
    assert not newest, "nothing is held twice"
    return held, telemetry.registry.get_sample_value("webcare_state_unreadable_total", {"stage": "crisis"}) or 0.0


def test_a_stale_snapshot_written_last_loses() -> None:
    held, _ = restored(record(b"acme", b"new", 20), record(b"acme", b"old", 7))
    assert held.given == {b"acme": b"new"}
    assert held.change == 20


def test_a_tombstone_wins_over_lower_numbers_and_loses_to_higher() -> None:
    held, _ = restored(
        record(b"a|seen|1", b"x", 3), record(b"a|seen|1", None, 5), record(b"b|seen|1", None, 5), record(b"b|seen|1", b"again", 9)
    )
    assert held.given == {b"b|seen|1": b"again"}


def test_of_equal_numbers_the_later_stands() -> None:
    held, _ = restored(record(b"acme", b"one", 4), record(b"acme", b"two", 4))
    assert held.given == {b"acme": b"two"}


def test_a_rotten_snapshot_is_counted_left_out_and_told_to_the_stage() -> None:
    held, unreadable = restored(record(b"acme", b"rotten", 4), record(b"other", b"fine", 2))
    assert held.given == {b"other": b"fine"}
    assert held.damaged == [b"acme"]
    assert held.change == 4, "what replaces it must win over it"
    assert unreadable == 1


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(record(None, b"x", 9), id="no key"),
        pytest.param(record(b"acme", b"x", None), id="no change number"),
        pytest.param(record(b"acme", b"x", b""), id="an empty one"),
        pytest.param(record(b"acme", b"x", b"-1"), id="a negative one"),
        pytest.param(record(b"acme", b"x", b"9" * 5000), id="one of 5,000 digits"),
        pytest.param(record(b"acme", b"x", "１２".encode()), id="digits of another script"),
        pytest.param(Record("state", 3, 0, 0, b"acme", b"x", [(CHANGE, None)]), id="a null header"),  # type: ignore[list-item]
        pytest.param(record(b"\xff\xfe", b"rotten", 9), id="no UTF-8 key"),
        pytest.param(record(b"Acme Inc.", b"rotten", 9), id="no key of ours"),
    ],
)
def test_garbage_takes_nothing_with_it(garbage: Record) -> None:
    held, unreadable = restored(record(b"acme", b"fine", 2), garbage)
    assert held.given == {b"acme": b"fine"}
    assert held.damaged == []
    assert unreadable == 1


def test_a_key_in_a_wrong_partition_is_left_alone() -> None:
    held, unreadable = restored(record(b"acme", b"fine", 2), at_home=False)
    assert (held.given, held.damaged, unreadable) == ({}, [], 1)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (b"acme", ("acme", "core")),
        (b"acme|seen|00ff", ("acme", "seen")),
        (b"acme|thread|x:1\nforged line", ("acme", "thread")),
        (b"|ticks", ("", "ticks")),
        (b"acme|weather|1", ("?", "?")),
        (b"what somebody wrote", ("?", "?")),
        (b"\xff", ("?", "?")),
        (None, ("?", "?")),
    ],
)
def test_the_log_names_brand_and_kind_and_nothing_else(key: bytes | None, place: tuple[str, str]) -> None:
    assert place_in(key) == place


def test_a_change_number_is_read_and_nothing_else_is_one() -> None:
    assert change_of([("other", b"1"), (CHANGE, b"0017")]) == 17
    with pytest.raises(ValueError, match="change number"):
        change_of([(CHANGE, b"1e3")])


def test_a_seal_covers_key_and_value() -> None:
    sealed = seal(b"acme", b"state")
    assert unseal(b"acme", sealed) == b"state"
    assert unseal(b"acme", b"\x01of before seals") == b"\x01of before seals"
    for key, value in ((b"other", sealed), (b"acme", sealed[:-1]), (b"acme", sealed[:5]), (b"acme", sealed[:1])):
        with pytest.raises(ValueError, match="damaged"):
            unseal(key, value)


def test_a_rebuild_refuses_a_source_that_ends_before_what_was_worked_through() -> None:
    """Made anew since: reading on to the committed offset would wait for ever."""

    class Remade:
        def starts(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
            return dict.fromkeys(places, 0)

        def ends(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
            return dict.fromkeys(places, 3)

        def start(self, _: list[TopicPartition]) -> None:
            pytest.fail("there is nothing to read")

    stage: Any = SimpleNamespace(name="crisis", source=SENTIMENT, open=lambda *_: pytest.fail("there is no state to make"))
    reader: Any = Remade()
    with pytest.raises(RebuildError, match=r"crisis, partition 0: 9 records were worked through and .* ends at 3"):
        _replayed(reader, stage, 0, 1, {0: 9})


def test_every_key_that_a_stage_writes_is_known_to_a_restore() -> None:
    """What is not known has no brand: it is neither handed back when it is damaged, nor moved when partitions are added."""
    since, until = datetime(2026, 9, 19, tzinfo=UTC), datetime(2026, 9, 22, tzinfo=UTC)
    told = [line for line in scenario(load_phrases()) if since <= line.at < until]
    chain = OfflineChain(build_stages(load_deployment(), DEMO_KEY, 1, replaying=True))
    records = [Incoming(0, offset, int(line.at.timestamp() * 1000), None, line.value, []) for offset, line in enumerate(told)]
    keys = {key for _, _, outcome in chain.work(records) for key in outcome.changes}
    kinds = {place_in(key)[1] for key in keys}
    assert kinds >= {"core", "watch", "cadence", "seen", "item", "thread", "author"}
    assert "?" not in kinds
