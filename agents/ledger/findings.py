"""What a check found: how many, and the first of them by name. Ids and offsets only, never what was said or by whom."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from agents.topic_reader import Record

SHOWN = 20
"""So many are named of each kind; all are counted."""


class Finding(NamedTuple):
    """One thing that is wrong: ``what`` it is about (an offset of the raw topic or an id), and the records that show it."""

    what: str
    records: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        shown = f"{self.what}{f': {self.note}' if self.note else ''}"
        return f"{shown} ({', '.join(self.records)})" if self.records else shown


@dataclass
class Findings:
    """All of one kind: counted, and the first ones kept."""

    count: int = 0
    first: list[Finding] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.first)

    def __str__(self) -> str:
        more = self.count - len(self.first)
        return "; ".join([*map(str, self.first), *([f"and {more} more"] if more else [])])

    def add(self, what: str, *records: str, note: str = "") -> None:
        """One more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(Finding(what, records, note))

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"count": self.count, "first": [finding._asdict() for finding in self.first]}


def place_of(record: Record) -> str:
    """Where a record stands: ``topic:partition:offset``."""
    return f"{record.topic}:{record.partition}:{record.offset}"
