"""The routing stage: the life of items in named stories, the laws of the domain, and that crashes and batches change nothing."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from pipeline.brands import Registry, parse_brands
from pipeline.decisions import Decider, inform_id, task_id
from pipeline.events import digest, event_id, event_type
from pipeline.routing import RoutingPartition, RoutingStage, read_brand_state, read_open_item
from pipeline.rules import parse_rules
from pipeline.stage import Incoming, Outcome, header
from schemas.codec import Reason, encode
from schemas.mention import AssessedMention, Author, Reach, Sentiment, Signals, Situation, SteppedRetraction, Tick
from schemas.outputs import RoutedMention, WorkItem
from schemas.topics import ITEM, ITEM_SHADOW, ROUTED, ROUTED_SHADOW, ROUTING_STATE

RULES = parse_rules(
    b"""
[queues.urgent]
title = "Urgent"
owner = "lead"
order = 1
[queues.service]
title = "Service"
owner = "lead"
order = 2
[queues.shop]
title = "Shop"
owner = "sales"
kind = "marketing"
order = 3
[recipients.press]
title = "Press office"
owner = "press officer"
[calendars.office]
hours = { mon-fri = "09:00-17:00" }

[[rules]]
name = "danger"
when = { text_any = ["rook", "brand"] }
[rules.route]
queue = "urgent"
priority = "critical"
response_policy = "respond"
response_reason = "danger"
reply_within = "30m"
inform = ["press"]
[[rules]]
name = "loud"
when = { sentiment = "negative", reach_at_least = 10_000 }
[rules.route]
queue = "urgent"
priority = "high"
response_policy = "respond"
response_reason = "loud"
reply_within = "1h"
calendar = "always"
[[rules]]
name = "complaint"
when = { sentiment = "negative" }
[rules.route]
queue = "service"
response_policy = "respond"
response_reason = "a complaint"
reply_within = "2h"
calendar = "always"
[[rules]]
name = "office-question"
when = { intents_any = "question" }
[rules.route]
queue = "service"
priority = "low"
response_policy = "respond"
response_reason = "a question"
reply_within = "1h"
calendar = "office"
[[rules]]
name = "fan"
when = { compound_at_least = 0.5 }
[rules.route]
queue = "shop"
posture = "offensive"
response_policy = "acknowledge"
response_reason = "a fan"
reply_within = "8h"
calendar = "always"
[[rules]]
name = "rest"
when = {}
[rules.route]
response_policy = "monitor"
response_reason = "nothing asked"
"""
)
REGISTRY = parse_brands(b'[[brands]]\nslug = "noordnet"\n[[brands]]\nslug = "stil"\nmode = "observe"\n')
START = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)  # a Tuesday
ITEMS = (ITEM, ITEM_SHADOW)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def mention(number: int, minutes: float = 0, label: str = "neutral", **fields: Any) -> AssessedMention:
    """Mention ``x:<number>``, so many minutes after the start."""
    at = after(minutes)
    author = fields.pop("author", f"h1:{number}")
    defaults: dict[str, Any] = {
        "mention_id": f"x:{number}",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": f"bericht {number}",
        "published_at": at,
        "detected_at": at,
        "author": Author(id=author) if isinstance(author, str) else author,
        "mode": "live",
        "language": "nl",
        "url": f"https://x.example/{number}",
        "sentiment": Sentiment(label=label, compound={"negative": -0.4, "neutral": 0.0, "positive": 0.8}.get(label)),  # type: ignore[arg-type]
        "signals": Signals(),
        "situation": Situation(),
    }
    return AssessedMention(**(defaults | fields))


def reply(number: int, root: int, minutes: float, label: str = "neutral", **fields: Any) -> AssessedMention:
    return mention(number, minutes, label, kind="reply", root_id=f"x:{root}", parent_id=f"x:{root}", **fields)


def own_reply(number: int, root: int, minutes: float) -> AssessedMention:
    return reply(number, root, minutes, direction="outbound", author="h1:brand")


def retraction(number: int, minutes: float) -> SteppedRetraction:
    return SteppedRetraction(mention_id=f"x:{number}", brand="noordnet", mode="live", detected_at=after(minutes))


def tick(minutes: float, **fields: Any) -> Tick:
    return Tick(at=after(minutes), **fields)


Said = AssessedMention | SteppedRetraction | Tick


def incoming(records: Iterable[Said | bytes], first: int = 0, raw_partition: int = 0, epoch: str = "e") -> list[Incoming]:
    return [
        Incoming(
            5,
            offset,
            0,
            None if isinstance(record, Tick | bytes) else record.brand.encode(),
            record if isinstance(record, bytes) else encode(record),
            [("traceparent", b"00-1"), ("webcare-origin", f"{epoch}:{raw_partition}:{offset}".encode()), ("ce_id", b"old")],
        )
        for offset, record in enumerate(records, first)
    ]


class Out(NamedTuple):
    """What was published, in order."""

    topic: str
    key: bytes
    record: Any


def published(outcome: Outcome) -> list[Out]:
    types = {ROUTED: RoutedMention, ROUTED_SHADOW: RoutedMention, ITEM: WorkItem, ITEM_SHADOW: WorkItem}
    return [
        Out(out.topic.name, out.key or b"", None if out.value is None else msgspec.json.decode(out.value, type=types[out.topic]))
        for out in outcome.outgoing
    ]


class World:
    """A partition that is spoken to, with its changelog."""

    def __init__(self, log: dict[bytes, bytes] | None = None, change: int = 0) -> None:
        self.partition: RoutingPartition = RoutingStage(RULES, REGISTRY).open(5, "topic")
        self.log = dict(log or {})
        self.change = change
        for key, value in self.log.items():
            self.partition.restore(key, value)
        self.partition.restored(change)
        self.offset = 0

    def process(self, records: Sequence[Incoming]) -> Outcome:
        outcome = self.partition.process(records)
        for key, value in outcome.changes.items():
            if value is None:
                self.log.pop(key, None)
            else:
                self.log[key] = value
        self.change = max(self.change, outcome.change)
        return outcome

    def hear(self, *records: Said | bytes) -> list[Out]:
        outcome = self.process(incoming(records, self.offset))
        self.offset += len(records)
        return published(outcome)

    def items(self, *records: Said) -> list[WorkItem]:
        """Versions of items that these records bring about."""
        return [out.record for out in self.hear(*records) if out.topic == ITEM.name and out.record is not None]

    def task(self, *records: Said) -> WorkItem:
        return [item for item in self.items(*records) if item.kind == "task"][-1]

    def counters(self) -> dict[str, Any]:
        state = read_brand_state(b"noordnet", self.log[b"noordnet"])
        assert state is not None
        return state


@pytest.fixture
def world() -> World:
    return World()


# one routed record for each


def test_a_mention_is_routed_with_all_it_came_with_but_names(world: World):
    said = mention(
        1,
        0,
        "negative",
        title="Klacht",
        author=Author(id="h1:1", name="Natte Wollensok", followers=5, role="customer"),
        reach=Reach(value=5, source="followers"),
        thread_id="x:0",
        rating=2,
        source="social-feed",
        topic="outage",
        situation=Situation(tier="watch", observed=2.0, expected=1.0),
    )
    routed, item = world.hear(said)
    assert (routed.topic, routed.key) == (ROUTED.name, b"noordnet")
    record = routed.record
    for field in set(RoutedMention.__struct_fields__) & set(AssessedMention.__struct_fields__) - {"author"}:
        assert getattr(record, field) == getattr(said, field), field
    assert record.author == Author(id="h1:1", name=None, followers=5, role="customer")
    assert item.record.author.name is None
    assert record.decision.rule == "complaint"
    assert record.decision.item_id == item.record.item_id == task_id("noordnet", "x:1")
    assert record.decision.config_hash == RULES.hash


def test_headers_name_the_record_and_pass_on_where_it_comes_from(world: World):
    outcome = world.process(incoming([mention(1, 3, "negative")]))
    routed, item = outcome.outgoing
    assert header(routed.headers, "ce_id") == event_id(ROUTED, "noordnet", "x:1", 0, "mention").encode()
    assert header(routed.headers, "ce_time") == b"2026-09-01T10:03:00Z"
    identity = task_id("noordnet", "x:1")
    assert header(item.headers, "ce_id") == digest(event_type(ITEM), identity, 1).encode()
    assert header(item.headers, "ce_subject") == item.key == identity.encode()
    for out in (routed, item):
        assert header(out.headers, "webcare-origin") == b"e:0:0"
        assert header(out.headers, "traceparent") == b"00-1"
        assert [name for name, _ in out.headers].count("ce_id") == 1
        assert out.partition is None


def test_what_cannot_be_read_is_a_dead_letter_and_the_rest_goes_on(world: World):
    records = incoming([b"{", mention(1)])
    records.append(records[1]._replace(headers=[]))
    outcome = world.process(records)
    assert [letter.reason for letter in outcome.dead] == [Reason.NOT_JSON, Reason.BAD_ORIGIN]
    assert len(outcome.outgoing) == 1


@pytest.mark.parametrize(
    ("said", "rule", "policy"),
    [
        pytest.param(mention(1, duplicate=True, label="negative"), "duplicate", "do_not_respond", id="a repeat by the source"),
        pytest.param(mention(1, retracted=True, text=""), "retracted", "do_not_respond", id="taken back before it came"),
        pytest.param(mention(1, direction="outbound", label="negative"), "own-post", "do_not_respond", id="the brand's own post"),
        pytest.param(mention(1, spam=True, label="negative"), "complaint", "do_not_respond", id="spam"),
        pytest.param(mention(1), "rest", "monitor", id="nothing asked"),
        pytest.param(retraction(1, 0), "retracted", "do_not_respond", id="a retraction of something unknown"),
    ],
)
def test_what_is_no_task_is_routed_with_its_reason_and_makes_no_item(world: World, said: Said, rule: str, policy: str):
    (out,) = world.hear(said)
    decision = out.record.decision
    assert (decision.rule, decision.response_policy, decision.queue, decision.item_id) == (rule, policy, None, None)
    assert decision.response_reason
    assert decision.informs == ()


def test_a_repeat_by_the_source_is_marked_and_changes_no_item(world: World):
    world.hear(mention(1, 0, "negative"))
    (out,) = world.hear(mention(1, 5, "negative", duplicate=True))
    assert out.record.duplicate
    assert world.counters()["tasks_opened"] == 1


def test_of_what_was_taken_back_nothing_is_told(world: World):
    (out,) = world.hear(mention(1, retracted=True, text="", author="h1:secret"))
    assert out.record.kind == "retracted"
    told = {name for name, value in msgspec.structs.asdict(out.record).items() if value not in (None, False, 0)}
    assert told == {"mention_id", "brand", "kind", "mode", "decision", "detected_at"}


# laws


@pytest.mark.parametrize("visibility", ["public", "private"])
@pytest.mark.parametrize("text", ["bel me op 06-12345678", "bel me maar"])
def test_a_conversation_moves_exactly_when_personal_data_stands_in_public(world: World, visibility: str, text: str):
    routed, item = world.hear(mention(1, 0, "negative", text=text, visibility=visibility))
    exposed = visibility == "public" and "06" in text
    for record in (routed.record.decision, item.record):
        assert record.handling == ("move_to_private" if exposed else "reply_in_channel")
        assert record.found == (("phone",) if "06" in text else ())


def test_personal_data_is_replaced_wherever_the_text_goes(world: World):
    routed, item = world.hear(mention(1, 0, "negative", text="mail a@b.nl " * 300, title="bel 06-12345678"))
    assert "a@b.nl" not in routed.record.text
    assert routed.record.title == "bel [phone]"
    assert item.record.text == routed.record.text[:2000]
    assert item.record.found == ("email", "phone")
    assert b"a@b.nl" not in b"".join(world.log.values())


def test_a_text_full_of_addresses_still_fits_its_topic(world: World):
    (out,) = world.hear(mention(1, text="a@b.nl " * 14_285))
    assert len(out.record.text) == 110_000


def test_the_thread_stays_moved_when_a_later_post_holds_no_personal_data(world: World):
    world.hear(mention(1, 0, "negative", text="mail a@b.nl"))
    assert world.task(reply(2, 1, 5, text="hallo?")).handling == "move_to_private"
    assert world.task(retraction(1, 6), reply(3, 1, 7, "negative")).handling == "reply_in_channel"


def test_an_unknown_audience_is_not_a_large_one(world: World):
    rules = [out.record.decision.rule for out in world.hear(mention(1, 0, "negative")) if out.topic == ROUTED.name]
    rules += [
        out.record.decision.rule
        for out in world.hear(mention(2, 0, "negative", reach=Reach(value=10_000, source="estimated")))
        if out.topic == ROUTED.name
    ]
    assert rules == ["complaint", "loud"]


def test_informing_is_not_tasking(world: World):
    items = world.items(mention(1, 0, "negative", text="rook!"))
    inform, task = sorted(items, key=lambda item: item.kind)
    assert inform.item_id == inform_id("noordnet", "x:1", "press")
    assert (inform.queue, inform.recipient, inform.due_at, inform.sla) == (None, "press", None, None)
    assert (task.queue, task.recipient) == ("urgent", None)
    assert task.due_at is not None


def test_an_observed_brand_lands_in_the_shadow_only(world: World):
    outs = world.hear(mention(1, 0, "negative", brand="stil", mode="observe"), tick(1000))
    assert {out.topic for out in outs} == {ROUTED_SHADOW.name, ITEM_SHADOW.name}
    assert not any(reading.value for reading in world.partition.readings() if reading.name.startswith("queue_"))


def test_a_brand_that_goes_live_leaves_no_task_waiting_in_the_shadow(world: World):
    world.hear(mention(1, 0, "negative", mode="observe"))
    outs = world.hear(reply(2, 1, 5, "negative"))
    assert [(out.topic, out.record is None) for out in outs] == [(ROUTED.name, False), (ITEM_SHADOW.name, True), (ITEM.name, False)]


def test_a_decision_is_made_again_from_its_record(world: World):
    decider = Decider(RULES, REGISTRY)
    said = [
        mention(1, 0, "negative", text="rook, bel 06-12345678"),
        reply(2, 1, 1, signals=Signals(intents=("question",))),
        mention(3, 2, "positive"),
        mention(3, 2, "positive", duplicate=True),
        own_reply(4, 1, 3),
        mention(5, 4, retracted=True),
        mention(6, 5, spam=True),
    ]
    for out in world.hear(*said):
        if out.topic == ROUTED.name:
            assert decider.decide_again(out.record) == out.record.decision
            assert not set(out.record.decision.facts) - set(decider.read(said[0]).facts) - {"duplicate", "retracted"}


# the life of a task


def test_a_task_has_what_an_agent_needs(world: World):
    world.hear(mention(1, -1000, "negative", author="h1:a"))
    task = world.task(
        mention(2, 0, "negative", author="h1:a", signals=Signals(intents=("complaint",)), topic="outage", situation=Situation(tier="watch"))
    )
    assert (task.revision, task.status, task.sla, task.mood, task.compound) == (1, "open", "on_track", "negative", -0.4)
    assert (task.language, task.channel, task.channel_family, task.topic) == ("nl", "x", "social", "outage")
    assert (task.opened_at, task.updated_at, task.due_at, task.calendar) == (after(0), after(0), after(120), "always")
    assert [quote.mention_id for quote in task.author_history] == ["x:1"]
    assert [quote.mention_id for quote in task.thread] == ["x:2"]
    assert (task.text, task.url, task.intents) == ("bericht 2", "https://x.example/2", ("complaint",))
    assert task.situation == Situation(tier="watch")
    assert task.facts["label"] == "negative"


def test_later_posts_update_the_one_task_of_their_thread(world: World):
    first = world.task(mention(1, 0, "negative"))
    second = world.task(reply(2, 1, 10, text="hallo?"))
    assert second.item_id == first.item_id
    assert (second.revision, second.mention_id, second.text, second.thread_size) == (2, "x:2", "hallo?", 2)
    assert (second.priority, second.queue, second.rule, second.due_at) == ("normal", "service", "complaint", after(120))
    assert [quote.mention_id for quote in second.thread] == ["x:1", "x:2"]


def test_a_later_post_that_weighs_more_takes_the_task_over(world: World):
    world.hear(mention(1, 0, "negative"))
    task = world.task(reply(2, 1, 10, "negative", text="rook!"))
    assert (task.priority, task.queue, task.rule, task.due_at) == ("critical", "urgent", "danger", after(40))
    calm = world.task(reply(3, 1, 20, "negative"))
    assert (calm.priority, calm.queue, calm.rule, calm.due_at) == ("critical", "urgent", "danger", after(40))
    assert calm.rank == task.rank


def test_marketing_yields_to_service_in_a_thread_and_never_the_other_way(world: World):
    fan = world.task(mention(1, 0, "positive"))
    assert fan.queue == "shop"
    asked = world.task(reply(2, 1, 5, "neutral", signals=Signals(intents=("question",))))
    assert (asked.queue, asked.rule) == ("service", "office-question")
    assert asked.rank < fan.rank
    assert world.task(reply(3, 1, 6, "positive")).queue == "service"


def test_a_repost_neither_shows_in_a_task_nor_asks_for_anything(world: World):
    world.hear(mention(1, 0, "negative"))
    assert world.items(mention(2, 5, kind="repost", root_id="x:1")) == []
    assert world.task(reply(3, 1, 6)).thread_size == 3


def test_the_brands_own_reply_answers(world: World):
    world.hear(mention(1, 0, "negative"))
    task = world.task(own_reply(2, 1, 30))
    assert (task.status, task.closed_reason, task.closed_at, task.sla) == ("closed", "answered", after(30), "on_track")
    assert task.mention_id == "x:1"
    assert world.counters()["own_posts"] == 1


@pytest.mark.parametrize(
    "fields",
    [{"root_id": "x:1"}, {"thread_id": "x:1"}, {"parent_id": "x:1"}, {"parent_id": "x:2"}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_reply_is_known_by_root_thread_or_parent(world: World, fields: dict[str, str]):
    world.hear(mention(1, 0, "negative"), reply(2, 1, 5))
    assert world.task(mention(3, 30, direction="outbound", kind="reply", **fields)).closed_reason == "answered"


def test_an_answer_older_than_the_latest_post_does_not_answer_it(world: World):
    world.hear(mention(1, 0, "negative"), reply(2, 1, 20, "negative"))
    assert world.items(own_reply(3, 1, 10)) == []
    assert world.task(own_reply(4, 1, 20)).status == "closed"


def test_an_own_repost_or_plain_post_answers_nothing(world: World):
    world.hear(mention(1, 0, "negative"))
    assert world.items(mention(2, 5, direction="outbound"), mention(3, 6, direction="outbound", kind="repost", root_id="x:1")) == []


def test_a_post_after_closing_reopens_with_its_own_deadline(world: World):
    world.hear(mention(1, 0, "negative", text="rook"), own_reply(2, 1, 10))
    task = world.task(reply(3, 1, 60, "negative"))
    assert (task.status, task.priority, task.queue, task.due_at) == ("open", "normal", "service", after(180))
    assert (task.closed_at, task.closed_reason, task.sla) == (None, None, "on_track")
    assert task.opened_at == after(0)
    assert world.counters()["tasks_reopened"] == 1


def test_thanks_after_closing_reopen_nothing(world: World):
    world.hear(mention(1, 0, "negative"), own_reply(2, 1, 10))
    assert world.items(reply(3, 1, 15, text="opgelost")) == []


def test_spam_in_a_thread_touches_no_task(world: World):
    world.hear(mention(1, 0, "negative"))
    assert world.items(reply(2, 1, 5, "negative", spam=True)) == []


def test_a_thread_is_quoted_to_twenty_and_counted_on(world: World):
    world.hear(mention(1, 0, "negative"))
    task = world.task(*(reply(number, 1, number) for number in range(2, 31)))
    assert task.thread_size == 30
    assert [quote.mention_id for quote in task.thread] == [f"x:{number}" for number in range(11, 31)]


def test_the_younger_post_is_shown_whatever_order_they_come_in(world: World):
    world.hear(mention(1, 0, "negative"), reply(3, 1, 20))
    task = world.task(reply(2, 1, 10, "negative"))
    assert (task.mention_id, task.updated_at) == ("x:3", after(20))
    assert [quote.mention_id for quote in task.thread] == ["x:1", "x:2", "x:3"]


# time


def test_a_task_is_at_risk_then_breached_each_at_its_moment(world: World):
    world.hear(mention(1, 0, "negative"))
    assert world.items(tick(95)) == []
    versions = world.items(tick(10_000))
    assert [(item.sla, item.updated_at, item.revision) for item in versions] == [("at_risk", after(96), 2), ("breached", after(120), 3)]
    assert world.items(tick(20_000)) == []
    counters = world.counters()
    assert (counters["sla_at_risk"], counters["sla_breached"]) == (1, 1)


def test_another_mention_of_the_brand_moves_its_time_too(world: World):
    world.hear(mention(1, 0, "negative"))
    assert [item.sla for item in world.items(mention(2, 100))] == ["at_risk"]


def test_risk_is_counted_in_open_hours(world: World):
    evening = timedelta(hours=4, minutes=30)  # 16:30 in Amsterdam
    task = world.task(mention(1, evening.total_seconds() / 60, signals=Signals(intents=("question",))))
    assert task.due_at == datetime(2026, 9, 2, 7, 30, tzinfo=UTC)
    versions = world.items(tick(3000))
    assert [item.updated_at for item in versions] == [datetime(2026, 9, 2, 7, 18, tzinfo=UTC), datetime(2026, 9, 2, 7, 30, tzinfo=UTC)]


def test_a_mention_that_comes_late_is_overdue_at_once(world: World):
    versions = world.items(mention(9, 1000), mention(1, 0, "negative"))
    assert [item.sla for item in versions] == ["on_track", "at_risk", "breached"]


def test_an_earlier_deadline_brings_its_own_risk(world: World):
    world.hear(mention(1, 0, "negative"), reply(2, 1, 10, "negative", text="rook"))
    versions = [item for item in world.items(tick(500)) if item.kind == "task"]
    assert [(item.sla, item.updated_at) for item in versions] == [("at_risk", after(34)), ("breached", after(40))]


def test_four_weeks_after_closing_an_item_leaves_the_topic(world: World):
    world.hear(mention(1, 0, "negative"), own_reply(2, 1, 10))
    four_weeks = 28 * 24 * 60
    assert world.hear(tick(four_weeks + 9)) == []
    identity = task_id("noordnet", "x:1").encode()
    outcome = world.process(incoming([tick(four_weeks + 11)], world.offset))
    (out,) = outcome.outgoing
    assert (out.topic, out.key, out.value, out.partition) == (ITEM, identity, None, None)
    assert header(out.headers, "ce_time") == b"2026-09-29T10:10:00Z"
    assert outcome.changes[b"noordnet|item|" + identity] is None
    assert outcome.changes[b"noordnet|thread|x:1"] is None
    assert [key for key in world.log if b"|item|" in key or b"|thread|" in key] == []


def test_an_inform_leaves_four_weeks_after_it_was_told(world: World):
    world.hear(mention(1, 0, text="rook"))
    outs = world.hear(tick(28 * 24 * 60 + 1))
    gone = [out for out in outs if out.record is None]
    assert [out.key.decode() for out in gone] == [inform_id("noordnet", "x:1", "press")]


def test_an_author_is_forgotten_after_ninety_days(world: World):
    world.hear(mention(1, 0, author="h1:a"), tick(89 * 24 * 60))
    assert b"noordnet|author|h1:a" in world.log
    world.hear(tick(90 * 24 * 60 + 1))
    assert b"noordnet|author|h1:a" not in world.log


def test_of_an_author_the_last_five_are_remembered(world: World):
    world.hear(*(mention(number, number, author="h1:a") for number in range(1, 9)))
    task = world.task(mention(10, 10, "negative", author="h1:a"))
    assert [quote.mention_id for quote in task.author_history] == [f"x:{number}" for number in (4, 5, 6, 7, 8)]


def test_a_brand_seen_from_two_raw_partitions_waits_for_the_slower(world: World):
    world.process(incoming([mention(1, 0, "negative")], 0, raw_partition=0))
    world.process(incoming([mention(2, 0)], 0, raw_partition=1))
    assert published(world.process(incoming([tick(500)], 1, raw_partition=0))) == []
    versions = published(world.process(incoming([tick(100)], 1, raw_partition=1)))
    assert [out.record.sla for out in versions] == ["at_risk"]


def test_ticks_of_a_topic_that_was_deleted_are_not_waited_for(world: World):
    world.process(incoming([mention(1, 0, "negative")], 0, raw_partition=3, epoch="old"))
    world.process(incoming([mention(2, 0)], 0, raw_partition=0, epoch="new"))
    assert len(published(world.process(incoming([tick(500)], 1, raw_partition=0, epoch="new")))) == 2


def test_a_brand_in_a_replay_of_its_own_hears_its_own_ticks_only(world: World):
    world.hear(tick(-60, brand="noordnet", replay="running"), mention(1, 0, "negative"))
    assert world.hear(tick(100_000)) == []
    assert [out.record.sla for out in world.hear(tick(100, brand="noordnet", replay="running"))] == ["at_risk"]
    assert world.hear(tick(100, brand="noordnet", replay="running")) == []
    assert [out.record.sla for out in world.hear(tick(110, brand="noordnet", replay="end"))] == ["breached"]


# edits and retractions


def test_an_edit_decides_anew_and_shows_the_new_words(world: World):
    world.hear(mention(1, 0, "negative", text="rook"))
    items = world.items(mention(1, 0, "negative", text="toch geen ellende", edit=1))
    task = next(item for item in items if item.kind == "task")
    inform = next(item for item in items if item.kind == "inform")
    assert (task.queue, task.priority, task.due_at, task.text) == ("service", "normal", after(120), "toch geen ellende")
    assert inform.text == "toch geen ellende"
    assert task.thread_size == 1


def test_an_edit_into_nothing_closes_and_the_next_may_undo_it(world: World):
    world.hear(mention(1, 0, "negative"))
    task = world.task(mention(1, 0, "neutral", text="al opgelost", edit=1))
    assert (task.status, task.closed_reason, task.text) == ("closed", "rerouted", "al opgelost")
    assert world.task(mention(1, 0, "negative", edit=2)).status == "open"


def test_an_edit_of_one_post_leaves_what_the_others_ask_for(world: World):
    world.hear(mention(1, 0, "negative", text="rook"), reply(2, 1, 5, "negative"))
    task = world.task(mention(1, 0, "neutral", edit=1))
    assert (task.status, task.priority, task.mention_id, task.text) == ("open", "critical", "x:2", "bericht 2")


def test_an_edit_after_the_answer_reopens_nothing_but_shows(world: World):
    world.hear(mention(1, 0, "negative"), own_reply(2, 1, 10))
    task = world.task(mention(1, 0, "negative", text="typefout weg", edit=1))
    assert (task.status, task.closed_reason, task.text) == ("closed", "answered", "typefout weg")


def test_a_retraction_closes_the_task_and_leaves_no_word(world: World):
    world.hear(mention(1, 0, "negative", text="rook in de kast, mail a@b.nl"))
    outs = world.hear(retraction(1, 10))
    assert outs[0].record.kind == "retracted"
    assert outs[0].record.decision.item_id == task_id("noordnet", "x:1")
    for item in (out.record for out in outs[1:]):
        assert (item.status, item.closed_reason, item.closed_at, item.sla) == ("closed", "retracted", after(10), None)
        assert (item.text, item.url, item.author, item.thread, item.author_history, item.found) == (None, None, None, (), (), ())
    assert len(outs) == 3
    assert b"kast" not in b"".join(world.log.values())
    assert b"rook" not in b"".join(world.log.values())


def test_a_retraction_leaves_a_task_that_others_ask_for(world: World):
    world.hear(mention(1, 0, "negative", text="rook"), reply(2, 1, 5, "negative", author="h1:b"))
    task = world.task(retraction(2, 10))
    assert (task.status, task.mention_id, task.text, task.author, task.thread_size) == ("open", "x:1", None, None, 1)
    assert (task.priority, task.due_at, task.sla) == ("critical", after(30), "on_track")
    assert [quote.mention_id for quote in task.thread] == ["x:1"]
    assert world.task(retraction(1, 11)).closed_reason == "retracted"


def test_a_retraction_of_the_only_complaint_closes_though_others_chat(world: World):
    world.hear(mention(1, 0, "negative"), reply(2, 1, 5))
    task = world.task(retraction(1, 10))
    assert (task.status, task.closed_reason, task.text) == ("closed", "retracted", None)


def test_a_retraction_takes_the_words_of_what_was_answered(world: World):
    world.hear(mention(1, 0, "negative"), own_reply(2, 1, 10))
    task = world.task(retraction(1, 20))
    assert (task.status, task.closed_reason, task.closed_at, task.text) == ("closed", "answered", after(10), None)


@pytest.mark.parametrize("restored", [False, True])
def test_a_retraction_leaves_histories_and_threads(world: World, restored: bool):
    world.hear(mention(1, 0, author="h1:a"), reply(2, 1, 5, author="h1:a"))
    if restored:
        world = World(world.log, world.change)
        world.offset = 2
    world.hear(retraction(1, 6))
    task = world.task(mention(3, 10, "negative", author="h1:a"))
    assert [quote.mention_id for quote in task.author_history] == ["x:2"]
    assert [quote.mention_id for quote in world.task(reply(4, 1, 11, "negative")).thread] == ["x:2", "x:4"]


def test_a_repeat_of_our_own_says_what_was_said_though_the_world_went_on(world: World):
    records = incoming([reply(2, 1, 0), retraction(2, 1), reply(3, 1, 2, "negative"), mention(4, 3, "negative"), own_reply(5, 4, 4)])
    first = published(world.process(records))
    assert first[1].record.decision.item_id is None  # there was no task yet
    again = world.process(records)
    assert [out for out in published(again) if out.topic == ROUTED.name] == [out for out in first if out.topic == ROUTED.name]
    assert [out.record.status for out in published(again) if out.topic == ITEM.name] == ["open", "open", "open", "closed", "closed"]
    assert again.changes == {}


# what others read


def test_counts_and_gauges(world: World):
    outcome = world.process(incoming([mention(1, 0, "negative"), mention(2, 10, text="rook"), mention(3, 20), retraction(9, 30), tick(35)]))
    assert outcome.counts == {
        ("routed", "service", "normal"): 1,
        ("routed", "urgent", "critical"): 1,
        ("routed", "none", "normal"): 1,
        ("routed", "none", "low"): 1,
    }
    readings = {(reading.name, *reading.labels.values()): reading.value for reading in world.partition.readings()}
    assert readings[("queue_open", "service")] == readings[("queue_open", "urgent")] == 1
    assert readings[("queue_open", "shop")] == readings[("queue_overdue", "service")] == 0
    assert readings[("queue_oldest_timestamp_seconds", "urgent")] == after(10).timestamp()
    assert ("queue_oldest_timestamp_seconds", "shop") not in readings
    assert readings[("state_keys", "routing")] == 1 + 1 + 3 + 3 + 3
    world.hear(tick(45))
    assert {reading.labels.get("queue"): reading.value for reading in world.partition.readings() if reading.name == "queue_overdue"}[
        "urgent"
    ] == 1


def test_the_state_of_a_brand_is_told_without_words(world: World):
    world.hear(mention(1, 0, "negative"), mention(2, 1, text="rook, bel 06-12345678"), mention(3, 2, spam=True), own_reply(4, 1, 3))
    state = world.counters()
    assert (state["routed"], state["tasks_opened"], state["tasks_closed"], state["informs"]) == (4, 2, 1, 1)
    assert (state["spam"], state["own_posts"], state["move_to_private"]) == (1, 1, 1)
    assert state["open_tasks"] == {"urgent": 1}
    opened = [read_open_item(key, value) for key, value in world.log.items()]
    told = [item for item in opened if item is not None]
    assert sorted((item["kind"], item["queue"], item["recipient"]) for item in told) == [
        ("inform", None, "press"),
        ("task", "urgent", None),
    ]
    assert all("text" not in item for item in told)
    assert read_brand_state(b"|ticks", b"{}") is None
    assert read_brand_state(b"noordnet|item|1", b"{}") is None


@pytest.mark.parametrize("key", [b"|ticks", b"noordnet", b"noordnet|item|1", b"noordnet|fax|1"])
def test_a_snapshot_that_cannot_be_read_is_refused(key: bytes):
    with pytest.raises(ValueError):
        World().partition.restore(key, b"{nonsense")


def test_the_stage_says_what_it_reads_and_keeps():
    stage = RoutingStage(RULES, Registry([]))
    assert (stage.name, stage.source.name, stage.changelog) == ("routing", "webcare.mention.assessed.v1", ROUTING_STATE)


# what is kept is bounded


def spoken(number: int, author: int, hours: int) -> AssessedMention:
    return mention(number, hours * 60, author=Author(id=f"h1:{author}"))


def test_beyond_the_bound_what_would_go_first_goes_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.conversations.MOST_THREADS", 2)
    monkeypatch.setattr("pipeline.conversations.MOST_AUTHORS", 2)
    world = World()
    world.hear(spoken(1, 1, 0), spoken(2, 2, 1), spoken(3, 1, 2))
    assert held(world) == ["author|h1:1", "author|h1:2", "thread|x:2", "thread|x:3"]
    outcome = world.process(incoming([spoken(4, 3, 3)], world.offset))
    assert {key: number for key, number in outcome.counts.items() if key[0] == "forgotten"} == {
        ("forgotten", "thread"): 1,
        ("forgotten", "author"): 1,
    }
    assert held(world) == ["author|h1:1", "author|h1:3", "thread|x:3", "thread|x:4"], "the author heard of last stays"
    back = World(world.log, world.change)
    for one in (world, back):
        one.offset = 10
        one.hear(spoken(5, 4, 2))
    assert held(world) == held(back) == ["author|h1:3", "author|h1:4", "thread|x:4", "thread|x:5"]
    assert world.log == back.log


def test_a_thread_stays_with_its_task_whatever_the_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.conversations.MOST_THREADS", 2)
    world = World()
    task = world.task(mention(1, label="negative"))
    world.hear(*(spoken(number, number, number) for number in range(2, 6)))
    assert [name for name in held(world) if name.startswith("thread")] == ["thread|x:1", "thread|x:5"]
    assert world.task(mention(6, 600, label="negative", root_id="x:1", parent_id="x:1")).item_id == task.item_id


def held(world: World) -> list[str]:
    return sorted(key.decode().partition("|")[2] for key in world.log if b"|thread|" in key or b"|author|" in key)
