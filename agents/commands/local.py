"""`webcare detect | run | check`: work on files, without a broker."""

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress

from agents.commands.context import EXIT_FAILED, err, explained, fail, lines_from, number_of, out, settings_of, tell_unregistered
from agents.counts import Buckets, csv_of, judge_folder, separator_hint
from agents.deployment import BRANDS, DOSSIERS, WORDS, build_stages, load_deployment
from agents.installation import foreign_packages
from agents.lexicons import LANGUAGES, check_packs
from agents.offline import run_offline
from agents.refused import Refused
from agents.replay import InputError, RawRecord, in_order, replay
from agents.settings import DEMO_KEY, unknown_variables
from pipeline.dossiers import unregistered
from pipeline.partition import Partitioner
from pipeline.series import detect_series
from schemas.topics import DEFAULT_PARTITIONS

STANDARD_INPUT = "standard input"


def detect(
    timezone: Annotated[str, typer.Option("--timezone", help="Time zone of times that name none, and of the hours of the week.")] = "UTC",
    counts: Annotated[
        Path | None,
        typer.Option(
            "--counts", help="Folder of `<brand>.csv`, or one such file, with ts,tot,neg[,mult_tot,mult_neg], instead of standard input."
        ),
    ] = None,
    alerts: Annotated[Path | None, typer.Option("--alerts", help="With --counts: file for brand,bucket,kind,signal.")] = None,
    profile: Annotated[
        Literal["quiet", "default", "sensitive"], typer.Option(help="With --counts: how easily a brand alerts.")
    ] = "default",
) -> None:
    """Judge a count series: CSV `timestamp,value` on standard input, the same rows with expected,anomaly_score,alert out.

    expected: what the past leads to expect of the row. anomaly_score: 0 to 1, at least 0.5 only where alert is 1. alert: 1 in the row
    that raises an alarm, else 0. With --counts, a line of the alerts is one that was raised or escalated: bucket is the number of the
    row, from 0 and without the header; kind is warn, crit (tiers warning and crisis) or surge (many mentions of any kind); signal is
    burst, share or slow_burn, and empty for a surge.
    """
    with explained():
        try:
            zone = ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            fail(f"unknown time zone {timezone!r}; use an IANA name such as Europe/Amsterdam")
        if (counts is None) != (alerts is None):
            fail("give --counts and --alerts together")
        if counts is not None and alerts is not None:
            number = judge_folder(counts, alerts, profile=profile, time_zone=zone)
            err.print(f"{number_of(number, 'brand')} judged: {alerts}", markup=False)
            return
        header, rows, points = _series(zone)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([*header, "expected", "anomaly_score", "alert"])
        for row, judged in zip(rows, detect_series(points, time_zone=zone), strict=True):
            writer.writerow([*row, f"{judged.expected:.4f}", f"{judged.anomaly_score:.6f}", int(judged.alert)])
        sys.stdout.flush()


def _series(zone: ZoneInfo) -> tuple[list[str], list[list[str]], list[tuple[datetime, float]]]:
    reader = csv_of(sys.stdin.buffer.read(), STANDARD_INPUT)
    rows: list[list[str]] = []
    points: list[tuple[datetime, float]] = []
    buckets = Buckets(zone)
    number = 1
    try:
        header = next(reader, None)
        if header is None or header[:2] != ["timestamp", "value"]:
            raise InputError(f"{STANDARD_INPUT}: line 1: the header must be timestamp,value{separator_hint(header or [])}")
        for number, row in enumerate(reader, start=2):
            if row:
                point = _point(row, number)
                buckets.take(point[0], row[0], f"{STANDARD_INPUT}: line {number}")
                points.append(point)
                rows.append(row)
    except csv.Error as error:
        raise InputError(f"{STANDARD_INPUT}: line {number + 1}: cannot be read ({type(error).__name__})") from None
    return header, rows, points


