"""The linear layers: what they compute, what they show, and that the committed files are those that the script makes."""

import math
import os
import runpy
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.lexicons import LANGUAGES, LAYER, load_engine, load_layer, load_pack_scorers, pack_digest
from pipeline.layered import LayeredScorer, layer_input
from pipeline.lexicon import linear
from pipeline.lexicon.linear import (
    BUCKETS,
    FIGURES,
    LEAST_SHOWN,
    Header,
    LinearLayer,
    figures,
    pair_feature,
    parse_model,
    word_features,
    words_of,
)
from pipeline.lexicon.pack import PackError
from schemas.mention import Hit, Sentiment

SCRIPT = Path(__file__).parents[1] / "deploy" / "lexicons" / "train.py"
PACKS = load_pack_scorers()
ENGINE = load_engine()


def model(neutral: float = -1.0, /, **weights: int) -> bytes:
    """A model that knows these words, as their polarity; the pack's compound counts four times."""
    polarity = bytearray(BUCKETS)
    for word, weight in weights.items():
        polarity[next(iter(word_features(word)))[0]] = weight % 256
    header = Header(
        version=1,
        language="nl",
        pack="0",
        trained_on={},
        polarity=[4.0 if name == "compound" else 0.0 for name in FIGURES],
        neutrality=[neutral if name == "one" else 0.0 for name in FIGURES],
        scales=(0.1, 0.1),
        valence=1.0,
    )
    return msgspec.json.encode(header) + b"\n" + bytes(polarity) + bytes(BUCKETS)


class Pack:
    """Says the same of every text."""

    def __init__(self, compound: float = 0.0, *hits: Hit) -> None:
        self._sentiment = Sentiment(label="neutral", compound=compound, hits=hits)

    def score(self, text: str) -> Sentiment:  # noqa: ARG002
        return self._sentiment


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_layer_sums_its_features_and_nothing_else(language: str):
    """Cached and cut into tokens, it comes to what a plain sum over all features comes to."""
    layer = load_layer(language)
    if layer is None:
        pytest.skip(f"{language} has no layer")
    read = parse_model((files("pipeline.lexicon") / language / LAYER).read_bytes())
    text = "Super, great! De trein 12.30 n’est pas là; nicht gut,but slow 🙄 ??"
    bare, compound, valences, vader = layer_input(text, PACKS[language].score(text))
    words = [word for token in bare.split() for word in words_of(token)]
    features = [feature for word in words for feature in word_features(word)]
    features += [(pair_feature(first, second), 1.0) for first, second in pairwise(words)]
    sums = []
    for weights, scale, own in (
        (read.polarity, read.header.scales[0], read.header.polarity),
        (read.neutrality, read.header.scales[1], read.header.neutrality),
    ):
        of_words = scale * math.fsum(weights[bucket] * weight for bucket, weight in features) / math.sqrt(2 * len(words) - 1)
        of_figures = sum(a * b for a, b in zip(own, figures(bare, len(words), compound, valences, vader), strict=True))
        sums.append(1 / (1 + math.exp(-(of_words + of_figures))))
    judged = layer.judge(bare, compound, valences, vader)
    assert judged.neutral == pytest.approx(sums[1])
    assert judged.positive == pytest.approx((1 - sums[1]) * sums[0])


@settings(deadline=None)
@given(st.text(max_size=200), st.sampled_from(LANGUAGES))
def test_probabilities_are_probabilities_and_the_label_is_the_likeliest(text: str, language: str):
    (sentiment,) = ENGINE.score([text], [language])
    if sentiment.negative is None:
        return
    shares = {"negative": sentiment.negative, "neutral": sentiment.neutral, "positive": sentiment.positive}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares[sentiment.label] == pytest.approx(max(shares.values()), abs=1e-3)
    assert sentiment.compound == pytest.approx(sentiment.positive - sentiment.negative)


def test_words_that_move_the_answer_are_shown_with_the_packs_in_the_order_of_the_text():
    layer = LinearLayer(parse_model(model(trut=-90, fijner=90, de=1)))
    scored = LayeredScorer(Pack(-0.4, Hit("slecht", -2.0)), layer).score("fijner de slecht trut")
    assert [hit.text for hit in scored.hits] == ["fijner", "slecht", "trut"]
    assert scored.hits[0].valence == pytest.approx(9 / math.sqrt(7), abs=1e-3)


def test_a_word_that_the_pack_tells_is_told_once():
    layer = LinearLayer(parse_model(model(trut=-90)))
    assert LayeredScorer(Pack(-0.4, Hit("Trut", -2.0)), layer).score("Trut").hits == (Hit("Trut", -2.0),)


