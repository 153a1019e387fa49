"""What is missed of a source: what it teaches, and when it is enough. With the stage around it: test_crisis, and here at a replay's end."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pipeline.brands import Brand, Registry, SourceSettings
from pipeline.cadence import SILENT, Cadence, Cadences
from pipeline.crisis import CrisisPartition, CrisisStage
from pipeline.stage import Incoming, Origin
from pipeline.ticks import paced
from schemas.codec import encode
from schemas.mention import Author, ScoredMention, Sentiment, Signals, Tick
from schemas.outputs import Alert
from schemas.topics import ALERT_EVENT


def test_an_outage_neither_teaches_that_silence_is_usual_nor_hides_the_next():
    cadence = Cadence(0)
    told = []
    for bucket in range(12 * 288):
        outage = any(start <= bucket < start + 200 for start in (5 * 288, 8 * 288, 11 * 288))
        if cadence.close(bucket, 0 if outage else 1, bucket // 12 % 24):
            told.append(bucket // 288)
    assert told == [5, 8, 11]
    assert cadence.expected(3) == pytest.approx(1.0, abs=0.1)


def test_the_first_days_raise_nothing_and_a_rare_source_never_at_once():
    cadence = Cadence(0)
    assert not any(cadence.close(bucket, int(bucket < 288), 1) for bucket in range(SILENT))
    rare = Cadence(0)
    assert not any(rare.close(bucket, int(bucket % 200 == 0 and bucket < 20 * 288), 1) for bucket in range(30 * 288))


def test_cadences_come_back_bit_for_bit():
    one = Cadences(UTC)
    for bucket in range(400):
        one.close(bucket, {"feed": {bucket: bucket % 3}} if bucket % 3 else {})
    other = Cadences(UTC)
    other.restore(one.snapshot())
    for cadences in (one, other):
        cadences.close(401, {"feed": {401: 4}})
    assert one.snapshot() == other.snapshot()
    with pytest.raises(ValueError):
        other.restore(b"\x63")


def test_a_paused_source_misses_nothing_until_it_is_heard_again():
    cadences, rested = Cadences(UTC), Cadences(UTC)
    for one in (cadences, rested):
        for bucket in range(5 * 288):
            one.close(bucket, {"feed": {bucket: 1}})
        one.pause()
    assert cadences.wake(5 * 288, {}) is None
    for bucket in range(5 * 288, 7 * 288):
        assert cadences.close(bucket, {}) == ([], [])
    rested.restore(cadences.snapshot())
    told = []
    for bucket in range(7 * 288, 9 * 288):
        for one in (cadences, rested):
            silences, _ = one.close(bucket, {"feed": {bucket: 1}} if bucket < 7 * 288 + 9 else {})
            told += silences
    assert [(silence.source, silence.since) for silence in told] == [("feed", 7 * 288 + 9)] * 2


# the end of a replay

LISTENING = Registry([Brand(slug="noordnet")], sources=[SourceSettings(name="feed"), SourceSettings(name="forum")], hash_="c0ffee")
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3600.0


def lines(days: int, *, feed_until: float, sources: Sequence[str] = ("feed", "forum")) -> Iterator[tuple[float, ScoredMention]]:
    """Twelve mentions an hour by each source, until noon of the last day; the feed only until ``feed_until``. Seconds from the start."""
    for number in range((days * 24 - 12) * 12):
        for source in sources:
            at = number * 300.0 + len(source)
            if source != "feed" or at < feed_until:
                yield at, said(at, source)


def said(at: float, source: str) -> ScoredMention:
    when = FIRST + timedelta(seconds=at)
    return ScoredMention(
        mention_id=f"{source}:{at:.0f}",
        brand="noordnet",
        channel="x",
        channel_family="social",
        text="",
        published_at=when,
        detected_at=when,
        author=Author(id=f"h1:{source}{at:.0f}"),
        source=source,
        mode="live",
        sentiment=Sentiment(label="neutral"),
        signals=Signals(),
    )


def replay(said: Sequence[tuple[float, ScoredMention]], brand: str | None) -> list[ScoredMention | Tick]:
    start = FIRST.timestamp()
    out: list[ScoredMention | Tick] = []
    for step in paced([start + at for at, _ in said]):
        if step.line is not None:
            out.append(said[step.line][1])
        elif step.tick is not None:
            at = datetime.fromtimestamp(step.tick, UTC)
            out.append(Tick(at=at, brand=brand, replay="end" if step.end else "running"))
    return out


class Told:
    """A partition, and the silences it tells of; after each batch a new process takes it over where ``restarts``."""

    def __init__(self, *, restarts: bool = False) -> None:
        self._restarts = restarts
        self._changelog: dict[bytes, bytes] = {}
        self._next = 0
        self._partition = self._open()

    def _open(self) -> CrisisPartition:
        partition = CrisisStage(LISTENING, "test").open(0, "")
        for key, value in self._changelog.items():
            partition.restore(key, value)
        partition.restored(0)
        return partition

    def __call__(self, records: Sequence[ScoredMention | Tick]) -> list[tuple[str, str | None]]:
        incoming = []
        for record in records:
            origin = ("webcare-origin", Origin("e", 0, self._next).encode())
            incoming.append(Incoming(0, self._next, 0, b"noordnet", encode(record), [origin]))
            self._next += 1
        outcome = self._partition.process(incoming)
        for key, value in outcome.changes.items():
            if value is not None:
                self._changelog[key] = value
        if self._restarts:
            self._partition = self._open()
        alerts = [msgspec.json.decode(out.value or b"", type=Alert) for out in outcome.outgoing if out.topic is ALERT_EVENT]
        return [(alert.transition, alert.source) for alert in alerts if alert.kind == "silence"]


def ticks(since: float, until: float) -> list[Tick]:
    return [Tick(at=FIRST + timedelta(seconds=since + 600.0 * number)) for number in range(int((until - since) // 600))]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("brand", [None, "noordnet"])
def test_that_a_file_ends_is_no_silence_and_what_fell_silent_in_it_is(brand: str | None, restarts: bool):
    end = 4.5 * 24 * HOUR
    assert Told(restarts=restarts)(replay(list(lines(5, feed_until=end)), brand)) == []
    assert Told(restarts=restarts)(replay(list(lines(5, feed_until=end - 6 * HOUR)), brand)) == [("raised", "feed")]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("brand", [None, "noordnet"])
def test_after_a_warm_start_a_source_can_be_silent_once_it_was_heard_live(brand: str | None, restarts: bool):
    told = Told(restarts=restarts)
    end = 4.5 * 24 * HOUR
    assert told(replay(list(lines(5, feed_until=end)), brand)) == []
    live = end + 30 * HOUR
    assert told(ticks(end + 7 * HOUR, live)) == []
    assert told([said(live + 60.0 * minute, "feed") for minute in range(30)]) == []
    assert told(ticks(live + HOUR, live + 9 * HOUR)) == [("raised", "feed")]
