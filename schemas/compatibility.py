"""The compatibility gate: a released schema only grows.

Whoever reads our topics, and every replay of an old log, relies on what has been released. So against the frozen schema of a topic a new
one may add optional fields and accept more, and nothing else; any other change asks for a new version of the topic. Pure comparison;
the files and the command are in `agents/contracts.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from schemas.json_schema import PROCESSING, Node, resolve

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems")
_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples", PROCESSING})
_SHAPE = frozenset({"type", "enum", "const", "anyOf", "$ref", "properties", "required", "additionalProperties", "items"})
_KNOWN = _ANNOTATIONS | _SHAPE | frozenset(_LOWER) | frozenset(_UPPER) | frozenset(_EXACT)


class Finding(NamedTuple):
    """A change that breaks readers or old records: where, what, and what to do."""

    topic: str
    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.path}: {self.problem}; {self.remedy}"


def next_version(topic: str) -> str:
    """The name of the topic's next version: ``….v1`` → ``….v2``."""
    stem, _, number = topic.rpartition(".v")
    return f"{stem}.v{int(number) + 1}"


def compare_topics(frozen: Mapping[str, Node], current: Mapping[str, Node]) -> list[Finding]:
    """What is wrong with ``current`` against what was released; both topic name → schema. New topics are welcome."""
    findings: list[Finding] = []
    for topic, released in frozen.items():
        if topic in current:
            findings += compare(topic, released, current[topic])
        else:
            remedy = f"keep it until nobody reads or replays it, beside {next_version(topic)}"
            findings.append(Finding(topic, "$", "the topic is gone or has another name", remedy))
    return findings


def compare(topic: str, frozen: Node, current: Node) -> list[Finding]:
    """What the current schema of a topic refuses, or has lost, of what the frozen one promised."""
    remedy = f"undo it, or make a new version: {next_version(topic)}"
    comparison = _Comparison(frozen, current)
    return [Finding(topic, path, problem, remedy) for path, problem in comparison.between(frozen, current, "$", ())]


Problems = Iterator[tuple[str, str]]
"""Path and what is wrong there."""

Inside = tuple[tuple[int, int], ...]
"""The pairs of objects being compared further out, by identity of their properties: a record may hold itself."""


