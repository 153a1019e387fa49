"""Share, slow burn and surge beside the burst: which signal sees what, one incident for all, and what is learnt meanwhile."""

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.explanation import explanation
from pipeline.figures import figures_of
from pipeline.headline import Facts, headline
from pipeline.scrp import Judgement
from pipeline.share import NOTHING_ANNOUNCED, SPREAD, Announced, ShareJudgement, ShareSignal, share_score
from pipeline.slow_burn import HOURS, SlowBurn, run_of
from pipeline.watch import MASKED, SIGNALS, Verdict, Watch, corroborated

DAYS = 21


def poisson(rng: random.Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def watched(profile: str = "default", negatives: float = 0.5, others: float = 3.5, days: int = DAYS) -> tuple[Watch, int, random.Random]:
    """A watch with quiet days behind it, and the next bucket."""
    watch, rng = Watch(profile), random.Random(11)  # type: ignore[arg-type]
    for bucket in range(days * 288):
        bad = poisson(rng, negatives)
        watch.close(bad, bad + poisson(rng, others), bucket // 12 % 168, bucket // 288 + 1)
    return watch, days * 288, rng


def lives(
    watch: Watch, first: int, counts: Callable[[int], tuple[float, float]], length: int, announced: Announced = NOTHING_ANNOUNCED
) -> Iterator[tuple[int, Verdict]]:
    """What each bucket's close changes; ``counts``: negatives and mentions of all kinds by bucket from 0."""
    for index in range(length):
        bucket = first + index
        verdict = watch.close(*counts(index), bucket // 12 % 168, bucket // 288 + 1, announced)
        if verdict.change or verdict.surge:
            yield index, verdict


def changes(found: Iterator[tuple[int, Verdict]]) -> list[tuple[str, str | None]]:
    return [(verdict.change, verdict.signal) for _, verdict in found if verdict.change]


def test_the_mood_of_a_steady_volume_turns():
    watch, bucket, rng = watched(negatives=0.5, others=3.5)

    def turned(index: int) -> tuple[float, float]:
        total = poisson(rng, 4.0)
        return sum(rng.random() < 0.35 for _ in range(total)), total

    (at, verdict), *_ = lives(watch, bucket, turned, 72)
    assert verdict.signal == "share"
    assert verdict.change == "raised"
    assert at < 36
    assert verdict.share.is_telling()
    assert verdict.share.usual == pytest.approx(0.125, abs=0.02)
    assert 0 < verdict.onset < 72


def test_a_day_somewhat_above_the_expectation_is_a_slow_burn():
    watch, bucket, rng = watched(negatives=0.5, others=3.5)
    found = list(lives(watch, bucket, lambda _: ((bad := poisson(rng, 0.85)), bad + poisson(rng, 4.2)), 2 * 288))
    raised = [(index, verdict) for index, verdict in found if verdict.change]
    (at, verdict), *rest = raised
    assert (verdict.change, verdict.signal, verdict.tier) == ("raised", "slow_burn", "warning")
    assert 36 < at < 288
    assert verdict.slow.is_telling()
    assert at - 36 < verdict.onset < at + 72  # by whole hours, and by chance
    assert not any(verdict.change == "raised" for _, verdict in rest), "what it told is not told again"


def test_a_day_of_more_of_everything_is_no_slow_burn():
    watch, bucket, rng = watched(negatives=0.5, others=3.5)
    found = list(lives(watch, bucket, lambda _: ((bad := poisson(rng, 1.0)), bad + poisson(rng, 7.0)), 288))
    assert "slow_burn" not in {signal for _, signal in changes(iter(found))}


def test_the_aftermath_of_a_row_is_no_slow_burn():
    watch, bucket, rng = watched()

    def row(index: int) -> tuple[float, float]:
        bad = poisson(rng, 8.0 if index < 48 else 0.5 if index < 96 else 1.0)
        return bad, bad + poisson(rng, 3.5)

    found = changes(lives(watch, bucket, row, 300))
    assert [signal for change, signal in found if change == "raised"] == ["burst"]


def test_more_of_everything_is_a_surge_that_ends():
    watch, bucket, rng = watched()

    def wave(index: int) -> tuple[float, float]:
        bad = poisson(rng, 0.5)
        return bad, bad + poisson(rng, 40.0 if index < 24 else 3.5)

    found = list(lives(watch, bucket, wave, 2 * 288))
    assert [verdict.surge for _, verdict in found] == ["raised", "resolved"]
    assert changes(iter(found)) == []
    assert found[0][0] <= 1


def test_while_a_crisis_is_open_there_is_no_surge():
    watch, bucket, _ = watched()
    found = list(lives(watch, bucket, lambda index: (60.0, 64.0) if index < 12 else (0.0, 4.0), 288))
    assert [verdict.change for _, verdict in found] == ["raised", "resolved"]
    assert [verdict.surge for _, verdict in found] == [None, None]


@pytest.mark.parametrize(
    ("announced", "raised"),
    [(NOTHING_ANNOUNCED, True), (Announced(4.0, 4.0), False), (Announced(4.0, 1.0), True)],
    ids=["nothing announced", "all of it announced", "more mentions were announced, not more complaints"],
)
def test_what_is_announced_is_expected_by_every_signal(announced: Announced, raised: bool):
    watch, bucket, rng = watched()
    found = list(lives(watch, bucket, lambda _: ((bad := poisson(rng, 2.0)), bad + poisson(rng, 14.0)), 96, announced))
    assert bool(changes(iter(found))) is raised


def test_signals_of_one_row_are_one_incident():
    watch, bucket, rng = watched()
    row = [poisson(rng, 1.5) for _ in range(36)] + [40] * 6 + [poisson(rng, 1.5) for _ in range(72)]
    found = changes(lives(watch, bucket, lambda index: (row[index], row[index] + 3.0) if index < len(row) else (0.0, 3.0), 2 * 288))
    assert [change for change, _ in found if change != "escalated"] == ["raised", "resolved"]
    assert sum(change == "escalated" for change, _ in found) <= 1


@pytest.mark.parametrize(("profile", "tiers"), [("quiet", set()), ("default", set()), ("sensitive", {"watch"})])
def test_only_a_sensitive_brand_is_watched(profile: str, tiers: set[str]):
    watch, bucket, _ = watched(profile, 0.05, 0.4)
    list(lives(watch, bucket, lambda _: (0.0, 0.0), 72))
    few = {0: (2.0, 3.0), 24: (5.0, 9.0)}
    found = list(lives(watch, bucket + 72, lambda index: few.get(index, (0.0, 0.0)), 36))
    assert {verdict.tier for _, verdict in found if verdict.change == "raised"} == tiers


def test_an_incident_teaches_nothing_for_three_days_and_then_is_the_new_usual():
    watch, bucket, _ = watched()
    expected = watch.negatives.expectation.overall
    list(lives(watch, bucket, lambda _: (30.0, 33.0), MASKED // 2))
    assert watch.tier == "crisis"
    assert watch.negatives.expectation.overall == pytest.approx(expected, rel=0.03)
    list(lives(watch, bucket + MASKED // 2, lambda _: (30.0, 33.0), MASKED))
    assert watch.negatives.expectation.overall > 1.5 * expected


def test_a_second_crisis_a_day_later_is_heard():
    watch, bucket, rng = watched()

    def rows(index: int) -> tuple[float, float]:
        bad = poisson(rng, 0.5) + (25 if index < 24 or 288 <= index < 312 else 0)
        return bad, bad + poisson(rng, 3.5)

    found = changes(lives(watch, bucket, rows, 400))
    assert [change for change, _ in found if change == "raised"] == ["raised", "raised"]


# the parts


@given(st.floats(0, 500), st.floats(0, 500), st.floats(0.001, 0.95))
def test_a_share_score_is_finite_and_none_at_or_below_the_usual(negatives: float, others: float, usual: float):
    score = share_score(negatives, negatives + others, usual)
    assert math.isfinite(score)
    assert score >= 0.0
    if negatives <= usual * (negatives + others):
        assert score == 0.0


def test_many_mentions_that_belong_together_say_less_than_as_many_alone():
    alone = math.sqrt(2 * (40 * math.log(40 / 10) + 60 * math.log(60 / 90)))
    assert share_score(40, 100, 0.1) == pytest.approx(alone / math.sqrt(1 + 99 * SPREAD))


def test_the_first_two_days_share_raises_nothing():
    signal = ShareSignal()
    scores = [signal.close((0, 0, 30, 30), (0, 0, 31, 31), 0.1, bucket // 288 + 1, learns=True).score for bucket in range(600)]
    assert scores[575] == 0.0
    assert scores[576] > 0.5


def test_a_late_mention_joins_its_hour_of_the_slow_burn():
    one, other = SlowBurn(), SlowBurn()
    for bucket in range(100):
        one.close(2.0 if bucket in (40, 98) else 1.0, 1.0, 0.5, 1, told=False)
        other.close(1.0, 1.0, 0.5, 1, told=False)
        if bucket == 99:
            other.correct(59, 1.0)
            other.correct(1, 1.0)
    for _ in range(8):
        verdicts = [slow.close(0.0, 1.0, 0.5, 1, told=False) for slow in (one, other)]
    assert verdicts[0].observed == verdicts[1].observed == 102.0


def test_a_run_begins_where_it_is_likeliest():
    counts = [1.0] * 60 + [4.0] * 12
    assert run_of(counts, [1.0] * 72, 2.0) == 11
    assert run_of([0.0] * 72, [1.0] * 72, 2.0) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 5), st.booleans()), max_size=200))
def test_a_slow_burn_comes_back_bit_for_bit(closes: list[tuple[int, float, bool]]):
    one = SlowBurn()
    for count, mean, told in closes:
        one.close(float(count), mean, 0.3, 1 + one.closed // 288, told=told)
    other = SlowBurn()
    other.restore(one.snapshot())
    for slow in (one, other):
        for _ in range(HOURS):
            slow.close(3.0, 1.0, 0.3, 5, told=False)
    assert one.snapshot() == other.snapshot()
    assert one.last == other.last


def test_a_watch_of_before_these_signals_goes_on_with_what_it_learnt():
    watch, _, _ = watched(days=2)
    old = b"\x01" + watch.snapshot()[1:]
    size = len(watch.snapshot()) - 5 - watch.surge.size() - watch.shares.size - watch.slow.size
    again = Watch()
    again.restore(old[:size])
    assert again.negatives.snapshot() == watch.negatives.snapshot()
    assert again.closed == watch.closed
    assert again.shares.closed == again.slow.closed == 0
    with pytest.raises(ValueError, match="version"):
        again.restore(old)


# what is said


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("signal", [*SIGNALS, None])
def test_every_signal_says_what_it_saw(signal, language):
    watch, bucket, _ = watched()
    for index in range(30):
        verdict = watch.close(9.0, 30.0, (bucket + index) // 12 % 168, (bucket + index) // 288 + 1)
    figures = figures_of(verdict, signal)
    zone = ZoneInfo("Europe/Amsterdam")
    at = datetime(2026, 3, 2, tzinfo=UTC)
    facts = Facts(
        brand="NoordNet",
        zone=zone,
        tier=None,
        signal=signal,
        figures=figures,
        at=at,
        onset=at,
        authors=12,
        unscored=0,
        amplification=0.5,
        loudest=3,
        usual_share=0.125,
        calendar=(),
        history_days=21.0,
        warm=True,
        channels=(),
        words=(),
        topic=None,
        dossier=None,
    )
    said = headline(facts, language)
    assert said.startswith("NoordNet: ")
    assert f" {figures.observed:.0f} " in said
    assert ("verwacht" if language == "nl" else "expected") in said
    assert figures.observed > figures.mean > 0.0
    assert len({explanation(facts._replace(signal=other), language) for other in (*SIGNALS, None)}) == 4


def judged(hour: float, six: float) -> Judgement:
    """Return exponents of the counts, by window."""
    return Judgement(0.0, 1.0, (0.0, 0.0, hour, six), (0.0,) * 4, (1.0,) * 4, (0.1,) * 4)


@pytest.mark.parametrize(
    ("counts", "shares", "told"),
    [
        pytest.param((0.9, 0.2), (0.6, 0.1), True, id="both somewhat unusual in one hour"),
        pytest.param((0.2, 0.9), (0.1, 0.6), True, id="or in six"),
        pytest.param((0.9, 0.0), (0.0, 0.6), False, id="not in the same window"),
        pytest.param((1.6, 0.0), (0.0, 0.0), False, id="counts alone"),
        pytest.param((0.0, 0.0), (1.6, 0.0), False, id="share alone"),
    ],
)
def test_counts_and_share_corroborate_each_other(counts: tuple[float, float], shares: tuple[float, float], told: bool):
    assert (corroborated(judged(*counts), ShareJudgement(0.0, 2, 0.5, 0.2, shares)) >= 0.85) is told


def test_a_crowd_of_people_is_told_earlier_than_bare_counts():
    """The same steady rise of complaints: who knows that they are different people need not wait for all windows."""

    def raised(*, people: bool) -> int:
        watch, bucket, rng = watched(negatives=0.3, others=1.2)
        for index in range(288):
            bad = poisson(rng, 1.1)
            verdict = watch.close(
                bad,
                bad + poisson(rng, 1.2),
                bucket // 12 % 168,
                bucket // 288 + 1,
                NOTHING_ANNOUNCED,
                (lambda _: 1_000) if people else None,
            )
            bucket += 1
            if verdict.change == "raised":
                return index
        return 288

    assert raised(people=True) < raised(people=False)


def test_a_small_key_is_told_by_bursts_only():
    whole, small = Watch(), Watch(bursts_only=True)
    for bucket in range(DAYS * 288):
        for watch in (whole, small):
            watch.close(0, bucket % 12 == 0, bucket // 12 % 168, bucket // 288 + 1)
    told = set()
    for bucket in range(DAYS * 288, DAYS * 288 + 288):
        for watch, name in ((whole, "whole"), (small, "small")):
            verdict = watch.close(bucket % 12 == 0, bucket % 12 == 0, bucket // 12 % 168, bucket // 288 + 1)
            if verdict.change == "raised":
                told.add((name, verdict.signal))
    assert {name for name, _ in told} == {"whole"}
    assert small.clone().snapshot() == small.snapshot()
