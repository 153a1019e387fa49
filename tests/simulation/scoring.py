"""Incidents against the truth: detected, false alarms, delay, incidents per crisis. One row of trouble is one incident.

Times are minutes from the start. An incident counts from the moment at which it first had tier warning or crisis.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, NamedTuple

AFTERMATH = 360.0
"""Minutes after a crisis in which an incident is neither right nor false."""


class Happened(NamedTuple):
    """One thing that really happened. ``heard``: before that nobody could know."""

    kind: str
    what: str
    onset: float
    end: float
    heard: float


class Incident(NamedTuple):
    """``at``: its event time; ``known_at``: when the record that decided had arrived; ``paged_at``: all moments at which it rose a tier.

    ``bucket_end``: of the bucket that raised it; None: not known.
    """

    kind: str
    at: float
    known_at: float
    paged_at: tuple[float, ...] = ()
    bucket_end: float | None = None


LATENESS = 10.0
"""Minutes that a bucket stays open after its end."""


@dataclass
class Score:
    """Of one brand or several together."""

    months: float = 0.0
    quiet_months: float = 0.0
    crises: int = 0
    detected: int = 0
    false: int = 0
    false_quiet: int = 0
    incidents: int = 0
    delays: list[float] = field(default_factory=list)
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)
    delays_by_kind: dict[str, list[float]] = field(default_factory=dict)
    told: list[tuple[float, float]] = field(default_factory=list)
    """Of crises told of by a new incident: delay as it was, and until the end of the bucket that raised it, lateness left out."""

    def add(self, other: "Score") -> None:
        """Take another one in."""
        for name in ("months", "quiet_months", "crises", "detected", "false", "false_quiet", "incidents"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays += other.delays
        self.told += other.told
        self.by_kind += other.by_kind
        for kind, delays in other.delays_by_kind.items():
            self.delays_by_kind.setdefault(kind, []).extend(delays)

    def figures(self) -> dict[str, Any]:
        """For tables and JSON. False alarms are per brand and 30 days; the delay is in minutes."""
        return {
            "crises": self.crises,
            "detected": self.detected,
            "share": self.detected / self.crises if self.crises else None,
            "false_per_month": self.false / self.months if self.months else None,
            "false_per_quiet_month": self.false_quiet / self.quiet_months if self.quiet_months else None,
            "median_delay": median(self.delays) if self.delays else None,
            "incidents_per_crisis": self.incidents / self.detected if self.detected else None,
            **self._early(),
        }

    def _early(self) -> dict[str, Any]:
        """What early raises gain, in minutes before the close of the bucket (10 minutes after its end)."""
        if not self.told:
            return {}
        gains = sorted(closed + LATENESS - told for told, closed in self.told if told < closed + LATENESS)
        tenths = quantiles(gains, n=10) if len(gains) > 1 else gains * 9
        return {
            "raised": len(self.told),
            "raised_early": len(gains),
            "raised_delay": median(told for told, _ in self.told),
            "closed_delay": median(closed for _, closed in self.told),
            "gains": [tenths[0], median(gains), tenths[8]] if gains else None,
        }


def score(incidents: Sequence[Incident], truth: Sequence[Happened], *, first: float, busy: float, last: float) -> Score:
    """Judge one brand.

    ``first``: nothing is judged before; ``busy``: happenings begin there, what is before is a quiet time; ``last``: the end.
    """
    crises = [happened for happened in truth if happened.what == "crisis"]
    faint = [happened for happened in truth if happened.what == "faint"]
    others = [happened for happened in truth if happened.what not in ("crisis", "faint")]
    alarms = [incident for incident in incidents if incident.kind == "crisis" and first <= incident.at < last]
    out = Score(months=(last - first) / 43_200, quiet_months=(min(busy, last) - first) / 43_200, crises=len(crises))
    for crisis in crises:
        raised = [alarm for alarm in alarms if crisis.onset <= alarm.at < crisis.end + AFTERMATH]
        # An incident that was open already and rises a tier within the crisis tells of it too.
        heard = [alarm.known_at for alarm in raised if alarm.at < crisis.end]
        heard += [at for alarm in alarms if alarm.at < crisis.onset for at in alarm.paged_at if crisis.onset <= at < crisis.end]
        out.by_kind[crisis.kind, "all"] += 1
        if heard:
            first = min(heard)
            delay = max(first - crisis.heard, 0.0)
            end = next((alarm.bucket_end for alarm in raised if alarm.known_at == first), None)
            if end is not None:
                out.told.append((delay, max(end - crisis.heard, 0.0)))
            out.detected += 1
            out.incidents += max(len(raised), 1)
            out.delays.append(delay)
            out.delays_by_kind.setdefault(crisis.kind, []).append(delay)
            out.by_kind[crisis.kind, "detected"] += 1
    called = set()
    for alarm in alarms:
        if any(happened.onset <= alarm.at < happened.end + AFTERMATH for happened in (*crises, *faint)):
            continue
        out.false += 1
        out.false_quiet += alarm.at < busy
        at_fault = next((happened for happened in others if happened.onset <= alarm.at < happened.end), None)
        out.by_kind["normal days" if at_fault is None else at_fault.kind, "false"] += 1
        if at_fault is not None:
            called.add(at_fault)
    for happened in others:
        out.by_kind[happened.kind, "all"] += 1
        out.by_kind[happened.kind, "called crisis"] += happened in called
        seen = {"surge": "surge", "silence": "silence"}.get(happened.what)
        if seen is not None:
            # A silence is known only some time after its begin.
            found = any(incident.kind == seen and happened.onset <= incident.at < happened.end for incident in incidents)
            out.by_kind[happened.kind, "seen"] += found
    return out


def together(scores: Iterable[Score]) -> Score:
    """The sum."""
    out = Score()
    for one in scores:
        out.add(one)
    return out
