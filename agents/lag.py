"""How much each stage has still to do: end of its topic less what its group has committed."""

from contextlib import closing
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError

from agents.runtime.reader import group_of
from agents.telemetry import STAGES
from agents.topic_reader import consumer, partitions_of
from schemas.topics import ASSESSED, LANGUAGE, RAW, SENTIMENT, Topic

SOURCES: dict[str, Topic] = dict(zip(STAGES, (RAW, LANGUAGE, SENTIMENT, ASSESSED), strict=True))


class LagMeter:
    """Asks one broker again and again."""

    def __init__(self, bootstrap: str, app: str = "webcare") -> None:
        self._app = app
        self._admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
        self._reader = consumer(bootstrap)
        self._places = {stage: partitions_of(self._reader, topic.name) for stage, topic in SOURCES.items()}

    def remaining(self) -> dict[str, int]:
        """Records of each stage's topic that its group has not committed.

        Commits are asked before ends: zero for every stage means that nothing was left anywhere, and nothing on its way.
        """
        groups = [group_of(self._app, stage) for stage in SOURCES]
        try:
            committed = self._admin.list_group_offsets(groups)
        except CoordinatorNotAvailableError:  # a young broker, on which nobody has committed yet
            committed = {group: {} for group in groups}
        ends = self._reader.end_offsets([place for places in self._places.values() for place in places])
        return {
            stage: sum(
                ends[place] - (offset.offset if (offset := committed[group_of(self._app, stage)].get(place)) is not None else 0)
                for place in places
            )
            for stage, places in self._places.items()
        }

    def close(self) -> None:
        """Close both clients."""
        with closing(self._admin), closing(self._reader):
            pass
