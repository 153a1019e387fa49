"""Conditions of rules: which facts they look at, and what they ask of them."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import is_
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from schemas.mention import ChannelFamily, Label, MentionKind, Role, Tier
from schemas.outputs import Fact

Facts = Mapping[str, Fact]
TIERS: tuple[Tier, ...] = ("watch", "warning", "crisis")
UNKNOWN = "unknown"
FEW_VALUES = frozenset(
    (
        "ambiguous",
        "addressed",
        "channel_family",
        "direction",
        "kind",
        "label",
        "language",
        "rating_conflict",
        "role",
        "spam",
        "tier",
        "visibility",
    )
)
"""Facts of which no producer of mentions can make up new values."""

MANY_VALUES = frozenset(("brand", "channel"))
"""Facts whose values rules name one by one."""

MOST_SHOWN = 6
"""Values of a list that a trace names."""

_Unit = Annotated[float, Meta(ge=-1, le=1)]
_Stars = Annotated[float, Meta(ge=1, le=5)]
_Strings = str | Annotated[tuple[str, ...], Meta(min_length=1)]
_Intent = Literal["question", "complaint", "compliment", "purchase", "recommend", "discourage"]


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Conditions of a rule. All that are given must hold; of a list, one must."""

    brand: _Strings | None = None
    channel: _Strings | None = None
    channel_family: ChannelFamily | tuple[ChannelFamily, ...] | None = None
    language: _Strings | None = None
    sentiment: Label | tuple[Label, ...] | None = None
    compound_at_most: _Unit | None = None
    compound_at_least: _Unit | None = None
    negative_at_least: Annotated[float, Meta(ge=0, le=1)] | None = None
    intents_any: _Intent | tuple[_Intent, ...] | None = None
    kind: MentionKind | tuple[MentionKind, ...] | None = None
    visibility: Literal["public", "private"] | None = None
    addressed: bool | None = None
    direction: Literal["inbound", "outbound"] | None = None
    role: Role | tuple[Role, ...] | None = None
    reach_at_least: Annotated[int, Meta(ge=0)] | None = None
    rating_at_most: _Stars | None = None
    rating_at_least: _Stars | None = None
    tier_at_least: Tier | None = None
    personal_data: bool | None = None
    rating_conflict: bool | None = None
    unscored: bool | None = None
    spam: bool | None = None
    ambiguous: bool | None = None
    text_any: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None


class Condition(NamedTuple):
    """One condition, ready to be asked: its name, the value in the rule book, the fact it looks at, and the question."""

    name: str
    value: Any
    fact: str
    holds: Callable[[Any], bool]


def in_words(condition: Condition, facts: Facts) -> str:
    """Why a condition does not hold."""
    fact = facts[condition.fact]
    return f"{condition.name} = {_toml(condition.value)}: {condition.fact} is {'unknown' if fact is None else _toml(fact)}"


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            shown = [_toml(part) for part in value[:MOST_SHOWN]]
            more = len(value) - MOST_SHOWN
            return f"[{', '.join(shown)}{f', and {more} more' if more > 0 else ''}]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


# name → the fact it looks at, and how


def _one_of(value: Any) -> Callable[[Any], bool]:
    return frozenset((value,) if isinstance(value, str) else value).__contains__


def _language(value: Any) -> Callable[[Any], bool]:
    allowed = frozenset((value,) if isinstance(value, str) else value)
    return lambda fact: (UNKNOWN if fact is None else fact) in allowed


def _any_of(value: Any) -> Callable[[Any], bool]:
    wanted = frozenset((value,) if isinstance(value, str) else value)
    return lambda fact: not wanted.isdisjoint(fact)


def _at_least(value: Any) -> Callable[[Any], bool]:
    return lambda fact: fact is not None and fact >= value


def _at_most(value: Any) -> Callable[[Any], bool]:
    return lambda fact: fact is not None and fact <= value


def _is(value: Any) -> Callable[[Any], bool]:
    return partial(is_, value)


def _tier(value: Any) -> Callable[[Any], bool]:
    return _one_of(TIERS[TIERS.index(value) :])


_CONDITIONS: dict[str, tuple[str, Callable[[Any], Callable[[Any], bool]]]] = {
    "brand": ("brand", _one_of),
    "channel": ("channel", _one_of),
    "channel_family": ("channel_family", _one_of),
    "language": ("language", _language),
    "sentiment": ("label", _one_of),
    "compound_at_most": ("compound", _at_most),
    "compound_at_least": ("compound", _at_least),
    "negative_at_least": ("negative", _at_least),
    "intents_any": ("intents", _any_of),
    "kind": ("kind", _one_of),
    "visibility": ("visibility", _one_of),
    "addressed": ("addressed", _is),
    "direction": ("direction", _one_of),
    "role": ("role", _one_of),
    "reach_at_least": ("reach", _at_least),
    "rating_at_most": ("rating", _at_most),
    "rating_at_least": ("rating", _at_least),
    "tier_at_least": ("tier", _tier),
    "personal_data": ("found", lambda value: lambda fact: bool(fact) is value),
    "rating_conflict": ("rating_conflict", _is),
    "unscored": ("label", lambda value: lambda fact: (fact == "unscored") is value),
    "spam": ("spam", _is),
    "ambiguous": ("ambiguous", _is),
    "text_any": ("words", _any_of),
}


def conditions(when: When) -> tuple[Condition, ...]:
    """All that a rule asks, in the order of `When`."""
    given = ((name, getattr(when, name)) for name in When.__struct_fields__)
    return tuple(Condition(name, value, *_ready(name, value)) for name, value in given if value is not None)


def _ready(name: str, value: Any) -> tuple[str, Callable[[Any], bool]]:
    fact, question = _CONDITIONS[name]
    return fact, question(value)
