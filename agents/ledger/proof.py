"""The whole check over a broker: the ledger law, alerts and items, and the count from raw.

It may run beside a working deployment. What makes that safe is the order of the looks. First what the stages' groups have committed; then
where the topics end, the raw topic last. A raw record that all stages had committed past has its outcome before those ends; any other is
found between the stages, or is not begun; and no outcome before its end speaks of a raw record behind the raw topic's.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from agents.deployment import Deployment
from agents.lag import SOURCES, LagMeter
from agents.ledger.law import OUTCOMES, ROW_BYTES, Extent, Ledger, LedgerCheck
from agents.ledger.outputs import ALERT_TOPICS, ITEM_TOPICS, AlertCheck, ItemCheck, Outputs
from agents.ledger.outputs import ROW_BYTES as OUTPUT_BYTES
from agents.ledger.recount import BrandCores, Held, Recount, core_in, recount
from agents.ledger.sorting import Sorter
from agents.settings import Settings
from agents.topic_reader import Record, TopicReader, opened, places_of, read_between
from agents.topics import TopicsError, topic_epoch
from pipeline.ticks import BUCKET
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, CRISIS_STATE, LANGUAGE, RAW, ROUTING_STATE

MIDDLE = {stage: topic.name for stage, topic in SOURCES.items() if topic is not RAW}
"""Stages behind the door and what they read."""

COORDINATOR_SECONDS = 60.0
LOOKS = 3
"""So often the outputs are read, until nothing came in meanwhile."""

QUIET_SECONDS = 5
"""So long a moment is waited for at which nothing is under way."""

Offsets = dict[TopicPartition, int]


@dataclass
class Result:
    """What the check found. ``clean`` when nothing speaks against any of the three."""

    law: Ledger = field(default_factory=Ledger)
    outputs: Outputs = field(default_factory=Outputs)
    recount: Recount = field(default_factory=Recount)
    left: dict[str, int] = field(default_factory=dict)
    """Records that each stage had still to do when the outputs were read."""
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether everything that could be checked is as it must be."""
        return self.law.clean and self.outputs.clean and self.recount.clean

    @property
    def says_nothing(self) -> bool:
        """Whether nothing could be checked: no raw record is left, although there have been some."""
        return self.clean and self.law.says_nothing

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "clean": self.clean,
            "says_nothing": self.says_nothing,
            "law": self.law.as_json(),
            "outputs": self.outputs.as_json(),
            "recount": self.recount.as_json(),
            "left": self.left,
            "seconds": round(self.seconds, 3),
        }


def check_ledger(bootstrap: str, app: str = "webcare", temp_dir: Path | None = None) -> Ledger:
    """The ledger law alone.

    Raises:
        KafkaAwayError: no broker answers.
        TopicsError: a topic is missing, or no coordinator answers for a minute.
    """
    with closing(LagMeter(bootstrap, app)) as meter, opened(bootstrap) as reader:
        return _check_law(bootstrap, meter, reader, temp_dir)


def check(bootstrap: str, settings: Settings, deployment: Deployment, *, count_again: bool = True, temp_dir: Path | None = None) -> Result:
    """Everything: law, outputs, and (with ``count_again``) the count from raw.

    Args:
        settings: of the deployment: application name, author key, whether it only replays (``ticks``).
        deployment: the configuration it runs with.
        temp_dir: where rows are sorted; the system's place for temporary files where None.

    Raises:
        KafkaAwayError: no broker answers.
        TopicsError: a topic is missing, or no coordinator answers for a minute.
    """
    started = time.monotonic()
    result = Result()
    with closing(LagMeter(bootstrap, settings.app)) as meter, opened(bootstrap) as reader:
        result.law = _check_law(bootstrap, meter, reader, temp_dir)
        for _ in range(LOOKS):
            before = _quiet_moment(meter)
            held = _read_outputs(bootstrap, reader, before, settled=before.is_quiet, temp_dir=temp_dir)
            settled = before.is_quiet and _moment(meter) == before
            if settled or not before.is_quiet:
                break
        if before.is_quiet and not settled:
            held = _read_outputs(bootstrap, reader, before, settled=False, temp_dir=temp_dir)
    result.outputs = held.outputs
    result.left = before.left
    if not count_again:
        result.recount.why_not = "not asked for"
    elif not settled:
        shown = ", ".join(f"{stage} {left:,}" for stage, left in before.left.items() if left)
        result.recount.why_not = f"the stages have records to do ({shown})" if shown else "records keep coming in"
    elif not result.law.raw:
        result.recount.why_not = "there is no raw record to count"
    elif held.nothing_whole:
        result.recount.why_not = "the raw topic does not reach back to its start in any partition"
    else:
        used, note = _as_ticked(settings, result.law)
        if used is None:
            result.recount.why_not = note
        else:
            result.recount = recount(bootstrap, used, deployment, held, set(result.law.rules), temp_dir)
            result.recount.notes += [note] if note else []
    result.seconds = time.monotonic() - started
    return result


