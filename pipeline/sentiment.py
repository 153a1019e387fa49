"""Second stage: how a mention sounds. Each language has a scorer of its own; what has none is unscored, never neutral.

Each language has a pack (`pipeline/lexicon`), English with VADER's lexicon below it and its figures beside it; on top may be a linear
layer (`pipeline/layered.py`). The stage keeps no state.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import Protocol

from msgspec import Struct

from pipeline.events import Headers, digest, event_id, event_type, headers_with
from pipeline.lexicon.scorer import PackScorer
from pipeline.lexicon.units import Unit
from pipeline.signals import signals, without_addresses
from pipeline.stage import Arrival, Incoming, Outcome, Outgoing, Reading, arrivals
from pipeline.vader import VaderRules
from schemas.codec import encode, language_decoder
from schemas.mention import Hit, Label, LanguageMention, Sentiment, Signals, SteppedRetraction, Tick, Vader
from schemas.topics import LANGUAGE, SENTIMENT, Topic

SCORED_CHARACTERS = 2_000
"""So much of a text is scored; what a mention has to say stands at its head."""

VADER_BAND = 0.05
"""VADER's own: a compound nearer to 0 is neutral."""
PACK_BAND = 0.1
"""A pack's: half a mild word (0.5 gives a compound of 0.13) tips a text, less is noise."""

ENGLISH_BAND = 0.15
"""VADER's lexicon rates many words that hardly judge; it takes more than one of the faintest."""

MOST_HITS = 20
"""The strongest are kept, so that a record does not grow with its text."""

LEAST_HIT = 0.4
"""A word that could not tip a text alone is told only where it takes such words to come to the label;"""
LEAST_AGAINST = 0.65
"""one that speaks against the label, or where it is neutral, is to say more than a negation of we know not what (0.6) does;"""
LEAST_NEEDED = 0.1
"""and what hardly counts where it stands ("alvast bedankt" after a question) is never told."""
_TOLD: Mapping[Label, tuple[float, float]] = {
    "positive": (-LEAST_AGAINST, LEAST_HIT), "negative": (-LEAST_HIT, LEAST_AGAINST), "neutral": (-LEAST_AGAINST, LEAST_AGAINST)
}  # fmt: skip
"""What lies between is not told."""

TOGETHER = 48
"""Texts that are scored step by step together: of more, what is known of one is out of the processor's cache before the next step."""

UNSCORED = Sentiment(label="unscored")


class Scorer(Protocol):
    """Sentiment of texts in one language."""

    def score(self, text: str) -> Sentiment:
        """The sentiment of one text."""

    def score_all(self, texts: Sequence[str]) -> list[Sentiment]:
        """One per text, in order."""


class SentimentEngine(Protocol):
    """Sentiment of texts in any language."""

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Sentiment]:
        """One per text, in order; ``unscored`` where the language is unknown or has no scorer. Nothing is cut off."""


class VaderScorer:
    """English by VADER alone, on the text as it stands: label and compound are the package's."""

    def __init__(self, rules: VaderRules) -> None:
        self._rules = rules

    def score(self, text: str) -> Sentiment:
        """VADER's compound, and its four figures beside it."""
        vader, hits = self._rules.score(text)
        shown = tuple(starmap(Hit, rounded(strongest(hits))))
        return Sentiment(label=_label(vader.compound, VADER_BAND), compound=vader.compound, hits=shown, vader=vader)

    def score_all(self, texts: Sequence[str]) -> list[Sentiment]:
        """One per text, in order."""
        return list(map(self.score, texts))


class Findings(Struct, frozen=True, gc=False):
    """What a language's rules make of a text: all that a linear layer looks at.

    ``text`` is without links and handles, ``tokens`` the same split at white space, ``known`` what is known of each; ``hits`` at most
    `MOST_HITS`, in the order of the text.
    """

    text: str
    tokens: list[str]
    known: list[Unit]
    compound: float
    hits: list[tuple[str, float]]
    vader: Vader | None


class Reader(Scorer, Protocol):
    """A scorer that a linear layer can stand on."""

    def read(self, text: str) -> Findings:
        """What it makes of one text."""

    def read_all(self, texts: Sequence[str]) -> list[Findings]:
        """The same of several texts, step by step."""


def _looked_up(scorer: PackScorer, texts: Sequence[str]) -> tuple[list[str], list[list[str]], list[list[Unit]]]:
    """Texts without links and handles, their tokens, and what is known of those."""
    bare = list(map(without_addresses, texts))
    tokens = list(map(str.split, bare))
    return bare, tokens, list(map(scorer.look_up, tokens))


