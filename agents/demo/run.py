"""The demo itself: a real broker, a real worker process, the scenario through both."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path
from threading import Thread

from agents.demo.phrases import load_phrases
from agents.demo.scenario import SEED, scenario
from agents.demo.show import TOPICS, Show
from agents.lag import LagMeter
from agents.ledger import Ledger, check_ledger
from agents.replay import RawRecord, in_order, read_line, replay
from agents.sending import send_records
from agents.settings import DEMO_KEY, Settings
from agents.topic_reader import follow
from pipeline.partition import Partitioner

LIMIT_SECONDS = 600.0
PARTITIONS = 4
"""Enough for five brands: each partition costs a tick every five minutes of four weeks."""


class DemoError(RuntimeError):
    """The demo could not be finished; the message says why."""


@dataclass
class Finished:
    """What came of it."""

    show: Show
    ledger: Ledger
    seconds: float


def raw_records(seed: int = SEED) -> tuple[list[RawRecord], int]:
    """The scenario as a replay writes it, and how many of the records are no ticks."""
    lines = [read_line(number, line.value) for number, line in enumerate(scenario(load_phrases(), seed), start=1)]
    lines, times = in_order(lines, sort=False, name="the scenario")
    return list(replay(lines, times, Partitioner(PARTITIONS))), len(lines)


def write_scenario(file: Path, seed: int = SEED) -> int:
    """Write the scenario as JSON lines, as they are delivered (a few are broken, on purpose), and say how many.

    Raises:
        OSError: the file cannot be written.
    """
    lines = list(scenario(load_phrases(), seed))
    file.write_bytes(b"".join(line.value + b"\n" for line in lines))
    return len(lines)


@contextmanager
def worker_process(bootstrap: str, log: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, that only replays; ended with SIGTERM."""
    environment = {
        **environ,
        "WEBCARE_KAFKA_BOOTSTRAP": bootstrap,
        "WEBCARE_AUTHOR_KEY": DEMO_KEY,
        "WEBCARE_TICKS": "log",
        "WEBCARE_WEB_PORT": "0",
        **more,
    }
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "agents", "worker"], stdout=output, stderr=output, env=environment)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run_demo(bootstrap: str, log: Path, draw: Callable[[Show, str], None], seed: int = SEED) -> Finished:
    """Send the scenario, watch what comes out until nothing is left to do, and check the ledger.

    Raises:
        DemoError: the worker ended by itself, or it takes longer than ten minutes.
    """
    started = time.monotonic()
    records, total = raw_records(seed)
    show = Show(total)
    failures: list[BaseException] = []

    def send() -> None:
        try:
            send_records(Settings(bootstrap=bootstrap), records)
        except BaseException as error:  # noqa: BLE001 - told by the other thread
            failures.append(error)

    with worker_process(bootstrap, log) as worker, closing(LagMeter(bootstrap)) as meter:
        sender = Thread(target=send, daemon=True)
        sender.start()
        arriving = follow(bootstrap, *(topic.name for topic in TOPICS), from_beginning=True)
        drawn = 0.0
        for record in arriving:
            if record is not None:
                show.take(record)
            now = time.monotonic()
            if now - drawn > 0.25:
                draw(show, f"{now - started:.0f} s")
                drawn = now
            if failures:
                raise DemoError(f"sending failed: {failures[0]!r}")
            if worker.poll() is not None:
                raise DemoError(f"the worker ended by itself with code {worker.returncode}; its log is {log}")
            if now - started > LIMIT_SECONDS:
                raise DemoError(f"not finished after {LIMIT_SECONDS:.0f} s; {show.done} of {total} mentions have an outcome")
            if record is None and not sender.is_alive() and show.done >= total and not any(meter.remaining().values()):
                break
        arriving.close()
        draw(show, "checking the ledger")
        return Finished(show, check_ledger(bootstrap), time.monotonic() - started)
