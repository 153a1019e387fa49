"""What a seed stands for: its topology, its load, its faults and when they strike. Drawn once, printed, the same for the same seed."""

from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from load import HOURS

KINDS: dict[str, str] = {
    "kill-worker": "`kill -9` of a worker",
    "term-worker": "SIGTERM of a worker, started again",
    "sleep-worker": "SIGSTOP of a worker for longer than its session, then SIGCONT",
    "sleep-in-write": "a worker falls asleep (SIGSTOP) for longer than its session between two steps of the protocol, then wakes up",
    "die-in-write": "`kill -9` of a worker between two steps of the protocol",
    "kill-broker": "`kill -9` of the broker, restarted on the same data",
    "pause-broker": "broker paused (SIGSTOP) and continued",
    "slow-broker": "broker paused for most of the time while the load comes at full rate: every producer's buffer is full",
    "storm": "consumers join and leave all groups every second or so, and a worker every few seconds",
    "clock": "a worker with a wrong wall clock (hours), which jumps again while it runs",
    "poison": "records at fault written straight into language, sentiment and assessed (raw always has some)",
    "slow-stage": "a stage that blocks its process for longer than the session, in the middle of a batch",
    "compaction": "changelogs compacted all the time (segments of a second, no lag), and restored",
    "disk-full": "the broker's disk is full until space is made again",
}
"""Every kind of fault, and what it is."""

POINTS = ("computed", "outputs", "changing", "state", "committing", "committed")
STAGES = ("language", "sentiment", "crisis", "routing")
TOPOLOGIES: tuple[tuple[str, ...], ...] = (
    ("", ""),
    ("", "", ""),
    ("", "crisis,routing"),
    ("language,sentiment", "crisis,routing", ""),
    ("language,crisis", "sentiment,routing", "language,crisis,routing,sentiment"),
    ("", "sentiment"),
)
"""Stages of each worker; empty: all."""


class Strike(NamedTuple):
    """One fault at a time (seconds after the load begins)."""

    at: float
    kind: str
    how: dict[str, Any]

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.how.items())
        return f"{self.at:6.1f} s  {self.kind} {told}".rstrip()


@dataclass(frozen=True)
class Plan:
    """All of a seed."""

    seed: int
    kinds: tuple[str, ...]
    mode: str
    topology: tuple[str, ...]
    brands: int
    mentions: int
    partitions: int
    seconds: float
    hours: float
    strikes: tuple[Strike, ...]
    inside: dict[str, Any] = field(default_factory=dict)
    sabotage: str | None = None

    def lines(self) -> list[str]:
        """For people."""
        workers = " + ".join(stages or "all" for stages in self.topology)
        head = [
            f"seed {self.seed}: {', '.join(self.kinds) or 'no faults'}",
            f"workers: {workers}; time: {self.mode}; {self.mentions} mentions or more of {self.brands} brands in {self.seconds:.0f} s, "
            f"{self.partitions} partitions",
        ]
        head += [f"inside: {name} {told}" for name, told in self.inside.items()]
        if self.sabotage:
            head.append(f"sabotage: {self.sabotage}")
        return head + [str(strike) for strike in self.strikes]


def draw(
    seed: int,
    *,
    kinds: tuple[str, ...] | None = None,
    workers: int | None = None,
    minutes: float | None = None,
    mentions: int | None = None,
    mode: str | None = None,
    hours: float | None = None,
    sabotage: str | None = None,
) -> Plan:
    """The plan of a seed; what is given overrides what is drawn."""
    rng = Random(f"{seed} plan")
    names = list(KINDS)
    chosen = [names[(seed - 1) % len(names)]]
    others = rng.sample(names, len(names))
    for name in others:
        if name not in chosen and len(chosen) < 1 + seed % 3 and _goes_with(name, chosen):
            chosen.append(name)
    drawn_mode = "live" if rng.random() < 0.4 else "file"
    topology = rng.choice([one for one in TOPOLOGIES if workers is None or len(one) == workers] or [("",) * (workers or 2)])
    seconds = 22.0 if minutes is None else minutes * 60
    plan_kinds = tuple(chosen) if kinds is None else kinds
    brands, drawn_mentions = rng.randrange(20, 36), rng.randrange(2_000, 3_001)
    strikes: list[Strike] = []
    inside: dict[str, Any] = {}
    for kind in plan_kinds:
        strikes += _strikes(kind, seconds, len(topology), Random(f"{seed} {kind}"))
        inside |= _inside(kind, Random(f"{seed} {kind} inside"))
    return Plan(
        seed,
        plan_kinds,
        mode or drawn_mode,
        topology,
        brands,
        mentions or drawn_mentions,
        3,
        seconds,
        hours or HOURS,
        tuple(sorted(strikes, key=lambda strike: strike.at)),
        inside,
        sabotage,
    )


