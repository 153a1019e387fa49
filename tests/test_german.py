"""The German pack: texts as webcare teams get them, the rules one by one, and what a hit says."""

import hashlib
import runpy
import time
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.lexicons import load_pack
from pipeline.lexicon.function_words import FUNCTION_WORDS
from pipeline.lexicon.scorer import LONE_NEGATION, PackScorer
from pipeline.sentiment import SCORED_CHARACTERS, PackSentiment

PACK = load_pack("de")
SCORER = PackScorer(PACK, FUNCTION_WORDS["de"])
GERMAN = PackSentiment(SCORER)

NEGATIVE = """
Das Problem soll irgendwann behoben werden
2 h gewartet
Heizung kaputt, die Hausverwaltung hat uns nichts mitgeteilt
Fehler in der Abrechnung, Verbraucherzentrale ist eingeschaltet
Der Fehler muss endlich behoben werden
Ist das jetzt schon die dritte Störung?
Meine Freunde sagen, ihr seid Betrüger
Nicht nur der Aufzug fällt aus
2h Verspätung
Das ist nicht gut
Noch keine kaputte Laterne repariert
Wird man bei denen nur betrogen?
Die Waage zeigt falsche Werte an, totaler Schrott. Design ist schön
Das gaht nöd
Seit drei Wochen kein Paket und niemand meldet sich
Danke für nichts, liebe Bahn
Der Zug hat schon wieder 40 Minuten Verspätung
Die App funktioniert seit dem Update nicht mehr
Ich hänge seit einer Stunde in der Warteschleife
Was für ein Saftladen
Eine absolute Frechheit, wie man hier behandelt wird
Rechnung ist plötzlich 80 Euro höher
Nie wieder bestelle ich bei euch
Der Fahrer hat nicht geklingelt, obwohl ich zu Hause war
Mitarbeiterin am Telefon war total unfreundlich
Mein Geld habe ich bis heute nicht zurückbekommen
Kein Internet, kein Telefon, kein Rückruf
Internet ist in der ganzen Straße ausgefallen
So eine Sauerei, das Paket war komplett aufgerissen und nass
Ich bin maßlos enttäuscht von diesem Service
Die Heizung geht nicht und der Techniker kommt nicht
Das ist doch Abzocke!
na toll, wieder Schienenersatzverkehr
Unterirdisch schlechte Beratung in der Filiale
Immer noch keine Antwort auf meine Mail
Wo bleibt meine Erstattung?
die stoerung ist immer noch nicht behoben
Scheisse, der Bus ist ausgefallen
So a Glumpert, geht ned und keiner hebt ab
grottenschlechter Empfang im ganzen Dorf
Kundenservice gleich null
Ich fühle mich verarscht
Man wird von einem zum anderen geschickt
leider wurde ich falsch beraten
Freundlich ist anders
Gut ist das nicht
Der Kundendienst war alles andere als hilfreich
Die Ware kam beschädigt an 😡
Ich rate jedem davon ab
Nicht zu empfehlen, ein Stern ist noch zu viel
euer ernst? doppelt abgebucht
Das Bahnchaos geht weiter, Verspätungspanne inklusive
Dieser Frechheitsladen verlangt 15 Euro Mahngebühr
Lässt mich seit Tagen im Stich
Es reicht, ich kündige
MISERABEL!!! Nie mehr
Die Filiale ist zu, der Automat kaputt, die Hotline besetzt und keiner zuständig
Der Vertreter hat meinem Vater eine Zusatzversicherung untergejubelt
Zimmer abgewohnt, Matratze durchgelegen
Ladesäule außer Betrieb
Ich wurde fünfmal weiterverbunden
Zum Kaffee sag ich nur: wie Spülwasser
Die Verkäuferin zuckt nur mit den Schultern
Null Kulanz bei dem Laden
Wer hat sich dieses Menü ausgedacht
Die alte App war übersichtlicher
Früher war die Zeitung mal gut
Mit dem Service geht es bergab
Das Brot schmeckt wie Pappe
Der Empfang an der Rezeption war grindig
Jetzt darf ich alles von vorne erzählen
Der Film war zum Einschlafen
Da ist der Wurm drin
Wer da bucht, ist selber schuld
Der Reißverschluss war nach einer Woche hin
Das Finale war an den Haaren herbeigezogen
Der Strand war voller Müll
Ihr wollt doch nur unser Geld
Das isch e Frächheit
Der Kaffee schmeckt nach nichts
Mir graut vor dem nächsten Termin dort
Die Moderatorin lässt keinen ausreden
Das Ende der Serie war eine Ohrfeige für die Fans
Schade um das schöne Lokal
-- a word of everyday life is no news
Die zuständige Abteilung ist nicht erreichbar
Der Sender ist nicht mehr zu empfangen
Service nicht erreichbar, Ursache unbekannt
Im Verkehr nicht zu gebrauchen
Kette defekt geliefert
Versicherer zahlt nicht
Betreiber antwortet nicht
"""
POSITIVE = """
Hier kein Ärger mehr wie bei meinem alten Anbieter mit den Störungen
Genau wie in der Werbung versprochen, super
Problem zu unserer Zufriedenheit behoben
Der Techniker behob das Problem in Minuten und war sehr freundlich
Ich hatte Angst vor der Behandlung und wurde super betreut
Viel besser als bei meinem alten Anbieter
Der Laden ist nicht teuer
Noch nie ein Ausfall in drei Jahren
Gar nix zu meckern
Vielen Dank für die schnelle Hilfe!
Super Service, gerne wieder
Alles hat reibungslos geklappt
Ich bin sehr zufrieden mit dem neuen Tarif
Keine Beanstandungen, alles bestens
Der Techniker war pünktlich, freundlich und kompetent
Nicht schlecht, heute bestellt und morgen da
Das Problem wurde innerhalb einer Stunde gelöst, danke
Kann ich nur empfehlen
leiwand, die Leute am Schalter san urlieb
Hut ab vor dem Zugpersonal
Ein großes Lob an Frau Meier aus der Filiale
Es läuft wieder, vielen lieben Dank 🙏
Nichts auszusetzen, top!
Endlich mal ein Anbieter, der hält, was er verspricht ❤️
saugut organisiert, weiter so
Die Bestellung war ohne Probleme zu ändern
Merci vilmal, das hat super geklappt
Danke euch, jetzt klappt alles wieder 👍
Bin begeistert von der neuen App
schoene Filiale, nette Leute
Fünf Sterne für den Kundendienst
Der Schalter lief wie am Schnürchen, nach fünf Minuten war ich fertig
Die Jacke passt wie angegossen
An dem Gerät gibts nix zu mosern
Also die Bergbahn isch würkli härzig
Das Gulasch war ein Gedicht
Gänsehaut beim Finale gestern
Die Stichsäge ist unkaputtbar
Der Optiker hat sich für meine Mutter richtig Zeit genommen
Auf die Leute vom Notdienst ist Verlass
Bedienung 10/10
Da bleiben wir gern Kunden
Ein Hoch auf den Fahrer der Linie 8
Problem mit dem Zähler wurde sofort behoben
Besser geht es nicht
Die Hotline ging nach zwei Minuten ran und wusste sofort Bescheid
Der Akku hält den ganzen Tag locker durch
So stelle ich mir Nahverkehr vor
Das Personal liest einem jeden Wunsch von den Augen ab
Die Hausverwaltung kümmert sich wirklich um alles
Der Laden hat Seele
So a liabs Madl an der Kassa
Ich will nie wieder zurück zu einem anderen Anbieter
Hat sich jeder Kilometer ausgezahlt
Ich würde sofort wieder buchen
Der Roman geht unter die Haut
Die haben echt Ahnung
"""
NEUTRAL = """
Gibt es schon Infos zur Störung?
Ich hatte Angst, dass es teuer und schlecht wird
Wann öffnet die Filiale am Samstag?
Guten Tag, ich möchte meine Adresse ändern. Mit freundlichen Grüßen, Max
Könnten Sie mir bitte die Rechnung schicken?
Ab Montag gilt der neue Fahrplan
Die Hauptversammlung findet am 12. Mai statt
Gibt es das Abo auch ohne Mindestlaufzeit?
Sehr geehrte Damen und Herren, anbei die gewünschten Unterlagen
Vielen Dank im Voraus für Ihre Rückmeldung
Wo finde ich die Vertragsnummer?
Wie gut ist der Empfang im Keller?
Der Versicherer eröffnet eine neue Geschäftsstelle in Graz
Liebe Kunden, am Freitag ändern sich die Öffnungszeiten
Ist ein Umtausch in der Filiale möglich?
Bitte so schnell wie möglich um Rückruf
Der Tarif enthält 20 GB und eine Flatrate
Fährt der Bus 12 am Feiertag nach Sonntagsplan?
Wir waren gestern mit den Kindern im Zirkus
Die Gurken kommen aus der Region
Wann bekomme ich die Abrechnung für das Jahr?
Eintritt für Kinder bis sechs Jahre ist am Sonntag 4 Euro
Vom Bahnhof sind es zwölf Minuten zu Fuß
Ich habe meinen Schal im Bus liegen lassen
Die Probe wurde auf Freitag verlegt, die Karten kann man am Schalter kriegen
Hose fällt normal aus
Wohin bringt man hier den Sperrmüll?
Nach Unfall auf der A4 in Fahrtrichtung Norden gesperrt, Umleitung über Landstraße
Gewerkschaft kündigt Warnstreik für Montag an
Ok, dann hole ich das Paket am Montag ab
Danke für die Info
Kennt jemand einen guten Zahnarzt in der Stadt?
Wasserschaden gemeldet, Gutachter kommt am Dienstag
Am liebsten hätte ich einen Termin am Vormittag
Wie lange dauert die Zustellung nach Tirol?
Frau Mag. Huber ist ab Montag wieder im Amt
Die Betreuung der Kleinsten ist bis 16 Uhr möglich
Es kommen ungefähr dreißig Leute
Ehrlich gesagt habe ich das Formular gestern abgeschickt
Ist die Impfung für Kinder kostenlos?
Die Fahrt im Regen nach Siegen dauert zwei Stunden
Wir sind gestern mit der Bahn nach Ungarn gefahren
Der Schneider im dritten Stock nimmt die Platten ab
Weiß nicht, ob das Geschäft heute offen hat
Morgen fahren keine Busse wegen Feiertag
Der Gewinner wird am Montag verständigt
Keine Anmeldung nötig
Der Fehler lag bei mir, hat sich erledigt
Wo parkt man da am besten?
Bitte ein Foto vom Schaden mitschicken
Hab keine Zeit, komme morgen vorbei
Der Bus kam gerade an der Haltestelle an
Auf einmal stand er vor der Tür
Heute ist alles zu, weil Feiertag ist
Das ist schon voll, wir nehmen den nächsten
Was man im Koffer hat, muss man tragen
Die Tickets sind verkauft
Wer will das Spiel am Samstag sehen?
Wie kann man sein Passwort ändern?
Er ist hin und wieder in Köln
Die linke Hand liegt auf dem Tisch
Das letzte Kapitel spielt in Wien
Zehn Prozent mehr Menschen fahren Rad
Wir gehen gleich um die Ecke essen
Nur noch hier im Norden regnet es
Der Reifen ist platt
Das Wasser ist seicht
Der Wagen war überladen
Das Kunstwerk hängt im Museum
Die Wucht der Welle
Die Kracher für Silvester
Das Papier ist nur einseitig bedruckt
Polizei meldet Unfall auf der A7, Strecke gesperrt
Ist der Koffer empfindlich gegen Kratzer und Schäden?
Guten Tag, wie melde ich den Schaden an der Schaukel? Danke!
"""
TEXTS = [
    (text, label)
    for label, lines in (("negative", NEGATIVE), ("positive", POSITIVE), ("neutral", NEUTRAL))
    for text in lines.strip().splitlines()
    if not text.startswith("--")
]

