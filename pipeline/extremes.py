"""How rare a score is for this key: the largest score of each day, as a Gumbel distribution that is learnt slowly.

A return exponent R reads: a day's largest score gets here about once in 10^R days.
"""

import math
import struct

LN10 = math.log(10.0)
FORGET = 0.04
"""Of each day's memory, per day: about a month counts."""

PRIOR_DAYS = 6.0
CAP_SDS = 4.0
"""A day's maximum counts at most so many standard deviations above the mean: a crisis must not make the next one look usual."""

LEAST_SD = 0.2
_GUMBEL_SCALE = 0.7797  # sqrt(6)/pi
_EULER = 0.5772


class DailyMaxima:
    """Decayed moments of the daily maximum, one set per scale. Days are the brand's local days, of 23 or 25 hours too."""

    __slots__ = ("_layout", "_mean", "_scales", "_square", "day", "highest", "squares", "sums", "weights")

    def __init__(self, scales: int, *, mean: float, sd: float) -> None:
        self._mean = mean
        self._square = mean * mean + sd * sd
        self.day = 0
        self.highest = [0.0] * scales
        self.weights = [0.0] * scales
        self.sums = [0.0] * scales
        self.squares = [0.0] * scales
        self._layout = struct.Struct(f"<i{4 * scales}d")
        self._scales = self._fit()  # fixed for a day, derived from the moments

    def start(self, day: int) -> None:
        """The bucket lies in ``day`` (a running number, 1 or more): the day before it, if another, is over."""
        if day == self.day:
            return
        if self.day:
            for scale, highest in enumerate(self.highest):
                mean, sd = self._moments(scale)
                value = min(highest, mean + CAP_SDS * sd)
                self.weights[scale] = self.weights[scale] * (1.0 - FORGET) + 1.0
                self.sums[scale] = self.sums[scale] * (1.0 - FORGET) + value
                self.squares[scale] = self.squares[scale] * (1.0 - FORGET) + value * value
                self.highest[scale] = 0.0
            self._scales = self._fit()
        self.day = day

    def returns(self, scores: list[float], *, learns: bool = True) -> list[float]:
        """R of each scale's score, before this day's maximum is known; the scores join the day, unless an incident makes them unusual."""
        out = []
        highest = self.highest
        for scale, score in enumerate(scores):
            location, beta, of_zero = self._scales[scale]
            if score == 0.0:
                out.append(of_zero)
                continue
            out.append(return_exponent((score - location) / beta))
            if learns and score > highest[scale]:
                highest[scale] = score
        return out

    def _fit(self) -> list[tuple[float, float, float]]:
        """Location and scale of each Gumbel, and the R of a score of 0, the commonest one."""
        fits = []
        for scale in range(len(self.highest)):
            mean, sd = self._moments(scale)
            beta = _GUMBEL_SCALE * sd
            location = mean - _EULER * beta
            fits.append((location, beta, return_exponent(-location / beta)))
        return fits

    def _moments(self, scale: int) -> tuple[float, float]:
        weight = self.weights[scale] + PRIOR_DAYS
        mean = (self.sums[scale] + PRIOR_DAYS * self._mean) / weight
        variance = (self.squares[scale] + PRIOR_DAYS * self._square) / weight - mean * mean
        return mean, max(LEAST_SD, math.sqrt(variance)) if variance > 0.0 else LEAST_SD

    @property
    def size(self) -> int:
        """Bytes of a snapshot."""
        return self._layout.size

    def snapshot(self) -> bytes:
        """All state, bit for bit."""
        return self._layout.pack(self.day, *self.highest, *self.weights, *self.sums, *self.squares)

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            struct.error: it has another size.
        """
        self.day, *numbers = self._layout.unpack(value)
        scales = len(self.highest)
        self.highest, self.weights, self.sums, self.squares = (numbers[i * scales : (i + 1) * scales] for i in range(4))
        self._scales = self._fit()


def return_exponent(t: float) -> float:
    """-log10 of the probability that a standard Gumbel exceeds ``t``, without underflow at either end."""
    if t > 30.0:
        return t / LN10
    if t < -6.0:
        return 0.0
    return max(0.0, -math.log10(-math.expm1(-math.exp(-t))))
