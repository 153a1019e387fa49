"""Which language a text is in, or that it cannot be told: py3langid's model, for short and noisy texts, a batch at a time.

A score is the model's (naive Bayes over byte n-grams). Candidates are the languages we name, "no language" (``zxx``) and decoys: other
languages, held back by a bias, that catch what would otherwise be called one of ours. One score gives two numbers: the gate
softmax(score / sqrt(bytes)), below which we decline, and the confidence softmax(score / (0.5 sqrt(bytes))), which is calibrated.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isqrt
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.words import ShortWords

NAMED: Final = ("nl", "en", "de", "fr", "es", "it", "pt", "pl", "tr", "ar", "da", "sv", "nb", "af", "fy")
"""The languages we name; every other one is declined."""

NO_LANGUAGE = "zxx"
_OTHERS = """
    ro hu cs sk fi id ru uk el he ja zh ko bg sr hr bs sl mk be et lv lt sq ca gl eu oc is fo lb ga cy mt fa ur hi bn ta th vi ms tl sw so
    ku az ka hy la eo
"""
DECOYS = tuple(_OTHERS.split())
DECOY_BIAS = -6.0
PRIORS = {"nl": 3.0, "en": 2.0, "de": 1.0, "fr": 1.0, "af": -2.0}
"""Log-priors of an ordinary Dutch stream: few there write Afrikaans, and many a short Dutch text could be it. A neutral stream has none."""

KIN = {"nl": {"af": -8.0}, "da": {"nb": -3.0}, "nb": {"da": -3.0}}
"""Language of a brand → languages that a short text in it is taken for, and what is added to their priors where the brand has not got them.

As much as a clear sentence in the other language outweighs: Afrikaans has words that no Dutch has, most Danish words are Norwegian too.
"""

GATE = 0.35
LONGEST = 2_000
"""Characters looked at: more of the same text decides nothing."""

SHORT = 20
UNSURE = 40
"""A word of one language alone is heard against a text of fewer letters than this, unless it is `SURE`."""
SURE = 0.9
"""A hint is heard against a text of fewer than 20 letters, unless the text is this confident."""

_NEUTRAL, _USUAL = 0, 1
"""Rows of the priors that are there from the beginning."""

_BATCH = 256
_LANE = 8
"""Floats that a processor adds at once: the table's rows are filled up to a multiple, and are added up a third faster."""

_MEMORY = 6
"""Bytes: the automaton finds n-grams no longer than this, so what came before them does not change where it is."""

_FEW = 2
"""With fewer texts than this (one), a plain loop over bytes is faster than vector steps."""

_LEAST_PIECE, _MOST_PIECE = 8, 40
"""Bytes of a text that are walked in one go: few where there are few texts, so that there are pieces enough to walk side by side."""

_OTHER_NAMES = {"no": "nb", "nn": "nb"}
_NOTHING = re.compile(r"|und|mul|zxx|mis|q[a-t][a-z]")
_LETTER = re.compile(r"[^\W\d_]")
_EIGHT_LETTERS = re.compile(r"(?:[^\W\d_][\W\d_]*){8}")
_LINK = re.compile(r"(?:https?://|\bwww\.)\S+", re.IGNORECASE)
_INSIDE = re.compile(r"@(?<=[\w.+-]@)\w")  # a pattern that begins with its rarest character is found many times as fast
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HANDLE = re.compile(r"@(?<!\w@)\w+")
_REPOST = re.compile(r"\s*RT\b[\s:]*")
_HASHTAG = re.compile(r"#(\w+)")
_TRIPLE = re.compile(r"(.)\1\1")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")

Ground = Literal["text", "words", "hint"]
Scores = NDArray[np.float32]
_Found = tuple[NDArray[Any], NDArray[Any]]


class Language(NamedTuple):
    """``code``: None where we decline. ``guess``: the likeliest of the languages we name, even then; None without any letter.

    ``confidence``: how likely the code (the guess, where we decline) is right, 0 to 1; None where a hint decided or nothing is guessed.
    """

    code: str | None
    guess: str | None
    confidence: float | None
    ground: Ground | None


UNKNOWN = Language(None, None, None, None)


class Model(Protocol):
    """The arrays of ``py3langid.langid.LanguageIdentifier`` (0.4.0). They are no public contract: the version is exact."""

    nb_ptc: NDArray[Any]
    nb_pc: NDArray[Any]
    nb_classes: list[str]
    tk_nextmove: Any
    tk_row: Any
    tk_output: list[int]


