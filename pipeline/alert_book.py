"""The alerts of one key of a brand: what a closed bucket means for its incident, and what is told of that."""

from pipeline.announced import EventCalendar
from pipeline.brand_core import Core, OpenIncident, OpenSurge, Run
from pipeline.brands import Brand
from pipeline.buckets import PER_HOUR, Buckets
from pipeline.cadence import Silence
from pipeline.dossiers import BrandDossiers, Dossier
from pipeline.evidence import dossier_of, findings_of
from pipeline.exhibits import Heard, heard_of
from pipeline.extent import Extent
from pipeline.figures import figures_of
from pipeline.incident import (
    Reason,
    Scene,
    Versions,
    adopted,
    escalate,
    floored,
    following,
    moment,
    raise_alert,
    recognise,
    resolve,
    silence_alert,
)
from pipeline.journal import Journal
from pipeline.key import WHOLE, Key
from pipeline.scrp import RING, WINDOWS, Alarm
from pipeline.ticks import BUCKET
from pipeline.told_alerts import Tell, ToldAlerts
from pipeline.usual_topics import UsualTopics
from pipeline.watch import TIERS, Verdict, Watch
from schemas.outputs import Alert

GROWN = 2.0
"""Times what was told: then it is told again."""


class AlertBook:
    """What is told next of a key. What was told before lies with that of the brand's other keys."""

    def __init__(
        self,
        brand: Brand,
        versions: Versions,
        calendar: EventCalendar,
        buckets: Buckets,
        dossiers: BrandDossiers | None,
        journal: Journal,
        told: ToldAlerts,
        key: Key = WHOLE,
    ) -> None:
        self._brand = brand
        self._key = key
        self.parent: str | None = None
        """The incident of which one that is raised now is a part."""
        self._versions = versions
        self._calendar = calendar
        self._buckets = buckets
        self._dossiers = dossiers
        self.extent = Extent()
        """Of the open incident, as far as it lies before the buckets that are kept."""
        self._journal = journal
        self._records = told

    def firing(self) -> list[Alert]:
        """The alerts of this key that are not over."""
        return self._records.firing(self._key)

    def join(self, core: Core, parent: str, bucket: int, tell: Tell) -> None:
        """The open incident turns out to be part of another one, which was raised after it: one row is one incident."""
        incident = core.confirmed
        if incident is None:
            return
        record = self._records[incident.fingerprint]
        if record.alert.parent_incident_id is None:
            self._tell(adopted(record.alert, parent, bucket), None, tell)

    def follow(self, core: Core, bucket: int, verdict: Verdict, watch: Watch, usual: UsualTopics, tell: Tell) -> None:
        """What a closed bucket means for the incident and the surge."""
        negatives, mentions = watch.negatives, watch.mentions
        incident, surge = core.incident, core.surge
        if incident is not None:
            incident.peak = max(incident.peak, negatives.counts[-1])
            if incident.run is not None:
                mean = negatives.means[-1]
                if watch.told == {"share"}:  # of few mentions many complain: their number may be as usual
                    mean = min(mean, verdict.usual_share * mentions.counts[-1])
                incident.run.follow(bucket, negatives.counts[-1], mean)
        if surge is not None:
            surge.peak = max(surge.peak, mentions.counts[-1])
            if surge.run is not None:
                surge.run.follow(bucket, mentions.counts[-1], mentions.means[-1])
        if incident is not None and incident.unconfirmed is not None:
            self._confirm(core, incident, bucket, verdict, watch, usual, tell)
        elif verdict.change == "resolved":
            self.resolve(core, bucket, Alarm.CALM_BUCKETS, "calmed", tell)
        elif verdict.change is not None:
            self._raise_or_escalate(core, bucket, verdict, watch, usual, tell)
        elif incident is not None:
            self._grow(core, incident, bucket, verdict, watch, usual, tell)
            self._recognise(core, incident, bucket, tell)
        if core.incident is not None:
            self._settle(core.incident, bucket, tell)
        if verdict.surge == "resolved":
            self.resolve_surge(core, bucket, Alarm.CALM_BUCKETS, "calmed", tell)
        elif verdict.surge is not None:
            peak = max(watch.mentions.counts[-1 - verdict.onset :])
            scene = self._scene(core, bucket, verdict, watch, usual)._replace(
                kind="surge", tier=None, signal=None, mode=core.mode, peak=peak
            )
            alert = raise_alert(scene, self._versions)
            core.counters.alerts_raised += 1
            core.surge = OpenSurge(alert.fingerprint, alert.incident_id, core.mode, alert.raised_at, peak, Run(bucket + 1))
            self._tell(alert, None, tell)

    def tell_early(
        self, core: Core, raised: int, bucket: int, last: int, verdict: Verdict, watch: Watch, usual: UsualTopics, tell: Tell
    ) -> None:
        """The open buckets up to ``last``, closed as they are, would raise an alarm.

        The close of ``raised`` would raise it, that of ``bucket`` would say most; ``watch`` is as it would be after ``last``.
        """
        incident = core.incident
        scene = self._scene(core, bucket, verdict, watch, usual, last - bucket)._replace(raised=raised, at=moment(core.event_at))
        assert scene.tier is not None
        if incident is None:
            alert = raise_alert(scene, self._versions)
            core.counters.alerts_raised += 1
            core.incident = OpenIncident(alert.fingerprint, alert.incident_id, scene.tier, scene.mode, alert.raised_at, scene.peak, last)
        elif TIERS.index(scene.tier) > TIERS.index(incident.tier):
            alert = escalate(self._records[incident.fingerprint].alert, scene, self._versions)
            core.counters.alerts_escalated += 1
            incident.tier, incident.unconfirmed = scene.tier, last
        else:
            return
        self._tell(alert, None, tell)

    def _confirm(
        self, core: Core, incident: OpenIncident, bucket: int, verdict: Verdict, watch: Watch, usual: UsualTopics, tell: Tell
    ) -> None:
        """An early raise meets a close: what that says holds, whatever was told before in whichever order mentions came."""
        assert incident.unconfirmed is not None
        if verdict.change == "raised":
            raised = raise_alert(self._scene(core, bucket, verdict, watch, usual), self._versions)
            if raised.incident_id != incident.incident_id:
                # It began in another bucket than it seemed: the name of an incident is that of the bucket whose close raised it.
                self.resolve(core, bucket, 0, "not_confirmed", tell, becomes=raised.incident_id)
                self._raise_or_escalate(core, bucket, verdict, watch, usual, tell)
                return
            until, incident.unconfirmed, incident.peak = incident.unconfirmed, None, raised.peak or 0.0
            incident.run = Run(bucket + 1)
            self._records[incident.fingerprint].until = until
            self._say(core, incident, bucket, raised, tell)
        elif bucket >= incident.unconfirmed:
            self.resolve(core, bucket, 0, "not_confirmed", tell)

    def _raise_or_escalate(self, core: Core, bucket: int, verdict: Verdict, watch: Watch, usual: UsualTopics, tell: Tell) -> None:
        scene = self._scene(core, bucket, verdict, watch, usual)
        assert scene.tier is not None
        incident = core.incident
        if incident is None:
            alert = raise_alert(scene, self._versions)
            core.counters.alerts_raised += 1
            core.incident = OpenIncident(
                alert.fingerprint, alert.incident_id, scene.tier, scene.mode, alert.raised_at, scene.peak, run=Run(bucket + 1)
            )
            self._tell(alert, None, tell)
            return
        decided = self._records[incident.fingerprint].decided
        if decided.tier is None or TIERS.index(scene.tier) > TIERS.index(decided.tier):  # else a dossier's floor has said so
            self._say(core, incident, bucket, escalate(decided, scene, self._versions), tell)

    def _grow(
        self, core: Core, incident: OpenIncident, bucket: int, verdict: Verdict, watch: Watch, usual: UsualTopics, tell: Tell
    ) -> None:
        """The figures are told again when the window that was told of has twice as many: a row is larger than it was said to be."""
        decided = self._records[incident.fingerprint].decided
        windows = [place for place, buckets in enumerate(WINDOWS) if buckets * BUCKET == decided.window_seconds]
        if verdict.signal is None or not windows or verdict.negatives.sums[windows[0]] < GROWN * decided.observed:
            return
        scene = self._scene(core, bucket, verdict, watch, usual)
        self._say(core, incident, bucket, escalate(decided, scene, self._versions), tell)

    def _say(self, core: Core, incident: OpenIncident, bucket: int, decided: Alert, tell: Tell) -> None:
        """What closes have decided of the open incident is told, unless worse was told early of buckets that have yet to close."""
        record = self._records[incident.fingerprint]
        assert decided.tier is not None
        more = TIERS.index(decided.tier) - TIERS.index(incident.tier)
        if more < 0 and bucket < record.until:
            record.held = decided
            self._records.touch(incident.fingerprint)
            return
        core.counters.alerts_escalated += more > 0
        incident.tier = decided.tier
        self._tell(following(record.alert, decided, escalated=more > 0), None, tell)

    def _settle(self, incident: OpenIncident, bucket: int, tell: Tell) -> None:
        """All buckets of which an early raise told have closed."""
        record = self._records[incident.fingerprint]
        if record.held is not None and bucket >= record.until:
            assert record.held.tier is not None
            incident.tier = record.held.tier
            self._tell(following(record.alert, record.held, escalated=False), None, tell)

    def _recognise(self, core: Core, incident: OpenIncident, bucket: int, tell: Tell) -> None:
        """Whether an incident that fires has become one about a dossier."""
        alert = self._records[incident.fingerprint].decided
        if self._dossiers is None or alert.dossier is not None:
            return
        if not any(quote.dossier for exhibit in self._buckets.exhibits(bucket, bucket) for quote in exhibit.quotes):
            return
        exhibits = self._buckets.exhibits(self._first(alert), bucket)
        found = dossier_of(quote for exhibit in exhibits for quote in exhibit.quotes)
        if found is None or (dossier := self._dossiers.get(found)) is None:
            return
        self._say(core, incident, bucket, recognise(alert, bucket, dossier), tell)

    def _told_dossier(self, incident: OpenIncident) -> Dossier | None:
        """What an incident was said to be about."""
        told = self._records[incident.fingerprint].decided.dossier
        return None if told is None or self._dossiers is None else self._dossiers.get(told.id)

    @staticmethod
    def _first(alert: Alert) -> int:
        """The bucket in which it began."""
        return int(alert.started_at.timestamp()) // BUCKET

    def pass_by(self, core: Core, bucket: int) -> bool:
        """Of a bucket nothing is kept to be told from now on, but for what it adds to the open incident; whether anything was."""
        if not self._buckets.exhibit(bucket):
            return False
        incident = core.confirmed
        is_part = incident is not None and (incident.run is None or bucket < incident.run.until)
        if incident is not None and is_part and bucket >= self._first(self._records[incident.fingerprint].decided):
            self._add(bucket, heard_of(self._buckets.exhibits(bucket, bucket + RING)))
            self._touch_extent()
        return True

    def _add(self, bucket: int, heard: dict[bytes, Heard]) -> None:
        found = self._buckets.get(bucket)
        if found is not None:
            self.extent.take(found.complainers(), self._buckets.exhibit(bucket), heard)

    def _touch_extent(self) -> None:
        slug = self._brand.slug
        key = f"{slug}|extent" if self._key.below is None else f"{slug}|extent|{self._key.below}"
        self._journal.touch(slug, key.encode(), self.extent.snapshot)

    def _scene(self, core: Core, bucket: int, verdict: Verdict, watch: Watch, usual: UsualTopics, later: int = 0) -> Scene:
        """``watch`` has seen ``bucket`` and so many after it."""
        onset = verdict.onset
        end = len(watch.negatives.counts) - later
        length = figures_of(verdict, verdict.signal).buckets
        first, last = bucket - length + 1, bucket
        incident = core.confirmed
        shown = self._buckets.exhibits(min(first, bucket - onset), last)
        findings = findings_of(shown, shown, usual.shares())
        dossier = None if findings.dossier is None or self._dossiers is None else self._dossiers.get(findings.dossier)
        if dossier is None and incident is not None:
            dossier = self._told_dossier(incident)
        return Scene(
            brand=self._brand,
            kind="crisis",
            mode=core.mode if incident is None else incident.mode,
            bucket=bucket,
            started=bucket - onset,
            verdict=verdict,
            tier=floored(watch.tier, dossier),
            signal=verdict.signal,
            volume=self._buckets.volume(first, last) if length <= RING else None,
            calendar=self._calendar.names(first, last),
            history=watch.closed,
            peak=max(watch.negatives.counts[max(0, end - 1 - onset) : end]) if incident is None else incident.peak,
            counted=bucket - (watch.slow.closed - later) % PER_HOUR if verdict.signal == "slow_burn" else None,
            findings=findings,
            dossier=dossier,
            key=self._key,
            parent=self.parent,
        )

    def resolve(self, core: Core, bucket: int, calm: int, reason: Reason, tell: Tell, becomes: str | None = None) -> None:
        """The open incident is over, or goes on as ``becomes``."""
        assert core.incident is not None
        incident, core.incident = core.incident, None
        extent = None
        if reason == "calmed":
            first = max(self._first(self._records[incident.fingerprint].decided), bucket - RING)
            heard = heard_of(self._buckets.exhibits(first, bucket))
            for number in range(first, bucket + 1 if incident.run is None else min(bucket + 1, incident.run.until)):
                self._add(number, heard)
            extent = self.extent
        calm = calm if incident.run is None else incident.run.over(bucket, calm)
        self._resolve(core, incident.fingerprint, bucket, calm, incident.peak, reason, tell, extent, becomes)
        if self.extent.snapshot() is not None:
            self.extent = Extent()
            self._touch_extent()

    def resolve_surge(self, core: Core, bucket: int, calm: int, reason: Reason, tell: Tell) -> None:
        """The open surge is over."""
        assert core.surge is not None
        surge, core.surge = core.surge, None
        calm = calm if surge.run is None else surge.run.over(bucket, calm)
        self._resolve(core, surge.fingerprint, bucket, calm, surge.peak, reason, tell)

    def raise_silence(self, core: Core, silence: Silence, bucket: int, history: int, tell: Tell) -> None:
        """A source brings nothing, where it should have brought much."""
        alert = silence_alert(self._brand, core.mode, silence, bucket, history, self._versions)
        core.counters.alerts_raised += 1
        core.silences[silence.source] = OpenSurge(alert.fingerprint, alert.incident_id, core.mode, alert.raised_at, 0.0)
        self._tell(alert, None, tell)

    def resolve_silence(self, core: Core, source: str, bucket: int, reason: Reason, tell: Tell) -> None:
        """The source is heard again."""
        self._resolve(core, core.silences.pop(source).fingerprint, bucket, 1, 0.0, reason, tell)

    def _resolve(
        self,
        core: Core,
        fingerprint: str,
        bucket: int,
        calm: int,
        peak: float,
        reason: Reason,
        tell: Tell,
        extent: Extent | None = None,
        becomes: str | None = None,
    ) -> None:
        core.counters.alerts_resolved += 1
        record = self._records[fingerprint]
        alert = following(record.alert, record.decided, escalated=False)
        # The counters begin anew where the brand's small part was lost: then an answer that was kept says as much.
        hears_answers = core.counters.outbound > 0 or bool(extent is not None and extent.answered)
        alert = resolve(alert, self._brand, self._key, bucket, calm, peak, reason, extent, becomes, hears_answers=hears_answers)
        self._tell(alert, bucket, tell)

    def _tell(self, alert: Alert, resolved: int | None, tell: Tell) -> None:
        self._records.tell(alert, resolved, tell, is_private=self._key.is_private)
