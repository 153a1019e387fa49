"""The chaos suite: workers, a real broker and a load under fire; then everything that was written is held against an undisturbed run.

``uv run python tests/chaos/run.py --seed 7`` runs one seed and prints its schedule and verdict; ``--seeds 1-28 --report`` runs many and
writes `tests/reports/chaos.md`. Exit code 1 where a law is broken; logs and the broker's data are kept then, and their path is printed.
"""

import argparse
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiokafka.errors import KafkaError as AiokafkaError
from cluster import Cluster, left_behind
from disk import small_disk
from faults import Faults, compact_at_once
from findings import READ, Evidence, Finding, examine, mentions_in
from kafka.errors import KafkaError
from load import load
from plan import KINDS, Plan, draw
from reference import undisturbed
from report import Told, as_told, read_report, write_report
from sender import Sender

from agents.broker import Broker
from agents.deployment import load_deployment
from agents.lag import LagMeter
from agents.ledger import check
from agents.settings import DEMO_KEY, Settings
from agents.topic_reader import Record, TopicReader, places_of
from agents.topics import TopicsError, apply_topics, topic_epoch
from schemas.topics import CRISIS_STATE, RAW, ROUTING_STATE

STANDSTILL_SECONDS = 90.0
"""So long the lag may stay the same while it drains and all workers are up; a worker that is stuck ends itself before that."""
DRAIN_SECONDS = 600.0
READY_SECONDS = 240.0


@dataclass
class Verdict:
    """What came of a seed."""

    plan: Plan
    findings: list[Finding] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0
    kept: Path | None = None

    @property
    def good(self) -> bool:
        """Whether every law holds and nothing ended without reason."""
        return not (self.findings or self.failures)


def run_seed(plan: Plan, *, keep: bool = False, discard: bool = False) -> Verdict:
    """One run from an empty broker to its verdict."""
    started = time.monotonic()
    verdict = Verdict(plan)
    folder = Path(tempfile.mkdtemp(prefix=f"webcare-chaos-{plan.seed}-"))
    mark = uuid.uuid4().hex
    os.environ["CHAOS_RUN"] = mark
    with ExitStack() as stack:
        data = folder / "broker"
        disk: Path | None = None
        if "disk-full" in plan.kinds:
            why = stack.enter_context(small_disk(data))
            disk = data if why is None else None
            verdict.skipped += [f"disk-full: {why}"] if why is not None else []
        properties = {"log.index.size.max.bytes": "1048576"}  # of 60 partitions, on a small disk
        if "compaction" in plan.kinds:
            properties["log.cleaner.backoff.ms"] = "200"
        broker = Broker(data, properties=properties)
        cluster = Cluster(folder, broker, plan.mode, mark)
        stack.callback(cluster.destroy)
        broker.start()
        apply_topics(broker.bootstrap, plan.partitions)
        if "compaction" in plan.kinds:
            compact_at_once(broker.bootstrap)
        clock = Clock(verdict.figures)
        try:
            _under_fire(plan, cluster, verdict, disk, clock)
            _judge(plan, cluster, verdict, clock)
        except BaseException as error:
            verdict.failures.append("the run itself failed: " + "".join(traceback.format_exception(error))[-1_500:])
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            cluster.end_workers() if not verdict.failures else None
            verdict.failures += cluster.failures
            verdict.ends += cluster.ended
            verdict.faults += Counter({kind: count for kind, count in cluster.counts.items() if kind in KINDS})
            for kind in ("slow-stage", "sleep-in-write"):  # a worker that somebody else stopped is not ours to count
                verdict.faults[kind] = verdict.figures.pop(f"{kind}, as the workers say", 0)
            verdict.figures["worker starts"] = cluster.counts["worker starts"]
        keep = keep or not (verdict.good or discard)
        if keep and disk is not None:
            cluster.broker.halt()
            shutil.copytree(data, folder / "broker-kept", ignore=shutil.ignore_patterns("filler"), dirs_exist_ok=True)
    if left := left_behind(mark):
        verdict.failures.append(f"processes left behind: {left}")
    if keep:
        verdict.kept = folder
    else:
        shutil.rmtree(folder, ignore_errors=True)
    verdict.seconds = time.monotonic() - started
    _tell(verdict)
    return verdict


