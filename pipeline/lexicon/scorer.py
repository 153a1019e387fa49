"""What a text comes to by a pack: phrases first, then words; negation, degree, contrast and emphasis on each."""

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

from pipeline.lexicon.beside import beside
from pipeline.lexicon.pack import Pack
from pipeline.lexicon.tokens import Tokens, Weigh, no_weights
from pipeline.lexicon.units import PLAIN, QUESTION, SENTENCE, Node, Unit, Units

GAP_WORDS = 3
REACH = 4
"""Words that a negation reaches forward to, and back over when nothing follows it."""
DEGREE_REACH = 2
PRAISE_NEGATED = -0.8
BLAME_NEGATED = -0.4
"""“Niet goed” is nearly bad; “niet slecht” is hardly good."""
LONE_NEGATION = -0.6
"""A negation of something we have no word for leans to the negative; in a question it does not ("kan dat niet anders?")."""
YET = -1.2
"""“Nog geen” says by itself that something is missing; before blame ("nog geen enkele klacht") it is a negation, as any."""
EXCESS = -0.8
BEFORE_CONTRAST = 0.6
AFTER_CONTRAST = 1.3
PRAISE_ASKED = 0.4
"""Praise in a question is asked for more than given: "is het gratis?", "betaalbaar?"."""
BLAME_ASKED = 0.1
CALLED = 3
"""Words of a call before a question ("dag allemaal, is de storing voorbij?")."""
MOCKED = -0.4
MOCKED_WITHIN = 2
"""“Mooi systeem hoor” says the opposite, mildly; so many words may stand between the praise and what mocks it."""
REPORTED = 0.15
"""News of an event ("storing in Ede verholpen") judges nobody, unless it is told by somebody whom it hit."""
MENDED = 0.2
"""A fault that was mended ("de storing was in tien minuten verholpen") is told, and hardly held against anybody."""
ALIKE_WORDS = 4
"""“Goede app, slechte helpdesk”: of praise and blame in two clauses of so many words neither wins."""
BALANCED = 0.5
HOLLOW_WORDS = 4
"""“Top weer.” before nothing but blame is mockery; an exclamation is no longer than this, with whom it is said to at its end."""
THANKS_CLOSING = 0.15
"""Thanks after a question or a request close a message."""
RUN = 1.5
"""The same sign again and again says it once, louder."""
LOUD = 0.7
EXCLAIMED = 0.1
MOST_EXCLAMATIONS = 3
SATURATION = 15.0
"""A sum of √15 makes a compound of 0.71, as in VADER."""


class PackScore(NamedTuple):
    """``compound`` in [-1, 1]; ``hits``: words and phrases that moved it, with their valence after all rules, in order."""

    compound: float
    hits: list[tuple[str, float]]


class _Found(Struct, eq=False, gc=False):
    """A word or phrase with a valence, at units ``start`` to ``end`` (inclusive)."""

    start: int
    end: int
    plain: float
    """By itself; ``valence`` is what the text around it makes of that."""
    valence: float
    places: tuple[int, ...] = ()
    """Where the words of a phrase stand: what fills its gap is not among them."""
    told: str = ""
    """What a reader is shown, where that is not what stands there."""
    turned: bool = False
    negation: int = -1
    """The negation that turned it round, if one did."""


class _Turns(Struct, eq=False, gc=False):
    """Where what turns the sense of a whole sentence or text stands, if it is part of no phrase; most texts have none of it."""

    contrasts: list[int] = []
    mocking: list[int] = []
    reports: list[int] = []
    thanks: list[_Found] = []
    mends: bool = False
    balances: bool = False


_Read = tuple[list[_Found], list[int], _Turns | None]
"""Words and phrases with a valence, in order; where negations stand that are part of no phrase; and what else there is."""

_start = attrgetter("start")
_BEYOND = (PLAIN,) * (GAP_WORDS + 2)
"""What a phrase may look at behind the end of a text."""
REMEMBERED_VALENCES = 1 << 12


class _Rounded(dict[float, float]):
    """A valence, to two decimals. Most are a word's own, time and again; to round one costs as much as finding its word."""

    def __missing__(self, valence: float) -> float:
        if len(self) >= REMEMBERED_VALENCES:
            self.clear()
        self[valence] = rounded = round(valence, 2)
        return rounded


