"""Strategies: valid records of every type, changed in a few places; keys, headers and append times that no friendly producer sends.

Every text-like place holds `CANARY`, so that one look tells whether content has leaked into a reason, a log line or a header of ours.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st
from json_trees import Leaf, Members, Node, copied, leaf, render, spots, tree

import schemas

CANARY = "kanarie7c1e"
EXAMPLES = Path(schemas.__file__).parent / "examples"
BRANDS = ("noordnet", "veldspoor", "bloemenbank", f"onbekend-{CANARY}")

# values that a place may get: what fits its name, or anything at all

MOMENTS = (
    "2026-09-01T10:00:00Z",
    "2026-09-01T10:00:00.123456789+05:30",
    "2026-09-01t10:00:00z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1582-10-10T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "2099-12-31T23:59:59Z",
    "2106-02-07T06:28:16Z",
    "9999-12-31T23:59:59.999999-12:00",
    "2026-09-01T10:00:00-23:59",
    "2026-06-30T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2026-09-01T24:00:00Z",
    "2026-09-01T10:00:00",
    "2026-09-01",
    "2026-W36-2T10:00Z",
    f"gisteren {CANARY}",
)
TEXTS = (
    "",
    " ",
    f"{CANARY} doet het weer niet, waardeloos",
    f"{CANARY} \u0000\u0001\u001f\u007f",
    f"\ufeff{CANARY}",
    f"\u202e{CANARY}\u202c \u2066rtl\u2069",
    f"{CANARY} \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1f3\U0001f1f1 \u2764\ufe0f",
    f"{CANARY} " + "e" + "\u0301\u0302\u0303\u0304" * 40,
    f'it\'s "{CANARY}" at `$.text` \\ / unknown field',
    f"بازی {CANARY} 日本語 ไม่ดี",
    f"bel 06-12345678 of mail {CANARY}@example.org, NL91 ABNA 0417 1643 00",
    f"{CANARY} " + "rook uit de NoordBox! " * 20,
    "x" * 201,
    CANARY * 10,
    CANARY * 200,
    f"\u2028\u2029{CANARY}\r\n",
    "\uffff\ufdd0" + CANARY,
    "A" * 2_001,
)
HUGE = ("A" * 99_000, "\u0000" * 100_000, "é" * 100_001)
NUMBERS = (
    b"0",
    b"-0",
    b"-0.0",
    b"1",
    b"-1",
    b"3",
    b"5",
    b"0.5",
    b"1.0",
    b"1000000",
    b"1000001",
    b"2147483648",
    b"9007199254740993",
    *(str(number).encode() for number in (2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 2**200)),
)
ENUMS = (
    *"mention retraction tick social messaging review forum mail desk post reply repost message public private inbound outbound".split(),
    *"live observe running end customer press employee followers reported negative neutral positive unscored watch warning crisis".split(),
    *"question complaint nl en text words hint Mention LIVE".split(),
    CANARY,
    "",
)
WORDLESS = tuple(
    Leaf(token)
    for token in (
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"NaN",
        b"-Infinity",
        b"01",
        b"1.",
        b".5",
        b"0x10",
        b"+1",
        b"1_000",
        b"9" * 400,
        b"9" * 5_000,
        b"true",
        b"false",
        b"null",
        b"None",
        b"[]",
        b"{}",
        b"[null]",
        b"undefined",
        f'"\\ud800{CANARY}"'.encode(),
        f'"{CANARY}\\udc00\\ud800"'.encode(),
        f'"\\ud83d\\ude00{CANARY}"'.encode(),
        f'"\\u12{CANARY}"'.encode(),
        f'"\\x41{CANARY}"'.encode(),
        b'"' + CANARY.encode() + b'\xc0\xaf"',
        b'"' + CANARY.encode() + b'\xed\xa0\x80"',
        b'"' + CANARY.encode() + b'\xf5\x80\x80\x80"',
        b'"\xff\xfe' + CANARY.encode() + b'"',
        f"'{CANARY}'".encode(),
        f'"{CANARY}\n"'.encode(),
        f'"{CANARY}\x00"'.encode(),
        f'"{CANARY}'.encode(),
        f'/* {CANARY} */ "x"'.encode(),
        b"[" * 60 + b"]" * 60,
        b'{"a":' * 60 + b"1" + b"}" * 60,
        b"[" * 2_000 + b"]" * 2_000,
        b'{"a":' * 1_500 + b"1" + b"}" * 1_500,
        b"[" * 30_000,
        f'{{"{CANARY}":"{CANARY}"}}'.encode(),
        f'["{CANARY}","{CANARY}"]'.encode(),
    )
)
_MOMENT_LEAVES = tuple(map(leaf, MOMENTS))
_TEXT_LEAVES = (*map(leaf, TEXTS * 3), *map(leaf, HUGE))
_NUMBER_LEAVES = tuple(map(Leaf, NUMBERS))
_ENUM_LEAVES = tuple(map(leaf, ENUMS))
_TRUTHS = tuple(map(leaf, (True, False, None)))
_SLUGS = tuple(map(leaf, (*BRANDS, "-", "a" * 100, "a" * 101, "Noordnet", "noord net", "noordnet\n", "nóórdnet", CANARY.upper())))
ANYTHING = (*WORDLESS, *_MOMENT_LEAVES, *_TEXT_LEAVES, *_NUMBER_LEAVES, *_ENUM_LEAVES)

FITTING: dict[str, tuple[Leaf, ...]] = {
    **dict.fromkeys(("published_at", "received_at", "retracted_at", "detected_at", "at"), _MOMENT_LEAVES[:11]),
    **dict.fromkeys(
        ("text", "title", "url", "name", "source", "id", "thread_id", "parent_id", "root_id", "mention_id", "channel"), _TEXT_LEAVES
    ),
    **dict.fromkeys(("followers", "value", "edit", "rating", "compound", "valence", "observed", "expected"), _NUMBER_LEAVES),
    **dict.fromkeys(("addressed", "spam", "ambiguous", "duplicate", "late", "retracted", "clock_ahead", "rating_conflict"), _TRUTHS),
    "brand": _SLUGS,
}


def planted(value: Any, name: str = "") -> Any:
    """A plain JSON value with the canary in every place that takes any text."""
    match value:
        case dict():
            return {key: part if name == "reach" else planted(part, key) for key, part in value.items()}
        case list():
            return [planted(part, name) for part in value]
        case str() if name in (
            "text",
            "title",
            "name",
            "url",
            "id",
            "mention_id",
            "thread_id",
            "parent_id",
            "root_id",
            "source",
            "headline",
        ):
            return f"{value} {CANARY}"
        case _:
            return value


@cache
def seeds(topic: str) -> tuple[Node, ...]:
    """Valid values of a topic: the repository's examples with the canary planted, and a mention with everything."""
    values = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((EXAMPLES / topic).glob("*.json"))]
    return tuple(tree(planted(value)) for value in values)


