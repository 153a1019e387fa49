"""Which language a text is in: by the library's model, whatever the batch, and declined where it cannot be told. All texts are invented."""

import math
from importlib.resources import files
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE
from py3langid.langid import LanguageIdentifier as PackagedIdentifier

from agents.models import load_identifier
from pipeline.identify import (
    DECOY_BIAS,
    GATE,
    NAMED,
    PRIORS,
    Language,
    LanguageIdentifier,
    clean,
    encode,
    named,
    says_nothing,
)
from pipeline.words import ONLY_WEIGHT, USUAL_WEIGHT, ShortWords, WordsError, parse_words

SAID = {
    "nl": "Al drie dagen wacht ik op mijn pakketje en niemand neemt de telefoon op",
    "en": "My parcel should have been here last week and nobody answers the phone",
    "de": "Seit drei Tagen warte ich auf mein Paket und niemand geht ans Telefon",
    "fr": "J'attends mon colis depuis trois jours et personne ne répond au téléphone",
    "es": "Llevo tres días esperando mi paquete y nadie contesta el teléfono",
    "it": "Aspetto il mio pacco da tre giorni e nessuno risponde al telefono",
    "pt": "Estou há três dias à espera da minha encomenda e ninguém atende o telefone",
    "pl": "Od trzech dni czekam na paczkę i nikt nie odbiera telefonu",
    "tr": "Üç gündür kargomu bekliyorum ve kimse telefona bakmıyor",
    "ar": "أنتظر طردي منذ ثلاثة أيام ولا أحد يرد على الهاتف",
    "da": "Jeg har ventet på min pakke i tre dage, og ingen tager telefonen",
    "sv": "Jag har väntat på mitt paket i tre dagar och ingen svarar i telefon",
    "nb": "Jeg har ventet på pakken min i tre dager, og ingen svarer på telefonen",
    "af": "Ek wag al drie dae vir my pakkie en niemand antwoord die foon nie",
    "fy": "Ik wachtsje al trije dagen op myn pakje en nimmen nimt de tillefoan op",
}
OTHERS = {
    "fi": "Olen odottanut pakettia kolme päivää eikä kukaan vastaa puhelimeen",
    "hu": "Három napja várom a csomagomat, és senki sem veszi fel a telefont",
    "ru": "Я жду свою посылку уже три дня, и никто не берёт трубку",
    "zh": "我等包裹已经等了三天，没有人接电话",
    "id": "Saya sudah menunggu paket saya selama tiga hari dan tidak ada yang menjawab telepon",
    "ro": "Aștept coletul de trei zile și nimeni nu răspunde la telefon",
}
NOISY = [
    *SAID.values(),
    *OTHERS.values(),
    "",
    "!",
    "😡😡",
    "Bedankt!",
    "WAAROM DOET DE APP HET WEER NIET",
    "echt zooooo traag @merk #traag https://t.co/abc",
    "RT @iemand: storing in heel Utrecht",
    "e\u0301e\u0301n keer is genoeg",
    "\ud800 kapot",
    "x" * 3_000,
    "Mijn bestelling is weer te laat. " * 90,
]


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    return load_identifier()


@pytest.fixture(scope="module")
def library(identifier: LanguageIdentifier) -> PackagedIdentifier:
    """The library itself, set to our candidates, decoys held back."""
    packaged = PackagedIdentifier.from_model_file(MODEL_FILE)
    packaged.set_languages({"no", "nn", *identifier.labels} - {"nb"})
    ours = {"no", "nn", "zxx", *NAMED}
    packaged.nb_pc = packaged.nb_pc + np.array([0 if code in ours else DECOY_BIAS for code in packaged.nb_classes], dtype=np.float32)
    return packaged


def one(identifier: LanguageIdentifier, text: str, *, neutral: bool = False, hint: str | None = None) -> Language:
    (language,) = identifier.identify([text], neutral=[neutral], hints=[hint])
    return language