_rounded = _Rounded()

_NO_QUESTION: tuple[list[int], set[int]] = ([], set())
"""Most texts have none, and then it is all the same where their sentences end."""


class PackScorer:
    """One language's pack at work."""

    def __init__(self, pack: Pack, unsaid: Collection[str] = (), weigh: Weigh = no_weights) -> None:
        """``unsaid``: words that tell a reader nothing at the end of what is negated ("geen enkele trap in"); ``weigh``: what a token adds
        to the sums of a linear layer, to be remembered with all else that is known of it."""
        self._pack = pack
        self._unsaid = unsaid
        self._weigh = weigh

    @cached_property
    def _tokens(self) -> Tokens:
        """Made at the first text: some milliseconds for each language that is met, none for the others."""
        return Tokens(Units(self._pack), self._weigh)

    def look_up(self, tokens: Sequence[str]) -> list[Unit]:
        """What is known of each token of a text."""
        known = self._tokens
        return [known[token] for token in tokens]

    def score(self, text: str) -> PackScore:
        """Score one text, without links and handles."""
        tokens = text.split()
        ((compound, hits),) = self.read_all([text], [tokens], [self.look_up(tokens)])
        return PackScore(compound, hits)

    def read_all(
        self, texts: Sequence[str], tokens: Sequence[Sequence[str]], known: Sequence[Sequence[Unit]]
    ) -> list[tuple[float, list[tuple[str, float]]]]:
        """The same of several texts that are already split at white space, and looked up; for so many a named tuple costs too much.

        Step by step: each text by itself costs a fifth more, as all of this does not fit into the processor's cache.
        """
        units = list(map(_units, known))
        read = list(map(_find, units))
        used = list(map(_weigh, texts, units, read))
        return list(map(_sum, texts, units, list(map(self._turn, texts, tokens, known, units, read, used))))

    def _turn(
        self,
        text: str,
        tokens: Sequence[str],
        known: Sequence[Unit],
        units: Sequence[Unit],
        read: _Read,
        used: set[int],
    ) -> Sequence[_Found]:
        """What the rest of a text makes of each find; negations that found none (none of ``used``) are finds of their own."""
        found, negations, turns = read
        asked = "?" in text
        short = len(found) == 2 and len(units) <= 2 * ALIKE_WORDS + 2
        several = len(found) > 1 and (short or units[0].hollow or found[-1].valence > 0 > found[-2].valence)
        if turns is None and not asked and not negations and not several:
            return found  # most texts
        contrasts = turns.contrasts if turns is not None else []
        lone: list[int] = []
        if negations:
            lone = [place for place in negations if place not in used]
            if lone:
                used |= _turn_back(units, found, lone)
                lone = [place for place in lone if place not in used and not units[place].quiet]
        if turns is not None and turns.mocking:
            _mock(units, found, turns.mocking)
        if turns is not None and turns.thanks:
            _close(units, turns.thanks)
        mends = turns is not None and turns.mends
        ends, questions = _sentences(units) if contrasts or asked or mends else _NO_QUESTION
        if mends:
            _mend(units, ends, found)
        if len(found) > 1:
            if not contrasts:
                self._belittle(units, found)
            if short and not contrasts and not lone:
                _balance(units, found)
            if turns is not None and turns.balances:
                _even_out(found)
        if lone:
            said = [place for place in lone if bisect_left(ends, place) not in questions] if questions else lone
            if said:
                taken = [(hit.start, hit.end) for hit in found]
                told = beside(self._unsaid, tokens, [(token,) if token.parts is None else token.parts for token in known], said, taken)
                for place, shown in zip(said, told, strict=True):
                    valence = LONE_NEGATION * units[place].negation
                    found.append(_Found(place, place, valence, valence, told=shown))
                found.sort(key=_start)
        if questions:
            self._ask(units, ends, questions, found)
        if contrasts:
            _contrast(ends, found, contrasts)
        if turns is not None and turns.reports and "!" not in text:
            self._report(units, found)
        return found

    def _ask(self, units: Sequence[Unit], ends: Sequence[int], questions: set[int], found: Sequence[_Found]) -> None:
        """In a question praise counts less; faults and events too where they are asked after, and nobody insists."""
        asked: dict[int, bool] = {}
        for hit in found:
            number = bisect_left(ends, hit.start)
            if number in questions:
                if hit.valence > 0:
                    hit.valence *= PRAISE_ASKED
                elif not hit.places and (units[hit.start].fault or units[hit.start].form in self._pack.rules.events):
                    if number not in asked:
                        asked[number] = self._asks(units[ends[number - 1] + 1 if number else 0 : ends[number]])
                    if asked[number]:
                        hit.valence *= BLAME_ASKED

    def _asks(self, sentence: Sequence[Unit]) -> bool:
        """Whether a question begins with a word of asking, right away or after a call ("hallo, is ...?"), and does not insist."""
        asking, insistent = self._pack.rules.asking, self._pack.rules.insistent
        called = next((place + 1 for place, unit in enumerate(sentence[:CALLED]) if unit.stop), 0)
        begins = sentence[0].form in asking or (called < len(sentence) and sentence[called].form in asking)
        return begins and not any(unit.form in insistent for unit in sentence)

    def _belittle(self, units: Sequence[Unit], found: Sequence[_Found]) -> None:
        """An exclamation of praise before or after nothing but blame mocks."""
        first, last = found[0], found[-1]
        if units[0].hollow and first.valence > 0 and max([hit.valence for hit in found[1:]]) < 0:
            head = next((place for place, unit in enumerate(units[: HOLLOW_WORDS + 1]) if unit.stop), 0)
            if first.end < head < found[1].start and self._is_hollow(units[:head]):
                first.valence *= MOCKED
        elif last.valence > 0 and max([hit.valence for hit in found[:-1]]) < 0:
            end = next((place for place in range(len(units), 0, -1) if not units[place - 1].stop), 0)
            begin = next((place for place in range(end, 0, -1) if units[place - 1].stop), 0)
            if found[-2].end < begin <= last.start and end - begin <= HOLLOW_WORDS and self._is_hollow(units[begin:end]):
                last.valence *= MOCKED

    def _is_hollow(self, units: Sequence[Unit]) -> bool:
        """As listed; or, if of two words or more, with one more at its end: whom it is said to."""
        hollow, forms = self._pack.rules.hollow, [unit.form for unit in units]
        return " ".join(forms) in hollow or (len(forms) > 2 and " ".join(forms[:-1]) in hollow)

    def _report(self, units: Sequence[Unit], found: Sequence[_Found]) -> None:
        """In news (a word of reporting, nobody speaks or is spoken to) events and negations of we know not what are no verdict."""
        personal, events = self._pack.rules.personal, self._pack.rules.events
        if not any(unit.form in personal for unit in units):
            for hit in found:
                if hit.told or units[hit.start].form in events or units[hit.end].form in events:
                    hit.valence *= REPORTED


