"""What routing has to tell, in order: collected while it works through some records, written out together afterwards."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from pipeline.events import Headers, cloud_headers, event_id, event_type, hashed
from pipeline.items import Gone, Told
from pipeline.stage import Outcome, Outgoing
from schemas.codec import encode
from schemas.outputs import RoutedMention, WorkItem
from schemas.topics import ITEM, ITEM_SHADOW, ROUTED, ROUTED_SHADOW, Topic


class _Entry(NamedTuple):
    """A record to come; None: a tombstone. ``kind``: that of a routed record."""

    topic: Topic
    of: RoutedMention | WorkItem
    record: RoutedMention | WorkItem | None
    kind: str
    at: datetime
    passed: Headers


class Telling:
    """Collects; `publish` writes out. ``passed``: the headers of the record that is being worked on, which what comes of it carries too."""

    __slots__ = ("_entries", "passed")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self.passed: Headers = []

    def routed(self, record: RoutedMention, kind: str, at: datetime) -> None:
        """Where a mention goes."""
        topic = ROUTED_SHADOW if record.mode == "observe" else ROUTED
        self._entries.append(_Entry(topic, record, record, kind, at, self.passed))

    def item(self, told: Told) -> None:
        """A new version of an item, or its end."""
        if isinstance(told, Gone):
            item, at = told
            self._entries.append(_Entry(_topic_of(item), item, None, "", at, self.passed))
        else:
            self._entries.append(_Entry(_topic_of(told), told, told, "", told.updated_at, self.passed))

    def publish(self, outcome: Outcome) -> None:
        """One step after the other for all of them: each at two thirds of its price (see `pipeline.stage.AT_ONCE`)."""
        entries = self._entries
        values = [None if entry.record is None else encode(entry.record) for entry in entries]
        identities = list(_identities(entries))
        outcome.outgoing += [
            Outgoing(entry.topic, key, value, cloud_headers(entry.topic, identity, subject, entry.at, entry.passed))
            for entry, value, (key, identity, subject) in zip(entries, values, identities, strict=True)
        ]


def _topic_of(item: WorkItem) -> Topic:
    return ITEM_SHADOW if item.mode == "observe" else ITEM


def _identities(entries: Iterable[_Entry]) -> Iterable[tuple[bytes, str, str]]:
    """Key, ``ce_id`` and subject of each."""
    for topic, of, record, kind, _, _ in entries:
        if isinstance(of, RoutedMention):
            yield of.brand.encode(), event_id(topic, of.brand, of.mention_id, of.edit, kind), of.mention_id
        else:
            gone = "\x1fgone" if record is None else ""
            yield of.item_id.encode(), hashed(f"{event_type(topic)}\x1f{of.item_id}\x1f{of.revision}{gone}"), of.item_id
