"""What else a text says: whether it asks, complains or praises, and whether its rating says otherwise.

Intents are proxies read from words. A question is seen by its mark, or by how it opens; that works in four languages, scored or not.
"Wat zijn jullie traag" opens like one and is none.
"""

import re

from schemas.mention import LanguageMention, Sentiment, Signals

_ADDRESS = re.compile(r"https?://\S+|www\.\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w.-]+|(?<!\w)@\w+")
_GLUED_AT = re.compile(r"@(?<=[\w.+-]@)")
_LINK_OR_HANDLE = re.compile(r"https?://\S+|www\.\S+|@\w+")
"""All that there is where no @ stands behind what may be a name: a quarter of the price, as one letter tells where to look."""
_START = r"(?:^|[.!,:;\n–-])\s{0,3}(?:(?:en|maar|dus|hoi|hallo|hi|hey|hello|and|so|but|und|aber|hallo|et|mais|bonjour)\s+)?"

_ADJECTIVES = (
    r"(?:traag|lang|sloom|langzaam|snel|laat|vroeg|duur|goedkoop|slecht|goed|mooi|lelijk|leuk|fijn|lekker|vies|smerig|vuil|druk|vol|leeg|stom|dom|suf"
    r"|slap|zwak|sterk|slim|handig|onhandig|lastig|moeilijk|makkelijk|ingewikkeld|omslachtig|zielig|triest|jammer|treurig|droevig|saai|raar"
    r"|vreemd|bizar|gek|ziek|naar|rot|kut|klote|ruk|erg|flauw|laf|lief|aardig|vriendelijk|onvriendelijk|klantvriendelijk|klantonvriendelijk"
    r"|onbeschoft|bot|lomp|brutaal|netjes|super|top|geweldig|fantastisch|prachtig|heerlijk|knap|tof|gaaf|cool|chill|vet|irritant|frustrerend"
    r"|vervelend|ergerlijk|teleurstellend|belachelijk|verschrikkelijk|vreselijk|afschuwelijk|ongelooflijk|ongelofelijk|schandalig|amateuristisch"
    r"|onprofessioneel|professioneel|onbetrouwbaar|betrouwbaar|onduidelijk|onzorgvuldig|onhebbelijk|gierig|inhalig|krenterig|arrogant|asociaal"
    r"|armzalig|armoedig|blij|boos|kwaad|moe|\w{2,20}loos)"
)
_EXCLAIMS = (
    r"\s+(?:ben|is|zijn|was|waren|duurt|gaat|werkt|werken|wordt|worden)\s+"
    r"(?!(?:er|hier|daar|nou|nu|nog|al|wel|niet|dan|precies|voor|aan|in|op|om|met|bij|zo|te|volgens)\b)"
    r"(?:(?!(?:de|een|mijn|uw|ons|onze|hun)\b)[\w'-]{1,40}|[\w'-]{1,40}(?:\s+[\w'-]{1,40}){1,3}?)\s+"
    rf"(?:(?:toch|weer|ook|zo|echt|altijd|heel|erg|ontzettend|super|belachelijk)\s+){{0,3}}{_ADJECTIVES}"
    r"(?:\s+(?:zeg|he|hè|hé|hoor|toch|weer|man|ook|nou|vandaag|allemaal|geworden)\b){0,3}\s{0,3}(?![\w\s'-])"
)
"""After "wat": what exclaims about somebody or something and ends with a quality: "wat zijn jullie traag", "wat is de app weer slecht"."""