def _sum(text: str, units: Sequence[Unit], found: Sequence[_Found]) -> tuple[float, list[tuple[str, float]]]:
    """The compound of a text, and its hits."""
    if not found:
        return 0.0, []
    valences: list[float] = []
    hits: list[tuple[str, float]] = []
    for hit in found:
        valences.append(hit.valence)
        if valence := _rounded[hit.valence]:
            plain = not hit.places and not hit.told and hit.negation < 0
            hits.append((units[hit.start].shown if plain else _shown(units, hit), valence))
    total = math.fsum(valences)
    if "!" in text:
        total *= 1 + EXCLAIMED * min(text.count("!"), MOST_EXCLAMATIONS)
    return round(total / math.sqrt(total * total + SATURATION), 4), hits


def _shown(units: Sequence[Unit], hit: _Found) -> str:
    """The words that count, as written."""
    if hit.told:
        return hit.told
    shown = " ".join([word for place in hit.places if (word := units[place].shown)]) if hit.places else units[hit.start].shown
    if hit.negation < 0:
        return shown
    if hit.negation > hit.start:
        return f"{shown} {units[hit.negation].shown}"
    return " ".join([*[unit.shown for unit in units[hit.negation : hit.start] if unit.shown], shown])


def _units(known: Sequence[Unit]) -> list[Unit]:
    """All units of a text, in order."""
    units: list[Unit] = []
    for token in known:
        if token.parts is None:
            units.append(token)
        else:
            units += token.parts
    return units


