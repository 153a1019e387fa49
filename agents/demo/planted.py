"""What is planted in the four weeks, when, and what should come of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from agents.demo.people import Channel, Writer
from agents.demo.phrases import Campaign, Flood, Row, Tone, Wave
from agents.demo.rhythm import EVENINGS, days, moments
from agents.demo.traffic import PLAIN, Voices, conversation
from agents.demo.wording import Deck
from schemas.mention import Author, Mention

START = datetime(2026, 8, 31, tzinfo=UTC)
END = datetime(2026, 9, 28, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Amsterdam")
"""The time zone of all five brands: shown times are those that the alerts' sentences speak of."""


class Plant(NamedTuple):
    """One planted event. ``starts_at`` is its onset; ``expected``: the alert that should come of it, if any."""

    name: Literal["flood", "campaign", "wave", "row"]
    brand: str
    starts_at: datetime
    ends_at: datetime
    expected: Literal["crisis", "surge"] | None
    story: str


FLOOD = Plant(
    "flood",
    "pakketpiet",
    datetime(2026, 9, 9, 21, 0, tzinfo=UTC),
    datetime(2026, 9, 9, 22, 0, tzinfo=UTC),
    None,
    "three bots post 400 near-identical accusations within an hour of the evening: loud authors are not a crowd",
)
CAMPAIGN = Plant(
    "campaign",
    "veldspoor",
    datetime(2026, 9, 14, 4, 0, tzinfo=UTC),
    datetime(2026, 9, 20, 22, 0, tzinfo=UTC),
    None,
    "the autumn day ticket, announced in brands.toml: more of everything for a week, complaints too",
)
WAVE = Plant(
    "wave",
    "zonnekracht",
    datetime(2026, 9, 17, 6, 10, tzinfo=UTC),
    datetime(2026, 9, 18, 6, 0, tzinfo=UTC),
    "surge",
    "a mechanic helps a neighbour on his day off and is praised all over: a surge, no crisis",
)
ROW = Plant(
    "row",
    "noordnet",
    datetime(2026, 9, 22, 7, 20, tzinfo=UTC),
    datetime(2026, 9, 24, 7, 20, tzinfo=UTC),
    "crisis",
    "modems overheat after an update: a few complaints, then reposts, then a crowd, then the press",
)
PLANTED = (FLOOD, CAMPAIGN, WAVE, ROW)

ROW_CROWD = (5, 11, 22, 36, 48, 54, 50, 42, 36, 33, 30, 27, 21, 13, 7, 3, 2, 1, 1, 1, 1, 2, 4, 6, 7, 7, 6, 6, 5, 5, 5, 4, 4, 3, 2, 2, 1, 1)
"""New voices in each hour after the onset."""
ROW_REPOSTS = (2, 10, 16, 18, 20, 18, 14, 12, 10, 9, 8, 7, 5, 3, 2, 1, 0, 0, 0, 0, 0, 1, 2, 3, 3, 2, 2, 2, 1, 1, 1, 1)
"""Reposts in each of these hours."""
WAVE_CROWD = (6, 16, 28, 34, 32, 28, 24, 20, 18, 16, 14, 13, 12, 10, 7, 4, 2, 1, 0, 0, 0, 1, 2, 2)

BOTS = ("deal_alarm_4471", "deal_alarm_4472", "deal_alarm_4480")
FLOOD_POSTS = 400

CAMPAIGN_DAILY = (90, 70, 55, 50, 50, 70, 60)
"""Mentions that the campaign adds on each of its days."""
CAMPAIGN_TONES: dict[Tone, int] = {"neutral": 34, "praise": 38, "question": 18, "complaint": 10}


def _hourly(voices: Voices, start: datetime, counts: Sequence[int]) -> Iterator[tuple[int, datetime]]:
    """Hour after ``start`` and a moment in it, as often as ``counts`` says for that hour."""
    for hour, count in enumerate(counts):
        for share in sorted(voices.rng.random() for _ in range(count)):
            yield hour, start + timedelta(hours=hour + share)


