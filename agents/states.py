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
    for key, value in _snapshots(crisis_log):
        if (told := crisis.read_brand_state(key, value)) is not None:
            view = _add(views, told)
            view.incidents += [told["incident"]] if told["incident"] is not None else []
    for key, value in _snapshots(routing_log):
        if (told := routing.read_brand_state(key, value)) is not None:
            _add(views, told)
        elif (item := routing.read_open_item(key, value)) is not None:
            brand = item.pop("brand")
            views.setdefault(brand, BrandView(brand)).items.append(item)
    return views


def _snapshots(log: Iterable[Record]) -> list[tuple[bytes, bytes]]:
    """The newest snapshot of each key that is not gone, by key."""
    return [(key, value) for key, (_, value) in sorted(_newest(log).items()) if value is not None]


def _newest(log: Iterable[Record]) -> Newest:
    newest: Newest = {}
    for record in log:
        if record.key is not None:
            take(newest, record.key, record.value, int(header(record.headers, CHANGE) or 0))
    return newest


def _add(views: dict[str, BrandView], told: dict[str, Any]) -> BrandView:
    brand = told["brand"]
    view = views.setdefault(brand, BrandView(brand))
    for name, value in told.items():
        if isinstance(value, int) and not isinstance(value, bool):
            view.counters.setdefault(name, value)
        elif name not in ("brand", "incident"):
            view.facts.setdefault(name, value)
    return view
