"""The demo's scenario: the same for the same seed, sound but for what is broken on purpose, and with everything planted where it says."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.demo.oddities import Line
from agents.demo.phrases import SECTORS, TONES, load_phrases, parse_phrases
from agents.demo.planted import BOTS, CAMPAIGN, END, FLOOD, FLOOD_POSTS, PLANTED, ROW, START, WAVE
from agents.demo.rhythm import EVENINGS, ZONE, moments
from agents.demo.scenario import BRANDS, SEED, scenario
from agents.demo.wording import Deck
from pipeline.ticks import file_times
from schemas.codec import Reason, RejectedRecordError, raw_decoder
from schemas.mention import Mention, Retraction

SLUGS = [brand.slug for brand in BRANDS]


class Story(NamedTuple):
    lines: list[Line]
    mentions: list[tuple[Line, Mention]]
    retractions: list[tuple[Line, Retraction]]
    reasons: Counter[Reason]


@cache
def story() -> Story:
    told = Story(list(scenario(load_phrases())), [], [], Counter())
    decoder = raw_decoder()
    for line in told.lines:
        try:
            record = decoder.decode(line.value)
        except RejectedRecordError as error:
            told.reasons[error.reason] += 1
            continue
        if isinstance(record, Mention):
            told.mentions.append((line, record))
        elif isinstance(record, Retraction):
            told.retractions.append((line, record))
    assert decoder.unknown_fields == 0
    return told


def of(brand: str) -> Iterator[Mention]:
    return (mention for _, mention in story().mentions if mention.brand == brand)


# as a whole


def test_the_same_seed_tells_the_same_story_and_another_one_another():
    assert list(scenario(load_phrases(), SEED)) == story().lines
    assert [line.value for line in scenario(load_phrases(), SEED + 1)] != [line.value for line in story().lines]


def test_it_has_the_size_and_the_span_it_promises():
    assert 15_000 <= len(story().lines) <= 20_000
    assert {mention.brand for _, mention in story().mentions} == set(SLUGS)
    published = [mention.published_at for _, mention in story().mentions]
    assert min(published) >= START
    assert sum(at >= END for at in published) == 0
    assert max(line.at for line in story().lines) < END


def test_lines_come_in_the_order_of_delivery_keyed_by_brand():
    assert all(one.at <= other.at for one, other in pairwise(story().lines))
    assert all(line.key == mention.brand.encode() for line, mention in story().mentions)
    assert all(b"\n" not in line.value for line in story().lines)


def test_a_replay_takes_it_and_no_clock_pulls_it_along():
    lines = story().lines
    published = {id(line): mention.published_at.timestamp() for line, mention in story().mentions}
    times = file_times([published.get(id(line)) for line in lines])
    assert all(abs(now - line.at.timestamp()) < 3600 for now, line in zip(times, lines, strict=True))


@pytest.mark.parametrize("brand", SLUGS)
def test_normal_days_stay_within_bounds(brand: str):
    days: Counter[date] = Counter(mention.published_at.astimezone(ZONE).date() for mention in of(brand))
    eventful = {plant.starts_at.astimezone(ZONE).date() + timedelta(days=n) for plant in PLANTED for n in range(7) if plant.brand == brand}
    # the first and the last local day are cut by the UTC bounds
    whole = [count for day, count in sorted(days.items())[1:-1] if day not in eventful]
    assert min(whole) >= 25
    assert max(whole) <= 250


def test_nights_are_quieter_than_evenings():
    hours: Counter[int] = Counter(mention.published_at.astimezone(ZONE).hour for _, mention in story().mentions)
    assert sum(hours[hour] for hour in range(1, 5)) * 5 < sum(hours[hour] for hour in range(18, 22))


def test_channels_kinds_and_roles_are_all_there():
    mentions = [mention for _, mention in story().mentions]
    channels = Counter(mention.channel for mention in mentions)
    assert channels.keys() == {"x", "facebook", "instagram", "mastodon", "trustreview", "appstore", "forum", "mail"}
    assert min(channels.values()) > 300
    assert {mention.kind for mention in mentions} == {"post", "reply", "repost", "review", "message"}
    assert {mention.author.role for mention in mentions} >= {"customer", "press", "unknown", "influencer", "prospect"}
    assert all(mention.rating is not None for mention in mentions if mention.kind == "review")
    assert all((mention.visibility == "private") == (mention.channel == "mail") for mention in mentions)
    assert 0.01 < sum(mention.received_at is not None for mention in mentions) / len(mentions) < 0.1


def test_texts_differ_and_leave_no_slot_open():
    texts = [mention.text for _, mention in story().mentions if mention.author.id not in {*SLUGS, *BOTS} and mention.kind != "repost"]
    assert len(set(texts)) > 0.7 * len(texts)
    assert max(Counter(texts).values()) < 120
    assert not [text for text in texts if re.search(r"[{}]", text)]
    assert any(not re.search(r"[^\W\d_]", text) for text in texts)  # an emoji-only post


def test_nothing_in_it_points_to_the_real_world():
    whole = "\n".join(f"{m.text} {m.url} {m.author.id}" for _, m in story().mentions).lower()
    assert {host.rpartition(".")[2] for host in re.findall(r"https?://([\w.-]+)", whole)} == {"example"}
    assert all(re.search(r"@([\w-]+\.)?example(\.nl|\.com)?$", mail) for mail in re.findall(r"[\w.]+@[\w-]+\.[\w.]*\w", whole))
    assert {re.sub(r"\D", "", phone)[-8:] for phone in re.findall(r"(?:\+31 ?6|\b06)[-\d ]{8,12}\d", whole)} == {"12345678"}
    assert set(re.findall(r"nl\d\d[a-z]{4}\d{10}", whole.replace(" ", ""))) == {"nl91abna0417164300"}
    assert re.search(r"111222333", whole)


def test_threads_hang_together_and_the_brands_answer():
    known = {mention.mention_id: mention for _, mention in story().mentions}
    replies = [mention for _, mention in story().mentions if mention.parent_id is not None]
    assert len(replies) > 3_000
    for reply in replies:
        parent = known[reply.parent_id or ""]
        assert (parent.brand, reply.root_id) == (reply.brand, parent.root_id or parent.mention_id)
        assert reply.kind in ("reply", "repost", "message")
    for brand in SLUGS:
        own = sum(mention.author.id == brand for mention in of(brand))
        assert 0.1 < own / sum(1 for _ in of(brand)) < 0.35


def test_a_few_authors_are_loud_and_most_are_not():
    counts = Counter(mention.author.id for mention in of("veldspoor") if mention.author.id != "veldspoor")
    assert 20 <= counts.most_common(1)[0][1] <= 80
    assert sum(count == 1 for count in counts.values()) > len(counts) / 2


# what goes wrong on the way


def test_every_reason_that_a_file_can_hold_is_among_the_broken_records():
    assert story().reasons == {Reason.NOT_JSON: 2, Reason.INVALID_RECORD: 4, Reason.UNKNOWN_TYPE: 1, Reason.TOO_LARGE: 1}


def test_some_come_twice_edited_or_late():
    identities = Counter((mention.mention_id, mention.edit) for _, mention in story().mentions)
    assert 10 <= sum(count == 2 for count in identities.values()) <= 20
    assert max(identities.values()) == 2
    assert 5 <= sum(mention.edit > 0 for _, mention in story().mentions) <= 15
    first = {}
    for line, mention in story().mentions:
        first.setdefault(mention.mention_id, line.at - mention.published_at)
    delays = sorted(first.values())
    assert delays[0] < timedelta(days=-2)  # the clock that runs ahead
    assert delays[1] == timedelta(0)
    assert 15 <= sum(delay > timedelta(minutes=3) for delay in delays) <= 30
    assert sum(delay > timedelta(hours=6) for delay in delays) == 2


def test_retractions_follow_their_mention_but_for_two():
    arrived = {}
    for line, mention in story().mentions:
        arrived.setdefault(mention.mention_id, line.at)
    assert len(story().retractions) >= 8
    assert sum(line.at < arrived[retraction.mention_id] for line, retraction in story().retractions) == 2


# what is planted


def test_the_row_starts_small_is_spread_and_becomes_a_crowd():
    about = [m for m in of(ROW.brand) if re.search("noordbox|modem", m.text.lower()) and m.published_at >= ROW.starts_at]
    hours: dict[int, list[Mention]] = defaultdict(list)
    for mention in about:
        hours[int((mention.published_at - ROW.starts_at) / timedelta(hours=1))].append(mention)
    assert len(hours[0]) <= 8
    assert len(hours[0]) < len(hours[1]) < len(hours[2]) < len(hours[4])
    assert len({mention.author.id for mention in hours[5]}) >= 30
    assert sum(mention.kind == "repost" for mention in hours[1]) > len(hours[1]) / 3
    press = [mention.published_at for mention in about if mention.author.role == "press"]
    assert ROW.starts_at + timedelta(hours=2) < min(press) < ROW.starts_at + timedelta(hours=5)
    assert len(about) > 500


def test_the_flood_is_three_authors_and_very_many_posts():
    posts = [mention for mention in of(FLOOD.brand) if mention.author.id in BOTS]
    assert len({mention.mention_id for mention in posts}) == FLOOD_POSTS
    assert {mention.author.id for mention in posts} == set(BOTS)
    assert all(FLOOD.starts_at <= mention.published_at < FLOOD.ends_at for mention in posts)


def test_the_wave_is_many_authors_who_praise():
    during = [mention for mention in of(WAVE.brand) if WAVE.starts_at <= mention.published_at < WAVE.starts_at + timedelta(hours=12)]
    assert len(during) > 250
    assert len({mention.author.id for mention in during}) > 200


def test_the_campaign_makes_more_of_everything():
    week = CAMPAIGN.ends_at - CAMPAIGN.starts_at

    def count(shift: timedelta) -> int:
        return sum(CAMPAIGN.starts_at <= mention.published_at + shift < CAMPAIGN.ends_at for mention in of(CAMPAIGN.brand))

    assert 1.35 < count(timedelta(0)) / count(timedelta(days=7)) < 2
    assert week < timedelta(days=7)


def test_plants_lie_within_the_four_weeks_and_apart():
    assert len({plant.brand for plant in PLANTED}) == len(PLANTED)
    assert all(START < plant.starts_at < plant.ends_at < END for plant in PLANTED)


# phrases


def sentences(node: Any) -> Iterator[str]:
    match node:
        case str():
            yield node
        case tuple():
            for part in node:
                yield from sentences(part)
        case msgspec.Struct():
            for field in node.__struct_fields__:
                if field not in ("slots", "short", "handles", "emoji"):
                    yield from sentences(getattr(node, field))


def test_there_are_more_than_four_hundred_dutch_sentences():
    phrases = load_phrases()
    dutch = [*sentences(phrases.general), *sentences(phrases.planted)]
    dutch += [sentence for sector in phrases.sectors.values() for sentence in sentences(sector.nl)]
    assert len(set(dutch)) > 600
    assert len(set(dutch)) > 0.97 * len(dutch)


@pytest.mark.parametrize("sector", SECTORS)
def test_every_slot_of_every_sentence_can_be_filled(sector: str):
    phrases = load_phrases()
    known = (
        phrases.general.slots.keys() | phrases.sectors[sector].slots.keys() | {"brand", "agent", "link", "email", "phone", "iban", "bsn"}
    )
    texts = [*sentences(phrases.general), *sentences(phrases.sectors[sector])]
    assert {slot for text in texts for slot in re.findall(r"\{(\w+)\}", text)} <= known
    for tone in TONES:
        assert len(phrases.sectors[sector].nl.of(tone)) >= 6


def test_an_unknown_key_in_a_file_is_refused():
    good = {"general": b"", "others": b"", "planted": b""} | dict.fromkeys(SECTORS, b"")
    with pytest.raises(msgspec.ValidationError, match="unknown field `humour`"):
        parse_phrases(good | {"general": b"humour = 1"})


# chance


@given(st.lists(st.integers(), min_size=1, max_size=20), st.integers())
def test_a_deck_gives_every_card_once_before_any_comes_again(cards: list[int], seed: int):
    deck = Deck(cards, Random(seed))
    for _ in range(3):
        assert Counter(deck.draw() for _ in cards) == Counter(cards)


@given(st.integers(0, 300), st.integers(), st.floats(0, 1), st.dates(date(2026, 1, 1), date(2027, 1, 1)))
def test_moments_lie_in_their_local_day(count: int, seed: int, evenness: float, day: date):
    times = moments(day, count, EVENINGS, Random(seed), evenness)
    assert len(times) == count
    assert times == sorted(times)
    if day.month not in (3, 10):  # days of 23 and 25 hours
        assert {at.astimezone(ZONE).date() for at in times} <= {day}
