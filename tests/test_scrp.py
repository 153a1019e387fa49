"""The detector: tails, seasons, winsorising, the alarm's life, and a state that comes back bit for bit."""

import math
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.extremes import DailyMaxima, return_exponent
from pipeline.scrp import RING, SILENT, Alarm, Detector, Judgement, local_slot, tail_score
from pipeline.share import Announced
from pipeline.watch import Watch


def poisson(rng: random.Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def slots(bucket: int) -> tuple[int, int]:
    return bucket // 12 % 168, bucket // 288 + 1


def learn(detector: Detector, days: int, mean: float, seed: int = 1) -> int:
    """Quiet days; returns the next bucket."""
    rng = random.Random(seed)
    for bucket in range(days * 288):
        detector.close(poisson(rng, mean), *slots(bucket))
    return days * 288


# the tail of the negative binomial


def exact_score(count: int, mean: float, spread: float) -> float:
    """Normal score of P(X >= count), summed."""
    size = 1.0 / spread
    below = 0.0
    for k in range(count):
        log = (
            math.lgamma(k + size)
            - math.lgamma(size)
            - math.lgamma(k + 1)
            + size * math.log(size / (size + mean))
            + k * math.log(mean / (size + mean))
        )
        below += math.exp(log)
    tail = max(1.0 - below, 1e-15)
    low, high = 0.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * math.erfc(middle / math.sqrt(2)) > tail else (low, middle)
    return low


@pytest.mark.parametrize(
    ("count", "mean", "spread"), [(3, 0.3, 0.2), (8, 2.0, 0.2), (12, 5.0, 0.05), (30, 12.0, 0.3), (60, 40.0, 0.02), (4, 0.05, 0.2)]
)
def test_the_tail_is_within_8_percent_of_the_exact_one(count: int, mean: float, spread: float):
    assert tail_score(count, mean, spread) == pytest.approx(exact_score(count, mean, spread), rel=0.08)


@pytest.mark.parametrize(("count", "mean"), [(0, 0.005), (1, 0.5), (5, 5.0), (5.5, 5.0), (5.5000001, 5.0)])
def test_nothing_at_or_just_above_the_mean_is_unusual(count: float, mean: float):
    assert tail_score(count, mean, 0.2) == 0.0


@given(st.floats(0, 1e5), st.floats(0.005, 1e4), st.floats(1e-3, 5))
def test_the_tail_is_finite_and_never_negative(count: float, mean: float, spread: float):
    score = tail_score(count, mean, spread)
    assert math.isfinite(score)
    assert score >= 0.0


@pytest.mark.parametrize(("t", "expected"), [(-50.0, 0.0), (2000.0, 2000.0 / math.log(10)), (math.log(1 / -math.log(0.9)), 1.0)])
def test_return_exponents_neither_underflow_nor_overflow(t: float, expected: float):
    assert return_exponent(t) == pytest.approx(expected, abs=1e-9)


def test_a_crisis_day_does_not_make_the_next_one_look_usual():
    calm, shaken = DailyMaxima(1, mean=2.8, sd=1.0), DailyMaxima(1, mean=2.8, sd=1.0)
    for day in range(1, 30):
        for maxima, score in ((calm, 2.8), (shaken, 40.0 if day == 20 else 2.8)):
            maxima.start(day)
            maxima.returns([score])
    assert shaken.returns([10.0])[0] > 0.4 * calm.returns([10.0])[0]
    assert shaken.highest == [10.0]


# what it expects


def test_it_learns_the_hours_of_the_week():
    detector = Detector()
    rng = random.Random(2)
    for bucket in range(6 * 2016):
        slot, day = slots(bucket)
        detector.close(poisson(rng, 6.0 if slot % 24 == 12 else 1.0), slot, day)
    assert detector.expectation.of(12) > 4 * detector.expectation.of(3)
    assert detector.expectation.of(3) == pytest.approx(1.0, abs=0.35)


def test_a_crisis_does_not_become_the_expectation():
    quiet, after = Detector(), Detector()
    for detector in (quiet, after):
        learn(detector, 10, 0.5)
    for bucket in range(2880, 2880 + 36):
        quiet.close(0.0, *slots(bucket))
        after.close(60.0, *slots(bucket))
    hour = 2880 // 12 % 24
    assert after.expectation.of(hour) < quiet.expectation.of(hour) + 1.5


def test_the_first_day_raises_nothing_and_the_second_may():
    detector = Detector()
    scores = [detector.close(0.0 if bucket % SILENT else 40.0, *slots(bucket)).score for bucket in range(2 * SILENT)]
    assert not any(scores[:SILENT])
    assert any(scores[SILENT:])


def test_more_is_never_less_unusual():
    last = -1.0
    for count in range(0, 60, 3):
        detector = Detector()
        bucket = learn(detector, 5, 0.3)
        score = detector.close(float(count), *slots(bucket)).score
        assert score >= last
        last = score
    assert last > 2.0


def test_what_is_announced_is_expected():
    plain, told = Detector(), Detector()
    for detector in (plain, told):
        learn(detector, 14, 0.5)
    scores = {"plain": 0.0, "told": 0.0}
    rng = random.Random(5)
    for bucket in range(14 * 288, 14 * 288 + 72):
        count = poisson(rng, 2.5)
        scores["plain"] = max(scores["plain"], plain.close(count, *slots(bucket)).score)
        scores["told"] = max(scores["told"], told.close(count, *slots(bucket), 5.0).score)
    assert scores["plain"] > 2.0
    assert scores["told"] < 0.3
    slot = slots(14 * 288)[0]
    assert told.expectation.of(slot) < 1.5 * plain.expectation.of(slot)  # learnt as what it would have been without the event


def test_known_complaints_are_expected_from_the_first_day():
    # 200 complaints a month of which a tenth becomes public are 0.0023 a bucket; 20,000 are 0.23
    few, many = Detector(200 * 0.1 / 8766), Detector(20_000 * 0.1 / 8766)
    assert few.expectation.of(0) == 0.005  # never less
    assert many.expectation.of(0) == pytest.approx(0.228, abs=0.001)


# corrections


def test_a_late_mention_is_judged_from_now_on():
    prompt, corrected = Detector(), Detector()
    for detector in (prompt, corrected):
        learn(detector, 5, 0.3)
    bucket = 5 * 288
    prompt.close(9.0, *slots(bucket))
    corrected.close(2.0, *slots(bucket))
    assert corrected.correct(0, 7.0)
    one, other = prompt.close(0.0, *slots(bucket + 1)), corrected.close(0.0, *slots(bucket + 1))
    assert one.sums == other.sums


@pytest.mark.parametrize(("closed", "age", "possible"), [(10, 9, True), (10, 10, False), (500, RING - 1, True), (500, RING, False)])
def test_only_what_closed_here_in_the_last_six_hours_can_be_corrected(closed: int, age: int, possible: bool):
    detector = Detector()
    for bucket in range(closed):
        detector.close(0.0, *slots(bucket))
    assert detector.correct(age, 1.0) is possible
    assert sum(detector.counts) == possible


# time


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Amsterdam", datetime(2026, 3, 29), 23),
        ("Europe/Amsterdam", datetime(2026, 10, 25), 25),
        ("Asia/Kolkata", datetime(2026, 3, 29), 24),
    ],
)
def test_local_days_have_23_to_25_hours(zone: str, day: datetime, hours: int):
    start = day.replace(tzinfo=ZoneInfo(zone)).timestamp()
    places = [local_slot(datetime.fromtimestamp(start + 300 * bucket, ZoneInfo(zone))) for bucket in range(26 * 12)]
    same = [slot for slot, number in places if number == day.toordinal()]
    assert len(same) == hours * 12
    assert same[0] == 6 * 24  # a Sunday
    assert same[-1] == 6 * 24 + 23


