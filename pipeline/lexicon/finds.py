"""What a text says by a pack, as it stands: phrases first, then words, and where negations and other rules begin."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from pipeline.lexicon.pack import Role
from pipeline.lexicon.units import PLAIN, Node, Unit

GAP_WORDS = 3
REACH = 4
"""Words that a negation reaches forward to, and back over when nothing follows it."""
YET = -1.2
"""“Nog geen” says by itself that something is missing; before blame ("nog geen enkele klacht") it is a negation, as any."""
RUN = 1.5
"""The same sign again and again says it once, louder."""


class Found(Struct, eq=False, gc=False):
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
    hushed: bool = False
    role: Role = ""
    negation: int = -1
    """What turned it round, if anything did: a negation, a word that mocks, one that says it is still to be done."""


class Turns(Struct, eq=False, gc=False):
    """Where what turns the sense of a whole sentence or text stands, if it is part of no phrase; most texts have none of it."""

    contrasts: list[int] = []
    mocking: list[int] = []
    reports: list[int] = []
    thanks: list[Found] = []
    hushed: list[int] = []
    """Behind each of these hardly anything counts."""
    mends: bool = False
    mended: list[int] = []
    """Words of mending that have no valence."""
    balances: bool = False


Read = tuple[list[Found], list[int], Turns | None]
"""Words and phrases with a valence, in order; where negations stand that are part of no phrase; and what else there is."""

_BEYOND = (PLAIN,) * (GAP_WORDS + 2)
"""What a phrase may look at behind the end of a text."""


def units_of(known: Sequence[Unit]) -> list[Unit]:
    """All units of a text, in order."""
    units: list[Unit] = []
    for token in known:
        if token.parts is None:
            units.append(token)
        else:
            units += token.parts
    return units


def find(units: Sequence[Unit]) -> Read:
    """All that a text is judged by."""
    found: list[Found] = []
    negations: list[int] = []
    turns: Turns | None = None
    covered = -1
    gap: Collection[int] = ()
    ahead = [*units[1:], *_BEYOND]
    for place, unit in enumerate(units):
        node = unit.opens.get(after.form) if unit.opened and unit.opened & (after := ahead[place]).mark else None
        if (node is None and not unit.speaks) or (place <= covered and place not in gap):
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
                    turns = turns or Turns()
                    turns.balances = True
                if phrase.valence:
                    found.append(phrase)
                    if unit.thanks or units[covered].thanks:
                        turns = turns or Turns()
                        turns.thanks.append(phrase)
                    if unit.mends or units[covered].mends:
                        turns = turns or Turns()
                        turns.mends = True
                elif phrase.role:
                    turns = turns or Turns()
                    if phrase.role == "balancing":
                        turns.balances = True
                        gap = set(range(place, covered)).difference(phrase.places)  # "daar staat een heerlijk ontbijt tegenover"
                    elif not _denies_itself(units, phrase):
                        turns.hushed.append(covered)
                continue
        if unit.judges:
            found.append(Found(place, place, unit.valence, unit.valence))
        elif unit.rules:
            turns = _find_by_rule(units, place, found, negations, turns)
    return found, negations, turns


def _find_by_rule(units: Sequence[Unit], place: int, found: list[Found], negations: list[int], turns: Turns | None) -> Turns | None:
    """The same at a word that has a part in the rules, or a sign."""
    unit = units[place]
    if unit.balances:
        turns = turns or Turns()
        turns.balances = True
    if unit.mends and not unit.valence:
        turns = turns or Turns()
        turns.mended.append(place)
    if unit.contrast:
        if place + 1 < len(units) and not units[place + 1].number:  # "maar 2 euro": only
            turns = turns or Turns()
            turns.contrasts.append(place)
    elif unit.negation and not (unit.closer and not _is_open(units, place)):
        if negations and negations[-1] == place - 1 and not unit.quiet and not units[place - 1].quiet:
            negations[-1] = place  # "nooit geen gezeik" denies it once
        else:
            negations.append(place)
    elif unit.mocking:
        turns = turns or Turns()
        turns.mocking.append(place)
    elif unit.reporting:
        turns = turns or Turns()
        turns.reports.append(place)
    elif unit.stop and found and found[-1].end == place - 1 and units[place - 1].shown == unit.shown:
        found[-1].end = place
        found[-1].valence = unit.valence * RUN
    elif unit.valence and not (place == 0 and unit.greeting) and (unit.degree == 1.0 or not _is_degree(units, place)):
        hit = Found(place, place, unit.valence, unit.valence)
        found.append(hit)
        if unit.thanks:
            turns = turns or Turns()
            turns.thanks.append(hit)
        if unit.mends:
            turns = turns or Turns()
            turns.mends = True
    return turns


def _only_negates(units: Sequence[Unit], phrase: Found) -> bool:
    """Whether a mild phrase gives way to the negation in it: before blame of which nothing is said to have been done."""
    if YET <= phrase.valence < 0 and any(units[place].negation for place in phrase.places):
        for place in range(phrase.end + 1, min(phrase.end + 1 + GAP_WORDS, len(units))):
            unit = units[place]
            if unit.halts or unit.degree > 1:  # "nog nooit zo slecht geholpen"
                break
            if unit.judges:
                return unit.valence < 0 and not any(after.mends for after in units[place + 1 : place + 1 + REACH])
    return False


def _match(units: Sequence[Unit], start: int, first: Node) -> Found | None:
    """The phrase at ``start`` that ends farthest; none is of one word."""
    valence: float | None = None
    role: Role = ""
    place, end, last = start + 1, start, len(units)
    node: Node | None = first
    while node is not None:  # where no gap goes on there is one way to go
        if node.valence is not None:
            valence, role, end = node.valence, node.role, place
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
    return None if valence is None else Found(start, end - 1, valence, valence, tuple(range(start, end)), role=role)


def _match_over_gaps(units: Sequence[Unit], start: int, first: Node) -> Found | None:
    """The phrase at ``start`` that ends farthest; of those, the one of most words, so that no gap outdoes a word; then the worst."""
    best: tuple[int, int, float, tuple[int, ...], Role] = (-1, 0, 0.0, (), "")
    open_: list[tuple[int, tuple[int, ...], Node]] = [(start + 1, (start,), first)]
    while open_:
        place, places, node = open_.pop()
        if node.valence is not None and place >= best[0]:
            best = max(best, (place, len(places), -node.valence, places, node.role))
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
    end, _, blame, places, role = best
    return Found(start, end - 1, -blame, -blame, places, role=role) if end >= 0 else None


def _denies_itself(units: Sequence[Unit], phrase: Found) -> bool:
    """Whether a negation stands in a gap of a phrase: "loste nooit een probleem op waardoor"."""
    gaps = (units[place] for place in range(phrase.start, phrase.end) if place not in phrase.places)
    return any(unit.negation and not unit.closer for unit in gaps)


def _is_open(units: Sequence[Unit], closer: int) -> bool:
    """Whether the first half of a negation ("ne … plus") stands before its second."""
    return any(unit.opener for unit in units[max(closer - REACH, 0) : closer])


def _is_degree(units: Sequence[Unit], place: int) -> bool:
    """Whether a word that may be either ("verschrikkelijk") stands for the degree of what follows."""
    following = units[place + 1 : place + 3]
    return any(unit.valence and not unit.stop for unit in following[:1]) or (
        len(following) == 2 and following[0].degree != 1.0 and bool(following[1].valence) and not following[1].stop
    )
