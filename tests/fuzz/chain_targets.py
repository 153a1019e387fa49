"""Target: the whole chain. A story goes through the four stages as a broker would hand it on, cut into batches and crashed at will.

Laws: one outcome for each raw record that is no tick; the same records whatever the batches; counters that no crash changes; order per
brand; values that their topics' schemas and size limits allow.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from cases import Case, Target
from hypothesis import strategies as st
from mutations import CANARY, MOMENTS, TEXTS, record_values
from record_targets import MAIN, PARTITIONS, check_outcome, schema_of, stages, work

from agents.offline import OfflineChain
from agents.replay import RawRecord, key_of, partition_of, read_line
from pipeline import crisis, routing
from pipeline.partition import Partitioner
from pipeline.stage import ORIGIN, DeadLetter, Incoming, StagePartition, header, parse_origin
from schemas.codec import Reason, RejectedRecordError, raw_decoder
from schemas.mention import Tick
from schemas.topics import DEAD_LETTER, RAW, ROUTED, ROUTED_SHADOW

START = datetime(2026, 9, 1, 10, tzinfo=UTC)
BRANDS = ("noordnet", "bloemenbank", "veldspoor", f"onbekend-{CANARY}")
SAID = (
    "Alweer een storing, waardeloos",
    "rook uit de NoordBox, levensgevaarlijk!",
    "hoe laat komt de monteur?",
    "heel blij mee, topservice",
    "bel me op 06-12345678 of mail jan@example.org",
    "😡😡",
    "Wann kommt mein Paket? Schrecklich!",
    "zit in de trein",
)
EPOCH = "fuzz"


# stories: raw records as plain values, from a few small numbers per step


@st.composite
def stories(draw: st.DrawFn) -> list[Any]:
    """A list of ``(value, milliseconds)``: mentions, crowds, edits, repeats, retractions, ticks, wild clocks and broken records."""
    told: list[tuple[bytes | None, int]] = []
    now = START
    if draw(st.integers(0, 3)):  # a day and more of silence: no detector raises anything on its first day
        long_ago = START - timedelta(days=2)
        told = [(_mention("say", brand, 99, 0, long_ago, 7), int(long_ago.timestamp() * 1000)) for brand in BRANDS]
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    "say say say say edit again own repost crowd crowd retract retract tick tick back brand end wild broken broken".split()
                ),
                st.sampled_from((0, 0, 0, 1, 2, 3)),
                st.sampled_from((0, 0, 0, 1, 1, 2, 3, 7)),
                st.sampled_from((0, 0, 1, 4, 7, 30, 200, 1_500, 12_000)),
                st.integers(0, 40),
            ),
            min_size=4,
            max_size=24,
        )
    )
    edits: Counter[tuple[str, int]] = Counter()
    for what, which, number, minutes, odd in steps:
        now += timedelta(minutes=minutes)
        brand = BRANDS[which]
        at = int(now.timestamp() * 1000)
        if what in ("say", "edit", "again", "own", "repost", "wild"):
            edits[brand, number] += what == "edit"
            told.append((_mention(what, brand, number, edits[brand, number], now, odd), at))
        elif what == "crowd":
            voices = (24, 12, 8)[odd % 3]
            told += [
                (_mention("crowd", brand, 1_000 * len(told) + voice, 0, now + timedelta(seconds=voice), voice), at)
                for voice in range(voices)
            ]
        elif what == "retract":
            fields = {"type": "retraction", "mention_id": f"x:{number} {CANARY}", "brand": brand}
            told.append((_json(fields | ({"retracted_at": now.isoformat()} if odd % 2 else {})), at))
        elif what == "broken":
            told.append((draw(record_values(RAW.name, at_most=2)), at))
        else:
            moment = now - timedelta(days=odd) if what == "back" else now
            replay = {"brand": "running", "end": "end"}.get(what, "running")
            tick = {"type": "tick", "at": moment.isoformat(), "replay": replay} | ({"brand": brand} if what in ("brand", "end") else {})
            told.append((_json(tick), at))
    told.append((_json({"type": "tick", "at": (now + timedelta(hours=7)).isoformat(), "replay": "running"}), int(now.timestamp() * 1000)))
    return [list(pair) for pair in told]


def _json(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields)


def _mention(what: str, brand: str, number: int, edit: int, now: datetime, odd: int) -> bytes:
    fields: dict[str, Any] = {
        "mention_id": f"x:{number} {CANARY}",
        "brand": brand,
        "channel": "x",
        "channel_family": "social",
        "text": SAID[odd % 8] if what == "crowd" else (*SAID, *TEXTS)[odd % (8 + len(TEXTS))],
        "published_at": now.isoformat(),
        "author": {"id": f"auteur-{odd if what == 'crowd' else number % 3}", "name": CANARY},
        "kind": "repost" if what == "repost" else "reply" if odd % 3 == 0 else "post",
        "root_id": f"x:{number % 3} {CANARY}",
        "edit": edit,
        "visibility": "private" if odd % 11 == 10 else "public",
        "url": f"https://example.org/{number}",
    }
    if what == "crowd":
        fields["text"] = SAID[odd % 2]
    if what == "own":
        fields["author"] = {"id": brand}
        fields["mention_id"] = f"x:own{number}{odd}"
    if what == "wild":
        fields["published_at"] = MOMENTS[odd % 11]
        if odd % 2:
            fields["received_at"] = MOMENTS[(odd // 2) % 11]
    if odd % 5 == 1:
        fields["reach"] = {"value": 10**odd % (2**63), "source": "followers"}
    return _json(fields)


class Plan(NamedTuple):
    """How the broker hands records on: numbers that choose stage, partition and batch size; ``crashes``: after which batches, how."""

    picks: tuple[int, ...]
    crashes: tuple[tuple[int, int], ...]


plans = st.tuples(
    st.lists(st.integers(0, 997), min_size=1, max_size=12), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 23)), max_size=4)
)


def raw_records(story: Sequence[Any]) -> list[RawRecord]:
    """As `run --offline` writes them: in the brand's partition, ticks without a brand in all."""
    partitioner = Partitioner(PARTITIONS)
    records = []
    for number, (value, at) in enumerate(story):
        line = read_line(number, value or b"")
        is_tick = line.body is not None and line.body.get("type") == "tick" and line.brand is None
        places = range(PARTITIONS) if is_tick else (partition_of(line, partitioner),)
        records += [RawRecord(place, key_of(line), value, at / 1000, is_tick) for place in places]  # type: ignore[arg-type]
    return records


