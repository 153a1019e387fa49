"""A raw token, as split at white space, and all that is known of it: looked up once a text, remembered for all texts."""

from collections.abc import Callable

from msgspec import Struct

from pipeline.lexicon.units import Unit, Units

REMEMBERED_TOKENS = 1 << 16
"""Tokens before all are forgotten: some 20 MB a language."""
LONGEST_REMEMBERED = 40
"""Longer tokens are looked at anew each time: nobody can fill our memory with them."""

Weigh = Callable[[str], tuple[float, float]]
"""What a raw token adds to the two sums of a linear layer."""


class Token(Struct, frozen=True, eq=False, gc=False):
    """``units`` of it in a pack; what it adds to ``polarity`` and ``neutrality`` of a linear layer, nothing where there is none."""

    units: tuple[Unit, ...]
    polarity: float
    neutrality: float


def no_weights(token: str) -> tuple[float, float]:  # noqa: ARG001
    """Of a pack without a layer."""
    return 0.0, 0.0


class Tokens(dict[str, Token]):
    """Raw token → what is known of it."""

    def __init__(self, units: Units, weigh: Weigh) -> None:
        super().__init__()
        self._units, self._weigh = units, weigh

    def __missing__(self, raw: str) -> Token:
        token = Token(self._units.of(raw), *self._weigh(raw))
        if len(raw) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED_TOKENS:
                self.clear()
            self[raw] = token
        return token
