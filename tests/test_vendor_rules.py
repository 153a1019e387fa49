"""The rules of other products, on series whose alarms can be told by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.vendor_rules import DAY, HOUR, VENDOR_RULES, WEEK, Sums, alarms

RULES = {rule.name: rule for rule in VENDOR_RULES}
CALM_WEEKS = [1.0] * (5 * WEEK)


def with_row(rate: float, length: int = 6 * HOUR, at: int = 4 * WEEK + 12 * HOUR) -> list[float]:
    """One mention a bucket for five weeks, and once for a while more."""
    return CALM_WEEKS[:at] + [rate] * length + CALM_WEEKS[at + length :]


@pytest.mark.parametrize("name", [name for name in RULES if name != "fixed-10"])
def test_that_comparing_rules_are_silent_where_nothing_changes(name: str) -> None:
    assert list(alarms(RULES[name], CALM_WEEKS)) == []


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("meltwater", 1),  # the hour that is more than twice the twelve before
        ("salesforce-1h", 1),
        ("salesforce-24h", 7),  # a day half as much again takes a longer part of the row
        ("agility-150", 1),
    ],
)
def test_when_a_row_of_four_times_is_seen(name: str, hour: int) -> None:
    seen = list(alarms(RULES[name], with_row(4.0)))
    assert len(seen) == 1
    assert (seen[0] - (4 * WEEK + 12 * HOUR)) // HOUR < hour


def test_that_the_mean_of_a_day_sees_no_row_of_six_hours_three_deviations_high() -> None:
    assert list(alarms(RULES["socialmetrix-3"], with_row(3.0))) == []
    assert len(list(alarms(RULES["socialmetrix-1.5"], with_row(3.0, length=DAY)))) == 1


def test_that_of_days_a_day_of_twice_as_much_is_seen() -> None:
    assert len(list(alarms(RULES["socialmetrix-2-days"], with_row(2.0, length=DAY)))) == 1


def test_that_a_fixed_number_rings_for_a_busy_brand_all_the_time() -> None:
    assert list(alarms(RULES["fixed-10"], CALM_WEEKS)) == [HOUR - 1]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=400), st.integers(1, 400), st.integers(1, 400))
def test_sums(counts: list[int], end: int, length: int) -> None:
    end = min(end, len(counts))
    assert Sums(counts).of(end, length) == sum(counts[max(end - length, 0) : end])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=100), st.integers(0, 100), st.integers(1, 9))
def test_hours_are_sums_of_twelve_buckets_back_from_the_end(counts: list[int], end: int, count: int) -> None:
    end = min(end, len(counts))
    whole = min(count, end // HOUR)
    sums = Sums(counts)
    assert sums.hours(end, count) == [sums.of(end - HOUR * back, HOUR) for back in range(whole - 1, -1, -1)]


@pytest.mark.parametrize("name", RULES)
def test_that_the_future_changes_nothing(name: str) -> None:
    series = with_row(4.0)
    cut = 4 * WEEK + 15 * HOUR
    assert [at for at in alarms(RULES[name], series) if at < cut] == list(alarms(RULES[name], series[:cut]))
