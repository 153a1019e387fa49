"""What is sent during a chaos run: a seeded stream of mentions with repeats, edits, retractions, odd and broken records, and ticks.

Every text, title and author name holds a word that starts with `MARKER`, so that any of them in a log is found.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal, NamedTuple

import msgspec

from agents.replay import in_order, read_line, replay
from pipeline.partition import Partitioner
from schemas.topics import ASSESSED, LANGUAGE, SENTIMENT

MARKER = "kwetter"
KNOWN = ("noordnet", "veldspoor", "zonnekracht", "pakketpiet", "bloemenbank")
Mode = Literal["file", "live"]
FILE_START = datetime(2026, 9, 21, 5, tzinfo=UTC)
HOURS = 26.5
"""A brand's first day teaches and raises nothing: rows come after it."""
Headers = list[tuple[str, bytes]]

_BAD = ("Waardeloos, mijn internet werkt weer niet", "Wat een slechte service, schande", "Belachelijk, alweer storing en niemand die helpt")
_GOOD = ("Geweldig geholpen, dank jullie wel", "Fijne service, heel blij mee", "Top gedaan, complimenten")
_ASKED = ("Wanneer is dit opgelost?", "Hoe kan ik mijn abonnement opzeggen?", "Weet iemand wat dit kost?")
_ENGLISH = ("This is terrible, nothing works today", "Great help, thank you so much", "When will this be fixed?")
_CHANNELS = (("x", "social"), ("facebook", "social"), ("mastodon", "social"), ("forum", "forum"), ("trustreview", "review"))


class LoadRecord(NamedTuple):
    """One record for the raw topic."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    is_tick: bool


class Poison(NamedTuple):
    """A record at fault, written straight into the topic between two stages."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class _Brand:
    """Makes the mentions of one brand."""

    def __init__(self, slug: str, number: int, rng: Random) -> None:
        self.slug = slug
        self.rng = rng
        self._next = number * 1_000_000
        self._roots: list[dict[str, Any]] = []

    def mention(self, at: datetime, *, angry: float = 0.35, author: str | None = None) -> dict[str, Any]:
        rng = self.rng
        self._next += 1
        channel, family = rng.choice(_CHANNELS)
        draw = rng.random()
        words = _BAD if draw < angry else _GOOD if draw < angry + 0.2 else _ENGLISH if draw < angry + 0.3 else _ASKED
        made: dict[str, Any] = {
            "mention_id": f"{channel}:{self._next}",
            "brand": self.slug,
            "channel": channel,
            "channel_family": family,
            "text": f"{rng.choice(words)} {MARKER}zang{self._next}",
            "published_at": at.isoformat().replace("+00:00", "Z"),
            "author": {"id": author or f"{MARKER}aar-{rng.randrange(400)}", "name": f"{MARKER}naam {rng.randrange(99)}"},
            "source": "social-feed",
        }
        if rng.random() < 0.3:
            made["author"]["followers"] = rng.randrange(30_000)
        if self._roots and rng.random() < 0.2:
            root = rng.choice(self._roots[-30:])
            made |= {"kind": "reply", "parent_id": root["mention_id"], "root_id": root["mention_id"], "thread_id": root["mention_id"]}
            if rng.random() < 0.3 and self.slug in KNOWN:
                made |= {"author": {"id": self.slug}, "channel": "x", "mention_id": f"x:{self._next}", "direction": "outbound"}
        elif self._roots and rng.random() < 0.08:
            made |= {"kind": "repost", "root_id": rng.choice(self._roots[-30:])["mention_id"]}
        else:
            self._roots.append(made)
        if rng.random() < 0.03:
            made["title"] = f"{MARKER}titel"
        if rng.random() < 0.03:
            made |= {"visibility": "private", "channel_family": "mail", "channel": "mail", "mention_id": f"mail:{self._next}"}
        return made


class _Told(NamedTuple):
    at: datetime  # of delivery
    value: bytes
    body: dict[str, Any]


def brands_of(rng: Random, count: int) -> list[str]:
    """The registry's five and invented ones that it does not know."""
    return [*KNOWN, *(f"wolkenbak-{rng.randrange(10_000)}-{number}" for number in range(max(0, count - len(KNOWN))))]


