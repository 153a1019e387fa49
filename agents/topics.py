"""The topic table on a Kafka cluster: created, compared and listed. Nothing here deletes."""

import base64
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec
from kafka.errors import (
    ClusterAuthorizationFailedError,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NotControllerError,
    NotCoordinatorError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    for_code,
)

from agents.logs import get_logger
from schemas.topics import BY_NAME, DEFAULT_PARTITIONS, TOPICS, Topic

PREFIX = "webcare."
log = get_logger(__name__)
_BOOTSTRAP_MILLISECONDS = 10_000
_CONNECT_SECONDS = 5.0
_VISIBLE_SECONDS = 10.0
_POLL_SECONDS = 1.0
_POLLS_PER_LINE = 15
_NO_ERROR = 0
_UNKNOWN_TOPIC = 3
_TOPIC_EXISTS = 36


class TopicsError(RuntimeError):
    """The topics cannot be made what the table says; the message says what to do."""


class TopicMissingError(TopicsError):
    """A topic is not there."""


class KafkaAwayError(TopicsError, ConnectionError):
    """No broker answers: a connection error, whichever library asked."""


@dataclass(frozen=True)
class _Found:
    """A topic as the cluster has it."""

    epoch: str
    partitions: int


ELECTING = (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NotControllerError,
    NotCoordinatorError,
    NotLeaderForPartitionError,
)
"""What a cluster answers that is young, or has lost a broker: not a refusal, it passes by itself."""


class TopicRow(NamedTuple):
    """A topic for people to read: what the table says, and what the cluster has of it ("–": nothing)."""

    topic: str
    key: str
    cleanup: str
    retention: str
    partitions: str
    records: str


@dataclass(frozen=True)
class Problem:
    """Something about the cluster that is not what the table says. ``topic`` is None where it is about the brokers."""

    kind: Literal["missing", "config", "partitions", "auto_creation"]
    topic: str | None
    detail: str

    def __str__(self) -> str:
        return f"{self.topic or 'brokers'}: {self.detail}"