# cleaning


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("kijk op https://shop.example/a?b=c nu", "kijk op nu", id="link"),
        pytest.param("kijk op WWW.shop.example nu", "kijk op nu", id="link without a scheme"),
        pytest.param("mail jan.de-boer+x@shop.example maar", "mail maar", id="mail address"),
        pytest.param("@merk @merk_nl, help", ", help", id="handles"),
        pytest.param("bedankt@merk", "bedankt@merk", id="an at sign inside a word"),
        pytest.param("RT @merk: goed nieuws", "goed nieuws", id="repost"),
        pytest.param("RTL is dood", "RTL is dood", id="a word that begins with RT"),
        pytest.param("weer geen internet #merk #fail", "weer geen internet", id="hashtags go"),
        pytest.param("#wanhoop #ellende :(", "wanhoop ellende :(", id="hashtags stay where they are all there is"),
        pytest.param("zooooo jaaaaa", "zoo jaa", id="stretched letters"),
        pytest.param("ÉÉÉÉN keer", "ÉÉN keer", id="stretched letters with accents"),
        pytest.param("1000000 keer...", "1000000 keer...", id="digits and dots are not letters"),
        pytest.param("een\ntwee \t drie ", "een twee drie", id="white space"),
        pytest.param("a" * 2_001, "aa", id="long"),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_long_text_of_addresses_is_cleaned_at_once() -> None:
    """No pattern may run back and forth over a text that somebody made to that end."""
    for text in ("a" * 2_000 + "@", "@" * 2_000, "a@" * 1_000, "a.b-" * 500 + "@x", "#" * 2_000, "RT" * 1_000, "wwww." * 400):
        clean(text)


# tags


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("nl", "nl"),
        ("NL", "nl"),
        ("nl-BE", "nl"),
        ("nl_NL", "nl"),
        (" fy ", "fy"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("fi", None),
        ("", None),
        ("Dutch", None),
    ],
)
def test_tags(tag: str, code: str | None) -> None:
    assert named(tag) == code


@pytest.mark.parametrize(
    ("tag", "nothing"), [("und", True), ("qme", True), ("zxx", True), ("", True), ("-", True), ("nl", False), ("fi", False), ("qu", False)]
)
def test_tags_that_name_no_language(tag: str, nothing: bool) -> None:
    assert says_nothing(tag) is nothing


# languages


@pytest.mark.parametrize(("code", "text"), SAID.items())
def test_each_language_is_named(identifier: LanguageIdentifier, code: str, text: str) -> None:
    language = one(identifier, text)
    assert (language.code, language.guess, language.ground) == (code, code, "text")
    assert language.confidence is not None
    assert language.confidence > 0.75


@pytest.mark.parametrize(("code", "text"), OTHERS.items())
def test_other_languages_are_declined(identifier: LanguageIdentifier, code: str, text: str) -> None:
    language = one(identifier, text)
    assert (language.code, language.ground) == (None, None)
    assert language.guess in NAMED


@pytest.mark.parametrize(
    "text", ["", " ", "😂😂", "12:45", "€ 19,95", "@merk", "https://t.co/abc", ":-)", "+31 6 12345678", "@a @b !!", "5*"]
)
def test_a_text_without_letters_has_no_language_and_no_guess(identifier: LanguageIdentifier, text: str) -> None:
    assert one(identifier, text, hint="nl") == Language(None, None, None, None)


@pytest.mark.parametrize("text", ["x", "B.", "lol", "#merk", "Zutphen", "qwrtpsdf"])
def test_names_and_noises_are_declined_with_a_guess(identifier: LanguageIdentifier, text: str) -> None:
    language = one(identifier, text)
    assert language.code is None
    assert language.guess in NAMED
    assert language.confidence is not None


def test_capitals_and_stretched_letters_change_nothing(identifier: LanguageIdentifier) -> None:
    assert one(identifier, "waarom doet de app het weer niet").code == "nl"
    assert one(identifier, "WAAROM DOET DE APP HET WEER NIET") == one(identifier, "waarom doet de app het weer niet")
    assert one(identifier, "echt zoooooooo traag vandaag") == one(identifier, "echt zoo traag vandaag")


@pytest.mark.parametrize("text", ["Alweer storing, waardeloos", "Dit lost niks op", "Wat een slechte service weer"])
def test_short_dutch_is_not_taken_for_afrikaans(identifier: LanguageIdentifier, text: str) -> None:
    assert one(identifier, text).code == "nl"


def test_priors_are_for_dutch_and_a_neutral_stream_has_none(identifier: LanguageIdentifier) -> None:
    assert one(identifier, "Mooi boek").code == "nl"
    assert one(identifier, "Mooi boek", neutral=True).code == "af"


SHORT_DUTCH = [
    "Haha die reclame met die hond, geweldig!",
    "Hoe kan dit nou weer misgaan!",
    "Mooi hoor, app weer plat op betaaldag 👏",
    "Wat is dit nou weer",
    "Weer die app",
    "Ik wil my geld terug",
    "Nou lekker dan",
    "Goeie service",
]


