"""What is taken a shorter way comes out as on the long one, to the last byte and the last word of an error."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.models import load_identifier
from pipeline.assessing import assessed, read
from pipeline.identify import _MEMORY, LanguageIdentifier, clean, encode
from pipeline.seen import Marks
from pipeline.stage import Arrival, Incoming, Origin
from schemas.codec import RecordDecoder, RejectedRecordError, assessed_decoder, language_decoder, raw_decoder, sentiment_decoder
from schemas.mention import AssessedMention, Author, ScoredMention, Sentiment, Signals, Situation

AT = "2026-09-01T10:00:00Z"
MENTION: dict[str, Any] = {
    "mention_id": "x:1", "brand": "acme", "channel": "x", "channel_family": "social", "text": 'de "type" is "tick"', "published_at": AT,
    "author": {"id": "iemand"},
}  # fmt: skip
BEHIND: dict[str, Any] = MENTION | {"mode": "live", "detected_at": AT}
SCORED: dict[str, Any] = BEHIND | {"sentiment": {"label": "negative", "hits": [{"text": "slecht", "valence": -2.0}]}, "signals": {}}
ASSESSED: dict[str, Any] = SCORED | {"situation": {}}
RETRACTION = {"mention_id": "x:1", "brand": "acme", "mode": "live", "detected_at": AT}
DECODERS = {"raw": raw_decoder, "language": language_decoder, "sentiment": sentiment_decoder, "assessed": assessed_decoder}

pieces = st.sampled_from(
    [
        b'"type":"tick",', b'"type":"mention",', b'"type":null,', b'"type":3,', b'"typ\\u0065":"tick",', b'"type" : "tick",', b'"x":1,',
        b'"x":{"type":"tick"},', b'"x":[' * 3, b"{", b"}", b'"', b"\\", b",", b":", b" ", b"\n", b"\xff", b"null", b"0",
        b',"type":"mention"}', b',"type":"retraction"}', b',"zz":{}}',
    ]
)  # fmt: skip


@st.composite
def values(draw: st.DrawFn) -> bytes:
    """JSON of every type, its type first, elsewhere, or not named; whole, or with something put in, taken out or changed."""
    body: dict[str, Any] = draw(
        st.sampled_from([MENTION, BEHIND, SCORED, ASSESSED, RETRACTION, {"at": AT}, {"at": AT, "brand": "acme", "replay": "end"}, {}])
    )
    named = draw(st.sampled_from([None, "mention", "retraction", "tick", "ticks", "menTion", "", 1, None, ["tick"]]))
    if named is not None:
        body = {"type": named} | body if draw(st.booleans()) else body | {"type": named}
    spaces = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    value = json.dumps(body, separators=spaces).encode()
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(value)))
        value = value[:at] + draw(pieces | st.just(b"")) + value[at + draw(st.sampled_from([0, 0, 1, 7])) :]
    return value


def told(decode: Any, decoder: RecordDecoder[Any], value: bytes) -> object:
    try:
        return repr(decode(value)), decoder.unknown_fields
    except RejectedRecordError as error:
        return error.reason, error.detail, decoder.unknown_fields


@pytest.mark.parametrize("topic", DECODERS)
@settings(max_examples=400, deadline=None)
@given(value=values())
def test_a_record_is_read_as_by_its_type(topic: str, value: bytes) -> None:
    assume(value)
    quick, slow = DECODERS[topic](), DECODERS[topic]()
    assert told(quick.decode, quick, value) == told(slow._by_type, slow, value)


BODIES = {"raw": MENTION, "language": BEHIND, "sentiment": SCORED, "assessed": ASSESSED}


@pytest.mark.parametrize("topic", DECODERS)
@pytest.mark.parametrize(("first", "last", "taken"), [("Acme BV", "acme", True), ("acme", "Acme BV", False), ("a" * 101, "acme", True)])
def test_a_brand_named_twice_is_read_alike_whatever_came_before(topic: str, first: str, last: str, taken: bool) -> None:
    body = BODIES[topic] | {"brand": last}
    value = b'{"brand":"' + first.encode() + b'",' + json.dumps(body).encode()[1:]
    fresh, old = DECODERS[topic](), DECODERS[topic]()
    for slug in ("acme", "other"):
        old.decode(json.dumps(BODIES[topic] | {"brand": slug}).encode())
    assert told(fresh.decode, fresh, value) == told(old.decode, old, value)
    if taken:
        assert fresh.decode(value).brand == last
    else:
        with pytest.raises(RejectedRecordError, match="brand"):
            fresh.decode(value)


situations = st.builds(
    Situation,
    tier=st.sampled_from([None, "watch", "crisis"]),
    incident_id=st.sampled_from([None, "a-1"]),
    observed=st.none() | st.sampled_from([0.0, 1.0, 2.5]),
    expected=st.none() | st.sampled_from([0.0, 1.0, 2.5]),
)


@given(situations, st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["", " ", "\r\n\t "]))
def test_an_assessed_mention_is_written_as_the_record_itself(
    situation: Situation, duplicate: bool, blocked: bool, late: bool, after: str
) -> None:
    moment = datetime(2026, 9, 1, 10, tzinfo=UTC)
    mention = ScoredMention(
        mention_id="x:1", brand="acme", channel="x", channel_family="social", text="Geen bereik", published_at=moment, detected_at=moment,
        author=Author(id="h1:a"), mode="live", sentiment=Sentiment(label="negative"), signals=Signals(),
    )  # fmt: skip
    record = Incoming(0, 0, 0, b"acme", msgspec.json.encode(mention) + after.encode(), [])
    (said,) = read([Arrival(record, mention, Origin("e", 0, 1), [])], Marks())
    out = assessed(said, situation, duplicate=duplicate, blocked=blocked, late=late)
    fields = {name: getattr(mention, name) for name in mention.__struct_fields__}
    whole = AssessedMention(**fields, situation=situation, duplicate=duplicate, retracted=blocked, late=late)
    if blocked:
        whole = msgspec.structs.replace(whole, text="")
    assert out.value == msgspec.json.encode(whole)


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    return load_identifier()


def plainly(identifier: LanguageIdentifier, text: bytes) -> np.ndarray:
    """The scores of one text, by the book: every feature's row, in order, times the logarithm of how often."""
    columns = np.zeros(len(identifier._base), dtype=np.float32)
    found = identifier._walk(text)
    for feature in sorted(set(found)):
        columns += identifier._table[feature, : len(columns)] * np.log1p(np.int64(found.count(feature)), dtype=np.float32)
    if found:
        columns += identifier._base
    return np.maximum.reduceat(columns, identifier._first)


