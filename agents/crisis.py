"""Third agent: does a brand get more negatives than it should expect. sentiment → assessed, alerts."""

from faust.types import StreamT

from agents.deployment import Deployment, detector_version
from agents.runtime.batch import Round
from agents.runtime.shell import Shell
from pipeline.crisis import CrisisStage


def crisis_stage(deployment: Deployment) -> CrisisStage:
    """The pure stage over the brand registry and the dossiers."""
    return CrisisStage(deployment.brands, detector_version(), deployment.dossiers)


async def crisis_agent(rounds: "StreamT[Round]", shell: Shell) -> None:
    """Every round of batches: count, close what event time has passed, judge, alert."""
    await shell.follow(rounds)
