"""The rule book: what it refuses, what it chooses, how it explains itself; and the laws that no rule book can break."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.brands import Brand, ConfigurationError, Registry, parse_brands
from pipeline.decisions import Decider, check_examples, example_facts
from pipeline.rules import Example, RuleBook, When, parse_rules
from schemas.outputs import Decision, Fact

DEMO = Path(__file__).parents[1] / "deploy" / "demo"
REST = """
[[rules]]
name = "rest"
when = {}
route = { response_policy = "monitor", response_reason = "nothing asked" }
"""
DESK = """
[queues.desk]
title = "Desk"
owner = "team lead"
order = 1
[queues.shop]
title = "Shop"
owner = "sales"
kind = "marketing"
order = 2
[recipients.press]
title = "Press office"
owner = "press officer"
[calendars.office]
hours = { mon-fri = "09:00-17:00" }
"""


def book(*parts: str) -> RuleBook:
    return parse_rules("\n".join(parts).encode())


def rule(when: str, route: str = 'response_policy = "respond", response_reason = "because"', name: str = "tested") -> str:
    return f'[[rules]]\nname = "{name}"\nwhen = {{ {when} }}\nroute = {{ {route} }}\n'


def facts_of(rules: RuleBook, **mention: Any) -> dict[str, Fact]:
    return example_facts(Example(expect="", mention=mention), rules)


# what is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("x = [", r"^routing.toml: Invalid value", id="no TOML"),
        pytest.param(rule('langauge = "nl"') + REST, r"unknown field `langauge` - at `\$.rules\[0\].when`$", id="a typo in a condition"),
        pytest.param(rule("", 'response_policy = "respond", reason = "x"') + REST, r"at `\$.rules\[0\].route`", id="a typo in a route"),
        pytest.param("x = " + "[" * 3_000 + "]" * 3_000, r"^routing.toml: .*recursion", id="nested without end"),
        pytest.param("x = " + "9" * 5_000, r"^routing.toml: Exceeds the limit", id="a number without end"),
        pytest.param(
            '[calendars.c]\ntime_zone = "Europe"\nhours = { mon = "09:00-17:00" }' + REST,
            r"calendars\.c: unknown time_zone",
            id="half a zone",
        ),
        pytest.param("[[rulez]]" + REST, r"unknown field `rulez`", id="a typo in a table"),
        pytest.param(rule('kind = "poost"') + REST, r"Invalid enum value 'poost' - at `\$.rules\[0\].when.kind`", id="a kind that is none"),
        pytest.param(rule("compound_at_most = -5") + REST, r"compound_at_most`", id="a number out of its range"),
        pytest.param(rule("text_any = []") + REST, r"text_any`", id="a list of no words"),
        pytest.param(rule('text_any = ["!!"]') + REST, r"'!!' holds no word", id="a word without letters"),
        pytest.param(
            rule("", 'response_policy = "respond", response_reason = ""') + REST, r"response_reason`", id="a policy without reason"
        ),
        pytest.param("", r"last rule must catch all", id="no rules"),
        pytest.param(rule('kind = "post"'), r"last rule must catch all", id="no rule for the rest"),
        pytest.param(
            REST + rule('kind = "post"') + rule("", name="end"), r"rules\[0\] \(rest\): .*never decide", id="a rule behind the rest"
        ),
        pytest.param(rule('kind = "post"', name="rest") + REST, r"rules\[1\] \(rest\): this name is there twice", id="a name twice"),
        pytest.param(rule('kind = "post"', name="own-post") + REST, r"built in", id="the name of a built-in decision"),
        pytest.param(
            rule('kind = "post"', 'response_policy = "respond", response_reason = "x", queue = "desk", reply_within = "1h"') + REST,
            r"declare \[queues.desk\]",
            id="a queue that is not declared",
        ),
        pytest.param(
            DESK + rule('kind = "post"', 'response_policy = "respond", response_reason = "x", queue = "desk"') + REST,
            r"a task has a deadline",
            id="a task without deadline",
        ),
        pytest.param(
            DESK + rule('kind = "post"', 'response_policy = "monitor", response_reason = "x", reply_within = "1h"') + REST,
            r"a deadline without a queue",
            id="a deadline without task",
        ),
        pytest.param(
            DESK
            + rule('kind = "post"', 'response_policy = "respond", response_reason = "x", queue = "desk", reply_within = "soon"')
            + REST,
            r"rules\[0\] \(tested\): 'soon' is not a time to reply",
            id="a time to reply that is none",
        ),
        pytest.param(
            DESK
            + rule(
                'kind = "post"', 'response_policy = "respond", response_reason = "x", queue = "desk", reply_within = "1h", calendar = "sun"'
            )
            + REST,
            r"declare \[calendars.sun\]",
            id="a calendar that is not declared",
        ),
        pytest.param(
            rule('kind = "post"', 'response_policy = "monitor", response_reason = "x", inform = ["press"]') + REST,
            r"declare \[recipients.press\]",
            id="a recipient who is not declared",
        ),
        pytest.param(
            "[calendars.never]\nclosed = [2026-01-01]" + REST, r"calendars.never: it is never open", id="a calendar without hours"
        ),
        pytest.param(
            DESK.replace("order = 2", "order = 1") + REST, r"queues.shop: service comes before marketing", id="marketing before service"
        ),
        pytest.param(
            DESK
            + rule(
                'kind = "post"',
                'response_policy = "respond", response_reason = "x", queue = "shop", reply_within = "1h", priority = "critical"',
            )
            + REST,
            r"marketing queue takes priority normal or low",
            id="an urgent lead",
        ),
        pytest.param(
            REST + '[[examples]]\nexpect = "rset"\nmention = {}',
            r"examples\[0\]: expects 'rset', and there is no such rule",
            id="an example of none",
        ),
    ],
)
def test_a_rule_book_that_makes_no_sense_is_refused_with_its_place(content: str, message: str):
    with pytest.raises(ConfigurationError, match=message):
        parse_rules(content.encode())


# what a condition holds of


@pytest.mark.parametrize(
    ("when", "holding", "failing"),
    [
        ('channel = "x"', [{"channel": "x"}], [{"channel": "forum"}]),
        ('channel = ["x", "forum"]', [{"channel": "forum"}], [{"channel": "mail"}]),
        ('channel_family = "mail"', [{"channel_family": "mail"}], [{}]),
        ('language = "nl"', [{"language": "nl"}], [{"language": "en"}, {}]),
        ('language = ["nl", "unknown"]', [{"language": "nl"}, {}], [{"language": "en"}]),
        ('sentiment = ["negative", "neutral"]', [{"sentiment": "negative"}], [{"sentiment": "positive"}, {}]),
        ("unscored = true", [{}], [{"sentiment": "neutral"}]),
        ("unscored = false", [{"sentiment": "neutral"}], [{}]),
        ("compound_at_most = -0.5", [{"compound": -0.5}], [{"compound": -0.4}, {}]),
        ("compound_at_least = 0.5", [{"compound": 0.9}], [{"compound": 0.4}, {}]),
        ("negative_at_least = 0.8", [{"sentiment": {"label": "negative", "negative": 0.8}}], [{"negative": 0.7}, {}]),
        ('intents_any = ["question", "complaint"]', [{"intents": ["complaint"]}], [{"intents": ["compliment"]}, {}]),
        ('kind = ["review", "reply"]', [{"kind": "reply"}], [{}]),
        ('visibility = "private"', [{"visibility": "private"}], [{}]),
        ("addressed = true", [{"addressed": True}], [{"addressed": False}, {}]),
        ("addressed = false", [{"addressed": False}], [{"addressed": True}, {}]),
        ('role = "press"', [{"role": "press"}, {"author": {"role": "press"}}], [{}]),
        ("reach_at_least = 100", [{"reach": 100}, {"reach": {"value": 900, "source": "followers"}}], [{"reach": 99}, {}]),
        ("reach_at_least = 0", [{"reach": 0}], [{}]),
        ("rating_at_most = 2", [{"rating": 1}], [{"rating": 3}, {}]),
        ("rating_at_least = 4", [{"rating": 4.5}], [{"rating": 3}, {}]),
        ('tier_at_least = "warning"', [{"tier": "warning"}, {"tier": "crisis"}], [{"tier": "watch"}, {}]),
        ("personal_data = true", [{"text": "bel 06-12345678"}, {"title": "a@b.nl"}], [{"text": "bel mij"}]),
        ("personal_data = false", [{"text": "bel mij"}], [{"text": "bel 06-12345678"}]),
        ("rating_conflict = true", [{"rating_conflict": True}], [{"rating_conflict": False}, {}]),
        ("rating_conflict = false", [{"rating_conflict": False}], [{}]),
        ('brand = ["a", "b"]', [{"brand": "b"}], [{"brand": "c"}]),
        ("spam = true", [{"spam": True}], [{}]),
        ("ambiguous = true", [{"ambiguous": True}], [{}]),
        ('direction = "inbound"', [{}], [{"direction": "outbound"}]),
        ('text_any = ["rook"]', [{"text": "ROOK! overal"}, {"title": "Rook"}], [{"text": "rookmelder"}, {"text": "ik kook"}]),
        ('text_any = ["elektrische schok"]', [{"text": "een Elektrische, schok"}], [{"text": "schok elektrische"}, {"text": "schok"}]),
        ('kind = "post", language = "nl"', [{"language": "nl"}], [{"language": "nl", "kind": "reply"}, {"language": "en"}]),
    ],
)
def test_a_condition(when: str, holding: list[dict[str, Any]], failing: list[dict[str, Any]]):
    rules = book(rule(when), REST)
    for mention in holding:
        assert rules.choose(facts_of(rules, **mention)).name == "tested", mention
    for mention in failing:
        assert rules.choose(facts_of(rules, **mention)).name == "rest", mention


def test_every_condition_is_tested_here():
    cases = test_a_condition.pytestmark[0].args[1]
    written = " ".join(case[0] for case in cases)
    assert all(f"{name} =" in written for name in When.__struct_fields__)


def test_the_first_rule_that_matches_decides():
    rules = book(rule('language = "nl"', name="first"), rule('language = ["nl", "de"]', name="second"), REST)
    assert [rules.choose(facts_of(rules, language=language)).name for language in ("nl", "de", "fr")] == ["first", "second", "rest"]


def test_a_trace_says_why_each_rule_before_did_not_decide():
    rules = book(
        rule('kind = "post", reach_at_least = 10_000', name="loud"),
        rule('language = ["nl", "de"]', name="ours"),
        rule('kind = "reply"'),
        REST,
    )
    assert rules.trace(facts_of(rules, language="nl", text="geheim")) == [
        ("loud", False, "reach_at_least = 10000: reach is unknown"),
        ("ours", True, None),
    ]
    steps = rules.trace(facts_of(rules, language="fr", reach=3))
    assert [step.failing for step in steps] == [
        "reach_at_least = 10000: reach is 3",
        'language = ["nl", "de"]: language is "fr"',
        'kind = "reply": kind is "post"',
        None,
    ]


def test_a_trace_does_not_recite_long_lists():
    rules = book(rule('text_any = ["a", "b", "c", "d", "e", "f", "g", "h"]'), REST)
    assert rules.trace(facts_of(rules))[0].failing == 'text_any = ["a", "b", "c", "d", "e", "f", and 2 more]: words is []'


def test_the_hash_names_the_file():
    assert book(REST).hash == book(REST).hash != book(REST, "# changed").hash


# examples


def test_examples_prove_the_rules():
    rules = book(
        rule('language = "nl"'),
        REST,
        '[[examples]]\nexpect = "tested"\nmention = { language = "nl" }',
        '[[examples]]\nexpect = "rest"\nmention = { text = "hello" }',
    )
    assert check_examples(rules) == []


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ('expect = "tested"\nmention = { language = "de" }', '\'rest\' decides (it does not hold language = "nl": language is "de")'),
        ('expect = "rest"\nmention = { language = "nl" }', "expects 'rest', but 'tested' decides (that one comes later)"),
        ('expect = "tested"\nmention = { langauge = "nl" }', "a mention has no field `langauge` - at `$.mention`"),
        ('expect = "tested"\nmention = { language = "nl", kind = "fax" }', "`$.mention.kind`"),
        ('expect = "tested"\nmention = { author = "somebody" }', "expected a table - at `$.mention.author`"),
        ('expect = "tested"\nmention = { sentiment = 1 }', "expected a table - at `$.mention.sentiment`"),
        ('expect = "tested"\nmention = { published_at = 0001-01-01T00:00:00+14:00 }', "`$.mention.detected_at`"),
    ],
)
def test_an_example_that_comes_out_otherwise_is_told(example: str, problem: str):
    rules = book(rule('language = "nl"'), REST, f"[[examples]]\n{example}")
    assert any(problem in line and re.match(r"routing\.toml: line \d+: examples\[0\]: ", line) for line in check_examples(rules))


def test_every_rule_needs_an_example():
    rules = book(rule('language = "nl"'), REST, '[[examples]]\nexpect = "rest"\nmention = {}')
    assert check_examples(rules) == ["routing.toml: line 1: rules[0]: rule 'tested' has no example; add [[examples]] that expect it"]


def test_the_demo_proves_itself():
    rules = parse_rules((DEMO / "routing.toml").read_bytes())
    assert check_examples(rules) == []
    brands = parse_brands((DEMO / "brands.toml").read_bytes())
    assert {brand.slug: brand.mode for brand in brands} == {
        "noordnet": "live",
        "veldspoor": "live",
        "zonnekracht": "live",
        "pakketpiet": "live",
        "bloemenbank": "observe",
    }


# laws over all that can be said, by the demo's rule book

RULES = parse_rules((DEMO / "routing.toml").read_bytes())
DECIDER = Decider(RULES, Registry([Brand(slug="noordnet")]))
maybe_unit = st.none() | st.floats(-1, 1).map(lambda number: round(number, 2))
WORDS = sorted({word for rule in RULES.rules for condition in rule.conditions if condition.name == "text_any" for word in condition.value})

all_facts = st.fixed_dictionaries(
    {
        "brand": st.just("noordnet"),
        "at": st.sampled_from(["2026-09-01T10:00:00+00:00", "2026-09-05T21:30:00+00:00", "2026-09-06T02:00:00+00:00"]),
        "channel": st.sampled_from(["x", "mail", "forum"]),
        "channel_family": st.sampled_from(["social", "mail", "forum", "review", "messaging"]),
        "language": st.sampled_from([None, "nl", "en", "de"]),
        "label": st.sampled_from(["negative", "neutral", "positive", "unscored"]),
        "compound": maybe_unit,
        "negative": st.none(),
        "intents": st.lists(st.sampled_from(["question", "complaint", "compliment"]), unique=True),
        "rating_conflict": st.sampled_from([None, True, False]),
        "kind": st.sampled_from(["post", "reply", "repost", "review", "message"]),
        "visibility": st.sampled_from(["public", "private"]),
        "addressed": st.sampled_from([None, True, False]),
        "direction": st.sampled_from(["inbound", "inbound", "outbound"]),
        "role": st.sampled_from(["customer", "press", "employee", "public-body", "unknown"]),
        "reach": st.none() | st.integers(0, 10**9),
        "rating": st.none() | st.integers(1, 5),
        "tier": st.sampled_from([None, "watch", "warning", "crisis"]),
        "spam": st.booleans(),
        "ambiguous": st.booleans(),
        "found": st.lists(st.sampled_from(["email", "phone"]), unique=True),
        "words": st.lists(st.sampled_from(WORDS), max_size=2, unique=True),
    }
)


def decide(facts: dict[str, Fact]) -> Decision:
    return DECIDER.decide(facts, "x:1", None)


@settings(max_examples=150, deadline=None)
@given(all_facts)
def test_each_decision_keeps_the_laws(facts: dict[str, Fact]):
    decision = decide(facts)
    assert (decision.handling == "move_to_private") == bool(facts["found"] and facts["visibility"] == "public")
    assert decision.response_policy
    assert decision.response_reason
    assert (decision.queue is None) == (decision.due_at is None) == (decision.item_id is None) == (decision.calendar is None)
    if facts["spam"] or facts["direction"] == "outbound":
        assert decision.queue is None
        assert decision.informs == ()
        assert decision.response_policy == "do_not_respond"
    if decision.queue is not None:
        assert (decision.posture == "offensive") == (RULES.queues[decision.queue].kind == "marketing")


@settings(max_examples=150, deadline=None)
@given(all_facts)
def test_a_decision_follows_from_its_facts(facts: dict[str, Fact]):
    decision = decide(facts)
    assert decide(decision.facts) == decision


@settings(max_examples=150, deadline=None)
@given(all_facts, all_facts)
def test_no_marketing_outranks_service(one: dict[str, Fact], other: dict[str, Fact]):
    first, second = decide(one), decide(other)
    kinds = [RULES.queues[decision.queue].kind if decision.queue else None for decision in (first, second)]
    if kinds == ["service", "marketing"]:
        assert first.rank < second.rank


@settings(max_examples=100, deadline=None)
@given(all_facts, st.integers(0, 10**9))
def test_an_unknown_audience_never_passes_for_a_large_one(facts: dict[str, Fact], reach: int):
    unknown = decide(facts | {"reach": None})
    assert unknown.rule != "angry-and-loud"
    known = decide(facts | {"reach": reach})
    if known.queue == unknown.queue is not None and known.rule == unknown.rule:
        assert known.rank <= unknown.rank


def test_praise_and_likes_buy_no_rank():
    plain = facts_of(RULES, text="hoe laat rijdt hij?", sentiment="neutral", compound=0.0, intents=["question"], language="nl")
    funny = plain | {"label": "positive", "compound": 0.9, "intents": ["question", "compliment"]}
    assert decide(funny).rank >= decide(plain).rank
