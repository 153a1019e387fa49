"""Live, event time passes even when nothing is said: the owner of a raw partition appends a tick with the current time."""

from datetime import UTC, datetime
from typing import Any

from mode import Service

from agents.runtime.ending import end_process
from agents.runtime.reader import PartitionReader
from agents.runtime.writer import RefusedError, Write, Writer
from schemas.codec import encode
from schemas.mention import Tick
from schemas.topics import RAW

EVERY_SECONDS = 30.0


class Ticker(Service):  # type: ignore[misc]
    """Appends a tick to every raw partition that this worker owns. Two owners during a rebalance do no harm: ticks only grow."""

    def __init__(self, writer: Writer, raw: PartitionReader, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._writer = writer
        self._raw = raw

    @Service.task  # type: ignore[untyped-decorator]
    async def tick(self) -> None:
        """Until stopped."""
        while not self.should_stop:
            await self.sleep(EVERY_SECONDS)
            if self.should_stop:  # which ends the sleep: a tick now would be left behind for the stages, which stop too
                return
            value = encode(Tick(at=datetime.now(UTC)))  # noqa: TID251 - the one place where wall time enters the log
            headers = [("content-type", b"application/json")]
            tick = [Write(None, value, headers)]
            try:
                await self._writer.publish({(RAW.name, partition): tick for partition in self._raw.assigned})
            except RefusedError as error:
                end_process("the broker refuses what was written", topic=error.topic, error=error.kind)
