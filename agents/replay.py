"""Files of mentions and their own time: what `send`, `run --offline` and `demo` write to the raw topic, in which order."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from agents.text_files import NotUtf8Error, require_no_utf16, without_mark
from pipeline.partition import Partitioner
from pipeline.ticks import BackwardsFileError, file_times, paced
from schemas.codec import encode
from schemas.mention import Tick


class InputError(ValueError):
    """A given file cannot be used; the message names file and line and says what to do."""


class Line(NamedTuple):
    """One line of a file. ``number`` counts from 1; ``body`` is None where the line is no JSON object; ``at`` is its event time."""

    number: int
    value: bytes
    body: dict[str, Any] | None
    at: float | None

    @property
    def brand(self) -> str | None:
        """The brand named in it, if any."""
        brand = self.body.get("brand") if self.body is not None else None
        return brand if isinstance(brand, str) and brand else None


class RawRecord(NamedTuple):
    """What goes to the raw topic. ``is_tick`` records are not part of the file; ``line`` is that of the others, from 1."""

    partition: int
    key: bytes | None
    value: bytes
    at: float
    is_tick: bool
    line: int | None = None


_decode = msgspec.json.Decoder().decode


def read_line(number: int, value: bytes) -> Line:
    """Look at a line without judging it: bad ones go the way of all records, and end as dead letters."""
    try:
        body = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return Line(number, value, None, None)
    return Line(number, value, body, _event_time(body))


def _event_time(body: dict[str, Any]) -> float | None:
    for name in ("published_at", "retracted_at"):
        given = body.get(name)
        if isinstance(given, str):
            return _moment(given)
    return None


def _moment(given: Any) -> float | None:
    """Seconds of a time as JSON has it; None where it is none."""
    try:
        moment = msgspec.convert(given, datetime)
    except msgspec.ValidationError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def read_lines(path: Path) -> list[Line]:
    """All lines of a JSON Lines file; empty ones are passed over.

    Raises:
        InputError: the file cannot be read, or is UTF-16.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return lines_of(content, str(path))


def lines_of(content: bytes, name: str) -> list[Line]:
    """The same of what is in the file; a byte-order mark at its start is passed over.

    Raises:
        InputError: it is UTF-16, so that no line can be read.
    """
    try:
        require_no_utf16(content, name)
    except NotUtf8Error as error:
        raise InputError(str(error)) from None
    return [read_line(number, value) for number, value in enumerate(without_mark(content).split(b"\n"), start=1) if value.strip()]


def in_order(lines: list[Line], *, sort: bool, name: str) -> tuple[list[Line], list[float]]:
    """The lines with their file times; sorted by event time first if asked (lines without one stay behind their neighbour).

    Raises:
        InputError: more than 1 % of the lines run back more than 6 h.
    """
    if sort:
        last = float("-inf")
        keyed = []
        for line in lines:
            last = line.at if line.at is not None else last
            keyed.append((last, line))
        lines = [line for _, line in sorted(keyed, key=lambda pair: pair[0])]
    try:
        return lines, file_times([line.at for line in lines])
    except BackwardsFileError as error:
        number = lines[error.line - 1].number
        raise InputError(
            f"{name}: line {number}: event time runs back more than 6 h there and on more than 1 % of the lines; "
            "sort the file by published_at, or give --sort"
        ) from None


def replay(lines: list[Line], times: list[float], partitioner: Partitioner, *, brand: str | None = None) -> Iterator[RawRecord]:
    """Lines and ticks in the file's own time, as a replay writes them.

    A missing ``received_at`` (of a retraction: ``retracted_at``) becomes the line's file time, as does one of a line that lies ahead of
    that: a collector's clock may be as wrong as a source's. Ticks go to every raw partition; with ``brand`` only to that brand's, and
    only for it.
    """
    for step in paced(times):
        if step.line is not None:
            line = lines[step.line]
            yield RawRecord(
                partition_of(line, partitioner), key_of(line), filled(line, step.now), step.now, is_tick=False, line=line.number
            )
        elif step.tick is not None:
            tick = Tick(at=datetime.fromtimestamp(step.tick, UTC), brand=brand, replay="end" if step.end else "running")
            value = encode(tick)
            for partition in range(partitioner.partitions) if brand is None else (partitioner(brand),):
                yield RawRecord(partition, None, value, step.now, is_tick=True)


def plain(lines: Iterable[Line], partitioner: Partitioner) -> Iterator[RawRecord]:
    """Lines as they are, for a live deployment."""
    for line in lines:
        yield RawRecord(partition_of(line, partitioner), key_of(line), line.value, line.at or 0.0, is_tick=False, line=line.number)


def key_of(line: Line) -> bytes | None:
    """The brand, where the line names one."""
    return line.brand.encode() if line.brand is not None else None


def partition_of(line: Line, partitioner: Partitioner) -> int:
    """The brand's partition; lines that name none go to the first."""
    return partitioner(line.brand) if line.brand is not None else 0


def filled(line: Line, now: float) -> bytes:
    """The line with the time at which it came in, if it does not say so itself or cannot be believed; what lacks more keeps its bytes."""
    if line.body is None or line.body.get("type") == "tick" or not {"brand", "mention_id"} <= line.body.keys():
        return line.value
    name = "retracted_at" if line.body.get("type") == "retraction" else "received_at"
    given = line.body.get(name)
    if given is not None and (line.at is None or line.at <= now or (_moment(given) or now) <= now):
        return line.value  # what is no time is refused at the door
    return encode(line.body | {name: datetime.fromtimestamp(now, UTC)})
