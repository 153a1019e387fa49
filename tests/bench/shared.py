"""The four stages as the compared systems run them: the same code as ours, state in memory, no changelog."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from light import TOPICS, setter

from agents.deployment import build_stages, load_deployment
from agents.settings import DEMO_KEY
from pipeline.journal import Journal
from pipeline.stage import Incoming, Outgoing, StagePartition
from schemas.topics import DEFAULT_PARTITIONS

SOURCES = TOPICS[:4]

Process = Callable[[int, Sequence[Incoming]], list[Outgoing]]
"""Partition and records in, what is to be published out."""


def processes(kind: str) -> list[Process]:
    """The four stages in their order; ``kind`` is light or real."""
    if kind == "light":
        return [_light(number) for number in range(4)]
    # Nothing writes a changelog here, so no snapshot is taken for one: the others do not pay for what only we do.
    Journal.drain = lambda self: self._dirty.clear() or {}  # type: ignore[method-assign, func-returns-value]
    deployment = load_deployment(Path(os.environ["WEBCARE_CONFIG"]))
    return [_real(stage) for stage in build_stages(deployment, DEMO_KEY, DEFAULT_PARTITIONS, replaying=False)]


def _light(number: int) -> Process:
    target, set_field = TOPICS[number + 1], setter(number)

    def process(_: int, records: Sequence[Incoming]) -> list[Outgoing]:
        return [Outgoing(target, record.key, set_field(record.value or b""), list(record.headers)) for record in records]

    return process


def _real(stage: object) -> Process:
    partitions: dict[int, StagePartition] = {}

    def process(partition: int, records: Sequence[Incoming]) -> list[Outgoing]:
        state = partitions.get(partition)
        if state is None:
            state = partitions[partition] = stage.open(partition, "bench")  # type: ignore[attr-defined]
            state.restored(0)
        outcome = state.process(records)
        if outcome.dead:
            raise RuntimeError(f"{len(outcome.dead)} records of the benchmark are at fault: {outcome.dead[0].detail}")
        return outcome.outgoing

    return process
