"""A brand whose small part could not be read goes on from all else that is known of it.

Its identities tell what was applied (nothing is counted twice) and until when, its alerts what fires (nothing is raised twice). The
counters begin anew with the mentions of the last 7 days. Buckets that had closed stay closed: their counts are in the watch, and would
be a false row if they closed again.
"""

from collections.abc import Container, Iterable, Sequence

from pipeline.brand_core import Core, Counters, OpenIncident, OpenSurge
from pipeline.incident import LATENESS
from pipeline.seen import PLACE, POLARITIES, Seen, offset_of, partition_of
from pipeline.ticks import BUCKET, PartitionTicks
from pipeline.watch import Watch
from schemas.mention import Mode
from schemas.outputs import Alert


def rewarmed_core(entries: Iterable[Seen], firing: Sequence[Alert], mode: Mode, ticks: PartitionTicks) -> Core:
    """What the identities, the alerts that fire and the ticks tell of a brand."""
    core = Core(Counters(), mode, {})
    last = -1
    for seen in entries:
        for mark in seen.accepted:
            core.origins[mark[:PLACE]] = max(core.origins.get(mark[:PLACE], -1), offset_of(mark))
        _count(core.counters, seen)
        if seen.edit >= 0 and not seen.late:
            last = max(last, seen.bucket)
    for alert in firing:
        core.counters.alerts_raised += 1
        peak = alert.peak or 0.0
        if alert.kind == "surge":
            core.surge = OpenSurge(alert.fingerprint, alert.incident_id, alert.mode, alert.raised_at, peak)
        elif alert.source is not None:
            core.silences[alert.source] = OpenSurge(alert.fingerprint, alert.incident_id, alert.mode, alert.raised_at, 0.0)
        elif alert.tier is not None:
            core.incident = OpenIncident(alert.fingerprint, alert.incident_id, alert.tier, alert.mode, alert.raised_at, peak)
        core.mode = alert.mode
    if last >= 0:
        core.event_at = float(last * BUCKET)
        core.heard = last
        tick = ticks.of(partition_of(place) for place in core.origins)
        # Without ticks nobody knows what has closed since: nothing that is known closes again.
        clock = last * BUCKET + LATENESS + BUCKET if tick is None else max(core.event_at, tick)
        core.first_open = int((clock - LATENESS) // BUCKET)
    return core


def _count(counters: Counters, seen: Seen) -> None:
    counters.retractions += seen.retracted
    counters.late += seen.late
    if seen.edit >= 0:
        counters.count(POLARITIES[seen.polarity])


def reconcile(core: Core, watch: Watch, alerts: Container[str]) -> None:
    """After a restore, what one key tells and another does not know is over. ``alerts``: fingerprints of those that could be read."""
    if core.incident is not None and core.incident.fingerprint not in alerts:
        core.incident = None  # its key could not be read; the next alarm begins anew
    if core.surge is not None and core.surge.fingerprint not in alerts:
        core.surge = None
    core.silences = {source: told for source, told in core.silences.items() if told.fingerprint in alerts}
    confirmed = None if core.incident is None or core.incident.unconfirmed is not None else core.incident.tier
    if (confirmed is None) is not (watch.tier is None):  # one of the two keys could not be read
        watch.tier = confirmed
    watch.alarm.firing = watch.tier is not None
    watch.surge.firing = core.surge is not None


def reconcile_below(core: Core, watch: Watch, firing: Sequence[Alert]) -> None:
    """The same for a key below the brand. An alert without its incident, or the other way round, is one whose key could not be read."""
    known = {alert.fingerprint: alert for alert in firing}
    if core.incident is not None and core.incident.fingerprint not in known:
        core.incident = None
    if core.incident is None:
        for alert in firing:
            if alert.tier is not None:
                core.incident = OpenIncident(
                    alert.fingerprint, alert.incident_id, alert.tier, alert.mode, alert.raised_at, alert.peak or 0.0
                )
    tier = None if core.incident is None else core.incident.tier
    if (tier is None) is not (watch.tier is None):
        watch.tier = tier
    watch.alarm.firing = watch.tier is not None