class Clock:
    """How long each part of a run takes."""

    def __init__(self, figures: Counter[str]) -> None:
        self._figures = figures
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        """The part up to now."""
        now = time.monotonic()
        self._figures[f"seconds {name}"] += round(now - self._since)
        self._since = now


def _under_fire(plan: Plan, cluster: Cluster, verdict: Verdict, disk: Path | None, clock: Clock) -> None:
    """Start everything, strike by the clock, then let it all drain."""
    control = {
        "armed": False,
        "seed": plan.seed,
        "clock": 0.0,
        "ticks": False,
        "tick_seconds": 1.5,
        "sabotage": plan.sabotage,
    } | plan.inside
    for number, stages in enumerate(plan.topology, start=1):
        cluster.add(f"worker{number}", stages, control)
    records = load(plan.seed, plan.mode, plan.mentions, plan.brands, plan.partitions, datetime.now(UTC), plan.hours)  # noqa: TID251
    sender = Sender(cluster.broker.bootstrap, records, plan.seconds, plan.seed)
    faults = Faults(plan, cluster, sender, disk)
    cluster.supervise()
    _wait_until_ready(cluster)
    for slot in cluster.slots:
        cluster.control(slot, cluster.told(slot) | {"armed": True})
    clock.lap("start")
    sender.start()
    begun = time.monotonic()
    strikes = list(plan.strikes)
    quiet_until = plan.seconds * 0.6  # live ticks make all that is more than six hours old late: history comes first
    while strikes or time.monotonic() - begun < plan.seconds:  # a machine that stood still does not make it fewer
        while strikes and strikes[0].at <= time.monotonic() - begun:
            faults.strike(strikes.pop(0))
        if quiet_until and time.monotonic() - begun > quiet_until:
            quiet_until = 0.0
            for slot in cluster.slots:
                cluster.control(slot, cluster.told(slot) | {"ticks": True})
        cluster.supervise()
        time.sleep(0.03)
    cluster.calm()
    faults.over.set()
    _wait_for_threads(cluster, faults, sender)
    cluster.calm()
    clock.lap("fire")
    verdict.failures += faults.failures
    verdict.faults += faults.counts
    verdict.figures["longest wait for the load's buffer, ms"] = round(sender.fullest * 1000)
    if sender.failure is not None:
        raise RuntimeError(f"the load could not be sent: {sender.failure!r}")
    _drain(cluster)
    clock.lap("drain")
    cluster.end_workers()
    clock.lap("end")
    cluster.poison = sender.poison  # type: ignore[attr-defined]
    cluster.sent = sender.sent  # type: ignore[attr-defined]


