"""What all that is watched of a brand has to know of a bucket that ends."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.brand_core import Core
from pipeline.share import Announced
from pipeline.told_alerts import Tell
from pipeline.usual_topics import UsualTopics
from pipeline.watch import Watch

Row = Callable[[], str | None]
"""The incident of which one that is raised now is a part: asked anew for each, as one may have been raised or resolved just before."""


class Closing(NamedTuple):
    """A bucket that has just closed for the brand as a whole."""

    bucket: int
    place: tuple[int, int]
    """Hour of the local week, and running number of the day."""
    announced: Announced
    core: Core
    whole: Watch
    usual: UsualTopics
    tell: Tell
    is_complaint: Callable[[bytes], bool]
    """Whether an identity is known as a complaint."""
    touch: Callable[[int, int], None]
    """Told of a bucket, and of the code of a private family, whose evidence changed."""
