"""The lines of a file that became dead letters, to be told in a sentence: a wrong or damaged file must not look like success."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from agents.replay import RawRecord
from agents.text_files import advice
from pipeline.stage import ORIGIN, DeadLetter, header, parse_origin
from schemas.codec import Reason


class Refused:
    """Knows from which line each record comes, and what was refused of them."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self._lines: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
        self._at_fault: set[int] = set()
        self._first: tuple[int, DeadLetter] | None = None

    def noting(self, records: Iterable[RawRecord]) -> Iterator[RawRecord]:
        """The same records, all that go into a chain; their lines are remembered."""
        for record in records:
            self._lines[record.partition].append(record.line or 0)
            yield record

    def take(self, letter: DeadLetter) -> int | None:
        """Count it, and say which line it is; None for what is not of the file."""
        encoded = letter.origin if letter.origin is not None else header(letter.record.headers, ORIGIN)
        if encoded is None:
            return None
        origin = parse_origin(encoded)
        number = self._lines[origin.partition][origin.offset]
        if not number:
            return None
        if number not in self._at_fault:
            self._at_fault.add(number)
            self.reasons[letter.reason.value] += 1
        if self._first is None or number < self._first[0]:
            self._first = number, letter
        return number

    def __len__(self) -> int:
        """How many lines."""
        return len(self._at_fault)

    def __contains__(self, line: object) -> bool:
        """Whether that line is one of them."""
        return line in self._at_fault

    def told(self, name: str, lines: int) -> str | None:
        """`FILE: 10 of 22 lines …`, with reasons and the first one's line and fault; None where there is nothing to tell."""
        if self._first is None:
            return None
        number, letter = self._first
        counts = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
        first = f"the first is line {number}: {letter.detail}{_hint(letter, number)}"
        return f"{name}: {len(self)} of {lines} lines cannot be used ({counts}), {first}"


def _hint(letter: DeadLetter, number: int) -> str:
    """What sort of file this may be instead."""
    value = letter.record.value or b""
    if number == 1 and value.lstrip().startswith(b"["):
        return "; it looks like a JSON array: each line must be one JSON object, such as `jq -c '.[]'` writes"
    if letter.reason is not Reason.NOT_JSON:
        return ""
    try:
        value.decode()
    except UnicodeDecodeError:
        return f"; is the file Latin-1 or Windows-1252? {advice('WINDOWS-1252')}"
    return "; each line must be one JSON object"
