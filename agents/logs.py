"""Logging: structured, to standard error, without mention text, author names or credentials."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Literal

import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(form: Literal["text", "json"], level: int = logging.INFO) -> None:
    """Route our own events and those of the libraries through one formatter."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        # A plain traceback: structlog's own choice where rich is installed prints the local variables of every frame, mentions and keys.
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ]
            if form == "json"
            else [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_is_worth_telling)
    handler.addFilter(SeldomTold())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("mode", "faust", "aiokafka", "kafka", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Not: which service of the tree starts and stops, and that a young broker has no group coordinator yet (it is tried again)."""
    message = record.getMessage()
    return not ((record.levelno <= logging.INFO and message.startswith("[^")) or "GroupCoordinatorNotAvailable" in message)


class SeldomTold:
    """The Kafka libraries tell of every attempt to reach a broker that is away, hundreds of times a second: each kind of line is told
    once in 30 s, with how many more there were."""

    LIBRARIES = ("aiokafka", "kafka")
    EVERY_SECONDS = 30.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        """Whether the line is told; its message then says how many like it were not."""
        if record.name.partition(".")[0] not in self.LIBRARIES:
            return True
        kind = (record.name, str(record.msg))  # the text before its values are put in
        now = self._clock()
        told_at, untold = self._told.get(kind, (float("-inf"), 0))
        if now - told_at < self.EVERY_SECONDS:
            self._told[kind] = (told_at, untold + 1)
            return False
        if kind in self._told or len(self._told) < 200:
            self._told[kind] = (now, 0)
        if untold:
            record.msg, record.args = f"{record.getMessage()} (and {untold} more like it)", ()
        return True


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of ours."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
