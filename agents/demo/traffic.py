"""Normal days of a brand: posts, reviews, mails, people who join in, the brand's own answers and what becomes of them."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Literal, NamedTuple

from agents.demo.people import MEDIA, PUBLIC_TALK, Channel, People, Writer
from agents.demo.phrases import Tone
from agents.demo.rhythm import days, is_weekend, moments, served
from agents.demo.wording import Deck, Style, Wording
from schemas.mention import Author, Mention, MentionKind, Reach

PLAIN = Style(careful=True, slips=0.0, short=0.0, emoji=0.0, tags=0.0)
OPEN_THREADS = timedelta(hours=30)


class DemoBrand(NamedTuple):
    """One brand of the demo. ``daily``: what is written on a weekday, its own answers included; ``weekend``: share of that."""

    slug: str
    name: str
    sector: str
    daily: int
    weekend: float
    hours: Sequence[float]
    weekend_hours: Sequence[float]
    tones: dict[Tone, int]


class Voices:
    """Makes the mentions of one brand: identities, threads, links, reach."""

    def __init__(self, brand: DemoBrand, number: int, people: People, wording: Wording, rng: Random) -> None:
        self.brand = brand
        self.people = people
        self.wording = wording
        self.rng = rng
        self._last_id = 100_000_000 * (number + 1)

    def say(
        self,
        at: datetime,
        writer: Writer,
        text: str,
        *,
        kind: MentionKind = "post",
        parent: Mention | None = None,
        title: str | None = None,
        rating: float | None = None,
    ) -> Mention:
        """A mention by ``writer``; with a parent it belongs to that one's thread."""
        medium, rng = MEDIA[writer.channel], self.rng
        self._last_id += rng.randrange(3, 900)
        native = str(self._last_id)
        private = medium.family == "mail"
        handle, own = f"@{self.brand.slug}", writer.author.id == self.brand.slug
        if medium.family == "social" and kind == "post" and writer.author.role != "press" and not own and rng.random() < 0.5:
            text = f"{handle} {text}"
        root = None if parent is None else parent.root_id or parent.mention_id
        return Mention(
            mention_id=f"{writer.channel}:{native}",
            brand=self.brand.slug,
            channel=writer.channel,
            channel_family=medium.family,
            text=text,
            published_at=at.replace(microsecond=at.microsecond // 1000 * 1000),
            author=writer.author,
            kind="message" if private else kind,
            title=title,
            url=None if private else f"https://{writer.channel}.example/{self.brand.slug}/{native}",
            thread_id=root,
            parent_id=None if parent is None else parent.mention_id,
            root_id=root,
            visibility="private" if private else "public",
            addressed=True if private or handle in text or kind == "reply" else None,
            reach=self._reach(writer.author),
            rating=rating,
            language_hint=writer.language[:2] if writer.channel == "appstore" else None,
            source=medium.source,
        )

    def _reach(self, author: Author) -> Reach | None:
        if author.followers is None or self.rng.random() < 0.5:
            return None
        if self.rng.random() < 0.6:
            return Reach(value=author.followers, source="followers")
        return Reach(value=round(author.followers * self.rng.uniform(0.05, 0.7)), source="estimated")

    def own(self, channel: Channel) -> Writer:
        """The brand's own account, which the registry knows."""
        followers = 52_000 if MEDIA[channel].family == "social" else None
        return Writer(channel, Author(id=self.brand.slug, name=self.brand.name, followers=followers), "nl", PLAIN)

    def somebody(self, channels: Sequence[Channel] = tuple(MEDIA)) -> Writer:
        """A writer of some channel, in some language."""
        channel = self.rng.choices(channels, [MEDIA[channel].share for channel in channels])[0]
        return self.people.somebody(channel, self.people.language())

    def root(self, at: datetime, writer: Writer, tone: Tone) -> Mention:
        """Something new: a post, a review, a mail, a question on a forum."""
        family = MEDIA[writer.channel].family
        long = family in ("mail", "forum", "review") and self.rng.random() < 0.5
        text = self.wording.text(tone, writer.language, writer.style, long=long)
        if family == "review":
            title = self.wording.title(tone) if writer.channel == "trustreview" and writer.language == "nl" else None
            return self.say(at, writer, text, kind="review", title=title, rating=self._rating(tone))
        title = self.wording.title(tone) if family in ("mail", "forum") and writer.language == "nl" else None
        return self.say(at, writer, text, title=title)

    def _rating(self, tone: Tone) -> float | None:
        if self.rng.random() < 0.03:  # pressed the wrong star
            return 5.0 if tone == "complaint" else 1.0
        stars: dict[Tone, tuple[float, ...]] = {"complaint": (1, 1, 1, 2), "praise": (5, 5, 4), "question": (3, 4), "neutral": (3,)}
        return self.rng.choice(stars[tone])

    def reply(self, at: datetime, parent: Mention, writer: Writer, text: str) -> Mention:
        """An answer in the thread of ``parent``."""
        return self.say(at, writer, text, kind="reply", parent=parent)

    def repost(self, at: datetime, root: Mention, writer: Writer) -> Mention:
        """The root's words again, under another name."""
        text = f"RT @{root.author.id}: {root.text}" if writer.channel == "x" else root.text
        return self.say(at, writer, text, kind="repost", parent=root)


What = Literal["root", "loud", "bystander", "repost", "emoji", "personal", "press"]
_WHAT: dict[What, int] = {"root": 73, "loud": 5, "bystander": 9, "repost": 8, "emoji": 2, "personal": 1, "press": 2}
_ANSWERED: dict[Tone, float] = {"complaint": 0.5, "question": 0.55, "praise": 0.15, "neutral": 0.03}
_FOLLOW_UP: dict[Tone, int] = {"complaint": 6, "praise": 9, "question": 1, "neutral": 4}
_WITH_ANSWERS = 1.42
"""Mentions for each one that nobody asked for: answers and follow-ups come on top."""


def normal_days(voices: Voices, start: datetime, end: datetime) -> Iterator[Mention]:
    """All that is written about a brand when nothing is the matter, unordered."""
    brand, rng = voices.brand, voices.rng
    tones = Deck([tone for tone, weight in brand.tones.items() for _ in range(weight)], rng)
    whats = Deck([what for what, weight in _WHAT.items() for _ in range(weight)], rng)
    loud = voices.people.loud(4)
    threads: deque[Mention] = deque(maxlen=60)
    for day in days(start, end):
        share, hours = (brand.weekend, brand.weekend_hours) if is_weekend(day) else (1.0, brand.hours)
        count = round(brand.daily * share * rng.uniform(0.93, 1.07) / _WITH_ANSWERS)
        for at in moments(day, count, hours, rng):
            if not start <= at < end:
                continue
            while threads and threads[0].published_at < at - OPEN_THREADS:
                threads.popleft()
            tone = tones.draw()
            mention = _one(voices, whats.draw(), tone, at, loud, threads)
            yield mention
            if mention.kind != "repost":
                yield from (said for said in conversation(voices, mention, tone) if said.published_at < end)


def _one(voices: Voices, what: What, tone: Tone, at: datetime, loud: Sequence[Writer], threads: deque[Mention]) -> Mention:
    rng = voices.rng
    shared = [thread for thread in threads if thread.channel_family == "social"]
    match what:
        case "bystander" if threads:
            parent = rng.choice(threads)
            writer = voices.people.somebody(_channel(parent), "nl")
            return voices.reply(at, parent, writer, voices.wording.bystander(tone, writer.style))
        case "repost" if shared:
            root = rng.choice(shared)
            return voices.repost(at, root, voices.people.somebody(_channel(root), "nl"))
        case "emoji":
            return voices.say(at, voices.somebody(PUBLIC_TALK), voices.wording.emoji_alone())
        case "personal":
            writer = voices.people.somebody(rng.choice(("mail", "mail", "x", "facebook")), "nl")
            return voices.say(at, writer, voices.wording.personal(writer.style))
        case "press":
            mention = voices.root(at, voices.people.journalist(), "neutral")
        case "loud":
            mention = voices.root(at, rng.choice(loud), "complaint")
        case _:
            mention = voices.root(at, voices.somebody(), tone)
    if mention.channel in PUBLIC_TALK:
        threads.append(mention)
    return mention


def _channel(mention: Mention) -> Channel:
    return next(channel for channel in MEDIA if channel == mention.channel)


def conversation(voices: Voices, mention: Mention, tone: Tone) -> Iterator[Mention]:
    """The brand's answer, if it answers, and what its author says to that."""
    rng = voices.rng
    if rng.random() >= _ANSWERED[tone]:
        return
    at = mention.published_at + timedelta(minutes=min(600.0, 4 + rng.lognormvariate(3.7, 0.9)))
    while not served(at):
        at += timedelta(minutes=rng.uniform(20, 60))
    answer = voices.reply(at, mention, voices.own(_channel(mention)), voices.wording.answer(tone))
    yield answer
    if rng.random() < 0.38:
        tones, weights = zip(*_FOLLOW_UP.items(), strict=True)
        mood: Tone = rng.choices(tones, weights)[0]
        writer = Writer(_channel(mention), mention.author, "nl", PLAIN._replace(careful=False, emoji=0.2))
        at += timedelta(minutes=3 + rng.expovariate(1 / 45))
        yield voices.reply(at, answer, writer, voices.wording.follow_up(mood, writer.style))
