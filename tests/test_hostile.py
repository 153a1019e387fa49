"""Records that once hung or ended a worker, or broke a law: through all four stages, without Kafka."""

import json
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from agents.deployment import build_stages, load_deployment
from agents.offline import OfflineChain
from agents.replay import RawRecord
from agents.runtime.shell import Shell, dead_letter_headers
from agents.settings import DEMO_KEY
from agents.telemetry import Telemetry
from pipeline.stage import DeadLetter, Incoming, Outcome, Outgoing, header, parse_origin
from schemas.codec import Reason, RejectedRecordError, raw_decoder
from schemas.topics import ROUTED

START = datetime(2026, 9, 1, 10, tzinfo=UTC)
BASE = {
    "mention_id": "x:1",
    "brand": "acme",
    "channel": "x",
    "channel_family": "social",
    "text": "Alweer een storing, waardeloos",
    "author": {"id": "iemand"},
}


@pytest.fixture(scope="module")
def stages() -> list[Any]:
    return build_stages(load_deployment(), DEMO_KEY, 1)


def at(days: float) -> str:
    return (START + timedelta(days=days)).isoformat()


def mention(days: float, **fields: Any) -> dict[str, Any]:
    return BASE | {"published_at": at(days)} | fields


def feed(chain: OfflineChain, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """What was routed."""
    records = [RawRecord(0, None, json.dumps(body).encode(), START.timestamp(), body.get("type") == "tick") for body in bodies]
    out = [item for _, item in chain.feed(records)]
    assert not any(isinstance(item, DeadLetter) for item in out)
    return [json.loads(item.value or b"") for item in out if isinstance(item, Outgoing) and item.topic is ROUTED]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("retracted", ["1970-01-01T00:00:00Z", at(0)])
def test_a_retraction_long_before_the_first_mention_does_not_hang(stages: list[Any], retracted: str) -> None:
    routed = feed(
        OfflineChain(stages),
        {"type": "retraction", "mention_id": "x:9", "brand": "acme", "retracted_at": retracted},
        mention(9, visibility="private"),
        {"type": "tick", "at": at(9.1), "replay": "running"},
        mention(9.2, mention_id="x:2"),
    )
    assert [record["kind"] for record in routed] == ["retracted", "post", "post"]


@pytest.mark.parametrize("brand", ["acme", "noordnet"])
@pytest.mark.parametrize(
    "published", ["0001-01-01T00:00:00Z", "0001-03-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"]
)
def test_the_ends_of_the_calendar_are_routed_like_any_day(stages: list[Any], brand: str, published: str) -> None:
    chain = OfflineChain(stages)
    extremes = [
        mention(0, brand=brand),
        mention(0, brand=brand, mention_id="x:2", published_at=published, received_at=at(0)),
        mention(0, brand=brand, mention_id="x:3", published_at=published),
        mention(0.1, brand=brand, mention_id="x:4"),
    ]
    assert len(feed(chain, *extremes)) == 4


def test_a_repeat_of_many_edits_keeps_its_kind(stages: list[Any]) -> None:
    """Five versions within one uncommitted window: after a crash each comes out as it did."""
    crisis = stages[2]
    source: list[Incoming] = []
    chain = OfflineChain(stages[:2])
    for number in range(6):
        body = mention(number / 100, edit=number, text=f"versie {number}")
        for stage, item in chain.feed([RawRecord(0, None, json.dumps(body).encode(), START.timestamp(), False)]):
            if stage == "sentiment":
                assert isinstance(item, Outgoing)
                source.append(Incoming(0, number, 0, item.key, item.value, item.headers))
    partition = crisis.open(0, "e")
    first = [header(item.headers, "ce_id") for item in partition.process(source).outgoing]
    again = partition.process(source)
    assert [header(item.headers, "ce_id") for item in again.outgoing] == first
    assert again.changes == {}


@pytest.mark.parametrize("kind", ['it\'s "x" bel 0612345678', 'a"geheim', "x'geheim`y"])
def test_what_is_wrong_is_told_without_what_was_sent(kind: str) -> None:
    with pytest.raises(RejectedRecordError) as refused:
        raw_decoder().decode(json.dumps(mention(0, kind=kind)).encode())
    assert refused.value.detail == "Invalid enum value … - at `$.kind`"


def test_a_text_that_is_not_utf8_is_named_as_that() -> None:
    with pytest.raises(RejectedRecordError) as refused:
        raw_decoder().decode(b'{"text":"caf\xe9"}')
    assert (refused.value.reason, refused.value.detail) == (Reason.NOT_JSON, "a text is not UTF-8 (its byte 3)")


@pytest.mark.parametrize("changes", [{"type": "geheim"}, {"kind": "geheim"}, {"type": "tick", "at": "geheim"}, {"type": ["geheim"]}])
def test_a_refusal_holds_no_error_that_quotes_what_was_sent(changes: dict[str, Any]) -> None:
    with pytest.raises(RejectedRecordError) as refused:
        raw_decoder().decode(json.dumps(mention(0) | changes).encode())
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert "geheim" not in "".join(traceback.format_exception(refused.value))


# poison in a topic between the stages, where only our own records should be


BEHIND = mention(0, mode="live", detected_at=at(0))
SCORED = BEHIND | {"sentiment": {"label": "negative"}, "signals": {}}
ASSESSED = SCORED | {"situation": {}}


@pytest.mark.parametrize(("stage", "body"), [(1, BEHIND), (2, SCORED), (3, ASSESSED)], ids=["sentiment", "crisis", "routing"])
@pytest.mark.parametrize(
    ("fields", "origin", "reason"),
    [
        ({}, b"e:0:7", None),
        ({"detected_at": "0001-01-01T00:00:00Z"}, b"e:0:7", Reason.INVALID_RECORD),
        ({"detected_at": "9999-12-31T23:59:59-12:00"}, b"e:0:7", Reason.INVALID_RECORD),
        ({"published_at": "0001-01-01T00:00:00+14:00"}, b"e:0:7", Reason.INVALID_RECORD),
        ({"published_at": "2026-09-01T12:00:00+02:00"}, b"e:0:7", None),
        ({}, b"e:-1:7", Reason.BAD_ORIGIN),
        ({}, b"e:0:1_0", Reason.BAD_ORIGIN),
        ({}, b"e:0:" + b"9" * 20, Reason.BAD_ORIGIN),
        ({}, b"e" * 101 + b":0:7", Reason.BAD_ORIGIN),
        ({}, b"\xff:0:7", Reason.BAD_ORIGIN),
    ],
)
def test_poison_behind_the_door_is_a_dead_letter(
    stages: list[Any], stage: int, body: dict[str, Any], fields: dict[str, Any], origin: bytes, reason: Reason | None
) -> None:
    record = Incoming(0, 0, 0, b"acme", json.dumps(body | fields).encode(), [("webcare-origin", origin)])
    outcome = stages[stage].open(0, "e").process([record])
    assert [letter.reason for letter in outcome.dead] == ([] if reason is None else [reason])


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_tick_from_the_ends_of_the_calendar_behind_the_door_is_a_dead_letter(stages: list[Any], stage: int, moment: str) -> None:
    value = json.dumps({"type": "tick", "at": moment}).encode()
    outcome = stages[stage].open(0, "e").process([Incoming(0, 0, 0, None, value, [("webcare-origin", b"e:0:7")])])
    assert [letter.reason for letter in outcome.dead] == [Reason.INVALID_RECORD]


def test_the_largest_place_that_kafka_knows_is_an_origin() -> None:
    assert parse_origin(b"e:2147483647:9223372036854775807") == ("e", 2**31 - 1, 2**63 - 1)


@pytest.mark.parametrize(
    ("stamp", "seen"), [(-1, "1970-"), (-(2**63), "1970-"), (2**63 - 1, "9999-"), (1_788_256_800_123, "2026-09-01T10:00:00.123")]
)
def test_a_dead_letter_can_be_dated_whatever_its_append_time(stamp: int, seen: str) -> None:
    letter = DeadLetter(Incoming(0, 0, stamp, None, b"{", []), Reason.NOT_JSON, "malformed")
    assert dict(dead_letter_headers(letter, "app", "language", "raw"))["webcare-first-seen"].decode().startswith(seen)


@pytest.mark.parametrize("appended", [b"", b"x", b"-1", b"9" * 400, "²".encode()])
def test_an_append_time_that_is_none_is_not_measured(appended: bytes) -> None:
    telemetry = Telemetry(CollectorRegistry())
    outcome = Outcome(outgoing=[Outgoing(ROUTED, b"acme", b"{}", [("webcare-appended", appended)])])
    Shell(cast(Any, None), telemetry, "app")._measure_delays(outcome)
    assert telemetry.registry.get_sample_value("webcare_mention_to_route_seconds_count") == 0
