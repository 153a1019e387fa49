"""Event time: what a brand learns from ticks, and the file time and ticks of a replay."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ticks import (
    AFTER_END,
    BUCKET,
    CONFIRMING_LINES,
    DAY,
    FIRST_SECOND,
    LAST_SECOND,
    LONGEST_SILENCE,
    BackwardsFileError,
    Paced,
    PartitionTicks,
    file_times,
    paced,
)

NOON = 1_772_366_400.0  # 2026-03-01T12:00:00Z
HOUR = 3_600


# what a brand learns


@pytest.mark.parametrize(
    ("seen", "raw_partitions", "time"),
    [
        pytest.param([(0, 10), (1, 20)], [0], 10, id="the only partition it comes from"),
        pytest.param([(0, 10), (1, 20)], [0, 1], 10, id="the slowest"),
        pytest.param([(0, 10)], [0, 1], None, id="one has never ticked"),
        pytest.param([(0, 10)], [], None, id="seen from nowhere"),
        pytest.param([(0, 10), (0, 30), (0, 20)], [0], 30, id="a repeat does not run back"),
        pytest.param([(0, -10)], [0], -10, id="before 1970"),
    ],
)
def test_tick_time_of_a_brand(seen: list[tuple[int, float]], raw_partitions: list[int], time: float | None) -> None:
    ticks = PartitionTicks()
    for partition, at in seen:
        ticks.see(partition, at)
    assert ticks.of(raw_partitions) == time


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100))), st.sets(st.integers(0, 3), min_size=1))
def test_repeats_and_the_order_between_partitions_change_nothing(seen: list[tuple[int, int]], raw_partitions: set[int]) -> None:
    once, again = PartitionTicks(), PartitionTicks()
    for partition, at in seen:
        once.see(partition, at)
    for partition, at in sorted(seen + seen):
        again.see(partition, at)
    assert once.of(raw_partitions) == again.of(raw_partitions)


# file time


@pytest.mark.parametrize(
    ("published", "times"),
    [
        pytest.param([], [], id="empty"),
        pytest.param([None], [0], id="no time at all"),
        pytest.param([5], [5], id="one line"),
        pytest.param([5, 9, 7, 11], [5, 9, 9, 11], id="running maximum"),
        pytest.param([None, 5, None, 9, None], [5, 5, 5, 9, 9], id="lines without a time"),
        pytest.param([0, DAY], [0, DAY], id="a jump of a day"),
        pytest.param([0, DAY + 1], [0, 0], id="a longer one at the end: nothing confirms it"),
        pytest.param([0, 3 * DAY, 3 * DAY + 5], [0, 3 * DAY, 3 * DAY + 5], id="confirmed by the next line"),
        pytest.param([0, 3 * DAY, 3 * DAY - HOUR], [0, 3 * DAY, 3 * DAY], id="confirmed by a late line"),
        pytest.param([0, 99 * DAY, 5, 9], [0, 0, 5, 9], id="one post from the future"),
        pytest.param([0, 99 * DAY, 99 * DAY, 5, 9, 11, 12], [0, 0, 0, 5, 9, 11, 12], id="two posts from the future"),
        pytest.param([0, 99 * DAY, 3 * DAY, 3 * DAY + 1], [0, 0, 3 * DAY, 3 * DAY + 1], id="a post from the future before a true jump"),
        pytest.param([0, 3 * DAY, None, None, 3 * DAY], [0, 3 * DAY, 3 * DAY, 3 * DAY, 3 * DAY], id="lines without a time do not judge"),
        pytest.param([0, 2 * DAY, 4 * DAY, 6 * DAY], [0, 2 * DAY, 4 * DAY, 4 * DAY], id="a sparse file"),
        pytest.param([0, 23 * HOUR, 5, 9], [0, 0, 5, 9], id="one post from later that day"),
        pytest.param([0, 25 * HOUR, 2 * HOUR, 3 * HOUR], [0, 0, 2 * HOUR, 3 * HOUR], id="one from a little more than a day later"),
        pytest.param([0, 6 * HOUR, 5, 9], [0, 6 * HOUR, 6 * HOUR, 6 * HOUR], id="one from the next hours"),
        pytest.param([0, 10 * HOUR, 4 * HOUR, 20 * HOUR], [0, 10 * HOUR, 10 * HOUR, 20 * HOUR], id="a night, and a late line"),
        pytest.param([-9, -5], [-9, -5], id="before 1970"),
        pytest.param([-1e14, 5], [FIRST_SECOND, FIRST_SECOND], id="before the first year"),
        pytest.param([1e14, 1e15], [LAST_SECOND, LAST_SECOND], id="after the last"),
    ],
)
def test_file_time(published: list[float | None], times: list[float]) -> None:
    assert file_times(published) == times


@pytest.mark.parametrize(("behind", "moves"), [(9, True), (10, False), (11, False)])
def test_most_of_the_next_twenty_lines_confirm(behind: int, moves: bool) -> None:
    jump = 5.0 * DAY
    following = [0.0] * behind + [jump] * (CONFIRMING_LINES - behind)
    times = file_times([0.0, *[0.0] * 1_200, jump, *following, *[jump] * 10])
    assert times[1_201] == (jump if moves else 0.0)
    assert times[-1] == jump


@pytest.mark.parametrize(
    ("published", "line", "share"),
    [
        pytest.param([7 * HOUR, 0.0], 2, "50.0%", id="one of two"),
        pytest.param([float(9 - day) * DAY for day in range(9)], 2, "88.9%", id="newest first"),
        pytest.param([7.0 * HOUR] * 98 + [0.0] * 2, 99, "2.0%", id="two of a hundred"),
    ],
)
def test_a_file_that_runs_back_is_refused(published: list[float], line: int, share: str) -> None:
    with pytest.raises(BackwardsFileError, match=f"line {line}: .* on {share} of the lines.*--sort") as refused:
        file_times(published)
    assert refused.value.line == line


@pytest.mark.parametrize(
    "published",
    [
        pytest.param([7.0 * HOUR] * 99 + [0.0], id="one of a hundred"),
        pytest.param([6.0 * HOUR, 0.0] * 50, id="six hours"),
        pytest.param(
            [99.0 * DAY if line == 7 else float(line) for line in range(50)], id="a post from the future does not make the others late"
        ),
    ],
)
def test_a_file_that_hardly_runs_back_is_taken(published: list[float]) -> None:
    assert len(file_times(published)) == len(published)


moments = st.floats(FIRST_SECOND, LAST_SECOND) | st.floats(0, 10 * DAY) | st.sampled_from([-1e15, 1e15, 0.0, float(DAY)])


@given(st.lists(st.none() | moments, max_size=60))
def test_file_time_never_runs_back_and_is_no_guess(published: list[float | None]) -> None:
    try:
        times = file_times(published)
    except BackwardsFileError:
        return
    assert times == sorted(times)
    assert set(times) <= {0.0, *(min(max(at, FIRST_SECOND), LAST_SECOND) for at in published if at is not None)}


@given(st.lists(st.floats(0, 23 * HOUR), min_size=1, max_size=40).map(sorted), st.integers(0, 39), st.floats(30 * DAY, 900 * DAY))
def test_one_post_from_the_future_moves_nobody_else(published: list[float], place: int, ahead: float) -> None:
    place = min(place, len(published))
    spoiled = [*published[:place], ahead, *published[place:]]
    if place == 0:  # it is the first to tell the time: then the file runs back, and is refused
        with pytest.raises(BackwardsFileError):
            file_times(spoiled)
    else:
        times = file_times(spoiled)
        assert times[:place] + times[place + 1 :] == file_times(list(published))


# ticks of a replay


def told(times: list[float]) -> list[str]:
    """`t<minute>` for a tick, `E<minute>` for the last one, `#<line>` for a line; minutes from noon."""
    out = []
    for step in paced(times):
        if step.line is not None:
            out.append(f"#{step.line}")
        else:
            assert step.tick == step.now
            out.append(f"{'E' if step.end else 't'}{(step.now - NOON) / 60:g}")
    return out


def test_ticks_stand_at_every_boundary_before_what_lies_beyond_and_six_hours_after_the_end() -> None:
    """Between the last line and the last tick there is none: it would say that nothing came, of a time of which the file does not tell."""
    steps = told([NOON + 60 * minute for minute in (1, 4.9, 5, 5, 16)])
    assert steps == ["t0", "#0", "#1", "t5", "#2", "#3", "t10", "t15", "#4", "E376"]


def test_a_line_on_a_boundary_comes_after_its_tick_and_the_last_tick_comes_once() -> None:
    assert told([NOON]) == ["t0", "#0", "E360"]


def test_no_lines_no_ticks() -> None:
    assert list(paced([])) == []


def test_a_long_silence_has_only_its_last_tick() -> None:
    """A post from the year 1 at the head of a file would make two hundred million ticks."""
    times = [float(FIRST_SECOND), NOON, NOON + LONGEST_SILENCE]
    steps = list(paced(times))
    assert [step.tick for step in steps[:4]] == [FIRST_SECOND, None, NOON, None]
    assert sum(step.line is None for step in steps) == 1 + 1 + LONGEST_SILENCE // BUCKET + 1


def test_the_last_second_of_all_is_the_last_tick() -> None:
    *_, last = paced([float(LAST_SECOND)])
    assert last == Paced(LAST_SECOND, None, LAST_SECOND, end=True)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(NOON, NOON + 3 * DAY), min_size=1, max_size=20).map(sorted))
def test_every_line_is_written_once_in_order_with_every_boundary_between(times: list[float]) -> None:
    steps = list(paced(times))
    assert [step.line for step in steps if step.line is not None] == list(range(len(times)))
    assert [step.now for step in steps] == sorted(step.now for step in steps)
    ticks = [step.tick for step in steps if step.tick is not None]
    first = times[0] // BUCKET * BUCKET
    boundaries = [first + BUCKET * number for number in range(int((times[-1] - first) // BUCKET) + 1)]
    assert ticks == [*boundaries, times[-1] + AFTER_END]
    assert [step.end for step in steps].index(True) == len(steps) - 1
