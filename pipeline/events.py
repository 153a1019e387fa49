"""CloudEvents headers (1.0, Kafka binary mode) and identities.

Identifiers come from identities and event time only, never from partition, offset or epoch: offline and broker agree, replays repeat.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b

from schemas.topics import Topic

SOURCE = b"/webcare-stream"
CONTENT_TYPE = b"application/json"
_OURS = frozenset({"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_dataschema", "content-type"})


def digest(*parts: object) -> str:
    """A stable 128-bit identifier of its parts, in hex."""
    return blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def event_type(topic: Topic) -> str:
    """CloudEvents type of a topic's records: ``nl.webcare.mention.routed.v1``."""
    return f"nl.{topic.name}"


def event_id(topic: Topic, brand: str, mention_id: str, edit: int, kind: str) -> str:
    """``ce_id`` of a mention's record; kind is mention, duplicate or retracted."""
    return digest(event_type(topic), brand, mention_id, edit, kind)


def cloud_headers(
    topic: Topic, identity: str, subject: str, time: datetime, passed: Iterable[tuple[str, bytes]] = ()
) -> list[tuple[str, bytes]]:
    """The headers of a record we write: ours made anew, all others (traceparent, origin, foreign ones) passed on in order."""
    kind = event_type(topic)
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", identity.encode()),
        ("ce_source", SOURCE),
        ("ce_type", kind.encode()),
        ("ce_time", time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", subject.encode("utf-8", "replace")),
        ("ce_dataschema", f"urn:webcare:schema:{topic.name}".encode()),
        ("content-type", CONTENT_TYPE),
        *((name, value) for name, value in passed if name not in _OURS),
    ]
