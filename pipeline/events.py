"""CloudEvents headers (1.0, Kafka binary mode) and identities.

Identifiers come from identities and event time only, never from partition, offset or epoch: offline and broker agree, replays repeat.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b

from schemas.codec import encode
from schemas.topics import Topic

Headers = list[tuple[str, bytes]]

SOURCE = b"/webcare-stream"
CONTENT_TYPE = b"application/json"
_OURS = frozenset({"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_dataschema", "content-type"})


def digest(*parts: object) -> str:
    """A stable 128-bit identifier of its parts, in hex."""
    return hashed("\x1f".join(map(str, parts)))


def hashed(text: str) -> str:
    """`digest` of parts that are joined already, by U+001F."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def event_type(topic: Topic) -> str:
    """CloudEvents type of a topic's records: ``nl.webcare.mention.routed.v1``."""
    return f"nl.{topic.name}"


def event_id(topic: Topic, brand: str, mention_id: str, edit: int, kind: str) -> str:
    """``ce_id`` of a mention's record; kind is mention, duplicate or retracted."""
    return hashed(f"nl.{topic.name}\x1f{brand}\x1f{mention_id}\x1f{edit}\x1f{kind}")


def passed_on(headers: Iterable[tuple[str, bytes]]) -> Headers:
    """Those headers of a record that records made of it carry too, in order: traceparent, origin, foreign ones. Ours are made anew."""
    return [header for header in headers if header[0] not in _OURS]


def cloud_headers(topic: Topic, identity: str, subject: str, time: datetime, passed: Iterable[tuple[str, bytes]] = ()) -> Headers:
    """The headers of a record we write: ours made anew, all others (traceparent, origin, foreign ones) passed on in order."""
    return headers_with(topic, identity, subject, time, passed_on(passed))


def headers_with(topic: Topic, identity: str, subject: str, time: datetime, passed: Headers) -> Headers:
    """The same where none of ours is in ``passed`` (see `passed_on`): they are not looked through again."""
    kind, schema = _of_topic(topic.name)
    return [
        _SPECVERSION,
        ("ce_id", identity.encode()),
        _SOURCE,
        kind,
        # RFC 3339, as `isoformat` writes it, for a sixth of its price
        ("ce_time", encode(time if time.tzinfo is UTC else time.astimezone(UTC))[1:-1]),
        ("ce_subject", subject.encode("utf-8", "replace")),
        schema,
        _CONTENT_TYPE,
        *passed,
    ]


_SPECVERSION, _SOURCE, _CONTENT_TYPE = ("ce_specversion", b"1.0"), ("ce_source", SOURCE), ("content-type", CONTENT_TYPE)


@cache
def _of_topic(name: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """The headers that are the same for every record of a topic. By its name: hashing a `Topic` costs more than making them."""
    return ("ce_type", f"nl.{name}".encode()), ("ce_dataschema", f"urn:webcare:schema:{name}".encode())
