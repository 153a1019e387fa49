"""What is kept of a bucket to tell people about: some of its complaints, and what echoed them. No text: only single words of it.

Everything here is chosen by times and ids, never by the order of arrival, so that any order within the lateness leaves the same bytes.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from pipeline.brand_core import VERSION, body
from pipeline.key import topic_of
from pipeline.seen import NEGATIVE, REPLY, REPOST, Seen, identity_of, topic_number
from pipeline.telling_words import telling_words
from schemas.mention import ScoredMention

KEPT_QUOTES = 16
"""Complaints kept of a bucket: the earliest, one of each author."""
KEPT_OF_PART = 4
"""And beside them the earliest of each topic and each channel family: a small part of a large brand has something to show too."""
SHOWN_TOPICS = 32
"""Topics of which that is so while a bucket is open: those whose numbers come first, which is as good as by lot."""
KEPT_NAMES = 1_024
"""And topics whose names are known meanwhile, likewise: with those of all quotes less than the megabyte that a snapshot may have."""
KEPT_ECHOES = 64
"""Reposts and replies kept of a bucket: those whose identities come first, which is as good as by lot."""

OPEN_TIMES = 2
"""As long as a bucket is open, so many times as many are kept, and of each author: what is taken back makes room for what comes next,
whichever of the two arrives first. That holds while no more is taken back than is kept beyond the half that a close leaves: one mention of
each author, sixteen complaints, 64 echoes of a bucket; and while no more topics are complained of than have names. Beyond, what is shown
depends on the order of arrival."""

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


class _Kept(Struct, omit_defaults=True):
    """A snapshot; one without echoes and the rest is the list of its quotes, as it was before there were any."""

    quotes: list[Quote]
    echoes: dict[bytes, Echo]
    apart: list[Quote] = []
    names: list[str] | None = None
    """None: those of the public quotes."""
    counted: list[int] | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Quote] | _Kept).decode


Part = tuple[Literal["topic", "family"], str]
"""Of a brand, in public."""

IsNew = Callable[[Part, int], bool]
"""Whether an author has not complained in a part in this clock hour before."""


class Exhibit:
    """Of one bucket."""

    __slots__ = ("_numbers", "apart", "counted", "echoes", "names", "quotes")

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.apart: list[Quote] = []
        """Of a closed bucket those that stand for a part of the brand only: with the brand their authors have counted by another."""
        self.echoes: dict[bytes, Echo] = {}
        self.names: dict[int, str] = {}
        """What the topics are called that public complaints are about, by their numbers (`seen.topic_number`)."""
        self._numbers: list[int] = []  # theirs in order
        self.counted: frozenset[int] | None = None
        """Of a closed bucket the numbers of the topics that count apart, where it holds more; None: all."""

    def __bool__(self) -> bool:
        return bool(self.quotes or self.echoes or self.apart or self.names)

    def counts(self, topic: int) -> bool:
        """Whether a topic of this number counts apart."""
        return self.counted is None or topic in self.counted

    def name(self, topic: str) -> bool:
        """Note what a topic is called; whether that is new."""
        number = topic_number(topic)
        known = self.names.get(number)
        if known is not None and known <= topic:  # one in four thousand millions has the number of another
            return False
        self.names[number] = topic
        if known is None:
            insort(self._numbers, number)
            if len(self._numbers) > KEPT_NAMES:
                del self.names[self._numbers.pop()]
        return number in self.names

    def keep_parts(self, complained: Collection[int], counted: frozenset[int] | None, is_new: IsNew) -> bool:
        """The bucket ends: what its parts keep, before `keep_authors` says what the brand does. Whether it is less than before.

        Args:
            complained: numbers of the topics that hold complaints.
            counted: of those that count apart, if not all do.
        """
        before = len(self.names), self.counted
        self.counted = counted
        kept = {number for number in complained if counted is None or number in counted}
        self.names = {number: name for number, name in self.names.items() if number in kept}
        self._numbers = sorted(self.names)
        met: set[tuple[Part, int]] = set()
        self.apart = []
        for quote in self.quotes:
            of = [(part, quote.author) for part in self._parts(quote, 1)]
            if any(one not in met and is_new(*one) for one in of):
                self.apart.append(quote)
            met.update(of)
        return before != (len(self.names), counted)

    def _parts(self, quote: Quote, times: int) -> list[Part]:
        """The parts of which it may be shown as a complaint of theirs."""
        out: list[Part] = []
        if quote.topic is not None and self._is_shown(quote.topic, times):
            out.append(("topic", quote.topic))
        if quote.family is not None:
            out.append(("family", quote.family))
        return out

    def _is_shown(self, topic: str, times: int) -> bool:
        """Whether a topic has something to show of its own. Of a closed bucket each that is left has."""
        number = topic_number(topic)
        return number in self.names and (times == 1 or bisect_left(self._numbers, number) < SHOWN_TOPICS)

    def wants(self, at: float, mention_id: str, times: int = 1, topic: str | None = None, family: str | None = None) -> bool:
        """Whether a complaint of that moment could be kept: making a quote costs more than asking."""
        quotes = self.quotes
        if len(quotes) < times * KEPT_QUOTES or (at, mention_id) < quotes[times * KEPT_QUOTES - 1].order():
            return True
        for part in (
            [quote for quote in quotes if quote.topic == topic] if topic is not None and self._is_shown(topic, times) else None,
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
            self.quotes = self._kept(quotes, times)
            return candidate in self.quotes
        return True

    def _kept(self, quotes: Sequence[Quote], times: int, most: int = KEPT_QUOTES) -> list[Quote]:
        """Of quotes in their order the earliest, and the earliest of each part. What is left out never comes back by one more."""
        found: dict[Part, int] = {}
        out = []
        for place, quote in enumerate(quotes):
            kept = place < times * most
            for part in self._parts(quote, times):
                found[part] = number = found.get(part, 0) + 1
                kept = kept or number <= times * KEPT_OF_PART
            if kept:
                out.append(quote)
        return out

    def hear(self, identity: bytes, echo: Echo, times: int = 1) -> bool:
        """Keep an echo, if it is among those that are kept."""
        self.echoes[identity] = echo
        if len(self.echoes) > times * KEPT_ECHOES:
            del self.echoes[max(self.echoes)]
        return identity in self.echoes

    def hide(self, mention_id: str) -> bool:
        """Show a mention no more; whether it was shown."""
        before = len(self.quotes) + len(self.apart)
        self.quotes = [quote for quote in self.quotes if quote.mention_id != mention_id]
        self.apart = [quote for quote in self.apart if quote.mention_id != mention_id]
        return before != len(self.quotes) + len(self.apart)

    def keep_authors(self, voices: Collection[int]) -> None:
        """Of the quotes only the earliest of each author who counts (see `buckets.voice`); of the others those that a part keeps."""
        first: dict[int, Quote] = {}
        for quote in self.quotes:
            if quote.author << 2 | NEGATIVE in voices:
                first.setdefault(quote.author, quote)
        self.quotes = self._kept(list(first.values()), 1)
        self.apart = self._kept([quote for quote in self.apart if first.get(quote.author) is not quote], 1, 0)

    def of_part(self, topic: str | None, family: str | None) -> "Exhibit":
        """What of it is about a topic, or comes from a public channel family. The echoes are those of all."""
        part = Exhibit()
        quotes = sorted((*self.quotes, *self.apart), key=Quote.order) if self.apart else self.quotes
        part.quotes = [quote for quote in quotes if (quote.topic == topic if topic is not None else quote.family == family)]
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
        """Nothing is kept any longer to be told."""
        self.quotes, self.apart, self.echoes, self.names, self._numbers = [], [], {}, {}, []

    def snapshot(self) -> bytes | None:
        """Bit for bit; None where there is nothing."""
        names = None if set(self.names.values()) == self._told_names() else sorted(self.names.values())
        if self.echoes or self.apart or names is not None or self.counted is not None:
            counted = None if self.counted is None else sorted(self.counted)
            return VERSION + _encode(_Kept(self.quotes, dict(sorted(self.echoes.items())), self.apart, names, counted))
        return VERSION + _encode(self.quotes) if self.quotes else None

    def _told_names(self) -> set[str]:
        return {quote.topic for quote in (*self.quotes, *self.apart) if quote.topic is not None and quote.family is not None}

    def restore(self, value: bytes) -> None:
        """Take back a snapshot.

        Raises:
            ValueError: it cannot be read.
        """
        held = _decode(body(value))
        held = _Kept(held, {}) if isinstance(held, list) else held
        self.quotes, self.echoes, self.apart = held.quotes, held.echoes, held.apart
        self.counted = None if held.counted is None else frozenset(held.counted)
        for name in self._told_names() if held.names is None else held.names:
            self.name(name)


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
        topic_of(mention),
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
