"""Records that were gone by retention before they were read: told once each, counted, and remembered."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.logs import get_logger
from agents.telemetry import Telemetry

log = get_logger(__name__)


class Losses:
    """Of one stage."""

    def __init__(self, stage: str, telemetry: Telemetry) -> None:
        self._stage = stage
        self._telemetry = telemetry
        self._any = False

    def __bool__(self) -> bool:
        return self._any

    def tell(self, partition: int, want: int, got: int) -> None:
        """The next offset was ``want``, and the first that is there is ``got``."""
        self._any = True
        self._telemetry.lost_records.labels(self._stage).inc(max(1, got - want))
        log.error(
            "records lost: gone by retention before they were read",
            stage=self._stage,
            partition=partition,
            next_offset=want,
            first_offset=got,
        )

    async def explain_hole(self, consumer: AIOKafkaConsumer, place: TopicPartition, want: int, got: int) -> None:
        """A transaction's marker takes an offset, as do records taken back; what lies before the start of the log is lost."""
        try:
            start = (await consumer.beginning_offsets([place]))[place]
        except KafkaError as error:
            log.warning("cannot tell what a hole is", stage=self._stage, partition=place.partition, error=type(error).__name__)
            return
        if want < start:
            self.tell(place.partition, want, got)
