"""Feed every target with hypothesis' worst, seeded and counted: ``python tests/fuzz/run.py --seed 1``.

Prints per target how its inputs ended (a fuzz that only ever hears ``not_json`` is worth nothing), stores the smallest case of each
failure in ``corpus/``, and ends with 1 if there was any. ``--report`` writes the figures to tests/reports/fuzz.md too.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import chain_targets
import file_targets
import record_targets
import work_growth
from cases import Case, Target, store
from hypothesis import HealthCheck, Phase, given, seed, settings

HERE = Path(__file__).parent
REPORT = HERE.parent / "reports" / "fuzz.md"
CHAIN = chain_targets.TARGETS[0]
TARGETS: dict[str, Target] = {target.name: target for target in (*record_targets.TARGETS, *file_targets.TARGETS, CHAIN)}


@dataclass
class Run:
    """What one target has seen."""

    target: Target
    endings: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    records: int = 0
    failure: str | None = None
    smallest: Case = None

    @property
    def inputs(self) -> int:
        """How many."""
        return self.endings.total()


def fuzz(target: Target, examples: int, seed_: int, *, shrink: bool = True) -> Run:
    """Feed a target; the first failure ends it, with its smallest case."""
    run = Run(target)

    @seed(seed_)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        report_multiple_bugs=False,
    )
    @given(target.cases)
    def feed(case: Case) -> None:
        run.smallest = case
        ending = target.check(case)
        run.endings.update([ending] if isinstance(ending, str) else ending)
        if target is CHAIN:
            run.records += chain_targets.records_in(case)

    started = time.process_time()
    try:
        feed()
    except Exception as error:
        run.smallest = getattr(error, "case", run.smallest)
        cause = error.__cause__ or error
        frame = traceback.extract_tb(cause.__traceback__)[-1]
        run.failure = f"{type(error).__name__}: {str(error)[:300]} ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name})"
    run.seconds = time.process_time() - started
    return run


def lines(runs: list[Run], growth: list[work_growth.Measured]) -> Iterator[str]:
    """The figures as a Markdown table."""
    yield "| target | inputs | CPU seconds | how they ended |"
    yield "|---|---:|---:|---|"
    for run in runs:
        shares = ", ".join(f"{ending} {number / run.inputs:.1%}" for ending, number in run.endings.most_common())
        records = f" ({run.records:,} records)" if run.records else ""
        yield f"| {run.target.name} | {run.inputs:,}{records} | {run.seconds:.0f} | {shares or '-'} |"
    if growth:
        worst = max(growth, key=lambda measured: measured.growth)
        yield ""
        yield (
            f"Work: {len(growth)} texts and values against ones {work_growth.TIMES} times as long; the most that CPU grew is "
            f"{worst.growth:.1f} times ({worst.what}), where linear is {work_growth.TIMES} and {work_growth.MOST_GROWTH:.0f} would fail."
        )


def tally(runs: list[Run]) -> dict[str, int]:
    """Totals: inputs of decoders (each value of a mention topic goes to all four), and records through the chain."""
    values = sum(run.inputs for run in runs if run.target.name.startswith("decoder-") and run.target.name != "decoder-truncated")
    return {
        "values for decoders": values,
        "decodes of them (each by all four decoders)": values * len(record_targets.DECODERS),
        "records through the chain": sum(run.records for run in runs),
        "inputs in all": sum(run.inputs for run in runs),
    }


def main(tell: Callable[[str], object] = print) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--examples",
        type=int,
        default=32_000,
        help="examples in all, shared out between the targets; one for a decoder is ten values; the chain is extra",
    )
    parser.add_argument("--stories", type=int, default=180, help="stories for the chain, of some forty records each")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="only these")
    parser.add_argument("--report", action="store_true", help=f"write {REPORT.name} too")
    arguments = parser.parse_args()

    chosen = [TARGETS[name] for name in arguments.target or TARGETS]
    whole = sum(target.share for target in chosen) or 1.0
    started = time.time()
    cpu = time.process_time()
    runs: list[Run] = []
    for target in chosen:
        examples = arguments.stories if target is CHAIN else max(1, round(arguments.examples * target.share / whole))
        run = fuzz(target, examples, arguments.seed)
        runs.append(run)
        tell(f"{target.name:24} {run.inputs:8,} inputs  {run.seconds:6.1f} s  {dict(run.endings.most_common())}")
        if run.failure is not None:
            path = store(target.name, run.failure, run.smallest)
            tell(f"  FAILED: {run.failure}\n  stored: {path}")
    growth = [] if arguments.target else work_growth.measure()
    slow = [measured for measured in growth if not measured.holds]
    for measured in slow:
        tell(f"  GROWS: {measured.what}: {measured.shorter:.4f} s, {measured.longer:.4f} s")
    totals = tally(runs)
    for name, number in totals.items():
        tell(f"{number:10,}  {name}")
    failed = [run for run in runs if run.failure is not None]
    spent = f"{time.process_time() - cpu:.0f} CPU seconds, {time.time() - started:.0f} on the clock"
    tell(f"{len(failed)} of {len(runs)} targets failed, seed {arguments.seed}, {spent}")
    if arguments.report:
        head = [
            "# Fuzzing",
            "",
            f"`make fuzz` (`{' '.join(['tests/fuzz/run.py', *sys.argv[1:]])}`), {datetime.fromtimestamp(started, UTC):%Y-%m-%d}, "
            f"seed {arguments.seed}: {', '.join(f'{number:,} {name}' for name, number in totals.items())}; "
            f"{spent}, {len(failed)} targets failed.",
            "",
        ]
        body = "\n".join([*head, *lines(runs, growth)]) + "\n"
        notes = REPORT.read_text(encoding="utf-8").partition("\n## ") if REPORT.exists() else ("", "", "")
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(body + notes[1] + notes[2], encoding="utf-8")
    return 1 if failed or slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