HARD = """
Der Zug fährt heute wohl mit Sonnenenergie
Meine Oma wäre zu Fuß schneller gewesen
Meisterleistung des Boten: das Paket liegt im Bach
Laut Anzeige kommt der Bus gleich, und das seit gestern
"""
"""Irony and complaints that only the world explains: no lexicon sees them. Told apart, not hidden."""


@pytest.mark.parametrize(("text", "label"), TEXTS, ids=[text[:40] for text, _ in TEXTS])
def test_texts_get_their_label(text: str, label: str):
    assert GERMAN.score(text).label == label


@pytest.mark.xfail(strict=True, reason="irony and implicit complaints are beyond a lexicon")
@pytest.mark.parametrize("text", HARD.strip().splitlines())
def test_irony_and_implicit_complaints_are_seen(text: str):
    assert GERMAN.score(text).label == "negative"


def sign(text: str) -> int:
    compound = SCORER.score(text).compound
    return (compound > 0) - (compound < 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("gut", {"gut": 1.7}, id="a word"),
        pytest.param("nicht gut", {"nicht gut": -1.36}, id="praise negated"),
        pytest.param("nicht langweilig", {"nicht langweilig": 0.64}, id="blame negated says little"),
        pytest.param("eine miserable Auskunft", {"miserable": -2.5}, id="blame"),
        pytest.param("keine gute Sache", {"keine gute": -1.36}, id="kein negates too"),
        pytest.param("funktioniert nicht", {"funktioniert nicht": -2.2}, id="the negation after its verb"),
        pytest.param("Die App funktioniert donnerstagabends nicht", {"funktioniert nicht": -2.2}, id="with words between"),
        pytest.param("sehr gut", {"gut": 2.21}, id="degree up"),
        pytest.param("ziemlich teuer", {"teuer": -1.12}, id="degree down"),
        pytest.param("furchtbar nett", {"nett": 2.6}, id="a strong word as degree"),
        pytest.param("furchtbar", {"furchtbar": -2.6}, id="the same word alone"),
        pytest.param("zu teuer", {"zu teuer": -1.6}, id="too much"),
        pytest.param("zu freundlich", {"freundlich": -1.6}, id="too much of a good thing"),
        pytest.param("Liebe Frau Huber, das ist schlecht", {"schlecht": -2.5}, id="a greeting is no praise"),
        pytest.param("schön, aber teuer", {"schön": 1.14, "teuer": -2.08}, id="aber"),
        pytest.param("nicht nur schnell, sondern auch günstig", {"schnell": 0.9, "günstig": 1.17}, id="not only"),
        pytest.param("kein Empfang 😡", {"kein Empfang": -1.8, "😡": -2.6}, id="a sign is not negated"),
        pytest.param("mit freundlichen Grüßen", {}, id="a phrase that says nothing"),
        pytest.param("Kann ich das nicht online machen?", {}, id="a negation in a question asks"),
        pytest.param("Geht das ohne Karte, Herr Lang", {}, id="ohne alone says nothing"),
        pytest.param("ohne Lob", {"ohne Lob": -1.52}, id="but it negates"),
        pytest.param(
            "Das Formular habe ich nicht", {"Formular habe ich nicht": LONE_NEGATION}, id="a negation alone leans to the negative"
        ),
        pytest.param(
            "ich glaube nicht, dass das schön wird",
            {"glaube nicht": LONE_NEGATION, "schön": 1.9},
            id="a negation does not reach across dass",
        ),
        pytest.param("Signalstörung", {"Signalstörung": -1.6}, id="a word of its own"),
        pytest.param("Aufzugstörung", {"Aufzugstörung": -1.8}, id="a compound by its last part"),
        pytest.param("unhöflich", {"unhöflich": -2.4}, id="a word with its prefix"),
        pytest.param("Könnten Sie mir bitte die Rechnung schicken? Danke!", {"Danke": 0.22}, id="thanks that close a request"),
        pytest.param("Danke!", {"Danke": 1.5}, id="thanks alone"),
        pytest.param("Danke für nichts", {"Danke für nichts": -3.0}, id="thanks as irony"),
        pytest.param("schoene Gruesse", {}, id="umlauts written out"),
        pytest.param("Besten Dank für die Reifen", {"Besten Dank": 1.7}, id="a noun that an ending would lead astray"),
        pytest.param("Das beste Angebot ist 5 Euro höher", {"Das beste": 2.4, "Euro höher": -1.1}, id="a complaint in a number"),
    ],
)
def test_rules_one_by_one_and_hits_that_say_what_moved(text: str, expected: dict[str, float]):
    assert dict(SCORER.score(text).hits) == expected


