"""Lets records through the stages in waves: at a busy pace the door waits until what it let in before has gone all the way.

All stages of a worker share one processor, and a round costs much the same for three records as for thirty. Were each stage to work off at
once whatever has come, rounds of a few records each would fill the processor, and every record would wait for those of four stages.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from agents.runtime.writer import Place

BUSY_PACE = 150.0
"""Records a second. Below it a record seldom meets another one, and waiting would gain nothing."""
BACKLOG = 2_000
"""So many waiting records are more than a wave holds: with more to do than there is time, stages work side by side."""
LONGEST_WAIT = 0.25
"""Seconds. What went to a stage that does not come to it is not waited for any longer."""


class Follower(Protocol):
    """The reader of a topic that a stage of this worker writes to."""

    def owes(self, partition: int, end: int) -> bool:
        """Whether records before offset ``end`` are this worker's to work off, and their outputs not acknowledged yet."""


class Waves:
    """What one worker's stages have sent each other and not worked off, and the pace at which records come in."""

    def __init__(self) -> None:
        self._followers: dict[str, Follower] = {}
        self._under_way: dict[Place, int] = {}
        self._moved = asyncio.Event()
        self._pace = 0.0
        self._entered_at = 0.0

    def follow(self, topic: str, follower: Follower) -> None:
        """What is written to ``topic`` is under way until ``follower`` has worked it off."""
        self._followers[topic] = follower

    def sent(self, ends: Mapping[Place, int]) -> None:
        """Records were written, to each place up to the offset ``end``."""
        self._under_way.update((place, end) for place, end in ends.items() if place[0] in self._followers)

    def moved(self) -> None:
        """Something came in, or was worked off: look again."""
        self._moved.set()

    def entered(self, records: int) -> None:
        """A wave begins, of so many records."""
        now = time.monotonic()
        self._pace = self._pace * math.exp(self._entered_at - now) + records  # of about the last second
        self._entered_at = now

    async def passed(self, waiting: "Waiting") -> None:
        """Return when the next wave may begin, at once if the pace is slow or many records are ``waiting``."""
        if self._pace < BUSY_PACE:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT):
                while len(waiting) < BACKLOG and self._is_under_way():
                    self._moved.clear()
                    await self._moved.wait()

    def _is_under_way(self) -> bool:
        for place, end in list(self._under_way.items()):
            topic, partition = place
            if self._followers[topic].owes(partition, end):
                return True
            del self._under_way[place]
        return False


class Waiting(Protocol):
    """The records that have come in."""

    def __len__(self) -> int: ...
