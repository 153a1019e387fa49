"""The watch over one key of a brand: detectors on its negatives and on all its mentions, and the rule that makes an alarm of them.

An unusual number of complaints is a crisis signal only if it is large enough in itself, well above the expectation, and not just the
complaints that come with more mentions of every kind (a campaign, a wave of praise).
"""

import math
import struct
from typing import Literal, NamedTuple

from pipeline.scrp import HOUR, PRIOR_MEAN, Alarm, Detector, Judgement
from schemas.mention import Tier

Profile = Literal["quiet", "default", "sensitive"]
Change = Literal["raised", "escalated", "resolved"]

SIX_HOURS = 3
CRISIS_SCORE = 2.0
TIERS: tuple[Tier, ...] = ("watch", "warning", "crisis")

_TIMES_HOUR, _TIMES_SIX_HOURS = 2.0, 1.6
"""Above the expectation by at least one of these factors."""

_LEAST_SHARE = 0.8
"""Of the usual negative share: with less, the negatives only came along with something else."""


class Gate(NamedTuple):
    """What an alarm needs at least: score, and author-capped negatives of one hour and of six."""

    score: float
    hour: float
    six_hours: float

    def passes(self, judgement: Judgement) -> bool:
        """Whether the bucket is enough."""
        return judgement.score >= self.score and judgement.sums[HOUR] >= self.hour and judgement.sums[SIX_HOURS] >= self.six_hours


GATES: dict[Profile, Gate] = {"quiet": Gate(1.0, 8, 12), "default": Gate(0.85, 6, 0), "sensitive": Gate(0.7, 4, 6)}


class Announced(NamedTuple):
    """By how much the calendar raises what is expected of a bucket."""

    mentions: float = 1.0
    negatives: float = 1.0


NOTHING_ANNOUNCED = Announced()


class Verdict(NamedTuple):
    """What a closed bucket comes to. ``tier``: what it supports by itself; ``change``: what it does to the alarm."""

    negatives: Judgement
    mentions: Judgement
    usual_share: float
    tier: Tier | None
    change: Change | None


class UsualShare:
    """The share of negatives to expect: slow, winsorised, raised by what is announced and for about 3 h after it.

    A bucket teaches at most 2.5 standard deviations of an over-dispersed binomial. A bound of 2.5 times the share itself would not do: one
    mention of one, and negative, would always be cut, and the share of a small brand sink to nothing.
    """

    __slots__ = ("mentions", "negatives", "rise")

    FORGET = 0.0007
    PRIOR, PRIOR_MENTIONS = 0.12, 40.0
    LEARN_SDS = 2.5
    SPREAD = 0.02
    """Correlation of the moods of one bucket's mentions."""
    RISE_DECAY = math.exp(-1.0 / 36.0)
    HIGHEST = 0.95

    LAYOUT = struct.Struct("<3d")

    def __init__(self) -> None:
        self.negatives = self.mentions = 0.0
        self.rise = 1.0

    def next(self, negatives: float, mentions: float, announced: Announced) -> float:
        """The share expected of this bucket, which is then learnt from."""
        usual = (self.negatives + self.PRIOR_MENTIONS * self.PRIOR) / (self.mentions + self.PRIOR_MENTIONS)
        rise = announced.negatives / announced.mentions
        self.rise = max(rise, 1.0 + (self.rise - 1.0) * self.RISE_DECAY)
        variance = usual * (1.0 - usual) * mentions * (1.0 + max(0.0, mentions - 1.0) * self.SPREAD)
        learnt = min(negatives / self.rise, usual * mentions + self.LEARN_SDS * math.sqrt(variance + 0.25))
        self.negatives = self.negatives * (1.0 - self.FORGET) + learnt
        self.mentions = self.mentions * (1.0 - self.FORGET) + mentions
        return min(self.HIGHEST, usual * self.rise)


