"""A start-up cache for the embedded broker: a run that records what the JVM loads and links, so that later starts take half the time."""

import tempfile
from pathlib import Path

from agents.broker.errors import BrokerError
from agents.broker.installation import Installation, install, locked, tell
from agents.broker.jars import Progress
from agents.broker.node import Broker

_WRITING_SECONDS = 120.0


def train(cache: Path | None = None, progress: Progress = tell) -> Path | None:
    """Make the start-up cache if it is missing; worth its 10 to 20 seconds where brokers are started often, as in tests.

    Returns its path, or None where it could not be made: brokers then start without it.

    Raises:
        BrokerError: there is no broker to train with.
    """
    installation = install(cache, progress)
    if not installation.startup_cache.exists():
        progress("making the start-up cache of the embedded broker, once")
        with locked(installation.home / "training"):
            if not installation.startup_cache.exists():
                _record(installation, cache, progress)
    return installation.startup_cache if installation.startup_cache.exists() else None


def _record(installation: Installation, cache: Path | None, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="training-", dir=installation.home) as folder:
        made = Path(folder) / "startup.aot"
        broker = Broker(Path(folder) / "data", cache=cache, progress=progress, options=[f"-XX:AOTCacheOutput={made}"])
        try:
            broker.start()
            broker.stop(_WRITING_SECONDS)  # the JVM writes the cache as it ends
            made.replace(installation.startup_cache)
        except (BrokerError, OSError) as error:
            broker.stop(0.0)
            progress(f"no start-up cache ({type(error).__name__}): brokers start slower, nothing else")