# mutations of trees

Numbers = tuple[int, int, int]
"""What a mutation is made of: which mutation, where, what. Small numbers are the plain ones, so that failures shrink to them."""


def _pick(options: Any, number: int) -> Any:
    return options[number % len(options)]


def _fit(node: Node, where: int, what: int) -> None:
    """Another value that may well be right there."""
    if found := [spot for spot in spots(node) if isinstance(spot.get(), Leaf)]:
        spot = _pick(found, where)
        spot.put(_pick(FITTING.get(spot.name, _ENUM_LEAVES), what))


def _replace(node: Node, where: int, what: int) -> None:
    if found := spots(node):
        _pick(found, where).put(_pick(ANYTHING, what))


def _drop(node: Node, where: int, what: int) -> None:
    if found := spots(node):
        spot = _pick(found, where)
        del spot.within[spot.index]


def _rename(node: Node, where: int, what: int) -> None:
    if found := [spot for spot in spots(node) if isinstance(spot.within, Members)]:
        spot = _pick(found, where)
        key, part = spot.within[spot.index]
        plain = key.strip(b'"')
        escaped = b'"' + b"".join(b"\\u%04x" % code for code in plain) + b'"'
        others = (
            leaf(f"{spot.name}_{CANARY}").token,
            escaped,
            leaf(spot.name.upper()).token,
            b'""',
            b'"type"',
            b'"\\ud800"',
            b'"\xff"',
            plain,
        )
        spot.within[spot.index] = (_pick(others, what), part)


