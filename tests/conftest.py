"""Fixtures that the test files share: the embedded broker, and no quiet skips where everything must run."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from agents.broker import Broker
from agents.broker.errors import DownloadError, ExtraMissingError
from agents.broker.training import train
from agents.settings import DEMO_KEY

settings.register_profile("repeatable", settings.get_profile("ci"))
settings.load_profile("repeatable")  # everywhere the examples that CI sees; `make fuzz` looks for new ones

NEEDS = "needs "
"""A skip whose reason starts with this is for want of a tool; with `CI` set it is a failure."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if os.environ.get("CI") and call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception):
        reason = str(call.excinfo.value)
        if reason.startswith(NEEDS):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: {reason}, and CI must not skip for want of a tool"
    return report


@pytest.fixture(scope="session")
def broker_cache() -> None:
    """The broker's jars and its start-up cache, made once on this machine."""
    try:
        train()
    except (ExtraMissingError, DownloadError) as error:
        pytest.skip(f"{NEEDS}the embedded broker: {error}")


@pytest.fixture(scope="session")
def broker(broker_cache: None) -> Iterator[Broker]:
    """A broker for the whole session. Topic names are fixed: who needs them untouched takes ``fresh_broker``."""
    with Broker() as running:
        yield running


@pytest.fixture
def fresh_broker(broker_cache: None) -> Iterator[Broker]:
    """A broker of the test's own, empty."""
    with Broker() as running:
        yield running


@pytest.fixture(scope="session")
def dying_worker() -> Callable[..., None]:
    """Runs a worker (broker, log) that kills itself when it has written so many routed records (`tests/dying_worker.py`). Its groups
    hold it for a member until its session (seconds) is over."""
    here = Path(__file__).parent

    def run(bootstrap: str, log: Path, records: int, session: int = 6) -> None:
        settings = {
            "PYTHONPATH": str(here.parent),
            "WEBCARE_KAFKA_BOOTSTRAP": bootstrap,
            "WEBCARE_AUTHOR_KEY": DEMO_KEY,
            "WEBCARE_TICKS": "log",
            "WEBCARE_WEB_PORT": "0",
            "WEBCARE_SESSION_TIMEOUT": str(session),
        }
        with log.open("ab") as output:
            command = [sys.executable, str(here / "dying_worker.py"), str(records)]
            ran = subprocess.run(command, stdout=output, stderr=output, env={**os.environ, **settings}, timeout=400, check=False)
        assert ran.returncode == -signal.SIGKILL, log.read_text()[-3000:]

    return run
