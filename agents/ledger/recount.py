"""Counts again from raw what the state holds of every brand, by the real stages, and compares.

What can be compared exactly, and why: a brand hears its own records in their order, and ticks of the raw partitions it was seen from. Seen
from one raw partition, as all brands are whose producers partition by key, its state is therefore the same in every run, whatever the
workers did and however partitions were read side by side. Seen from several, it depends on how these were read side by side; the language
topic has kept that order, so such a brand is counted again from there, and of raw only what no order changes is compared: how many mentions
there were (each is either counted, an edit or a duplicate), and how many records were routed.

The author key changes no counter (authors are told apart under any key), unless accounts are listed, or ids sent, as pseudonyms already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.deployment import Deployment, detector_version
from agents.ledger.findings import Findings
from agents.ledger.outputs import ALERT_TOPICS, ITEM_TOPICS, ROW_BYTES, AlertCheck, AlertVersion, ItemCheck, Outputs
from agents.ledger.sorting import Sorter
from agents.raw_replay import RawReplay, replay_source, stages_for
from agents.runtime.restore import change_of
from agents.settings import Settings
from agents.topic_reader import Record
from pipeline import crisis, routing
from pipeline.brand_core import Core, decode_core
from pipeline.journal import unseal
from pipeline.seen import PLACE, Marks, partition_of
from pipeline.stage import Origin, Outcome, Outgoing, Stage
from schemas.codec import language_decoder
from schemas.mention import Tick
from schemas.topics import CRISIS_STATE

RULE_FREE = ("routed", "duplicates", "retractions", "own_posts", "spam")
"""Counters of routing that no rule book changes."""

Cores = dict[str, bytes]
"""Brand → the snapshot of its own key."""


def core_in(brand: str, value: bytes) -> Core:
    """What a brand's own key in the changelog of the crisis stage holds.

    Raises:
        ValueError: it cannot be read.
    """
    return decode_core(unseal(brand.encode(), value))


class BrandCores:
    """The newest snapshots of the brands' own keys out of the changelogs; all other keys are passed over."""

    def __init__(self) -> None:
        self._newest: dict[tuple[bool, int, bytes], tuple[int, bytes | None]] = {}

    def take(self, record: Record) -> None:
        """One record of a changelog. As in a restore the highest change number wins, and of equal ones the later."""
        if record.key is None or b"|" in record.key:
            return
        place = (record.topic == CRISIS_STATE.name, record.partition, record.key)
        try:
            change = change_of(record.headers)
        except ValueError:
            return  # a restore passes it over too
        if place not in self._newest or change >= self._newest[place][0]:
            self._newest[place] = (change, record.value)

    @property
    def crisis(self) -> Cores:
        """Of the crisis stage."""
        return self._cores(True)

    @property
    def routing(self) -> Cores:
        """Of the routing stage."""
        return self._cores(False)

    def _cores(self, of_crisis: bool) -> Cores:
        """A brand that has moved to another partition is gone only where it was."""
        live: dict[str, tuple[int, bytes]] = {}
        for (stage, _, key), (change, value) in self._newest.items():
            if stage == of_crisis and value is not None and change >= live.get(key.decode(), (-1, b""))[0]:
                live[key.decode()] = (change, value)
        return {brand: value for brand, (_, value) in live.items()}


