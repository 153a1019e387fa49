"""`webcare score`: language and sentiment of bare texts, as JSON or as an explanation."""

import math
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import msgspec
import typer

from agents.commands.context import explained, fail, out, settings_of
from agents.deployment import load_languages, load_own_words
from agents.lexicons import load_engine, load_layer
from agents.models import load_identifier
from agents.replay import InputError
from agents.text_files import without_mark
from pipeline.identify import NAMED, LanguageIdentifier, named
from pipeline.sentiment import SentimentEngine, scored_text
from pipeline.signals import signals
from schemas.mention import Author, LanguageMention, Sentiment

BAR = 30
LEAST_SHARE = 1e-4
"""Probabilities have four decimals."""
GROUNDS = {"text": "its letters", "words": "words of that language only", "hint": "its source"}
SCORE_BATCH = 256
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _Given(msgspec.Struct):
    text: str
    language: str | None = None
    id: Any = None
    """Whatever it is, it is given back."""


def score(
    text: Annotated[str | None, typer.Argument(help="A text; without it, give --batch.")] = None,
    batch: Annotated[
        bool, typer.Option("--batch", help='JSON lines {"text", "language"?, "id"?} on standard input, one JSON line each out.')
    ] = False,
    engine: Annotated[Literal["vader", "pack", "full"], typer.Option(help="Which sentiment engine.")] = "full",
    language: Annotated[str | None, typer.Option(help="The language, instead of detecting it; with --batch of lines without one.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Folder of a deployment: its own words (words.toml) and its brands' languages count.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON also for a single text on a terminal.")] = False,
) -> None:
    """Language and sentiment of a text, and which words moved it.

    The label is the likeliest of the three; the figure beside it is the probability of positive less that of negative. Words are told in
    the order of the text with what they are worth there: a plain word -4 to 4, more or less beside words of degree, capitals, "maar" or a
    negation. What stands between the words of a phrase is left out.
    """
    with explained():
        if (text is None) == (not batch):
            fail("give a text, or --batch with JSON lines on standard input")
        if language is not None and named(language) is None:
            fail(f"--language {language!r} is no language that is known; use one of {', '.join(NAMED)}, with its region if wanted (nl-BE)")
        folder = settings_of(config=config).config
        own_words, languages = ({}, ()) if folder is None else (load_own_words(folder), load_languages(folder))
        scorer = Scoring(load_identifier(), load_engine(engine, own_words), languages)
        if text is not None:
            (answer,) = scorer.answers([_Given(text, language)])
            if as_json or not sys.stdout.isatty():
                sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
            else:
                _show_score(answer, engine)
            return
        for chunk in _chunks(_given_lines(sys.stdin, language)):
            for answer in scorer.answers(chunk):
                sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        sys.stdout.flush()


def _chunks(given: Iterator[_Given]) -> Iterator[list[_Given]]:
    """So many at a time; what comes before a line that is wrong is given first."""
    chunk: list[_Given] = []
    try:
        for one in given:
            chunk.append(one)
            if len(chunk) == SCORE_BATCH:
                yield chunk
                chunk = []
    except InputError:
        yield chunk
        raise
    if chunk:
        yield chunk


def _given_lines(source: TextIO, language: str | None) -> Iterator[_Given]:
    """The texts of a file; ``language``: of lines that name none."""
    decoder = msgspec.json.Decoder(_Given)
    for number, line in enumerate(source.buffer, start=1):
        if not line.strip():
            continue
        try:
            given = decoder.decode(without_mark(line) if number == 1 else line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f'standard input: line {number}: {error}; each line is {{"text": "...", "language"?: "nl"}}') from None
        yield given if given.language is not None else msgspec.structs.replace(given, language=language)