def _duplicate(node: Node, where: int, what: int) -> None:
    """The same key again, right behind or at the end, with the same value or another."""
    if found := [spot for spot in spots(node) if isinstance(spot.within, Members)]:
        spot = _pick(found, where)
        key, part = spot.within[spot.index]
        other = part if what % 3 == 0 else _pick(FITTING.get(spot.name, ANYTHING), what // 3)
        spot.within.insert(spot.index + 1 if what % 2 else len(spot.within), (key, copied(other)))


def _add(node: Node, where: int, what: int) -> None:
    """A field that nobody knows."""
    objects = [node] if isinstance(node, Members) else []
    objects += [part for spot in spots(node) if isinstance(part := spot.get(), Members)]
    if objects:
        chosen = _pick(objects, where)
        chosen.insert(what % (len(chosen) + 1), (leaf(f"veld_{CANARY}").token, _pick(ANYTHING, what)))


def _wrap(node: Node, where: int, what: int) -> None:
    if found := spots(node):
        spot = _pick(found, where)
        part = spot.get()
        spot.put([part] if what % 2 else Members([(b'"a"', part)]))


def _shuffle(node: Node, where: int, what: int) -> None:
    for within in [node, *(spot.get() for spot in spots(node))]:
        if isinstance(within, Members):
            within.reverse()


def _splice(node: Node, where: int, what: int) -> None:
    """The members of another record too: every type has fields of its own."""
    if isinstance(node, Members):
        others = [seed for topic in ("webcare.mention.assessed.v1", "webcare.mention.raw.v1") for seed in seeds(topic)]
        other = copied(_pick(others, where))
        assert isinstance(other, Members)
        known = {key for key, _ in node}
        node.extend(pair for pair in other if what % 2 or pair[0] not in known)


TREE_MUTATIONS: tuple[Callable[[Node, int, int], None], ...] = (
    _fit,
    _fit,
    _fit,
    _add,
    _shuffle,
    _duplicate,
    _replace,
    _drop,
    _rename,
    _wrap,
    _splice,
)


# mutations of bytes


def _cut(value: bytes, where: int, what: int) -> bytes:
    return value[: where % (len(value) + 1)]


def _append(value: bytes, where: int, what: int) -> bytes:
    tails = (b"\n", b"  \t\r\n", b"x", b"{}", b",", b"}", b"\x00", b"\x0b", b"\x1a", b"\xe2\x80\xa8", CANARY.encode(), value)
    return value + _pick(tails, what)


def _prepend(value: bytes, where: int, what: int) -> bytes:
    return _pick((b" ", b"\n\t", b"\xef\xbb\xbf", b"\x00", b"\x00\x00\x00\x00\x01", b")]}',\n", b"\xff\xfe", b"\x1f\x8b"), what) + value


def _recode(value: bytes, where: int, what: int) -> bytes:
    text = value.decode("utf-8", "replace")
    return text.encode(_pick(("utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252"), what), "replace")


def _flip(value: bytes, where: int, what: int) -> bytes:
    if not value:
        return value
    at = where % len(value)
    return value[:at] + bytes([value[at] ^ (1 << what % 8)]) + value[at + 1 :]


def _insert(value: bytes, where: int, what: int) -> bytes:
    at = where % (len(value) + 1)
    return (
        value[:at] + _pick((b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b'"', b"\\", b"{", b"]", b",", b" ", b"\n"), what) + value[at:]
    )


def _delete(value: bytes, where: int, what: int) -> bytes:
    at = where % (len(value) + 1)
    return value[:at] + value[at + 1 + what % 4 :]


def _pretty(value: bytes, where: int, what: int) -> bytes:
    return value.replace(b",", b" ,\n\t").replace(b"{", b"{\r\n ") if len(value) < 20_000 else value


BYTE_MUTATIONS: tuple[Callable[[bytes, int, int], bytes], ...] = (_pretty, _append, _cut, _flip, _insert, _delete, _prepend, _recode)

_number = st.integers(0, 2**16)
_FOREIGN = (
    None,
    b"",
    b" ",
    b"null",
    b"[]",
    b"{}",
    b"42",
    b"true",
    f'"{CANARY}"'.encode(),
    b'{"type":null}',
    b'{"type":"tick"}',
    CANARY.encode(),
)


@st.composite
def record_values(draw: st.DrawFn, topic: str, *, at_most: int = 3) -> bytes | None:
    """A value of a topic: a valid one with up to ``at_most`` changes; one in eight has its bytes changed too; few are no record at all."""
    kind = draw(st.integers(0, 63))
    if kind == 63:
        return draw(st.one_of(st.sampled_from(_FOREIGN), st.binary(max_size=40)))
    node = copied(draw(st.sampled_from(seeds(topic))))
    for which, where, what in draw(st.lists(st.tuples(st.integers(0, len(TREE_MUTATIONS) - 1), _number, _number), max_size=at_most)):
        TREE_MUTATIONS[which](node, where, what)
    value = render(node)
    if kind >= 55:
        which, where, what = draw(st.tuples(st.integers(0, len(BYTE_MUTATIONS) - 1), _number, _number))
        value = BYTE_MUTATIONS[which](value, where, what)
    return value


def relatives(topic: str, number: int, most: int) -> Iterator[bytes]:
    """More values of the same kind, made from one number: to draw each is what costs most of a fuzz."""
    chance = Random(number)
    for _ in range(most):
        node = copied(chance.choice(seeds(topic)))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3))):
            chance.choice(TREE_MUTATIONS)(node, chance.getrandbits(16), chance.getrandbits(16))
        value = render(node)
        if chance.random() < 0.12:
            value = chance.choice(BYTE_MUTATIONS)(value, chance.getrandbits(16), chance.getrandbits(16))
        yield value


