"""The simulation keeps its word, the scoring counts what it says, and a few simulated weeks through the stages stay above a floor."""

import sys
from pathlib import Path

import msgspec
import pytest

from schemas.codec import RecordDecoder
from schemas.topics import RAW

SIMULATION = Path(__file__).parent / "simulation"
sys.path.insert(0, str(SIMULATION))

import phrasing  # noqa: E402
import through_stages  # noqa: E402
from scoring import Happened, Incident, score, together  # noqa: E402
from simulate import registry, truth_lines  # noqa: E402
from world import SimBrand, build, suite  # noqa: E402

from pipeline.brands import parse_brands  # noqa: E402

sys.path.remove(str(SIMULATION))

TINY = {"tiny": (40, 4)}
DAY = 1_440.0


@pytest.fixture(scope="module")
def brands() -> list[SimBrand]:
    return suite(7, 4, TINY)


def test_that_the_same_seed_gives_the_same_lines(brands: list[SimBrand]) -> None:
    assert build(brands[1], 4).lines == build(suite(7, 4, TINY)[1], 4).lines
    assert build(brands[1], 4).lines != build(suite(8, 4, TINY)[1], 4).lines


def test_that_lines_are_records_in_order_of_arrival(brands: list[SimBrand]) -> None:
    world = build(brands[2], 4)
    decode = RecordDecoder(*RAW.records).decode
    kinds = {type(decode(line)).__name__ for _, line in world.lines}
    assert kinds == {"Mention", "Retraction"}
    assert [at for at, _ in world.lines] == sorted(at for at, _ in world.lines)
    assert len({msgspec.json.decode(line)["mention_id"] for _, line in world.lines}) > 1_000


def test_that_the_first_brand_of_a_size_has_nothing_but_normal_days(brands: list[SimBrand]) -> None:
    assert not list(truth_lines(build(brands[0], 4)))
    assert all(list(truth_lines(build(brand, 4))) for brand in brands[1:])


def test_that_the_registry_can_be_read_and_announces_what_the_truth_calls_announced(brands: list[SimBrand]) -> None:
    parsed = {brand.slug: brand for brand in parse_brands(registry(brands, 4).encode())}
    for brand in brands:
        announced = {truth["kind"] for truth in truth_lines(build(brand, 4)) if truth["announced"]}
        assert {event.kind for event in parsed[brand.slug].events} == announced


@pytest.mark.parametrize("language", phrasing.LANGUAGES)
def test_that_every_language_has_every_tone(language: str) -> None:
    assert set(phrasing.pool(language)) == set(phrasing.pool("nl"))
    assert set(phrasing.pool(language)["things"]) == set(phrasing.pool("nl")["things"])


CRISIS = Happened("step", "crisis", 10 * DAY, 10 * DAY + 360, 10 * DAY)
CAMPAIGN = Happened("campaign", "benign", 20 * DAY, 20 * DAY + 480, 20 * DAY)
PRAISE = Happened("positive_viral", "surge", 25 * DAY, 25 * DAY + 360, 25 * DAY)


@pytest.mark.parametrize(
    ("incidents", "detected", "false", "per_crisis"),
    [
        ([], 0, 0, 0),
        ([Incident("crisis", CRISIS.onset + 30, CRISIS.onset + 31)], 1, 0, 1),
        ([Incident("crisis", CRISIS.onset + at, CRISIS.onset + at) for at in (30, 200)], 1, 0, 2),
        ([Incident("crisis", CRISIS.end + 60, CRISIS.end + 60)], 0, 0, 0),  # in its aftermath: neither right nor false
        ([Incident("crisis", CRISIS.onset - 30, CRISIS.onset - 30)], 0, 1, 0),
        ([Incident("crisis", CRISIS.onset - 30, CRISIS.onset - 30, (CRISIS.onset + 20,))], 1, 1, 1),  # open already, and rose
        ([Incident("surge", CRISIS.onset + 30, CRISIS.onset + 30)], 0, 0, 0),
        ([Incident("crisis", CAMPAIGN.onset + 30, CAMPAIGN.onset + 30)], 0, 1, 0),
        ([Incident("crisis", 3 * DAY, 3 * DAY)], 0, 0, 0),  # before anybody is judged
    ],
)
def test_what_counts(incidents: list[Incident], detected: int, false: int, per_crisis: int) -> None:
    judged = score(incidents, [CRISIS, CAMPAIGN, PRAISE], first=7 * DAY, busy=9 * DAY, last=30 * DAY)
    assert (judged.detected, judged.false, judged.incidents) == (detected, false, per_crisis)


def test_that_a_delay_begins_when_anybody_could_know() -> None:
    behind = CRISIS._replace(heard=CRISIS.onset + 120)
    judged = score([Incident("crisis", CRISIS.onset + 100, CRISIS.onset + 125)], [behind], first=0, busy=0, last=30 * DAY)
    assert judged.delays == [5]


def test_that_a_surge_is_seen_and_called_what_it_is() -> None:
    seen = score([Incident("surge", PRAISE.onset + 20, PRAISE.onset + 20)], [PRAISE], first=0, busy=0, last=30 * DAY)
    called = score([Incident("crisis", PRAISE.onset + 20, PRAISE.onset + 20)], [PRAISE], first=0, busy=0, last=30 * DAY)
    assert together([seen, called]).by_kind == {
        ("positive_viral", "all"): 2,
        ("positive_viral", "seen"): 1,
        ("positive_viral", "called crisis"): 1,
        ("positive_viral", "false"): 1,
    }


def test_the_floor_of_small_brands_through_our_own_stages(brands: list[SimBrand]) -> None:
    ours = together(through_stages.judged(brand, 4, tuple(brands))["scores"][through_stages.OURS] for brand in brands[1:3]).figures()
    assert ours["crises"] >= 4
    assert ours["share"] >= 0.9
    assert ours["false_per_month"] <= 1.0
    assert ours["incidents_per_crisis"] <= 1.3
