"""A worker that kills itself in the middle of work, however fast the machine is: run by tests as a process of its own.

`python tests/dying_worker.py RECORDS`, with the settings of a worker: as soon as it has written so many routed records, with the last of
them acknowledged, and the state that they come from not written.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from agents.cli import main
from agents.runtime.writer import Place, Writer
from schemas.topics import ROUTED


def die_after(records: int) -> None:
    """Put the end into the writer."""
    publish = Writer.publish
    written = 0

    async def counted(self: Writer, groups: Mapping[Place, Sequence[Any]]) -> dict[Place, int]:
        nonlocal written
        ends = await publish(self, groups)
        written += sum(len(group) for (topic, _), group in groups.items() if topic == ROUTED.name)
        if written >= records:
            os.kill(os.getpid(), signal.SIGKILL)
        return ends

    Writer.publish = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    die_after(int(sys.argv[1]))
    sys.argv[1:] = ["worker"]
    main()