class Tally:
    """Listens to stages at work: what they would have left in changelogs and topics."""

    def __init__(self, alerts: AlertCheck, items: ItemCheck) -> None:
        self.crisis: Cores = {}
        self.routing: Cores = {}
        self.seen_from: dict[str, set[int]] = {}
        """Brand → raw partitions that it was seen from, or hears ticks of its own from."""
        self.homes: dict[str, set[int]] = {}
        """Brand → partitions behind the door in which its records lie: one, unless the number of partitions has changed."""
        self._alerts = alerts
        self._items = items
        self._decode = language_decoder().decode
        self._written = 0

    def hear(self, stage: Stage, partition: int, outcome: Outcome) -> None:
        """What came of a batch."""
        if stage.name == "language":
            for out in outcome.outgoing:
                brand = out.key.decode() if out.key is not None else self._of_tick(out)
                if brand is not None:
                    self.seen_from.setdefault(brand, set()).add(partition)
            return
        if stage.name == "sentiment":
            for out in outcome.outgoing:
                if out.key is not None:
                    self.homes.setdefault(out.key.decode(), set()).add(partition)
            return
        cores = self.crisis if stage.name == "crisis" else self.routing
        for key, value in outcome.changes.items():
            if b"|" not in key and value is not None:
                cores[key.decode()] = value
        for out in outcome.outgoing:
            if out.topic.name in ALERT_TOPICS:
                self._alerts.take([self._record(out, partition)])
            elif out.topic.name in ITEM_TOPICS:
                self._items.take([self._record(out, partition)])

    def _of_tick(self, out: Outgoing) -> str | None:
        tick = self._decode(out.value)
        return tick.brand if isinstance(tick, Tick) else None

    def _record(self, out: Outgoing, partition: int) -> Record:
        self._written += 1
        return Record(out.topic.name, partition, self._written, 0, out.key, out.value, out.headers)


@dataclass
class Counted:
    """What one run of the stages came to."""

    cores: Tally
    outputs: Outputs
    replay: RawReplay


def count_again(bootstrap: str, stages: list[Stage], ends: Mapping[int, int], folder: Path | None) -> Counted:
    """Run new stages over the topic that the first of them reads, up to these ends."""
    with Sorter(ROW_BYTES, folder) as of_alerts, Sorter(ROW_BYTES, folder) as of_items:
        alerts = AlertCheck(of_alerts, settled=True, events_whole=True, watermarks={})
        items = ItemCheck(of_items, alerts.found, settled=True)
        tally = Tally(alerts, items)
        replay = replay_source(bootstrap, stages, tally.hear, ends=ends)
        alerts.finish()
        return Counted(tally, items.finish(), replay)


@dataclass
class BrandCount:
    """One brand: ``compared`` counters of which ``different`` are held → counted again; or why not."""

    brand: str
    compared: int = 0
    different: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    said: str = ""

    def compare(self, name: str, held: Any, counted: Any) -> None:
        """One counter."""
        self.compared += 1
        if held != counted:
            self.different[name] = (held, counted)


@dataclass
class Recount:
    """What came of counting again. ``why_not``: why nothing was compared; empty where something was."""

    why_not: str = ""
    records: int = 0
    notes: list[str] = field(default_factory=list)
    brands: list[BrandCount] = field(default_factory=list)
    alerts: Findings = field(default_factory=Findings)
    """Versions of alerts that only one side has, or that differ."""

    @property
    def clean(self) -> bool:
        """Whether nothing that was compared differs."""
        return not self.alerts and not any(brand.different for brand in self.brands)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        brands = [
            {
                "brand": brand.brand,
                "compared": brand.compared,
                "said": brand.said,
                "different": {name: {"held": held, "counted": counted} for name, (held, counted) in brand.different.items()},
            }
            for brand in self.brands
        ]
        return {
            "clean": self.clean,
            "why_not": self.why_not,
            "records": self.records,
            "notes": self.notes,
            "brands": brands,
            "alerts": self.alerts.as_json(),
        }


@dataclass
class Held:
    """What the deployment has written: brands' own snapshots, alerts and items, all of one moment at which nothing was under way."""

    cores: BrandCores
    outputs: Outputs
    ends: dict[int, int]
    """Ends of the raw partitions at that moment."""
    language_ends: dict[int, int]
    language_whole: bool
    """Whether the language topic reaches back to its start."""
    nothing_whole: bool
    """Whether no raw partition with records reaches back to its start."""