def _find(units: Sequence[Unit]) -> _Read:
    """All that a text is judged by."""
    found: list[_Found] = []
    negations: list[int] = []
    turns: _Turns | None = None
    covered = -1
    ahead = [*units[1:], *_BEYOND]
    for place, unit in enumerate(units):
        node = unit.opens.get(after.form) if unit.opened and unit.opened & (after := ahead[place]).mark else None
        if (node is None and not unit.speaks) or place <= covered:
            continue
        if unit.phrases is not None:
            # most often nothing goes on, here or after a gap; to see that costs a tenth of a try
            goes_on = node is not None and (node.ends or node.marks & ahead[place + 1].mark)
            if not goes_on and (leaped := unit.leaped):
                for near in ahead[place : place + GAP_WORDS + 1]:
                    if leaped & near.mark and near.form in unit.leaps:
                        goes_on = True
                        break
            if goes_on and (phrase := _match(units, place, unit.phrases)) is not None and not _only_negates(units, phrase):
                covered = phrase.end
                if unit.balances or units[covered].balances:
                    turns = turns or _Turns()
                    turns.balances = True
                if phrase.valence:
                    found.append(phrase)
                    if unit.thanks or units[covered].thanks:
                        turns = turns or _Turns()
                        turns.thanks.append(phrase)
                    if unit.mends or units[covered].mends:
                        turns = turns or _Turns()
                        turns.mends = True
                continue
        if unit.judges:
            found.append(_Found(place, place, unit.valence, unit.valence))
        elif unit.rules:
            turns = _find_by_rule(units, place, found, negations, turns)
    return found, negations, turns


def _find_by_rule(units: Sequence[Unit], place: int, found: list[_Found], negations: list[int], turns: _Turns | None) -> _Turns | None:
    """The same at a word that has a part in the rules, or a sign."""
    unit = units[place]
    if unit.balances:
        turns = turns or _Turns()
        turns.balances = True
    if unit.contrast:
        if place + 1 < len(units) and not units[place + 1].number:  # "maar 2 euro": only
            turns = turns or _Turns()
            turns.contrasts.append(place)
    elif unit.negation and not (unit.closer and not _is_open(units, place)):
        if negations and negations[-1] == place - 1 and not unit.quiet and not units[place - 1].quiet:
            negations[-1] = place  # "nooit geen gezeik" denies it once
        else:
            negations.append(place)
    elif unit.mocking:
        turns = turns or _Turns()
        turns.mocking.append(place)
    elif unit.reporting:
        turns = turns or _Turns()
        turns.reports.append(place)
    elif unit.stop and found and found[-1].end == place - 1 and units[place - 1].shown == unit.shown:
        found[-1].end = place
        found[-1].valence = unit.valence * RUN
    elif unit.valence and not (place == 0 and unit.greeting) and (unit.degree == 1.0 or not _is_degree(units, place)):
        hit = _Found(place, place, unit.valence, unit.valence)
        found.append(hit)
        if unit.thanks:
            turns = turns or _Turns()
            turns.thanks.append(hit)
        if unit.mends:
            turns = turns or _Turns()
            turns.mends = True
    return turns


def _only_negates(units: Sequence[Unit], phrase: _Found) -> bool:
    """Whether a mild phrase gives way to the negation in it: before blame of which nothing is said to have been done."""
    if YET <= phrase.valence < 0 and any(units[place].negation for place in phrase.places):
        for place in range(phrase.end + 1, min(phrase.end + 1 + GAP_WORDS, len(units))):
            unit = units[place]
            if unit.halts or unit.degree > 1:  # "nog nooit zo slecht geholpen"
                break
            if unit.judges:
                return unit.valence < 0 and not any(after.mends for after in units[place + 1 : place + 1 + REACH])
    return False


def _match(units: Sequence[Unit], start: int, first: Node) -> _Found | None:
    """The phrase at ``start`` that ends farthest; none is of one word."""
    valence: float | None = None
    place, end, last = start + 1, start, len(units)
    node: Node | None = first
    while node is not None:  # where no gap goes on there is one way to go
        if node.valence is not None:
            valence, end = node.valence, place
        if place == last:
            break
        if (gap := node.gap) is not None:
            for unit in units[place : place + GAP_WORDS + 1]:
                if gap.marks & unit.mark and unit.form in gap.following:
                    return _match_over_gaps(units, start, first)
                if unit.halts:
                    break
        unit = units[place]
        if not node.marks & unit.mark:
            break
        node = node.following.get(unit.form)
        place += 1
    return None if valence is None else _Found(start, end - 1, valence, valence, tuple(range(start, end)))


