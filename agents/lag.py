"""How much each stage has still to do: end of its topic less what its group has committed."""

from contextlib import closing
from typing import Any

from aiokafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError

from agents.settings import group_of
from agents.telemetry import STAGES
from agents.topic_reader import TopicReader, places_of
from agents.topics import asking
from schemas.topics import ASSESSED, LANGUAGE, RAW, SENTIMENT, Topic

SOURCES: dict[str, Topic] = dict(zip(STAGES, (RAW, LANGUAGE, SENTIMENT, ASSESSED), strict=True))
_MOVING = (CoordinatorNotAvailableError, NotCoordinatorError, CoordinatorLoadInProgressError)


class LagMeter:
    """Asks one broker again and again."""

    def __init__(self, bootstrap: str, app: str = "webcare") -> None:
        self._app = app
        self._bootstrap = bootstrap
        self._places = {stage: places_of(bootstrap, topic.name) for stage, topic in SOURCES.items()}
        with asking(bootstrap):
            self._admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            self._reader = TopicReader(bootstrap)
        except BaseException:
            self._admin.close()
            raise

    def remaining(self) -> dict[str, int]:
        """Records of each stage's topic that its group has not committed.

        Commits are asked before ends: zero for every stage means that nothing was left anywhere, and nothing on its way.
        """
        committed = self.committed() or {}
        ends = self.end_offsets()
        return {
            stage: sum(ends[place] - committed.get(stage, {}).get(place, 0) for place in places) for stage, places in self._places.items()
        }

    def committed(self) -> dict[str, dict[TopicPartition, int]] | None:
        """What each stage's group has committed; None while no coordinator answers (a young broker, or one that has restarted).

        Raises:
            KafkaAwayError: no broker answers.
        """
        groups = {stage: group_of(self._app, stage) for stage in SOURCES}
        with asking(self._bootstrap):
            try:
                offsets = self._admin.list_group_offsets(list(groups.values()))
            except _MOVING:
                # The client remembers the coordinator it knew, so it is made anew.
                self._admin.close()
                self._admin = KafkaAdminClient(bootstrap_servers=self._bootstrap)
                return None
        return {
            stage: {TopicPartition(place.topic, place.partition): offset.offset for place, offset in offsets[group].items()}
            for stage, group in groups.items()
        }

    def ends(self) -> dict[str, int]:
        """Records that each stage's topic has ever had."""
        ends = self.end_offsets()
        return {stage: sum(ends[place] for place in places) for stage, places in self._places.items()}

    def end_offsets(self) -> dict[TopicPartition, int]:
        """Where the partitions of the stages' topics end now."""
        return self._reader.ends([place for places in self._places.values() for place in places])

    def close(self) -> None:
        """Close both clients."""
        with closing(self._admin), closing(self._reader):
            pass