def _wait_for_threads(cluster: Cluster, faults: Faults, sender: Sender) -> None:
    """Strikes end, and the load is out; meanwhile the supervisor does its work."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while faults.busy() or sender.is_alive():
        cluster.supervise()
        time.sleep(0.05)
        if time.monotonic() > deadline:
            raise TimeoutError("the load or a fault did not come to its end")


def _wait_until_ready(cluster: Cluster) -> None:
    """Every worker is a member and has restored what it got: faults shall meet work, not a start."""
    deadline = time.monotonic() + READY_SECONDS
    while not _all_ready(cluster):
        cluster.supervise()
        time.sleep(0.1)
        if time.monotonic() > deadline:
            raise TimeoutError("the workers were not ready in time")
    time.sleep(1.0)


def _all_ready(cluster: Cluster) -> bool:
    lives = [slot.life for slot in cluster.slots if slot.wanted]
    return all(life is not None and b"partitions ready" in life.log.read_bytes() for life in lives)


def _drain(cluster: Cluster) -> None:
    """Until nothing is left to do for any stage."""
    began = changed = now = time.monotonic()
    last: dict[str, int] = {}
    meter: LagMeter | None = None
    try:
        while now - began < DRAIN_SECONDS and now - changed < STANDSTILL_SECONDS:
            cluster.supervise()
            now = time.monotonic()
            try:
                meter = meter or LagMeter(cluster.broker.bootstrap)
                left = meter.remaining()
            except (KafkaError, AiokafkaError, TopicsError, OSError):  # a broker that has just come back
                if meter is not None:
                    _close(meter)
                meter = None
                time.sleep(0.5)
                continue
            if not any(left.values()):
                return
            if left != last or not _all_ready(cluster):
                last, changed = left, now
            time.sleep(0.2)
    finally:
        if meter is not None:
            _close(meter)
    raise TimeoutError(f"not drained in {now - began:.0f} s, and nothing has moved for {now - changed:.0f} s: {last}")


def _close(meter: LagMeter) -> None:
    with suppress(Exception):
        meter.close()


def _judge(plan: Plan, cluster: Cluster, verdict: Verdict, clock: Clock) -> None:
    bootstrap = cluster.broker.bootstrap
    topics = read_all(bootstrap)
    epoch = topic_epoch(bootstrap, RAW.name)
    clock.lap("read")
    reference = undisturbed(topics[RAW.name], epoch, plan.partitions, replaying=plan.mode == "file")
    clock.lap("reference")
    logs = sorted(cluster.folder.glob("*.log"))
    evidence = Evidence(topics, epoch, cluster.sent, cluster.poison, logs, reference)  # type: ignore[attr-defined]
    verdict.findings = examine(evidence)
    verdict.figures += evidence.figures
    clock.lap("checks")
    if "poison" not in plan.kinds:  # which is nobody's outcome, as the ledger rightly says
        verdict.findings += _ledger_says(plan, bootstrap)
        verdict.figures["webcare ledger asked"] = 1
        clock.lap("ledger")
    verdict.figures["mentions"] = mentions_in(topics[RAW.name])
    if "compaction" in plan.kinds:
        gone = sum(compacted_away(bootstrap, topics, topic) for topic in (CRISIS_STATE.name, ROUTING_STATE.name))
        verdict.figures["compacted away"] = gone
        verdict.faults["compaction"] = 1 if gone else 0
        if not gone:
            verdict.failures.append("compaction was asked for, and took nothing away")
    for kind, said in (("slow-stage", "chaos: slow"), ("sleep-in-write", "chaos: asleep")):
        verdict.figures[f"{kind}, as the workers say"] = sum(log.read_text("utf-8", "replace").count(said) for log in logs)


def _ledger_says(plan: Plan, bootstrap: str) -> list[Finding]:
    """What `webcare ledger` finds; it counts everything again in every third seed."""
    settings = Settings(bootstrap=bootstrap, author_key=DEMO_KEY, ticks="log" if plan.mode == "file" else "wall")
    result = check(bootstrap, settings, load_deployment(), count_again=plan.seed % 3 == 0)
    return [] if result.clean else [Finding("`webcare ledger` is not clean", 1, json.dumps(result.as_json())[:1_500])]


def read_all(bootstrap: str) -> dict[str, list[Record]]:
    """Every record of every topic, one connection for all."""
    found: dict[str, list[Record]] = {topic: [] for topic in READ}
    places = places_of(bootstrap, *READ)
    with closing(TopicReader(bootstrap)) as reader:
        reader.start(places)
        ends = reader.ends(places)
        while any(reader.position(place) < ends[place] for place in places):
            for record in reader.poll():
                found[record.topic].append(record)
    return found


def compacted_away(bootstrap: str, topics: dict[str, list[Record]], topic: str) -> int:
    """Records that a log has had and has no more."""
    with closing(TopicReader(bootstrap)) as reader:
        ends = reader.ends(places_of(bootstrap, topic))
    return sum(ends.values()) - len(topics[topic])


def _tell(verdict: Verdict) -> None:
    print("\n".join(verdict.plan.lines()))
    print("faults:", ", ".join(f"{kind} {count}" for kind, count in sorted(verdict.faults.items()) if count) or "none")
    print("workers:", ", ".join(f"{how} {count}" for how, count in sorted(verdict.ends.items())))
    print("figures:", ", ".join(f"{name} {count}" for name, count in sorted(verdict.figures.items())))
    for skip in verdict.skipped:
        print("skipped:", skip)
    for finding in verdict.findings:
        print("BROKEN:", finding)
    for failure in verdict.failures:
        print("FAILED:", failure)
    kept = f"; kept in {verdict.kept}" if verdict.kept is not None else ""
    print(f"seed {verdict.plan.seed}: {'good' if verdict.good else 'BAD'} in {verdict.seconds:.0f} s{kept}", flush=True)


def _seeds(text: str) -> list[int]:
    """``3``, ``1-20`` or ``2,5,9``."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", "--seeds", dest="seeds", type=_seeds, default=[1], metavar="N, N-M", help="which seeds (1)")
    parser.add_argument("--workers", type=int, help="how many workers; else the seed says")
    parser.add_argument("--minutes", type=float, help="how long it is under fire; else 22 seconds")
    parser.add_argument("--mentions", type=int, help="how many mentions; else the seed says")
    parser.add_argument("--mode", choices=("file", "live"), help="whose time; else the seed says")
    parser.add_argument("--hours", type=float, help="event time that the load spans; alerts come after the first day only (26.5)")
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), help="which kinds of faults; else the seed says")
    parser.add_argument("--sabotage", help="break a rule of the protocol in every worker: the run must come out BAD")
    parser.add_argument("--keep", action="store_true", help="keep logs and data of good runs too")
    parser.add_argument("--discard", action="store_true", help="keep nothing, of bad runs either")
    parser.add_argument("--plan", action="store_true", help="print the schedule only")
    parser.add_argument("--jobs", type=int, default=1, help="how many seeds at a time (1); they wait more than they compute")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write chaos.md and chaos.json there")
    given = parser.parse_args(arguments)
    for library in ("aiokafka", "kafka"):  # that the broker is away is what we are about
        logging.getLogger(library).setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left behind
    if given.jobs > 1:
        told = _side_by_side(given, list(arguments if arguments is not None else sys.argv[1:]))
    else:
        told = []
        for seed in given.seeds:
            plan = draw(
                seed,
                kinds=None if given.kinds is None else tuple(given.kinds),
                workers=given.workers,
                minutes=given.minutes,
                mentions=given.mentions,
                mode=given.mode,
                hours=given.hours,
                sabotage=given.sabotage,
            )
            if given.plan:
                print("\n".join(plan.lines()))
                continue
            told.append(as_told(run_seed(plan, keep=given.keep, discard=given.discard)))
            if given.report is not None:
                write_report(given.report, told)
    if given.report is not None and told:
        write_report(given.report, told)
    return 0 if all(seed["good"] for seed in told) else 1


def _side_by_side(given: argparse.Namespace, arguments: list[str]) -> list[Told]:
    """Each seed in a process of its own, so many at a time."""

    def run_one(seed: int) -> list[Told]:
        with tempfile.TemporaryDirectory(prefix="webcare-chaos-report-") as folder:
            # What comes last counts.
            command = [sys.executable, __file__, *arguments, "--seeds", str(seed), "--jobs", "1", "--report", folder]
            done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            print(done.stdout, end="", flush=True)
            return read_report(Path(folder))

    with ThreadPoolExecutor(given.jobs) as pool:
        try:
            return [one for told in pool.map(run_one, given.seeds) for one in told]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # where we are interrupted, no other seed begins


if __name__ == "__main__":
    sys.exit(main())
