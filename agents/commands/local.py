"""`webcare score | detect | run | explain | check`: everything that needs no broker."""

import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.progress import Progress

from agents.commands.context import EXIT_FAILED, err, explained, fail, lines_from, out, settings_of
from agents.deployment import build_stages, load_deployment
from agents.installation import foreign_packages
from agents.lexicons import load_engine
from agents.models import load_identifier
from agents.offline import run_offline
from agents.replay import InputError, RawRecord, in_order, replay
from agents.settings import DEMO_KEY
from pipeline.identify import LanguageIdentifier
from pipeline.partition import Partitioner
from pipeline.sentiment import SCORED_CHARACTERS, SentimentEngine, scored_text
from pipeline.series import detect_series
from pipeline.signals import signals
from schemas.mention import Author, LanguageMention
from schemas.topics import DEFAULT_PARTITIONS

SCORE_BATCH = 256
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _Given(msgspec.Struct):
    text: str
    language: str | None = None


def score(
    text: Annotated[str | None, typer.Argument(help="A text; without it, give --batch.")] = None,
    batch: Annotated[
        bool, typer.Option("--batch", help='JSON lines {"text", "language"?} on standard input, one JSON line each out.')
    ] = False,
    engine: Annotated[Literal["vader", "pack", "full"], typer.Option(help="Which sentiment engine.")] = "full",
    language: Annotated[str | None, typer.Option(help="The language, instead of detecting it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON also for a single text on a terminal.")] = False,
) -> None:
    """Language and sentiment of a text, and which words moved it."""
    with explained():
        if (text is None) == (not batch):
            fail("give a text, or --batch with JSON lines on standard input")
        scorer = Scoring(load_identifier(), load_engine(engine))
        if text is not None:
            (answer,) = scorer.answers([_Given(text, language)])
            if as_json or not sys.stdout.isatty():
                sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
            else:
                _show_score(answer)
            return
        given = _given_lines(sys.stdin)
        while chunk := list(islice(given, SCORE_BATCH)):
            for answer in scorer.answers(chunk):
                sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        sys.stdout.flush()


def _given_lines(source: TextIO) -> Iterator[_Given]:
    decoder = msgspec.json.Decoder(_Given)
    for number, line in enumerate(source.buffer, start=1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f'standard input: line {number}: {error}; each line is {{"text": "...", "language"?: "nl"}}') from None


class Scoring:
    """The first two stages' judgement of bare texts."""

    def __init__(self, identifier: LanguageIdentifier, engine: SentimentEngine) -> None:
        self._identifier = identifier
        self._engine = engine

    def answers(self, given: Sequence[_Given]) -> list[dict[str, Any]]:
        """One answer per text, in order; a language given overrides detection."""
        found = self._identifier.identify([one.text for one in given])
        languages = [one.language if one.language is not None else guess.code for one, guess in zip(given, found, strict=True)]
        sentiments = self._engine.score([scored_text(None, one.text) for one in given], languages)
        return [
            {
                "language": language,
                "language_guess": guess.guess,
                "language_confidence": guess.confidence,
                "sentiment": sentiment,
                "signals": signals(_as_mention(one.text, language), one.text, sentiment),
            }
            for one, guess, language, sentiment in zip(given, found, languages, sentiments, strict=True)
        ]


def _as_mention(text: str, language: str | None) -> LanguageMention:
    """A text about which nothing else is known."""
    return LanguageMention(
        mention_id="score:1",
        brand="score",
        channel="score",
        channel_family="desk",
        text=text[:SCORED_CHARACTERS],
        published_at=_NEVER,
        author=Author(id="score"),
        mode="observe",
        detected_at=_NEVER,
        language=language,
    )


def _show_score(answer: dict[str, Any]) -> None:
    sentiment = answer["sentiment"]
    confidence = answer["language_confidence"]
    sure = f" ({confidence:.0%} sure)" if confidence is not None else ""
    out.print(f"language   {answer['language'] or 'not known'}{sure if answer['language'] else ''}")
    compound = "" if sentiment.compound is None else f" {sentiment.compound:+.3f}"
    out.print(f"sentiment  {sentiment.label}{compound}")
    for hit in sentiment.hits:
        out.print(f"           {hit.valence:+.2f}  {hit.text}", markup=False)
    if answer["signals"].intents:
        out.print(f"intents    {', '.join(answer['signals'].intents)}")


def detect(
    timezone: Annotated[str, typer.Option("--timezone", help="Time zone of times that name none.")] = "UTC",
) -> None:
    """Judge a count series: CSV `timestamp,value` on standard input, the same rows with expected,anomaly_score,alert out."""
    with explained():
        try:
            zone = ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            fail(f"unknown time zone {timezone!r}; use an IANA name such as Europe/Amsterdam")
        reader = csv.reader(sys.stdin)
        header = next(reader, None)
        if header is None or header[:2] != ["timestamp", "value"]:
            raise InputError("standard input: line 1: the header must be timestamp,value")
        rows: list[list[str]] = []
        points: list[tuple[datetime, float]] = []
        for number, row in enumerate(reader, start=2):
            if row:
                points.append(_point(row, number))
                rows.append(row)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([*header, "expected", "anomaly_score", "alert"])
        for row, judged in zip(rows, detect_series(points, time_zone=zone), strict=True):
            writer.writerow([*row, f"{judged.expected:.4f}", f"{judged.anomaly_score:.6f}", int(judged.alert)])
        sys.stdout.flush()


def _point(row: list[str], number: int) -> tuple[datetime, float]:
    try:
        at, value = datetime.fromisoformat(row[0]), float(row[1])
    except (ValueError, IndexError):
        raise InputError(f"standard input: line {number}: expected a time and a count, such as 2026-01-31 12:05:00,17") from None
    if not 0 <= value < float("inf"):
        raise InputError(f"standard input: line {number}: a count is 0 or more, not {row[1]}")
    return at, value


def run(
    file: Annotated[str, typer.Argument(help="Mentions as JSON lines; - reads standard input.")],
    output: Annotated[Path, typer.Option(help="Folder for <topic>.jsonl files.")],
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
        stages = build_stages(load_deployment(settings.config), settings.author_key or DEMO_KEY, DEFAULT_PARTITIONS)
        if settings.author_key is None:
            err.print("author ids are hashed with the fixed, announced key of demo, offline and replay runs")
        with Progress(console=err, transient=True, disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task("working", total=len(lines))

            def counted() -> Iterator[RawRecord]:
                for record in replay(lines, times, Partitioner(DEFAULT_PARTITIONS)):
                    if not record.is_tick:
                        progress.advance(bar)
                    yield record

            written = run_offline(counted(), stages, output)
        for topic, number in sorted(written.items()):
            err.print(f"{number:8}  {output / topic}.jsonl")


def check(
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml.")] = None,
) -> None:
    """Check the configuration, the rule book's own examples, and that the installed packages are ours."""
    with explained():
        deployment = load_deployment(settings_of(config=config).config)
        brands = list(deployment.brands)
        out.print(f"{deployment.folder}: {len(brands)} brands, {len(deployment.rules.rules)} rules with their examples: as they should be")
        out.print(f"configuration {deployment.config_hash}")
        strangers = foreign_packages()
        for line in strangers:
            err.print(f"error: {line}", markup=False)
        if strangers:
            raise typer.Exit(EXIT_FAILED)
