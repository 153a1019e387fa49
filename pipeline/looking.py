"""A look at buckets that are open: counts inside them mostly grow, so a row need not wait for the close to be told."""

from collections.abc import Callable

from pipeline.brand_core import NEVER, Core
from pipeline.buckets import Buckets, Counted
from pipeline.watch import Verdict, Watch

_AGAIN = 6
"""After a look in vain the next waits for a sixth more complaints."""

Judge = Callable[[Watch, int, Counted], Verdict]
TellEarly = Callable[[Core, int, int, int, Verdict, Watch], None]
"""See `AlertBook.tell_early`."""


def look(core: Core, watch: Watch, buckets: Buckets, judge: Judge, tell_early: TellEarly) -> None:
    """Whether the open buckets, closed as they are, would raise an alarm: then it is told at once.

    Nothing is learnt. The close confirms it, or takes it back.
    """
    assert core.first_open is not None
    core.look = buckets.complaints + max(1, buckets.complaints // _AGAIN)
    if core.incident is not None and core.incident.unconfirmed is None:
        return
    tried = watch.clone()
    raised = core.first_open
    found: tuple[int, Verdict] | None = None
    open_buckets = buckets.as_if_closed(core.first_open)
    for bucket, counted in open_buckets:
        verdict = judge(tried, bucket, counted)
        if verdict.change == "raised":
            raised = bucket
        if verdict.change in ("raised", "escalated") and tried.tier != "watch" and (found is not None or verdict.signal == "burst"):
            found = bucket, verdict
    if found is not None:
        bucket, verdict = found
        tell_early(core, raised, bucket, open_buckets[-1][0], verdict, tried)
        if tried.tier == "crisis":
            core.look = NEVER  # nothing worse can be told before the close
