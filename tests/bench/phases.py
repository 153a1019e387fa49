"""The parts of a run: each starts the workers that it needs, measures, and ends them."""

import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from cluster import Cluster
from figures import summary
from measuring import Drain, alert_delays, delays, drain, keep_pace, send_paced, sustained, wait_for, warm_up
from mentions import Draft, Town
from processes import Child, ChildFailedError, child, resident_bytes
from rows import FIRST_ROW, mentions_in, rows
from systems import BY_NAME, OURS, Kind, Setting, workers

from schemas.topics import DEFAULT_PARTITIONS, RAW, ROUTED

READY_SECONDS = 60.0
OVERLOAD = 1.2
"""Times its throughput: what a system is given to see what it sustains."""

TIRED = 0.85
"""Share of its throughput beyond which a system is not asked to keep a pace."""


class Load(NamedTuple):
    """Records for warming up, and the backlog that is measured."""

    warm: int
    backlog: int

    def scaled(self, share: float) -> "Load":
        """A smaller or larger one."""
        return Load(max(100, round(self.warm * share)), max(300, round(self.backlog * share)))


class Bench:
    """One broker, and one measurement after the other on it. ``say`` is told a line each."""

    def __init__(self, setting: Setting, broker: int, say: Callable[[str], None]) -> None:
        self._setting = setting
        self._cluster = Cluster(setting.bootstrap, broker)
        self._say = say
        self._numbers = count()

    def _group(self, name: str) -> str:
        return f"bench-{name}-{next(self._numbers)}"

    def visit(
        self, name: str, kind: Kind, load: Load, drafts: Sequence[Draft], rates: Mapping[float, float], saturated: float
    ) -> dict[str, Any]:
        """One system, started, warmed up, given its backlog, then paces (rate → seconds).

        ``saturated``: seconds at more than it can take, and again at 80 % of what it took then.
        """
        cluster, group = self._cluster, self._group(name)
        cluster.empty()
        port = free_port() if name == OURS.name else 0
        setting = self._setting
        if setting.profile is not None and name == OURS.name:
            setting.profile.mkdir(parents=True, exist_ok=True)
            setting = setting._replace(profile=setting.profile / f"{group}-{kind}.txt")
        with workers(BY_NAME[name], kind, setting, group, ports=(port,)) as children:
            at_start = warm_up(cluster, children, drafts[: load.warm])
            if setting.profile is not None and name == OURS.name:
                children[0].profile()
            used = load.warm + load.backlog
            drained = drain(cluster, children, drafts[load.warm : used])
            found = told(drained) | {"resident_at_start": at_start}
            self._say(f"{kind} {name}: {drained.rate:,.0f}/s, {drained.worker_micros:,.0f} µs (broker {drained.broker_micros:,.0f} µs)")
            found["paces"], found["too_fast"] = {}, []
            asked = dict(rates)
            if saturated:
                number = round(drained.rate * OVERLOAD * saturated)
                found["sustained"] = sustained(cluster, children, drafts[used : used + number], drained.rate * OVERLOAD, setting.work)
                used += number
                self._say(f"{kind} {name} sustains {found['sustained']:,.0f}/s")
                asked[found["sustained"] * 0.8] = saturated
            for rate, seconds in asked.items():
                label = "80 %" if rate not in rates else f"{rate:g}"
                if rate > drained.rate * TIRED:
                    found["too_fast"].append(label)
                    self._say(f"{kind} {name} is not asked for {rate:,.0f}/s: more than {TIRED:.0%} of its throughput")
                    continue
                number = min(round(rate * seconds), len(drafts) - used)
                pace = keep_pace(cluster, children, drafts[used : used + number], rate, setting.work)
                used += number
                found["paces"][label] = pace
                self._say(f"{kind} {name} at {rate:,.0f}/s: p50 {pace['p50']:.0f}, p95 {pace['p95']:.0f}, p99 {pace['p99']:.0f} ms")
            found["resident_after"] = sum(resident_bytes(worker.pid) for worker in children)
            found["records_seen"] = cluster.count(ROUTED.name)
            if port and kind == "real":
                found["crisis_keys"] = reading(port, "webcare_state_keys", stage="crisis")
        return found

    def grow(self, name: str, stages: Sequence[tuple[str, ...]], load: Load, drafts: Sequence[Draft]) -> dict[str, Any]:
        """Worker processes of ours, the partitions shared among them, and a backlog."""
        cluster = self._cluster
        cluster.empty()
        ports = tuple(free_port() for _ in stages)
        with workers(OURS, "real", self._setting, self._group("grow"), ports=ports, stages=tuple(stages)) as children:
            wait_until_shared(children, ports, stages)
            warm_up(cluster, children, drafts[: load.warm])
            drained = drain(cluster, children, drafts[load.warm : load.warm + load.backlog])
        self._say(f"{name}: {drained.rate:,.0f}/s, CPU shares {[round(cpu / drained.seconds, 2) for cpu in drained.worker_cpu]}")
        return told(drained)

    def alerts(self, number: int, buckets: int) -> dict[str, Any]:
        """Rows of complaints in event time that runs fast: from the record that decides to the alert, and what mentions meanwhile take."""
        cluster = self._cluster
        cluster.empty()
        town, begin = Town(seed=23), time.time() - 4 * 3600
        places = [FIRST_ROW + row for row in range(number)]
        history = [[town.draft(place, "neutral") for place in places] for _ in range(2)]
        planned = rows(town, number, buckets, begin)
        ports = (free_port(),)
        with workers(OURS, "real", self._setting, self._group("alerts"), ports=ports, ticks="log") as children:
            wait_until_shared(children, ports, ((),))
            # A brand's first day teaches and raises nothing: one mention of each, and one a day and some hours later.
            cluster.fill(history[0], begin - 27 * 3600, begin - 27 * 3600 + 60)
            cluster.fill(history[1], begin - 1_500, begin - 1_200)
            wait_for(cluster, children, 2 * number)
            raw, routed = cluster.ends(RAW.name), cluster.ends(ROUTED.name)
            send_paced(cluster, children, planned.schedule, self._setting.work)
            wait_for(cluster, children, 2 * number + mentions_in(planned.schedule))
            time.sleep(1.0)
            found = alert_delays(cluster)
            if not found:
                raise RuntimeError("not one of the rows raised an alert")
            meanwhile = summary(delays(cluster.read(RAW.name, raw), cluster.read(ROUTED.name, routed)))
        self._say(f"alerts: {len(found)} of {number} rows, p50 {summary(found)['p50']:.0f} ms, longest {max(found):.0f} ms")
        return {"rows": number, "alert": summary(found), "routed": meanwhile}

    def libraries(self, rounds: int) -> dict[str, Any]:
        """Our models against their packages; what loading them takes; bytes of a seen identity."""
        found: dict[str, Any] = json.loads(self._run("libraries.py", str(rounds)))
        loading = [json.loads(self._run("loading.py")) for _ in range(rounds)]
        return found | {"loading": loading, "identity_bytes": int(self._run("identity_size.py"))}

    def _run(self, script: str, *arguments: str) -> str:
        log = self._setting.work / f"{script}.log"
        with child(script, arguments, log) as running:
            running.wait(300)
        return log.read_text().strip().splitlines()[-1]