def load(seed: int, mode: Mode, mentions: int, brands: int, partitions: int, now: datetime, hours: float = HOURS) -> list[LoadRecord]:
    """The stream in the order in which it is sent. Live, its times end at ``now``; a file has times and ticks of its own."""
    rng = Random(f"{seed} load")
    window = timedelta(hours=hours)
    start = FILE_START if mode == "file" else now - window
    slugs = brands_of(rng, brands)
    told = list(_stream(slugs, mentions, start, window, rng))
    told.sort(key=lambda one: one.at)
    partitioner = Partitioner(partitions)
    # A producer with another partitioner: these brands arrive in a partition that is not theirs.
    strays = {slug: rng.randrange(partitions) for slug in slugs if rng.random() < 0.15}
    if mode == "file":
        lines, times = in_order([read_line(number, one.value) for number, one in enumerate(told, start=1)], sort=False, name="the load")
        raw = [(record.partition, record.key, record.value, record.is_tick) for record in replay(lines, times, partitioner)]
    else:
        raw = [(partitioner(one.body["brand"]), one.body["brand"].encode(), one.value, False) for one in told]
    return [_sent(partition, key, value, is_tick, strays, partitioner, rng) for partition, key, value, is_tick in raw]


def _sent(
    partition: int, key: bytes | None, value: bytes, is_tick: bool, strays: dict[str, int], partitioner: Partitioner, rng: Random
) -> LoadRecord:
    headers: Headers = [("content-type", b"application/json")]
    if not is_tick:
        partition = strays.get((key or b"").decode(), partition)
        if rng.random() < 0.1:
            headers.append(("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        if rng.random() < 0.02:
            headers.append(("webcare-origin", b"forged:0:1"))
        if key is not None and partition == partitioner(key.decode()) and rng.random() < 0.05:
            key = None
    return LoadRecord(partition, key, value, headers, is_tick)


def _stream(slugs: list[str], mentions: int, start: datetime, window: timedelta, rng: Random) -> Iterator[_Told]:
    makers = {slug: _Brand(slug, number, rng) for number, slug in enumerate(slugs, start=1)}
    made: list[_Told] = []
    rows = rng.sample(slugs, 3)
    crowd = mentions // 12
    for slug in rows:  # a row: a crowd of different angry people within the hour
        onset = start + window * rng.uniform(0.91, 0.95)
        for number in range(crowd):
            at = onset + timedelta(minutes=55) * rng.random()
            made.append(_told(makers[slug].mention(at, angry=0.95, author=f"{MARKER}boos-{slug}-{number}"), at))
    for _ in range(mentions - len(rows) * crowd):
        slug = rng.choice(slugs)
        # Most brands are heard of in the last hours only: every bucket of every brand is work for all who must follow.
        since = 0.0 if slug in rows or slug in KNOWN else 0.85
        at = start + window * rng.uniform(since, 1.0)
        made.append(_told(makers[slug].mention(at), at))
    yield from made
    for one in made:
        yield from _oddities(one, rng)


def _told(body: dict[str, Any], at: datetime) -> _Told:
    return _Told(at, msgspec.json.encode(body), body)


def _oddities(one: _Told, rng: Random) -> Iterator[_Told]:
    """What else comes of a mention, later."""
    body, draw = one.body, rng.random()
    later = one.at + timedelta(seconds=rng.expovariate(1 / 900))
    if draw < 0.04:
        yield one._replace(at=later)
    elif draw < 0.06:
        yield _told(body | {"edit": rng.randrange(1, 3), "text": f"{rng.choice(_GOOD)} {MARKER}later"}, later)
    elif draw < 0.08:
        gone = {"type": "retraction", "mention_id": body["mention_id"], "brand": body["brand"]}
        early = rng.random() < 0.2
        at = one.at - timedelta(seconds=5) if early else later
        yield _told(gone | {"retracted_at": at.isoformat().replace("+00:00", "Z")}, at)
    elif draw < 0.09:
        other = {"mention_id": f"{body['mention_id']}-oud", "published_at": (one.at - timedelta(hours=rng.uniform(0.2, 7))).isoformat()}
        yield _told(body | other, one.at)
    elif draw < 0.095:
        ahead = {"mention_id": f"{body['mention_id']}-snel", "published_at": (one.at + timedelta(days=2)).isoformat()}
        yield _told(body | ahead, one.at)
    elif draw < 0.105:
        odd: dict[str, Any] = rng.choice(
            (
                {"shoe_size": 43},
                {"channel": "hyves2"},
                {"text": "😡😡"},
                {"text": f"{MARKER}\u0000nul"},
                {"text": f"{MARKER} bel 0612345678"},
                {"rating": 1.0},
            )
        )
        yield _told(body | {"mention_id": f"{body['mention_id']}-gek"} | odd, one.at)
    elif draw < 0.11:
        yield _Told(one.at, _broken(body, rng), body)


def _broken(body: dict[str, Any], rng: Random) -> bytes:
    """A record at fault, made from a sound one."""
    sound = msgspec.json.encode(body)
    return rng.choice(
        (
            sound[: len(sound) // 2],
            b"\x00\xff" + MARKER.encode(),
            b"[]",
            b"[" * 3_000,
            b"",
            msgspec.json.encode(body | {"published_at": MARKER}),
            msgspec.json.encode(body | {"author": MARKER}),
            msgspec.json.encode(body | {"type": MARKER}),
            msgspec.json.encode(body | {"text": MARKER * 20_000}),
            msgspec.json.encode(body | {"rating": 11}),
            msgspec.json.encode(body | {"brand": "Geen Slak"}),
            sound.replace(b'"source"', b'"edit":1e999,"source"'),
        )
    )


def poison(rng: Random, partitions: int, count: int) -> list[Poison]:
    """Records at fault for the topics between the stages: garbage, wrong types, huge ones, and sound ones of no origin."""
    made = []
    for number in range(count):
        topic = (LANGUAGE, SENTIMENT, ASSESSED)[number % 3]
        value, headers = _poison(rng, sound_between(number))
        key = rng.choice((None if value is not None else b"gif", b"gif", b"noordnet"))  # the client wants one of both
        made.append(Poison(topic.name, rng.randrange(partitions), key, value, headers))
    return made


def sound_between(number: int) -> dict[str, Any]:
    """A mention as the assessed topic holds it; the topics before it take it too, less the fields they do not know."""
    at = FILE_START.isoformat()
    return {
        "type": "mention",
        "mention_id": f"gif:{number}",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": f"{MARKER}gif",
        "published_at": at,
        "received_at": at,
        "detected_at": at,
        "mode": "live",
        "author": {"id": "h1:" + "0" * 32},
        "sentiment": {"label": "negative"},
        "signals": {},
        "situation": {},
    }


_HUGE = 2_900_000
_NO_ORIGIN: tuple[bytes | None, ...] = (None, b"", b":::", b"e:1", b"e:1:x", b"\xff\xfe", b"e:-1:5", b"e:1:-5", b"e:1:" + b"9" * 5_000)


def _poison(rng: Random, sound: dict[str, Any]) -> tuple[bytes | None, Headers]:
    origin: Headers = [("webcare-origin", b"elsewhere:0:7"), ("content-type", b"application/json")]
    draw = rng.random()
    if draw < 0.4:
        bad = rng.choice(_NO_ORIGIN)
        return msgspec.json.encode(sound), [] if bad is None else [("webcare-origin", bad)]
    if draw < 0.5:
        return MARKER.encode() * (_HUGE // len(MARKER)), origin
    whole = msgspec.json.encode(sound)
    garbage: tuple[bytes | None, ...] = (
        None,
        b"",
        b"null",
        b"\x00" * 40,
        rng.randbytes(300),
        whole[: len(whole) // 2],
        b'{"type":' * 2_000,
        msgspec.json.encode(sound | {"type": "fax"}),
        msgspec.json.encode(sound | {"text": 7}),
        msgspec.json.encode(sound | {"detected_at": MARKER}),
        msgspec.json.encode(sound | {"edit": -1}),
        msgspec.json.encode({"type": "tick", "at": MARKER}),
        msgspec.json.encode({"type": "retraction", "mention_id": "gif:1"}),
    )
    return rng.choice(garbage), origin
