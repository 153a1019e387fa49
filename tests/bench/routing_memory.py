"""Bytes that routing keeps per mention: `uv run python tests/bench/routing_memory.py [--count N]`.

Traffic of 1,000 brands, authors and threads mostly new, nobody answers: what stays is
threads (28 days), authors (90 days) and open items.
"""

import argparse
import gc
import tracemalloc
from itertools import pairwise

from stage_cost import batches, first_inputs, load, run_stage


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="mentions")
    count = parser.parse_args().count
    stages, records, _ = load("traffic", count)
    logs = first_inputs(records)
    for stage, following in pairwise(stages):
        _, logs = run_stage(stage, following, logs)
    routing = stages[-1]
    opened = {partition: routing.open(partition, "bench") for partition in logs}
    for state in opened.values():
        state.restored(0)
    gc.collect()
    tracemalloc.start()
    keys = snapshots = 0
    for partition, batch in batches(logs):
        outcome = opened[partition].process(batch)
        keys += len(outcome.changes)
        snapshots += sum(len(value or b"") for value in outcome.changes.values())
        del outcome
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    print(
        f"{count} mentions: {held / count:.0f} bytes held, {snapshots / count:.0f} bytes of snapshots, {keys / count:.2f} keys per mention"
    )


if __name__ == "__main__":
    main()
