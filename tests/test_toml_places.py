"""The line of a fault in a TOML file, by the path that the decoder names."""

import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deployment import packaged_deployments
from pipeline.toml_places import Places

FILE = b'''# brands
channels = ["x",  # a comment with ] and }
            "mail"]

[[brands]]
slug = "a"
note = """
[[brands]]
slug = 'no table'
"""

[[brands]]
slug = "b#"
ambiguous = { needs_any = ["net"], wrong = 1 }
events = [
  { name = "one" },
  { name = "two", kind = 'sale' },
]

[[brands.sources]]
name = "x"
[brands.team.lead]
name = "y"

[queues.first]
order = 1
[queues."the second"]
orde = 2
[queues.third]
orde = 3
'''


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Expected `str`, got `int` - at `$.channels[1]`", "line 3"),
        ("Object missing required field `slug` - at `$.brands[1]`", "line 12"),
        ("Object contains unknown field `note` - at `$.brands[0]`", "line 7"),
        ("Object contains unknown field `wrong` - at `$.brands[1].ambiguous`", "line 14"),
        ("Invalid enum value 'sale' - at `$.brands[1].events[1].kind`", "line 17"),
        ("Object contains unknown field `name` - at `$.brands[1].sources[0]`", "line 21"),
        ("Object missing required field `x` - at `$.brands[1].team`", "line 22"),
        ("Object contains unknown field `orde` - at `$.queues[...]`", "line 28 or 30"),
        ("Object contains unknown field `brands`", "line 5"),
    ],
)
def test_the_line_of_a_fault(message: str, line: str) -> None:
    assert Places("brands.toml", FILE).explained(message) == f"brands.toml: {line}: {message}"


def test_without_a_place_the_message_stands_alone() -> None:
    assert Places("brands.toml", FILE).explained("Expected `object`") == "brands.toml: Expected `object`"
    assert Places("brands.toml", FILE).of("rules", 3) == "brands.toml: rules[3]"
    assert Places("brands.toml", FILE).of("queues", "third") == "brands.toml: line 29: queues.third"


@given(st.text(alphabet="[]{}\"'=.,#\\\n ab1", max_size=60))
def test_whatever_stands_there_it_comes_to_an_end(text: str) -> None:
    assert Places("x.toml", text.encode()).explained("no - at `$.a.b[0]`").startswith("x.toml: ")


@pytest.mark.parametrize("file", sorted(packaged_deployments().glob("*/*.toml")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_key_of_the_packaged_files_is_found_at_its_line(file: Any) -> None:
    content = file.read_bytes()
    lines = content.decode().splitlines()
    places = Places(str(file), content)

    def visit(value: Any, path: str, step: str) -> None:
        if path:
            told = places.explained(f"x - at `${path}`")
            assert ": line " in told, path
            shown = lines[int(told.split(": line ")[1].split(":")[0].split(" or ")[0]) - 1]
            assert step in shown, (path, shown)
        if isinstance(value, dict):
            for key, inner in value.items():
                if "." not in key and "[" not in key:
                    visit(inner, f"{path}.{key}", key)
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                visit(inner, f"{path}[{number}]", step if isinstance(inner, dict) and value and step in "\n".join(lines) else "")

    visit(tomllib.loads(content.decode()), "", "")
    assert msgspec.toml.decode(content)
