"""One simulated brand through the product's own stages, in process, and through the rules of other products on the same labels."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from happenings import Truth
from phrasing import TOPICS
from rhythms import PER_DAY, START
from scoring import Happened, Incident, Score, score
from simulate import write_config
from world import WARM_UP_DAYS, SimBrand, World, build

from agents.backtest.history import STAGES, BrandHistory, read_history
from agents.deployment import build_stages, load_deployment
from agents.replay import RawRecord, in_order, read_line, replay
from agents.settings import DEMO_KEY
from pipeline.partition import Partitioner
from pipeline.stage import Stage
from pipeline.vendor_rules import VENDOR_RULES, alarms

OURS = "webcare"
NEGATIVE = frozenset({"complaint", "mild", "sarcasm", "bot", *TOPICS})
_FIRST_BUCKET = int(START.timestamp()) // 300
_JUDGED_FROM = 7 * 1_440.0
"""Minutes: a week of history is granted to everybody."""


def happened(truth: Truth) -> Happened:
    """In minutes."""
    heard = truth.onset if truth.heard is None else truth.heard
    return Happened(truth.kind, truth.what, truth.onset * 5.0, truth.end * 5.0, heard * 5.0)


def incidents_of(history: BrandHistory, arrived: list[float]) -> list[Incident]:
    """Each row once: without children of another, and what turned out to be part of another together with that.

    ``arrived``: minutes at which each raw record was there, by offset.
    """
    rises: dict[str, list[tuple[float, float]]] = defaultdict(list)
    kinds: dict[str, str] = {}
    becomes: dict[str, str] = {}
    for raised in history.raised:
        alert = raised.alert
        if alert.parent_incident_id is not None:
            if alert.incident_id in rises:  # told as one of its own before
                becomes[alert.incident_id] = alert.parent_incident_id
            continue
        if alert.transition not in ("raised", "escalated", "updated"):
            continue
        if alert.kind == "crisis" and (alert.tier not in ("warning", "crisis") or alert.transition == "updated"):
            continue
        at = (alert.updated_at - START).total_seconds() / 60
        known = arrived[raised.decided_by.offset] if raised.decided_by is not None and raised.decided_by.offset < len(arrived) else at
        rises[alert.incident_id].append((at, max(at, known)))
        kinds.setdefault(alert.incident_id, alert.kind)
    ends = {name: _bucket_end(name) for name in rises}
    for part, whole in becomes.items():
        name = whole
        while name in becomes:
            name = becomes[name]
        told = rises.pop(part, [])
        if told and (not rises[name] or told[0] < rises[name][0]) and part.split("-")[0] != name.split("-")[0]:
            ends[name] = ends[part]  # what was seen first, in a part of the brand
        rises[name] = sorted(told + rises[name])
    return [
        Incident(kinds.get(name, "crisis"), times[0][0], times[0][1], tuple(known for _, known in times[1:]), ends.get(name))
        for name, times in rises.items()
        if times
    ]


def _bucket_end(name: str) -> float:
    """Of the bucket that an incident is named after, in minutes."""
    return (datetime.strptime(name[-14:], "%Y%m%dT%H%MZ").replace(tzinfo=UTC) - START).total_seconds() / 60 + 5.0


def judged(brand: SimBrand, weeks: int, everybody: tuple[SimBrand, ...]) -> dict[str, Any]:
    """Scores by detector name, and how well the labels were. Builds the brand's weeks anew: nothing is read from files.

    ``everybody``: the brands of the registry.
    """
    world = build(brand, weeks)
    truth = [happened(one) for one in world.truth]
    arrived: list[float] = []
    history = _history(world, weeks, everybody, arrived)
    last = weeks * 7 * 1_440.0
    bounds = {"first": _JUDGED_FROM, "busy": WARM_UP_DAYS * 1_440.0 if truth else last, "last": last}
    scores: dict[str, Score] = {OURS: score(incidents_of(history, arrived), truth, **bounds)}
    negatives = [float(history.negatives[_FIRST_BUCKET + bucket]) for bucket in range(weeks * 7 * PER_DAY)]
    for rule in VENDOR_RULES:
        times = [(bucket + 1) * 5.0 for bucket in alarms(rule, negatives)]
        scores[rule.name] = score([Incident("crisis", at, at) for at in times], truth, **bounds)
    return {"brand": brand.slug, "size": brand.size, "lines": len(world.lines), "scores": scores, "labels": _labels(world, history)}


def _history(world: World, weeks: int, everybody: tuple[SimBrand, ...], arrived: list[float]) -> BrandHistory:
    lines = [read_line(number, line) for number, (_, line) in enumerate(world.lines, start=1)]
    lines, times = in_order(lines, sort=False, name=world.brand.slug)
    arrivals = iter(at for at, _ in world.lines)

    def noted() -> Iterator[RawRecord]:
        for record in replay(lines, times, Partitioner(1)):
            # A live tick comes on the wall clock's minute, whatever is written.
            at = record.at if record.is_tick else next(arrivals).timestamp()
            arrived.append((at - START.timestamp()) / 60)
            yield record

    slug = world.brand.slug
    return read_history(noted(), _stages(everybody, weeks), keep_labels=True).get(slug, BrandHistory(slug))


@cache
def _stages(brands: tuple[SimBrand, ...], weeks: int) -> list[Stage]:
    """The models are loaded once a process; every history opens partitions of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_config(Path(folder), brands, weeks)
        return build_stages(load_deployment(Path(folder)), DEMO_KEY, 1, STAGES)


def _labels(world: World, history: BrandHistory) -> Counter[tuple[str, str]]:
    """How often what was meant got which label: (negative or other, label)."""
    out: Counter[tuple[str, str]] = Counter()
    for mention_id, tone in world.meant.items():
        label = history.labels.get(mention_id)
        if label is not None:
            out["negative" if tone in NEGATIVE else "other", label] += 1
    return out
