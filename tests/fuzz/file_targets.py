"""Targets: what people write by hand, files of lines, and what a changelog or a dead-letter topic gives back."""

import io
from math import isfinite
from types import SimpleNamespace
from typing import Any

import msgspec
from cases import Case, Target
from hypothesis import strategies as st
from mutations import BYTE_MUTATIONS, CANARY, keys, odd_headers, record_values, timestamps
from record_targets import DECODERS, OWN, stages

from agents.commands.score import _given_lines
from agents.dead_letters import letters, waiting
from agents.deployment import packaged_deployments
from agents.replay import InputError, in_order, read_line, replay
from agents.topic_reader import Record
from pipeline.brands import ConfigurationError, Registry, parse_brands
from pipeline.crisis import CrisisStage
from pipeline.decisions import check_examples
from pipeline.door import AuthorHasher, Door
from pipeline.lexicon.pack import PackError, parse_pack
from pipeline.lexicon.scorer import PackScorer
from pipeline.partition import Partitioner
from pipeline.routing import RoutingStage
from pipeline.rules import parse_rules
from pipeline.stage import Incoming, Stage
from schemas.codec import RejectedRecordError
from schemas.topics import DEAD_LETTER, RAW

DEMO = packaged_deployments() / "demo"
BRANDS = (DEMO / "brands.toml").read_bytes()
RULES = (DEMO / "routing.toml").read_bytes()
SMALL_BRANDS = b"""channels = ["x", "mail"]
[[brands]]
slug = "noordnet"
names = ["Noordnet"]
accounts = ["x:noordnet", "mail:care"]
blocked_authors = ["x:spam"]
time_zone = "Europe/Amsterdam"
languages = ["nl", "en"]
mode = "live"
profile = "sensitive"
team = "care"
complaints_per_month = 10_000
public_fraction = 0.1
ambiguous = { needs_any = ["telecom", "noordnet mobiel"] }
[[brands.events]]
name = "actie"
kind = "campaign"
starts_at = 2026-09-01T06:00:00+02:00
ends_at = 2026-09-21T00:00:00+02:00
expected_mentions = 1.6
expected_negatives = 1.3
[[sources]]
name = "social-feed"
language_hint = "nl-BE"
neutral_language_priors = true
detection_time = "received"
"""
SMALL_RULES = b"""[queues.desk]
title = "Desk"
owner = "team lead"
kind = "service"
order = 1
[queues.shop]
title = "Shop"
owner = "sales"
kind = "marketing"
order = 2
[recipients.press]
title = "Press office"
owner = "press officer"
channel = "phone"
[calendars.office]
time_zone = "Europe/Amsterdam"
hours = { mon-fri = "09:00-12:00, 13:00-17:00", sat = "09:00-24:00" }
closed = [2026-12-25]
[[rules]]
name = "angry"
when = { compound_at_most = -0.5, reach_at_least = 10, language = ["nl", "unknown"], text_any = ["in brand", "rook"] }
route = { queue = "desk", priority = "high", response_policy = "monitor", response_reason = "x", reply_within = "95m", calendar = "office" }
[[rules]]
name = "rest"
when = {}
route = { queue = "desk", priority = "low", response_policy = "monitor", response_reason = "x", reply_within = "999h", inform = ["press"] }
[[examples]]
expect = "angry"
mention = { text = "mijn modem staat in brand", language = "nl", sentiment = "negative", compound = -0.6, reach = 20, tier = "watch" }
[[examples]]
expect = "rest"
mention = { author = { id = "a", role = "press" }, reach = { value = 5, source = "reported" }, published_at = "2026-09-01T10:00:00Z" }
"""
PACK = {
    "rules": b'spelling = "dutch"\ncontrast = ["maar"]\ngreetings = ["goede"]\nexcess = ["te"]\nlimits = ["en"]\nbackward = ["niet"]\n'
    b'endings = ["en"]\n[negations]\n"niet|geen" = -0.7\n[degrees]\nheel = 1.3\n[prefixes]\nsuper = 1.5\n',
    "words": b'"goed, mooi" = 2.0\n"slecht" = -2.5\n"top*" = 2\n"*ramp" = -3\n',
    "phrases": b'"werkt|doet niet|nooit" = -2\n"op * tijd" = 1.5\n',
    "base": b"# kop\nfijn\t1.5\nnaar\t-1.25\n",
    "signs": "[emoji]\n'👍' = 2\n'😡' = -3\n[emoticons]\n':)' = 1\n':-(' = -1\n".encode(),
}

