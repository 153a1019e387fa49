"""What an alert says to people, in Dutch or English: the expectation beside what was seen, never a p-value."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

Language = Literal["nl", "en"]

_WINDOWS: dict[Language, tuple[str, ...]] = {
    "nl": ("5 minuten", "15 minuten", "1 uur", "6 uur"),
    "en": ("5 minutes", "15 minutes", "1 hour", "6 hours"),
}
_MONTHS: dict[Language, tuple[str, ...]] = {
    "nl": ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}
MOST_DAYS = 1000


class Facts(NamedTuple):
    """What there is to tell of a brand at one moment. ``window`` is an index of the detector's windows."""

    brand: str
    zone: ZoneInfo
    window: int
    observed: float
    mean: float
    half_width: float
    return_days: float
    onset: datetime
    authors: int
    share: float
    usual_share: float
    calendar: Sequence[str]
    history_days: float
    warm: bool
    peak: float


def headline(facts: Facts, language: Language) -> str:
    """One sentence: observed, expected, how rare."""
    window = _WINDOWS[language][facts.window]
    expected = f"{number(facts.mean, language)} ± {number(facts.half_width, language)}"
    one = facts.observed == 1
    if language == "nl":
        negatives = "negatief bericht" if one else "negatieve berichten"
        return (
            f"{facts.brand}: {facts.observed:.0f} {negatives} in {window}, verwacht {expected}; "
            f"zo ongewoon is het ongeveer eens in {days(facts.return_days)} dagen"
        )
    negatives = "negative mention" if one else "negative mentions"
    return (
        f"{facts.brand}: {facts.observed:.0f} {negatives} in {window}, expected {expected}; "
        f"this unusual about once in {days(facts.return_days)} days"
    )


def explanation(facts: Facts, language: Language) -> str:
    """What happens, since when, what was announced, and what the expectation rests on."""
    since = moment(facts.onset, facts.zone, language)
    share, usual = f"{facts.share:.0%}", f"{facts.usual_share:.0%}"
    history = f"{facts.history_days:.0f}"
    if language == "nl":
        authors = "schrijft 1 auteur" if facts.authors == 1 else f"schrijven {facts.authors} verschillende auteurs"
        announced = (
            f"Aangekondigd en al meegerekend: {', '.join(facts.calendar)}."
            if facts.calendar
            else "Er is niets aangekondigd dat dit verklaart."
        )
        rests = (
            f"De verwachting rust op {history} dagen geschiedenis."
            if facts.warm
            else f"De verwachting is nog vooral een aanname: er zijn {history} dagen geschiedenis."
        )
        return (
            f"Sinds ongeveer {since} {authors} negatief over {facts.brand}. "
            f"Van de berichten is {share} negatief, gewoonlijk {usual}. {announced} {rests}"
        )
    authors = "1 author has" if facts.authors == 1 else f"{facts.authors} different authors have"
    announced = (
        f"Announced and already allowed for: {', '.join(facts.calendar)}." if facts.calendar else "Nothing was announced that explains it."
    )
    rests = (
        f"The expectation rests on {history} days of history."
        if facts.warm
        else f"The expectation is still mostly an assumption: there are {history} days of history."
    )
    return (
        f"Since about {since} {authors} written negatively about {facts.brand}. "
        f"{share} of the mentions are negative, usually {usual}. {announced} {rests}"
    )


def resolved_headline(brand: str, zone: ZoneInfo, ended_at: datetime, peak: float, reason: str, language: Language) -> str:
    """One sentence: how it ended."""
    since = moment(ended_at, zone, language)
    if language == "nl":
        if reason == "went_live":
            return f"{brand}: melding uit de meekijkperiode gesloten, het merk is nu live"
        return f"{brand}: weer rustig sinds {since}; op het hoogtepunt {peak:.0f} negatieve berichten in 5 minuten"
    if reason == "went_live":
        return f"{brand}: alert of the observing period closed, the brand is live now"
    return f"{brand}: calm again since {since}; {peak:.0f} negative mentions in 5 minutes at the peak"


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
