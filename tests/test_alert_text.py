"""What a press officer reads: what, how bad, since when, about what, and what to do; in Dutch and in English."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.explanation import advised, epilogue, explanation
from pipeline.figures import Figures
from pipeline.headline import Ending, Facts, headline, recognised, resolved_headline
from pipeline.key import Key
from schemas.outputs import AlertDossier, ChannelShare, IncidentSummary, WordUse

AT = datetime(2026, 9, 22, 9, 40, tzinfo=UTC)
BURST = Figures(buckets=12, observed=18, mean=1.83, half_width=2.71, score=2.0, negatives=18, mentions=22)
DOSSIER = AlertDossier(
    id="battery", title="hot batteries", owner="safety", crisis_plan_url="https://plans.example/b", response_policy="respond"
)


def facts(**over: Any) -> Facts:
    fields: dict[str, Any] = {
        "brand": "Noordnet",
        "zone": ZoneInfo("Europe/Amsterdam"),
        "tier": "crisis",
        "signal": "burst",
        "figures": BURST,
        "at": AT,
        "onset": AT - timedelta(hours=2),
        "authors": 17,
        "unscored": 0,
        "amplification": 0.5,
        "loudest": 0,
        "usual_share": 0.31,
        "calendar": (),
        "history_days": 21.6,
        "warm": True,
        "channels": (ChannelShare(channel="x", share=0.6), ChannelShare(channel="forum", share=0.1)),
        "words": (WordUse(word="modem", authors=9), WordUse(word="smelt", authors=6)),
        "topic": None,
        "dossier": None,
    }
    return Facts(**(fields | over))


def test_a_headline_says_what_how_bad_since_when_and_about_what():
    assert headline(facts(), "nl") == (
        'Noordnet, crisis: 18 negatieve berichten in 1 uur, verwacht 1,8 ± 2,7, sinds 09:40, met woorden als "modem", "smelt"; '
        "zo ongewoon is het ongeveer eens in 100 dagen"
    )
    assert headline(facts(tier="warning", dossier=DOSSIER), "en") == (
        "Noordnet, warning: 18 negative mentions in 1 hour, expected 1.8 ± 2.7, since 09:40, about hot batteries; "
        "this unusual about once in 100 days"
    )


@pytest.mark.parametrize(
    ("over", "says"),
    [
        pytest.param({"words": ()}, "sinds 09:40; zo", id="nothing in common"),
        pytest.param({"topic": "storing"}, ", over storing;", id="a topic"),
        pytest.param({"topic": "storing", "dossier": DOSSIER}, ", over hot batteries;", id="a dossier goes before it"),
        pytest.param({"dossier": AlertDossier(id="battery")}, ", over battery;", id="a dossier without a title"),
        pytest.param({"onset": AT - timedelta(hours=30)}, "sinds 05:40 (21 september)", id="since another day"),
        pytest.param({"tier": None, "signal": None}, "Noordnet: 18 berichten van alle soorten", id="a surge has no tier"),
        pytest.param({"tier": "watch"}, "Noordnet, oplettend: ", id="a watch"),
        pytest.param({"key": Key(None, "messaging", is_private=True)}, "Noordnet (in privéberichten), crisis: ", id="only in private"),
        pytest.param({"key": Key(None, "review", is_private=True)}, "Noordnet (review, privé), crisis: ", id="hardly ever private"),
        pytest.param({"key": Key(None, "review")}, "Noordnet (in recensies), crisis: ", id="a family in public"),
        pytest.param({"key": Key(None, "mail")}, "Noordnet (mail, openbaar), crisis: ", id="hardly ever public"),
        pytest.param({"key": Key("roaming"), "topic": "roaming"}, "Noordnet (over roaming), crisis: ", id="one topic"),
        pytest.param({"key": Key("roaming"), "topic": "roaming", "words": ()}, "sinds 09:40; zo", id="its topic is not told twice"),
    ],
)
def test_a_headline_by_what_is_known(over: dict[str, Any], says: str):
    assert says in headline(facts(**over), "nl")


def test_an_explanation_has_three_lines_and_ends_with_what_to_do():
    happening, grounds, advice = explanation(facts(dossier=DOSSIER), "en").split("\n")
    assert happening == (
        "Since about 09:40 (22 September) there are more negative mentions of Noordnet, in 1 hour by 17 different authors. "
        "82% of the mentions are negative, usually 31%. Mostly on x (60%). Seen in a burst of negative mentions."
    )
    assert grounds == "Nothing was announced that explains it. The expectation rests on 22 days of history."
    assert advice == (
        "What to do: this was foreseen (hot batteries); follow the crisis plan https://plans.example/b, answer the mentions. Owner: safety."
    )


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize(
    ("share", "usual", "is_calm"),
    [
        pytest.param(0.07, 0.28, True, id="praise"),
        pytest.param(0.29, 0.31, True, id="as usual"),
        pytest.param(0.59, 0.35, False, id="the onset of a row"),
        pytest.param(0.40, 0.20, False, id="twice the usual"),
        pytest.param(0.10, 0.02, True, id="few are few"),
    ],
)
def test_a_surge_is_called_no_crisis_only_where_complaints_are_as_usual(language: Any, share: float, usual: float, is_calm: bool):
    figures = BURST._replace(observed=100, negatives=100 * share, mentions=100)
    said = explanation(facts(tier=None, signal=None, figures=figures, usual_share=usual), language)
    assert (("geen crisis" if language == "nl" else "not a crisis") in said) is is_calm
    assert (("naloop van een crisis" if language == "nl" else "the end of a crisis") in said) is not is_calm


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("nl", "is een groter deel van de berichten over Noordnet negatief, in 1 uur van 17 verschillende auteurs."),
        ("en", "a larger part of the mentions of Noordnet is negative, in 1 hour by 17 different authors."),
    ],
)  # fmt: skip
def test_of_a_share_that_rose_it_is_not_said_that_there_are_more_complaints(language: Any, says: str):
    said = explanation(facts(signal="share"), language)
    assert says in said
    assert "meer negatieve" not in said
    assert "more negative" not in said


@pytest.mark.parametrize(
    ("over", "says"),
    [
        pytest.param({"loudest": 81}, "Eén bericht is minstens 81 keer gedeeld of beantwoord.", id="one loud mention"),
        pytest.param({"amplification": 2.94}, "Op elk nieuw bericht komen 2,9 reacties en herhalingen.", id="all are loud"),
        pytest.param({"unscored": 11}, "Van 11 berichten is niet bekend of ze negatief zijn", id="many without a mood"),
        pytest.param({"calendar": ("Herfstkaart",)}, "Aangekondigd en al meegerekend: Herfstkaart.", id="announced"),
        pytest.param({"warm": False, "history_days": 1.2}, "er is 1 dag geschiedenis", id="hardly any history"),
        pytest.param({"authors": 1}, "negatieve berichten over Noordnet, in 1 uur van 1 auteur.", id="one author"),
        pytest.param({"authors": None}, "zijn er meer negatieve berichten over Noordnet. ", id="authors not kept so long"),
        pytest.param({}, "er is geen dossier voor, dus geen crisisplan", id="a surprise"),
        pytest.param({"tier": "watch"}, "niemand wordt gewaarschuwd", id="a watch"),
    ],
)
def test_an_explanation_by_what_is_known(over: dict[str, Any], says: str):
    assert says in explanation(facts(**over), "nl")


@pytest.mark.parametrize("over", [{"unscored": 4}, {"unscored": 9}, {"unscored": None}, {"amplification": 0.9}, {"loudest": 9}])
def test_what_is_little_is_not_told(over: dict[str, Any]):
    assert explanation(facts(**over), "nl") == explanation(facts(), "nl")


def test_a_dossier_that_is_recognised_later_takes_the_last_line_and_the_tier():
    told = advised(explanation(facts(tier="warning"), "nl"), DOSSIER, "nl")
    assert told.split("\n")[:2] == explanation(facts(tier="warning"), "nl").split("\n")[:2]
    assert told.endswith("volg het crisisplan https://plans.example/b, beantwoord de berichten. Eigenaar: safety.")
    before = headline(facts(tier="warning", words=()), "nl")
    assert recognised(before, "warning", "crisis", DOSSIER, "nl") == f"{headline(facts(words=()), 'nl')}; het gaat over hot batteries"


@pytest.mark.parametrize(
    ("summary", "says"),
    [
        pytest.param(
            IncidentSummary(duration_seconds=79_200, authors=442, reach=367_137, answered_share=0.159),
            "Het duurde 22 uur. 442 verschillende auteurs schreven negatief. Het kan 370.000 keer gezien zijn. "
            "Noordnet beantwoordde zelf 16% van de klachten.",
            id="all known",
        ),
        pytest.param(
            IncidentSummary(duration_seconds=3_000, authors=1),
            "Het duurde 50 minuten. 1 auteur schreef negatief. Het bereik is niet bekend.",
            id="unknown is not zero",
        ),
        pytest.param(IncidentSummary(duration_seconds=3 * 86_400, reach=7), "Het duurde 3 dagen. Het kan 7 keer gezien zijn.", id="days"),
        pytest.param(None, None, id="it did not end by itself"),
    ],
)
def test_the_end_says_what_it_came_to(summary: IncidentSummary | None, says: str | None):
    ending = Ending("Noordnet", ZoneInfo("Europe/Amsterdam"), "crisis", AT, 9.0, "calmed", summary)
    assert epilogue(ending, "nl") == says
    assert (
        resolved_headline(ending, "nl")
        == "Noordnet: weer rustig sinds 11:40 (22 september); op het hoogtepunt 9 negatieve berichten in 5 minuten"
    )
    if summary is not None and summary.authors is not None:
        assert "Minstens 442 versch" in str(epilogue(ending._replace(is_partial=True), "nl")) or summary.authors == 1
        assert "At least" in str(epilogue(ending._replace(is_partial=True), "en"))
    assert resolved_headline(ending._replace(peak=1.0), "nl").endswith("op het hoogtepunt 1 negatief bericht in 5 minuten")
    assert resolved_headline(ending._replace(peak=1.0), "en").endswith("; 1 negative mention in 5 minutes at the peak")
    assert resolved_headline(ending._replace(key=Key(None, "mail", is_private=True)), "nl").startswith("Noordnet (per mail): weer rustig")
    assert summary is None or epilogue(ending._replace(kind="surge"), "nl") == f"{str(says).split('.')[0]}."
