"""The embedded broker: a real Kafka that starts, dies, comes back and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from agents.broker import Broker, node
from agents.broker.errors import DataInUseError, PortTakenError, StartError

pytestmark = pytest.mark.broker
PARTITION = TopicPartition("kept", 0)


def write(bootstrap: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=13 * 2**20)
    producer.send(PARTITION.topic, value, partition=PARTITION.partition).get(30)
    producer.close()


def read(bootstrap: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=60_000)
    consumer.assign([PARTITION])
    values = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return values


def create(bootstrap: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(PARTITION.topic, 1, 1, topic_configs={"max.message.bytes": str(12 * 2**20)})])
    admin.close()


def eventually(claim: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.exists():
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_broker_killed_comes_back_with_its_data_on_its_port(broker_cache: None) -> None:
    with Broker() as broker:
        create(broker.bootstrap)
        write(broker.bootstrap, b"before")
        bootstrap, data = broker.bootstrap, broker.data
        broker.kill()
        assert not broker.running
        started = time.monotonic()
        broker.start()
        assert time.monotonic() - started < 30  # a node whose old session must run out by the defaults takes longer on any machine
        assert broker.bootstrap == bootstrap
        write(bootstrap, b"after")
        assert read(bootstrap, 2) == [b"before", b"after"]
    assert not data.exists()


def test_a_given_folder_is_kept_and_moves_to_another_port(broker_cache: None, tmp_path: Path) -> None:
    with Broker(tmp_path) as first:
        create(first.bootstrap)
        write(first.bootstrap, b"kept")
        with pytest.raises(DataInUseError, match="belongs to a running broker"):
            Broker(tmp_path).start()
        assert first.running
    with Broker(tmp_path) as second:
        assert read(second.bootstrap, 1) == [b"kept"]


def test_no_topic_comes_by_itself_and_large_batches_fit(broker: Broker) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, max_block_ms=1500)
    with pytest.raises(KafkaError):
        producer.send("misspelt", b"x").get(5)
    producer.close()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    assert "misspelt" not in admin.list_topics()
    admin.close()
    create(broker.bootstrap)
    large = os.urandom(12 * 2**20 - 200)
    write(broker.bootstrap, large)
    assert read(broker.bootstrap, 1) == [large]


def test_it_starts_without_java_on_the_path_and_against_options_from_outside(
    broker_cache: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")
    with Broker() as broker:
        assert broker.running


def test_it_outlives_the_thread_that_started_it(broker_cache: None) -> None:
    broker = Broker()
    thread = threading.Thread(target=broker.start)
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert broker.running
    pid = broker.pid
    broker.stop()
    assert pid is not None
    assert not alive(pid)


def test_nothing_stays_when_the_starter_is_killed(broker_cache: None) -> None:
    program = (
        "from agents.broker import Broker\nimport sys, time\n"
        "broker = Broker().start()\nprint(broker.pid, broker.data, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid, data = starter.stdout.readline().split()
        assert alive(int(pid))
        starter.send_signal(signal.SIGKILL)
    assert eventually(lambda: not alive(int(pid)))
    assert eventually(lambda: not Path(data).exists())


def test_a_chosen_port_that_is_taken_is_said_at_once(broker_cache: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTakenError, match="end what listens there"):
        Broker(port=other.getsockname()[1]).start()


def test_a_free_port_lost_to_another_is_replaced(broker_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        free, offered = node._free_port, [taken]
        monkeypatch.setattr(node, "_free_port", lambda **given: offered.pop() if offered else free(**given))
        monkeypatch.setattr(node, "_is_free", lambda _: True)
        with Broker() as broker:
            assert broker.port != taken


def test_kafkas_own_words_come_with_a_failed_start(broker_cache: None) -> None:
    broker = Broker(properties={"log.retention.check.interval.ms": "soon"})
    with pytest.raises(StartError, match=r"log\.retention\.check\.interval\.ms"):
        broker.start()
    assert not broker.running