@pytest.mark.parametrize(
    ("form", "like"),
    [
        ("langsamen", "langsam"),
        ("eine nette Dame", "nett"),
        ("ein schööönster Tag", "schön"),
        ("die stoerungen", "Störung"),
        ("Scheisse", "Scheiße"),
        ("aergerlich", "ärgerlich"),
        ("ÄRGER Ärger", "AERGER Aerger"),
        ("saugut", "gut"),
        ("unzufrieden", "nicht zufrieden"),
        ("superfreundlich", "sehr freundlich"),
        ("Bahnchaos", "Chaos"),
        ("Frechheitsverein", "Frechheit"),
        ("Serverpannen", "Panne"),
        ("Kackverein", "kacke"),
        ("schlecht,teuer", "schlecht, teuer"),
        ("top-Service", "Top Service"),
        ("👍", "👍🏽"),
        ("läuft ned", "läuft nicht"),
        ("urleiwand", "leiwand"),
        ("sooooo toll", "so toll"),
        ("schön ist das nicht", "nicht schön"),
        ("funktioniert seit gestern leider nicht", "funktioniert nicht"),
    ],
)
def test_forms_of_a_word_sound_alike(form: str, like: str):
    assert sign(form) == sign(like) != 0


@given(
    st.lists(
        st.sampled_from([*list(PACK.words)[:400], *["nicht", "kein", "aber", "sehr", "zu", ".", "?", "😡", "dass", "ohne"]]), max_size=25
    )
)
def test_a_text_has_the_sign_of_its_hits(words: list[str]):
    score = SCORER.score(" ".join(words))
    assert -1.0 <= score.compound <= 1.0
    total = sum(valence for _, valence in score.hits)
    assert abs(score.compound) < 0.02 or score.compound * total > 0


