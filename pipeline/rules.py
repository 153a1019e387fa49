"""The rule book (`deploy/<deployment>/routing.toml`): which mention goes where, with examples that prove it.

Rules are read from top to bottom; the first whose conditions all hold decides. Rules see facts only (`pipeline/decisions.py` makes them),
so a decision can be made again from the facts its record holds. What is unknown is None and meets no condition but the one that asks for
the unknown (``language = "unknown"``, ``unscored = true``).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from operator import is_
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from pipeline.brands import ConfigurationError
from pipeline.deadlines import ALWAYS, Calendar, CalendarSettings, build_calendar, parse_span
from schemas.mention import ChannelFamily, Label, MentionKind, Role, Tier
from schemas.outputs import Fact, Posture, Priority, ResponsePolicy

Facts = Mapping[str, Fact]
BUILT_IN = ("duplicate", "retracted", "own-post")
"""Decisions that no rule makes: a repeat, what was taken back, the brand's own post."""

TIERS: tuple[Tier, ...] = ("watch", "warning", "crisis")
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "normal", "low")
UNKNOWN = "unknown"
MOST_SHOWN = 6
"""Values of a list that a trace names."""

_Unit = Annotated[float, Meta(ge=-1, le=1)]
_Stars = Annotated[float, Meta(ge=1, le=5)]
_Strings = str | Annotated[tuple[str, ...], Meta(min_length=1)]
_Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
_Text = Annotated[str, Meta(min_length=1, max_length=300)]
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


class RouteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a rule sends a mention. A queue needs a time to reply; ``inform`` tells recipients without giving them a task."""

    response_policy: ResponsePolicy
    response_reason: _Text
    queue: str | None = None
    priority: Priority = "normal"
    posture: Posture = "defensive"
    reply_within: str | None = None
    calendar: str | None = None
    inform: tuple[str, ...] = ()


class _RuleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: _Slug
    when: When
    route: RouteSettings


class Queue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A queue of tasks. ``owner`` answers for it; ``order`` is its place among the queues, marketing after service."""

    title: _Text
    owner: _Text
    kind: Literal["service", "marketing"] = "service"
    order: Annotated[int, Meta(ge=0)] = 0


class Recipient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is informed. ``channel``: how they want to be told."""

    title: _Text
    owner: _Text
    channel: str | None = None


class Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mention, in part, and the rule that must decide on it."""

    expect: str
    mention: dict[str, Any]


class _RulesFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rules: tuple[_RuleSettings, ...] = ()
    queues: dict[_Slug, Queue] = {}
    recipients: dict[_Slug, Recipient] = {}
    calendars: dict[_Slug, CalendarSettings] = {}
    examples: tuple[Example, ...] = ()


class Condition(NamedTuple):
    """One condition, ready to be asked: its name, the value in the rule book, the fact it looks at, and the question."""

    name: str
    value: Any
    fact: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Rule:
    """One rule. ``reply_within`` is open time of ``calendar``."""

    name: str
    conditions: tuple[Condition, ...]
    route: RouteSettings
    reply_within: timedelta | None

    def failing(self, facts: Facts) -> Condition | None:
        """The first condition that does not hold."""
        for condition in self.conditions:
            if not condition.holds(facts[condition.fact]):
                return condition
        return None


class Step(NamedTuple):
    """What became of one rule: matched, or the first condition that did not hold, in words."""

    rule: str
    matched: bool
    failing: str | None


class RuleBook:
    """All rules of a deployment. ``hash`` names this version of the file, ``file`` is what errors call it."""

    def __init__(self, settings: _RulesFile, rules: tuple[Rule, ...], calendars: dict[str, Calendar], hash_: str, file: str) -> None:
        self.rules = rules
        self.queues = settings.queues
        self.recipients = settings.recipients
        self.calendars = calendars
        self.examples = settings.examples
        self.hash = hash_
        self.file = file
        self._by_name = {rule.name: rule for rule in rules}
        self._ready = tuple((rule, tuple((condition.fact, condition.holds) for condition in rule.conditions)) for rule in rules)
        words = {word for rule in settings.rules for word in rule.when.text_any or ()}
        self._words: dict[str, list[tuple[list[str], str]]] = {}
        for word in sorted(words):
            tokens = _tokens(word)
            self._words.setdefault(tokens[0], []).append((tokens, word))

    def choose(self, facts: Facts) -> Rule:
        """The first rule whose conditions all hold; the last one holds always."""
        for rule, conditions in self._ready:
            for fact, holds in conditions:
                if not holds(facts[fact]):
                    break
            else:
                return rule
        raise AssertionError("the last rule has no conditions")

    def trace(self, facts: Facts) -> list[Step]:
        """How the choice came about: every rule up to the one that decided."""
        steps = []
        for rule in self.rules:
            failing = rule.failing(facts)
            steps.append(Step(rule.name, failing is None, None if failing is None else _in_words(failing, facts)))
            if failing is None:
                break
        return steps

    def rule(self, name: str) -> Rule | None:
        """The rule of that name."""
        return self._by_name.get(name)

    def words_in(self, *texts: str | None) -> list[str]:
        """Which words and phrases of the rules' ``text_any`` the texts hold, as whole words whatever their case; sorted."""
        found: set[str] = set()
        for text in texts:
            if not text or not self._words:
                continue
            tokens = _tokens(text)
            for first in self._words.keys() & set(tokens):
                for phrase, word in self._words[first]:
                    if len(phrase) == 1 or _holds(tokens, phrase):
                        found.add(word)
        return sorted(found)


