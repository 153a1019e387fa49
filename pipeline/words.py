"""Words of customers that exist, spelled so, in only one of the languages we name: what a text of one or two words can still tell.

Ordinary words of messages to brands and of reviews; no names, no loanwords. So no `prima`, `service` or `sorry` (shared), no `mooi`,
`goed` or `nooit` (Afrikaans too), no `even`, `been` or `leider` (other words elsewhere).
"""

import re
from typing import Final

MOST_WORDS: Final = 12
"""A longer text has said what it has to say."""

_LISTS: Final = {
    "nl": """
        aanbieding aanrader aanvraag afgehandeld afgelopen afrader alsjeblieft alstublieft altijd alweer bedankt beetje begrijp behulpzaam
        belachelijk benieuwd bereikbaar beschadigd besteld betaald betalen beterschap bezorgd bezorgen bezorger bezorging bijna binnenkort
        blij blijft chagrijnig dankjewel dankuwel deze doei doorgeven draadje duidelijk duidelijke eerlijk eigenlijk eindelijk eindeloos
        ergens factuur fijn fijne gebeld gebeurt gebruiken gefeliciteerd gekocht gekregen geldt geleverd gelukt genieten geregeld geslaagd
        gezellig gezellige gisteren goede goedemiddag goedemorgen goedenavond goeie groetjes heb hebben hebt heeft heerlijk heerlijke
        helaas helemaal herkenbaar hij hoezo hoi hopelijk inderdaad ingelogd inloggen jij jouw jullie kapot klacht klachten klanten
        klantenservice klantvriendelijk klopt klote krijg krijgen kwaliteit kwijt laatste lekkere leuk leuke lukt makkelijk meegevallen
        meevaller mensen mij mijn misschien moeilijk momenteel natuurlijk nergens netjes niet niets nieuwe nogmaals onbereikbaar ondanks
        ongelofelijk onmogelijk ontevreden onzin opgelost opgezegd opnieuw opzeggen ouderwets overzichtelijk pakketje prachtig prachtige
        precies prijzen reactie schandalig schandalige schitterend slechte slechts snelle spannende steeds stiekem storing storingen
        straks stuk tegenvaller teleurgesteld teleurstellend teleurstelling terecht terugbellen terugbetaald terugbetaling tevreden thuis
        toch toppertje trouwens tuurlijk vanavond vandaag vanmorgen verbetering vergeten verkeerd verrassend verschrikkelijk verstuurd
        vertraagd vertraging verwacht verzekering verzonden volgens vooral voordelig vreemd vreselijk vriendelijk vriendelijke waanzinnig
        waardeloos waardeloze wachten wachtwoord welterusten werkt wij zeer zeker zelf zelfs zijn zoals zojuist zonde zonder zulke
    """,
    "en": """
        absolutely amazing anyone anything appalling apparently awesome awful awkward because before better bought brilliant broken could
        customer customers days delayed delivered delivery didn't disappointed disappointing disgraceful disgusting does doesn't don't
        enjoyed everyone everything excellent fabulous friendly getting great haven't helpful horrible i'm i've impressed isn't it's know
        lovely maybe missing money never nobody nothing ordered outage outrageous parcel please pleased poor quickly really rubbish
        seriously shocking should someone something thank thankful thanks that's their there these they think this those today tomorrow
        tonight unacceptable unbelievable unhappy useless waiting wasn't waste what when where which who why won't wonderful working worse
        worth would wrong yesterday you you're your
    """,
    "de": """
        abgelehnt abzocke angekommen antwort antworten ausfall bereits bestellung bezahlt danke dankeschön deutlich dürfen einfach
        empfehlenswert endlich enttäuschend enttäuscht enttäuschung erreichbar erstattung euch fehler freundlich freundlicher für ganz
        gefällt gekauft geliefert genau gestern geärgert gibt guten habe haben hervorragend heute hilfe hilfreich ich jetzt kein keine
        keiner kundendienst kundenservice können langweilig lieferung mehr meine möchte nicht nichts nochmal nur nützlich rechnung
        rückmeldung schlecht schlechter schnell schnelle schön schöne schönes sehr sofort störung toller tolles traurig unmöglich
        unverschämt unzufrieden versprochen verspätet verspätung viele vielen vielleicht wann wartezeit warum wirklich wunderbar
        wunderschön zufrieden zurück zuverlässig überhaupt überragend
    """,
    "fr": """
        acheté agréable aimé annulé appelé arnaque attendre aujourd'hui aussi avec beaucoup bientôt bonjour bonsoir c'est captivant
        commande commandé d'accord dommage déception délai déçu déçue déçus ennuyeux félicitations génial géniale inacceptable injoignable
        j'adore j'ai jamais livraison magnifique malheureusement mauvais mauvaise meilleur merci moins médiocre n'est parfait parfaite
        plaît pourquoi problème produit qu'est quand quelqu'un recommande remboursement remboursé rien répondez réponse satisfait
        satisfaite semaine suis toujours trop trouvé très vendeur voilà votre voudrais vous vraiment être
    """,
}
WORDS: Final = {code: frozenset(listed.split()) for code, listed in _LISTS.items()}

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def language_of_words(text: str) -> tuple[str | None, int]:
    """The one language that listed words of a short text speak for, and how many of them; (None, 0) where none does, or several do."""
    words = set(_WORD.findall(text.lower().replace("’", "'")))
    if len(words) > MOST_WORDS:
        return None, 0
    found = [(code, count) for code, listed in WORDS.items() if (count := len(words & listed))]
    return found[0] if len(found) == 1 else (None, 0)
