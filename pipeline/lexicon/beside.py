"""What a negation that turns nothing round is told with: "formulier niet", "zonder dat mij iets is verteld"."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate, compress

from pipeline.lexicon.units import Unit

BESIDE = 3
"""So many of the words that follow it, or else precede it, are told with a lone negation."""
CLAUSE_WORDS = 2
"""So many more where it negates a clause: "zonder dat mij iets is verteld"."""
_MARKS = ".,;:!?…()[]\"'“”‘’„«»"


def beside(
    unsaid: Collection[str],
    tokens: Sequence[str],
    read: Sequence[tuple[Unit, ...]],
    places: Sequence[int],
    taken: Sequence[tuple[int, int]],
) -> list[str]:
    """Each negation (``places`` among the units that ``tokens`` are ``read`` as) and what it is said of: a few words that follow it in its
    clause, or else those before it that are told of nothing else (units ``taken``, from and to); words that say nothing (``unsaid``) are
    left out at the outer end."""
    if not all(read):
        tokens, read = list(compress(tokens, read)), list(filter(None, read))
    ends = list(accumulate(map(len, read)))  # how many units there are up to the end of each token
    told_to = [to for _, to in taken]  # in order, as what is taken is, and none overlaps another
    told = []
    for place in places:
        number = bisect_right(ends, place)
        begin = ends[number] - len(read[number])
        shown = read[number][place - begin].shown
        ahead = _ahead(read, number, read[number][-1].nominal) if place + 1 == ends[number] else number + 1
        last = ahead
        while last > number + 1 and _bare(tokens[last - 1]).lower() in unsaid:
            last -= 1
        if last > number + 1:
            told.append(" ".join([shown, *map(_bare, tokens[number + 1 : last])]))
            continue
        first = behind = _behind(read, number, begin, taken, told_to) if place == begin else number
        while first < number and _bare(tokens[first]).lower() in unsaid:
            first += 1
        if ahead > number + 1 and first == number:
            told.append(" ".join([shown, *map(_bare, tokens[number + 1 : ahead])]))
        else:
            told.append(" ".join([*map(_bare, tokens[first if first < number else max(behind, number - 1) : number]), shown]))
    return told


def _bare(token: str) -> str:
    return token.strip(_MARKS)


def _ahead(read: Sequence[tuple[Unit, ...]], number: int, nominal: bool) -> int:
    """Where what a negation at a token is said of ends: a few words, within its clause."""
    joined = nominal and number + 1 < len(read) and read[number + 1][0].limit
    begin = number + 1 + joined
    end = min(number + 1 + BESIDE + joined * CLAUSE_WORDS, len(read))
    for ahead in range(begin, end):
        first, last = read[ahead][0], read[ahead][-1]
        if first.stop or first.limit or first.contrast or last.stop:
            end = ahead + (not (first.stop or first.limit or first.contrast))
            break
    return end if end > begin else number + 1


def _behind(read: Sequence[tuple[Unit, ...]], number: int, end: int, taken: Sequence[tuple[int, int]], told_to: Sequence[int]) -> int:
    """Where the words before a negation, which the units before ``end`` are of, begin: a few, within its clause."""
    for behind in range(number - 1, max(number - 1 - BESIDE, -1), -1):
        units = read[behind]
        last, begin = units[-1], end - len(units)
        if last.stop or last.contrast:
            return behind + 1
        if behind < number - 1:
            told = bisect_left(told_to, begin)
            if last.limit or (told < len(taken) and taken[told][0] < end):
                return behind + 1
        end = begin
    return max(number - BESIDE, 0)
