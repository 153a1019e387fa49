"""`webcare demo`: everything at once, on a broker of its own."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from agents.broker import Broker
from agents.commands.context import EXIT_FAILED, err, explained, fail, out
from agents.demo.planted import END, PLANTED, START, ZONE
from agents.demo.run import PARTITIONS, DemoError, Finished, run_demo, write_scenario
from agents.demo.scenario import SEED
from agents.demo.show import Show, alert_line, summary
from agents.topics import apply_topics


def demo(
    seed: Annotated[int, typer.Option(help="Another seed tells another four weeks.")] = SEED,
    keep: Annotated[Path | None, typer.Option(help="Keep broker data and logs in this folder, to look around afterwards.")] = None,
    write: Annotated[
        Path | None, typer.Option(help="Only write the four weeks to this file, as JSON lines for run, backtest and send.")
    ] = None,
) -> None:
    """Start a real Kafka, send four invented weeks of five brands through the four agents, and show what comes out."""
    if write is not None:
        with explained():
            err.print(f"{write_scenario(write, seed)} lines: {write}", markup=False)
        return
    with explained(), tempfile.TemporaryDirectory(prefix="webcare-demo-") as folder:
        home = keep if keep is not None else Path(folder)
        if keep is not None and any(keep.glob("kafka/*")):
            fail(f"{keep} holds the broker data of a run before this one; name another folder, or remove this one, so that they do not mix")
        home.mkdir(parents=True, exist_ok=True)
        err.print("starting Apache Kafka")
        with Broker(data=home / "kafka") as broker:
            apply_topics(broker.bootstrap, PARTITIONS)
            out.print(f"four invented weeks, {START:%d %b} to {END:%d %b %Y}, replayed in their own time; planted in them:")
            for plant in PLANTED:
                out.print(f"  {plant.starts_at.astimezone(ZONE):%a %d %b %H:%M %Z}  {plant.brand}: {plant.story}")
            try:
                finished = _watch(broker.bootstrap, home / "worker.log", seed)
            except DemoError as error:
                fail(str(error), EXIT_FAILED)
            for alert in finished.show.alerts:
                out.print(alert_line(alert), soft_wrap=False)
            out.print(finished.show.queue(), soft_wrap=False)
            out.print(summary(finished.show, finished.ledger))
            out.print(f"{finished.seconds:.0f} s from the first mention sent to the ledger checked")
            if keep is not None:
                out.print(f"look around: webcare broker --data {home / 'kafka'}, then webcare tail, webcare state, webcare dlq list")
            if not finished.ledger.clean:
                raise typer.Exit(EXIT_FAILED)


def _watch(bootstrap: str, log: Path, seed: int) -> Finished:
    if not sys.stdout.isatty():
        return run_demo(bootstrap, log, lambda _show, _note: None, seed)
    with Live(console=out, transient=True, auto_refresh=False) as live:

        def draw(show: Show, note: str) -> None:
            live.update(show.draw(note), refresh=True)

        return run_demo(bootstrap, log, draw, seed)
