"""The brands of the simulation and everything that is written about them, in the order in which connectors bring it. Seeded, no clock.

A mention's text is all that the product sees of its tone: language and sentiment are for the product's own stages to find, and to err on.
"""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import msgspec
from crowd import CHANNELS, PUBLIC, SOCIAL, Author, People, delay
from happenings import CRISES, FOR_MANY_MENTIONS, HARMLESS, Happening, Intent, Plan, Truth, slow_burn
from phrasing import Wording
from rhythms import BUCKET, PER_DAY, START, expected, is_awake, moment, poisson

WARM_UP_DAYS = 14
SLOT_DAYS = 3.5
WITH_ANSWERS = 1.42
"""Mentions for each one that nobody asked for: answers, follow-ups and reposts come on top."""

SIZES: dict[str, tuple[int, int]] = {"tiny": (40, 7), "small": (150, 6), "medium": (400, 6), "large": (1_500, 3), "huge": (5_000, 2)}
"""Mentions a day, and how many brands have that size; the first of each size has six weeks in which nothing happens."""

LANGUAGES = (
    (("nl", 88), ("en", 8), ("de", 2), ("fr", 2)),
    (("nl", 70), ("en", 10), ("de", 4), ("fr", 16)),
    (("nl", 50), ("en", 45), ("de", 5)),
)
SECTORS = ("telecom", "parcel", "energy", "rail", "bank")
_SYLLABLES = ("vel", "do", "ran", "ka", "mi", "tor", "lus", "ben", "ha", "wes", "ti", "nor", "ze", "pol", "ga")


class SimBrand(NamedTuple):
    """One brand. ``happenings``: what, by slot; None: nothing."""

    slug: str
    name: str
    sector: str
    size: str
    daily: int
    languages: tuple[tuple[str, int], ...]
    complaints: float
    seed: int
    happenings: tuple[Happening | None, ...]


class World(NamedTuple):
    """What a brand's weeks came to: lines in order of arrival (time, JSON), truth and calendar."""

    brand: SimBrand
    lines: list[tuple[datetime, bytes]]
    truth: list[Truth]
    events: list[dict[str, Any]]
    meant: dict[str, str]
    """Of mentions whose tone was chosen: id → key of the pool."""


def suite(seed: int = 1, weeks: int = 6, sizes: dict[str, tuple[int, int]] = SIZES) -> list[SimBrand]:
    """All brands. Kinds of crises take turns over the brands, so that each comes about equally often."""
    rng = Random(f"suite {seed}")
    slots = int((weeks * 7 - WARM_UP_DAYS) / SLOT_DAYS)
    crises, harmless, out, names = _Turns(CRISES, rng), _Turns(HARMLESS, rng), [], set[str]()
    for size, (daily, count) in sizes.items():
        for number in range(count):
            name = _name(rng, names)
            chosen: list[Happening | None] = [None] * slots
            if number > 0 or count == 1:
                # One half of the slots are crises; a second crisis reaches into the day after its first.
                chosen = [crises.next(daily) if slot % 2 else harmless.next(daily) for slot in range(slots)]
                rng.shuffle(chosen)
            out.append(
                SimBrand(
                    slug=f"{size}-{name.lower()}",
                    name=name,
                    sector=SECTORS[len(out) % len(SECTORS)],
                    size=size,
                    daily=daily,
                    languages=rng.choice(LANGUAGES),
                    complaints=rng.uniform(0.12, 0.28),
                    seed=rng.getrandbits(48),
                    happenings=tuple(chosen),
                )
            )
    return out


class _Turns:
    """Deals happenings in turn, shuffled anew when all have had theirs."""

    def __init__(self, kinds: tuple[Happening, ...], rng: Random) -> None:
        self._kinds, self._rng = kinds, rng
        self._left: list[Happening] = []

    def next(self, daily: int) -> Happening:
        """The next that a brand of this size can have."""
        for _ in range(50):
            if not self._left:
                self._left = list(self._kinds)
                self._rng.shuffle(self._left)
            drawn = self._left.pop()
            if daily >= 400 or drawn not in FOR_MANY_MENTIONS or self._rng.random() < 0.2:
                return drawn
        return self._kinds[0]


