"""Personal data in what people write: e-mail addresses, phone numbers, bank accounts (IBAN) and citizen numbers (BSN).

A first finder, by shape and checksum. Linear in the length of the text whatever it holds: every shape has a bounded length, and after
`MOST_CHECKS` costly checks in one text the shape alone decides (rather hidden too much than published too much).
"""

import re
from collections.abc import Iterable, Sequence
from operator import attrgetter, mul
from typing import Literal, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType

Kind = Literal["email", "phone", "iban", "bsn"]

MOST_CHECKS = 100
DEFAULT_REGIONS = ("NL",)


class Span(NamedTuple):
    """A piece of personal data: ``text[start:end]``."""

    kind: Kind
    start: int
    end: int


def find_personal_data(text: str, regions: Sequence[str] = DEFAULT_REGIONS, *, context: str = "") -> list[Span]:
    """All personal data in ``text``, in order, without overlaps.

    Args: ``regions``: countries (ISO 3166) whose way to write a phone number without a country code is understood, the likeliest first;
    ``context``: other words of the same message (its title), which may say what a number is.

    A phone number must be valid in its country's plan and of a kind that belongs to a person: freephone, premium and company numbers do
    not. Digits that somebody has just called an order, customer or invoice number are not a phone number, nor is a date.
    A BSN needs its eleven test and a word that says so (bsn, burgerservicenummer, sofinummer) somewhere in the message: the test alone
    takes one in eleven of all 9-digit order numbers for a BSN.
    """
    spans = list(_emails(text)) if "@" in text and _DOMAIN.search(text) is not None else []
    digits = 0 if _DIGIT.search(text) is None else sum(map(text.count, "0123456789"))
    has_account = digits >= _LEAST_IBAN_DIGITS and _IBAN_START.search(text) is not None
    has_number = digits >= _LEAST_NUMBER_DIGITS and _NUMBER.search(text) is not None
    if not (has_account or has_number):
        return spans
    rest = _without(text, spans)
    if "://" in rest or "www." in rest:
        rest = _LINK.sub(lambda link: "\0" * len(link.group()), rest)  # digits in a link's path are nobody's number
    found = list(_ibans(rest)) if has_account else []
    if has_number:
        if (_BSN_WORD.search(text) or _BSN_WORD.search(context)) is not None:
            found += _bsns(_without(rest, found))
        found += _phones(_without(rest, found), regions)
    return sorted(spans + found, key=_start)


def may_be_personal(text: str) -> bool:
    """Cheap, and never wrong when it says no: neither an `@` nor a digit, as in most texts."""
    return "@" in text or _DIGIT.search(text) is not None


def redact(text: str, spans: Sequence[Span] | None = None) -> str:
    """``text`` with every span replaced by its kind: ``[email]``, ``[phone]``, ``[iban]``, ``[bsn]``. Without spans: those found in it."""
    if spans is None:
        spans = find_personal_data(text)
    if not spans:
        return text
    parts: list[str] = []
    last = 0
    for span in spans:
        parts += (text[last : span.start], f"[{span.kind}]")
        last = span.end
    return "".join((*parts, text[last:]))


def phone_regions(time_zone: str, languages: Iterable[str]) -> tuple[str, ...]:
    """Countries whose phone numbers a brand's customers write: that of its time zone first, then those of its languages; else NL."""
    regions = [region for region in (_ZONES.get(time_zone), *(_LANGUAGES.get(language) for language in languages)) if region is not None]
    return tuple(dict.fromkeys(regions)) or DEFAULT_REGIONS


def _without(text: str, spans: Sequence[Span]) -> str:
    """The same text with these spans blotted out; positions stay."""
    if not spans:
        return text
    parts: list[str] = []
    last = 0
    for span in sorted(spans, key=_start):
        parts += (text[last : span.start], "\0" * (span.end - span.start))
        last = span.end
    return "".join((*parts, text[last:]))


_start = attrgetter("start")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_DIGIT = re.compile("[0-9]")
_LEAST_NUMBER_DIGITS = 7
_NUMBER = re.compile(r"[0-9](?:[ \u00a0()./–-]{0,3}[0-9]){6}")  # what neither phone number nor BSN can do without


# e-mail: what the part before the @ may hold is bounded and tried once per word, so that no text costs more than its length

_DOMAIN = re.compile(r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_EMAIL = re.compile(rf"(?<![\w.%+@-])[\w.%+-]{{1,64}}+{_DOMAIN.pattern}")  # @name@server is a handle


def _emails(text: str) -> Iterable[Span]:
    return (Span("email", match.start(), match.end()) for match in _EMAIL.finditer(text))


# IBAN: ISO 13616, any country; letters and digits may stand in groups

_IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 "
        "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 "
        "LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 "
        "SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
}
_IBAN_START = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?=[ .\u00a0-]?[0-9A-Za-z])")
_IBAN_REST = {
    length: re.compile(rf"(?:[ .\u00a0-]?[0-9A-Za-z]){{{length - 4}}}(?![0-9A-Za-z])") for length in sorted(set(_IBAN_LENGTHS.values()))
}
_LEAST_DIGITS = 8
"""In the part behind country and check digits. Prose glued to a number ("de12 …") has fewer; accounts in use have more."""

_LEAST_IBAN_DIGITS = 2 + _LEAST_DIGITS

_GROUPING = re.compile(r"[^0-9A-Z]")


def _ibans(text: str) -> Iterable[Span]:
    checks = 0
    last = 0
    for start in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(start.group()[:2].upper())
        if length is None or start.start() < last:
            continue
        rest = _IBAN_REST[length].match(text, start.end())
        if rest is None:
            continue
        checks += 1
        if checks > MOST_CHECKS or _is_iban(text[start.start() : rest.end()]):
            last = rest.end()
            yield Span("iban", start.start(), last)


