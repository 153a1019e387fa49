"""CPU per mention of each pure stage, without Kafka: `uv run python tests/bench/stage_cost.py [demo|traffic]`.

Two loads: the scenario of the demo (five brands, four weeks, ticks every five minutes), and traffic as a busy deployment has it (1,000
brands, hardly a tick, authors and threads mostly new). Figures are CPU time of one process, so other work on the machine hardly moves them.
"""

import argparse
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from agents.demo.phrases import Tone, load_phrases
from agents.demo.run import raw_records
from agents.demo.wording import Wording, style
from agents.deployment import Deployment, build_stages, load_deployment
from agents.replay import RawRecord
from agents.settings import DEMO_KEY
from pipeline.brands import Brand, Registry
from pipeline.partition import Partitioner
from pipeline.stage import Incoming, Stage
from schemas.codec import RecordDecoder, RejectedRecordError, assessed_decoder, encode, language_decoder, raw_decoder, sentiment_decoder
from schemas.mention import Author, Mention, Reach, Tick

PARTITIONS = 4
BATCH = 500
BRANDS = 1_000
START = datetime(2026, 9, 1, 8, tzinfo=UTC)
SECTORS = ("telecom", "rail", "energy", "parcel", "bank")
TONES: dict[Tone, int] = {"complaint": 12, "praise": 18, "question": 25, "neutral": 45}
LANGUAGES = {"nl": 60, "en": 25, "de": 15}
CHANNELS = {"x": 45, "facebook": 20, "instagram": 15, "mastodon": 5, "trustreview": 10, "mail": 5}
FAMILIES = {"trustreview": "review", "mail": "mail"}
DECODERS = {"language": raw_decoder, "sentiment": language_decoder, "crisis": sentiment_decoder, "routing": assessed_decoder}


class Cost(NamedTuple):
    """What one stage took over a whole load: CPU seconds of ``process``, of decoding alone, of writing out its records alone; bytes."""

    stage: str
    process: float
    decode: float
    encode: float
    outgoing: int
    outgoing_bytes: int
    changes: int
    change_bytes: int


def traffic(count: int, seed: int = 7) -> list[RawRecord]:
    """So many mentions of 1,000 brands, a few hundred a second of event time, with a tick a minute; texts of 20 to 280 characters."""
    rng = Random(seed)
    phrases = load_phrases()
    wordings = [Wording(phrases, sector, "merk", "Merk", rng) for sector in SECTORS]
    partition_of = Partitioner(PARTITIONS)
    weights = [1 / (rank + 10) for rank in range(BRANDS)]
    records: list[RawRecord] = []
    known: list[Mention] = []
    at, ticked = START, START
    for number, rank in enumerate(rng.choices(range(BRANDS), weights, k=count)):
        at += timedelta(milliseconds=rng.randrange(10))
        if at - ticked > timedelta(minutes=1):
            ticked = at
            tick = encode(Tick(at=at))
            records += [RawRecord(partition, None, tick, at.timestamp(), True) for partition in range(PARTITIONS)]
        mention = _mention(rng, wordings[rank % len(wordings)], number, f"brand-{rank}", at, known)
        if len(known) < 2_000:
            known.append(mention)
        else:
            known[rng.randrange(2_000)] = mention
        slug = mention.brand
        records.append(RawRecord(partition_of(slug), slug.encode(), encode(mention), at.timestamp(), False))
    return records


def _mention(rng: Random, wording: Wording, number: int, brand: str, at: datetime, known: Sequence[Mention]) -> Mention:
    channel = _draw(rng, CHANNELS)
    family = FAMILIES.get(channel, "social")
    parent = rng.choice(known) if known and rng.random() < 0.15 else None
    followers = round(rng.paretovariate(0.9) * 50)
    return Mention(
        mention_id=f"{channel}:{10**17 + number * 7919}",
        brand=brand if parent is None else parent.brand,
        channel=channel,
        channel_family=family,  # type: ignore[arg-type]
        text=_text(rng, wording),
        published_at=at,
        received_at=at + timedelta(milliseconds=rng.randrange(3_000)),
        author=Author(id=f"u{rng.randrange(10**9)}", name=f"Iemand {number}", followers=followers),
        kind="review" if family == "review" else "post" if parent is None else rng.choice(("reply", "reply", "repost")),
        url=f"https://{channel}.example/{brand}/status/{10**17 + number * 7919}",
        parent_id=None if parent is None else parent.mention_id,
        root_id=None if parent is None else parent.root_id or parent.mention_id,
        visibility="private" if family == "mail" else "public",
        addressed=True if rng.random() < 0.4 else None,
        reach=Reach(value=followers, source="followers") if rng.random() < 0.7 else None,
        rating=float(rng.randint(1, 5)) if family == "review" else None,
        source=f"connector-{channel}",
    )


def _text(rng: Random, wording: Wording) -> str:
    language = _draw(rng, LANGUAGES)
    wanted = rng.randrange(20, 281)
    how = style(rng)
    text = wording.text(_draw(rng, TONES), language, how, long=False)
    while len(text) < wanted - 40:
        text = f"{text} {wording.text(_draw(rng, TONES), language, how, long=False)}"
    return text[:280]