@pytest.mark.parametrize("text", SHORT_DUTCH)
@pytest.mark.parametrize("expected", [("nl",), ("nl", "en"), ("de", "nl")])
def test_short_dutch_of_a_brand_that_is_written_to_in_dutch_is_dutch(
    identifier: LanguageIdentifier, text: str, expected: tuple[str, ...]
) -> None:
    (language,) = identifier.identify([text], expected=[expected])
    assert language.code == "nl"


@pytest.mark.parametrize("expected", [("nl", "af"), ("en",), ()])
def test_afrikaans_is_held_back_only_where_dutch_is_expected_and_it_is_not(
    identifier: LanguageIdentifier, expected: tuple[str, ...]
) -> None:
    assert identifier.identify(SHORT_DUTCH, expected=[expected] * len(SHORT_DUTCH)) == identifier.identify(SHORT_DUTCH)


@pytest.mark.parametrize(
    ("expected", "code", "text"),
    [
        pytest.param(("nl",), "af", "Die diens was baie swak en niemand wil my help nie", id="Afrikaans"),
        pytest.param(("nl",), "af", "Hoekom werk die toep nie vandag nie?", id="an Afrikaans question"),
        pytest.param(("nl",), "af", "Sies, die kos was vrot", id="a short one that is clear"),
        pytest.param(("nl",), "de", "Wo bleibt mein Paket?", id="German"),
        pytest.param(("nl",), "en", "What is this", id="English"),
        pytest.param(("nl",), "fr", "Où est mon colis ?", id="French"),
        pytest.param(("da",), "nb", "Jeg vil ha pengene mine tilbake nå", id="Norwegian of a Danish brand"),
        pytest.param(("nb",), "da", "Tusind tak for den hurtige hjælp, I er dygtige", id="Danish of a Norwegian brand"),
        pytest.param(("nb",), "nb", "Hvorfor får jeg ikke svar", id="what may be both is the brand's: Norwegian"),
        pytest.param(("da",), "da", "Hvorfor får jeg ikke svar", id="what may be both is the brand's: Danish"),
        *[pytest.param(("nl",), code, text, id=f"a sentence in {code}") for code, text in SAID.items()],
        *[pytest.param(("da",), code, text, id=f"a sentence in {code} of a Danish brand") for code, text in SAID.items() if code != "nb"],
        *[pytest.param(("nl",), None, text, id=f"a sentence in {code}") for code, text in OTHERS.items()],
    ],
)
def test_a_clear_text_is_never_forced_into_a_language_that_is_expected(
    identifier: LanguageIdentifier, expected: tuple[str, ...], code: str | None, text: str
) -> None:
    (language,) = identifier.identify([text], expected=[expected])
    assert language.code == code


def test_a_text_is_named_alike_in_a_batch_of_many_streams(identifier: LanguageIdentifier) -> None:
    expected: list[tuple[str, ...]] = [("nl",), (), ("nl", "af"), ("da",), ("nl",)] * 2
    neutral = [False] * 5 + [True] * 5
    together = identifier.identify(["Hoe kan dit nou weer misgaan!"] * 10, neutral=neutral, expected=expected)
    for at, language in enumerate(together):
        (alone,) = identifier.identify(["Hoe kan dit nou weer misgaan!"], neutral=[neutral[at]], expected=[expected[at]])
        assert alone == language
    assert [language.code for language in together] == ["nl", "af", "af", "af", "nl", *["af"] * 5]


# words


@pytest.fixture(scope="module")
def words() -> ShortWords:
    return parse_words((files("pipeline") / "words.toml").read_bytes(), NAMED)