def _is_iban(written: str) -> bool:
    account = _GROUPING.sub("", written.upper())
    if sum(map(str.isdigit, account[4:])) < _LEAST_DIGITS:
        return False
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


# BSN: nine digits, alone or in usual groups, by the eleven test

_BSN_WORD = re.compile(r"\b(?:bsn|burger ?service ?n|sofi ?-?n|citizen service n)", re.IGNORECASE)
_BSN = re.compile(r"(?<![\w.,/@#+-])(?:[0-9]{9}|[0-9]{3}([ .-])[0-9]{3}\1[0-9]{3}|[0-9]{4}([ .-])[0-9]{2}\2[0-9]{3})(?!\w|[.,-][0-9])")


def _bsns(text: str) -> Iterable[Span]:
    for checks, match in enumerate(_BSN.finditer(text)):
        if checks >= MOST_CHECKS or is_bsn(match.group().translate(_NO_GROUPS)):
            yield Span("bsn", match.start(), match.end())


_NO_GROUPS = str.maketrans("", "", " .-")
_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)


def is_bsn(digits: str) -> bool:
    """The eleven test of nine digits: 9a + 8b + … + 2h - i is a multiple of 11. All zeros are no number."""
    return sum(map(mul, _WEIGHTS, map(int, digits))) % 11 == 0 and digits != "000000000"


# phone: by phonenumbers; its own matcher takes a second on a hostile text, so candidates are cut here

_AFTER_PHONE = re.compile(
    r"(?!\(?[0-3]?[0-9][-./ ][01]?[0-9][-./ ](?:19|20)[0-9]{2}(?![0-9]))"  # a date
    r"(?:\+|\(?0)(?:[ \u00a0()./–-]{0,3}[0-9]){7,16}"
)
_PHONE = re.compile(rf"(?<![\w@#/+=&])(?<![0-9][-./:,]){_AFTER_PHONE.pattern}")  # nor inside a link, a handle, a date, a time, a sum
_NUMBERS = re.compile(_PHONE.pattern.replace("{7,16}", "{7,}"))
_RUNS = re.compile(r"[0-9]+")
_LEAST_PHONE_DIGITS = 8
_OTHER_NUMBER = re.compile(
    r"(?:bestel|order|klant|factuur|invoice|customer|referentie|ref|kenmerk|zaak|case|ticket|dossier|zending|pakket|track|artikel|serie"
    r"|contract|polis|meter|ean|reservering|boeking|transactie|kvk|btw|rekening|lidmaatschap)\w*"
    r"(?:[ .:#-]*(?:nummers?|nr|no|number|code|id|is|was))*[ .:#=-]*$",
    re.IGNORECASE,
)
_PERSONAL = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PAGER,
    }
)


def _phones(text: str, regions: Sequence[str]) -> Iterable[Span]:
    checks = 0
    match = _PHONE.search(text)
    while match is not None and checks < MOST_CHECKS:
        for end in _ends(text, match):
            checks += 1
            if _is_phone(text, match.start(), end, regions):
                yield Span("phone", match.start(), end)
                match = _AFTER_PHONE.match(text, end + 1) or _PHONE.search(text, end)
                break
        else:
            match = _PHONE.search(text, match.end())
    if match is not None:
        yield from (Span("phone", match.start(), match.end()) for match in _NUMBERS.finditer(text, match.start()))


def _ends(text: str, match: re.Match[str]) -> Iterable[int]:
    """Where a number that starts here may end: after any run of digits, the longest first."""
    ends, digits = [], 0
    for run in _RUNS.finditer(text, match.start(), match.end()):
        digits += len(run.group())
        if digits >= _LEAST_PHONE_DIGITS:
            ends.append(run.end())
    following = text[match.end() : match.end() + 1]
    if ends and (following.isdigit() or following.isalpha()):
        ends.pop()  # cut off in the middle of something longer
    return reversed(ends)


def _is_phone(text: str, start: int, end: int, regions: Sequence[str]) -> bool:
    written = text[start:end]
    if written.isdigit() and not written.startswith("00") and _OTHER_NUMBER.search(text, max(0, start - 40), start) is not None:
        return False
    for region in regions:
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            return False
        if phonenumbers.number_type(number) in _PERSONAL:
            return True
        if written.startswith("+"):
            break
    return False


_ZONES = {
    "Europe/Amsterdam": "NL",
    "Europe/Brussels": "BE",
    "Europe/Luxembourg": "LU",
    "Europe/Berlin": "DE",
    "Europe/Vienna": "AT",
    "Europe/Zurich": "CH",
    "Europe/Paris": "FR",
    "Europe/London": "GB",
    "Europe/Dublin": "IE",
    "Europe/Madrid": "ES",
    "Europe/Lisbon": "PT",
    "Europe/Rome": "IT",
    "Europe/Warsaw": "PL",
    "Europe/Istanbul": "TR",
    "Europe/Copenhagen": "DK",
    "Europe/Stockholm": "SE",
    "Europe/Oslo": "NO",
    "Europe/Helsinki": "FI",
    "Europe/Prague": "CZ",
    "America/New_York": "US",
    "America/Curacao": "CW",
    "America/Paramaribo": "SR",
}
_LANGUAGES = {
    "nl": "NL",
    "fy": "NL",
    "de": "DE",
    "fr": "FR",
    "en": "GB",
    "it": "IT",
    "es": "ES",
    "pt": "PT",
    "pl": "PL",
    "tr": "TR",
    "da": "DK",
    "sv": "SE",
    "nb": "NO",
}