def _draw(rng: Random, shares: dict[str, int]) -> str:
    return rng.choices(tuple(shares), tuple(shares.values()))[0]


def many_brands() -> Deployment:
    """The demo's rule book for 1,000 brands."""
    demo = load_deployment()
    languages = (("nl",), ("nl", "en"), ("de",), ("en",))
    brands = [Brand(slug=f"brand-{rank}", languages=languages[rank % len(languages)]) for rank in range(BRANDS)]
    return Deployment(demo.folder, Registry(brands, channels=CHANNELS, hash_="bench"), demo.rules)


def load(name: str, count: int) -> tuple[list[Stage], list[RawRecord], int]:
    """Stages, records and number of mentions of a load."""
    if name == "demo":
        records, mentions = raw_records()
        return build_stages(load_deployment(), DEMO_KEY, PARTITIONS), records, mentions
    return build_stages(many_brands(), DEMO_KEY, PARTITIONS), traffic(count), count


def first_inputs(records: Sequence[RawRecord]) -> dict[int, list[Incoming]]:
    """The raw records as the log holds them, by partition."""
    by_partition: dict[int, list[Incoming]] = {}
    for record in records:
        log = by_partition.setdefault(record.partition, [])
        log.append(Incoming(record.partition, len(log), int(record.at * 1000), record.key, record.value, []))
    return by_partition


def batches(logs: dict[int, list[Incoming]]) -> Iterator[tuple[int, list[Incoming]]]:
    """The batches of all partitions, side by side as a worker sees them."""
    longest = max(map(len, logs.values()), default=0)
    for start in range(0, longest, BATCH):
        for partition, log in sorted(logs.items()):
            if batch := log[start : start + BATCH]:
                yield partition, batch


def run_stage(stage: Stage, following: Stage | None, logs: dict[int, list[Incoming]]) -> tuple[Cost, dict[int, list[Incoming]]]:
    """One stage over its whole input; its cost, and what the next one reads."""
    opened = {partition: stage.open(partition, "bench") for partition in logs}
    for state in opened.values():
        state.restored(0)
    after: dict[int, list[Incoming]] = {partition: [] for partition in logs}
    spent, outgoing, outgoing_bytes, changes, change_bytes = 0.0, 0, 0, 0, 0
    for partition, batch in batches(logs):
        before = time.process_time()
        outcome = opened[partition].process(batch)
        spent += time.process_time() - before
        outgoing += len(outcome.outgoing)
        outgoing_bytes += sum(len(out.value or b"") + len(out.key or b"") for out in outcome.outgoing)
        changes += len(outcome.changes)
        change_bytes += sum(len(key) + len(value or b"") for key, value in outcome.changes.items())
        for out in outcome.outgoing:
            if following is not None and out.topic is following.source:
                log = after[partition if out.partition is None else out.partition]
                log.append(Incoming(partition, len(log), batch[-1].timestamp, out.key, out.value, out.headers))
    decoder: RecordDecoder[Any] = DECODERS[stage.name]()
    decoded = []
    before = time.process_time()
    for log in logs.values():
        for record in log:
            with suppress(RejectedRecordError):  # the demo has broken records
                decoded.append(decoder.decode(record.value))
    decoding = time.process_time() - before
    before = time.process_time()
    for value in decoded:
        encode(value)
    encoding = time.process_time() - before
    return Cost(stage.name, spent, decoding, encoding, outgoing, outgoing_bytes, changes, change_bytes), after


def show(costs: Sequence[Cost], mentions: int) -> None:
    """A table, per mention."""
    print("stage      process µs  (decode  encode)  records out   bytes out  changes  changelog bytes")
    for cost in costs:
        micro = 1e6 / mentions
        print(
            f"{cost.stage:10} {cost.process * micro:10.1f}  {cost.decode * micro:7.1f} {cost.encode * micro:7.1f}"
            f"  {cost.outgoing / mentions:11.2f} {cost.outgoing_bytes / mentions:11.0f}"
            f"  {cost.changes / mentions:7.2f}  {cost.change_bytes / mentions:15.0f}"
        )
    print(f"{'all':10} {sum(cost.process for cost in costs) * 1e6 / mentions:10.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loads", nargs="*", default=["demo", "traffic"], help="demo, traffic")
    parser.add_argument("--count", type=int, default=20_000, help="mentions of the traffic load")
    given = parser.parse_args()
    for name in given.loads:
        stages, records, mentions = load(name, given.count)
        logs = first_inputs(records)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)  # as the worker does
        costs = []
        for stage, following in zip(stages, [*stages[1:], None], strict=True):
            cost, logs = run_stage(stage, following, logs)
            costs.append(cost)
        print(f"{name}: {mentions} mentions, {len(records) - mentions} ticks, batches of {BATCH}")
        show(costs, mentions)
        print()


if __name__ == "__main__":
    main()
