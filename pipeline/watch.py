"""The watch over one key of a brand: detectors on its negatives and on all its mentions, and the rules that make alarms of them.

Four signals look at the same counts. A burst is an unusual number of complaints that is large enough in itself, well above the expectation,
and not just the complaints that come with more mentions of every kind. A share is an unusual part of the mentions that complain. A slow
burn is a day somewhat above its expectation. These three make one incident together. A surge is more mentions of any kind: information.
"""

import math
import struct
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pipeline.scrp import HOUR, PRIOR_MEAN, SILENT, WINDOWS, Alarm, Detector, Judgement
from pipeline.share import NO_SHARE, NOTHING_ANNOUNCED, Announced, ShareJudgement, ShareSignal, UsualShare
from pipeline.share import WINDOWS as SHARED
from pipeline.slow_burn import NOT_SLOW, SlowBurn, SlowJudgement, run_of
from schemas.mention import Tier

Profile = Literal["quiet", "default", "sensitive"]
Change = Literal["raised", "escalated", "resolved"]
Signal = Literal["burst", "share", "slow_burn"]

SIX_HOURS = 3
CRISIS_SCORE = 2.0
TIERS: tuple[Tier, ...] = ("watch", "warning", "crisis")
SIGNALS: tuple[Signal, ...] = ("burst", "share", "slow_burn")

MASKED = 3 * 288
"""Buckets of an open incident that teach nothing: three days. What lasts longer is the new usual."""

_AFTERSHOCK = 1.4
"""Score of a new incident right after the last: the tail of a row that is not quite over is no second one."""

_TIMES_HOUR, _TIMES_SIX_HOURS = 2.0, 1.6
"""Above the expectation by at least one of these factors."""

_LEAST_SHARE = 0.8
"""Of the usual negative share: with less, the negatives only came along with something else."""

_LEAST_TIMES_SHARE = 1.25
_LOOKED_AT = math.log10(len(WINDOWS))
_BOTH_DISCOUNT, _MOST_BOTH = 0.3, 1.5
WARM = 14 * 288
"""Buckets after which the hours of the week are known well enough to take two hints for a proof."""
_SURGE_SCORE, _SURGE_MENTIONS = 0.7, 8


class Gate(NamedTuple):
    """What alarms need at least: a score, and author-capped negatives of one hour and of six."""

    score: float
    burst_hour: float
    burst_six_hours: float
    share_hour: float
    share_six_hours: float


GATES: dict[Profile, Gate] = {
    "quiet": Gate(1.0, 8, 12, 2, 12),
    "default": Gate(0.85, 6, 0, 2, 10),
    "sensitive": Gate(0.7, 4, 6, 2, 6),
}


Crowd = Callable[[int], int]
"""How many different people complained in so many buckets, up to the one that closes."""


class Verdict(NamedTuple):
    """What a closed bucket comes to.

    ``signal`` is the strongest that supports an alarm, ``score`` its score, ``tier`` what it supports by itself.
    ``change``: what it does to the incident, ``surge``: to the surge.
    ``onset``: how many buckets back what is told began (0: with the bucket closed last).
    """

    negatives: Judgement
    mentions: Judgement
    share: ShareJudgement
    slow: SlowJudgement
    usual_share: float
    signal: Signal | None = None
    score: float = 0.0
    tier: Tier | None = None
    change: Change | None = None
    surge: Change | None = None
    onset: int = 0


