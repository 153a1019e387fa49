"""The people who write: invented accounts, many quiet and a few loud, each with a language, a way to type and some followers."""

from collections.abc import Sequence
from random import Random
from typing import Literal, NamedTuple

from agents.demo.phrases import Handles
from agents.demo.wording import Style, style
from schemas.mention import Author, ChannelFamily, Role

Channel = Literal["x", "instagram", "facebook", "mastodon", "trustreview", "forum", "mail", "appstore"]


class Medium(NamedTuple):
    """A channel of the demo: its family, the connector that reads it, its share of what is written, how many writers it has."""

    family: ChannelFamily
    source: str
    share: float
    writers: int


MEDIA: dict[Channel, Medium] = {
    "x": Medium("social", "social-feed", 0.35, 1400),
    "facebook": Medium("social", "social-feed", 0.18, 800),
    "instagram": Medium("social", "social-feed", 0.08, 400),
    "mastodon": Medium("social", "mastodon-stream", 0.07, 300),
    "trustreview": Medium("review", "review-feed", 0.07, 500),
    "appstore": Medium("review", "review-feed", 0.06, 500),
    "forum": Medium("forum", "forum-crawler", 0.09, 300),
    "mail": Medium("mail", "mailbox", 0.10, 600),
}
PUBLIC_TALK: tuple[Channel, ...] = ("x", "facebook", "instagram", "mastodon", "forum")
"""Where one can answer and be answered in public."""

LANGUAGES = {"nl": 0.79, "nl-BE": 0.05, "en": 0.07, "de": 0.035, "fr": 0.035, "pl": 0.006, "tr": 0.005, "es": 0.005, "it": 0.004}
ROLES: tuple[tuple[Role, float], ...] = (
    ("customer", 0.5),
    ("unknown", 0.45),
    ("prospect", 0.03),
    ("employee", 0.01),
    ("public-body", 0.01),
)


class Writer(NamedTuple):
    """One account on one channel."""

    channel: Channel
    author: Author
    language: str
    style: Style


class People:
    """All accounts. Who writes more often than others stands in front."""

    def __init__(self, handles: Handles, rng: Random) -> None:
        self._rng = rng
        self._handles = handles
        self._taken: set[str] = set()
        self._writers = {channel: self._crowd(channel, medium.writers) for channel, medium in MEDIA.items()}
        self._press = [
            Writer("x", Author(id=account, name=name, followers=rng.randrange(20_000, 400_000), role="press"), "nl", style(rng))
            for account, name in handles.press
        ]

    def _crowd(self, channel: Channel, size: int) -> dict[str, list[Writer]]:
        crowd: dict[str, list[Writer]] = {language: [] for language in LANGUAGES}
        for language, share in LANGUAGES.items():
            crowd[language] = [self.newcomer(channel, language) for _ in range(max(2, round(size * share)))]
        return crowd

    def newcomer(self, channel: Channel, language: str = "nl") -> Writer:
        """An account that nobody has seen before."""
        rng = self._rng
        handle = f"{rng.choice(self._handles.first)}_{rng.choice(self._handles.second)}"
        while handle in self._taken:
            handle = f"{handle.rstrip('0123456789')}{rng.randrange(2, 9999)}"
        self._taken.add(handle)
        social = MEDIA[channel].family == "social"
        roles, weights = zip(*ROLES, strict=True)
        role: Role = rng.choices(roles, weights)[0]
        followers = int(rng.lognormvariate(4.8, 1.4)) if social else None
        if followers is not None and followers > 8_000 and role == "unknown":
            role = "influencer"
        name = handle.replace("_", " ").rstrip("0123456789").title() if rng.random() < 0.7 else None
        account = f"{handle}@example.nl" if channel == "mail" else handle
        return Writer(channel, Author(id=account, name=name, followers=followers, role=role), language, style(rng))

    def somebody(self, channel: Channel, language: str) -> Writer:
        """A writer of this channel and language, those in front more often."""
        crowd = self._writers[channel][language]
        return crowd[int(len(crowd) * self._rng.random() ** 1.6)]

    def language(self) -> str:
        """A language, as often as it is written."""
        return self._rng.choices(tuple(LANGUAGES), tuple(LANGUAGES.values()))[0]

    def loud(self, count: int) -> Sequence[Writer]:
        """Accounts that take every chance to complain."""
        return [self.newcomer(self._rng.choice(("x", "facebook", "forum"))) for _ in range(count)]

    def journalist(self) -> Writer:
        """Somebody of the press."""
        return self._rng.choice(self._press)