def apply_topics(bootstrap: str, partitions: int = DEFAULT_PARTITIONS, replication: int = 1, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Create what is missing and set what differs; a second run changes nothing.

    Args:
        partitions: of every topic.
        replication: copies of each new topic; existing ones keep theirs.

    Returns: what was changed, a line each.

    Raises:
        TopicsError: a topic exists with another number of partitions (then nothing is changed), or Kafka refuses.
        KafkaAwayError: no broker answers.
    """
    with _admin(bootstrap) as admin:
        found = _found(admin)
        unequal = [topic for topic in topics if topic.name in found and found[topic.name].partitions != partitions]
        if unequal:
            counts = ", ".join(f"{topic.name} has {found[topic.name].partitions}" for topic in unequal)
            raise TopicsError(
                f"{partitions} partitions were asked for, but {counts}. Changing the number moves brands to other partitions, away from "
                "their state and their order: apply with the number that is there, or change it with `webcare topics repartition`"
            )
        missing = [topic for topic in topics if topic.name not in found]
        created = _create(admin, missing, partitions, replication) if missing else []
        changed = []
        for topic, differences in _differences(admin, topics).items():
            _set(admin, topic, {name: wanted for name, (_, wanted) in differences.items()})
            changed += [f"{topic}: {name} {before} → {wanted}" for name, (before, wanted) in differences.items()]
        if changed:
            _wait_until_visible(admin, topics)
    return [f"{name}: created with {partitions} partitions" for name in created] + changed


def add_partitions(bootstrap: str, partitions: int, topics: Sequence[Topic]) -> None:
    """Give topics that have fewer so many partitions. Brands do not move with it: `agents/repartition.py` does that.

    Raises:
        TopicsError: Kafka refuses.
        KafkaAwayError: no broker answers.
    """
    if not topics:
        return
    with _admin(bootstrap) as admin:
        admin.create_partitions({topic.name: partitions for topic in topics})
        deadline = time.monotonic() + _VISIBLE_SECONDS
        while any(_found(admin, [topic.name])[topic.name].partitions != partitions for topic in topics):
            if time.monotonic() > deadline:
                raise TopicsError("Kafka accepted the new partitions but does not show them; run this again in a while")
            time.sleep(0.05)


def check_topics(bootstrap: str, topics: Sequence[Topic] = TOPICS) -> list[Problem]:
    """Compare the cluster with the table; empty when all is well.

    Raises:
        KafkaAwayError: no broker answers.
        TopicsError: Kafka refuses to tell.
    """
    with _admin(bootstrap) as admin:
        found = _found(admin)
        problems = [Problem("missing", topic.name, "missing; run `webcare topics apply`") for topic in topics if topic.name not in found]
        present = [topic for topic in topics if topic.name in found]
        counts = Counter(found[topic.name].partitions for topic in present)
        usual = counts.most_common(1)[0][0] if counts else 0
        problems += [
            Problem(
                "partitions", topic.name, f"{found[topic.name].partitions} partitions where others have {usual}; all must have the same"
            )
            for topic in present
            if found[topic.name].partitions != usual
        ]
        for name, differences in _differences(admin, present).items():
            problems += [
                Problem("config", name, f"{setting} is {before}, not {wanted}; run `webcare topics apply`")
                for setting, (before, wanted) in differences.items()
            ]
        return problems + _auto_creation(admin)


def list_topics(bootstrap: str) -> list[TopicRow]:
    """The topics of the table, then others on the cluster that start with `webcare.`. Records are counted as end minus start of the log.

    Raises:
        KafkaAwayError: no broker answers.
    """
    with _admin(bootstrap) as admin:
        found = _found(admin)
        places = [TopicPartition(name, partition) for name, topic in found.items() for partition in range(topic.partitions)]
        ends = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST)) if places else {}
        starts = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST)) if places else {}
    records: Counter[str] = Counter()
    for place in places:
        records[place.topic] += ends[place].offset - starts[place].offset
    return [_row(name, found.get(name), records[name]) for name in (*BY_NAME, *sorted(found.keys() - BY_NAME.keys()))]


def _row(name: str, found: _Found | None, records: int) -> TopicRow:
    topic = BY_NAME.get(name)
    key, cleanup, retention = "–", "–", "–"
    if topic is not None:
        key, cleanup = topic.key, topic.cleanup
        retention = f"{topic.retention.days} d" if topic.retention is not None else "for ever"
    return TopicRow(name, key, cleanup, retention, *(("–", "–") if found is None else (str(found.partitions), str(records))))


def topic_epoch(bootstrap: str, topic: str) -> str:
    """Kafka's id of a topic, as Kafka itself writes it (22 characters, no `:`): the first part of `webcare-origin`.

    Raises:
        TopicMissingError: there is no such topic.
        KafkaAwayError: no broker answers.
    """
    with _admin(bootstrap) as admin:
        found = _found(admin, [topic])
    if topic not in found:
        raise TopicMissingError(f"there is no topic {topic}; run `webcare topics apply`")
    return found[topic].epoch


def partition_count(bootstrap: str, topics: Sequence[Topic] = TOPICS) -> int:
    """The one number of partitions that all topics have.

    Raises:
        TopicMissingError: a topic is not there.
        TopicsError: the numbers differ.
        KafkaAwayError: no broker answers.
    """
    with _admin(bootstrap) as admin:
        found = _found(admin)
    if missing := [topic.name for topic in topics if topic.name not in found]:
        raise TopicMissingError(f"there is no topic {', '.join(missing)}; run `webcare topics apply`")
    counts = {found[topic.name].partitions for topic in topics}
    if len(counts) != 1:
        raise TopicsError(
            "the topics have different numbers of partitions; `webcare topics check` names them. If `webcare topics repartition` was ended "
            "in the middle, run it again"
        )
    return counts.pop()


def partitions_of(bootstrap: str, *names: str) -> dict[str, int]:
    """How many partitions each of these topics has, of the table or not.

    Raises:
        TopicMissingError: a topic is not there.
        KafkaAwayError: no broker answers.
    """
    with _admin(bootstrap) as admin:
        found = _found(admin)
    for name in names:
        if name not in found:
            hint = "create the topics with `webcare topics apply`" if name in BY_NAME else "`webcare topics list` shows them"
            raise TopicMissingError(f"there is no topic {name}; {hint}")
    return {name: found[name].partitions for name in names}


def wait_for_topics(bootstrap: str, topics: Sequence[Topic] = TOPICS, tell: Callable[[str], None] = lambda _: None) -> None:
    """Return when a broker answers and every topic is there, however long that takes; the log and ``tell`` say what is waited for."""
    polls = 0
    while True:
        try:
            with _admin(bootstrap) as admin:
                found = _found(admin)
            missing = [topic.name for topic in topics if topic.name not in found]
            if not missing:
                return
            reason = f"{len(missing)} topics are missing, {missing[0]} first; run `webcare topics apply`"
        except KafkaAwayError as error:
            reason = str(error)
        tell(f"waiting for Kafka: {reason}")
        if polls % _POLLS_PER_LINE == 0:
            log.warning("waiting for Kafka", reason=reason)
        polls += 1
        time.sleep(_POLL_SECONDS)


@contextmanager
def _admin(bootstrap: str) -> Iterator[Any]:
    """An admin client; what it raises leaves as our own errors."""
    require_kafka(bootstrap)
    with asking(bootstrap):
        admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), bootstrap_timeout_ms=_BOOTSTRAP_MILLISECONDS)
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def asking(bootstrap: str) -> Iterator[None]:
    """What kafka-python raises in the body leaves as our own errors.

    Raises:
        KafkaAwayError: no broker answers, or does no more.
        TopicsError: it refuses.
    """
    try:
        yield
    except (KafkaTimeoutError, KafkaConnectionError, RequestTimedOutError) as error:
        raise KafkaAwayError(_away(bootstrap)) from error
    except ELECTING as error:
        raise KafkaAwayError(f"Kafka at {bootstrap} is starting or electing a leader ({type(error).__name__}): try again") from error
    except KafkaError as error:
        raise TopicsError(f"Kafka at {bootstrap} refuses: {error}") from error


def require_kafka(bootstrap: str) -> None:
    """Something listens there: told at once, and without the sockets that kafka-python leaves open when it cannot connect.

    Raises:
        KafkaAwayError: nothing does.
    """
    if not any(map(_accepts, bootstrap.split(","))):
        raise KafkaAwayError(_away(bootstrap))


def _accepts(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS):
            return True
    except (OSError, ValueError):
        return False


def _away(bootstrap: str) -> str:
    return f"no Kafka answers at {bootstrap}; start one (`webcare broker`), or name yours in WEBCARE_KAFKA_BOOTSTRAP as host:port"


def _found(admin: Any, names: Sequence[str] | None = None) -> dict[str, _Found]:
    found = {}
    for topic in admin.describe_topics(names):
        if topic["error_code"] == _UNKNOWN_TOPIC:
            continue
        if topic["error_code"] != _NO_ERROR:
            raise for_code(topic["error_code"])(topic["name"])
        name = topic["name"]
        if names is not None or name in BY_NAME or name.startswith(PREFIX):
            epoch = base64.urlsafe_b64encode(uuid.UUID(str(topic["topic_id"])).bytes).decode().rstrip("=")
            found[name] = _Found(epoch, len(topic["partitions"]))
    return found


def _create(admin: Any, topics: Sequence[Topic], partitions: int, replication: int) -> list[str]:
    wanted = {topic.name: {"num_partitions": partitions, "replication_factor": replication, "configs": topic.config()} for topic in topics}
    answer = admin.create_topics(wanted, raise_errors=False)
    created = []
    for topic in answer["topics"]:
        if topic["error_code"] == _NO_ERROR:
            created.append(topic["name"])
        elif topic["error_code"] != _TOPIC_EXISTS:  # somebody else was quicker: its settings are compared like all others
            raise TopicsError(
                f"Kafka refuses to create {topic['name']}: {topic['error_message'] or for_code(topic['error_code']).__name__}"
            )
    admin.wait_for_topics(list(wanted))
    return created


def _differences(admin: Any, topics: Sequence[Topic]) -> dict[str, dict[str, tuple[str | None, str]]]:
    """Topic name → setting → (what the cluster has, what the table says), where they differ. Settings the table does not name are free."""
    if not topics:
        return {}
    answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics], config_filter="all")
    differences = {}
    for topic in topics:
        held: Mapping[str, Mapping[str, Any]] = answer["topic"][topic.name]
        pairs = {name: (held.get(name, {}).get("value"), wanted) for name, wanted in topic.config().items()}
        if differing := {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}:
            differences[topic.name] = differing
    return differences


def _set(admin: Any, topic: str, settings: Mapping[str, str]) -> None:
    answer = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(settings))])
    if (result := answer["topic"][topic]) != "OK":
        raise TopicsError(f"Kafka refuses to change {topic}: {result}")


def _wait_until_visible(admin: Any, topics: Sequence[Topic]) -> None:
    """A change is in the controller's log at once, but a broker shows it a moment later."""
    deadline = time.monotonic() + _VISIBLE_SECONDS
    while _differences(admin, topics):
        if time.monotonic() > deadline:
            raise TopicsError("Kafka accepted the settings but does not show them; run `webcare topics check` in a while")
        time.sleep(0.05)


def _auto_creation(admin: Any) -> list[Problem]:
    """A misspelt topic name must be an error, not a new topic."""
    setting = "auto.create.topics.enable"
    brokers = [str(broker["broker_id"]) for broker in admin.describe_cluster()["brokers"]]
    try:
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, broker) for broker in brokers], config_filter="all")
    except ClusterAuthorizationFailedError:
        return []  # not ours to see on a shared cluster
    creating = [broker for broker in brokers if answer["broker"][broker].get(setting, {}).get("value") == "true"]
    if not creating:
        return []
    return [Problem("auto_creation", None, f"{setting} is true on {', '.join(creating)}: a misspelt name makes a topic; set it to false")]
