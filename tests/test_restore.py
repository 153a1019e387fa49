"""Restoring: the highest change number wins, not the last record; what cannot be read is left out, never a crash loop."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry

from agents.runtime.restore import Newest, load, take
from agents.telemetry import Telemetry
from pipeline.stage import Incoming, Outcome, Reading


class Held:
    """A stage partition that remembers what it was given."""

    def __init__(self) -> None:
        self.given: dict[bytes, bytes] = {}
        self.change: int | None = None

    def restore(self, key: bytes, value: bytes) -> None:
        if value == b"rotten":
            raise ValueError("of another version")
        self.given[key] = value

    def restored(self, change: int) -> None:
        self.change = change

    def process(self, records: Sequence[Incoming]) -> Outcome:
        raise NotImplementedError

    def readings(self) -> Iterable[Reading]:
        return ()


def restored(*snapshots: tuple[bytes, bytes | None, int]) -> tuple[Held, Telemetry]:
    newest: Newest = {}
    for snapshot in snapshots:
        take(newest, *snapshot)
    held, telemetry = Held(), Telemetry(CollectorRegistry())
    load("crisis", held, newest, telemetry)
    return held, telemetry


def test_a_stale_snapshot_written_last_loses() -> None:
    held, _ = restored((b"acme", b"new", 20), (b"acme", b"old", 7))
    assert held.given == {b"acme": b"new"}
    assert held.change == 20


def test_a_tombstone_wins_over_lower_numbers_and_loses_to_higher() -> None:
    held, _ = restored((b"a|seen|1", b"x", 3), (b"a|seen|1", None, 5), (b"b|seen|1", None, 5), (b"b|seen|1", b"again", 9))
    assert held.given == {b"b|seen|1": b"again"}


def test_of_equal_numbers_the_later_stands() -> None:
    held, _ = restored((b"acme", b"one", 4), (b"acme", b"two", 4))
    assert held.given == {b"acme": b"two"}


def test_a_rotten_snapshot_is_counted_and_left_out() -> None:
    held, telemetry = restored((b"acme", b"rotten", 4), (b"other", b"fine", 2))
    assert held.given == {b"other": b"fine"}
    assert telemetry.registry.get_sample_value("webcare_state_unreadable_total", {"stage": "crisis"}) == 1
