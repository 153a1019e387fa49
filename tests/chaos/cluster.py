"""The machine room of a chaos run: the broker, the workers, and the supervisor that starts again what ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from agents.broker import Broker
from agents.settings import DEMO_KEY

SESSION_SECONDS = 4.0
END_SECONDS = 40.0
"""A worker that was asked to end and has not by then is a failure, the broker's pauses included."""

MOST_INSIDE = 5
"""Faults at points of the protocol in one run."""

BUGS = frozenset(
    {
        "unknown error in a stage",
        "too many dead letters in a row",
        "lane failed",
        "revoke failed",
        "the broker refuses what was written",
        "the source topic is gone",
        "the source topic was made anew",
        "the source topic was made anew or cut",
    }
)
"""A worker may end itself with code 70 and a reason in its log; these reasons no fault of ours accounts for."""


@dataclass
class Life:
    """One worker process from its start to its end. ``ours``: the signal that we ended it with, if we did."""

    process: subprocess.Popen[bytes]
    log: Path
    ours: int | None = None
    asked_at: float | None = None
    asleep_until: float | None = None
    asleep_since: float | None = None


@dataclass
class Slot:
    """A place for a worker: which stages it runs, and its control file."""

    name: str
    stages: str
    control: Path
    life: Life | None = None
    lives: int = 0
    start_at: float = 0.0
    wanted: bool = True


