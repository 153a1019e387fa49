"""Every shortcut of the routing stage comes to the same as the long way it replaces."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.deployment import load_deployment
from pipeline import personal_data
from pipeline.deadlines import CalendarSettings, build_calendar
from pipeline.decisions import Decider, Read, mention_facts, written
from pipeline.events import cloud_headers, passed_on
from pipeline.items import Scene, open_inform, open_task, redecide_task, refresh
from pipeline.personal_data import find_personal_data, may_be_personal
from pipeline.phrases import Phrases, words_of
from pipeline.routed import retold
from pipeline.rules import RuleBook, parse_rules
from pipeline.stage import Origin, header, parse_origin
from schemas.codec import RejectedRecordError, assessed_decoder, encode
from schemas.mention import AssessedMention, Author, Reach, Sentiment, Signals, Situation, Tick
from schemas.outputs import Fact, Inform, RoutedMention
from schemas.topics import ROUTED

DEPLOYMENT = load_deployment()
DECIDER = Decider(DEPLOYMENT.rules, DEPLOYMENT.brands)
MANY_RULES = parse_rules(
    "".join(
        f'[[rules]]\nname = "r{number}"\nwhen = {{ {when} }}\nroute = {{ response_policy = "monitor", response_reason = "because" }}\n'
        for number, when in enumerate(
            (
                'brand = "noordnet", channel = ["x", "mail"]',
                'channel = "forum", language = ["nl", "unknown"], compound_at_most = -0.5',
                'brand = ["veldspoor", "acme"], intents_any = "question"',
                "personal_data = true, addressed = false",
                'tier_at_least = "warning", rating_at_most = 2',
                "unscored = true, reach_at_least = 10",
                'text_any = ["rook"]',
                "",
            )
        )
    ).encode()
)

moments = st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


# words and phrases

PHRASES = ("rook", "in brand", "gefährlich", "straße", "één", "ё", "ижица", "b2b", "a_b", "x y z")
PIECES = [*PHRASES, "ROOK", "brand", "Brand", "gef", "hrlich", "STRASSE", "Één", "\u0301", "rookt", "x", "y", "z"]
SIGNS = [" ", "", ".", "-", "_", "’", "“", "\u00a0", "\n", "é", "5", "😂", "\ud83d", "\u200d"]


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(SIGNS)), max_size=8),
    st.text(max_size=20),
    st.sets(st.sampled_from(PHRASES)),
)
def test_a_text_is_never_passed_over_that_holds_a_phrase(parts: list[tuple[str, str]], more: str, phrases: set[str]):
    text = more + "".join(piece + sign for piece, sign in parts)
    words = words_of(text)
    runs = {tuple(words[at : at + length]) for length in range(1, 4) for at in range(len(words) - length + 1)}
    assert Phrases(phrases).found_in(text) == sorted(phrase for phrase in phrases if tuple(words_of(phrase)) in runs)


# personal data

DATA = [
    "06-12345678",
    "+31 6 12345678",
    "NL91ABNA0417164300",
    "nl91 abna 0417 1643 00",
    "111222333",
    "bsn",
    "a@b.nl",
    "@",
    "12",
    "1234567",
    "٣",
]


@settings(max_examples=150)
@given(st.lists(st.one_of(st.sampled_from(DATA), st.text("0123456789 -.@/nlNLa", max_size=9)), max_size=8).map(" ".join))
def test_too_few_digits_are_never_personal_data(text: str):
    quick = find_personal_data(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(personal_data, "_DIGIT", re.compile(""))
        patch.setattr(personal_data, "_LEAST_NUMBER_DIGITS", 0)
        patch.setattr(personal_data, "_LEAST_IBAN_DIGITS", 0)
        assert quick == find_personal_data(text)


# rules

all_facts = st.fixed_dictionaries(
    {
        "brand": st.sampled_from(["noordnet", "veldspoor", "other"]),
        "at": st.just("2026-09-01T10:00:00+00:00"),
        "channel": st.sampled_from(["x", "mail", "forum", "elsewhere"]),
        "channel_family": st.sampled_from(["social", "mail", "review"]),
        "language": st.sampled_from([None, "nl", "de", "xx"]),
        "label": st.sampled_from(["negative", "neutral", "positive", "unscored"]),
        "compound": st.none() | st.floats(-1, 1),
        "negative": st.none() | st.floats(0, 1),
        "intents": st.lists(st.sampled_from(["question", "complaint"]), unique=True),
        "rating_conflict": st.sampled_from([None, True, False]),
        "kind": st.sampled_from(["post", "reply", "repost", "review", "message"]),
        "visibility": st.sampled_from(["public", "private"]),
        "addressed": st.sampled_from([None, True, False]),
        "direction": st.sampled_from(["inbound", "outbound"]),
        "role": st.sampled_from(["customer", "press", "employee", "partner", "unknown"]),
        "reach": st.none() | st.integers(0, 100_000),
        "rating": st.none() | st.floats(1, 5),
        "tier": st.sampled_from([None, "watch", "warning", "crisis"]),
        "spam": st.booleans(),
        "ambiguous": st.booleans(),
        "found": st.lists(st.sampled_from(["email", "phone"]), unique=True),
        "words": st.lists(st.sampled_from(["rook", "offerte", "in brand"]), unique=True),
    }
)


@settings(max_examples=150)
@given(st.sampled_from([DEPLOYMENT.rules, MANY_RULES]), all_facts)
def test_sorting_mentions_first_chooses_the_same_rule(rules: RuleBook, facts: dict[str, Fact]):
    assert rules.choose(facts).name == next(rule.name for rule in rules.rules if rule.failing(facts) is None)


def test_what_is_remembered_of_sorts_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.rules.MOST_REMEMBERED", 2)
    facts = mention_facts(full_mention(), (), ())
    for language in ("nl", "en", "de", "nl", "fr", "de"):
        seen = facts | {"language": language}
        assert MANY_RULES.choose(seen).name == next(rule.name for rule in MANY_RULES.rules if rule.failing(seen) is None)
        assert len(MANY_RULES._open_for) <= 2


# times


@given(moments)
def test_a_moment_is_written_as_python_writes_it(moment: datetime):
    assert written(moment) == moment.isoformat()
    elsewhere = moment.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert written(elsewhere) == moment.isoformat()


@settings(max_examples=60)
@given(moments, st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.999_999, 1.0, -1.0, 3600.0]), st.integers(0, 2)), max_size=6))
def test_a_date_that_is_remembered_is_the_date(start: datetime, steps: list[tuple[float, int]]):
    """Zones with odd offsets (44:30 minutes), odd changes (a minute past midnight) and a day that never was."""
    zones = [ZoneInfo(name) for name in ("Africa/Monrovia", "America/St_Johns", "Pacific/Apia")]
    settings_ = CalendarSettings(hours={"mon-fri": "00:00-24:00", "sat": "10:00-12:00"})
    used = build_calendar(settings_)
    for seconds, zone in steps:
        at = start + timedelta(seconds=seconds)
        assert used.add(at, timedelta(hours=5), zones[zone]) == build_calendar(settings_).add(at, timedelta(hours=5), zones[zone])


# records


def full_mention(**fields: Any) -> AssessedMention:
    """A mention of which every field holds something."""
    at = datetime(2026, 9, 1, 10, 0, 1, 5, tzinfo=UTC)
    values: dict[str, Any] = {
        "mention_id": "x:1",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": "bel 06-12345678",
        "published_at": at,
        "author": Author(id="h1:1", name="Iemand", followers=3, role="press"),
        "kind": "reply",
        "title": "Vraag",
        "received_at": at + timedelta(seconds=1),
        "url": "https://x.example/1",
        "thread_id": "x:t",
        "parent_id": "x:p",
        "root_id": "x:r",
        "visibility": "private",
        "addressed": True,
        "direction": "inbound",
        "reach": Reach(value=9, source="reported"),
        "rating": 2.0,
        "language_hint": "nl",
        "edit": 3,
        "source": "s",
        "mode": "observe",
        "detected_at": at + timedelta(seconds=2),
        "clock_ahead": True,
        "spam": True,
        "ambiguous": True,
        "language": "nl",
        "language_guess": "nl",
        "language_confidence": 0.5,
        "language_ground": "text",
        "sentiment": Sentiment(label="negative", compound=-0.5),
        "signals": Signals(intents=("question",)),
        "situation": Situation(tier="watch"),
        "topic": "t",
        "duplicate": True,
        "late": True,
    }
    return AssessedMention(**(values | fields))


def test_nothing_that_a_routed_record_can_tell_is_left_out():
    mention = full_mention()
    facts = mention_facts(mention, (), ())
    routed = retold(mention, Read(facts, "bel [phone]", "Vraag"), DECIDER.decide(facts, "x:1"))
    changed = {"kind", "mode", "decision", "text", "title", "author"}
    shared = (set(RoutedMention.__struct_fields__) & set(AssessedMention.__struct_fields__)) - changed
    assert {name: getattr(routed, name) for name in shared} == {name: getattr(mention, name) for name in shared}
    assert (routed.kind, routed.mode, routed.text, routed.title) == ("reply", "observe", "bel [phone]", "Vraag")
    assert routed.author == Author(id="h1:1", followers=3, role="press")


@given(all_facts, moments, st.booleans())
def test_a_time_at_hand_decides_as_the_written_one(facts: dict[str, Fact], at: datetime, elsewhere: bool):
    given_ = at.astimezone(ZoneInfo("America/St_Johns")) if elsewhere else at
    facts = facts | {"at": written(at), "direction": "inbound"}
    assert encode(DECIDER.decide(facts, "x:1", at=given_)) == encode(DECIDER.decide(facts, "x:1"))


@given(st.datetimes(timezones=st.just(UTC)))
def test_the_time_of_a_header_is_written_as_python_writes_it(moment: datetime):
    (time,) = [value for name, value in cloud_headers(ROUTED, "id", "x:1", moment) if name == "ce_time"]
    assert time.decode() == moment.isoformat().replace("+00:00", "Z")


# origins


@given(st.text("0123456789:e -+١", max_size=24) | st.from_regex(r"e{0,101}:[0-9]{0,11}:[0-9]{0,20}", fullmatch=True))
def test_an_origin_is_read_once_per_place_and_all_the_same(text: str):
    def read() -> object:
        try:
            return parse_origin(text.encode())
        except ValueError:
            return None

    parts = text.split(":")
    good = text.isascii() and len(parts) == 3 and len(parts[0]) <= 100 and all(part.isdigit() for part in parts[1:])
    good = good and len(parts[1]) <= 10 and len(parts[2]) <= 19
    assert read() == read() == (Origin(parts[0], int(parts[1]), int(parts[2])) if good else None)


@given(all_facts.filter(lambda facts: facts["direction"] == "inbound"))
def test_a_new_item_shows_what_a_later_version_of_it_shows(facts: dict[str, Fact]):
    mention = full_mention()
    decision = DECIDER.decide(facts, "x:1", at=mention.detected_at)
    scene = Scene(mention=mention, decision=decision, text="t", thread=(), thread_size=2, history=(), found=("phone",), moved=True)
    task = open_task(scene, "item", "x:r")
    assert redecide_task(task, scene).item == replace(task.item, revision=2)
    told = open_inform(scene, Inform(recipient="press", item_id="told"), "x:r")
    assert refresh(told, scene).item == replace(told.item, revision=2)
    assert (told.item.queue, told.item.due_at, told.item.sla, told.item.response_policy) == (None, None, None, "monitor")


# slugs


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(["noordnet", "a-1", "x" * 100, "x" * 101, "Noordnet", "n\n", "", "é", "a b", None]), max_size=6),
    st.integers(0, 2),
)
def test_a_slug_that_was_seen_is_taken_and_no_other(slugs: list[str | None], most: int):
    """A decoder that has decoded others before says of each record what a new one says."""
    used = assessed_decoder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("schemas.codec.MOST_SLUGS", most)
        for slug in slugs:
            for record in (encode(full_mention(brand=slug)), encode(Tick(at=datetime(2026, 9, 1, tzinfo=UTC), brand=slug))):
                assert judged(used, record) == judged(assessed_decoder(), record)
        assert len(used._slugs) <= max(most, 1)


def judged(decoder: Any, record: bytes) -> Any:
    try:
        return encode(decoder.decode(record))
    except RejectedRecordError as error:
        return error.reason, error.detail


# headers


@given(
    st.lists(st.tuples(st.sampled_from(["ce_id", "traceparent", "webcare-origin", "content-type", "x"]), st.binary(max_size=3)), max_size=8)
)
def test_what_is_passed_on_is_filtered_once_or_twice_all_the_same(headers: list[tuple[str, bytes]]):
    at = datetime(2026, 9, 1, tzinfo=UTC)
    assert cloud_headers(ROUTED, "id", "x:1", at, passed_on(headers)) == cloud_headers(ROUTED, "id", "x:1", at, headers)
    assert header(passed_on(headers), "webcare-origin") == header(headers, "webcare-origin")


# nothing personal


@given(st.text("abc @0٣.\n", max_size=30))
def test_what_cannot_be_personal_is_not(text: str):
    assert may_be_personal(text) or find_personal_data(text) == []