def test_a_holiday_goes_like_a_sunday():
    easter_monday = datetime(2026, 4, 6, 15, tzinfo=ZoneInfo("Europe/Amsterdam"))
    day = easter_monday.toordinal()
    assert local_slot(easter_monday) == (15, day)
    assert local_slot(easter_monday, {day}) == (6 * 24 + 15, day)
    assert local_slot(easter_monday + timedelta(days=1), {day}) == (24 + 15, day + 1)


def test_a_clock_change_is_one_day_in_the_maxima_and_raises_nothing():
    detector = Detector()
    zone = ZoneInfo("Europe/Amsterdam")
    start = datetime(2026, 3, 16, tzinfo=zone).timestamp()
    rng = random.Random(3)
    scores = []
    for bucket in range(20 * 288):
        local = datetime.fromtimestamp(start + bucket * 300, zone)
        scores.append(detector.close(poisson(rng, 2.0 if 9 <= local.hour < 18 else 0.2), *local_slot(local)).score)
    assert detector.maxima.weights[0] == pytest.approx(sum(0.96**age for age in range(20)), abs=1.0)
    assert max(scores) < 1.5


# the alarm


def test_an_alarm_is_raised_once_calms_down_and_then_asks_for_more():
    alarm = Alarm()
    scores = [0.0, 1.0, 1.1, 0.9, *[0.1] * 11, 0.3, *[0.1] * 12, 1.0, 1.9]
    changes = {index: change for index, score in enumerate(scores) if (change := alarm.step(score, passes=score >= 0.85))}
    assert changes == {1: "raised", 27: "resolved", 29: "raised"}  # 1.0 stays under the bar of 1.6; 1.9 does not


