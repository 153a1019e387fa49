"""Asks the broker about once a second, on connections of its own, where topics end and what the groups have committed.

A reader cannot judge itself: the high watermark that its consumer remembers is as old as its last fetch.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaConnectionError, KafkaError
from mode import Service

from agents.runtime.ages import Ages, Wanted
from agents.runtime.ending import end_process, within
from agents.runtime.retrying import Retries
from agents.runtime.writer import is_transient
from agents.settings import Settings
from agents.telemetry import Telemetry

EVERY_SECONDS = 1.0
REQUEST_SECONDS = 10
FRESH_SECONDS = 5.0


class Survey(Service):  # type: ignore[misc]
    """``topics``: those whose ends are wanted; ``groups``: consumer group → the topic it reads, of those whose commits are wanted."""

    def __init__(
        self, settings: Settings, telemetry: Telemetry, partitions: int, topics: Iterable[str], groups: dict[str, str], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._partitions = partitions
        self._groups = groups
        self._places = [place for topic in {*topics, *groups.values()} for place in self._places_of(topic)]
        self._retries = Retries("survey", telemetry)
        self._consumer: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._coordinators: dict[str, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._behind: dict[str, int] = {}
        self._answered_at = float("-inf")
        self.answers = 0
        self.ages = Ages()
        self.untaken: Sequence[Wanted] = ()

    # -- what others may ask

    @property
    def is_fresh(self) -> bool:
        """Whether the broker has answered within the last seconds."""
        return time.monotonic() - self._answered_at < FRESH_SECONDS

    def end(self, place: TopicPartition) -> int | None:
        """Where a partition ended at the last answer."""
        return self._ends.get(place)

    def behind(self, group: str) -> int | None:
        """Records of its topic that a group had not committed at the last answer, over all partitions; None until there is one."""
        return self._behind.get(group)

    async def ask_end(self, place: TopicPartition) -> int:
        """Where a partition ends now.

        Raises:
            KafkaError: the broker is away.
        """
        if self._consumer is None:
            raise KafkaConnectionError("not connected yet")
        end: int = (await self._consumer.end_offsets([place]))[place]
        return end

    async def committed(self, group: str, places: Sequence[TopicPartition]) -> dict[TopicPartition, tuple[int, str]]:
        """Offset and its note of every partition that the group has committed.

        Raises:
            KafkaError: the broker is away, or is no coordinator yet.
        """
        if self._admin is None:
            raise GroupCoordinatorNotAvailableError("not connected yet")
        try:
            if group not in self._coordinators:
                self._coordinators[group] = await self._admin.find_coordinator(group)
            answer = await self._admin.list_consumer_group_offsets(group, self._coordinators[group], list(places))
        except KafkaError:
            self._coordinators.pop(group, None)
            raise
        if answer.keys() != set(places):  # a coordinator that still loads its offsets answers nothing, which must not look like no commits
            self._coordinators.pop(group, None)
            raise GroupCoordinatorNotAvailableError("no answer about all partitions")
        return {place: (found.offset, found.metadata or "") for place, found in answer.items() if found.offset >= 0}

    # -- life

    @Service.task  # type: ignore[untyped-decorator]
    async def ask_regularly(self) -> None:
        """Until stopped; while the broker is away, as often as the backoff says."""
        while not self.should_stop:
            try:
                await self._ask()
            except (KafkaError, ConnectionError, TimeoutError) as error:
                if not is_transient(error):
                    end_process("the broker refuses to tell offsets", error=type(error).__name__)
                await self.sleep(self._retries.failed(error))
            else:
                self._retries.succeeded()
                await self.sleep(EVERY_SECONDS)

    async def on_stop(self) -> None:
        """Disconnect."""
        clients = [client for client in (self._consumer and self._consumer.stop(), self._admin and self._admin.close()) if client]
        await asyncio.gather(*(within(client, 1) for client in clients))

    async def _ask(self) -> None:
        if self._consumer is None or self._admin is None:
            await self._connect()
        assert self._consumer is not None
        starts = {group: await self._starts(group, self._places_of(topic)) for group, topic in self._groups.items()}
        ends = await self._consumer.end_offsets(self._places)  # after the commits: no group is ahead of its topic
        self._behind = {group: sum(max(0, ends[place] - start) for place, start in found.items()) for group, found in starts.items()}
        self._ends = ends
        self._answered_at = time.monotonic()
        self.answers += 1
        await self.ages.look(self._consumer, {place: offset for wanted in self.untaken for place, offset in wanted().items()})

    async def _connect(self) -> None:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.bootstrap,
                client_id=f"{self._settings.app}-survey",
                enable_auto_commit=False,
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=16 << 10,  # it reads for the age of one record only
                request_timeout_ms=REQUEST_SECONDS * 1000,
            )
            try:
                await consumer.start()
            except BaseException:
                await within(consumer.stop(), 1)
                raise
            self._consumer = consumer
        if self._admin is None:
            admin = AIOKafkaAdminClient(
                bootstrap_servers=self._settings.bootstrap,
                client_id=f"{self._settings.app}-survey",
                request_timeout_ms=REQUEST_SECONDS * 1000,
            )
            try:
                await admin.start()
            except BaseException:
                await within(admin.close(), 1)
                raise
            self._admin = admin

    async def _starts(self, group: str, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where a group goes on: at what it has committed, else at the start of the log."""
        assert self._consumer is not None
        starts = {place: offset for place, (offset, _) in (await self.committed(group, places)).items()}
        if missing := [place for place in places if place not in starts]:
            starts |= await self._consumer.beginning_offsets(missing)
        return starts

    def _places_of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for partition in range(self._partitions)]