Written = tuple[str, bytes | None, bytes | None, bytes | None]
"""Topic, key, value, ce_id."""


class Broker:
    """Topics between the stages, changelogs, batches of any size. A crash throws a partition away and repeats what was not committed."""

    def __init__(self, records: Sequence[RawRecord], plan: Plan) -> None:
        self.stages = stages(True)
        self.logs: list[list[list[Incoming]]] = [[[] for _ in range(PARTITIONS)] for _ in range(5)]
        self.changelogs: list[list[dict[bytes, bytes]]] = [[{} for _ in range(PARTITIONS)] for _ in range(4)]
        self.changes = [[0] * PARTITIONS for _ in range(4)]
        self.position = [[0] * PARTITIONS for _ in range(4)]
        self.states: list[list[StagePartition]] = [[self._opened(number, place) for place in range(PARTITIONS)] for number in range(4)]
        self.written: list[Written] = []
        self.outcomes: dict[tuple[int, int], set[tuple[str, Any]]] = defaultdict(set)
        self.first_seen: list[tuple[str, int, int]] = []
        self.plan = plan
        self.reasons: Counter[str] = Counter()
        for record in records:
            log = self.logs[0][record.partition]
            log.append(Incoming(record.partition, len(log), int(record.at * 1000), record.key, record.value, []))

    def _opened(self, number: int, place: int) -> StagePartition:
        state = self.stages[number].open(place, EPOCH)
        for key, value in self.changelogs[number][place].items():
            state.restore(key, value)
        state.restored(self.changes[number][place])
        return state

    def run(self) -> "Broker":
        """Until nothing is left to read."""
        crashes = dict(self.plan.crashes)
        turn = 0
        while waiting := [
            (number, place)
            for number in range(4)
            for place in range(PARTITIONS)
            if self.position[number][place] < len(self.logs[number][place])
        ]:
            pick = self.plan.picks[turn % len(self.plan.picks)]
            number, place = waiting[pick % len(waiting)]
            self._batch(number, place, (1, 2, 3, 5, 8, 40, 1_000)[pick % 7], crashes.get(turn))
            turn += 1
        return self

    def _batch(self, number: int, place: int, size: int, crash: int | None) -> None:
        first = self.position[number][place]
        batch = self.logs[number][place][first : first + size]
        outcome, published = work(self.stages[number], self.states[number][place], batch, place)
        check_outcome(outcome, published)
        for topic, target, record in published.records:
            self._publish(number, topic, target, record)
        if crash is not None and crash % 2:  # after outputs, before state
            self.states[number][place] = self._opened(number, place)
            self.position[number][place] = max(0, first - crash // 2)
            return
        for key, value in outcome.changes.items():
            if value is None:
                self.changelogs[number][place].pop(key, None)
            else:
                self.changelogs[number][place][key] = value
        if outcome.changes:
            self.changes[number][place] = outcome.change
        self.position[number][place] = first + len(batch)
        if crash is not None:  # after state, before the commit
            self.states[number][place] = self._opened(number, place)
            self.position[number][place] = max(0, first + len(batch) - crash // 2)

    def _publish(self, number: int, topic: str, target: int, record: Any) -> None:
        identity = header(record.headers, "ce_id")
        if topic.startswith("webcare.state."):
            return
        if topic in {out.name for out in MAIN[self.stages[number].source.name]} and number < 3:
            log = self.logs[number + 1][target]
            log.append(Incoming(target, len(log), 0, record.key, record.value, record.headers))
        self.written.append((topic, record.key, record.value, identity))
        if topic in (ROUTED.name, ROUTED_SHADOW.name, DEAD_LETTER.name):
            origin = parse_origin(header(record.headers, ORIGIN) or b"")
            place_of = (origin.partition, origin.offset)
            if topic == DEAD_LETTER.name:
                self.reasons[(header(record.headers, "webcare-reason") or b"").decode()] += 1
                identity = b"dead"
            elif not self.outcomes[place_of]:
                self.first_seen.append((record.key.decode(), origin.partition, origin.offset))
            self.outcomes[place_of].add((topic, identity))

    def counters(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What `webcare state` shows of every brand, but for where time stands."""
        found = {}
        for number, read in ((2, crisis.read_brand_state), (3, routing.read_brand_state)):
            for place in range(PARTITIONS):
                for key, value in self.changelogs[number][place].items():
                    if key and not key.startswith(b"|") and (shown := read(key, value)) is not None:
                        found[self.stages[number].name, key.decode()] = shown
        return found


def outputs(written: Sequence[Written]) -> Counter[Written]:
    """Whole records of the topics that others read, how often each; letters by their bytes."""
    middle = {out.name for outs in (MAIN[name] for name in list(MAIN)[:3]) for out in outs}
    return Counter(record for record in written if record[0] not in middle)


def offline(records: Sequence[RawRecord], sizes: Sequence[int]) -> Counter[Written]:
    """The same by `run --offline`, the file in pieces of these sizes."""
    chain = OfflineChain(stages(True))
    written: list[Written] = []
    rest = list(records)
    for size in (*sizes, len(records)):
        piece, rest = rest[:size], rest[size:]
        for _, out in chain.feed(piece):
            if isinstance(out, DeadLetter):
                written.append((DEAD_LETTER.name, out.record.key, out.record.value, None))
            else:
                written.append((out.topic.name, out.key, out.value, header(out.headers, "ce_id")))
    return outputs(written)


def _owed(records: Sequence[RawRecord]) -> set[tuple[int, int]]:
    """Places of raw records that are no ticks."""
    decoder = raw_decoder()
    offsets: Counter[int] = Counter()
    owed = set()
    for record in records:
        try:
            is_tick = isinstance(decoder.decode(record.value), Tick)
        except RejectedRecordError:
            is_tick = False
        if not is_tick:
            owed.add((record.partition, offsets[record.partition]))
        offsets[record.partition] += 1
    return owed


def _check_values(written: Sequence[Written]) -> Iterator[str]:
    for topic, _, value, _ in written:
        if topic == DEAD_LETTER.name or value is None:
            continue
        if crc32(value) % 2 == 0:
            schema_of(topic).validate(msgspec.json.decode(value))
        yield topic


WEEK = 7 * 86_400_000
"""Milliseconds for which identities are remembered: a crash that repeats more may tell as new what its source had said twice."""


def check_chain(case: Case) -> str:
    """All laws over one story."""
    story, picks, crashes = case
    records = raw_records(story)
    calm = Broker(records, Plan((999,), ())).run()
    whole = outputs(calm.written)
    topics = Counter(_check_values(calm.written))

    owed = _owed(records)
    told = {place for place, outcomes in calm.outcomes.items() if outcomes}
    assert owed <= told, "a record without an outcome"
    assert all(len(outcomes) == 1 for outcomes in calm.outcomes.values()), "a record with two outcomes"
    routed = {place for place, outcomes in calm.outcomes.items() if any(topic != DEAD_LETTER.name for topic, _ in outcomes)}
    assert routed <= owed, "a tick was routed"
    last: dict[tuple[str, int], int] = {}
    for brand, partition, offset in calm.first_seen:
        assert offset > last.get((brand, partition), -1), "out of order"
        last[brand, partition] = offset
    assert set(calm.reasons) <= {reason.value for reason in Reason}
    for states in calm.states:
        for state in states:
            assert all(isfinite(reading.value) for reading in state.readings())

    cut = outputs(Broker(records, Plan(tuple(picks), ())).run().written)
    assert cut == whole, _difference(cut, whole)
    letters = {
        (topic, key, value, None if topic == DEAD_LETTER.name else identity): n for (topic, key, value, identity), n in whole.items()
    }
    alone = offline(records, ())
    assert alone == letters, _difference(alone, Counter(letters))
    pieces = offline(records, [1 + pick % 9 for pick in picks])
    assert pieces == letters, _difference(pieces, Counter(letters))

    crashed = Broker(records, Plan(tuple(picks), tuple((turn, how) for turn, how in crashes))).run()
    assert crashed.counters() == calm.counters()
    if story[-1][1] - story[0][1] < WEEK:
        assert {place: outcomes for place, outcomes in crashed.outcomes.items() if outcomes} == calm.outcomes, (
            "a repeat became something else"
        )
    return f"alerts {min(topics['webcare.alert.event.v1'] + topics['webcare.alert.event.shadow.v1'], 3)}"


def _difference(one: Counter[Written], other: Counter[Written]) -> str:
    return f"too many: {[(t, k, i) for t, k, _, i in one - other][:3]}, too few: {[(t, k, i) for t, k, _, i in other - one][:3]}"


def records_in(case: Case) -> int:
    """Raw records of a case."""
    return len(raw_records(case[0]))


TARGETS = (
    Target("chain", st.tuples(stories(), *(part for part in (plans.map(lambda p: p[0]), plans.map(lambda p: p[1])))), check_chain, 0.0),
)
