"""Crash only: offsets are committed after the effects, so a process that ends at any moment repeats work and never skips any."""

import os
import sys
from typing import NoReturn

from agents.logs import get_logger

EXIT_UNKNOWN = 70
"""Exit code of a process that met something it does not know (EX_SOFTWARE); a supervisor starts it again."""

log = get_logger(__name__)


def end_process(reason: str, **facts: object) -> NoReturn:
    """End now, say why. Nothing is committed, nothing is cleaned up: the next owner repeats the work."""
    log.error("worker ends", reason=reason, exit_code=EXIT_UNKNOWN, **facts)
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(EXIT_UNKNOWN)