def _point(row: list[str], number: int) -> tuple[datetime, float]:
    try:
        at, value = datetime.fromisoformat(row[0]), float(row[1])
    except (ValueError, IndexError):
        raise InputError(f"{STANDARD_INPUT}: line {number}: expected a time and a count, such as 2026-01-31 12:05:00,17") from None
    if not 0 <= value < float("inf"):
        raise InputError(f"{STANDARD_INPUT}: line {number}: a count is 0 or more, not {row[1]}")
    return at, value


def run(
    file: Annotated[str, typer.Argument(help="Mentions as JSON lines; - reads standard input.")],
    output: Annotated[Path, typer.Option(help="Folder for `<topic>.jsonl` files.")],
    offline: Annotated[bool, typer.Option("--offline", help="Without Kafka (there is no other way yet; say so).")] = False,
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml.")] = None,
    sort: Annotated[bool, typer.Option("--sort", help="Sort the file by event time first.")] = False,
) -> None:
    """Run a file through the four stages without Kafka: the same code and the same records as a broker run."""
    with explained():
        if not offline:
            fail("run needs --offline; with Kafka, use `webcare send --replay` and `webcare worker --replay`")
        lines = lines_from(file)
        if not lines:
            fail(f"{file}: no lines")
        lines, times = in_order(lines, sort=sort, name=file)
        settings = settings_of(config=config)
        deployment = load_deployment(settings.config)
        stages = build_stages(deployment, settings.author_key or DEMO_KEY, DEFAULT_PARTITIONS)
        if settings.author_key is None:
            err.print("author ids are hashed with the fixed, announced key of demo, offline and replay runs")
        refused = Refused()
        with Progress(console=err, transient=True, disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task("working", total=len(lines))

            def counted() -> Iterator[RawRecord]:
                for record in replay(lines, times, Partitioner(DEFAULT_PARTITIONS)):
                    if not record.is_tick:
                        progress.advance(bar)
                    yield record

            written = run_offline(counted(), stages, output, refused)
        for topic, number in sorted(written.items()):
            err.print(f"{number:8}  {output / topic}.jsonl", markup=False)
        brands = Counter(line.brand for line in lines if line.brand is not None and line.number not in refused)
        tell_unregistered(brands, deployment.brands, str(deployment.folder / BRANDS))
        if (told := refused.told(file, len(lines))) is not None:
            err.print(told, markup=False)
        if len(refused) == len(lines):
            fail("nothing in the file is a mention", EXIT_FAILED)


def check(
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml.")] = None,
) -> None:
    """Check the configuration, the rule book's examples, the names of WEBCARE_* variables, the lexicons, and that the packages are ours."""
    problems = unknown_variables(os.environ)
    for line in problems:  # first: a misspelt name may be why the files are not the ones meant
        err.print(f"error: {line}", markup=False)
    with explained():
        deployment = load_deployment(settings_of(config=config).config)
        brands = list(deployment.brands)
        found = [*unregistered(deployment.dossiers, [brand.slug for brand in brands]), *foreign_packages()]
        held = f"{number_of(len(brands), 'brand')}, {number_of(len(deployment.rules.rules), 'rule')} with their examples"
        out.print(f"{deployment.folder}: {held}{': as they should be' if brands and not found else ''}", markup=False)
        if not brands:
            err.print(f"warning: {deployment.folder / BRANDS}: no [[brands]], so every brand is judged by the defaults", markup=False)
        if dossiers := len(deployment.dossiers):
            each = number_of(dossiers, "dossier")
            out.print(f"{deployment.folder / DOSSIERS}: {each}, each with owner and crisis plan", markup=False)
        if deployment.words:
            counted = ", ".join(f"{language} {len(words)}" for language, words in sorted(deployment.words.items()))
            out.print(f"{deployment.folder / WORDS}: own words and phrases, by language: {counted}", markup=False)
        check_packs()
        out.print(f"lexicons of {', '.join(LANGUAGES)}: nothing wrong")
        out.print(f"configuration {deployment.config_hash}")
        for line in found:
            err.print(f"error: {line}", markup=False)
        if problems or found:
            raise typer.Exit(EXIT_FAILED)
