"""The words of a text that say what it is about, to be counted over many authors: no function words, names, addresses or numbers."""

import re
from functools import cache

from pipeline.lexicon.function_words import FUNCTION_WORDS

_MOST_CHARACTERS = 1_000
_MOST_WORDS = 12
_LEAST, _MOST = 3, 24
"""Letters of a word."""
_NO_WORDS = re.compile(r"(?:https?://|www\.)\S*|\S*@\S*|\[[a-z-]+\]")
"""Addresses, handles and what stands in the place of personal data."""
_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = "".join(chr(code) if code < 128 and chr(code).isalpha() else " " for code in range(256)).encode("latin-1")


def telling_words(text: str, language: str | None, names: frozenset[str]) -> list[str]:
    """The first dozen, casefolded; ``names`` are left out."""
    text = text[:_MOST_CHARACTERS].casefold()
    if "@" in text or "://" in text or "www." in text or "[" in text:
        text = _NO_WORDS.sub(" ", text)
    # ASCII, as most texts are, takes a third of what a search for words takes.
    words = text.encode().translate(_LETTERS).decode().split() if text.isascii() else _WORD.findall(text)
    left_out = _left_out(language)
    found: list[str] = []
    for word in words:
        if word not in left_out and _LEAST <= len(word) <= _MOST and word not in names and word not in found:
            found.append(word)
            if len(found) == _MOST_WORDS:
                break
    return found


# What anybody says who complains, about anything.
_ANYTHING = """
    niks nooit altijd echt helemaal steeds eindelijk alweer dag dagen week weken maand maanden uur uren minuten tijd mensen bedrijf klant
    klanten vraag antwoord probleem goed slecht graag alsjeblieft bedankt hallo hoi beste jammer sorry
    nothing never always really still finally already day days week weeks month months hour hours minutes time people company customer
    customers question answer problem good bad please thanks hello sorry
"""
_SAYS_NOTHING = frozenset(_ANYTHING.split())


@cache
def _of(language: str) -> frozenset[str]:
    return _SAYS_NOTHING | FUNCTION_WORDS[language]


_NOT_KNOWN = _of("nl") | _of("en")


def _left_out(language: str | None) -> frozenset[str]:
    """What says nothing, and function words of the language; of Dutch and English where it is not known, or has none."""
    return _of(language) if language in FUNCTION_WORDS else _NOT_KNOWN
