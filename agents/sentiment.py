"""Second agent: what a mention says, in its own language or not at all. language → sentiment."""

from faust.types import StreamT

from agents.deployment import Deployment
from agents.lexicons import load_engine
from agents.runtime.batch import Round
from agents.runtime.shell import Shell
from pipeline.sentiment import SentimentStage


def sentiment_stage(deployment: Deployment) -> SentimentStage:
    """The pure stage with its lexicons and the deployment's own words loaded."""
    return SentimentStage(load_engine(own_words=deployment.words))


async def sentiment_agent(rounds: "StreamT[Round]", shell: Shell) -> None:
    """Every round of batches: score, read the signals, pass on."""
    await shell.follow(rounds)
