"""From a mention to its decision: the facts, what the rule book says of them, and the laws that no rule book can break.

A decision is a function of its facts, the rule book and the brand's time zone: `decide` makes it again from a record. The laws:

- a conversation stays on its public channel, unless personal data stands there: then, and only then, ``move_to_private``;
- spam, repeats, what was taken back and the brand's own posts are never a task, and nobody is informed of them;
- service comes before marketing: see `rank`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from pipeline.brands import ConfigurationError, Registry
from pipeline.conditions import Facts
from pipeline.deadlines import ALWAYS, Calendar
from pipeline.events import hashed
from pipeline.personal_data import find_personal_data, may_be_personal, phone_regions, redact
from pipeline.rules import PRIORITIES, Example, Rule, RuleBook
from pipeline.stage import FIRST_DETECTED, LAST_DETECTED
from schemas.codec import encode
from schemas.mention import AssessedMention, Tier
from schemas.outputs import Decision, Fact, Handling, Inform, Priority, RoutedMention

MOST_TEXT = 110_000
"""A redacted text is cut at so many characters: `[email]` is longer than the shortest address it replaces."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)

AT_RISK = 0.8
"""Share of the time to reply after which a task is at risk."""


class Read(NamedTuple):
    """What is known of a mention when its decision is made. ``text`` and ``title`` are redacted."""

    facts: dict[str, Fact]
    text: str
    title: str | None


class _Ruling(NamedTuple):
    """All that a rule decides whatever the mention: looked up once, not at each. ``band``: the first rank of its priority."""

    queue: str | None
    marketing: bool
    calendar: str | None
    hours: Calendar | None
    span: timedelta
    span_at_risk: timedelta
    band: int


def _ruling(rule: Rule, rules: RuleBook) -> _Ruling:
    route = rule.route
    marketing = route.queue is not None and rules.queues[route.queue].kind == "marketing"
    band = rank_band(route.priority, marketing=marketing)
    if route.queue is None or rule.reply_within is None:
        return _Ruling(route.queue, marketing, None, None, timedelta(), timedelta(), band)
    calendar = route.calendar or ALWAYS
    return _Ruling(route.queue, marketing, calendar, rules.calendars[calendar], rule.reply_within, rule.reply_within * AT_RISK, band)


class Decider:
    """Decides, by one rule book and one brand registry."""

    def __init__(self, rules: RuleBook, registry: Registry) -> None:
        self.rules = rules
        self._registry = registry
        self._regions: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self._zones = {brand.slug: brand.zone() for brand in registry}
        self._rulings = {rule.name: _ruling(rule, rules) for rule in rules.rules}
        self._zone_of_strangers = registry.brand("").zone()

    def read(self, mention: AssessedMention) -> Read:
        """The facts of a mention, and its text without personal data."""
        text, title = mention.text, mention.title
        found: set[str] = set()
        if may_be_personal(text) or (title and may_be_personal(title)):
            regions = self._phone_regions(mention)
            spans = find_personal_data(mention.text, regions, context=title or "")
            if spans:
                text = redact(text, spans)[:MOST_TEXT]
                found.update([span.kind for span in spans])
            if title:
                spans = find_personal_data(title, regions, context=mention.text[:2_000])
                if spans:
                    title = redact(title, spans)
                    found.update([span.kind for span in spans])
        return Read(mention_facts(mention, sorted(found), self.rules.words_in(mention.text, mention.title)), text, title)

    def _phone_regions(self, mention: AssessedMention) -> tuple[str, ...]:
        """Where its phone numbers may be from: the brand's countries, and that of the language it is written in."""
        known = self._registry.knows(mention.brand)
        key = (mention.brand if known else "", mention.language)
        regions = self._regions.get(key)
        if regions is None:
            brand = self._registry.brand(mention.brand)
            languages = brand.languages if mention.language is None else (*brand.languages, mention.language)
            regions = self._regions[key] = phone_regions(brand.time_zone, languages)
        return regions

    def _zone(self, brand: str) -> ZoneInfo:
        return self._zones.get(brand, self._zone_of_strangers)

    def decide(self, facts: dict[str, Fact], mention_id: str, root_id: str | None = None, *, at: datetime | None = None) -> Decision:
        """The decision on a mention with these facts; the ids only name its items. ``at``: the fact of that name, where it is at hand."""
        if facts.get("retracted"):
            return self._built_in("retracted", "its author has deleted it", facts)
        if facts.get("duplicate"):
            return self._built_in("duplicate", "this has been routed before", facts)
        if facts["direction"] == "outbound":
            return self._built_in("own-post", "the brand itself wrote it", facts)
        rule = self.rules.choose(facts)
        route = rule.route
        spam = facts["spam"] is True
        brand = str(facts["brand"])
        if at is None:
            at = datetime.fromisoformat(str(facts["at"]))
        queue, _, calendar, hours, span, _, band = self._rulings[rule.name]
        due_at, order = None, 0
        if spam:
            queue = calendar = None
            band = rank_band(route.priority, marketing=False)
        elif hours is not None:
            due_at = hours.add(at, span, self._zone(brand))
        if queue is not None or route.inform:
            order = band + _minutes(due_at or at, facts["reach"], facts["tier"])
        return Decision(
            rule=rule.name,
            config_hash=self.rules.hash,
            queue=queue,
            item_id=None if queue is None else task_id(brand, root_id or mention_id),
            priority=route.priority,
            rank=order,
            posture=route.posture,
            response_policy="do_not_respond" if spam else route.response_policy,
            response_reason="spam is not answered" if spam else route.response_reason,
            handling=handling(facts),
            found=tuple(facts["found"]),  # type: ignore[arg-type]
            due_at=due_at,
            calendar=calendar,
            informs=tuple([Inform(recipient=who, item_id=inform_id(brand, mention_id, who)) for who in route.inform])
            if route.inform and not spam
            else (),
            facts=facts,
        )

    def at_risk_at(self, decision: Decision, brand: str, at: datetime) -> datetime | None:
        """When most of the time to reply since ``at`` has passed (`AT_RISK`), in the decision's calendar; None: it has no deadline."""
        if decision.calendar is None:
            return None
        ruling = self._rulings[decision.rule]
        return None if ruling.hours is None else ruling.hours.add(at, ruling.span_at_risk, self._zone(brand))

    def is_marketing(self, decision: Decision) -> bool:
        """Whether the decision's task is one for marketing."""
        return decision.queue is not None and self._rulings[decision.rule].marketing

    def decide_again(self, record: RoutedMention) -> Decision:
        """What this rule book says of a routed record: the same, if rule book and registry are those that routed it.

        Which task a retraction concerned is no decision, but memory; it is taken over.
        """
        decision = self.decide(record.decision.facts, record.mention_id, record.root_id)
        return decision if record.kind != "retracted" else replace(decision, item_id=record.decision.item_id)

    def _built_in(self, rule: str, reason: str, facts: dict[str, Fact]) -> Decision:
        return Decision(
            rule=rule,
            config_hash=self.rules.hash,
            response_policy="do_not_respond",
            response_reason=reason,
            handling=handling(facts),
            found=tuple(facts.get("found", ())),  # type: ignore[arg-type]
            facts=facts,
        )


