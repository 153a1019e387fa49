"""A deployment's own words: what they do, and what is said of a file that is wrong."""

from pathlib import Path

import pytest

from agents.deployment import load_own_words
from agents.lexicons import LANGUAGES, load_engine, load_pack
from pipeline.brands import ConfigurationError
from pipeline.lexicon.own_words import parse_own_words, with_own_words
from pipeline.lexicon.scorer import PackScorer


def own(content: str) -> dict[str, dict[tuple[str, ...], float]]:
    return parse_own_words(content.encode(), LANGUAGES)


@pytest.mark.parametrize(
    ("entry", "text", "hits"),
    [
        pytest.param("kwibus = -2", "die kwibus", [("kwibus", -2)], id="a word"),
        pytest.param("Kwibus = -2", "KWIBUS weet het", [("KWIBUS", -2.7)], id="in any case"),
        pytest.param('"kwibus, kwibussen" = -2', "die kwibussen", [("kwibussen", -2)], id="several at once"),
        pytest.param('"kwibus*" = -2', "kwibusgedoe", [("kwibusgedoe", -2)], id="a first part"),
        pytest.param('"*kwibus" = -2', "hoofdkwibus", [("hoofdkwibus", -2)], id="a last part"),
        pytest.param('"*storing" = -3', "stroomstoring", [("stroomstoring", -3)], id="a last part instead of the pack's words"),
        pytest.param('"waardel*" = 1', "waardeloze", [("waardeloze", 1)], id="a first part instead of the pack's words"),
        pytest.param('"waardeloos*" = 1', "waardeloos", [("waardeloos", -2.7)], id="a part is no word"),
        pytest.param('"knoert|knoerts * af" = 2', "knoerts er lekker af", [("knoerts af", 2)], id="a phrase with a choice and a gap"),
        pytest.param("waardeloos = 0", "waardeloos", [], id="a word of the pack taken out"),
        pytest.param("waardeloos = 1", "waardeloos", [("waardeloos", 1)], id="a word of the pack turned round"),
        pytest.param('"werkt * niet" = 0', "werkt niet", [], id="a phrase of the pack taken out"),
        pytest.param('"🐌" = -3', "🐌", [("🐌", -3)], id="an emoji"),
        pytest.param('"❤️" = -3', "❤", [("❤", -3)], id="an emoji with a variation selector"),
        pytest.param('"%-)" = -3', "nou %-)", [("%-)", -3)], id="an emoticon"),
    ],
)
def test_own_words_count_above_the_packs(entry: str, text: str, hits: list[tuple[str, float]]):
    pack = with_own_words(load_pack("nl"), own(f"[nl]\n{entry}")["nl"])
    assert [(shown, pytest.approx(valence)) for shown, valence in hits] == PackScorer(pack).score(text).hits


def test_words_are_folded_as_their_pack_folds():
    pack = with_own_words(load_pack("de"), own('[de]\n"zügelig" = -2\n')["de"])
    assert PackScorer(pack).score("zuegelig").compound == PackScorer(pack).score("zügelig").compound < 0


def test_every_language_has_its_own():
    engine = load_engine("pack", own("[nl]\nkwibus = -2\n[en]\nkwibus = 3\n"))
    dutch, english, german = engine.score(["kwibus"] * 3, ["nl", "en", "de"])
    assert (dutch.label, english.label, german.label) == ("negative", "positive", "neutral")
    assert english.vader is not None
    assert english.vader.compound == 0, "what VADER says is what the package says"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("[nl]\nstoring =", r"words.toml: .*", id="no TOML"),
        pytest.param("[de]\nzügelig = 1", r"line 2, column 2.*; a word with accents, spaces or signs stands in quotes", id="no quotes"),
        pytest.param("\xff", r"words.toml: ", id="no key"),
        pytest.param("storing = -2", r"line 1: 'storing': stands in no language; begin with a line such as \[", id="no language"),
        pytest.param(
            "[nl]\na = 1\n[xx]\nb = 1", r"line 3: \[xx\]: there are no words for this language; there are some for de, en", id="unknown"
        ),
        pytest.param("[nl]\n\nstoring = 9", r"line 3: 'storing': a word is worth a number from -4", id="too much"),
        pytest.param("[nl]\nstoring = nan", r"line 2: 'storing': a word is worth a number", id="no number"),
        pytest.param("[nl]\nstoring = true", r"line 2: 'storing': a word is worth a number", id="a truth"),
        pytest.param('[nl]\nstoring = "erg"', r"line 2: 'storing': a word is worth a number", id="a text"),
        pytest.param("[nl.a]\nstoring = 1", r"'a': a word is worth a number", id="a table"),
        pytest.param(
            '[nl]\n"staat stil!" = -1', r"line 2: 'staat stil!': 'stil!' is in no text; write words parted by spaces", id="a mark"
        ),
        pytest.param('[nl]\n"a,, b" = -1', r"line 2: 'a,, b': an entry begins and ends with a word", id="an empty part"),
        pytest.param('[nl]\n"staat *" = -1', r"line 2: .*begins and ends with a word", id="a gap at the end"),
        pytest.param('[nl]\n"staat * * stil" = -1', r"line 2: .*with one \* at a time", id="a gap after a gap"),
        pytest.param("[nl]\nstoring = -1\nstoring = -2", r"words.toml: .*twice: take one out", id="an entry twice"),
        pytest.param('[nl]\n"!" = -1', r"line 2: '!': '!' is a mark of every text", id="a mark alone"),
        pytest.param('[nl]\na = 1\n"b, A" = 2', r"line 3: 'b, A': 'a' is 2 here and 1 elsewhere; give it one valence", id="two valences"),
    ],
)
def test_a_wrong_file_is_told_with_line_entry_and_what_to_do(content: str, problem: str, tmp_path: Path):
    (tmp_path / "words.toml").write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=problem):
        load_own_words(tmp_path)


def test_the_file_need_not_be_there(tmp_path: Path):
    assert load_own_words(tmp_path) == {}


def test_the_folder_must_be_there(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="typo: is not a folder"):
        load_own_words(tmp_path / "typo")
