"""Files of mentions: their own time, ticks, what is filled in, and which files are refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.replay import InputError, Line, in_order, plain, read_line, replay
from pipeline.partition import Partitioner

START = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)


def line(minutes: float, number: int = 1, **fields: Any) -> Line:
    body = {"mention_id": f"x:{number}", "brand": "acme", "published_at": (START + timedelta(minutes=minutes)).isoformat()} | fields
    return read_line(number, json.dumps(body).encode())


def test_missing_times_of_arrival_become_file_time() -> None:
    lines, times = in_order([line(0), line(10), line(4), line(12, received_at="2026-03-01T13:00:00Z")], sort=False, name="f")
    sent = [json.loads(record.value) for record in replay(lines, times, Partitioner(4)) if not record.is_tick]
    assert [body["received_at"] for body in sent] == [
        "2026-03-01T12:01:00Z",
        "2026-03-01T12:11:00Z",
        "2026-03-01T12:11:00Z",
        "2026-03-01T13:00:00Z",
    ]


@pytest.mark.parametrize("ahead", [3 * 24 * 60, 900 * 24 * 60])
def test_a_line_from_the_future_came_in_when_the_file_says(ahead: float) -> None:
    """Whoever wrote it had a wrong clock for both times: else it would be heard last of all, and everybody silent till then."""
    future = (START + timedelta(minutes=ahead)).isoformat()
    retraction = read_line(3, json.dumps({"type": "retraction", "mention_id": "x:1", "brand": "acme", "retracted_at": future}).encode())
    lines, times = in_order([line(0), line(ahead, received_at=future), retraction, line(5), line(6)], sort=False, name="f")
    sent = [json.loads(record.value) for record in replay(lines, times, Partitioner(4)) if not record.is_tick]
    assert sent[1]["published_at"] == future
    assert (sent[1]["received_at"], sent[2]["retracted_at"]) == ("2026-03-01T12:01:00Z", "2026-03-01T12:01:00Z")


def test_what_is_no_time_is_left_to_the_door() -> None:
    lines, times = in_order([line(0), line(9999, received_at="soon"), line(5)], sort=False, name="f")
    assert [record.value for record in replay(lines, times, Partitioner(4)) if not record.is_tick][1] == lines[1].value


def test_a_retraction_gets_its_own_time() -> None:
    lines, times = in_order([line(0), read_line(2, b'{"type":"retraction","mention_id":"x:1","brand":"acme"}')], sort=False, name="f")
    sent = [json.loads(record.value) for record in replay(lines, times, Partitioner(4)) if not record.is_tick]
    assert sent[1]["retracted_at"] == "2026-03-01T12:01:00Z"
    assert "received_at" not in sent[1]


def test_ticks_go_to_every_partition_and_end_six_hours_later() -> None:
    lines, times = in_order([line(0)], sort=False, name="f")
    ticks = [record for record in replay(lines, times, Partitioner(3)) if record.is_tick]
    assert {record.partition for record in ticks} == {0, 1, 2}
    bodies = [json.loads(record.value) for record in ticks if record.partition == 1]
    assert bodies[0] == {"type": "tick", "at": "2026-03-01T12:00:00Z", "brand": None, "replay": "running"}
    assert bodies[-1] == {"type": "tick", "at": "2026-03-01T18:01:00Z", "brand": None, "replay": "end"}
    assert all(record.key is None for record in ticks)


def test_ticks_for_one_brand_go_to_its_partition_only() -> None:
    partitioner = Partitioner(8)
    lines, times = in_order([line(0)], sort=False, name="f")
    ticks = [record for record in replay(lines, times, partitioner, brand="acme") if record.is_tick]
    assert {record.partition for record in ticks} == {partitioner("acme")}
    assert {json.loads(record.value)["brand"] for record in ticks} == {"acme"}


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"\xff\x00",
        b"[1]",
        b"null",
        b'{"brand":7}',
        b'{"published_at":"gisteren","brand":"acme"}',
        b'{"published_at":"2026-03-01T12:00:00"}',
    ],
)
def test_lines_at_fault_pass_as_they_are(value: bytes) -> None:
    """The door judges; a dead letter must keep the bytes that were sent."""
    lines, times = in_order([line(0), read_line(2, value), line(1)], sort=False, name="f")
    (sent,) = [r for r in replay(lines, times, Partitioner(4)) if not r.is_tick and b'"x:1"' not in r.value]
    assert sent.value == value or json.loads(sent.value) == json.loads(value) | {"received_at": "2026-03-01T12:01:00Z"}


def test_a_file_that_runs_back_is_refused_with_its_line() -> None:
    backwards = [line(600 * number, number) for number in (3, 1, 2)]
    with pytest.raises(InputError, match=r"f: line 1: event time runs back more than 6 h .*--sort"):
        in_order(backwards, sort=False, name="f")


def test_sorting_keeps_lines_without_time_behind_their_neighbour() -> None:
    broken = read_line(2, b"{")
    late, early = line(60, 1), line(0, 3)
    lines, _ = in_order([late, broken, early], sort=True, name="f")
    assert lines == [early, late, broken]


def test_live_lines_go_as_they_are() -> None:
    (record,) = plain([line(0)], Partitioner(8))
    assert b"received_at" not in record.value
    assert record.key == b"acme"
