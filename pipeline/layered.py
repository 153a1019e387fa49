"""A pack's answer and what a linear layer makes of it: calibrated probabilities, and an explanation that holds the words of both."""

from collections.abc import Callable
from typing import Final

from pipeline.lexicon.function_words import FUNCTION_WORDS
from pipeline.lexicon.linear import LinearLayer
from pipeline.sentiment import Scorer, strongest
from pipeline.signals import without_addresses
from schemas.mention import Hit, Label, Sentiment

LEAST_TOLD: Final = 0.1
LEAST_WORDS: Final = 3
"""Where what is told does not come to the label, so many weaker words that speak for it are told."""


def layer_input(text: str, sentiment: Sentiment) -> tuple[str, float, list[float], float]:
    """What a linear layer looks at: the text without links and handles, the pack's compound and valences, and VADER's compound, if any."""
    vader = sentiment.vader
    valences = [hit.valence for hit in sentiment.hits]
    return without_addresses(text), sentiment.compound or 0.0, valences, 0.0 if vader is None else vader.compound


class LayeredScorer:
    """A language by its pack and a linear layer on top: calibrated probabilities, and the words of both."""

    def __init__(self, base: Scorer, layer: LinearLayer) -> None:
        self._base = base
        self._layer = layer
        self._unsaid = FUNCTION_WORDS.get(layer.header.language, frozenset())

    def score(self, text: str) -> Sentiment:
        """The likeliest label; compound is P(positive) - P(negative)."""
        base = self._base.score(text)
        bare, compound, valences, vader = layer_input(text, base)
        judged = self._layer.judge(bare, compound, valences, vader)
        negative, positive = round(judged.negative, 4), round(judged.positive, 4)
        label: Label = "neutral"
        if max(judged.negative, judged.positive) > judged.neutral:
            label = "positive" if judged.positive > judged.negative else "negative"
        return Sentiment(
            label=label,
            compound=round(positive - negative, 4),
            negative=negative,
            neutral=max(0.0, round(1 - negative - positive, 4)),
            positive=positive,
            hits=self._explained(base.hits, judged.words, label, bare),
            vader=base.vader,
        )

    def _explained(self, hits: tuple[Hit, ...], words: list[tuple[str, float]], label: Label, text: str) -> tuple[Hit, ...]:
        """The pack's hits and the layer's words that stand in none of them, in the order of the text.

        A word of the layer is told as a reason: none for a neutral text, no function word, none against the label where the whole would
        speak against it. If what is told does not come to the label, the strongest of the weaker words that speak for it are added.
        """
        sign = 1 if label == "positive" else -1 if label == "negative" else 0
        if not sign:
            return hits
        shown = {word for hit in hits for word in hit.text.lower().split()}
        more = [one for one in words if self._tells(one[0], shown)]
        total = sign * sum(valence for _, valence in [*((hit.text, hit.valence) for hit in hits), *more])
        if total <= 0:
            more = [one for one in more if one[1] * sign > 0]
            weak = [
                one for one in self._layer.moving(text, LEAST_TOLD) if one[1] * sign > 0 and one not in more and self._tells(one[0], shown)
            ]
            more += sorted(weak, key=lambda one: -one[1] * sign)[:LEAST_WORDS]
        if not more:
            return hits
        return strongest(sorted([*((hit.text, hit.valence) for hit in hits), *more], key=_places(text)))

    def _tells(self, text: str, shown: set[str]) -> bool:
        """Whether a word or pair of the layer is new to the reader and made of content words only."""
        words = text.split()
        return not shown.issuperset(words) and not any(word in self._unsaid or not word[0].isalpha() for word in words)


def _places(text: str) -> Callable[[tuple[str, float]], int]:
    lower = text.lower()
    return lambda hit: lower.find(hit[0].lower().partition(" ")[0])
