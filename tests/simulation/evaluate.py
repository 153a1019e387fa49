"""Measure crisis detection: ``uv run python tests/simulation/evaluate.py --report tests/reports [--data DIR]``.

The mention-level simulation goes through the product's own language, sentiment and crisis stages. With ``--data`` (or DATA) also NAB's
five public brands and the simulation in counts; without it their tables of the last report stay. ``--quick``: small brands only.
``--sizes large,huge``: the brands with many mentions, in a table of their own beside the others of the last report.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from crisis_report import markdown
from given_counts import count_simulation, nab
from scoring import Score, together
from simulate import sizes_of
from through_stages import judged
from world import SIZES, suite

MANY = {"large", "huge"}
"""Sizes whose tables stand apart: they cost four times the CPU of all others together."""


def mention_level(seed: int, weeks: int, sizes: dict[str, tuple[int, int]], jobs: int) -> dict[str, Any]:
    """All brands of the mention-level simulation, as the report holds them."""
    brands = sorted(suite(seed, weeks, sizes), key=lambda brand: -brand.daily)
    results = []
    # Fresh processes: a forked child would begin with whatever the parent's threads held.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for result in pool.map(judged, brands, [weeks] * len(brands), [tuple(brands)] * len(brands)):
            results.append(result)
            ours: Score = result["scores"]["webcare"]
            print(f"{result['brand']}: {result['lines']} lines, {ours.detected} of {ours.crises}, {ours.false} false", flush=True)
    labels: dict[str, int] = {}
    for result in results:
        for (meant, label), count in result["labels"].items():
            labels[f"{meant} {label}"] = labels.get(f"{meant} {label}", 0) + count
    return {
        "seed": seed,
        "weeks": weeks,
        "brands": {size: sum(result["size"] == size for result in results) for size in sizes},
        "lines": sum(result["lines"] for result in results),
        "brand_months": {size: together(r["scores"]["webcare"] for r in results if r["size"] == size).months for size in sizes},
        "labels": labels,
        "detectors": {
            name: by_size({size: together(r["scores"][name] for r in results if r["size"] == size) for size in sizes})
            for name in results[0]["scores"]
        },
    }


def by_size(scores: dict[str, Score]) -> dict[str, Any]:
    """Figures by brand size and over all, and what became of each kind of happening."""
    everything = together(scores.values())
    kinds: dict[str, dict[str, Any]] = {}
    for (kind, column), count in sorted(everything.by_kind.items()):
        kinds.setdefault(kind, {})[column] = count
    for kind, delays in everything.delays_by_kind.items():
        kinds[kind]["median delay"] = sorted(delays)[len(delays) // 2]
    return {"sizes": {size: score.figures() for size, score in scores.items()}, "all": everything.figures(), "kinds": kinds}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weeks", type=int, default=6)
    parser.add_argument("--sizes", type=sizes_of, default=SIZES)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA") or None)
    parser.add_argument("--tools", type=Path, help="folder of nab_score.py and crisis_sim.py; by default beside --data")
    parser.add_argument("--report", type=Path, help="folder for crisis.md and crisis.json")
    parser.add_argument("--only", choices=("mentions", "counts"))
    given = parser.parse_args()
    sizes = sizes_of("tiny,small") if given.quick else given.sizes
    if given.report is not None:
        given.report.mkdir(parents=True, exist_ok=True)  # now: what cannot be written should be known before minutes of work
    kept = given.report / "crisis.json" if given.report is not None else None
    figures: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept is not None and kept.exists() else {}
    if given.data is not None and given.only != "mentions":
        data = Path(given.data)
        tools = given.tools or data.parent / "tools"
        figures["nab"] = nab(data, tools)
        figures["counts"] = {
            name: by_size({size: one for size, one in scores.items() if size != "all"}) for name, scores in count_simulation(tools).items()
        }
    if given.only != "counts":
        figures["many" if set(sizes) <= MANY else "mentions"] = mention_level(given.seed, given.weeks, sizes, given.jobs)
    text = markdown(figures)
    print(text)
    if given.report is not None:
        (given.report / "crisis.md").write_text(text, "utf-8")
        (given.report / "crisis.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