# keys, headers, append times

KEYS = (
    None,
    b"",
    *(brand.encode() for brand in BRANDS),
    b"\xff\xfe" + CANARY.encode(),
    CANARY.encode() * 100,
    b"noordnet\n",
    b"NOORDNET",
    b"\x00",
)
OWN = "\x00own"
"""Stands for the brand that the value names."""
keys = st.sampled_from((OWN, OWN, OWN, *KEYS))

ORIGINS = (
    b"e:0:7",
    b"e:3:9007199254740993",
    b"f:0:0",
    b"",
    b"e:0",
    b"e:0:7:9",
    b"e:-1:7",
    b"e:0:-7",
    b"e:0:1_0",
    b" e : 0 : 7 ",
    b"e:0:7\n",
    "e:٣:٧".encode(),
    b"e:0:1e3",
    b"e:0:" + str(2**63).encode(),
    b"e:0:" + str(2**200).encode(),
    b"e:" + str(2**31).encode() + b":1",
    b"e:" + str(2**64).encode() + b":1",
    b"e:0:" + b"9" * 5_000,
    b":0:7",
    b"\xff:0:7",
    b"e\x00:0:7",
    CANARY.encode() + b":0:7",
    b"e" * 70_000 + b":0:7",
    None,
)
_HEADER_NAMES = (
    "webcare-origin",
    "webcare-appended",
    "webcare-redriven",
    "webcare-reason",
    "webcare-change",
    "traceparent",
    "ce_id",
    "ce_time",
    "ce_type",
    "content-type",
    "__connect.errors.exception.message",
    f"x-{CANARY}",
    "",
    "naïef-\u202e",
    "x" * 1_000,
)
_HEADER_VALUES = (b"", b"1", b"-1", b"999999", b"9" * 30, "²".encode(), b"\xff\x00", CANARY.encode(), b"1e3", b"x" * 70_000, None)
odd_headers = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(_HEADER_NAMES), st.sampled_from(_HEADER_VALUES)),
        st.tuples(st.just("webcare-origin"), st.sampled_from(ORIGINS)),
    ),
    max_size=3,
)
TIMESTAMPS = (
    1_788_256_800_000,
    1_788_256_800_000,
    1_788_256_800_000,
    0,
    -1,
    1,
    -(2**63),
    2**63 - 1,
    253_402_300_799_999,
    253_402_300_800_000,
)
timestamps = st.sampled_from(TIMESTAMPS)
