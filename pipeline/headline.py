"""What an alert says to people, in Dutch or English: the expectation beside what was seen, never a p-value."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.figures import Figures
from pipeline.key import WHOLE, Key
from pipeline.watch import Signal
from schemas.mention import Tier
from schemas.outputs import AlertDossier, ChannelShare, IncidentSummary, WordUse

Language = Literal["nl", "en"]

WINDOWS: dict[Language, dict[int, str]] = {
    "nl": {1: "5 minuten", 3: "15 minuten", 12: "1 uur", 72: "6 uur", 288: "24 uur"},
    "en": {1: "5 minutes", 3: "15 minutes", 12: "1 hour", 72: "6 hours", 288: "24 hours"},
}
"""By their length in buckets."""

_MONTHS: dict[Language, tuple[str, ...]] = {
    "nl": ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}
MOST_DAYS = 1000
_WORDS_TOLD = 3

_TIERS: dict[Language, dict[Tier, str]] = {
    "nl": {"watch": "oplettend", "warning": "waarschuwing", "crisis": "crisis"},
    "en": {"watch": "watch", "warning": "warning", "crisis": "crisis"},
}


class Facts(NamedTuple):
    """What there is to tell of a brand at one moment. ``signal`` None: a surge. ``authors`` None: they are not kept so long."""

    brand: str
    zone: ZoneInfo
    tier: Tier | None
    signal: Signal | None
    figures: Figures
    at: datetime
    onset: datetime
    authors: int | None
    unscored: int | None
    amplification: float | None
    loudest: int
    """Reposts and replies of the mention that has most."""
    usual_share: float
    calendar: Sequence[str]
    history_days: float
    warm: bool
    channels: Sequence[ChannelShare]
    words: Sequence[WordUse]
    topic: str | None
    dossier: AlertDossier | None
    key: Key = WHOLE

    @property
    def is_mostly_bad(self) -> bool:
        """Whether complaints are more than half of all mentions, or many more than usual."""
        share = self.figures.share
        return share is not None and (share >= MOSTLY or (share >= _NOTICEABLE and share >= _TIMES_USUAL * self.usual_share))


MOSTLY = 0.5
"""Share of complaints from which they are what a wave of mentions is about."""
_NOTICEABLE, _TIMES_USUAL = 0.25, 1.5


_COMPLAINTS: dict[Language, tuple[str, str]] = {
    "nl": ("negatief bericht", "negatieve berichten"),
    "en": ("negative mention", "negative mentions"),
}


_IN_PRIVATE: dict[Language, dict[str, str]] = {
    "nl": {"mail": "per mail", "messaging": "in privéberichten", "phone": "aan de telefoon", "desk": "aan de balie"},
    "en": {"mail": "by mail", "messaging": "in private messages", "phone": "by phone", "desk": "at the desk"},
}
_IN_PUBLIC: dict[Language, dict[str, str]] = {
    "nl": {"social": "op sociale media", "review": "in recensies", "forum": "op fora", "blog": "op blogs", "news": "in het nieuws"},
    "en": {"social": "on social media", "review": "in reviews", "forum": "on forums", "blog": "on blogs", "news": "in the news"},
}


def named(brand: str, key: Key, language: Language) -> str:
    """The brand, and where only a part of it is meant, which one: "Noordnet (per mail)", "Noordnet (over facturen)"."""
    dutch, family = language == "nl", key.channel_family
    if key.topic is not None:
        return f"{brand} ({'over' if dutch else 'about'} {key.topic})"
    if family is None:
        return brand
    if key.is_private:
        other = f"{family}, privé" if dutch else f"{family}, private"
        return f"{brand} ({_IN_PRIVATE[language].get(family, other)})"
    other = f"{family}, openbaar" if dutch else f"{family}, public"
    return f"{brand} ({_IN_PUBLIC[language].get(family, other)})"


def headline(facts: Facts, language: Language) -> str:
    """One sentence: observed, expected, since when, about what, how rare."""
    figures = facts.figures
    window = WINDOWS[language][figures.buckets]
    expected = f"{number(figures.mean, language)} ± {number(figures.half_width, language)}"
    seen = f"{figures.observed:.0f}"
    total = f"{figures.mentions or 0.0:.0f}"
    complaints = _complaints(figures.observed, language)
    rare = days(figures.return_days)
    start = named(facts.brand, facts.key, language)
    if facts.tier is not None:
        start = f"{start}, {_TIERS[language][facts.tier]}"
    since = clock(facts.onset, facts.at, facts.zone, language)
    about = _about(facts, language)
    if language == "nl":
        what = {
            "burst": f"{complaints} in {window}",
            "share": f"{seen} van de {total} berichten in {window} zijn negatief",
            "slow_burn": f"{complaints} in {window}, al lang meer dan anders",
            None: f"{seen} berichten van alle soorten in {window}",
        }[facts.signal]
        once = f"zo ongewoon is het ongeveer eens in {rare} dagen"
        return f"{start}: {what}, verwacht {expected}, sinds {since}{about}; {once}"
    what = {
        "burst": f"{complaints} in {window}",
        "share": f"{seen} of the {total} mentions in {window} are negative",
        "slow_burn": f"{complaints} in {window}, more than usual for long",
        None: f"{seen} mentions of all kinds in {window}",
    }[facts.signal]
    return f"{start}: {what}, expected {expected}, since {since}{about}; this unusual about once in {rare} days"


def _complaints(count: float, language: Language) -> str:
    words = _COMPLAINTS[language]
    return f"{count:.0f} {words[0] if round(count) == 1 else words[1]}"


def recognised(told: str, before: Tier | None, after: Tier | None, dossier: AlertDossier, language: Language) -> str:
    """A headline told before, now that it is known which dossier it is about; its tier may be higher by that."""
    if before is not None and after is not None:
        told = told.replace(f", {_TIERS[language][before]}: ", f", {_TIERS[language][after]}: ", 1)
    name = dossier.title or dossier.id
    return f"{told}; het gaat over {name}" if language == "nl" else f"{told}; it is about {name}"


def _about(facts: Facts, language: Language) -> str:
    """What it is about, as far as anything says: its dossier, its topic, or words that many use."""
    about = "over" if language == "nl" else "about"
    if facts.dossier is not None:
        return f", {about} {facts.dossier.title or facts.dossier.id}"
    if facts.topic is not None and facts.topic != facts.key.topic:
        return f", {about} {facts.topic}"
    if facts.words:
        told = ", ".join(f'"{use.word}"' for use in facts.words[:_WORDS_TOLD])
        return f", {'met woorden als' if language == 'nl' else 'with words such as'} {told}"
    return ""


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
    """How an incident ended. ``summary``: of a crisis that has calmed down."""

    brand: str
    zone: ZoneInfo
    kind: Literal["crisis", "surge", "silence"]
    ended_at: datetime
    peak: float
    reason: Literal["calmed", "went_live", "not_confirmed"]
    summary: IncidentSummary | None = None
    key: Key = WHOLE
    goes_on: bool = False
    """As another incident: the early alert named another bucket than the close."""
    is_partial: bool = False
    """It began before the buckets that were kept when it was raised: who wrote then is not counted."""


def resolved_headline(facts: Ending, language: Language) -> str:
    """One sentence: how it ended."""
    brand, since, peak = named(facts.brand, facts.key, language), moment(facts.ended_at, facts.zone, language), f"{facts.peak:.0f}"
    complaints = _complaints(facts.peak, language)
    if language == "nl":
        match facts.reason, facts.kind:
            case "went_live", _:
                return f"{brand}: melding uit de meekijkperiode gesloten, het merk is nu live"
            case "not_confirmed", _ if facts.goes_on:
                return f"{brand}: vroege melding bevestigd; ze gaat verder onder het tijdvak waarin het begon"
            case "not_confirmed", _:
                return f"{brand}: vroege melding ingetrokken; bij het sluiten van de telling was er geen reden meer voor"
            case _, "silence":
                return f"{brand}: er komen weer berichten binnen sinds {since}"
            case _, "surge":
                return f"{brand}: weer het gewone aantal berichten sinds {since}; op het hoogtepunt {peak} in 5 minuten"
        return f"{brand}: weer rustig sinds {since}; op het hoogtepunt {complaints} in 5 minuten"
    match facts.reason, facts.kind:
        case "went_live", _:
            return f"{brand}: alert of the observing period closed, the brand is live now"
        case "not_confirmed", _ if facts.goes_on:
            return f"{brand}: early alert confirmed; it goes on under the five minutes in which it began"
        case "not_confirmed", _:
            return f"{brand}: early alert withdrawn; when the count was closed there was no reason for it any more"
        case _, "silence":
            return f"{brand}: mentions come in again since {since}"
        case _, "surge":
            return f"{brand}: the usual number of mentions again since {since}; {peak} in 5 minutes at the peak"
    return f"{brand}: calm again since {since}; {complaints} in 5 minutes at the peak"


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


def clock(at: datetime, now: datetime, zone: ZoneInfo, language: Language) -> str:
    """Local time, with its date where that is not the day of ``now``."""
    same_day = at.astimezone(zone).date() == now.astimezone(zone).date()
    return f"{at.astimezone(zone):%H:%M}" if same_day else moment(at, zone, language)