def row(voices: Voices, texts: Row) -> Iterator[Mention]:
    """The row: everything that is written about the defect, unordered."""
    rng, wording, start = voices.rng, voices.wording, ROW.starts_at
    first = Deck(texts.first, rng)
    roots: list[Mention] = []
    channels: tuple[Channel, ...] = ("x", "x", "x", "facebook", "facebook", "mastodon", "instagram", "forum", "mail", "trustreview")
    for number, (hour, at) in enumerate(_hourly(voices, start, ROW_CROWD)):
        writer = voices.people.newcomer(rng.choice(channels)) if rng.random() < 0.7 else voices.people.somebody(rng.choice(channels), "nl")
        sentence = wording.fill(first.draw()) if number < len(texts.first) else wording.draw(texts.crowd)
        text = wording.finish(sentence, "complaint", writer.style)
        if roots and hour > 0 and rng.random() < 0.2:
            parent = rng.choice(roots[-30:])
            said = voices.reply(at, parent, writer._replace(channel=_talk(parent)), text)
        elif writer.channel == "trustreview":
            said = voices.say(at, writer, text, kind="review", title=wording.title("complaint"), rating=1.0)
        else:
            said = voices.say(at, writer, text, title=wording.title("complaint") if writer.channel in ("forum", "mail") else None)
        if said.channel in ("x", "facebook", "mastodon", "instagram"):
            roots.append(said)
        yield said
        if rng.random() < 0.3:
            yield from conversation(voices, said, "complaint")
    for _, at in _hourly(voices, start, ROW_REPOSTS):
        earlier = [root for root in roots[:60] if root.published_at < at - timedelta(minutes=2)]
        if earlier:
            root = earlier[int(len(earlier) * rng.random() ** 3)]  # the first ones go round most
            yield voices.repost(at, root, voices.people.newcomer(_talk(root)))
    for hours, sentence in zip((3.1, 5.4, 7.0, 9.2), texts.press, strict=True):
        article = voices.say(start + timedelta(hours=hours), voices.people.journalist(), wording.fill(sentence))
        yield article
        for _ in range(12):
            yield voices.repost(article.published_at + timedelta(minutes=rng.expovariate(1 / 50)), article, voices.people.newcomer("x"))
    for hours, sentence in zip((4.5, 25.0), texts.statement, strict=True):
        yield voices.say(start + timedelta(hours=hours), voices.own("x"), wording.fill(sentence))


def _talk(mention: Mention) -> Channel:
    talk: tuple[Channel, ...] = ("x", "facebook", "mastodon", "instagram", "forum")
    return next((channel for channel in talk if channel == mention.channel), "x")


def flood(voices: Voices, texts: Flood) -> Iterator[Mention]:
    """The bots: few texts, few authors, very many posts."""
    rng = voices.rng
    bots = [Writer("x", Author(id=bot, name=None, followers=rng.randrange(3)), "nl", PLAIN) for bot in BOTS]
    span = (FLOOD.ends_at - FLOOD.starts_at).total_seconds() - 120
    for number in range(FLOOD_POSTS):
        at = FLOOD.starts_at + timedelta(seconds=60 + span * (number + rng.random()) / FLOOD_POSTS)
        link = f"https://link.example/{rng.randrange(16**5):05x}"
        awake = min(len(bots), 1 + number // 100)  # they come one after another
        yield voices.say(at, bots[number % awake], voices.wording.fill(rng.choice(texts.texts), link=link))


def wave(voices: Voices, texts: Wave) -> Iterator[Mention]:
    """The compliment that goes round: reposts, and more in people's own words."""
    rng, wording = voices.rng, voices.wording
    root = voices.say(WAVE.starts_at, voices.people.somebody("x", "nl"), wording.fill(texts.root))
    yield root
    for _, at in _hourly(voices, WAVE.starts_at, WAVE_CROWD):
        writer = voices.people.newcomer(rng.choice(("x", "x", "facebook", "instagram", "mastodon")))
        if rng.random() < 0.45:
            yield voices.repost(at, root, writer._replace(channel="x"))
        else:
            text = wording.finish(wording.draw(texts.crowd), "praise", writer.style)
            yield voices.reply(at, root, writer._replace(channel="x"), text) if rng.random() < 0.5 else voices.say(at, writer, text)
    for hours, sentence in zip((5.0,), texts.press, strict=True):
        yield voices.say(WAVE.starts_at + timedelta(hours=hours), voices.people.journalist(), wording.fill(sentence))


def campaign(voices: Voices, texts: Campaign) -> Iterator[Mention]:
    """The brand's own announcement and a week of people who talk about it."""
    rng, wording = voices.rng, voices.wording
    tones = Deck([tone for tone, weight in CAMPAIGN_TONES.items() for _ in range(weight)], rng)
    for text in texts.post:
        for channel in ("x", "facebook", "instagram"):
            yield voices.say(CAMPAIGN.starts_at + timedelta(hours=2), voices.own(channel), text)
    for day, count in zip(days(CAMPAIGN.starts_at, CAMPAIGN.ends_at - timedelta(hours=1)), CAMPAIGN_DAILY, strict=True):
        for at in moments(day, count, EVENINGS, rng):
            if not CAMPAIGN.starts_at <= at < CAMPAIGN.ends_at:
                continue
            tone = tones.draw()
            writer = voices.people.somebody(rng.choice(("x", "x", "facebook", "instagram", "mastodon", "forum")), "nl")
            said = voices.say(at, writer, wording.finish(wording.draw(texts.of(tone)), tone, writer.style))
            yield said
            if rng.random() < 0.5:
                yield from conversation(voices, said, tone)
