"""The words and phrases that rules look for in a text, as whole words whatever their case."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_SPLIT = bytes(code if code < 128 and (chr(code).isalnum() or code == ord("_")) else ord(" ") for code in range(256))
"""All but ASCII letters, digits and `_` become a space, byte for byte of UTF-8."""


def words_of(text: str) -> list[str]:
    """The words of a text, casefolded."""
    return _WORD.findall(text.casefold())


class Phrases:
    """Some words and phrases, to be found in texts."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[list[str], str]]] = {}
        hints = []
        for phrase in sorted(set(phrases)):
            words = words_of(phrase)
            self._by_first.setdefault(words[0], []).append((words, phrase))
            hints.append(max((part for word in words for part in _ascii_parts(word)), key=len, default=None))
        self._hints = frozenset(hints)

    def found_in(self, *texts: str | None) -> list[str]:
        """Those that any of the texts holds, sorted."""
        if not self._by_first:
            return []
        found: set[str] = set()
        for text in texts:
            if text and self._may_hold(text):
                words = words_of(text)
                for first in self._by_first.keys() & set(words):
                    found.update(phrase for parts, phrase in self._by_first[first] if len(parts) == 1 or _holds(words, parts))
        return sorted(found)

    def _may_hold(self, text: str) -> bool:
        """Cheap, and never wrong when it says no: most texts hold none.

        A word in a text stands between signs that are no part of words. So its ASCII parts stand between spaces here, beside parts of
        other words that mean nothing. Of each phrase the longest such part is looked for; one that has none could stand in any text.
        """
        return None in self._hints or not self._hints.isdisjoint(_ascii_parts(text.casefold()))


def _ascii_parts(text: str) -> list[bytes]:
    return text.encode("utf-8", "surrogatepass").translate(_SPLIT).split()


def _holds(words: list[str], phrase: list[str]) -> bool:
    length = len(phrase)
    return any(words[at] == phrase[0] and words[at : at + length] == phrase for at in range(len(words) - length + 1))
