"""What an alert says to people, in Dutch or English: the expectation beside what was seen, never a p-value."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.figures import Figures
from pipeline.watch import Signal

Language = Literal["nl", "en"]

_WINDOWS: dict[Language, dict[int, str]] = {
    "nl": {1: "5 minuten", 3: "15 minuten", 12: "1 uur", 72: "6 uur", 288: "24 uur"},
    "en": {1: "5 minutes", 3: "15 minutes", 12: "1 hour", 72: "6 hours", 288: "24 hours"},
}
_MONTHS: dict[Language, tuple[str, ...]] = {
    "nl": ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}
MOST_DAYS = 1000


class Facts(NamedTuple):
    """What there is to tell of a brand at one moment. ``signal`` None: a surge. ``authors`` None: they are not kept so long."""

    brand: str
    zone: ZoneInfo
    signal: Signal | None
    figures: Figures
    onset: datetime
    authors: int | None
    usual_share: float
    calendar: Sequence[str]
    history_days: float
    warm: bool


def headline(facts: Facts, language: Language) -> str:
    """One sentence: observed, expected, how rare."""
    figures = facts.figures
    window = _WINDOWS[language][figures.buckets]
    expected = f"{number(figures.mean, language)} ± {number(figures.half_width, language)}"
    seen = f"{figures.observed:.0f}"
    total = f"{figures.mentions or 0.0:.0f}"
    one = figures.observed == 1
    rare = days(figures.return_days)
    if language == "nl":
        negatives = "negatief bericht" if one else "negatieve berichten"
        what = {
            "burst": f"{seen} {negatives} in {window}",
            "share": f"{seen} van de {total} berichten in {window} zijn negatief",
            "slow_burn": f"{seen} {negatives} in {window}, al lang meer dan anders",
            None: f"{seen} berichten van alle soorten in {window}",
        }[facts.signal]
        return f"{facts.brand}: {what}, verwacht {expected}; zo ongewoon is het ongeveer eens in {rare} dagen"
    negatives = "negative mention" if one else "negative mentions"
    what = {
        "burst": f"{seen} {negatives} in {window}",
        "share": f"{seen} of the {total} mentions in {window} are negative",
        "slow_burn": f"{seen} {negatives} in {window}, more than usual for long",
        None: f"{seen} mentions of all kinds in {window}",
    }[facts.signal]
    return f"{facts.brand}: {what}, expected {expected}; this unusual about once in {rare} days"


_SIGNALS: dict[Language, dict[Signal | None, str]] = {
    "nl": {
        "burst": "Gezien aan een piek in het aantal negatieve berichten.",
        "share": "Gezien aan het aandeel negatieve berichten, niet aan het aantal berichten.",
        "slow_burn": "Gezien aan de som van een etmaal: er is geen piek, maar het houdt aan.",
        None: "Dit is een golf van berichten, geen crisis: het aantal negatieve alleen is daarvoor geen reden.",
    },
    "en": {
        "burst": "Seen in a burst of negative mentions.",
        "share": "Seen in the share of negative mentions, not in the number of mentions.",
        "slow_burn": "Seen in the sum of a day: there is no peak, but it does not stop.",
        None: "This is a wave of mentions, not a crisis: the number of negative ones alone gives no reason for that.",
    },
}


def explanation(facts: Facts, language: Language) -> str:
    """What happens, since when, what was announced, and what the expectation rests on."""
    seen = _SIGNALS[language][facts.signal]
    return " ".join([_since(facts, language), *_shares(facts, language), seen, _announced(facts, language), _rests(facts, language)])


def _since(facts: Facts, language: Language) -> str:
    since = moment(facts.onset, facts.zone, language)
    if language == "nl":
        if facts.signal is None:
            return f"Sinds ongeveer {since} zijn er meer berichten over {facts.brand}."
        if facts.authors is None:
            return f"Sinds ongeveer {since} zijn er meer negatieve berichten over {facts.brand}."
        authors = "schrijft 1 auteur" if facts.authors == 1 else f"schrijven {facts.authors} verschillende auteurs"
        return f"Sinds ongeveer {since} {authors} negatief over {facts.brand}."
    if facts.signal is None:
        return f"Since about {since} there are more mentions of {facts.brand}."
    if facts.authors is None:
        return f"Since about {since} there are more negative mentions of {facts.brand}."
    authors = "1 author has" if facts.authors == 1 else f"{facts.authors} different authors have"
    return f"Since about {since} {authors} written negatively about {facts.brand}."


def _shares(facts: Facts, language: Language) -> list[str]:
    if (share := facts.figures.share) is None:
        return []
    if language == "nl":
        return [f"Van de berichten is {share:.0%} negatief, gewoonlijk {facts.usual_share:.0%}."]
    return [f"{share:.0%} of the mentions are negative, usually {facts.usual_share:.0%}."]


def _announced(facts: Facts, language: Language) -> str:
    if language == "nl":
        if facts.calendar:
            return f"Aangekondigd en al meegerekend: {', '.join(facts.calendar)}."
        return "Er is niets aangekondigd dat dit verklaart."
    if facts.calendar:
        return f"Announced and already allowed for: {', '.join(facts.calendar)}."
    return "Nothing was announced that explains it."


def _rests(facts: Facts, language: Language) -> str:
    history = f"{facts.history_days:.0f}"
    if language == "nl":
        if facts.warm:
            return f"De verwachting rust op {history} dagen geschiedenis."
        return f"De verwachting is nog vooral een aanname: er zijn {history} dagen geschiedenis."
    if facts.warm:
        return f"The expectation rests on {history} days of history."
    return f"The expectation is still mostly an assumption: there are {history} days of history."


class Quiet(NamedTuple):
    """A source that is silent, and what should have come from it."""

    brand: str
    zone: ZoneInfo
    source: str
    since: datetime
    mean: float
    half_width: float


def silence_headline(quiet: Quiet, language: Language) -> str:
    """One sentence: which source, since when, what was expected."""
    since = moment(quiet.since, quiet.zone, language)
    expected = f"{number(quiet.mean, language)} ± {number(quiet.half_width, language)}"
    if language == "nl":
        return f"{quiet.brand}: geen enkel bericht van bron {quiet.source} sinds {since}, verwacht {expected}"
    return f"{quiet.brand}: not a single mention from source {quiet.source} since {since}, expected {expected}"


def silence_explanation(quiet: Quiet, language: Language) -> str:
    """What that means, and what to do."""
    if language == "nl":
        return (
            f"Dit is waarschijnlijk een storing van de koppeling en zegt niets over {quiet.brand}. "
            "Zolang zij duurt, kan wat daar gebeurt niet worden gezien; ga na of de bron nog levert."
        )
    return (
        f"This is probably a fault of the connector and says nothing of {quiet.brand}. "
        "As long as it lasts, what happens there cannot be seen; check whether the source still delivers."
    )


class Ending(NamedTuple):
    """How an incident ended."""

    brand: str
    zone: ZoneInfo
    kind: Literal["crisis", "surge", "silence"]
    ended_at: datetime
    peak: float
    reason: Literal["calmed", "went_live", "not_confirmed"]


def resolved_headline(facts: Ending, language: Language) -> str:
    """One sentence: how it ended."""
    brand, since, peak = facts.brand, moment(facts.ended_at, facts.zone, language), f"{facts.peak:.0f}"
    if language == "nl":
        match facts.reason, facts.kind:
            case "went_live", _:
                return f"{brand}: melding uit de meekijkperiode gesloten, het merk is nu live"
            case "not_confirmed", _:
                return f"{brand}: vroege melding ingetrokken; bij het sluiten van de telling was er geen reden meer voor"
            case _, "silence":
                return f"{brand}: er komen weer berichten binnen sinds {since}"
            case _, "surge":
                return f"{brand}: weer het gewone aantal berichten sinds {since}; op het hoogtepunt {peak} in 5 minuten"
        return f"{brand}: weer rustig sinds {since}; op het hoogtepunt {peak} negatieve berichten in 5 minuten"
    match facts.reason, facts.kind:
        case "went_live", _:
            return f"{brand}: alert of the observing period closed, the brand is live now"
        case "not_confirmed", _:
            return f"{brand}: early alert withdrawn; when the count was closed there was no reason for it any more"
        case _, "silence":
            return f"{brand}: mentions come in again since {since}"
        case _, "surge":
            return f"{brand}: the usual number of mentions again since {since}; {peak} in 5 minutes at the peak"
    return f"{brand}: calm again since {since}; {peak} negative mentions in 5 minutes at the peak"


def number(value: float, language: Language) -> str:
    """Small numbers with one decimal, others whole."""
    if value >= 9.95:
        return f"{value:.0f}"
    text = f"{value:.1f}".removesuffix(".0")
    return text.replace(".", ",") if language == "nl" else text


def days(value: float) -> str:
    """A return period: two digits are all that is known of it."""
    if value >= MOST_DAYS:
        return f"{MOST_DAYS}+"
    if value >= 100:
        return f"{round(value, -1):.0f}"
    return f"{value:.0f}"


def moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """Local time with its date."""
    local = at.astimezone(zone)
    return f"{local:%H:%M} ({local.day} {_MONTHS[language][local.month - 1]})"
