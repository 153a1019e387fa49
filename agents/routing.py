"""Fourth agent: where a mention goes, by when, and why. assessed → routed, queue items."""

from faust.types import StreamT

from agents.deployment import Deployment
from agents.runtime.batch import Batch
from agents.runtime.shell import Shell
from pipeline.routing import RoutingStage


def routing_stage(deployment: Deployment) -> RoutingStage:
    """The pure stage over the rule book."""
    return RoutingStage(deployment.rules, deployment.brands)


async def routing_agent(batches: "StreamT[Batch]", shell: Shell) -> None:
    """Every batch: decide, update items, watch deadlines."""
    await shell.follow(batches)
