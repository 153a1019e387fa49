"""What a pack is, and how its files are read.

``rules.toml`` says how words work on each other, ``words.toml`` and ``phrases.toml`` what they are worth, ``base.tsv`` a general lexicon
below them, ``signs.toml`` emoji and emoticons for all languages. Unknown keys and words with two valences are refused, by name.

An entry holds one or more phrases, parted by commas; a word in a phrase may have alternatives, parted by ``|``; ``*`` is a gap.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import product
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

GAP = "*"
_MARKS = re.compile("[\u0300-\u036f]")

Valence = Annotated[float, Meta(ge=-4.0, le=4.0)]
Factor = Annotated[float, Meta(ge=-3.0, le=3.0)]
T = TypeVar("T")


class PackError(ValueError):
    """A file of a pack is wrong. The message names file, entry and what to do."""


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the words of a language work on each other.

    ``contrast``: what follows counts more ("maar"). ``greetings``: say nothing as the first word. ``excess``: turn praise into blame ("te
    groot"). ``limits``: a negation does not reach across. ``backward``: negations that may come last ("leuk is het niet"). ``endings``:
    may come off. ``negations``: how much of what follows is turned round. ``degrees``: factor on what follows. ``prefixes``: factor on
    the rest of the word. ``roots``: what a stem without its ending may end in ("molest" + "ar"). ``accents``: whether they are kept; if
    not, "avería" and "averia" are one word, in files and texts. ``elision``: an unlisted word is taken apart at its apostrophes
    ("l'attesa"). ``closers``: negations only where one of ``openers`` stands a few words before ("ne … plus"; "plus" alone is more).
    ``quiet``: negations that lean to nothing alone ("ohne Karte"). ``nominal``: negations of a thing, which do not reach across one of
    ``verbs`` ("zonder afspraak werd ik fijn geholpen"). ``mocking``: take back the praise that a sentence begins with ("mooi systeem
    hoor"). ``hollow``: exclamations that mock where only blame follows ("Top weer. Derde keer mis."). ``reporting``: words of news;
    where one stands and none of ``personal``, blame for one of ``events`` ("storing") is only told. ``spelling``: german writes ä and ß
    as ae and ss, in files and texts. ``thanks`` after a question or one of ``requests`` only close a message.
    """

    spelling: Literal["plain", "dutch", "german"] = "plain"
    accents: bool = True
    elision: bool = False
    roots: tuple[str, ...] = ()
    contrast: frozenset[str] = frozenset()
    greetings: frozenset[str] = frozenset()
    excess: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()
    backward: frozenset[str] = frozenset()
    openers: frozenset[str] = frozenset()
    closers: frozenset[str] = frozenset()
    quiet: frozenset[str] = frozenset()
    nominal: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    mocking: frozenset[str] = frozenset()
    hollow: frozenset[str] = frozenset()
    reporting: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()
    thanks: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()
    negations: dict[str, Factor] = {}
    degrees: dict[str, Factor] = {}
    prefixes: dict[str, Factor] = {}


class Pack(NamedTuple):
    """One language, ready for use: forms, parts of compounds, phrases (``*`` for a gap) and signs, each → valence."""

    rules: Rules
    words: Mapping[str, float]
    base: Mapping[str, float]
    first_parts: Mapping[str, float]
    last_parts: Mapping[str, float]
    phrases: Mapping[tuple[str, ...], float]
    emoji: dict[str, float]
    emoticons: dict[str, float]


class _Signs(Struct, frozen=True, forbid_unknown_fields=True):
    emoji: dict[str, Valence] = {}
    emoticons: dict[str, Valence] = {}


def parse_pack(*, rules: bytes, words: bytes, phrases: bytes, base: bytes, signs: bytes) -> Pack:
    """Read the files of a pack.

    Raises:
        PackError: not TOML, an unknown key, a valence outside [-4, 4], a word or phrase with two valences, a gap at an end of a phrase.
    """
    plain = _decode(rules, Rules, "rules.toml")
    if (fold := _FOLDS.get((plain.spelling, plain.accents))) is not None:
        rules, words, phrases, base = (_folded(content, fold) for content in (rules, words, phrases, base))
        plain = _decode(rules, Rules, "rules.toml")
    spread = {name: dict(_single(getattr(plain, name), "rules.toml")) for name in ("negations", "degrees", "prefixes")}
    entries: dict[tuple[str, ...], float] = {}
    for content, file in ((words, "words.toml"), (phrases, "phrases.toml")):
        for forms, valence in _spread(_entries(content) or _decode(content, dict[str, Valence], file), file):
            if entries.setdefault(forms, valence) != valence:
                raise PackError(f"{file}: {' '.join(forms)!r} is {valence:g} here and {entries[forms]:g} elsewhere; give it one valence")
    single = {forms[0]: valence for forms, valence in entries.items() if len(forms) == 1}
    found = _decode(signs, _Signs, "signs.toml")
    emoji = dict(_single(found.emoji, "signs.toml"))
    if joined := [sign for sign in emoji if len(sign) > 1]:
        raise PackError(f"signs.toml: {joined[0]!r} is more than one sign; give its first alone")
    return Pack(
        rules=msgspec.structs.replace(plain, **spread),
        words={form: valence for form, valence in single.items() if GAP not in form},
        base=dict(_table(base)),
        first_parts={form[:-1]: valence for form, valence in single.items() if form.endswith(GAP)},
        last_parts={form[1:]: valence for form, valence in single.items() if form.startswith(GAP)},
        phrases={forms: valence for forms, valence in entries.items() if len(forms) > 1},
        emoji=emoji,
        emoticons=dict(_single(found.emoticons, "signs.toml", alternatives=False)),
    )


