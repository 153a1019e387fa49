"""What was told of a brand, and of what is watched below it: each fingerprint's latest, until its time in the compacted topic is over."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pipeline.brand_core import VERSION, body
from pipeline.incident import without
from pipeline.journal import Journal
from pipeline.key import Key
from pipeline.ticks import BUCKET
from schemas.outputs import Alert, BrandCounts

KEPT_BUCKETS = 90 * 86_400 // BUCKET
"""A resolved alert is gone from the compacted topic after so long."""


class Telling(NamedTuple):
    """An alert to publish; ``gone``: its time in the compacted topic is over."""

    alert: Alert
    gone: bool = False


Tell = Callable[[Telling | BrandCounts], None]
"""Publishes alerts, and the counts of buckets that close."""


class Record(Struct, array_like=True):
    """An alert as it was told last."""

    alert: Alert
    resolved: int | None
    """The bucket whose close resolved it."""
    held: Alert | None = None
    """What the closes came to, as long as more was told early: not told before the close of bucket ``until``."""
    until: int = 0
    is_private: bool = True
    """Where a channel family is named: it is of what came in private, as all were that are of a version that did not say so."""

    @property
    def decided(self) -> Alert:
        """What the closes came to."""
        return self.alert if self.held is None else self.held

    @property
    def key(self) -> Key:
        """What of the brand it is about."""
        family = self.alert.channel_family
        return Key(self.alert.topic, family, self.is_private and family is not None)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class ToldAlerts:
    """Of one brand. Always gone through in the order of fingerprints, so that a restart changes no order."""

    def __init__(self, slug: str, journal: Journal) -> None:
        self._slug = slug
        self._journal = journal
        self._records: dict[str, Record] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, fingerprint: object) -> bool:
        return fingerprint in self._records

    def __getitem__(self, fingerprint: str) -> Record:
        return self._records[fingerprint]

    def _ordered(self) -> Iterator[tuple[str, Record]]:
        for fingerprint in sorted(self._records):
            yield fingerprint, self._records[fingerprint]

    def firing(self, key: Key) -> list[Alert]:
        """The alerts of a key that are not over."""
        return [record.alert for _, record in self._ordered() if record.resolved is None and record.key == key]

    def keys_firing(self) -> list[Key]:
        """The keys of which any is not over."""
        return list(dict.fromkeys(record.key for _, record in self._ordered() if record.resolved is None))

    def tell(self, alert: Alert, resolved: int | None, tell: Tell, *, is_private: bool) -> None:
        """A new revision, of the same incident or of the next of that fingerprint."""
        known = self._records.get(alert.fingerprint)
        until = known.until if known is not None and known.alert.incident_id == alert.incident_id else 0
        self._records[alert.fingerprint] = Record(alert, resolved, None, until, is_private)
        self.touch(alert.fingerprint)
        tell(Telling(alert))

    def take_back(self, mention_id: str, at: datetime, tell: Tell) -> None:
        """A mention was retracted: no alert, open or resolved, shows it any more."""
        for fingerprint, record in self._ordered():
            held = None if record.held is None else without(record.held, mention_id, at)
            if held is not None:
                record.held = held
                self.touch(fingerprint)
            alert = without(record.alert, mention_id, at)
            if alert is not None:
                record.alert = alert
                self.touch(fingerprint)
                tell(Telling(alert))

    def first_to_go(self) -> int | None:
        """The bucket at whose close an alert's time is over."""
        return min((record.resolved + KEPT_BUCKETS for record in self._records.values() if record.resolved is not None), default=None)

    def forget(self, bucket: int, tell: Tell) -> None:
        """After the close of ``bucket``: alerts resolved 90 days ago go."""
        first = self.first_to_go()
        if first is None or first > bucket:
            return
        for fingerprint, record in self._ordered():
            if record.resolved is not None and record.resolved + KEPT_BUCKETS <= bucket:
                del self._records[fingerprint]
                self.touch(fingerprint)
                tell(Telling(record.alert, gone=True))

    def touch(self, fingerprint: str) -> None:
        """A record changed."""
        self._journal.touch(self._slug, f"{self._slug}|alert|{fingerprint}".encode(), partial(self._snapshot, fingerprint))

    def _snapshot(self, fingerprint: str) -> bytes | None:
        record = self._records.get(fingerprint)
        return None if record is None else VERSION + _encode(record)

    def restore(self, fingerprint: str, value: bytes) -> Key:
        """Take back one alert; whose it is.

        Raises:
            ValueError: it cannot be read.
        """
        record = self._records[fingerprint] = _decode(body(value))
        return record.key
