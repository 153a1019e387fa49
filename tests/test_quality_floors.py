"""Quality does not fall unseen: floors under the figures on the held-back fifth of our own texts (all figures: tests/reports/sentiment.md).

A floor lies a little under what was reached when it was set. It is raised when quality is, and lowered only by somebody who says why.
"""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "eval"
REPORT = Path(__file__).parent / "reports" / "sentiment.json"
MODULES = ("figures", "answers", "external", "tables")

PACK = {"nl": 0.67, "en": 0.65, "de": 0.68, "fr": 0.65, "es": 0.69, "it": 0.69, "pt": 0.68}
FULL = {"nl": 0.70, "en": 0.70, "de": 0.69, "fr": 0.68, "es": 0.66, "it": 0.70, "pt": 0.71}
"""Macro-F1 of a language by its pack alone, and with its linear layer."""
HARM = {"es": 0.04, "it": 0.005}
"""How far a layer may be below its pack: the Spanish one says neutral of seven more of 194 texts, the Italian one is wrong once more.
To be mended."""
LANGUAGE = {"forced": 0.98, "coverage": 0.97, "accuracy_covered": 0.99}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def evaluation() -> Iterator[dict[str, Any]]:
    """The modules by name, as they find each other when run as scripts; other folders have modules of these names too."""
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    path = list(sys.path)
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: load(name) for name in MODULES}
    finally:
        sys.path[:] = path
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def measured(evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answers = evaluation["answers"]
    engines = answers.Engines()
    held = {code: [one for one in answers.own_texts(code) if answers.held_back(one["id"])] for code in PACK}
    return {code: {engine: engines.judge(engine, rows, intervals=False) for engine in ("pack", "full")} for code, rows in held.items()}


@pytest.mark.parametrize("language", sorted(PACK))
def test_sentiment_does_not_fall(language: str, measured: dict[str, dict[str, Any]]) -> None:
    assert measured[language]["pack"]["macro_f1"] >= PACK[language]
    assert measured[language]["full"]["macro_f1"] >= FULL[language]


@pytest.mark.parametrize("language", sorted(PACK))
def test_the_layer_does_no_harm(language: str, measured: dict[str, dict[str, Any]]) -> None:
    assert measured[language]["full"]["macro_f1"] >= measured[language]["pack"]["macro_f1"] - HARM.get(language, 0.0)


def test_language_does_not_fall(evaluation: dict[str, Any]) -> None:
    from agents.models import load_identifier

    texts = [one for language in PACK for one in evaluation["answers"].own_texts(language)]
    found = load_identifier().identify([one["text"] for one in texts])
    figures = evaluation["figures"].language_figures(
        [one["lang"] for one in texts], [one.code for one in found], [one.guess for one in found]
    )
    assert {name: figures[name] >= floor for name, floor in LANGUAGE.items()} == dict.fromkeys(LANGUAGE, True), figures


def test_the_report_has_every_language() -> None:
    report = json.loads(REPORT.read_text("utf-8"))
    assert list(report["sentiment"]) == list(FULL)
    for language, one in report["sentiment"].items():
        assert {"pack", "full"} <= set(one["engines"]), language


def test_figures_are_what_they_are_called(evaluation: dict[str, Any]) -> None:
    found = evaluation["figures"].figures(
        ["negative", "negative", "neutral", "positive"], ["negative", "neutral", "unscored", "positive"], intervals=True
    )
    assert found["accuracy"] == 0.5
    assert found["negative"] == {"texts": 2, "precision": 1.0, "recall": 0.5}
    assert found["neutral"] == {"texts": 1, "precision": 0.0, "recall": 0.0}
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3, abs=1e-4)
    low, high = found["accuracy_interval"]
    assert 0 <= low <= 0.5 <= high <= 1


def test_calibration_is_the_gap_between_sure_and_right(evaluation: dict[str, Any]) -> None:
    found = evaluation["figures"].calibration([0.95, 0.95, 0.55, 0.55], [True, True, True, False])
    assert found["error"] == pytest.approx(0.05)
    assert [one["texts"] for one in found["bins"]] == [2, 2]
    assert evaluation["figures"].calibration([1.0], [True])["error"] == 0


def test_external_targets_are_met_or_missed(evaluation: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """On invented figures: the table says which."""
    said = {"a": [("nl", "nl", "nl", 0.9)] * 9 + [("nl", None, "nl", None)]}
    targets = [{"sets": ["a"], "figure": figure, "must": 0.95} for figure in ("forced", "coverage", "Dutch precision", "Dutch recall")]
    figures = evaluation["external"].show_language(said, {"language": targets})
    assert [one["met"] for one in figures] == [True, False, True, False]
    assert capsys.readouterr().out.count("MISSED") == 2
