"""A pack's answer and what a linear layer makes of it: calibrated probabilities, and an explanation that holds the words of both."""

from collections.abc import Callable, Sequence
from typing import Final

from pipeline.lexicon.function_words import FUNCTION_WORDS
from pipeline.lexicon.linear import Judgement, LinearLayer
from pipeline.sentiment import Findings, Reader, rounded, strongest, told
from schemas.mention import Label, Sentiment

STEPS: Final = 10_000
"""Between a probability of 0 and one of 1."""
LEAST_SHOWN: Final = 1.0
"""A word is told if it counts as much as a mild word of a pack."""
LEAST_TOLD: Final = 0.4
LEAST_WORDS: Final = 3
"""Where what is told does not come to the label, so many weaker words that speak for it are told."""


class LayeredScorer:
    """A language by its pack and a linear layer on top: calibrated probabilities, and the words of both.

    ``base`` must find tokens with what they weigh in this layer (`PackScorer`).
    """

    def __init__(self, base: Reader, layer: LinearLayer) -> None:
        self._base = base
        self._layer = layer
        self._unsaid = FUNCTION_WORDS.get(layer.header.language, frozenset())

    def score(self, text: str) -> Sentiment:
        """The likeliest label; compound is P(positive) - P(negative)."""
        return self.score_all([text])[0]

    def score_all(self, texts: Sequence[str]) -> list[Sentiment]:
        """The same of several texts, step by step."""
        read = self._base.read_all(texts)
        judge = self._layer.judge
        judged = [judge(of.text, of.tokens, of.known, of.compound, of.hits, 0.0 if of.vader is None else of.vader.compound) for of in read]
        return list(map(self._sentiment, read, judged))

    def _sentiment(self, read: Findings, judged: Judgement) -> Sentiment:
        """The likeliest label, the words of pack and layer that explain it, and the probabilities to four decimals."""
        label: Label = "neutral"
        hits = read.hits
        if judged.positive > judged.neutral and judged.positive > judged.negative:
            label, hits = "positive", self._explained(read, judged, 1)
        elif judged.negative > judged.neutral:
            label, hits = "negative", self._explained(read, judged, -1)
        # whole numbers are rounded, and subtracted, at a quarter of the price
        negative, positive = round(judged.negative * STEPS), round(judged.positive * STEPS)
        neutral = STEPS - negative - positive
        return Sentiment(
            label=label,
            compound=(positive - negative) / STEPS,
            negative=negative / STEPS,
            neutral=(neutral if neutral > 0 else 0) / STEPS,
            positive=positive / STEPS,
            hits=told(hits, label),
            vader=read.vader,
        )

    def _explained(self, read: Findings, judged: Judgement, sign: int) -> list[tuple[str, float]]:
        """The pack's hits and the layer's words that stand in none of them, in the order of the text.

        A word of the layer is told as a reason for one side or the other; that it makes a text more or less neutral is not told, as
        that has no sign. None is told for a neutral text, no function word, none against the label (``sign``) where the whole would
        speak against it. If what is told does not come to the label, the strongest of the weaker words that speak for it are added.
        Most texts have no word of the layer's that is worth telling.
        """
        hits, total = read.hits, 0.0
        for _, valence in hits:
            total += valence
        if total * sign > 0 and judged.most < LEAST_SHOWN:
            return hits
        shown = {word for text, _ in hits for word in text.lower().split()}
        words = [one for one in self._layer.moving(read.tokens, read.known, judged.worth, LEAST_TOLD) if self._tells(one[0], shown)]
        more = [one for one in words if abs(one[1]) >= LEAST_SHOWN]
        if sign * (total + sum([valence for _, valence in more])) <= 0:
            words = [one for one in words if one[1] * sign > 0]
            weak = [one for one in words if one[1] * sign < LEAST_SHOWN]
            more = [one for one in words if one[1] * sign >= LEAST_SHOWN] + sorted(weak, key=lambda one: -one[1] * sign)[:LEAST_WORDS]
        if not more:
            return hits
        return rounded(strongest(sorted([*hits, *more], key=_places(read.text))))

    def _tells(self, text: str, shown: set[str]) -> bool:
        """Whether a word or pair of the layer is new to the reader and made of content words only."""
        words = text.split()
        return not shown.issuperset(words) and not any(not word[0].isalpha() or self._holds_together(word) for word in words)

    def _holds_together(self, word: str) -> bool:
        """Whether it is a function word, or all that stands between its apostrophes is ("j'avais")."""
        return word in self._unsaid or ("'" in word and all(len(part) == 1 or part in self._unsaid for part in word.split("'")))


def _places(text: str) -> Callable[[tuple[str, float]], int]:
    lower = text.lower()
    return lambda hit: lower.find(hit[0].lower().partition(" ")[0])
