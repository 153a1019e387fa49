"""Trying again: exponential backoff with a cap and jitter, counted, and told without flooding the log."""

import random
import time
from collections.abc import Callable

from agents.logs import get_logger
from agents.telemetry import Telemetry

FIRST_SECONDS = 0.1
MOST_SECONDS = 5.0
TOLD_EVERY = 30.0
"""Seconds between two lines about the same trouble."""

log = get_logger(__name__)


class Retries:
    """The attempts of one operation. ``name`` is the metric's label ``operation``; facts tell the log what it is about."""

    def __init__(
        self,
        name: str,
        telemetry: Telemetry,
        *,
        most: float = MOST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[], float] = random.random,
        **facts: object,
    ) -> None:
        self._name = name
        self._counter = telemetry.retries.labels(name)
        self._most = most
        self._clock = clock
        self._spread = spread
        self._facts = facts
        self._attempts = 0
        self._since = self._told_at = 0.0

    def failed(self, error: BaseException | str) -> float:
        """One more attempt has failed; returns how long to wait: it doubles up to the cap, and is spread so that workers do not march."""
        now = self._clock()
        self._attempts += 1
        self._counter.inc()
        if self._attempts == 1:
            self._since = now
        if self._attempts == 1 or now - self._told_at >= TOLD_EVERY:
            self._told_at = now
            reason = error if isinstance(error, str) else type(error).__name__
            log.warning(
                "trying again", operation=self._name, error=reason, attempts=self._attempts, seconds=round(now - self._since), **self._facts
            )
        longest = min(self._most, FIRST_SECONDS * 2.0 ** min(self._attempts - 1, 20))
        return longest * (0.5 + 0.5 * self._spread())

    def succeeded(self) -> None:
        """It works: the next trouble is a new one."""
        if self._attempts > 1:
            log.info(
                "works again",
                operation=self._name,
                attempts=self._attempts,
                seconds=round(self._clock() - self._since),
                **self._facts,
            )
        self._attempts = 0
