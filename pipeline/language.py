"""The language stage: the door, and which language a mention is in. raw → language.

It keeps no state. It decides the partition: whatever one an outside producer chose, from here on a brand's records are together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipeline.brands import Registry
from pipeline.door import Admission, AuthorHasher, Door
from pipeline.events import cloud_headers, digest, event_id, event_type
from pipeline.identify import Language, LanguageIdentifier
from pipeline.partition import Partitioner
from pipeline.stage import APPENDED, ORIGIN, DeadLetter, Headers, Incoming, Origin, Outcome, Outgoing, Reading
from schemas.codec import RejectedRecordError, encode
from schemas.mention import Mention, Retraction, Tick
from schemas.topics import LANGUAGE, RAW

_OURS = frozenset({ORIGIN, APPENDED})
"""Headers that say where a record comes from: what a raw record claims there is not believed."""


class LanguageStage:
    """First of the four stages."""

    name = "language"
    source = RAW
    changelog = None

    def __init__(
        self,
        registry: Registry,
        hasher: AuthorHasher,
        identifier: LanguageIdentifier,
        partitioner: Partitioner,
        *,
        replaying: bool = False,
    ) -> None:
        self.door = Door(registry, hasher, replaying=replaying)
        self.identifier = identifier
        self.partitioner = partitioner

    def open(self, partition: int, epoch: str) -> "LanguagePartition":
        """A partition of the raw topic; ``epoch`` is the identity of that topic, and goes into every origin."""
        return LanguagePartition(self, partition, epoch)

    def process_together(self, parts: "Sequence[tuple[LanguagePartition, Sequence[Incoming]]]") -> list[Outcome]:
        """Decode all, name the languages of all mentions at once, then let them in, in order.

        The fewer the records of a partition, the more of what they cost is naming languages one batch at a time.
        """
        outcomes = [Outcome() for _ in parts]
        admitted = [partition.admit(records, outcome) for (partition, records), outcome in zip(parts, outcomes, strict=True)]
        mentions = [value for some in admitted for _, value in some if isinstance(value, Mention)]
        languages = iter(self._identify(mentions))
        for (partition, _), some, outcome in zip(parts, admitted, outcomes, strict=True):
            partition.let_in(some, languages, outcome)
        return outcomes

    def _identify(self, mentions: Sequence[Mention]) -> list[Language]:
        door = self.door
        hints = list(map(door.hint, mentions))
        return self.identifier.identify(
            list(map(_wording, mentions)),
            neutral=list(map(door.is_neutral, mentions)),
            hints=hints,
            expected=[
                expected if hint is None or hint in expected else (*expected, hint)  # what is claimed is not held back
                for expected, hint in zip(map(door.expected, mentions), hints, strict=True)
            ],
        )


class _Admitted(NamedTuple):
    record: Incoming
    value: Mention | Retraction | Tick


class LanguagePartition:
    """One raw partition, without any state."""

    def __init__(self, stage: LanguageStage, partition: int, epoch: str) -> None:
        self._stage = stage
        self._partition = partition
        self._epoch = epoch

    def restore(self, key: bytes, value: bytes) -> None:
        """There is nothing to restore."""

    def unreadable(self, key: bytes) -> None:
        """There is nothing to restore."""

    def restored(self, change: int) -> None:
        """There is nothing to restore."""

    def readings(self) -> Iterable[Reading]:
        """There is nothing to read."""
        return ()

    def process(self, records: Sequence[Incoming]) -> Outcome:
        """One partition's batch by itself."""
        (outcome,) = self._stage.process_together([(self, records)])
        return outcome

    def let_in(self, admitted: "Sequence[_Admitted]", languages: Iterator[Language], outcome: Outcome) -> None:
        """Send on what was admitted, in order; ``languages`` has those of its mentions next."""
        ticks = _HeldTicks(outcome.outgoing)
        for record, value in admitted:
            if isinstance(value, Tick):
                self._pass_tick(value, record, ticks)
                continue
            target = self._stage.partitioner(value.brand)
            ticks.release(target)
            if isinstance(value, Mention):
                outcome.outgoing.append(self._mention(value, record, next(languages), target, outcome.counts))
            else:
                outcome.outgoing.append(self._retraction(value, record, target))
        ticks.release_all()

    def admit(self, records: Sequence[Incoming], outcome: Outcome) -> list[_Admitted]:
        """What decodes; the rest becomes dead letters of ``outcome``."""
        admitted = []
        for record in records:
            try:
                admitted.append(_Admitted(record, self._stage.door.decode(record, outcome.counts)))
            except RejectedRecordError as error:
                outcome.dead.append(DeadLetter(record, error.reason, error.detail, self._origin(record)))
        return admitted

    def _mention(self, value: Mention, record: Incoming, language: Language, target: int, counts: Counter[tuple[str, ...]]) -> Outgoing:
        mention, admission = self._stage.door.mention(value, record, language, counts)
        identity = event_id(LANGUAGE, mention.brand, mention.mention_id, mention.edit, "mention")
        headers = cloud_headers(LANGUAGE, identity, mention.mention_id, mention.published_at, self._passed(record))
        return Outgoing(LANGUAGE, mention.brand.encode(), written(mention, admission), headers, target)

    def _retraction(self, value: Retraction, record: Incoming, target: int) -> Outgoing:
        retraction = self._stage.door.retraction(value, record)
        identity = event_id(LANGUAGE, retraction.brand, retraction.mention_id, 0, "retracted")
        headers = cloud_headers(LANGUAGE, identity, retraction.mention_id, retraction.detected_at, self._passed(record))
        return Outgoing(LANGUAGE, retraction.brand.encode(), encode(retraction), headers, target)

    def _pass_tick(self, value: Tick, record: Incoming, ticks: "_HeldTicks") -> None:
        """To every partition, since any may hold brands that were seen from this one; a brand's own tick only to that brand's."""
        tick = self._stage.door.tick(value, record)
        identity = digest(event_type(LANGUAGE), "tick", tick.brand or "", tick.at.isoformat())
        headers = cloud_headers(LANGUAGE, identity, tick.brand or "tick", tick.at, self._passed(record))
        out = Outgoing(LANGUAGE, None, encode(tick), headers)
        if tick.brand is not None:
            ticks.send(out, self._stage.partitioner(tick.brand))
            return
        ticks.send(out, self._partition)
        for target in range(self._stage.partitioner.partitions):
            if target != self._partition:
                ticks.hold(out, target)

    def _passed(self, record: Incoming) -> Headers:
        passed = [pair for pair in record.headers if pair[0] not in _OURS]
        return [*passed, (ORIGIN, self._origin(record)), (APPENDED, str(record.timestamp).encode())]

    def _origin(self, record: Incoming) -> bytes:
        return Origin(self._epoch, self._partition, record.offset).encode()


class _HeldTicks:
    """Ticks for other partitions: of those with no record to that partition in between, only the last of a batch is sent.

    Without this, n partitions would make n x n ticks of each moment of a replay.
    """

    def __init__(self, outgoing: list[Outgoing]) -> None:
        self._outgoing = outgoing
        self._held: dict[int, Outgoing] = {}

    def hold(self, tick: Outgoing, target: int) -> None:
        self._held[target] = tick

    def send(self, tick: Outgoing, target: int) -> None:
        self.release(target)
        self._outgoing.append(tick._replace(partition=target))

    def release(self, target: int) -> None:
        if (tick := self._held.pop(target, None)) is not None:
            self._outgoing.append(tick._replace(partition=target))

    def release_all(self) -> None:
        for target in list(self._held):
            self.release(target)


def written(mention: Mention, admission: Admission) -> bytes:
    """The JSON of a `LanguageMention`, for half of what it costs to build and write one."""
    return encode(mention)[:-1] + b"," + encode(admission)[1:]


def _wording(mention: Mention) -> str:
    """What its author wrote: the text, and the title, which is in the same language and may be all there is."""
    return f"{mention.text}\n{mention.title}" if mention.title else mention.text
