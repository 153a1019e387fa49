"""What routing keeps: small, the same when it comes back, also out of changelogs written before snapshots were packed."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from pipeline import packed_items, threads
from pipeline.agenda import DAY, Agenda
from pipeline.decisions import FACTS
from pipeline.items import Kept
from pipeline.shelf import Shelf
from pipeline.threads import History, Post, Said, Thread, offset_of
from schemas.codec import encode
from schemas.mention import Author, Situation
from schemas.outputs import Quote, WorkItem

zones = st.sampled_from([UTC, UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=3, minutes=30))])
moments = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=zones)
utc_moments = st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
labels = st.sampled_from(["negative", "neutral", "positive", "unscored"])
urls = st.none() | names
posts = st.builds(Post, names, labels, moments, urls, st.booleans(), st.lists(names, max_size=2).map(tuple), st.booleans()).map(
    lambda post: msgspec.structs.replace(post, offset=offset_of(post.published_at))
)
said = st.builds(Said, names, labels, moments, urls).map(lambda one: msgspec.structs.replace(one, offset=offset_of(one.published_at)))
parts = st.builds(
    Thread, utc_moments, st.lists(posts, max_size=4), st.integers(0, 9), st.dictionaries(names, st.none() | names, max_size=3)
)
histories = st.builds(History, utc_moments, st.lists(said, max_size=5))


def as_before(part: Struct) -> Any:
    """With field names, as snapshots had them before."""
    fields = {name: getattr(part, name) for name in part.__struct_fields__ if name != "offset"}
    return {name: [as_before(one) for one in value] if name in ("posts", "quotes") else value for name, value in fields.items()}


@given(parts, histories)
def test_threads_and_authors_come_back_as_they_were(thread: Thread, history: History):
    for packed in (threads.pack(thread), encode(as_before(thread))):
        back = threads.unpack_thread(packed)
        assert back == thread
        assert encode(back.quotes()) == encode(thread.quotes()), "a time is written as it was"
    for packed in (threads.pack(history), encode(as_before(history))):
        back_history = threads.unpack_history(packed)
        assert back_history == history
        assert encode([one.quote() for one in back_history.quotes]) == encode([one.quote() for one in history.quotes])
    assert threads.last_at(threads.pack(thread)) == threads.last_at(thread) == thread.last_at


# items

quotes = st.builds(Quote, mention_id=names, label=labels, published_at=moments, url=urls)
values = st.none() | st.booleans() | st.integers(0, 10**12) | st.floats(-5, 5) | names | st.lists(names, max_size=2)
facts = st.fixed_dictionaries(dict.fromkeys(FACTS, values)) | st.dictionaries(names, values, max_size=3)
items = st.builds(
    WorkItem,
    item_id=names,
    revision=st.integers(1, 99),
    brand=st.just("noordnet"),
    mode=st.sampled_from(["live", "observe"]),
    kind=st.sampled_from(["task", "inform"]),
    status=st.sampled_from(["open", "closed"]),
    mention_id=names,
    queue=urls,
    recipient=urls,
    priority=st.sampled_from(["critical", "low"]),
    rank=st.integers(0, 10**9),
    posture=st.just("defensive"),
    response_policy=st.just("respond"),
    response_reason=names,
    handling=st.just("reply_in_channel"),
    rule=names,
    config_hash=names,
    opened_at=utc_moments,
    updated_at=utc_moments,
    root_id=urls,
    found=st.lists(names, max_size=2).map(tuple),
    intents=st.lists(names, max_size=2).map(tuple),
    topic=urls,
    due_at=st.none() | utc_moments,
    calendar=urls,
    sla=st.sampled_from([None, "on_track", "at_risk", "breached"]),
    closed_at=st.none() | utc_moments,
    closed_reason=st.sampled_from([None, "answered"]),
    facts=facts,
    channel=urls,
    channel_family=urls,
    language=urls,
    mood=labels,
    compound=st.none() | st.floats(-1, 1),
    text=urls,
    url=urls,
    author=st.none() | st.builds(Author, id=names, followers=st.none() | st.integers(0, 10**7), role=st.just("press")),
    author_history=st.lists(quotes, max_size=2).map(tuple),
    thread=st.lists(quotes, max_size=3).map(tuple),
    thread_size=st.integers(0, 30),
    situation=st.none()
    | st.builds(Situation, tier=st.sampled_from([None, "crisis"]), incident_id=urls, observed=st.none() | st.floats(0, 9)),
    dossier=urls,
)
kept_items = st.builds(
    Kept,
    item=items,
    latest_at=utc_moments,
    decided_by=names,
    since=utc_moments,
    at_risk_at=st.none() | utc_moments,
    marketing=st.booleans(),
)


@settings(max_examples=200)
@given(kept_items)
def test_an_item_comes_back_as_it_was(kept: Kept):
    packed = packed_items.pack(kept)
    for snapshot in (packed, encode(kept)):  # as it was written before: JSON with field names
        back = packed_items.unpack(snapshot)
        assert back == kept
        assert encode(back) == encode(kept), "told again, it is the same to the byte"
    assert packed_items.head(packed) == packed_items.head(kept)
    assert packed_items.head(packed).is_open_task == kept.is_open_task


def test_every_field_of_an_item_is_kept():
    named = (*packed_items.HEAD, *packed_items.FIELDS, *packed_items._OWN_FORM)
    assert sorted(named) == sorted(WorkItem.__struct_fields__), "add a new one at the end of FIELDS"
    assert set(Kept.__struct_fields__) - {"item"} <= set(packed_items._Packed.__struct_fields__)


@pytest.mark.parametrize("damaged", [b"", b"\x01", b"\x01\xc0", b"\x01\x90", b"\x03{}", b"[]", b"{}", b"\x01\xff\xff"])
def test_what_is_no_snapshot_is_refused(damaged: bytes):
    for unpack in (packed_items.unpack, threads.unpack_thread, threads.unpack_history):
        with pytest.raises(ValueError):
            unpack(damaged)


# the shelf


def test_what_is_worked_on_is_packed_once_the_batch_is_over():
    packed: list[str] = []

    def pack(thing: list[str]) -> bytes:
        packed.append(",".join(thing))
        return packed[-1].encode()

    shelf = Shelf(pack, lambda held: held.decode().split(","))
    shelf.put("a", ["1"])
    assert shelf.get("a") == ["1"]
    assert dict(shelf.changes()) == {"a": b"1"}
    assert shelf.held("a") == b"1"
    thing = shelf.get("a")
    assert thing == ["1"]
    assert shelf.get("a") is thing, "asked for twice, it is unpacked once"
    assert dict(shelf.changes()) == {}
    shelf.put("b", ["2"])
    assert dict(shelf.changes()) == {"b": b"2"}
    assert packed == ["1", "2"], "and what nobody changed is not packed again"
    shelf.remove("a")
    assert dict(shelf.changes()) == {"a": None}
    assert shelf.get("a") is None


# the agenda


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.floats(0, 40 * DAY), st.sampled_from(["push", "push", "wait", "jump"])),
        max_size=40,
    ),
    st.integers(0, 7),
)
def test_days_that_are_opened_late_give_every_moment_in_order(plan: list[tuple[int, float, str]], ahead: int):
    """Against a plain list of moments: a name has its last moment, and comes at it, however time jumps."""
    ends: dict[str, float] = {}
    agenda = Agenda(lambda name: ends.get(name), ahead)
    now = 0.0
    for number, span, what in plan:
        name = f"n{number}"
        if what == "push":
            ends[name] = now + span
            agenda.push(now + span, name)
            continue
        now += span if what == "jump" else span / 40
        expected = sorted((at, name) for name, at in ends.items() if at <= now)
        came = []
        agenda.open(now)
        while (entry := agenda.first(now)) is not None:
            agenda.pop()
            if ends.get(entry[1]) == entry[0]:
                came.append(entry)
                del ends[entry[1]]
        assert came == expected
        left = min(ends.values(), default=None)
        due = agenda.due()
        assert left is None or due <= left, "nothing is forgotten"


@given(st.lists(st.floats(0, 400 * DAY), max_size=20, unique=True))
def test_the_earliest_comes_first_however_far_ahead(moments_: list[float]):
    ends = {f"n{number}": at for number, at in enumerate(moments_)}
    agenda = Agenda(ends.get)
    for name, at in ends.items():
        agenda.push(at, name)
    came = []
    while (entry := agenda.earliest()) is not None:
        assert ends[entry[1]] == entry[0]
        came.append(entry[0])
    assert came == sorted(moments_)
