"""Records that once hung or ended a worker, or broke a law: through all four stages, without Kafka."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.deployment import build_stages, load_deployment
from agents.offline import OfflineChain
from agents.replay import RawRecord
from agents.settings import DEMO_KEY
from pipeline.stage import DeadLetter, Incoming, Outgoing, header
from schemas.codec import RejectedRecordError, raw_decoder
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
