"""From a raw token to what a pack knows of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from zlib import crc32

import msgspec
from msgspec import Struct

from pipeline.lexicon.pack import GAP, Pack, Phrase, Role, without_accents, without_umlauts

REMEMBERED_PIECES = 1 << 14
"""Pieces of tokens before all are forgotten."""

BASE_SCALE = 2.5
LEAST_POLARITY = 0.3
"""Weaker adjectives of the base lexicon ("actueel") describe; they do not judge."""

LONGEST_WORD = 40
LEAST_PART = 3
"""Letters that must be left of a word without its ending, its prefix or the other part of a compound."""
LEAST_STEM = 4
"""Letters that must be left where a root takes the place of the ending: "cara" (face) is not "caro" (dear)."""

CLAUSE = 1
SENTENCE = 2
QUESTION = 3
"""How much ends at a stop: a clause (at a sign too), a sentence, a sentence that asks."""


MARKS = tuple(1 << bit for bit in range(30))


def mark(form: str) -> int:
    """One of `MARKS`: where a word has none of the marks of those that may follow, it is none of them, and no table need be asked."""
    return MARKS[crc32(form.encode("utf-8", "surrogatepass")) % len(MARKS)]


_NOTHING: dict[str, "Node"] = {}
"""What follows at the end of most phrases: they share it, and are small."""


class Node:
    """A place in the tree of phrases: which words may follow, the `mark` of all of them, and the valence if a phrase ends here; ``ends``:
    whether one does, or a gap may follow, so that the next word does not tell whether it goes on; ``role``: of that phrase."""

    __slots__ = ("ends", "following", "gap", "marks", "role", "valence")

    def __init__(self) -> None:
        self.following = _NOTHING
        self.marks = 0
        self.ends = False
        self.role: Role = ""
        self.gap: Node | None = None
        self.valence: float | None = None

    def add(self, slots: Sequence[Sequence[str]], phrase: Phrase) -> None:
        """Grow the branches of a phrase behind its first word (``slots``), one for each choice of its alternatives."""
        ends = [self]
        for slot in slots:
            ends = [end.step(form) for end in ends for form in slot]
        for end in ends:
            end.valence, end.role, end.ends = phrase.valence, phrase.role, True

    def step(self, form: str) -> "Node":
        """The node behind this one by a word or a gap; it grows where there is none."""
        if form == GAP:
            self.gap = following = self.gap or Node()
            self.ends = True
        elif (found := self.following.get(form)) is not None:
            following = found
        else:
            if self.following is _NOTHING:
                self.following = {}
            self.following[form] = following = Node()
            self.marks |= mark(form)
        return following


class Unit(Struct, frozen=True, eq=False, gc=False):
    """A word, a sign or a stop. ``form`` is "" where nobody asks for it; ``valence`` 0 and ``degree`` 1 where it has none. What is
    asked of every unit of a text stands first, in one line of the processor's cache."""

    speaks: bool = False
    """Whether it may be a hit, a negation or a contrast, or has a gap behind it in a phrase. One that does not is looked at where one of
    those that it opens with follows, and else only beside one that does."""
    mark: int = 0
    """Its `mark` if it is part of a phrase behind the first word, else 0."""
    opened: int = 0
    """Marks of all that may stand right behind it in a phrase."""
    polarity: float = 0.0
    """Of a token: what it adds to the two sums of a linear layer, if there is one; see `tokens.py`."""
    neutrality: float = 0.0
    parts: "tuple[Unit, ...] | None" = None
    """Of a token that is several units, or none: those. It is then no unit of a text itself."""
    form: str = ""
    phrases: Node | None = None
    judges: bool = False
    """Whether it has a valence, and no part in the rules."""
    rules: bool = False
    """Whether a rule asks for it where it stands by itself: all that speaks and does not just judge or open phrases."""
    valence: float = 0.0
    opens: Mapping[str, Node] = _NOTHING
    """What may stand right behind it in a phrase."""
    leaped: int = 0
    """Marks of what may stand behind it in a phrase after a gap."""
    leaps: Mapping[str, Node] = _NOTHING
    acts: bool = False
    """Whether it does something to what follows it."""
    halts: bool = False
    """Whether nothing reaches over it: a stop, a limit, a contrast."""
    stop: int = 0
    shown: str = ""
    degree: float = 1.0
    negation: float = 0.0
    contrast: bool = False
    limit: bool = False
    excess: bool = False
    loud: bool = False
    thanks: bool = False
    backward: bool = False
    greeting: bool = False
    number: bool = False
    opener: bool = False
    closer: bool = False
    quiet: bool = False
    request: bool = False
    nominal: bool = False
    verb: bool = False
    mocking: bool = False
    reporting: bool = False
    balances: bool = False
    fault: bool = False
    mends: bool = False
    undone: bool = False
    hollow: bool = False
    """Whether an exclamation that may be mockery begins with it."""


