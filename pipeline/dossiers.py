"""The dossier registry (`dossiers.toml`): the headache files of each brand, known by their words before they are in the news.

A dossier names who owns the matter and where its crisis plan is. It is matched on the text of every mention of its brands, so that an
alert and a work item can say at once what is known. Unknown keys are refused; errors name file, entry and what to do.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from pipeline.brands import ConfigurationError
from pipeline.phrases import Phrases, words_of
from pipeline.toml_places import Places
from schemas.mention import BrandSlug
from schemas.outputs import AlertDossier, ResponsePolicy

_FEW = 24
"""Words that are looked for one by one; a word takes 0.05 µs in a post."""

DossierId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*\Z", max_length=100)]


class Dossier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One headache file. ``match``: words or phrases, found as whole words whatever their case; ``brands`` empty: of every brand.

    ``severity_floor``: an incident about it is at least this. ``valid_from`` and ``valid_to`` are days in the brand's time zone, both
    of them included.
    """

    id: DossierId
    match: Annotated[tuple[str, ...], Meta(min_length=1)]
    owner: str
    crisis_plan_url: str
    brands: tuple[BrandSlug, ...] = ()
    title: str | None = None
    response_policy: ResponsePolicy | None = None
    severity_floor: Literal["warning", "crisis"] | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether it counts on that local day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def told(self) -> AlertDossier:
        """As an alert carries it."""
        return AlertDossier(
            id=self.id,
            owner=self.owner,
            crisis_plan_url=self.crisis_plan_url,
            response_policy=self.response_policy,
            title=self.title,
        )


class _DossiersFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dossiers: tuple[Dossier, ...] = ()


class BrandDossiers:
    """The dossiers of one brand, ready to be looked for. Most texts hold none of their words, and cost a microsecond."""

    def __init__(self, dossiers: Sequence[Dossier], zone: ZoneInfo) -> None:
        self._zone = zone
        self._by_id = {dossier.id: dossier for dossier in dossiers}
        self._phrases = Phrases(phrase for dossier in dossiers for phrase in dossier.match)
        self._hints = tuple(sorted({max(words_of(phrase), key=len) for dossier in dossiers for phrase in dossier.match}))
        self._places: dict[str, list[int]] = {}
        self._dossiers = tuple(dossiers)
        for place, dossier in enumerate(dossiers):
            for phrase in dossier.match:
                self._places.setdefault(phrase, []).append(place)

    def about(self, at: datetime, text: str, title: str | None = None) -> str | None:
        """The id of the first dossier of the file that a mention of that moment is about."""
        if not self._may_hold(text) and not (title and self._may_hold(title)):
            return None
        found = self._phrases.found_in(text, title)
        if not found:
            return None
        day = at.astimezone(self._zone).date()
        places = sorted({place for phrase in found for place in self._places[phrase]})
        return next((self._dossiers[place].id for place in places if self._dossiers[place].is_valid_on(day)), None)

    def _may_hold(self, text: str) -> bool:
        """Cheap, and never wrong when it says no: of each phrase the longest word is looked for, be it in the middle of another."""
        if len(self._hints) > _FEW:
            return True  # `Phrases` has a look of its own, that costs the same for any number of them
        folded = text.casefold()
        for hint in self._hints:  # noqa: SIM110 - a generator costs as much again
            if hint in folded:
                return True
        return False

    def get(self, identifier: str) -> Dossier | None:
        """A dossier by its id; None where the file knows it no more."""
        return self._by_id.get(identifier)


class DossierBook:
    """All dossiers of a deployment. ``hash`` names this version of the file (empty where there is none), ``places`` finds its lines."""

    def __init__(self, dossiers: Iterable[Dossier] = (), hash_: str = "", places: Places | None = None) -> None:
        self._dossiers = tuple(dossiers)
        self.hash = hash_
        self.places = Places("dossiers.toml", b"") if places is None else places

    def __len__(self) -> int:
        return len(self._dossiers)

    def __iter__(self) -> Iterator[Dossier]:
        return iter(self._dossiers)

    def with_brands(self, hash_: str) -> str:
        """Names what decides alerts: the brand registry of that ``hash_`` and these dossiers."""
        return f"{hash_}-{self.hash}" if self.hash else hash_

    def of(self, brand: str, zone: ZoneInfo) -> BrandDossiers | None:
        """Those of one brand; None if it has none."""
        chosen = [dossier for dossier in self._dossiers if not dossier.brands or brand in dossier.brands]
        return BrandDossiers(chosen, zone) if chosen else None


def parse_dossiers(content: bytes, *, file: str = "dossiers.toml") -> DossierBook:
    """Read the registry.

    Raises:
        ConfigurationError: not TOML (with its line), an unknown key, a missing or wrong value (with its path), a repeated id, a dossier
            without owner or crisis plan, words that nothing can match, or a validity that ends before it starts.
    """
    places = Places(file, content)
    try:
        parsed = msgspec.toml.decode(content, type=_DossiersFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{places.explained(str(error))}{_advice(str(error))}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    seen: set[str] = set()
    for index, dossier in enumerate(parsed.dossiers):
        place = f"{places.of('dossiers', index)} ({dossier.id})"
        if dossier.id in seen:
            raise ConfigurationError(f"{place}: id: this id is there twice; give each dossier its own")
        seen.add(dossier.id)
        if (problem := _problem(dossier)) is not None:
            raise ConfigurationError(f"{place}: {problem}")
    return DossierBook(parsed.dossiers, blake2b(content, digest_size=8).hexdigest(), places)


_ADVICE = {
    "crisis_plan_url": "a dossier needs a crisis plan; give the address where it can be read",
    "owner": "name the team or role that decides in this matter",
    "match": "give the words that mentions of it hold",
    "severity_floor": 'use "warning" or "crisis", or leave it out',
    "response_policy": 'use "respond", "acknowledge", "monitor" or "do_not_respond"',
    "valid_from": "use a day, such as 2026-09-01",
    "valid_to": "use a day, such as 2026-12-31",
    "id": "use lower-case letters, digits and hyphens",
}


def _advice(message: str) -> str:
    """What to do, by the key that a message names."""
    return next((f"; {advice}" for key, advice in _ADVICE.items() if f"`{key}`" in message or f".{key}" in message), "")


def _problem(dossier: Dossier) -> str | None:
    """What is wrong with an entry that has the right form."""
    for phrase in dossier.match:
        if not words_of(phrase):
            return f"match: {phrase!r} holds no word; {_ADVICE['match']}"
    if not dossier.owner.strip():
        return f"owner: is empty; {_ADVICE['owner']}"
    if not _is_address(dossier.crisis_plan_url):
        return f"crisis_plan_url: {dossier.crisis_plan_url!r} is no http or https address; {_ADVICE['crisis_plan_url']}"
    if dossier.valid_from is not None and dossier.valid_to is not None and dossier.valid_to < dossier.valid_from:
        return "valid_to: lies before valid_from; change one of them"
    return None


def unregistered(book: DossierBook, brands: Iterable[str]) -> list[str]:
    """Dossiers of brands that the registry does not know, a line each: such a brand may well be written about, but is more often a typo."""
    known = frozenset(brands)
    return [
        f"{book.places.of('dossiers', index)} ({dossier.id}): brands: {slug} is not in brands.toml; use its slug, or add the brand there"
        for index, dossier in enumerate(book)
        for slug in dossier.brands
        if slug not in known
    ]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, url))
