"""What is kept of a bucket to tell people about: some of its complaints, and what echoed them. No text: only single words of it.

Everything here is chosen by times and ids, never by the order of arrival, so that any order within the lateness leaves the same bytes.
"""

from bisect import insort
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pipeline.brand_core import VERSION, body
from pipeline.seen import NEGATIVE, REPLY, REPOST, Seen, identity_of
from pipeline.telling_words import telling_words
from schemas.mention import ScoredMention

KEPT_QUOTES = 16
"""Complaints kept of a bucket: the earliest, one of each author."""
KEPT_OF_PART = 4
"""And beside them the earliest of each topic and each channel family: a small part of a large brand has something to show too."""
KEPT_ECHOES = 64
"""Reposts and replies kept of a bucket: those whose identities come first, which is as good as by lot."""

OPEN_TIMES = 2
"""As long as a bucket is open, so many times as many are kept, and of each author: what is taken back makes room for what comes next,
whichever of the two arrives first. That holds while no more is taken back than is kept beyond the half that a close leaves: one mention of
each author, sixteen complaints, 64 echoes of a bucket. Beyond, what is shown depends on the order of arrival."""

_LONGEST_URL = 500


class Quote(Struct, array_like=True, frozen=True):
    """A complaint to show: no text. Times in seconds; ``at`` is its detection time; ``words``: what it says most, space between."""

    at: float
    mention_id: str
    author: int
    published_at: float
    url: str | None = None
    channel: str | None = None
    words: str = ""
    topic: str | None = None
    dossier: str | None = None
    reach: int | None = None
    family: str | None = None
    """Its channel family, being public."""

    def order(self) -> tuple[float, str]:
        """The earlier comes first."""
        return self.at, self.mention_id

    def part(self) -> tuple[str | None, str | None]:
        """Of which parts of the brand it is."""
        return self.topic, self.family


class Echo(Struct, array_like=True, frozen=True):
    """A repost or reply: of which identities (parent and root), how many it may have reached, whether the brand wrote it."""

    of: tuple[bytes, ...]
    reach: int | None = None
    own: bool = False


class _Kept(Struct):
    """A snapshot with echoes; one without is the list of its quotes, as it was before there were any."""

    quotes: list[Quote]
    echoes: dict[bytes, Echo]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Quote] | _Kept).decode


class Exhibit:
    """Of one bucket."""

    __slots__ = ("echoes", "quotes")

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.echoes: dict[bytes, Echo] = {}

    def __bool__(self) -> bool:
        return bool(self.quotes or self.echoes)

    def wants(self, at: float, mention_id: str, times: int = 1, topic: str | None = None, family: str | None = None) -> bool:
        """Whether a complaint of that moment could be kept: making a quote costs more than asking."""
        quotes = self.quotes
        if len(quotes) < times * KEPT_QUOTES or (at, mention_id) < quotes[times * KEPT_QUOTES - 1].order():
            return True
        for part in (
            [quote for quote in quotes if quote.topic == topic] if topic is not None else None,
            [quote for quote in quotes if quote.family == family] if family is not None else None,
        ):
            if part is not None and (len(part) < times * KEPT_OF_PART or (at, mention_id) < part[times * KEPT_OF_PART - 1].order()):
                return True
        return False

    def show(self, candidate: Quote, times: int = 1) -> bool:
        """Keep the earliest complaints, ``times`` of each author in each part; whether this is one of them."""
        quotes = self.quotes
        same = [index for index, known in enumerate(quotes) if known.author == candidate.author and known.part() == candidate.part()]
        if len(same) >= times:
            if quotes[same[-1]].order() <= candidate.order():
                return False
            del quotes[same[-1]]
        insort(quotes, candidate, key=Quote.order)
        if len(quotes) > times * KEPT_QUOTES:
            self.quotes = _kept(quotes, times)
            return candidate in self.quotes
        return True

    def hear(self, identity: bytes, echo: Echo, times: int = 1) -> bool:
        """Keep an echo, if it is among those that are kept."""
        self.echoes[identity] = echo
        if len(self.echoes) > times * KEPT_ECHOES:
            del self.echoes[max(self.echoes)]
        return identity in self.echoes

    def hide(self, mention_id: str) -> bool:
        """Show a mention no more; whether it was shown."""
        kept = [quote for quote in self.quotes if quote.mention_id != mention_id]
        changed = len(kept) != len(self.quotes)
        self.quotes = kept
        return changed

    def keep_authors(self, voices: Collection[int]) -> None:
        """Of the quotes only the earliest of each author who counts (see `buckets.voice`)."""
        first: dict[int, Quote] = {}
        for quote in self.quotes:
            if quote.author << 2 | NEGATIVE in voices:
                first.setdefault(quote.author, quote)
        self.quotes = _kept(list(first.values()), 1)

    def of_part(self, topic: str | None, family: str | None) -> "Exhibit":
        """What of it is about a topic, or comes from a public channel family. The echoes are those of all."""
        part = Exhibit()
        part.quotes = [quote for quote in self.quotes if (quote.topic == topic if topic is not None else quote.family == family)]
        part.echoes = self.echoes
        return part

    def keep_echoes(self, is_complaint: Callable[[bytes], bool]) -> None:
        """Only those of complaints."""
        if self.echoes:
            of_complaints = [identity for identity, echo in self.echoes.items() if any(map(is_complaint, echo.of))]
            self.echoes = {identity: self.echoes[identity] for identity in sorted(of_complaints)[:KEPT_ECHOES]}

    def size(self) -> tuple[int, int]:
        """Quotes and echoes kept."""
        return len(self.quotes), len(self.echoes)

    def clear(self) -> None:
        """Nothing is kept any longer."""
        self.quotes, self.echoes = [], {}

    def snapshot(self) -> bytes | None:
        """Bit for bit; None where there is nothing."""
        if self.echoes:
            return VERSION + _encode(_Kept(self.quotes, dict(sorted(self.echoes.items()))))
        return VERSION + _encode(self.quotes) if self.quotes else None

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        held = _decode(body(value))
        self.quotes, self.echoes = (held, {}) if isinstance(held, list) else (held.quotes, held.echoes)


