"""The compatibility gate: tables of changes that are growth and of changes that break somebody, and the law behind them."""

import copy
from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.compatibility import compare, compare_topics, next_version

Change = Callable[[dict[str, Any]], object]

BASE: dict[str, Any] = {
    "anyOf": [{"$ref": "#/$defs/Post"}, {"$ref": "#/$defs/Pulse"}],
    "$defs": {
        "Post": {
            "type": "object",
            "properties": {
                "type": {"enum": ["post"]},
                "id": {"type": "string", "minLength": 1, "maxLength": 50, "pattern": "^[a-z]+$"},
                "kind": {"enum": ["short", "long"], "default": "short"},
                "stars": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"type": "null"}], "default": None},
                "at": {"type": "string", "format": "date-time"},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 20}, "default": []},
                "facts": {"type": "object", "additionalProperties": {"anyOf": [{"type": "boolean"}, {"type": "number"}]}, "default": {}},
                "writer": {"$ref": "#/$defs/Writer"},
            },
            "required": ["type", "id", "at", "writer"],
            "additionalProperties": False,
        },
        "Pulse": {
            "type": "object",
            "properties": {"type": {"enum": ["pulse"]}, "at": {"type": "string", "format": "date-time"}},
            "required": ["type", "at"],
            "additionalProperties": False,
        },
        "Writer": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "boss": {"anyOf": [{"$ref": "#/$defs/Writer"}, {"type": "null"}], "default": None}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
}