def _match_over_gaps(units: Sequence[Unit], start: int, first: Node) -> _Found | None:
    """The phrase at ``start`` that ends farthest; of those, the one of most words, so that no gap outdoes a word; then the worst."""
    best: tuple[int, int, float, tuple[int, ...]] = (-1, 0, 0.0, ())
    open_: list[tuple[int, tuple[int, ...], Node]] = [(start + 1, (start,), first)]
    while open_:
        place, places, node = open_.pop()
        if node.valence is not None and place >= best[0]:
            best = max(best, (place, len(places), -node.valence, places))
        if place >= len(units):
            continue
        if (following := node.following.get(units[place].form)) is not None:
            open_.append((place + 1, (*places, place), following))
        if node.gap is not None:
            after = node.gap.following
            for ahead in range(place, min(place + GAP_WORDS + 1, len(units))):
                unit = units[ahead]
                if (following := after.get(unit.form)) is not None:
                    open_.append((ahead + 1, (*places, ahead), following))
                if unit.halts:
                    break
    return _Found(start, best[0] - 1, -best[2], -best[2], best[3]) if best[0] >= 0 else None


def _is_open(units: Sequence[Unit], closer: int) -> bool:
    """Whether the first half of a negation ("ne … plus") stands before its second."""
    return any(unit.opener for unit in units[max(closer - REACH, 0) : closer])


def _is_degree(units: Sequence[Unit], place: int) -> bool:
    """Whether a word that may be either ("verschrikkelijk") stands for the degree of what follows."""
    following = units[place + 1 : place + 3]
    return any(unit.valence for unit in following[:1]) or (
        len(following) == 2 and following[0].degree != 1.0 and bool(following[1].valence)
    )


def _weigh(text: str, units: Sequence[Unit], read: _Read) -> set[int]:
    """Put negation, degree and loudness on each find; returns the negations that found their word."""
    found, negations, _ = read
    used: set[int] = set()
    if not found:
        return used
    free, mixed_case = set(negations), not text.isupper()
    before: _Found | None = None
    for hit in found:
        start = hit.start
        if units[start].stop:  # a sign says what it says
            continue
        factor, share = 1.0, 0.0
        lowest = start - REACH if start > REACH else 0
        if before is not None and before.end >= lowest and before.plain * hit.plain < 0:
            lowest = before.end + 1
        for place in range(start - 1, lowest - 1, -1):
            unit = units[place]
            if not unit.acts:
                continue
            if unit.halts:
                break
            if place in free:
                if unit.nominal and (
                    (place in used and before is not None and before.end != start - 1)
                    or True in [between.verb for between in units[place + 1 : start + 1]]
                ):
                    break
                used.add(place)
                share = unit.negation
                hit.negation = place
                break
            if start - place <= DEGREE_REACH:
                factor *= unit.degree
            if unit.excess and place == start - 1 and hit.plain > 0:
                factor *= EXCESS
        if factor != 1.0:
            hit.valence = hit.plain * factor
        if share:
            hit.turned = True
            hit.valence *= 1 - share + share * (PRAISE_NEGATED if hit.plain > 0 else BLAME_NEGATED)
        if mixed_case and (units[start].loud if start == hit.end else _is_loud(units, hit)):
            hit.valence += math.copysign(LOUD, hit.valence)
        before = hit
    return used


def _is_loud(units: Sequence[Unit], hit: _Found) -> bool:
    return True in [unit.loud for unit in units[hit.start : hit.end + 1]]


def _turn_back(units: Sequence[Unit], found: Sequence[_Found], lone: Sequence[int]) -> set[int]:
    """Praise before a negation that nothing follows ("leuk is het niet") is turned round; returns the negations that did so."""
    praise = {hit.end: hit for hit in found if hit.valence > 0 and not hit.turned}
    used: set[int] = set()
    for negation in lone:
        if not units[negation].backward:
            continue
        for place in range(negation - 1, max(negation - REACH, 0) - 1, -1):
            unit = units[place]
            if unit.halts:
                break
            if (hit := praise.get(place)) is not None and not hit.turned:
                hit.valence *= PRAISE_NEGATED
                hit.turned = True
                hit.negation = negation
                used.add(negation)
                break
    return used


