"""What an alert says beyond its headline, in Dutch or English: who and where, what the expectation rests on, and what to do.

Three lines, so that who has ten seconds can stop after any of them.
"""

from collections.abc import Sequence

from pipeline.headline import WINDOWS, Ending, Facts, Language, moment, named, number
from pipeline.watch import Signal
from schemas.outputs import AlertDossier, ChannelShare

_SIGNALS: dict[Language, dict[Signal | None, str]] = {
    "nl": {
        "burst": "Gezien aan een piek in het aantal negatieve berichten.",
        "share": "Gezien aan het aandeel negatieve berichten, niet aan het aantal berichten.",
        "slow_burn": "Gezien aan de som van een etmaal: er is geen piek, maar het houdt aan.",
    },
    "en": {
        "burst": "Seen in a burst of negative mentions.",
        "share": "Seen in the share of negative mentions, not in the number of mentions.",
        "slow_burn": "Seen in the sum of a day: there is no peak, but it does not stop.",
    },
}
_WAVES: dict[Language, dict[bool, str]] = {
    "nl": {
        False: "Dit is een golf van berichten, geen crisis: er wordt niet meer geklaagd dan bij zoveel berichten past.",
        True: "Er wordt meer geklaagd dan gewoonlijk, maar te weinig voor een waarschuwing: het kan begin of naloop van een crisis zijn.",
    },
    "en": {
        False: "This is a wave of mentions, not a crisis: there are no more complaints than go with so many mentions.",
        True: "There are more complaints than usual, but too few for a warning: it may be the beginning or the end of a crisis.",
    },
}
_POLICIES: dict[Language, dict[str, str]] = {
    "nl": {
        "respond": "beantwoord de berichten",
        "acknowledge": "laat weten dat het gezien is",
        "monitor": "volg het, antwoord nog niet",
        "do_not_respond": "antwoord niet",
    },
    "en": {
        "respond": "answer the mentions",
        "acknowledge": "say that it has been seen",
        "monitor": "follow it, do not answer yet",
        "do_not_respond": "do not answer",
    },
}
_LOUD, _VERY_LOUD = 1.0, 10
"""Reposts and replies, for each root and for the loudest, from which they are worth a sentence."""
_LEAST_UNSCORED, _MANY_UNSCORED = 10, 0.2
"""Mentions whose mood is not known are told from so many, if they are that part of all."""
_CHANNELS_TOLD, _LEAST_CHANNEL = 2, 0.15


def explanation(facts: Facts, language: Language) -> str:
    """Who and where; what was announced and what the expectation rests on; what to do."""
    seen = _WAVES[language][facts.is_mostly_bad] if facts.signal is None else _SIGNALS[language][facts.signal]
    happening = [_since(facts, language), *_shares(facts, language), *_where(facts.channels, language), *_louder(facts, language), seen]
    grounds = [*_unscored(facts, language), _announced(facts, language), _rests(facts, language)]
    return "\n".join([" ".join(happening), " ".join(grounds), advice(facts, language)])


def advice(facts: Facts, language: Language) -> str:
    """What to do: the dossier's crisis plan, where there is one."""
    if facts.dossier is not None:
        return planned(facts.dossier, language)
    if language == "nl":
        if facts.tier is None:
            what = (
                "lees de getoonde berichten en houd het in de gaten"
                if facts.is_mostly_bad
                else "niets; wie prijst of vraagt mag antwoord krijgen"
            )
            return f"Wat te doen: {what}."
        if facts.tier == "watch":
            return "Wat te doen: niemand wordt gewaarschuwd; lees de getoonde berichten als u tijd hebt."
        return "Wat te doen: er is geen dossier voor, dus geen crisisplan; lees de getoonde berichten en informeer communicatie."
    if facts.tier is None:
        what = "read the mentions shown and keep an eye on it" if facts.is_mostly_bad else "nothing; who praises or asks may be answered"
        return f"What to do: {what}."
    if facts.tier == "watch":
        return "What to do: nobody is paged; read the mentions shown when you have time."
    return "What to do: there is no dossier for it, so no crisis plan; read the mentions shown and tell communications."


def planned(dossier: AlertDossier, language: Language) -> str:
    """What to do about something that was foreseen."""
    policy = None if dossier.response_policy is None else _POLICIES[language][dossier.response_policy]
    name = dossier.title or dossier.id
    if language == "nl":
        line = f"Wat te doen: dit is voorzien ({name}); volg het crisisplan {dossier.crisis_plan_url}"
        line += "" if policy is None else f", {policy}"
        return line + ("." if dossier.owner is None else f". Eigenaar: {dossier.owner}.")
    line = f"What to do: this was foreseen ({name}); follow the crisis plan {dossier.crisis_plan_url}"
    line += "" if policy is None else f", {policy}"
    return line + ("." if dossier.owner is None else f". Owner: {dossier.owner}.")


def advised(told: str | None, dossier: AlertDossier, language: Language) -> str:
    """An explanation whose last line gives way to what to do by this dossier."""
    kept = [] if told is None else told.split("\n")[:-1]
    return "\n".join([*kept, planned(dossier, language)])


def _since(facts: Facts, language: Language) -> str:
    since, of = moment(facts.onset, facts.zone, language), named(facts.brand, facts.key, language)
    if language == "nl":
        if facts.signal is None:
            return f"Sinds ongeveer {since} zijn er meer berichten over {of}."
        if facts.signal == "share":  # there may be no more of them than at other times
            return f"Sinds ongeveer {since} is een groter deel van de berichten over {of} negatief{_by(facts, language)}."
        line = f"Sinds ongeveer {since} zijn er meer negatieve berichten over {of}"
        return f"{line}{_by(facts, language)}."
    if facts.signal is None:
        return f"Since about {since} there are more mentions of {of}."
    if facts.signal == "share":
        return f"Since about {since} a larger part of the mentions of {of} is negative{_by(facts, language)}."
    return f"Since about {since} there are more negative mentions of {of}{_by(facts, language)}."