def at(*path: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda schema: reduce(lambda node, step: node[step], path, schema)


def put(*path: Any, value: Any) -> Change:
    return lambda schema: at(*path[:-1])(schema).__setitem__(path[-1], value)


def drop(*path: Any) -> Change:
    return lambda schema: at(*path[:-1])(schema).__delitem__(path[-1])


def changed(*changes: Change) -> dict[str, Any]:
    schema = copy.deepcopy(BASE)
    for change in changes:
        change(schema)
    return schema


POST = ("$defs", "Post", "properties")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([], id="nothing"),
        pytest.param([put(*POST, "place", value={"type": "string"})], id="a new optional field"),
        pytest.param([put("$defs", "Writer", "properties", "age", value={"type": "integer", "default": 0})], id="and one further in"),
        pytest.param([lambda s: s["$defs"]["Post"]["required"].remove("id")], id="a required field made optional"),
        pytest.param([put(*POST, "id", "maxLength", value=80)], id="a looser bound"),
        pytest.param([drop(*POST, "id", "minLength"), drop(*POST, "id", "pattern")], id="bounds taken away"),
        pytest.param([put(*POST, "kind", "enum", value=["long", "longer", "short"])], id="one more value"),
        pytest.param([put(*POST, "kind", value={"type": "string", "default": "short"})], id="any string instead of some"),
        pytest.param([put(*POST, "stars", "anyOf", 0, value={"type": "number", "minimum": 0})], id="numbers instead of integers"),
        pytest.param([put(*POST, "at", value={"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]})], id="null too"),
        pytest.param([put(*POST, "at", value={"type": ["string", "null"]})], id="null too, as a list of types"),
        pytest.param([put(*POST, "facts", "additionalProperties", value={})], id="map values of any kind"),
        pytest.param([put(*POST, "tags", "items", value={})], id="items of any kind"),
        pytest.param([put("$defs", "Pulse", "additionalProperties", value=True)], id="open instead of closed"),
        pytest.param([put("$defs", "News", value={"type": "object"}), lambda s: s["anyOf"].append({"$ref": "#/$defs/News"})], id="a type"),
        pytest.param([put(*POST, "id", "description", value="the id"), put("title", value="Posts")], id="words"),
        pytest.param([put(*POST, "id", "default", value="none")], id="a default where none was"),
        pytest.param(
            [
                put("$defs", "Author", value={"type": "object", "properties": {"name": {"type": "string"}, "boss": {}}}),
                put(*POST, "writer", "$ref", value="#/$defs/Author"),
            ],
            id="a definition renamed and opened",
        ),
    ],
)
def test_growth_is_compatible(changes: list[Change]):
    assert compare("t.v1", BASE, changed(*changes)) == []


@pytest.mark.parametrize(
    ("changes", "path", "problem"),
    [
        pytest.param([drop(*POST, "tags")], "$(post).tags", "the field is gone", id="a field removed"),
        pytest.param(
            [put(*POST, "labels", value={"type": "array"}), drop(*POST, "tags")], "$(post).tags", "another name", id="a field renamed"
        ),
        pytest.param([drop("$defs", "Writer", "properties", "name")], "$(post).writer.name", "gone", id="a field removed further in"),
        pytest.param([lambda s: s["anyOf"].pop()], "$", "records of type pulse are not described", id="a record type removed"),
        pytest.param([put("$defs", "Pulse", "properties", "type", "enum", value=["beat"])], "$", "type pulse", id="a tag renamed"),
        pytest.param([put(*POST, "id", "type", value="integer")], "$(post).id", "string is not accepted", id="another type"),
        pytest.param([put(*POST, "stars", value={"type": "integer"})], "$(post).stars", "null is not accepted", id="null not taken now"),
        pytest.param(
            [put(*POST, "facts", "additionalProperties", "anyOf", 1, "type", value="integer")], "$(post).facts.*", "number", id="map"
        ),
        pytest.param([put(*POST, "tags", "items", "type", value="boolean")], "$(post).tags[]", "string is not", id="items narrowed"),
        pytest.param([put(*POST, "tags", "items", "maxLength", value=10)], "$(post).tags[]", "20 → 10", id="items tightened"),
        pytest.param([put(*POST, "kind", "enum", value=["long"])], "$(post).kind", "the value 'short' is gone", id="a value dropped"),
        pytest.param([put(*POST, "id", "enum", value=["a"])], "$(post).id", "only certain values", id="values where any were taken"),
        pytest.param([put(*POST, "id", "maxLength", value=49)], "$(post).id", "maxLength is tighter: 50 → 49", id="an upper bound"),
        pytest.param([put(*POST, "id", "minLength", value=2)], "$(post).id", "minLength is tighter: 1 → 2", id="a lower bound"),
        pytest.param([put(*POST, "stars", "anyOf", 0, "minimum", value=2)], "$(post).stars", "1 → 2", id="a bound inside an alternative"),
        pytest.param([put(*POST, "tags", "maxItems", value=3)], "$(post).tags", "maxItems is tighter: none → 3", id="a bound that is new"),
        pytest.param([put(*POST, "id", "pattern", value="^[a-z0-9]+$")], "$(post).id", "pattern is new or has changed", id="a pattern"),
        pytest.param(
            [put("$defs", "Writer", "properties", "name", "format", value="email")], "$(post).writer.name", "format", id="a format"
        ),
        pytest.param(
            [put(*POST, "place", value={"type": "string"}), lambda s: s["$defs"]["Post"]["required"].append("place")],
            "$(post).place",
            "a new field is required",
            id="a new required field",
        ),
        pytest.param([lambda s: s["$defs"]["Post"]["required"].append("tags")], "$(post).tags", "is required now", id="required now"),
        pytest.param([put(*POST, "kind", "default", value="long")], "$(post).kind", "its default changed", id="another default"),
        pytest.param([put(*POST, "stars", "processing", value=True)], "$(post).stars", "depending on processing", id="processing now"),
        pytest.param([put(*POST, "facts", "additionalProperties", value=False)], "$(post).facts", "other fields", id="a map closed"),
        pytest.param(
            [put(*POST, "facts", "properties", value={"x": {"type": "boolean"}})], "$(post).facts.x", "number", id="a named map key"
        ),
        pytest.param([put(*POST, "id", "contains", value={})], "$(post).id", "does not know the keyword contains", id="an unknown keyword"),
    ],
)
def test_anything_else_is_a_finding(changes: list[Change], path: str, problem: str):
    (finding,) = compare("t.v1", BASE, changed(*changes))
    assert (finding.topic, finding.path) == ("t.v1", path)
    assert problem in finding.problem
    assert "t.v2" in finding.remedy


def test_a_topic_that_is_gone_is_a_finding_and_a_new_one_is_none():
    (finding,) = compare_topics({"a.v1": BASE, "b.v9": BASE}, {"a.v1": BASE, "c.v1": BASE})
    assert (finding.topic, finding.path) == ("b.v9", "$")
    assert next_version("b.v9") in finding.remedy


SCALARS = st.one_of(
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"type": "string"}, {}, {"enum": ["a", "b"]}, {"enum": ["a", None, 1]}]),
    st.builds(lambda kind, low: {"type": kind, "minimum": low}, st.sampled_from(["integer", "number"]), st.integers(0, 2)),
    st.builds(lambda high: {"type": "string", "maxLength": high}, st.integers(0, 2)),
)


def containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.builds(lambda branches: {"anyOf": branches}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda fields, required, other: {
                "type": "object",
                "properties": fields,
                "required": sorted(required & fields.keys()),
                "additionalProperties": other,
            },
            st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
            st.sets(st.sampled_from("xyz")),
            st.one_of(st.booleans(), inner),
        ),
    )


VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1, 2.5, "", "a", "b", "abc"]),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("xyzw"), inner, max_size=3)),
    max_leaves=5,
)


@given(
    st.recursive(SCALARS, containers, max_leaves=5),
    st.recursive(SCALARS, containers, max_leaves=5),
    st.lists(VALUES, min_size=5, max_size=15),
)
@settings(max_examples=400, deadline=None)
def test_what_was_valid_stays_valid_wherever_the_gate_finds_nothing(old: dict[str, Any], new: dict[str, Any], values: list[Any]):
    for one, other in ((old, new), (new, old), (old, {"anyOf": [new, old]})):
        if compare("t.v1", one, other) == []:
            before, after = Draft202012Validator(one), Draft202012Validator(other)
            assert all(after.is_valid(value) for value in values if before.is_valid(value))


def test_true_is_not_one():
    assert compare("t.v1", {"enum": [1, 2]}, {"enum": [True, 2]}) != []
