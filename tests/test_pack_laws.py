"""What the pack scorer and the signals leave out for speed changes nothing: each against the same rules written slow and plain."""

import math
from collections.abc import Iterator, Sequence
from itertools import dropwhile, product, takewhile
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.lexicons import LANGUAGES, load_pack
from pipeline import signals
from pipeline.lexicon import beside, finds, scorer, turns
from pipeline.lexicon.pack import Pack, Phrase, Rules
from pipeline.lexicon.scorer import PackScore, PackScorer
from pipeline.lexicon.units import Unit, Units

PACKS = {language: load_pack(language) for language in LANGUAGES}
WORDS = ("aap", "noot", "mies", "wim", "zus", "jet", "teun", "vuur")
UNSAID = frozenset({"zus", "onbekend"})
STOPS = {",": 1, ".": 2, "!": 2, "?": 3, "😡": 1, "👍": 1}

_words = st.sampled_from(WORDS)
_valences = st.sampled_from([-3.0, -1.0, 0.0, 0.5, 2.0])
_some = st.frozensets(_words, max_size=2)


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    """Packs over a few words, in which everything may be everything at once."""
    rules = Rules(
        contrast=draw(_some),
        greetings=draw(_some),
        excess=draw(_some),
        limits=draw(_some),
        backward=draw(_some),
        quiet=draw(_some),
        openers=draw(_some),
        closers=draw(_some),
        requests=draw(_some),
        thanks=draw(_some),
        nominal=draw(_some),
        verbs=draw(_some),
        mocking=draw(_some),
        hollow=draw(st.frozensets(st.one_of(st.just("👍"), st.lists(_words, min_size=1, max_size=2).map(" ".join)), max_size=3)),
        asking=draw(_some),
        insistent=draw(_some),
        balancing=draw(_some.map(tuple)),
        faults=draw(_some),
        mending=draw(_some),
        undone=draw(_some),
        joining=draw(_some),
        parting=draw(_some),
        reporting=draw(_some),
        personal=draw(_some),
        events=draw(_some),
        negations=draw(st.dictionaries(_words, st.sampled_from([1.0, 0.8]), max_size=2)),
        degrees=draw(st.dictionaries(_words, st.sampled_from([1.3, 0.7]), max_size=2)),
    )
    either = st.lists(_words, min_size=1, max_size=2, unique=True).map("|".join)
    slots = st.lists(st.one_of(either, either, st.sampled_from(["*", ";"])), max_size=2)
    phrase = st.builds(
        lambda first, middle, last, worth, role: Phrase(_tidy(first, *middle, last), 0.0 if role else worth, role),
        *(either, slots, either, _valences, st.sampled_from(["", "", "", "hushing", "balancing"])),
    )
    return Pack(
        rules=rules,
        words=draw(st.dictionaries(_words, _valences, max_size=5)),
        base={},
        first_parts={},
        last_parts={},
        phrases=draw(st.lists(phrase, max_size=5)),
        emoji={"😡": -2.6, "👍": 1.9},
        emoticons={},
    )


def _tidy(*slots: str) -> str:
    """Without one gap after another."""
    return " ".join(slot for place, slot in enumerate(slots) if slot != "*" or slots[place - 1] != "*")


class _Word(NamedTuple):
    written: str
    form: str
    stop: int


class _Hit:
    def __init__(self, places: tuple[int, ...], valence: float) -> None:
        self.places = places
        self.plain = self.value = valence
        self.negation: int | None = None
        self.sign = False
        self.told = ""


