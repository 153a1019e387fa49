"""Dead letters as a list to work off: each once, and which of them have been sent again already."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from agents.topic_reader import Record
from pipeline.stage import ORIGIN, header

REDRIVEN = "webcare-redriven"
_ADDED = ("__connect.errors.", "webcare-reason", "webcare-attempts", "webcare-first-seen", ORIGIN, REDRIVEN)


class Letter(NamedTuple):
    """One dead letter; ``name`` is where it stands, ``partition:offset``."""

    name: str
    record: Record

    def text(self, header_name: str) -> str:
        """A header as text; empty where it is not there."""
        return (header(self.record.headers, header_name) or b"").decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """Its bounded reason."""
        return self.text("webcare-reason") or "unknown"

    @property
    def attempts(self) -> int:
        """How often this record has been refused."""
        text = self.text("webcare-attempts")
        return int(text) if text.isdigit() and len(text) <= 6 else 1

    def again(self) -> list[tuple[str, bytes]]:
        """Headers to send it again with: its own, and how often it was tried; what the dead letter added stays behind."""
        own = [(name, value) for name, value in self.record.headers if not name.startswith(_ADDED)]
        return [*own, (REDRIVEN, str(self.attempts).encode())]


def letters(records: Iterable[Record]) -> list[Letter]:
    """The letters in a dead-letter topic; one that was written again after a crash (origin and content are the same) is
    there once."""
    found: dict[object, Letter] = {}
    for record in records:
        letter = Letter(f"{record.partition}:{record.offset}", record)
        origin = header(record.headers, ORIGIN)  # behind the door anybody may have written one, also the same on several records
        found.setdefault(letter.name if origin is None else (origin, _content(record)), letter)
    return list(found.values())


def waiting(dead: Iterable[Letter], raw: Iterable[Record]) -> list[Letter]:
    """The letters that nobody has sent again since they were refused, each content once."""
    sent: dict[bytes, int] = {}
    for record in raw:
        if (times := header(record.headers, REDRIVEN)) is not None and times.isdigit() and len(times) <= 6:
            content = _content(record)
            sent[content] = max(sent.get(content, 0), int(times))
    newest: dict[bytes, Letter] = {}
    for letter in dead:
        content = _content(letter.record)
        if letter.attempts > sent.get(content, 0):
            newest[content] = letter
    return list(newest.values())


def _content(record: Record) -> bytes:
    digest = blake2b(digest_size=16)
    for part in (record.key, record.value):
        digest.update(b"-" if part is None else b"+%d:" % len(part) + part)
    return digest.digest()
