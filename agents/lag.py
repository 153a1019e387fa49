"""How much each stage has still to do: end of its topic less what its group has committed."""

from contextlib import closing
from typing import Any

from aiokafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from agents.settings import group_of
from agents.telemetry import STAGES
from agents.topic_reader import TopicReader, places_of
from schemas.topics import ASSESSED, LANGUAGE, RAW, SENTIMENT, Topic

SOURCES: dict[str, Topic] = dict(zip(STAGES, (RAW, LANGUAGE, SENTIMENT, ASSESSED), strict=True))
_MOVING = (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError)


class LagMeter:
    """Asks one broker again and again."""

    def __init__(self, bootstrap: str, app: str = "webcare") -> None:
        self._app = app
        self._bootstrap = bootstrap
        self._places = {stage: places_of(bootstrap, topic.name) for stage, topic in SOURCES.items()}
        self._reader = TopicReader(bootstrap)
        self._admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)

    def remaining(self) -> dict[str, int]:
        """Records of each stage's topic that its group has not committed.

        Commits are asked before ends: zero for every stage means that nothing was left anywhere, and nothing on its way.
        """
        groups = [group_of(self._app, stage) for stage in SOURCES]
        try:
            committed = self._admin.list_group_offsets(groups)
        except _MOVING:
            # A young broker, or one that has restarted: until a coordinator answers, everything counts as left. The client
            # remembers the coordinator it knew, so it is made anew.
            self._admin.close()
            self._admin = KafkaAdminClient(bootstrap_servers=self._bootstrap)
            committed = {group: {} for group in groups}
        ends = self._ends()
        return {
            stage: sum(
                ends[place] - (offset.offset if (offset := committed[group_of(self._app, stage)].get(place)) is not None else 0)
                for place in places
            )
            for stage, places in self._places.items()
        }

    def ends(self) -> dict[str, int]:
        """Records that each stage's topic has ever had."""
        ends = self._ends()
        return {stage: sum(ends[place] for place in places) for stage, places in self._places.items()}

    def _ends(self) -> dict[TopicPartition, int]:
        return self._reader.ends([place for places in self._places.values() for place in places])

    def close(self) -> None:
        """Close both clients."""
        with closing(self._admin), closing(self._reader):
            pass
