"""A deployment's state as its changelogs tell it: what `webcare state` shows, whether or not a worker runs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agents.runtime.restore import Newest, take
from agents.topic_reader import Record, read_to_end
from pipeline import crisis, routing
from pipeline.journal import CHANGE
from pipeline.stage import header
from schemas.topics import CRISIS_STATE, ROUTING_STATE


@dataclass
class BrandView:
    """One brand: plain cumulative counters, incidents firing now, items open now."""

    brand: str
    counters: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self, *, detailed: bool) -> dict[str, Any]:
        """For `--json`: counters at the top level; items in full only when one brand is asked for."""
        return {
            "brand": self.brand,
            **self.facts,
            **self.counters,
            "open_incidents": self.incidents,
            "open_items": self.items if detailed else len(self.items),
        }


def read_states(bootstrap: str) -> dict[str, BrandView]:
    """All brands' states out of the changelogs of a broker."""
    return gather(read_to_end(bootstrap, CRISIS_STATE.name), read_to_end(bootstrap, ROUTING_STATE.name))


def gather(crisis_log: Iterable[Record], routing_log: Iterable[Record]) -> dict[str, BrandView]:
    """Put the newest snapshots of both stages together.

    Raises:
        ValueError: a snapshot is of another version.
    """
    views: dict[str, BrandView] = {}
    for log, read in ((crisis_log, crisis.read_brand_state), (routing_log, routing.read_brand_state)):
        for key, (_, value) in sorted(_newest(log).items()):
            told = read(key, value) if value is not None else None
            if told is not None:
                _add(views.setdefault(told["brand"], BrandView(told["brand"])), told)
    return views


def _newest(log: Iterable[Record]) -> Newest:
    newest: Newest = {}
    for record in log:
        if record.key is not None:
            take(newest, record.key, record.value, int(header(record.headers, CHANGE) or 0))
    return newest


def _add(view: BrandView, told: dict[str, Any]) -> None:
    for name, value in told.items():
        if name == "incident":
            view.incidents += [value] if value is not None else []
        elif name == "item":
            view.items.append(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            view.counters.setdefault(name, value)
        elif name != "brand":
            view.facts.setdefault(name, value)