def _by(facts: Facts, language: Language) -> str:
    """How many people wrote them: of the window that is told of, which the row may have outlasted."""
    if facts.authors is None:
        return ""
    window = WINDOWS[language][facts.figures.buckets]
    if language == "nl":
        return f", in {window} van {_plural(facts.authors, 'auteur', 'verschillende auteurs')}"
    return f", in {window} by {_plural(facts.authors, 'author', 'different authors')}"


def _shares(facts: Facts, language: Language) -> list[str]:
    if (share := facts.figures.share) is None:
        return []
    if language == "nl":
        return [f"Van de berichten is {share:.0%} negatief, gewoonlijk {facts.usual_share:.0%}."]
    return [f"{share:.0%} of the mentions are negative, usually {facts.usual_share:.0%}."]


def _where(channels: Sequence[ChannelShare], language: Language) -> list[str]:
    told = [f"{one.channel} ({one.share:.0%})" for one in channels[:_CHANNELS_TOLD] if one.share >= _LEAST_CHANNEL]
    if not told:
        return []
    if language == "nl":
        return [f"Vooral op {' en '.join(told)}."]
    return [f"Mostly on {' and '.join(told)}."]


def _louder(facts: Facts, language: Language) -> list[str]:
    if facts.loudest >= _VERY_LOUD:
        if language == "nl":
            return [f"Eén bericht is minstens {facts.loudest} keer gedeeld of beantwoord."]
        return [f"One mention was shared or answered at least {facts.loudest} times."]
    if facts.amplification is None or facts.amplification < _LOUD:
        return []
    times = number(facts.amplification, language)
    if language == "nl":
        return [f"Op elk nieuw bericht komen {times} reacties en herhalingen."]
    return [f"For each new mention there are {times} replies and reposts."]


def _unscored(facts: Facts, language: Language) -> list[str]:
    unscored, mentions = facts.unscored, facts.figures.mentions
    if unscored is None or not mentions or unscored < _LEAST_UNSCORED or unscored < _MANY_UNSCORED * mentions:
        return []
    if language == "nl":
        return [f"Van {unscored} berichten is niet bekend of ze negatief zijn; het kunnen er dus meer zijn."]
    return [f"Of {unscored} mentions it is not known whether they are negative; so there may be more."]


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
    one = history == "1"
    if language == "nl":
        span = "1 dag" if one else f"{history} dagen"
        if facts.warm:
            return f"De verwachting rust op {span} geschiedenis."
        return f"De verwachting is nog vooral een aanname: er {'is' if one else 'zijn'} {span} geschiedenis."
    span = "1 day" if one else f"{history} days"
    if facts.warm:
        return f"The expectation rests on {span} of history."
    return f"The expectation is still mostly an assumption: there {'is' if one else 'are'} {span} of history."


def epilogue(facts: Ending, language: Language) -> str | None:
    """What it came to in the end; None where it did not end by itself."""
    summary = facts.summary
    if summary is None:
        return None
    dutch = language == "nl"
    lasted = _lasted(summary.duration_seconds, language)
    if facts.kind == "silence":
        return (
            f"De stilte duurde {lasted}; wat er toen gebeurde kan alsnog binnenkomen."
            if dutch
            else (f"The silence lasted {lasted}; what happened meanwhile may still come in.")
        )
    parts = [f"Het duurde {lasted}." if dutch else f"It lasted {lasted}."]
    if facts.kind == "surge":
        return parts[0]
    reach = None if summary.reach is None else _round(summary.reach, "." if dutch else ",")
    if dutch:
        if summary.authors is not None:
            authors = f"{_plural(summary.authors, 'auteur schreef', 'verschillende auteurs schreven')} negatief."
            parts.append(f"Minstens {authors}" if facts.is_partial else authors)
        parts.append("Het bereik is niet bekend." if reach is None else f"Het kan {reach} keer gezien zijn.")
        if summary.answered_share is not None:
            parts.append(f"{facts.brand} beantwoordde zelf {summary.answered_share:.0%} van de klachten.")
        return " ".join(parts)
    if summary.authors is not None:
        authors = f"{_plural(summary.authors, 'author', 'different authors')} wrote negatively."
        parts.append(f"At least {authors}" if facts.is_partial else authors)
    parts.append("Its reach is not known." if reach is None else f"It may have been seen {reach} times.")
    if summary.answered_share is not None:
        parts.append(f"{facts.brand} itself answered {summary.answered_share:.0%} of the complaints.")
    return " ".join(parts)


def _lasted(seconds: int, language: Language) -> str:
    minutes = round(seconds / 60)
    hours = round(minutes / 60)
    if minutes < 120:
        return f"{minutes} minuten" if language == "nl" else f"{minutes} minutes"
    if hours < 48:
        return f"{hours} uur" if language == "nl" else f"{hours} hours"
    return f"{round(hours / 24)} dagen" if language == "nl" else f"{round(hours / 24)} days"


def _plural(count: int, one: str, more: str) -> str:
    return f"1 {one}" if count == 1 else f"{count} {more}"


def _round(value: int, mark: str) -> str:
    """Two digits are all that is known of it."""
    digits = len(str(value))
    rounded = value if digits <= 2 else round(value, 2 - digits)
    return f"{rounded:,}".replace(",", mark)