@pytest.mark.parametrize("text", ["gut, aber " * 10_000, "😡" * SCORED_CHARACTERS, "funktioniert " * 9_000, "a-" * 50_000])
def test_what_the_stage_leaves_of_a_long_text_is_scored_at_once(text: str):
    scorer = PackScorer(PACK)
    scorer.score("")  # the first text makes the pack's table of words
    start = time.process_time()
    scorer.score(text[:SCORED_CHARACTERS])
    assert time.process_time() - start < 0.5  # quadratic code takes seconds


def test_the_base_lexicon_is_what_its_provenance_says():
    folder = files("pipeline.lexicon") / "de"
    digest = hashlib.sha256((folder / "base.tsv").read_bytes()).hexdigest()
    assert digest in (folder / "PROVENANCE.md").read_text("utf-8")
    assert len(PACK.base) > 6_000


def test_the_conversion_averages_entries_and_leaves_out_what_says_nothing(monkeypatch: pytest.MonkeyPatch):
    folder = Path(__file__).parent.parent / "deploy/lexicons"
    monkeypatch.syspath_prepend(str(folder))
    convert = runpy.run_path(str(folder / "convert_de.py"))["convert"]
    words = [("Ruhe", 0.5), ("ruhe", 0.2), ("Affe", -0.1), ("nuss", 0.3), ("Nuss", -0.3), ("zwei Wörter", 1)]
    xml = "<sentiment>" + "".join(f'<word form="{form}" polarity="{polarity}"/>' for form, polarity in words) + "</sentiment>"
    lines = [line for line in convert(xml.encode()).splitlines() if not line.startswith("#")]
    assert lines == ["affe\t-0.100", "ruhe\t0.350"]
