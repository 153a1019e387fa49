"""JSON as it can be written, not only as it can be meant: keys twice, numbers of any size, strings of any bytes.

An object is a list of pairs, a leaf is the very bytes of its token, so a mutation can say what no JSON library would write.
"""

import json
from typing import Any, NamedTuple


class Leaf(NamedTuple):
    """A token as it stands: ``1e400``, ``"\\ud800"``, ``[[[[``."""

    token: bytes


class Members(list[tuple[bytes, Any]]):
    """An object: (key token, value) in order, keys perhaps twice."""


Node = Leaf | Members | list[Any]


def leaf(value: Any) -> Leaf:
    """The token of a plain value."""
    return Leaf(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def tree(value: Any) -> Node:
    """A plain JSON value as a tree."""
    match value:
        case dict():
            return Members((leaf(key).token, tree(part)) for key, part in value.items())
        case list():
            return [tree(part) for part in value]
        case _:
            return leaf(value)


def copied(node: Node) -> Node:
    """A tree of its own; leaves are shared."""
    match node:
        case Members():
            return Members((key, copied(part)) for key, part in node)
        case Leaf():
            return node
        case _:
            return [copied(part) for part in node]


def render(node: Node) -> bytes:
    """The tree as bytes."""
    match node:
        case Members():
            return b"{" + b",".join(key + b":" + render(part) for key, part in node) + b"}"
        case Leaf(token):
            return token
        case _:
            return b"[" + b",".join(map(render, node)) + b"]"


class Spot(NamedTuple):
    """A place in a tree: a member or an element. ``name`` is the key, the nearest one above for an element."""

    within: Members | list[Any]
    index: int
    name: str

    def get(self) -> Node:
        """What stands there."""
        part = self.within[self.index]
        return part[1] if isinstance(self.within, Members) else part  # type: ignore[no-any-return]

    def put(self, node: Node) -> None:
        """Something else there."""
        self.within[self.index] = (self.within[self.index][0], node) if isinstance(self.within, Members) else node


def spots(node: Node, name: str = "") -> list[Spot]:
    """Every place in a tree, outermost first."""
    found: list[Spot] = []
    match node:
        case Members():
            for index, (key, part) in enumerate(node):
                below = key.decode("utf-8", "replace").strip('"')
                found += [Spot(node, index, below), *spots(part, below)]
        case Leaf():
            pass
        case _:
            for index, part in enumerate(node):
                found += [Spot(node, index, name), *spots(part, name)]
    return found