def _name(rng: Random, taken: set[str]) -> str:
    while True:
        name = "".join(rng.choices(_SYLLABLES, k=3)).capitalize()
        if name not in taken:
            taken.add(name)
            return name


def plan_of(brand: SimBrand, weeks: int) -> Plan:
    """What will happen to a brand."""
    rng = Random(f"plan {brand.seed}")
    days = weeks * 7
    plan = Plan(brand.daily, brand.complaints, expected(rng, brand.daily / WITH_ANSWERS, days))
    for slot, happening in enumerate(brand.happenings):
        if happening is None:
            continue
        begin = int((WARM_UP_DAYS + slot * SLOT_DAYS) * PER_DAY)
        # What lasts three days must begin early, or it reaches into the next slot.
        room = 140 if happening is slow_burn else PER_DAY
        happening(plan, rng, rng.choice([bucket for bucket in range(begin + 24, begin + room) if is_awake(bucket)]))
    last = days * PER_DAY
    plan.intents = [intent for intent in plan.intents if intent.bucket < last]
    plan.truth = [truth._replace(end=min(truth.end, last)) for truth in plan.truth if truth.onset < last]
    return plan


def build(brand: SimBrand, weeks: int = 6) -> World:
    """All that is written about one brand."""
    plan = plan_of(brand, weeks)
    scribe = _Scribe(brand, plan)
    return World(brand, scribe.lines(), plan.truth, plan.events, scribe.meant)


_NORMAL = (("root", 74), ("bystander", 10), ("loud", 3), ("own", 2), ("press", 2), ("cluster", 9))
_RUN_OF_DAY = {"question": 27, "praise": 24, "neutral": 19, "mixed": 6}
_GRIPES = {"complaint": 80, "mild": 13, "sarcasm": 7}
_ANSWERED = {"question": 0.5, "praise": 0.15, "neutral": 0.02, "mixed": 0.3}