@dataclass
class Cluster:
    """Owns every process of a run. Methods may be called from several threads."""

    folder: Path
    broker: Broker
    mode: str
    mark: str
    slots: list[Slot] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = RLock()
        self.broker_lock = Lock()

    # -- workers

    def add(self, name: str, stages: str, control: dict[str, Any]) -> Slot:
        """A new place; its worker starts with the next `supervise`."""
        slot = Slot(name, stages, self.folder / f"{name}.control.json")
        self.control(slot, control)
        with self._lock:
            self.slots.append(slot)
        return slot

    def control(self, slot: Slot, control: dict[str, Any]) -> None:
        """Change what a worker is told; appears whole or not at all."""
        half = slot.control.with_suffix(".half")
        half.write_text(json.dumps(control), "utf-8")
        half.replace(slot.control)

    def told(self, slot: Slot) -> dict[str, Any]:
        """What a worker is told now."""
        told: dict[str, Any] = json.loads(slot.control.read_text("utf-8"))
        return told

    def _start(self, slot: Slot) -> None:
        slot.lives += 1
        log = self.folder / f"{slot.name}-{slot.lives}.log"
        environment = {
            **os.environ,
            "CHAOS_RUN": self.mark,
            "CHAOS_LIFE": str(slot.lives),
            "WEBCARE_KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "WEBCARE_AUTHOR_KEY": DEMO_KEY,
            "WEBCARE_TICKS": "log" if self.mode == "file" else "wall",
            "WEBCARE_WEB_PORT": "0",
            "WEBCARE_SESSION_TIMEOUT": str(SESSION_SECONDS),
            "WEBCARE_STUCK_AFTER": "45",
            "WEBCARE_LOG": "json",
        }
        command = [sys.executable, str(Path(__file__).with_name("worker.py")), str(slot.control), "--stages", slot.stages]
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        slot.life = Life(process, log)
        self.counts["worker starts"] += 1

    def supervise(self, *, restart: bool = True) -> None:
        """Note who ended and why, start again what should run, wake up who froze inside."""
        now = time.monotonic()
        with self._lock:
            for slot in self.slots:
                life = slot.life
                if life is not None and (code := life.process.poll()) is not None:
                    self._note_end(slot, life, code)
                    slot.life, slot.start_at = None, now + 0.3
                elif life is not None:
                    self._watch_sleep(life, now)
                    if life.asked_at is not None and now - life.asked_at > END_SECONDS:
                        self.failures.append(f"{slot.name} did not end within {END_SECONDS:.0f} s of SIGTERM ({life.log.name})")
                        life.ours = signal.SIGKILL
                        life.process.kill()
                        life.asked_at = None
                if slot.life is None and slot.wanted and restart and now >= slot.start_at:
                    self._start(slot)

    def _watch_sleep(self, life: Life, now: float) -> None:
        if life.asleep_until is not None:
            if now >= life.asleep_until:
                life.process.send_signal(signal.SIGCONT)
                life.asleep_until = life.asleep_since = None
        elif _is_stopped(life.process.pid):
            if life.asleep_since is None:
                life.asleep_since = now
                self._until_enough("sleep-in-write", "freeze")
            elif now - life.asleep_since > SESSION_SECONDS + 2.0:
                life.process.send_signal(signal.SIGCONT)
                life.asleep_since = None

    def _note_end(self, slot: Slot, life: Life, code: int) -> None:
        self.counts["worker ends"] += 1
        if life.ours == signal.SIGKILL and code == -signal.SIGKILL:
            self.ended["killed by us"] += 1
        elif life.ours == signal.SIGTERM and code == 0:
            self.ended["ended in order"] += 1
        elif life.ours == signal.SIGTERM and code == -signal.SIGTERM and b'"worker starts"' not in life.log.read_bytes():
            self.ended["ended while it started"] += 1
        elif code == -signal.SIGKILL and "die" in self.told(slot):
            self.ended["killed inside"] += 1
            self._until_enough("die-in-write", "die")
        elif code == 70 and (reason := last_reason(life.log)) is not None and reason not in BUGS:
            self.ended[f"ended itself: {reason}"] += 1
        else:
            tail = life.log.read_text("utf-8", "replace")[-1_500:]
            self.failures.append(f"{slot.name} ended with {code} without a documented reason ({life.log.name}): …{tail}")

    def _until_enough(self, kind: str, fault: str) -> None:
        """Starting a worker takes longer than the way to the next such fault: after a few, all behave."""
        self.counts[kind] += 1
        if self.counts[kind] >= MOST_INSIDE:
            for slot in self.slots:
                self.control(slot, self.told(slot) | {fault: None})

    def signal(self, slot: Slot, number: int, *, asleep: float | None = None) -> bool:
        """Send a signal; SIGSTOP with the seconds to sleep. Whether there was somebody to send it to."""
        with self._lock:
            life = slot.life
            if life is None or life.process.poll() is not None:
                return False
            if number == signal.SIGSTOP:
                if life.asleep_until is not None:
                    return False
                life.asleep_until = time.monotonic() + (asleep or 0.0)
            elif number in (signal.SIGKILL, signal.SIGTERM):
                life.ours = number
                if number == signal.SIGTERM:
                    life.asked_at = time.monotonic()
            life.process.send_signal(number)
            return True

    def calm(self) -> None:
        """Wake everybody up, and let all behave."""
        with self._lock:
            for slot in self.slots:
                self.control(slot, self.told(slot) | {"armed": False, "clock": 0.0, "ticks": False})
                if slot.life is not None and slot.life.process.poll() is None:
                    slot.life.process.send_signal(signal.SIGCONT)
                    slot.life.asleep_until = slot.life.asleep_since = None

    def end_workers(self) -> None:
        """SIGTERM for all, and wait."""
        with self._lock:
            for slot in self.slots:
                slot.wanted = False
                self.signal(slot, signal.SIGTERM)
        while any(slot.life is not None for slot in self.slots):
            self.supervise(restart=False)
            time.sleep(0.05)

    def destroy(self) -> None:
        """End everything now, whatever happened."""
        for slot in self.slots:
            if slot.life is not None and slot.life.process.poll() is None:
                slot.life.process.kill()
                slot.life.process.wait()
        self.broker.kill()
        self.broker.stop(0.0)

    # -- the broker

    def broker_signal(self, number: int) -> None:
        """SIGSTOP or SIGCONT."""
        if (pid := self.broker.pid) is not None:
            os.kill(pid, number)

    def restart_broker(self, attempts: int = 3) -> None:
        """Start the broker on its data; a machine that is busy may need another attempt."""
        for attempt in range(attempts):
            try:
                self.broker.start()
            except Exception:
                if attempt == attempts - 1:
                    raise
            else:
                return


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def last_reason(log: Path) -> str | None:
    """Why a worker says it ended."""
    for line in reversed(log.read_text("utf-8", "replace").splitlines()):
        if '"worker ends"' in line:
            reason: str = json.loads(line)["reason"]
            return reason
    return None


def left_behind(mark: str) -> Sequence[str]:
    """Processes of this run that still live, by the mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if f"CHAOS_RUN={mark}".encode() in environment and state != "Z":
                found.append(f"{entry.name} {(entry / 'cmdline').read_bytes().replace(bytes(1), b' ').decode(errors='replace')[:120]}")
        except OSError:
            continue
    return found
