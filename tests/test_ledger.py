"""The ledger law over made-up topics: what is missing, doubled or from nowhere is named."""

import pytest

from agents.ledger import compare, raw_places
from agents.topic_reader import Record
from schemas.topics import DEAD_LETTER, ROUTED

MENTION = (
    b'{"mention_id":"x:1","brand":"acme","channel":"x","channel_family":"social","text":"t",'
    b'"published_at":"2026-01-01T00:00:00Z","author":{"id":"a"}}'
)


def outcome(offset: int, identity: str, topic: str = ROUTED.name, epoch: str = "e") -> Record:
    headers = [("webcare-origin", f"{epoch}:0:{offset}".encode()), ("ce_id", identity.encode())]
    return Record(topic, 0, 0, 0, b"acme", b"{}", headers)


def raw(offset: int, value: bytes | None) -> Record:
    return Record("raw", 0, offset, 0, None, value, [])


def test_ticks_have_no_outcome_and_unreadable_records_do() -> None:
    records = [
        raw(0, MENTION),
        raw(1, b'{"type":"tick","at":"2026-01-01T00:00:00Z"}'),
        raw(2, b'{"type":"tick","at":"soon"}'),
        raw(3, b"\x00"),
        raw(4, None),
    ]
    assert raw_places(records) == {(0, 0), (0, 2), (0, 3), (0, 4)}


@pytest.mark.parametrize(
    ("outcomes", "missing", "doubled", "unknown", "repeats"),
    [
        pytest.param([outcome(0, "a"), outcome(1, "b")], [], [], [], 0, id="each once"),
        pytest.param([outcome(0, "a"), outcome(1, "b"), outcome(1, "b")], [], [], [], 1, id="a repeat after a crash is the same outcome"),
        pytest.param([outcome(0, "a")], [(0, 1)], [], [], 0, id="missing"),
        pytest.param([outcome(0, "a"), outcome(1, "b"), outcome(1, "c")], [], [(0, 1)], [], 0, id="two identities"),
        pytest.param(
            [outcome(0, "a"), outcome(1, "b"), outcome(1, "b", DEAD_LETTER.name)], [], [(0, 1)], [], 0, id="routed and dead letter"
        ),
        pytest.param([outcome(0, "a"), outcome(1, "b"), outcome(7, "c")], [], [], [(0, 7)], 0, id="from nowhere"),
        pytest.param([outcome(0, "a"), outcome(1, "b", epoch="old")], [(0, 1)], [], [], 0, id="another raw topic's outcome does not count"),
    ],
)
def test_compare(outcomes: list[Record], missing: list[object], doubled: list[object], unknown: list[object], repeats: int) -> None:
    ledger = compare({(0, 0), (0, 1)}, outcomes, "e")
    assert (ledger.missing, ledger.doubled, ledger.unknown, ledger.repeats) == (missing, doubled, unknown, repeats)
    assert ledger.clean == (not (missing or doubled or unknown))


def test_an_outcome_without_origin_is_told() -> None:
    stray = Record(ROUTED.name, 3, 9, 0, b"acme", b"{}", [])
    assert compare(set(), [stray], "e").unknown == [(3, 9)]