class _Scribe:
    """Turns intents into mentions, in event order; then sorts them by arrival."""

    def __init__(self, brand: SimBrand, plan: Plan) -> None:
        self._brand, self._plan = brand, plan
        self._rng = Random(f"scribe {brand.seed}")
        self._wording = Wording(brand.name, brand.sector, self._rng)
        self._people = People(self._rng, dict(brand.languages), brand.daily)
        self._threads: deque[dict[str, Any]] = deque(maxlen=80)
        self._stories: dict[int, dict[str, Any]] = {}
        self._bots: dict[int, list[Author]] = {}
        self._arrivals: list[tuple[datetime, int, bytes]] = []
        self._number = 0
        self.meant: dict[str, str] = {}

    def lines(self) -> list[tuple[datetime, bytes]]:
        """Everything, by time of arrival."""
        # A story must be told before it is passed on in the same bucket.
        for intent in sorted([*self._normal(), *self._plan.intents], key=lambda intent: (intent.bucket, intent.what != "story")):
            self._realise(intent)
        self._arrivals.sort()
        return [(at, line) for at, _, line in self._arrivals]

    def _normal(self) -> Iterator[Intent]:
        rng, plan = self._rng, self._plan
        kinds, weights = zip(*_NORMAL, strict=True)
        for bucket, mean in enumerate(plan.expected):
            for _ in range(poisson(rng, mean * plan.level.get(bucket, 1.0))):
                yield Intent(bucket, rng.choices(kinds, weights)[0])

    def _tone(self, bucket: int) -> str:
        # The brand's own answers and reposts dilute what is written; roots hold more complaints than the whole.
        share = min(0.9, 1.25 * self._plan.negative_share.get(bucket, self._plan.complaints))
        tones = _GRIPES if self._rng.random() < share else _RUN_OF_DAY
        return self._rng.choices(list(tones), list(tones.values()))[0]

    def _realise(self, intent: Intent) -> None:
        rng, people = self._rng, self._people
        at = moment(rng, intent.bucket)
        tone = intent.tone or self._tone(intent.bucket)
        story = self._stories.get(intent.story) if intent.story is not None else None
        match intent.what:
            case "story":
                writer = people.stranger(("x", "facebook"))._replace(followers=rng.randrange(5_000, 80_000))
                self._stories[intent.story or 0] = self._post(START + BUCKET * intent.bucket, writer, tone)
            case "pass_on" if story is not None:
                self._repost(at, story)
            case "reply_to_story" if story is not None:
                self._reply(at, story, tone)
            case "bystander" if self._threads:
                self._reply(at, rng.choice(self._threads), "bystander")
            case "cluster" if self._threads:
                self._cluster(intent.bucket, rng.choice(self._threads))
            case "own":
                writer = self._own(rng.choice(SOCIAL))
                self._write(at, writer, self._wording.plain("campaign" if rng.random() < 0.5 else "neutral", writer.language))
            case "press":
                writer = people.stranger(("x", "facebook"), "press")._replace(followers=rng.randrange(2_000, 200_000))
                self._write(at, writer, self._wording.plain("news", writer.language))
            case "bot":
                crew = self._bots.setdefault(intent.story or 0, [people.stranger(SOCIAL) for _ in range(rng.randrange(3, 6))])
                self._post(at, rng.choice(crew), tone)
            case "loud":
                self._post(at, rng.choice(people.loud) if intent.tone is None else people.loud[0], "complaint")
            case "spam":
                self._post(at, people.stranger(SOCIAL), tone)
            case "mail":
                self._post(at, people.anybody(("mail",)), tone)
            case _:
                self._conversation(at, people.anybody(), tone)

    def _conversation(self, at: datetime, writer: Author, tone: str) -> None:
        """A new post; perhaps the brand answers, and its author says something to that."""
        rng = self._rng
        mention = self._post(at, writer, tone)
        if rng.random() >= _ANSWERED.get(tone, 0.45):
            return
        at += timedelta(minutes=min(500.0, 4 + rng.lognormvariate(3.6, 0.9)))
        own = self._own(writer.channel)._replace(language=writer.language)
        answer = self._write(at, own, self._wording.plain("answer", writer.language), kind="reply", parent=mention)
        if rng.random() < 0.35:
            at += timedelta(minutes=3 + rng.expovariate(1 / 45))
            mood = rng.choices(("follow_good", "follow_bad"), (7, 3) if tone not in _GRIPES else (4, 6))[0]
            self._write(at, writer, self._wording.text(mood, writer.language, writer.habits), kind="reply", parent=answer)

    def _post(self, at: datetime, writer: Author, tone: str) -> dict[str, Any]:
        family = CHANNELS[writer.channel].family
        text = self._wording.text(tone, writer.language, writer.habits, long=family in ("mail", "forum") and self._rng.random() < 0.5)
        mention = self._write(at, writer, text, kind="review" if family == "review" else "post", tone=tone)
        if writer.channel in PUBLIC and family != "review":
            self._threads.append(mention)
        return mention

    def _reply(self, at: datetime, parent: dict[str, Any], tone: str) -> None:
        writer = self._people.anybody((parent["channel"],))
        self._write(at, writer, self._wording.text(tone, writer.language, writer.habits), kind="reply", parent=parent)

    def _repost(self, at: datetime, root: dict[str, Any]) -> None:
        if root["channel_family"] != "social":
            return
        writer = self._people.anybody((root["channel"],))
        text = f"RT @{root['author']['id']}: {root['text']}" if root["channel"] == "x" else root["text"]
        self._write(at, writer, text, kind="repost", parent=root)

    def _cluster(self, bucket: int, root: dict[str, Any]) -> None:
        """A post is passed on a few times, seldom many times."""
        count = 1
        while self._rng.random() < 0.72 and count < min(60, 3 + self._brand.daily // 20):
            count += 1
        for _ in range(count):
            self._repost(moment(self._rng, bucket) + timedelta(minutes=self._rng.expovariate(1 / 25)), root)

    def _own(self, channel: str) -> Author:
        language = self._brand.languages[0][0]
        return Author(self._brand.slug, channel, language, self._people.loud[0].habits, 40_000 if channel in SOCIAL else None)

    def _write(
        self, at: datetime, writer: Author, text: str, *, kind: str = "post", parent: dict[str, Any] | None = None, tone: str | None = None
    ) -> dict[str, Any]:
        channel, brand = CHANNELS[writer.channel], self._brand.slug
        private = channel.family == "mail"
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        self._number += 1
        native = f"{brand}-{self._number}"
        mention: dict[str, Any] = {
            "mention_id": f"{writer.channel}:{native}",
            "brand": brand,
            "channel": writer.channel,
            "channel_family": channel.family,
            "kind": "message" if private else kind,
            "text": text,
            "published_at": _moment(at),
            "author": {"id": writer.id, "role": writer.role} | ({"followers": writer.followers} if writer.followers is not None else {}),
            "visibility": "private" if private else "public",
            "source": channel.source,
        }
        if not private:
            mention["url"] = f"https://{writer.channel}.example/{native}"
        if parent is not None:
            root = parent.get("root_id") or parent["mention_id"]
            at = max(at, datetime.fromisoformat(parent["published_at"]) + timedelta(seconds=3))
            mention["published_at"] = _moment(at)
            mention |= {"parent_id": parent["mention_id"], "root_id": root, "thread_id": root}
        if channel.family == "review" and tone is not None:
            mention["rating"] = self._rng.choice(
                {"praise": (5, 5, 4), "neutral": (3,), "mixed": (3,), "question": (3, 4)}.get(tone, (1, 1, 2))
            )
        if tone is not None:
            self.meant[mention["mention_id"]] = tone
        self._deliver(at, writer.channel, channel.source, mention)
        return mention

    def _deliver(self, at: datetime, channel: str, source: str, mention: dict[str, Any]) -> None:
        """Through the connector: late, twice, edited or taken back, as connectors and people are."""
        rng = self._rng
        arrival = at + timedelta(seconds=delay(rng, channel))
        bucket = int((arrival - START) / BUCKET)
        twice = rng.random() < 0.006
        for first, last, down, made_up in self._plan.outages:
            if not first <= bucket < last:
                continue
            if down == "again":
                self._arrive(arrival + timedelta(hours=6), mention)
            elif down == source and not made_up:
                return
            elif down == source:
                arrival = START + BUCKET * last + timedelta(seconds=rng.uniform(1, 90))
        self._arrive(arrival, mention)
        if twice:
            self._arrive(arrival + timedelta(minutes=rng.expovariate(1 / 30)), mention)
        if rng.random() < 0.003:
            edited = mention | {"edit": 1, "text": mention["text"] + "!"}
            self._arrive(arrival + timedelta(minutes=rng.expovariate(1 / 20)), edited)
        if rng.random() < 0.004 and mention["author"]["id"] != self._brand.slug:
            gone = arrival + timedelta(minutes=rng.expovariate(1 / 40))
            self._put(
                gone,
                {
                    "type": "retraction",
                    "mention_id": mention["mention_id"],
                    "brand": mention["brand"],
                    "retracted_at": _moment(gone),
                    "source": source,
                },
            )

    def _arrive(self, at: datetime, mention: dict[str, Any]) -> None:
        self._put(at, mention | {"received_at": _moment(at)})

    def _put(self, at: datetime, record: dict[str, Any]) -> None:
        self._arrivals.append((at, len(self._arrivals), msgspec.json.encode(record)))


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
