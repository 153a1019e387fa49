"""`webcare worker`: one process, some or all agents."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Sequence
from typing import NoReturn

import faust
import uvloop

from agents.app import WebcareApp, build_app
from agents.deployment import build_stages, load_deployment
from agents.logs import configure_logging, get_logger
from agents.runtime.stopping import Stopping, leave
from agents.settings import DEMO_KEY, Settings, SettingsError, unknown_variables
from agents.telemetry import STAGES
from agents.topics import KafkaAwayError, partition_count, topic_epoch, wait_for_topics
from agents.waiting import waiting_room

log = get_logger(__name__)


class Worker(faust.Worker):  # type: ignore[misc]
    """Faust's worker, with signals that also reach it while its event loop stands still (`agents.runtime.stopping`)."""

    def install_signal_handlers(self) -> None:
        """None of Faust's: ours are there already."""

    def stop_soon(self, number: signal.Signals) -> None:
        """Begin the graceful end; may be called at any moment."""
        self.loop.call_soon_threadsafe(self._stop_now, number)

    def _stop_now(self, number: signal.Signals) -> None:
        log.info("worker stops", signal=number.name)
        self._flag_as_shutdown_by_signal()
        self._schedule_shutdown(number)


def execute(app: WebcareApp, loop: asyncio.AbstractEventLoop, stopping: Stopping) -> NoReturn:
    """Run an application until it is told to stop; does not return."""
    worker = Worker(app, loglevel="INFO", override_logging=False, redirect_stdouts=False, loop=loop, quiet=True)
    worker.spinner = None
    stopping.runs(worker.stop_soon)
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else 1)
    leave(0)


def run_worker(settings: Settings, stages: Sequence[str] = ()) -> None:
    """Run until SIGTERM or SIGINT; does not return.

    Raises:
        SettingsError: no author key, or an unknown stage.
        ConfigurationError: the deployment's files are wrong.
        PortError: the web server cannot have its port.
    """
    configure_logging(settings.log_format)
    for line in unknown_variables(os.environ):
        log.warning("unknown setting", reason=line)
    if unknown := [name for name in stages if name not in STAGES]:
        raise SettingsError(f"unknown stage {', '.join(unknown)}; there are {', '.join(STAGES)}")
    replaying = settings.ticks == "log"
    author_key = settings.author_key or (DEMO_KEY if replaying else None)
    if author_key is None and (not stages or "language" in stages):
        raise SettingsError(
            "WEBCARE_AUTHOR_KEY is not set: author ids are hashed with it before they leave the door. "
            "Set a long random secret (and keep it: another key makes other pseudonyms), or run `webcare demo`"
        )
    stopping = Stopping()
    stopping.listen()
    deployment = load_deployment(settings.config)
    with waiting_room(settings) as room:
        partitions = _wait_for_partitions(settings, room.tell)
        room.tell("loading models")
        built = build_stages(deployment, author_key or DEMO_KEY, partitions, stages, replaying=replaying)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    app = build_app(settings, deployment, built, partitions, lambda topic: topic_epoch(settings.bootstrap, topic))
    if settings.author_key is None and replaying:
        log.warning(
            "author ids are hashed with the fixed, announced key of demo, offline and replay runs; set WEBCARE_AUTHOR_KEY for your own"
        )
    log.info("worker starts", stages=[stage.name for stage in built], config=str(deployment.folder), config_hash=deployment.config_hash)
    # Models and lexicons stay for ever, and records form no cycles: walking through them all every 700 allocations is a tenth of the CPU.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    execute(app, loop, stopping)


def _wait_for_partitions(settings: Settings, tell: Callable[[str], None]) -> int:
    while True:
        wait_for_topics(settings.bootstrap, tell=tell)
        try:
            return partition_count(settings.bootstrap)
        except KafkaAwayError:
            continue  # it went again in between
