"""The brand registry: what a file may say, what a wrong one is told, and what an unregistered brand is."""

from datetime import date
from pathlib import Path

import pytest

from agents.deployment import load_deployment, packaged_deployments
from pipeline.brands import OTHER, Brand, ConfigurationError, Registry, SourceSettings, parse_brands

FILE = """
channels = ["x", "trustpilot"]
retired_channels = ["hyves"]

[[brands]]
slug = "acme"
names = ["Acme"]
accounts = ["x:acme", "mastodon:acme@social.example"]
languages = ["nl", "fr"]
time_zone = "Europe/Brussels"
mode = "observe"
profile = "sensitive"
team = "care"
complaints_per_month = 200
public_fraction = 0.2
blocked_authors = ["x:spammer"]
ambiguous = { needs_any = ["telecom", "acme mobiel"] }

[[brands.events]]
name = "black friday"
kind = "campaign"
starts_at = 2026-11-27T00:00:00+01:00
ends_at = 2026-11-28T00:00:00+01:00
expected_mentions = 3.0

[[brands]]
slug = "other"

[[sources]]
name = "digest"
language_hint = "nl-BE"
neutral_language_priors = true
detection_time = "received"
"""


def test_a_full_file_is_read() -> None:
    registry = parse_brands(FILE.encode())
    acme = registry.brand("acme")
    assert [brand.slug for brand in registry] == ["acme", "other"]
    assert (acme.mode, acme.profile, acme.alert_language(), acme.zone().key) == ("observe", "sensitive", "nl", "Europe/Brussels")
    assert acme.ambiguous is not None
    assert acme.ambiguous.needs_any == ("telecom", "acme mobiel")
    assert acme.events[0].expected_mentions == 3.0
    assert registry.channels == {"x", "trustpilot", "hyves"}
    assert registry.source("digest") == SourceSettings(
        name="digest", language_hint="nl-BE", neutral_language_priors=True, detection_time="received"
    )


def test_the_hash_names_the_version_of_the_file() -> None:
    assert parse_brands(FILE.encode()).hash == parse_brands(FILE.encode()).hash
    assert parse_brands(FILE.encode()).hash != parse_brands(FILE.replace("200", "201").encode()).hash


def test_an_unregistered_brand_has_the_default_profile_and_no_label_of_its_own() -> None:
    registry = parse_brands(FILE.encode())
    assert registry.brand("nobody") == Brand(slug="nobody")
    assert (registry.knows("acme"), registry.knows("nobody")) == (True, False)
    assert (registry.label("acme"), registry.label("nobody")) == ("acme", OTHER)


def test_labels_of_sources_are_bounded() -> None:
    registry = parse_brands(FILE.encode())
    assert [registry.source_label(name) for name in ("digest", "elsewhere", None)] == ["digest", OTHER, "unknown"]
    assert registry.source(None) is None
    assert registry.source("elsewhere") is None


