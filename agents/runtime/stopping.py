"""SIGTERM and SIGINT: the first lets what is in hand end, for a bounded time; the second ends at once. Exit code 0 either way: work that
was not committed is repeated by the next owner."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from agents.runtime.ending import STOP_SECONDS

_GIVEN_UP_AFTER = STOP_SECONDS - 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Python's own signal handlers: they run between two instructions, so also while a stage computes and the event loop stands still."""

    def __init__(self) -> None:
        self._asked = False
        self._limit = threading.Event()
        self._stop: Callable[[signal.Signals], None] | None = None

    def listen(self) -> None:
        """From now on a signal is ours; until `runs` there is nothing to be let to its end."""
        # Started now: in the middle of a signal a thread may not be made safely.
        threading.Thread(target=self._give_up, name="stop-limit", daemon=True).start()
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def runs(self, stop: Callable[[signal.Signals], None]) -> None:
        """``stop`` begins the graceful end; called in the main thread, at any moment."""
        self._stop = stop

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._stop is None or self._asked:
            _end("a second signal: ends at once" if self._asked else "ends before it has started")
        self._asked = True
        self._limit.set()
        self._stop(signal.Signals(number))

    def _give_up(self) -> None:
        self._limit.wait()
        time.sleep(_GIVEN_UP_AFTER)
        _end("not everything in hand was finished in time; it will be repeated")


def _end(reason: str) -> NoReturn:
    """Not through the log: its lock may be held by what was interrupted."""
    os.write(2, f"worker stops: {reason}\n".encode())
    os._exit(0)


def leave(code: int) -> NoReturn:
    """End a process that has stopped, without waiting for its helper threads: one may be asking a broker that does not answer."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
