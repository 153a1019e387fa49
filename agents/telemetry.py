"""Metrics of a worker, on an injected registry: a fact is counted in one place, label sets are bounded.

Never a label: author, mention, text. `brand` only from the registry, else `_other`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.stage import Outcome, Reading
from schemas.codec import Reason

STAGES = ("language", "sentiment", "crisis", "routing")
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

READINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "detector_observed": ("Author-capped negatives of the last closed hour.", ("brand",)),
    "detector_expected": ("Negatives expected in that hour.", ("brand",)),
    "watermark_timestamp_seconds": ("Event time up to which a brand's buckets are closed.", ("brand",)),
    "open_alerts": ("Incidents firing now.", ("kind", "tier")),
    "queue_open": ("Tasks open now.", ("queue",)),
    "queue_overdue": ("Open tasks whose deadline has passed in event time.", ("queue",)),
    "queue_oldest_timestamp_seconds": ("Event time at which the oldest open task was opened.", ("queue",)),
    "state_keys": ("Keys of state in memory.", ("stage",)),
    "state_bytes": ("Bytes of state last written for the keys in memory.", ("stage",)),
    "lag_records": ("Records of the input topic not yet worked through.", ("stage",)),
    "lag_seconds": ("Age of the oldest record not yet worked through.", ("stage",)),
    "last_progress_timestamp_seconds": ("When a batch was last finished.", ("stage",)),
    "partitions": ("Partitions owned.", ("stage",)),
    "ahead_records": ("Records that the next stage has not committed yet, and those taken for it.", ("stage",)),
    "intake_paused": ("1 while a stage takes no more because it is too far ahead of the next one.", ("stage",)),
}
"""Gauges taken at each scrape: name without prefix → help, labels."""

COUNTED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "language": ("webcare_mentions_language_total", "Mentions by language detected.", ("language",)),
    "sentiment": ("webcare_mentions_sentiment_total", "Mentions by sentiment label.", ("label",)),
    "late": ("webcare_mentions_late_total", "Mentions too late to be counted by the crisis detector.", ("source",)),
    "clamped": ("webcare_mentions_clamped_total", "Mentions whose clock ran ahead.", ("source",)),
    "duplicates": ("webcare_mentions_duplicate_total", "Repeats by the source.", ()),
    "retractions": ("webcare_retractions_total", "Retractions.", ()),
    "unknown_brands": ("webcare_mentions_unknown_brand_total", "Mentions of brands that are not registered.", ()),
    "unknown_channels": ("webcare_mentions_unknown_channel_total", "Mentions on channels that are not registered.", ()),
    "unknown_fields": ("webcare_records_unknown_fields_total", "Records with fields this version does not know.", ("stage",)),
    "spam": ("webcare_mentions_spam_total", "Mentions taken as spam.", ()),
    "forgotten": ("webcare_state_forgotten_total", "Threads and authors forgotten early: a brand had too many.", ("kind",)),
    "routed": ("webcare_mentions_routed_total", "Decisions.", ("queue", "priority")),
    "alerts": ("webcare_alerts_total", "Transitions of incidents.", ("kind", "tier", "transition")),
}
"""What stages count: key in `Outcome.counts` → metric, help, labels."""


class Declared(NamedTuple):
    """A metric for the README's table."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


class _OfStage(NamedTuple):
    """The series that every batch of a stage moves: to look them up by their labels costs more than to move them."""

    records_in: Counter
    records_out: Counter
    processing: Histogram
    batch_size: Histogram
    counted: dict[tuple[str, ...], Counter]
    """By key of `Outcome.counts`."""


