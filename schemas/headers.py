"""The headers of our records: CloudEvents 1.0 in Kafka's binary mode, our own, and those of dead letters.

The README's table is made from this one. Identifiers in headers come from identities and event time only, so replays repeat them.
"""

from typing import Literal, NamedTuple

Where = Literal["all", "raw", "behind the door", "dead letters", "changelogs"]
"""``all``: every record that we write to a described topic; optional on what comes in from outside."""


class Header(NamedTuple):
    """One header. Values are UTF-8. ``always``: whether every record there has it."""

    name: str
    where: Where
    always: bool
    value: str
    meaning: str


HEADERS: tuple[Header, ...] = (
    Header("ce_specversion", "all", True, "`1.0`", "CloudEvents version"),
    Header(
        "ce_id",
        "all",
        True,
        "32 hex digits",
        "hash of ce_type, brand, mention id, edit and kind (mention, duplicate or retracted); of alerts and work items: of ce_type, "
        "their id and revision. A record written again after a crash has the same one: readers drop what they have seen",
    ),
    Header("ce_source", "all", True, "`/webcare-stream`", "who wrote it"),
    Header("ce_type", "all", True, "`nl.<topic>`", "what it is, such as `nl.webcare.mention.routed.v1`"),
    Header("ce_time", "all", True, "RFC 3339, UTC", "event time: published_at, or the moment an alert or item changed"),
    Header("ce_subject", "all", True, "an id", "the mention, item, alert or brand it is about"),
    Header("ce_dataschema", "all", True, "`urn:webcare:schema:<topic>`", "`$id` of the JSON Schema of the value"),
    Header("content-type", "all", True, "`application/json`", "of the value"),
    Header("traceparent", "all", False, "W3C Trace Context", "passed on from the raw record, like every header that is not ours"),
    Header(
        "webcare-origin",
        "behind the door",
        True,
        "`<topic epoch>:<raw partition>:<raw offset>`",
        "the raw record it comes from; first occurrences grow per epoch, raw partition and brand",
    ),
    Header(
        "webcare-appended", "behind the door", False, "milliseconds", "when the broker appended the raw record; delays are measured from it"
    ),
    Header("webcare-redriven", "raw", False, "a number", "how often `webcare dlq redrive` has sent this record to the raw topic again"),
    Header("webcare-change", "changelogs", True, "a number", "change number of the snapshot; a restore takes the highest of each key"),
    Header("__connect.errors.topic", "dead letters", True, "a topic", "where the record was read (names as in Kafka Connect)"),
    Header("__connect.errors.partition", "dead letters", True, "a number", "its partition there"),
    Header("__connect.errors.offset", "dead letters", True, "a number", "its offset there"),
    Header("__connect.errors.connector.name", "dead letters", True, "application name", "which deployment refused it"),
    Header("__connect.errors.task.id", "dead letters", True, "a number", "the partition again: a stage has one task for each"),
    Header("__connect.errors.stage", "dead letters", True, "language, sentiment, crisis or routing", "which stage refused it"),
    Header("__connect.errors.class.name", "dead letters", True, "a module", "the code that did"),
    Header("__connect.errors.exception.class.name", "dead letters", True, "a class", "the error"),
    Header("__connect.errors.exception.message", "dead letters", True, "a sentence", "what is wrong and at which path; never the content"),
    Header("webcare-reason", "dead letters", True, "one of a bounded set", "why, as in the metric's label (`schemas.codec.Reason`)"),
    Header("webcare-attempts", "dead letters", True, "a number", "how often it has been refused, redrives included"),
    Header("webcare-first-seen", "dead letters", True, "RFC 3339, UTC", "when the broker appended the record that was refused"),
)
BY_NAME: dict[str, Header] = {header.name: header for header in HEADERS}
