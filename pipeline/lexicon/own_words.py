"""A deployment's own words, above those of the packs: what "storing" means is known best where the mentions are read.

    [nl]
    storing = -2
    "staat * stil, ligt|lag * eruit" = -2.5
    "🐌" = -3
    "tarief" = 0          # takes a word out

Entries are written as in a pack's words.toml and phrases.toml; what stands here counts instead of what the pack says of it.
"""

import re
from collections.abc import Collection, Mapping
from itertools import pairwise, product
from typing import Any

import msgspec

from pipeline.lexicon.pack import GAP, MOST_VALENCE, Pack, PackError, Phrase, folded, toml_hint
from pipeline.lexicon.units import MODIFIERS

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_PART = re.compile(r"\*[^\W_]+|[^\W_]+\*")

OwnWords = Mapping[str, Mapping[tuple[str, ...], float]]
"""Language → forms of a word or phrase → valence."""


def parse_own_words(content: bytes, languages: Collection[str], *, file: str = "words.toml") -> dict[str, dict[tuple[str, ...], float]]:
    """Read the file.

    Raises:
        PackError: not TOML, a language without a pack, a value that is no number from -4 to 4, an entry that no text can hold,
            one with two valences. The message names file, line and entry, and says what to do.
    """
    try:
        tables = msgspec.toml.decode(content)
    except (ValueError, RecursionError) as error:
        raise PackError(f"{file}: {error}{toml_hint(str(error))}") from None
    own: dict[str, dict[tuple[str, ...], float]] = {}
    for language, entries in tables.items():
        where = _Places(file, content, language)
        if not isinstance(entries, dict):
            raise PackError(f"{where.of(language)}: stands in no language; begin with a line such as [{min(languages)}]")
        if language not in languages:
            raise PackError(f"{where.of()}: there are no words for this language; there are some for {', '.join(sorted(languages))}")
        found = own.setdefault(language, {})
        for entry, value in entries.items():
            valence = _valence(value, where.of(entry))
            for forms in _forms(entry, where.of(entry)):
                if found.setdefault(forms, valence) != valence:
                    raise PackError(
                        f"{where.of(entry)}: {' '.join(forms)!r} is {valence:g} here and {found[forms]:g} elsewhere; give it one valence"
                    )
    return own


def with_own_words(pack: Pack, own: Mapping[tuple[str, ...], float]) -> Pack:
    """A pack in which these entries count instead of its own; one for a part of a word instead of the words that have it."""
    if not own:
        return pack
    entries = {tuple(folded(form, pack.rules) for form in written): valence for written, valence in own.items()}
    words, base = (_without_parts(known, entries) for known in (pack.words, pack.base))
    first_parts, last_parts, phrases = dict(pack.first_parts), dict(pack.last_parts), list(pack.phrases)
    emoji, emoticons = dict(pack.emoji), dict(pack.emoticons)
    for forms, valence in entries.items():
        if len(forms) > 1:
            phrases.append(Phrase(" ".join(forms), valence))
        elif is_sign(form := forms[0]):
            (emoji if len(form) == 1 else emoticons)[form] = valence
        elif form.endswith(GAP):
            first_parts[form[:-1]] = valence
        elif form.startswith(GAP):
            last_parts[form[1:]] = valence
        else:
            words[form] = valence
    return pack._replace(
        words=words, base=base, phrases=phrases, first_parts=first_parts, last_parts=last_parts, emoji=emoji, emoticons=emoticons
    )


def _without_parts(words: Mapping[str, float], entries: Collection[tuple[str, ...]]) -> dict[str, float]:
    """Words of a pack without those that have a part of its own valence ("*storing": "stroomstoring")."""
    first = tuple(form[:-1] for form, *more in entries if not more and form.endswith(GAP))
    last = tuple(form[1:] for form, *more in entries if not more and form.startswith(GAP))
    if not first and not last:
        return dict(words)
    whole = {*first, *last}
    return {word: valence for word, valence in words.items() if word in whole or not (word.startswith(first) or word.endswith(last))}


def is_sign(form: str) -> bool:
    """Whether an entry is an emoji or an emoticon."""
    return GAP not in form and not any(sign.isalnum() for sign in form)


class _Places:
    """Where an entry of one language stands, as an error says it."""

    def __init__(self, file: str, content: bytes, language: str) -> None:
        self._file = file
        self._language = language
        self._lines = content.decode("utf-8", "replace").splitlines()

    def of(self, entry: str | None = None) -> str:
        """`words.toml: line 3 (storing)`; the line of the table's head without an entry."""
        head = [number for number, line in enumerate(self._lines, 1) if re.match(rf"\s*\[\s*[\"']?{re.escape(self._language)}\b", line)]
        if entry is None:
            return f"{self._file}: {f'line {head[0]}: ' if head else ''}[{self._language}]"
        wanted = {entry, f'"{entry}"', f"'{entry}'"}
        for number, line in enumerate(self._lines, 1):
            if number > (head[0] if head else 0) and line.rpartition("=")[0].strip() in wanted:
                return f"{self._file}: line {number}: {entry!r}"
        return f"{self._file}: [{self._language}] {entry!r}"


def _valence(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST_VALENCE:
        raise PackError(f"{place}: a word is worth a number from -4 (as bad as it gets) to 4; 0 takes it out")
    return float(value)


def _forms(entry: str, place: str) -> list[tuple[str, ...]]:
    """Every phrase of an entry, once per choice of its alternatives, in lower case."""
    found: list[tuple[str, ...]] = []
    for phrase in entry.split(","):
        slots = phrase.split()
        if len(slots) == 1 and is_sign(slots[0]):
            sign = MODIFIERS.sub("", slots[0])
            if not sign or (len(sign) == 1 and sign.isascii()):
                raise PackError(f"{place}: {slots[0]!r} is a mark of every text; give an emoji or an emoticon of two signs or more")
            found.append((sign,))
            continue
        choices = [[form.lower().replace("’", "'") for form in slot.split("|")] for slot in slots]
        single = len(choices) == 1
        for form in (form for choice in choices for form in choice):
            if not (_WORD.fullmatch(form) or (form == GAP and not single) or (single and _PART.fullmatch(form))):
                raise PackError(
                    f"{place}: {form!r} is in no text; write words parted by spaces, entries by commas, alternatives by |; * alone is a "
                    "gap inside a phrase, at one end of a word the rest of it"
                )
        if not choices or choices[0] == [GAP] or choices[-1] == [GAP] or any(pair == ([GAP], [GAP]) for pair in pairwise(choices)):
            raise PackError(f"{place}: an entry begins and ends with a word, with one * at a time between; take out what is empty")
        found += product(*choices)
    return found
