"""From phrases to posts: every sentence filled, framed and roughened the way its writer types."""

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Generic, NamedTuple, TypeVar

from agents.demo.phrases import Phrases, Sentences, Tone

T = TypeVar("T")
_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"(?:^|(?<=[.?!] ))[a-z]")
_WORD = re.compile(r"[a-z]{6,}")


class Deck(Generic[T]):
    """Draws without putting back, then shuffles anew: chance without streaks."""

    def __init__(self, cards: Sequence[T], rng: Random) -> None:
        self._cards = list(cards)
        self._rng = rng
        self._left: list[T] = []

    def draw(self) -> T:
        """The next card."""
        if not self._left:
            self._left = self._cards.copy()
            self._rng.shuffle(self._left)
        return self._left.pop()


class Style(NamedTuple):
    """How somebody types; shares in [0, 1]."""

    careful: bool
    slips: float
    short: float
    emoji: float
    tags: float


def style(rng: Random) -> Style:
    """One of many ways to type."""
    careful = rng.random() < 0.45
    return Style(
        careful=careful,
        slips=0.01 if careful else rng.choice((0.02, 0.05, 0.12)),
        short=0.0 if careful else rng.choice((0.0, 0.2, 0.6)),
        emoji=rng.choice((0.0, 0.1, 0.25, 0.6)),
        tags=rng.choice((0.0, 0.0, 0.15, 0.4)),
    )


class Wording:
    """Writes the texts of one brand. ``name`` is how it is spelled in a sentence, ``slug`` its account."""

    def __init__(self, phrases: Phrases, sector: str, slug: str, name: str, rng: Random) -> None:
        self._general = phrases.general
        self._sector = phrases.sectors[sector]
        self._others = phrases.others
        self._slots = phrases.general.slots | self._sector.slots
        self._tags = (slug, *self._sector.tags)
        self._name = name
        self._rng = rng
        self._decks: dict[Sentences, Deck[str]] = {}

    def fill(self, template: str, **fixed: str) -> str:
        """The sentence with its slots filled by chance, those in ``fixed`` as given."""

        def slot(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in fixed:
                return fixed[name]
            return self._name if name == "brand" else self._rng.choice(self._slots[name])

        return _SLOT.sub(slot, template)

    def draw(self, sentences: Sentences, **fixed: str) -> str:
        """One of the sentences, filled; all have their turn before one comes again."""
        deck = self._decks.get(sentences)
        if deck is None:
            deck = self._decks[sentences] = Deck(sentences, self._rng)
        return self.fill(deck.draw(), **fixed)

    def text(self, tone: Tone, language: str, how: Style, *, long: bool = False) -> str:
        """A post: of a Dutch writer framed and roughened, in other languages plainer."""
        if language == "nl":
            return self.finish(self._dutch(tone, long=long), tone, how)
        if language == "nl-BE":
            return self.finish(self.draw(self._general.flemish.of(tone)), tone, how)
        tones = {"en": self._sector.en, "de": self._sector.de, "fr": self._sector.fr} | self._others
        sentences = tones[language].of(tone) or tones[language].question
        number = str(self._rng.randrange(2, 9))
        train = str(self._rng.randrange(1_200, 7_800))
        return self.finish(self.draw(sentences, days=number, weeks=number, train=train), tone, how, dutch=False)

    def _dutch(self, tone: Tone, *, long: bool) -> str:
        rng, general, tones = self._rng, self._general, self._sector.nl
        sarcastic = tone == "complaint" and rng.random() < 0.06
        parts = [self.draw(tones.sarcasm if sarcastic else tones.of(tone))]
        if long:
            parts.append(self.draw(tones.of(tone)))
        if general.openers.of(tone) and rng.random() < 0.25:
            parts[0] = f"{self.draw(general.openers.of(tone))} {parts[0]}"
        if general.tails.of(tone) and not sarcastic and rng.random() < (0.6 if long else 0.25):
            parts.append(self.draw(general.tails.of(tone)))
        return ". ".join(part.rstrip(".") if part is not parts[-1] else part for part in parts).replace("?.", "?").replace("!.", "!")

    def finish(self, text: str, tone: Tone, how: Style, *, dutch: bool = True) -> str:
        """The text as this writer leaves it: capitals or none, slips, short forms, emoji, a hashtag."""
        rng = self._rng
        if how.careful:
            text = _SENTENCE.sub(lambda match: match.group().upper(), text)
            text = text if text[-1] in ".?!…" else f"{text}."
        elif rng.random() < 0.04:
            text = text.upper()
        elif dutch:
            text = _shortened(text, self._general.short, how.short, rng)
        if rng.random() < how.slips * 4:
            text = _slip(text, rng)
        if rng.random() < how.emoji:
            text = f"{text} {rng.choice(self._general.emoji.of(tone)) * rng.choice((1, 1, 2, 3))}"
        if rng.random() < how.tags:
            text = f"{text} #{rng.choice(self._tags)}"
        return text

    def personal(self, how: Style) -> str:
        """A sentence with personal data in it."""
        data = self._general.personal
        kinds = {"email": data.email, "phone": data.phone, "iban": data.iban, "bsn": data.bsn}
        fixed = {kind: self._rng.choice(values) for kind, values in kinds.items()}
        return self.finish(self.draw(data.texts, **fixed), "complaint", how._replace(slips=0.0))

    def title(self, tone: Tone) -> str:
        """The subject of a mail, the headline of a review."""
        return self.draw(self._general.titles.of(tone))

    def answer(self, tone: Tone) -> str:
        """The brand's own answer."""
        return self.draw(self._general.answers.of(tone), agent=self._rng.choice(self._general.handles.agents))

    def bystander(self, tone: Tone, how: Style) -> str:
        """Somebody under another's post."""
        return self.finish(self.draw(self._general.bystanders.of(tone)), tone, how)

    def follow_up(self, tone: Tone, how: Style) -> str:
        """The same author again, after the answer."""
        return self.finish(self.draw(self._general.follow_ups.of(tone)), tone, how)

    def emoji_alone(self) -> str:
        """A post without a word."""
        return self.draw(self._general.emoji.alone)


def _shortened(text: str, short: Mapping[str, str], share: float, rng: Random) -> str:
    for written, typed in short.items():
        if rng.random() < share:
            text = re.sub(rf"\b{written}\b", typed, text)
    return text


def _slip(text: str, rng: Random) -> str:
    """Two letters change places, or one is lost, inside a longer word."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    at = word.start() + rng.randrange(1, len(word.group()) - 2)
    if rng.random() < 0.5:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]
