"""What is counted: macro-F1, accuracy, precision and recall per class, bootstrap intervals, calibration."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

LABELS = ("negative", "neutral", "positive")
POLES = ("negative", "positive")
BINS = 10
REPEATS = 1_000
SEED = 20260901


def figures(gold: Sequence[str], said: Sequence[str], labels: Sequence[str] = LABELS, *, intervals: bool = True) -> dict[str, Any]:
    """Figures of answers against labels; an answer that is no label (``unscored``) is wrong. Intervals: 95 %, by drawing again."""
    table = np.zeros((len(labels), len(labels) + 1), dtype=np.int64)
    rows = np.array([labels.index(one) for one in gold])
    columns = np.array([labels.index(one) if one in labels else len(labels) for one in said])
    np.add.at(table, (rows, columns), 1)
    found: dict[str, Any] = {"texts": len(rows), "macro_f1": _macro_f1(table), "accuracy": _accuracy(table)}
    for place, label in enumerate(labels):
        found[label] = {
            "texts": int(table[place].sum()),
            "precision": _share(table[place, place], table[:, place].sum()),
            "recall": _share(table[place, place], table[place].sum()),
        }
    if intervals and len(rows):
        rng = np.random.default_rng(SEED)
        drawn = np.zeros((REPEATS, *table.shape), dtype=np.int64)
        chosen = rng.integers(0, len(rows), (REPEATS, len(rows)))
        np.add.at(drawn, (np.arange(REPEATS)[:, None], rows[chosen], columns[chosen]), 1)
        for name, figure in (("macro_f1", _macro_f1), ("accuracy", _accuracy)):
            low, high = np.percentile([figure(one) for one in drawn], [2.5, 97.5])
            found[f"{name}_interval"] = [round(float(low), 4), round(float(high), 4)]
    return found


def _share(part: float, whole: float) -> float:
    return round(float(part / whole), 4) if whole else 0.0


def _accuracy(table: np.ndarray) -> float:
    return _share(np.trace(table[:, :-1]), table.sum())


def _macro_f1(table: np.ndarray) -> float:
    right, said, gold = np.diag(table[:, :-1]), table[:, :-1].sum(axis=0), table.sum(axis=1)
    return round(float(np.mean(2 * right / np.maximum(said + gold, 1))), 4)


def calibration(sure: Sequence[float], right: Sequence[bool]) -> dict[str, Any]:
    """How sure the answers were against how often they were right: expected calibration error, and what it is made of."""
    bins = []
    places = np.minimum((np.array(sure) * BINS).astype(int), BINS - 1)
    error = 0.0
    for place in range(BINS):
        inside = places == place
        if inside.any():
            said, was = float(np.array(sure)[inside].mean()), float(np.array(right)[inside].mean())
            error += inside.mean() * abs(said - was)
            bins.append({"texts": int(inside.sum()), "sure": round(said, 4), "right": round(was, 4)})
    return {"error": round(float(error), 4), "bins": bins}


def language_figures(gold: Sequence[str], said: Sequence[str | None], guessed: Sequence[str | None]) -> dict[str, Any]:
    """Forced accuracy (the best guess), coverage (not declined), accuracy when covered; recall and precision of each language."""
    gold, said, guessed = list(gold), [_norwegian(one) for one in said], [_norwegian(one) for one in guessed]
    covered = [one is not None for one in said]
    right = [one == other for one, other in zip(gold, said, strict=True)]
    golds, saids, rights = Counter(gold), Counter(said), Counter(one for one, ok in zip(gold, right, strict=True) if ok)
    return {
        "texts": len(gold),
        "forced": _share(sum(one == other for one, other in zip(gold, guessed, strict=True)), len(gold)),
        "coverage": _share(sum(covered), len(gold)),
        "accuracy_covered": _share(sum(right), sum(covered)),
        "languages": {
            code: {"texts": golds[code], "recall": _share(rights[code], golds[code]), "precision": _share(rights[code], saids[code])}
            for code in sorted(golds)
        },
    }


def _norwegian(code: str | None) -> str | None:
    return "nb" if code in ("no", "nn") else code
