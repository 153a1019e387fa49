"""`webcare dlq redrive` on a real broker: a letter that raw does not take is named, and those after it are sent all the same."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from agents.broker import Broker
from agents.cli import app
from agents.runtime.writer import Write, Writer
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.topic_reader import read_to_end
from agents.topics import apply_topics
from schemas.topics import DEAD_LETTER, RAW

pytestmark = [pytest.mark.broker, pytest.mark.timeout(120)]

TOO_LARGE = b"x" * (RAW.max_message_bytes + 1)


async def _bury(bootstrap: str, values: list[bytes]) -> None:
    async with Writer(Settings(bootstrap=bootstrap), Telemetry(CollectorRegistry())) as writer:
        for number, value in enumerate(values):
            headers = [("webcare-origin", b"epoch:0:%d" % number), ("webcare-reason", b"not_json")]
            await writer.publish({(DEAD_LETTER.name, 0): [Write(b"noordnet", value, headers)]})


def test_a_letter_too_large_for_raw_is_named_and_the_others_are_sent(fresh_broker: Broker) -> None:
    apply_topics(fresh_broker.bootstrap, partitions=1)
    asyncio.run(_bury(fresh_broker.bootstrap, [b"{first", TOO_LARGE, b"{last"]))
    for sent in (2, 0):
        result = CliRunner().invoke(app, ["dlq", "redrive", "--all", "--bootstrap", fresh_broker.bootstrap])
        assert result.exit_code == 1, result.stderr
        assert f"sent {sent} dead letters" in result.stderr
        assert "not sent: 0:1: webcare.mention.raw.v1 does not take it (MessageSizeTooLargeError)" in result.stderr
    assert [record.value for record in read_to_end(fresh_broker.bootstrap, RAW.name)] == [b"{first", b"{last"]