def without_accents(text: str) -> str:
    """The text without marks on its letters: "não" → "nao"."""
    return text if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", text))


_UMLAUTS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"))


def without_umlauts(text: str) -> str:
    """The text as on a keyboard without umlauts: "größer" → "groesser"."""
    if not text.isascii():
        for umlaut, letters in _UMLAUTS:  # five times as fast as str.translate
            text = text.replace(umlaut, letters)
    return text


_FOLDS: Mapping[tuple[str, bool], Callable[[str], str]] = {
    ("plain", False): without_accents,
    ("dutch", False): without_accents,
    ("german", True): without_umlauts,
}


def folded(form: str, rules: Rules) -> str:
    """A word as the pack with these rules looks it up."""
    fold = _FOLDS.get((rules.spelling, rules.accents))
    return form if fold is None else fold(form)


def _folded(content: bytes, fold: Callable[[str], str]) -> bytes:
    """A file as its words are looked up; one that is no UTF-8 is left to whoever decodes it."""
    try:
        return fold(content.decode()).encode()
    except UnicodeDecodeError:
        return content


_ENTRY = re.compile(r'(?:"([^"\\]*)"|([A-Za-z0-9_-]+))[ \t]*=[ \t]*(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)[ \t]*(?:#.*)?')
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _entries(content: bytes) -> dict[str, float]:
    """The entries of a file that holds nothing but plain ones, eight times as fast as a reader of all of TOML; else nothing."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {}
    if _CONTROL.search(text):
        return {}
    found: dict[str, float] = {}
    entries = 0
    for line in text.split("\n"):
        if line and line[0] != "#":
            if (match := _ENTRY.fullmatch(line)) is None:
                return {}
            quoted, bare, value = match.groups()
            found[bare if quoted is None else quoted] = valence = float(value)
            entries += 1
            if not -4.0 <= valence <= 4.0:
                return {}
    return found if len(found) == entries else {}


def _decode(content: bytes, kind: type[T], file: str) -> T:
    try:
        decoded: T = msgspec.toml.decode(content, type=kind)
    except (ValueError, RecursionError) as error:
        raise PackError(f"{file}: {error}") from None
    return decoded


def _spread(entries: Mapping[str, float], file: str, *, alternatives: bool = True) -> Iterator[tuple[tuple[str, ...], float]]:
    """Each phrase of each entry, once per choice of its alternatives."""
    for entry, value in entries.items():
        for phrase in entry.split(", "):
            if phrase and " " not in phrase and not (alternatives and "|" in phrase):
                yield (phrase,), value
                continue
            slots = [slot.split("|") if alternatives else [slot] for slot in phrase.split()]
            if not slots or not all(word for slot in slots for word in slot):
                raise PackError(f"{file}: {entry!r} has an empty part")
            if len(slots) > 1 and GAP in (slots[0][0], slots[-1][0]):
                raise PackError(f"{file}: {phrase!r} begins or ends with a gap, so it is never found; leave that {GAP} out")
            for forms in product(*slots):
                yield forms, value


def _single(entries: Mapping[str, float], file: str, **how: Any) -> Iterator[tuple[str, float]]:
    for forms, value in _spread(entries, file, **how):
        if len(forms) > 1:
            raise PackError(f"{file}: {' '.join(forms)!r} must be one word")
        yield forms[0], value


def _table(content: bytes) -> Iterator[tuple[str, float]]:
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise PackError(f"base.tsv: {error}") from None
    rows = [line.partition("\t") for line in lines if line and line[0] != "#"]
    with suppress(ValueError):
        valences = [float(value) for _, _, value in rows]
        if all(form and -4.0 <= valence <= 4.0 for (form, _, _), valence in zip(rows, valences, strict=True)):
            yield from zip([form for form, _, _ in rows], valences, strict=True)
            return
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#"):
            form, _, value = line.partition("\t")
            try:
                valence = float(value)
            except ValueError:
                valence = float("nan")
            if not (form and abs(valence) <= 4.0):
                raise PackError(f"base.tsv: line {number} is not a word, a tab and a number from -4 to 4")
            yield form, valence