class Scoring:
    """The first two stages' judgement of bare texts."""

    def __init__(self, identifier: LanguageIdentifier, engine: SentimentEngine, expected: tuple[str, ...] = ()) -> None:
        self._identifier = identifier
        self._engine = engine
        self._expected = expected

    def answers(self, given: Sequence[_Given]) -> list[dict[str, Any]]:
        """One answer per text, in order, with its id if it has one; a language given overrides detection."""
        found = self._identifier.identify([one.text for one in given], expected=[self._expected] * len(given))
        languages = [guess.code if one.language is None else _code(one.language) for one, guess in zip(given, found, strict=True)]
        texts = [scored_text(None, one.text) for one in given]
        sentiments = self._engine.score(texts, languages)
        return [
            ({} if one.id is None else {"id": one.id})
            | {
                "language": language,
                "language_guess": guess.guess,
                "language_confidence": guess.confidence,
                "language_ground": "given" if one.language is not None else guess.ground,
                "sentiment": sentiment,
                "signals": signals(_as_mention(text, language), text, sentiment),
            }
            for one, text, guess, language, sentiment in zip(given, texts, found, languages, sentiments, strict=True)
        ]


def _code(tag: str) -> str:
    """The language of a tag: "nl" of "nl-NL" and "nl_BE"."""
    return tag.replace("_", "-").partition("-")[0].lower()


def _as_mention(text: str, language: str | None) -> LanguageMention:
    """A text about which nothing else is known."""
    return LanguageMention(
        mention_id="score:1",
        brand="score",
        channel="score",
        channel_family="desk",
        text=text,
        published_at=_NEVER,
        author=Author(id="score"),
        mode="observe",
        detected_at=_NEVER,
        language=language,
    )


def _show_score(answer: dict[str, Any], engine: str) -> None:
    """The answer for a reader: what was found, how sure, and the words it rests on."""
    sentiment: Sentiment = answer["sentiment"]
    out.print(f"language   {_language(answer)}")
    compound = "" if sentiment.compound is None else f" {sentiment.compound:+.3f}"
    out.print(f"sentiment  {sentiment.label}{compound}, by {_engine(sentiment, answer['language'], engine)}")
    for label, share in (("negative", sentiment.negative), ("neutral", sentiment.neutral), ("positive", sentiment.positive)):
        if share is not None:
            out.print(f"           {label:8} {share:4.0%} {_bar(share)}")
    for hit in sentiment.hits:
        out.print(f"           {hit.valence:+.2f}  {hit.text}", markup=False)
    rest = _rest(sentiment, answer["language"])
    if rest is not None:
        out.print(f"           {rest:+.2f}  all that the linear layer adds", markup=False)
    elif sentiment.compound is not None and not sentiment.hits:
        out.print("           no word that is known moves it much")
    if answer["signals"].intents:
        out.print(f"intents    {', '.join(answer['signals'].intents)}")


def _language(answer: dict[str, Any]) -> str:
    """The language, how sure and by what; what it might be where nothing is said."""
    language, guess, confidence = answer["language"], answer["language_guess"], answer["language_confidence"]
    if (ground := answer["language_ground"]) == "given":
        return f"{language}, as given"
    sure = "" if confidence is None else f"{confidence:.0%} sure, "
    if language is None:
        return "not known" + (f" (perhaps {guess}, {confidence:.0%} sure)" if guess is not None and confidence is not None else "")
    return f"{language} ({sure}by {GROUNDS.get(ground, ground)})"


def _rest(sentiment: Sentiment, language: str | None) -> float | None:
    """What the linear layer adds to the words told, on their scale, where those do not come to the label; None where they do."""
    sign = {"positive": 1, "negative": -1}.get(sentiment.label, 0)
    told = sum(hit.valence for hit in sentiment.hits)
    if sentiment.positive is None or sentiment.negative is None or language is None or told * sign > 0 or sign == 0:
        return None
    if (layer := load_layer(language)) is None:
        return None
    odds = max(sentiment.positive, LEAST_SHARE) / max(sentiment.negative, LEAST_SHARE)
    return math.log(odds) / layer.header.valence - told


def _engine(sentiment: Sentiment, language: str | None, engine: str) -> str:
    """What the answer rests on."""
    if sentiment.label == "unscored":
        if language is None:
            return "nothing: the language is not known"
        return "nothing: VADER is for English alone" if engine == "vader" else "nothing: there are no words for this language"
    if engine == "vader":
        return "VADER as it is"
    return "lexicon and rules and the linear layer" if sentiment.negative is not None else "lexicon and rules alone"


def _bar(share: float) -> str:
    """A bar as long as a share is large, in eighths of a character."""
    eighths = round(share * BAR * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
