"""The models inside our stages against the packages they come from: the same texts, one process, by CPU time.

Usage: libraries.py ROUNDS. Prints JSON: microseconds of CPU per text, a list over the rounds for each. The whole of sentiment (pack and
linear layer, label, probabilities, words that moved it) is set against the package's four figures, on our own evaluation texts.
"""

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
from figures import alternating
from mentions import Town
from processes import end_with_parent
from py3langid.langid import MODEL_FILE
from py3langid.langid import LanguageIdentifier as PackagedIdentifier
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from agents.lexicons import LANGUAGES, load_engine, load_vader
from agents.models import load_identifier
from pipeline.vader import VaderRules

TEXTS = 1_000
BATCH = 250
OWN = Path(__file__).parents[1] / "texts"
_text = msgspec.json.Decoder(msgspec.defstruct("Body", [("text", str)])).decode


def own_texts(language: str) -> list[str]:
    """Evaluation texts of a language, from all its files alike."""
    lines = [line for file in sorted(OWN.glob(f"{language}-*.jsonl")) for line in file.read_bytes().splitlines()]
    return [_text(line).text for line in lines[:: max(1, len(lines) // TEXTS)]]


def measure(rounds: int) -> dict[str, Any]:
    """CPU per text of each, in turns."""
    drafts = islice(Town().drafts(), TEXTS)
    texts = [_text(draft.head + b"2026-01-01T00:00:00Z" + draft.tail).text for draft in drafts]
    ours, packaged = load_identifier(), PackagedIdentifier.from_model_file(MODEL_FILE)
    rules, analyzer = VaderRules(load_vader()), SentimentIntensityAnalyzer()
    languages = [language.code for language in ours.identify(texts)]
    english = [text for text, language in zip(texts, languages, strict=True) if language == "en"]
    for text in english:
        figures, package = rules.score(text)[0], analyzer.polarity_scores(text)
        if (figures.neg, figures.neu, figures.pos, figures.compound) != tuple(package[name] for name in ("neg", "neu", "pos", "compound")):
            raise SystemExit("VADER and ours do not agree: a ratio of their speeds says nothing")

    def in_batches() -> None:
        for start in range(0, len(texts), BATCH):
            ours.identify(texts[start : start + BATCH])

    work: dict[str, tuple[int, Callable[[], object]]] = {
        "language, ours in batches": (len(texts), in_batches),
        "language, ours one by one": (len(texts), lambda: [ours.identify([text]) for text in texts]),
        "language, py3langid.classify": (len(texts), lambda: [packaged.classify(text) for text in texts]),
        "vader, ours": (len(english), lambda: [rules.score(text) for text in english]),
        "vader, vaderSentiment": (len(english), lambda: [analyzer.polarity_scores(text) for text in english]),
    }
    engine = load_engine()

    def score(texts: Sequence[str], language: str) -> None:
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            engine.score(some, [language] * len(some))

    def packaged_scores(texts: Sequence[str]) -> None:
        for text in texts:
            analyzer.polarity_scores(text)

    for language in LANGUAGES:
        spoken = own_texts(language)
        work[f"sentiment, ours: {language}"] = len(spoken), partial(score, spoken, language)
        work[f"sentiment, vaderSentiment: {language}"] = len(spoken), partial(packaged_scores, spoken)
    for _, run in work.values():
        run()
    micros: dict[str, list[float]] = {name: [] for name in work}
    for _, name in alternating(list(work), rounds):
        count, run = work[name]
        started = process_time()
        run()
        micros[name].append((process_time() - started) / count * 1e6)
    return {"texts": len(texts), "english": len(english), "micros": micros}


if __name__ == "__main__":
    end_with_parent()
    print(json.dumps(measure(int(sys.argv[1]))))
