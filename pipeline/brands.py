"""The brand registry (`deploy/<deployment>/brands.toml`): who the brands are, and what the door and the stages must know of each.

Unknown keys are refused; errors name the place. A brand that is not registered gets the default profile.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from pipeline.identify import NAMED, named
from pipeline.toml_places import Places
from schemas.mention import BrandSlug, Mode

OTHER = "_other"
"""Metric label of every brand that is not registered."""


class ConfigurationError(ValueError):
    """A configuration file is wrong. The message names file, place and what to do."""


class CalendarEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something announced that raises what is expected, by these factors while it lasts."""

    name: str
    kind: Literal["campaign", "launch", "maintenance"]
    starts_at: Annotated[datetime, Meta(tz=True)]
    ends_at: Annotated[datetime, Meta(tz=True)]
    expected_mentions: Annotated[float, Meta(ge=0.1, le=1000)] = 1.0
    expected_negatives: Annotated[float, Meta(ge=0.1, le=1000)] = 1.0


class Ambiguous(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The brand's name is also a common word: a mention that is not addressed to it needs one of these words."""

    needs_any: Annotated[tuple[Annotated[str, Meta(pattern=r"\S")], ...], Meta(min_length=1)]


class Brand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One brand. ``accounts`` and ``blocked_authors`` are ``<channel>:<native author id>``."""

    slug: BrandSlug
    names: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    time_zone: str = "Europe/Amsterdam"
    languages: Annotated[tuple[Annotated[str, Meta(pattern="^[a-z]{2}$")], ...], Meta(min_length=1)] = ("nl",)
    """What it is written to in, its own first; what is close to them and not among them needs a clear text (`pipeline.identify.KIN`)."""
    mode: Mode = "live"
    profile: Literal["quiet", "default", "sensitive"] = "default"
    team: str | None = None
    runbook_url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+\S*\Z", max_length=500)] | None = None
    """Where its people read what to do with an alert; a dossier's crisis plan says more, where there is one."""
    complaints_per_month: Annotated[float, Meta(gt=0, le=1e9)] | None = None
    public_fraction: Annotated[float, Meta(gt=0, le=1)] = 0.1
    ambiguous: Ambiguous | None = None
    blocked_authors: tuple[str, ...] = ()
    events: tuple[CalendarEvent, ...] = ()
    holidays: tuple[date, ...] = ()
    """Local days that go like a Sunday. The days of a year that has any here are these alone; other years have those of the country."""
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")] | None = None
    """ISO 3166, with a part of it where its holidays differ: NL, DE-BY."""

    def zone(self) -> ZoneInfo:
        """The brand's time zone."""
        return ZoneInfo(self.time_zone)

    def holiday_numbers(self) -> frozenset[int]:
        """Its holidays as proleptic ordinals."""
        return _ordinals(self.holidays)

    def alert_language(self) -> Literal["nl", "en"]:
        """Dutch for a brand whose first language is Dutch, else English."""
        return "nl" if self.languages[0] == "nl" else "en"


@lru_cache(maxsize=64)
def _ordinals(days: tuple[date, ...]) -> frozenset[int]:
    """One set for all brands of a country."""
    return frozenset(day.toordinal() for day in days)


class SourceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one connector (`source` of its mentions)."""

    name: str
    language_hint: str | None = None
    neutral_language_priors: bool = False
    detection_time: Literal["published", "received"] = "published"


class _BrandsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    brands: tuple[Brand, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    channels: tuple[str, ...] = ()
    retired_channels: tuple[str, ...] = ()


_UNREGISTERED = Brand(slug=OTHER)
"""What holds for a brand that is not registered."""


class Registry:
    """All brands of a deployment. ``hash`` names this version of the file."""

    def __init__(
        self,
        brands: Iterable[Brand],
        sources: Iterable[SourceSettings] = (),
        channels: Iterable[str] = (),
        hash_: str = "",
        unregistered: Brand = _UNREGISTERED,
    ) -> None:
        self._brands = {brand.slug: brand for brand in brands}
        self._sources = {source.name: source for source in sources}
        self.channels = frozenset(channels)
        self.hash = hash_
        self._unregistered = unregistered

    def __iter__(self) -> Iterator[Brand]:
        return iter(self._brands.values())

    def with_holidays(self, of_country: Callable[[str], tuple[date, ...]]) -> "Registry":
        """The same with the holidays of each brand's country; its own days go before those of that year."""
        brands = [
            brand if brand.country is None else replace(brand, holidays=_merged(brand.holidays, of_country(brand.country)))
            for brand in self
        ]
        return Registry(brands, self._sources.values(), self.channels, self.hash)

    def changed(self, change: Callable[[Brand], Brand]) -> "Registry":
        """The same with every brand's settings changed, those that hold for brands that are not registered too: to try other ones."""
        return Registry(map(change, self), self._sources.values(), self.channels, self.hash, change(self._unregistered))

    def brand(self, slug: str) -> Brand:
        """The brand's entry, or the default profile under that name."""
        known = self._brands.get(slug)
        return known if known is not None else replace(self._unregistered, slug=slug)

    def knows(self, slug: str) -> bool:
        """Whether the brand is registered."""
        return slug in self._brands

    def label(self, slug: str) -> str:
        """Metric label of a brand: its slug only if registered."""
        return slug if slug in self._brands else OTHER

    def source(self, name: str | None) -> SourceSettings | None:
        """Settings of a connector, if any."""
        return self._sources.get(name) if name is not None else None

    def source_label(self, name: str | None) -> str:
        """Metric label of a connector: its name only if registered; ``unknown`` where a mention names none."""
        if name is None:
            return "unknown"
        return name if name in self._sources else OTHER


def _merged(own: tuple[date, ...], country: tuple[date, ...]) -> tuple[date, ...]:
    if not own:
        return country
    years = {day.year for day in own}
    return tuple(sorted({*own, *(day for day in country if day.year not in years)}))


def parse_brands(content: bytes, *, file: str = "brands.toml") -> Registry:
    """Read the registry.

    Raises:
        ConfigurationError: not TOML (with its line), an unknown key or a wrong value (with its path), a repeated slug or source, an unknown
            time zone or language, an event that ends before it starts. All with their line.
    """
    places = Places(file, content)
    try:
        parsed = msgspec.toml.decode(content, type=_BrandsFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(places.explained(str(error), _BrandsFile)) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    seen: set[str] = set()
    for index, brand in enumerate(parsed.brands):
        place = f"{places.of('brands', index)} ({brand.slug})"
        if brand.slug.endswith("\n"):  # the one thing that `$` of the pattern lets pass; no record can name such a brand
            raise ConfigurationError(f"{places.of('brands', index)}: a line break ends the slug")
        if brand.slug in seen:
            raise ConfigurationError(f"{place}: this slug is there twice; give each brand one entry")
        seen.add(brand.slug)
        try:
            brand.zone()
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the data, or a name too long for a file
            raise ConfigurationError(f"{place}: unknown time_zone; use an IANA name such as Europe/Amsterdam") from None
        for event in brand.events:
            if event.ends_at <= event.starts_at:
                raise ConfigurationError(f"{place}: event {event.name!r} ends before it starts")
        for account in (*brand.accounts, *brand.blocked_authors):
            if not all(account.partition(":")):
                raise ConfigurationError(f"{place}: account {account!r} must have the form <channel>:<native author id>")
    known: set[str] = set()
    for index, source in enumerate(parsed.sources):
        place = f"{places.of('sources', index)} ({source.name})"
        if source.name in known:
            raise ConfigurationError(f"{place}: this source is there twice; give each one entry")
        known.add(source.name)
        if source.language_hint is not None and named(source.language_hint) is None:
            raise ConfigurationError(f"{place}: unknown language_hint; use one of {', '.join(NAMED)}")
    return Registry(
        parsed.brands, parsed.sources, (*parsed.channels, *parsed.retired_channels), blake2b(content, digest_size=8).hexdigest()
    )
