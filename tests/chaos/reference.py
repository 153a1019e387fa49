"""The undisturbed run: the same raw log, with its offsets and append times, through the same stages in one process without a broker.

What a run under fire wrote must be this: the same outcome of each raw record, the same alerts and items, the same state, byte for byte.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice

from agents.deployment import build_stages, load_deployment
from agents.offline import OfflineChain
from agents.settings import DEMO_KEY
from agents.topic_reader import Record
from pipeline.stage import ORIGIN, Incoming, Outcome, Outgoing, header

CHUNK = 1_000
Written = tuple[bytes | None, bytes | None]
"""Key and value."""


class Undisturbed:
    """What came of it."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[tuple[bytes, bytes], Written]] = defaultdict(dict)
        """Topic → (origin, ce_id) → the record as it was written first."""
        self.dead: dict[bytes, tuple[str, str]] = {}
        """Origin → reason and detail of a raw record's dead letter."""
        self.state: dict[str, dict[bytes, bytes]] = {}
        """Changelog → key → last snapshot."""


def undisturbed(raw: Iterable[Record], epoch: str, partitions: int, *, replaying: bool) -> Undisturbed:
    """Run the raw log once more, partitions merged by append time."""
    found = Undisturbed()
    chain = OfflineChain(build_stages(load_deployment(), DEMO_KEY, partitions, replaying=replaying), epoch)
    source = iter(sorted(raw, key=lambda record: (record.timestamp, record.partition, record.offset)))
    while chunk := [Incoming(*record[1:]) for record in islice(source, CHUNK)]:
        for stage, _, outcome in chain.work(chunk):
            if stage.changelog is not None:
                _keep(found.state.setdefault(stage.changelog.name, {}), outcome)
            for letter in outcome.dead:
                assert letter.origin is not None, "only the door has dead letters in an undisturbed run"
                found.dead[letter.origin] = (letter.reason.value, letter.detail)
            for out in outcome.outgoing:
                _note(found, out)
    return found


def _keep(state: dict[bytes, bytes], outcome: Outcome) -> None:
    for key, value in outcome.changes.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def _note(found: Undisturbed, out: Outgoing) -> None:
    identity = (header(out.headers, ORIGIN) or b"", header(out.headers, "ce_id") or b"")
    found.outcomes[out.topic.name].setdefault(identity, (out.key, out.value))
