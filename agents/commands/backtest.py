"""`webcare backtest`: which alerts a history would have raised."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from agents.backtest.counts import read_history as read_counted_history
from agents.backtest.history import STAGES, BrandHistory, Listener, read_history
from agents.backtest.profiles import EveryProfile
from agents.backtest.report import write_report
from agents.commands.context import EXIT_FAILED, err, explained, fail, lines_from, settings_of, tell_unregistered
from agents.deployment import BRANDS, Deployment, build_stages, load_deployment
from agents.raw_replay import replay_raw, stages_for
from agents.refused import Refused
from agents.replay import in_order, replay
from agents.settings import DEMO_KEY, Settings
from agents.topics import partition_count
from pipeline.brands import Registry
from pipeline.partition import Partitioner
from pipeline.stage import Stage
from schemas.topics import RAW


def backtest(
    file: Annotated[
        str | None, typer.Argument(help="Mentions as JSON lines (- reads standard input), or `<brand>.csv` with counts: ts,tot,neg.")
    ] = None,
    *,
    output: Annotated[Path, typer.Option(help="Folder for alerts.jsonl, rules.csv and report.html.")],
    topic: Annotated[bool, typer.Option("--topic", help="Instead of a file: everything that the raw topic holds.")] = False,
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml.")] = None,
    sort: Annotated[bool, typer.Option("--sort", help="Sort the file by event time first.")] = False,
    bootstrap: Annotated[str | None, typer.Option("--bootstrap", help="Kafka brokers; else WEBCARE_KAFKA_BOOTSTRAP.")] = None,
) -> None:
    """Which alerts a file of mentions or counts would have raised: pictures, other products' rules, and a readiness report."""
    with explained():
        if (file is None) == (not topic):
            fail("give a file, or --topic")
        settings = settings_of(config=config, bootstrap=bootstrap)
        deployment = load_deployment(settings.config)
        if file is None:
            histories = _of_topic(settings, deployment)
        elif file.endswith(".csv"):
            slug = Path(file).stem
            histories = {slug: read_counted_history(Path(file), deployment.brands.brand(slug))}
        else:
            histories = _of_mentions(file, deployment, sort=sort)
        seen = {slug: sum(histories[slug].mentions.values()) for slug in sorted(histories)}
        tell_unregistered(seen, deployment.brands, str(deployment.folder / BRANDS))
        write_report(histories, deployment.brands, output)
        for slug in sorted(histories):
            incidents = len(histories[slug].incidents())
            err.print(f"{incidents:8}  {'incident' if incidents == 1 else 'incidents'} of {slug}", markup=False)
        err.print(f"written: {output / 'report.html'}, alerts.jsonl, rules.csv")


def _of_topic(settings: Settings, deployment: Deployment) -> dict[str, BrandHistory]:
    listener = Listener()
    stages, every_profile = _trying_profiles(
        stages_for(settings, deployment, partition_count(settings.bootstrap, [RAW]), STAGES), deployment
    )
    replayed = replay_raw(settings.bootstrap, stages, lambda _, __, outcome: listener.hear(outcome.outgoing))
    if not replayed.reaches_back:
        err.print("the raw topic does not reach back to its start: the history begins where retention has cut it")
    every_profile.tell(listener.brands)
    return listener.brands


def _trying_profiles(stages: Sequence[Stage], deployment: Deployment) -> tuple[list[Stage], EveryProfile]:
    """The same stages, the crisis stage with the brands' other profiles beside it."""

    def crisis_stage(brands: Registry) -> Stage:
        return build_stages(replace(deployment, brands=brands), DEMO_KEY, 1, STAGES[-1:])[0]

    every_profile = EveryProfile(stages[-1], deployment.brands, crisis_stage)
    return [*stages[:-1], every_profile], every_profile


def _of_mentions(file: str, deployment: Deployment, *, sort: bool) -> dict[str, BrandHistory]:
    lines = lines_from(file)
    if not lines:
        fail(f"{file}: no lines")
    lines, times = in_order(lines, sort=sort, name=file)
    key = settings_of().author_key
    if key is None:
        err.print("author ids are hashed with the fixed, announced key of demo, offline and replay runs")
    stages, every_profile = _trying_profiles(build_stages(deployment, key or DEMO_KEY, 1, STAGES), deployment)
    refused = Refused()
    histories = read_history(replay(lines, times, Partitioner(1)), stages, refused=refused)
    if (told := refused.told(file, len(lines))) is not None:
        err.print(told, markup=False)
    if len(refused) == len(lines):
        fail("nothing in the file is a mention, so there is nothing to report", EXIT_FAILED)
    every_profile.tell(histories)
    return histories
