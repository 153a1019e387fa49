"""What the embedded Kafka and its JVM run with."""

from collections.abc import Mapping
from pathlib import Path

KAFKA = "4.4.0"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"  # any 16 bytes do; one for all, so that a formatted folder can be copied
MEBIBYTE = 1024 * 1024

JVM = (
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
)
"""Measured: about 180 MB resident, ready in half the time of the defaults. The start-up cache holds only for these, in this order."""

STARTED = "Kafka Server started"
"""What this Kafka logs when it serves: tells our broker from another that took the port in between."""

LOGGING = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


def server_properties(logs: Path, port: int, controller_port: int, more: Mapping[str, str]) -> str:
    """The text of `server.properties` for a single node that is broker and controller; ``more`` wins."""
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(logs),
        "auto.create.topics.enable": "false",
        # The largest topic takes 12 MiB a record batch.
        "message.max.bytes": str(13 * MEBIBYTE),
        "replica.fetch.max.bytes": str(13 * MEBIBYTE),
        # One node: nothing to replicate to, nobody to hand over to.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "controlled.shutdown.enable": "false",
        # After a kill the controller lets the same node in again only when its old session is over: 9 s with the defaults.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        # Groups of one or two members that come and go quickly.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "log.cleaner.dedupe.buffer.size": str(16 * MEBIBYTE),
    }
    return "".join(f"{name}={value}\n" for name, value in {**properties, **more}.items())
