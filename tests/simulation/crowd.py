"""Who writes, where, and how late a connector brings it."""

from random import Random
from typing import NamedTuple

from phrasing import Habits, habits


class Channel(NamedTuple):
    """``share`` of what is written; ``delay``: mean seconds until the connector has brought it."""

    family: str
    source: str
    share: int
    delay: float


CHANNELS: dict[str, Channel] = {
    "x": Channel("social", "social-feed", 38, 40),
    "facebook": Channel("social", "social-feed", 20, 60),
    "instagram": Channel("social", "social-feed", 8, 60),
    "mastodon": Channel("social", "mastodon-stream", 4, 8),
    "forum": Channel("forum", "forum-crawler", 8, 240),
    "trustreview": Channel("review", "review-feed", 5, 400),
    "appstore": Channel("review", "review-feed", 5, 400),
    "mail": Channel("mail", "mailbox", 12, 90),
}
SOURCES = tuple(dict.fromkeys(channel.source for channel in CHANNELS.values()))
SOCIAL = tuple(name for name, channel in CHANNELS.items() if channel.family == "social")
PUBLIC = tuple(name for name, channel in CHANNELS.items() if channel.family != "mail")


class Author(NamedTuple):
    """One account."""

    id: str
    channel: str
    language: str
    habits: Habits
    followers: int | None
    role: str = "unknown"


class People:
    """The accounts around one brand: most write seldom, some often."""

    def __init__(self, rng: Random, languages: dict[str, int], daily: int) -> None:
        self._rng = rng
        self._languages = languages
        self._regulars = [self.stranger() for _ in range(max(60, daily * 12))]
        self.loud = [self.stranger(SOCIAL) for _ in range(3)]

    def stranger(self, channels: tuple[str, ...] = tuple(CHANNELS), role: str = "unknown") -> Author:
        """An account never seen before."""
        rng = self._rng
        channel = rng.choices(channels, [CHANNELS[name].share for name in channels])[0]
        language = rng.choices(list(self._languages), list(self._languages.values()))[0]
        followers = round(rng.lognormvariate(5.2, 1.5)) if channel in SOCIAL else None
        return Author(f"u{rng.getrandbits(48):012x}", channel, language, habits(rng), followers, role)

    def anybody(self, channels: tuple[str, ...] | None = None) -> Author:
        """A regular, the busy ones more often, or now and then a stranger."""
        rng = self._rng
        for _ in range(8):
            if rng.random() < 0.3:
                break
            author = self._regulars[int(len(self._regulars) * rng.random() ** 2)]
            if channels is None or author.channel in channels:
                return author
        return self.stranger(channels or tuple(CHANNELS))


def delay(rng: Random, channel: str) -> float:
    """Seconds from publishing to arrival: mostly the connector's own, one in ten late, one in a hundred very late."""
    chance = rng.random()
    if chance < 0.009:
        return rng.uniform(3_600, 5.8 * 3_600)
    return rng.expovariate(1 / (1_200 if chance < 0.109 else CHANNELS[channel].delay))