def clean(text: str) -> str:
    """What of a text can tell its language: no links, addresses, handles, RT and hashtags; ``zoooo`` is ``zoo``.

    The words of hashtags stay when fewer than 8 letters would be left. Case stays: the encoding folds what is all capitals.
    """
    text = text[:LONGEST]
    if "://" in text or "ww." in text or "WW." in text:
        text = _LINK.sub(" ", text)
    if "@" in text:
        if _INSIDE.search(text):
            text = _MAIL.sub(" ", text)
        text = _HANDLE.sub(" ", text)
    if "RT" in text and (repost := _REPOST.match(text)):
        text = text[repost.end() :]
    if "#" in text:
        without = _HASHTAG.sub(" ", text)
        text = without if _EIGHT_LETTERS.search(without) else _HASHTAG.sub(r" \1 ", text)
    if _TRIPLE.search(text):
        text = _STRETCHED.sub(r"\1\1", text)
    return " ".join(text.split()) if "  " in text or not text.isprintable() else text.strip()


def encode(text: str) -> bytes:
    """Bytes as the model was trained on them, and as py3langid itself makes them."""
    if text.isupper():
        text = text.lower()
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")


def primary(tag: str) -> str:
    """The language of a tag: ``nl-BE`` and ``NL_nl`` are ``nl``, ``no`` and ``nn`` are ``nb``."""
    code = re.split(r"[-_]", tag.strip().lower(), maxsplit=1)[0]
    return _OTHER_NAMES.get(code, code)


def named(tag: str) -> str | None:
    """The language of a tag if it is one that we name."""
    return code if (code := primary(tag)) in NAMED else None


def says_nothing(tag: str) -> bool:
    """Whether a tag does not name any language: ``und``, ``mul``, ``zxx``, ``mis`` and those for private use (``qaa`` to ``qtz``)."""
    return _NOTHING.fullmatch(primary(tag)) is not None


def _letters(text: str) -> int:
    return len(_LETTER.findall(text))


