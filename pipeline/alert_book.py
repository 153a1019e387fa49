"""The alerts of a brand: the latest telling of each fingerprint, kept until its time in the compacted topic is over."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from pipeline.announced import EventCalendar
from pipeline.brand_core import VERSION, Core, OpenIncident, body
from pipeline.brands import Brand
from pipeline.buckets import Buckets
from pipeline.incident import Scene, Versions, escalate, raise_alert, resolve, span, without
from pipeline.journal import Journal
from pipeline.scrp import Alarm
from pipeline.ticks import BUCKET
from pipeline.watch import Verdict, Watch
from schemas.outputs import Alert

KEPT_BUCKETS = 90 * 86_400 // BUCKET
"""A resolved alert is gone from the compacted topic after so long."""


class Telling(NamedTuple):
    """An alert to publish; ``gone``: its time in the compacted topic is over."""

    alert: Alert
    gone: bool = False


Tell = Callable[[Telling], None]


class _Record(Struct, array_like=True):
    alert: Alert
    resolved: int | None
    """The bucket whose close resolved it."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Record).decode


class AlertBook:
    """What was told of a brand, and what is told next."""

    def __init__(self, brand: Brand, versions: Versions, calendar: EventCalendar, journal: Journal) -> None:
        self._brand = brand
        self._versions = versions
        self._calendar = calendar
        self._journal = journal
        self._records: dict[str, _Record] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, fingerprint: str) -> bool:
        return fingerprint in self._records

    def firing(self) -> Alert | None:
        """The alert of an incident that is not over."""
        return next((record.alert for record in self._records.values() if record.resolved is None), None)

    def follow(self, core: Core, bucket: int, verdict: Verdict, watch: Watch, buckets: Buckets, tell: Tell) -> None:
        """What a closed bucket means for the incident."""
        incident = core.incident
        if incident is not None:
            incident.peak = max(incident.peak, watch.negatives.counts[-1])
        if verdict.change == "resolved":
            self.resolve(core, bucket, Alarm.CALM_BUCKETS, "calmed", tell)
        elif verdict.change is not None:
            scene = self._scene(core, bucket, verdict, watch, buckets)
            if incident is None:
                alert = raise_alert(scene, self._versions)
                core.counters.alerts_raised += 1
                core.incident = OpenIncident(alert.fingerprint, alert.incident_id, scene.tier, scene.mode, alert.raised_at, scene.peak)
            else:
                alert = escalate(self._records[incident.fingerprint].alert, scene, self._versions)
                core.counters.alerts_escalated += 1
                incident.tier = scene.tier
            self._tell(alert, None, tell)

    def _scene(self, core: Core, bucket: int, verdict: Verdict, watch: Watch, buckets: Buckets) -> Scene:
        assert watch.tier is not None
        onset = watch.onset(verdict)
        first, last = span(bucket, verdict)
        incident = core.incident
        return Scene(
            brand=self._brand,
            mode=core.mode if incident is None else incident.mode,
            bucket=bucket,
            started=bucket - onset,
            verdict=verdict,
            tier=watch.tier,
            volume=buckets.volume(first, last),
            calendar=self._calendar.names(first, last),
            history=watch.closed,
            peak=max(watch.negatives.counts[-1 - onset :]) if incident is None else incident.peak,
            evidence=buckets.evidence(min(first, bucket - onset), last),
        )

    def resolve(self, core: Core, bucket: int, calm: int, reason: Literal["calmed", "went_live"], tell: Tell) -> None:
        """The open incident is over."""
        incident = core.incident
        assert incident is not None
        core.incident = None
        core.counters.alerts_resolved += 1
        told = self._records[incident.fingerprint].alert
        self._tell(resolve(told, self._brand, bucket, calm, incident.peak, reason), bucket, tell)

    def take_back(self, mention_id: str, at: datetime, tell: Tell) -> None:
        """A mention was retracted: no alert, open or resolved, shows it any more."""
        for record in list(self._records.values()):
            alert = without(record.alert, mention_id, at)
            if alert is not None:
                self._tell(alert, record.resolved, tell)

    def _tell(self, alert: Alert, resolved: int | None, tell: Tell) -> None:
        self._records[alert.fingerprint] = _Record(alert, resolved)
        self._touch(alert.fingerprint)
        tell(Telling(alert))

    def first_to_go(self) -> int | None:
        """The bucket at whose close an alert's time is over."""
        return min((record.resolved + KEPT_BUCKETS for record in self._records.values() if record.resolved is not None), default=None)

    def forget(self, bucket: int, tell: Tell) -> None:
        """After the close of ``bucket``: alerts resolved 90 days ago go."""
        for fingerprint, record in list(self._records.items()):
            if record.resolved is not None and record.resolved + KEPT_BUCKETS <= bucket:
                del self._records[fingerprint]
                self._touch(fingerprint)
                tell(Telling(record.alert, gone=True))

    def _touch(self, fingerprint: str) -> None:
        slug = self._brand.slug
        self._journal.touch(slug, f"{slug}|alert|{fingerprint}".encode(), partial(self._snapshot, fingerprint))

    def _snapshot(self, fingerprint: str) -> bytes | None:
        record = self._records.get(fingerprint)
        return None if record is None else VERSION + _encode(record)

    def restore(self, fingerprint: str, value: bytes) -> None:
        """Take back one alert.

        Raises:
            ValueError: it cannot be read.
        """
        self._records[fingerprint] = _decode(body(value))
