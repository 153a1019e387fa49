"""What an alert shows: mentions that stand for the others, shared words, channels, topics; and what an incident came to."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evidence import dossier_of, findings_of
from pipeline.exhibits import KEPT_ECHOES, KEPT_QUOTES, Echo, Exhibit, Quote
from pipeline.extent import EXACT, Extent
from pipeline.seen import identity_of
from pipeline.telling_words import telling_words
from pipeline.usual_topics import MOST, UsualTopics

NAMES = frozenset({"noordnet"})


def quote(number: int, author: int | None = None, **over: Any) -> Quote:
    fields: dict[str, Any] = {"channel": "x", "words": "modem heet"} | over
    return Quote(float(number), f"x:{number}", number if author is None else author, float(number), **fields)


def exhibit(*quotes: Quote, echoes: dict[bytes, Echo] | None = None) -> Exhibit:
    made = Exhibit()
    for one in quotes:
        made.show(one)
    for identity, echo in (echoes or {}).items():
        made.hear(identity, echo)
    return made


def echo(*numbers: int, own: bool = False, reach: int | None = None) -> Echo:
    return Echo(tuple(identity_of(f"x:{number}") for number in numbers), reach, own)


# words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        pytest.param("De modem is HEET, heel heet!", "nl", ["modem", "heet"], id="no function words, each once"),
        pytest.param("@piet zie https://x.example/modem", "nl", [], id="no handles and addresses"),
        pytest.param("mail naar piet@example.org of [iban]", "nl", ["mail"], id="no mail addresses, nothing redacted"),
        pytest.param("Noordnet modem 3000 24u", "nl", ["modem"], id="no brand names, numbers, bits of words"),
        pytest.param("le modem est très chaud", "fr", ["modem", "chaud"], id="another language's function words"),
        pytest.param("the modem is te heet", None, ["modem", "heet"], id="Dutch and English where it is not known"),
        pytest.param("überhitzt, ça brûle 🔥", "de", ["überhitzt", "brûle"], id="letters beyond ASCII"),
        pytest.param("a" * 25, "nl", [], id="nothing endless"),
    ],
)
def test_telling_words(text: str, language: str | None, words: list[str]) -> None:
    assert telling_words(text, language, NAMES) == words


def test_a_dozen_words_at_most_of_a_text_of_any_length() -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    assert len(telling_words(" ".join(3 * letter for letter in alphabet), "nl", NAMES)) == 12
    assert telling_words("xx " * 50_000 + "modem", "nl", NAMES) == []


def test_a_word_is_told_when_five_authors_use_it() -> None:
    four = [quote(number, words="modem stinkt") for number in range(4)]
    assert findings_of([exhibit(*four)], [], {}).words == ()
    (use,) = findings_of([exhibit(*four, quote(4, words="modem"))], [], {}).words
    assert (use.word, use.authors) == ("modem", 5)
    loud = [quote(number, author=number % 4, words="modem") for number in range(12)]
    assert findings_of([exhibit(one) for one in loud], [], {}).words == ()  # twelve mentions, four authors


# what is shown


def test_the_most_echoed_the_earliest_and_the_most_typical_are_shown() -> None:
    quotes = [quote(number, words="los woord" if number < 4 else "modem heet brand") for number in range(14)]
    quotes[9] = quote(9, words="iets anders")
    echoes = {bytes([number]): echo(12) for number in range(5)} | {bytes([90]): echo(13, own=True), bytes([91]): echo(11)}
    shown = findings_of([exhibit(*quotes)], [exhibit(echoes=echoes)], {}).shown
    told = [(one.quote.mention_id, one.chosen_for, one.echoes) for one in shown]
    assert told[:4] == [("x:12", "amplified", 5), ("x:0", "earliest", 0), ("x:1", "earliest", 0), ("x:2", "earliest", 0)]
    assert told[4:] == [(f"x:{number}", "typical", number == 11) for number in (4, 5, 6, 7, 8, 10)]


def test_nobody_is_shown_twice() -> None:
    shown = findings_of([exhibit(quote(number, author=number % 3)) for number in range(9)], [], {}).shown
    assert [one.quote.mention_id for one in shown] == ["x:0", "x:1", "x:2"]


def test_channels_are_told_by_their_share() -> None:
    found = findings_of([exhibit(*[quote(number, channel="x" if number % 4 else "forum") for number in range(8)])], [], {})
    assert [(one.channel, one.share) for one in found.channels] == [("x", 0.75), ("forum", 0.25)]


@pytest.mark.parametrize(
    ("topics", "usual", "told", "dominant"),
    [
        pytest.param([None] * 6, {}, None, None, id="no topics yet"),
        pytest.param([None] * 6, {"bill": 1.0}, None, None, id="none of these mentions has one"),
        pytest.param(["modem"] * 4 + ["bill"] * 2, {}, [("modem", 0.6667, None), ("bill", 0.3333, None)], "modem", id="nothing usual yet"),
        pytest.param(
            ["modem"] * 3 + ["bill"] * 3, {"bill": 0.5, "shop": 0.5}, [("modem", 0.5, 0.0), ("bill", 0.5, 0.5)], "modem", id="against usual"
        ),
        pytest.param(
            ["a", "b", "c", "d", None, None], {}, [("a", 0.25, None), ("b", 0.25, None), ("c", 0.25, None)], None, id="three told"
        ),
    ],
)
def test_topics_against_the_usual_ones(topics: list[str | None], usual: dict[str, float], told: Any, dominant: str | None) -> None:
    found = findings_of([exhibit(*[quote(number, topic=topic) for number, topic in enumerate(topics)])], [], usual)
    assert told == (None if found.topics is None else [(one.topic, one.share, one.usual) for one in found.topics])
    assert found.dominant == dominant


@pytest.mark.parametrize(
    ("dossiers", "authors", "found"),
    [
        pytest.param(["a", "a", "a", None, None], 9, "a", id="three authors and more than a third"),
        pytest.param(["a", "a", None], 9, None, id="two authors"),
        pytest.param(["a", "a", "a", "a"], 2, None, id="many mentions of two authors"),
        pytest.param(["a", "a", "a", *[None] * 7], 10, None, id="less than a third"),
        pytest.param(["b", "b", "b", "a", "a", "a", "a"], 9, "a", id="the larger of two"),
        pytest.param([], 1, None, id="nothing"),
    ],
)
def test_an_incident_is_about_a_dossier(dossiers: list[str | None], authors: int, found: str | None) -> None:
    assert dossier_of(quote(number, author=number % authors, dossier=one) for number, one in enumerate(dossiers)) == found


# what is kept of a bucket


quotes = st.builds(quote, st.integers(0, 60), author=st.integers(0, 30), words=st.sampled_from(["", "modem", "modem heet"]))
echoes = st.dictionaries(st.binary(min_size=16, max_size=16), st.builds(echo, st.integers(0, 60)), max_size=KEPT_ECHOES + 10)


@given(st.lists(quotes, max_size=60, unique_by=lambda one: one.mention_id), echoes, st.randoms())
def test_no_order_of_arrival_changes_what_is_kept_and_it_comes_back(said: list[Quote], heard: dict[bytes, Echo], rng: Random) -> None:
    one, other = exhibit(*said, echoes=heard), Exhibit()
    rng.shuffle(said)
    order = list(heard)
    rng.shuffle(order)
    for said_one in said:
        assert other.wants(said_one.at, said_one.mention_id) or not other.show(said_one)
        other.show(said_one)
    for identity in order:
        other.hear(identity, heard[identity])
    assert (one.quotes, one.echoes) == (other.quotes, other.echoes)
    assert len(one.quotes) <= KEPT_QUOTES
    assert len(one.echoes) <= KEPT_ECHOES
    assert len({kept.author for kept in one.quotes}) == len(one.quotes)
    if (snapshot := one.snapshot()) is not None:
        back = Exhibit()
        back.restore(snapshot)
        assert (back.quotes, dict(sorted(one.echoes.items()))) == (one.quotes, back.echoes)
        assert back.snapshot() == snapshot
    else:
        assert not one


def test_a_snapshot_of_before_there_were_words_is_read() -> None:
    back = Exhibit()
    back.restore(b"\x01\x91\x95\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xa3x:1\x07\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xc0")
    assert back.quotes == [Quote(1.0, "x:1", 7, 1.0)]


def test_what_was_taken_back_is_not_kept() -> None:
    made = exhibit(quote(1), quote(2))
    assert made.hide("x:1")
    assert not made.hide("x:1")
    assert b"x:1" not in (made.snapshot() or b"")


# what is usual, and how far it went


def test_usual_topics_are_bounded_and_come_back_bit_for_bit() -> None:
    usual = UsualTopics()
    assert usual.snapshot() is None
    assert not usual.learn([None, None])
    assert usual.learn(["bill"] * 30 + ["modem"] * 10 + [None])
    assert usual.shares()["bill"] == pytest.approx(0.75, abs=0.01)
    usual.learn(f"topic {number}" for number in range(MOST + 20))
    assert len(usual.shares()) == MOST
    assert "bill" in usual.shares()
    back = UsualTopics()
    back.restore(usual.snapshot() or b"")
    for one in (usual, back):
        one.learn(["bill", "other"])
    assert usual.snapshot() == back.snapshot()
    assert usual.shares() == back.shares()


@pytest.mark.parametrize("authors", [1, EXACT, EXACT + 1, 60_000])
def test_authors_are_counted_exactly_while_few_and_closely_while_many(authors: int) -> None:
    extent, rng = Extent(), Random(authors)
    met = [rng.getrandbits(62) for _ in range(authors)]
    extent.take(met, None, {})
    extent.take(met[:100], None, {})
    assert extent.authors == pytest.approx(authors, rel=0 if authors <= EXACT else 0.01)
    back = Extent()
    back.restore(extent.snapshot() or b"")
    assert (back.authors, back.snapshot()) == (extent.authors, extent.snapshot())
    assert len(extent.snapshot() or b"") < 40_000


def test_reach_is_a_sum_of_what_is_known_and_unknown_is_not_zero() -> None:
    extent = Extent()
    assert (extent.reach, extent.answered, extent.authors, extent.snapshot()) == (None, None, 0, None)
    extent.take([1], exhibit(quote(1)), {})
    assert (extent.reach, extent.answered) == (None, 0.0)
    extent.take([1, 2], exhibit(quote(2, reach=300), echoes={b"1": echo(2, reach=50), b"2": echo(2, own=True)}), {})
    assert extent.reach == 350
    assert extent.authors == 2
