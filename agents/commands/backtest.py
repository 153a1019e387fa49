"""`webcare backtest`: which alerts a history would have raised."""

from pathlib import Path
from typing import Annotated

import typer

from agents.backtest.history import STAGES, read_history
from agents.backtest.report import our_alarms, write_report
from agents.commands.context import err, explained, fail, lines_from, settings_of
from agents.deployment import build_stages, load_deployment
from agents.replay import in_order, replay
from agents.settings import DEMO_KEY
from pipeline.partition import Partitioner


def backtest(
    file: Annotated[str, typer.Argument(help="Mentions as JSON lines; - reads standard input.")],
    output: Annotated[Path, typer.Option(help="Folder for alerts.jsonl, rules.csv and report.html.")],
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml.")] = None,
    sort: Annotated[bool, typer.Option("--sort", help="Sort the file by event time first.")] = False,
) -> None:
    """Which alerts a file of mentions would have raised: a picture per brand, other products' rules, and a readiness report."""
    with explained():
        lines = lines_from(file)
        if not lines:
            fail(f"{file}: no lines")
        lines, times = in_order(lines, sort=sort, name=file)
        settings = settings_of(config=config)
        deployment = load_deployment(settings.config)
        if settings.author_key is None:
            err.print("author ids are hashed with the fixed, announced key of demo, offline and replay runs")
        stages = build_stages(deployment, settings.author_key or DEMO_KEY, 1, STAGES)
        histories = read_history(replay(lines, times, Partitioner(1)), stages)
        write_report(histories, deployment.brands, output)
        for slug in sorted(histories):
            err.print(f"{len(our_alarms(histories[slug])):8}  incidents of {slug}")
        err.print(f"written: {output / 'report.html'}, alerts.jsonl, rules.csv")
