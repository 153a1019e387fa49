"""The door: what is let in and what not, who is who, and whose clock is believed."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.brands import Ambiguous, Brand, Registry, SourceSettings
from pipeline.door import ALLOWANCE, AuthorHasher, Door
from pipeline.identify import Language
from pipeline.language import written
from pipeline.stage import Incoming
from schemas.codec import Reason, RejectedRecordError
from schemas.mention import Author, LanguageMention, Mention, Retraction, Tick

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DUTCH = Language("nl", "nl", 0.9, "text")
HASHER = AuthorHasher(b"a key for tests, not a secret")
BODY: dict[str, Any] = {
    "mention_id": "x:1",
    "brand": "acme",
    "channel": "x",
    "channel_family": "social",
    "text": "weer geen internet",
    "published_at": "2026-03-01T11:59:00Z",
    "author": {"id": "12345"},
}
TICK = {"type": "tick", "at": "2026-03-01T12:00:00Z"}
MINUTE = timedelta(minutes=1)


def incoming(body: object = None, *, key: bytes | None = None, at: datetime = NOW, **fields: Any) -> Incoming:
    value = body if isinstance(body, bytes) else msgspec.json.encode(BODY | fields if body is None else body)
    return Incoming(0, 7, int(at.timestamp() * 1000), key, value, [])


def door(*brands: Brand, **registry: Any) -> Door:
    return Door(Registry(brands or [Brand(slug="acme")], **registry), HASHER)


def let_in(at_door: Door, *, counts: Counter[tuple[str, ...]] | None = None, at: datetime = NOW, **fields: Any) -> LanguageMention:
    counts = Counter() if counts is None else counts
    record = incoming(at=at, **fields)
    mention = at_door.decode(record, counts)
    assert isinstance(mention, Mention)
    return admitted(at_door, mention, record, counts)


def admitted(at_door: Door, mention: Mention, record: Incoming, counts: Counter[tuple[str, ...]]) -> LanguageMention:
    """What the next stage reads: all that the door says of a mention, and in the order in which the record itself would be written."""
    value = written(*at_door.mention(mention, record, DUTCH, counts))
    read = msgspec.json.decode(value, type=LanguageMention)
    assert msgspec.json.encode(read) == value
    return read


# dead letters


@pytest.mark.parametrize(
    ("record", "reason", "place"),
    [
        pytest.param(Incoming(0, 0, 0, None, None, []), Reason.EMPTY_VALUE, "", id="tombstone"),
        pytest.param(incoming(b""), Reason.EMPTY_VALUE, "", id="empty"),
        pytest.param(incoming(b"geheim"), Reason.NOT_JSON, "", id="no JSON"),
        pytest.param(incoming(b'{"text": "geheim'), Reason.NOT_JSON, "", id="half a record"),
        pytest.param(incoming(b"\xff\xfe"), Reason.NOT_JSON, "", id="no UTF-8"),
        pytest.param(incoming(b"[" * 100_000), Reason.INVALID_RECORD, "", id="deep"),
        pytest.param(incoming(b"null"), Reason.INVALID_RECORD, "", id="null"),
        pytest.param(incoming(type="geheim"), Reason.UNKNOWN_TYPE, "$.type", id="unknown type"),
        pytest.param(incoming({"type": "tick"}), Reason.INVALID_RECORD, "at", id="a tick without a time"),
        pytest.param(incoming(text=["geheim"]), Reason.INVALID_RECORD, "$.text", id="wrong type of a field"),
        pytest.param(incoming(author={}), Reason.INVALID_RECORD, "$.author", id="no author id"),
        pytest.param(incoming(published_at="2026-03-01T11:59:00"), Reason.INVALID_RECORD, "$.published_at", id="no time zone"),
        pytest.param(incoming(brand="Geheim BV"), Reason.INVALID_RECORD, "$.brand", id="no slug"),
        pytest.param(incoming(brand="acme\n"), Reason.INVALID_RECORD, "$.brand", id="a slug with a line break"),
        pytest.param(incoming(text="g" * 100_001), Reason.TOO_LARGE, "$.text", id="long text"),
        pytest.param(incoming(title="g" * 2_001), Reason.INVALID_RECORD, "$.title", id="long title"),
        pytest.param(incoming(key=b"geheim"), Reason.KEY_MISMATCH, "$.brand", id="another brand's key"),
        pytest.param(incoming(key=b""), Reason.KEY_MISMATCH, "$.brand", id="a key that is empty is not null"),
        pytest.param(incoming(TICK | {"brand": "acme"}, key=b"b"), Reason.KEY_MISMATCH, "$.brand", id="tick"),
    ],
)  # fmt: skip
def test_what_is_at_fault_is_refused_with_its_place_and_never_its_content(record: Incoming, reason: Reason, place: str) -> None:
    with pytest.raises(RejectedRecordError) as refused:
        door().decode(record, Counter())
    assert refused.value.reason is reason
    assert place in refused.value.detail
    assert "geheim" not in str(refused.value).lower()


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        pytest.param(incoming(key=b"acme"), Mention, id="key and brand agree"),
        pytest.param(incoming(), Mention, id="null key"),
        pytest.param(incoming(type="mention"), Mention, id="type given"),
        pytest.param(incoming(text=""), Mention, id="no text"),
        pytest.param(incoming(text="g" * 100_000), Mention, id="longest text"),
        pytest.param(incoming({"type": "retraction", "mention_id": "x:1", "brand": "acme"}, key=b"acme"), Retraction, id="retraction"),
        pytest.param(incoming(TICK), Tick, id="tick"),
        pytest.param(incoming(TICK, key=b"any"), Tick, id="tick with a key"),
    ],
)
def test_what_is_let_in(record: Incoming, kind: type) -> None:
    assert isinstance(door().decode(record, Counter()), kind)


def test_unknown_fields_are_let_in_and_counted() -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    door().decode(incoming(colour="red"), counts)
    assert counts == {("unknown_fields",): 1}


# who wrote it


def test_an_author_is_a_pseudonym_and_the_display_name_is_gone() -> None:
    mention = let_in(door(), author={"id": "12345", "name": "Jan de Boer", "followers": 7, "role": "press"})
    assert mention.author == Author(id=HASHER("x", "12345"), name=None, followers=7, role="press")
    assert b"Jan" not in msgspec.json.encode(mention)
    assert b"12345" not in msgspec.json.encode(mention)


def test_pseudonyms_are_stable_per_key_and_channel() -> None:
    assert HASHER("x", "12345") == HASHER("x", "12345")
    others = {HASHER("x", "12345"), HASHER("mastodon", "12345"), HASHER("x", "12346"), AuthorHasher(b"other key")("x", "12345")}
    assert len(others) == 4
    assert HASHER("x", "a\x1fb") != HASHER("x\x1fa", "b") or HASHER("x", "ab") != HASHER("xa", "b")


@given(st.text(min_size=1), st.text(min_size=1), st.binary(min_size=1, max_size=200))
def test_a_pseudonym_is_never_hashed_again(channel: str, author: str, key: bytes) -> None:
    hasher = AuthorHasher(key)
    once = hasher(channel, author)
    assert once.startswith("h1:")
    assert len(once) == 35
    assert hasher("elsewhere", once) == once


def test_an_id_that_only_begins_like_a_pseudonym_is_hashed() -> None:
    assert HASHER("x", "h1:jan-de-boer") != "h1:jan-de-boer"


def test_without_a_key_there_are_no_pseudonyms() -> None:
    with pytest.raises(ValueError, match="author key is empty"):
        AuthorHasher(b"")


@pytest.mark.parametrize(
    ("account", "channel", "author"),
    [
        pytest.param("x:acme_care", "x", "acme_care", id="as listed"),
        pytest.param("x:acme_care", "x", "@Acme_Care", id="with an at sign and other case"),
        pytest.param("x:@ACME_care", "x", "acme_care", id="listed with an at sign"),
        pytest.param("mastodon:acme@social.example", "mastodon", "@acme@social.example", id="at sign inside"),
        pytest.param("forum:acme:2", "forum", "acme:2", id="colon inside"),
        pytest.param("x:acme_care", "x", HASHER("x", "acme_care"), id="hashed where it comes from"),
        pytest.param(f"x:{HASHER('x', '77')}", "x", "77", id="listed by its pseudonym"),
    ],
)
def test_a_listed_account_is_recognised(account: str, channel: str, author: str) -> None:
    own = let_in(door(Brand(slug="acme", accounts=(account,))), channel=channel, author={"id": author})
    assert own.direction == "outbound"
    counts: Counter[tuple[str, ...]] = Counter()
    blocked = let_in(door(Brand(slug="acme", blocked_authors=(account,))), counts=counts, channel=channel, author={"id": author})
    assert (blocked.spam, blocked.direction) == (True, "inbound")
    assert counts["spam",] == 1


@pytest.mark.parametrize(("channel", "author"), [("x", "acme_car"), ("x", "acme_care2"), ("y", "acme_care"), ("x", "@@acme_care")])
def test_other_accounts_are_not(channel: str, author: str) -> None:
    at_door = door(Brand(slug="acme", accounts=("x:acme_care",), blocked_authors=("x:acme_care",)))
    mention = let_in(at_door, channel=channel, author={"id": author})
    assert (mention.direction, mention.spam) == ("inbound", False)


def test_another_brands_account_is_a_customer_like_any_other() -> None:
    at_door = door(Brand(slug="acme"), Brand(slug="other", accounts=("x:other",)))
    assert let_in(at_door, author={"id": "other"}).direction == "inbound"


def test_what_a_connector_knows_to_be_outbound_stays_so() -> None:
    assert let_in(door(), direction="outbound").direction == "outbound"


# brands


def test_the_brands_mode_is_stamped() -> None:
    at_door = door(Brand(slug="acme", mode="observe"), Brand(slug="other"))
    assert let_in(at_door).mode == "observe"
    assert let_in(at_door, brand="other").mode == "live"


def test_an_unknown_brand_has_the_default_profile_and_is_counted() -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    assert let_in(door(), counts=counts, brand="nobody").mode == "live"
    assert counts["unknown_brands",] == 1


@pytest.mark.parametrize(("channels", "counted"), [((), 0), (("x", "hyves"), 0), (("mastodon",), 1)])
def test_a_channel_that_is_not_listed_is_let_in_and_counted(channels: tuple[str, ...], counted: int) -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    assert let_in(door(channels=channels), counts=counts).channel == "x"
    assert counts["unknown_channels",] == counted


@pytest.mark.parametrize(
    ("fields", "is_ambiguous"),
    [
        pytest.param({"text": "Lekker, een tros bananen"}, True, id="none of the words"),
        pytest.param({"text": "Tros-omroep? Nee."}, False, id="a word, other case"),
        pytest.param({"text": "die omroepster"}, True, id="part of a word"),
        pytest.param({"text": "de publieke  omroep"}, False, id="a whole word"),
        pytest.param({"text": "op de\nbeeldbuis vanavond"}, False, id="several words"),
        pytest.param({"text": "#omroep"}, False, id="hashtag"),
        pytest.param({"text": "Fijn", "title": "De omroep"}, False, id="in the title"),
        pytest.param({"text": "Fijn", "title": "Bananen"}, True, id="not in the title either"),
        pytest.param({"text": "bananen", "addressed": True}, False, id="addressed to the brand"),
        pytest.param({"text": "bananen", "addressed": False}, True, id="not addressed"),
        pytest.param({"text": "bananen", "author": {"id": "tros"}}, False, id="the brand's own"),
        pytest.param({"text": "bananen", "brand": "other"}, False, id="a brand whose name is no word"),
    ],
)
def test_a_name_that_is_also_a_word(fields: dict[str, Any], is_ambiguous: bool) -> None:
    tros = Brand(slug="acme", accounts=("x:tros",), ambiguous=Ambiguous(needs_any=("omroep", "de  beeldbuis")))
    assert let_in(door(tros, Brand(slug="other")), **fields).ambiguous is is_ambiguous


# clocks


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("published", "received", "detected", "is_ahead"),
    [
        pytest.param("2026-03-01T11:59:00Z", None, NOW - MINUTE, False, id="ordinary"),
        pytest.param("2026-03-01T13:59:00+02:00", None, NOW - MINUTE, False, id="another zone"),
        pytest.param("2026-03-01T12:02:00Z", None, NOW + ALLOWANCE, False, id="just ahead of arrival"),
        pytest.param("2026-03-01T12:02:01Z", None, NOW + ALLOWANCE, True, id="ahead of arrival"),
        pytest.param(
            "2026-03-01T11:59:00Z", "2026-03-01T10:00:00Z", NOW - timedelta(minutes=118), True, id="ahead of when it was received"
        ),
        pytest.param("2019-05-05T10:00:00Z", "2019-05-05T10:01:00Z", moment("2019-05-05T10:00:00Z"), False, id="a replay of long ago"),
        pytest.param("2029-05-05T10:00:00Z", "2029-05-05T10:01:00Z", NOW + ALLOWANCE, True, id="both clocks years ahead"),
        pytest.param("9999-12-31T23:59:59Z", None, NOW + ALLOWANCE, True, id="the last year"),
        pytest.param("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59-12:00", NOW + ALLOWANCE, True, id="the last year, received so"),
        pytest.param("0001-01-01T00:00:00+14:00", None, moment("1970-01-01T00:00:00Z"), False, id="before the first year"),
        pytest.param("2026-03-01T11:59:00Z", "0001-01-01T00:00:00+14:00", moment("1970-01-01T00:00:00Z"), True, id="received before it"),
    ],
)
def test_detection_time(published: str, received: str | None, detected: datetime, is_ahead: bool) -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    mention = let_in(door(), counts=counts, published_at=published, received_at=received)
    assert (mention.detected_at, mention.clock_ahead) == (detected, is_ahead)
    assert counts["clamped", "unknown"] == is_ahead


def test_a_missing_time_of_arrival_is_that_of_the_log() -> None:
    assert let_in(door(), at=NOW + MINUTE).received_at == NOW + MINUTE
    assert let_in(door(), received_at="2026-03-01T12:30:00+01:00").received_at == NOW - 30 * MINUTE


def test_a_time_of_arrival_that_cannot_be_is_not_believed() -> None:
    assert let_in(door(), received_at="2999-01-01T00:00:00Z").received_at == NOW


def test_a_replay_is_believed_whatever_the_broker_says() -> None:
    """Offline and on a broker the same file must come out the same, whenever it is replayed."""
    at_door = Door(Registry([Brand(slug="acme")]), HASHER, replaying=True)
    for year in ("2029", "1971"):
        mention = let_in(at_door, published_at=f"{year}-05-05T10:00:00Z", received_at=f"{year}-05-05T10:01:00Z")
        assert (mention.detected_at, mention.clock_ahead) == (moment(f"{year}-05-05T10:00:00Z"), False)
    record = incoming({"type": "retraction", "mention_id": "x:1", "brand": "acme", "retracted_at": "2029-05-05T10:00:00Z"})
    retraction = at_door.decode(record, Counter())
    assert isinstance(retraction, Retraction)
    assert at_door.retraction(retraction, record).detected_at == moment("2029-05-05T10:00:00Z")


def test_headers_that_would_fill_every_topic_are_refused() -> None:
    heavy = incoming()._replace(headers=[("trace", b"x" * 70_000)])
    with pytest.raises(RejectedRecordError) as refused:
        door().decode(heavy, Counter())
    assert refused.value.reason is Reason.TOO_LARGE
    light = incoming()._replace(headers=[("trace", b"x" * 60_000), ("empty", None)])  # type: ignore[list-item]  # Kafka allows null
    assert isinstance(door().decode(light, Counter()), Mention)


def test_a_source_that_is_late_by_nature_counts_when_it_arrives() -> None:
    sources = (SourceSettings(name="digest", detection_time="received"), SourceSettings(name="stream"))
    at_door = door(sources=sources)
    assert let_in(at_door, source="digest", published_at="2026-02-20T12:00:00Z").detected_at == NOW
    assert let_in(at_door, source="stream", published_at="2026-02-20T12:00:00Z").detected_at == moment("2026-02-20T12:00:00Z")


@pytest.mark.parametrize(("source", "label"), [("stream", "stream"), ("elsewhere", "_other"), (None, "unknown")])
def test_clamped_clocks_are_counted_by_registered_source(source: str | None, label: str) -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    let_in(door(sources=(SourceSettings(name="stream"),)), counts=counts, source=source, published_at="2027-01-01T00:00:00Z")
    assert counts["clamped", label] == 1


@pytest.mark.parametrize(
    ("retracted", "detected"),
    [
        (None, NOW),
        ("2026-03-01T11:00:00Z", NOW - 60 * MINUTE),
        ("2026-03-01T13:00:00Z", NOW + ALLOWANCE),
        ("9999-12-31T23:59:59-12:00", NOW + ALLOWANCE),
        ("0001-01-01T00:00:00+14:00", moment("1970-01-01T00:00:00Z")),
    ],
)
def test_a_retraction_has_its_brands_mode_and_a_time(retracted: str | None, detected: datetime) -> None:
    at_door = door(Brand(slug="acme", mode="observe"))
    record = incoming({"type": "retraction", "mention_id": "x:1", "brand": "acme", "retracted_at": retracted})
    retraction = at_door.decode(record, Counter())
    assert isinstance(retraction, Retraction)
    stepped = at_door.retraction(retraction, record)
    assert (stepped.mode, stepped.detected_at) == ("observe", detected)


@pytest.mark.parametrize(
    ("at", "replay", "passes_at"),
    [
        ("2026-03-01T11:00:00Z", None, NOW - 60 * MINUTE),
        ("2026-03-01T13:00:00+01:00", None, NOW),
        ("2026-03-01T12:00:01Z", None, NOW),
        ("2029-01-01T00:00:00Z", "running", moment("2029-01-01T00:00:00Z")),
        ("2029-01-01T00:00:00Z", "end", moment("2029-01-01T00:00:00Z")),
        ("9999-12-31T23:59:59-12:00", "end", moment("2100-01-01T00:00:00Z")),
    ],
)
def test_a_live_tick_is_never_ahead_of_the_log(at: str, replay: str | None, passes_at: datetime) -> None:
    at_door = door()
    record = incoming({"type": "tick", "at": at, "replay": replay})
    tick = at_door.decode(record, Counter())
    assert isinstance(tick, Tick)
    assert at_door.tick(tick, record) == Tick(at=passes_at, replay=replay)


zones = st.timezones() | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(timezones=zones, allow_imaginary=False)


@settings(max_examples=300, deadline=None)
@given(moments, moments | st.none(), st.integers(-1, 2**63 - 1) | st.integers(0, 2_000_000_000_000))
def test_no_date_can_hurt(published: datetime, received: datetime | None, appended: int) -> None:
    """Any dates: detection is never later than 2 minutes after arrival, and leaves room for the days that later stages add."""
    at_door = door()
    mention = Mention(
        mention_id="x:1", brand="acme", channel="x", channel_family="social", text="", published_at=published, received_at=received,
        author=Author(id="1"),
    )  # fmt: skip
    record = Incoming(0, 0, appended, None, b"", [])
    stepped = admitted(at_door, mention, record, Counter())
    assert stepped.received_at is not None
    assert moment("1970-01-01T00:00:00Z") <= stepped.detected_at <= moment("2100-01-01T00:00:00Z")
    assert stepped.detected_at - ALLOWANCE <= max(stepped.received_at, moment("1970-01-01T00:00:00Z"))
    assert stepped.clock_ahead == (stepped.published_at > stepped.received_at and stepped.published_at - stepped.received_at > ALLOWANCE)
    assert msgspec.json.decode(msgspec.json.encode(stepped), type=LanguageMention) == stepped
    if 0 <= appended <= 4_000_000_000_000:
        assert stepped.detected_at.year < 2120
    at_door.retraction(Retraction(mention_id="x:1", brand="acme", retracted_at=published), record)
    at_door.tick(Tick(at=published), record)


# hints


@pytest.mark.parametrize(
    ("record_hint", "source", "hint"),
    [
        (None, None, None),
        ("nl-BE", None, "nl"),
        (None, "flemish", "nl"),
        ("fr", "flemish", "fr"),
        ("und", "flemish", "nl"),
        ("fi", "flemish", None),
        (None, "world", None),
        (None, "never-heard-of", None),
    ],
)
def test_the_records_own_hint_comes_before_its_sources(record_hint: str | None, source: str | None, hint: str | None) -> None:
    at_door = door(sources=(SourceSettings(name="flemish", language_hint="nl"), SourceSettings(name="world", neutral_language_priors=True)))
    mention = at_door.decode(incoming(language_hint=record_hint, source=source), Counter())
    assert isinstance(mention, Mention)
    assert at_door.hint(mention) == hint
    assert at_door.is_neutral(mention) is (source == "world")
