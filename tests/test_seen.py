"""What is remembered of a mention: small, packed, and enough to tell repeats, duplicates and edits apart."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.buckets import Buckets
from pipeline.identities import SEEN_BUCKETS, Identities, forgotten_at
from pipeline.journal import Journal, seal
from pipeline.key import FAMILIES
from pipeline.parts import numbers_of
from pipeline.seen import (
    EXCLUDED,
    KEPT_ORIGINS,
    MARK,
    NEGATIVE,
    PLACE,
    REPLY,
    REPOST,
    ROOT,
    Marks,
    Seen,
    author_of,
    fields_of,
    identity_of,
    offset_of,
    partition_of,
    role_of,
    unpack,
)
from pipeline.stage import Origin
from schemas.mention import Author, ScoredMention, Sentiment, Signals

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def mention(**over: object) -> ScoredMention:
    fields: dict = {
        "mention_id": "x:1",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": "Geen bereik",
        "published_at": AT,
        "detected_at": AT,
        "author": Author(id="h1:a"),
        "mode": "live",
        "sentiment": Sentiment(label="negative"),
        "signals": Signals(),
    }
    return ScoredMention(**fields | over)


@given(
    st.builds(
        Seen,
        bucket=st.integers(0, 2**32 - 1),
        applied=st.integers(0, 2**32 - 1),
        author=st.integers(0, 2**64 - 1),
        polarity=st.integers(0, 3),
        role=st.integers(0, 3),
        live=st.booleans(),
        retracted=st.booleans(),
        late=st.booleans(),
        edit=st.integers(-1, 1_000_000),
        blocked=st.integers(0, KEPT_ORIGINS),
        accepted=st.lists(st.binary(min_size=MARK, max_size=MARK), max_size=KEPT_ORIGINS).map(tuple),
        family=st.integers(0, 15),
        public=st.integers(0, 15),
        topic=st.one_of(st.just(0), st.integers(0, 2**32 - 1)),
    ).map(lambda seen: seen._replace(public=0) if seen.family else seen)
)
def test_an_identity_comes_back_from_at_most_64_bytes(seen: Seen):
    packed = seen.pack()
    assert len(packed) <= 64
    assert unpack(packed) == seen
    assert fields_of(packed)[3] == seen.applied


def test_an_identity_of_before_there_were_public_families_and_topics_is_read():
    packed = Seen(7, 8, 9, NEGATIVE, ROOT, live=True, edit=0, accepted=(bytes(MARK),)).pack()
    assert packed[0] == 1
    assert (unpack(packed).family, unpack(packed).public, unpack(packed).topic) == (0, 0, 0)
    private = Seen(7, 8, family=3).pack()
    assert (unpack(private).family, unpack(private).public) == (3, 0)


@pytest.mark.parametrize("wrong", [b"", b"\x01", b"\x02" + Seen(1, 1).pack()[1:], Seen(1, 1).pack() + b"x"])
def test_another_version_is_refused(wrong: bytes):
    with pytest.raises(ValueError, match="version"):
        unpack(wrong)


@given(st.text(min_size=1), st.integers(0, 0xFFFF), st.integers(0, 2**48 - 1))
def test_a_mark_names_its_origin(epoch: str, partition: int, offset: int):
    mark = Marks()(Origin(epoch, partition, offset))
    assert len(mark) == MARK
    assert (partition_of(mark), offset_of(mark)) == (partition, offset)
    assert mark == Marks()(Origin(epoch, partition, offset))
    assert mark[:PLACE] != Marks()(Origin(epoch + "'", partition, offset))[:PLACE]


def test_accepted_origins_are_those_of_the_last_versions():
    seen = Seen(1, 1)
    marks = [bytes([edit]) * MARK for edit in range(5)]
    for edit, mark in enumerate(marks):
        seen = seen.accept(mark, edit)
    assert seen.accepted == tuple(marks[-KEPT_ORIGINS:])
    assert seen.edit == 4
    assert not any(seen.was_blocked(mark) for mark in seen.accepted)


def test_versions_after_the_retraction_are_blocked_those_before_it_are_not():
    before, after = b"b" * MARK, b"a" * MARK
    seen = Seen(1, 1).accept(before, 0)._replace(retracted=True).accept(after, 1)
    assert not seen.was_blocked(before)
    assert seen.was_blocked(after)
    assert unpack(seen.pack()).was_blocked(after)


@pytest.mark.parametrize(
    ("over", "role"),
    [
        ({}, ROOT),
        ({"kind": "review"}, ROOT),
        ({"kind": "reply"}, REPLY),
        ({"kind": "repost"}, REPOST),
        ({"direction": "outbound"}, EXCLUDED),
        ({"direction": "outbound", "kind": "repost"}, EXCLUDED),
        ({"spam": True}, EXCLUDED),
        ({"ambiguous": True}, EXCLUDED),
        ({"visibility": "private"}, ROOT),
        ({"visibility": "private", "direction": "outbound"}, EXCLUDED),
    ],
)
def test_how_a_mention_takes_part(over: dict, role: int):
    assert role_of(mention(**over)) == role


def test_ids_with_any_characters_have_a_key():
    assert len(identity_of("x:\ud800|é")) == 16
    assert author_of("h1:a") != author_of("h1:b")


# identities


def test_an_identity_is_kept_7_days_from_when_it_was_applied():
    identities = Identities("noordnet", Journal())
    identities.remember(b"o" * 16, Seen(1200, 100))
    identities.remember(b"n" * 16, Seen(1200, 101))  # the same bucket, applied an hour later
    identities.forget(1200 + SEEN_BUCKETS)
    assert identities.recall(b"o" * 16) is not None
    identities.forget(forgotten_at(100))
    assert identities.recall(b"o" * 16) is None
    assert identities.recall(b"n" * 16) is not None
    assert identities.first_hour() == 101


def test_what_changes_again_is_kept_longer_and_forgetting_leaves_tombstones():
    journal = Journal()
    identities = Identities("noordnet", journal)
    identities.remember(b"a" * 16, Seen(1200, 100))
    identities.remember(b"a" * 16, Seen(1200, 150, edit=1))
    identities.forget(forgotten_at(100))
    assert identities.recall(b"a" * 16) == Seen(1200, 150, edit=1)
    key = b"noordnet|seen|" + (b"a" * 16).hex().encode()
    assert journal.drain() == {key: seal(key, Seen(1200, 150, edit=1).pack())}
    identities.forget(forgotten_at(150))
    assert journal.drain() == {key: None}
    assert len(identities) == 0


# buckets

live = st.builds(
    Seen,
    bucket=st.integers(0, 20),
    applied=st.just(0),
    author=st.integers(0, 5),
    polarity=st.integers(0, 3),
    role=st.sampled_from([ROOT, REPLY, REPOST]),
    live=st.just(True),
)


def test_what_is_private_takes_part_in_its_own_family_only():
    assert numbers_of(mention())[0] == 0
    codes = {numbers_of(mention(visibility="private", channel_family=family))[0] for family in FAMILIES}
    assert codes == set(range(1, len(FAMILIES) + 1))
    assert max(codes) < 16, "a code has four bits"


@given(st.lists(live, max_size=60), st.randoms())
def test_order_of_arrival_changes_no_count(entries: list[Seen], rng):
    def counts(order: list[Seen]) -> list[tuple[int, int]]:
        buckets = Buckets()
        for seen in order:
            buckets.add(seen)
        return [buckets.close(number) for number in range(21)]

    shuffled = entries[:]
    rng.shuffle(shuffled)
    assert counts(entries) == counts(shuffled)
    expected = {(seen.author, seen.polarity, seen.bucket // 12) for seen in entries if seen.role != REPOST}
    assert sum(mentions for _, mentions in counts(entries)) == len(expected)


@given(st.lists(live, max_size=60), st.integers(0, 20), st.data())
def test_buckets_are_rebuilt_from_what_was_seen(entries: list[Seen], first_open: int, data):
    """The same counts, late ones too, as if there had been no restart."""
    kept = Buckets()
    for seen in entries:
        kept.add(seen)
    for number in range(first_open):
        kept.close(number)
        kept.forget(number + 1)
    rebuilt = Buckets()
    rebuilt.rebuild(entries, first_open)
    assert rebuilt.waiting == kept.waiting
    late = data.draw(st.lists(live, max_size=5))
    for buckets in (kept, rebuilt):
        for seen in late:
            if seen.bucket < first_open:
                buckets.add_late(seen)
    assert [kept.close(number) for number in range(first_open, 21)] == [rebuilt.close(number) for number in range(first_open, 21)]
    assert kept.volume(0, 20) == rebuilt.volume(0, 20)


@given(st.lists(live, min_size=1, max_size=40))
def test_what_is_taken_away_again_was_never_there(entries: list[Seen]):
    buckets = Buckets()
    for seen in entries:
        buckets.add(seen)
    for seen in entries:
        buckets.remove(seen)
    assert buckets.waiting == 0
    assert all(buckets.close(number) == (0, 0) for number in range(21))
    assert buckets.volume(0, 20).amplification is None


def test_a_repost_amplifies_and_a_reply_does_both():
    buckets = Buckets()
    for author, role in enumerate([ROOT, ROOT, REPLY, REPOST, REPOST]):
        buckets.add(Seen(3, 0, author, NEGATIVE, role, live=True))
    assert buckets.close(3) == (3, 3)
    assert buckets.volume(0, 5) == (3, 3, 0, 1.5)