def test_four_languages_have_words_and_dutch_most(words: ShortWords) -> None:
    listed = [*words.only.values(), *words.usually.values()]
    assert {language: listed.count(language) > 100 for language in set(listed)} == dict.fromkeys(("nl", "en", "de", "fr"), True)
    assert listed.count("nl") > 450


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"only =", r"words.toml: ", id="no TOML"),
        pytest.param(b"\xff", r"words.toml: ", id="no text"),
        pytest.param(b'[only]\nnl = "ja"\n[mostly]\nnl = "nee"', r"words.toml: .*mostly", id="an unknown table"),
        pytest.param(b'[only]\nnds = "moin"', r"\[only\] nds is no language that we name; use one of nl, en", id="an unknown language"),
        pytest.param(b'[only]\nnl = "Bedankt"', r"nl: 'Bedankt' is in no text", id="capitals"),
        pytest.param(b'[only]\nnl = "u"', r"nl: 'u' is in no text", id="one letter"),
        pytest.param(b'[only]\nnl = "top!"', r"nl: 'top!' is in no text", id="a mark"),
        pytest.param(b'[only]\nnl = "prima"\nde = "prima"', r"'prima' is listed for nl and for de", id="two languages"),
        pytest.param(b'[only]\nnl = "prima"\n[usually]\nnl = "prima"', r"'prima' is listed for nl and for nl", id="two tables"),
    ],
)
def test_a_wrong_file_of_words_is_told_with_its_word(content: bytes, problem: str) -> None:
    with pytest.raises(WordsError, match=problem):
        parse_words(content, NAMED)


@pytest.mark.parametrize(
    ("text", "alone", "expected"),
    [
        ("Bedankt", False, ("nl", ONLY_WEIGHT)),
        ("Bedankt", True, ("nl", ONLY_WEIGHT)),
        ("echt slechte klantenservice", True, ("nl", 2 * ONLY_WEIGHT)),
        ("BEDANKT bedankt", False, ("nl", ONLY_WEIGHT)),
        ("prima bedankt", False, ("nl", ONLY_WEIGHT + USUAL_WEIGHT)),
        ("prima", False, ("nl", USUAL_WEIGHT)),
        ("prima", True, None),
        ("c’est magnifique", False, ("fr", 2 * ONLY_WEIGHT)),
        ("bedankt thanks", False, None),
        ("prima thanks", False, None),
        ("zzz", False, None),
        ("", False, None),
        ("bedankt a b c d e f g h i j k", False, ("nl", ONLY_WEIGHT)),
        ("bedankt a b c d e f g h i j k l", False, None),
    ],
)
def test_words_speak_for_one_language(words: ShortWords, text: str, alone: bool, expected: tuple[str, float] | None) -> None:
    assert words.say(text, alone=alone) == expected


@pytest.mark.parametrize(
    "text",
    ["Bedankt!", "storing", "Klopt", "prima", "top!", "Top!!!", "Kut service", "Jammer", "Dank je", "Oplichting!"],
)
def test_a_listed_word_decides_what_would_be_declined(identifier: LanguageIdentifier, text: str) -> None:
    language = one(identifier, text)
    assert (language.code, language.guess, language.ground) == ("nl", "nl", "words")
    assert language.confidence is not None
    assert language.confidence > 0.5


@pytest.mark.parametrize("text", ["helaas", "Waardeloos!", "Slecht", "traag", "wat nu"])
def test_other_dutch_of_one_or_two_words_is_told_by_the_text(identifier: LanguageIdentifier, text: str) -> None:
    assert one(identifier, text)[::3] == ("nl", "text")


def test_shared_words_speak_neither_in_a_neutral_stream_nor_against_a_hint(identifier: LanguageIdentifier) -> None:
    assert one(identifier, "top!", neutral=True).code is None
    assert one(identifier, "prima", neutral=True).ground != "words"
    assert one(identifier, "Prima!", hint="de")[::3] == ("de", "hint")
    assert one(identifier, "Bedankt!", hint="de")[::3] == ("nl", "words"), "a word of one language alone does"


def test_a_listed_word_overrules_a_short_text_that_is_not_sure(identifier: LanguageIdentifier) -> None:
    nobody = LanguageIdentifier(PackagedIdentifier.from_model_file(MODEL_FILE), ShortWords({}, {}))
    assert one(nobody, "Oplichting!")[::3] == ("de", "text")
    assert one(identifier, "Oplichting!")[::3] == ("nl", "words")


def test_words_do_not_overrule_a_text(identifier: LanguageIdentifier) -> None:
    language = one(identifier, OTHERS["fi"] + " bedankt")
    assert language.code is None


# hints


