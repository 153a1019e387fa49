"""The command `webcare`."""

import logging
import os
from typing import Annotated

import typer

from agents.commands import kafka, local
from agents.commands.backtest import backtest
from agents.commands.context import err
from agents.commands.demo import demo
from agents.commands.explain import explain
from agents.commands.ledger import ledger
from agents.commands.score import score
from agents.commands.state import state_app
from agents.deployment import version
from agents.settings import unknown_variables

TELL_THEMSELVES = ("worker", "check")
"""Commands that say by themselves which variables they do not know: one in its log, one as an error."""

app = typer.Typer(
    name="webcare",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # a paragraph of help flows, whatever the width
    pretty_exceptions_enable=False,
    help="Guards and tends a brand's online reputation: mentions flow through Kafka and four agents; "
    "crisis alerts, an agent queue and routed topics come out.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit


@app.callback()
def webcare(
    ctx: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Settings come from WEBCARE_* environment variables (see the README); options win over them."""
    for library in ("aiokafka", "kafka"):  # what they warn of, they try again; what fails, a command says itself
        logging.getLogger(library).setLevel(logging.CRITICAL)
    if ctx.invoked_subcommand not in TELL_THEMSELVES:
        for line in unknown_variables(os.environ):
            err.print(f"warning: {line}", markup=False)


app.command()(demo)
app.command()(kafka.worker)
app.command()(kafka.broker)
app.add_typer(kafka.topics_app, name="topics")
app.command()(kafka.send)
app.command()(score)
app.command()(local.detect)
app.command()(local.run)
app.command()(backtest)
app.command()(explain)
app.command()(local.check)
app.command()(ledger)
app.command()(kafka.tail)
app.add_typer(kafka.dlq_app, name="dlq")
app.add_typer(state_app, name="state")


def main() -> None:
    """Entry point."""
    app()
