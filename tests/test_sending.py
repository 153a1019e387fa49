"""`webcare send` and `webcare broker` on topics that are there already: what a replay must not be mixed with, and how many partitions."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.broker import Broker
from agents.cli import app
from agents.replay import RawRecord
from agents.sending import last_ticks_of_the_clock, send_records
from agents.settings import Settings
from agents.topics import apply_topics, partition_count
from schemas.codec import encode
from schemas.mention import Tick

NOW = datetime(2026, 9, 22, 12, tzinfo=UTC)
MENTION: dict[str, Any] = {
    "mention_id": "x:1",
    "brand": "noordnet",
    "channel": "x",
    "channel_family": "social",
    "text": "Al drie dagen geen internet",
    "published_at": "2026-09-01T12:00:00Z",
    "author": {"id": "iemand"},
}


def tick(partition: int, **more: Any) -> RawRecord:
    return RawRecord(partition, None, encode(Tick(at=NOW, **more)), NOW.timestamp(), is_tick=True)


@pytest.mark.broker
@pytest.mark.timeout(120)
def test_a_replay_is_not_mixed_with_a_live_clock(fresh_broker: Broker, tmp_path: Path) -> None:
    bootstrap = fresh_broker.bootstrap
    apply_topics(bootstrap, 2)
    file = tmp_path / "mentions.jsonl"
    file.write_text(json.dumps(MENTION) + "\n[]\n")
    settings = Settings(bootstrap=bootstrap)

    def send(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["send", str(file), "--bootstrap", bootstrap, *options])
        return done.exit_code, done.stderr

    assert last_ticks_of_the_clock(bootstrap) is None
    assert send("--replay")[0] == 0
    send_records(settings, [tick(1)])
    assert last_ticks_of_the_clock(bootstrap) == NOW
    code, says = send("--replay")
    assert (code, "a live worker's (22 Sep 2026 12:00 UTC)" in says) == (2, True), says
    code, says = send()
    assert (code, "sent 2 lines and 0 ticks" in says, "1 of 2 are no JSON objects" in says) == (0, True, True), says
    assert send("--replay", "--brand", "noordnet")[0] == 0, "the warm start of a brand is for live deployments"
    assert last_ticks_of_the_clock(bootstrap) == NOW, "a brand's own ticks are not the partition's time"
    assert send("--replay", "--force")[0] == 0
    assert last_ticks_of_the_clock(bootstrap) is None


@pytest.mark.broker
@pytest.mark.timeout(120)
def test_a_broker_on_kept_data_takes_the_partitions_that_are_there(broker_cache: None, tmp_path: Path) -> None:
    """Those of the demo are fewer."""
    with Broker(data=tmp_path) as kept:
        apply_topics(kept.bootstrap, 2)
    command = [sys.executable, "-m", "agents", "broker", "--data", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "300"}) as running:
        assert running.stderr is not None
        try:
            told = next(line for line in running.stderr if line.startswith(("export", "error")))
            assert told.startswith("export WEBCARE_KAFKA_BOOTSTRAP="), told
            assert partition_count(told.strip().partition("=")[2]) == 2
        finally:
            running.terminate()


def test_a_demo_is_not_mixed_with_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "meta.properties").write_text("")
    done = CliRunner().invoke(app, ["demo", "--keep", str(tmp_path)])
    assert done.exit_code == 2
    assert "name another folder" in done.stderr


def test_force_goes_with_replay(tmp_path: Path) -> None:
    assert "--force goes with --replay" in CliRunner().invoke(app, ["send", "-", "--force"], input="{}").stderr
