"""How a stage's consumer is set up."""

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from agents.runtime.header_names import accept_any_header_name
from agents.settings import Settings, group_of
from pipeline.stage import Stage


def stage_consumer(settings: Settings, stage: Stage) -> AIOKafkaConsumer:
    """A consumer in the group of a stage, not started."""
    accept_any_header_name()
    session = settings.session_timeout
    return AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        client_id=f"{settings.app}-{stage.name}",
        group_id=group_of(settings.app, stage.name),
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # a jump over records that retention took shows as a hole, and is told as a loss
        isolation_level="read_committed",  # what a transactional producer took back never was
        fetch_max_wait_ms=50,  # one fetch is in flight per broker: a long wait makes long tails
        max_partition_fetch_bytes=1 << 20,
        max_poll_records=2000,
        session_timeout_ms=int(session * 1000),
        heartbeat_interval_ms=int(session * 300),
        rebalance_timeout_ms=30_000,
        partition_assignment_strategy=(StickyPartitionAssignor,),
    )