def _kept(quotes: Sequence[Quote], times: int) -> list[Quote]:
    """Of quotes in their order the earliest, and the earliest of each part. What is left out never comes back by one more."""
    found: dict[tuple[str, str | None], int] = {}
    out = []
    for place, quote in enumerate(quotes):
        kept = place < times * KEPT_QUOTES
        for part in (("topic", quote.topic), ("family", quote.family)):
            found[part] = found.get(part, 0) + 1
            kept = kept or (part[1] is not None and found[part] <= times * KEPT_OF_PART)
        if kept:
            out.append(quote)
    return out


def quote_of(mention: ScoredMention, seen: Seen, names: frozenset[str], dossier: str | None) -> Quote:
    """A complaint to show. ``names``: words that mean the brand. A permalink of unusual length is left out, so that state stays small."""
    url = mention.url
    return Quote(
        mention.detected_at.timestamp(),
        mention.mention_id,
        seen.author,
        mention.published_at.timestamp(),
        url if url is None or len(url) <= _LONGEST_URL else None,
        mention.channel,
        " ".join(telling_words(mention.text, mention.language, names)),
        mention.topic,
        dossier,
        None if mention.reach is None else mention.reach.value,
        None if seen.family else mention.channel_family,
    )


def echo_of(mention: ScoredMention, role: int) -> Echo | None:
    """What a mention makes louder or, from the brand itself, answers; None: nothing."""
    own = mention.direction == "outbound" and not mention.spam
    if not own and role not in (REPLY, REPOST):
        return None
    targets = {identity_of(target) for target in (mention.parent_id, mention.root_id) if target is not None}
    if not targets:
        return None
    reach = mention.reach
    return Echo(tuple(sorted(targets)), None if own or reach is None else reach.value, own)


class Heard(NamedTuple):
    """What became of a complaint: reposts and replies of others, and whether the brand answered."""

    echoes: int = 0
    answered: bool = False


def heard_of(exhibits: Iterable[Exhibit]) -> dict[bytes, Heard]:
    """By identity of the complaint."""
    found: dict[bytes, Heard] = {}
    for exhibit in exhibits:
        for echo in exhibit.echoes.values():
            for target in echo.of:
                known = found.get(target, Heard())
                found[target] = Heard(known.echoes + (not echo.own), known.answered or echo.own)
    return found
