"""`webcare broker | topics | worker | send | tail | dlq`: everything that talks to a broker."""

import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import Progress
from rich.table import Column, Table

from agents.broker import Broker
from agents.commands.context import EXIT_FAILED, err, explained, fail, lines_from, number_of, out, settings_of
from agents.dead_letters import Letter, letters, waiting
from agents.redriving import send_again
from agents.repartition import repartition
from agents.replay import InputError, in_order, plain, replay
from agents.sending import last_ticks_of_the_clock, send_records
from agents.topic_reader import Record, follow, read_to_end
from agents.topics import TopicMissingError, apply_topics, check_topics, list_topics, partition_count, partitions_of
from agents.waiting import PortError
from pipeline.partition import Partitioner
from schemas.topics import DEAD_LETTER, DEFAULT_PARTITIONS, RAW

Bootstrap = Annotated[str | None, typer.Option("--bootstrap", help="Kafka brokers; else WEBCARE_KAFKA_BOOTSTRAP.")]

topics_app = typer.Typer(no_args_is_help=True, help="Create, check and list the topics.")
dlq_app = typer.Typer(no_args_is_help=True, help="Look at dead letters and send them again.")


def broker(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port for clients; 0 takes a free one.")] = 9092,
    data: Annotated[Path | None, typer.Option(help="Data folder, kept; without it a folder that is thrown away.")] = None,
    topics: Annotated[bool, typer.Option(help="Create the topics as well.")] = True,
) -> None:
    """Run a real single-node Apache Kafka in the foreground (needs the extra `embedded`)."""
    with explained(), Broker(data=data, port=port or None) as running:
        if topics:
            apply_topics(running.bootstrap, _partitions_there(running.bootstrap))
        err.print(f"Kafka is ready at {running.bootstrap} (data: {running.data}); stop it with Ctrl-C")
        err.print(f"export WEBCARE_KAFKA_BOOTSTRAP={running.bootstrap}")
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        while running.running and not ended.wait(0.5):
            pass
        if ended.is_set():
            err.print("stopping")
        else:
            fail("the broker has ended by itself; its log is in the data folder", EXIT_FAILED)


def _partitions_there(bootstrap: str) -> int:
    """Those of the raw topic in the data folder, such as the demo's; the usual number where there is none yet."""
    try:
        return partitions_of(bootstrap, RAW.name)[RAW.name]
    except TopicMissingError:
        return DEFAULT_PARTITIONS


@topics_app.command("apply")
def topics_apply(
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of every topic.")] = DEFAULT_PARTITIONS,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of every partition.")] = 1,
    bootstrap: Bootstrap = None,
) -> None:
    """Create what is missing, set what differs. Safe to run again."""
    with explained():
        for line in apply_topics(settings_of(bootstrap=bootstrap).bootstrap, partitions, replication) or ["nothing to do"]:
            out.print(line, markup=False)


@topics_app.command("check")
def topics_check(bootstrap: Bootstrap = None) -> None:
    """Compare the broker's topics with the table; exit code 1 where they differ."""
    with explained():
        problems = check_topics(settings_of(bootstrap=bootstrap).bootstrap)
        for problem in problems:
            out.print(str(problem), markup=False)
        if problems:
            raise typer.Exit(EXIT_FAILED)
        out.print("all topics are as they should be")


@topics_app.command("list")
def topics_list(bootstrap: Bootstrap = None) -> None:
    """The topics of the table and what the broker has of them."""
    with explained():
        table = Table(Column("topic", no_wrap=True), "key", "cleanup", "retention", "partitions", "records", box=None)
        for row in list_topics(settings_of(bootstrap=bootstrap).bootstrap):
            table.add_row(*map(str, row))
        out.print(table)


