"""Watches the event loop from outside: a stage that never returns, or a call that blocks, stops everything, the loop's own checks too."""

import asyncio
import faulthandler
import signal
import sys
import threading
from typing import Any

from mode import Service

from agents.runtime.ending import end_process, places

BEAT_SECONDS = 1.0
_ARM_SECONDS = 5.0
LAST_RESORT_SECONDS = 15.0
"""So much later the system's own timer ends a process whose threads do not run either: one call into C holds them all. It counts the
seconds that the process computes: a clock of the world would end one that was frozen as a whole as soon as it goes on."""


class Watchdog(Service):  # type: ignore[misc]
    """The loop beats every second; a thread listens, and ends the process when no beat has come for ``limit`` seconds of its own time.

    The thread counts its own rounds and reads no clock: a process that was frozen as a whole has not hung.
    """

    def __init__(self, limit: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._limit = limit
        self._beats = 0
        self._over = threading.Event()
        self._watched = threading.main_thread().ident

    async def on_start(self) -> None:
        """Start the thread."""
        self._watched = threading.get_ident()
        # Prints files, lines and function names only; that it ends is the doing of the signal.
        faulthandler.register(signal.SIGVTALRM, all_threads=True, chain=True)
        self._arm()
        threading.Thread(target=self._listen, name="watchdog", daemon=True).start()

    async def on_stop(self) -> None:
        """From here on the stop's own limit holds."""
        self._over.set()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    @Service.task  # type: ignore[untyped-decorator]
    async def beat(self) -> None:
        """Until stopped."""
        while not self.should_stop:
            self._beats += 1
            if self._beats % (_ARM_SECONDS // BEAT_SECONDS) == 0:
                self._arm()
            await asyncio.sleep(BEAT_SECONDS)

    def _arm(self) -> None:
        if not self._over.is_set():
            signal.setitimer(signal.ITIMER_VIRTUAL, self._limit + LAST_RESORT_SECONDS)

    def _listen(self) -> None:
        heard, quiet = self._beats, 0.0
        while not self._over.wait(BEAT_SECONDS):
            if self._beats != heard:
                heard, quiet = self._beats, 0.0
                continue
            quiet += BEAT_SECONDS
            if quiet > self._limit:
                frame = sys._current_frames().get(self._watched or 0)
                end_process("the event loop is blocked", seconds=round(quiet), where=places(frame))
