"""The figures of an alert: what was seen and expected in the window that shows most, by the signal that saw it."""

import math
from typing import NamedTuple

from pipeline.scrp import WINDOWS, Judgement
from pipeline.share import SPREAD
from pipeline.slow_burn import HOURS
from pipeline.ticks import BUCKET
from pipeline.watch import Signal, Verdict

HALF_WIDTH_SDS = 1.96
MOST_RETURN_DAYS = 1e6


class Figures(NamedTuple):
    """``buckets``: length of the window; ``mentions``: of all kinds in it, None where they are not kept so long."""

    buckets: int
    observed: float
    mean: float
    half_width: float
    score: float
    negatives: float
    mentions: float | None

    @property
    def seconds(self) -> int:
        """Length of the window."""
        return self.buckets * BUCKET

    @property
    def share(self) -> float | None:
        """Of negatives among the mentions."""
        return min(1.0, self.negatives / self.mentions) if self.mentions else None

    @property
    def return_days(self) -> float:
        """This unusual about once in so many days."""
        return float(min(MOST_RETURN_DAYS, 10.0 ** min(self.score, 10.0)))


def figures_of(verdict: Verdict, signal: Signal | None) -> Figures:
    """Of a crisis seen by ``signal``; of a surge where that is None."""
    negatives, mentions = verdict.negatives, verdict.mentions
    if signal == "share":
        share = verdict.share
        total = mentions.sums[share.window]
        mean = share.usual * total
        sd = math.sqrt(mean * (1.0 - share.usual) * (1.0 + max(0.0, total - 1.0) * SPREAD))
        seen = negatives.sums[share.window]
        return Figures(WINDOWS[share.window], seen, mean, HALF_WIDTH_SDS * sd, share.score, seen, total)
    if signal == "slow_burn":
        slow = verdict.slow
        return Figures(HOURS * 12, slow.observed, slow.expected, HALF_WIDTH_SDS * slow.sd(), slow.score, slow.observed, None)
    judged: Judgement = mentions if signal is None else negatives
    window = judged.window()
    width = HALF_WIDTH_SDS * judged.sd(window)
    seen, total = negatives.sums[window], mentions.sums[window]
    return Figures(WINDOWS[window], judged.sums[window], judged.means[window], width, judged.score, seen, total)