@topics_app.command("repartition")
def topics_repartition(
    partitions: Annotated[int, typer.Option(min=1, help="Partitions that every topic shall have; more than now.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would move.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Change the number of partitions: brands move with their state, items and alerts. Stop producers, then workers, first.

    Refused while a worker runs or work is left. A run that was ended in the middle is simply run again; until it is done no worker starts.
    """
    with explained():
        repartition(settings_of(bootstrap=bootstrap), partitions, lambda line: out.print(line, markup=False), dry_run=dry_run)


def worker(
    stages: Annotated[str, typer.Option(help="Only these stages, separated by commas: language, sentiment, crisis, routing.")] = "",
    replay_: Annotated[
        bool, typer.Option("--replay", help="Event time comes from the log alone (`send --replay` writes its ticks).")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of /metrics, /livez, /readyz, /version; 0: no web server.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml.")] = None,
    bootstrap: Bootstrap = None,
) -> None:
    """Run the agents until SIGTERM or Ctrl-C."""
    from agents.worker import run_worker  # Faust takes half a second to import: only here

    with explained():
        settings = settings_of(bootstrap=bootstrap, config=config, web_port=port, ticks="log" if replay_ else None)
        try:
            run_worker(settings, [name.strip() for name in stages.split(",") if name.strip()])
        except PortError as error:
            fail(str(error), EXIT_FAILED)


def send(
    file: Annotated[str, typer.Argument(help="Mentions as JSON lines; - reads standard input.")],
    replay_: Annotated[bool, typer.Option("--replay", help="Also write ticks in the file's own time.")] = False,
    brand: Annotated[str | None, typer.Option(help="With --replay: ticks for this brand only (warm start of an observed brand).")] = None,
    sort: Annotated[bool, typer.Option("--sort", help="Sort the file by event time first.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --replay: also where a live worker keeps the time.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Write mentions to the raw topic.

    With --replay it refuses a raw topic whose last ticks are a live worker's: to its clock every deadline of the file would be past.
    """
    with explained():
        if brand is not None and not replay_:
            fail("--brand goes with --replay")
        if force and not replay_:
            fail("--force goes with --replay")
        lines = lines_from(file)
        if not lines:
            fail(f"{file}: no lines")
        settings = settings_of(bootstrap=bootstrap)
        partitioner = Partitioner(partition_count(settings.bootstrap))
        if replay_ and brand is None and not force:
            _require_no_live_clock(settings.bootstrap)
        if replay_ or sort:
            lines, times = in_order(lines, sort=sort, name=file)
        records = replay(lines, times, partitioner, brand=brand) if replay_ else plain(lines, partitioner)
        with Progress(console=err, transient=True, disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task("sending", total=len(lines))
            sent = send_records(settings, records, lambda written: progress.advance(bar, written))
        err.print(f"sent {number_of(sent['mentions'], 'line')} and {number_of(sent['ticks'], 'tick')} to {RAW.name}")
        if broken := [line.number for line in lines if line.body is None]:
            err.print(
                f"{file}: {len(broken)} of {len(lines)} are no JSON objects and become dead letters, line {min(broken)} first", markup=False
            )


def _require_no_live_clock(bootstrap: str) -> None:
    ticked = last_ticks_of_the_clock(bootstrap)
    if ticked is not None:
        fail(
            f"the last ticks in {RAW.name} are a live worker's ({ticked:%d %b %Y %H:%M} UTC), to whose clock every deadline of the file is "
            "past. Replay into a broker of its own (`webcare broker`, `webcare worker --replay`), give --brand for the warm start of one "
            "brand, or insist with --force"
        )


def tail(
    topic: Annotated[str, typer.Argument(help="A topic's name; `webcare topics list` shows them.")],
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="From the start of the log instead of from now on.")] = False,
    number: Annotated[int, typer.Option("--number", "-n", min=0, help="Stop after so many records; 0: go on.")] = 0,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop at the present end of the topic.")] = False,
    headers: Annotated[bool, typer.Option("--headers", help="With partition, offset, key and headers.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Print a topic's records as JSON lines."""
    with explained():
        address = settings_of(bootstrap=bootstrap).bootstrap
        records = read_to_end(address, topic) if until_end else follow(address, topic, from_beginning=from_beginning)
        shown = 0
        try:
            for record in records:
                if record is None:
                    continue
                sys.stdout.buffer.write(_with_headers(record) if headers else record.value or b"null")
                sys.stdout.buffer.write(b"\n")
                sys.stdout.buffer.flush()
                shown += 1
                if number and shown >= number:
                    break
        except KeyboardInterrupt:
            pass


def _with_headers(record: Record) -> bytes:
    value: Any = None
    if record.value is not None:
        try:
            value = msgspec.json.decode(record.value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = record.value.decode("utf-8", "replace")
    return msgspec.json.encode(
        {
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": record.key.decode("utf-8", "replace") if record.key is not None else None,
            "headers": [[name, (content or b"").decode("utf-8", "replace")] for name, content in record.headers],
            "value": value,
        }
    )


@dlq_app.command("list")
def dlq_list(
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """The dead letters: where each stands, its stage, reason and place of the fault; no content."""
    with explained():
        table = Table(Column("letter", no_wrap=True), "stage", "reason", "what is wrong", Column("first seen", no_wrap=True), box=None)
        found = letters(read_to_end(settings_of(bootstrap=bootstrap).bootstrap, DEAD_LETTER.name))
        chosen = [letter for letter in found if reason is None or letter.reason == reason]
        for letter in chosen:
            facts = {
                "letter": letter.name,
                "stage": letter.text("__connect.errors.stage"),
                "reason": letter.reason,
                "detail": letter.text("__connect.errors.exception.message"),
                "first_seen": letter.text("webcare-first-seen"),
            }
            if as_json:
                sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
            else:
                table.add_row(*facts.values())
        if not as_json:
            out.print(table)
            out.print(_summary(chosen))


def _summary(found: Sequence[Letter]) -> str:
    reasons = Counter(letter.reason for letter in found)
    return ", ".join(f"{name}: {count}" for name, count in reasons.most_common()) or "no dead letters"


@dlq_app.command("show")
def dlq_show(letter: Annotated[str, typer.Argument(help="As listed: partition:offset.")], bootstrap: Bootstrap = None) -> None:
    """One dead letter with its headers and its bytes."""
    with explained():
        record = _find(letters(read_to_end(settings_of(bootstrap=bootstrap).bootstrap, DEAD_LETTER.name)), letter).record
        for name, value in record.headers:
            out.print(f"{name}: {(value or b'').decode('utf-8', 'replace')}", markup=False)
        out.print(f"key: {record.key!r}", markup=False)
        sys.stdout.flush()
        sys.stdout.buffer.write((record.value or b"") + b"\n")


def _find(found: Sequence[Letter], name: str) -> Letter:
    for letter in found:
        if letter.name == name:
            return letter
    raise InputError(f"there is no dead letter {name}; `webcare dlq list` shows them")


@dlq_app.command("redrive")
def dlq_redrive(
    letter: Annotated[str | None, typer.Argument(help="One letter, partition:offset.")] = None,
    reason: Annotated[str | None, typer.Option(help="All letters with this reason.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All letters.")] = False,
    bootstrap: Bootstrap = None,
) -> None:
    """Write dead letters to the raw topic again, as new records (after the cause is gone).

    With --reason and --all, letters that have been sent again since are passed over; a letter that is named is sent whatever came of it.
    A letter that the raw topic does not take (too large) is named and passed over; the exit code is 1 then.
    """
    with explained():
        if sum((letter is not None, reason is not None, everything)) != 1:
            fail("give just one of: a letter, --reason, --all")
        settings = settings_of(bootstrap=bootstrap)
        found = letters(read_to_end(settings.bootstrap, DEAD_LETTER.name))
        if letter is not None:
            chosen = [_find(found, letter)]
        else:
            chosen = [one for one in waiting(found, read_to_end(settings.bootstrap, RAW.name)) if everything or one.reason == reason]
        if not chosen:
            fail(f"no dead letter waits for that; there are {_summary(found)}", EXIT_FAILED)
        done = send_again(settings, chosen, Partitioner(partition_count(settings.bootstrap)))
        err.print(f"sent {number_of(done.sent, 'dead letter')} to {RAW.name} again")
        for one, kind in done.refused:
            err.print(f"not sent: {one.name}: {RAW.name} does not take it ({kind}); see `webcare dlq show {one.name}`", markup=False)
        if done.refused:
            raise typer.Exit(EXIT_FAILED)