@pytest.mark.parametrize(
    ("text", "hint", "expected"),
    [
        pytest.param("Zutphen", "nl", ("nl", "hint"), id="declined: the hint decides"),
        pytest.param("Zutphen", None, (None, None), id="declined without a hint"),
        pytest.param("😂😂", "nl", (None, None), id="no letters, no language"),
        pytest.param("x 😂", "nl", (None, None), id="one letter is no text"),
        pytest.param("Bedankt!", "nl", ("nl", "words"), id="the hint says what the words say"),
        pytest.param(SAID["de"], "nl", ("de", "text"), id="a clear text is not overruled"),
        pytest.param(SAID["nl"], "nl", ("nl", "text"), id="nor confirmed"),
        pytest.param("nie wieder Schule", "nl", ("de", "text"), id="nor is a short one that is sure"),
        pytest.param(OTHERS["fi"], "nl", (None, None), id="a clear text in a language that we do not name"),
    ],
)
def test_hints(identifier: LanguageIdentifier, text: str, hint: str | None, expected: tuple[str | None, str | None]) -> None:
    language = one(identifier, text, hint=hint)
    assert (language.code, language.ground) == expected
    if language.ground == "hint":
        assert language.confidence is None


def test_a_short_text_that_is_not_sure_gives_way_to_a_hint(identifier: LanguageIdentifier) -> None:
    assert one(identifier, "Hoe laat is dit", neutral=True).code == "af"
    assert one(identifier, "Hoe laat is dit", neutral=True, hint="nl") == Language("nl", "af", None, "hint")


# the batch


def merged(ranked: list[tuple[str, float]], labels: tuple[str, ...]) -> list[float]:
    scores = dict(ranked)
    scores["nb"] = max(scores["no"], scores["nn"])
    return [0.0 if scores[label] < -1e30 else scores[label] for label in labels]


def expected_of(scores: list[float], labels: tuple[str, ...], text: str) -> tuple[str, float, float]:
    """Label, gate and confidence, from the library's scores, in plain arithmetic."""
    told = [score + PRIORS.get(label, 0.0) for label, score in zip(labels, scores, strict=True)]
    best = max(range(len(told)), key=told.__getitem__)

    def share(temperature: float) -> float:
        scale = temperature * math.sqrt(len(encode(text)) or 1)
        return 1 / sum(math.exp((value - told[best]) / scale) for value in told)

    return labels[best], share(1.0), share(0.5)


texts = st.one_of(
    st.sampled_from(NOISY),
    st.lists(st.sampled_from(" ".join([*SAID.values(), *OTHERS.values()]).split()), max_size=12).map(" ".join),
    st.text(max_size=80),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, max_size=40))
@example(NOISY)
@example([""] * 30)
def test_a_batch_agrees_with_the_library(identifier: LanguageIdentifier, library: PackagedIdentifier, batch: list[str]) -> None:
    cleaned = [clean(text) for text in batch]
    scores = identifier.scores([encode(text) for text in cleaned])
    for text, row, language in zip(cleaned, scores, identifier.identify(batch), strict=True):
        theirs = merged(library.rank(text), identifier.labels)
        assert row.tolist() == pytest.approx(theirs, rel=1e-5, abs=2e-3)
        label, gate, confidence = expected_of(theirs, identifier.labels, text)
        if language.guess is None or language.ground == "words" or abs(gate - GATE) < 1e-4:
            continue
        is_told = label in NAMED and gate >= GATE and (len(text) >= 12 or sum(map(str.isalpha, text)) >= 2)
        assert language.code == (label if is_told else None)
        if label == language.guess:
            assert language.confidence == pytest.approx(confidence, abs=2e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(texts, min_size=1, max_size=40), st.randoms(use_true_random=False))
@example(NOISY * 3, Random(1))
def test_a_text_is_told_the_same_to_the_last_bit_in_any_batch(identifier: LanguageIdentifier, batch: list[str], random: Random) -> None:
    together = dict(zip(batch, identifier.identify(batch), strict=True))
    alone = {text: one(identifier, text) for text in batch}
    shuffled = random.sample(batch * 2, len(batch))
    assert together == alone
    assert all(language == together[text] for text, language in zip(shuffled, identifier.identify(shuffled), strict=True))


@given(texts, st.booleans(), st.sampled_from([None, *NAMED]))
@settings(max_examples=150, deadline=None)
def test_what_is_said_of_a_language_holds_together(identifier: LanguageIdentifier, text: str, neutral: bool, hint: str | None) -> None:
    language = one(identifier, text, neutral=neutral, hint=hint)
    assert (language.code is None) == (language.ground is None)
    assert language.code is None or language.code in NAMED
    assert language.confidence is None or 0.0 <= language.confidence <= 1.0
    assert (language.confidence is None) == (language.guess is None or language.ground == "hint")
    assert language.ground != "hint" or language.code == hint