PLAIN = Unit()
NUMBER = Unit(number=True)
CLAUSE_END = Unit(form=";", mark=mark(";"), stop=CLAUSE, acts=True, halts=True)
"""In a phrase ";" stands for any sign that ends a clause: "fijn ; weer" is in "fijn, weer een storing"."""
SENTENCE_END = Unit(stop=SENTENCE, acts=True, halts=True)
QUESTION_END = Unit(stop=QUESTION, acts=True, halts=True)

_PLAIN, _NUMBER = (PLAIN,), (NUMBER,)
_ENDS = {".": SENTENCE_END, "!": SENTENCE_END, "?": QUESTION_END, ",": CLAUSE_END}

QUOTED = -1.0
"""Praise between quotation marks is somebody else's word, and most often doubted: a 'service'."""
_QUOTES = frozenset("\"'“”‘’„«»")

_APOSTROPHES = str.maketrans("’‘`´", "''''")
_MEASURED = re.compile(r"(\d+)([^\W\d_]+)")
"""A figure with its measure: "20min", "2h", "50euro"."""
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
MODIFIERS = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")


class Units(dict[str, tuple[Unit, ...]]):
    """Piece of a raw token → its units. Half of all new tokens are a known word with a sign at its end."""

    def __init__(self, pack: Pack) -> None:
        super().__init__()
        self._pack = pack
        self._first: dict[str, list[Phrase]] = {}
        self._trees: dict[str, Node] = {}
        rules = pack.rules
        later: set[str] = set()
        known = set[str]().union(
            rules.negations, rules.degrees, rules.contrast, rules.excess, rules.limits, rules.greetings, rules.openers, rules.requests,
            rules.verbs, rules.mocking, rules.reporting, rules.personal, rules.events, rules.asking, rules.insistent,
            rules.balancing, rules.faults, rules.mending, rules.undone, rules.joining, rules.parting,
            *(phrase.split() for phrase in rules.hollow),
        )  # fmt: skip
        for phrase in pack.phrases:
            slots = _as_read(phrase)
            known.update(*slots)
            later.update(*slots[1:])
            for form in slots[0]:
                self._first.setdefault(form, []).append(phrase)
        self._known, self._later = known, later
        self._hollow = frozenset(phrase.partition(" ")[0] for phrase in rules.hollow)
        self._prefixes = tuple(rules.prefixes)
        self._german = rules.spelling == "german"
        self._variants = rules.variants
        self._measures = rules.measures
        self._spellings = _dutch if pack.rules.spelling == "dutch" else _plain
        self._parts = tuple((parts, tuple(parts)) for parts in (pack.first_parts, pack.last_parts))
        emoticons = sorted((sign for sign in pack.emoticons if not sign[0].isalnum()), key=len, reverse=True)
        signs = [
            *([f"[{''.join(pack.emoji)}]"] if pack.emoji else []),
            *(re.escape(sign) + (r"(?!\w)" if sign[-1].isalnum() else "") for sign in emoticons),
        ]
        self._signs = {
            sign: Unit(shown=sign, valence=valence, stop=CLAUSE, speaks=valence != 0.0, rules=True, acts=True, halts=True)
            for sign, valence in (pack.emoji | pack.emoticons).items()
        }
        self._pieces = re.compile(
            "|".join(
                (
                    r"(?P<word>[^\W_]+(?:['*-][^\W_]+)*)",
                    f"(?P<sign>{'|'.join(signs) or '(?!)'})",
                    r"(?P<sentence>(?<!\.)\.(?!\.)|[!?]+)",
                    r"(?P<clause>[.,;:()…–—-]+)",
                )
            )
        )

    def of(self, token: str) -> tuple[Unit, ...]:
        """The units of a raw token, as split at white space."""
        if token in self._signs:
            return (self._signs[token],)
        if token.isalpha():
            return tuple(self._word(token))
        if token[-1] in _ENDS and token[:-1].isalpha():
            return (*self._part(token[:-1]), _ENDS[token[-1]])
        return tuple(self._read(token))

    def __missing__(self, piece: str) -> tuple[Unit, ...]:
        units = self.of(piece)
        if len(piece) <= LONGEST_WORD:
            if len(self) >= REMEMBERED_PIECES:
                self.clear()
            self[piece] = units
        return units

    def _read(self, token: str) -> Iterator[Unit]:
        quoted = token[0] in _QUOTES and token.rstrip(".,;:!?…")[-1:] in _QUOTES and len(token) > LEAST_PART
        for match in self._pieces.finditer(MODIFIERS.sub("", token.translate(_APOSTROPHES))):
            piece = match[0]
            match match.lastgroup:
                case "word":
                    for unit in self._word(piece) if piece == token else self._part(piece):
                        yield msgspec.structs.replace(unit, valence=unit.valence * QUOTED) if quoted and unit.valence > 0 else unit
                case "sign":
                    yield self._signs[piece]
                case "sentence":
                    yield QUESTION_END if "?" in piece else SENTENCE_END
                case _:
                    yield CLAUSE_END

    def _word(self, piece: str) -> Iterable[Unit]:
        if len(piece) <= LONGEST_WORD:
            for spelled in _forms(piece.lower()):
                form = without_umlauts(spelled) if self._german else spelled
                form = self._variants.get(form, form)
                unit = self._unit(piece, form)
                if unit is not None:
                    return (unit,)
                if form in self._pack.words:  # as 0: it says nothing, whatever it looks like without its accents
                    return _PLAIN
        if (joint := _joint(piece, elision=self._pack.rules.elision)) is not None:
            return chain.from_iterable(map(self._part, piece.split(joint)))
        measured = _MEASURED.fullmatch(piece) if piece[0].isdigit() else None
        if measured is not None:
            measure = self._measures.get(measured[2].lower(), measured[2])
            if len(measure) >= LEAST_PART:
                known = [msgspec.structs.replace(unit, shown=piece) if unit.shown else unit for unit in self._part(measure)]
                return (NUMBER, *known)
        return _NUMBER if piece.isdigit() else _PLAIN

    def _part(self, piece: str) -> Iterable[Unit]:
        """A word inside a token, by what is remembered: in "a.a.a.a" it is looked up once."""
        return self._word(piece) if piece in self._signs else self[piece]  # "xD" alone is a sign

    def _unit(self, piece: str, form: str) -> Unit | None:
        """What is known of a word; None: nothing."""
        valence = self._valence(form)
        if valence == 0.0 and form not in self._known:
            return None
        rules = self._pack.rules
        negation = rules.negations.get(form, 0.0)
        degree = rules.degrees.get(form, 1.0)
        phrases = self._tree(form)
        contrast, excess, limit, mocking = form in rules.contrast, form in rules.excess, form in rules.limits, form in rules.mocking
        reporting, balances, mends = form in rules.reporting, form in rules.balancing, form in rules.mending
        opens = _NOTHING if phrases is None else phrases.following
        leaps = _NOTHING if phrases is None or phrases.gap is None else phrases.gap.following
        rule = (
            contrast or mocking or reporting or balances or mends or negation != 0.0
            or (valence != 0.0 and (degree != 1.0 or form in rules.greetings or form in rules.thanks))
        )  # fmt: skip
        return Unit(
            shown=piece,
            form=form,
            mark=mark(form) if form in self._later else 0,
            valence=valence,
            judges=valence != 0.0 and not rule,
            rules=rule,
            negation=negation,
            backward=form in rules.backward,
            degree=degree,
            contrast=contrast,
            excess=excess,
            limit=limit,
            greeting=form in rules.greetings,
            loud=len(piece) >= LEAST_PART and piece.isupper(),
            number=form.isdigit(),
            opener=form in rules.openers,
            closer=form in rules.closers,
            quiet=form in rules.quiet,
            thanks=form in rules.thanks,
            request=form in rules.requests,
            nominal=form in rules.nominal,
            verb=form in rules.verbs,
            mocking=mocking,
            reporting=reporting,
            balances=balances,
            fault=form in rules.faults,
            mends=mends,
            undone=form in rules.undone,
            hollow=form in self._hollow,
            phrases=phrases,
            opens=opens,
            opened=0 if phrases is None else phrases.marks,
            leaps=leaps,
            leaped=0 if phrases is None or phrases.gap is None else phrases.gap.marks,
            speaks=contrast or mocking or reporting or balances or mends or negation != 0.0 or valence != 0.0 or bool(leaps),
            halts=contrast or limit,
            acts=contrast or limit or excess or negation != 0.0 or degree != 1.0,
        )

    def _tree(self, form: str) -> Node | None:
        """The phrases that begin with a word. Most words of a pack are never met: a tree grows when its word is."""
        tree = self._trees.get(form)
        if tree is None and (phrases := self._first.get(form)) is not None:
            tree = self._trees[form] = Node()
            for phrase in phrases:
                tree.add(_as_read(phrase)[1:], phrase)
        return tree

    def _valence(self, form: str) -> float:
        """What a word is worth: as it stands, without its ending, without its prefix, by a part of it; 0: nothing is known."""
        known = self._inflected(form)
        if known is not None:
            return known
        if form.startswith(self._prefixes):
            for prefix in self._prefixes:
                if form.startswith(prefix) and len(form) - len(prefix) >= LEAST_PART and (rest := self._inflected(form[len(prefix) :])):
                    return rest * self._pack.rules.prefixes[prefix]
        for (parts, listed), fits in zip(self._parts, (form.startswith, form.endswith), strict=True):
            if fits(listed):
                part = max(filter(fits, listed), key=len)
                if len(form) - len(part) >= LEAST_PART:
                    return parts[part]
        return 0.0

    def _inflected(self, form: str) -> float | None:
        known = self._listed(form)
        if known is None and form.endswith(self._pack.rules.endings):
            for ending in self._pack.rules.endings:
                if form.endswith(ending) and len(form) - len(ending) >= LEAST_PART:
                    stem = form[: -len(ending)]
                    roots = self._pack.rules.roots if len(stem) >= LEAST_STEM else ()
                    for spelling in (*self._spellings(stem), *(stem + root for root in roots)):
                        known = self._listed(spelling)
                        if known is not None:
                            return known
        return known

    def _listed(self, form: str) -> float | None:
        valence = self._pack.words.get(form)
        if valence is None:
            polarity = self._pack.base.get(form)
            if polarity is not None:
                return polarity * BASE_SCALE if abs(polarity) >= LEAST_POLARITY else 0.0
        return valence


