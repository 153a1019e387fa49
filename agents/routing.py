"""Fourth agent: where a mention goes, by when, and why. assessed → routed, queue items."""

from faust.types import StreamT

from agents.deployment import Deployment
from agents.runtime.batch import Round
from agents.runtime.shell import Shell
from pipeline.routing import RoutingStage


def routing_stage(deployment: Deployment) -> RoutingStage:
    """The pure stage over the rule book."""
    return RoutingStage(deployment.rules, deployment.brands)


async def routing_agent(rounds: "StreamT[Round]", shell: Shell) -> None:
    """Every round of batches: decide, update items, watch deadlines."""
    await shell.follow(rounds)
