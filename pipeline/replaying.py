"""A replay of one brand: from its first tick marked "running" to the one marked "end"."""

from typing import Protocol

from pipeline.stage import Origin
from pipeline.ticks import AFTER_END, BUCKET
from schemas.mention import Tick


class Replayed(Protocol):
    """What a stage keeps of it per brand. ``replay_from``: origin of the tick that began the replay."""

    replaying: bool
    replay_from: str


def ends_replay(tick: Tick, origin: Origin, kept: Replayed) -> bool:
    """Whether a replay that is under way ends. After a crash the end of one before may come again: it lies before this one's beginning."""
    return kept.replaying and tick.replay == "end" and not origin.is_before(kept.replay_from)


def follow_replay(tick: Tick, origin: Origin, kept: Replayed) -> None:
    """A tick of the brand is taken."""
    is_running = tick.replay == "running"
    if is_running and not kept.replaying:
        kept.replay_from = origin.encode().decode()
    kept.replaying = is_running


def last_told(at: float) -> int:
    """The last bucket of which a replay tells, by the moment (seconds) of its last tick."""
    return int((at - AFTER_END) // BUCKET)
