"""Targets: the decoders alone, and each stage with one record: whatever its bytes, key, headers and append time."""

import asyncio
import traceback
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any
from zlib import crc32

import msgspec
from cases import BrokenLawError, Case, Target
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import structs
from mutations import CANARY, OWN, keys, odd_headers, record_values, relatives, timestamps
from prometheus_client import CollectorRegistry

from agents.contracts import generated
from agents.deployment import build_stages, load_deployment
from agents.runtime.pending import Pace
from agents.runtime.shell import Shell
from agents.settings import DEMO_KEY
from agents.telemetry import Telemetry
from pipeline.stage import Incoming, Origin, Outcome, Stage, StagePartition, parse_origin
from schemas import codec
from schemas.codec import Reason, RecordDecoder, RejectedRecordError
from schemas.mention import Tick
from schemas.topics import (
    ALERT_STATE,
    ASSESSED,
    BY_NAME,
    COUNTS,
    DEAD_LETTER,
    FEEDBACK,
    ITEM,
    LANGUAGE,
    RAW,
    ROUTED,
    ROUTED_SHADOW,
    SENTIMENT,
    Topic,
)

PARTITIONS = 2
DECODERS: dict[str, RecordDecoder[Any]] = {
    RAW.name: codec.raw_decoder(),
    LANGUAGE.name: codec.language_decoder(),
    SENTIMENT.name: codec.sentiment_decoder(),
    ASSESSED.name: codec.assessed_decoder(),
}
LONGEST_DETAIL = 400
RELATIVES = 9
"""Values made beside each that is drawn."""


@cache
def schema_of(topic: str) -> Draft202012Validator:
    """The validator of a topic's values."""
    return Draft202012Validator(generated()[topic])


@cache
def stages(replaying: bool) -> list[Stage]:
    """The four stages of the demo deployment."""
    return build_stages(load_deployment(), DEMO_KEY, PARTITIONS, replaying=replaying)


# the decoders


def check_decoder(topic: str, value: bytes | None) -> str:
    """Refused with a reason that quotes nothing, or understood: the same by the tolerant reader, and the same again once written."""
    decoder = DECODERS[topic]
    try:
        record = decoder.decode(value)
    except RejectedRecordError as error:
        assert isinstance(error.reason, Reason)
        assert CANARY not in str(error)
        assert len(str(error)) <= LONGEST_DETAIL
        assert error.__cause__ is None
        assert error.__context__ is None or error.__suppress_context__, "the context may quote what was sent"
        return error.reason.value
    assert value is not None
    (kind,) = (kind for kind in BY_NAME[topic].records if isinstance(record, kind))
    assert structs.asdict(_as_a_reader_takes_it(value, kind)) == structs.asdict(record)
    written = codec.encode(record)
    unknown = decoder.unknown_fields
    assert structs.asdict(decoder.decode(written)) == structs.asdict(record)
    assert decoder.unknown_fields == unknown, "what we write has no unknown fields"
    assert codec.encode(decoder.decode(written)) == written
    if crc32(value) % 16 == 0:
        schema_of(topic).validate(msgspec.json.decode(written))
    return f"accepted {record.__struct_config__.tag}"


