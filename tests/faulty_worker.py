"""A worker whose first stage does as its records say: run by tests/test_runtime_faults.py as a process of its own.

`python tests/faulty_worker.py FAULT [sentiment]`, with the settings of a worker. The first stage, or the second, passes records on to
the next topic. A record `<app> <word>` is an order to the worker of that application name; all others pass.
"""

import asyncio
import re
import sys
import time
from collections.abc import Iterable, Sequence
from os import environ
from typing import Any

import uvloop

import agents.app
import agents.runtime.opening
import agents.runtime.watchdog
from agents.app import build_app
from agents.deployment import load_deployment
from agents.logs import configure_logging
from agents.runtime.batch import Round
from agents.runtime.shell import Shell
from agents.runtime.stopping import Stopping
from agents.settings import Settings, read_settings
from agents.topics import partition_count, topic_epoch
from agents.worker import execute
from pipeline.stage import Incoming, Outcome, Outgoing, Reading
from schemas.topics import CRISIS_STATE, ITEM, LANGUAGE, RAW, SENTIMENT, Topic

SLOW_SECONDS = 12.0


class Obedient:
    """A stage that passes on, and does as it is told."""

    def __init__(self, app: str, name: str, changelog: Topic | None) -> None:
        self.app = app.encode()
        self.name = name
        self.source, self.target = (RAW, LANGUAGE) if name == "language" else (LANGUAGE, SENTIMENT)
        self.changelog = changelog

    def open(self, partition: int, epoch: str) -> "ObedientPartition":  # noqa: ARG002
        return ObedientPartition(self.app, self.target)


class ObedientPartition:
    def __init__(self, app: bytes, target: Topic) -> None:
        self._app = app
        self._target = target

    def restore(self, key: bytes, value: bytes) -> None: ...

    def restored(self, change: int) -> None: ...

    def readings(self) -> Iterable[Reading]:
        return ()

    def process(self, records: Sequence[Incoming]) -> Outcome:
        outcome = Outcome()
        for record in records:
            app, _, word = (record.value or b"").partition(b" ")
            if app == self._app:
                self.obey(word.decode(), record, outcome)
            outcome.outgoing.append(Outgoing(self._target, record.key, record.value, [("offset", str(record.offset).encode())]))
        return outcome

    def obey(self, word: str, record: Incoming, outcome: Outcome) -> None:
        if word == "hang":
            while True:
                pass
        if word == "hang in C":
            re.match("(a+)+$", "a" * 60 + "b")
        if word == "slow":
            until = time.monotonic() + SLOW_SECONDS
            while time.monotonic() < until:
                sum(range(1000))
        if word == "too much":
            outcome.outgoing.append(Outgoing(ITEM, record.key, b"x" * 2_000_000, []))


async def leaving_agent(rounds: Any, shell: Shell) -> None:
    """An agent that works on one round and goes."""
    async for one in rounds:
        async with one.in_hand():
            await shell.work(one)
        return


async def endless_restore(*_: Any) -> None:
    await asyncio.Event().wait()


def fall_silent(app: Any) -> None:
    """After its first round the consumer fetches no more, and nobody tells the reader."""
    reader = app.readers.readers[0]
    finish = reader.finish

    def and_pause(one: Round) -> None:
        finish(one)
        reader._consumer.pause(*reader._consumer.assignment())

    reader.finish = and_pause


def main(fault: str, name: str, settings: Settings) -> None:
    configure_logging("text")
    stopping = Stopping()
    stopping.listen()
    if fault == "hang in C":
        agents.runtime.watchdog.LAST_RESORT_SECONDS = 4.0
    if fault == "agent leaves":
        agents.app.AGENTS["language"] = leaving_agent
        agents.app.ROUNDS_IN_HAND = 1
    if fault == "restore hangs":
        agents.runtime.opening.restore = endless_restore
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    stage = Obedient(settings.app, name, CRISIS_STATE if fault == "restore hangs" else None)
    bootstrap = settings.bootstrap
    app = build_app(settings, load_deployment(), [stage], partition_count(bootstrap), lambda topic: topic_epoch(bootstrap, topic))
    if fault == "fetch falls silent":
        fall_silent(app)
    execute(app, loop, stopping)


if __name__ == "__main__":
    main(sys.argv[1], *(sys.argv[2:] or ["language"]), read_settings(environ))