def recount(bootstrap: str, settings: Settings, deployment: Deployment, held: Held, rule_books: set[str], folder: Path | None) -> Recount:
    """Count again and compare. ``rule_books``: configuration hashes in the routed records.

    Raises:
        ConnectionError: the broker went away meanwhile.
    """
    result = Recount()
    mine = (detector_version(), deployment.dossiers.with_brands(deployment.brands.hash))
    if others := held.outputs.deciders - {mine}:
        version, hash_ = sorted(others)[0]
        result.why_not = f"alerts were decided by {version} with configuration {hash_}; this is {mine[0]} with {mine[1]}"
        return result
    if settings.author_key is None and any(
        "h1:" in who for brand in deployment.brands for who in (*brand.accounts, *brand.blocked_authors)
    ):
        result.why_not = "brands.toml lists accounts by pseudonym; set WEBCARE_AUTHOR_KEY to the deployment's own"
        return result
    partitions = len(held.ends)
    counted = count_again(bootstrap, stages_for(settings, deployment, partitions), held.ends, folder)
    result.records = counted.replay.records
    in_order: Counted | None = None
    if held.language_whole and any(len(seen) > 1 for seen in counted.cores.seen_from.values()):
        behind_the_door = stages_for(settings, deployment, partitions, ("sentiment", "crisis", "routing"))
        in_order = count_again(bootstrap, behind_the_door, held.language_ends, folder)
    rules_known = rule_books <= {deployment.rules.hash}
    if not rules_known:
        result.notes.append("routed records were decided by other rule books too: of routing only what no rule changes is compared")
    compare(held, counted, in_order, rules_known, result)
    return result


def compare(held: Held, counted: Counted, in_order: Counted | None, rules_known: bool, result: Recount) -> None:
    """Put into ``result`` what is held beside what was ``counted`` from raw, and ``in_order`` of the language topic."""
    _Comparison(held, counted, in_order, rules_known, result).run()


