"""Worker of the benchmark: a plain confluent-kafka loop. Poll a batch, process, produce, flush, commit.

Usage: work_confluent.py light|real BOOTSTRAP GROUP. One consumer reads the four topics, one producer writes; nothing else happens.
"""

import signal
import sys
from collections import defaultdict
from typing import Any

from confluent_kafka import Consumer, Producer
from processes import end_with_parent
from shared import SOURCES, processes

from pipeline.stage import Incoming

BATCH = 2_000


def main() -> None:
    """Run until SIGTERM."""
    end_with_parent()
    kind, bootstrap, group = sys.argv[1:]
    stages = dict(zip((source.name for source in SOURCES), processes(kind), strict=True))
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "partition.assignment.strategy": "cooperative-sticky",
        }
    )
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "message.max.bytes": 4 << 20})
    failed: list[Any] = []

    def told(error: Any, _: Any) -> None:
        if error is not None:
            failed.append(error)

    consumer.subscribe(list(stages))
    while not stopping:
        messages = consumer.consume(BATCH, 0.05)
        if not messages:
            continue
        batches = defaultdict(list)
        for message in messages:
            if message.error():
                raise RuntimeError(message.error())
            partition = message.partition()
            batches[message.topic(), partition].append(
                Incoming(partition, message.offset(), message.timestamp()[1], message.key(), message.value(), message.headers() or ())
            )
        for (topic, partition), records in batches.items():
            for out in stages[topic](partition, records):
                place = partition if out.partition is None else out.partition
                while True:
                    try:
                        producer.produce(out.topic.name, out.value, out.key, place, headers=out.headers, on_delivery=told)
                        break
                    except BufferError:
                        producer.poll(0.1)
        producer.flush()
        if failed:
            raise RuntimeError(failed[0])
        consumer.commit(asynchronous=False)
    consumer.close()


main()
