"""The four stages over one file, without Kafka: the same code, the same records."""

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from agents.refused import Refused
from agents.replay import RawRecord
from pipeline.stage import DeadLetter, Incoming, Outcome, Outgoing, Stage, StagePartition
from schemas.codec import encode
from schemas.topics import DEAD_LETTER

CHUNK = 2_000
EPOCH = "offline"


class OfflineChain:
    """Stages in a line, each with its partitions, as a broker would hold them. ``epoch`` names the first one's source in origins."""

    def __init__(self, stages: Sequence[Stage], epoch: str = EPOCH) -> None:
        self._stages = stages
        self._epoch = epoch
        self.partitions: list[dict[int, StagePartition]] = [{} for _ in stages]
        self._next_offset: Counter[tuple[str, int]] = Counter()

    def feed(self, records: Iterable[RawRecord]) -> Iterator[tuple[str, Outgoing | DeadLetter]]:
        """Run records through all stages; what every stage writes, with the stage's name.

        Records of one partition stay in order; partitions are worked through one after another.
        """
        arriving = [self._incoming(self._stages[0].source.name, r.partition, r.key, r.value, [], r.at) for r in records]
        for stage, _, outcome in self.work(arriving):
            for out in outcome.outgoing:
                yield stage.name, out
            for letter in outcome.dead:
                yield stage.name, letter

    def work(self, records: Sequence[Incoming]) -> Iterator[tuple[Stage, int, Outcome]]:
        """The same of records as a log holds them: stage, partition and outcome of each batch, in which also the state changes are.

        The generator must be run to its end: what a stage writes reaches the next one when its outcome has been taken.
        """
        arriving = records
        for number, stage in enumerate(self._stages):
            following: list[Incoming] = []
            by_partition: dict[int, list[Incoming]] = {}
            for record in arriving:
                by_partition.setdefault(record.partition, []).append(record)
            after = self._stages[number + 1].source if number + 1 < len(self._stages) else None
            for partition, batch in by_partition.items():
                outcome = self._partition(number, partition).process(batch)
                yield stage, partition, outcome
                at = batch[-1].timestamp / 1000
                for out in outcome.outgoing:
                    if out.topic is after:
                        target = partition if out.partition is None else out.partition
                        following.append(self._incoming(out.topic.name, target, out.key, out.value, out.headers, at))
            arriving = following

    def _partition(self, number: int, partition: int) -> StagePartition:
        opened = self.partitions[number].get(partition)
        if opened is None:
            opened = self._stages[number].open(partition, self._epoch)
            opened.restored(0)
            self.partitions[number][partition] = opened
        return opened

    def _incoming(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], at: float
    ) -> Incoming:
        offset = self._next_offset[topic, partition]
        self._next_offset[topic, partition] += 1
        return Incoming(partition, offset, int(at * 1000), key, value, headers)


def run_offline(records: Iterable[RawRecord], stages: Sequence[Stage], output: Path, refused: Refused | None = None) -> Counter[str]:
    """Write ``output/<topic>.jsonl``: bare records, every version of compacted ones. Returns how many records each file holds.

    ``refused`` hears of every dead letter.
    """
    refused = Refused() if refused is None else refused
    output.mkdir(parents=True, exist_ok=True)
    written: Counter[str] = Counter()
    chain = OfflineChain(stages)
    source = refused.noting(records)
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}

        def file_of(topic: str) -> BinaryIO:
            if topic not in files:
                files[topic] = stack.enter_context((output / f"{topic}.jsonl").open("wb"))
            return files[topic]

        while chunk := list(islice(source, CHUNK)):
            for stage, item in chain.feed(chunk):
                if isinstance(item, DeadLetter):
                    topic, value = DEAD_LETTER.name, encode(dead_letter_line(stage, item, refused.take(item)))
                elif item.value is not None:
                    topic, value = item.topic.name, item.value
                else:
                    continue  # a tombstone has no record
                file_of(topic).write(value + b"\n")
                written[topic] += 1
    return written


def dead_letter_line(stage: str, letter: DeadLetter, line: int | None) -> dict[str, Any]:
    """A dead letter as one JSON object: its bytes as text where they are text, else in base64; ``line`` of the file it comes from."""
    value = letter.record.value
    shown: dict[str, Any] = {"value": None}
    if value is not None:
        try:
            shown = {"value": value.decode()}
        except UnicodeDecodeError:
            shown = {"value_base64": base64.b64encode(value).decode()}
    key = letter.record.key
    return {
        "stage": stage,
        "line": line,
        "reason": letter.reason.value,
        "detail": letter.detail,
        "key": key.decode("utf-8", "replace") if key else None,
        **shown,
    }