# lines of TOML, changed

_WORDS = (
    "nan inf -inf 1e400 -1 0 1_0 0x7f 5e-324 99999999999999999999 true false [] {} [[]] [{}] '' \"\" 2026-02-30 2026-01-01 10:00:00 "
    "0001-01-01T00:00:00+14:00 9999-12-31T23:59:59-14:00 2026-09-01T10:00:00 1969-01-01T00:00:00Z 2200-01-01T00:00:00Z"
).split(" ")
_TOKENS = (
    *(word.encode() for word in _WORDS),
    b'"Europe"',
    b'"Etc/GMT+12"',
    b'"../../etc/passwd"',
    b'"' + b"z" * 300 + b'"',
    b'"America/Argentina/ComodRivadavia"',
    b'"a\\u0000b"',
    b'"\\uD800"',
    b'"\\n"',
    b'"x:"',
    b'":x"',
    b'"\xff"',
    b'"9999h"',
    b'"0m"',
    b'"999h59m"',
    b'"24:00-24:00"',
    b'"00:00-24:00"',
    b'"*"',
    b'"* *"',
    b'"a|b|c d|e"',
    b"9" * 5_000,
    b"[" * 3_000 + b"]" * 3_000,
    b"{a=" * 500 + b"1" + b"}" * 500,
    b'"""\nlang\n"""',
    b'{ sun = "09:00-10:00" }',
    b'["nl", 1]',
    b'{ id = "x", name = 1 }',
    CANARY.encode(),
)
_LINES = (
    b"",
    b"[[brands]]",
    b"[brands]",
    b"[[rules]]",
    b"[a.b.c]",
    b"a.b.c = 1",
    b'"" = 1',
    b"\xff = 1",
    b"= 1",
    b"[[",
    b"\x00",
    b"# \xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"when = {}",
    b'slug = "noordnet"',
    b"[queues.crisis]",
)
_number = st.integers(0, 2**16)


