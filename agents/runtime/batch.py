"""A Faust event: the records of one partition from one fetch, in the hands of one agent."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agents.runtime.ending import end_process
from agents.runtime.writer import RefusedError
from pipeline.stage import Incoming, Outcome, StagePartition

if TYPE_CHECKING:
    from agents.runtime.reader import PartitionReader


class StaleBatchError(Exception):
    """This process does not own the partition any more: nothing may be written."""


class Batch:
    """Records of one partition, contiguous."""

    __slots__ = ("confirmed_at", "epoch", "first", "made_at", "next", "partition", "reader", "records", "state")

    def __init__(self, reader: "PartitionReader", partition: int, records: Sequence[Incoming], state: StagePartition, epoch: int) -> None:
        self.reader = reader
        self.partition = partition
        self.records = records
        self.state = state
        self.first = records[0].offset
        self.next = records[-1].offset + 1
        self.epoch = epoch
        self.made_at = time.monotonic()
        self.confirmed_at = reader.sure_at

    def __repr__(self) -> str:
        return f"<Batch {self.reader.stage.name} partition {self.partition} offsets {self.first}..{self.next - 1}>"

    def is_slow(self) -> bool:
        """Whether records of it once took longer than the group waits for a heartbeat, which the event loop sends."""
        return self.reader.is_slow(self)


class Round:
    """Batches of a stage, one per partition that had records: what it costs to fetch and to write is paid once for all of them.

    ``told``: the outputs are acknowledged, and the next round may begin. ``done``: so is the state.
    """

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = list(batches)
        self.at: Sequence[Batch] = ()
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(self) -> None:
        """Let the next round begin."""
        if not self.told.done():
            self.told.set_result(None)

    def steps(self, most: int) -> Iterator[list[Batch]]:
        """The batches, in groups of at most about ``most`` records."""
        step: list[Batch] = []
        records = 0
        for batch in self.batches:
            if step and records + len(batch.records) > most:
                yield step
                step, records = [], 0
            step.append(batch)
            records += len(batch.records)
        yield step

    async def process(self, step: Sequence[Batch]) -> dict[int, Outcome]:
        """The stage's pure code over some of the batches: on the event loop, but for records that are known to be slow."""
        reader = step[0].reader
        if len(step) > 1 and reader.together is not None:
            self.at = step
            together = reader.together.process_together([(batch.state, batch.records) for batch in step])
            return {batch.partition: outcome for batch, outcome in zip(step, together, strict=True)}
        outcomes = {}
        for batch in step:
            self.at = [batch]
            process = batch.state.process
            outcomes[batch.partition] = await reader.in_thread(process, batch.records) if batch.is_slow() else process(batch.records)
        return outcomes

    async def confirm(self) -> Sequence[Batch]:
        """Before each write: the batches whose partition is still ours; the others are dropped."""
        asked: list[float] | None = None
        while asked != (asked := [batch.confirmed_at for batch in self.batches]):
            # To ask takes time, in which one that was sure before may be lost: until nobody had to be asked.
            for batch in list(self.batches):
                try:
                    await batch.reader.confirm_ownership(batch)
                except StaleBatchError:
                    batch.reader.drop(batch)
                    self.batches.remove(batch)
        return self.batches

    @asynccontextmanager
    async def in_hand(self) -> AsyncIterator[None]:
        """Done when the body ends well: the batches that are left may be committed. Anything unknown ends the process."""
        reader = self.batches[0].reader
        try:
            yield
            reader.finish(self)
        except asyncio.CancelledError:
            if not reader.should_stop:
                end_process("agent cancelled with a round in hand", batches=repr(self.at))
            raise
        except RefusedError as error:
            end_process("the broker refuses what was written", stage=reader.stage.name, topic=error.topic, error=error.kind)
        except Exception as error:
            end_process("unknown error in a stage", batches=repr(self.at), error=type(error).__name__, where=place_of(error))
        finally:
            reader.let_go(self)
            self.tell()
            if not self.done.done():
                self.done.set_result(None)


def place_of(error: BaseException) -> str:
    """Files and lines, innermost last, of an error; never its message, which may quote a mention."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    if isinstance(error, BaseExceptionGroup):
        places.extend(f"[{type(inner).__name__}: {place_of(inner)}]" for inner in error.exceptions)
    return " > ".join(places[-8:])
