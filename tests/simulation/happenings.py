"""What happens to the brands: crises, and what looks like one. Written from the description of each scenario alone.

Each happening adds intents (somebody will write such a thing at that moment) to those of normal days, or changes the normal days, the
calendar or the connectors, and tells the truth about itself.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, NamedTuple

from phrasing import TOPICS
from rhythms import PER_DAY, poisson

Class = Literal["crisis", "surge", "benign", "silence", "faint"]
HOUR = 12


class Intent(NamedTuple):
    """Somebody writes at some moment of ``bucket``. ``what``: which kind of thing; ``tone``: key of the pool, None: of a normal day."""

    bucket: int
    what: str
    tone: str | None = None
    story: int | None = None


class Truth(NamedTuple):
    """What really happened, buckets [onset, end). ``heard``: first bucket in which anybody could know, where connectors were down."""

    kind: str
    what: Class
    onset: int
    end: int
    announced: bool = False
    topic: str | None = None
    heard: int | None = None


@dataclass
class Plan:
    """Of one brand: everything that will happen. ``level`` and ``tones`` change normal days: bucket → factor, bucket → negative share."""

    daily: int
    complaints: float
    expected: list[float]
    intents: list[Intent] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)
    level: dict[int, float] = field(default_factory=dict)
    negative_share: dict[int, float] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    outages: list[tuple[int, int, str, bool]] = field(default_factory=list)
    stories: int = 0

    @property
    def negatives(self) -> float:
        """Negatives of an average bucket."""
        return self.daily * self.complaints / PER_DAY

    def scale(self, onset: int, end: int, factor: float) -> None:
        """More or less of everything."""
        for bucket in range(onset, end):
            self.level[bucket] = self.level.get(bucket, 1.0) * factor

    def announce(self, name: str, kind: str, onset: int, end: int, mentions: float, negatives: float) -> None:
        """Put an event into the brand's calendar."""
        self.events.append({"name": name, "kind": kind, "onset": onset, "end": end, "mentions": mentions, "negatives": negatives})


def crowd_of(plan: Plan, rng: Random, onset: int, rates: Sequence[float], topic: str, what: str = "root", story: int | None = None) -> None:
    """A crowd writes about ``topic`` at these rates per bucket; some of it asks, jokes or only tells."""
    for offset, rate in enumerate(rates):
        for _ in range(poisson(rng, rate)):
            tone = rng.choices((topic, "complaint", "sarcasm", "question", "neutral", "mild"), (66, 12, 6, 8, 4, 4))[0]
            plan.intents.append(Intent(onset + offset, what, tone, story))


def step(plan: Plan, rng: Random, onset: int) -> None:
    """From one moment to the next five times the usual complaints, for six hours."""
    topic = rng.choice(("outage", "outage", "billing"))
    crowd_of(plan, rng, onset, [max(5 * plan.negatives, 12 / HOUR)] * 72, topic)
    plan.truth.append(Truth("step", "crisis", onset, onset + 72, topic=topic))


def ramp(plan: Plan, rng: Random, onset: int) -> None:
    """Grows for four hours to eight times, holds for four, fades."""
    topic, peak = rng.choice(TOPICS), max(8 * plan.negatives, 16 / HOUR)
    rates = [peak * i / 48 for i in range(48)] + [peak] * 48 + [peak * math.exp(-i / 24) for i in range(48)]
    crowd_of(plan, rng, onset, rates, topic)
    plan.truth.append(Truth("ramp", "crisis", onset, onset + 144, topic=topic))


def viral(plan: Plan, rng: Random, onset: int) -> None:
    """One post that everybody passes on: mostly reposts, then a crowd of angry replies and posts of their own."""
    topic, peak = rng.choice(("staff", "recall", "leak")), max(30 * plan.negatives, 60 / HOUR)
    rates = [peak / (1 + math.exp(-(i - 12) / 3)) * (0.5 ** ((i - 18) / 36) if i > 18 else 1.0) for i in range(120)]
    plan.stories += 1
    plan.intents.append(Intent(onset, "story", topic, plan.stories))
    for offset, rate in enumerate(rates):
        plan.intents.extend(Intent(onset + offset, "pass_on", topic, plan.stories) for _ in range(poisson(rng, 0.6 * rate)))
    crowd_of(plan, rng, onset, [0.15 * rate for rate in rates], topic, "reply_to_story", plan.stories)
    crowd_of(plan, rng, onset, [0.25 * rate for rate in rates], topic)
    plan.truth.append(Truth("viral", "crisis", onset, onset + 120, topic=topic))


