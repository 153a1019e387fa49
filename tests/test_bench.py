"""The benchmark's arithmetic and its report: percentiles, ratios by round, order of measuring, targets. Not its speed."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parent / "bench"
MODULES = ("figures", "systems", "processes", "report")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bench() -> Iterator[dict[str, Any]]:
    """The modules by name, as they find each other when run as scripts; other folders have modules of these names too."""
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    path = list(sys.path)
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: load(name) for name in ("figures", "report")}
    finally:
        sys.path[:] = path
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        pytest.param([7], 0.5, 7, id="one value is every percentile"),
        pytest.param([3, 1, 2], 0.5, 2, id="order does not matter"),
        pytest.param([1, 2, 3, 4], 0.5, 2, id="no value between two"),
        pytest.param(range(1, 101), 0.99, 99, id="99 of 100"),
        pytest.param(range(1, 101), 1.0, 100, id="the longest"),
        pytest.param(range(1, 101), 0.0, 1, id="the shortest"),
        pytest.param([1] * 98 + [50, 60], 0.99, 50, id="a tail counts"),
    ],
)
def test_percentiles_are_values_that_were_measured(bench: dict[str, Any], values: Any, share: float, expected: float) -> None:
    assert bench["figures"].percentile(list(values), share) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_at_least_the_share_lies_at_or_below_a_percentile(values: list[float], share: float) -> None:
    figures = load("figures")
    found = figures.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) <= share * len(values) + 1e-6


def test_nothing_has_no_percentile_and_no_spread(bench: dict[str, Any]) -> None:
    figures = bench["figures"]
    with pytest.raises(ValueError, match="nothing"):
        figures.percentile([], 0.5)
    with pytest.raises(ValueError, match="share"):
        figures.percentile([1.0], 1.5)
    with pytest.raises(ValueError, match="nothing"):
        figures.spread([])


def test_ratios_are_taken_within_a_round(bench: dict[str, Any]) -> None:
    """The machine was half as fast in the second round: the ratio does not move, that of the medians would."""
    figures = bench["figures"]
    assert figures.ratio({0: 10.0, 1: 20.0}, {0: 40.0, 1: 80.0}) == (0.25, 0.25, 0.25)
    assert figures.ratio({0: 10.0, 1: 20.0, 2: 30.0}, {0: 20.0, 2: 20.0}) == (1.0, 0.5, 1.5)
    assert figures.ratio({0: 1.0}, {1: 1.0}) is None


def test_the_order_turns_round_from_round_to_round(bench: dict[str, Any]) -> None:
    assert bench["figures"].alternating(["a", "b", "c"], 2) == [(0, "a"), (0, "b"), (0, "c"), (1, "c"), (1, "b"), (1, "a")]


ABOUT = {
    "date": "2026-01-01",
    "command": "python tests/bench/bench.py",
    "commit": "0000000",
    "rounds": 2,
    "minutes": 17.0,
    "machine": "a machine, 2 cores, 24 GiB",
    "system": "Linux",
    "python": "3.11",
    "load": 0.1,
    "versions": {"Apache Kafka": "4.4.0"},
}


def system(micros: float, rate: float = 1_000.0, p99: float = 50.0) -> dict[str, Any]:
    """One system in one round."""
    pace = {"p50": 10.0, "p95": 20.0, "p99": p99, "max": 99.0, "samples": 1000, "rate": 50.0, "worker_share": 0.1, "broker_share": 0.1}
    return {
        "records": 1_000,
        "rate": rate,
        "worker_micros": micros,
        "broker_micros": 20.0,
        "paces": {"50": pace, "500": pace, "80 %": pace},
        "resident_at_start": 200_000_000,
        "resident_after": 320_000_000,
        "records_seen": 100_000,
    }


def grown(rate: float, *shares: float) -> dict[str, Any]:
    return {"rate": rate, "worker_micros": 300.0, "worker_shares": list(shares), "broker_share": 0.2}


FIGURES: dict[str, Any] = {
    "about": ABOUT,
    "light": {
        "ours": {0: system(28.0), 1: system(56.0)},
        "quix": {0: system(70.0), 1: system(140.0)},
        "faust": {0: system(560.0), 1: system(560.0)},
        "confluent": {0: system(20.0), 1: system(20.0)},
    },
    "real": {"ours": {0: system(300.0, 3_000.0, p99=160.0), 1: system(310.0, 2_900.0, p99=170.0)}, "faust": {0: system(2_000.0, 500.0)}},
    "growth": {
        "one worker": {0: grown(3_000.0, 0.99), 1: grown(3_000.0, 0.99)},
        "two workers": {0: grown(5_400.0, 0.9, 0.8), 1: grown(5_100.0, 0.9, 0.8)},
    },
    "alerts": {
        "rows": 4,
        "alert": {"p50": 100.0, "p95": 200.0, "p99": 300.0, "max": 400.0, "samples": 4},
        "routed": system(1)["paces"]["50"],
    },
    "libraries": {
        "texts": 10,
        "english": 2,
        "identity_bytes": 200,
        "micros": {
            "language, ours in batches": [20.0, 20.0],
            "language, ours one by one": [60.0, 60.0],
            "language, py3langid.classify": [120.0, 120.0],
            "vader, ours": [5.0],
            "vader, vaderSentiment": [100.0],
            "sentiment, ours: nl": [45.0],
            "sentiment, vaderSentiment: nl": [40.0],
        },
        "loading": [{"seconds": 1.8, "megabytes": 150.0}, {"seconds": 2.6, "megabytes": 151.0}],
    },
}


def verdicts(bench: dict[str, Any], figures: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What → (value, verdict)."""
    rows = [target.row() for target in bench["report"].targets(figures)]
    return {row[0]: (row[1], row[3]) for row in rows}


