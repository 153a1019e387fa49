"""First agent: the door, and which language a mention is in. raw → language."""

from faust.types import StreamT

from agents.deployment import Deployment
from agents.models import load_identifier
from agents.runtime.batch import Round
from agents.runtime.shell import Shell
from pipeline.door import AuthorHasher
from pipeline.language import LanguageStage
from pipeline.partition import Partitioner


def language_stage(deployment: Deployment, author_key: str, partitions: int, *, replaying: bool) -> LanguageStage:
    """The pure stage with its model loaded."""
    return LanguageStage(
        deployment.brands, AuthorHasher(author_key.encode()), load_identifier(), Partitioner(partitions), replaying=replaying
    )


async def language_agent(rounds: "StreamT[Round]", shell: Shell) -> None:
    """Every round of batches: decode, hash, clamp, detect; to the partition of the brand."""
    await shell.follow(rounds)