class PlainScorer:
    """The rules of `finds.py`, `turns.py` and `scorer.py` in `pipeline/lexicon` with every word and phrase tried in every place."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.rules = pack.rules
        self.phrases = {forms: (phrase.valence, phrase.role) for phrase in pack.phrases for forms in product(*phrase.slots())}

    def score(self, text: str) -> PackScore:
        words = [_Word(token, ";" if token in ",.!?" else token.lower(), STOPS.get(token, 0)) for token in text.split()]
        words = [word._replace(form="") if word.stop > 1 else word for word in words]
        hits, negations, contrasts, mocking, reports, balances, hushed, mended = self.find(words)
        free = set(negations)
        before: _Hit | None = None
        for hit in hits:
            if not hit.sign:
                used = {hit.negation for hit in hits if hit.negation is not None}
                self.weigh(words, hit, before, (free, used), loud=not text.isupper())
                before = hit
        turning = {hit.negation for hit in hits}
        self.turn_back(words, hits, [place for place in negations if place not in turning])
        turning = {hit.negation for hit in hits}
        lone = [place for place in negations if place not in turning and words[place].form not in self.rules.quiet]
        if not contrasts:
            self.mock(words, hits, mocking, blamed=bool(lone))
        for hit in hits:
            if (
                self.thanks(words, hit)
                and hit.value > 0
                and any(w.form in self.rules.requests or w.stop == 3 for w in words[: hit.places[0]])
            ):
                hit.value *= turns.THANKS_CLOSING
        spans: list[tuple[int, int]] = []
        for begin in hushed:
            if not spans or begin >= spans[-1][1]:
                ends = (at for at in range(begin + 1, len(words)) if at in contrasts or self.ends_hush(words, begin, at, hits))
                spans.append((begin, next(ends, len(words))))
        hushes = {place for begin, end in spans for place in range(begin + 1, end)}
        for hit in hits:
            hit.value *= turns.HUSHED if hit.places[0] in hushes else 1.0
        heard = [hit for hit in hits if hit.places[0] not in hushes]
        self.mend(words, hits, mended)
        if not contrasts:
            self.belittle(words, heard)
        if not lone and not contrasts and len(hits) == 2:
            self.balance(words, heard)
        sentence = [sum(word.stop >= 2 for word in words[:place]) for place in range(len(words))]
        asking = {sentence[place] for place, word in enumerate(words) if word.stop == 3}
        for place in negations:
            if place not in turning and words[place].form not in self.rules.quiet and sentence[place] not in asking:
                hits.append(_Hit((place,), scorer.LONE_NEGATION * self.rules.negations[words[place].form]))
                hits[-1].value *= turns.HUSHED if place in hushes else 1.0
                hits[-1].told = self.beside(words, place, hits)
        hits.sort(key=lambda hit: hit.places[0])
        for hit in hits:
            here = sentence[hit.places[0]]
            if here in asking:
                forms = [word.form for number, word in zip(sentence, words, strict=True) if number == here]
                if hit.value > 0:
                    hit.value *= turns.PRAISE_ASKED
                elif (
                    any(self.asked_after(words[place]) for place in (hit.places[0], hit.places[-1]))
                    and self.asks(words, here, sentence)
                    and not self.rules.insistent.intersection(forms)
                ):
                    hit.value *= turns.BLAME_ASKED
        for hit in hits:
            turning = [place for place in contrasts if sentence[place] == sentence[hit.places[0]]]
            if turning:
                hit.value *= turns.BEFORE_CONTRAST if hit.places[0] < turning[0] else turns.AFTER_CONTRAST
        if reports and "!" not in text and not any(word.form in self.rules.personal for word in words):
            for hit in hits:
                if hit.told or {words[hit.places[0]].form, words[hit.places[-1]].form} & self.rules.events:
                    hit.value *= turns.REPORTED
        both = [[hit for hit in hits if hit.value * sign > 0] for sign in (1, -1)]
        whole = sorted(abs(math.fsum(hit.value for hit in side)) for side in both)
        if balances and all(both) and whole[1] < turns.OUTWEIGHED * whole[0]:
            least = whole[0]
            for side in both:
                sum_of_it = abs(math.fsum(hit.value for hit in side))
                for hit in side:
                    hit.value *= turns.BALANCED * least / sum_of_it
        total = math.fsum(hit.value for hit in hits) * (1 + scorer.EXCLAIMED * min(text.count("!"), scorer.MOST_EXCLAMATIONS))
        shown = [(self.shown(words, hit), round(hit.value, 2)) for hit in hits]
        return PackScore(round(total / math.sqrt(total * total + scorer.SATURATION), 4), [hit for hit in shown if hit[1]])

    def thanks(self, words: Sequence[_Word], hit: _Hit) -> bool:
        return words[hit.places[0]].form in self.rules.thanks or words[hit.places[-1]].form in self.rules.thanks

    def known(self, word: _Word) -> bool:
        """Whether a word is anything to the pack: only such words are shown of what stands between a negation and its word."""
        rules = self.rules
        named = (
            *(rules.contrast, rules.greetings, rules.excess, rules.limits, rules.openers, rules.requests, rules.verbs, rules.mocking),
            *(rules.negations, rules.degrees, rules.reporting, rules.personal, rules.events, rules.asking, rules.insistent),
            *(rules.balancing, rules.faults, rules.mending, rules.undone, rules.joining, rules.parting),
            *(phrase.split() for phrase in rules.hollow),
        )
        return word.form in WORDS and (
            bool(self.pack.words.get(word.form))
            or any(word.form in phrase for phrase in self.phrases)
            or any(word.form in n for n in named)
        )

    def shown(self, words: Sequence[_Word], hit: _Hit) -> str:
        own = [words[place].written for place in hit.places if words[place].form != ";" and words[place].form]
        if hit.told:
            return hit.told
        if hit.sign:
            return words[hit.places[0]].written
        if hit.negation is None:
            return " ".join(own)
        if hit.places[0] < hit.negation < hit.places[-1]:
            own = [words[place].written for place in sorted((*hit.places, hit.negation)) if words[place].form not in ("", ";")]
            return " ".join(own)
        if hit.negation > hit.places[0]:
            return " ".join([*own, words[hit.negation].written])
        return " ".join([*(word.written for word in words[hit.negation : hit.places[0]] if self.known(word)), *own])

    def find(
        self, words: Sequence[_Word]
    ) -> tuple[list[_Hit], list[int], list[int], list[int], list[int], list[int], list[int], list[int]]:
        hits: list[_Hit] = []
        negations: list[int] = []
        contrasts: list[int] = []
        mocking: list[int] = []
        reports: list[int] = []
        balances: list[int] = []
        hushed: list[int] = []
        mended: list[int] = []
        covered = -1
        gap: set[int] = set()
        for place, word in enumerate(words):
            if place <= covered and place not in gap:
                continue
            matches = [
                (places[-1], len(places), -valence, places, role)
                for phrase, (valence, role) in self.phrases.items()
                for places in self.matches(words, place, phrase)
            ]
            if matches and not self.only_negates(words, max(matches)[3], -max(matches)[2]):
                covered, _, worst, places, role = max(matches)
                balances += [at for at in (places[0], places[-1]) if words[at].form in self.rules.balancing]
                if worst:
                    hits.append(_Hit(places, -worst))
                elif role == "balancing":
                    balances.append(covered)
                    gap = set(range(places[0], covered)) - set(places)
                elif role and not self.denies_itself(words, places):
                    hushed.append(covered)
                continue
            if word.form in self.rules.balancing:
                balances.append(place)
            if word.form in self.rules.mending and not self.pack.words.get(word.form):
                mended.append(place)
            if word.form in self.rules.contrast:
                if place + 1 < len(words) and not words[place + 1].form.isdigit():
                    contrasts.append(place)
            elif word.form in self.rules.negations and not (
                word.form in self.rules.closers
                and not any(w.form in self.rules.openers for w in words[max(place - finds.REACH, 0) : place])
            ):
                if place - 1 in negations and not {word.form, words[place - 1].form} & self.rules.quiet:
                    negations.remove(place - 1)
                negations.append(place)
            elif word.form in self.rules.mocking:
                mocking.append(place)
            elif word.form in self.rules.reporting:
                reports.append(place)
            elif word.form in self.pack.emoji:
                if place and words[place - 1].form == word.form:
                    hits[-1].value = hits[-1].plain * finds.RUN
                else:
                    hits.append(_Hit((place,), self.pack.emoji[word.form]))
                    hits[-1].sign = True
            elif (
                self.pack.words.get(word.form)
                and not (place == 0 and word.form in self.rules.greetings)
                and not self.is_degree(words, place)
            ):
                hits.append(_Hit((place,), self.pack.words[word.form]))
        return hits, negations, contrasts, mocking, reports, balances, hushed, mended

    def asked_after(self, word: _Word) -> bool:
        return word.form in self.rules.faults or word.form in self.rules.events

    def asks(self, words: Sequence[_Word], number: int, sentence: Sequence[int]) -> bool:
        """Whether a sentence begins with a word of asking, right away or behind a call and a stop."""
        inside = [word for at, word in zip(sentence, words, strict=True) if at == number and word.stop < 2]
        stops = [place for place, word in enumerate(inside[: turns.CALLED]) if word.stop or word.form in self.pack.emoji]
        heads = [inside[0], *inside[stops[0] + 1 : stops[0] + 2]] if stops else inside[:1]
        if inside[0].form in {*self.rules.joining, *self.rules.contrast}:
            heads += inside[1:2]
        return any(word.form in self.rules.asking for word in heads)

    def only_negates(self, words: Sequence[_Word], places: tuple[int, ...], valence: float) -> bool:
        """A mild phrase with a negation, blame a few words behind it, nothing that stops or strengthens between, no mending after."""
        if not finds.YET <= valence < 0 or not any(words[place].form in self.rules.negations for place in places):
            return False
        for number, word in enumerate(words[places[-1] + 1 : places[-1] + 1 + finds.GAP_WORDS], places[-1] + 1):
            rules = self.rules
            stops = word.stop or word.form in self.pack.emoji or word.form in rules.limits or word.form in rules.contrast
            if stops or rules.degrees.get(word.form, 1.0) > 1:
                return False
            ruled = (rules.negations, rules.mocking, rules.reporting, rules.balancing, rules.greetings, rules.thanks, rules.mending)
            if self.pack.words.get(word.form) and word.form not in rules.degrees and not any(word.form in named for named in ruled):
                after = {later.form for later in words[number + 1 : number + 1 + finds.REACH]}
                return self.pack.words[word.form] < 0 and not after & self.rules.mending
        return False

    def beside(self, words: Sequence[_Word], place: int, hits: Sequence[_Hit]) -> str:
        """What follows in the clause without the unsaid words at its end; else what precedes without those at its head."""
        joined = words[place].form in self.rules.nominal and place + 1 < len(words) and words[place + 1].form in self.rules.limits
        ahead: list[str] = []
        for number, word in enumerate(words[place + 1 : place + 1 + beside.BESIDE + (beside.CLAUSE_WORDS if joined else 0)]):
            if word.stop or ((word.form in self.rules.limits or word.form in self.rules.contrast) and not (joined and number == 0)):
                break
            ahead.append(word.written)
        behind: list[str] = []
        taken = {place for hit in hits if not hit.told for place in range(hit.places[0], hit.places[-1] + 1)}
        for number, word in enumerate(reversed(words[max(place - beside.BESIDE, 0) : place])):
            if word.stop or word.form in self.rules.contrast:
                break
            if number and (word.form in self.rules.limits or place - 1 - number in taken):
                break
            behind.insert(0, word.written)
        if joined and len(ahead) == 1:
            ahead = []
        short = list(reversed(list(dropwhile(self.unsaid, reversed(ahead)))))
        since = list(dropwhile(self.unsaid, behind))
        if short or (ahead and not since):
            return " ".join([words[place].written, *(short or ahead)])
        return " ".join([*(since or behind[-1:]), words[place].written])

    def unsaid(self, word: str) -> bool:
        return word.lower() in UNSAID

    def mend(self, words: Sequence[_Word], hits: Sequence[_Hit], mended: Sequence[int]) -> None:
        found = {hit.places[0]: hit for hit in hits}
        for hit in hits:
            if hit.value >= 0 or not self.is_fault(words, hit):
                continue
            for place in range(hit.places[0] + 1, len(words)):
                if words[place - 1].stop >= 2:
                    break
                if (later := found.get(place)) is not None and later.value <= 0 and not self.is_fault(words, later):
                    break
                ends = () if later is None else (later.places[0], later.places[-1])
                told = later is not None and later.value > 0 and any(words[at].form in self.rules.mending for at in ends)
                told = told and later is not None and self.undone(words, later.places) is None
                alone = place in mended and not self.is_denied(words, place) and self.undone(words, (place,)) is None
                if told or alone:
                    hit.value *= turns.MENDED
                    break

    def ends_hush(self, words: Sequence[_Word], begin: int, place: int, hits: Sequence[_Hit]) -> bool:
        """A stop; or a word of joining, but before the same word again or a find that it joins."""
        word, rules = words[place], self.rules
        if word.stop or word.form in self.pack.emoji:
            return True
        if word.form in rules.parting and word.form not in rules.joining:
            return True
        again = place + 1 < len(words) and words[begin].form and words[place + 1].form == words[begin].form
        if word.form not in rules.joining or again:
            return False
        starts = {hit.places[0]: hit for hit in hits}
        for ahead in range(place + 1, place + 1 + turns.JOINED_WITHIN):
            if ahead in starts:
                before = [hit for hit in hits if hit.places[-1] == place - 1]
                return starts[ahead].value > 0 and not any(hit.value > 0 for hit in before)
            if ahead >= len(words) or words[ahead].form in rules.verbs:
                return True
            if not rules.verbs and words[ahead].form not in rules.degrees:
                return True
        return True

    def denies_itself(self, words: Sequence[_Word], places: tuple[int, ...]) -> bool:
        denials = set(self.rules.negations) - self.rules.closers
        return any(words[place].form in denials for place in range(places[0], places[-1]) if place not in places)

    def halts(self, word: _Word) -> bool:
        return bool(word.stop) or word.form in {*self.rules.limits, *self.rules.contrast, *self.pack.emoji}

    def is_denied(self, words: Sequence[_Word], place: int) -> bool:
        before = takewhile(lambda word: not self.halts(word), reversed(words[max(place - finds.REACH, 0) : place]))
        return any(word.form in self.rules.negations for word in before)

    def undone(self, words: Sequence[_Word], places: tuple[int, ...]) -> int | None:
        """The nearest word before the end of a mending, in its clause, that says that it is still to be done."""
        gaps = [at for at in range(places[-1], places[0], -1) if at not in places]
        for near in (gaps, range(places[0] - 1, max(places[0] - finds.REACH, 0) - 1, -1)):
            clause = list(takewhile(lambda at: not self.halts(words[at]), near))
            if found := [at for at in clause if words[at].form in self.rules.undone]:
                return found[0]
        return None

    def is_fault(self, words: Sequence[_Word], hit: _Hit) -> bool:
        return len(hit.places) == 1 and words[hit.places[0]].form in self.rules.faults

    def belittle(self, words: Sequence[_Word], hits: Sequence[_Hit]) -> None:
        if len(hits) < 2:
            return
        stops = [place for place, word in enumerate(words) if word.stop or word.form in self.pack.emoji]
        first, last = hits[0], hits[-1]
        begins = words[0].form in WORDS and words[0].form in {phrase.split()[0] for phrase in self.rules.hollow}
        if begins and first.value > 0:
            head = stops[0] if stops and stops[0] <= turns.HOLLOW_WORDS else 0
            signs = [hit for hit in hits[1:] if hit.places[0] == head]
            rest = [hit for hit in hits[1:] if hit not in signs]
            mocks = bool(rest) and all(hit.value < 0 for hit in rest) and first.places[-1] < head < rest[0].places[0]
            if mocks and self.is_hollow(words[:head]):
                for hit in (first, *signs):
                    hit.value *= turns.MOCKED if hit.value > 0 else 1
        elif last.value > 0 and all(hit.value < 0 for hit in hits[:-1]):
            if math.fsum(hit.value for hit in hits[:-1]) > turns.MOCKED_BLAME:
                return
            if last.sign:
                last.value *= turns.MOCKED if words[last.places[0]].form in self.rules.hollow else 1
                return
            tail = list(dropwhile(lambda place: place in stops, reversed(range(len(words)))))
            tail, rest = self.clause(tail, stops)
            comma = bool(rest) and words[rest[0]].stop == 1
            if comma and len(tail) <= turns.ADDRESSED and last.places[-1] < tail[-1]:
                tail, rest = self.clause(rest[1:], stops)
            before, _ = self.clause(rest[1:], stops)
            faults = all(self.is_fault(words, hit) for hit in hits[:-1])
            if faults and rest and hits[-2].places[-1] < (before[-1] if before else rest[0]):
                return
            between = hits[-2].places[-1] < tail[-1] <= last.places[0] if tail else False
            if between and len(tail) <= turns.HOLLOW_WORDS and self.is_hollow([words[place] for place in reversed(tail)]):
                last.value *= turns.MOCKED

    def clause(self, places: Sequence[int], stops: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
        """Places, from the last to the first, up to a stop; and what comes before them."""
        size = next((number for number, place in enumerate(places) if place in stops), len(places))
        return places[:size], places[size:]

    def is_hollow(self, words: Sequence[_Word]) -> bool:
        forms = [word.form for word in words]
        return bool({" ".join(forms), " ".join(forms[:-1]) if len(forms) > 2 else ""} & self.rules.hollow)

    def balance(self, words: Sequence[_Word], hits: Sequence[_Hit]) -> None:
        if len(hits) != 2 or any(len(hit.places) > 1 or hit.sign or hit.negation is not None for hit in hits):
            return
        one, other = hits
        stops = [place for place, word in enumerate(words[:-1]) if word.stop or word.form in self.pack.emoji]
        if one.value * other.value >= 0 or len(stops) != 1 or not one.places[0] < stops[0] < other.places[0]:
            return
        if 2 <= stops[0] <= turns.ALIKE_WORDS and 2 <= len(words) - 1 - stops[0] <= turns.ALIKE_WORDS + 1:
            weight = turns.BALANCED * min(abs(one.value), abs(other.value))
            one.value, other.value = math.copysign(weight, one.value), math.copysign(weight, other.value)

    def mock(self, words: Sequence[_Word], hits: Sequence[_Hit], mocking: Sequence[int], *, blamed: bool) -> None:
        praise = [hit for hit in hits if hit.value > 0 and not (hit.sign and words[hit.places[0]].form in self.rules.hollow)]
        if len(praise) != 1 or praise[0].negation is not None or praise[0].sign:
            return
        (hit,) = praise
        exclaimed = words[hit.places[0]].form in {phrase.split()[0] for phrase in self.rules.hollow}
        if len(hits) == 1 and not blamed and not exclaimed:
            return
        head = max([place + 1 for place in range(hit.places[0]) if words[place].stop], default=0)
        if any(word.form not in self.rules.degrees for word in words[head : hit.places[0]]):
            return
        for place in mocking:
            between = words[hit.places[-1] + 1 : place]
            if 0 < place - hit.places[-1] <= turns.MOCKED_WITHIN + 1 and not any(
                word.stop or word.form in self.rules.contrast for word in between
            ):
                hit.value *= turns.MOCKED
                hit.negation = place
                return

    def matches(self, words: Sequence[_Word], place: int, phrase: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
        """Where the words of a phrase may stand if the first stands at ``place``."""
        if not phrase:
            yield ()
        elif phrase[0] == "*":
            for ahead in range(place, min(place + finds.GAP_WORDS + 1, len(words))):
                if words[ahead].form == phrase[1]:
                    yield from self.matches(words, ahead, phrase[1:])
                if words[ahead].stop or words[ahead].form in self.rules.limits or words[ahead].form in self.rules.contrast:
                    break
        elif place < len(words) and words[place].form == phrase[0]:
            yield from ((place, *rest) for rest in self.matches(words, place + 1, phrase[1:]))

    def is_degree(self, words: Sequence[_Word], place: int) -> bool:
        degrees = self.rules.degrees
        worth = [bool(self.pack.words.get(word.form)) for word in words[place + 1 : place + 3]]
        if words[place].form not in degrees:
            return False
        return worth[:1] == [True] or (len(worth) == 2 and words[place + 1].form in degrees and worth[1])

    def weigh(self, words: Sequence[_Word], hit: _Hit, before: _Hit | None, negations: tuple[set[int], set[int]], *, loud: bool) -> None:
        free, used = negations
        rules, start = self.rules, hit.places[0]
        factor = 1.0
        silent = rules.quiet | rules.closers
        inside = [place for place in range(start, hit.places[-1]) if place not in hit.places and words[place].form in rules.negations]
        inside = [at for at in inside if words[at].form not in silent and rules.degrees.get(words[at + 1].form, 1.0) <= 1]
        said = {at: self.phrases.get((words[at].form, words[at + 1].form)) for at in inside}
        inside = [at for at in inside if (phrase := said[at]) is None or phrase[0]]
        if inside and not any(words[place].form in rules.negations for place in hit.places):
            hit.negation = inside[-1]
        elif len(hit.places) > 1 and hit.plain > 0 and words[hit.places[-1]].form in rules.mending:
            hit.negation = self.undone(words, hit.places)
        lowest = max(start - finds.REACH, 0) if hit.negation is None else start
        for place in range(start - 1, lowest - 1, -1):
            form = words[place].form
            other = before is not None and place == before.places[-1] and before.plain * hit.plain < 0
            how = form in rules.degrees and form in rules.limits and form not in rules.contrast and place - 1 in free
            if words[place].stop or ((form in rules.limits or form in rules.contrast) and not how) or other:
                break
            if place in free:
                apart = place in used and before is not None and before.places[-1] != start - 1
                if form in rules.nominal and (apart or any(word.form in rules.verbs for word in words[place + 1 : start + 1])):
                    break
                hit.negation = place
                break
            if start - place <= turns.DEGREE_REACH:
                factor *= rules.degrees.get(form, 1.0)
            if form in rules.excess and place == start - 1 and hit.plain > 0:
                factor *= turns.EXCESS
        hit.value = hit.plain * factor
        if hit.negation is not None:
            share = rules.negations.get(words[hit.negation].form) or 1.0
            hit.value *= 1 - share + share * (turns.PRAISE_NEGATED if hit.plain > 0 else turns.BLAME_NEGATED)
        if loud and any(words[place].written.isupper() for place in range(start, hit.places[-1] + 1) if self.known(words[place])):
            hit.value += math.copysign(turns.LOUD, hit.value)

    def turn_back(self, words: Sequence[_Word], hits: Sequence[_Hit], lone: Sequence[int]) -> None:
        praise = {hit.places[-1]: hit for hit in hits if hit.value > 0 and hit.negation is None}
        for negation in lone:
            for place in range(negation - 1, max(negation - finds.REACH, 0) - 1, -1):
                form = words[place].form
                if (
                    words[negation].form not in self.rules.backward
                    or words[place].stop
                    or form in self.rules.limits
                    or form in self.rules.contrast
                ):
                    break
                if place in praise and praise[place].negation is None:
                    praise[place].value *= turns.PRAISE_NEGATED
                    praise[place].negation = negation
                    break


@st.composite
def texts_of(draw: st.DrawFn, pack: Pack) -> str:
    """A text of words and stops, in which the phrases of a pack stand more often than by chance, and its rules' words beside them."""
    rules = pack.rules
    telling = [*rules.joining, *rules.parting, *rules.undone, *rules.mending, *rules.faults, *rules.contrast, *rules.negations, *pack.words]
    pieces: list[st.SearchStrategy[str]] = [st.sampled_from([*WORDS, *map(str.upper, WORDS), "onbekend", "7", *STOPS])]
    if telling:
        pieces += [st.sampled_from(telling)] * 2
    for phrase in pack.phrases[:3]:
        choices = [st.sampled_from([",", ".", "?"] if slot == [";"] else WORDS if slot == ["*"] else slot) for slot in phrase.slots()]
        pieces.append(st.tuples(*choices).map(" ".join))
    return " ".join(draw(st.lists(st.one_of(pieces), max_size=10)))


