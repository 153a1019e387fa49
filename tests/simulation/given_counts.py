"""The evaluations whose data is not in the repository: NAB's five public brands and the count simulation, read from DATA and its tools."""

import csv
import importlib.util
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from scoring import Happened, Incident, Score, score

from pipeline.series import Counts, detect_counts, detect_series
from pipeline.vendor_rules import VENDOR_RULES, alarms
from pipeline.watch import Announced

OURS = "webcare"
PROFILES = {"standard": "standard", "reward_low_FP_rate": "low false positives", "reward_low_FN_rate": "low false negatives"}


def nab(data: Path, tools: Path) -> dict[str, dict[str, Any]]:
    """Per detector: score of each profile, F1, false episodes per brand-week. At the detectors' own alarms, no threshold is searched."""
    scorer = _module(tools / "nab_score.py")
    labels = data / "crisis" / "nab" / "labels.json"
    series: dict[str, list[tuple[datetime, float]]] = {}
    for brand in msgspec.json.decode(labels.read_bytes())["brands"]:
        with (labels.parent / f"{brand}.csv").open(newline="") as file:
            series[brand] = [(datetime.fromisoformat(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    detectors: dict[str, Callable[[list[tuple[datetime, float]]], list[float]]] = {OURS: _by_us}
    for rule in VENDOR_RULES:
        detectors[rule.name] = lambda rows, rule=rule: _pulses(len(rows), alarms(rule, [value for _, value in rows]))  # type: ignore[misc]
    out: dict[str, dict[str, Any]] = {}
    for name, detector in detectors.items():
        with tempfile.TemporaryDirectory() as folder:
            for brand, rows in series.items():
                with (Path(folder) / f"{brand}.csv").open("w", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(["timestamp", "anomaly_score"])
                    writer.writerows((at.isoformat(sep=" "), mark) for (at, _), mark in zip(rows, detector(rows), strict=True))
            found = scorer.evaluate(scorer.load(labels, folder), 0.5)
        standard = found["standard"]
        out[name] = {title: found[profile]["score"] for profile, title in PROFILES.items()}
        out[name] |= {"f1": standard["f1"], "false_per_week": standard["false_per_brand_week"], "delay": standard["median_delay_min"]}
    return out


def _by_us(rows: list[tuple[datetime, float]]) -> list[float]:
    return [judged.anomaly_score for judged in detect_series(rows)]


def _pulses(length: int, at: Iterator[int]) -> list[float]:
    out = [0.0] * length
    for index in at:
        out[index] = 1.0
    return out


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def count_simulation(tools: Path, seed: int | None = None) -> dict[str, dict[str, Score]]:
    """Per detector and brand size (and ``all``): the seeded simulation of 30 brands in counts, judged like that of mentions."""
    out: dict[str, dict[str, Score]] = defaultdict(lambda: defaultdict(Score))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, str(tools / "crisis_sim.py"), folder, *([] if seed is None else [str(seed)])],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        truth = msgspec.json.decode((Path(folder) / "truth.json").read_bytes())
        busy = truth["eval_from"] * 5.0
        for brand, known in truth["brands"].items():
            rows = list(_rows(Path(folder) / f"{brand}.csv"))
            happened = [_happened(incident) for incident in known["incidents"]]
            bounds = {"first": 2_016 * 5.0, "busy": busy, "last": len(rows) * 5.0}
            found = {OURS: _our_incidents(rows)}
            for rule in VENDOR_RULES:
                found[rule.name] = [
                    Incident("crisis", (at + 1) * 5.0, (at + 1) * 5.0) for at in alarms(rule, [row.negatives for row in rows])
                ]
            for name, incidents in found.items():
                one = score(incidents, happened, **bounds)
                out[name][known["size"]].add(one)
                out[name]["all"].add(one)
    return out


def _rows(path: Path) -> Iterator[Counts]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            announced = Announced(float(row["mult_tot"]), float(row["mult_neg"]))
            yield Counts(datetime.fromtimestamp(int(row["ts"]), UTC), float(row["tot"]), float(row["neg"]), announced)


def _happened(incident: dict[str, Any]) -> Happened:
    what = {"undetectable": "faint"}.get(incident["kind"], incident["kind"])
    onset = incident["start"] * 5.0
    return Happened({"posviral": "positive_viral"}.get(incident["type"], incident["type"]), what, onset, incident["end"] * 5.0, onset)


def _our_incidents(rows: list[Counts]) -> list[Incident]:
    """Rises of one incident are an incident: a warning, and what becomes of it within six hours."""
    out: list[Incident] = []
    for raised in detect_counts(rows):
        at = (raised.bucket + 1) * 5.0
        if raised.kind == "surge":
            out.append(Incident("surge", at, at))
            continue
        open_one = next((index for index in range(len(out) - 1, -1, -1) if out[index].kind == "crisis"), None)
        if raised.kind == "crit" and open_one is not None and at - out[open_one].at <= 360:
            out[open_one] = out[open_one]._replace(paged_at=(*out[open_one].paged_at, at))
        else:
            out.append(Incident("crisis", at, at))
    return out
