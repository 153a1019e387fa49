"""A Faust event: the records of one partition from one fetch, in the hands of one agent."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
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
    """Records of one partition, contiguous. ``done`` tells the reader: True, its offsets may be committed; False, it was dropped."""

    __slots__ = ("confirmed_at", "done", "epoch", "first", "next", "partition", "reader", "records", "state")

    def __init__(self, reader: "PartitionReader", partition: int, records: Sequence[Incoming], state: StagePartition, epoch: int) -> None:
        self.reader = reader
        self.partition = partition
        self.records = records
        self.state = state
        self.first = records[0].offset
        self.next = records[-1].offset + 1
        self.epoch = epoch
        self.confirmed_at = time.monotonic()
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<Batch {self.reader.stage.name} partition {self.partition} offsets {self.first}..{self.next - 1}>"

    def is_quick(self) -> bool:
        """Whether it is computed at once, on the event loop."""
        return not self.reader.alone.locked() and not self.reader.is_slow(self)

    async def process(self) -> Outcome:
        """The stage's pure code over the records; at once, but for records that are known to be slow.

        Heartbeats are sent by the event loop: a batch that once took longer than the group waits for one, and lost its partition for it, is
        worked in a thread when it comes again, and the stage's other batches wait: stages are not made for two threads.
        """
        if self.is_quick():
            return self.state.process(self.records)
        async with self.reader.alone:
            if self.reader.is_slow(self):
                return await asyncio.to_thread(self.state.process, self.records)
            return self.state.process(self.records)

    @asynccontextmanager
    async def in_hand(self) -> AsyncIterator[None]:
        """Done when the body ends well; dropped when another worker owns the partition; anything unknown ends the process."""
        try:
            yield
            self.done.set_result(True)
        except StaleBatchError:
            self.reader.drop(self)
            self.done.set_result(False)
        except asyncio.CancelledError:
            if not self.reader.should_stop:
                end_process("agent cancelled with a batch in hand", batch=repr(self))
            raise
        except RefusedError as error:
            end_process("the broker refuses what was written", batch=repr(self), topic=error.topic, error=error.kind)
        except Exception as error:
            end_process("unknown error in a stage", batch=repr(self), error=type(error).__name__, where=place_of(error))
        finally:
            if not self.done.done():
                self.done.set_result(False)


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