def mention_facts(mention: AssessedMention, found: Sequence[str], words: Sequence[str]) -> dict[str, Fact]:
    """All that rules and laws look at. ``found``: kinds of personal data; ``words``: those of the rule book that the text holds."""
    sentiment, signals = mention.sentiment, mention.signals
    facts: dict[str, Fact] = {
        "brand": mention.brand,
        "at": written(mention.detected_at),
        "channel": mention.channel,
        "channel_family": mention.channel_family,
        "language": mention.language,
        "label": sentiment.label,
        "compound": sentiment.compound,
        "negative": sentiment.negative,
        "intents": list(signals.intents),
        "rating_conflict": signals.rating_conflict,
        "kind": mention.kind,
        "visibility": mention.visibility,
        "addressed": mention.addressed,
        "direction": mention.direction,
        "role": mention.author.role,
        "reach": None if mention.reach is None else mention.reach.value,
        "rating": mention.rating,
        "tier": mention.situation.tier,
        "spam": mention.spam,
        "ambiguous": mention.ambiguous,
        "found": list(found),
        "words": list(words),
    }
    if mention.duplicate:
        facts["duplicate"] = True
    return facts


FACTS = (
    "brand",
    "at",
    "channel",
    "channel_family",
    "language",
    "label",
    "compound",
    "negative",
    "intents",
    "rating_conflict",
    "kind",
    "visibility",
    "addressed",
    "direction",
    "role",
    "reach",
    "rating",
    "tier",
    "spam",
    "ambiguous",
    "found",
    "words",
)
"""The names of a mention's facts in their order. Snapshots hold the values alone: a new fact means a new version of these."""


def written(moment: datetime) -> str:
    """``moment.astimezone(UTC).isoformat()``, at a third of its price."""
    return f"{encode(moment if moment.tzinfo is UTC else moment.astimezone(UTC))[1:-2].decode()}+00:00"


RETRACTED: dict[str, Fact] = {"retracted": True}
"""Nothing else is known any more of what was taken back."""


def handling(facts: Facts) -> Handling:
    """Off the public channel exactly when personal data stands there; what is private already stays where it is."""
    return "move_to_private" if facts.get("found") and facts.get("visibility") == "public" else "reply_in_channel"


def task_id(brand: str, root: str) -> str:
    """The one task of a thread."""
    return hashed(f"task\x1f{brand}\x1f{root}")


def inform_id(brand: str, mention_id: str, recipient: str) -> str:
    """What one recipient is told of one mention."""
    return hashed(f"inform\x1f{brand}\x1f{mention_id}\x1f{recipient}")


_CLASS = 100_000_000
"""Minutes of the deadline that fit in one priority: until the year 2160."""