@pytest.mark.parametrize(("languages", "alert_language"), [(("nl",), "nl"), (("en", "nl"), "en"), (("de",), "en")])
def test_alerts_speak_dutch_to_dutch_brands(languages: tuple[str, ...], alert_language: str) -> None:
    assert Brand(slug="acme", languages=languages).alert_language() == alert_language


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        pytest.param('mode = "observe"', "mode = ", "brands.toml: .*line 1", id="no TOML"),
        pytest.param('mode = "observe"', 'mdoe = "observe"', r"unknown field `mdoe` - at `\$\.brands\[0\]`", id="a typo"),
        pytest.param(
            'mode = "observe"', 'mode = "quiet"', r"line \d+: .*at `\$\.brands\[0\]\.mode`; use one of \w+, \w+$", id="a wrong value"
        ),
        pytest.param('slug = "acme"', 'slug = "Acme BV"', r"at `\$\.brands\[0\]\.slug`", id="no slug"),
        pytest.param('slug = "other"', 'slug = "other\\n"', r"brands\[1\]: a line break ends the slug", id="a line break in a slug"),
        pytest.param('slug = "other"', 'slug = "acme"', r"brands\[1\] \(acme\): this slug is there twice", id="a slug twice"),
        pytest.param("Europe/Brussels", "Europe/Brussel", r"\(acme\): unknown time_zone; use an IANA name", id="no time zone"),
        pytest.param("Europe/Brussels", "../secret", r"unknown time_zone", id="a path is no time zone"),
        pytest.param("2026-11-28T", "2026-11-26T", r"event 'black friday' ends before it starts", id="an event that ends first"),
        pytest.param("2026-11-28T00:00:00+01:00", "2026-11-28T00:00:00", r"at `\$\.brands\[0\]\.events\[0\]\.ends_at`", id="no zone"),
        pytest.param('"x:acme"', '"acme"', r"account 'acme' must have the form <channel>:<native author id>", id="no channel"),
        pytest.param('"x:acme"', '":acme"', r"account ':acme' must have the form", id="an empty channel"),
        pytest.param('"x:spammer"', '"x:"', r"account 'x:' must have the form", id="an empty id"),
        pytest.param('["telecom", "acme mobiel"]', "[]", r"at `\$\.brands\[0\]\.ambiguous\.needs_any`", id="no words"),
        pytest.param('"telecom"', '" "', r"at `\$\.brands\[0\]\.ambiguous\.needs_any\[", id="an empty word would match everything"),
        pytest.param('"nl-BE"', '"Dutch"', r"sources\[0\] \(digest\): unknown language_hint; use one of nl, en", id="no language"),
        pytest.param("Europe/Brussels", "Europe", r"unknown time_zone", id="a folder of time zones"),
        pytest.param("Europe/Brussels", "x" * 300, r"unknown time_zone", id="longer than a file name may be"),
        pytest.param("= 200", "= inf", r"at `\$\.brands\[0\]\.complaints_per_month`", id="complaints without end"),
        pytest.param("= 200", "= " + "9" * 5_000, r"brands.toml: Exceeds the limit", id="a number without end"),
        pytest.param('["x:acme"', "[" * 3_000 + '"x:acme"', r"brands.toml: .*recursion", id="nested without end"),
        pytest.param("public_fraction = 0.2", "public_fraction = 20", r"at `\$\.brands\[0\]\.public_fraction`", id="a per cent"),
    ],
)
def test_a_wrong_file_is_told_where_and_what(written: str, instead: str, told: str) -> None:
    assert written in FILE
    with pytest.raises(ConfigurationError, match=told):
        parse_brands(FILE.replace(written, instead, 1).encode())


def test_a_source_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"sources\[1\] \(digest\): this source is there twice"):
        parse_brands((FILE + '[[sources]]\nname = "digest"\n').encode())


def test_no_text_at_all_is_told_so() -> None:
    with pytest.raises(ConfigurationError, match=r"deploy/brands\.toml: "):
        parse_brands(b"\xff\xfe", file="deploy/brands.toml")


def test_an_empty_file_is_an_empty_registry() -> None:
    registry = parse_brands(b"")
    assert list(registry) == []
    assert registry.channels == frozenset()
    assert list(Registry(())) == []


def test_holidays_are_those_of_the_country_but_for_years_with_days_of_ones_own(tmp_path: Path) -> None:
    demo = packaged_deployments() / "demo"
    (tmp_path / "routing.toml").write_bytes((demo / "routing.toml").read_bytes())
    entries = [
        ("noordnet", 'country = "NL"'),
        ("kustbank", 'country = "NL"\nholidays = [2026-02-17, 2026-12-25]'),
        ("bergbahn", 'country = "DE-BY"'),
        ("none", "holidays = [2026-04-27]"),
    ]
    (tmp_path / "brands.toml").write_text("".join(f'[[brands]]\nslug = "{slug}"\n{lines}\n' for slug, lines in entries))
    brands = load_deployment(tmp_path).brands
    days = {brand.slug: set(brand.holidays) for brand in brands}
    assert {date(2026, 4, 27), date(2027, 4, 27), date(2026, 12, 25)} <= days["noordnet"]
    assert {day for day in days["kustbank"] if day.year == 2026} == {date(2026, 2, 17), date(2026, 12, 25)}
    assert {day for day in days["kustbank"] if day.year == 2027} == {day for day in days["noordnet"] if day.year == 2027}
    assert date(2026, 1, 6) in days["bergbahn"]
    assert days["none"] == {date(2026, 4, 27)}
    assert date(2026, 4, 27).toordinal() in brands.brand("noordnet").holiday_numbers()


@pytest.mark.parametrize(
    ("country", "told"),
    [
        pytest.param("XX", r"brands\[0\] \(acme\): country XX is not known; use an ISO 3166 code", id="no country"),
        pytest.param("NL-QQ", r"\(acme\): country NL-QQ is not known", id="no part of it"),
        pytest.param("Netherlands", r"brands\[0\].country", id="a name"),
    ],
)
def test_a_country_that_is_none_is_named_with_its_brand(tmp_path: Path, country: str, told: str) -> None:
    (tmp_path / "routing.toml").write_bytes((packaged_deployments() / "demo" / "routing.toml").read_bytes())
    (tmp_path / "brands.toml").write_text(f'[[brands]]\nslug = "acme"\ncountry = "{country}"\n')
    with pytest.raises(ConfigurationError, match=told):
        load_deployment(tmp_path)