words = st.sampled_from(
    [
        "niet",
        "goed",
        "the",
        "parcel",
        "is",
        "vertraagd",
        "und",
        "nicht",
        "😀",
        "été",
        "zoooo",
        "NIET",
        "日本",
        "x",
        "1",
        "?!",
        "waar blijft het",
    ]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(words, max_size=30).map(" ".join), min_size=1, max_size=30))
def test_a_text_has_the_same_score_in_any_company(identifier: LanguageIdentifier, texts: list[str]) -> None:
    encoded = [encode(clean(text)) for text in texts]
    together = identifier.scores(encoded)
    for place, text in enumerate(encoded):
        assert together[place].tobytes() == plainly(identifier, text).tobytes() == identifier.scores([text])[0].tobytes()


def test_the_model_remembers_no_more_bytes_than_a_piece_is_entered_early(identifier: LanguageIdentifier) -> None:
    """From any state at all, so many bytes lead to where they lead from the start: seen for samples of real n-grams and for noise."""
    rng = np.random.default_rng(1)
    prose = encode("Ik wacht al weken op antwoord, the parcel is vertraagd; où est mon colis? Wo bleibt das Geld 😀")
    windows = [prose[at : at + _MEMORY] for at in range(0, len(prose) - _MEMORY, 3)]
    windows += [rng.integers(0, 256, _MEMORY, np.uint8).tobytes() for _ in range(20)]
    for window in windows:
        states = np.arange(len(identifier._row), dtype=identifier._next.dtype)
        for letter in window:
            states = identifier._next[identifier._row[states] + letter]
        assert (states == states[0]).all(), "a new model with longer n-grams: _MEMORY must be as long"
