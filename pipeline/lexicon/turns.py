"""What the text around makes of each find: negation and degree, contrast, questions, news, mockery, balance."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from operator import attrgetter

from pipeline.lexicon.finds import REACH, Found, Read
from pipeline.lexicon.pack import Rules
from pipeline.lexicon.units import CLAUSE, QUESTION, SENTENCE, Unit

DEGREE_REACH = 2
PRAISE_NEGATED = -0.8
BLAME_NEGATED = -0.4
"""“Niet goed” is nearly bad; “niet slecht” is hardly good."""
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
HUSHED = 0.05
"""What was feared, or is said of another company, is hardly said of us ("ik was bang dat", "bij mijn vorige bank")."""
JOINED_WITHIN = 4
"""So many words behind a word that joins may the find begin that it joins: "een rij en een heel chagrijnige balie"."""
ALIKE_WORDS = 4
"""“Goede app, slechte helpdesk”: of praise and blame in two clauses of so many words neither wins."""
BALANCED = 0.5
OUTWEIGHED = 4.0
"""Where one side weighs so many times the other, no word of balance makes them even ("drie sterren, mooi uitzicht, maar alles smerig")."""
MOCKED_BLAME = -1.0
"""So much blame at least comes before praise that is not meant: none in "de chauffeur heeft gewacht, top!"."""
HOLLOW_WORDS = 4
"""“Top weer.” before nothing but blame is mockery; an exclamation is no longer than this, with whom it is said to at its end."""
ADDRESSED = 2
"""So many words behind a comma may be whom it is said to ("..., beste gemeente")."""
THANKS_CLOSING = 0.15
"""Thanks after a question or a request close a message."""
LOUD = 0.7

_start = attrgetter("start")


def modify(text: str, units: Sequence[Unit], read: Read) -> set[int]:
    """Put negation, degree and loudness on each find; returns the negations that found their word."""
    found, negations, _ = read
    used: set[int] = set()
    if not found:
        return used
    free, mixed_case = set(negations), not text.isupper()
    before: Found | None = None
    for hit in found:
        start = hit.start
        if units[start].stop:  # a sign says what it says
            continue
        factor, share = 1.0, 0.0
        lowest = start - REACH if start > REACH else 0
        if before is not None and before.end >= lowest and before.plain * hit.plain < 0:
            lowest = before.end + 1
        if hit.end - start >= len(hit.places) > 0 and (inside := _negation_inside(units, hit)) is not None:
            share, hit.negation, lowest = units[inside].negation, inside, start  # "valt hier nooit uit"
        elif hit.places and hit.plain > 0 and units[hit.end].mends and (near := _undone(units, hit)) is not None:
            share, hit.negation, lowest = 1.0, near, start  # "kapotte moet vervangen"
        for place in range(start - 1, lowest - 1, -1):
            unit = units[place]
            if not unit.acts:
                continue
            if unit.halts and not (unit.limit and unit.degree != 1.0 and place - 1 in free):  # but "pas si cher"
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


def _negation_inside(units: Sequence[Unit], hit: Found) -> int | None:
    """The last negation in the gaps of a phrase that has none itself; none before a word of degree ("nog nooit zo goed geholpen")."""
    if any(units[place].negation for place in hit.places):
        return None
    for place in range(hit.end - 1, hit.start, -1):
        unit = units[place]
        if unit.negation and place not in hit.places and not (unit.quiet or unit.closer or units[place + 1].degree > 1):
            said = unit.opens.get(units[place + 1].form)
            if said is None or said.valence != 0.0:  # "niet alleen" denies nothing
                return place
    return None


def _undone(units: Sequence[Unit], hit: Found) -> int | None:
    """Where it is said of a mending, in its clause, that it is asked for or announced; None where it is told."""
    gaps = (place for place in range(hit.end, hit.start, -1) if place not in hit.places)
    for near in (gaps, range(hit.start - 1, max(hit.start - REACH, 0) - 1, -1)):
        for place in near:
            unit = units[place]
            if unit.halts:
                break
            if unit.undone:
                return place
    return None


def _is_loud(units: Sequence[Unit], hit: Found) -> bool:
    return True in [unit.loud for unit in units[hit.start : hit.end + 1]]


def turn_back(units: Sequence[Unit], found: Sequence[Found], lone: Sequence[int]) -> set[int]:
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


def mock(rules: Rules, units: Sequence[Unit], found: Sequence[Found], mocking: Sequence[int], *, blamed: bool) -> None:
    """The only praise of a text (applause is none), at the head of its sentence, is turned by a word soon after that mocks it.

    It is meant where nobody is blamed (``blamed``: by more than is found), unless it is said in exclamations too: "goede app hoor".
    """
    praise = [hit for hit in found if hit.valence > 0 and not (units[hit.start].stop and units[hit.start].shown in rules.hollow)]
    if len(praise) != 1 or (hit := praise[0]).turned or units[hit.start].stop:
        return
    if not (blamed or units[hit.start].hollow or len(found) > len(praise)):
        return
    head = hit.start
    while head and not units[head - 1].stop:
        head -= 1
    if any(unit.degree == 1.0 for unit in units[head : hit.start]):
        return
    for place in mocking:
        if not hit.end < place <= hit.end + 1 + MOCKED_WITHIN:
            continue
        if not any(unit.stop or unit.contrast for unit in units[hit.end + 1 : place]):
            hit.valence *= MOCKED
            hit.turned = True
            hit.negation = place
            return


def close(units: Sequence[Unit], thanks: Sequence[Found]) -> None:
    """Thanks after a question or a request count less."""
    asked = next((place for place, unit in enumerate(units) if unit.request or unit.stop == QUESTION), len(units))
    for hit in thanks:
        if hit.start > asked and hit.valence > 0:
            hit.valence *= THANKS_CLOSING


def hush(
    rules: Rules, units: Sequence[Unit], found: Sequence[Found], hushed: Sequence[int], contrasts: Sequence[int]
) -> list[tuple[int, int]]:
    """What stands behind one of ``hushed``, up to a contrast, another clause or a sign, hardly counts.

    Returns between which places that is, for what is not found yet.
    """
    hits, end = iter(found), -1
    spans: list[tuple[int, int]] = []
    starts, ends = {hit.start: hit for hit in found}, {hit.end: hit for hit in found}
    hit = next(hits, None)
    for begin in hushed:
        if begin < end:  # hushed already
            continue
        turn = bisect_left(contrasts, begin)
        last = contrasts[turn] if turn < len(contrasts) else len(units)
        end = begin + 1
        while end < last and not units[end].stop and not _begins_clause(rules, units, (begin, end), starts, ends):
            end += 1
        spans.append((begin, end))
        while hit is not None and hit.start < end:
            if hit.start > begin:
                hit.valence *= HUSHED
                hit.hushed = True
            hit = next(hits, None)
    return spans


def _begins_clause(
    rules: Rules, units: Sequence[Unit], places: tuple[int, int], starts: Mapping[int, Found], ends: Mapping[int, Found]
) -> bool:
    """Whether a word behind a hush begins another clause: one of parting, or of joining.

    Behind one of joining the hushed one goes on before the same word again ("bang dat ... en dat") and before more of the same kind ("bang
    dat het traag en duur is", "bang voor een rij en een heel chagrijnige balie"): a find soon, and no verb before it, but no praise that
    no praise precedes.
    """
    begin, place = places
    if units[place].form not in rules.joining:
        return units[place].form in rules.parting
    if units[place + 1 : place + 2] and units[begin].form and units[place + 1].form == units[begin].form:
        return False
    joined = starts.get(place + 1)
    for ahead in range(place + 1, min(place + JOINED_WITHIN, len(units) - 1)):
        unit = units[ahead]
        if joined is not None or unit.verb or not (rules.verbs or unit.degree != 1.0):
            break
        joined = starts.get(ahead + 1)
    before = ends.get(place - 1)
    return joined is None or (joined.valence > 0 and (before is None or before.valence <= 0))


def mend(units: Sequence[Unit], ends: Sequence[int], found: Sequence[Found], mended: Sequence[int]) -> None:
    """Faults that are told earlier in the sentence of their mending, with no blame between ("slecht gerepareerd"), count less.

    It is told by praise, or by a word without a valence (``mended``) that is not negated, and is still to come in neither.
    """
    lone = (Found(place, place, 0.0, 0.0) for place in mended if not _is_denied(units, place))
    done = [hit for hit in lone if _undone(units, hit) is None]
    sentence = -1
    for hit in sorted([*found, *done], key=_start, reverse=True):
        start = hit.start
        here = bisect_left(ends, start)
        if not hit.plain:
            sentence = here
        elif hit.valence > 0:
            if (units[start].mends or units[hit.end].mends) and _undone(units, hit) is None:
                sentence = here
        elif units[start].fault and not hit.places:
            if sentence == here:
                hit.valence *= MENDED
        else:
            sentence = -1


def _is_denied(units: Sequence[Unit], place: int) -> bool:
    """Whether a negation reaches a place."""
    for unit in reversed(units[max(place - REACH, 0) : place]):
        if unit.halts or unit.negation:
            return not unit.halts
    return False


def belittle(rules: Rules, units: Sequence[Unit], found: Sequence[Found]) -> None:
    """An exclamation of praise before or after nothing but blame mocks, and so does applause (👏) after it."""
    first, last = found[0], found[-1]
    if units[0].hollow and first.valence > 0:
        head = next((place for place, unit in enumerate(units[: HOLLOW_WORDS + 1]) if unit.stop), 0)
        signs = [hit for hit in found[1:] if hit.start == head]  # "Knap 👏 weer te laat"
        rest = found[1 + len(signs) :]
        if rest and max([hit.valence for hit in rest]) < 0 and first.end < head < rest[0].start and _is_hollow(rules, units[:head]):
            for hit in (first, *signs):
                if hit.valence > 0:
                    hit.valence *= MOCKED
    elif last.valence > 0 and max(before := [hit.valence for hit in found[:-1]]) < 0 and math.fsum(before) <= MOCKED_BLAME:
        if units[last.start].stop:
            if units[last.start].shown in rules.hollow:
                last.valence *= MOCKED
            return
        end = next((place for place in range(len(units), 0, -1) if not units[place - 1].stop), 0)
        begin = _clause(units, end)
        if last.end < begin and end - begin <= ADDRESSED and units[begin - 1].stop == CLAUSE:  # ", Stadtwerke."
            end = begin - 1
            begin = _clause(units, end)
        if all(units[hit.start].fault and not hit.places for hit in found[:-1]) and found[-2].end < _clause(units, max(begin - 1, 0)):
            return  # "Ketel lek, binnen een uur een monteur. Top!"
        if found[-2].end < begin <= last.start and end - begin <= HOLLOW_WORDS and _is_hollow(rules, units[begin:end]):
            last.valence *= MOCKED


def _clause(units: Sequence[Unit], end: int) -> int:
    """Where the clause begins that ends before a place."""
    return next((place for place in range(end, 0, -1) if units[place - 1].stop), 0)


def _is_hollow(rules: Rules, units: Sequence[Unit]) -> bool:
    """As listed; or, if of two words or more, with one more at its end: whom it is said to."""
    hollow, forms = rules.hollow, [unit.form for unit in units]
    return " ".join(forms) in hollow or (len(forms) > 2 and " ".join(forms[:-1]) in hollow)


def balance(units: Sequence[Unit], found: Sequence[Found]) -> None:
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


def even_out(found: Sequence[Found]) -> None:
    """Where a text says itself that it is torn ("een zesje"), neither praise nor blame wins, unless it is `OUTWEIGHED`: both weigh half
    of the lighter."""
    praise, blame = (math.fsum(sign * hit.valence for hit in found if sign * hit.valence > 0) for sign in (1, -1))
    if praise and blame and praise < OUTWEIGHED * blame and blame < OUTWEIGHED * praise:
        weight = BALANCED * min(praise, blame)
        for hit in found:
            hit.valence *= weight / (praise if hit.valence > 0 else blame)


def sentences(units: Sequence[Unit]) -> tuple[list[int], set[int]]:
    """Where sentences end, and the numbers of those that ask; the sentence of a place is the number of ends before it."""
    ends = [place for place, unit in enumerate(units) if unit.stop >= SENTENCE]
    return ends, {number for number, place in enumerate(ends) if units[place].stop == QUESTION}


def ask(rules: Rules, units: Sequence[Unit], ends: Sequence[int], questions: set[int], found: Sequence[Found]) -> None:
    """In a question praise counts less; faults and events too where they are asked after, and nobody insists."""
    asked: dict[int, bool] = {}
    for hit in found:
        number = bisect_left(ends, hit.start)
        if number in questions:
            if hit.valence > 0:
                hit.valence *= PRAISE_ASKED
            elif _is_asked_after(rules, units[hit.start]) or _is_asked_after(rules, units[hit.end]):
                if number not in asked:
                    asked[number] = _asks(rules, units[ends[number - 1] + 1 if number else 0 : ends[number]])
                if asked[number]:
                    hit.valence *= BLAME_ASKED


def _is_asked_after(rules: Rules, unit: Unit) -> bool:
    return unit.fault or unit.form in rules.events


def _asks(rules: Rules, sentence: Sequence[Unit]) -> bool:
    """Whether a question begins with a word of asking, right away, after a call ("hallo, is ...?") or one that joins ("en is ...?"), and
    does not insist."""
    asking, insistent = rules.asking, rules.insistent
    called = next((place + 1 for place, unit in enumerate(sentence[:CALLED]) if unit.stop), 0)
    joined = sentence[0].contrast or sentence[0].form in rules.joining
    begins = any(unit.form in asking for unit in (*sentence[: 1 + joined], *sentence[called : called + 1]))
    return begins and not any(unit.form in insistent for unit in sentence)


def contrast(ends: Sequence[int], found: Sequence[Found], contrasts: Sequence[int]) -> None:
    """In a sentence with a contrast ("maar"), what comes before its first one counts less, what follows more."""
    first: dict[int, int] = {}
    for place in contrasts:
        first.setdefault(bisect_left(ends, place), place)
    for hit in found:
        turn = first.get(bisect_left(ends, hit.start))
        if turn is not None:
            hit.valence *= BEFORE_CONTRAST if hit.start < turn else AFTER_CONTRAST


def report(rules: Rules, units: Sequence[Unit], found: Sequence[Found]) -> None:
    """In news (a word of reporting, nobody speaks or is spoken to) events and negations of we know not what are no verdict."""
    personal, events = rules.personal, rules.events
    if not any(unit.form in personal for unit in units):
        for hit in found:
            if hit.told or units[hit.start].form in events or units[hit.end].form in events:
                hit.valence *= REPORTED
