"""The share of negatives among a brand's mentions: what is usual, and how unusual the last hour and six hours are.

A row can begin within a steady volume: the same people write, and more of them complain. The share shows it where the counts do not.
"""

import math
import struct
from typing import NamedTuple

from pipeline.extremes import DailyMaxima

SILENT = 576
"""Two days' buckets teach, and raise nothing."""

SPREAD = 0.02
"""Correlation of the moods of mentions that belong together."""

WINDOWS = (2, 3)
"""One hour and six, as indexes of the detector's windows."""

_TIMES, _MORE = 1.5, 0.05
"""A share is worth telling at so many times the usual one, and so much above it."""

_CONSENSUS_DISCOUNT = 1.2


class Announced(NamedTuple):
    """By how much the calendar raises what is expected of a bucket."""

    mentions: float = 1.0
    negatives: float = 1.0


NOTHING_ANNOUNCED = Announced()


class UsualShare:
    """The share of negatives to expect: slow, winsorised, raised by what is announced and for about 3 h after it.

    A bucket teaches at most 2.5 standard deviations of an over-dispersed binomial. A bound of 2.5 times the share itself would not do: one
    mention of one, and negative, would always be cut, and the share of a small brand sink to nothing.
    """

    __slots__ = ("mentions", "negatives", "rise")

    FORGET = 0.0007
    PRIOR, PRIOR_MENTIONS = 0.12, 40.0
    LEARN_SDS = 2.5
    RISE_DECAY = math.exp(-1.0 / 36.0)
    HIGHEST = 0.95

    LAYOUT = struct.Struct("<3d")

    def __init__(self) -> None:
        self.negatives = self.mentions = 0.0
        self.rise = 1.0

    def next(self, negatives: float, mentions: float, announced: Announced, *, learns: bool = True) -> float:
        """The share expected of this bucket, which is then learnt from unless an incident makes it unusual."""
        usual = (self.negatives + self.PRIOR_MENTIONS * self.PRIOR) / (self.mentions + self.PRIOR_MENTIONS)
        rise = announced.negatives / announced.mentions
        self.rise = max(rise, 1.0 + (self.rise - 1.0) * self.RISE_DECAY)
        if learns:
            variance = usual * (1.0 - usual) * mentions * (1.0 + max(0.0, mentions - 1.0) * SPREAD)
            learnt = min(negatives / self.rise, usual * mentions + self.LEARN_SDS * math.sqrt(variance + 0.25))
            self.negatives = self.negatives * (1.0 - self.FORGET) + learnt
            self.mentions = self.mentions * (1.0 - self.FORGET) + mentions
        return min(self.HIGHEST, usual * self.rise)


class ShareJudgement(NamedTuple):
    """``window``: index of the detector's window that shows most. ``share``: of negatives in it."""

    score: float
    window: int
    share: float
    usual: float
    returns: tuple[float, ...] = (0.0, 0.0)
    """Return exponents of the hour and the six; 0 as long as nothing is raised."""

    def is_telling(self) -> bool:
        """Whether the share is not only unusual but large."""
        return self.share >= max(_TIMES * self.usual, self.usual + _MORE)


NO_SHARE = ShareJudgement(0.0, WINDOWS[0], 0.0, 0.0)


class ShareSignal:
    """How unusual the share is for this brand, from its own daily maxima."""

    __slots__ = ("closed", "maxima")

    _HEAD = struct.Struct("<I")

    def __init__(self) -> None:
        self.closed = 0
        self.maxima = DailyMaxima(len(WINDOWS), mean=2.2, sd=1.0)

    def close(self, negatives: tuple[float, ...], mentions: tuple[float, ...], usual: float, day: int, *, learns: bool) -> ShareJudgement:
        """Judge the windows' sums as they are after a bucket has closed."""
        self.maxima.start(day)
        hour, six = WINDOWS
        scores = [
            share_score(negatives[hour], mentions[hour], usual),
            share_score(negatives[six], mentions[six], usual),
        ]
        returns = self.maxima.returns(scores, learns=learns)
        self.closed += 1
        score, known = 0.0, (0.0, 0.0)
        if self.closed > SILENT:
            first, second = known = (returns[0], returns[1])
            mean = (math.sqrt(first) + math.sqrt(second)) / 2.0
            score = max(mean * mean, first - _CONSENSUS_DISCOUNT, second - _CONSENSUS_DISCOUNT)
        window = hour if returns[0] >= returns[1] else six
        total = mentions[window]
        return ShareJudgement(score, window, negatives[window] / total if total else 0.0, usual, known)

    @property
    def size(self) -> int:
        """Bytes of a snapshot."""
        return self._HEAD.size + self.maxima.size

    def snapshot(self) -> bytes:
        """All state, bit for bit."""
        return self._HEAD.pack(self.closed) + self.maxima.snapshot()

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            struct.error: it has another size.
        """
        (self.closed,) = self._HEAD.unpack_from(value)
        self.maxima.restore(value[self._HEAD.size :])


def share_score(negatives: float, mentions: float, usual: float) -> float:
    """Root of the over-dispersed binomial deviance of a share above the usual one; 0 at or below it."""
    expected = usual * mentions
    if negatives <= expected or expected == 0.0:
        return 0.0
    deviance = negatives * math.log(negatives / expected)
    others = mentions - negatives
    if others > 0.0:
        deviance += others * math.log(others / (mentions * (1.0 - usual)))
    return math.sqrt(max(0.0, 2.0 * deviance) / (1.0 + max(0.0, mentions - 1.0) * SPREAD))
