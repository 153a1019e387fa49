"""What to know before a brand goes live: is there enough history, what comes late, who is loud, how tone differs, which profile fits."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from agents.backtest.history import BrandHistory
from pipeline.brands import Brand
from pipeline.ticks import BUCKET
from pipeline.watch import Profile

WARM_DAYS = 14.0
"""Two of every hour of the week."""
PER_MONTH = 2.0
"""Incidents a month that a team can be asked to look at, should all of them be false."""
PROFILES: tuple[Profile, ...] = ("sensitive", "default", "quiet")
LABELS = ("negative", "neutral", "positive")


class SourceLateness(NamedTuple):
    """Shares of a connector's mentions: behind the close of their bucket, and too late to count at all."""

    source: str
    mentions: int
    late: float
    too_late: float


class Loud(NamedTuple):
    """An author, by hashed id, and the share of all mentions."""

    author: str
    mentions: int
    share: float


class FamilyTone(NamedTuple):
    """Tone of one channel family; ``divergence``: Jensen-Shannon distance from all others together, 0 (the same) to 1. None: too few."""

    family: str
    mentions: int
    negative: float | None
    positive: float | None
    unscored: float
    divergence: float | None


class Readiness(NamedTuple):
    """One brand's report.

    ``incidents``: how many of tier warning or crisis each profile would have raised, as far as it was tried; with the ``configured`` one
    they are those that the history holds. ``bearable``: how many of them so long a history may hold.
    """

    days: float
    warm: bool
    sources: tuple[SourceLateness, ...]
    loudest: tuple[Loud, ...]
    tones: tuple[FamilyTone, ...]
    incidents: dict[Profile, int]
    bearable: float
    configured: Profile
    profile: Profile


def readiness(history: BrandHistory, brand: Brand) -> Readiness:
    """Look at a brand's history."""
    total = history.by_source.total()
    days = len(history.stretch()) * BUCKET / 86_400
    tried = {**history.otherwise, brand.profile: len(history.incidents())}
    incidents = {profile: tried[profile] for profile in PROFILES if profile in tried}
    return Readiness(
        days=days,
        warm=days >= WARM_DAYS,
        sources=tuple(
            SourceLateness(source, count, history.late[source] / count, history.too_late[source] / count)
            for source, count in history.by_source.most_common()
        ),
        loudest=tuple(Loud(author, count, count / total) for author, count in history.authors.most_common(5)),
        tones=tuple(_tone(family, history.tones) for family in sorted(history.tones)),
        incidents=incidents,
        bearable=bearable(days),
        configured=brand.profile,
        profile=proposed(incidents, days),
    )


def proposed(incidents: Mapping[Profile, int], days: float) -> Profile:
    """The first profile, from the most sensitive on, with at most two incidents a month; ``default`` where the history is too short."""
    if days < WARM_DAYS:
        return "default"
    return next((profile for profile, count in incidents.items() if count <= bearable(days)), "quiet")


def bearable(days: float) -> float:
    """How many incidents so long a history may hold."""
    return PER_MONTH * days / 30


def _tone(family: str, tones: Mapping[str, Counter[str]]) -> FamilyTone:
    own = tones[family]
    others = sum((counted for name, counted in tones.items() if name != family), Counter[str]())
    scored, elsewhere = sum(own[label] for label in LABELS), sum(others[label] for label in LABELS)
    enough = scored >= 30
    return FamilyTone(
        family,
        own.total(),
        own["negative"] / scored if enough else None,
        own["positive"] / scored if enough else None,
        own["unscored"] / own.total(),
        _distance([own[label] / scored for label in LABELS], [others[label] / elsewhere for label in LABELS])
        if enough and elsewhere >= 30
        else None,
    )


def _distance(one: list[float], other: list[float]) -> float:
    middle = [(a + b) / 2 for a, b in zip(one, other, strict=True)]

    def from_middle(shares: list[float]) -> float:
        return sum(a * math.log2(a / m) for a, m in zip(shares, middle, strict=True) if a > 0)

    return math.sqrt(max(0.0, (from_middle(one) + from_middle(other)) / 2))
