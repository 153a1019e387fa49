"""Producer of the benchmark, a process of its own: appends records to the raw topic at the moments that a schedule names.

Usage: pace.py BOOTSTRAP FILE. The file is a pickle of (seconds from the start, partition, key, head, tail), in order; the body is
head + the time now + tail, or head alone where tail is None.
"""

import pickle
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer
from processes import end_with_parent

from schemas.topics import RAW

LATE = 0.25
"""Seconds behind the schedule at which the producer itself would be the bottleneck: then it fails."""


def now() -> bytes:
    """RFC 3339, as `published_at` is written."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()  # noqa: TID251 - a live source


def main() -> None:
    """Until the schedule is through and all is acknowledged."""
    end_with_parent()
    bootstrap, path = sys.argv[1:]
    schedule = pickle.loads(Path(path).read_bytes())
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 2, "queue.buffering.max.messages": 1_000_000})
    producer.list_topics(RAW.name, 10)
    started, latest = time.monotonic(), 0.0
    for due, partition, key, head, tail in schedule:
        while (ahead := started + due - time.monotonic()) > 0:
            producer.poll(0)
            time.sleep(min(ahead, 0.05))
        latest = max(latest, -ahead)
        producer.produce(RAW.name, head if tail is None else head + now() + tail, key, partition)
    if producer.flush(30):
        raise SystemExit("not everything was acknowledged")
    print(f"at most {latest * 1000:.1f} ms behind the schedule")
    if latest > LATE:
        raise SystemExit(f"{latest:.2f} s behind the schedule: the producer cannot keep this pace")


if __name__ == "__main__":
    main()
