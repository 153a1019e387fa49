"""Any order of arrival within the lateness: the same incidents, tiers and figures, and the same state.

What may differ is what an early raise tells before the close: when it was told, and whether it was told at all.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from pipeline.brands import Brand, Registry, SourceSettings
from pipeline.crisis import CrisisStage
from pipeline.dossiers import Dossier, DossierBook
from pipeline.stage import Incoming, Origin
from schemas.codec import encode
from schemas.mention import Author, Reach, ScoredMention, Sentiment, Signals, SteppedRetraction, Tick
from schemas.outputs import Alert, BrandCounts
from schemas.topics import ALERT_EVENT, COUNTS

BUCKET, MINUTE, HOUR, DAY = 300.0, 60.0, 3600.0, 86400.0
LATENESS = 600.0
START = datetime(2026, 3, 18, tzinfo=UTC)
"""The end of the history, a Wednesday."""

BRAND = "noordnet"
REGISTRY = Registry(
    [Brand(slug=BRAND, names=("NoordNet",), accounts=("x:noordnet",))], sources=[SourceSettings(name="feed")], hash_="c0ffee"
)
LEAK = Dossier(id="lek", title="Datalek", owner="pers", crisis_plan_url="https://plans.example/lek", match=("datalek",))
DOSSIERS = DossierBook([LEAK], "d055")
LABELS = ("negative", "negative", "negative", "neutral", "positive", "unscored")
CHANNELS: tuple[dict[str, Any], ...] = (
    {"channel": "x", "channel_family": "social"},
    {"channel": "facebook", "channel_family": "social", "source": "feed"},
    {"channel": "forum", "channel_family": "forum"},
    {"channel": "mail", "channel_family": "mail", "kind": "message", "visibility": "private"},
)

Changelog = dict[bytes, bytes]


class Said(NamedTuple):
    """A record and its event time, in seconds from the end of the history. ``key`` names it in every order."""

    at: float
    key: int
    record: ScoredMention | SteppedRetraction


def moment(at: float) -> datetime:
    return START + timedelta(seconds=at)


def mention(at: float, number: int, author: str, label: str, **over: Any) -> ScoredMention:
    fields: dict[str, Any] = {
        "mention_id": f"x:{number}",
        "brand": BRAND,
        **CHANNELS[0],
        "text": "Alweer geen bereik",
        "published_at": moment(at),
        "detected_at": moment(at),
        "author": Author(id=f"h1:{author}"),
        "mode": "live",
        "sentiment": Sentiment(label=label, compound=-0.4),
        "signals": Signals(),
    } | over
    return ScoredMention(**fields)


class Told(NamedTuple):
    """What a run left behind."""

    alerts: list[Alert]
    counts: list[BrandCounts]
    changelog: Changelog

    def incidents(self) -> dict[str, dict[str, Any]]:
        """The last record of each that a close has confirmed, without what an early raise may move."""
        last = {alert.incident_id: alert for alert in self.alerts}
        out = {}
        for name, alert in last.items():
            if alert.resolved_reason != "not_confirmed":
                moved = ("raised_at", "revision", *(("transition",) if alert.status == "firing" else ()))
                out[name] = {field: value for field, value in asdict(alert).items() if field not in moved}
        return out

    def state(self) -> Changelog:
        """All keys that decide or are shown, but for the small one, the identities and the alerts, which name origins and revisions."""
        kinds = ("watch", "family", "key", "parts", "cadence", "topics", "extent", "evidence")
        return {key: value for key, value in self.changelog.items() if key.decode().split("|")[1:2] and key.decode().split("|")[1] in kinds}


def run(records: Sequence[ScoredMention | SteppedRetraction | Tick], changelog: Changelog, first: int) -> Told:
    partition = CrisisStage(REGISTRY, "test", DOSSIERS).open(0, "")
    for key, value in changelog.items():
        partition.restore(key, value)
    partition.restored(0)
    incoming = [
        Incoming(0, index, 0, BRAND.encode(), encode(record), [("webcare-origin", Origin("e1", 0, first + index).encode())])
        for index, record in enumerate(records)
    ]
    outcome = partition.process(incoming)
    assert not outcome.dead
    changed = changelog | {key: value for key, value in outcome.changes.items() if value is not None}
    for key, value in outcome.changes.items():
        if value is None:
            changed.pop(key, None)
    alerts = [msgspec.json.decode(out.value, type=Alert) for out in outcome.outgoing if out.topic is ALERT_EVENT and out.value]
    counts = [msgspec.json.decode(out.value, type=BrandCounts) for out in outcome.outgoing if out.topic is COUNTS and out.value]
    return Told(alerts, counts, changed)


@cache
def history() -> Changelog:
    """16 quiet days: five mentions an hour, one in four negative, now and then a mail."""
    said, number = [], 0
    for hour in range(16 * 24):
        for index in range(5):
            at = -16 * DAY + hour * HOUR + index * 640 + hour * 97 % 600
            label = "negative" if index == hour % 4 else "neutral"
            channel = CHANNELS[3] if index == 3 and hour % 3 == 0 else CHANNELS[index % 3]
            number += 1
            said.append(mention(at, -number, f"regular{hour % 50}-{index}", label, **channel))
    return run(said, {}, 0).changelog


def rows(rng: random.Random, back: float) -> list[Said]:
    """A few hours in which anything may happen: rows, waves, reposts, mails, a loud author, repeats, edits, and in time retractions.

    ``back``: how many are taken back, in the bucket in which they were said. Whether a later retraction comes before the close or after it
    only the order of arrival says.
    """
    out: list[Said] = []
    says: list[Said] = []

    def say(at: float, author: str, label: str, **over: Any) -> ScoredMention:
        record = mention(at, len(out), author, label, **over)
        out.append(Said(at, len(out), record))
        says.append(out[-1])
        return record

    now = HOUR
    for number in range(rng.randint(1, 6)):
        now += rng.choice((30.0, 200.0, 400.0, 900.0, HOUR, 5 * HOUR))
        size = rng.choice((1, 3, 8, 14, 30, 80, 150))
        span = rng.choice((60.0, 280.0, 900.0, HOUR))
        main = rng.choice(LABELS)
        private = rng.random() < 0.25
        about, topic = rng.choice((0.0, 0.2, 1.0)), rng.choice(("bereik", "rekening", "roaming"))
        roots: list[ScoredMention] = []
        for index in range(size):
            at = now + rng.random() * span
            label = main if rng.random() < 0.8 else rng.choice(LABELS)
            over: dict[str, Any] = dict(CHANNELS[3] if private else rng.choice(CHANNELS[:3]))
            if rng.random() < 0.1:
                over["text"] = "Een datalek, werkelijk"
            if rng.random() < about:
                over["topic"] = topic if rng.random() < 0.8 else rng.choice(("bereik", "rekening"))
            if rng.random() < 0.1:
                over["reach"] = Reach(value=rng.randint(1, 5000), source="followers")
            if roots and not private and rng.random() < 0.5:
                root = rng.choice(roots)
                at = max(at, root.detected_at.timestamp() - START.timestamp() + 1.0)
                over |= {"kind": rng.choice(("repost", "repost", "reply")), "root_id": root.mention_id, "parent_id": root.mention_id}
                if rng.random() < 0.1:
                    over |= {"direction": "outbound", "kind": "reply"}
            author = f"loud{number}" if rng.random() < 0.1 else f"c{number}-{index}"
            root = say(at, author, label, **over)
            if "root_id" not in over:
                roots.append(root)
        now += rng.choice((0.0, span))
    echoed = {said.record.root_id for said in says if isinstance(said.record, ScoredMention)}
    for said in says:
        end = (said.at // BUCKET + 1) * BUCKET
        assert isinstance(said.record, ScoredMention)
        if rng.random() < back:
            at = said.at + rng.random() * (end - said.at)
            gone = SteppedRetraction(mention_id=said.record.mention_id, brand=BRAND, mode="live", detected_at=moment(at))
            out.append(Said(at, len(out), gone))
        if rng.random() < 0.03:
            out.append(Said(said.at, len(out), said.record))
        # What echoes a mention is kept if that may be a complaint by all that is known: an edit afterwards is not foreseen.
        if rng.random() < 0.03 and said.record.mention_id not in echoed:
            topic_now = rng.choice((said.record.topic, None, "bereik"))
            edited = msgspec.structs.replace(said.record, edit=1, topic=topic_now, sentiment=Sentiment(label=rng.choice(LABELS)))
            out.append(Said(said.at, len(out), edited))
    return out


def replayed(said: Sequence[Said], delays: dict[int, float]) -> Told:
    """In the order of event time plus delay, with the ticks of a replay."""
    records: list[ScoredMention | SteppedRetraction | Tick] = []
    ordered = sorted(said, key=lambda one: (one.at + delays.get(one.key, 0.0), one.key))
    now = ordered[0].at
    boundary = now // BUCKET * BUCKET
    for one in ordered:
        now = max(now, one.at)
        while boundary <= now:
            records.append(Tick(at=moment(boundary), replay="running"))
            boundary += BUCKET
        records.append(one.record)
    records.append(Tick(at=moment(now + 6 * HOUR), replay="end"))
    return run(records, history(), 100_000)


def shuffled(said: Sequence[Said], rng: random.Random) -> Told:
    """All of it late, or some."""
    how_many = rng.choice((1.0, 0.3, 0.1))
    return replayed(said, {one.key: rng.random() * (LATENESS - 1.0) if rng.random() < how_many else 0.0 for one in said})


SHOWN = ("evidence", "words", "channels", "topics", "dominant_cause", "headline", "explanation", "dossier", "planned", "summary")
laws = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@laws
@given(st.integers(0, 10**9), st.sampled_from([0.0, 0.02]))
def test_any_order_within_the_lateness_ends_in_the_same_alerts_counts_and_state(seed: int, back: float):
    rng = random.Random(seed)
    said = rows(rng, back)
    one, other = replayed(said, {}), shuffled(said, rng)
    assert other.incidents() == one.incidents()
    assert other.counts == one.counts
    assert other.state() == one.state()


@laws
@given(st.integers(0, 10**9), st.sampled_from([0.4, 0.9]))
def test_where_most_is_taken_back_what_is_shown_may_differ_and_no_decision(seed: int, back: float):
    """Of a bucket some complaints are kept to be shown; that more were taken back than are kept is not seen in every order."""

    def decided(told: Told) -> Any:
        incidents = {
            name: {field: value for field, value in alert.items() if field not in SHOWN} for name, alert in told.incidents().items()
        }
        state = {
            key: value
            for key, value in told.state().items()
            if key.decode().split("|")[1] in ("watch", "family", "key", "parts", "cadence")
        }
        return incidents, told.counts, state

    rng = random.Random(seed)
    said = rows(rng, back)
    assert decided(shuffled(said, rng)) == decided(replayed(said, {}))


def test_what_is_watched_below_the_brand_is_among_what_any_order_leaves_the_same():
    """Else the laws would say nothing of it."""
    told = [replayed(rows(random.Random(seed), 0.02), {}) for seed in range(12)]
    watched = {key.decode().split("|", 2)[2] for one in told for key in one.changelog if key.startswith(b"noordnet|key|")}
    assert {"public:forum", "topic:bereik", "topic:roaming"} <= watched
    raised = {(alert.topic, alert.channel_family) for one in told for alert in one.alerts if alert.kind == "crisis"}
    assert len(raised - {(None, None), (None, "mail")}) >= 2


def crowd(at: float, size: int, span: float, first: int = 0) -> list[Said]:
    times = [at + span * index / size for index in range(size)]
    return [Said(moment_, first + n, mention(moment_, first + n, f"crowd{first + n}", "negative")) for n, moment_ in enumerate(times)]


def taken_back(said: Said, at: float, key: int) -> Said:
    assert isinstance(said.record, ScoredMention)
    return Said(at, key, SteppedRetraction(mention_id=said.record.mention_id, brand=BRAND, mode="live", detected_at=moment(at)))


def tiers(told: Told) -> list[tuple[str, str | None]]:
    return [(alert.transition, alert.tier) for alert in told.alerts if alert.kind == "crisis"]


def test_a_crisis_told_early_whose_complaints_are_taken_back_at_once_is_what_is_left_of_it():
    """Eighty people; nearly all of them take it back before the five minutes are over."""
    row = crowd(2 * HOUR, 80, 100.0)
    gone = [taken_back(said, said.at + 150.0, 1_000 + said.key) for said in row[6:]]
    early, at_once = replayed(row + gone, {}), replayed(row + gone, {said.key: 250.0 for said in row[6:]})
    assert [("escalated", "crisis") in tiers(told) for told in (early, at_once)] == [True, False]
    assert early.incidents() == at_once.incidents()
    assert [alert["tier"] for alert in early.incidents().values() if alert["kind"] == "crisis"] == ["warning"]


def test_a_tier_told_early_of_several_buckets_does_not_sink_and_rise_again_while_they_close():
    row = crowd(2 * HOUR + 200.0, 90, 600.0)
    told = replayed(row, {})
    seen = [tier for transition, tier in tiers(told) if transition != "resolved"]
    assert seen == sorted(seen, key=["warning", "crisis"].index)
    assert seen[-1] == "crisis"


def test_an_early_raise_of_another_bucket_goes_on_under_the_name_that_the_close_gives():
    """The second five minutes arrive before the first."""
    row = crowd(2 * HOUR, 40, 590.0)
    delays = {said.key: 598.0 for said in row if said.at < 2 * HOUR + BUCKET}
    one, other = replayed(row, {}), replayed(row, delays)
    assert one.incidents() == other.incidents()
    (early,) = [alert for alert in other.alerts if alert.resolved_reason == "not_confirmed"]
    (name,) = [name for name, alert in other.incidents().items() if alert["kind"] == "crisis"]
    assert early.incident_id > name
    assert early.parent_incident_id == name
    assert "gaat verder" in early.headline
