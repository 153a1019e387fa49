"""`make bench`: our runtime and our stages beside stock Faust, Quix Streams and a plain confluent-kafka loop, on one embedded broker.

Every system works through the same records with the same stage code in a process of its own. What is compared are ratios within a round;
the order of the systems turns round from round to round. Prints the report, and writes it with all figures beside it. Linux only.
"""

import argparse
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from figures import alternating
from mentions import Draft, Town, deployment, light_drafts
from phases import Bench, Load
from processes import HERE
from report import render
from systems import Setting

from agents.broker import Broker
from agents.broker.settings import KAFKA, MEBIBYTE
from agents.broker.training import train

REPORTS = HERE.parent / "reports"

LIGHT = {
    "ours": Load(2_000, 60_000),
    "confluent": Load(2_000, 60_000),
    "quix": Load(2_000, 24_000),
    "faust": Load(300, 2_400),
    "faust-unacknowledged": Load(300, 2_400),
}
REAL = {"ours": Load(2_000, 16_000), "confluent": Load(2_000, 16_000), "quix": Load(2_000, 8_000), "faust": Load(300, 1_500)}
RATES = (50, 500)
"""Mentions a second at which latency is measured, beside 80 % of the throughput measured."""


class Plan(NamedTuple):
    """How much is measured. Seconds are of paced sending; ``share``: of the backlogs."""

    rounds: int
    share: float
    seconds: dict[int, float]
    saturated: float
    others: float
    rows: int
    row_buckets: int
    growth: int


FULL = Plan(rounds=2, share=1.0, seconds={50: 24.0, 500: 20.0}, saturated=15.0, others=10.0, rows=40, row_buckets=6, growth=16_000)
QUICK = Plan(rounds=1, share=0.25, seconds={50: 5.0, 500: 4.0}, saturated=4.0, others=0.0, rows=10, row_buckets=1, growth=0)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, help="how often each system is measured (2 or more for a report)")
    parser.add_argument("--quick", action="store_true", help="two minutes, one round: to see that it works, not to quote")
    parser.add_argument("--only", action="append", default=[], choices=PHASES, help="these parts only; may be given more than once")
    parser.add_argument("--output", type=Path, help=f"folder for bench.md and bench.json (default: {REPORTS}; with --quick or --only none)")
    parser.add_argument("--profile", type=Path, help="folder for CPU profiles of our worker during the backlogs (costs a little)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = QUICK if given.quick else FULL
    if given.rounds is not None:
        plan = plan._replace(rounds=given.rounds)
    phases = given.only or list(PHASES)
    started = time.monotonic()
    figures: dict[str, Any] = {"about": about(plan)}
    train()  # the broker's jars and start-up cache, the first time
    with tempfile.TemporaryDirectory(prefix="webcare-bench-") as folder, Broker() as broker:
        work = Path(folder)
        setting = Setting(broker.bootstrap, deployment(work / "deployment"), work, given.profile)
        bench = Bench(setting, broker.pid or 0, say)
        for name in phases:
            figures[name] = PHASES[name](bench, plan)
    figures["about"]["minutes"] = round((time.monotonic() - started) / 60, 1)
    text = render(figures)
    print(text)
    output = given.output or (None if given.quick or given.only else REPORTS)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "bench.md").write_text(text)
        (output / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
        say(f"written: {output / 'bench.md'} and bench.json")


def say(line: str) -> None:
    """Progress, on standard error: standard output is the report."""
    print(f"{datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)  # noqa: TID251


def about(plan: Plan) -> dict[str, Any]:
    """Machine, versions, date and command: what was measured, not where on this machine it was written."""
    elsewhere = argparse.ArgumentParser(add_help=False)
    elsewhere.add_argument("--output")
    _, asked = elsewhere.parse_known_args()
    names = ("faust-streaming", "aiokafka", "quixstreams", "confluent-kafka", "uvloop", "msgspec", "py3langid", "vaderSentiment")
    model = next((line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "-C", str(HERE), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),  # noqa: TID251
        "command": shlex.join(["python", "tests/bench/bench.py", *asked]),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{model}, {os.cpu_count()} cores, {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1024 / MEBIBYTE:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {"webcare-stream": metadata.version("webcare-stream"), "Apache Kafka": KAFKA}
        | {name: metadata.version(name) for name in names},
        "load": round(os.getloadavg()[0], 2),
        "rounds": plan.rounds,
    }


def light(bench: Bench, plan: Plan) -> dict[str, Any]:
    """Runtime alone."""
    loads = {name: load.scaled(plan.share) for name, load in LIGHT.items() if plan.others or name != "faust-unacknowledged"}
    return compare(bench, plan, "light", loads, light_drafts(enough(plan, loads)))


def real(bench: Bench, plan: Plan) -> dict[str, Any]:
    """The real stages."""
    loads = {name: load.scaled(plan.share) for name, load in REAL.items()}
    return compare(bench, plan, "real", loads, list(islice(Town().drafts(), enough(plan, loads))))


def enough(plan: Plan, loads: dict[str, Load]) -> int:
    """Records that one visit may need: backlog and all paces, the highest at 10,000 a second."""
    paced = sum(rate * seconds for rate, seconds in plan.seconds.items()) + 10_000 * plan.saturated
    return round(max(load.warm + load.backlog for load in loads.values()) + min(paced, 100_000) * 1.1)


def compare(bench: Bench, plan: Plan, kind: Any, loads: dict[str, Load], drafts: list[Draft]) -> dict[str, Any]:
    """All systems in turns. Latencies of ours in every round (real stages: at 80 % of its throughput too), of the others in the first."""
    found: dict[str, dict[int, Any]] = {name: {} for name in loads}
    for number, name in alternating(list(loads), plan.rounds):
        rates: dict[float, float] = {}
        if name == "ours" and kind == "real":
            rates = dict(plan.seconds)
        elif number == 0 and plan.others and name != "faust-unacknowledged":
            rates = dict.fromkeys(RATES, plan.others)
        saturated = plan.saturated if name == "ours" and kind == "real" else 0.0
        found[name][number] = bench.visit(name, kind, loads[name], drafts, rates, saturated)
    return found


def growth(bench: Bench, plan: Plan) -> dict[str, Any]:
    """One worker process of ours, two, and two that share the stages."""
    if not plan.growth:
        return {}
    drafts = list(islice(Town().drafts(), plan.growth + 2_000))
    shapes = {
        "one worker": ((),),
        "two workers": ((), ()),
        "two that split the stages: language, sentiment / crisis, routing": (("language", "sentiment"), ("crisis", "routing")),
    }
    found: dict[str, dict[int, Any]] = {name: {} for name in shapes}
    for number, name in alternating(list(shapes), plan.rounds):
        found[name][number] = bench.grow(name, shapes[name], Load(2_000, plan.growth), drafts)
    return found


def alerts(bench: Bench, plan: Plan) -> dict[str, Any]:
    """How fast a row becomes an alert."""
    return bench.alerts(plan.rows, plan.row_buckets)


def libraries(bench: Bench, plan: Plan) -> dict[str, Any]:
    """Models against their packages, and the size of an identity."""
    return bench.libraries(max(2, plan.rounds * 2))


PHASES = {"light": light, "real": real, "growth": growth, "alerts": alerts, "libraries": libraries}

if __name__ == "__main__":
    main()