def told(drained: Drain) -> dict[str, Any]:
    """A drain as the report keeps it."""
    return {
        "records": drained.records,
        "seconds": drained.seconds,
        "rate": drained.rate,
        "worker_micros": drained.worker_micros,
        "broker_micros": drained.broker_micros,
        "worker_shares": [cpu / drained.seconds for cpu in drained.worker_cpu],
        "broker_share": drained.broker_cpu / drained.seconds,
        "foreign_share": drained.foreign_cpu / drained.seconds,
    }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def page(port: int, name: str) -> str:
    """A page of a worker of ours; empty while it does not answer, or says that it is not ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=5) as answer:
            content: bytes = answer.read()
            return content.decode()
    except (urllib.error.URLError, OSError):
        return ""


def reading(port: int, name: str, **labels: str) -> float:
    """One gauge of a worker of ours; 0 where it is not told."""
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    found = re.search(rf"^{re.escape(name)}{{{re.escape(inside)}}} (\S+)$", page(port, "metrics"), re.MULTILINE)
    return float(found[1]) if found else 0.0


def wait_until_shared(children: Sequence[Child], ports: Sequence[int], stages: Sequence[tuple[str, ...]]) -> None:
    """Until every stage's partitions are spread evenly over the workers that run it, and restored.

    Raises:
        ChildFailedError: that does not come to be, or a worker ends.
    """
    until = time.monotonic() + READY_SECONDS
    names = ("language", "sentiment", "crisis", "routing")
    runs = [some or names for some in stages]
    while True:
        for worker in children:
            worker.check()
        if all(page(port, "readyz") for port in ports) and all(
            reading(port, "webcare_partitions", stage=name) == DEFAULT_PARTITIONS / sum(name in some for some in runs)
            for port, own in zip(ports, runs, strict=True)
            for name in own
        ):
            return
        if time.monotonic() > until:
            raise ChildFailedError(f"the workers do not share the partitions:\n{children[0].last_words()}")
        time.sleep(0.2)