class PackSentiment:
    """A language by its pack."""

    def __init__(self, scorer: PackScorer) -> None:
        self._scorer = scorer

    def read(self, text: str) -> Findings:
        """The pack's compound and hits. Links and handles are left out."""
        return self.read_all([text])[0]

    def read_all(self, texts: Sequence[str]) -> list[Findings]:
        """The same of several texts, step by step."""
        bare, tokens, known = _looked_up(self._scorer, texts)
        return [
            Findings(text, words, these, compound, hits if len(hits) <= MOST_HITS else strongest(hits), None)
            for text, words, these, (compound, hits) in zip(bare, tokens, known, self._scorer.read_all(bare, tokens, known), strict=True)
        ]

    def score(self, text: str) -> Sentiment:
        """The pack's compound and hits, and the label that goes with it."""
        read = self.read(text)
        label = _label(read.compound, PACK_BAND)
        return Sentiment(label=label, compound=read.compound, hits=told(read.hits, label))

    def score_all(self, texts: Sequence[str]) -> list[Sentiment]:
        """One per text, in order."""
        return list(map(self.score, texts))


class EnglishScorer:
    """English by its pack; the four figures beside it are what VADER says of the text as it stands, links and handles and all."""

    def __init__(self, scorer: PackScorer, rules: VaderRules) -> None:
        self._scorer = scorer
        self._rules = rules

    def read(self, text: str) -> Findings:
        """The pack's compound and hits, VADER's figures."""
        return self.read_all([text])[0]

    def read_all(self, texts: Sequence[str]) -> list[Findings]:
        """The same of several texts, step by step."""
        bare, tokens, known = _looked_up(self._scorer, texts)
        said = self._scorer.read_all(bare, tokens, known)
        figures = self._rules.figures
        four = [figures(text, words if plain is text else None) for text, plain, words in zip(texts, bare, tokens, strict=True)]
        return [
            Findings(text, words, these, compound, hits if len(hits) <= MOST_HITS else strongest(hits), vader)
            for text, words, these, (compound, hits), vader in zip(bare, tokens, known, said, four, strict=True)
        ]

    def score(self, text: str) -> Sentiment:
        """The pack's compound and hits, and the label that goes with it; VADER's figures."""
        read = self.read(text)
        label = _label(read.compound, ENGLISH_BAND)
        return Sentiment(label=label, compound=read.compound, hits=told(read.hits, label), vader=read.vader)

    def score_all(self, texts: Sequence[str]) -> list[Sentiment]:
        """One per text, in order."""
        return list(map(self.score, texts))


class Polyglot:
    """The engine: a scorer per language code (ISO 639-1)."""

    def __init__(self, scorers: Mapping[str, Scorer]) -> None:
        self._scorers = dict(scorers)

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Sentiment]:
        """One sentiment per text, in order. Worked off language by language: what a language knows stays in the processor's cache."""
        places: dict[str, list[int]] = {}
        for place, (_, language) in enumerate(zip(texts, languages, strict=True)):
            if language is not None:
                places.setdefault(language, []).append(place)
        found = [UNSCORED] * len(texts)
        for language, of_language in places.items():
            if (scorer := self._scorers.get(language)) is not None:
                for begin in range(0, len(of_language), TOGETHER):
                    some = of_language[begin : begin + TOGETHER]
                    for place, sentiment in zip(some, scorer.score_all([texts[place] for place in some]), strict=True):
                        found[place] = sentiment
        return found


def _label(compound: float, band: float) -> Label:
    return "positive" if compound >= band else "negative" if compound <= -band else "neutral"


