"""Personal data: found where it stands, not where other numbers stand, in time that no text can stretch."""

import random
import time
from itertools import pairwise

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.personal_data import MOST_CHECKS, Span, find_personal_data, is_bsn, phone_regions, redact

LENGTH = 100_000


def kinds(text: str, *regions: str) -> list[str]:
    return [span.kind for span in find_personal_data(text, regions or ("NL",))]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param("mail j.stoof-peer+web@example.nl.", "mail [email].", id="an address, not the full stop behind it"),
        pytest.param("(piet@mail.example.co.uk)", "([email])", id="an address in brackets"),
        pytest.param("zie https://x.example/?mail=piet@example.nl", "zie https://x.example/?mail=[email]", id="an address in a link"),
        pytest.param("bel me op 06-12345678, ik ben thuis", "bel me op [phone], ik ben thuis", id="a mobile number"),
        pytest.param("06 12 34 56 78", "[phone]", id="in pairs"),
        pytest.param("06.12.34.56.78", "[phone]", id="with dots"),
        pytest.param("06 - 12 34 56 78", "[phone]", id="with a dash between spaces"),
        pytest.param("+31 (0)6 12345678", "[phone]", id="with country code and zero"),
        pytest.param("0031612345678", "[phone]", id="with 00 before the country"),
        pytest.param("(020) 624 1111", "[phone]", id="a fixed line"),
        pytest.param("+32 470 12 34 56 of +491701234567", "[phone] of [phone]", id="from abroad"),
        pytest.param("0612345678/0687654321", "[phone]/[phone]", id="two by a slash"),
        pytest.param("0612345678 0687654321", "[phone] [phone]", id="two by a space"),
        pytest.param("06-12345678 2 jaar klant", "[phone] 2 jaar klant", id="another number behind it"),
        pytest.param("op 12-05-2026, bel 06-12345678", "op 12-05-2026, bel [phone]", id="beside a date"),
        pytest.param("NL91ABNA0417164300", "[iban]", id="an account"),
        pytest.param("op nl91 abna 0417 1643 00 graag", "op [iban] graag", id="an account in groups and small letters"),
        pytest.param("IBAN:NL91.ABNA.0417.1643.00", "IBAN:[iban]", id="an account with dots"),
        pytest.param("GB82 WEST 1234 5698 7654 32, BE68539007547034", "[iban], [iban]", id="accounts from abroad"),
        pytest.param("mijn bsn is 111222333", "mijn bsn is [bsn]", id="a citizen number"),
        pytest.param("111.222.333 is mijn burgerservicenummer", "[bsn] is mijn burgerservicenummer", id="in groups, named behind"),
        pytest.param("sofinummer 1234.56.782", "sofinummer [bsn]", id="by its old name"),
        pytest.param("bel 0612345678 of mail a@b.nl", "bel [phone] of mail [email]", id="several kinds"),
    ],
)
def test_what_is_found_is_replaced(text: str, redacted: str):
    assert redact(text) == redacted
    assert find_personal_data(redact(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("@noordnet al 3 dagen geen internet, 45,00 euro per maand", id="a handle, days, a price"),
        pytest.param("@piet@mastodon.social @0612345678 @piet0612345678", id="handles"),
        pytest.param("https://x.example/0612345678?n=0687654321 www.x.example/0612345678", id="digits in links"),
        pytest.param("#0612345678", id="a hashtag"),
        pytest.param("bestelnummer 0201234567", id="an order number"),
        pytest.param("klantnr: 0612345678, factuur 0612345679 en referentie nummer is 0612345670", id="numbers that have a name"),
        pytest.param("order 3000123456, zending 3SABCD0123456789", id="numbers that no phone has"),
        pytest.param("01-09-2026 12:30, 10.06.2026 12.30 en 1.06.2026 12.30 uur, 2026-06-12 34:56", id="dates and times"),
        pytest.param("€ 1.250,00 en 0,50 en 06,12345678", id="sums"),
        pytest.param("0800-0404, 0900 1234, 14020, 112, 088-1234567", id="numbers that belong to no person"),
        pytest.param("06123456789 0612345678x 061234567", id="too long, glued, too short"),
        pytest.param("pak 0123456789012345 op", id="a long code"),
        pytest.param("NL91ABNA0417164301", id="an account with a wrong check digit"),
        pytest.param("NL91ABNA04171643001 XNL91ABNA0417164300", id="longer than an account"),
        pytest.param("de12 mensen die wij spraken zeiden nee tegen ons", id="prose that could be letters of an account"),
        pytest.param("ordernummer 111222333", id="nine digits that nobody calls a citizen number"),
        pytest.param("bsn 111222334", id="a citizen number that fails its test"),
        pytest.param("bsn 1112223334 en 000000000", id="too long, and all zeros"),
        pytest.param("a.b@c @ b@ @b.nl a@b", id="signs that are no address"),
    ],
)
def test_what_is_no_personal_data_stays(text: str):
    assert kinds(text) == []
    assert redact(text) == text


