"""The report of the benchmark, from its figures: ratios first, each with its target; then what they are made of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from figures import Spread, ratio, spread
from systems import BY_NAME

Rounds = Mapping[int, Mapping[str, Any]]
MEGABYTE = 1_000_000
BUSY = 0.2
"""Cores that others may use before the report judges no speed any more."""
BUSY_LOAD = 1.5
"""The same by the load average at the start, for parts that drain no backlog."""


class Target(NamedTuple):
    """A line of the first table. ``value`` None: not measured in this run. ``limit`` is met by what is ``below`` it, or not."""

    what: str
    value: Spread | None
    limit: float | None
    below: bool
    form: str = "{:.2f}"
    note: str = ""
    judged: bool = True
    failed: bool = False
    """It has no value because the system could not do it at all."""

    @property
    def verdict(self) -> str:
        """Whether the median meets the target; no verdict where others had the machine too."""
        if self.value is None and not self.failed:
            return "not measured"
        if self.limit is None:
            return ""
        if not self.judged:
            return "not judged"
        if self.value is None:
            return "**missed**"
        met = self.value.median <= self.limit if self.below else self.value.median >= self.limit
        return "met" if met else "**missed**"

    def row(self) -> list[str]:
        """The cells."""
        wanted = "" if self.limit is None else f"{'≤' if self.below else '≥'} {self.form.format(self.limit)}"
        return [self.what, shown(self.value, self.form), wanted, self.verdict, self.note]


def shown(value: Spread | None, form: str = "{:,.0f}") -> str:
    """A median with its range; one figure where the range is nothing to speak of."""
    if value is None:
        return "–"
    middle, low, high = (form.format(figure) for figure in value)
    return middle if low == high else f"{middle} ({low} to {high})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def over(rounds: Rounds, *path: str) -> dict[int, float]:
    """Round → figure at ``path``, of the rounds that have it (JSON made text of the numbers)."""
    found = {}
    for number, value in rounds.items():
        inner: Any = value
        for name in path:
            inner = inner.get(name) if isinstance(inner, Mapping) else None
        if inner is not None:
            found[int(number)] = float(inner)
    return found


def of(rounds: Rounds, *path: str) -> Spread | None:
    """The spread of a figure over the rounds."""
    values = over(rounds, *path)
    return spread(list(values.values())) if values else None


def targets(figures: Mapping[str, Any]) -> list[Target]:
    """What was aimed at, and what came out."""
    light, real, growth = figures.get("light", {}), figures.get("real", {}), figures.get("growth", {})
    ours, own = light.get("ours", {}), real.get("ours", {})

    def versus(one: Rounds, kind: Mapping[str, Rounds], other: str, figure: str) -> Spread | None:
        return ratio(over(one, figure), over(kind.get(other, {}), figure))

    one, two = over(growth.get("one worker", {}), "rate"), over(growth.get("two workers", {}), "rate")
    added = ratio(two, one)
    alert = figures.get("alerts", {}).get("alert", {})
    micros = "worker_micros"
    lines = [
        Target("runtime alone: CPU per mention, ours / Quix Streams", versus(ours, light, "quix", micros), 0.5, True),
        Target("runtime alone: CPU per mention, ours / stock Faust", versus(ours, light, "faust", micros), 0.05, True, "{:.3f}"),
        Target(
            "the same, Faust's sends not awaited",
            versus(ours, light, "faust-unacknowledged", micros),
            None,
            True,
            "{:.3f}",
            "for comparison",
        ),
        Target(
            "runtime alone: CPU per mention, ours / confluent-kafka loop",
            versus(ours, light, "confluent", micros),
            None,
            True,
            "{:.2f}",
            "C client, no state",
        ),
        Target("real stages: throughput, ours / stock Faust", versus(own, real, "faust", "rate"), 5.0, False, "{:.1f}"),
        Target("real stages: throughput, ours / Quix Streams", versus(own, real, "quix", "rate"), None, False),
        Target("real stages: throughput, ours / confluent-kafka loop", versus(own, real, "confluent", "rate"), None, False),
        Target("a second worker adds, share of the first", plus(added, -1.0), 0.7, False, "{:.2f}", _cores(figures)),
        Target("runtime alone: µs CPU per mention over four hops", of(ours, micros), 30.0, True, "{:.1f}", "a goal"),
        Target("real stages: mentions/s, one process", of(own, "rate"), 2_500.0, False, "{:,.0f}"),
        Target(
            "real stages: mentions/s, two workers",
            of(growth.get("two workers", {}), "rate"),
            6_000.0,
            False,
            "{:,.0f}",
            "a goal, with two cores",
        ),
        _pace(own, "50", 100.0),
        _pace(own, "500", 150.0),
        Target("raw→routed at 80 % of what it sustains, p99 ms", of(own, "paces", "80 %", "p99"), 300.0, True, "{:,.0f}", _sustained(own)),
        Target(
            "deciding record→alert, longest, ms",
            spread([alert["max"]]) if alert else None,
            1_000.0,
            True,
            "{:,.0f}",
            f"{alert['samples']:.0f} alerts" if alert else "",
        ),
        Target("memory with 1,000 brands, without seen identities, MB", _memory(figures), 400.0, True, "{:,.0f}", _seen(own)),
        Target("bytes of a seen identity", _identity(figures), 64.0, True, "{:,.0f}", "allocated"),
        *_models(figures.get("libraries", {})),
    ]
    quiet = not is_busy(figures)
    return [
        line._replace(judged=quiet or line.what.startswith(("memory", "bytes")))
        for line in lines
        if line.value is not None or line.limit is not None
    ]


def _pace(own: Rounds, pace: str, limit: float) -> Target:
    """A latency at a pace. A system that cannot keep the pace has not merely gone unmeasured."""
    failed = any(pace in found.get("too_fast", ()) for found in own.values())
    note = "too near to, or beyond, its throughput in a round" if failed else ""
    value = None if failed else of(own, "paces", pace, "p99")
    return Target(f"raw→routed at {pace}/s, p99 ms", value, limit, True, "{:,.0f}", note, failed=failed)


def _sustained(own: Rounds) -> str:
    found = of(own, "sustained")
    return "" if found is None else f"sustained: {shown(found)}/s, producer beside it"


def _identity(figures: Mapping[str, Any]) -> Spread | None:
    each = figures.get("libraries", {}).get("identity_bytes")
    return None if each is None else spread([each])


LANGUAGE, EXACT, WHOLE = "language, ours in batches", "vader, ours", "sentiment, ours: "
PACKAGES = {
    LANGUAGE: "language, py3langid.classify",
    "language, ours one by one": "language, py3langid.classify",
    EXACT: "vader, vaderSentiment",
}


def _micros(found: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    """What was timed → microseconds of CPU per text, by round."""
    return {name: dict(enumerate(values)) for name, values in found.get("micros", {}).items()}


def _packages(found: Mapping[str, Any]) -> dict[str, str]:
    """What of ours was timed → the package it stands beside."""
    return PACKAGES | {name: name.replace("ours", "vaderSentiment") for name in _micros(found) if name.startswith(WHOLE)}


def _models(found: Mapping[str, Any]) -> Iterator[Target]:
    """Language and sentiment beside the packages they come from, and what loading both takes."""
    micros, packages = _micros(found), _packages(found)

    def times(one: str) -> Spread | None:
        return ratio(micros.get(packages[one], {}), micros.get(one, {}))

    yield Target("language in batches, times as fast as py3langid", times(LANGUAGE), 3.0, False, "{:.1f}")
    yield Target("VADER's figures, times as fast as vaderSentiment", times(EXACT), 4.0, False, "{:.1f}")
    for name, package in packages.items():
        if name.startswith(WHOLE):
            what = f"all of sentiment, {name.removeprefix(WHOLE)}: CPU per text, ours / vaderSentiment"
            yield Target(what, ratio(micros[name], micros[package]), 1.0, True)
    loading = dict(enumerate(found.get("loading", ())))
    yield Target("loading language and sentiment, s of CPU", of(loading, "seconds"), 2.0, True, "{:.1f}", "all imports, first texts too")
    yield Target("memory of both, MB", of(loading, "megabytes"), 250.0, True, "{:,.0f}", "with the interpreter")


def _seen(own: Rounds) -> str:
    """After how much it was: state grows with what has been seen."""
    seen = of(own, "records_seen")
    return "" if seen is None else f"after {seen.median:,.0f} mentions"


def plus(value: Spread | None, added: float) -> Spread | None:
    """A spread moved."""
    return None if value is None else Spread(*(figure + added for figure in value))


def _memory(figures: Mapping[str, Any]) -> Spread | None:
    bytes_each = figures.get("libraries", {}).get("identity_bytes")
    rounds = figures.get("real", {}).get("ours", {})
    if not bytes_each or not rounds:
        return None
    values = [(found["resident_after"] - found["records_seen"] * bytes_each) / MEGABYTE for found in rounds.values()]
    return spread(values)


def _cores(figures: Mapping[str, Any]) -> str:
    """What the machine leaves for a second worker: the sum of CPU shares."""
    rounds = figures.get("growth", {}).get("two workers", {})
    if not rounds:
        return ""
    workers = spread([sum(found["worker_shares"]) for found in rounds.values()]).median
    broker = spread([found["broker_share"] for found in rounds.values()]).median
    return f"both used {workers:.2f} cores, the broker {broker:.2f}"


def render(figures: Mapping[str, Any]) -> str:
    """The whole report as Markdown."""
    parts = [
        *_head(figures["about"]),
        *_quiet(figures),
        *table(("ratio or figure", "median (range)", "target", "", ""), [t.row() for t in targets(figures)]),
    ]
    for kind, title in (("light", "Runtime alone"), ("real", "The real stages")):
        if figures.get(kind):
            parts += [f"## {title}", "", *_systems(figures[kind]), *_paces(figures[kind])]
    if figures.get("growth"):
        parts += ["## Worker processes", "", *_growth(figures["growth"])]
    if figures.get("alerts"):
        parts += ["## Alerts", "", *_alerts(figures["alerts"])]
    if figures.get("libraries"):
        parts += ["## Models against their packages", "", *_libraries(figures["libraries"])]
    if figures.get("real"):
        parts += ["## Memory", "", *_memories(figures)]
    parts += ["## What the others do not do", "", *table(("system", "lacks"), [[s.title, s.lacks] for s in BY_NAME.values() if s.lacks])]
    return "\n".join([*parts, *METHOD])


def _head(about: Mapping[str, Any]) -> Iterator[str]:
    yield "# Benchmark"
    yield ""
    yield f"`{about['command']}`, {about['date']}, commit {about['commit']}, {about['rounds']} rounds, {about.get('minutes', '?')} minutes."
    yield f"{about['machine']}; {about['system']}; Python {about['python']}; load average {about['load']} at the start."
    yield ", ".join(f"{name} {version}" for name, version in about["versions"].items()) + "."
    yield ""


def foreign_shares(figures: Mapping[str, Any]) -> list[float]:
    """Cores that other work took, by backlog."""
    kinds = [figures.get(part) or {} for part in ("light", "real", "growth")]
    return [found["foreign_share"] for kind in kinds for rounds in kind.values() for found in rounds.values() if "foreign_share" in found]


def is_busy(figures: Mapping[str, Any]) -> bool:
    """Whether others had the machine too. Then not even ratios are fair: two processes get two shares of a crowded machine where one gets
    one, and what waits for the broker (Faust) spends CPU on waiting.
    """
    shares = foreign_shares(figures)
    return spread(shares).median > BUSY if shares else bool(figures["about"]["load"] > BUSY_LOAD)


def _quiet(figures: Mapping[str, Any]) -> Iterator[str]:
    if shares := foreign_shares(figures):
        usual = spread(shares)
        yield f"While backlogs were drained, other work on the machine took {usual.median:.2f} cores (at most {usual.high:.2f})."
    if is_busy(figures):
        yield "**The machine was busy, so no speed is judged here: rates and times are worse than on a quiet one, and ratios are off too.**"
    yield ""


def _systems(kind: Mapping[str, Rounds]) -> Iterator[str]:
    rows = [
        [
            BY_NAME[name].title,
            shown(of(rounds, "rate")),
            shown(of(rounds, "worker_micros"), "{:,.1f}"),
            shown(of(rounds, "broker_micros"), "{:,.1f}"),
            shown(of(rounds, "records")),
        ]
        for name, rounds in kind.items()
    ]
    yield from table(("system", "records/s", "worker µs CPU per record", "broker µs", "backlog"), rows)


def _paces(kind: Mapping[str, Rounds]) -> Iterator[str]:
    rows = []
    for name, rounds in kind.items():
        for pace in ("50", "500", "80 %"):
            if (middle := of(rounds, "paces", pace, "p50")) is None:
                continue
            rest = [shown(of(rounds, "paces", pace, figure)) for figure in ("p95", "p99", "max", "samples")]
            rate = of(rounds, "paces", pace, "rate")
            shares = [shown(of(rounds, "paces", pace, share), "{:.2f}") for share in ("worker_share", "broker_share")]
            label = f"80 %: {shown(rate)}" if pace == "80 %" else pace
            rows.append([BY_NAME[name].title, label, shown(middle), *rest, *shares])
    if rows:
        yield from table(("raw→routed, ms", "records/s", "p50", "p95", "p99", "longest", "samples", "worker cores", "broker cores"), rows)


def _growth(growth: Mapping[str, Rounds]) -> Iterator[str]:
    rows = []
    for name, rounds in growth.items():
        each = [" + ".join(f"{share:.2f}" for share in found["worker_shares"]) for found in rounds.values()]
        micros = shown(of(rounds, "worker_micros"))
        rows.append([name, shown(of(rounds, "rate")), micros, "; ".join(each), shown(of(rounds, "broker_share"), "{:.2f}")])
    yield from table(
        ("real stages", "mentions/s", "worker µs CPU per mention", "cores used by each worker, by round", "broker cores"), rows
    )
    yield "Where the sum of the cores used comes near to what the machine has, more workers cannot add more here."
    yield ""


def _alerts(alerts: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [name, *(f"{alerts[part][figure]:,.0f}" for figure in ("p50", "p95", "p99", "max", "samples"))]
        for name, part in (("deciding record→alert.event", "alert"), ("raw→routed meanwhile", "routed"))
    ]
    yield from table(("ms", "p50", "p95", "p99", "longest", "samples"), rows)
    yield f"{alerts['rows']} rows of 30 complaints in five minutes of event time, which runs 60 times as fast as the clock: all brands'"
    yield "buckets close every 5 s. From the append of the record (mention or tick) that moved the brand's time far enough."
    yield ""


def _libraries(found: Mapping[str, Any]) -> Iterator[str]:
    micros = _micros(found)
    rows = [
        [
            one,
            shown(ratio(micros[other], micros[one]), "{:.1f}"),
            *(shown(spread(list(micros[n].values())), "{:.1f}") for n in (one, other)),
        ]
        for one, other in _packages(found).items()
    ]
    yield from table(("", "times as fast as the package", "ours, µs CPU per text", "package"), rows)


def _memories(figures: Mapping[str, Any]) -> Iterator[str]:
    each = figures.get("libraries", {}).get("identity_bytes")
    rows = []
    for name, rounds in figures["real"].items():
        start, after = (spread([found[key] / MEGABYTE for found in rounds.values()]) for key in ("resident_at_start", "resident_after"))
        rows.append([BY_NAME[name].title, shown(start), shown(after), shown(of(rounds, "records_seen"))])
    yield from table(("resident memory, MB", "first record out", "at the end", "mentions seen by then"), rows)
    if each:
        yield f"A seen identity takes {each} bytes as allocated, is kept for 7 days, and is counted apart in the target above."
        yield ""


METHOD = (
    "## Method",
    "",
    "- One embedded Apache Kafka; all topics are deleted and made anew (8 partitions, production settings) before each measurement.",
    "  One system at a time, its worker in a process of its own. The order turns round from round to round; ratios are taken within",
    "  a round; told are median and range.",
    "- Throughput: the worker is started and warmed up, frozen (SIGSTOP) while the backlog is appended, and let go. The clock runs",
    "  from there to the broker's append time of the last routed record. CPU from `/proc/<pid>/stat`, all threads. Slower systems",
    "  get a shorter backlog of the same records.",
    "- Runtime alone: 271-byte records; each stage decodes, sets a field and encodes. Ours adds origin and append-time headers and",
    "  writes a small state per brand to the changelog; the others do nothing more.",
    "- Real stages: 1,000 brands (Zipf), texts of 20 to 280 characters in Dutch, English and German from the demo's phrases, 16 %",
    "  complaints, threads, reviews and mails, written at 50 mentions a second of event time. The others run the same stage code with",
    "  state in memory and take no snapshots; Faust and Quix Streams hand records over one by one, so they miss what batches win.",
    "- Faust: `async for`, raw bytes, uvloop; every send's acknowledgement is awaited before the next event, as somebody must who may",
    "  not lose records. Quix Streams: one application, four chained topics, at-least-once, a checkpoint a second. confluent-kafka:",
    "  poll, process, produce, flush, commit, in one loop.",
    "- Latency: a producer process appends at random moments (Poisson) at the pace named; from the append time of the raw record to",
    "  that of its routed record, both by the broker's clock. Ours runs with its live ticker. What it sustains is what it routes a",
    "  second while 1.2 times its throughput is sent: producer, broker and worker share the cores then, as in all latencies.",
    "",
)
