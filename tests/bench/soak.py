"""`make soak`: one worker under full load for a quarter of an hour; is its memory flat but for what it must remember?

A backlog is kept before the worker all the time. Every few seconds: mentions routed, the worker's memory (RSS), keys of state in memory.
Halfway the topic of routed mentions stalls for a while (the broker is told to want one replica more than there is): the worker has to
hold still, without growing, and to go on by itself. Prints and writes a report. Linux only.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cluster import Cluster
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from mentions import Draft, Town, deployment
from phases import free_port, page
from processes import Child, cpu_seconds, resident_bytes
from systems import OURS, Setting, workers

from agents.broker import Broker
from agents.broker.settings import MEBIBYTE
from schemas.topics import ROUTED

BACKLOG = 20_000
SLICE = 5_000
EVERY = 5.0
STALL_SECONDS = 60.0
PACE = 2_000.0
"""Mentions a second of event time: records say that they were written as densely as they are worked through."""


class Sample(NamedTuple):
    """At ``at`` seconds: mentions routed, bytes of memory, keys of state by stage, whether routed was stalled."""

    at: float
    routed: int
    resident: int
    keys: dict[str, int]
    stalled: bool


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--output", type=Path, help="folder for soak.md and soak.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="webcare-soak-") as folder, Broker() as broker:
        work = Path(folder)
        assert broker.pid is not None
        cluster = Cluster(broker.bootstrap, broker.pid)
        cluster.empty()
        port = free_port()
        setting = Setting(broker.bootstrap, deployment(work / "deployment"), work)
        with workers(OURS, "real", setting, "soak", ports=(port,)) as (worker,):
            samples = soak(cluster, worker, port, given.minutes * 60)
            cpu = cpu_seconds(worker.pid)
    text = render(samples, cpu)
    print(text)
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        (given.output / "soak.md").write_text(text)
        (given.output / "soak.json").write_text(json.dumps([sample._asdict() for sample in samples], indent=1) + "\n")


def soak(cluster: Cluster, worker: Child, port: int, seconds: float) -> list[Sample]:
    """Keep the worker busy and look at it."""
    drafts: Iterator[Draft] = Town().drafts()
    sent, samples = 0, []
    started = time.monotonic()
    epoch = time.time() - 3_600
    stall_from, stall_until = seconds / 2, seconds / 2 + min(STALL_SECONDS, seconds / 6)
    is_stalled = False
    looked = 0.0
    while (at := time.monotonic() - started) < seconds:
        worker.check()
        if is_stalled != (wanted := stall_from <= at < stall_until):
            is_stalled = wanted
            require_replicas(cluster.bootstrap, ROUTED.name, 2 if is_stalled else 1)
        routed = cluster.count(ROUTED.name)
        if sent - routed < BACKLOG and not is_stalled:
            cluster.fill(list(islice(drafts, SLICE)), epoch + sent / PACE, epoch + (sent + SLICE) / PACE)
            sent += SLICE
        if at - looked >= EVERY:
            looked = at
            samples.append(Sample(at, routed, resident_bytes(worker.pid), keys(port), is_stalled))
        time.sleep(0.1)
    return samples


def require_replicas(bootstrap: str, topic: str, number: int) -> None:
    """More than there are: the broker refuses what is written, for as long as that stands."""
    entry = ConfigEntry("min.insync.replicas", str(number), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)


def keys(port: int) -> dict[str, int]:
    """What the stages hold in memory, as their metrics tell it."""
    prefix = 'webcare_state_keys{stage="'
    lines = [line for line in page(port, "metrics").splitlines() if line.startswith(prefix)]
    return {line[len(prefix) :].partition('"')[0]: int(float(line.rpartition(" ")[2])) for line in lines}


def render(samples: list[Sample], cpu: float) -> str:
    """The report: what was worked through, and a line a minute."""
    first, last = samples[len(samples) // 15], samples[-1]
    moving = [sample for sample in samples if not sample.stalled]
    seconds = sum(EVERY for _ in moving)
    grown = last.resident - first.resident
    held = sum(last.keys.values()) - sum(first.keys.values())
    during = [sample.resident for sample in samples if sample.stalled]
    lines = [
        "# Soak",
        "",
        f"One worker, all four stages, 1,000 brands, a backlog before it all the time, for {last.at / 60:.0f} minutes: "
        f"{last.routed:,} mentions routed, {last.routed / seconds:,.0f} a second, {cpu / max(1, last.routed) * 1e6:,.0f} µs of CPU each "
        "(the producer and the broker on the same cores).",
        "",
        f"Memory {first.resident / MEBIBYTE:,.0f} MiB after the first minute, {last.resident / MEBIBYTE:,.0f} MiB at the end: "
        f"{grown / MEBIBYTE:+,.0f} MiB while {held:+,} keys of state came (identities, threads, authors, items), "
        f"{grown / max(1, held):,.0f} bytes each.",
    ]
    if during:
        lines.append(
            f"While routed was stalled ({EVERY * len(during):.0f} s): between {min(during) / MEBIBYTE:,.0f} and "
            f"{max(during) / MEBIBYTE:,.0f} MiB; it went on by itself."
        )
    lines += ["", "| minute | routed | MiB | keys: crisis | keys: routing | |", "|---|---|---|---|---|---|"]
    shown = -1
    for sample in samples:
        if (minute := int(sample.at // 60)) > shown:
            shown = minute
            lines.append(
                f"| {minute} | {sample.routed:,} | {sample.resident / MEBIBYTE:,.0f} | {sample.keys.get('crisis', 0):,} "
                f"| {sample.keys.get('routing', 0):,} | {'stalled' if sample.stalled else ''} |"
            )
    return "\n".join([*lines, "", f"`uv run --all-extras --group bench python tests/bench/{Path(__file__).name}`", ""])


if __name__ == "__main__":
    main()
