"""The topic table on a real broker."""

import re
import socket
import threading
import time
from collections.abc import Callable

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import ClusterAuthorizationFailedError, KafkaError

from agents import topics as module
from agents.broker import Broker
from agents.topics import (
    KafkaAwayError,
    Problem,
    TopicMissingError,
    TopicsError,
    apply_topics,
    check_topics,
    list_topics,
    partition_count,
    topic_epoch,
    wait_for_topics,
)
from schemas.topics import ALERT_STATE, BY_NAME, RAW, ROUTED, TOPICS

pytestmark = pytest.mark.broker


def kinds(problems: list[Problem]) -> dict[str, set[str | None]]:
    return {kind: {problem.topic for problem in problems if problem.kind == kind} for kind in {problem.kind for problem in problems}}


def eventually(claim: Callable[[], bool]) -> bool:
    """Brokers show what the controller did a moment later."""
    deadline = time.monotonic() + 60
    while not (holds := claim()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds


def test_apply_makes_the_table_and_repairs_what_differs(fresh_broker: Broker) -> None:
    bootstrap = fresh_broker.bootstrap
    assert kinds(check_topics(bootstrap)) == {"missing": set(BY_NAME)}

    assert len(apply_topics(bootstrap, partitions=2)) == len(TOPICS)
    assert check_topics(bootstrap) == []
    assert apply_topics(bootstrap, partitions=2) == []
    assert {(row.topic, row.partitions, row.records) for row in list_topics(bootstrap)} == {(name, "2", "0") for name in BY_NAME}

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.alter_configs(
        [
            ConfigResource(ConfigResourceType.TOPIC, RAW.name, {"retention.ms": "1000", "flush.messages": "7"}),
            ConfigResource(ConfigResourceType.TOPIC, ALERT_STATE.name, {"cleanup.policy": "delete"}),
        ]
    )
    admin.delete_topics([ROUTED.name])
    admin.close()
    expected = {"missing": {ROUTED.name}, "config": {RAW.name, ALERT_STATE.name}}
    assert eventually(lambda: kinds(check_topics(bootstrap)) == expected)
    assert set(apply_topics(bootstrap, partitions=2)) == {
        f"{ALERT_STATE.name}: cleanup.policy delete → compact",
        f"{RAW.name}: retention.ms 1000 → {RAW.config()['retention.ms']}",
        f"{ROUTED.name}: created with 2 partitions",
    }
    assert check_topics(bootstrap) == []


def test_partition_counts_are_never_changed(fresh_broker: Broker) -> None:
    bootstrap = fresh_broker.bootstrap
    apply_topics(bootstrap, partitions=2, topics=[RAW, ROUTED])
    with pytest.raises(TopicsError, match=re.escape(f"3 partitions were asked for, but {RAW.name} has 2, {ROUTED.name} has 2")):
        apply_topics(bootstrap, partitions=3)
    assert {row.topic for row in list_topics(bootstrap) if row.partitions != "–"} == {RAW.name, ROUTED.name}, "nothing was created either"

    assert partition_count(bootstrap, [RAW, ROUTED]) == 2
    with pytest.raises(TopicMissingError, match=re.escape(ALERT_STATE.name)):
        partition_count(bootstrap, [RAW, ALERT_STATE])
    apply_topics(bootstrap, partitions=3, topics=[ALERT_STATE])
    assert kinds(check_topics(bootstrap, [RAW, ROUTED, ALERT_STATE])) == {"partitions": {ALERT_STATE.name}}
    with pytest.raises(TopicsError, match="different numbers of partitions"):
        partition_count(bootstrap, [RAW, ALERT_STATE])


def test_a_topic_made_anew_has_another_epoch(fresh_broker: Broker) -> None:
    bootstrap = fresh_broker.bootstrap
    with pytest.raises(TopicMissingError, match="webcare topics apply"):
        topic_epoch(bootstrap, RAW.name)
    apply_topics(bootstrap, partitions=1, topics=[RAW])
    first = topic_epoch(bootstrap, RAW.name)
    assert topic_epoch(bootstrap, RAW.name) == first
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", first)
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_topics([RAW.name])
    admin.close()
    assert eventually(lambda: len(check_topics(bootstrap, [RAW])) == 1)
    apply_topics(bootstrap, partitions=1, topics=[RAW])
    assert topic_epoch(bootstrap, RAW.name) != first


def test_a_worker_waits_for_the_broker_and_the_topics(broker_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.05)
    with Broker() as broker:
        broker.kill()
        waiting = threading.Thread(target=wait_for_topics, args=(broker.bootstrap, [RAW]))
        waiting.start()
        broker.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        apply_topics(broker.bootstrap, partitions=1, topics=[RAW])
        waiting.join(90)
        assert not waiting.is_alive()


def test_what_kafka_refuses_is_said(fresh_broker: Broker) -> None:
    with pytest.raises(TopicsError, match=r"Kafka refuses to create webcare\..*replication"):
        apply_topics(fresh_broker.bootstrap, replication=3, topics=[RAW])


def test_brokers_that_create_topics_by_themselves_are_a_problem(broker_cache: None) -> None:
    with Broker(properties={"auto.create.topics.enable": "true"}) as broker:
        assert [str(problem) for problem in check_topics(broker.bootstrap, [])] == [
            "brokers: auto.create.topics.enable is true on 1: a misspelt name makes a topic; set it to false"
        ]


@pytest.mark.parametrize("bootstrap", ["127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2", "no-port"])
def test_no_broker_is_said_at_once(bootstrap: str) -> None:
    with pytest.raises(ConnectionError, match=re.escape(f"no Kafka answers at {bootstrap};")):
        check_topics(bootstrap)
    with pytest.raises(TopicsError):
        topic_epoch(bootstrap, RAW.name)


def test_what_is_not_kafka_is_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BOOTSTRAP_MILLISECONDS", 300)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(KafkaAwayError):
        list_topics(f"127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize("error", module.ELECTING)
def test_a_cluster_that_is_electing_is_waited_for_not_taken_at_its_word(error: type[KafkaError]) -> None:
    """`wait_for_topics` asks on after this, and ends at a refusal."""
    with pytest.raises(KafkaAwayError, match="try again"), module.asking("kafka:9092"):
        raise error
    with pytest.raises(TopicsError, match="refuses") as refused, module.asking("kafka:9092"):
        raise ClusterAuthorizationFailedError
    assert not isinstance(refused.value, KafkaAwayError)