_TIER_MINUTES: dict[Tier, int] = {"watch": 15, "warning": 30, "crisis": 60}
_MOST_REACH_MINUTES = 60


def rank(priority: Priority, deadline: datetime, reach: Any, tier: Any, *, marketing: bool) -> int:
    """The order of work, lower first: comparable between all items of a brand, and fixed, so that nothing must be re-sorted as time passes.

    Service before marketing whatever else holds; then priority; then the deadline (in minutes), brought forward by 10 minutes for each
    power of ten of the audience (60 at most) and by 15, 30 or 60 minutes while the brand is in watch, warning or crisis. An unknown
    audience is not a small one, but gives no bonus. Nothing else counts: wit, likes and praise do not.
    """
    return rank_band(priority, marketing=marketing) + _minutes(deadline, reach, tier)


def rank_band(priority: Priority, *, marketing: bool) -> int:
    """The first rank of a priority."""
    return (PRIORITIES.index(priority) + (len(PRIORITIES) if marketing else 0)) * _CLASS


def _minutes(deadline: datetime, reach: Any, tier: Any) -> int:
    """The place within a priority."""
    minutes = (deadline - _EPOCH) // _MINUTE
    if tier is not None:
        minutes -= _TIER_MINUTES.get(tier, 0)
    if reach is not None:
        minutes -= min(_MOST_REACH_MINUTES, 10 * (len(str(reach)) - 1))
    return min(max(minutes, 0), _CLASS - 1)


# examples of the rule book


def check_examples(rules: RuleBook) -> list[str]:
    """Run every example of the rule book. What is wrong, a line each; nothing if each rule has examples and each decides as expected."""
    problems = []
    for index, example in enumerate(rules.examples):
        place = rules.places.of("examples", index)
        try:
            facts = example_facts(example, rules)
        except ConfigurationError as error:
            problems.append(f"{place}: {error}")
            continue
        chosen = rules.choose(facts).name
        if chosen != example.expect:
            steps = {step.rule: step.failing for step in rules.trace(facts)}
            why = f"it does not hold {steps[example.expect]}" if example.expect in steps else "that one comes later"
            problems.append(f"{place}: expects {example.expect!r}, but {chosen!r} decides ({why})")
    shown = {example.expect for example in rules.examples}
    problems += [
        f"{rules.places.of('rules', index)}: rule {rule.name!r} has no example; add [[examples]] that expect it"
        for index, rule in enumerate(rules.rules)
        if rule.name not in shown
    ]
    return problems


def example_facts(example: Example, rules: RuleBook) -> dict[str, Fact]:
    """The facts of an example's mention.

    Its keys are fields of a mention; shorter ones are ``sentiment`` = a label, ``compound``, ``negative``, ``intents``,
    ``rating_conflict``, ``tier``, ``role``, and ``reach`` = a number. What is left out is unknown.

    Raises:
        ConfigurationError: a key that no mention has, or a wrong value, with its path.
    """
    given = dict(example.mention)
    mention: dict[str, Any] = {
        "mention_id": "example:1",
        "brand": "example",
        "channel": "x",
        "channel_family": "social",
        "text": "",
        "published_at": "2026-09-01T10:00:00Z",
        "mode": "live",
    }
    sentiment = given.pop("sentiment", {})
    sentiment = {"label": sentiment} if isinstance(sentiment, str) else sentiment
    author = given.pop("author", {})
    for name, table in (("sentiment", sentiment), ("author", author)):
        if not isinstance(table, dict):
            raise ConfigurationError(f"expected a table - at `$.mention.{name}`")
    sentiment = dict(sentiment)
    sentiment |= {name: given.pop(name) for name in ("compound", "negative") if name in given}
    signals = {name: given.pop(name) for name in ("intents", "rating_conflict") if name in given}
    situation = {"tier": given.pop("tier")} if "tier" in given else {}
    author = {"id": "example", **author} | ({"role": given.pop("role")} if "role" in given else {})
    if isinstance(given.get("reach"), int):
        given["reach"] = {"value": given["reach"], "source": "reported"}
    mention |= {
        "sentiment": {"label": "unscored"} | sentiment,
        "signals": signals,
        "situation": situation,
        "author": author,
    } | given
    mention.setdefault("detected_at", mention["published_at"])
    for name in mention:
        if name not in AssessedMention.__struct_fields__:
            raise ConfigurationError(f"a mention has no field `{name}` - at `$.mention`")
    try:
        record = msgspec.convert(mention, AssessedMention)
    except msgspec.ValidationError as error:
        raise ConfigurationError(str(error).replace("`$.", "`$.mention.")) from None
    if not FIRST_DETECTED <= record.detected_at <= LAST_DETECTED:
        raise ConfigurationError("not between the years 1970 and 2100 - at `$.mention.detected_at`")
    spans = find_personal_data(record.text, context=record.title or "")
    spans += find_personal_data(record.title or "", context=record.text)
    return mention_facts(record, sorted({span.kind for span in spans}), rules.words_in(record.text, record.title))
