"""How far an assignment has come in each of its partitions, in offsets of the next record."""

from collections.abc import Mapping
from enum import Enum, auto


class Step(Enum):
    """How records that were fetched go on from those before them."""

    ON = auto()
    """Right behind them."""
    HOLE = auto()
    """Offsets are missing in between: fetch once more."""
    GAP = auto()
    """They are missing the second time too: no record is there."""
    BACK = auto()
    """Before them: it is another log."""


class Offsets:
    """The offsets of one assignment; made anew for each."""

    def __init__(self) -> None:
        self.taken: dict[int, int] = {}
        self.told: dict[int, int] = {}
        """The outputs of everything before it are acknowledged, its state perhaps not yet."""
        self.done: dict[int, int] = {}
        """Only of partitions in which something is."""
        self.lost: set[int] = set()
        """Partitions that another worker owns, by the coordinator's word. Nothing is taken of them any more, and nothing done."""
        self._begun: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._holes: dict[int, int] = {}

    def begin(self, partition: int, offset: int) -> None:
        """Where reading begins."""
        self.taken[partition] = self.told[partition] = self._begun[partition] = offset

    def step(self, partition: int, first: int) -> Step:
        """What it means that the next records begin at ``first``. The same hole is one only once."""
        want = self.taken[partition]
        if first == want:
            return Step.ON
        if first < want:
            return Step.BACK
        if self._holes.get(partition) == want:
            return Step.GAP
        self._holes[partition] = want
        return Step.HOLE

    def take(self, partition: int, end: int) -> None:
        """Everything before ``end`` has been fetched."""
        self.taken[partition] = end

    def finish(self, partition: int, end: int) -> None:
        """Everything before ``end`` is done, its effects are acknowledged."""
        self.done[partition] = end

    def reached(self, partition: int) -> int:
        """Everything before it is done: what may be committed at any moment."""
        return self.done.get(partition, self._begun[partition])

    def behind(self, partition: int, end: int) -> int:
        """How much is not done of a log that ends there."""
        return max(0, end - self.reached(partition))

    def uncommitted(self) -> dict[int, int]:
        """What is done and not committed."""
        return {partition: offset for partition, offset in self.done.items() if self._committed.get(partition) != offset}

    def commit(self, offsets: Mapping[int, int]) -> None:
        """The coordinator has taken these."""
        self._committed.update(offsets)

    def sums(self) -> tuple[int, int]:
        """How far all partitions together are taken, and done."""
        return sum(self.taken.values()), sum(map(self.reached, self._begun))


class SlowRecords:
    """Ranges of offsets that once took so long that their partition was lost for it. They outlive assignments."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int, int]] = []

    def add(self, partition: int, first: int, end: int) -> None:
        """Records from ``first`` on, before ``end``; known ones are not noted twice."""
        if (partition, first, end) not in self._ranges:
            self._ranges.append((partition, first, end))

    def among(self, partition: int, first: int, last: int) -> bool:
        """Whether one of the records from ``first`` to ``last`` is in a range."""
        return any(partition == slow and first < end and begin <= last for slow, begin, end in self._ranges)

    def forget(self, partition: int, end: int) -> None:
        """What lies before ``end`` is done."""
        self._ranges = [slow for slow in self._ranges if slow[0] != partition or slow[2] > end]