class _Comparison:
    def __init__(self, held: Held, counted: Counted, in_order: Counted | None, rules_known: bool, result: Recount) -> None:
        self._held, self._counted, self._in_order = held, counted, in_order
        self._rules_known = rules_known
        self._result = result
        self._epoch = Marks()(Origin(counted.replay.epoch, 0, 0))[:4]
        self._crisis, self._routing = held.cores.crisis, held.cores.routing

    def run(self) -> None:
        tally = self._counted.cores
        whole: dict[str, Counted] = {}
        for brand in sorted({*self._crisis, *self._routing, *tally.crisis, *tally.routing}):
            row = BrandCount(brand)
            self._result.brands.append(row)
            try:
                row.said, source = self._source(brand)
            except ValueError:
                row.different["crisis"] = ("a snapshot that cannot be read", None)
                continue
            if source is not None:
                whole[brand] = source
                self._compare(row, source)
            if source is not self._counted and not row.said.startswith("not compared"):
                self._compare_sums(row)
        self._compare_alerts(whole)

    def _source(self, brand: str) -> tuple[str, Counted | None]:
        """What is said of a brand, and what its state is compared with: None where that cannot be done."""
        core = self._crisis.get(brand)
        places = [] if core is None else list(core_in(brand, core).origins)
        if any(place[:4] != self._epoch for place in places):
            return "not compared: it has counted records of an earlier raw topic", None
        partitions = self._counted.cores.seen_from.get(brand, set()) | {partition_of(place[:PLACE]) for place in places}
        starts = self._counted.replay.starts
        gone = sorted(partition for partition in (partitions or starts) if starts.get(partition, 0))
        if gone:
            return f"not compared: raw partition {', '.join(map(str, gone))} does not reach back to its start", None
        if len(partitions) <= 1:
            return "", self._counted
        shown = ", ".join(map(str, sorted(partitions)))
        if self._in_order is None:
            return f"seen from raw partitions {shown}, whose order the language topic does not tell any more: only sums are compared", None
        if len(self._in_order.cores.homes.get(brand, ())) > 1:
            return f"seen from raw partitions {shown}, and moved when their number changed: only sums are compared", None
        return f"seen from raw partitions {shown}: counted in the order of the language topic", self._in_order

    def _compare(self, row: BrandCount, source: Counted) -> None:
        brand = row.brand
        held, counted = self._crisis.get(brand), source.cores.crisis.get(brand)
        if held is None or counted is None:
            row.compare("crisis", *(None if core is None else "a state" for core in (held, counted)))
        else:
            before, after = _counters(crisis, brand, held), _counters(crisis, brand, counted)
            for name in after:
                row.compare(f"crisis.{name}", before[name], after[name])
            row.compare("crisis.origins", *(_places(core_in(brand, core).origins) for core in (held, counted)))
            row.compare("crisis.incident", *(_incident(core_in(brand, core)) for core in (held, counted)))
        held, counted = self._routing.get(brand), source.cores.routing.get(brand)
        if held is None or counted is None:
            row.compare("routing", *(None if core is None else "a state" for core in (held, counted)))
            return
        before, after = _counters(routing, brand, held), _counters(routing, brand, counted)
        for name in after if self._rules_known else RULE_FREE:
            row.compare(f"routing.{name}", before[name], after[name])
        if self._rules_known:
            mine, theirs = self._held.outputs.items_of.get(brand), source.outputs.items_of.get(brand)
            for name in ("items", "open_tasks", "versions"):
                row.compare(f"items.{name}", 0 if mine is None else mine[name], 0 if theirs is None else theirs[name])

    def _compare_sums(self, row: BrandCount) -> None:
        tally = self._counted.cores
        held, counted = self._crisis.get(row.brand), tally.crisis.get(row.brand)
        row.compare("crisis.mentions+edits+duplicates", *(_sum(row.brand, core) for core in (held, counted)))
        held, counted = self._routing.get(row.brand), tally.routing.get(row.brand)
        routed = [None if core is None else _counters(routing, row.brand, core)["routed"] for core in (held, counted)]
        row.compare("routing.routed", *routed)

    def _compare_alerts(self, whole: Mapping[str, Counted]) -> None:
        """Each version of an alert of the brands that can be compared: the same ids, the same bodies."""
        told = self._held.outputs.versions
        again: dict[AlertVersion, tuple[str, bytes]] = {}
        for brand, source in whole.items():
            again.update({version: known for version, known in source.outputs.versions.items() if known[0] == brand})
        for version in sorted({*again, *(version for version, (brand, _) in told.items() if brand in whole)}):
            name = f"{version.incident_id} revision {version.revision}{' (shadow)' * version.shadow}"
            if version not in told:
                self._result.alerts.add(name, note="was not told")
            elif version not in again:
                self._result.alerts.add(name, note="was told, and is not in the recount")
            elif told[version] != again[version]:
                self._result.alerts.add(name, note="was told otherwise")


def _counters(stage: Any, brand: str, core: bytes) -> dict[str, Any]:
    """What `webcare state` shows of one stage, less what is no counter. For routing with its open tasks by queue.

    Raises:
        ValueError: the snapshot cannot be read.
    """
    told: dict[str, Any] = stage.read_brand_state(brand.encode(), core) or {}
    return {name: value for name, value in told.items() if name == "open_tasks" or (isinstance(value, int) and not isinstance(value, bool))}


def _sum(brand: str, core: bytes | None) -> int | None:
    if core is None:
        return None
    counters = _counters(crisis, brand, core)
    return int(counters["mentions"] + counters["edits"] + counters["duplicates"])


def _places(origins: Mapping[bytes, int]) -> dict[str, int]:
    return {str(partition_of(place)): offset for place, offset in sorted(origins.items())}


def _incident(core: Core) -> str | None:
    incident = core.incident
    return None if incident is None else f"{incident.incident_id} {incident.tier}"
