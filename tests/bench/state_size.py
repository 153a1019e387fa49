"""States of any size, written to a broker's changelogs as a worker writes them: made by the classes that keep them, with real snapshots."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random

from prometheus_client import CollectorRegistry

from agents.runtime.writer import Write, Writer
from agents.settings import Settings
from agents.telemetry import Telemetry
from pipeline.brand_memory import BrandMemory
from pipeline.brand_state import BrandState
from pipeline.brands import Brand
from pipeline.incident import Versions
from pipeline.journal import CHANGE, Journal
from pipeline.partition import Partitioner
from pipeline.scrp import SILENT
from pipeline.seen import ROOT, Marks, Seen
from pipeline.stage import Origin
from pipeline.threads import History, Post, Said, Thread
from pipeline.ticks import BUCKET
from pipeline.watch import Watch

AT = datetime(2026, 9, 1, tzinfo=UTC)
HOURS = 7 * 24
EPOCH = "MkU3OEVBNTcwNTJENDM2Qg"
Changes = dict[bytes, bytes | None]


def crisis_state(brands: int, identities: int, partitions: int) -> Iterator[tuple[int, int, Changes]]:
    """Partition, change number and snapshots of each brand: a watch that has learnt for a day, identities over the last 7 days."""
    partitioner, marks = Partitioner(partitions), Marks()
    rng = Random(1)
    end = int(AT.timestamp()) // BUCKET
    change = 0
    learnt = _learnt_watch()
    for number in range(brands):
        brand = Brand(slug=f"brand-{number}")
        partition = partitioner(brand.slug)
        journal = Journal()
        state = BrandState(brand, Versions("bench", "bench"), journal)
        state.core.first_open = end - 2
        state.core.event_at = AT.timestamp()
        state.watch.restore(learnt)
        for index in range(identities // brands):
            bucket = end - 2 - rng.randrange(HOURS * 12)
            mark = marks(Origin(EPOCH, partition, index))
            seen = Seen(bucket, bucket // 12, rng.getrandbits(64), index & 3, ROOT, True, False, False, 0, 0, (mark,))
            state.note(mark, "live")
            state.identities.remember(rng.randbytes(16), seen)
            change += 1
        state._touch_watch()
        yield partition, change, journal.drain()


def _learnt_watch() -> bytes:
    """A watch after its first day; all brands share it, as only its size matters here."""
    watch = Watch()
    for bucket in range(SILENT):
        watch.close(float(bucket % 7 == 0), float(bucket % 3), bucket // 12 % 168, 1)
    return watch.snapshot()


def routing_state(brands: int, threads: int, partitions: int) -> Iterator[tuple[int, int, Changes]]:
    """The same of routing: so many threads of one post, each by an author of its own. Items are as their threads, only fewer and larger."""
    partitioner = Partitioner(partitions)
    rng = Random(2)
    change = 0
    for number in range(brands):
        slug = f"brand-{number}"
        journal = Journal()
        memory = BrandMemory(slug, journal)
        for index in range(threads // brands):
            at = AT - timedelta(minutes=rng.randrange(28 * 1440))
            mention_id = f"x:{number}-{index}"
            memory.note(Origin(EPOCH, partitioner(slug), index), "live")
            memory.conversations.threads.put(mention_id, Thread(at, [Post(mention_id, "neutral", at)], 1))
            author = f"h1:{rng.randbytes(16).hex()}"
            memory.conversations.authors.put(author, History(at, [Said(mention_id, "neutral", at)]))
            change += 1
        yield partitioner(slug), change, journal.drain()


async def fill(bootstrap: str, topic: str, states: Iterator[tuple[int, int, Changes]]) -> int:
    """Write these states; returns how many records."""
    records = 0
    async with Writer(Settings(bootstrap=bootstrap), Telemetry(CollectorRegistry())) as writer:
        for partition, changes in groupby(states, key=lambda state: state[0]):
            groups = [
                [Write(key, value, [(CHANGE, str(number).encode())]) for key, value in snapshots.items()]
                for _, number, snapshots in changes
            ]
            records += sum(map(len, groups))
            await writer.publish_together(topic, partition, groups)
    return records