def second(plan: Plan, rng: Random, onset: int) -> None:
    """A viral row, and 21 hours after its start another trouble that has nothing to do with it."""
    viral(plan, rng, onset)
    later = onset + 252
    crowd_of(plan, rng, later, [max(6 * plan.negatives, 14 / HOUR)] * 72, "billing")
    plan.truth.append(Truth("second", "crisis", later, later + 72, topic="billing"))


def shift(plan: Plan, rng: Random, onset: int) -> None:
    """Not more is written, but for twelve hours two of five are complaints. Too faint to see for small brands."""
    for bucket in range(onset, onset + 144):
        plan.negative_share[bucket] = max(0.45, 2.2 * plan.complaints)
    plan.truth.append(Truth("shift", "crisis" if plan.daily >= 400 else "faint", onset, onset + 144))


def slow_burn(plan: Plan, rng: Random, onset: int) -> None:
    """For three days two and a half times the usual complaints about one thing; no hour stands out."""
    topic = rng.choice(("price", "billing"))
    crowd_of(
        plan,
        rng,
        onset,
        [max(1.5 * plan.negatives, 1.6 / HOUR) * plan.expected[onset + i] / (plan.daily / PER_DAY) for i in range(864)],
        topic,
    )
    plan.truth.append(Truth("slow_burn", "crisis", onset, onset + 864, topic=topic))


def crisis_in_campaign(plan: Plan, rng: Random, onset: int) -> None:
    """An announced campaign; after two hours it goes wrong and half of what is written is angry. Too faint for small brands."""
    plan.announce("campaign", "campaign", onset, onset + 96, 4.0, 4.0)
    plan.scale(onset, onset + 96, 4.0 * rng.uniform(0.75, 1.3))
    for bucket in range(onset + 24, onset + 96):
        plan.negative_share[bucket] = max(0.5, 2.4 * plan.complaints)
    plan.truth.append(Truth("campaign", "benign", onset, onset + 24, announced=True))
    plan.truth.append(Truth("crisis_in_campaign", "crisis" if plan.daily >= 400 else "faint", onset + 24, onset + 96))


def by_mail(plan: Plan, rng: Random, onset: int) -> None:
    """A wrong invoice went out: the row is in the mailbox, in private, where hardly anything else is written."""
    crowd_of(plan, rng, onset, [max(4 * plan.negatives, 16 / HOUR)] * 72, "billing", "mail")
    plan.truth.append(Truth("by_mail", "crisis", onset, onset + 72, topic="billing"))


def behind_outage(plan: Plan, rng: Random, onset: int) -> None:
    """A row that begins while the connector of the social networks is down; two hours later it brings all of it at once."""
    plan.outages.append((onset - 3, onset + 24, "social-feed", True))
    crowd_of(plan, rng, onset, [max(6 * plan.negatives, 14 / HOUR)] * 84, "outage")
    plan.truth.append(Truth("behind_outage", "crisis", onset, onset + 84, topic="outage", heard=onset + 24))


def positive_viral(plan: Plan, rng: Random, onset: int) -> None:
    """A good deed goes round: ten times the mentions, all of them praise."""
    peak = max(10 * plan.daily / PER_DAY, 40 / HOUR)
    plan.stories += 1
    plan.intents.append(Intent(onset, "story", "viral_praise", plan.stories))
    for i in range(72):
        rate = peak / (1 + math.exp(-(i - 8) / 2)) * 0.5 ** (i / 36)
        plan.intents.extend(Intent(onset + i, "pass_on", "viral_praise", plan.stories) for _ in range(poisson(rng, 0.5 * rate)))
        for _ in range(poisson(rng, 0.5 * rate)):
            tone = rng.choices(("viral_praise", "praise", "neutral", "complaint"), (80, 12, 5, 3))[0]
            plan.intents.append(Intent(onset + i, "root", tone))
    plan.truth.append(Truth("positive_viral", "surge", onset, onset + 72))


def news_wave(plan: Plan, rng: Random, onset: int) -> None:
    """A neutral news item: the press writes, people pass it on and ask."""
    peak = max(8 * plan.daily / PER_DAY, 30 / HOUR)
    plan.stories += 1
    plan.intents.append(Intent(onset, "story", "news", plan.stories))
    for i in range(60):
        rate = peak / (1 + math.exp(-(i - 6) / 2)) * 0.5 ** (i / 24)
        for _ in range(poisson(rng, rate)):
            what, tone = rng.choices(
                (("press", "news"), ("pass_on", "news"), ("root", "question"), ("root", "neutral"), ("root", "complaint")),
                (15, 50, 15, 15, 5),
            )[0]
            plan.intents.append(Intent(onset + i, what, tone, plan.stories))
    plan.truth.append(Truth("news_wave", "surge", onset, onset + 60))