def strongest(hits: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """At most `MOST_HITS`, in the order of the text."""
    if len(hits) <= MOST_HITS:
        return hits
    return [hits[i] for i in sorted(sorted(range(len(hits)), key=lambda i: -abs(hits[i][1]))[:MOST_HITS])]


def rounded(hits: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Valences to three decimals, as they are told; a pack's have two."""
    return [(text, round(valence, 3)) for text, valence in hits]


def told(hits: Sequence[tuple[str, float]], label: Label) -> tuple[Hit, ...]:
    """As records hold them, without those that hardly count, as far as the others come to the label."""
    strong: list[Hit] = []
    total = 0.0
    blame, praise = _TOLD[label]
    for text, valence in hits:  # of so few a loop costs a third of what comprehensions do
        if not blame < valence < praise:
            strong.append(Hit(text, valence))
            total += valence
    if label != "neutral" and (total <= 0 if label == "positive" else total >= 0):
        strong = [Hit(text, valence) for text, valence in hits if not -LEAST_NEEDED < valence < LEAST_NEEDED]
    return tuple(strong)


def scored_text(title: str | None, text: str) -> str:
    """What is scored of a mention: its title, if any, and its text, cut at `SCORED_CHARACTERS`."""
    return (f"{title}. {text}" if title else text)[:SCORED_CHARACTERS]


_Arrived = Arrival[LanguageMention | SteppedRetraction | Tick]


class _Scored(Struct, frozen=True):
    """What this stage adds."""

    sentiment: Sentiment
    signals: Signals


class SentimentStage:
    """language → sentiment: mentions get their sentiment and signals, retractions and ticks pass as they are."""

    name = "sentiment"
    source: Topic = LANGUAGE
    changelog: Topic | None = None

    def __init__(self, engine: SentimentEngine) -> None:
        self._engine = engine

    def open(self, partition: int, epoch: str) -> "SentimentPartition":  # noqa: ARG002  all partitions are alike
        """A partition; there is nothing to remember."""
        return SentimentPartition(self)

    def process_together(self, parts: "Sequence[tuple[SentimentPartition, Sequence[Incoming]]]") -> list[Outcome]:
        """Decode all, score the mentions of all at once, then write, in order.

        A step's code and a language's words are then in the processor's cache for all: of few records that is half of what they cost.
        """
        outcomes = [Outcome() for _ in parts]
        arrived = [
            list(arrivals(partition.decoder, records, outcome)) for (partition, records), outcome in zip(parts, outcomes, strict=True)
        ]
        written = iter(self._written([one for some in arrived for one in some if isinstance(one.value, LanguageMention)]))
        for some, outcome in zip(arrived, outcomes, strict=True):
            for arrival in some:
                if isinstance(arrival.value, LanguageMention):
                    label, outgoing = next(written)
                    outcome.counts["sentiment", label] += 1
                    outcome.outgoing.append(outgoing)
                else:
                    outcome.outgoing.append(_as_it_is(arrival, arrival.value))
        return outcomes

    def _written(self, arrived: Sequence[_Arrived]) -> list[tuple[Label, Outgoing]]:
        """Each mention's label, and the record of it; step by step."""
        mentions: list[LanguageMention] = [arrival.value for arrival in arrived]  # type: ignore[misc]
        texts = [scored_text(mention.title, mention.text) for mention in mentions]
        sentiments = self._engine.score(texts, [mention.language for mention in mentions])
        said = list(map(signals, mentions, texts, sentiments))
        headers = [_headers(arrival, mention) for arrival, mention in zip(arrived, mentions, strict=True)]
        # a ScoredMention; building one costs three times as much
        scored = map(_Scored, sentiments, said)
        values = [encode(mention)[:-1] + b"," + encode(added)[1:] for mention, added in zip(mentions, scored, strict=True)]
        return [
            (sentiment.label, Outgoing(SENTIMENT, arrival.record.key, value, header))
            for arrival, sentiment, value, header in zip(arrived, sentiments, values, headers, strict=True)
        ]


def _headers(arrival: _Arrived, mention: LanguageMention) -> Headers:
    identity = event_id(SENTIMENT, mention.brand, mention.mention_id, mention.edit, "mention")
    return headers_with(SENTIMENT, identity, mention.mention_id, mention.published_at, arrival.passed)


def _as_it_is(arrival: _Arrived, value: SteppedRetraction | Tick) -> Outgoing:
    if isinstance(value, SteppedRetraction):
        identity = event_id(SENTIMENT, value.brand, value.mention_id, 0, "retracted")
        headers = headers_with(SENTIMENT, identity, value.mention_id, value.detected_at, arrival.passed)
    else:
        identity = digest(event_type(SENTIMENT), "tick", value.brand or "", value.at.isoformat())
        headers = headers_with(SENTIMENT, identity, value.brand or "tick", value.at, arrival.passed)
    return Outgoing(SENTIMENT, arrival.record.key, arrival.record.value, headers)


class SentimentPartition:
    """The stage at work in one partition."""

    def __init__(self, stage: SentimentStage) -> None:
        self._stage = stage
        self.decoder = language_decoder()

    def restore(self, key: bytes, value: bytes) -> None:
        """Nothing is ever kept."""

    def unreadable(self, key: bytes) -> None:
        """Nothing is ever kept."""

    def restored(self, change: int) -> None:
        """Nothing is ever kept."""

    def readings(self) -> Iterable[Reading]:
        """None."""
        return ()

    def process(self, records: Sequence[Incoming]) -> Outcome:
        """Score a batch; everything comes out in the order in which it came in, in the same partition."""
        (outcome,) = self._stage.process_together([(self, records)])
        return outcome
