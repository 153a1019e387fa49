"""Invented records for the benchmark: 1,000 brands and what is written about them, and the configuration folder that knows them.

All texts come from the demo's phrases. A draft leaves its time of writing open: it is filled in when it is sent.
"""

import shutil
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from agents.demo.people import MEDIA, Channel
from agents.demo.phrases import SECTORS, Phrases, Tone, load_phrases
from agents.demo.wording import Wording, style
from agents.deployment import packaged_deployments
from pipeline.partition import Partitioner
from schemas.mention import Author, Mention, MentionKind
from schemas.topics import DEFAULT_PARTITIONS

BRANDS = 1_000
AUTHORS = 40_000
SHORTEST, LONGEST = 20, 280
TONES: dict[Tone, float] = {"complaint": 0.16, "praise": 0.16, "question": 0.2, "neutral": 0.48}
LANGUAGES = {"nl": 0.74, "en": 0.15, "de": 0.11}
REPLIES, REPOSTS = 0.35, 0.05
_FIRST = ("noord", "zuid", "oost", "west", "veld", "berg", "duin", "heide", "polder", "haven")
_SECOND = ("net", "spoor", "kracht", "post", "bank", "zorg", "markt", "huis", "rijk", "weg")
_encode = msgspec.json.Encoder().encode
_HOLE = "9999-12-31T23:59:59Z"
_HOLE_TIME = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class Draft(NamedTuple):
    """A raw record without its time: ``head`` + RFC 3339 + ``tail`` is the body."""

    partition: int
    key: bytes
    head: bytes
    tail: bytes


class BenchBrand(NamedTuple):
    """A brand of the benchmark."""

    slug: str
    name: str
    sector: str


def brands() -> list[BenchBrand]:
    """A thousand names of two invented parts and a number, over the demo's five sectors."""
    named = []
    for number in range(BRANDS):
        name = f"{_FIRST[number % 10]}{_SECOND[number // 10 % 10]}{number // 100}"
        named.append(BenchBrand(name, name.capitalize(), SECTORS[number % len(SECTORS)]))
    return named


def deployment(folder: Path) -> Path:
    """Write a configuration folder with all brands and the demo's rule book."""
    lines = [f"channels = {list(MEDIA)}"]
    for brand in brands():
        lines += [
            "[[brands]]",
            f'slug = "{brand.slug}"',
            f'names = ["{brand.name}"]',
            f'accounts = ["x:{brand.slug}", "facebook:{brand.slug}"]',
            'languages = ["nl", "en"]',
            f'team = "webcare-{brand.sector}"',
            "complaints_per_month = 1_000",
        ]
    for source in sorted({medium.source for medium in MEDIA.values()}):
        lines += ["[[sources]]", f'name = "{source}"']
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "brands.toml").write_text("\n".join(lines) + "\n")
    shutil.copy(packaged_deployments() / "demo" / "routing.toml", folder)
    return folder


class Zipf:
    """Draws places 0 to ``size`` - 1, each as often as 1 / (place + 1)."""

    def __init__(self, size: int, rng: Random) -> None:
        self._sums = list(accumulate(1 / place for place in range(1, size + 1)))
        self._rng = rng

    def draw(self) -> int:
        """A place."""
        return bisect(self._sums, self._rng.random() * self._sums[-1])


def light_drafts(count: int, seed: int = 7) -> list[Draft]:
    """Small records for the runtime alone, about 290 bytes; ``id`` is the record's number."""
    rng, partitioner, named = Random(seed), Partitioner(DEFAULT_PARTITIONS), brands()
    zipf = Zipf(BRANDS, rng)
    filler = "een bericht van gewone lengte over de dienst, met een vraag erin en een dank aan het einde"
    drafts = []
    for number in range(count):
        brand = named[zipf.draw()].slug
        body = {"id": number, "brand": brand, "author": f"schrijver-{zipf.draw()}", "text": f"{filler} {filler[: rng.randrange(60, 90)]}"}
        drafts.append(_draft(brand, _encode(body | {"published_at": _HOLE}), partitioner))
    return drafts