def _goes_with(name: str, chosen: list[str]) -> bool:
    """A stale snapshot and the newer one must both be visible for an hour, so no sleeper may meet a compaction without lag."""
    sleepers = {"sleep-worker", "sleep-in-write", "slow-stage"}
    together = {name, *chosen}
    if "compaction" in together and together & sleepers:
        return False
    return len(together & {"kill-broker", "pause-broker", "slow-broker", "disk-full"}) <= 1


def _strikes(kind: str, seconds: float, workers: int, rng: Random) -> list[Strike]:
    def times(count: int, first: float = 2.0, last: float | None = None) -> list[float]:
        scale = seconds / 22.0
        end = (last if last is not None else 20.0) * scale
        return sorted(round(rng.uniform(first * scale, end), 1) for _ in range(max(1, round(count * scale))))

    match kind:
        case "kill-worker":
            return [Strike(at, kind, {"worker": rng.randrange(workers)}) for at in times(4)]
        case "term-worker":
            return [Strike(at, kind, {"worker": rng.randrange(workers)}) for at in times(4)]
        case "sleep-worker":
            return [Strike(at, kind, {"worker": rng.randrange(workers), "seconds": round(rng.uniform(5.5, 8.0), 1)}) for at in times(3)]
        case "kill-broker":
            return [Strike(at, kind, {"seconds": round(rng.uniform(0.1, 3.0), 1)}) for at in times(2, 3.0, 16.0)]
        case "pause-broker":
            return [Strike(at, kind, {"seconds": round(rng.uniform(1.0, 7.0), 1)}) for at in times(3, 2.0, 16.0)]
        case "slow-broker":
            return [Strike(at, kind, {"seconds": 6.0}) for at in times(2, 2.0, 14.0)]
        case "storm":
            return [Strike(round(2.0 * seconds / 22, 1), kind, {"seconds": round(seconds * 0.7, 1)})]
        case "clock":
            offsets = (-7_200.0, 10_800.0, -86_400.0 * 400, 86_400.0 * 30, 0.0, 90.0)
            return [Strike(at, kind, {"worker": rng.randrange(workers), "offset": rng.choice(offsets)}) for at in [0.0, *times(5)]]
        case "poison":
            return [Strike(at, kind, {"records": rng.randrange(3, 30)}) for at in times(8)]
        case "disk-full":
            return [Strike(at, kind, {"seconds": round(rng.uniform(1.0, 4.0), 1)}) for at in times(1, 5.0, 12.0)]
        case "compaction":
            return [Strike(at, "kill-worker", {"worker": number % workers}) for number, at in enumerate(times(3, 5.0))]
        case _:
            return []


def _inside(kind: str, rng: Random) -> dict[str, Any]:
    """``within`` so many times that a worker comes to that point, it happens."""
    point = rng.choice(POINTS)
    within = 12 if point in ("committing", "committed") else 60
    match kind:
        case "sleep-in-write":
            return {"freeze": {"point": point, "within": within}}
        case "die-in-write":
            return {"die": {"point": point, "within": within}}
        case "slow-stage":
            return {"slow": {"stage": rng.choice(STAGES), "seconds": 5.5, "within": 12}}
        case _:
            return {}
