"""What state costs: changelog bytes per mention by kind of key, changelog size, restore time, memory.

`uv run python tests/bench/state_cost.py [--quick]` measures on an embedded broker of its own and writes tests/reports/state.{md,json}.
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from prometheus_client import CollectorRegistry
from stage_cost import traffic
from state_size import crisis_state, fill, routing_state

from agents.broker import Broker
from agents.deployment import build_stages, load_deployment
from agents.offline import OfflineChain
from agents.runtime import restore as restoring
from agents.settings import DEMO_KEY, Settings
from agents.telemetry import Telemetry
from agents.topics import apply_topics
from pipeline.journal import CHANGE
from pipeline.seen import MARK
from schemas.topics import CRISIS_STATE, ROUTING_STATE

REPORTS = Path(__file__).parents[1] / "reports"
PARTITIONS = 8
SIZES = {
    "crisis": [(100, 10_000), (1_000, 100_000), (10_000, 10_000), (10_000, 1_000_000), (100, 1_000_000)],
    "routing": [(1_000, 100_000)],
}
QUICK = {"crisis": [(100, 10_000)], "routing": [(100, 5_000)]}
MENTIONS = 20_000
BATCHES = (1, 20, 200)
RECORD = 10
"""Bytes that Kafka adds to a record of a batch: lengths and deltas."""


# -- bytes per mention


def bytes_per_mention(batch: int, mentions: int) -> dict[str, dict[str, float]]:
    """Kind of key → changelog records and bytes per mention, where so many mentions of a partition come in one batch."""
    chain = OfflineChain(build_stages(load_deployment(), DEMO_KEY, 4))
    records = traffic(mentions)
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for start in range(0, len(records), 4 * batch):
        for stage, _, outcome in chain.work(_incoming(chain, records[start : start + 4 * batch])):
            if stage.changelog is None:
                continue
            change = len(CHANGE) + len(str(outcome.change))
            for key, value in outcome.changes.items():
                kind = key.split(b"|")[1].decode() if b"|" in key else "core"
                name = f"{stage.name} {kind}"
                counts[name] += 1
                sizes[name] += len(key) + len(value or b"") + change + RECORD
    return {name: {"records": counts[name] / mentions, "bytes": sizes[name] / mentions} for name in sorted(counts)}


def _incoming(chain: OfflineChain, records: list[Any]) -> list[Any]:
    return [chain._incoming("raw", r.partition, r.key, r.value, [], r.at) for r in records]


def packed_per_mention(per_hour: int, batch: int) -> tuple[float, float]:
    """Bytes per mention over one hour of one brand: a key per identity as it is, and one key for all identities of the hour."""
    identity, packed = 32, 23 + MARK
    key = len("brand-1234|seen|")
    overhead = 5 + len(CHANGE) + 7 + RECORD
    alone = key + identity + packed + overhead
    rewritten = sum(key + 6 + overhead + known * (16 + packed) for known in range(batch, per_hour + 1, batch))
    return float(alone), rewritten / per_hour


# -- restore


async def _restore(bootstrap: str, stage_name: str, topic: str) -> dict[str, float]:
    stage = build_stages(load_deployment(), DEMO_KEY, PARTITIONS, [stage_name])[0]
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as a worker has it
    process = psutil.Process()
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        last = time.process_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.process_time()  # not the clock: other processes on the machine take their share of that
            longest = max(longest, now - last)
            last = now

    peak = before = process.memory_info().rss

    async def watch() -> None:
        nonlocal peak
        while True:
            await asyncio.sleep(0.05)
            peak = max(peak, process.memory_info().rss)

    told: dict[str, Any] = {}
    restoring.log.info = lambda _event, **facts: told.update(facts)  # type: ignore[method-assign]
    tasks = [asyncio.create_task(beat()), asyncio.create_task(watch())]
    opened = {number: stage.open(number, "bench") for number in range(PARTITIONS)}
    cpu = time.process_time()
    await restoring.restore(stage_name, topic, opened, Settings(bootstrap=bootstrap), Telemetry(CollectorRegistry()))
    cpu = time.process_time() - cpu
    for task in tasks:
        task.cancel()
    gc.collect()
    after = process.memory_info().rss
    return {
        "keys": told["keys"],
        "read_seconds": told["read_seconds"],
        "load_seconds": told["load_seconds"],
        "cpu_seconds": cpu,
        "longest_pause": longest,
        "resident": after - before,
        "peak": peak - before,
    }


def measure_restore(stage: str, brands: int, entries: int) -> dict[str, Any]:
    """Write a state of that size to a new broker, and restore it in a process of its own."""
    topic = {"crisis": CRISIS_STATE, "routing": ROUTING_STATE}[stage].name
    make = {"crisis": crisis_state, "routing": routing_state}[stage]
    with Broker() as broker:
        apply_topics(broker.bootstrap, PARTITIONS)
        records = asyncio.run(fill(broker.bootstrap, topic, make(brands, entries, PARTITIONS)))
        disk = sum(file.stat().st_size for file in _logs(broker.data, topic))
        ran = subprocess.run(
            [sys.executable, __file__, "--restore", broker.bootstrap, stage, topic], capture_output=True, text=True, check=True
        )
        return {"stage": stage, "brands": brands, "entries": entries, "records": records, "disk": disk, **json.loads(ran.stdout)}


def _logs(data: Path, topic: str) -> Iterator[Path]:
    return data.rglob(f"{topic}-*/*.log")


# -- report


def report(
    restores: list[dict[str, Any]], kinds: dict[str, dict[str, dict[str, float]]], packed: list[tuple[int, int, float, float]]
) -> str:
    """The page."""
    lines = ["# What state costs", "", "Made by `uv run python tests/bench/state_cost.py`; see there how. Partition count 8, one process."]
    lines += [f"Machine: {os.cpu_count()} cores, shared with the broker and other work: go by the CPU seconds.", ""]
    lines += ["## Restore", "", "Entries: seen identities (crisis), or threads of one author each (routing).", ""]
    lines += _table(
        ["stage", "brands", "entries", "keys", "changelog MB", "read s", "load s", "CPU s", "longest pause ms", "resident MB", "peak MB"],
        [
            [
                row["stage"],
                f"{row['brands']:,}",
                f"{row['entries']:,}",
                f"{row['keys']:,}",
                f"{row['disk'] / 1e6:.1f}",
                f"{row['read_seconds']:.1f}",
                f"{row['load_seconds']:.1f}",
                f"{row['cpu_seconds']:.1f}",
                f"{row['longest_pause'] * 1000:.0f}",
                f"{row['resident'] / 1e6:.0f}",
                f"{row['peak'] / 1e6:.0f}",
            ]
            for row in restores
        ],
    )
    by_size = {(row["stage"], row["brands"], row["entries"]): row["resident"] for row in restores}
    idle, few, many = (by_size.get(("crisis", *size)) for size in ((10_000, 10_000), (100, 1_000_000), (10_000, 1_000_000)))
    if idle is not None and few is not None and many is not None:
        lines += [
            "",
            f"Resident: {(many - idle) / 990_000:.0f} bytes per seen identity where a brand has a hundred, {few / 1e6:.0f} where it has",
        ]
        lines += [f"ten thousand; {idle / 10_000 / 1000:.0f} KB per brand, of which its two detectors are most."]
    lines += ["", "Read and load are seconds by the clock, CPU is what they took of it; where these differ much, other work had the cores."]
    lines += [
        "",
        "The longest pause is how much CPU time anything else on the event loop (heartbeats, `/livez`) had to wait for during the restore.",
        "",
    ]
    lines += [
        "## Changelog per mention",
        "",
        f"{MENTIONS:,} mentions of 1,000 brands; key, value, headers and Kafka's own bytes, before compaction.",
        "",
    ]
    names = sorted({name for kind in kinds.values() for name in kind})
    rows = []
    for name in names:
        cells = [kinds[batch].get(name, {"records": 0.0, "bytes": 0.0}) for batch in kinds]
        rows.append([name, *(f"{cell['records']:.2f} / {cell['bytes']:.0f}" for cell in cells)])
    totals = [(sum(kind[name]["records"] for name in kind), sum(kind[name]["bytes"] for name in kind)) for kind in kinds.values()]
    rows.append(["all", *(f"{records:.2f} / {size:.0f}" for records, size in totals)])
    lines += _table(["kind of key", *(f"records / bytes, batches of {batch}" for batch in kinds)], rows)
    lines += ["", "## One key per identity, or one for all of an hour", ""]
    lines += ["Bytes written per mention of one brand, if the identities of an hour shared a key that is written anew with each batch:", ""]
    lines += _table(
        ["mentions an hour", "of it in one batch", "a key each (as it is)", "a key an hour"],
        [[f"{hour:,}", str(batch), f"{alone:.0f}", f"{together:,.0f}"] for hour, batch, alone, together in packed],
    )
    lines += [
        "",
        "Sharing saves where a brand's mentions come in bulk, and costs a multiple where they come one by one, which is live: a key each.",
    ]
    per_hour = 3_600 * min(records for records, _ in totals)
    lines += ["", "## What a restore reads besides", ""]
    lines += ["Compaction leaves the last hour alone, so that a stale snapshot and the one it follows are both seen. A restore reads that"]
    lines += [
        f"too: at ten mentions a second about {10 * per_hour:,.0f} records, at a hundred {100 * per_hour:,.0f}. Most are superseded and"
    ]
    lines += ["only cost reading. The settings that bound it (`schemas/topics.py`):", ""]
    lines += _table(["setting", "value", "why"], [[f"`{name}`", CRISIS_STATE.config()[name], why] for name, why in SETTINGS.items()])
    return "\n".join(lines) + "\n"


SETTINGS = {
    "segment.bytes": "compaction works on closed segments: small ones are soon closed; none smaller than the largest batch",
    "segment.ms": "a quiet partition closes its segment too",
    "min.compaction.lag.ms": "1 h: stale snapshots stay beside the newer ones that they follow",
    "max.compaction.lag.ms": "12 h: the dirty part is bounded",
    "min.cleanable.dirty.ratio": "compacted before half of it is old",
    "delete.retention.ms": "tombstones outlive the lag",
    "max.message.bytes": "a batch holds all keys of a brand, up to 8 MiB",
}


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]


def main() -> None:
    """Measure all, write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written: does it run?")
    parser.add_argument("--page", action="store_true", help="write the page again from the figures in state.json")
    parser.add_argument("--restore", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.restore:
        print(json.dumps(asyncio.run(_restore(*chosen.restore))))
        return
    if chosen.page:
        figures = json.loads((REPORTS / "state.json").read_text("utf-8"))
    else:
        figures = measure(QUICK if chosen.quick else SIZES, 1_000 if chosen.quick else MENTIONS)
    page = report(figures["restores"], figures["per_mention"], figures["packed"])
    print(page)
    if not chosen.quick:
        REPORTS.mkdir(exist_ok=True)
        (REPORTS / "state.md").write_text(page, "utf-8")
        (REPORTS / "state.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def measure(sizes: dict[str, list[tuple[int, int]]], mentions: int) -> dict[str, Any]:
    """All figures."""
    restores = []
    for stage, all_ in sizes.items():
        for brands, entries in all_:
            restores.append(measure_restore(stage, brands, entries))
            print(restores[-1], file=sys.stderr)
    kinds = {str(batch): bytes_per_mention(batch, mentions) for batch in BATCHES}
    packed = [(hour, batch, *packed_per_mention(hour, batch)) for hour in (60, 1_000) for batch in (1, 20, 60)]
    return {"restores": restores, "per_mention": kinds, "packed": packed}


if __name__ == "__main__":
    main()
