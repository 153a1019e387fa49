"""JSON Schema 2020-12 of every topic whose values we describe, generated from the records.

The models are closed (``additionalProperties: false``): a schema says what a writer may send, so that a connector's typo is found where
it is made. Readers are tolerant: a field they do not know is ignored and counted (`schemas/codec.py`), so new fields can come any day.

A field whose value depends on when or where it was processed, not on the mention, is marked ``"processing": true``. Annotate the whole
type of the field: ``Annotated[float | None, Meta(extra_json_schema={"processing": True})]``. Two runs over the same log are equal
but for these fields. No record has one so far.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.topics import RAW, Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PROCESSING = "processing"

Node = dict[str, Any]
"""A JSON Schema, or a part of one."""


def schema_id(topic_name: str) -> str:
    """``$id`` of a topic's schema; the header ``ce_dataschema`` of its records names it."""
    return f"urn:webcare:schema:{topic_name}"


def topic_schema(topic: Topic) -> Node:
    """The JSON Schema of a topic's values.

    Raises:
        ValueError: the topic's values are not ours to describe (dead letters, changelogs).
    """
    if not topic.records:
        raise ValueError(f"{topic.name}: no records are described")
    components = msgspec.json.schema_components(topic.records)
    references, definitions = msgspec.json.decode(msgspec.json.encode(components))  # plain JSON: a default of () is []
    for definition in definitions.values():
        if "properties" in definition:
            definition["additionalProperties"] = False
    if topic is RAW:  # a mention from outside may leave its type out; what we write ourselves always has it
        mention = definitions["Mention"]
        mention["required"].remove("type")
        mention["properties"]["type"]["default"] = "mention"
    head: Node = {
        "$schema": DIALECT,
        "$id": schema_id(topic.name),
        "title": topic.name,
        "description": _description(topic),
    }
    return head | (dict(references[0]) if len(references) == 1 else {"anyOf": list(references)}) | {"$defs": definitions}


def _description(topic: Topic) -> str:
    sentences = [f"JSON value of {topic.name}. Key: {topic.key}. Read by: {topic.read_by.replace('`', '')}."]
    if topic.cleanup == "compact":
        sentences.append("Compacted: the latest value of a key counts, a null value (tombstone) says that it is gone.")
    if topic.worker_only:
        sentences.append("Between the stages only; nobody else should build on it.")
    return " ".join(sentences)


def render(schema: Node) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def processing_fields(topic: Topic) -> tuple[str, ...]:
    """Paths of the fields marked ``processing``, such as ``$.decision.took``; leave them out to compare two runs."""
    schema = topic_schema(topic)
    return tuple(dict.fromkeys(path for path, node in _walk(schema, schema, "$", ()) if node.get(PROCESSING) is True))


def _walk(node: Node, root: Node, path: str, inside: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
    yield path, node
    if "$ref" in node:
        reference = node["$ref"]
        if reference not in inside:
            yield from _walk(resolve(reference, root), root, path, (*inside, reference))
    for branch in node.get("anyOf", ()):
        yield from _walk(branch, root, path, inside)
    for name, field in node.get("properties", {}).items():
        yield from _walk(field, root, f"{path}.{name}", inside)
    for key, step in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(node.get(key), dict):
            yield from _walk(node[key], root, path + step, inside)


def resolve(reference: str, root: Node) -> Node:
    """The definition that ``#/$defs/<name>`` names.

    Raises:
        KeyError: there is none.
    """
    definition: Node = root["$defs"][reference.removeprefix("#/$defs/")]
    return definition
