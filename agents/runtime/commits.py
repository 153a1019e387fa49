"""What a reader tells its group's coordinator: how far it is. That a commit is taken says, too, that the partitions are still its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from agents.logs import get_logger
from agents.runtime.offsets import Offsets
from agents.runtime.retrying import Retries
from agents.telemetry import Telemetry

log = get_logger(__name__)

Write = Callable[[Mapping[int, int]], Awaitable[None]]


class Commits:
    """The commits of one reader. ``write`` carries one out; it raises what aiokafka's `commit` raises."""

    def __init__(self, stage: str, telemetry: Telemetry, write: Write) -> None:
        self._stage = stage
        self._write = write
        self._trouble = Retries("commit", telemetry, stage=stage)
        self._doubt = Retries("confirm", telemetry, stage=stage)
        self._under_way: asyncio.Task[float] | None = None
        self.accepted = 0
        """How often what is done was committed."""
        self.sure_at = float("-inf")
        """The last moment (of the monotonic clock) at which the coordinator held this worker for a member that owns its partitions."""

    def joined(self) -> None:
        """The coordinator has just made an assignment."""
        self.sure_at = time.monotonic()

    async def commit(self, offsets: Offsets, timeout: float) -> float:
        """Commit what is done; returns how long to wait before trying again, if it failed."""
        if self._under_way is not None and not self._under_way.done():
            await asyncio.wait([self._under_way], timeout=timeout)
        if self._under_way is None or self._under_way.done():
            if not (todo := offsets.uncommitted()):
                return 0.0
            # Started as a task and waited for: a cancelled commit left the group without a coordinator after a broker restart.
            self._under_way = asyncio.create_task(self._commit_now(offsets, todo))
            await asyncio.wait([self._under_way], timeout=timeout)
        return self._under_way.result() if self._under_way.done() else 0.0

    async def _commit_now(self, offsets: Offsets, todo: Mapping[int, int]) -> float:
        asked = time.monotonic()
        try:
            await self._write(todo)
        except (CommitFailedError, IllegalStateError):
            log.warning("commit refused: another worker repeats the work", stage=self._stage)
        except KafkaError as error:
            return self._trouble.failed(error)
        else:
            self._trouble.succeeded()
            self.accepted += 1
            self.sure_at = max(self.sure_at, asked)
            offsets.commit(todo)
        return 0.0

    async def ask(self, offsets: Offsets, partition: int) -> bool:
        """Whether the partition is still ours: False, if the coordinator says no. While it does not answer, this returns after a while
        without having changed `sure_at`.
        """
        asked = time.monotonic()
        try:
            # A commit is checked against member and generation, and renews the session. As a task: never cancel an aiokafka call.
            # Of what is done: the round before may not have written its state yet, and what is committed is never repeated.
            await asyncio.shield(asyncio.ensure_future(self._write({partition: offsets.reached(partition)})))
        except (CommitFailedError, IllegalStateError):
            return False
        except KafkaError as error:
            await asyncio.sleep(self._doubt.failed(error))
        else:
            self._doubt.succeeded()
            self.sure_at = max(self.sure_at, asked)
        return True
