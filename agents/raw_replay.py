"""Runs the stages over what a broker's raw topic holds: `webcare ledger` counts again with it, and a state can be made anew from it.

The stages get the records as a worker got them: real offsets, append times, headers and topic epoch. Only the order between raw
partitions is another one: a worker reads them side by side, in an order that no log keeps; here they are merged by append time. For a
brand whose records came from one raw partition that changes nothing: its records keep their order, and it hears the ticks of its own
raw partitions only. A brand that was seen from several may come out as another, as valid, run would have left it.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from aiokafka import TopicPartition

from agents.deployment import Deployment, build_stages
from agents.offline import CHUNK, OfflineChain
from agents.settings import DEMO_KEY, Settings
from agents.topic_reader import Record, TopicReader, opened, places_of
from agents.topics import topic_epoch
from pipeline.stage import Incoming, Outcome, Stage, StagePartition
from schemas.topics import RAW

Heard = Callable[[Stage, int, Outcome], None]
"""Told of each batch: stage, partition, and what came of it (records, dead letters, state changes)."""


@dataclass
class RawReplay:
    """What a replay has come to. ``epoch``, ``starts`` and ``ends``: of the topic read; per partition the first offset there was, and the
    first not read.
    """

    epoch: str
    starts: dict[int, int]
    ends: dict[int, int]
    stages: Sequence[Stage]
    chain: OfflineChain
    records: int = 0

    @property
    def reaches_back(self) -> bool:
        """Whether nothing had gone from the raw topic by retention: only then the stages' state is that of the whole story."""
        return not any(self.starts.values())

    def partitions(self, stage: str) -> Mapping[int, StagePartition]:
        """A stage's partitions with all their state, by number."""
        return next(held for known, held in zip(self.stages, self.chain.partitions, strict=True) if known.name == stage)


def stages_for(settings: Settings, deployment: Deployment, partitions: int, names: Sequence[str] = ()) -> list[Stage]:
    """The stages as a worker of these settings runs them. Without an author key they take the announced one: other pseudonyms."""
    return build_stages(deployment, settings.author_key or DEMO_KEY, partitions, names, replaying=settings.ticks == "log")


def replay_raw(
    bootstrap: str, stages: Sequence[Stage], heard: Heard | None = None, *, ends: Mapping[int, int] | None = None, chunk: int = CHUNK
) -> RawReplay:
    """Run new stages over the whole raw topic and give back their partitions.

    Args:
        stages: the first ones of the line, from the door on (`stages_for`); the state is that of their partitions when this returns.
        heard: told of every batch as soon as a stage has worked through it. ``outcome.changes`` and ``outcome.change`` are what a worker
            would have written to the stage's changelog after that batch.
        ends: where to stop, per raw partition; else at the topic's present end.
        chunk: records run through all stages at a time. With it memory is bounded, but for what the stages themselves remember.

    Raises:
        TopicMissingError: there is no raw topic.
        KafkaAwayError: no broker answers.
    """
    assert stages[0].source is RAW
    return replay_source(bootstrap, stages, heard, ends=ends, chunk=chunk)


def replay_source(
    bootstrap: str, stages: Sequence[Stage], heard: Heard | None = None, *, ends: Mapping[int, int] | None = None, chunk: int = CHUNK
) -> RawReplay:
    """The same from any stage on: over the topic that the first of ``stages`` reads, with all the repeats that are in it.

    Raises:
        TopicMissingError: there is no such topic.
        KafkaAwayError: no broker answers.
    """
    source = stages[0].source.name
    epoch = topic_epoch(bootstrap, source)
    places = places_of(bootstrap, source)
    with opened(bootstrap) as reader:
        starts = reader.starts(places)
        limits = reader.ends(places) if ends is None else {place: ends.get(place.partition, 0) for place in places}
        replay = RawReplay(
            epoch,
            {place.partition: starts[place] for place in places},
            {place.partition: limits[place] for place in places},
            stages,
            OfflineChain(stages, epoch),
        )
        records = merged(reader, limits)
        while batch := [Incoming(*record[1:]) for record in islice(records, chunk)]:
            replay.records += len(batch)
            for stage, partition, outcome in replay.chain.work(batch):
                if heard is not None:
                    heard(stage, partition, outcome)
    return replay


def merged(reader: TopicReader, ends: Mapping[TopicPartition, int]) -> Iterator[Record]:
    """Everything before these ends, partitions merged by append time; of each partition only what one fetch gave is held."""
    places = list(ends)
    reader.start(places)
    waiting: dict[TopicPartition, deque[Record]] = {place: deque() for place in places}
    unread = {place for place in places if reader.position(place) < ends[place]}
    heads: list[tuple[int, int, str]] = []  # append time, partition, topic
    dry = set(unread)
    while True:
        while dry:
            for record in reader.poll(sorted(dry)):
                place = TopicPartition(record.topic, record.partition)
                if record.offset < ends[place]:
                    waiting[place].append(record)
            unread = {place for place in unread if reader.position(place) < ends[place]}
            for place in list(dry):
                if held := waiting[place]:
                    heapq.heappush(heads, (held[0].timestamp, place.partition, place.topic))
                elif place in unread:
                    continue
                dry.discard(place)
        if not heads:
            return
        _, partition, topic = heapq.heappop(heads)
        place = TopicPartition(topic, partition)
        held = waiting[place]
        yield held.popleft()
        if held:
            heapq.heappush(heads, (held[0].timestamp, partition, topic))
        elif place in unread:
            dry.add(place)
