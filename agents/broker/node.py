"""One embedded Kafka node: started, stopped, killed and started again."""

import fcntl
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from agents.broker import guard
from agents.broker.errors import DataInUseError, PortTakenError, StartError
from agents.broker.installation import Installation, install, java_environment, tell
from agents.broker.jars import Progress
from agents.broker.settings import LOGGING, STARTED, server_properties

HOST = "127.0.0.1"
_PORT_ATTEMPTS = 5
_API_VERSIONS = bytes.fromhex("0000000c 0012 0000 00000001 0002") + b"rd"


class Broker:
    """A single-node Apache Kafka (KRaft) of this process; it listens on the loopback interface only.

    >>> with Broker() as broker:  # doctest: +SKIP
    ...     connect(broker.bootstrap)

    It never outlives this process, however that ends. ``start`` may be called again after ``halt`` and ``kill``: same data, same port.

    Args:
        data: folder that the data is kept in; without one it is thrown away by ``stop``.
        port: that clients connect to; without one a free port is chosen.
        properties: settings of the broker over ours.
        cache: where the jars are kept; without one `WEBCARE_CACHE` or the user's cache folder.
        progress: told, a line each, what takes its time (the first download).
        options: options of the JVM over ours.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        port: int | None = None,
        properties: Mapping[str, str] | None = None,
        cache: Path | None = None,
        progress: Progress = tell,
        options: Sequence[str] = (),
    ) -> None:
        self.port = port or 0
        self._given = data
        self._data: Path | None = None
        self._port_fixed = port is not None
        self._properties = dict(properties or {})
        self._cache = cache
        self._progress = progress
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients; known once started."""
        return f"{HOST}:{self.port}"

    @property
    def data(self) -> Path:
        """Its folder: `broker.log`, `server.properties`, `logs/`; known once started."""
        if self._data is None:
            raise RuntimeError("the broker has not been started")
        return self._data

    @property
    def pid(self) -> int | None:
        """The process id of a running broker."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        if self._process is not None and self._process.poll() is not None:
            self._forget()
        return self._process is not None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, timeout: float = 60.0) -> Self:
        """Start and wait until it answers, at most ``timeout`` seconds. A broker that runs already is left as it is.

        Raises:
            BrokerError: one of its kinds; nothing is left running.
        """
        if self.running:
            return self
        installation = install(self._cache, self._progress)
        try:
            self._prepare()
            self._start(installation, time.monotonic() + timeout)
        except BaseException:
            self.stop(0.0)
            raise
        return self

    def halt(self, timeout: float = 10.0) -> None:
        """End it in order (SIGTERM), after ``timeout`` seconds by force. The data stays."""
        if self.running and self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self._forget()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would. The data stays."""
        if self.running and self._process is not None:
            self._process.kill()
            self._process.wait()
        self._forget()

    def stop(self, timeout: float = 10.0) -> None:
        """End it in order and throw the data away, unless its folder was given."""
        self.halt(timeout)
        if self._given is None and self._data is not None:
            shutil.rmtree(self._data, ignore_errors=True)
            self._data = None
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _prepare(self) -> None:
        """The folder, and the guard over it and over what will run in it."""
        if self._data is None:
            self._data = Path(tempfile.mkdtemp(prefix="webcare-broker-")) if self._given is None else self._given.absolute()
            self._data.mkdir(parents=True, exist_ok=True)
        if self._guard is None:
            thrown_away = str(self._data) if self._given is None else ""
            # A session of its own: Ctrl-C in a terminal is for us, and we end what we started.
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, thrown_away],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _start(self, installation: Installation, deadline: float) -> None:
        lock = _claim(self.data)
        with lock:
            logs = self.data / "logs"
            if not logs.exists():
                half = self.data / "logs.copying"
                shutil.rmtree(half, ignore_errors=True)
                shutil.copytree(installation.template, half)
                half.replace(logs)
            for attempt in range(_PORT_ATTEMPTS):
                self._check_port()
                try:
                    self._run(installation, lock, deadline)
                except PortTakenError:
                    # Between our look and Kafka's bind somebody else was quicker. The controller's port is always ours to choose.
                    if attempt == _PORT_ATTEMPTS - 1:
                        raise
                    if not self._port_fixed:
                        self.port = 0
                else:
                    self._port_fixed = True  # clients know it now
                    return

    def _check_port(self) -> None:
        if self.port and _is_free(self.port):
            return
        if self._port_fixed:
            raise PortTakenError(f"port {self.port} is taken; end what listens there or choose another port")
        self.port = _free_port()

    def _run(self, installation: Installation, lock: IO[str], deadline: float) -> None:
        properties, logging = self.data / "server.properties", self.data / "log4j2.properties"
        properties.write_text(
            server_properties(self.data / "logs", self.port, _free_port(other_than=self.port), self._properties), encoding="utf-8"
        )
        logging.write_text(LOGGING, encoding="utf-8")
        options = list(self._options)
        if not options and installation.startup_cache.exists():
            options.append(f"-XX:AOTCache={installation.startup_cache}")
        with (self.data / "broker.log").open("ab") as log:
            logged = log.seek(0, 2)
            self._process = subprocess.Popen(
                installation.command(logging, "kafka.Kafka", str(properties), options=options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=java_environment(),
                pass_fds=(lock.fileno(),),  # so the folder is claimed exactly as long as Kafka lives, whatever becomes of us
            )
        self._look_after(self._process.pid)
        while not (STARTED in (text := _text_since(self.data / "broker.log", logged)) and _answers(self.port)):
            if self._process.poll() is not None:
                self._forget()
                if "Address already in use" in text or "BindException" in text:
                    raise PortTakenError(f"port {self.port} was taken while Kafka started; end what listens there or choose another port")
                raise StartError(f"Kafka ended while it started. Its last words:\n{_last_words(text)}")
            if time.monotonic() > deadline:
                self.kill()
                raise StartError(f"Kafka was not ready in time (a slow or busy machine?). Its last words:\n{_last_words(text)}")
            time.sleep(0.02)

    def _look_after(self, pid: int) -> None:
        """Tell the guard which process to end when we are gone; 0: none."""
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(BrokenPipeError):  # somebody ended the guard; the broker does its work without
                self._guard.stdin.write(f"{pid}\n".encode())

    def _forget(self) -> None:
        """The process is gone: its number may soon be another's."""
        if self._process is not None:
            self._look_after(0)
            self._process = None


def _claim(data: Path) -> IO[str]:
    lock = (data / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataInUseError(f"{data} belongs to a running broker; stop that one first or choose another folder") from error
    return lock


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of an earlier broker that linger do not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port(other_than: int = 0) -> int:
    with socket.socket() as probe, socket.socket() as second:
        probe.bind((HOST, 0))
        second.bind((HOST, 0))  # while the first is held: a port that was just let go may be given out again
        port: int = probe.getsockname()[1]
        other: int = second.getsockname()[1]
        return port if port != other_than else other


def _answers(port: int) -> bool:
    """Whether a broker answers an ApiVersions request: it listens some time before it does."""
    try:
        with socket.create_connection((HOST, port), 0.5) as connection:
            connection.settimeout(2.0)
            connection.sendall(_API_VERSIONS)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def _last_words(text: str) -> str:
    """The end of a log without the stack traces."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\t")]
    return "\n".join(lines[-12:])


def _text_since(path: Path, offset: int) -> str:
    with path.open("rb") as log:
        log.seek(offset)
        return log.read().decode(errors="replace")
