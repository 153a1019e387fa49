"""`webcare detect` on a bare series: one row is one bucket, alarms are pulses."""

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.series import Counts, Judged, Raised, detect_counts, detect_series
from pipeline.share import Announced

MONDAY = datetime(2026, 3, 2)


def series(counts: list[float], start: datetime = MONDAY) -> list[tuple[datetime, float]]:
    return [(start + timedelta(minutes=5 * row), count) for row, count in enumerate(counts)]


def quiet(days: int, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [float(sum(rng.random() < 0.02 for _ in range(100))) for _ in range(days * 288)]


def test_a_burst_is_one_pulse_not_a_plateau():
    counts = quiet(6)
    counts[1400:1450] = [30.0] * 50
    alerts = [row for row, judged in enumerate(detect_series(series(counts))) if judged.alert]
    assert alerts == [1400]


def test_quiet_rows_raise_nothing_and_are_expected():
    judged = list(detect_series(series(quiet(6))))
    assert not any(row.alert for row in judged)
    assert all(abs(row.expected - 2.0) < 1.0 for row in judged[288:])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.integers(0, 2**16))
def test_the_score_is_a_half_or_more_exactly_where_an_alarm_is_raised(tail: list[float], seed: int):
    judged = list(detect_series(series(quiet(2, seed) + tail)))
    assert len(judged) == 576 + len(tail)
    for row in judged:
        assert 0.0 <= row.anomaly_score <= 1.0
        assert (row.anomaly_score >= 0.5) is row.alert
        assert math.isfinite(row.expected)


def test_a_row_is_judged_from_what_came_before_it():
    counts = quiet(3)
    whole = list(detect_series(series([*counts, 50.0, 0.0, 99.0])))
    assert whole[: len(counts) + 1] == list(detect_series(series([*counts, 50.0])))


def test_naive_times_are_utc_unless_a_zone_is_given():
    counts = [10.0 if 9 <= row // 12 % 24 < 17 else 1.0 for row in range(10 * 288)]
    utc = MONDAY.replace(tzinfo=UTC)
    assert list(detect_series(series(counts))) == list(detect_series(series(counts, utc)))
    amsterdam = ZoneInfo("Europe/Amsterdam")
    local = list(detect_series(series(counts), time_zone=amsterdam))
    shifted = list(detect_series(series(counts, utc - timedelta(hours=1)), time_zone=amsterdam))
    assert local == shifted  # 00:00 in Amsterdam is 23:00 in UTC


def test_no_rows_give_no_rows():
    assert list(detect_series([])) == []
    assert list(detect_series(series([3.0]))) == [Judged(pytest.approx(0.05), 0.0, False)]


@pytest.mark.parametrize(
    ("profile", "announced", "expected"),
    [
        ("default", Announced(), [Raised(1441, "warn", "burst"), Raised(1445, "crit", "burst")]),
        # its first five are watched, not told
        ("sensitive", Announced(), [Raised(1441, "warn", "burst"), Raised(1445, "crit", "burst")]),
        ("quiet", Announced(), [Raised(1445, "crit", "burst")]),
        # the number was announced; that all of it would be complaints was not
        ("default", Announced(900.0, 900.0), [Raised(1445, "crit", "share")]),
        ("default", Announced(900.0, 8000.0), []),
    ],
)
def test_counts_are_judged_as_the_stage_judges_mentions(profile, announced: Announced, expected: list[Raised]):
    rng = random.Random(7)
    rows = []
    for row in range(1440):
        bad = float(rng.random() < 0.08)
        rows.append(Counts(MONDAY + timedelta(minutes=5 * row), bad + float(rng.random() < 0.5), bad))
    for row in range(1368, 1440):
        rows[row] = rows[row]._replace(mentions=0.0, negatives=0.0)
    for index, bad in enumerate([3.0, 4.0, 0.0, 0.0, 0.0, 60.0, 20.0]):
        rows.append(Counts(MONDAY + timedelta(minutes=5 * (1440 + index)), bad, bad, announced))
    assert list(detect_counts(rows, profile=profile)) == expected