def _as_ticked(settings: Settings, law: Ledger) -> tuple[Settings | None, str]:
    """The settings with the kind of time that the log's own ticks show."""
    if not law.ticks["file"]:
        return settings, ""
    if law.ticks["wall"]:
        return None, "the raw topic holds ticks of files and of the wall clock: no one way of reading times gave this state"
    if settings.ticks == "log":
        return settings, ""
    return replace(settings, ticks="log"), "the raw topic holds a replay: counted as `webcare worker --replay` does"


class _Moment(NamedTuple):
    committed: dict[str, Offsets]
    ends: Offsets

    @property
    def left(self) -> dict[str, int]:
        return {
            stage: sum(max(0, end - self.committed[stage].get(place, 0)) for place, end in self.ends.items() if place.topic == topic.name)
            for stage, topic in SOURCES.items()
        }

    @property
    def is_quiet(self) -> bool:
        return not any(self.left.values())

    def ends_of(self, topic: str) -> dict[int, int]:
        return {place.partition: end for place, end in self.ends.items() if place.topic == topic}


def _moment(meter: LagMeter) -> _Moment:
    """Commits first, then ends: nothing left then means that nothing was on its way."""
    committed = _committed(meter)
    return _Moment(committed, meter.end_offsets())


def _quiet_moment(meter: LagMeter) -> _Moment:
    """A moment at which nothing is under way, if one comes within a few seconds; else the last one looked at."""
    moment = _moment(meter)
    for _ in range(QUIET_SECONDS):
        if moment.is_quiet:
            break
        time.sleep(1)
        moment = _moment(meter)
    return moment


def _committed(meter: LagMeter) -> dict[str, Offsets]:
    deadline = time.monotonic() + COORDINATOR_SECONDS
    while (committed := meter.committed()) is None:
        if time.monotonic() > deadline:
            raise TopicsError("no coordinator tells what the consumer groups have committed; try again when the broker is well")
        time.sleep(0.5)
    return committed


def _check_law(bootstrap: str, meter: LagMeter, reader: TopicReader, folder: Path | None) -> Ledger:
    committed = _committed(meter)
    outcomes = places_of(bootstrap, *OUTCOMES)
    middle = places_of(bootstrap, *MIDDLE.values())
    raw = places_of(bootstrap, RAW.name)
    epoch = topic_epoch(bootstrap, RAW.name)
    ends = reader.ends([*outcomes, *middle])
    raw_ends = reader.ends(raw)
    starts = reader.starts(raw)
    begun = committed["language"]
    check_ = LedgerCheck(epoch, {place.partition: Extent(starts[place], raw_ends[place], begun.get(place, 0)) for place in raw})
    check_.take_raw(read_between(reader, {}, raw_ends))
    check_.now_begins_at({place.partition: start for place, start in reader.starts(raw).items()})
    check_.take_outcomes(read_between(reader, {}, _of(ends, outcomes)))
    for stage, topic in MIDDLE.items():
        places = [place for place in middle if place.topic == topic and committed[stage].get(place, 0) < ends[place]]
        since = {place: committed[stage].get(place, 0) for place in places}
        check_.take_under_way(read_between(reader, since, _of(ends, places)))
    if check_.wants_again:
        with Sorter(ROW_BYTES, folder) as sorter:
            check_.compare_repeats(read_between(reader, {}, _of(ends, outcomes)), sorter)
    return check_.finish()


def _of(ends: Mapping[TopicPartition, int], places: list[TopicPartition]) -> Offsets:
    return {place: ends[place] for place in places}


def _read_outputs(bootstrap: str, reader: TopicReader, moment: _Moment, *, settled: bool, temp_dir: Path | None) -> Held:
    cores = BrandCores()
    for record in _all(bootstrap, reader, CRISIS_STATE.name, ROUTING_STATE.name):
        cores.take(record)
    events = places_of(bootstrap, ALERT_EVENT.name, ALERT_EVENT_SHADOW.name)
    events_whole = not any(reader.starts(events).values())
    language_whole = not any(reader.starts(places_of(bootstrap, LANGUAGE.name)).values())
    with Sorter(OUTPUT_BYTES, temp_dir) as of_alerts, Sorter(OUTPUT_BYTES, temp_dir) as of_items:
        alerts = AlertCheck(of_alerts, settled=settled, events_whole=events_whole, watermarks=_watermarks(cores))
        alerts.take(_all(bootstrap, reader, *ALERT_TOPICS))
        items = ItemCheck(of_items, alerts.finish(), settled=settled)
        items.take(_all(bootstrap, reader, *ITEM_TOPICS))
        outputs = items.finish()
    starts = reader.starts(places_of(bootstrap, RAW.name))
    return Held(
        cores,
        outputs,
        moment.ends_of(RAW.name),
        moment.ends_of(LANGUAGE.name),
        language_whole,
        nothing_whole=all(start > 0 or not moment.ends[place] for place, start in starts.items()),
    )


def _all(bootstrap: str, reader: TopicReader, *topics: str) -> Iterator[Record]:
    return read_between(reader, {}, reader.ends(places_of(bootstrap, *topics)))


def _watermarks(cores: BrandCores) -> dict[str, float]:
    watermarks: dict[str, float] = {}
    for brand, core in cores.crisis.items():
        try:
            first_open = core_in(brand, core).first_open
        except ValueError:
            continue
        if first_open is not None:
            watermarks[brand] = first_open * BUCKET
    return watermarks
