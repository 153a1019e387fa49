"""What should move and does not."""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

LONGEST_STEP = 3.0
CUT = "the source topic was made anew or cut"
CUT_SECONDS = 4.0
"""So long an answer of the broker may be older than the last fetch."""


class Look(NamedTuple):
    """A reader at one moment, for those who judge whether it gets on. Partitions by number.

    ``waiting``: what it waits for before it can read (None: nothing); ``heard``: how far the reading of its state has got; ``in_hand``:
    partition → the offset it is done up to, of those with a batch under way or taken records; ``silent``: partition → the next offset
    to fetch, of those with nothing under way that it could fetch now; ``uncommitted``, ``commits``: whether work is done and not
    committed, and how often a commit was accepted.
    """

    epoch: int
    partitions: frozenset[int]
    waiting: str | None
    heard: int
    in_hand: dict[int, int | None]
    silent: dict[int, int]
    lost: frozenset[int]
    uncommitted: bool
    commits: int
    finished: int


class Stalls:
    """How long each thing has been waiting for without a change, in seconds of watched time.

    Between two looks at most `LONGEST_STEP` seconds count: while the whole process was frozen, or the event loop busy, nobody looked, and
    nothing could have moved.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[object, float, float]] = {}

    def seconds(self, what: Hashable, mark: object, *, waiting: bool) -> float:
        """``mark`` is anything that differs once ``what`` has moved; nobody ``waiting`` for it, it has not stalled."""
        now = self._clock()
        known = self._known.get(what)
        if not waiting:
            self._known.pop(what, None)
            return 0.0
        if known is None or known[0] != mark:
            self._known[what] = (mark, now, 0.0)
            return 0.0
        stalled = known[2] + min(now - known[1], LONGEST_STEP)
        self._known[what] = (mark, now, stalled)
        return stalled

    def forget(self) -> None:
        """Begin anew."""
        self._known.clear()


class Verdict(NamedTuple):
    """Something that does not move. ``partition`` None: the reader as a whole."""

    reason: str
    partition: int | None
    seconds: float
    needs_asking: bool = False


def stalled(look: Look, stalls: Stalls, *, answers: bool, end: Callable[[int], int | None], limit: float) -> Iterator[Verdict]:
    """What of a reader has not moved for longer than ``limit`` seconds.

    ``answers``: the broker answers others; while it does not, and nothing is in hand, a reader that waits has no other choice. ``end``:
    where a partition ends, by the broker's last answer.
    """
    seconds = stalls.seconds("waiting", (look.epoch, look.waiting, look.heard), waiting=answers and look.waiting is not None)
    if seconds > limit:
        yield Verdict(f"no progress {look.waiting}, and the broker answers", None, seconds)
    seconds = stalls.seconds("commit", look.commits, waiting=look.uncommitted)
    if seconds > limit:
        yield Verdict("no commit accepted while there is work", None, seconds)
    for partition in sorted(look.partitions):
        seconds = stalls.seconds(("work", partition), (look.epoch, look.in_hand.get(partition)), waiting=partition in look.in_hand)
        if seconds > limit:
            yield Verdict("no progress while there is work", partition, seconds)
        at = look.silent.get(partition)
        has_lag = answers and at is not None and (end(partition) or 0) > at
        seconds = stalls.seconds(("fetch", partition), (look.epoch, at), waiting=has_lag)
        if seconds > limit:
            yield Verdict("nothing is fetched while there is lag", partition, seconds, needs_asking=True)
        is_cut = answers and at is not None and (ends_at := end(partition)) is not None and ends_at < at
        seconds = stalls.seconds(("cut", partition), (look.epoch, at), waiting=is_cut)
        if seconds > CUT_SECONDS:
            yield Verdict(CUT, partition, seconds, needs_asking=True)
        seconds = stalls.seconds(("lost", partition), look.epoch, waiting=answers and partition in look.lost)
        if seconds > limit:
            yield Verdict("a partition was lost to another worker, and no new assignment comes", partition, seconds)
    if look.waiting is None:  # whatever the assignment: work that loses its partition again and again gets nowhere either
        has_work = bool(look.in_hand) or any(answers and (end(partition) or 0) > at for partition, at in look.silent.items())
        seconds = stalls.seconds("batches", look.finished, waiting=has_work)
        if seconds > 2 * limit:
            yield Verdict("no batch is finished while there is lag", None, seconds)
