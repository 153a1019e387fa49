"""Four weeks of five invented brands as raw records, in the order in which they are delivered; the same for the same seed, always.

31 August to 28 September 2026, UTC. What is planted, and when, says `agents.demo.planted.PLANTED`.
"""

from collections.abc import Iterator
from random import Random

from agents.demo.oddities import Line, broken, deliver, overtaken
from agents.demo.people import People
from agents.demo.phrases import Phrases
from agents.demo.planted import CAMPAIGN, END, FLOOD, ROW, START, WAVE, campaign, flood, row, wave
from agents.demo.rhythm import COMMUTERS, DELIVERIES, EVENINGS, OFFICE, WEEKEND
from agents.demo.traffic import DemoBrand, Voices, normal_days
from agents.demo.wording import Wording
from schemas.mention import Mention

SEED = 20260901

BRANDS = (
    DemoBrand(
        "noordnet", "Noordnet", "telecom", 140, 0.8, EVENINGS, WEEKEND, {"complaint": 30, "praise": 16, "question": 32, "neutral": 22}
    ),
    DemoBrand(
        "veldspoor", "Veldspoor", "rail", 150, 0.55, COMMUTERS, WEEKEND, {"complaint": 32, "praise": 14, "question": 30, "neutral": 24}
    ),
    DemoBrand(
        "zonnekracht", "Zonnekracht", "energy", 75, 0.7, EVENINGS, WEEKEND, {"complaint": 28, "praise": 18, "question": 34, "neutral": 20}
    ),
    DemoBrand(
        "pakketpiet", "Pakketpiet", "parcel", 110, 0.6, DELIVERIES, WEEKEND, {"complaint": 32, "praise": 16, "question": 32, "neutral": 20}
    ),
    DemoBrand(
        "bloemenbank", "Bloemenbank", "bank", 52, 0.65, OFFICE, WEEKEND, {"complaint": 26, "praise": 16, "question": 36, "neutral": 22}
    ),
)


def scenario(phrases: Phrases, seed: int = SEED) -> Iterator[Line]:
    """The scenario's records for the raw topic, as they are delivered: in event-time order but for what is late or repeated."""
    mentions: list[Mention] = []
    voices: dict[str, Voices] = {}
    for number, brand in enumerate(BRANDS):
        # Chance of its own for each part, so that a change in one leaves the others as they are.
        rng = Random(f"{seed} {brand.slug}")  # noqa: S311 - a story, not a secret
        wording = Wording(phrases, brand.sector, brand.slug, brand.name, rng)
        people = People(phrases.general.handles, rng)
        voices[brand.slug] = Voices(brand, number, people, wording, rng)
        mentions += normal_days(voices[brand.slug], START, END)
    texts = phrases.planted
    mentions += flood(voices[FLOOD.brand], texts.flood)
    mentions += campaign(voices[CAMPAIGN.brand], texts.campaign)
    mentions += wave(voices[WAVE.brand], texts.wave)
    mentions += row(voices[ROW.brand], texts.row)
    mentions.sort(key=lambda mention: (mention.published_at, mention.mention_id))
    lines = list(deliver(mentions, Random(f"{seed} delivery")))  # noqa: S311
    lines += _extra(voices, Random(f"{seed} extra"))  # noqa: S311
    lines.sort(key=lambda line: line.at)
    return iter(lines)


def _extra(voices: dict[str, Voices], rng: Random) -> Iterator[Line]:
    """A retraction that overtakes its mention, and a handful of broken records."""
    for brand, share in (("veldspoor", 0.4), ("pakketpiet", 0.7)):
        at = START + (END - START) * (share + rng.random() / 100)
        yield from overtaken(voices[brand].root(at, voices[brand].people.somebody("x", "nl"), "complaint"))
    at = START + (END - START) * (0.55 + rng.random() / 100)
    yield from broken(voices["noordnet"].root(at, voices["noordnet"].people.somebody("x", "nl"), "question"))