@settings(max_examples=150)
@given(st.data(), packs())
def test_the_scorer_is_the_plain_rules(data: st.DataObject, pack: Pack) -> None:
    fast, plain = PackScorer(pack, UNSAID), PlainScorer(pack)
    for _ in range(4):
        text = data.draw(texts_of(pack))
        assert fast.score(text) == plain.score(text), text


# signals

_pieces = st.sampled_from(
    [
        "@klant",
        "a@b.nl",
        "http://x.nl/?a",
        "https://",
        "www.",
        "www.x",
        "?",
        "？",
        "kan je",
        "kan",
        "ik",
        "hoe",
        "WAT is",
        "’",
        "qu’est-ce",
        ".",
        "é",
        " ",
        "\n",
    ]
)
_pieced = st.one_of(st.text(max_size=60), st.lists(_pieces, max_size=8).map(" ".join), st.lists(_pieces, max_size=8).map("".join))


@given(_pieced)
def test_addresses_go_whether_or_not_a_text_looks_as_if_it_had_any(text: str) -> None:
    assert signals.without_addresses(text) == signals._ADDRESS.sub(" ", text)


@given(_pieced, st.sampled_from(["nl", "en", "de", "fr", "es", None]))
def test_who_asks_is_seen_without_the_short_ways(text: str, language: str | None) -> None:
    bare = signals._ADDRESS.sub(" ", text)
    languages = [language] if language in signals._BY_LANGUAGE else list(signals._BY_LANGUAGE)
    opens = any(signals._BY_LANGUAGE[code].search(text.lower().replace("’", "'")) for code in languages if code)
    assert signals.asks(text, language) == (any(mark in bare for mark in "?？؟") or opens)


@pytest.mark.parametrize("token", ["goed." * 400, "niet-" * 400, "l'" * 600 + "a", "goed🐌" * 400])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_is_looked_up_once_in_a_token_without_spaces(token: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of 2,000 characters without spaces, a thousand words, would else cost more than 20 ms."""
    asked: list[str] = []
    look_up = Units._unit

    def counted(units: Units, piece: str, form: str) -> Unit | None:
        asked.append(form)
        return look_up(units, piece, form)

    monkeypatch.setattr(Units, "_unit", counted)
    PackScorer(PACKS[language]).score(token)
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_inside_a_token_is_read_as_between_spaces(language: str) -> None:
    """What is a sign by itself ("xD") is none inside a token, whether it was met alone before or not."""
    fresh, used = PackScorer(PACKS[language]), PackScorer(PACKS[language])
    signs = [sign for sign in PACKS[language].emoticons if sign.isalnum()]
    assert signs
    for sign in signs:
        used.score(sign)
        assert used.score(f"{sign}.{sign}") == fresh.score(f"{sign}.{sign}")
