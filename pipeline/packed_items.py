"""An item as the stage keeps it while nobody works on it, and as its changelog holds it: about half the bytes of its JSON.

A version byte and one MessagePack array without field names. New fields of an item are added at the end of `FIELDS`; what a snapshot of
before does not hold gets its default. Snapshots of before this form were the JSON of a `Kept`, and are still read.
"""

from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from pipeline.decisions import FACTS
from pipeline.items import Kept
from pipeline.threads import VERSION, Said, at_offset, said
from schemas.mention import Author, Mode, Situation
from schemas.outputs import Fact, Quote, WorkItem

HEAD = ("kind", "status", "mode", "queue", "sla")
"""What gauges ask of an item: these and ``since`` come first, so that they can be read without the rest."""

FIELDS = (
    "item_id",
    "revision",
    "brand",
    "mention_id",
    "recipient",
    "priority",
    "rank",
    "posture",
    "response_policy",
    "response_reason",
    "handling",
    "rule",
    "config_hash",
    "opened_at",
    "updated_at",
    "root_id",
    "found",
    "intents",
    "topic",
    "due_at",
    "calendar",
    "closed_at",
    "closed_reason",
    "channel",
    "channel_family",
    "language",
    "mood",
    "compound",
    "text",
    "url",
    "thread_size",
    "dossier",
)
"""All others but those that are written in a form of their own."""

_OWN_FORM = ("facts", "author", "situation", "author_history", "thread")


class Head(Struct, array_like=True):
    """The beginning of a snapshot."""

    since: datetime
    kind: Literal["task", "inform"]
    status: Literal["open", "closed"]
    mode: Mode
    queue: str | None
    sla: Literal["on_track", "at_risk", "breached"] | None

    @property
    def is_open_task(self) -> bool:
        """Whether somebody is to answer."""
        return self.kind == "task" and self.status == "open"


class _Body(Head, array_like=True):
    latest_at: datetime
    decided_by: str
    at_risk_at: datetime | None
    marketing: bool
    facts: list[Fact] | dict[str, Fact]
    author: tuple[str, str | None, int | None, str] | None
    situation: tuple[str | None, str | None, float | None, float | None] | None
    author_history: list[Said]
    thread: list[Said]


_hints = get_type_hints(WorkItem, include_extras=True)
_defaults = {field.name: field for field in msgspec.structs.fields(WorkItem)}


def _field(name: str) -> tuple[Any, ...]:
    default = _defaults[name].default
    return (name, _hints[name]) if default is msgspec.NODEFAULT else (name, _hints[name], default)


_Packed = msgspec.defstruct("_Packed", [_field(name) for name in FIELDS], bases=(_Body,), array_like=True, kw_only=True)
_encode = msgspec.msgpack.Encoder().encode
_packed = msgspec.msgpack.Decoder(_Packed).decode
_head = msgspec.msgpack.Decoder(Head).decode
_old = msgspec.json.Decoder(Kept).decode
_head_of = attrgetter(*HEAD)
_fields_of = attrgetter(*FIELDS)


def pack(kept: Kept) -> bytes:
    """The snapshot."""
    item = kept.item
    facts = item.facts
    return VERSION + _encode(
        (
            kept.since,
            *_head_of(item),
            kept.latest_at,
            kept.decided_by,
            kept.at_risk_at,
            kept.marketing,
            (*facts.values(),) if (*facts,) == FACTS else facts,
            None if item.author is None else astuple(item.author),
            None if item.situation is None else astuple(item.situation),
            [said(quote, quote.label) for quote in item.author_history],
            [said(quote, quote.label) for quote in item.thread],
            *_fields_of(item),
        )
    )


def unpack(snapshot: bytes) -> Kept:
    """An item out of its snapshot.

    Raises:
        ValueError: it cannot be read.
    """
    if snapshot[:1] != VERSION:
        return _old(snapshot)
    packed: Any = _packed(memoryview(snapshot)[1:])
    facts = packed.facts
    if isinstance(facts, list):
        if len(facts) != len(FACTS):
            raise ValueError("facts of another version")
        facts = dict(zip(FACTS, facts, strict=True))
    fields = {name: getattr(packed, name) for name in FIELDS}
    item = WorkItem(
        kind=packed.kind,
        status=packed.status,
        mode=packed.mode,
        queue=packed.queue,
        sla=packed.sla,
        facts=facts,
        author=None if packed.author is None else _author(*packed.author),
        situation=None if packed.situation is None else _situation(*packed.situation),
        author_history=tuple(map(_quote, packed.author_history)),
        thread=tuple(map(_quote, packed.thread)),
        **fields,
    )
    return Kept(
        item=item,
        latest_at=packed.latest_at,
        decided_by=packed.decided_by,
        since=packed.since,
        at_risk_at=packed.at_risk_at,
        marketing=packed.marketing,
    )


def _author(id_: str, name: str | None, followers: int | None, role: Any) -> Author:
    return Author(id=id_, name=name, followers=followers, role=role)


def _situation(tier: Any, incident_id: str | None, observed: float | None, expected: float | None) -> Situation:
    return Situation(tier=tier, incident_id=incident_id, observed=observed, expected=expected)


def _quote(said_: Said) -> Quote:
    if said_.offset:
        return Quote(
            mention_id=said_.mention_id, label=said_.label, published_at=at_offset(said_.published_at, said_.offset), url=said_.url
        )
    return said_.quote()


def head(held: Kept | bytes) -> Head:
    """What gauges ask; of a snapshot of this version too."""
    if isinstance(held, bytes):
        return _head(memoryview(held)[1:])
    return Head(held.since, *_head_of(held.item))
