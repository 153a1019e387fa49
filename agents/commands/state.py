"""`webcare state`: what a deployment holds of its brands, and the state made anew where it is lost."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from typer.core import TyperGroup

from agents.commands.context import EXIT_FAILED, err, explained, fail, out, settings_of
from agents.deployment import build_stages, load_deployment
from agents.rebuild import rebuild
from agents.settings import DEMO_KEY
from agents.states import read_states
from agents.topics import partition_count

REBUILT = ("crisis", "routing")
"""Stages that have a state."""


class _ShowsByItself(TyperGroup):
    """`webcare state` and `webcare state BRAND` are `webcare state show`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


state_app = typer.Typer(
    cls=_ShowsByItself,
    help="What a running deployment holds per brand (`webcare state [BRAND]`), and the state made anew where it is lost.",
)


@state_app.command("show")
def state(
    brand: Annotated[str | None, typer.Argument(help="One brand; without it one line per brand.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one object per brand and line.")] = False,
    bootstrap: Annotated[str | None, typer.Option("--bootstrap", help="Kafka brokers; else WEBCARE_KAFKA_BOOTSTRAP.")] = None,
) -> None:
    """What a running deployment holds per brand: counters, open incidents, open items (read from the changelogs); also `webcare state`."""
    with explained():
        states = read_states(settings_of(bootstrap=bootstrap).bootstrap, lambda what: err.print(f"cannot be read: {what}", markup=False))
        if brand is not None:
            if brand not in states:
                fail(f"no state of a brand {brand}; known: {', '.join(sorted(states)) or 'none'}", EXIT_FAILED)
            states = {brand: states[brand]}
        if as_json:
            for name in sorted(states):
                sys.stdout.write(msgspec.json.encode(states[name].as_json(detailed=brand is not None), order="sorted").decode() + "\n")
            return
        table = Table("brand", "mentions", "negatives", "duplicates", "routed", "open incidents", "open items")
        for name, held in sorted(states.items()):
            counters = held.counters
            table.add_row(
                name,
                *(str(counters.get(key, 0)) for key in ("mentions", "negatives", "duplicates", "routed")),
                str(len(held.incidents)),
                str(len(held.items)),
            )
        out.print(table)
        if brand is not None:
            for key, value in sorted(states[brand].counters.items()):
                out.print(f"  {key}: {value}")
            for incident in states[brand].incidents:
                place = "" if incident["channel_family"] is None else f" in {incident['channel_family']}"
                out.print(f"  {incident['tier']}{place} since {incident['raised_at']}: {incident['incident_id']}", markup=False)


@state_app.command("rebuild")
def state_rebuild(
    stage: Annotated[list[str] | None, typer.Option(help="Only this stage: crisis or routing; may be given twice.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also where records have gone by retention: makes of the rest what it can.")
    ] = False,
    from_counts: Annotated[
        bool,
        typer.Option("--from-counts", help="As --partial; what is usual for a brand comes from webcare.brand.counts.v1 (400 days)."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only work it out, and say how much differs from what is there.")] = False,
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml, as the deployment has it.")] = None,
    bootstrap: Annotated[str | None, typer.Option("--bootstrap", help="Kafka brokers; else WEBCARE_KAFKA_BOOTSTRAP.")] = None,
) -> None:
    """Make the state anew from what the stages have worked through, where a changelog is lost or damaged. Stop the workers first.

    The counters, incidents and items become those of an undisturbed run up to the committed offsets, and workers go on from there. Nothing
    is published meanwhile. A run that was ended in the middle is simply run again; until it has ended, workers wait.
    """
    with explained():
        names = tuple(stage or REBUILT)
        if unknown := [name for name in names if name not in REBUILT]:
            fail(f"no stage with a state is called {', '.join(unknown)}; there are {', '.join(REBUILT)}")
        settings = settings_of(bootstrap=bootstrap, config=config)
        deployment = load_deployment(settings.config)
        stages = build_stages(deployment, DEMO_KEY, partition_count(settings.bootstrap), names)
        registry = deployment.brands if from_counts else None
        rebuild(
            settings, stages, lambda line: out.print(line, markup=False), partial=partial or from_counts, registry=registry, dry_run=dry_run
        )
