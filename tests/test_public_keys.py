"""Topics and public channel families below a brand: when they are watched, what they raise, and what a restart may not change.

The brand is large: what happens in a part of it hardly moves its own counts.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.brands import Brand, Registry
from pipeline.buckets import Buckets, Counted
from pipeline.crisis import CrisisStage, read_incident_below
from pipeline.exhibits import KEPT_OF_PART, KEPT_QUOTES, SHOWN_TOPICS, Exhibit, Quote
from pipeline.incident import fingerprint_of
from pipeline.journal import unseal
from pipeline.key import Key
from pipeline.parts import FIRST_TOPIC, MOST, MOST_OF_BUCKET, Parts
from pipeline.public_keys import MOST_WATCHED
from pipeline.seen import Seen
from pipeline.stage import Incoming, Origin
from pipeline.watch import Watch
from schemas.codec import encode
from schemas.mention import AssessedMention, Author, ScoredMention, Sentiment, Signals, SteppedRetraction, Tick
from schemas.outputs import Alert, BrandCounts
from schemas.topics import ALERT_EVENT, ASSESSED, COUNTS

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
START = datetime(2026, 3, 18, tzinfo=UTC)
REGISTRY = Registry([Brand(slug="noordnet", names=("NoordNet",))], hash_="c0ffee")
TOPICS = ("bereik", "rekening", "bezorging", "winkel")
REVIEW: dict[str, Any] = {"channel": "trustreview", "channel_family": "review", "kind": "review"}
Changelog = dict[bytes, bytes]
Said = ScoredMention | SteppedRetraction | Tick


def say(at: float, number: int, label: str = "negative", **over: Any) -> ScoredMention:
    when = START + timedelta(seconds=at)
    fields: dict[str, Any] = {
        "mention_id": f"x:{number}",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": "Alweer niets gehoord",
        "published_at": when,
        "detected_at": when,
        "author": Author(id=f"h1:{number}"),
        "mode": "live",
        "sentiment": Sentiment(label=label),
        "signals": Signals(),
    }
    return ScoredMention(**(fields | over))


def usual(first: float, last: float, number: int = 1_000_000, *, topics: bool) -> list[Said]:
    """A hundred an hour, a third of it negative, by turns about four topics; two of each hundred are reviews."""
    rng = random.Random(int(first) + 7)
    out: list[Said] = []
    at = first
    while at < last:
        number += 1
        over = {"topic": rng.choice(TOPICS)} if topics else {}
        over |= REVIEW if number % 50 == 0 else {}
        out.append(say(at, number, "negative" if rng.random() < 0.33 else "neutral", **over))
        at += rng.expovariate(100 / HOUR)
    return out


def crowd(at: float, size: int, span: float, number: int = 1, **over: Any) -> list[Said]:
    return [say(at + span * index / size, number + index, **over) for index in range(size)]


def in_order(*stories: Sequence[Said], until: float) -> list[Said]:
    """With ticks, the last at ``until``."""
    records = sorted((record for story in stories for record in story), key=lambda one: one.detected_at)  # type: ignore[union-attr]
    return [*records, Tick(at=START + timedelta(seconds=until))]


class Run:
    """A partition, and what came out of it; after each batch a new process takes it over where ``restarts``."""

    def __init__(self, changelog: Changelog, *, restarts: bool = False, first: int = 10**6) -> None:
        self.changelog = dict(changelog)
        self.alerts: list[Alert] = []
        self.counts: list[BrandCounts] = []
        self.assessed: list[AssessedMention] = []
        self._restarts = restarts
        self._next = first
        self._change = 0
        self.reopen()

    def reopen(self, unreadable: Sequence[bytes] = ()) -> None:
        self._partition = CrisisStage(REGISTRY, "test").open(0, "")
        for key, value in self.changelog.items():
            if key not in unreadable:
                self._partition.restore(key, value)
        for key in unreadable:
            self._partition.unreadable(key)
        self._partition.restored(self._change)

    def feed(self, records: Sequence[Said], size: int = 100_000) -> "Run":
        for start in range(0, len(records), size):
            incoming = []
            for record in records[start : start + size]:
                origin = ("webcare-origin", Origin("e", 0, self._next).encode())
                incoming.append(Incoming(0, self._next, 0, b"noordnet", encode(record), [origin]))
                self._next += 1
            outcome = self._partition.process(incoming)
            assert not outcome.dead
            for key, value in outcome.changes.items():
                if value is None:
                    self.changelog.pop(key, None)
                else:
                    self.changelog[key] = value
            self._change = outcome.change
            for out in outcome.outgoing:
                if out.topic is ALERT_EVENT:
                    self.alerts.append(msgspec.json.decode(out.value or b"", type=Alert))
                elif out.topic is ASSESSED and b'"mention"' in (out.value or b"")[:30]:
                    self.assessed.append(msgspec.json.decode(out.value or b"", type=AssessedMention))
                elif out.topic is COUNTS:
                    self.counts.append(msgspec.json.decode(out.value or b"", type=BrandCounts))
            if self._restarts:
                self.reopen()
        return self

    def crises(self, topic: str | None = None, family: str | None = None) -> list[Alert]:
        return [one for one in self.alerts if one.kind == "crisis" and (one.topic, one.channel_family) == (topic, family)]

    def incidents(self) -> set[str]:
        """One for each row."""
        parents = {one.incident_id: one.parent_incident_id for one in self.alerts if one.kind == "crisis"}
        return {name for name, parent in parents.items() if parent is None}

    def watched(self) -> list[str]:
        return [key.decode().split("|", 2)[2] for key in sorted(self.changelog) if key.startswith(b"noordnet|key|")]


@cache
def history(*, topics: bool) -> Changelog:
    """Nine days."""
    return Run({}, first=0).feed(usual(-9 * DAY, 0.0, topics=topics)).changelog


def day(*stories: Sequence[Said], topics: bool, until: float = 16 * HOUR, size: int = 100_000, restarts: bool = False) -> Run:
    run = Run(history(topics=topics), restarts=restarts)
    return run.feed(in_order(usual(0.0, 5 * HOUR, 2_000_000, topics=topics), *stories, until=until), size)


# what is raised


def test_a_row_about_one_small_topic_is_told_though_the_brand_as_a_whole_is_as_usual():
    row = crowd(2 * HOUR, 16, 50 * MINUTE, topic="roaming", text="Roaming kost mij honderd euro")
    run = day(row, topics=True)
    first, *_, last = run.crises("roaming")
    assert (first.transition, first.kind, first.signal, first.parent_incident_id) == ("raised", "crisis", "burst", None)
    assert first.fingerprint == fingerprint_of("noordnet", "crisis", topic="roaming")
    assert first.headline.startswith("NoordNet (over roaming), ")
    assert first.observed >= 6 > first.expected.mean
    assert {shown.mention_id for shown in first.evidence} <= {record.mention_id for record in row if isinstance(record, ScoredMention)}
    assert first.dominant_cause == "roaming"
    assert first.visibility is None
    assert [(share.topic, share.share) for share in first.topics or ()] == [("roaming", 1.0)]
    assert (last.status, last.resolved_reason) == ("resolved", "calmed")
    assert last.summary is not None
    assert last.summary.authors == 16
    assert run.crises() == []
    assert {None, "roaming"} <= {row.topic for row in run.counts}


def test_who_has_complained_of_something_else_in_the_same_hour_counts_with_the_topic_too():
    """Once an hour counts with the brand, and once with each part."""
    rng = random.Random(5)
    before = [
        say(2 * HOUR + 60.0 * number, 100 + number, author=Author(id=f"h1:{number}"), topic=rng.choice(TOPICS)) for number in range(16)
    ]
    row = crowd(2.35 * HOUR, 16, 30 * MINUTE, 0, topic="roaming")
    run = day(before, row, topics=True)
    first, *_, last = run.crises("roaming")
    assert (first.transition, first.signal) == ("raised", "burst")
    assert first.observed >= 6
    assert len(first.evidence) >= 6
    assert {shown.mention_id for shown in last.evidence} <= {record.mention_id for record in row if isinstance(record, ScoredMention)}
    assert [(share.topic, share.share) for share in first.topics or ()] == [("roaming", 1.0)]
    assert last.summary is not None
    assert last.summary.authors == 16
    assert run.crises() == []


def test_nobody_counts_twice_in_an_hour_with_a_topic():
    row = [say(2 * HOUR + 60.0 * number, 100 + number, author=Author(id=f"h1:{number % 4}"), topic="roaming") for number in range(50)]
    run = day(row, topics=True)
    assert run.crises("roaming") == []
    assert sum(one.capped_negatives or 0 for one in run.counts if one.topic == "roaming") == 4


def test_without_topics_the_same_row_is_not_seen_and_no_topic_costs_anything():
    run = day(crowd(2 * HOUR, 16, 50 * MINUTE), topics=False)
    assert run.alerts == []
    assert not any(key.startswith(b"noordnet|topics") for key in run.changelog)
    assert all(name.startswith("public:") for name in run.watched())


def test_an_evening_of_bad_reviews_is_told_with_its_family():
    run = day(crowd(2 * HOUR, 14, 50 * MINUTE, **REVIEW), topics=False)
    first = run.crises(family="review")[0]
    assert first.headline.startswith("NoordNet (in recensies), ")
    assert first.visibility == "public"
    assert first.fingerprint == fingerprint_of("noordnet", "crisis", channel_family="public:review")
    assert first.channels is not None
    assert [share.channel for share in first.channels] == ["trustreview"]
    assert run.incidents() == {first.incident_id}


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_said_in_private_changes_nothing_of_a_row_in_public(restarts: bool):
    """One private message of the same channel family, even one taken back, had ended the row, or kept it from being seen."""
    row = crowd(2 * HOUR, 14, 50 * MINUTE, **REVIEW)
    private = {"visibility": "private", "channel_family": "review", "channel": "trustreview", "kind": "message"}
    early, late = (say(at, number, "neutral", **private) for at, number in ((HOUR / 3, 99_998), (2 * HOUR + 48 * MINUTE, 99_999)))
    back = SteppedRetraction(mention_id=early.mention_id, brand="noordnet", mode="live", detected_at=early.detected_at)
    undisturbed = day(row, topics=False)
    told = day(row, [early, back], [late], topics=False, size=2_000 if restarts else 100_000, restarts=restarts)

    def steps(run: Run) -> list[tuple[Any, ...]]:
        return [(one.transition, one.updated_at, one.incident_id, one.observed) for one in run.crises(family="review")]

    assert steps(told) == steps(undisturbed)
    assert steps(undisturbed)[-1][0] == "resolved"


def test_while_it_fires_it_is_the_situation_of_that_topic_and_state_shows_it():
    quiet = usual(0.0, 3 * HOUR, 2_000_000, topics=True)
    run = Run(history(topics=True)).feed(in_order(quiet, crowd(2 * HOUR, 16, 50 * MINUTE, topic="roaming"), until=3.2 * HOUR))
    (fires,) = [one for key, value in run.changelog.items() if (one := read_incident_below(key, value)) is not None]
    assert (fires["brand"], fires["topic"], fires["channel_family"]) == ("noordnet", "roaming", None)
    incident = run.crises("roaming")[0].incident_id
    assert fires["incident_id"] == incident
    for step in ("on", "after a restart"):
        later = [say(3.2 * HOUR, 7_000 + len(step) + one, topic=topic) for one, topic in enumerate(("roaming", "rekening", None))]
        mail = say(3.2 * HOUR, 7_100 + len(step), visibility="private", channel_family="mail", topic="roaming")
        situations = [one.situation for one in run.feed([*later, mail]).assessed[-4:]]
        assert [one.incident_id for one in situations] == [incident, None, None, None]
        assert [one.tier for one in situations] == [run.crises("roaming")[-1].tier, None, None, None]
        assert {one.observed for one in situations} == {situations[0].observed}
        run.reopen()


def test_while_a_family_fires_it_is_the_situation_of_what_is_public_in_it():
    run = Run(history(topics=False)).feed(
        in_order(usual(0.0, 3 * HOUR, 2_000_000, topics=False), crowd(2 * HOUR, 14, 50 * MINUTE, **REVIEW), until=3.1 * HOUR)
    )
    said = [say(3.1 * HOUR, 7_000, **REVIEW), say(3.1 * HOUR, 7_001), say(3.1 * HOUR, 7_002, **REVIEW, visibility="private")]
    incident = run.crises(family="review")[0].incident_id
    (fires,) = [one for key, value in run.changelog.items() if (one := read_incident_below(key, value)) is not None]
    assert (fires["incident_id"], fires["visibility"]) == (incident, "public")
    assert [one.situation.incident_id for one in run.feed(said).assessed[-3:]] == [incident, None, None]


@pytest.mark.parametrize("first", ["the topic", "the brand"])
def test_a_topic_and_its_brand_are_one_row(first: str):
    small = crowd(2 * HOUR, 16, 50 * MINUTE, topic="roaming")
    large = crowd((3.2 if first == "the topic" else 1.2) * HOUR, 300, 50 * MINUTE, 5_000, topic="roaming")
    run = day(small, large, topics=True, until=20 * HOUR)
    topic, brand = run.crises("roaming"), run.crises()
    assert (topic[0].raised_at < brand[0].raised_at) is (first == "the topic")
    assert len(run.incidents()) == 1
    assert topic[-1].parent_incident_id == brand[0].incident_id
    assert {one.parent_incident_id for one in brand} == {None}


def test_what_is_raised_hours_after_the_row_of_another_part_has_ended_is_a_row_of_its_own():
    """The first still fires then: its windows have not forgotten."""
    run = day(
        crowd(2 * HOUR, 40, 30 * MINUTE, topic="roaming"),
        crowd(4.2 * HOUR, 16, 30 * MINUTE, 500, topic="facturen"),
        topics=True,
        until=20 * HOUR,
    )
    first, second = run.crises("roaming"), run.crises("facturen")
    assert first[-1].ended_at is not None
    assert first[-1].ended_at < second[0].raised_at - timedelta(hours=1)
    assert second[0].raised_at < first[-1].updated_at
    assert {one.parent_incident_id for one in (*first, *second)} == {None}


def test_a_row_of_the_brand_does_not_take_in_what_was_over_before():
    large = [record for topic in TOPICS for record in crowd(4.5 * HOUR, 60, 30 * MINUTE, 10_000 + 1_000 * len(topic), topic=topic)]
    run = day(crowd(2 * HOUR, 40, 30 * MINUTE, topic="roaming"), large, topics=True, until=20 * HOUR)
    topic, brand = run.crises("roaming"), run.crises()
    assert brand[0].raised_at < topic[-1].updated_at
    assert {one.parent_incident_id for one in (*topic, *brand)} == {None}


def test_parts_that_are_raised_together_are_one_row():
    """The second is a part of the first, which had not been raised when the bucket began to close."""
    rows = [crowd(2 * HOUR, 12, 4 * MINUTE, 100 * number, topic=topic) for number, topic in enumerate(("roaming", "facturen"))]
    run = day(*rows, topics=True)
    first, second = sorted((run.crises("roaming")[0], run.crises("facturen")[0]), key=lambda one: one.parent_incident_id is not None)
    assert first.raised_at == second.raised_at
    assert (first.parent_incident_id, second.parent_incident_id) == (None, first.incident_id)


def test_a_row_of_the_brand_that_is_about_everything_tells_no_part_of_it():
    everything = [record for topic in TOPICS for record in crowd(2 * HOUR, 60, 50 * MINUTE, 10_000 + 1_000 * len(topic), topic=topic)]
    run = day(everything, topics=True)
    assert next(one.transition for one in run.crises()) == "raised"
    assert {(one.topic, one.channel_family) for one in run.alerts if one.kind == "crisis"} == {(None, None)}


def test_what_is_most_of_the_brand_and_what_few_complain_of_is_not_watched():
    run = day(crowd(2 * HOUR, 2, 50 * MINUTE, topic="roaming"), topics=True)
    assert "topic:roaming" not in run.watched()
    assert "public:social" not in run.watched()


def test_a_part_that_matters_no_more_is_watched_no_more():
    run = day(crowd(2 * HOUR, 4, 50 * MINUTE, topic="roaming"), topics=True, until=3 * HOUR)
    assert "topic:roaming" in run.watched()
    run.feed(in_order(usual(5 * HOUR, 54 * HOUR, 3_000_000, topics=True), until=55 * HOUR))
    assert "topic:roaming" not in run.watched()
    assert len(run.watched()) <= 8


def test_many_topics_at_once_are_watched_up_to_a_bound_in_any_order():
    topics = [f"onderwerp {number}" for number in range(14)]
    rows = [crowd(2 * HOUR + 60.0 * number, 4, 20 * MINUTE, 100 * number, topic=topic) for number, topic in enumerate(topics)]
    run, other = (day(*some, topics=True, until=3 * HOUR) for some in (rows, rows[::-1]))
    assert len(run.watched()) == 8
    assert run.watched() == other.watched()


def flood(at: float, topics: int, number: int = 50_000) -> list[Said]:
    """A bucket of complaints about as many topics, each of another author."""
    return [say(at + 290.0 * one / topics, number + one, topic=f"onderwerp {one}") for one in range(topics)]


def test_a_row_about_one_topic_is_told_among_hundreds_in_each_five_minutes():
    rows = [flood(2 * HOUR + 300.0 * number, 300, 50_000 + 1_000 * number) for number in range(10)]
    run = day(*rows, crowd(2 * HOUR, 40, 50 * MINUTE, topic="roaming"), topics=True, until=6 * HOUR)
    assert run.crises("roaming")[0].transition == "raised"
    told = Counter(one.bucket_start for one in run.counts if one.topic is not None)
    assert max(told.values()) <= MOST_WATCHED


def test_what_is_kept_of_a_bucket_does_not_grow_with_its_topics():
    run = Run(history(topics=True)).feed(flood(0.0, 5_000, 50_000))
    run.feed([Tick(at=START + timedelta(seconds=HOUR))])
    key = f"noordnet|evidence|{int(START.timestamp()) // 300}".encode()
    assert len(run.changelog[key]) < 20_000
    exhibit = Exhibit()
    exhibit.restore(unseal(key, run.changelog[key]))
    assert exhibit.counted is not None
    assert len(exhibit.counted) == MOST_OF_BUCKET
    assert len(exhibit.names) <= MOST_OF_BUCKET
    assert len(exhibit.quotes) <= KEPT_QUOTES + (SHOWN_TOPICS + 9) * KEPT_OF_PART


@pytest.mark.parametrize(("topic", "known"), [("r" * 100, True), ("r" * 101, False), ("", False), ("a|b: c", True)])
def test_a_topic_has_a_name_or_is_not_known(topic: str, known: bool):
    run = day(crowd(2 * HOUR, 16, 50 * MINUTE, topic=topic), topics=True, until=3 * HOUR)
    run.reopen()
    assert run.crises(topic)[:1] == [one for one in run.alerts if one.kind == "crisis"][:1]
    assert (f"topic:{topic}" in run.watched()) is known
    assert not any(topic.encode() in value for key, value in run.changelog.items() if b"evidence" in key and not known and topic)


# restarts and damage


def busy_day() -> list[Said]:
    row = crowd(2 * HOUR, 16, 50 * MINUTE, topic="roaming")
    gone = row[3]
    assert isinstance(gone, ScoredMention)
    back = SteppedRetraction(mention_id=gone.mention_id, brand="noordnet", mode="live", detected_at=gone.detected_at)
    edited = [msgspec.structs.replace(one, edit=1, topic="rekening") for one in row[5:7] if isinstance(one, ScoredMention)]
    reviews = crowd(4 * HOUR, 14, 30 * MINUTE, 500, **REVIEW)
    return in_order(usual(0.0, 6 * HOUR, 2_000_000, topics=True), row, [back], edited, reviews, until=14 * HOUR)


def day_of_many_topics() -> list[Said]:
    """More than count apart of a bucket, and late ones; authors who complain of this and that; some is taken back."""
    rng = random.Random(11)
    story = flood(1.5 * HOUR, 90) + flood(2 * HOUR, 70, 60_000)
    for one in range(30):
        story.append(
            say(2 * HOUR + 90.0 * one, 70_000 + one, author=Author(id=f"h1:{one % 12}"), topic=rng.choice(("roaming", "facturen")))
        )
    story += crowd(2.4 * HOUR, 12, 20 * MINUTE, 80_000, topic="roaming")
    back = [
        SteppedRetraction(mention_id=one.mention_id, brand="noordnet", mode="live", detected_at=one.detected_at)
        for one in rng.sample(story, 9)
        if isinstance(one, ScoredMention)
    ]
    late = flood(2 * HOUR, 80, 90_000) + flood(2.2 * HOUR, 80, 91_000) + crowd(2.5 * HOUR, 4, 60.0, 92_000, topic="roaming")
    quiet = usual(0.0, 4 * HOUR, 2_000_000, topics=True)
    records = in_order(quiet, story, back, until=3.3 * HOUR)
    later = in_order(usual(4 * HOUR, 12 * HOUR, 3_000_000, topics=True), until=14 * HOUR)
    return [*records[:-1], *late, *later]


@pytest.mark.parametrize("size", [61, 400])
def test_restarts_change_nothing_where_there_are_more_topics_than_count_apart(size: int):
    records = day_of_many_topics()
    whole = Run(history(topics=True)).feed(records)
    parts = Run(history(topics=True), restarts=True).feed(records, size)
    assert any(one.topic == "roaming" for one in whole.alerts)
    assert [encode(one) for one in parts.alerts] == [encode(one) for one in whole.alerts]
    assert parts.counts == whole.counts
    assert parts.changelog == whole.changelog
    evidence = [key for key in whole.changelog if key.startswith(b"noordnet|evidence|")]
    newest = max(int(key.split(b"|")[2]) for key in evidence)
    assert all(int(key.split(b"|")[2]) > newest - 90 for key in evidence)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_changes_nothing_where_there_are_more_topics_than_count_apart(seed: int):
    rng = random.Random(seed)
    story = flood(1.5 * HOUR, 90) + flood(2 * HOUR, 70, 60_000) + crowd(2.2 * HOUR, 12, 20 * MINUTE, 80_000, topic="roaming")
    twice = [say(2 * HOUR + 90.0 * one, 70_000 + one, author=Author(id=f"h1:{one % 9}"), topic="roaming") for one in range(30)]
    *records, tick = in_order(usual(0.0, 4 * HOUR, 2_000_000, topics=True), story, twice, until=8 * HOUR)
    moments = {id(one): one.detected_at.timestamp() + rng.uniform(0.0, 590.0) for one in records if not isinstance(one, Tick)}
    run, other = (Run(history(topics=True)).feed([*some, tick]) for some in (records, sorted(records, key=lambda one: moments[id(one)])))

    def kept(run: Run) -> Changelog:
        """But for what says when an early raise was told of the brand, and where records came from."""
        kinds = {key: key.split(b"|")[1:2] for key in run.changelog}
        return {key: value for key, value in run.changelog.items() if kinds[key] not in ([], [b"seen"], [b"alert"])}

    assert run.counts == other.counts
    assert run.crises("roaming") == other.crises("roaming") != []
    assert kept(run) == kept(other)


def test_restarts_and_batches_change_nothing():
    records = busy_day()
    whole = Run(history(topics=True)).feed(records)
    parts = Run(history(topics=True), restarts=True).feed(records, 61)
    assert {(one.topic, one.channel_family) for one in whole.alerts} >= {("roaming", None), (None, "review")}
    assert [encode(one) for one in parts.alerts] == [encode(one) for one in whole.alerts]
    assert parts.counts == whole.counts
    assert parts.changelog == whole.changelog


@pytest.mark.parametrize("lost", [b"noordnet|key|topic:roaming", b"noordnet|parts", b"noordnet"])
def test_an_incident_of_a_topic_outlives_what_cannot_be_read(lost: bytes):
    records = in_order(usual(0.0, 3 * HOUR, 2_000_000, topics=True), crowd(2 * HOUR, 16, 50 * MINUTE, topic="roaming"), until=3.2 * HOUR)
    run = Run(history(topics=True)).feed(records)
    assert run.crises("roaming")[-1].status == "firing"
    run.reopen([lost])
    run.feed(in_order(usual(3.2 * HOUR, 16 * HOUR, 3_000_000, topics=True), until=17 * HOUR))
    told = [one.transition for one in run.crises("roaming")]
    assert (told.count("raised"), told[-1]) == (1, "resolved")
    run.reopen()


def test_state_of_before_there_were_such_keys_is_read_and_they_begin():
    """Identities without their public family count with the brand alone."""
    old = {key: value for key, value in history(topics=True).items() if key.split(b"|")[1:2] not in ([b"parts"], [b"key"])}
    run = Run(old).feed(in_order(usual(0.0, 5 * HOUR, 2_000_000, topics=True), crowd(2 * HOUR, 16, HOUR, topic="roaming"), until=8 * HOUR))
    assert b"noordnet|parts" in run.changelog
    assert "topic:roaming" in run.watched()


# the pieces


def test_a_part_begins_as_so_much_of_the_whole():
    whole = Watch()
    for bucket in range(3_000):
        whole.close(2 + bucket % 3, 9, bucket // 12 % 168, 1 + bucket // 288)
    part = Watch(is_part=True)
    part.seed(whole, (0.25, 0.5), [(0.0, 1.0)] * 72)
    assert part.closed == whole.closed - 1
    assert part.negatives.expectation.of(3) == pytest.approx(whole.negatives.expectation.of(3) / 4)
    assert part.negatives.mean_sums()[2] == pytest.approx(whole.negatives.mean_sums()[2] / 4, rel=0.01)
    verdict = part.close(30, 30, 10, 12, crowd=lambda _: 30)
    assert verdict.negatives.spreads[2] == pytest.approx(whole.close(3, 9, 10, 12).negatives.spreads[2], rel=0.05)
    assert verdict.change == "raised"
    other = Watch(is_part=True)
    other.restore(part.snapshot())
    assert other.snapshot() == part.snapshot()


def test_a_margin_makes_an_alarm_as_much_rarer():
    told = []
    for margin in (0.0, 0.5, 40.0):
        watch = Watch(is_part=True)
        for bucket in range(3_000):
            watch.close(bucket % 2, 4, bucket // 12 % 168, 1 + bucket // 288)
        watch.margin = margin
        told.append(watch.close(14, 14, 10, 12, crowd=lambda _: 14))
    assert [verdict.change for verdict in told] == ["raised", "raised", None]
    assert told[0].score == pytest.approx(told[1].score + 0.5)


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 9), st.integers(0, 9)), max_size=300))
@settings(deadline=None)
def test_shares_are_bounded_and_come_back_bit_for_bit(said: list[tuple[int, int, int]]):
    parts, again = Parts(), Parts()
    for code, negatives, others in said:
        parts.learn(Counted(negatives + 1, negatives + others + 2), {code: Counted(negatives, negatives + others)})
    again.restore(parts.snapshot())
    assert again.snapshot() == parts.snapshot()
    assert parts.small() <= MOST
    assert all(0.0 < share <= 1.0 for code in range(101) for share in parts.shares(code))


def test_a_part_never_met_is_as_small_as_one_mention():
    parts = Parts()
    for _ in range(1_000):
        parts.learn(Counted(3, 9), {1: Counted(3, 9)})
    assert parts.shares(FIRST_TOPIC + 5)[0] < 0.001 < 0.99 < parts.shares(1)[0]


@given(st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_closes_in_order(rng: random.Random):
    buckets = Buckets()
    first = 24 + rng.randrange(12)
    for _ in range(rng.randrange(60)):
        buckets.add(Seen(rng.randrange(12, first + 12), 0, rng.randrange(6), rng.randrange(4), 1, live=True))
    told = [buckets.close(number) for number in range(12, first + 12)]
    assert buckets.counts(first + 11, 12) == told[-12:]


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_of_each_part_the_earliest_are_kept_in_any_order_of_arrival(rng: random.Random):
    said = [
        Quote(
            float(number), f"x:{number}", rng.randrange(60), 0.0, topic=rng.choice((None, "a", "b")), family=rng.choice(("social", "news"))
        )
        for number in range(90)
    ]
    one, other = Exhibit(), Exhibit()
    for quote in said:
        if quote.topic is not None:
            one.name(quote.topic)
        if one.wants(quote.at, quote.mention_id, 2, quote.topic, quote.family):
            one.show(quote, 2)
    for quote in rng.sample(said, len(said)):
        if quote.topic is not None:
            other.name(quote.topic)
        if other.wants(quote.at, quote.mention_id, 2, quote.topic, quote.family):
            other.show(quote, 2)
    assert one.quotes == other.quotes
    for exhibit in (one, other):
        exhibit.keep_authors({author << 2 for author in range(60)})
    assert one.quotes == other.quotes
    assert len(one.quotes) <= KEPT_QUOTES + 4 * KEPT_OF_PART
    first = {quote.author: quote for quote in reversed(said)}
    kept = [quote for quote in first.values() if quote.topic == "a" and quote in one.quotes]
    assert len(kept) >= min(KEPT_OF_PART, sum(quote.topic == "a" for quote in first.values()))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Key("over: alles"), "topic:over: alles"),
        (Key(None, "news"), "public:news"),
        (Key(None, "mail", is_private=True), "mail"),
        (Key(), None),
    ],
)
def test_a_key_has_a_name(key: Key, name: str | None):
    assert key.below == name
    if name is not None and ":" in name:
        assert Key.named(name) == key


@pytest.mark.parametrize("wrong", ["topic:", "public:nothing", "public", "elsewhere:x", ""])
def test_other_names_are_refused(wrong: str):
    with pytest.raises(ValueError, match="unknown"):
        Key.named(wrong)
