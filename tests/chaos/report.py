"""The committed report of a chaos run: per seed and in total."""

import json
import os
import platform
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plan import KINDS

if TYPE_CHECKING:
    from run import Verdict


Told = dict[str, Any]
"""A seed's verdict as the report tells it."""


def write_report(folder: Path, seeds: Sequence[Told]) -> None:
    """Write chaos.md and chaos.json."""
    folder.mkdir(parents=True, exist_ok=True)
    faults: Counter[str] = Counter()
    for seed in seeds:
        faults += Counter(seed["faults"])
    told = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),  # noqa: TID251 - of the report
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs (load average {os.getloadavg()[2]:.0f}), "
        f"Python {platform.python_version()}",
        "faults": {kind: faults[kind] for kind in KINDS},
        "seeds": sorted(seeds, key=lambda seed: seed["seed"]),
    }
    (folder / "chaos.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    (folder / "chaos.md").write_text(_as_markdown(told), "utf-8")


def read_report(folder: Path) -> list[Told]:
    """The seeds of a report."""
    seeds: list[Told] = json.loads((folder / "chaos.json").read_text("utf-8"))["seeds"]
    return seeds


def as_told(verdict: "Verdict") -> Told:
    """One seed for the report."""
    return {
        "seed": verdict.plan.seed,
        "kinds": list(verdict.plan.kinds),
        "time": verdict.plan.mode,
        "workers": [stages or "all" for stages in verdict.plan.topology],
        "faults": {kind: count for kind, count in sorted(verdict.faults.items()) if count},
        "worker_ends": dict(sorted(verdict.ends.items())),
        "figures": dict(sorted(verdict.figures.items())),
        "skipped": verdict.skipped,
        "findings": [str(finding) for finding in verdict.findings],
        "failures": [failure[:400] for failure in verdict.failures],
        "seconds": round(verdict.seconds, 1),
        "good": verdict.good,
    }


def _as_markdown(told: dict[str, Any]) -> str:
    seeds: list[Told] = told["seeds"]
    faults: dict[str, int] = told["faults"]
    good = sum(bool(seed["good"]) for seed in seeds)

    def total(name: str) -> int:
        return sum(seed["figures"].get(name, 0) for seed in seeds)

    raw, repeats = total("raw"), total("repeats")
    lines = [
        "# Chaos",
        "",
        "Workers, a real broker and a load of mentions (repeats, edits, retractions, odd and broken records, two kinds of time)",
        "under fire; afterwards all topics are read and held against an undisturbed run of the same raw log in one process. Exact in",
        "every seed: no raw record lost, none with two outcomes, each stage's outputs, every alert and item, and the state of every",
        "brand byte for byte.",
        "Written by `make chaos`; one seed again: `uv run python tests/chaos/run.py --seed N`.",
        "",
        f"{told['date']}, {told['machine']}. **{good} of {len(seeds)} seeds good**: {raw} raw records, of them "
        f"{total('mentions')} mentions and retractions; {repeats} repeats after crashes ({repeats / max(1, raw):.1%}); "
        f"{total('worker starts')} worker starts; "
        f"{total('dead letters')} dead letters; `webcare ledger` asked after {total('webcare ledger asked')} seeds.",
        "",
        "| fault | what it is | how often |",
        "|---|---|---|",
        *(f"| {kind} | {meaning} | {faults[kind]} |" for kind, meaning in KINDS.items()),
        "",
        "| seed | faults | time | workers | raw | repeats | starts | alerts | items | seconds | verdict |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for seed in seeds:
        figures = seed["figures"]
        struck = ", ".join(f"{kind} {count}" for kind, count in seed["faults"].items() if kind in KINDS)
        alerts = sum(count for name, count in figures.items() if name.startswith("webcare.alert.event"))
        items = sum(count for name, count in figures.items() if name.startswith("webcare.queue.item"))
        workers = " + ".join(seed["workers"])
        lines.append(
            f"| {seed['seed']} | {struck} | {seed['time']} | {workers} | {figures.get('raw', 0)} | {figures.get('repeats', 0)} "
            f"| {figures.get('worker starts', 0)} | {alerts} | {items} | {seed['seconds']:.0f} | {'good' if seed['good'] else '**bad**'} |"
        )
    short = "uv run python tests/chaos/run.py --workers 2 --hours 3 --discard"
    inside = f"{short} --seed 5 --kinds kill-worker die-in-write --minutes 0.12 --mentions 700"
    lines += [
        "",
        "A suite that cannot fail proves nothing. These break one rule of the protocol in every worker, and come out BAD (the first is in",
        "`make test`, as is every single check on damaged topics, `tests/test_chaos.py`):",
        "",
        "| rule broken | command |",
        "|---|---|",
        f"| offsets are committed before the effects | `{inside} --sabotage commit-first` |",
        f"| the state is written before the outputs | `{inside} --sabotage state-first` |",
        f"| routing takes repeats of our own for news | `{inside} --sabotage forget-origins` |",
        "| no ownership check before a write, no change numbers in the changelog "
        f"| `{short} --seed 18 --kinds sleep-in-write sleep-worker --mentions 1500 --sabotage trust-anyone` |",
    ]
    ends: Counter[str] = Counter()
    for seed in seeds:
        ends += Counter(seed["worker_ends"])
    lines += ["", "How workers ended: " + ", ".join(f"{how} {count}" for how, count in ends.most_common()) + "."]
    for seed in seeds:
        lines += [f"Seed {seed['seed']}, skipped: {skip}." for skip in seed["skipped"]]
        lines += [f"Seed {seed['seed']}, broken: {broken}." for broken in (*seed["findings"], *seed["failures"])]
    return "\n".join(lines) + "\n"
