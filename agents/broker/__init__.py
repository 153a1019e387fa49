"""A real Apache Kafka on this machine, from pip packages alone (the extra `embedded`): for the demo, for trials and for tests."""

from agents.broker.errors import BrokerError
from agents.broker.node import Broker

__all__ = ["Broker", "BrokerError"]
