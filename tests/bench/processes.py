"""Processes of the benchmark: started, frozen, measured from /proc and ended, each by its own id. Linux only."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SET_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Called first in every child: the kernel kills it when the benchmark ends, however that ends."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads included, those that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Memory that a process holds (RSS)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def machine_seconds() -> float:
    """CPU time of everything that runs on the machine, what the host took away (steal) included; waiting is not."""
    user, nice, system, _, _, irq, softirq, steal = (int(field) for field in Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


class ChildFailedError(RuntimeError):
    """A process of the benchmark ended by itself; the message holds its last words."""


class Child:
    """One worker or producer process."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log
        self.pid = process.pid

    def check(self) -> None:
        """Raises:
        ChildFailedError: it has ended.
        """
        if self._process.poll() is not None:
            raise ChildFailedError(f"{' '.join(map(str, self._process.args))} ended with {self._process.returncode}:\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-3000:]

    def freeze(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def profile(self) -> None:
        """SIGRTMIN: start sampling (`sampling.py`)."""
        self._process.send_signal(signal.SIGRTMIN)

    def wait(self, timeout: float) -> None:
        """Until it ends well.

        Raises:
            ChildFailedError: it did not.
        """
        if self._process.wait(timeout) != 0:
            self.check()

    def end(self) -> None:
        """SIGTERM, and SIGKILL after ten seconds."""
        if self._process.poll() is None:
            self.go_on()
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def child(script: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Run a script of this folder in a process of its own; ended with the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(HERE / script), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C is for us, and we end what we started
        )
    started = Child(process, log)
    try:
        yield started
    finally:
        started.end()
