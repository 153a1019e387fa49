"""A short, seeded fuzz of every target, and every case that ever failed again. The long one: `make fuzz`."""

import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
sys.path.insert(0, str(FUZZ))

import cases  # noqa: E402
import run  # noqa: E402
import work_growth  # noqa: E402

sys.path.remove(str(FUZZ))

EXAMPLES = {"chain": 2, "decoder-truncated": 2, "brands.toml": 20, "routing.toml": 20, "lexicon": 20}


@pytest.mark.parametrize("stored", list(cases.stored_cases()), ids=lambda stored: stored.name)
def test_what_once_failed_holds(stored: cases.Stored):
    run.TARGETS[stored.target].check(stored.case)


@pytest.mark.parametrize("target", run.TARGETS.values(), ids=lambda target: target.name)
def test_a_target_holds(target: cases.Target):
    found = run.fuzz(target, EXAMPLES.get(target.name, 40), 1)
    assert found.failure is None, f"{found.failure}: {found.smallest}"


@pytest.mark.parametrize(
    ("name", "most_refused"),
    [("decoder-raw", 0.7), ("decoder-assessed", 0.7), ("stage-language", 0.85), ("stage-crisis", 0.85), ("lines", 0.3), ("lexicon", 0.9)],
)
def test_the_fuzz_reaches_depth(name: str, most_refused: float):
    """And not by one reason only."""
    endings = run.fuzz(run.TARGETS[name], 80, 2).endings
    accepted = sum(number for ending, number in endings.items() if ending.startswith(("accepted", "tick")))
    assert accepted >= (1 - most_refused) * endings.total()
    assert max(endings.values()) < 0.95 * endings.total()


def test_cases_survive_being_stored(tmp_path: Path):
    case = [b"text", b"\xff", None, ["a", 1, [b""]], {"n": b"x"}]
    path = cases.store("origin", "a test", case, tmp_path)
    assert list(cases.stored_cases(tmp_path)) == [cases.Stored(path.stem, "origin", case)]


def test_work_grows_as_the_text_does():
    assert [measured for measured in work_growth.measure(tries=2, only=4) if not measured.holds] == []