_TOKEN = re.compile(r"\w+")


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.casefold())


def _holds(tokens: list[str], phrase: list[str]) -> bool:
    length = len(phrase)
    return any(tokens[at] == phrase[0] and tokens[at : at + length] == phrase for at in range(len(tokens) - length + 1))


def _in_words(condition: Condition, facts: Facts) -> str:
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


# conditions: name → the fact it looks at, and how


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


def _conditions(when: When) -> tuple[Condition, ...]:
    given = ((name, getattr(when, name)) for name in When.__struct_fields__)
    return tuple(Condition(name, value, *_ready(name, value)) for name, value in given if value is not None)


def _ready(name: str, value: Any) -> tuple[str, Callable[[Any], bool]]:
    fact, question = _CONDITIONS[name]
    return fact, question(value)


# reading the file


def parse_rules(content: bytes, *, file: str = "routing.toml") -> RuleBook:
    """Read the rule book.

    Raises:
        ConfigurationError: not TOML (with its line), an unknown key or a wrong value (with its path), a queue, recipient or calendar that
            is not declared, no catch-all rule at the end or one before it, a queue without a deadline, marketing before service.
    """
    try:
        settings = msgspec.toml.decode(content, type=_RulesFile)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    calendars = {ALWAYS: build_calendar(CalendarSettings(always=True))}
    for name, calendar in settings.calendars.items():
        try:
            calendars[name] = build_calendar(calendar)
        except ValueError as error:
            raise ConfigurationError(f"{file}: calendars.{name}: {error}") from None
    _check_queues(settings, file)
    _check_order(settings.rules, file)
    rules = []
    for index, rule in enumerate(settings.rules):
        try:
            _check_route(rule, settings, calendars)
            span = None if rule.route.reply_within is None else parse_span(rule.route.reply_within)
        except ValueError as error:
            raise ConfigurationError(f"{file}: rules[{index}] ({rule.name}): {error}") from None
        rules.append(Rule(rule.name, _conditions(rule.when), rule.route, span))
    names = {rule.name for rule in rules}
    for index, example in enumerate(settings.examples):
        if example.expect not in names:
            raise ConfigurationError(f"{file}: examples[{index}]: expects {example.expect!r}, and there is no such rule")
    return RuleBook(settings, tuple(rules), calendars, blake2b(content, digest_size=8).hexdigest(), file)


def _check_queues(settings: _RulesFile, file: str) -> None:
    last_service = max((queue.order for queue in settings.queues.values() if queue.kind == "service"), default=0)
    for name, queue in settings.queues.items():
        if queue.kind == "marketing" and queue.order <= last_service:
            raise ConfigurationError(f"{file}: queues.{name}: service comes before marketing; give it an order above {last_service}")


def _check_order(rules: tuple[_RuleSettings, ...], file: str) -> None:
    if not rules or rules[-1].when != When():
        raise ConfigurationError(f"{file}: the last rule must catch all that is left: end with one that has when = {{}}")
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        place = f"{file}: rules[{index}] ({rule.name})"
        if rule.name in seen:
            raise ConfigurationError(f"{place}: this name is there twice")
        if rule.name in BUILT_IN:
            raise ConfigurationError(f"{place}: {', '.join(BUILT_IN)} are built in; take another name")
        if rule.when == When() and index < len(rules) - 1:
            raise ConfigurationError(f"{place}: when = {{}} catches all, so the rules after it never decide; move it to the end")
        seen.add(rule.name)


def _check_route(rule: _RuleSettings, settings: _RulesFile, calendars: dict[str, Calendar]) -> None:
    route = rule.route
    for words in rule.when.text_any or ():
        if not _tokens(words):
            raise ValueError(f"text_any: {words!r} holds no word")
    for recipient in route.inform:
        if recipient not in settings.recipients:
            raise ValueError(f"inform: declare [recipients.{recipient}]")
    if route.calendar is not None and route.calendar not in calendars:
        raise ValueError(f"calendar: declare [calendars.{route.calendar}]")
    if route.queue is None:
        if route.reply_within is not None or route.calendar is not None:
            raise ValueError("a deadline without a queue; name the queue, or leave reply_within and calendar out")
        return
    queue = settings.queues.get(route.queue)
    if queue is None:
        raise ValueError(f"queue: declare [queues.{route.queue}]")
    if route.reply_within is None:
        raise ValueError(f"a task has a deadline: say reply_within for queue {route.queue!r}")
    if queue.kind == "marketing" and route.priority in ("critical", "high"):
        raise ValueError("service comes before marketing: a marketing queue takes priority normal or low")
