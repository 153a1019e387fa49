"""Where in a TOML file something stands: its decoder names a fault by its path alone, and a person looks for a line.

The decoder has read the file before, so what is walked through here is TOML; nothing is checked again.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import Any

from msgspec import inspect

Step = str | int
Path = tuple[Step, ...]
"""Names of tables and keys, and numbers in arrays: `brands[0].names` is ("brands", 0, "names")."""

ANY = "..."
"""How the decoder writes a name that the file's author chose."""

MOST_LINES = 3
"""So many are told where any of them may be meant."""

_BETWEEN = re.compile(r"(?:[\s,]|#[^\n]*)*")
_NAME = re.compile(r'[ \t]*("(?:[^"\\]|\\.)*"|\'[^\']*\'|[\w-]+)[ \t]*')
_LONG_TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}', re.DOTALL)
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_PLAIN = re.compile(r"[^,\]}#\n]*")
_PLACE = re.compile(r"at `\$(.*)`\Z")
_FIELD = re.compile(r"unknown field `(.*?)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[(\.\.\.)\]")


class Places:
    """The places of one file, as errors say them."""

    def __init__(self, file: str, content: bytes) -> None:
        self.file = file
        self._text = content.decode("utf-8", "replace")

    def of(self, table: str, key: Step) -> str:
        """`brands.toml: line 12: brands[0]`, or without the line where nothing of that name stands in the file."""
        return self._told((table, key)) + (f"{table}[{key}]" if isinstance(key, int) else f"{table}.{key}")

    def explained(self, message: str, kind: Any = None) -> str:
        """The decoder's message with file and line; several lines where it does not say which of some entries it means.

        ``kind``: what it decoded to; tells what may stand where one of a few words is wanted.
        """
        found = _PLACE.search(message)
        path: Path = tuple(int(number) if number else name or other for name, number, other in _STEP.findall(found[1] if found else ""))
        field = _FIELD.search(message)
        may_stand = _words(kind, path) if kind is not None and message.startswith("Invalid enum value") else []
        advice = f"; use one of {', '.join(may_stand)}" if may_stand else ""
        return self._told(path if field is None else (*path, field[1])) + message + advice

    def _told(self, path: Path) -> str:
        lines = self._lines_of(path)[:MOST_LINES]
        return f"{self.file}: " + (f"line {' or '.join(map(str, lines))}: " if lines else "")

    def _lines_of(self, path: Path) -> list[int]:
        if not path:
            return []
        if ANY not in path and (lines := self._by_path.get(_as_names(path))):  # asked for each entry of a file, so nothing is searched
            return sorted(lines)
        exact = {line for place, line in self._places if len(place) == len(path) and _matches(place, path)}
        if exact:
            return sorted(exact)
        within = {line for place, line in self._places if len(place) > len(path) and _matches(place[: len(path)], path)}
        return sorted(within)[:1]

    @cached_property
    def _by_path(self) -> dict[tuple[str, ...], set[int]]:
        found: dict[tuple[str, ...], set[int]] = {}
        for place, line in self._places:
            found.setdefault(_as_names(place), set()).add(line)
        return found

    @cached_property
    def _places(self) -> list[tuple[Path, int]]:
        starts = [0, *(found.end() for found in re.finditer("\n", self._text))]
        with suppress(RecursionError):
            return [(path, bisect_right(starts, at)) for path, at in _walk(self._text)]
        return []


def _words(kind: Any, path: Path) -> list[str]:
    """The words of which one may stand there."""
    found = _choices(inspect.type_info(kind))
    for step in path:
        found = [inner for one in found for inner in _inside(one, step)]
    return [str(value) for one in found if isinstance(one, inspect.LiteralType) for value in one.values]


def _choices(found: inspect.Type) -> list[inspect.Type]:
    return list(found.types) if isinstance(found, inspect.UnionType) else [found]


def _inside(found: inspect.Type, step: Step) -> list[inspect.Type]:
    match found:
        case inspect.StructType(fields=fields):
            return [inner for field in fields if field.encode_name == step for inner in _choices(field.type)]
        case inspect.VarTupleType(item_type=inner) | inspect.ListType(item_type=inner) | inspect.DictType(value_type=inner):
            return _choices(inner)
        case inspect.Metadata(type=inner):
            return _inside(inner, step)
    return []


def _as_names(path: Path) -> tuple[str, ...]:
    return tuple(map(str, path))


def _matches(place: Path, path: Path) -> bool:
    return all(step in (wanted, str(wanted)) if wanted != ANY else True for step, wanted in zip(place, path, strict=True))


def _walk(text: str) -> Iterator[tuple[Path, int]]:
    """Every table, key and value of an array: its path, and where it begins."""
    counts: dict[Path, int] = {}
    table: Path = ()
    at = _skip(text, 0)
    while at < len(text):
        if text[at] == "[":
            is_array = text.startswith("[[", at)
            names, end = _names(text, at + 1 + is_array)
            if not names:
                return  # no TOML; it has been told otherwise
            table = ()
            for name in names[:-1]:
                table = _newest((*table, name), counts)
            table = (*table, names[-1])
            if is_array:
                counts[table] = counts.get(table, -1) + 1
            table = _newest(table, counts)
            yield table, at
            at = end + 1 + is_array
        else:
            names, end = _names(text, at)
            places, end = _value(text, end + 1, (*table, *names))
            yield from chain([((*table, *names), at)], places)
            at = end
        at = _skip(text, at)


def _newest(table: Path, counts: dict[Path, int]) -> Path:
    return (*table, counts[table]) if table in counts else table


def _names(text: str, at: int) -> tuple[list[str], int]:
    """A key with dots, and where it ends."""
    names = []
    while (found := _NAME.match(text, at)) is not None:
        names.append(found[1].strip("\"'") if found[1][0] in "\"'" else found[1])
        at = found.end()
        if not text.startswith(".", at):
            break
        at += 1
    return names, at


def _value(text: str, at: int, path: Path) -> tuple[list[tuple[Path, int]], int]:
    """The places inside a value, and where it ends."""
    at = _skip(text, at)
    if (found := _LONG_TEXT.match(text, at) or _TEXT.match(text, at)) is not None:
        return [], found.end()
    places: list[tuple[Path, int]] = []
    if text.startswith("[", at):
        number = 0
        at = _skip(text, at + 1)
        while not text.startswith("]", at) and at < len(text):
            places.append(((*path, number), at))
            inner, at = _value(text, at, (*path, number))
            places += inner
            number += 1
            at = _skip(text, at)
        return places, at + 1
    if text.startswith("{", at):
        at = _skip(text, at + 1)
        while not text.startswith("}", at) and at < len(text):
            names, end = _names(text, at)
            places.append(((*path, *names), at))
            inner, at = _value(text, end + 1, (*path, *names))
            places += inner
            at = _skip(text, at)
        return places, at + 1
    found = _PLAIN.match(text, at)
    return [], max(at + 1, found.end() if found is not None else 0)


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found is not None else at
