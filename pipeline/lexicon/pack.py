"""What a pack is, and how its files are read.

``rules.toml`` says how words work on each other, ``words.toml`` and ``phrases.toml`` what they are worth, ``base.tsv`` a general lexicon
below them, ``signs.toml`` emoji and emoticons for all languages. Unknown keys and words with two valences are refused, by name.

An entry holds one or more phrases, parted by commas; a word in a phrase may have alternatives, parted by ``|``; ``*`` is a gap.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

GAP = "*"
_MARKS = re.compile("[\u0300-\u036f]")

MOST_VALENCE = 4.0
"""As bad or as good as it gets."""
Valence = Annotated[float, Meta(ge=-MOST_VALENCE, le=MOST_VALENCE)]
Factor = Annotated[float, Meta(ge=-3.0, le=3.0)]
T = TypeVar("T")


class PackError(ValueError):
    """A file of a pack is wrong. The message names file, entry and what to do."""


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the words of a language work on each other.

    ``contrast``: what follows counts more ("maar"). ``greetings``: say nothing as the first word. ``excess``: turn praise into blame ("te
    groot"). ``limits``: a negation does not reach across. ``backward``: negations that may come last ("leuk is het niet"). ``endings``:
    may come off. ``negations``: how much of what follows is turned round. ``degrees``: factor on what follows. ``prefixes``: factor on the
    rest of the word. ``roots``: what a stem without its ending may end in ("molest" + "ar"). ``accents``: whether they are kept; if not,
    "avería" and "averia" are one word, in files and texts. ``elision``: an unlisted word is taken apart at its apostrophes ("l'attesa").
    ``closers``: negations only where one of ``openers`` stands a few words before ("ne … plus"; "plus" alone is more). ``quiet``:
    negations that lean to nothing alone ("ohne Karte"). ``nominal``: negations of a thing, which do not reach across one of ``verbs``
    ("zonder afspraak werd ik fijn geholpen"). ``mocking``: take back the praise that a sentence begins with, beside blame or where it is
    an exclamation ("mooi systeem hoor"). ``hollow``: exclamations and signs that mock where all else is blame ("Top weer. Derde keer
    mis.", "... valt uit 👏"). ``reporting``: words of news; where one stands and none of ``personal``, blame for one of ``events``
    ("storing") is only told. ``asking``: where a question begins with one and has none of ``insistent``, a word of ``faults`` or
    ``events``, or a phrase that begins or ends with one, is asked after ("is de storing verholpen?"). ``balancing``: words and phrases by
    which a text says that it is torn ("een zesje"). ``hushing``: phrases after which, up to a contrast or the end of their clause (one of
    ``parting`` ends it, one of ``joining`` may), hardly anything is said of us ("bij mijn vorige bank", "ik was bang dat"). ``faults``:
    hardly count where one of ``mending`` follows ("probleem ... opgelost") of which nothing near says, by one of ``undone``, that it is
    still to come ("moet ... opgelost"). ``measures``: what stands for a measure right behind a figure, and only there ("2h").
    ``spelling``: german writes ä and ß as ae and ss, in files and texts. ``thanks`` after a question or one of ``requests`` only close a
    message. ``variants``: words that are another one, spelled or spoken otherwise ("nie": "niet"), in files and texts.
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
    asking: frozenset[str] = frozenset()
    insistent: frozenset[str] = frozenset()
    balancing: tuple[str, ...] = ()
    hushing: tuple[str, ...] = ()
    joining: frozenset[str] = frozenset()
    parting: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()
    mending: frozenset[str] = frozenset()
    undone: frozenset[str] = frozenset()
    reporting: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()
    thanks: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()
    negations: dict[str, Factor] = {}
    degrees: dict[str, Factor] = {}
    prefixes: dict[str, Factor] = {}
    measures: dict[str, str] = {}
    variants: dict[str, str] = {}


Role = Literal["", "hushing", "balancing"]


class Phrase(Struct, frozen=True, gc=False):
    """Words in a row, each with its alternatives parted by ``|`` (``*``: a gap), and what any choice of them is worth.

    It stays as it was written: spread out, those of a language are tens of thousands, of which few are ever met.
    """

    text: str
    valence: float
    role: Role = ""
    """The name of the `Rules` that it is one of, if any."""

    def slots(self) -> list[list[str]]:
        """The alternatives of each word."""
        return [slot.split("|") for slot in self.text.split()]


class Pack(NamedTuple):
    """One language, ready for use: forms, parts of compounds and signs, each → valence; and phrases, of which the last one counts."""

    rules: Rules
    words: Mapping[str, float]
    base: Mapping[str, float]
    first_parts: Mapping[str, float]
    last_parts: Mapping[str, float]
    phrases: Sequence[Phrase]
    emoji: dict[str, float]
    emoticons: dict[str, float]


class _Signs(Struct, frozen=True, forbid_unknown_fields=True):
    emoji: dict[str, Valence] = {}
    emoticons: dict[str, Valence] = {}


def parse_pack(*, rules: bytes, words: bytes, phrases: bytes, base: bytes, signs: bytes) -> Pack:
    """Read the files of a pack.

    Raises:
        PackError: not TOML, an unknown key, a valence outside [-4, 4], a word with two valences, a gap at an end of a phrase.
    """
    plain = _decode(rules, Rules, "rules.toml")
    fold = _FOLDS.get((plain.spelling, plain.accents))
    if fold is not None:
        plain = _rules_folded(plain, fold)
        words, phrases, base = (_folded(content, fold) for content in (words, phrases, base))
    variants, measures = (dict(_meant(getattr(plain, name), name)) for name in ("variants", "measures"))
    if variants:
        read_as = _reader(variants)
        plain = _read_otherwise(plain, read_as)
        words, phrases = (_folded(content, read_as) for content in (words, phrases))
    spread = {name: _one_each(_single(getattr(plain, name), "rules.toml"), f"rules.toml: {name}") for name in _BY_WORD}
    single: dict[str, float] = {}
    several: list[Phrase] = []
    for content, file in ((words, "words.toml"), (phrases, "phrases.toml")):
        for phrase in _phrases(_entries(content) or _valences(content, file), file):
            if " " in phrase.text:
                several.append(phrase)
                continue
            for form in phrase.text.split("|"):
                if single.setdefault(form, phrase.valence) != phrase.valence:
                    raise PackError(f"{file}: {_two_valences(form, phrase.valence, single[form])}")
    several += _with_a_role(plain)
    found = _decode(signs, _Signs, "signs.toml")
    emoji = dict(_single(found.emoji, "signs.toml"))
    if joined := [sign for sign in emoji if len(sign) > 1]:
        raise PackError(f"signs.toml: {joined[0]!r} is more than one sign; give its first alone")
    return Pack(
        rules=msgspec.structs.replace(plain, variants=variants, measures=measures, **spread),
        words={form: valence for form, valence in single.items() if GAP not in form},
        base=dict(_table(base)),
        first_parts={form[:-1]: valence for form, valence in single.items() if form.endswith(GAP)},
        last_parts={form[1:]: valence for form, valence in single.items() if form.startswith(GAP)},
        phrases=several,
        emoji=emoji,
        emoticons=dict(_emoticons(found.emoticons)),
    )


def _with_a_role(rules: Rules) -> Iterator[Phrase]:
    """What counts in no direction, but has a part in the rules; single words of ``balancing`` are looked up by themselves."""
    roles: tuple[tuple[Role, Iterable[str]], ...] = (("hushing", rules.hushing), ("balancing", rules.balancing))
    for role, entries in roles:
        for phrase in _phrases(dict.fromkeys(entries, 0.0), "rules.toml"):
            if " " in phrase.text:
                yield Phrase(phrase.text, 0.0, role)
            elif role == "hushing":
                raise PackError(f"rules.toml: hushing: {phrase.text!r} must be of two words or more")


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
    plain = form if fold is None else fold(form)
    return rules.variants.get(plain, plain)


def _meant(entries: Mapping[str, str], name: str) -> Iterator[tuple[str, str]]:
    for entry, meant in entries.items():
        for form in entry.split(", "):
            if not form or not meant or " " in form + meant:
                raise PackError(f"rules.toml: {name}: {entry!r} = {meant!r} must be words, parted by a comma and a space, and one word")
            if form != form.lower() or meant != meant.lower() or any(meant in other.split(", ") for other in entries):
                raise PackError(f"rules.toml: {name}: {form!r} = {meant!r} must be in lower case, and {meant!r} no entry itself")
            yield form, meant


def _reader(variants: Mapping[str, str]) -> Callable[[str], str]:
    """What puts the word that is meant in place of its variants; parts of compounds ("nie*") are left as they are."""
    found = re.compile(rf"(?<![\w'*-])(?:(?<![^ |\"])')?({'|'.join(map(re.escape, variants))})(?![\w'*-])")
    return lambda text: found.sub(lambda match: variants[match[1]], text)


def _folded(content: bytes, fold: Callable[[str], str]) -> bytes:
    """A file as its words are looked up; one that is no UTF-8 is left to whoever decodes it."""
    try:
        return fold(content.decode()).encode()
    except UnicodeDecodeError:
        return content


def _rules_folded(rules: Rules, fold: Callable[[str], str]) -> Rules:
    """The same of rules that are read already: as JSON, of which it is a fiftieth of the work to read them again."""
    return msgspec.json.decode(fold(msgspec.json.encode(rules).decode()), type=Rules)


def _read_otherwise(rules: Rules, read_as: Callable[[str], str]) -> Rules:
    """Rules with the words that are meant in place of their variants; endings, roots and prefixes are no words."""
    changed: dict[str, Collection[str]] = {}
    for name in rules.__struct_fields__:
        if name not in _NO_WORDS:
            value = getattr(rules, name)
            if isinstance(value, dict):
                changed[name] = _one_each(((read_as(form), factor) for form, factor in value.items()), f"rules.toml: {name}")
            else:
                changed[name] = type(value)(map(read_as, value))
    return msgspec.structs.replace(rules, **changed)


_NO_WORDS = ("spelling", "accents", "elision", "endings", "roots", "prefixes", "measures", "variants")
"""Of the `Rules`: what a variant has no part in."""


_BY_WORD = ("negations", "degrees", "prefixes")


def _one_each(entries: Iterable[tuple[str, float]], place: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for form, value in entries:
        if found.setdefault(form, value) != value:
            raise PackError(f"{place}: {_two_valences(form, value, found[form])}")
    return found


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


def _valences(content: bytes, file: str) -> dict[str, float]:
    """The same of any TOML, and what is wrong with it."""
    found = _decode(content, dict[str, Any], file)
    for entry, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST_VALENCE:
            raise PackError(f"{file}: {entry!r} = {value!r}: a word or phrase is worth a number from -4 (as bad as it gets) to 4")
    return found


def _decode(content: bytes, kind: type[T], file: str) -> T:
    try:
        decoded: T = msgspec.toml.decode(content, type=kind)
    except (ValueError, RecursionError) as error:
        raise PackError(f"{file}: {error}{toml_hint(str(error))}") from None
    return decoded


def toml_hint(error: str) -> str:
    """What to do about an error of TOML's, where it does not say so itself."""
    if "Cannot overwrite a value" in error:
        return "; this stands there twice: take one out"
    return "; a word with accents, spaces or signs stands in quotes" if "Expected '='" in error else ""


