"""A deployment's state as its changelogs tell it: what `webcare state` shows, whether or not a worker runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from agents.runtime.restore import Newest, place_in, take
from agents.topic_reader import Record, read_to_end
from pipeline import crisis, routing
from schemas.topics import CRISIS_STATE, ROUTING_STATE

Refuse = Callable[[str], None]


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


def read_states(bootstrap: str, refuse: Refuse = lambda _: None) -> dict[str, BrandView]:
    """All brands' states out of the changelogs of a broker; ``refuse`` hears what cannot be read."""
    return gather(read_to_end(bootstrap, CRISIS_STATE.name), read_to_end(bootstrap, ROUTING_STATE.name), refuse)


def gather(crisis_log: Iterable[Record], routing_log: Iterable[Record], refuse: Refuse = lambda _: None) -> dict[str, BrandView]:
    """Put the newest snapshots of both stages together; ``refuse`` hears stage, brand and kind of what cannot be read."""
    views: dict[str, BrandView] = {}
    for key, value in snapshots(crisis_log, refuse):
        with _told("crisis", key, refuse):
            if (told := crisis.read_brand_state(key, value)) is not None:
                view = _add(views, told)
                view.incidents += [told["incident"]] if told["incident"] is not None else []
            elif (incident := crisis.read_incident_below(key, value)) is not None:
                brand = incident.pop("brand")
                views.setdefault(brand, BrandView(brand)).incidents.append(incident)
    for key, value in snapshots(routing_log, refuse):
        with _told("routing", key, refuse):
            if (told := routing.read_brand_state(key, value)) is not None:
                _add(views, told)
            elif (item := routing.read_open_item(key, value)) is not None:
                brand = item.pop("brand")
                views.setdefault(brand, BrandView(brand)).items.append(item)
    return views


def snapshots(log: Iterable[Record], refuse: Refuse = lambda _: None) -> list[tuple[bytes, bytes]]:
    """The newest snapshot of each key that is not gone, by key. One that has moved to another partition is gone only where it was."""
    newest: dict[int, Newest] = {}
    for record in log:
        take(newest.setdefault(record.partition, {}), [record], lambda one, problem: refuse(f"offset {one.offset}: {problem}"))
    live: dict[bytes, tuple[int, bytes]] = {}
    for held in newest.values():
        for key, (change, value, _) in held.items():
            if value is not None and change >= live.get(key, (0, b""))[0]:
                live[key] = (change, value)
    return [(key, value) for key, (_, value) in sorted(live.items())]


@contextmanager
def _told(stage: str, key: bytes, refuse: Refuse) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        brand, kind = place_in(key)
        refuse(f"{stage}, brand {brand}, kind {kind}: {type(error).__name__}")


def _add(views: dict[str, BrandView], told: dict[str, Any]) -> BrandView:
    brand = told["brand"]
    view = views.setdefault(brand, BrandView(brand))
    for name, value in told.items():
        if isinstance(value, int) and not isinstance(value, bool):
            view.counters.setdefault(name, value)
        elif name not in ("brand", "incident"):
            view.facts.setdefault(name, value)
    return view