@pytest.mark.parametrize(
    ("what", "value", "verdict"),
    [
        ("runtime alone: CPU per mention, ours / Quix Streams", "0.40", "met"),
        ("runtime alone: CPU per mention, ours / stock Faust", "0.075 (0.050 to 0.100)", "**missed**"),
        ("runtime alone: CPU per mention, ours / confluent-kafka loop", "2.10 (1.40 to 2.80)", ""),
        ("real stages: throughput, ours / stock Faust", "6.0", "met"),
        ("a second worker adds, share of the first", "0.75 (0.70 to 0.80)", "met"),
        ("real stages: mentions/s, one process", "2,950 (2,900 to 3,000)", "met"),
        ("raw→routed at 500/s, p99 ms", "165 (160 to 170)", "**missed**"),
        ("deciding record→alert, longest, ms", "400", "met"),
        ("memory with 1,000 brands, without seen identities, MB", "300", "met"),
        ("bytes of a seen identity", "200", "**missed**"),
        ("language in batches, times as fast as py3langid", "6.0", "met"),
        ("VADER's figures, times as fast as vaderSentiment", "20.0", "met"),
        ("all of sentiment, nl: CPU per text, ours / vaderSentiment", "1.12", "**missed**"),
        ("loading language and sentiment, s of CPU", "2.2 (1.8 to 2.6)", "**missed**"),
        ("memory of both, MB", "150 (150 to 151)", "met"),
    ],
)
def test_targets_are_judged_by_the_median(bench: dict[str, Any], what: str, value: str, verdict: str) -> None:
    assert verdicts(bench, FIGURES)[what] == (value, verdict)


def test_what_was_not_measured_is_said_so(bench: dict[str, Any]) -> None:
    found = verdicts(bench, {"about": ABOUT, "alerts": FIGURES["alerts"]})
    assert found["runtime alone: CPU per mention, ours / Quix Streams"] == ("–", "not measured")
    assert found["deciding record→alert, longest, ms"] == ("400", "met")
    assert "real stages: throughput, ours / Quix Streams" not in found, "a comparison without a target is left out"


def test_the_report_begins_with_the_ratios_and_names_how_it_was_made(bench: dict[str, Any]) -> None:
    text = bench["report"].render(FIGURES)
    assert text.index("ours / Quix Streams") < text.index("## Runtime alone") < text.index("## The real stages") < text.index("## Method")
    for part in ("python tests/bench/bench.py", "2 cores", "2026-01-01", "commit 0000000", "Apache Kafka 4.4.0", "both used 1.70 cores"):
        assert part in text
    widths = [line.count("|") for line in text.splitlines() if line.startswith("| ratio")]
    assert widths == [6]
    assert all(line.startswith(("#", "|", "-", "`", " ")) or line == "" or line[0].isalnum() for line in text.splitlines())


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        pytest.param((0.02, 0.04), "other work on the machine took 0.03 cores (at most 0.04)", id="quiet"),
        pytest.param((1.2, 0.9), "The machine was busy", id="busy"),
    ],
)
def test_a_busy_machine_is_told(bench: dict[str, Any], shares: tuple[float, float], said: str) -> None:
    rounds = {number: system(28.0) | {"foreign_share": share} for number, share in enumerate(shares)}
    text = bench["report"].render({"about": ABOUT, "light": {"ours": rounds}})
    assert said in text
    assert ("The machine was busy" in text) == (min(shares) > 0.2)


def test_on_a_busy_machine_no_speed_is_judged(bench: dict[str, Any]) -> None:
    """Two processes get two shares of a crowded machine where one gets one: a second worker would seem to double everything."""
    growth = {name: {n: found | {"foreign_share": 1.3} for n, found in rounds.items()} for name, rounds in FIGURES["growth"].items()}
    found = verdicts(bench, FIGURES | {"growth": growth})
    assert found["a second worker adds, share of the first"] == ("0.75 (0.70 to 0.80)", "not judged")
    assert found["memory with 1,000 brands, without seen identities, MB"] == ("300", "met"), "memory does not depend on who else runs"
    assert {verdict for what, (_, verdict) in found.items() if not what.startswith(("memory", "bytes"))} == {"not judged", ""}


def test_a_pace_that_cannot_be_kept_is_missed_and_not_unmeasured(bench: dict[str, Any]) -> None:
    slow = system(2_000.0, 450.0) | {"too_fast": ["500"]}
    found = verdicts(bench, {"about": ABOUT, "real": {"ours": {0: slow}}})
    assert found["raw→routed at 500/s, p99 ms"] == ("–", "**missed**")
    assert found["raw→routed at 50/s, p99 ms"] == ("50", "met")


def test_without_a_backlog_the_load_average_tells_whether_the_machine_is_busy(bench: dict[str, Any]) -> None:
    found = verdicts(bench, {"about": ABOUT | {"load": 15.0}, "alerts": FIGURES["alerts"]})
    assert found["deciding record→alert, longest, ms"] == ("400", "not judged")


def test_figures_read_back_from_the_file_give_the_same_report(bench: dict[str, Any]) -> None:
    import msgspec

    assert bench["report"].render(msgspec.json.decode(msgspec.json.encode(FIGURES))) == bench["report"].render(FIGURES)
