"""The language stage: one record out or one dead letter for every record in, in order, to the partition of its brand."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.models import load_identifier
from pipeline.brands import Brand, Registry, SourceSettings
from pipeline.door import AuthorHasher
from pipeline.events import digest, event_id
from pipeline.identify import LanguageIdentifier
from pipeline.language import LanguagePartition, LanguageStage
from pipeline.partition import Partitioner
from pipeline.stage import APPENDED, ORIGIN, Incoming, Outcome, Outgoing, WorksTogether, header, parse_origin
from schemas.codec import language_decoder
from schemas.mention import LanguageMention, SteppedRetraction, Tick
from schemas.topics import LANGUAGE, RAW

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MILLISECONDS = int(NOW.timestamp() * 1000)
PARTITIONS = 4
PARTITION_OF = Partitioner(PARTITIONS)
HERE = 0
BRANDS = ("acme", "brand-b", "brand-c", "brand-d", "brand-e", "brand-f")
NEAR = next(brand for brand in BRANDS if PARTITION_OF(brand) == HERE)
FAR = next(brand for brand in BRANDS if PARTITION_OF(brand) != HERE)


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    return load_identifier()


@pytest.fixture(scope="module")
def opened(identifier: LanguageIdentifier) -> LanguagePartition:
    registry = Registry(
        [Brand(slug=NEAR), Brand(slug=FAR, mode="observe")],
        [SourceSettings(name="dutch", language_hint="nl"), SourceSettings(name="world", neutral_language_priors=True)],
    )
    return LanguageStage(registry, AuthorHasher(b"a key for tests"), identifier, Partitioner(PARTITIONS)).open(HERE, "epoch-1")


def mention(number: int = 1, brand: str = NEAR, text: str = "De app doet het weer niet", **fields: Any) -> bytes:
    body = {"mention_id": f"x:{number}", "brand": brand, "channel": "x", "channel_family": "social", "text": text}
    return msgspec.json.encode(body | {"published_at": "2026-03-01T11:59:00Z", "author": {"id": "1"}} | fields)


def retraction(number: int = 1, brand: str = NEAR) -> bytes:
    return msgspec.json.encode({"type": "retraction", "mention_id": f"x:{number}", "brand": brand})


def tick(second: int = 0, **fields: Any) -> bytes:
    return msgspec.json.encode({"type": "tick", "at": f"2026-03-01T11:00:{second:02}Z"} | fields)


def log(values: Iterable[bytes | None], headers: Sequence[tuple[str, bytes]] = (), start: int = 0) -> list[Incoming]:
    return [Incoming(HERE, start + offset, MILLISECONDS, None, value, headers) for offset, value in enumerate(values)]


def decoded(out: Outgoing) -> LanguageMention | SteppedRetraction | Tick:
    return language_decoder().decode(out.value)


def story(outcome: Outcome) -> list[str]:
    """Each record as `what>partition`."""
    told = []
    for out in outcome.outgoing:
        value = decoded(out)
        name = f"tick{value.at.second}" if isinstance(value, Tick) else value.mention_id.removeprefix("x:")
        told.append(f"{name}>{out.partition}")
    return told


def test_the_stage_says_what_it_reads_and_keeps_no_state(opened: LanguagePartition) -> None:
    assert (LanguageStage.name, LanguageStage.source, LanguageStage.changelog) == ("language", RAW, None)
    outcome = opened.process(log([mention(), tick()]))
    assert not outcome.changes
    assert list(opened.readings()) == []
    assert opened.process(log([mention(), tick()])) == outcome
    assert opened.process([]) == Outcome()


# records


def test_a_mention_gets_its_language_mode_and_headers(opened: LanguagePartition) -> None:
    passed = [("traceparent", b"00-ab"), ("crm-case", b"7"), ("webcare-redriven", b"1"), ("ce_id", b"theirs"), ("ce_type", b"theirs")]
    lies = [(ORIGIN, b"another:9:9"), (APPENDED, b"0")]
    outcome = opened.process(log([mention(5, FAR)], [*passed, *lies], start=41))
    (out,) = outcome.outgoing
    value = decoded(out)
    assert isinstance(value, LanguageMention)
    assert (value.language, value.language_guess, value.language_ground) == ("nl", "nl", "text")
    assert value.language_confidence is not None
    assert (value.mode, value.received_at, value.detected_at) == ("observe", NOW, value.published_at)
    assert (out.topic, out.key, out.partition) == (LANGUAGE, FAR.encode(), PARTITION_OF(FAR))
    assert out.headers == [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id(LANGUAGE, FAR, "x:5", 0, "mention").encode()),
        ("ce_source", b"/webcare-stream"),
        ("ce_type", b"nl.webcare.mention.language.v1"),
        ("ce_time", b"2026-03-01T11:59:00Z"),
        ("ce_subject", b"x:5"),
        ("ce_dataschema", b"urn:webcare:schema:webcare.mention.language.v1"),
        ("content-type", b"application/json"),
        ("traceparent", b"00-ab"),
        ("crm-case", b"7"),
        ("webcare-redriven", b"1"),
        (ORIGIN, b"epoch-1:0:41"),
        (APPENDED, str(MILLISECONDS).encode()),
    ]
    assert outcome.counts == {("language", "nl"): 1}


def test_every_field_of_the_mention_travels(opened: LanguagePartition) -> None:
    fields = {
        "kind": "reply", "title": "Storing", "url": "https://x.example/1", "thread_id": "t", "parent_id": "p", "root_id": "r",
        "visibility": "private", "addressed": True, "reach": {"value": 7, "source": "reported"}, "rating": 2.0, "language_hint": "nl",
        "edit": 3, "source": "dutch",
    }  # fmt: skip
    (out,) = opened.process(log([mention(**fields)])).outgoing
    assert out.value is not None
    assert msgspec.json.decode(out.value).items() >= fields.items()
    assert header(out.headers, "ce_id") == event_id(LANGUAGE, NEAR, "x:1", 3, "mention").encode()


def test_a_retraction_passes_with_mode_and_time(opened: LanguagePartition) -> None:
    (out,) = opened.process(log([retraction(5, FAR)])).outgoing
    value = decoded(out)
    assert isinstance(value, SteppedRetraction)
    assert (value.mention_id, value.brand, value.mode, value.detected_at) == ("x:5", FAR, "observe", NOW)
    assert (out.key, out.partition) == (FAR.encode(), PARTITION_OF(FAR))
    assert header(out.headers, "ce_id") == event_id(LANGUAGE, FAR, "x:5", 0, "retracted").encode()
    assert header(out.headers, ORIGIN) == b"epoch-1:0:0"


def test_what_is_at_fault_goes_to_the_dead_letters_with_its_origin_and_the_others_go_on(opened: LanguagePartition) -> None:
    records = log([mention(1), b"{", mention(2), None, mention(3, brand="B!")], [(ORIGIN, b"another:9:9")])
    outcome = opened.process(records)
    assert story(outcome) == ["1>0", "2>0"]
    assert [(letter.record.offset, letter.reason.value, letter.origin) for letter in outcome.dead] == [
        (1, "not_json", b"epoch-1:0:1"),
        (3, "empty_value", b"epoch-1:0:3"),
        (4, "invalid_record", b"epoch-1:0:4"),
    ]
    assert outcome.dead[0].record is records[1]


def test_languages_are_counted_and_hints_and_neutral_sources_heard(opened: LanguagePartition) -> None:
    outcome = opened.process(
        log(
            [
                mention(1, text="Zutphen", source="dutch"),
                mention(2, text="Zutphen", language_hint="de"),
                mention(3, text="Zutphen"),
                mention(4, text="Mooi boek"),
                mention(5, text="Mooi boek", source="world"),
                mention(6, text="😂"),
                mention(7, text="😂", title="Waarom doet de app het niet?"),
            ]
        )
    )
    values = [value for out in outcome.outgoing if isinstance(value := decoded(out), LanguageMention)]
    assert [(value.language, value.language_ground) for value in values] == [
        ("nl", "hint"), ("de", "hint"), (None, None), ("nl", "text"), ("af", "text"), (None, None), ("nl", "text"),
    ]  # fmt: skip
    assert outcome.counts == {("language", "nl"): 3, ("language", "de"): 1, ("language", "af"): 1, ("language", "none"): 2}


def test_the_languages_of_its_brand_are_expected_of_a_mention(identifier: LanguageIdentifier) -> None:
    registry = Registry(
        [Brand(slug="hollands"), Brand(slug="kaaps", languages=("nl", "af"))], [SourceSettings(name="world", neutral_language_priors=True)]
    )
    opened = LanguageStage(registry, AuthorHasher(b"a key for tests"), identifier, Partitioner(PARTITIONS)).open(HERE, "epoch-1")
    text = "Hoe kan dit nou weer misgaan!"
    outcome = opened.process(
        log(
            [
                mention(1, "hollands", text),
                mention(2, "kaaps", text),
                mention(3, "hollands", text, source="world"),
                mention(4, "hollands", text, language_hint="af"),
                mention(5, "not-registered", text),
                mention(6, "hollands", "Die diens was baie swak en niemand wil my help nie"),
            ]
        )
    )
    values = [value for out in outcome.outgoing if isinstance(value := decoded(out), LanguageMention)]
    assert [value.language for value in values] == ["nl", "af", "af", "af", "nl", "af"]


# ticks


@pytest.mark.parametrize(
    ("values", "told"),
    [
        pytest.param([tick(1)], ["tick1>0", "tick1>1", "tick1>2", "tick1>3"], id="a tick goes everywhere"),
        pytest.param(
            [tick(1), tick(2), tick(3)],
            ["tick1>0", "tick2>0", "tick3>0", "tick3>1", "tick3>2", "tick3>3"],
            id="of a run of ticks, other partitions get the last",
        ),
        pytest.param(
            [tick(1), mention(1, NEAR), tick(2)],
            ["tick1>0", "1>0", "tick2>0", "tick2>1", "tick2>2", "tick2>3"],
            id="a record for this partition does not end it for others",
        ),
        pytest.param(
            [tick(1), tick(2), mention(1, FAR), tick(3)],
            ["tick1>0", "tick2>0", "tick2>@", "1>@", "tick3>0", *(f"tick3>{n}" for n in range(1, PARTITIONS))],
            id="a record for another partition comes after the ticks before it",
        ),
        pytest.param([tick(1), b"{", tick(2)], ["tick1>0", "tick2>0", "tick2>1", "tick2>2", "tick2>3"], id="a dead letter ends nothing"),
        pytest.param([tick(1, brand=NEAR)], ["tick1>0"], id="a brand's tick stays where the brand is"),
        pytest.param([tick(1, brand=FAR), tick(2, brand=FAR)], ["tick1>@", "tick2>@"], id="every tick of a brand arrives"),
        pytest.param(
            [tick(1), tick(2, brand=FAR, replay="end"), tick(3)],
            ["tick1>0", "tick1>@", "tick2>@", "tick3>0", *(f"tick3>{n}" for n in range(1, PARTITIONS))],
            id="and in its place among the others",
        ),
    ],
)
def test_ticks_are_forwarded(opened: LanguagePartition, values: list[bytes], told: list[str]) -> None:
    expected = [entry.replace("@", str(PARTITION_OF(FAR))) for entry in told]
    outcome = opened.process(log(values))
    by_partition: dict[str, list[str]] = defaultdict(list)
    for entry in expected:
        by_partition[entry.split(">")[1]].append(entry)
    assert sorted(story(outcome)) == sorted(expected)
    for partition, entries in by_partition.items():
        assert [entry for entry in story(outcome) if entry.endswith(f">{partition}")] == entries


def test_a_tick_keeps_its_body_and_says_which_raw_partition_it_comes_from(opened: LanguagePartition) -> None:
    outcome = opened.process(log([tick(1, brand=NEAR, replay="end")], start=9))
    (out,) = outcome.outgoing
    value = decoded(out)
    assert isinstance(value, Tick)
    assert (value.at, value.brand, value.replay) == (datetime(2026, 3, 1, 11, 0, 1, tzinfo=UTC), NEAR, "end")
    assert out.key is None
    assert parse_origin(header(out.headers, ORIGIN) or b"") == ("epoch-1", HERE, 9)
    assert header(out.headers, "ce_id") == digest("nl.webcare.mention.language.v1", "tick", NEAR, value.at.isoformat()).encode()
    assert not outcome.counts


# laws


texts = st.sampled_from(["Bedankt!", "Waar blijft mijn pakketje toch", "My parcel is late again", "😂", "", "x" * 40]) | st.text(
    max_size=40
)
good = st.builds(mention, st.integers(1, 5), st.sampled_from(BRANDS), texts) | st.builds(
    retraction, st.integers(1, 5), st.sampled_from(BRANDS)
)
ticks = st.builds(tick, st.integers(0, 59)) | st.builds(
    lambda at, brand: tick(at, brand=brand), st.integers(0, 59), st.sampled_from(BRANDS)
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
names = st.sampled_from(["type", "at", "brand", "text", "author", "x"])
json_like = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=12).map(
    lambda value: json.dumps(value).encode()
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good record with something wrong in it, maybe."""
    value = draw(good)
    at = draw(st.integers(0, len(value)))
    return value[:at] + draw(st.binary(max_size=4)) + value[at + draw(st.integers(0, 3)) :]