class _Comparison:
    """Walks two schemas side by side. A node is first taken apart into its alternatives: plain nodes of one kind each."""

    def __init__(self, frozen: Node, current: Node) -> None:
        self._frozen = frozen
        self._current = current

    def between(self, old: Node, new: Node, path: str, inside: Inside) -> Problems:
        yield from self._annotations(old, new, path)
        offered = list(_alternatives(new, self._current))
        for node in (*_alternatives(old, self._frozen), *offered):
            yield from ((path, f"the gate does not know the keyword {keyword}") for keyword in sorted(node.keys() - _KNOWN))
        for alternative in _alternatives(old, self._frozen):
            yield from self._accepted(alternative, offered, path, inside)

    def _annotations(self, old: Node, new: Node, path: str) -> Problems:
        if "default" in old and "default" in new and not _same(old["default"], new["default"]):
            yield path, "its default changed: records already written that leave it out would be read differently"
        if new.get(PROCESSING) is True and old.get(PROCESSING) is not True:
            yield path, "it is now marked as depending on processing: two runs need not agree on it any more"

    def _accepted(self, old: Node, offered: list[Node], path: str, inside: Inside) -> Problems:
        """The problems of the best match for one alternative."""
        tag = _tag(old)
        place = f"{path}({tag})" if tag is not None else path
        candidates = [node for node in offered if _kinds_match(old, node) and (tag is None or _tag(node) in (tag, None))]
        if not candidates:
            what = f"records of type {tag} are not described any more" if tag is not None else f"{_name(old)} is not accepted any more"
            yield path, what
            return
        best = min((list(self._plain(old, node, place, inside)) for node in candidates), key=len)
        yield from best

    def _plain(self, old: Node, new: Node, path: str, inside: Inside) -> Problems:
        yield from self._values(old, new, path)
        yield from self._bounds(old, new, path)
        yield from self._fields(old, new, path, inside)
        if "items" in new:
            yield from self.between(old.get("items", {}), new["items"], f"{path}[]", inside)

    def _values(self, old: Node, new: Node, path: str) -> Problems:
        allowed = _values(new)
        if allowed is None:
            return
        values = _values(old)
        if values is None:
            yield path, "only certain values are accepted now"
            return
        for value in values:
            if not any(_same(value, other) for other in allowed):
                yield path, f"the value {value!r} is gone"

    def _bounds(self, old: Node, new: Node, path: str) -> Problems:
        for keywords, sign in ((_LOWER, 1), (_UPPER, -1)):
            for keyword in keywords:
                if keyword in new and (keyword not in old or sign * new[keyword] > sign * old[keyword]):
                    yield path, f"{keyword} is tighter: {old.get(keyword, 'none')} → {new[keyword]}"
        for keyword in _EXACT:
            if keyword in new and new[keyword] != old.get(keyword):
                yield path, f"{keyword} is new or has changed: {old.get(keyword, 'none')} → {new[keyword]}"

    def _fields(self, old: Node, new: Node, path: str, inside: Inside) -> Problems:
        if _kinds(new) is None:  # anything is accepted
            return
        was, now = old.get("properties", {}), new.get("properties", {})
        if was and (pair := (id(was), id(now))) in inside:
            return
        if was:
            inside = (*inside, pair)
        for name, field in was.items():
            if name in now:
                yield from self.between(field, now[name], f"{path}.{name}", inside)
            else:
                yield f"{path}.{name}", "the field is gone or has another name"
        for name in new.get("required", ()):
            if name not in old.get("required", ()):
                what = "an optional field is required now" if name in was else "a new field is required"
                yield f"{path}.{name}", f"{what}: records already written do not have it (give it a default)"
        other_before, other_now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if other_before is False:
            return
        other_before = other_before if isinstance(other_before, dict) else {}
        for name in now.keys() - was.keys():  # the model was open: records may already have a field of that name
            yield from self.between(other_before, now[name], f"{path}.{name}", inside)
        if other_now is False:
            yield path, "other fields are not accepted any more"
        elif isinstance(other_now, dict):
            yield from self.between(other_before, other_now, f"{path}.*", inside)


def _alternatives(node: Node, root: Node) -> Iterator[Node]:
    if "$ref" in node:
        yield from _alternatives(resolve(node["$ref"], root), root)
    elif "anyOf" in node:
        for branch in node["anyOf"]:
            yield from _alternatives(branch, root)
    elif isinstance(node.get("type"), list):
        for kind in node["type"]:
            yield node | {"type": kind}
    else:
        yield node


def _kinds_match(old: Node, new: Node) -> bool:
    """Whether values of ``old``'s kind can be of ``new``'s at all."""
    accepted = _kinds(new)
    return accepted is None or ((kinds := _kinds(old)) is not None and kinds <= accepted)


def _kinds(node: Node) -> frozenset[str] | None:
    """The JSON types a plain node accepts; None: any."""
    if "type" in node:
        return frozenset({"integer", "number"} if node["type"] == "number" else {node["type"]})
    values = _values(node)
    return frozenset(map(_kind, values)) if values is not None else None


def _values(node: Node) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    values: list[Any] | None = node.get("enum")
    return values


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)  # to Python, True == 1


def _tag(node: Node) -> str | None:
    """The record type of an object: the one value its field ``type`` may have."""
    values = _values(node.get("properties", {}).get("type", {}))
    return values[0] if values is not None and len(values) == 1 and isinstance(values[0], str) else None


def _name(node: Node) -> str:
    return str(node.get("type") or (f"one of {_values(node)}" if _values(node) is not None else "any value"))
