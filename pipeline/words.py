"""Words that tell the language of a text of one or two words: what they are is in ``words.toml``, what they say is here."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

MOST_WORDS: Final = 12
"""A longer text has said what it has to say."""

ONLY_WEIGHT: Final = 6.0
"""What a word of one language alone adds to that language's score: it is hundreds of times as likely there as in any other."""
USUAL_WEIGHT: Final = 4.5
"""What a word adds that exists elsewhere too: enough for "top!", too little where the rest of the text says otherwise ("top service")."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


class WordsError(ValueError):
    """The file of words is wrong. The message names language and word."""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    only: dict[str, str]
    usually: dict[str, str] = {}


class Said(NamedTuple):
    """The one language that listed words speak for, and what they add to its score."""

    language: str
    weight: float


class ShortWords:
    """Word → the language it speaks for, and what it adds to its score."""

    def __init__(self, only: Mapping[str, str], usually: Mapping[str, str]) -> None:
        self.only = dict(only)
        self.usually = dict(usually)
        self._plain = {word: Said(language, ONLY_WEIGHT) for word, language in only.items()}
        self._all = self._plain | {word: Said(language, USUAL_WEIGHT) for word, language in usually.items()}

    def say(self, text: str, *, alone: bool = False) -> Said | None:
        """What the listed words of a short text say; None where there are none, or they speak for several languages.

        Args:
            alone: whether only words of one language alone are heard; so it is in a stream without our usual priors.
        """
        words = set(_WORD.findall(text.lower().replace("’", "'")))
        if len(words) > MOST_WORDS:
            return None
        known = self._plain if alone else self._all
        found = [said for word in words if (said := known.get(word)) is not None]
        if not found or any(said.language != found[0].language for said in found):
            return None
        return Said(found[0].language, sum(said.weight for said in found))


def parse_words(content: bytes, languages: tuple[str, ...]) -> ShortWords:
    """Read ``words.toml``.

    Raises:
        WordsError: not TOML, an unknown key or language, a word that no text can hold, or one that is listed twice.
    """
    try:
        file = msgspec.toml.decode(content, type=_File)
    except (ValueError, RecursionError) as error:
        raise WordsError(f"words.toml: {error}") from None
    only: dict[str, str] = {}
    usually: dict[str, str] = {}
    for name, lists, found in (("only", file.only, only), ("usually", file.usually, usually)):
        for language, listed in lists.items():
            if language not in languages:
                raise WordsError(f"words.toml: [{name}] {language} is no language that we name; use one of {', '.join(languages)}")
            for word in listed.split():
                if word != word.lower() or len(word) < 2 or not _WORD.fullmatch(word):
                    raise WordsError(f"words.toml: [{name}] {language}: {word!r} is in no text; write two letters or more, in lower case")
                if (other := only.get(word) or usually.get(word)) is not None:
                    raise WordsError(f"words.toml: {word!r} is listed for {other} and for {language}; a word stands in one list, once")
                found[word] = language
    return ShortWords(only, usually)
