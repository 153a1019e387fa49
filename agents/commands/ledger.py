"""`webcare ledger`: the proof that nothing is lost and nothing counted twice."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from agents.commands.context import EXIT_FAILED, err, explained, fail, out, settings_of
from agents.commands.kafka import Bootstrap
from agents.deployment import load_deployment
from agents.ledger import Result, check
from agents.ledger.findings import Findings
from schemas.topics import RAW

EXIT_NOTHING_SAID = 3
"""Nothing is wrong, but nothing could be checked either: what the raw topic held has gone."""


def ledger(
    as_json: Annotated[bool, typer.Option("--json", help="Everything that was found, as one JSON object.")] = False,
    recount: Annotated[bool, typer.Option(help="Also count again from raw what the state holds of every brand.")] = True,
    replay_: Annotated[bool, typer.Option("--replay", help="The deployment runs `webcare worker --replay`.")] = False,
    temp_dir: Annotated[Path | None, typer.Option(help="Folder to sort in; else the system's for temporary files.")] = None,
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml, as the deployment has it.")] = None,
    bootstrap: Bootstrap = None,
) -> None:
    """Prove over the topics that nothing is lost and nothing counted twice.

    Every raw record has exactly one outcome, every alert and item was told once, and what the state holds of each brand is what the
    stages count again from raw. Workers may go on working meanwhile; counted again is only what has come to rest. Exit code 0: nothing
    speaks against it; 1: something does; 2: it could not run; 3: the raw topic holds nothing any more that could be checked.
    """
    with explained():
        settings = settings_of(bootstrap=bootstrap, config=config, ticks="log" if replay_ else None)
        if temp_dir is not None and not temp_dir.is_dir():
            fail(f"{temp_dir}: no such folder")
        deployment = load_deployment(settings.config)
        with err.status("reading the topics") if sys.stderr.isatty() else nullcontext():
            result = check(settings.bootstrap, settings, deployment, count_again=recount, temp_dir=temp_dir)
        if as_json:
            sys.stdout.write(msgspec.json.encode(result.as_json(), order="sorted").decode() + "\n")
        else:
            show(result)
        if not result.clean:
            raise typer.Exit(EXIT_FAILED)
        if result.says_nothing:
            raise typer.Exit(EXIT_NOTHING_SAID)


def show(result: Result) -> None:
    """For people: the figures, then a line for each of the three checks, then what is wrong."""
    law = result.law
    figures = Table.grid(padding=(0, 2))
    figures.add_column()
    figures.add_column(justify="right")
    figures.add_column()
    figures.add_row(RAW.name, f"{law.raw:,}", "records that are no ticks")
    for topic, number in law.outcomes.items():
        figures.add_row(topic, f"{number:,}", "")
    for number, text in (
        (law.under_way, "under way: some stage has not come to them yet"),
        (law.repeats, "repeats after a crash, each the same outcome again"),
        (law.gone, "raw offsets gone by retention: nothing can be said of them"),
        (law.before_start, "outcomes of raw records that have gone"),
        (law.earlier_topics, "outcomes of an earlier raw topic"),
    ):
        if number:
            figures.add_row("", f"{number:,}", text)
    out.print(figures)
    _say("law", law.clean, _law_in_words(result))
    _say("outputs", result.outputs.clean, _outputs_in_words(result))
    _say("count", result.recount.clean, _recount_in_words(result))
    for note in result.recount.notes:
        out.print(f"         {note}", markup=False)
    for name, found in (
        ("missing", law.missing),
        ("doubled", law.doubled),
        ("from nowhere", law.unknown),
        ("missing", result.outputs.missing),
        ("doubled", result.outputs.doubled),
        ("disagreeing", result.outputs.disagreeing),
        ("alert", result.recount.alerts),
    ):
        _list(name, found)
    for brand in result.recount.brands:
        if brand.said:
            out.print(f"{brand.brand}: {brand.said}", markup=False)
        for name, (held, counted) in brand.different.items():
            out.print(f"differs  {brand.brand} {name}: the state holds {held}, counted from raw {counted}", markup=False)


def _law_in_words(result: Result) -> str:
    law = result.law
    if not law.clean:
        return f"broken: {len(law.missing):,} missing, {len(law.doubled):,} doubled, {len(law.unknown):,} from nowhere"
    if law.says_nothing:
        return "nothing can be said: the raw topic holds no record any more, only outcomes of earlier ones are left"
    if not law.raw:
        return "nothing has come in yet"
    if law.under_way:
        return f"holds so far: {law.raw - law.under_way:,} records have exactly one outcome, {law.under_way:,} are under way"
    return "holds: every raw record has exactly one outcome"


def _outputs_in_words(result: Result) -> str:
    outputs = result.outputs
    held = f"{outputs.alerts:,} alert versions, {outputs.items:,} items ({outputs.open_tasks:,} open tasks)"
    if not outputs.clean:
        return f"{held}: {len(outputs.missing)} missing, {len(outputs.doubled)} doubled, {len(outputs.disagreeing)} disagreeing"
    return f"{held}: each told once" + ("" if any(result.left.values()) else ", and the latest states agree")


def _recount_in_words(result: Result) -> str:
    recount = result.recount
    if recount.why_not:
        return f"not compared: {recount.why_not}"
    compared = [brand for brand in recount.brands if brand.compared]
    counters = sum(brand.compared for brand in compared)
    told = (
        f"{len(compared)} of {len(recount.brands)} brands counted again from {recount.records:,} raw records and ticks, {counters} counters"
    )
    wrong = sum(len(brand.different) for brand in recount.brands)
    if recount.clean:
        return f"{told}: all as the state holds them"
    return f"{told}: {wrong} differ, and {len(recount.alerts)} alert versions"


def _say(name: str, clean: bool, text: str) -> None:
    out.print(Text.assemble((f"{name:<9}", "bold"), (text, "green" if clean else "bold red")))


def _list(name: str, found: Findings) -> None:
    for finding in found:
        out.print(f"{name:<9}{finding}", markup=False)
    if len(found) > len(found.first):
        out.print(f"{name:<9}and {len(found) - len(found.first):,} more", markup=False)