def _edited(content: bytes, changes: list[tuple[int, int, int]]) -> bytes:
    lines = content.split(b"\n")
    for which, where, what in changes:
        at = where % max(1, len(lines))
        line = lines[at] if lines else b""
        name, sign, _ = line.partition(b"=")
        token = _TOKENS[what % len(_TOKENS)]
        match which:
            case 0 | 1 if sign:
                lines[at] = name + b"= " + token
            case 2:
                del lines[at : at + 1]
            case 3:
                lines.insert(what % (len(lines) + 1), line)
            case 4:
                lines.insert(at, _LINES[what % len(_LINES)])
            case 5 if sign:
                lines[at] = (b"x_" if what % 2 else b"") + line.upper()
            case 6:
                parts = line.split(b'"')
                if len(parts) > 2:
                    parts[1 + 2 * (what % (len(parts) // 2))] = token.strip(b'"')
                    lines[at] = b'"'.join(parts)
            case _:
                lines[at] = line + b" " + token
    return b"\n".join(lines)


@st.composite
def toml_files(draw: st.DrawFn, *contents: bytes) -> bytes:
    """A good file with a few lines changed, now and then its bytes."""
    content = draw(st.sampled_from(contents))
    content = _edited(content, draw(st.lists(st.tuples(st.integers(0, 7), _number, _number), max_size=3)))
    if draw(st.integers(0, 15)) == 15:
        which, where, what = draw(st.tuples(st.integers(0, len(BYTE_MUTATIONS) - 1), _number, _number))
        content = BYTE_MUTATIONS[which](content, where, what)
    return content


GOOD_REGISTRY = parse_brands(BRANDS)
GOOD_RULES = parse_rules(RULES)
ORIGIN = ("webcare-origin", b"e:0:1")
_MENTION = {
    "mention_id": "x:1",
    "channel": "x",
    "channel_family": "social",
    "text": "rook uit de kast, bel 06-12345678",
    "published_at": "2026-09-01T10:00:00Z",
    "detected_at": "2026-09-01T10:00:00Z",
    "author": {"id": "iemand"},
    "mode": "live",
    "sentiment": {"label": "negative", "compound": -0.6},
    "signals": {},
    "situation": {},
}


def _works(stage: Stage, brands: list[str]) -> None:
    """What was accepted must work: one mention of each brand, and a day."""
    partition = stage.open(0, "e")
    values = [msgspec.json.encode(_MENTION | {"brand": brand}) for brand in brands]
    values.append(msgspec.json.encode({"type": "tick", "at": "2026-09-02T10:00:00Z"}))
    records = [Incoming(0, n, 0, None, value, [("webcare-origin", b"e:0:%d" % n)]) for n, value in enumerate(values)]
    assert not partition.process(records).dead
    assert all(isfinite(reading.value) for reading in partition.readings())


def check_brands(case: Case) -> str:
    """A registry that works, or an error that names the file."""
    try:
        registry = parse_brands(case, file="folder/brands.toml")
    except ConfigurationError as error:
        assert str(error).startswith("folder/brands.toml: ")
        assert error.__suppress_context__ or error.__context__ is None
        return "refused"
    Door(registry, AuthorHasher(b"key"))
    slugs = [brand.slug for brand in registry]
    _works(CrisisStage(registry, "v"), slugs)
    _works(RoutingStage(GOOD_RULES, registry), slugs)
    return "accepted"


def check_rules(case: Case) -> str:
    """A rule book that works, or errors that name the file."""
    try:
        rules = parse_rules(case, file="folder/routing.toml")
    except ConfigurationError as error:
        assert str(error).startswith("folder/routing.toml: ")
        return "refused"
    problems = check_examples(rules)
    assert all(problem.startswith("folder/routing.toml: ") for problem in problems)
    _works(RoutingStage(rules, Registry([])), ["noordnet"])
    return "wrong examples" if problems else "accepted"


def check_pack(case: Case) -> str:
    """A pack that scores, or an error that names the file."""
    name, content = case
    try:
        pack = parse_pack(**PACK | {name: content})
    except PackError as error:
        assert str(error).partition(":")[0] in ("rules.toml", "words.toml", "phrases.toml", "base.tsv", "signs.toml")
        return "refused"
    for text in ("heel goed maar niet mooi, werkt nooit op zijn tijd :) 👍", "superslecht fijn toprampen", CANARY, ""):
        compound, hits = PackScorer(pack).score(text)
        assert -1.0 <= compound <= 1.0
        assert all(isfinite(valence) for _, valence in hits)
    return "accepted"


packs = st.sampled_from(sorted(PACK)).flatmap(lambda name: st.tuples(st.just(name), toml_files(PACK[name])))


# files of lines


def _verdict(value: bytes) -> tuple[str, dict[str, Any]]:
    try:
        record = DECODERS[RAW.name].decode(value)
    except RejectedRecordError as error:
        return error.reason.value, {}
    return "accepted", {name: getattr(record, name) for name in record.__struct_fields__ if name not in ("received_at", "retracted_at")}


def check_lines(case: Case) -> str:
    """Every line comes out once, in the file's time; what was good stays good and says the same."""
    contents, sort = case
    contents = [content or b"" for content in contents]
    lines = [read_line(number, content) for number, content in enumerate(contents, 1)]
    try:
        lines, times = in_order(lines, sort=sort, name="a file")
    except InputError as error:
        assert CANARY not in str(error)
        return "refused"
    records = list(replay(lines, times, Partitioner(1)))
    assert all(isfinite(record.at) for record in records)
    told = [record for record in records if not record.is_tick]
    assert len(told) == len(lines)
    for line, record in zip(lines, told, strict=True):
        before = _verdict(line.value)
        if before[0] == "accepted":
            assert _verdict(record.value) == before
    assert all(_verdict(record.value)[0] == "accepted" for record in records if record.is_tick)
    return "accepted"


def check_score_line(case: Case) -> str:
    """`webcare score --batch`: a text, or one error that names the line."""
    try:
        list(_given_lines(SimpleNamespace(buffer=io.BytesIO(case or b"")), "nl"))  # type: ignore[arg-type]
    except InputError as error:
        assert str(error).startswith("standard input: line ")
        return "refused"
    return "accepted"


# what topics give back


def check_letters(case: Case) -> str:
    """A dead-letter topic that others have written to as well."""
    records = []
    for number, (value, key, headers, timestamp) in enumerate(case):
        key = None if key == OWN else key
        records.append(Record(DEAD_LETTER.name, 0, number, timestamp, key, value, [(name, content or b"") for name, content in headers]))
    found = letters(records)
    for letter in waiting(found, records):
        assert 0 < letter.attempts < 10**6
        assert dict(letter.again())["webcare-redriven"].isdigit()
        assert letter.reason
    return "read"


_letters = st.lists(st.tuples(record_values(RAW.name, at_most=1), keys, odd_headers, timestamps), max_size=4)


def check_snapshot(case: Case) -> str:
    """A changelog record that is none of ours: refused with a ValueError, and the stage goes on."""
    number, key, value = case
    state = stages(True)[number].open(0, "e")
    try:
        state.restore(key, value)
    except ValueError:
        ending = "refused"
    else:
        ending = "accepted"
    if ending == "refused":
        state.restored(1)
    return ending


snapshots = st.tuples(
    st.sampled_from((2, 3)),
    st.sampled_from(
        tuple(b"noordnet noordnet|watch noordnet|seen|00 noordnet|evidence|1 noordnet|evidence|x noordnet|alert|f |ticks \xff".split())
    )
    | st.sampled_from((b"", b"||", b"noordnet|item|a", b"noordnet|thread|b", b"noordnet|author|c", b"noordnet|kanarie|d")),
    st.one_of(
        st.sampled_from(
            (
                b"",
                b"\x01",
                b"{}",
                b"null",
                b"[]",
                b"\x01\xc0",
                b"\x01\x90",
                b"\x01\x80",
                b"\x02\x90",
                b'{"item":{}}',
                b"\x01" + b"\x91" * 5_000,
            )
        ),
        st.binary(max_size=40),
        st.binary(max_size=40).map(lambda rest: b"\x01" + rest),
        record_values("webcare.queue.item.v1").map(lambda value: value or b""),
    ),
)

TARGETS = (
    Target("brands.toml", toml_files(SMALL_BRANDS, SMALL_BRANDS, SMALL_BRANDS, BRANDS), check_brands, 0.5),
    Target("routing.toml", toml_files(SMALL_RULES, SMALL_RULES, SMALL_RULES, RULES), check_rules, 0.5),
    Target("lexicon", packs, check_pack, 1.0),
    Target("lines", st.tuples(st.lists(record_values(RAW.name, at_most=2), max_size=4), st.booleans()), check_lines, 1.0),
    Target("score-line", record_values(RAW.name), check_score_line, 0.5),
    Target("dead-letters", _letters, check_letters, 0.3),
    Target("snapshots", snapshots, check_snapshot, 0.5),
)
