"""No record may cost more than its length: CPU of long texts against texts four times as long, through every stage.

Wall clocks lie on a busy machine; CPU seconds lie less, and the least of several tries least of all. Linear work grows by four, quadratic
by sixteen: the bound is eight.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import msgspec
from record_targets import DECODERS, stages

from pipeline.stage import ORIGIN, Incoming
from schemas.codec import RejectedRecordError
from schemas.topics import ASSESSED, LANGUAGE, RAW, SENTIMENT

TIMES = 4
MOST_GROWTH = 8.0
LEAST_SECONDS = 0.004
"""Below this nothing is measured: the fixed cost of a record hides what grows."""

UNITS = {
    "one word": "a",
    "words": "slecht goed ",
    "capitals": "SLECHT ",
    "exclamation": "!",
    "digits": "0",
    "phone numbers": "06-12345678 ",
    "almost phone numbers": "+31 6 ",
    "dates": "01-02-2026 ",
    "accounts": "NL91ABNA0417164300 ",
    "almost accounts": "NL91 ",
    "addresses": "a@b.nl ",
    "almost addresses": "a@",
    "dots": "a.",
    "at signs": "@",
    "links": "https://x.nl/1 ",
    "one link": "www.",
    "burgerservicenummers": "bsn 111222333 ",
    "quotes": "\"'`",
    "backslashes": "\\",
    "nul": "\x00",
    "spaces": " ",
    "line breaks": "\n",
    "zalgo": "e\u0301\u0302",
    "emoji": "\U0001f468\u200d\U0001f469 ",
    "skin tones": "\U0001f44d\U0001f3fd",
    "right to left": "\u202eشكرا ",
    "cjk": "不好",
    "rule words": "in brand in ",
    "negations": "niet geen nooit ",
    "compounds": "superramp",
    "emoticons": ":-(",
    "hash tags": "#slecht",
}


class Measured(NamedTuple):
    """CPU seconds of a text and of one four times as long."""

    what: str
    shorter: float
    longer: float

    @property
    def growth(self) -> float:
        """How many times as much."""
        return self.longer / max(self.shorter, LEAST_SECONDS)

    @property
    def holds(self) -> bool:
        """Whether it grows as the text does."""
        return self.growth <= MOST_GROWTH


def _seconds(run: Callable[[], object], tries: int) -> float:
    best = float("inf")
    for _ in range(tries):
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return best


def _mention(text: str) -> dict[str, object]:
    return {
        "mention_id": "x:1",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": text,
        "title": text[:2_000],
        "published_at": "2026-09-01T10:00:00Z",
        "author": {"id": "h1:" + "0" * 32},
    }


def _stage(number: int, text: str) -> Callable[[], object]:
    fields = _mention(text)
    if number:
        fields |= {"mode": "live", "detected_at": "2026-09-01T10:00:00Z", "language": "nl"}
    if number > 1:
        fields |= {"sentiment": {"label": "negative", "compound": -0.6}, "signals": {}}
    if number > 2:
        fields |= {"situation": {}}
    record = Incoming(0, 0, 0, b"noordnet", msgspec.json.encode(fields), [(ORIGIN, b"e:0:1")] if number else [])

    def run() -> None:
        assert not stages(True)[number].open(0, "e").process([record]).dead

    return run


def _decoded(topic: str, value: bytes) -> Callable[[], object]:
    def run() -> None:
        with suppress(RejectedRecordError):
            DECODERS[topic].decode(value)

    return run


def _value(kind: str, length: int) -> bytes:
    match kind:
        case "deep":
            return b'{"x":' + b"[" * length + b"]" * length + b"}"
        case "keys":
            return b"{" + b",".join(b'"k%d":1' % n for n in range(length // 8)) + b"}"
        case "the same key":
            return b"{" + b",".join([b'"edit":1'] * (length // 8)) + b"}"
        case "types":
            return b"{" + b",".join([b'"type":"tick"'] * (length // 12)) + b',"at":1}'
        case "quoted":
            return b'{"type":"mention","kind":"' + b"'" * length + b'"}'
        case "escapes":
            return b'{"text":"' + b"\\u0041" * (length // 6) + b'"}'
        case _:
            return b'{"published_at":' + b"9" * length + b"}"


def measure(length: int = 24_000, tries: int = 3, only: int | None = None) -> list[Measured]:
    """Every unit through every stage, and odd values through the decoders. ``only``: so many of them."""
    found = []
    for name, unit in list(UNITS.items())[:only]:
        for number, stage in enumerate(("language", "sentiment", "crisis", "routing")):
            short, long = ((unit * (size // len(unit) + 1))[:size] for size in (length, TIMES * length))
            found.append(Measured(f"{stage}: {name}", _seconds(_stage(number, short), tries), _seconds(_stage(number, long), tries)))
    for kind in ("deep", "keys", "the same key", "types", "quoted", "escapes", "digits"):
        for topic in (RAW.name, LANGUAGE.name, SENTIMENT.name, ASSESSED.name)[:: 1 if only is None else 4]:
            short_, long_ = (_decoded(topic, _value(kind, size)) for size in (10 * length, 10 * TIMES * length))
            found.append(Measured(f"decoder {topic.split('.')[2]}: {kind}", _seconds(short_, tries), _seconds(long_, tries)))
    return found
