"""How a worker ends. Crash only: offsets are committed after the effects, so a process that ends at any moment repeats work and never
skips any."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from agents.logs import get_logger

EXIT_UNKNOWN = 70
"""Exit code of a process that met something it does not know, or that does not get on (EX_SOFTWARE); a supervisor starts it again."""

STOP_SECONDS = 10.0
"""A worker that is asked to stop is gone after so long, whatever the broker does. Told in the README; supervisors wait a little longer."""

_TELL_SECONDS = 5.0
_PLACES = 8

log = get_logger(__name__)


def end_process(reason: str, **facts: object) -> NoReturn:
    """End now, say why. Nothing is committed, nothing is cleaned up: the next owner repeats the work."""
    # Whoever reads our log may have stopped reading, and the lock of the log may be held by the thread that hangs: end all the same.
    last = threading.Timer(_TELL_SECONDS, os._exit, [EXIT_UNKNOWN])
    last.daemon = True
    with suppress(RuntimeError):  # no more threads to be had
        last.start()
    log.error("worker ends", reason=reason, exit_code=EXIT_UNKNOWN, **facts)
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(EXIT_UNKNOWN)


def places(frame: FrameType | None) -> str:
    """Files and lines of a running stack, innermost last; no values, which may hold a mention."""
    found: list[str] = []
    while frame is not None:
        found.append(f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return " > ".join(reversed(found[:_PLACES]))


async def within(awaitable: Awaitable[Any], seconds: float) -> bool:
    """Wait for a clean-up that may fail or hang, and go on without it; says whether it ended well.

    It is never cancelled: a cancelled call of aiokafka may leave its client half closed, and may take as long to be cancelled.
    """
    task = asyncio.ensure_future(awaitable)
    await asyncio.wait([task], timeout=seconds)
    if not task.done():
        task.add_done_callback(_forget)
        return False
    return not task.cancelled() and task.exception() is None


def _forget(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()
