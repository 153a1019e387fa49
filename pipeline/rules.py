"""The rule book (`deploy/<deployment>/routing.toml`): which mention goes where, with examples that prove it.

Rules are read from top to bottom; the first whose conditions all hold decides. Rules see facts only (`pipeline/decisions.py` makes them),
so a decision can be made again from the facts its record holds. What is unknown is None and meets no condition but the one that asks for
the unknown (``language = "unknown"``, ``unscored = true``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from operator import itemgetter
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from pipeline.brands import ConfigurationError
from pipeline.conditions import FEW_VALUES, MANY_VALUES, Condition, Facts, When, conditions, in_words
from pipeline.deadlines import ALWAYS, Calendar, CalendarSettings, build_calendar, parse_span
from pipeline.phrases import Phrases, words_of
from pipeline.toml_places import Places
from schemas.outputs import Posture, Priority, ResponsePolicy

BUILT_IN = ("duplicate", "retracted", "own-post")
"""Decisions that no rule makes: a repeat, what was taken back, the brand's own post."""

PRIORITIES: tuple[Priority, ...] = ("critical", "high", "normal", "low")
MOST_REMEMBERED = 20_000
"""Sorts of mentions for which a rule book remembers the rules that may decide."""

_Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
_Text = Annotated[str, Meta(min_length=1, max_length=300)]


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


_Asked = tuple[tuple[str, Callable[[Any], bool]], ...]


class _Open(NamedTuple):
    """A rule with its conditions in two parts: those on facts by which mentions are sorted, asked once per sort, and the others."""

    rule: Rule
    once: _Asked
    each_time: _Asked

    @classmethod
    def of(cls, rule: Rule) -> "_Open":
        asked = [(condition.fact, condition.holds) for condition in rule.conditions]
        sorts = FEW_VALUES | MANY_VALUES
        return cls(rule, tuple(part for part in asked if part[0] in sorts), tuple(part for part in asked if part[0] not in sorts))

    def may_hold(self, facts: Facts) -> bool:
        return all(holds(facts[fact]) for fact, holds in self.once)


def _named(rules: Iterable[Rule], fact: str) -> frozenset[str]:
    """The values of a fact that any rule asks for."""
    values = [condition.value for rule in rules for condition in rule.conditions if condition.fact == fact]
    return frozenset(name for value in values for name in ((value,) if isinstance(value, str) else value))


class Step(NamedTuple):
    """What became of one rule: matched, or the first condition that did not hold, in words."""

    rule: str
    matched: bool
    failing: str | None


class RuleBook:
    """All rules of a deployment. ``hash`` names this version of the file, ``places`` finds its lines."""

    def __init__(self, settings: _RulesFile, rules: tuple[Rule, ...], calendars: dict[str, Calendar], hash_: str, places: Places) -> None:
        self.rules = rules
        self.queues = settings.queues
        self.recipients = settings.recipients
        self.calendars = calendars
        self.examples = settings.examples
        self.hash = hash_
        self.places = places
        self._by_name = {rule.name: rule for rule in rules}
        self._phrases = Phrases(phrase for rule in settings.rules for phrase in rule.when.text_any or ())
        self._open = tuple(map(_Open.of, rules))
        asked = {condition.fact for rule in rules for condition in rule.conditions}
        self._sort = itemgetter(*sorted({"kind", "label"} | (asked & FEW_VALUES)))
        self._named = [(fact, named) for fact in sorted(MANY_VALUES) if (named := _named(rules, fact))]
        self._open_for: dict[tuple[Any, ...], list[_Open]] = {}

    def choose(self, facts: Facts) -> Rule:
        """The first rule whose conditions all hold; the last one holds always."""
        sort = self._sort(facts)
        if self._named:
            sort += tuple([fact if (fact := facts[name]) in named else None for name, named in self._named])
        rules = self._open_for.get(sort)
        if rules is None:
            if len(self._open_for) >= MOST_REMEMBERED:
                self._open_for.clear()
            rules = self._open_for[sort] = [rule for rule in self._open if rule.may_hold(facts)]
        for rule, _, asked in rules:
            for fact, holds in asked:
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
            steps.append(Step(rule.name, failing is None, None if failing is None else in_words(failing, facts)))
            if failing is None:
                break
        return steps

    def rule(self, name: str) -> Rule | None:
        """The rule of that name."""
        return self._by_name.get(name)

    def words_in(self, *texts: str | None) -> list[str]:
        """Which words and phrases of the rules' ``text_any`` the texts hold, as whole words whatever their case; sorted."""
        return self._phrases.found_in(*texts)


# reading the file


def parse_rules(content: bytes, *, file: str = "routing.toml") -> RuleBook:
    """Read the rule book.

    Raises:
        ConfigurationError: not TOML (with its line), an unknown key or a wrong value (with its path), a queue, recipient or calendar that
            is not declared, no catch-all rule at the end or one before it, a queue without a deadline, marketing before service.
    """
    places = Places(file, content)
    try:
        settings = msgspec.toml.decode(content, type=_RulesFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(places.explained(str(error), _RulesFile)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    calendars = {ALWAYS: build_calendar(CalendarSettings(always=True))}
    for name, calendar in settings.calendars.items():
        try:
            calendars[name] = build_calendar(calendar)
        except ValueError as error:
            raise ConfigurationError(f"{places.of('calendars', name)}: {error}") from None
    _check_queues(settings, places)
    _check_order(settings.rules, places)
    rules = []
    for index, rule in enumerate(settings.rules):
        try:
            _check_route(rule, settings, calendars)
            span = None if rule.route.reply_within is None else parse_span(rule.route.reply_within)
        except ValueError as error:
            raise ConfigurationError(f"{places.of('rules', index)} ({rule.name}): {error}") from None
        rules.append(Rule(rule.name, conditions(rule.when), rule.route, span))
    names = {rule.name for rule in rules}
    for index, example in enumerate(settings.examples):
        if example.expect not in names:
            raise ConfigurationError(f"{places.of('examples', index)}: expects {example.expect!r}, and there is no such rule")
    return RuleBook(settings, tuple(rules), calendars, blake2b(content, digest_size=8).hexdigest(), places)


def _check_queues(settings: _RulesFile, places: Places) -> None:
    last_service = max((queue.order for queue in settings.queues.values() if queue.kind == "service"), default=0)
    for name, queue in settings.queues.items():
        if queue.kind == "marketing" and queue.order <= last_service:
            raise ConfigurationError(f"{places.of('queues', name)}: service comes before marketing; give it an order above {last_service}")


def _check_order(rules: tuple[_RuleSettings, ...], places: Places) -> None:
    if not rules or rules[-1].when != When():
        raise ConfigurationError(f"{places.file}: the last rule must catch all that is left: end with one that has when = {{}}")
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        place = f"{places.of('rules', index)} ({rule.name})"
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
        if not words_of(words):
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