class Watch:
    """All that is learnt of one key, and its alarm. ``prior``: negatives expected per bucket before anything is known."""

    __slots__ = ("_paging", "_sensitive", "_six_hours", "alarm", "mentions", "negatives", "share", "tier")

    _VERSION = 1
    _TAIL = struct.Struct("<Bb")

    def __init__(self, profile: Profile = "default", prior: float = PRIOR_MEAN) -> None:
        self._paging = GATES["quiet"] if profile == "quiet" else GATES["default"]
        self._sensitive = profile == "sensitive"
        self.negatives = Detector(prior)
        self.mentions = Detector(prior / UsualShare.PRIOR)
        self.share = UsualShare()
        self.alarm = Alarm()
        self.tier: Tier | None = None
        """Of the open incident."""
        self._six_hours = 0.0

    @property
    def closed(self) -> int:
        """Buckets judged so far."""
        return self.mentions.closed

    def is_empty(self) -> bool:
        """Whether the last six hours hold nothing."""
        return self._six_hours == 0.0

    def hour(self) -> tuple[float, float]:
        """Negatives of the last closed hour, and how many were expected."""
        return self.negatives.hour()

    def close(self, negatives: float, mentions: float, slot: int, day: int, announced: Announced = NOTHING_ANNOUNCED) -> Verdict:
        """Judge the bucket that has just ended (author-capped counts), then learn from it."""
        of_negatives = self.negatives.close(negatives, slot, day, announced.negatives)
        of_mentions = self.mentions.close(mentions, slot, day, announced.mentions)
        self._six_hours = of_mentions.sums[SIX_HOURS]
        usual = self.share.next(negatives, mentions, announced)
        tier = self._burst(of_negatives, of_mentions, usual)
        change = self._advance(of_negatives.score, tier)
        return Verdict(of_negatives, of_mentions, usual, tier, change)

    def _burst(self, negatives: Judgement, mentions: Judgement, usual: float) -> Tier | None:
        hour, six = negatives.sums[HOUR], negatives.sums[SIX_HOURS]
        if hour < _TIMES_HOUR * negatives.means[HOUR] and six < _TIMES_SIX_HOURS * negatives.means[SIX_HOURS]:
            return None
        if hour < _LEAST_SHARE * usual * mentions.sums[HOUR]:
            return None
        if self._paging.passes(negatives):
            return "crisis" if negatives.score >= CRISIS_SCORE else "warning"
        return "watch" if self._sensitive and GATES["sensitive"].passes(negatives) else None

    def _advance(self, score: float, tier: Tier | None) -> Change | None:
        change = self.alarm.step(score, passes=tier is not None, quietly=tier == "watch")
        if change == "raised":
            self.tier = tier
            return "raised"
        if change == "resolved":
            self.tier = None
            return "resolved"
        if self.alarm.firing and tier is not None and self.tier is not None and TIERS.index(tier) > TIERS.index(self.tier):
            self.tier = tier
            self.alarm.lift(score)
            return "escalated"
        return None

    def end(self) -> None:
        """The incident is over for another reason than calm; what it stood for may be told again at once."""
        self.alarm.forget()
        self.tier = None

    def correct(self, age: int, negatives: float, mentions: float) -> bool:
        """A late mention: bucket ``age`` (0: closed last) turned out larger. Returns whether it still counts."""
        if not self.mentions.correct(age, mentions):
            return False
        self._six_hours += mentions
        return self.negatives.correct(age, negatives)

    def onset(self, verdict: Verdict) -> int:
        """How many buckets back the present run began (0: with the bucket closed last).

        The likeliest start of a rate that lies, on a log scale, half way between the expected one and that of the window that shows most,
        and is at least doubled.
        """
        window = verdict.negatives.window()
        times = max(2.0, math.sqrt(verdict.negatives.sums[window] / verdict.negatives.means[window]))
        best, best_age, evidence = 0.0, 0, 0.0
        for age, (count, mean) in enumerate(zip(reversed(self.negatives.counts), reversed(self.negatives.means), strict=True)):
            evidence += count * math.log(times) - mean * (times - 1.0)
            if evidence > best:
                best, best_age = evidence, age
        return best_age

    def snapshot(self) -> bytes:
        """All state, bit for bit: about 9 KB."""
        share = UsualShare.LAYOUT.pack(self.share.negatives, self.share.mentions, self.share.rise)
        tail = self._TAIL.pack(self._VERSION, -1 if self.tier is None else TIERS.index(self.tier))
        return tail + share + self.alarm.snapshot() + self.negatives.snapshot() + self.mentions.snapshot()

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it is of another version or size.
        """
        sizes = (self._TAIL.size, UsualShare.LAYOUT.size, Alarm.size(), self.negatives.size, self.mentions.size)
        if len(value) != sum(sizes) or value[0] != self._VERSION:
            raise ValueError("a watch snapshot of another version")
        parts = []
        for size in sizes:
            parts.append(value[:size])
            value = value[size:]
        _, tier = self._TAIL.unpack(parts[0])
        self.tier = None if tier < 0 else TIERS[tier]
        self.share.negatives, self.share.mentions, self.share.rise = UsualShare.LAYOUT.unpack(parts[1])
        self.alarm.restore(parts[2])
        self.negatives.restore(parts[3])
        self.mentions.restore(parts[4])
        self._six_hours = math.fsum(self.mentions.counts)
