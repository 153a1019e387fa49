"""Back-pressure: a stage runs only so far ahead of what the next stage has committed; the rest waits in Kafka, back to the raw topic."""

RESUMES_AT = 0.8
"""It goes on at this share of the limit: not record by record at the edge."""


class Intake:
    """Whether a stage takes more. ``most``: records it may be ahead of the next stage's group; 0: no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.paused = False

    def decide(self, ahead: int | None) -> bool:
        """``ahead``: records written and not committed by the next stage, and those taken since that was asked; None: not known, and
        nothing changes. Returns whether the decision is a new one."""
        if self._most == 0 or ahead is None:
            return False
        paused = ahead > self._most * RESUMES_AT if self.paused else ahead > self._most
        changed = paused != self.paused
        self.paused = paused
        return changed