anything = st.none() | st.binary(max_size=60) | json_like | spoiled() | good
keys = st.none() | st.sampled_from([brand.encode() for brand in BRANDS]) | st.binary(max_size=5)
headers = st.lists(st.tuples(st.sampled_from([ORIGIN, APPENDED, "traceparent", "ce_id", "x"]), st.binary(max_size=8)), max_size=3)


def is_tick(value: bytes | None) -> bool:
    try:
        return bool(value) and msgspec.json.decode(value or b"").get("type") == "tick"
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        return False


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(keys, anything, headers, st.integers(-1, 2**62)), max_size=12))
def test_any_bytes_give_one_record_or_one_dead_letter(opened: LanguagePartition, given_: list[tuple[Any, ...]]) -> None:
    records = [Incoming(HERE, offset, at, key, value, had) for offset, (key, value, had, at) in enumerate(given_)]
    outcome = opened.process(records)
    out = [parse_origin(header(sent.headers, ORIGIN) or b"").offset for sent in outcome.outgoing if not isinstance(decoded(sent), Tick)]
    dead = [parse_origin(letter.origin or b"").offset for letter in outcome.dead]
    assert sorted(out + dead) == [record.offset for record in records if not is_tick(record.value) or record.offset in dead]
    for sent in outcome.outgoing:
        assert [name for name, _ in sent.headers if name in (ORIGIN, APPENDED)] == [ORIGIN, APPENDED]
        assert sent.partition is not None
        assert 0 <= sent.partition < PARTITIONS


