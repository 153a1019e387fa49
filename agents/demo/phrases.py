"""The sentences of the demo, as its TOML files hold them. All are invented; words in braces are slots."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

Tone = Literal["complaint", "praise", "question", "neutral"]
TONES: tuple[Tone, ...] = ("complaint", "praise", "question", "neutral")

Sentences = tuple[str, ...]
Slots = dict[str, Sentences]


class Tones(Struct, frozen=True, forbid_unknown_fields=True):
    """Sentences by what they do."""

    complaint: Sentences = ()
    praise: Sentences = ()
    question: Sentences = ()
    neutral: Sentences = ()

    def of(self, tone: Tone) -> Sentences:
        """Those of one tone."""
        sentences: Sentences = getattr(self, tone)
        return sentences


class DutchTones(Tones, frozen=True, forbid_unknown_fields=True):
    """Dutch has sarcasm apart: complaints in friendly words."""

    sarcasm: Sentences = ()


class Sector(Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of one kind of company."""

    tags: Sentences
    slots: Slots
    nl: DutchTones
    en: Tones
    de: Tones
    fr: Tones


class Personal(Struct, frozen=True, forbid_unknown_fields=True):
    """Sentences with personal data, and the data: reserved, invented or test numbers only."""

    texts: Sentences
    email: Sentences
    phone: Sentences
    iban: Sentences
    bsn: Sentences


class Emoji(Tones, frozen=True, forbid_unknown_fields=True):
    """To put behind a sentence; ``alone``: a whole post."""

    alone: Sentences = ()


class Handles(Struct, frozen=True, forbid_unknown_fields=True):
    """Parts of invented account names; ``press`` is (account, name)."""

    first: Sentences
    second: Sentences
    agents: Sentences
    press: tuple[tuple[str, str], ...]


class General(Struct, frozen=True, forbid_unknown_fields=True):
    """Whatever the sector."""

    slots: Slots
    openers: Tones
    tails: Tones
    bystanders: Tones
    follow_ups: Tones
    answers: Tones
    titles: Tones
    flemish: Tones
    personal: Personal
    emoji: Emoji
    short: dict[str, str]
    handles: Handles


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """The row at noordnet, in the order in which its voices join."""

    first: Sentences
    crowd: Sentences
    press: Sentences
    statement: Sentences


class Flood(Struct, frozen=True, forbid_unknown_fields=True):
    """What the bots say."""

    texts: Sentences


class Wave(Struct, frozen=True, forbid_unknown_fields=True):
    """A compliment that goes round."""

    root: str
    crowd: Sentences
    press: Sentences


class Campaign(Tones, frozen=True, forbid_unknown_fields=True):
    """The brand's own ``post`` and what people make of it."""

    post: Sentences = ()


class Planted(Struct, frozen=True, forbid_unknown_fields=True):
    """The texts of the planted events."""

    row: Row
    flood: Flood
    wave: Wave
    campaign: Campaign


class Phrases(Struct, frozen=True):
    """All of it. ``others``: by language code, for languages that are not the brands' own."""

    general: General
    sectors: dict[str, Sector]
    others: dict[str, Tones]
    planted: Planted


SECTORS = ("telecom", "rail", "energy", "parcel", "bank")


def parse_phrases(contents: Mapping[str, bytes]) -> Phrases:
    """Read the files, given by name without suffix.

    Raises:
        msgspec.ValidationError: an unknown key or a wrong value, with its path.
    """
    return Phrases(
        general=msgspec.toml.decode(contents["general"], type=General),
        sectors={name: msgspec.toml.decode(contents[name], type=Sector) for name in SECTORS},
        others=msgspec.toml.decode(contents["others"], type=dict[str, Tones]),
        planted=msgspec.toml.decode(contents["planted"], type=Planted),
    )


def load_phrases() -> Phrases:
    """The phrases that come with the package."""
    folder = files("agents.demo") / "texts"
    return parse_phrases({name: (folder / f"{name}.toml").read_bytes() for name in ("general", *SECTORS, "others", "planted")})
