"""A case: what one target is fed once. Stored in ``corpus/`` as readable JSON, so that a failure, once found, is tried for ever."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
Case = Any
"""Plain lists, strings, numbers, None and bytes."""


class BrokenLawError(AssertionError):
    """One of many inputs broke a law; ``case`` is that one alone."""

    def __init__(self, message: str, case: Case) -> None:
        super().__init__(message)
        self.case = case


@dataclass(frozen=True)
class Target:
    """``check`` feeds a case to the product and returns how it ended, for the statistics; a broken law is an AssertionError.

    A case that holds many inputs returns the ending of each, and raises `BrokenLawError` to say which it was.

    ``share``: how many of a run's examples it takes, against the other targets.
    """

    name: str
    cases: "st.SearchStrategy[Case]"
    check: Callable[[Case], str | list[str]]
    share: float = 1.0


def to_json(case: Case) -> Any:
    """Bytes as ``{"text": …}`` where they are text, else ``{"base64": …}``."""
    match case:
        case bytes():
            try:
                return {"text": case.decode()}
            except UnicodeDecodeError:
                return {"base64": base64.b64encode(case).decode()}
        case tuple() | list():
            return [to_json(part) for part in case]
        case dict():
            return {"members": {name: to_json(part) for name, part in case.items()}}
        case _:
            return case


def from_json(stored: Any) -> Case:
    """What `to_json` stored; lists stay lists."""
    match stored:
        case {"text": str(text)}:
            return text.encode()
        case {"base64": str(text)}:
            return base64.b64decode(text)
        case {"members": dict(members)}:
            return {name: from_json(part) for name, part in members.items()}
        case list():
            return [from_json(part) for part in stored]
        case _:
            return stored


def store(target: str, about: str, case: Case, folder: Path = CORPUS) -> Path:
    """Write a case under a name made from its content."""
    content = to_json(case)
    digest = blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()
    path = folder / f"{target}-{digest}.json"
    body = {"target": target, "about": about, "case": content}
    path.write_text(json.dumps(body, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    return path


class Stored(NamedTuple):
    """A case as its file has it."""

    name: str
    target: str
    case: Case


def stored_cases(folder: Path = CORPUS) -> Iterator[Stored]:
    """Every file."""
    for path in sorted(folder.glob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        yield Stored(path.stem, body["target"], from_json(body["case"]))