_EMPTY_PART = re.compile(r"(?:^|\s|\|)\||\|(?:\s|$)|^\s*$")
_GAP_AT_AN_END = re.compile(r"\s*\*(?:\|\S*)?\s.*|.*\s\*(?:\|\S*)?\s*")


def _phrases(entries: Mapping[str, float], file: str) -> Iterator[Phrase]:
    """Each phrase of each entry; a single word is a phrase of one."""
    for entry, value in entries.items():
        for phrase in entry.split(", "):
            if not phrase.isalpha():
                if _EMPTY_PART.search(phrase):
                    raise PackError(f"{file}: {entry!r} has an empty part")
                if GAP in phrase and _GAP_AT_AN_END.fullmatch(phrase):
                    raise PackError(f"{file}: {phrase!r} begins or ends with a gap, so it is never found; leave that {GAP} out")
            yield Phrase(phrase.strip(), value)


def refuse_two_valences(phrases: Iterable[Phrase]) -> None:
    """Refuse a phrase that is worth one thing here and another there.

    When packs are loaded there is no time for this, and the last one counts: it is asked when a layer is trained, so of every change.

    Raises:
        PackError: there is one; the message names it.
    """
    starts: dict[tuple[int, str, str], list[Phrase]] = {}
    for phrase in phrases:
        slots = phrase.slots()
        for first, second in product(*slots[:2]):
            others = starts.setdefault((len(slots), first, second), [])
            for other in others:
                if other.valence != phrase.valence:
                    common = [[form for form in one if form in two] for one, two in zip(slots, other.slots(), strict=True)]
                    if all(common):
                        raise PackError(_two_valences(" ".join([form for form, *_ in common]), phrase.valence, other.valence))
            others.append(phrase)


def _two_valences(forms: str, here: float, elsewhere: float) -> str:
    return f"{forms!r} is {here:g} here and {elsewhere:g} elsewhere; give it one valence"


def _single(entries: Mapping[str, float], file: str) -> Iterator[tuple[str, float]]:
    """Entries that may hold words, but no phrases."""
    for phrase in _phrases(entries, file):
        if " " in phrase.text:
            raise PackError(f"{file}: {phrase.text!r} must be one word")
        for form in phrase.text.split("|"):
            yield form, phrase.valence


def _emoticons(entries: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Entries in which every sign stands for itself."""
    for entry, value in entries.items():
        for sign in entry.split(", "):
            if not sign or " " in sign:
                raise PackError(f"signs.toml: {entry!r} has an empty part or a space in a sign")
            yield sign, value


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
