"""Reads a stage's changelog back when partitions are assigned: per key the snapshot with the highest change number, not the last one."""

import asyncio
import time
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.logs import get_logger
from agents.settings import Settings
from agents.telemetry import Telemetry
from pipeline.journal import CHANGE
from pipeline.stage import StagePartition, header

log = get_logger(__name__)

Newest = dict[bytes, tuple[int, bytes | None]]


def take(newest: Newest, key: bytes, value: bytes | None, change: int) -> None:
    """Keep a snapshot if none with a higher change number is known; of equal ones the later."""
    known = newest.get(key)
    if known is None or change >= known[0]:
        newest[key] = (change, value)


async def restore(stage: str, changelog: str, partitions: Mapping[int, StagePartition], settings: Settings, telemetry: Telemetry) -> None:
    """Fill freshly opened partitions from their changelog, to its present end.

    Raises:
        KafkaError: the broker is away; the caller tries again with new partitions.
    """
    started = time.monotonic()
    newest: dict[int, Newest] = {partition: {} for partition in partitions}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=4 << 20,
        max_poll_records=5000,
    )
    records = 0
    try:
        await consumer.start()
        logs = [TopicPartition(changelog, partition) for partition in partitions]
        consumer.assign(logs)
        await consumer.seek_to_beginning(*logs)
        ends = await consumer.end_offsets(logs)
        waiting = {log_ for log_ in logs if ends[log_] > 0}
        while waiting:
            for log_, fetched in (await consumer.getmany(timeout_ms=200)).items():
                mine = newest[log_.partition]
                for record in fetched:
                    if record.key is not None:
                        take(mine, record.key, record.value, int(header(record.headers, CHANGE) or 0))
                records += len(fetched)
            waiting = {log_ for log_ in waiting if await consumer.position(log_) < ends[log_]}
    finally:
        await consumer.stop()
    for partition, state in partitions.items():
        load(stage, state, newest[partition], telemetry)
        await asyncio.sleep(0)
    log.info(
        "state restored",
        stage=stage,
        partitions=sorted(partitions),
        records=records,
        keys=sum(map(len, newest.values())),
        seconds=round(time.monotonic() - started, 3),
    )


def load(stage: str, state: StagePartition, newest: Newest, telemetry: Telemetry) -> None:
    """Hand the newest snapshots to the stage; one that cannot be read is named and left out, never a crash loop."""
    for key, (_, value) in newest.items():
        if value is None:
            continue
        try:
            state.restore(key, value)
        except ValueError as error:
            telemetry.state_unreadable.labels(stage).inc()
            log.error("snapshot cannot be read, going on without it", stage=stage, key=_safe(key), error=type(error).__name__)
    state.restored(max((change for change, _ in newest.values()), default=0))


def _safe(key: bytes) -> str:
    """The brand and kind of a key; ids stay out of the log."""
    return "|".join(key.decode("utf-8", "replace").split("|")[:2])