_OPENINGS = {
    "nl": (
        rf"(?:hoe|wat(?!{_EXCLAIMS})|waar|waarom|wanneer|wie|welke?|hoeveel)\s+"
        r"(?:is|zijn|was|waren|wordt|worden|ka?n|kunt|kunnen|moet(?:en)?|mag|mogen|gaa?t?|gaan|komt?|komen|heb|heeft|hebben|had|doet?|doen"
        r"|werkt|krijgt?|krijgen|duurt|zit|staat|weet|betekent|zie|lees|wil|willen|zal|zullen|zou|zouden|verloopt|geldt|kost(?:en)?|blijft"
        r"|blijven|rijdt|rijden|regel|betaal|begint|opent|sluit|hoort|lang|laat|vaak|veel)\b"
        r"|hoelang\b|hoelaat\b"
        r"|(?:kan|kun|kunt|kunnen|mag|moet|wil|willen|zou|zouden)\s+(?:ik|je|jij|jullie|u|we|wij|iemand|er)\b"
        r"|(?:heb|hebt|heeft|hebben|weet|weten|hebbe)\s+(?:je|jij|jullie|u|iemand|er)\b"
        r"|(?:is|zijn)\s+(?:er|jullie)\b|klopt\s+(?:het|dit)\s+dat\b|iemand\s+(?:enig\s+)?(?:idee|ervaring|tips?)\b"
        r"|vraagje\b|ik\s+vraag\s+me\s+af\b"
    ),
    "en": (
        r"(?:what|when|where|why|who|which|how)(?:'s|\s+(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|long|much|many"
        r"|come|about|often|late|to))\b"
        r"|(?:can|could|will|would|should|do|does|did|is|are|have|has|may)\s+(?:i|you|u|we|they|anyone|anybody|someone|somebody|there|this)\b"
        r"|any(?:one|body)\s+(?:know|else|having)\b"
    ),
    "de": (
        r"(?:was|wann|wo|wieso|warum|weshalb|wer|wie|welche[rsn]?|woher|wohin)\s+"
        r"(?:ist|sind|kann|können|muss|müssen|darf|wird|werden|hat|haben|habe|geht|kommt|macht|lange|viele?|oft|soll|sollte|bekomme|kostet"
        r"|funktioniert|bedeutet|läuft|komme)\b|wieviel\b"
        r"|(?:kann|könnt|können|könnten?|darf|muss|soll|habt|haben|hat|weiß|gibt)\s+(?:ich|ihr|sie|man|mir|jemand|es|wir|du)\b(?!\s+nur)"
    ),
    "fr": (
        r"(?:quand|comment|où)\s+(?:est|sont|sera|seront|va|vont|puis|faire|faut|se|on)\b|pourquoi\b|combien\b|est-ce\b|qu'est-ce\b"
        r"|quel(?:le)?s?\s+(?:est|sont)\b|(?:pouvez|pourriez|avez|savez|êtes|puis|peut|peux|allez)-(?:vous|je|on|tu)\b|y\s+a-t-il\b"
        r"|quelqu'un\s+(?:sait|a|peut)\b"
    ),
}
_BY_LANGUAGE = {language: re.compile(f"{_START}(?:{openings})") for language, openings in _OPENINGS.items()}
_UNHAPPY_RATING = 2
_HAPPY_RATING = 4


def without_addresses(text: str) -> str:
    """A text without links, mail addresses and handles: they name, they do not say."""
    if "@" in text or "http" in text or "www." in text:
        return (_ADDRESS if _GLUED_AT.search(text) is not None else _LINK_OR_HANDLE).sub(" ", text)
    return text


def asks(text: str, language: str | None) -> bool:
    """Whether a text asks: a question mark outside links, or an opening of a question; of all four languages where it is none of them."""
    if _has_mark(text) and _has_mark(without_addresses(text)):
        return True
    lower = text.lower()
    if not lower.isascii():
        lower = lower.replace("’", "'")
    known = _BY_LANGUAGE.get(language or "")
    if known is not None:
        return known.search(lower) is not None
    return any(pattern.search(lower) for pattern in _BY_LANGUAGE.values())


def _has_mark(text: str) -> bool:
    return "?" in text or (not text.isascii() and ("？" in text or "؟" in text))


def signals(mention: LanguageMention, text: str, sentiment: Sentiment) -> Signals:
    """Intents and rating conflict. The brand's own posts have no intents; a repost is no complaint or praise of its own."""
    intents: list[str] = []
    if mention.direction == "inbound":
        if asks(text, mention.language):
            intents.append("question")
        if mention.kind != "repost":
            if sentiment.label == "negative":
                intents.append("complaint")
            elif sentiment.label == "positive":
                intents.append("compliment")
    conflict: bool | None = None
    if mention.rating is not None and sentiment.label != "unscored":
        unhappy = mention.rating <= _UNHAPPY_RATING and sentiment.label == "positive"
        conflict = unhappy or (mention.rating >= _HAPPY_RATING and sentiment.label == "negative")
    return Signals(intents=tuple(intents), rating_conflict=conflict)  # type: ignore[arg-type]
