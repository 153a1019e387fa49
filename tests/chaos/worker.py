"""A worker under test: `webcare worker`, with the faults that only the inside of a process can have.

Run as ``python worker.py CONTROL [--stages …]``. CONTROL is a JSON file that may change while the worker runs:
``armed`` (false: behave), ``seed``, ``clock`` (seconds the wall clock is wrong by), ``ticks`` and ``tick_seconds``, and
``slow`` {stage, seconds, within}: a stage that blocks the process in the middle of a batch, longer than the session lasts;
``die`` {point, within}: kill -9 exactly there; ``freeze`` {point, within}: SIGSTOP exactly there (the harness wakes it up);
``sabotage``: break a rule of the protocol on purpose, to see that the harness notices.
Points: computed, outputs, changing, state, committing, committed. The product has no hooks for this: its methods are wrapped here.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from copy import copy
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

_real_time = time.time
_monotonic = time.monotonic


class Control:
    """The control file, looked at ten times a second at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0.0
        self._known: dict[str, Any] = {}
        self._stamp = 0
        self._left: dict[str, int] = {}
        self.rng = Random(f"{self['seed']} {os.environ.get('CHAOS_LIFE', '')}")

    def __getitem__(self, name: str) -> Any:
        now = _monotonic()
        if now >= self._next:
            self._next = now + 0.1
            if (stamp := self._path.stat().st_mtime_ns) != self._stamp:
                self._stamp = stamp
                self._known = json.loads(self._path.read_text("utf-8"))
        return self._known.get(name)

    def strikes(self, fault: str, place: str, name: str) -> bool:
        """Whether this fault happens now, at this place: at one of the first ``within`` times, then again."""
        told = self[fault] if self["armed"] else None
        if told is None or told[place] != name:
            return False
        left = self._left.get(fault, 0) or self.rng.randrange(2, told["within"] + 1)
        self._left[fault] = left - 1
        return left == 1


def shift_clock(control: Control) -> None:
    """Wall time as the control file says; the monotonic clock stays right, as it does on a machine whose time is set."""
    from agents.runtime import ticker

    time.time = lambda: _real_time() + (control["clock"] or 0.0)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(time.time(), tz)

    ticker.datetime = Shifted  # the one place of the product where wall time enters the log


def pace_ticks(control: Control) -> None:
    """Ticks more often than every 30 s, and none when told so."""
    from agents.runtime import ticker
    from agents.runtime.writer import Writer

    ticker.EVERY_SECONDS = control["tick_seconds"] or 30.0

    class Gate:
        def __init__(self, writer: Writer) -> None:
            self._writer = writer

        async def publish(self, records: Any) -> None:
            if control["ticks"]:
                await self._writer.publish(records)

    start = ticker.Ticker.__init__

    def begin(self: Any, writer: Writer, *arguments: Any, **more: Any) -> None:
        start(self, Gate(writer), *arguments, **more)

    ticker.Ticker.__init__ = begin


def strike(control: Control, point: str) -> None:
    """Die or fall asleep here, if it is to be."""
    if control.strikes("die", "point", point):
        os.kill(os.getpid(), signal.SIGKILL)
    if control.strikes("freeze", "point", point):
        sys.stderr.write("chaos: asleep\n")
        os.kill(os.getpid(), signal.SIGSTOP)


def at_points(control: Control) -> None:
    """Faults at exact moments of the protocol."""
    from agents.runtime.commits import Commits
    from agents.runtime.writer import Writer

    def around(owner: type, name: str, before: str, after: str) -> None:
        inner: Callable[..., Awaitable[Any]] = getattr(owner, name)

        async def wrapped(self: Any, *arguments: Any, **more: Any) -> Any:
            strike(control, before)
            result = await inner(self, *arguments, **more)
            strike(control, after)
            return result

        setattr(owner, name, wrapped)

    around(Writer, "publish", "computed", "outputs")
    around(Writer, "publish_together", "changing", "state")
    around(Commits, "_commit_now", "committing", "committed")