def test_weak_words_are_told_where_nothing_else_speaks_for_the_label():
    layer = LinearLayer(parse_model(model(a=-8, b=-7, c=-6, d=-5, e=-4)))
    scored = LayeredScorer(Pack(), layer).score("a b c d e")
    assert scored.label == "negative"
    assert [hit.text for hit in scored.hits] == ["a", "b", "c"]
    assert all(abs(hit.valence) < LEAST_SHOWN for hit in scored.hits)


@pytest.mark.parametrize(
    ("text", "neutral", "told"),
    [
        ("moet trut", -1.0, ["trut"]),  # a function word is no reason
        ("fijner trut", -1.0, ["trut"]),  # what would turn the whole against the label is not told
        ("fijner trut", 5.0, []),  # a neutral text needs no reason
    ],
)
def test_only_words_that_explain_the_label_are_told(text: str, neutral: float, told: list[str]):
    layer = LinearLayer(parse_model(model(neutral, trut=-20, fijner=50, moet=-90)))
    scored = LayeredScorer(Pack(-0.9), layer).score(text)
    assert scored.label == ("neutral" if neutral > 0 else "negative")
    assert [hit.text for hit in scored.hits] == told


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(linear, "REMEMBERED", 10)
    layer = LinearLayer(parse_model(model()))
    for number in range(100):
        layer.judge(f"woord{number:x} ander{number:x} " + "x" * 60, 0.0, [])
    kept = layer._tokens
    assert max(len(kept), len(kept.words), kept.neighbours, sum(len(token.after) for token in kept.values() if token)) <= 10
    assert not any(len(token) > linear.LONGEST_REMEMBERED for token in kept)


def test_a_pair_met_again_is_counted_once():
    layer = LinearLayer(parse_model(model(aap=90)))
    for _ in range(3):
        layer.moving("aap noot", 0.1)
    assert layer._tokens.neighbours == 1


def test_no_share_is_below_nothing():
    """Rounded by themselves, two shares may add up to a little more than 1."""
    layer = LinearLayer(parse_model(model(-60.0)))
    neutrals = [LayeredScorer(Pack(compound / 500), layer).score("aap").neutral for compound in range(-500, 500)]
    assert {str(one) for one in neutrals} <= {"0.0", "0.0001"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\n", id="no text"),
        pytest.param(model()[:-1], id="cut off"),
        pytest.param(model().replace(b'"version":1', b'"version":2'), id="another version"),
        pytest.param(model().replace(b'"pack"', b'"sack"'), id="an unknown key"),
    ],
)
def test_a_damaged_file_is_refused_by_name(content: bytes):
    with pytest.raises(PackError, match=r"nl/linear.bin: .*make train"):
        parse_model(content, file="nl/linear.bin")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_layer_goes_with_the_pack_as_it_is(language: str):
    """When this fails, the words of a pack have changed: `make train DATA=...` trains its layer anew."""
    layer = load_layer(language)
    assert layer is not None, f"{language} has no {LAYER}"
    assert layer.header.language == language
    assert layer.header.pack == pack_digest(language), f"the pack of {language} is not the one that its layer was trained on"


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.timeout(600)
def test_the_script_makes_the_committed_bytes(language: str):
    """With ``DATA=`` the folder of the training sets, and the group `train` installed; half a minute a language."""
    if (data := os.environ.get("DATA")) is None:
        pytest.skip("DATA does not name the folder of the training sets")
    pytest.importorskip("scipy")
    limits = pytest.importorskip("threadpoolctl")
    committed = (files("pipeline.lexicon") / language / LAYER).read_bytes()
    if parse_model(committed).header.pack != pack_digest(language):
        pytest.skip("the pack has changed since")
    with limits.threadpool_limits(1):
        assert runpy.run_path(str(SCRIPT))["train"](language, Path(data), PACKS) == committed


def test_no_held_back_text_is_trained_on():
    pytest.importorskip("scipy")
    pytest.importorskip("threadpoolctl")
    script = runpy.run_path(str(SCRIPT))
    taken = [text for text, _ in script["own_texts"]("nl")]
    lines = [line for file in sorted(script["TEXTS"].glob("nl-*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    held = [text["text"] for text in map(msgspec.json.decode, lines) if script["held_back"](text["id"])]
    assert len(held) + len(taken) == len(lines)
    assert len(held) > 0.15 * len(lines)
    assert not set(held) & set(taken)
