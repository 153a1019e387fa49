"""Whether a deployment stands still: procedures that change state as a whole must not meet a worker."""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, KafkaError, NotCoordinatorError

from agents.lag import LagMeter
from agents.settings import Settings, group_of
from agents.telemetry import STAGES
from agents.topics import KafkaAwayError, TopicsError, require_kafka

_PATIENCE_SECONDS = 15.0
_MOVING = (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError)


class NotStillError(TopicsError):
    """Workers are running, or work is left; the message names which and says what to do."""


def require_stopped(settings: Settings, stages: Iterable[str] = STAGES) -> None:
    """No worker is a member of these stages' groups.

    Raises:
        NotStillError: one is. A worker that was killed stays one until its session ends.
        KafkaAwayError: no broker answers.
    """
    require_kafka(settings.bootstrap)
    groups = {group_of(settings.app, stage): stage for stage in stages}
    try:
        answer = _described(settings.bootstrap, list(groups))
    except KafkaError as error:
        raise KafkaAwayError(f"the groups cannot be asked for their members ({type(error).__name__})") from error
    members = {groups[name]: len(group["members"]) for name, group in answer.items() if group["members"]}
    if members:
        counted = ", ".join(f"{number} of {stage}" for stage, number in members.items())
        raise NotStillError(
            f"workers are running ({counted}): stop them all and run this again; one that was killed counts until its session "
            f"of {settings.session_timeout:.0f} s is over"
        )


def _described(bootstrap: str, groups: Sequence[str]) -> dict[str, Any]:
    """A young broker has no coordinator yet."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with closing(KafkaAdminClient(bootstrap_servers=bootstrap.split(","))) as admin:
            try:
                return dict(admin.describe_groups(list(groups)))
            except _MOVING:
                if time.monotonic() > deadline:
                    raise
        time.sleep(0.2)


def committed_offsets(settings: Settings) -> dict[str, dict[int, int]]:
    """Stage → partition of its topic → first record that is not worked through.

    Raises:
        NotStillError: the broker cannot tell yet.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with closing(LagMeter(settings.bootstrap, settings.app)) as meter:
        while (committed := meter.committed()) is None:
            if time.monotonic() > deadline:
                raise NotStillError("the broker does not tell what has been worked through; try again in a while")
            time.sleep(0.2)
    return {stage: {place.partition: offset for place, offset in committed.get(stage, {}).items()} for stage in STAGES}


def undone(settings: Settings) -> dict[str, int]:
    """Records that each stage has still to work through; stages with none are left out."""
    committed_offsets(settings)  # waits for a coordinator: without one everything would count as left
    with closing(LagMeter(settings.bootstrap, settings.app)) as meter:
        return {stage: left for stage, left in meter.remaining().items() if left}