def campaign(plan: Plan, rng: Random, onset: int) -> None:
    """Announced: five times of everything for eight hours, give or take a quarter."""
    plan.announce("campaign", "campaign", onset, onset + 96, 5.0, 5.0)
    plan.scale(onset, onset + 96, 5.0 * rng.uniform(0.75, 1.3))
    plan.truth.append(Truth("campaign", "benign", onset, onset + 96, announced=True))


def launch(plan: Plan, rng: Random, onset: int) -> None:
    """Announced: a new product, a day of three times the talk, mostly questions; complaints double."""
    plan.announce("launch", "launch", onset, onset + PER_DAY, 3.0, 2.0)
    factor = rng.uniform(0.75, 1.3)
    for i in range(PER_DAY):
        rate = 2 * factor * plan.expected[onset + i]
        for _ in range(poisson(rng, rate)):
            tone = rng.choices(("campaign", "question", "praise", "complaint"), (45, 25, 18, 12))[0]
            plan.intents.append(Intent(onset + i, "root", tone))
    plan.truth.append(Truth("launch", "benign", onset, onset + PER_DAY, announced=True))


def maintenance(plan: Plan, rng: Random, onset: int) -> None:
    """Announced: three hours in which nothing works, four times the complaints, give or take a quarter."""
    plan.announce("maintenance", "maintenance", onset, onset + 36, 1.5, 4.0)
    for i in range(36):
        rate = 3 * rng.uniform(0.75, 1.3) * plan.complaints * plan.expected[onset + i]
        for _ in range(poisson(rng, rate)):
            plan.intents.append(Intent(onset + i, "root", rng.choice(("maintenance", "maintenance", "complaint"))))
    plan.truth.append(Truth("maintenance", "benign", onset, onset + 36, announced=True))


def bots(plan: Plan, rng: Random, onset: int) -> None:
    """Three to five accounts post 300 times in an hour."""
    plan.stories += 1
    plan.intents.extend(Intent(onset + i, "bot", "bot", plan.stories) for i in range(12) for _ in range(poisson(rng, 25)))
    plan.truth.append(Truth("bots", "benign", onset, onset + 12))


def loud(plan: Plan, rng: Random, onset: int) -> None:
    """One angry customer writes forty times in a day."""
    plan.intents.extend(Intent(onset + rng.randrange(120), "loud", "complaint") for _ in range(40))
    plan.truth.append(Truth("loud", "benign", onset, onset + 120))


def spam(plan: Plan, rng: Random, onset: int) -> None:
    """Advertisements that use the brand's name, from accounts nobody knows."""
    peak = max(4 * plan.daily / PER_DAY, 20 / HOUR)
    for i in range(48):
        plan.intents.extend(Intent(onset + i, "spam", "ads") for _ in range(poisson(rng, peak)))
    plan.truth.append(Truth("spam", "benign", onset, onset + 48))


def quiet_spell(plan: Plan, rng: Random, onset: int) -> None:
    """Two days on which people have something else to do."""
    plan.scale(onset, onset + 2 * PER_DAY, 0.4)
    plan.truth.append(Truth("quiet_spell", "benign", onset, onset + 2 * PER_DAY))


def outage(plan: Plan, rng: Random, onset: int) -> None:
    """A connector is down for three hours on a normal day, then brings all of it at once."""
    plan.outages.append((onset, onset + 36, "social-feed", True))
    plan.truth.append(Truth("outage", "benign", onset, onset + 48))


def silence(plan: Plan, rng: Random, onset: int) -> None:
    """A connector brings nothing for a day and a half, and never makes up for it."""
    plan.outages.append((onset, onset + 432, "social-feed", False))
    plan.truth.append(Truth("silence", "silence", onset, onset + 432))


def again(plan: Plan, rng: Random, onset: int) -> None:
    """A connector sends everything of six hours a second time."""
    plan.outages.append((onset, onset + 72, "again", True))
    plan.truth.append(Truth("again", "benign", onset, onset + 144))


Happening = Callable[[Plan, Random, int], None]
CRISES: tuple[Happening, ...] = (step, ramp, second, slow_burn, viral, step, behind_outage, shift, crisis_in_campaign, by_mail, ramp)
HARMLESS: tuple[Happening, ...] = (
    positive_viral, campaign, bots, maintenance, news_wave, launch, loud, quiet_spell, outage, spam, silence, again,
)  # fmt: skip
FOR_MANY_MENTIONS: frozenset[Happening] = frozenset({shift, crisis_in_campaign})