def slow_stages(control: Control) -> None:
    """A stage that takes longer for a batch than the session lasts, now and then."""
    from agents import worker

    build = worker.build_stages

    def built(*arguments: Any, **more: Any) -> list[Any]:
        stages = build(*arguments, **more)
        for stage in stages:
            _after_each_batch(stage, partial(_sleep, control, stage.name))
        return stages

    worker.build_stages = built


def _sleep(control: Control, stage: str, outcome: Any) -> Any:
    if control.strikes("slow", "stage", stage):
        sys.stderr.write("chaos: slow\n")
        time.sleep(control["slow"]["seconds"])
    return outcome


def _after_each_batch(stage: Any, do: Callable[[Any], Any]) -> None:
    open_ = stage.open

    def opened(partition: int, epoch: str) -> Any:
        return Watched(open_(partition, epoch), do)

    stage.open = opened


class Watched:
    """A stage's partition of which each batch is followed by something."""

    def __init__(self, state: Any, do: Callable[[Any], Any]) -> None:
        self._state = state
        self._do = do

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def process(self, records: Any) -> Any:
        return self._do(self._state.process(records))


# -- rules broken on purpose


def commit_first() -> None:
    """Commit a round before its effects: at most once."""
    from agents.runtime.batch import Round

    in_hand = Round.in_hand

    @asynccontextmanager
    async def committed_first(self: Any) -> Any:
        reader = self.batches[0].reader
        for batch in self.batches:
            batch.confirmed_at = float("inf")  # asking for ownership would set the committed offset back
        reader.finish(self)
        await reader._commits.commit(reader._offsets, 5)
        async with in_hand(self):
            yield

    Round.in_hand = committed_first  # type: ignore[method-assign]


def state_first() -> None:
    """Write the state before the outputs: what a crash in between leaves is taken for done."""
    from agents.runtime import shell

    work = shell.Shell.work

    class Swapped:
        """A writer that holds the outputs back until the state is written."""

        def __init__(self, writer: Any) -> None:
            self._writer = writer
            self._held: Any = None

        async def publish(self, groups: Any) -> dict[Any, int]:
            self._held = groups
            return {}

        async def publish_together(self, *arguments: Any) -> None:
            await self._writer.publish_together(*arguments)
            await self.finish()

        async def finish(self) -> None:
            held, self._held = self._held, None
            if held is not None:
                await self._writer.publish(held)

    async def reordered(self: Any, batch: Any) -> None:
        swapped = Swapped(self.writer)
        other = copy(self)
        other.writer = swapped
        await work(other, batch)
        await swapped.finish()

    shell.Shell.work = reordered


def forget_origins() -> None:
    """Routing takes a repeat of our own for news."""
    from pipeline.brand_memory import BrandMemory

    def is_repeat(self: Any, origin: Any) -> bool:
        return False

    BrandMemory.is_repeat = is_repeat


def trust_anyone() -> None:
    """No ownership check before a write, and no change numbers: a restore takes the last snapshot of a key, whoever wrote it."""
    from agents import worker
    from agents.runtime.reader import PartitionReader

    async def confirmed(self: Any, batch: Any) -> None:
        return None

    def unnumbered(outcome: Any) -> Any:
        outcome.change = 1
        return outcome

    PartitionReader.confirm_ownership = confirmed
    build = worker.build_stages

    def built(*arguments: Any, **more: Any) -> list[Any]:
        stages = build(*arguments, **more)
        for stage in stages:
            _after_each_batch(stage, unnumbered)
        return stages

    worker.build_stages = built


SABOTAGES: dict[str, Callable[[], None]] = {
    "commit-first": commit_first,
    "state-first": state_first,
    "forget-origins": forget_origins,
    "trust-anyone": trust_anyone,
}


def main() -> None:
    """Wrap, then run as the command does."""
    control = Control(Path(sys.argv[1]))
    for wrap in (shift_clock, pace_ticks, slow_stages):
        wrap(control)
    if (sabotage := control["sabotage"]) is not None:
        SABOTAGES[sabotage]()
    at_points(control)
    from agents.cli import main as command

    sys.argv = ["webcare", "worker", *sys.argv[2:]]
    command()


if __name__ == "__main__":
    main()
