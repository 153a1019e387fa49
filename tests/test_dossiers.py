"""Dossiers: what a file may say, what a wrong one is told, and what an alert and a mention say of one."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from agents.cli import app
from agents.deployment import load_deployment, packaged_deployments
from pipeline.brands import ConfigurationError
from pipeline.dossiers import BrandDossiers, Dossier, DossierBook, parse_dossiers
from pipeline.phrases import words_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOON = datetime(2026, 9, 22, 12, tzinfo=UTC)
ENTRY = """
[[dossiers]]
id = "battery"
match = ["te heet", "accu"]
owner = "product safety"
crisis_plan_url = "https://plans.example/battery"
"""


def dossier(identifier: str = "battery", *match: str, **over: Any) -> Dossier:
    return Dossier(id=identifier, match=match or ("accu",), owner="safety", crisis_plan_url="https://plans.example/b", **over)


def test_a_file_is_read_and_names_its_version() -> None:
    book = parse_dossiers(ENTRY.encode() + b'severity_floor = "crisis"\nvalid_from = 2026-09-01\n')
    (read,) = book
    assert (read.id, read.owner, read.severity_floor, read.valid_from) == ("battery", "product safety", "crisis", date(2026, 9, 1))
    assert book.hash != parse_dossiers(ENTRY.encode()).hash
    assert parse_dossiers(b"").hash
    assert not len(parse_dossiers(b""))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(("crisis_plan_url", "plan"), r"dossiers\[0\]; unknown|unknown field `plan` - at `\$.dossiers\[0\]`", id="unknown key"),
        pytest.param(('crisis_plan_url = "https://plans.example/battery"', ""), "`crisis_plan_url`.* needs a crisis plan", id="no plan"),
        pytest.param(
            ("https://plans", "plans"), r"dossiers\[0\] \(battery\): crisis_plan_url: .* no http or https address", id="no address"
        ),
        pytest.param(('owner = "product safety"', ""), "`owner`.* name the team or role", id="no owner"),
        pytest.param(("product safety", " "), r"\(battery\): owner: is empty; name the team", id="empty owner"),
        pytest.param(('["te heet", "accu"]', "[]"), r"\.match.*give the words", id="no words"),
        pytest.param(('"te heet"', '"!?"'), r"\(battery\): match: '!\?' holds no word", id="words of signs only"),
        pytest.param(('id = "battery"', 'id = "Bat tery"'), r"dossiers\[0\].id.*lower-case", id="odd id"),
        pytest.param(("owner", 'severity_floor = "high"\nowner'), r"severity_floor`; use \"warning\" or \"crisis\"", id="unknown floor"),
        pytest.param(("owner", "valid_from = 2026-02-01\nvalid_to = 2026-01-01\nowner"), "valid_to: lies before valid_from", id="no time"),
        pytest.param(("owner", 'valid_to = "soon"\nowner'), r"valid_to`; use a day", id="no day"),
        pytest.param(("[[dossiers]]", "[[dossiers]]\n[["), "dossiers.toml: ", id="no TOML"),
        pytest.param((ENTRY, ENTRY + ENTRY), r"dossiers\[1\] \(battery\): id: this id is there twice", id="twice"),
    ],
)
def test_a_wrong_file_names_entry_field_and_what_to_do(change: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as error:
        parse_dossiers(ENTRY.replace(*change).encode())
    assert str(error.value).startswith("dossiers.toml: ")


def test_a_dossier_of_a_brand_that_is_not_registered_is_told_by_the_check(tmp_path: Any) -> None:
    demo = packaged_deployments() / "demo"
    for name in ("brands.toml", "routing.toml"):
        (tmp_path / name).write_bytes((demo / name).read_bytes())
    (tmp_path / "dossiers.toml").write_text(ENTRY + 'brands = ["noordnet", "nordnet"]\n')
    assert len(load_deployment(tmp_path).dossiers) == 1
    checked = CliRunner().invoke(app, ["check", "--config", str(tmp_path)])
    assert checked.exit_code == 1
    assert "dossiers.toml: line 2: dossiers[0] (battery): brands: nordnet is not in brands.toml" in checked.stderr
    assert "as they should be" not in checked.stdout
    assert CliRunner().invoke(app, ["check", "--config", str(demo)]).exit_code == 0


def test_the_demo_has_dossiers_and_their_hash_is_part_of_the_configurations() -> None:
    demo = load_deployment()
    assert {one.id for one in demo.dossiers} >= {"noordbox-oververhitting", "datalek"}
    assert demo.dossiers.hash in demo.config_hash


def test_a_deployment_without_the_file_has_none(tmp_path: Any) -> None:
    for name in ("brands.toml", "routing.toml"):
        (tmp_path / name).write_bytes((packaged_deployments() / "demo" / name).read_bytes())
    bare = load_deployment(tmp_path)
    assert len(bare.dossiers) == 0
    assert bare.config_hash == f"{bare.brands.hash}-{bare.rules.hash}"
    (tmp_path / "dossiers.toml").write_text("[[dossiers]]\n")
    with pytest.raises(ConfigurationError, match=r"dossiers.toml: .*dossiers\[0\]"):
        load_deployment(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("Mijn ACCU is warm", "battery", id="a word in any case"),
        pytest.param("Het accupakket is warm", None, id="not part of another word"),
        pytest.param("hij wordt TE, heet!", "battery", id="a phrase across signs"),
        pytest.param("heet te", None, id="a phrase in its order"),
        pytest.param("mijn rekening is duurder geworden", "price", id="the second dossier"),
        pytest.param("duurder geworden accu", "battery", id="the first of the file wins"),
        pytest.param("", None, id="nothing said"),
    ],
)
def test_a_mention_is_about_the_first_dossier_whose_words_it_holds(text: str, found: str | None) -> None:
    dossiers = BrandDossiers([dossier("battery", "accu", "te heet"), dossier("price", "duurder geworden")], AMSTERDAM)
    assert dossiers.about(NOON, text) == found
    assert dossiers.about(NOON, "", text) == found  # in its title


def test_a_dossier_counts_on_local_days_from_first_to_last() -> None:
    dossiers = BrandDossiers([dossier(valid_from=date(2026, 9, 22), valid_to=date(2026, 9, 22))], AMSTERDAM)
    moments = [datetime(2026, 9, 21, 21, 59, tzinfo=UTC), datetime(2026, 9, 21, 22, tzinfo=UTC), datetime(2026, 9, 22, 22, tzinfo=UTC)]
    assert [dossiers.about(at, "accu") for at in moments] == [None, "battery", None]
    both = BrandDossiers([dossier("old", valid_to=date(2026, 1, 1)), dossier("new", valid_from=date(2026, 1, 2))], AMSTERDAM)
    assert both.about(NOON, "accu") == "new"


def test_a_brand_has_its_own_dossiers_and_those_of_all() -> None:
    book = DossierBook([dossier("one", brands=("noordnet",)), dossier("all")])
    (noordnet, kustbank) = (book.of(slug, AMSTERDAM) for slug in ("noordnet", "kustbank"))
    assert noordnet is not None
    assert kustbank is not None
    assert (noordnet.about(NOON, "accu"), kustbank.about(NOON, "accu")) == ("one", "all")
    assert DossierBook([dossier(brands=("noordnet",))]).of("kustbank", AMSTERDAM) is None


some_words = st.text("abßéI '-.0_", min_size=1, max_size=12).filter(words_of)


@given(st.lists(some_words, min_size=1, max_size=30), st.text("abßéI '-.0_", max_size=40))
def test_the_cheap_look_never_hides_what_is_there(phrases: list[str], text: str) -> None:
    """With few words and with many (they are looked for in another way)."""
    dossiers = BrandDossiers([dossier("some", *phrases)], AMSTERDAM)
    spoken = words_of(text)
    holds = any(spoken[at : at + len(words)] == words for phrase in phrases for words in [words_of(phrase)] for at in range(len(spoken)))
    assert (dossiers.about(NOON, text) is not None) is holds
