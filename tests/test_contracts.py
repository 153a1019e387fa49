"""The contract files: generated as the code says, only ever growing, with examples that validate and decode."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct

from agents import contracts
from pipeline.events import cloud_headers
from pipeline.journal import CHANGE
from pipeline.stage import APPENDED, ORIGIN
from schemas import codec, json_schema
from schemas.compatibility import compare
from schemas.headers import BY_NAME as HEADERS
from schemas.topics import ALERT_EVENT, ASSESSED, BY_NAME, LANGUAGE, RAW, ROUTED, SENTIMENT, TOPICS, Topic

EXAMPLES = sorted((contracts.ROOT / "examples").glob("*/*.json"))
DESCRIBED = [topic for topic in TOPICS if topic.records]
SCHEMAS = contracts.generated()
FROZEN = contracts.stored(contracts.ROOT / "frozen")


def decode(topic: Topic, value: bytes) -> Any:
    """As a reader of the topic does."""
    decoders = {
        RAW: codec.raw_decoder,
        LANGUAGE: codec.language_decoder,
        SENTIMENT: codec.sentiment_decoder,
        ASSESSED: codec.assessed_decoder,
    }
    if topic in decoders:
        return decoders[topic]().decode(value)
    (record,) = topic.records
    return msgspec.json.decode(value, type=record)


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


# the files


def test_contract_files_are_what_the_records_say_and_break_nothing_released():
    assert contracts.check() == []


@pytest.mark.parametrize("topic", DESCRIBED, ids=lambda topic: topic.name)
def test_a_schema_is_valid_names_itself_and_is_closed(topic: Topic):
    schema = SCHEMAS[topic.name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:webcare:schema:{topic.name}"
    assert schema["title"] == topic.name
    assert schema["description"]
    assert all(definition["additionalProperties"] is False for definition in schema["$defs"].values())


def test_topics_that_are_not_ours_to_describe_have_no_schema():
    with pytest.raises(ValueError, match="no records are described"):
        json_schema.topic_schema(BY_NAME["webcare.dead-letter.v1"])


def test_what_we_write_always_says_its_type_and_what_comes_in_need_not():
    assert "type" not in SCHEMAS[RAW.name]["$defs"]["Mention"]["required"]
    assert "type" in SCHEMAS[LANGUAGE.name]["$defs"]["LanguageMention"]["required"]


# the examples


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_an_example_is_valid_and_decodes(path: Path):
    topic = BY_NAME[path.parent.name]
    value = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMAS[topic.name]).validate(value)
    Draft202012Validator(FROZEN[topic.name]).validate(value)
    record = decode(topic, path.read_bytes())
    written = json.loads(codec.encode(record))  # what we would write of it is valid as well, and says all that the example says
    Draft202012Validator(SCHEMAS[topic.name]).validate(written)
    assert_says(written, value)


def assert_says(written: Any, example: Any) -> None:
    match example:
        case dict():
            for name, part in example.items():
                assert_says(written[name], part)
        case list():
            assert len(written) == len(example)
            for one, part in zip(written, example, strict=True):
                assert_says(one, part)
        case str() if example[:4].isdigit() and "T" in example:
            assert datetime.fromisoformat(written) == datetime.fromisoformat(example)
        case _:
            assert written == example


@pytest.mark.parametrize("topic", DESCRIBED, ids=lambda topic: topic.name)
def test_every_topic_has_examples_and_an_old_one(topic: Topic):
    names = {path.stem for path in EXAMPLES if path.parent.name == topic.name}
    assert len(names) >= 2
    assert any(name.startswith("old-") for name in names)


def test_every_record_type_has_an_example():
    shown = {(path.parent.name, type(decode(BY_NAME[path.parent.name], path.read_bytes())).__name__) for path in EXAMPLES}
    assert {(topic.name, record.__name__) for topic in DESCRIBED for record in topic.records} <= shown


def test_a_reader_takes_fields_it_does_not_know_though_the_schema_is_closed():
    value = {"type": "tick", "at": "2026-09-01T00:00:00Z", "weather": "rain"}
    assert not Draft202012Validator(SCHEMAS[RAW.name]).is_valid(value)
    decoder = codec.raw_decoder()
    decoder.decode(json.dumps(value).encode())
    assert decoder.unknown_fields == 1


@pytest.mark.parametrize("topic", DESCRIBED, ids=lambda topic: topic.name)
def test_the_gate_sees_every_field_of_a_real_schema(topic: Topic):
    frozen = SCHEMAS[topic.name]
    for name, definition in frozen["$defs"].items():
        for field in definition["properties"]:
            current = copy.deepcopy(frozen)
            del current["$defs"][name]["properties"][field]
            assert compare(topic.name, frozen, current) != [], f"{name}.{field}"


# the command


def test_check_names_what_differs_and_what_to_do(tmp_path: Path):
    contracts.write(tmp_path)
    assert contracts.freeze(tmp_path) == []
    assert contracts.check(tmp_path) == []

    stale = tmp_path / "json" / f"{RAW.name}.schema.json"
    stale.write_text("{}", encoding="utf-8")
    (tmp_path / "json" / "webcare.fax.v1.schema.json").write_text("{}", encoding="utf-8")
    missing, surplus = contracts.check(tmp_path)
    assert RAW.name in missing
    assert "contracts write" in missing
    assert "webcare.fax.v1" in surplus
    contracts.write(tmp_path)
    assert contracts.check(tmp_path) == []


def test_freeze_refuses_what_would_break_a_released_schema(tmp_path: Path):
    contracts.write(tmp_path)
    contracts.freeze(tmp_path)
    path = tmp_path / "frozen" / f"{ALERT_EVENT.name}.schema.json"
    released = json.loads(path.read_text(encoding="utf-8"))
    released["$defs"]["Alert"]["properties"]["horoscope"] = {"type": "string"}
    path.write_text(json.dumps(released), encoding="utf-8")
    (finding,) = contracts.freeze(tmp_path)
    assert "$.horoscope" in finding
    assert json.loads(path.read_text(encoding="utf-8")) == released
    assert finding in contracts.check(tmp_path)


def test_a_topic_that_was_never_frozen_is_named(tmp_path: Path):
    contracts.write(tmp_path)
    assert len(contracts.check(tmp_path)) == len(DESCRIBED)


def test_the_command_ends_well_when_all_is_well(capsys: pytest.CaptureFixture[str]):
    assert contracts.main(["check"]) == 0
    assert capsys.readouterr().err == ""


# processing marks


def test_fields_marked_as_depending_on_processing_are_found_wherever_they_lie():
    class Part(Struct):
        took: Annotated[float | None, Meta(extra_json_schema={"processing": True})] = None
        whole: "Part | None" = None

    class Whole(Struct):
        parts: tuple[Part, ...]
        by_name: dict[str, Part]
        node: Annotated[str, Meta(extra_json_schema={"processing": True})] = ""
        plain: Literal["a"] = "a"

    Part.__annotations__["whole"] = Part | None
    topic = Topic("t.v1", "key", (Whole,), "delete", None, "nobody")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "Part", Part)
        assert json_schema.processing_fields(topic) == ("$.parts[].took", "$.by_name.*.took", "$.node")


def test_no_released_record_depends_on_processing():
    assert [path for topic in DESCRIBED for path in json_schema.processing_fields(topic)] == []


# headers


def test_the_header_table_names_all_that_is_written():
    written = cloud_headers(ROUTED, "id", "subject", datetime(2026, 9, 1, tzinfo=UTC), [("traceparent", b"00-1-2-01")])
    assert {name for name, _ in written} <= HEADERS.keys()
    assert {ORIGIN, APPENDED, CHANGE, "webcare-redriven"} <= HEADERS.keys()
    always = {header.name for header in HEADERS.values() if header.where == "all" and header.always}
    assert always == {name for name, _ in written} - {"traceparent"}


def test_ce_dataschema_is_the_id_of_the_schema():
    headers = dict(cloud_headers(ROUTED, "id", "subject", datetime(2026, 9, 1, tzinfo=UTC)))
    assert headers["ce_dataschema"].decode() == SCHEMAS[ROUTED.name]["$id"]