def test_the_bar_is_forgotten_by_half_in_19_hours_and_never_deafens():
    alarm = Alarm()
    alarm.lift(9.0)
    assert alarm.bar == 2.0
    for _ in range(19 * 12 + 3):
        alarm.step(0.0, passes=False)
    assert alarm.bar == pytest.approx(1.0, abs=0.01)


# the watch


def run_watch(watch: Watch, days: int, negatives: float, mentions: float, seed: int = 4) -> int:
    rng = random.Random(seed)
    for bucket in range(days * 288):
        bad = poisson(rng, negatives)
        watch.close(bad, bad + poisson(rng, mentions - negatives), *slots(bucket))
    for bucket in range(days * 288, days * 288 + RING):
        watch.close(0, 0, *slots(bucket))  # six silent hours: the sums hold what a test puts in
    return days * 288 + RING


@pytest.mark.parametrize(
    ("profile", "negatives", "others", "tiers"),
    [
        ("default", 30, 5, {"crisis"}),
        ("default", 1, 2, set()),
        ("default", 30, 900, set()),  # diluted: the negatives came along with a wave of praise
        ("default", 5, 0, set()),  # however unusual, five are no crowd
        ("sensitive", 5, 0, {"watch"}),
        ("quiet", 8, 2, set()),  # fewer than 12 in six hours
        ("quiet", 30, 5, {"crisis"}),
    ],
)
def test_what_makes_a_burst(profile, negatives: int, others: int, tiers: set[str]):
    watch = Watch(profile)
    bucket = run_watch(watch, 10, 0.05, 0.4)
    watch.close(2, 4, *slots(bucket))
    for index in range(1, 24):
        watch.close(0, 0, *slots(bucket + index))
    verdict = watch.close(negatives, negatives + others, *slots(bucket + 24))
    assert {verdict.tier} - {None} == tiers
    assert (verdict.change == "raised") == bool(tiers)


def test_an_incident_escalates_once_per_tier():
    watch = Watch("sensitive")
    bucket = run_watch(watch, 10, 0.05, 0.4)
    changes = []
    for index, count in enumerate([2, *[0] * 23, 5, 1, 40, 40, 40]):
        verdict = watch.close(count, count, *slots(bucket + index))
        if verdict.change:
            changes.append((verdict.change, watch.tier))
    assert changes == [("raised", "watch"), ("escalated", "warning"), ("escalated", "crisis")]


def test_an_announced_rise_of_negatives_raises_the_usual_share_and_fades():
    watch = Watch()
    bucket = run_watch(watch, 10, 0.2, 1.0)
    before = watch.close(0, 1, *slots(bucket)).usual_share
    watch.close(0, 1, *slots(bucket + 1), Announced(1.0, 3.0))
    during = watch.close(0, 1, *slots(bucket + 2), Announced(1.0, 3.0)).usual_share
    for index in range(36):
        after = watch.close(0, 1, *slots(bucket + 3 + index)).usual_share
    assert during == pytest.approx(3 * before, rel=0.05)
    assert after == pytest.approx((1 + 2 / math.e) * before, rel=0.1)


# state


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=400), st.integers(0, 400), st.booleans())
def test_a_watch_comes_back_bit_for_bit_at_any_point(counts: list[tuple[int, int]], cut: int, correct: bool):
    whole, first = Watch(), Watch()
    for bucket, (negatives, others) in enumerate(counts):
        if bucket == min(cut, len(counts) - 1):
            second = Watch()
            second.restore(first.snapshot())
            assert second.snapshot() == first.snapshot()
            first = second
        for watch in (whole, first):
            if correct and bucket:
                watch.correct(0, 1, 1)
            watch.close(negatives, negatives + others, *slots(bucket), Announced(2.0, 1.0) if bucket % 50 > 40 else Announced())
    assert first.snapshot() == whole.snapshot()
    assert first.hour() == whole.hour()
    assert first.is_empty() == whole.is_empty()


def test_a_snapshot_is_about_9_kilobytes_and_knows_its_version():
    watch = Watch()
    value = watch.snapshot()
    assert len(value) < 10_000
    for wrong in (b"", value[:-1], b"\x63" + value[1:]):
        with pytest.raises(ValueError, match="version"):
            Watch().restore(wrong)


def test_judgements_name_the_window_that_explains_best():
    judgement = Judgement(1.0, 0.1, (0.5, 2.0, 2.0, 0.1), (3, 8, 9, 9), (0.1, 0.3, 1.2, 7.2), (0.2,) * 4)
    assert judgement.window() == 1
    assert judgement.sd(1) == pytest.approx(math.sqrt(0.3 + 0.09 * 0.2))


def test_history_does_not_make_it_slower_or_larger():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    detector = Detector()
    sizes = set()
    for bucket in range(3000):
        detector.close(1.0, *local_slot(start + timedelta(minutes=5 * bucket)))
        sizes.add(len(detector.snapshot()))
    assert len(sizes) == 1
    assert len(detector.counts) == RING
