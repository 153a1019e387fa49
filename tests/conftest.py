"""Fixtures that the test files share: the embedded broker, and no quiet skips where everything must run."""

import os
from collections.abc import Iterator

import pytest

from agents.broker import Broker
from agents.broker.errors import DownloadError, ExtraMissingError
from agents.broker.training import train

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
