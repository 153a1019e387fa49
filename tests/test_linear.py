"""The linear layers: what they compute, what they show, and that the committed files are those that the script makes."""

import math
import os
import runpy
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.resources import files
from operator import mul
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.lexicons import LANGUAGES, LAYER, load_engine, load_layer, load_pack_scorers, pack_digest
from pipeline.layered import LEAST_SHOWN, LayeredScorer
from pipeline.lexicon import linear
from pipeline.lexicon.linear import (
    BUCKETS,
    FIGURES,
    STEP,
    Header,
    LinearLayer,
    figures,
    parse_model,
    room,
    spread,
    text_features,
    word_features,
)
from pipeline.lexicon.pack import PackError
from pipeline.lexicon.units import Unit
from pipeline.sentiment import Findings
from schemas.mention import Hit

SCRIPT = Path(__file__).parents[1] / "deploy" / "lexicons" / "train.py"
PACKS = load_pack_scorers()
ENGINE = load_engine()


def model(neutral: float = -1.0, neutrals: Mapping[str, int] | None = None, /, **weights: int) -> bytes:
    """A model that knows these words, as their polarity and as their neutrality; the pack's compound counts four times."""
    polarity, neutrality = bytearray(BUCKETS), bytearray(BUCKETS)
    for buckets, known in ((polarity, weights), (neutrality, neutrals or {})):
        for word, weight in known.items():
            buckets[word_features(word)[0]] = weight % 256
    header = Header(
        version=4,
        language="nl",
        pack="0",
        trained_on={},
        polarity=[4.0 if name == "compound" else 0.0 for name in FIGURES],
        neutrality=[neutral if name == "one" else 0.0 for name in FIGURES],
        scales=(0.1, 0.1),
        valence=1.0,
    )
    return msgspec.json.encode(header) + b"\n" + bytes(polarity + neutrality)


def weighed(layer: LinearLayer, tokens: Sequence[str]) -> list[Unit]:
    return [Unit(polarity=polarity, neutrality=neutrality) for polarity, neutrality in map(layer.weigh, tokens)]


def stepped(weight: float) -> float:
    return round(weight / STEP) * STEP


class Pack:
    """Says the same of every text."""

    def __init__(self, layer: LinearLayer, compound: float = 0.0, *hits: tuple[str, float]) -> None:
        self._layer = layer
        self._compound = compound
        self._hits = list(hits)

    def read(self, text: str) -> Findings:
        tokens = text.split()
        return Findings(text, tokens, weighed(self._layer, tokens), self._compound, self._hits, None)

    def read_all(self, texts: Sequence[str]) -> list[Findings]:
        return list(map(self.read, texts))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_layer_sums_its_features_and_nothing_else(language: str):
    """Cached and cut into tokens, it comes to what a plain sum over all features comes to."""
    layer = load_layer(language)
    if layer is None:
        pytest.skip(f"{language} has no layer")
    read = parse_model((files("pipeline.lexicon") / language / LAYER).read_bytes())
    text = "Super, great! De trein 12.30 n’est pas là; nicht gut,but slow 🙄 ??"
    text = f"{text} {text}, Super"  # a token counts once
    of = PACKS[language].read(text)
    tokens, compound, vader = of.tokens, of.compound, 0.0 if of.vader is None else of.vader.compound
    given = figures(of.text, len(tokens), compound, of.hits, vader)
    share = 1 / math.sqrt(len(set(tokens)))  # every token once, and in whole steps
    moved, stilled = 0.0, 0.0
    for words, pieces in (text_features([token]) for token in dict.fromkeys(tokens)):
        moved += stepped(read.header.scales[0] * math.fsum(read.polarity[bucket] * weight for bucket, weight in words + pieces)) * share
        stilled += stepped(read.header.scales[1] * math.fsum(read.neutrality[bucket] * weight for bucket, weight in words)) * share
    words, pieces = text_features(tokens)
    whole = read.header.scales[0] * math.fsum(read.polarity[bucket] * weight for bucket, weight in words + pieces)
    assert moved == pytest.approx(whole, abs=STEP / 2 / share)
    sums = [
        spread(len(set(tokens))) * (room(compound) * moved + math.fsum(map(mul, read.header.polarity, given))),
        room(compound) * stilled + math.fsum(map(mul, read.header.neutrality, given)),
    ]
    positive, neutral = (1 / (1 + math.exp(-one)) for one in sums)
    judged = layer.judge(of.text, tokens, weighed(layer, tokens), compound, of.hits, vader)
    assert judged.neutral == pytest.approx(neutral)
    assert judged.positive == pytest.approx((1 - neutral) * positive)


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
    layer = LinearLayer(parse_model(model(trut=-60, fijner=60, de=1)))
    scored = LayeredScorer(Pack(layer, -0.4, ("slecht", -2.0)), layer).score("fijner de slecht trut")
    assert [hit.text for hit in scored.hits] == ["fijner", "slecht", "trut"]
    assert scored.hits[0].valence == pytest.approx(6 * 0.6 / math.sqrt(4), abs=1e-3)


def test_words_say_whether_a_text_judges_at_all():
    """Where the pack is silent: "hoe laat" asks, "alweer" complains."""
    layer = LinearLayer(parse_model(model(0.0, {"laat": 30, "alweer": -30}, alweer=-20)))
    asked, complained = (LayeredScorer(Pack(layer), layer).score(text) for text in ("hoe laat", "alweer zo"))
    assert asked.label == "neutral"
    assert asked.neutral == pytest.approx(1 / (1 + math.exp(-3 / math.sqrt(2))), abs=1e-4)
    assert (complained.label, complained.hits) == ("negative", (Hit("alweer", pytest.approx(-2 / math.sqrt(2), abs=1e-3)),))