def _draft(brand: str, body: bytes, partitioner: Partitioner) -> Draft:
    head, _, tail = body.partition(_HOLE.encode())
    return Draft(partitioner(brand), brand.encode(), head, tail)


class Town:
    """Writes mentions of all brands: Zipf-distributed, with threads, reposts, reviews and mails."""

    def __init__(self, seed: int = 11) -> None:
        self._rng = rng = Random(seed)
        phrases: Phrases = load_phrases()
        self.brands = brands()
        self._wordings = [Wording(phrases, brand.sector, brand.slug, brand.name, rng) for brand in self.brands]
        self._styles = [style(rng) for _ in range(200)]
        self._brand_of = Zipf(BRANDS, rng)
        self._partitioner = Partitioner(DEFAULT_PARTITIONS)
        self._open: list[deque[tuple[str, Channel, str]]] = [deque(maxlen=12) for _ in self.brands]
        self._channels, self._shares = tuple(MEDIA), [medium.share for medium in MEDIA.values()]
        self._written = 0

    def drafts(self) -> Iterator[Draft]:
        """Mentions without end."""
        while True:
            yield self.draft(self._brand_of.draw())

    def draft(self, place: int, tone: Tone | None = None, author: int | None = None) -> Draft:
        """One mention of the brand at ``place``; with a tone or an author of our choice it is a post of its own."""
        rng, brand = self._rng, self.brands[place]
        chosen = tone is not None or author is not None
        tone = tone or rng.choices(tuple(TONES), tuple(TONES.values()))[0]
        author = int(AUTHORS * rng.random() ** 1.6) if author is None else author  # those in front more often
        channel: Channel = "x" if chosen else rng.choices(self._channels, self._shares)[0]
        kind: MentionKind = "post"
        parent: tuple[str, Channel, str] | None = None
        if not chosen and self._open[place] and rng.random() < REPLIES + REPOSTS:
            parent = rng.choice(self._open[place])
            channel = parent[1]
            kind = "repost" if rng.random() < REPOSTS / (REPLIES + REPOSTS) else "reply"
        medium = MEDIA[channel]
        if parent is None and medium.family in ("review", "mail"):
            kind = "review" if medium.family == "review" else "message"
        self._written += 1
        identity = f"{channel}:{100_000 + self._written}"
        if parent is None and kind == "post":
            self._open[place].append((identity, channel, identity))
        elif parent is not None and kind == "reply":
            self._open[place].append((identity, channel, parent[2]))
        mention = Mention(
            mention_id=identity,
            brand=brand.slug,
            channel=channel,
            channel_family=medium.family,
            text=self._text(place, tone),
            published_at=_HOLE_TIME,
            author=Author(id=f"account-{author}", name=f"Account {author}", followers=author % 5_000),
            kind=kind,
            url=None if medium.family == "mail" else f"https://{channel}.example/{brand.slug}/{self._written}",
            thread_id=None if parent is None else parent[2],
            parent_id=None if parent is None else parent[0],
            root_id=None if parent is None else parent[2],
            visibility="private" if medium.family == "mail" else "public",
            rating=None if kind != "review" else {"complaint": 1.0, "praise": 5.0}.get(tone, 3.0),
            source=medium.source,
        )
        return _draft(brand.slug, _encode(mention), self._partitioner)

    def _text(self, place: int, tone: Tone) -> str:
        """20 to 280 characters: sentences of one tone and language, as many as chance wants and fit."""
        rng = self._rng
        language = rng.choices(tuple(LANGUAGES), tuple(LANGUAGES.values()))[0]
        wanted = rng.choice((30, 60, 100, 140, 200, 260))
        how = rng.choice(self._styles)
        text = self._wordings[place].text(tone, language, how)
        while len(text) < max(SHORTEST, wanted):
            more = f"{text} {self._wordings[place].text(tone, language, how)}"
            if len(more) > LONGEST:
                break
            text = more
        return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0]