def _mock(units: Sequence[Unit], found: Sequence[_Found], mocking: Sequence[int]) -> None:
    """The only praise of a text, at the head of its sentence, is turned by a word soon after that mocks it."""
    praise = [hit for hit in found if hit.valence > 0]
    if len(praise) != 1 or (hit := praise[0]).turned or units[hit.start].stop:
        return
    head = hit.start
    while head and not units[head - 1].stop:
        head -= 1
    if any(unit.degree == 1.0 for unit in units[head : hit.start]):
        return
    for place in mocking:
        between = units[hit.end + 1 : place]
        if hit.end < place <= hit.end + 1 + MOCKED_WITHIN and not any(unit.stop or unit.contrast for unit in between):
            hit.valence *= MOCKED
            hit.turned = True
            hit.negation = place
            return


def _balance(units: Sequence[Unit], found: Sequence[_Found]) -> None:
    """Praise of one thing and blame of another, each in a short clause of its own, weigh the same and half: neither wins."""
    one, other = found
    if one.valence * other.valence >= 0 or one.start != one.end or other.start != other.end or one.turned or other.turned:
        return
    stops = [place for place, unit in enumerate(units[:-1]) if unit.stop]
    if len(stops) != 1 or not one.start < stops[0] < other.start or units[one.start].stop or units[other.start].stop:
        return
    if 2 <= stops[0] <= ALIKE_WORDS and 2 <= len(units) - 1 - stops[0] <= ALIKE_WORDS + 1:
        weight = BALANCED * min(abs(one.valence), abs(other.valence))
        for hit in found:
            hit.valence = math.copysign(weight, hit.valence)


def _even_out(found: Sequence[_Found]) -> None:
    """Where a text says itself that it is torn ("een zesje"), neither praise nor blame wins: both weigh half of the lighter."""
    praise, blame = (math.fsum(sign * hit.valence for hit in found if sign * hit.valence > 0) for sign in (1, -1))
    if praise and blame:
        weight = BALANCED * min(praise, blame)
        for hit in found:
            hit.valence *= weight / (praise if hit.valence > 0 else blame)


def _mend(units: Sequence[Unit], ends: Sequence[int], found: Sequence[_Found]) -> None:
    """Faults that are told earlier in the sentence of their mending, with no blame between ("slecht gerepareerd"), count less."""
    mended = -1
    for hit in reversed(found):
        sentence = bisect_left(ends, hit.start)
        if hit.valence > 0:
            if units[hit.start].mends or units[hit.end].mends:
                mended = sentence
        elif units[hit.start].fault and not hit.places:
            if mended == sentence:
                hit.valence *= MENDED
        else:
            mended = -1


def _close(units: Sequence[Unit], thanks: Sequence[_Found]) -> None:
    """Thanks after a question or a request count less."""
    asked = next((place for place, unit in enumerate(units) if unit.request or unit.stop == QUESTION), len(units))
    for hit in thanks:
        if hit.start > asked and hit.valence > 0:
            hit.valence *= THANKS_CLOSING


def _sentences(units: Sequence[Unit]) -> tuple[list[int], set[int]]:
    """Where sentences end, and the numbers of those that ask; the sentence of a place is the number of ends before it."""
    ends = [place for place, unit in enumerate(units) if unit.stop >= SENTENCE]
    return ends, {number for number, place in enumerate(ends) if units[place].stop == QUESTION}


def _contrast(ends: Sequence[int], found: Sequence[_Found], contrasts: Sequence[int]) -> None:
    """In a sentence with a contrast ("maar"), what comes before its first one counts less, what follows more."""
    first: dict[int, int] = {}
    for place in contrasts:
        first.setdefault(bisect_left(ends, place), place)
    for hit in found:
        turn = first.get(bisect_left(ends, hit.start))
        if turn is not None:
            hit.valence *= BEFORE_CONTRAST if hit.start < turn else AFTER_CONTRAST
