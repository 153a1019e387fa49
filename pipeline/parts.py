"""Which part of a brand's mentions a topic or a public channel family usually is: slow means over closed buckets."""

from collections.abc import Mapping, Sized

import msgspec
from msgspec import Struct

from pipeline.brand_core import VERSION, body
from pipeline.buckets import Counted
from pipeline.key import CODES, topic_of
from pipeline.seen import Seen, topic_number
from schemas.mention import ScoredMention

FIRST_TOPIC = 16
"""Codes of parts: a channel family's own below this number, a topic's number above it."""

LARGEST = 0.5
"""Of the brand's complaints: what a larger part does, the brand itself shows."""

MOST = 64
"""Parts remembered of a brand."""

MOST_OF_BUCKET = 64
"""Topics that count apart of those in one bucket: those that most people complain of."""

_FORGET = 0.0005
"""Per bucket in which anything counted: of a brand that never rests, a week counts."""
_LEAST = 0.05
"""Mentions left of a part below which it is forgotten."""


def numbers_of(mention: ScoredMention) -> tuple[int, int, int]:
    """Where a mention counts: its family if it is private, else its family and its topic; 0 each for none (see `Seen`)."""
    family = CODES[mention.channel_family]
    if mention.visibility == "private":
        return family, 0, 0
    topic = topic_of(mention)
    return 0, family, 0 if topic is None else topic_number(topic)


def codes_of(seen: Seen) -> tuple[int, ...]:
    """The parts in which a public mention counts."""
    if seen.topic:
        return (seen.public, FIRST_TOPIC + seen.topic) if seen.public else (FIRST_TOPIC + seen.topic,)
    return (seen.public,) if seen.public else ()


def counted_of(complained: Mapping[int, Sized]) -> frozenset[int] | None:
    """The topics of a bucket that count apart, by who complains of each; None: all do."""
    if len(complained) <= MOST_OF_BUCKET:
        return None
    return frozenset(sorted(complained, key=lambda topic: (-len(complained[topic]), topic))[:MOST_OF_BUCKET])


class _Sums(Struct, array_like=True):
    whole: list[float]
    parts: dict[int, list[float]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Sums).decode


class Parts:
    """Negatives and mentions of a brand and of each of its parts, author-capped, the older the less."""

    def __init__(self) -> None:
        self._sums = _Sums([0.0, 0.0], {})

    def learn(self, whole: Counted, counted: dict[int, Counted]) -> None:
        """A bucket has closed in which anything counted."""
        keep = 1.0 - _FORGET
        total, parts = self._sums.whole, self._sums.parts
        total[0], total[1] = total[0] * keep + whole.negatives, total[1] * keep + whole.mentions
        for sums in parts.values():
            sums[0] *= keep
            sums[1] *= keep
        for code, one in counted.items():
            sums = parts.get(code) or parts.setdefault(code, [0.0, 0.0])
            sums[0] += one.negatives
            sums[1] += one.mentions
        gone = [code for code, sums in parts.items() if sums[1] < _LEAST]
        gone += sorted(parts, key=lambda code: (parts[code][1], code))[: max(0, len(parts) - MOST)]
        for code in gone:
            parts.pop(code, None)

    def shares(self, code: int) -> tuple[float, float]:
        """Of the brand's negatives and of its mentions. Of one never met, what one mention would be."""
        whole, part = self._sums.whole, self._sums.parts.get(code, (0.0, 0.0))
        return (part[0] + 1.0) / (whole[0] + 2.0), (part[1] + 1.0) / (whole[1] + 2.0)

    def small(self) -> int:
        """How many parts there are in which a burst may be hidden."""
        return sum(self.shares(code)[0] <= LARGEST for code in self._sums.parts)

    def snapshot(self) -> bytes:
        """Bit for bit: some 25 bytes a part."""
        return VERSION + _encode(_Sums(self._sums.whole, dict(sorted(self._sums.parts.items()))))

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        sums = _decode(body(value))
        if len(sums.whole) != 2 or any(len(part) != 2 for part in sums.parts.values()):
            raise ValueError("parts of another shape")
        self._sums = sums