class Watch:
    """All that is learnt of one key, and its alarms.

    ``prior``: negatives expected per bucket before anything is known; ``bursts_only``: of a small key share and slow burn say nothing;
    ``is_part``: of so small a part that a burst in it fills one window and leaves the others as they were. Then that window alone decides,
    for as many as were looked at.
    """

    __slots__ = (
        "_bursts_only", "_is_part", "_paging", "_sensitive", "_six_hours", "age", "alarm", "margin", "mentions", "negatives", "share",
        "shares", "slow", "surge", "tier", "told",
    )  # fmt: skip

    _VERSION = 2
    _BEFORE = 1
    """The version that knew bursts only: what it learnt is taken over, the other signals begin anew."""
    _TAIL = struct.Struct("<Bb")
    _MORE = struct.Struct("<BI")

    def __init__(
        self, profile: Profile = "default", prior: float = PRIOR_MEAN, *, bursts_only: bool = False, is_part: bool = False
    ) -> None:
        self._bursts_only = bursts_only or is_part
        self._is_part = is_part
        self._paging = GATES["quiet"] if profile == "quiet" else GATES["default"]
        self._sensitive = profile == "sensitive"
        self.negatives = Detector(prior)
        self.mentions = Detector(prior / UsualShare.PRIOR)
        self.share = UsualShare()
        self.shares = ShareSignal()
        self.slow = SlowBurn()
        self.alarm = Alarm()
        self.surge = Alarm()
        self.tier: Tier | None = None
        """Of the open incident."""
        self.told: frozenset[Signal] = frozenset()
        """Signals that have supported it."""
        self.age = 0
        """Buckets since it was raised."""
        self._six_hours = 0.0
        self.margin = 0.0
        """By how much a burst must score more, as it is looked for in many places at once. Set anew before each close."""

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

    def close(
        self,
        negatives: float,
        mentions: float,
        slot: int,
        day: int,
        announced: Announced = NOTHING_ANNOUNCED,
        crowd: Crowd | None = None,
        *,
        learns: bool = True,
    ) -> Verdict:
        """Judge the bucket that has just ended (author-capped counts), then learn from it.

        ``crowd``: asked where an alarm is near; without it every count is taken for another person's. ``learns``: False where it is known
        elsewhere that the bucket is not as usual.
        """
        paged = self._is_paged()
        learns = learns and self.learns
        of_negatives = self.negatives.close(negatives, slot, day, announced.negatives, learns=learns)
        of_mentions = self.mentions.close(mentions, slot, day, announced.mentions, learns=learns)
        self._six_hours = of_mentions.sums[SIX_HOURS]
        usual = self.share.next(negatives, mentions, announced, learns=learns)
        if self._is_part and self.closed > SILENT:
            of_negatives = of_negatives._replace(score=max(of_negatives.score, max(of_negatives.returns) - _LOOKED_AT))
        if self._bursts_only:
            return self._follow(self._judge(Verdict(of_negatives, of_mentions, NO_SHARE, NOT_SLOW, usual), crowd))
        of_share = self.shares.close(of_negatives.sums, of_mentions.sums, usual, day, learns=learns)
        if crowd is not None and self.closed > WARM:  # bare counts do not tell a crowd from a cluster of reposts, which moves both
            of_negatives = of_negatives._replace(score=max(of_negatives.score, corroborated(of_negatives, of_share)))
        slow = self.slow.close(negatives, of_negatives.expected, usual * mentions, day, told=paged, announced=announced.negatives != 1.0)
        verdict = Verdict(of_negatives, of_mentions, of_share, slow, usual)
        return self._follow(self._judge(verdict, crowd))

    def seed(self, whole: "Watch", shares: tuple[float, float], counts: Sequence[tuple[float, float]]) -> None:
        """Begin as a part of ``whole``, such shares of its negatives and mentions, before the bucket that ``whole`` has closed last.

        ``counts``: its own of the six hours before.
        """
        of_negatives, of_mentions = shares
        self.negatives.seed(whole.negatives, of_negatives, [negatives for negatives, _ in counts])
        self.mentions.seed(whole.mentions, of_mentions, [mentions for _, mentions in counts])
        self.share.negatives = whole.share.negatives * of_negatives
        self.share.mentions = whole.share.mentions * of_mentions
        self._six_hours = math.fsum(self.mentions.counts)

    def _is_paged(self) -> bool:
        return self.tier is not None and self.tier != "watch"

    @property
    def learns(self) -> bool:
        """Whether the next bucket teaches what is usual: not while an incident lasts, but for one that lasts very long."""
        return not self._is_paged() or self.age >= MASKED

    def worth_a_look(self) -> int | None:
        """Complaints in the open buckets below which no burst can be raised when they close; None: never before the next close.

        A bound from the counts an alarm needs at least; the score is left to the look itself.
        """
        if self.alarm.firing or self.closed < SILENT:
            return None
        counts, means = self.negatives.sums(), self.negatives.mean_sums()
        hour, six = counts[HOUR], counts[SIX_HOURS]
        gate = self._paging
        enough = min(_TIMES_HOUR * means[HOUR] - hour, _TIMES_SIX_HOURS * means[SIX_HOURS] - six)
        return math.ceil(max(gate.burst_hour - hour, gate.burst_six_hours - six, enough, 1.0))

    def clone(self) -> "Watch":
        """The same, to try out what a close would say."""
        profile: Profile = "sensitive" if self._sensitive else "quiet" if self._paging is GATES["quiet"] else "default"
        other = Watch(profile, self.negatives.expectation.prior, bursts_only=self._bursts_only, is_part=self._is_part)
        other.restore(self.snapshot())
        return other

    def _judge(self, verdict: Verdict, crowd: Crowd | None) -> Verdict:
        """Which signal supports an alarm, and of which tier."""
        tier = self._support(verdict, self._paging, crowd)
        if tier is None and self._sensitive:
            tier = self._support(verdict, GATES["sensitive"], crowd)
            return verdict if tier is None else verdict._replace(signal=tier[0], score=tier[1], tier="watch")
        if tier is None:
            return verdict
        return verdict._replace(signal=tier[0], score=tier[1], tier="crisis" if tier[1] >= CRISIS_SCORE else "warning")

    def _support(self, verdict: Verdict, gate: Gate, crowd: Crowd | None) -> tuple[Signal, float] | None:
        """The strongest signal that passes a gate."""
        burst, share, slow = verdict.negatives, verdict.share, verdict.slow
        burst_score = burst.score - self.margin
        if burst_score < gate.score and share.score < gate.score and slow.score < gate.score:
            return None
        sums = burst.sums
        hour, six = sums[HOUR], sums[SIX_HOURS]
        if crowd is not None:
            # Who writes on into the next clock hour, or all the time, is no more people.
            hour = min(hour, crowd(WINDOWS[HOUR]))
            six -= sums[HOUR] - hour
        found: tuple[Signal, float] | None = None
        if burst_score >= gate.score and is_burst(verdict, gate, hour, six):
            found = "burst", burst_score
        least = gate.burst_hour if share.window == HOUR else gate.share_hour  # of few mentions, all may be complaints by chance
        enough = hour >= least and six >= gate.share_six_hours
        if enough and share.score >= gate.score and (found is None or share.score > found[1]) and share.is_telling():
            found = "share", share.score
        if slow.score >= gate.score and (found is None or slow.score > found[1]):
            again = 0.0 if crowd is None else max(0.0, sums[SIX_HOURS] - crowd(WINDOWS[SIX_HOURS]))
            if slow.is_telling(again):
                found = "slow_burn", slow.score
        return found

    def _follow(self, verdict: Verdict) -> Verdict:
        """Move the alarms on."""
        before = self.tier
        change = self._advance(verdict)
        if change is not None:
            verdict = verdict._replace(change=change, onset=0 if change == "resolved" else self._onset(verdict))
            if change != "resolved" and self.tier != "watch" and before in (None, "watch"):
                self.slow.tell(self.negatives.counts, self.negatives.means, verdict.onset)
                if verdict.signal == "slow_burn":
                    self.slow.tell_all()
        mentions = verdict.mentions
        unusual = mentions.score >= _SURGE_SCORE and mentions.sums[HOUR] >= _SURGE_MENTIONS and not self.alarm.firing
        if (surge := self.surge.step(mentions.score, passes=unusual)) is not None:
            verdict = verdict._replace(surge=surge)
            if change is None and surge == "raised":
                verdict = verdict._replace(onset=_run(self.mentions, _times(mentions)))
        return verdict

    def _advance(self, verdict: Verdict) -> Change | None:
        tier, score = verdict.tier, verdict.score
        change: Change | None = self.alarm.step(score, passes=tier is not None, quietly=tier == "watch", calm=self._is_calm(verdict))
        self.age += 1
        if change == "resolved":
            if self.tier != "watch":
                self.alarm.bar = max(self.alarm.bar, _AFTERSHOCK)
            self.tier = None
            self.told = frozenset()
            return change
        if not self.alarm.firing or tier is None:
            return change
        assert verdict.signal is not None
        self.told |= {verdict.signal}
        if change == "raised":
            self.age = 0
        elif self.tier is not None and TIERS.index(tier) > TIERS.index(self.tier):
            self.alarm.lift(score)
            change = "escalated"
        else:
            return None
        self.tier = tier
        return change

    def _is_calm(self, verdict: Verdict) -> bool:
        """Whether every signal that supported the incident has calmed down."""
        if "slow_burn" in self.told:
            negatives = verdict.negatives
            if negatives.sums[SIX_HOURS] >= negatives.means[SIX_HOURS] + negatives.sd(SIX_HOURS):
                return False
        if "share" in self.told and verdict.share.score >= Alarm.CALM and verdict.share.is_telling():
            return False
        return verdict.negatives.score < Alarm.CALM

    def end(self) -> None:
        """The incident is over for another reason than calm; what it stood for may be told again at once."""
        self.alarm.forget()
        self.tier = None
        self.told = frozenset()

    def correct(self, age: int, negatives: float, mentions: float) -> bool:
        """A late mention: bucket ``age`` (0: closed last) turned out larger. Returns whether it still counts."""
        if not self.mentions.correct(age, mentions):
            return False
        self._six_hours += mentions
        if self.tier is None or self.tier == "watch":  # else an incident speaks for it
            self.slow.correct(age, negatives)
        return self.negatives.correct(age, negatives)

    def _onset(self, verdict: Verdict) -> int:
        """How many buckets back what the signal sees began."""
        if verdict.signal == "slow_burn":
            return self.slow.onset()
        if verdict.signal == "share":
            share = verdict.share
            usual = [share.usual * count for count in self.mentions.counts]
            return run_of(self.negatives.counts, usual, max(_LEAST_TIMES_SHARE, math.sqrt(share.share / share.usual)))
        return _run(self.negatives, _times(verdict.negatives))

    def snapshot(self) -> bytes:
        """All state, bit for bit: about 10 KB."""
        share = UsualShare.LAYOUT.pack(self.share.negatives, self.share.mentions, self.share.rise)
        tail = self._TAIL.pack(self._VERSION, -1 if self.tier is None else TIERS.index(self.tier))
        told = sum(1 << SIGNALS.index(signal) for signal in self.told)
        more = self._MORE.pack(told, self.age) + self.surge.snapshot() + self.shares.snapshot() + self.slow.snapshot()
        return tail + share + self.alarm.snapshot() + self.negatives.snapshot() + self.mentions.snapshot() + more

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it is of another version or size.
        """
        sizes = [self._TAIL.size, UsualShare.LAYOUT.size, Alarm.size(), self.negatives.size, self.mentions.size]
        if value[:1] != bytes([self._BEFORE]):
            sizes += [self._MORE.size, Alarm.size(), self.shares.size, self.slow.size]
        if len(value) != sum(sizes) or value[0] not in (self._BEFORE, self._VERSION):
            raise ValueError("a watch snapshot of another version")
        parts = []
        for size in sizes:
            parts.append(value[:size])
            value = value[size:]
        _, tier = self._TAIL.unpack(parts[0])
        self.tier = None if tier < 0 else TIERS[tier]
        self.told = frozenset() if self.tier is None else frozenset({"burst"})
        self.share.negatives, self.share.mentions, self.share.rise = UsualShare.LAYOUT.unpack(parts[1])
        self.alarm.restore(parts[2])
        self.negatives.restore(parts[3])
        self.mentions.restore(parts[4])
        if parts[5:]:
            told, self.age = self._MORE.unpack(parts[5])
            self.told = frozenset(signal for index, signal in enumerate(SIGNALS) if told >> index & 1)
            self.surge.restore(parts[6])
            self.shares.restore(parts[7])
            self.slow.restore(parts[8])
        self._six_hours = math.fsum(self.mentions.counts)


def corroborated(negatives: Judgement, share: ShareJudgement) -> float:
    """A score of counts and share that say the same of one window.

    More of everything moves the counts and not the share, a quiet hour of the contented moves the share and not the counts: either is
    common where both together are rare.
    """
    together = 0.0
    for window, back in zip(SHARED, share.returns, strict=True):
        if back > 0.0:  # else nothing is known of the share yet, or nothing to say
            together = max(together, (math.sqrt(negatives.returns[window]) + math.sqrt(back)) ** 2 / 2.0)
    return min(together - _BOTH_DISCOUNT, _MOST_BOTH)


def is_burst(verdict: Verdict, gate: Gate, hour: float, six: float) -> bool:
    """Whether the negatives, so many people's in one hour and in six, are many, well above their expectation, and not only part of
    something else."""
    negatives = verdict.negatives
    if hour < gate.burst_hour or six < gate.burst_six_hours:
        return False
    if hour < _TIMES_HOUR * negatives.means[HOUR] and six < _TIMES_SIX_HOURS * negatives.means[SIX_HOURS]:
        return False
    return hour >= _LEAST_SHARE * verdict.usual_share * verdict.mentions.sums[HOUR]


def _times(judgement: Judgement) -> float:
    """The rate of a run, in terms of the expected one: half way to that of the window that shows most, on a log scale; at least doubled."""
    window = judgement.window()
    return max(2.0, math.sqrt(judgement.sums[window] / judgement.means[window]))


def _run(detector: Detector, times: float) -> int:
    return run_of(detector.counts, detector.means, times)