def test_a_title_may_say_what_the_number_is():
    assert find_personal_data("111222333") == []
    assert find_personal_data("111222333", context="Mijn BSN") == [Span("bsn", 0, 9)]


def test_a_national_number_is_read_in_the_brands_countries():
    assert kinds("0470 12 34 56", "NL") == []
    assert kinds("0470 12 34 56", "BE") == ["phone"]
    assert kinds("07400 123456", "NL", "GB") == ["phone"]


@pytest.mark.parametrize(
    ("zone", "languages", "regions"),
    [
        ("Europe/Amsterdam", ("nl",), ("NL",)),
        ("Europe/Brussels", ("nl", "fr"), ("BE", "NL", "FR")),
        ("Europe/Amsterdam", ("nl", "en"), ("NL", "GB")),
        ("Antarctica/Troll", ("xx",), ("NL",)),
    ],
)
def test_countries_follow_from_time_zone_and_languages(zone: str, languages: tuple[str, ...], regions: tuple[str, ...]):
    assert phone_regions(zone, languages) == regions


def test_the_eleven_test_alone_would_take_one_order_number_in_eleven():
    rng = random.Random(20260901)
    numbers = [f"{rng.randrange(10**8, 10**9)}" for _ in range(20_000)]
    assert sum(map(is_bsn, numbers)) / len(numbers) == pytest.approx(1 / 11, abs=0.01)
    assert not any(kinds(f"bestelling {number} is niet aangekomen") for number in numbers[:5_000])


def test_random_order_numbers_are_hardly_ever_taken_for_a_phone():
    """By shape a ten-digit number with a zero in front may be one; most order numbers have none."""
    rng = random.Random(20260901)
    texts = [f"mijn bestelling {rng.randrange(10**7, 10**13)} is nog niet binnen" for _ in range(5_000)]
    assert not any(map(kinds, texts))


@pytest.mark.parametrize("region", ["NL", "BE", "DE", "FR", "GB", "AT", "SE"])
@pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
@pytest.mark.parametrize("form", [phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL])
def test_example_numbers_of_each_plan_are_found(region: str, kind: int, form: int):
    number = phonenumbers.example_number_for_type(region, kind)
    assert number is not None
    text = f"bel {phonenumbers.format_number(number, form)} graag"
    assert redact(text, find_personal_data(text, (region,))) == "bel [phone] graag"


HOSTILE = (
    *(
        "1",
        "0",
        "@",
        "+",
        "(",
        "-",
        "a",
        "1 ",
        "0 ",
        "06-",
        "0-",
        "1-1-",
        "1.1-",
        "(06)",
        "0((((",
        "a@",
        "@a.",
        "@a.a",
        "a@b.nl ",
        "٠",
        "00",
    ),
    *("0612345678", "0612345678 ", "01-01-2026 ", "NL91", "NL91 ", "NL91ABNA0417164300 ", "AL11 a ", "bsn 111222333 ", "bsn 111.222."),
    *("http://", "www.", "ordernummer", "order0612345678 ", "x@a-", "bsn", "+31 6 1234567 ", "06 12 "),
)


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("head", ["", "bsn ", "@"])
def test_no_text_costs_more_than_its_length(piece: str, head: str):
    text = (head + piece * LENGTH)[:LENGTH]
    best = min(_seconds(text) for _ in range(3))
    # 50 ms on an idle core; twice that here, where cores are shared. Anything quadratic takes seconds.
    assert best < 0.1


def _seconds(text: str) -> float:
    started = time.process_time()
    redact(text)
    return time.process_time() - started


def test_an_ordinary_text_costs_a_few_microseconds():
    text = "@noordnet nu al 3 dagen geen internet en niemand die iets laat weten. Wanneer wordt dit opgelost?? 😡"
    best = min(_seconds(text * 10) for _ in range(200)) / 10
    assert best < 20e-6


def test_in_a_list_of_very_many_numbers_the_shape_decides():
    text = " ".join(f"061{number:07d}" for number in range(MOST_CHECKS * 5))
    assert not any(sign.isdigit() for sign in redact(text))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="@.+-() /:\u00a0\naZé0123456789NLbsn😡", max_size=120))
def test_spans_are_in_order_apart_and_inside(text: str):
    spans = find_personal_data(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(earlier.end <= later.start for earlier, later in pairwise(spans))
    kept = redact(text, spans)
    assert len(kept) <= len(text) * 7 / 6 + 1
