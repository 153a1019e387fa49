"""The sentiment stage: who scores what, signals, and what goes through untouched."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents.lexicons import load_engine
from pipeline.events import cloud_headers, digest, event_id, event_type
from pipeline.sentiment import MOST_HITS, SCORED_CHARACTERS, UNSCORED, SentimentStage, scored_text, told
from pipeline.signals import asks, signals, without_addresses
from pipeline.stage import ORIGIN, Headers, Incoming, Outcome, WorksTogether, header
from schemas.codec import encode, sentiment_decoder
from schemas.mention import Author, Label, LanguageMention, ScoredMention, Sentiment, SteppedRetraction, Tick
from schemas.topics import LANGUAGE, SENTIMENT

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
ENGINE = load_engine()
ORACLE = SentimentIntensityAnalyzer()


def mention(text: str = "fijn", language: str | None = "nl", **fields: Any) -> LanguageMention:
    plain: dict[str, Any] = {
        "mention_id": "x:1",
        "brand": "voorbeeld",
        "channel": "x",
        "channel_family": "social",
        "published_at": AT,
        "author": Author(id="h1:abc"),
        "mode": "live",
        "detected_at": AT,
    }
    return LanguageMention(text=text, language=language, **plain | fields)


def incoming(value: bytes | None, offset: int = 0, headers: Headers | None = None) -> Incoming:
    origin = [(ORIGIN, f"epoch:3:{offset}".encode())]
    return Incoming(2, offset, 0, b"voorbeeld", value, origin if headers is None else headers)


def process(*values: bytes | None) -> Outcome:
    partition = SentimentStage(ENGINE).open(2, "")
    return partition.process([incoming(value, offset) for offset, value in enumerate(values)])


def scored(given: LanguageMention) -> ScoredMention:
    (outgoing,) = process(encode(given)).outgoing
    decoder = sentiment_decoder()
    record = decoder.decode(outgoing.value)
    assert isinstance(record, ScoredMention)
    assert decoder.unknown_fields == 0
    return record


# who scores what


@pytest.mark.parametrize("language", [None, "fy", "af", "da", "sv", "pl", "nds", ""])
def test_what_has_no_scorer_is_unscored_and_never_neutral(language: str | None):
    assert ENGINE.score(["great, love it :) die beste!"], [language]) == [Sentiment(label="unscored")]


@given(st.lists(st.tuples(st.text(max_size=40), st.sampled_from(["nl", "en", "pl", None])), max_size=8))
def test_only_english_gets_a_vader_score(pairs: list[tuple[str, str | None]]):
    results = ENGINE.score([text for text, _ in pairs], [language for _, language in pairs])
    for (_, language), sentiment in zip(pairs, results, strict=True):
        assert (sentiment.vader is not None) == (language == "en")
        assert (sentiment.label == "unscored") == (sentiment.compound is None) == (language in ("pl", None))
        assert {one is None for one in (sentiment.negative, sentiment.neutral, sentiment.positive)} == {sentiment.label == "unscored"}


@pytest.mark.parametrize(
    "text", ["@united lost my bag", "see https://great.example/love", "I love it!", "not good but the crew was kind of nice 😊", ""]
)
def test_the_four_figures_are_those_of_the_package_on_the_text_as_it_stands(text: str):
    expected = ORACLE.polarity_scores(text)
    for engine in (ENGINE, load_engine("vader")):
        (sentiment,) = engine.score([text], ["en"])
        assert sentiment.vader is not None
        assert (sentiment.vader.neg, sentiment.vader.neu, sentiment.vader.pos, sentiment.vader.compound) == tuple(
            expected[name] for name in ("neg", "neu", "pos", "compound")
        )


def test_handles_and_links_are_no_praise():
    (ours,) = ENGINE.score(["@united lost my bag, https://great.example"], ["en"])
    (plain,) = load_engine("vader").score(["@united lost my bag, https://great.example"], ["en"])
    assert ours.label == "negative"
    assert plain.label == "positive"
    assert plain.compound == plain.vader.compound


def test_the_vader_engine_leaves_other_languages_alone():
    assert load_engine("vader").score(["die man is een held"], ["nl"]) == [UNSCORED]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_hits_are_the_strongest_in_the_order_of_the_text(language: str):
    words = ["slecht", "awful", "super", "great"] * 20
    (sentiment,) = ENGINE.score([" ".join(words)], [language])
    assert len(sentiment.hits) == MOST_HITS


# signals


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        pytest.param("Is de winkel open?", "nl", True, id="a question mark"),
        pytest.param("kijk op https://voorbeeld.nl/zoek?q=1 voor meer", "nl", False, id="a mark inside a link"),
        pytest.param("zie https://voorbeeld.nl/a?b=1 klopt dat?", "nl", True, id="and one outside"),
        pytest.param("hoe laat gaan jullie open", "nl", True, id="nl: hoe laat"),
        pytest.param("Hallo, kunnen jullie mij helpen", "nl", True, id="nl: after a greeting"),
        pytest.param("klopt het dat er een storing is", "nl", True, id="nl: klopt het dat"),
        pytest.param("Wat een service!", "nl", False, id="nl: an exclamation"),
        pytest.param("Wanneer ik bel krijg ik niemand", "nl", False, id="nl: a subordinate clause"),
        pytest.param("ik weet niet wat ik moet doen", "nl", False, id="nl: an embedded clause"),
        pytest.param("where is my parcel", "en", True, id="en: where is"),
        pytest.param("Any chance? no", "en", True, id="en: a mark in the middle"),
        pytest.param("what a day", "en", False, id="en: an exclamation"),
        pytest.param("wo ist mein paket", "de", True, id="de: wo ist"),
        pytest.param("Kann ich nur empfehlen", "de", False, id="de: a recommendation"),
        pytest.param("pourquoi mon colis est perdu", "fr", True, id="fr: pourquoi"),
        pytest.param("why did you cancel", None, True, id="unknown language, English words"),
        pytest.param("waarom is de trein er niet", "pl", True, id="a language without words, Dutch ones"),
        pytest.param("dziękuję", "pl", False, id="nothing that asks"),
        pytest.param("wat zijn jullie traag", "nl", False, id="an exclamation"),
        pytest.param("Wat is dit slecht, 20 minuten wachten", "nl", False, id="an exclamation before a comma"),
        pytest.param("pff. wat is die app weer ontzettend traag zeg!", "nl", False, id="an exclamation about a thing"),
        pytest.param("Wat duurt dat lang", "nl", False, id="an exclamation about how long it takes"),
        pytest.param("wat gaat het inloggen langzaam 😡", "nl", False, id="an exclamation with another verb"),
        pytest.param("wat ben ik boos", "nl", False, id="an exclamation about oneself"),
        pytest.param("wat zijn jullie hopeloos", "nl", False, id="any word in -loos"),
        pytest.param("wat zijn jullie traag", None, False, id="an exclamation in no language"),
        pytest.param("wat zijn jullie traag?", "nl", True, id="with a mark it asks"),
        pytest.param("wat zijn jullie traag, wanneer komt de monteur", "nl", True, id="an exclamation, then a question"),
        pytest.param("wat zijn jullie openingstijden", "nl", True, id="what follows is a thing"),
        pytest.param("wat is de duur van het contract", "nl", True, id="a thing that is spelled like a quality"),
        pytest.param("wat is de duur", "nl", True, id="the same at the end"),
        pytest.param("wat is er slecht", "nl", True, id="nobody is called anything"),
        pytest.param("wat is een goed moment om te bellen", "nl", True, id="a quality of what follows"),
        pytest.param("wat is jullie snelste abonnement", "nl", True, id="a quality before a thing"),
        pytest.param("wat is hier goed aan", "nl", True, id="what is good about it"),
        pytest.param("wat zijn de kosten", "nl", True, id="a plain question"),
        pytest.param("", None, False, id="nothing"),
    ],
)
def test_a_question_is_seen_by_its_mark_or_its_opening(text: str, language: str | None, expected: bool):
    assert asks(text, language) is expected


@pytest.mark.parametrize(
    ("given", "intents"),
    [
        pytest.param(mention("slechte service"), ("complaint",), id="complaint"),
        pytest.param(mention("bedankt, top!"), ("compliment",), id="compliment"),
        pytest.param(mention("waarom is het weer stuk?"), ("question", "complaint"), id="both"),
        pytest.param(mention("ik heb een vraag over mijn rekening"), (), id="neither"),
        pytest.param(mention("slechte service", kind="repost"), (), id="a repost complains of nothing itself"),
        pytest.param(mention("slechte service? Dat horen we graag.", direction="outbound"), (), id="the brand's own post"),
        pytest.param(mention("gdzie jest moja paczka?", language="pl"), ("question",), id="unscored texts ask too"),
    ],
)
def test_intents(given: LanguageMention, intents: tuple[str, ...]):
    assert scored(given).signals.intents == intents


@pytest.mark.parametrize(
    ("rating", "label", "conflict"),
    [
        (None, "positive", None),
        (1, "unscored", None),
        (1, "positive", True),
        (2, "positive", True),
        (2, "negative", False),
        (3, "positive", False),
        (3, "negative", False),
        (4, "negative", True),
        (5, "neutral", False),
        (4.5, "negative", True),
    ],
)
def test_a_rating_may_contradict_the_text(rating: float | None, label: Any, conflict: bool | None):
    assert signals(mention(rating=rating), "x", Sentiment(label=label)).rating_conflict is conflict


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("@united lost it", "  lost it"),
        ("mail a.b+c@voorbeeld.nl of bel", "mail   of bel"),
        ("(zie https://voorbeeld.nl/x?y=1&z)", "(zie  "),
        ("www.voorbeeld.nl doet het", "  doet het"),
        ("5 @ 3 euro", "5 @ 3 euro"),
        ("geen adres", "geen adres"),
    ],
)
def test_links_mail_addresses_and_handles_are_taken_out(text: str, bare: str):
    assert without_addresses(text) == bare


# the text


def test_a_title_is_text_too():
    assert scored(mention("Zie hieronder.", title="Waardeloze service")).sentiment.label == "negative"
    assert scored_text("Kop", "tekst") == "Kop. tekst"
    assert scored_text(None, "tekst") == scored_text("", "tekst") == "tekst"


def test_a_text_is_cut_before_it_is_scored():
    seen: list[str] = []

    class Listening:
        def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Sentiment]:
            seen.extend(texts)
            return [UNSCORED for _ in languages]

    SentimentStage(Listening()).open(0, "").process([incoming(encode(mention("goed " * 20_000)))])
    assert [len(text) for text in seen] == [SCORED_CHARACTERS]


# the stage


def test_a_scored_mention_is_the_mention_with_sentiment_and_signals():
    given = mention("Bedankt 🙏", title="t", rating=1, url="https://voorbeeld.nl", edit=2, language_confidence=0.9)
    record = scored(given)
    assert {name: getattr(record, name) for name in given.__struct_fields__} == {
        name: getattr(given, name) for name in given.__struct_fields__
    }
    assert record.sentiment.label == "positive"
    assert record.signals.rating_conflict is True


def test_everything_comes_out_in_order_in_the_same_partition():
    retraction = encode(SteppedRetraction(mention_id="x:1", brand="voorbeeld", mode="live", detected_at=AT))
    tick = encode(Tick(at=AT))
    outcome = process(encode(mention("slecht")), tick, retraction, encode(mention("goed", mention_id="x:2")), tick)
    assert [outgoing.partition for outgoing in outcome.outgoing] == [None] * 5
    assert {outgoing.topic for outgoing in outcome.outgoing} == {SENTIMENT}
    assert {outgoing.key for outgoing in outcome.outgoing} == {b"voorbeeld"}
    assert [header(outgoing.headers, ORIGIN) for outgoing in outcome.outgoing] == [f"epoch:3:{offset}".encode() for offset in range(5)]
    assert [outgoing.value for outgoing in outcome.outgoing[1:3]] == [tick, retraction]
    assert outcome.counts == {("sentiment", "negative"): 1, ("sentiment", "positive"): 1}
    assert not outcome.dead
    assert not outcome.changes


@pytest.mark.parametrize(
    ("value", "identity", "subject"),
    [
        (encode(mention(edit=3)), event_id(SENTIMENT, "voorbeeld", "x:1", 3, "mention"), b"x:1"),
        (
            encode(SteppedRetraction(mention_id="x:1", brand="voorbeeld", mode="live", detected_at=AT)),
            event_id(SENTIMENT, "voorbeeld", "x:1", 0, "retracted"),
            b"x:1",
        ),
        (
            encode(Tick(at=AT, brand="voorbeeld", replay="running")),
            digest(event_type(SENTIMENT), "tick", "voorbeeld", AT.isoformat()),
            b"voorbeeld",
        ),
    ],
)
def test_headers_are_made_anew_and_foreign_ones_pass(value: bytes, identity: str, subject: bytes):
    passed = [("traceparent", b"00-1"), (ORIGIN, b"epoch:3:7"), ("theirs", b"\xff")]
    before = cloud_headers(LANGUAGE, "other", "other", AT, passed)
    (outgoing,) = SentimentStage(ENGINE).open(0, "").process([incoming(value, headers=before)]).outgoing
    found = dict(outgoing.headers)
    assert len(found) == len(outgoing.headers)
    assert found["ce_id"] == identity.encode()
    assert found["ce_type"] == b"nl.webcare.mention.sentiment.v1"
    assert found["ce_dataschema"] == b"urn:webcare:schema:webcare.mention.sentiment.v1"
    assert found["ce_subject"] == subject
    assert found["ce_time"] == b"2026-09-01T12:00:00Z"
    assert outgoing.headers[-3:] == passed


def test_what_is_at_fault_goes_to_the_dead_letters_and_the_rest_goes_on():
    partition = SentimentStage(ENGINE).open(0, "")
    good = encode(mention())
    outcome = partition.process([incoming(good), incoming(b"{", 1), incoming(None, 2), incoming(good, 3, headers=[]), incoming(good, 4)])
    assert [dead.reason for dead in outcome.dead] == ["not_json", "empty_value", "bad_origin"]
    assert len(outcome.outgoing) == 2


def test_fields_of_a_newer_upstream_are_counted_and_dropped():
    newer = encode(mention())[:-1] + b',"sentiment":"theirs","later":1}'
    outcome = process(newer)
    assert outcome.counts["unknown_fields",] == 1
    record = sentiment_decoder().decode(outcome.outgoing[0].value)
    assert isinstance(record, ScoredMention)
    assert record.sentiment.label == "positive"


@given(st.lists(st.tuples(st.text(max_size=60), st.sampled_from(["nl", "en", "pl", None])), max_size=6))
def test_the_same_records_give_the_same_bytes(pairs: list[tuple[str, str | None]]):
    values = [encode(mention(text, language, mention_id=f"x:{number}")) for number, (text, language) in enumerate(pairs)]
    whole = process(*values).outgoing
    assert whole == process(*values).outgoing
    assert [outgoing.value for outgoing in whole] == [process(value).outgoing[0].value for value in values]


_values = st.one_of(
    st.builds(
        lambda text, language: encode(mention(text, language)), st.text(max_size=60), st.sampled_from(["nl", "en", "de", "pl", None])
    ),
    st.sampled_from(
        [
            encode(SteppedRetraction(mention_id="x:1", brand="voorbeeld", mode="live", detected_at=AT)),
            encode(Tick(at=AT)),
            encode(mention("goed"))[:-1] + b',"later":1}',
            b"{",
        ]
    ),
)


@given(st.lists(st.lists(_values, max_size=6), min_size=1, max_size=4))
def test_partitions_together_give_what_each_gives_alone(parts: list[list[bytes]]):
    stage = SentimentStage(ENGINE)
    assert isinstance(stage, WorksTogether)
    records = [[incoming(value, offset) for offset, value in enumerate(values)] for values in parts]
    opened = [stage.open(number, "") for number in range(len(parts))]
    assert stage.process_together(list(zip(opened, records, strict=True))) == [stage.open(0, "").process(some) for some in records]


def test_a_partition_has_no_state():
    partition = SentimentStage(ENGINE).open(0, "")
    partition.restore(b"key", b"value")
    partition.restored(7)
    assert list(partition.readings()) == []
    assert partition.process([]) == Outcome()


@pytest.mark.parametrize(
    "text",
    [
        "still has not delivered, terrible service",
        "They never reply, awful company",
        "Not delivered. Terrible service.",
        "No refund, horrible support",
        "NOT DELIVERED. TERRIBLE",
    ],
)
def test_an_english_negation_ends_with_its_clause(text: str) -> None:
    """VADER alone turns the bad word after the comma into praise; its four figures stay as it says them."""
    (sentiment,) = load_engine().score([text], ["en"])
    (vader,) = load_engine("vader").score([text], ["en"])
    assert sentiment.label == "negative"
    assert sentiment.vader == vader.vader


@pytest.mark.parametrize(
    ("hits", "label", "shown"),
    [
        pytest.param([("kras", -0.3), ("slecht", -2.0)], "negative", ["slecht"], id="what could not tip a text alone is left out"),
        pytest.param([("kras", -0.3), ("duur", -0.3)], "negative", ["kras", "duur"], id="but where it takes such words"),
        pytest.param([("fijn", 2.0), ("kras", -0.3), ("al weer", -0.05)], "negative", ["fijn", "kras"], id="never what hardly counts"),
        pytest.param([("kras", -0.3)], "neutral", [], id="a neutral text needs no weak reason"),
        pytest.param([("fijn", 2.0), ("slecht", -2.0)], "neutral", ["fijn", "slecht"], id="but may have strong ones for both sides"),
    ],
)
def test_only_reasons_that_count_are_told(hits: list[tuple[str, float]], label: Label, shown: list[str]):
    assert [hit.text for hit in told(hits, label)] == shown