class LanguageIdentifier:
    """Names languages. Keeps what it needs of the model and not the model itself."""

    def __init__(self, model: Model, words: ShortWords) -> None:
        self._words = words
        self.labels: tuple[str, ...] = (*NAMED, NO_LANGUAGE, *DECOYS)
        columns: list[int] = []
        self._first: list[int] = []  # column at which each label begins: Norwegian is two of them, and so is Serbian
        for label in self.labels:
            self._first.append(len(columns))
            columns += [at for at, name in enumerate(model.nb_classes) if _OTHER_NAMES.get(name, name) == label]
        self._table = np.zeros((len(model.nb_ptc), -(-len(columns) // _LANE) * _LANE), dtype=np.float32)
        self._table[:, : len(columns)] = model.nb_ptc[:, columns]
        self._rows = np.empty((0, self._table.shape[1]), dtype=np.float32)
        self._base = model.nb_pc[columns].astype(np.float32)
        self._base[self._first[len(NAMED) + 1] :] += np.float32(DECOY_BIAS)
        self._priors = np.zeros((2, len(self.labels)), dtype=np.float32)  # [kinds of streams, labels]: neutral, usual, those of brands
        self._priors[_USUAL] = self._priors_of(())
        self._stream_of: dict[Sequence[str], int] = {(): _USUAL}
        self._next = np.frombuffer(model.tk_nextmove, dtype=f"u{model.tk_nextmove.itemsize}")
        self._row = np.asarray(model.tk_row, dtype=np.int32) << 8
        self._output = np.asarray(model.tk_output, dtype=np.int32)
        self._plain = model.tk_nextmove, self._row.tolist(), model.tk_output

    def identify(
        self,
        texts: Sequence[str],
        *,
        neutral: Sequence[bool] | None = None,
        hints: Sequence[str | None] | None = None,
        expected: Sequence[tuple[str, ...]] | None = None,
    ) -> list[Language]:
        """Name the language of each text, or decline.

        Args:
            neutral: per text, whether it comes from a stream without our usual priors.
            hints: per text, the code of a language that its source claims; heard where the text itself says little.
            expected: per text, the codes of the languages that its brand is written to in, none where nothing is known: what is close to
                them and not among them (`KIN`) is held back. A neutral stream knows nothing of it.
        Returns: one per text. Never an error: an emoji is a mention.
        """
        out: list[Language] = []
        for start in range(0, len(texts), _BATCH):
            some = slice(start, start + _BATCH)
            cleaned = [clean(text) for text in texts[some]]
            streams = self._streams(len(cleaned), neutral[some] if neutral else None, expected[some] if expected else None)
            out += self._decide(cleaned, streams, hints[some] if hints else None)
        return out

    def _streams(self, texts: int, neutral: Sequence[bool] | None, expected: Sequence[tuple[str, ...]] | None) -> list[int]:
        """Per text, the row of its priors."""
        if expected is None:
            streams = [_USUAL] * texts
        else:
            for languages in set(expected).difference(self._stream_of):
                self._priors = np.vstack([self._priors, self._priors_of(languages)])
                self._stream_of[languages] = len(self._priors) - 1
            streams = list(map(self._stream_of.__getitem__, expected))
        return streams if neutral is None else [_NEUTRAL if one else stream for one, stream in zip(neutral, streams, strict=True)]

    def _priors_of(self, languages: Sequence[str]) -> Scores:
        """The usual priors, with what is close to these languages and not among them held back."""
        priors = dict(PRIORS)
        has = set(map(primary, languages))
        for language in has:
            for kin, held_back in KIN.get(language, {}).items():
                if kin not in has:
                    priors[kin] = priors.get(kin, 0.0) + held_back
        return np.array([priors.get(label, 0.0) for label in self.labels], dtype=np.float32)

    def scores(self, encoded: Sequence[bytes]) -> Scores:
        """The model's scores [texts, labels], decoys held back, no priors; 0 everywhere for a text without any feature.

        Features are added one after the other, in their order: a text has the same score, to the last bit, in whatever batch it comes,
        and a replay writes the same record. (A matrix product would not promise that.)
        """
        if len(encoded) < _FEW:
            return np.stack([self._score(letters) for letters in encoded]) if encoded else np.zeros((0, len(self.labels)), np.float32)
        columns = np.zeros((len(encoded), self._table.shape[1]), dtype=np.float32)
        owners, features = self._found_together(encoded)
        keys = owners * len(self._table) + features
        keys.sort()
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        owner, feature = np.divmod(keys[first], len(self._table))
        weights = np.log1p(np.diff(first, append=len(keys)), dtype=np.float32)[:, None]
        bounds = [*np.flatnonzero(np.diff(owner, prepend=-1)).tolist(), len(owner)]
        seen = owner[bounds[:-1]]
        if len(self._rows) < (most := max(map(int.__sub__, bounds[1:], bounds), default=0)):
            self._rows = np.empty((most, self._table.shape[1]), dtype=np.float32)
        for text, (start, end) in zip(seen.tolist(), pairwise(bounds), strict=True):
            rows = self._rows[: end - start]  # the same memory for each text, which stays in the processor's cache
            self._table.take(feature[start:end], axis=0, out=rows, mode="clip")
            rows *= weights[start:end]
            np.add.reduce(rows, axis=0, out=columns[text])
        columns = columns[:, : len(self._base)]
        columns[seen] += self._base
        return np.maximum.reduceat(columns, self._first, axis=1)

    def _score(self, letters: bytes) -> Scores:
        """The same of one text, with as few calls as it takes: live, texts come one by one."""
        times = Counter(self._walk(letters))
        if not times:
            return np.zeros(len(self.labels), np.float32)
        feature = sorted(times)
        rows = self._table.take(feature, axis=0, mode="clip")
        rows *= np.log1p([times[one] for one in feature], dtype=np.float32)[:, None]
        column = np.add.reduce(rows, axis=0)[: len(self._base)]
        column += self._base
        return np.maximum.reduceat(column, self._first)

    def _walk(self, letters: bytes) -> list[int]:
        """The features of one text, with a plain loop."""
        following, row, output = self._plain
        found = []
        state = 0
        for letter in letters:
            state = following[row[state] + letter]
            if (feature := output[state]) >= 0:
                found.append(feature)
        return found

    def _found_together(self, encoded: Sequence[bytes]) -> _Found:
        """The features of all texts and whose each is: the model's automaton walked in lock-step over pieces of all of them.

        A piece that is not the first of its text is entered `_MEMORY` bytes early, from the start: after those the automaton is where
        it would be had it read the whole text. So a round takes as many vector steps as a piece has bytes, however long the texts.
        """
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        total = int(lengths.sum())
        piece = min(max(_LEAST_PIECE, isqrt(total) // 5), _MOST_PIECE)
        pieces = -(-lengths // piece)
        owners = np.repeat(np.arange(len(encoded)), pieces)
        nth = np.arange(len(owners)) - (np.cumsum(pieces) - pieces)[owners]
        begins = (np.cumsum(lengths) - lengths)[owners] + nth * piece
        letters = np.frombuffer(b"".join(encoded) or b" ", np.uint8).take(begins + np.arange(-_MEMORY, piece)[:, None], mode="clip")
        states = np.zeros((len(letters) + 1, len(owners)), dtype=self._next.dtype)
        place = np.empty(len(owners), np.int32)
        for step, read in enumerate(letters):
            if step == _MEMORY:
                states[step, nth == 0] = 0
            self._row.take(states[step], out=place, mode="clip")
            place += read
            self._next.take(place, out=states[step + 1], mode="clip")
        found = self._output.take(states[_MEMORY + 1 :])
        found[np.arange(piece)[:, None] >= lengths[owners] - nth * piece] = -1
        hits = np.flatnonzero(found >= 0)
        return owners[hits % len(owners)] if len(owners) else owners, found.ravel()[hits]

    def _decide(self, cleaned: Sequence[str], streams: Sequence[int], hints: Sequence[str | None] | None) -> list[Language]:
        encoded = [encode(text) for text in cleaned]
        scores = self.scores(encoded)
        scores += self._priors.take(streams, axis=0)
        roots = np.sqrt(np.fromiter((max(1, len(text)) for text in encoded), np.float32, len(encoded)))
        out = []
        for at, verdict in enumerate(_verdicts(scores, roots)):
            text = cleaned[at]
            if not _LETTER.search(text):
                out.append(UNKNOWN)
                continue
            language = self._judge(text, verdict)
            hint = hints[at] if hints else None
            if language.code is None or (language.confidence or 0.0) < SURE:
                # Shared words speak neither against a hint nor against what the text says.
                alone = language.code is not None or hint is not None or streams[at] == _NEUTRAL
                language = self._by_words(text, language, scores[at], roots[at], alone=alone) or language
            if hint is not None and hint != language.code and _hears(text, language, verdict):
                language = Language(hint, language.guess, None, "hint")
            out.append(language)
        return out

    def _judge(self, text: str, verdict: "_Verdict") -> Language:
        guess = NAMED[verdict.guess]
        declined = verdict.best >= len(NAMED) or verdict.gate < GATE or (len(text) < 12 and _letters(text) < 2)
        return Language(None if declined else guess, guess, round(verdict.confidence, 6), None if declined else "text")

    def _by_words(self, text: str, language: Language, scores: Scores, root: np.float32, *, alone: bool) -> Language | None:
        """What words that speak for one language make of a text that we would decline, or of a short one that is not sure."""
        said = self._words.say(text, alone=alone)
        if said is None or said.language == language.code or (language.code is not None and _letters(text) >= UNSURE):
            return None
        helped = scores.copy()
        helped[NAMED.index(said.language)] += said.weight
        (verdict,) = _verdicts(helped[None, :], np.array([root]))
        judged = self._judge(text, verdict)
        return judged._replace(ground="words") if judged.code == said.language else None


class _Verdict(NamedTuple):
    best: int
    gate: float
    guess: int
    confidence: float


def _verdicts(scores: Scores, roots: Scores) -> Iterator[_Verdict]:
    """Per text: the best label and its gate, the best label that has a name and its confidence."""
    shares = np.exp((scores - scores.max(axis=1, keepdims=True)) / roots[:, None])
    gates = 1.0 / shares.sum(axis=1)  # the best label's own share is exp(0)
    guesses = scores[:, : len(NAMED)].argmax(axis=1)
    squares = shares * shares  # half the temperature
    confidences = squares[np.arange(len(guesses)), guesses] / squares.sum(axis=1)
    return map(_Verdict, scores.argmax(axis=1).tolist(), gates.tolist(), guesses.tolist(), confidences.tolist())


def _hears(text: str, language: Language, verdict: _Verdict) -> bool:
    """Whether a hint is heard: where the text says nothing or little, not where it is clearly in another language."""
    letters = _letters(text)
    if letters < 2:
        return False
    if letters < SHORT:
        return language.code is None or (language.confidence or 0.0) < SURE
    return language.code is None and (verdict.gate < GATE or verdict.best <= len(NAMED))