def test_a_word_that_the_pack_tells_is_told_once():
    layer = LinearLayer(parse_model(model(trut=-90)))
    assert LayeredScorer(Pack(layer, -0.4, ("Trut", -2.0)), layer).score("Trut").hits == (Hit("Trut", -2.0),)


def test_weak_words_are_told_where_nothing_else_speaks_for_the_label():
    layer = LinearLayer(parse_model(model(a=-20, b=-18, c=-16, d=-14, e=-8)))
    scored = LayeredScorer(Pack(layer), layer).score("a b c d e")
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
    layer = LinearLayer(parse_model(model(neutral, trut=-20, fijner=40, moet=-90)))
    scored = LayeredScorer(Pack(layer, -0.3), layer).score(text)
    assert scored.label == ("neutral" if neutral > 0 else "negative")
    assert [hit.text for hit in scored.hits] == told


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(linear, "REMEMBERED_WORDS", 10)
    layer = LinearLayer(parse_model(model()))
    for number in range(100):
        layer.weigh(f"woord{number:x} ander{number:x} {'x' * 60} {'y' * 300}")
    for kept in (layer._of_word, layer._neutral):
        assert 0 < len(kept) <= 10
        assert not any(len(word) > linear.LONGEST_WORD for word in kept)


def test_what_was_forgotten_is_worked_out_again(monkeypatch: pytest.MonkeyPatch):
    layer, small = (LinearLayer(parse_model(model(aap=90, noot=-40))) for _ in range(2))
    monkeypatch.setattr(linear, "REMEMBERED_WORDS", 3)
    for text in ("aap noot mies", "wim zus", "noot aap", "jet teun vuur", "aap aap, noot"):
        tokens = text.split()
        fresh = LinearLayer(parse_model(model(aap=90, noot=-40)))
        known, *others = (weighed(one, tokens) for one in (fresh, layer, small))
        assert all(small.judge(text, tokens, other, 0.0, []) == fresh.judge(text, tokens, known, 0.0, []) for other in others)
        assert small.moving(tokens, known, 1.0, 0.1) == fresh.moving(tokens, known, 1.0, 0.1)
        assert small.weigh(text) == layer.weigh(text) == fresh.weigh(text)


def test_weights_of_many_tokens_are_few_numbers():
    """So that a token weighs what is in the processor's cache already, and nobody fills our memory with others."""
    layer = load_layer("nl")
    assert layer is not None
    weights = [layer.weigh(f"woord{number}x")[0] for number in range(5_000)]
    assert all(weight % STEP == 0 for weight in weights)
    assert len(set(map(id, weights))) == len(set(weights)) < 1_000
    before = len(linear._steps)
    heavy = LinearLayer(parse_model(model(aap=120)))
    assert [heavy.weigh("aap " * times)[0] for times in (1, 50)] == pytest.approx([12, 600], abs=STEP)
    assert len(linear._steps) == before


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(["top", "slecht", "great", "schlecht", "nul"]), st.integers(1, 60), st.sampled_from(LANGUAGES))
def test_a_word_counts_once_however_often_it_is_said(word: str, times: int, language: str):
    layer = load_layer(language)
    assert layer is not None
    once, often = (layer.judge("", [word] * count, weighed(layer, [word] * count), 0.0, []) for count in (1, times))
    assert often.positive / (often.positive + often.negative) == pytest.approx(once.positive / (once.positive + once.negative))


def test_no_share_is_below_nothing():
    """Rounded by themselves, two shares may add up to a little more than 1."""
    layer = LinearLayer(parse_model(model(-60.0)))
    neutrals = [LayeredScorer(Pack(layer, compound / 500), layer).score("aap").neutral for compound in range(-500, 500)]
    assert {str(one) for one in neutrals} <= {"0.0", "0.0001"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\n", id="no text"),
        pytest.param(model()[:-1], id="cut off"),
        pytest.param(model().replace(b'"version":4', b'"version":3'), id="another version"),
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


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_held_back_text_is_trained_on(language: str):
    """By the rule as tests/texts/README.md says it, not as the script has it."""
    pytest.importorskip("scipy")
    pytest.importorskip("threadpoolctl")
    script = runpy.run_path(str(SCRIPT))
    taken = [text for read in (True, False) for text, _ in script["own_texts"](language, read=read)]
    files_of_it = sorted((Path(__file__).parent / "texts").glob(f"{language}-*.jsonl"))
    texts = [msgspec.json.decode(line) for file in files_of_it for line in file.read_text("utf-8").splitlines()]
    held = [text["text"] for text in texts if int.from_bytes(blake2b(text["id"].encode(), digest_size=8).digest()) % 5 == 0]
    assert len(held) + len(taken) == len(texts)
    assert len(held) > 0.15 * len(texts)
    assert not set(held) & set(taken)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_texts_that_were_not_read_for_words(language: str):
    """They alone say how sure a layer may be."""
    texts = Path(__file__).parent / "texts"
    unread = [name for name in (texts / "unread.txt").read_text("utf-8").split() if name.startswith(f"{language}-")]
    assert unread
    assert all((texts / f"{name}.jsonl").is_file() for name in unread)
