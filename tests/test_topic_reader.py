"""Readers of the command line on a real broker that dies or freezes in the middle: they end, and say which broker it was."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from agents import topic_reader
from agents.broker import Broker
from agents.replay import RawRecord
from agents.sending import send_records
from agents.settings import Settings
from agents.topic_reader import follow, read_to_end
from agents.topics import KafkaAwayError, apply_topics
from schemas.topics import RAW

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_reader, "PATIENCE_SECONDS", 3)
    monkeypatch.setattr(topic_reader, "LOOK_AFTER_POLLS", 2)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("reading", "how"),
    [
        pytest.param("to its end", signal.SIGKILL, id="to its end, broker dead"),
        pytest.param("on and on", signal.SIGKILL, id="on and on, broker dead"),
        pytest.param("on and on", signal.SIGSTOP, id="on and on, broker frozen"),
    ],
)
def test_a_broker_that_goes_in_the_middle_is_named(fresh_broker: Broker, reading: str, how: signal.Signals) -> None:
    apply_topics(fresh_broker.bootstrap, partitions=1)
    large = b"x" * 1_000_000  # more than one fetch brings
    send_records(Settings(bootstrap=fresh_broker.bootstrap), [RawRecord(0, b"noordnet", large, 0.0, is_tick=False)] * 20)
    if reading == "to its end":
        records: Iterator[Any] = read_to_end(fresh_broker.bootstrap, RAW.name)
    else:
        records = follow(fresh_broker.bootstrap, RAW.name, from_beginning=True)
    assert next(records).value == large
    assert fresh_broker.pid is not None
    os.kill(fresh_broker.pid, how)
    try:
        with pytest.raises(KafkaAwayError, match=f"Kafka at {fresh_broker.bootstrap} answers no more"):
            for _ in records:
                pass
    finally:
        if how == signal.SIGSTOP:
            os.kill(fresh_broker.pid, signal.SIGCONT)
