"""What a brand's complaints are usually about: a slow mean over topics. While topics are null nothing is kept."""

import math
from collections.abc import Iterable, Mapping

import msgspec

from pipeline.brand_core import VERSION, body

MOST = 50
"""Topics remembered of a brand."""
MEMORY = 2_000
"""Complaints after which an earlier one has lost two thirds of its weight."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, float]).decode


class UsualTopics:
    """Topic → weight."""

    def __init__(self) -> None:
        self._weights: dict[str, float] = {}

    def learn(self, topics: Iterable[str | None]) -> bool:
        """Take the topics of a closed bucket's complaints; whether there were any."""
        learnt = False
        for topic in topics:
            if topic is None:
                continue
            learnt = True
            for known in self._weights:
                self._weights[known] *= 1.0 - 1.0 / MEMORY
            self._weights[topic] = self._weights.get(topic, 0.0) + 1.0
            if len(self._weights) > MOST:
                del self._weights[min(self._weights, key=lambda known: (self._weights[known], known))]
        return learnt

    def shares(self) -> Mapping[str, float]:
        """Topic → its usual share; empty before anything is known."""
        total = math.fsum(self._weights.values())  # the same in any order, so after a restore too
        return {topic: weight / total for topic, weight in self._weights.items()}

    def snapshot(self) -> bytes | None:
        """Bit for bit."""
        return VERSION + _encode(dict(sorted(self._weights.items()))) if self._weights else None

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        self._weights = _decode(body(value))
