"""A raw token, as split at white space, and all that is known of it: looked up once a text, remembered for all texts.

A token that is one unit is that unit, with what it weighs: what is not in the processor's cache is fetched object by object, and half of
what a text costs is that.
"""

from collections.abc import Callable

from msgspec.structs import replace

from pipeline.lexicon.units import Unit, Units

REMEMBERED_TOKENS = 1 << 15
"""Tokens before all are forgotten: some 15 MB a language."""
LONGEST_REMEMBERED = 40
"""Longer tokens are looked at anew each time: nobody can fill our memory with them."""

Weigh = Callable[[str], tuple[float, float]]
"""What a raw token adds to the two sums of a linear layer."""


def no_weights(token: str) -> tuple[float, float]:  # noqa: ARG001
    """Of a pack without a layer."""
    return 0.0, 0.0


class Tokens(dict[str, Unit]):
    """Raw token → what is known of it."""

    def __init__(self, units: Units, weigh: Weigh) -> None:
        super().__init__()
        self._units, self._weigh = units, weigh

    def __missing__(self, raw: str) -> Unit:
        units = self._units.of(raw)
        polarity, neutrality = self._weigh(raw)
        if len(units) == 1:
            token = replace(units[0], polarity=polarity, neutrality=neutrality)
        else:
            token = Unit(polarity=polarity, neutrality=neutrality, parts=units)
        if len(raw) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED_TOKENS:
                self.clear()
            self[raw] = token
        return token
