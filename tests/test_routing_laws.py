"""Whatever happens to the process, the log says the same: batches, restores, crashes and ticks change nothing of what routing decides."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import packed_items
from pipeline.brands import parse_brands
from pipeline.decisions import Decider
from pipeline.journal import unseal
from pipeline.routing import RoutingStage
from pipeline.rules import parse_rules
from pipeline.stage import Incoming, header
from schemas.codec import encode
from schemas.mention import AssessedMention, Author, Reach, Sentiment, Signals, Situation, SteppedRetraction, Tick
from schemas.outputs import RoutedMention, WorkItem
from schemas.topics import ITEM, ITEM_SHADOW, ROUTED, ROUTED_SHADOW

DEMO = Path(__file__).parents[1] / "deploy" / "demo"
RULES = parse_rules((DEMO / "routing.toml").read_bytes())
REGISTRY = parse_brands((DEMO / "brands.toml").read_bytes())
STAGE = RoutingStage(RULES, REGISTRY)
DECIDER = Decider(RULES, REGISTRY)
START = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)
END = timedelta(days=400)

BRANDS = {"noordnet": ("live", 0), "bloemenbank": ("observe", 1)}
"""Mode and raw partition."""

TEXTS = {
    "negative": ("rook uit de kast", "schandalig", "bel 06-12345678"),
    "neutral": ("hoe laat komt hij?", "in de trein"),
    "positive": ("aanrader", "ik wil klant worden"),
    "unscored": ("wann kommt es?", "😂"),
}

Log = dict[bytes, bytes]
Record = AssessedMention | SteppedRetraction | Tick


class Step(NamedTuple):
    """What is said next: by or of mention ``number`` of a brand, ``minutes`` later; ``late``: it arrives hours after it was written."""

    what: str
    brand: str
    number: int
    minutes: int
    label: str
    variant: int
    again: str
    late: bool
    ticks: tuple[float, ...]


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(["say", "say", "say", "say", "own", "retract"]),
        brand=st.sampled_from(["noordnet", "noordnet", "noordnet", "bloemenbank"]),
        number=st.integers(0, 8),
        minutes=st.sampled_from([0, 0, 3, 40, 90, 200, 1500, 30_000, 100_000]),
        label=st.sampled_from(["negative", "negative", "neutral", "positive", "unscored"]),
        variant=st.integers(0, 5),
        again=st.sampled_from(["edit", "duplicate"]),
        late=st.booleans(),
        ticks=st.lists(st.floats(0, 1), max_size=3).map(lambda shares: tuple(sorted(shares))),
    ),
    max_size=25,
)


class Told(NamedTuple):
    """A record of the story with the raw partition it came from."""

    record: Record
    partition: int


def story(plan: Sequence[Step]) -> list[Told]:
    """The plan as records, as the crisis stage would hand them on, with ticks between those that move time."""
    told: list[Told] = []
    now = START
    edits: dict[tuple[str, int], int] = {}
    gone: set[tuple[str, int]] = set()
    for step in plan:
        before, now = now, now + timedelta(minutes=step.minutes)
        for share in step.ticks if step.minutes else ():
            told += [Told(Tick(at=before + (now - before) * share), partition) for partition in (0, 1)]
        mode, partition = BRANDS[step.brand]
        identity = (step.brand, step.number)
        at = now - timedelta(hours=5) if step.late and not step.minutes else now
        if step.what == "retract":
            gone.add(identity)
            told.append(Told(SteppedRetraction(mention_id=f"x:{step.number}", brand=step.brand, mode=mode, detected_at=at), partition))  # type: ignore[arg-type]
        elif step.what == "own":
            told.append(Told(_mention(step, at, mode, number=100 + len(told), root=step.number % 3, direction="outbound"), partition))
        else:
            fields: dict[str, Any] = {"retracted": identity in gone}
            if identity in edits:
                fields["duplicate"] = step.again == "duplicate"
                edits[identity] += step.again == "edit"
            edits.setdefault(identity, 0)
            told.append(Told(_mention(step, at, mode, number=step.number, root=step.number % 3, edit=edits[identity], **fields), partition))
    return [*told, *(Told(Tick(at=START + END), partition) for partition in (0, 1))]


def _mention(step: Step, at: datetime, mode: Any, *, number: int, root: int, **fields: Any) -> AssessedMention:
    texts = TEXTS[step.label]
    is_root = number == root
    return AssessedMention(
        mention_id=f"x:{number}",
        brand=step.brand,
        channel="x",
        channel_family="social",
        text=texts[step.variant % len(texts)],
        published_at=at,
        detected_at=at,
        author=Author(id=f"h1:{number % 4}"),
        kind="post" if is_root else ("reply", "reply", "repost")[number % 3],
        root_id=None if is_root else f"x:{root}",
        parent_id=None if is_root else f"x:{root}",
        mode=mode,
        language="nl" if step.label != "unscored" else "de",
        reach=Reach(value=50_000, source="reported") if step.variant == 5 else None,
        spam=step.variant == 4,
        sentiment=Sentiment(
            label=step.label,  # type: ignore[arg-type]
            compound={"negative": -0.7, "neutral": 0.0, "positive": 0.7}.get(step.label),
        ),
        signals=Signals(intents=("question",) if step.variant == 1 else ()),
        situation=Situation(tier="crisis" if step.variant == 3 else None),
        **fields,
    )


def incoming(told: Iterable[Told]) -> list[Incoming]:
    return [
        Incoming(0, offset, 0, None, encode(part.record), [("webcare-origin", f"e:{part.partition}:{offset}".encode())])
        for offset, part in enumerate(told)
    ]


class Written(NamedTuple):
    """One published record, without the origin of what brought it about."""

    topic: str
    key: bytes | None
    value: bytes | None
    ce_id: bytes | None
    ce_time: bytes | None


class Run:
    """A partition, from nothing or from a changelog, with all it has published."""

    def __init__(self, log: Log | None = None, change: int = 0) -> None:
        self.partition = STAGE.open(0, "topic")
        self.log: Log = dict(log or {})
        self.change = change
        self.written: list[Written] = []
        self.origins: list[bytes | None] = []
        for key, value in self.log.items():
            self.partition.restore(key, value)
        self.partition.restored(change)

    def process(self, records: Sequence[Incoming]) -> "Run":
        outcome = self.partition.process(records)
        assert outcome.dead == []
        for out in outcome.outgoing:
            self.written.append(Written(out.topic.name, out.key, out.value, header(out.headers, "ce_id"), header(out.headers, "ce_time")))
            if out.topic in (ROUTED, ROUTED_SHADOW):
                self.origins.append(header(out.headers, "webcare-origin"))
        for key, state in outcome.changes.items():
            if state is None:
                self.log.pop(key, None)
            else:
                self.log[key] = state
        self.change = outcome.change
        return self


@settings(max_examples=60, deadline=None)
@given(steps, st.data())
def test_batches_change_nothing(plan: list[Step], data: st.DataObject):
    records = incoming(story(plan))
    whole = Run().process(records)
    parts = Run()
    at = 0
    while at < len(records):
        size = data.draw(st.integers(1, 8))
        parts.process(records[at : at + size])
        at += size
    assert parts.written == whole.written
    assert parts.log == whole.log
    assert parts.change == whole.change


@settings(max_examples=60, deadline=None)
@given(steps, st.data())
def test_a_restore_at_any_point_changes_nothing(plan: list[Step], data: st.DataObject):
    records = incoming(story(plan))
    at = data.draw(st.integers(0, len(records)))
    whole = Run().process(records)
    first = Run().process(records[:at])
    second = Run(first.log, first.change).process(records[at:])
    assert first.written + second.written == whole.written
    assert second.log == whole.log
    assert second.change == whole.change


@settings(max_examples=100, deadline=None)
@given(steps, st.data())
def test_a_repeat_of_any_suffix_changes_nothing(plan: list[Step], data: st.DataObject):
    """A crash after the state was written and before the offsets were: the new owner restores, and works through a stretch again."""
    told = story(plan)
    records = incoming(told)
    stop = data.draw(st.integers(0, len(records)))
    back = data.draw(st.integers(0, stop))
    while back < stop and _moment(told[stop - 1]) - _moment(told[back]) > timedelta(days=20):
        back += 1  # a repeat reaches back seconds; beyond four weeks items are gone from the topic
    whole = Run().process(records)
    first = Run().process(records[:stop])
    second = Run(first.log, first.change)
    again = Run(first.log, first.change).process(records[back:stop])
    assert again.log == first.log
    assert again.change == first.change
    assert set(again.written) <= set(first.written)
    second.process(records[back:])
    assert set(first.written + second.written) == set(whole.written)
    assert second.log == whole.log


def _moment(told: Told) -> datetime:
    return told.record.at if isinstance(told.record, Tick) else told.record.detected_at


@settings(max_examples=100, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_how_often_it_ticks_changes_nothing(plan: list[Step], rng: Any):
    told = story(plan)
    needed = ticks_before_late_records(told)
    fewer = [part for index, part in enumerate(told) if not isinstance(part.record, Tick) or index in needed or rng.random() < 0.3]
    many, few = Run().process(incoming(told)), Run().process(incoming(fewer))
    assert sorted(map(repr, many.written)) == sorted(map(repr, few.written))
    assert _without_offsets(many.log) == _without_offsets(few.log)


def ticks_before_late_records(told: Sequence[Told]) -> set[int]:
    """The places of the last two ticks, and of the last tick of its partition before each record that is older than it: nothing but that
    tick says that its deadline passed before the record came."""
    needed = {len(told) - 2, len(told) - 1}
    last: dict[int, int] = {}
    for index, part in enumerate(told):
        if isinstance(part.record, Tick):
            last[part.partition] = index
        elif part.partition in last and _moment(part) < _moment(told[last[part.partition]]):
            needed.add(last[part.partition])
    return needed


def _without_offsets(log: Log) -> dict[bytes, Any]:
    plain = {key: unseal(key, value) for key, value in log.items() if key != b"|ticks"}
    return {key: value if b"|" in key else msgspec.json.decode(value) | {"origins": None} for key, value in plain.items()}


@settings(max_examples=100, deadline=None)
@given(steps)
def test_the_books_balance(plan: list[Step]):
    """One routed record for each origin that is no tick; item versions without a gap; live and shadow apart; laws kept on every record."""
    told = story(plan)
    run = Run().process(incoming(told))
    expected = [f"e:{part.partition}:{offset}".encode() for offset, part in enumerate(told) if not isinstance(part.record, Tick)]
    assert sorted(origin or b"" for origin in run.origins) == sorted(expected)

    revisions: dict[bytes | None, int] = {}
    open_ranks: dict[str, dict[bytes | None, tuple[int, str]]] = {}
    for out in run.written:
        if out.topic in (ITEM.name, ITEM_SHADOW.name):
            if out.value is None:
                revisions.pop(out.key, None)
                continue
            item = msgspec.json.decode(out.value, type=WorkItem)
            assert (item.mode == "observe") == (out.topic == ITEM_SHADOW.name)
            assert item.revision == revisions.get(out.key, 0) + 1
            revisions[out.key] = item.revision
            check_item(item)
            ranks = open_ranks.setdefault(item.brand, {})
            ranks.pop(out.key, None)
            if item.kind == "task" and item.status == "open" and item.queue is not None:
                ranks[out.key] = (item.rank, RULES.queues[item.queue].kind)
            service = [rank for rank, kind in ranks.values() if kind == "service"]
            assert all(rank > max(service, default=-1) for rank, kind in ranks.values() if kind == "marketing")
        elif out.value is not None:
            routed = msgspec.json.decode(out.value, type=RoutedMention)
            assert (routed.mode == "observe") == (out.topic == ROUTED_SHADOW.name)
            assert routed.decision.response_reason
            exposed = bool(routed.decision.found) and routed.visibility == "public"
            assert (routed.decision.handling == "move_to_private") == exposed
            assert DECIDER.decide_again(routed) == routed.decision
            assert "12345678" not in (routed.text or "")
    assert not any(b"|item|" in key or b"|thread|" in key or b"|author|" in key for key in closed_only(run.log))


def check_item(item: WorkItem) -> None:
    assert item.response_policy
    assert item.response_reason
    assert (item.kind == "task") == (item.recipient is None) == (item.queue is not None) == (item.due_at is not None)
    assert (item.status == "closed") == (item.closed_at is not None) == (item.closed_reason is not None)
    if item.closed_reason == "retracted":
        assert item.text is None
        assert item.thread == ()
    assert item.opened_at <= item.updated_at


def closed_only(log: Log) -> list[bytes]:
    """Keys that should have gone after 400 days: all but those of tasks that nobody ever answered, and their threads."""
    items = {key: packed_items.unpack(unseal(key, value)).item for key, value in log.items() if b"|item|" in key}
    waiting = {item.root_id for item in items.values()}
    statuses = {key: item.status for key, item in items.items()}
    return [
        key
        for key in log
        if (key in statuses and statuses[key] == "closed") or (b"|thread|" in key and key.decode().split("|")[2] not in waiting)
    ]