def _as_read(phrase: Phrase) -> list[list[str]]:
    """The slots of a phrase as texts are read: 't is t."""
    slots = phrase.slots()
    return [[form.lstrip("'") or form for form in slot] for slot in slots] if "'" in phrase.text else slots


def _forms(form: str) -> list[str]:
    """A word in lower case as it may be listed: as written, with repeated letters squeezed, without accents."""
    spelled = [form]
    if _REPEATED.search(form):
        spelled += (_REPEATED.sub(r"\1\1", form), _REPEATED.sub(r"\1", form))
    return spelled if form.isascii() else spelled + list(map(without_accents, spelled))


def _joint(piece: str, *, elision: bool) -> str | None:
    """Where an unlisted word comes apart, if anywhere."""
    return "-" if "-" in piece else "'" if elision and "'" in piece else None


def _plain(stem: str) -> Iterator[str]:
    yield stem


_VOWELS = "aeiou"
_UNVOICED = {"v": "f", "z": "s"}


def _dutch(stem: str) -> Iterator[str]:
    """How a stem is spelled without its ending: trag → traag, vett → vet, boz → boos, liev → lief."""
    yield stem
    last, before = stem[-1], stem[-2]
    if last == before and last not in _VOWELS:
        yield stem[:-1]
        return
    unvoiced = stem[:-1] + _UNVOICED.get(last, last)
    if unvoiced != stem:
        yield unvoiced
    if last not in _VOWELS and before in _VOWELS and stem[-3] not in _VOWELS:
        yield stem[:-1] + before + unvoiced[-1]