class Telemetry:
    """All metrics of one worker process. ``declared`` lists them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # They are a series more beside each counter and histogram, and nobody asks for them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry
        self.declared = [Declared(f"webcare_{name}", "gauge", labels, text) for name, (text, labels) in READINGS.items()]
        stage = ["stage"]

        def counter(name: str, text: str, labels: Iterable[str] = stage) -> Counter:
            self.declared.append(Declared(name, "counter", tuple(labels), text))
            return Counter(name, text, list(labels), registry=registry)

        def histogram(name: str, text: str, labels: Iterable[str] = (), buckets: Iterable[float] = _SECONDS) -> Histogram:
            self.declared.append(Declared(name, "histogram", tuple(labels), text))
            return Histogram(name, text, list(labels), registry=registry, buckets=tuple(buckets))

        self.records_in = counter("webcare_records_in_total", "Records read, by stage.")
        self.records_out = counter("webcare_records_out_total", "Records written, by stage.")
        self.rejected = counter(
            "webcare_records_rejected_total", "Records sent to the dead-letter topic, by stage and bounded reason.", ["stage", "reason"]
        )
        self.processing = histogram("webcare_processing_seconds", "Time a stage computed on a batch.", stage)
        self.batch_size = histogram("webcare_batch_records", "Records in a batch.", stage, (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000))
        self.to_route = histogram(
            "webcare_mention_to_route_seconds", "From the raw topic's append time to the routed record's acknowledgement."
        )
        self.to_alert = histogram(
            "webcare_mention_to_alert_seconds", "From the append time of the record that decided to the alert's acknowledgement."
        )
        self.retries = counter("webcare_retries_total", "Attempts repeated after a transient fault, by operation.", ["operation"])
        self.stale = counter("webcare_batches_stale_total", "Batches dropped because another worker owns the partition.")
        self.state_unreadable = counter("webcare_state_unreadable_total", "Snapshots that could not be restored.")
        self.lost_records = counter("webcare_records_lost_total", "Offsets gone by retention before they were read.")
        self.build = Gauge("webcare_build_info", "Version and configuration.", ["version", "config_hash"], registry=registry)
        self.declared.append(Declared("webcare_build_info", "gauge", ("version", "config_hash"), "Version and configuration."))
        self._counted = {key: counter(*definition) for key, definition in COUNTED.items()}
        self._of_stage = {
            name: _OfStage(
                self.records_in.labels(name), self.records_out.labels(name), self.processing.labels(name), self.batch_size.labels(name), {}
            )
            for name in STAGES
        }
        for name in STAGES:
            for metric in (self.stale, self.state_unreadable, self.lost_records):
                metric.labels(name)
            for reason in Reason:
                self.rejected.labels(name, reason.value)

    def computed(self, stage: str, seconds: float) -> None:
        """A batch went through a stage's pure code."""
        self._of_stage[stage].processing.observe(seconds)

    def finished(self, stage: str, outcome: Outcome, records: int) -> None:
        """A batch's outcome has been written."""
        of_stage = self._of_stage[stage]
        of_stage.records_in.inc(records)
        of_stage.records_out.inc(len(outcome.outgoing))
        of_stage.batch_size.observe(records)
        for letter in outcome.dead:
            self.rejected.labels(stage, letter.reason.value).inc()
        for counted, number in outcome.counts.items():
            if (series := of_stage.counted.get(counted)) is None:
                key, *values = counted
                metric, labels = self._counted[key], [stage] if key == "unknown_fields" else values
                series = of_stage.counted[counted] = metric.labels(*labels) if labels else metric
            series.inc(number)

    def watch(self, read: Callable[[], Iterable[Reading]]) -> None:
        """Take these gauges at every scrape."""
        self.registry.register(_Readings(read))


class _Readings(Collector):
    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        families = {name: GaugeMetricFamily(f"webcare_{name}", text, labels=labels) for name, (text, labels) in READINGS.items()}
        for (name, values), total in _summed(self._read()).items():
            families[name].add_metric(values, total)
        yield from families.values()


def _summed(readings: Iterable[Reading]) -> dict[tuple[str, tuple[str, ...]], float]:
    """One value per label set over all partitions: times take the oldest, everything else the sum."""
    out: dict[tuple[str, tuple[str, ...]], float] = {}
    for reading in readings:
        key = (reading.name, tuple(reading.labels[label] for label in READINGS[reading.name][1]))
        if key not in out:
            out[key] = reading.value
        elif reading.name.endswith("_timestamp_seconds"):
            out[key] = min(out[key], reading.value)
        elif reading.name == "lag_seconds":
            out[key] = max(out[key], reading.value)
        else:
            out[key] += reading.value
    return out
