"""`webcare worker`: one process, some or all agents."""

import asyncio
import gc
import sys
from collections.abc import Sequence

import faust
import uvloop

from agents.app import build_app
from agents.deployment import build_stages, load_deployment
from agents.logs import configure_logging, get_logger
from agents.settings import DEMO_KEY, Settings, SettingsError
from agents.telemetry import STAGES
from agents.topics import partition_count, topic_epoch, wait_for_topics

log = get_logger(__name__)


def run_worker(settings: Settings, stages: Sequence[str] = ()) -> None:
    """Run until SIGTERM or SIGINT; does not return.

    Raises:
        SettingsError: no author key, or an unknown stage.
        ConfigurationError: the deployment's files are wrong.
    """
    if unknown := [name for name in stages if name not in STAGES]:
        raise SettingsError(f"unknown stage {', '.join(unknown)}; there are {', '.join(STAGES)}")
    replaying = settings.ticks == "log"
    author_key = settings.author_key or (DEMO_KEY if replaying else None)
    if author_key is None and (not stages or "language" in stages):
        raise SettingsError(
            "WEBCARE_AUTHOR_KEY is not set: author ids are hashed with it before they leave the door. "
            "Set a long random secret (and keep it: another key makes other pseudonyms), or run `webcare demo`"
        )
    configure_logging(settings.log_format)
    deployment = load_deployment(settings.config)
    wait_for_topics(settings.bootstrap)
    partitions = partition_count(settings.bootstrap)
    built = build_stages(deployment, author_key or DEMO_KEY, partitions, stages, replaying=replaying)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    app = build_app(settings, deployment, built, partitions, lambda topic: topic_epoch(settings.bootstrap, topic))
    worker = faust.Worker(app, loglevel="INFO", override_logging=False, redirect_stdouts=False, loop=loop, quiet=True)
    worker.spinner = None
    if settings.author_key is None and replaying:
        log.warning(
            "author ids are hashed with the fixed, announced key of demo, offline and replay runs; set WEBCARE_AUTHOR_KEY for your own"
        )
    log.info("worker starts", stages=[stage.name for stage in built], config=str(deployment.folder), config_hash=deployment.config_hash)
    # Models and lexicons stay for ever, and records form no cycles: walking through them all every 700 allocations is a tenth of the CPU.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    worker.execute_from_commandline()
    sys.exit(0)
