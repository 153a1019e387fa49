"""The Faust application: which services run, in which order, and one agent per stage on a channel of rounds."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import faust
import msgspec
from faust.app.base import BootStrategy
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from agents.crisis import crisis_agent
from agents.deployment import Deployment, version
from agents.language import language_agent
from agents.logs import get_logger
from agents.routing import routing_agent
from agents.runtime.reader import PartitionReader
from agents.runtime.shell import Shell
from agents.runtime.survey import Survey
from agents.runtime.ticker import Ticker
from agents.runtime.watch import ReaderWatch
from agents.runtime.watchdog import Watchdog
from agents.runtime.writer import Writer
from agents.sentiment import sentiment_agent
from agents.settings import Settings, group_of
from agents.telemetry import STAGES, Telemetry
from pipeline.stage import Reading, Stage
from schemas.topics import ASSESSED, LANGUAGE, RAW, SENTIMENT

log = get_logger(__name__)

AGENTS = {"language": language_agent, "sentiment": sentiment_agent, "crisis": crisis_agent, "routing": routing_agent}
NEXT = dict(zip(STAGES, zip(STAGES[1:], (LANGUAGE, SENTIMENT, ASSESSED), strict=True), strict=False))
"""Stage → the one that reads what it writes, and through which topic."""
ROUNDS_IN_HAND = 2
"""Of a stage: the state of one is written while the next one is under way."""


class Readers(Service):  # type: ignore[misc]
    """All partition readers, each with its watch; they stop side by side."""

    def __init__(self, readers: Sequence[PartitionReader], watches: Sequence[ReaderWatch], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.readers = readers
        self.watches = watches

    async def on_start(self) -> None:
        for service in (*self.readers, *self.watches):
            await self.add_runtime_dependency(service)

    async def on_stop(self) -> None:
        await asyncio.gather(*(watch.stop() for watch in self.watches), *(reader.stop() for reader in self.readers))


class Boot(BootStrategy):  # type: ignore[misc]
    """Faust without its own Kafka consumer, producer and tables. The order is ours; services stop in reverse.

    The web server comes first, so that `/livez` answers while the broker is away; but for the watchdog, which watches over all.
    """

    enable_kafka = False

    def server(self) -> Iterable[Service]:
        """The services of a worker."""
        app = self.app
        ticker = [app.ticker] if app.ticker else []
        return [*self.sensors(), app.watchdog, *self.web_server(), app.writer, app.survey, *self.agents(), app.readers, *ticker]


class WebcareApp(faust.App):  # type: ignore[misc]
    """Holds what its services share."""

    BootStrategy = Boot
    watchdog: Watchdog
    writer: Writer
    survey: Survey
    readers: Readers
    ticker: Ticker | None = None

    async def on_start(self) -> None:
        """Open the channels: Faust does it after an assignment of its own consumer, which is not there."""
        await super().on_start()
        self.flow_control.resume()


def build_app(
    settings: Settings, deployment: Deployment, stages: Sequence[Stage], partitions: int, epoch_of: Callable[[str], str]
) -> WebcareApp:
    """Put the application together. ``epoch_of`` gives the identity of a topic; ``partitions`` is the topics' partition count."""
    telemetry = Telemetry(CollectorRegistry())
    telemetry.build.labels(version(), deployment.config_hash).set(1)
    app = WebcareApp(
        settings.app,
        broker=f"kafka://{settings.bootstrap}",
        store="memory://",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=settings.web_port > 0,
        web_host=settings.web_host,
        web_bind=settings.web_host,
        web_port=settings.web_port or 6066,
        web_router_enabled=False,
        web_tables_enabled=False,
        worker_redirect_stdouts=False,
        datadir="/nonexistent",  # the memory store keeps no files
    )
    app.watchdog = Watchdog(settings.stuck_after)
    app.writer = Writer(settings, telemetry)
    followers = {stage.name: NEXT.get(stage.name) for stage in stages}
    groups = {group_of(settings.app, following): topic.name for following, topic in filter(None, followers.values())}
    app.survey = Survey(settings, telemetry, partitions, [stage.source.name for stage in stages], groups if settings.max_ahead else {})
    shell = Shell(app.writer, telemetry, settings.app)
    readers = [_add_stage(app, stage, shell, settings, telemetry, epoch_of) for stage in stages]
    for reader in readers:
        shell.waves.follow(reader.stage.source.name, reader)
    app.survey.untaken = [reader.untaken for reader in readers]
    watches = [
        ReaderWatch(reader, app.survey, settings, epoch_of, following[0] if (following := followers[reader.stage.name]) else None)
        for reader in readers
    ]
    app.readers = Readers(readers, watches)
    raw = next((reader for reader in readers if reader.stage.source is RAW), None)
    if settings.ticks == "wall" and raw is not None:
        app.ticker = Ticker(app.writer, raw)
    telemetry.watch(lambda: _readings(readers, watches))
    _add_pages(app, readers, telemetry, deployment, partitions)
    return app


def _add_stage(
    app: WebcareApp, stage: Stage, shell: Shell, settings: Settings, telemetry: Telemetry, epoch_of: Callable[[str], str]
) -> PartitionReader:
    channel = app.channel(maxsize=ROUNDS_IN_HAND)
    work = partial(AGENTS[stage.name], shell=shell)
    app.agent(channel, name=stage.name, concurrency=ROUNDS_IN_HAND)(work)
    waves = shell.waves if stage.source is RAW else None
    return PartitionReader(stage, channel.put, settings, telemetry, epoch_of, app.survey, waves)


def _readings(readers: Sequence[PartitionReader], watches: Sequence[ReaderWatch]) -> Iterable[Reading]:
    for reader in readers:
        yield from reader.readings()
    for watch in watches:
        yield from watch.readings()


def _add_pages(app: WebcareApp, readers: Sequence[PartitionReader], telemetry: Telemetry, deployment: Deployment, partitions: int) -> None:
    started = time.time()

    @app.page("/metrics")  # type: ignore[untyped-decorator]
    async def metrics(web: Any, request: Any) -> Any:  # noqa: ARG001
        return web.bytes(generate_latest(telemetry.registry), content_type=CONTENT_TYPE_LATEST.split(";")[0])

    @app.page("/livez")  # type: ignore[untyped-decorator]
    async def livez(web: Any, request: Any) -> Any:  # noqa: ARG001
        return web.text("ok\n")

    @app.page("/readyz")  # type: ignore[untyped-decorator]
    async def readyz(web: Any, request: Any) -> Any:  # noqa: ARG001
        missing = [f"{reader.stage.name}: {why}" for reader in readers if (why := reader.why_not_ready())]
        return web.text("ok\n" if not missing else f"not ready: {'; '.join(missing)}\n", status=503 if missing else 200)

    @app.page("/version")  # type: ignore[untyped-decorator]
    async def show_version(web: Any, request: Any) -> Any:  # noqa: ARG001
        facts = {
            "version": version(),
            "config_hash": deployment.config_hash,
            "stages": [reader.stage.name for reader in readers],
            "partitions": partitions,
            "started_at": started,
        }
        return web.bytes(msgspec.json.encode(facts), content_type="application/json")