def _as_a_reader_takes_it(value: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """By a reader without our fast path; where a field is named twice, only its last value is looked at."""
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.ValidationError:
        return msgspec.json.decode(msgspec.json.encode(msgspec.json.decode(value)), type=kind)


def check_plain(topic: str, value: bytes | None) -> str:
    """Records that only others read back (and we, from a changelog): decode(encode(x)) == x, and nothing but decode errors."""
    (kind,) = BY_NAME[topic].records
    try:
        record = msgspec.json.decode(value or b"", type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return type(error).__name__
    written = codec.encode(record)
    assert msgspec.json.decode(written, type=kind) == record
    if crc32(value or b"") % 4 == 0:
        schema_of(topic).validate(msgspec.json.decode(written))
    return "accepted"


def decoder_target(topic: Topic) -> Target:
    """The decoder of a mention topic; every value is tried at all four, since a stage may be fed what another should get."""

    def check_one(value: bytes | None) -> str:
        for other in DECODERS:
            if other != topic.name:
                check_decoder(other, value)
        return check_decoder(topic.name, value)

    def check(case: Case) -> str | list[str]:
        if not isinstance(case, tuple):
            return check_one(case)
        drawn, number = case
        endings = []
        for value in (drawn, *relatives(topic.name, number, RELATIVES)):
            try:
                endings.append(check_one(value))
            except Exception as error:
                raise BrokenLawError(f"{type(error).__name__}: {error}", value) from error
        return endings

    return Target(f"decoder-{topic.name.split('.')[2]}", st.tuples(record_values(topic.name), st.integers(0, 2**32)), check, 10.0)


def plain_target(topic: Topic) -> Target:
    """A record of which only the struct is read."""
    return Target(
        f"record-{'-'.join(topic.name.split('.')[1:3])}", record_values(topic.name), lambda case: check_plain(topic.name, case), 2.0
    )


def check_truncated(case: Case) -> str:
    """A valid value cut at every byte: nothing but reasons."""
    topic, value = case
    for at in range(len(value)):
        check_decoder(topic, value[:at])
    return check_decoder(topic, value)


# origins


def check_origin(case: Case) -> str:
    """Three parts that the state can hold, or a ValueError that says nothing of them."""
    try:
        origin = parse_origin(case)
    except ValueError:
        return "refused"
    assert 0 <= origin.partition < 10**10
    assert 0 <= origin.offset < 10**19
    assert len(origin.epoch) <= 100
    assert parse_origin(origin.encode()) == Origin(*origin)
    return "accepted"


origins = st.one_of(
    st.builds(lambda e, p, o: f"{e}:{p}:{o}".encode(), st.text("aZ9-_", max_size=5), st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1)),
    st.builds(lambda e, p, o: f"{e}:{p}:{o}".encode(), st.text(max_size=3), st.integers(), st.integers()),
    st.text("0123456789: _+-e.٣", max_size=12).map(str.encode),
    st.binary(max_size=12),
)


# a stage and one record


class Published:
    """A writer that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[tuple[str, int, Any]] = []

    async def publish(self, groups: Mapping[tuple[str, int], Sequence[Any]]) -> dict[tuple[str, int], int]:
        """Outputs."""
        for (topic, partition), group in groups.items():
            self.records += [(topic, partition, record) for record in group]
        return dict.fromkeys(groups, len(self.records))

    async def publish_together(self, topic: str, partitions: Mapping[int, Iterator[Sequence[Any]]]) -> None:
        """State."""
        for partition, groups in partitions.items():
            self.records += [(topic, partition, record) for group in groups for record in group]


def finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run what waits for nothing; it may let others have a turn."""
    try:
        while coroutine.send(None) is None:
            pass
    except StopIteration:
        return
    raise AssertionError("it waits for something")


@cache
def telemetry() -> Telemetry:
    """One for all: its label sets are bounded, or `check_outcome` would say so."""
    return Telemetry(CollectorRegistry())


def work(stage: Stage, state: StagePartition, records: Sequence[Incoming], partition: int = 0) -> tuple[Outcome, Published]:
    """A batch through a stage as the runtime does it; the outcome, and what was written."""
    batch = _Batch(stage, state, records, partition)
    published = Published()
    finish(Shell(published, telemetry(), "fuzz").work(_Round(batch)))  # type: ignore[arg-type]
    assert batch.outcome is not None
    return batch.outcome, published


class _Reader:
    """A reader that owns its partition."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.alone = asyncio.Lock()
        self.state_turn = asyncio.Lock()
        self.pace = Pace()

    def told(self, one: "_Round") -> None:
        """Nobody waits."""


class _Batch:
    """A batch as the shell sees it, and the outcome that its state gave."""

    def __init__(self, stage: Stage, state: StagePartition, records: Sequence[Incoming], partition: int) -> None:
        self.reader = _Reader(stage)
        self.state = state
        self.records = records
        self.partition = partition
        self.outcome: Outcome | None = None

    def is_slow(self) -> bool:
        """It is not."""
        return False


class _Round:
    """A round of one batch, as the shell sees it."""

    def __init__(self, batch: _Batch) -> None:
        self.batches = [batch]

    def tell(self) -> None:
        """Nobody waits."""

    def steps(self, most: int) -> list[list[_Batch]]:  # noqa: ARG002
        """One."""
        return [self.batches]

    async def process(self, step: Sequence[_Batch]) -> dict[int, Outcome]:
        """At once."""
        (batch,) = step
        batch.outcome = batch.state.process(batch.records)
        return {batch.partition: batch.outcome}

    async def confirm(self) -> Sequence[_Batch]:
        """It is ours."""
        return self.batches


def check_outcome(outcome: Outcome, published: Published) -> None:
    """Bounded labels, sizes that their topics take, dead letters that quote nothing."""
    for labels in outcome.counts:
        assert CANARY not in "".join(labels)
    for letter in outcome.dead:
        assert isinstance(letter.reason, Reason)
        assert CANARY not in letter.detail
    for topic, _, record in published.records:
        size = (
            len(record.key or b"")
            + len(record.value or b"")
            + sum(len(name.encode()) + len(value or b"") + 10 for name, value in record.headers)
        )
        assert size + 200 <= BY_NAME[topic].max_message_bytes, f"too large for {topic}"
    letters = [record for topic, _, record in published.records if topic == DEAD_LETTER.name]
    assert len(letters) == len(outcome.dead)
    for letter, record in zip(outcome.dead, letters, strict=True):
        assert (record.key, record.value) == (letter.record.key, letter.record.value)
        original = [pair for pair in letter.record.headers if pair[0] != "webcare-origin" or letter.origin is None]
        assert list(record.headers[: len(original)]) == original
        for name, value in record.headers[len(original) :]:
            assert CANARY.encode() not in value, f"the header {name} quotes what was sent"


MAIN = {RAW.name: (LANGUAGE,), LANGUAGE.name: (SENTIMENT,), SENTIMENT.name: (ASSESSED,), ASSESSED.name: (ROUTED, ROUTED_SHADOW)}


def check_stage(number: int, replaying: bool, case: Case) -> str:
    """One record, whatever it is: no exception, exactly one outcome, and what goes on can be read by the next stage."""
    value, key, headers, timestamp = case
    stage = stages(replaying)[number]
    if key == OWN:
        try:
            named = msgspec.json.decode(value or b"")["brand"]
            key = named.encode()
        except (TypeError, KeyError, AttributeError, ValueError, RecursionError):
            key = None
    headers = [(name, content) for name, content in headers]
    record = Incoming(0, 7, timestamp, key, value, headers)
    if len(value or b"") + len(key or b"") + sum(len(n) + len(c or b"") for n, c in headers) + 500 > stage.source.max_message_bytes:
        return "too large for its topic"
    state = stage.open(0, "e")
    state.restored(0)
    try:
        outcome, published = work(stage, state, [record])
    except Exception as error:
        assert not isinstance(error, AssertionError), error
        places = traceback.extract_tb(error.__traceback__)[-1]
        raise AssertionError(f"{type(error).__name__} escaped at {places.filename.rsplit('/', 1)[-1]} {places.name}") from error
    check_outcome(outcome, published)
    for reading in state.readings():
        assert isfinite(reading.value), reading.name
    main = [out for out in outcome.outgoing if out.topic in MAIN[stage.source.name]]
    if outcome.dead:
        assert not main
        assert len(outcome.dead) == 1
        again = [letter.reason for letter in state.process([record]).dead]
        assert again == [outcome.dead[0].reason]
        return outcome.dead[0].reason.value
    is_tick = isinstance(DECODERS[stage.source.name].decode(value), Tick)
    assert is_tick or len(main) == 1
    for out in main:
        assert out.value is not None
        if out.topic.name in DECODERS:
            DECODERS[out.topic.name].decode(out.value)
    if stage.source is RAW or (stage.source is ASSESSED and crc32(value or b"") % 4 == 0):
        for out in outcome.outgoing:
            if out.value is not None:
                schema_of(out.topic.name).validate(msgspec.json.decode(out.value))
    return "tick" if is_tick else "accepted"


GOOD_ORIGIN = ("webcare-origin", b"e:0:7")


def stage_target(number: int, topic: Topic, replaying: bool) -> Target:
    """A stage: what comes from outside at the door; behind it poison, with a readable origin in three of four."""
    headers = (
        odd_headers
        if number == 0
        else st.one_of(odd_headers, st.just([]), odd_headers.map(lambda odd: [GOOD_ORIGIN, *odd]), st.just([GOOD_ORIGIN]))
    )
    cases = st.tuples(record_values(topic.name, at_most=2), keys, headers, timestamps)
    name = f"stage-{('language', 'sentiment', 'crisis', 'routing')[number]}{'' if replaying or number else '-live'}"
    return Target(name, cases, lambda case: check_stage(number, replaying, case), 1.5 if number == 0 else 1.0)


def truncations() -> "st.SearchStrategy[Case]":
    """A topic and a short value of it."""
    return st.sampled_from(sorted(DECODERS)).flatmap(
        lambda topic: st.tuples(
            st.just(topic), record_values(topic, at_most=1).filter(lambda value: value is not None and len(value) < 2_500)
        )
    )


TARGETS = (
    *map(decoder_target, (RAW, LANGUAGE, SENTIMENT, ASSESSED)),
    *map(plain_target, (FEEDBACK, ROUTED, ITEM, ALERT_STATE, COUNTS)),
    Target("decoder-truncated", truncations(), check_truncated, 0.05),
    Target("origin", origins, check_origin, 2.0),
    stage_target(0, RAW, True),
    stage_target(0, RAW, False),
    stage_target(1, LANGUAGE, True),
    stage_target(2, SENTIMENT, True),
    stage_target(3, ASSESSED, True),
)
