"""Writes dead letters to the raw topic again, one by one: what the topic does not take must not hold up those after it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from agents.dead_letters import Letter
from agents.replay import InputError
from agents.runtime.writer import RefusedError, Write, Writer
from agents.settings import Settings
from agents.telemetry import Telemetry
from pipeline.partition import Partitioner
from schemas.topics import RAW

OF_THE_RECORD = frozenset({"MessageSizeTooLargeError", "RecordListTooLargeError", "CorruptRecordException", "PolicyViolationError"})
"""What a broker says of one record; anything else (no permission, no topic) it would say of all of them."""


@dataclass
class Redriven:
    """What came of it: how many were written, and the letters that the topic does not take, with the broker's reason."""

    sent: int = 0
    refused: list[tuple[Letter, str]] = field(default_factory=list)


def send_again(settings: Settings, chosen: Iterable[Letter], partitioner: Partitioner) -> Redriven:
    """Write these letters in their order, each acknowledged. A broker that is away is waited for.

    Raises:
        InputError: the broker refuses, whatever the letter; says how many had been written.
    """
    return asyncio.run(_send(settings, chosen, partitioner))


async def _send(settings: Settings, chosen: Iterable[Letter], partitioner: Partitioner) -> Redriven:
    done = Redriven()
    left = iter(chosen)
    while (refused := await _send_until_refused(settings, left, partitioner, done)) is not None:
        done.refused.append(refused)
    return done


async def _send_until_refused(
    settings: Settings, left: Iterable[Letter], partitioner: Partitioner, done: Redriven
) -> tuple[Letter, str] | None:
    """With a writer of its own: an idempotent producer has numbered what was refused, and the broker takes nothing more of it."""
    async with Writer(settings, Telemetry(CollectorRegistry())) as writer:
        for letter in left:
            record = letter.record
            partition = partitioner(record.key.decode("utf-8", "replace")) if record.key else record.partition
            try:
                await writer.publish({(RAW.name, partition): [Write(record.key, record.value, letter.again())]})
            except RefusedError as error:
                if error.kind not in OF_THE_RECORD:
                    raise InputError(f"the broker takes no record: {error}; {done.sent} dead letters were sent before") from None
                return letter, error.kind
            done.sent += 1
    return None