@settings(max_examples=80, deadline=None)
@given(st.lists(good | ticks, max_size=30), st.data())
def test_order_is_kept_per_partition_and_batches_do_not_matter(opened: LanguagePartition, values: list[bytes], data: st.DataObject) -> None:
    records = log(values)
    whole = opened.process(records).outgoing
    cut = data.draw(st.integers(0, len(records)))
    halves = [*opened.process(records[:cut]).outgoing, *opened.process(records[cut:]).outgoing]

    def mentions(outgoing: list[Outgoing]) -> list[Outgoing]:
        return [out for out in outgoing if out.key is not None]

    assert mentions(whole) == mentions(halves)
    for partition in range(PARTITIONS):
        offsets = [parse_origin(header(out.headers, ORIGIN) or b"").offset for out in whole if out.partition == partition]
        assert offsets == sorted(set(offsets))
    assert {PARTITION_OF(out.key.decode()) == out.partition for out in whole if out.key is not None} <= {True}


@settings(max_examples=80, deadline=None)
@given(st.lists(good | ticks, max_size=30))
def test_between_two_records_every_partition_knows_the_last_tick_before_the_second(opened: LanguagePartition, values: list[bytes]) -> None:
    """Coalescing loses no knowledge: what a partition has heard when a record comes is what the log held before that record."""
    general = [offset for offset, value in enumerate(values) if is_tick(value) and b'"brand"' not in value]
    heard: dict[int | None, int] = {}
    for out in opened.process(log(values)).outgoing:
        offset = parse_origin(header(out.headers, ORIGIN) or b"").offset
        if offset in general:
            heard[out.partition] = offset
        else:
            assert heard.get(out.partition) == max((at for at in general if at < offset), default=None)
    assert all(heard.get(partition) == max(general, default=None) for partition in range(PARTITIONS))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(good | ticks | st.just(b"{"), max_size=14), min_size=1, max_size=4))
def test_partitions_together_give_what_each_gives_alone(opened: LanguagePartition, parts: list[list[bytes]]) -> None:
    stage = opened._stage
    states = [stage.open(partition, "epoch-1") for partition in range(len(parts))]
    records = [log(values, start=10 * number) for number, values in enumerate(parts)]
    assert stage.process_together(list(zip(states, records, strict=True))) == [
        state.process(some) for state, some in zip(states, records, strict=True)
    ]
    assert isinstance(stage, WorksTogether)
