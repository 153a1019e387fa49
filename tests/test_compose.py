"""`docker-compose.yml` runs the Kafka that everything here is tested on."""

import re
from pathlib import Path

from agents.broker.settings import CLUSTER_ID, KAFKA, server_properties

COMPOSE = Path(__file__).parents[1] / "docker-compose.yml"
ITS_OWN = {  # a container has its own addresses and folders
    "advertised.listeners",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
}


def test_its_kafka_is_set_as_the_embedded_one() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    embedded = dict(line.split("=", 1) for line in server_properties(Path("logs"), 9092, 9093, {}).splitlines())
    given = {
        name.lower().replace("_", "."): value.strip('"') for name, value in re.findall(r"^ +KAFKA_([A-Z_]+): (.+)$", text, re.MULTILINE)
    }
    assert {name: given.get(name) for name in embedded.keys() - ITS_OWN} == {name: embedded[name] for name in embedded.keys() - ITS_OWN}
    assert f"image: apache/kafka:{KAFKA}\n" in text
    assert f"CLUSTER_ID: {CLUSTER_ID}\n" in text
