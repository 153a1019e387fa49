"""What an alert shows: up to ten mentions that stand for the others, the words, channels and topics they share, and their dossier.

All of it comes from the complaints that are kept of each bucket (`pipeline/exhibits.py`): of all of them where they are few, of the
earliest of each five minutes where they are many. A word is told only if several authors used it, so that nobody's own words are.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.exhibits import Exhibit, Heard, Quote, heard_of
from pipeline.seen import identity_of
from schemas.outputs import ChannelShare, ChosenFor, TopicShare, WordUse

SHOWN = 10
"""Mentions shown of an alert."""
_AMPLIFIED, _EARLIEST = 3, 3
"""At most so many of them for being echoed most, and for being first."""
_LEAST_ECHOES = 2
_LEAST_AUTHORS = 5
"""Authors of a word that is told."""
_MOST_WORDS, _MOST_CHANNELS, _MOST_TOPICS = 5, 5, 3
_LEAST_OF_WORD = 0.1
"""Of the authors: what fewer say is not what it is about."""
_DOMINANT = 0.5
_DOSSIER_SHARE, _DOSSIER_AUTHORS = 1 / 3, 3
"""An incident is about a dossier if that part of its complaints is, by so many authors."""


class Shown(NamedTuple):
    """A mention that stands for others, and why it was chosen."""

    quote: Quote
    chosen_for: ChosenFor
    echoes: int


class Findings(NamedTuple):
    """What the complaints of a stretch have in common. None: it is not known."""

    shown: tuple[Shown, ...]
    words: tuple[WordUse, ...]
    channels: tuple[ChannelShare, ...]
    topics: tuple[TopicShare, ...] | None
    dominant: str | None
    dossier: str | None


def findings_of(exhibits: Sequence[Exhibit], around: Sequence[Exhibit], usual: Mapping[str, float]) -> Findings:
    """Look at the complaints of a stretch.

    Args:
        exhibits: of the buckets of the stretch.
        around: of all buckets in which they may have been echoed.
        usual: topic → share in the brand's complaints at other times.
    """
    quotes = sorted((quote for exhibit in exhibits for quote in exhibit.quotes), key=Quote.order)
    topics = _topics(quotes, usual)
    dominant = topics[0].topic if topics and topics[0].share >= _DOMINANT else None
    return Findings(_shown(quotes, heard_of(around)), _words(quotes), _channels(quotes), topics, dominant, dossier_of(quotes))


def dossier_of(quotes: Iterable[Quote]) -> str | None:
    """The dossier that enough of these complaints are about, by enough authors."""
    total = 0
    authors: dict[str, set[int]] = {}
    counts: Counter[str] = Counter()
    for quote in quotes:
        total += 1
        if quote.dossier is not None:
            counts[quote.dossier] += 1
            authors.setdefault(quote.dossier, set()).add(quote.author)
    found = [
        (-count, dossier)
        for dossier, count in counts.items()
        if count >= _DOSSIER_SHARE * total and len(authors[dossier]) >= _DOSSIER_AUTHORS
    ]
    return min(found)[1] if found else None


def _shown(quotes: Sequence[Quote], heard: Mapping[bytes, Heard]) -> tuple[Shown, ...]:
    """The most echoed, the earliest, the most typical; no author twice."""
    echoes = {quote.mention_id: heard.get(identity_of(quote.mention_id), Heard()).echoes for quote in quotes}
    used = Counter(word for quote in quotes for word in set(quote.words.split()))
    authors: set[int] = set()
    out: list[Shown] = []

    def choose(candidates: Iterable[Quote], why: ChosenFor, most: int) -> None:
        left = most
        for quote in candidates:
            if not left or len(out) == SHOWN:
                return
            if quote.author not in authors:
                authors.add(quote.author)
                out.append(Shown(quote, why, echoes[quote.mention_id]))
                left -= 1

    loud = [quote for quote in quotes if echoes[quote.mention_id] >= _LEAST_ECHOES]
    choose(sorted(loud, key=lambda quote: (-echoes[quote.mention_id], *quote.order())), "amplified", _AMPLIFIED)
    choose(quotes, "earliest", _EARLIEST)
    choose(sorted(quotes, key=lambda quote: (-_typical(quote, used), *quote.order())), "typical", SHOWN)
    return tuple(out)


def _typical(quote: Quote, used: Mapping[str, int]) -> float:
    """How much of what it says others say too; many words do not help."""
    words = set(quote.words.split())
    return math.fsum(used[word] - 1 for word in words) / math.sqrt(len(words)) if words else 0.0


def _words(quotes: Sequence[Quote]) -> tuple[WordUse, ...]:
    authors: dict[str, set[int]] = {}
    for quote in quotes:
        for word in set(quote.words.split()):
            authors.setdefault(word, set()).add(quote.author)
    least = max(_LEAST_AUTHORS, _LEAST_OF_WORD * len({quote.author for quote in quotes}))
    found = sorted((-len(who), word) for word, who in authors.items() if len(who) >= least)
    return tuple(WordUse(word=word, authors=-number) for number, word in found[:_MOST_WORDS])


def _channels(quotes: Sequence[Quote]) -> tuple[ChannelShare, ...]:
    counts = Counter(quote.channel for quote in quotes if quote.channel is not None)
    total = counts.total()
    found = sorted((-number, channel) for channel, number in counts.items())
    return tuple(ChannelShare(channel=channel, share=round(-number / total, 4)) for number, channel in found[:_MOST_CHANNELS])


def _topics(quotes: Sequence[Quote], usual: Mapping[str, float]) -> tuple[TopicShare, ...] | None:
    """Those that stand out most; a topic that is usual for the brand stands behind one that is not."""
    counts = Counter(quote.topic for quote in quotes if quote.topic is not None)
    total = counts.total()
    if not total:
        return None
    found = sorted((usual.get(topic, 0.0) - number / total, topic, number / total) for topic, number in counts.items())
    return tuple(
        TopicShare(topic=topic, share=round(share, 4), usual=round(usual.get(topic, 0.0), 4) if usual else None)
        for _, topic, share in found[:_MOST_TOPICS]
    )
