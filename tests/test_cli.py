"""The command line without a broker: fixed inputs and outputs, exit codes, and errors in one line instead of a stack trace."""

import json
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from typer.testing import CliRunner, Result

from agents import lexicons
from agents.cli import app
from agents.commands import score
from agents.demo import run, scenario
from agents.deployment import packaged_deployments
from agents.installation import foreign_packages
from agents.lexicons import load_engine
from agents.models import load_identifier
from pipeline.lexicon.pack import Pack, parse_pack

MENTION: dict[str, Any] = {
    "mention_id": "x:1",
    "brand": "noordnet",
    "channel": "x",
    "channel_family": "social",
    "text": "Al drie dagen geen internet, waardeloos!",
    "published_at": "2026-09-01T12:00:00Z",
    "author": {"id": "iemand"},
}


def webcare(*arguments: str, given: str | bytes = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def test_score_a_text() -> None:
    result = webcare("score", "Waardeloos, al drie dagen geen internet", "--json")
    answer = json.loads(result.stdout)
    assert answer["language"] == "nl"
    assert answer["sentiment"]["label"] == "negative"
    assert sum(answer["sentiment"][label] for label in ("negative", "neutral", "positive")) == pytest.approx(1)
    assert {hit["text"].lower() for hit in answer["sentiment"]["hits"]} >= {"waardeloos"}


def test_a_batch_gets_its_ids_back_and_the_language_given_for_all() -> None:
    given = '{"id":7,"text":"top"}\n{"id":"b","text":"top","language":"en"}\n{"text":"top"}\n'
    answers = [json.loads(line) for line in webcare("score", "--batch", "--language", "nl-BE", given=given).stdout.splitlines()]
    assert [(answer.get("id"), answer["language"], answer["language_ground"]) for answer in answers] == [
        (7, "nl", "given"),
        ("b", "en", "given"),
        (None, "nl", "given"),
    ]
    assert "id" not in answers[2]


def test_score_a_batch_in_order() -> None:
    texts = [
        {"text": "Heel fijn geholpen, bedankt!"},
        {"text": "This is terrible service"},
        {"text": "This is terrible service", "language": "nl"},
        {"text": "😡😡"},
        {"text": "Das ist wirklich sehr schlecht gelaufen", "extra": 1},
    ]
    result = webcare("score", "--batch", given="".join(json.dumps(text) + "\n" for text in texts))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["language"] for answer in answers] == ["nl", "en", "nl", None, "de"]
    labels = [answer["sentiment"]["label"] for answer in answers]
    assert labels[:2] + labels[3:] == ["positive", "negative", "unscored", "negative"]
    assert answers[2]["sentiment"]["vader"] is None, "a language that is given counts, whatever the text"
    assert answers[1]["sentiment"]["vader"]["neg"] > 0
    assert answers[0]["sentiment"]["vader"] is None, "a Dutch text never gets a VADER score"


@pytest.mark.parametrize(
    ("engine", "language", "ground"),
    [
        ("vader", "en", "VADER as it is"),
        ("pack", "en", "lexicon and rules alone"),
        ("full", "en", "lexicon and rules and the linear layer"),
        ("full", "nl", "lexicon and rules and the linear layer"),
        ("full", "pl", "nothing: there are no words for this language"),
        ("vader", "nl", "nothing: VADER is for English alone"),
        ("full", None, "nothing: the language is not known"),
    ],
)
def test_score_says_what_it_rests_on(
    engine: Literal["vader", "pack", "full"], language: str | None, ground: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "😡😡😡" if language is None else "my good parcel"
    answered = score.Scoring(load_identifier(), load_engine(engine)).answers([score._Given(text, language)])
    score._show_score(answered[0], engine)
    assert f", by {ground}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("Waardeloze service", "nl", "negative"),
        ("Heel fijn geholpen", "nl", "positive"),
        ("de winkel is open", "nl", "neutral"),
        ("Heel fijn geholpen", "nl", "negative"),
        ("terrible service", "en", "positive"),
    ],
)
def test_what_score_shows_has_the_sign_of_the_label(text: str, language: str, label: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the linear layer adds is shown where the words alone do not come to the label: here it is made up."""
    (answer,) = score.Scoring(load_identifier(), load_engine("full")).answers([score._Given(text, language)])
    adds = answer["sentiment"].label != label
    if adds:
        shares = {name: 0.6 if name == label else 0.2 for name in ("negative", "neutral", "positive")}
        answer["sentiment"] = msgspec.structs.replace(answer["sentiment"], label=label, **shares)
    score._show_score(answer, "full")
    shown = [line.split(None, 1) for line in capsys.readouterr().out.splitlines() if line.strip()[:1] in "+-"]
    assert any(what.startswith("all that the linear layer adds") for _, what in shown) is adds
    sign = {"positive": 1, "negative": -1, "neutral": 0}[label]
    assert sign * sum(float(valence) for valence, _ in shown) > 0 or sign == 0


@pytest.mark.parametrize("language", ["Nederlands", "xx", "", "und"])
def test_score_refuses_a_language_that_it_does_not_know_by_its_code(language: str) -> None:
    result = webcare("score", "Bedankt!", "--language", language)
    assert result.exit_code == 2
    assert "is no language that is known; use one of nl, en, de, fr" in " ".join(result.stderr.split())


@pytest.mark.parametrize("language", ["nl", "NL", "nl-BE", "nl_BE"])
def test_score_knows_a_language_in_every_way_of_writing_it(language: str) -> None:
    assert json.loads(webcare("score", "Bedankt!", "--language", language, "--json").stdout)["language"] == "nl"


def test_score_takes_a_language_with_its_region() -> None:
    given = [json.dumps({"text": "Wat een waardeloze service", "language": tag}) + "\n" for tag in ("nl", "nl-NL", "nl_BE", "NL")]
    answers = [json.loads(line) for line in webcare("score", "--batch", given="".join(given)).stdout.splitlines()]
    assert answers == [answers[0]] * 4
    assert answers[0]["language"] == "nl"


def test_score_reads_the_signals_in_what_is_scored() -> None:
    (answer,) = map(
        json.loads, webcare("score", "--batch", given=json.dumps({"text": "goed " * 500 + "?", "language": "nl"})).stdout.splitlines()
    )
    assert "question" not in answer["signals"]["intents"], "the stage cuts a text before it asks what it says"


def test_score_expects_the_languages_of_a_deployments_brands(tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        return str(json.loads(webcare("score", "Hoe kan dit nou weer misgaan!", "--json", *arguments).stdout)["language"])

    assert said() == "af"
    assert said("--config", str(tmp_path)) == "af", "no brands, nothing expected"
    (tmp_path / "brands.toml").write_text('[[brands]]\nslug = "acme"\nlanguages = ["nl", "en"]\n', "utf-8")
    assert said("--config", str(tmp_path)) == "nl"
    (tmp_path / "brands.toml").write_text('[[brands]]\nslug = "acme"\nlanguages = ["nl", "af"]\n', "utf-8")
    assert said("--config", str(tmp_path)) == "af"


def test_score_names_the_line_at_fault() -> None:
    result = webcare("score", "--batch", given='{"text":"goed"}\n{"tekst":"fout"}\n')
    assert result.exit_code == 2
    assert "line 2" in result.stderr


def test_score_answers_what_comes_before_the_line_at_fault() -> None:
    good = '{"text":"goed"}\n' * (score.SCORE_BATCH + 3)
    result = webcare("score", "--batch", given=good + "oops\n" + good)
    assert result.exit_code == 2
    assert f"line {score.SCORE_BATCH + 4}" in result.stderr
    assert len(result.stdout.splitlines()) == score.SCORE_BATCH + 3


def test_a_lexicon_that_is_wrong_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**files: bytes) -> Pack:
        return parse_pack(**(files | {"words": b'"klunzen" = -9'}))

    monkeypatch.setattr(lexicons, "parse_pack", broken)
    for arguments in (("score", "goed", "--language", "nl"), ("check", "--config", "deploy/demo")):
        result = webcare(*arguments)
        assert result.exit_code == 2
        assert "error: nl: words.toml: 'klunzen' = -9: a word or phrase is worth a number from -4" in " ".join(result.stderr.split())


def test_a_check_reads_the_lexicons_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(**files: bytes) -> Pack:
        return parse_pack(**(files | {"phrases": b'"in duigen" = -2\n"in duigen, tot niets" = -1'}))

    assert "lexicons of nl, en, de, fr, es, it, pt: nothing wrong" in webcare("check", "--config", "deploy/demo").stdout
    monkeypatch.setattr(lexicons, "parse_pack", torn)
    assert "error: nl: phrases.toml: 'in duigen' is -1 here and -2 elsewhere" in webcare("check", "--config", "deploy/demo").stderr


def test_score_refuses_a_line_nested_without_end() -> None:
    result = webcare("score", "--batch", given='{"text":"goed"}\n{"text":"x","y":' + "[" * 20_000)
    assert result.exit_code == 2
    assert "line 2" in result.stderr


def test_detect_keeps_rows_and_adds_three_columns() -> None:
    rows = [f"2026-01-0{1 + i // 288} {i % 288 // 12:02}:{i % 12 * 5:02}:00,{5 + i % 3}" for i in range(600)]
    rows[500] = rows[500].split(",")[0] + ",400"
    result = webcare("detect", given="timestamp,value\n" + "\n".join(rows) + "\n")
    out = result.stdout.splitlines()
    assert out[0] == "timestamp,value,expected,anomaly_score,alert"
    assert [line.rsplit(",", 3)[0] for line in out[1:]] == rows
    for line in out[1:]:
        _, score, alert = line.rsplit(",", 3)[1:]
        assert (float(score) >= 0.5) == (alert == "1")
    assert out[501].endswith(",1")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param("time,count\n", "line 1", id="header"),
        pytest.param("timestamp,value\n2026-01-01 00:00:00,3\nsoon,4\n", "line 3", id="time"),
        pytest.param("timestamp,value\n2026-01-01 00:00:00,-3\n", "line 2", id="negative count"),
        pytest.param("timestamp,value\n2026-01-01 00:05:00,3\n2026-01-01 00:00:00,4\n", "line 3: 2026-01-01 00:00:00", id="backwards"),
        pytest.param("timestamp,value\n2026-01-01 00:05:00,3\n2026-01-01T01:05+01:00,4\n", "line 3", id="one bucket twice"),
        pytest.param("timestamp,value\n2026-01-01 00:05:00,3\n2026-01-01 00:10:00,\0\n", "line 3", id="zero byte"),
        pytest.param(b"timestamp,value\n2026-01-01 00:05:00,3\n\xff\xfe\n", "standard input: line", id="no text"),
    ],
)
def test_detect_names_the_line_at_fault(given: str | bytes, says: str) -> None:
    result = webcare("detect", given=given)
    assert result.exit_code == 2
    assert says in result.stderr


def test_the_hour_that_a_local_clock_shows_twice_is_no_fault() -> None:
    minutes = [f"2026-10-25 0{hour}:{minute:02}:00" for hour in (1, 2, 2, 3) for minute in range(0, 60, 5)]
    given = "timestamp,value\n" + "".join(f"{minute},3\n" for minute in minutes)
    assert webcare("detect", "--timezone", "Europe/Amsterdam", given=given).exit_code == 0
    assert "line 26: 2026-10-25 02:00:00 does not come after 2026-10-25 02:55:00" in webcare("detect", given=given).stderr


def test_detect_judges_counts_of_many_brands(tmp_path: Path) -> None:
    folder = tmp_path / "counts"
    folder.mkdir()
    for brand, row in (("calm", 0), ("row", 40)):
        lines = [
            f"{1767571200 + 300 * i},{1 + i % 4 + (row if i >= 1500 else 0)},{row if i >= 1500 else int(i % 40 == 0)},9,1,1"
            for i in range(1510)
        ]
        (folder / f"{brand}.csv").write_text("ts,tot,neg,tot_raw,mult_tot,mult_neg\n" + "\n".join(lines) + "\n")
    result = webcare("detect", "--counts", str(folder), "--alerts", str(tmp_path / "alerts.csv"))
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "alerts.csv").read_text().splitlines() == ["brand,bucket,kind,signal", "row,1500,crit,burst"]
    row = folder / "row.csv"
    row.write_text("".join(",".join(line.split(",")[:3]) + "\n" for line in row.read_text().splitlines()))
    alone = webcare("detect", "--counts", str(row), "--alerts", str(tmp_path / "alerts.csv"))
    assert (alone.exit_code, "1 brand judged" in alone.stderr) == (0, True), "one file, where nothing was announced"
    assert "row,1500,crit,burst" in (tmp_path / "alerts.csv").read_text()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("ts,mult_tot,mult_neg\n", "columns missing: tot, neg", id="columns"),
        pytest.param("ts,tot,neg,mult_tot,mult_neg\nsoon,1,1,1,1\n", "line 2", id="time"),
        pytest.param("ts,tot,neg,mult_tot,mult_neg\n0,1,2,1,1\n", "at most all mentions", id="more negatives than mentions"),
        pytest.param("ts,tot,neg,mult_tot,mult_neg\n0,2,1,0,1\n", "between 0.1 and 1000", id="factor"),
        pytest.param("ts,tot,neg,mult_tot,mult_neg\n300,2,1,1,1\n300,2,1,1,1\n", "line 3", id="one bucket twice"),
    ],
)
def test_detect_names_the_file_and_line_of_counts_at_fault(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "kust.csv").write_text(content)
    result = webcare("detect", "--counts", str(tmp_path), "--alerts", str(tmp_path / "alerts"))
    assert result.exit_code == 2
    assert "kust.csv" in result.stderr
    assert says in result.stderr


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """As Excel and Notepad write it."""
    mark = "\ufeff"
    config = tmp_path / "config"
    config.mkdir()
    for name in ("brands.toml", "routing.toml", "dossiers.toml"):
        text = (packaged_deployments() / "demo" / name).read_text("utf-8")
        (config / name).write_bytes((mark + text.replace("\n", "\r\n")).encode())
    (config / "words.toml").write_text(mark + "[nl]\nkapoet = -3\n", "utf-8")
    checked = webcare("check", "--config", str(config))
    assert checked.exit_code == 0, checked.stderr
    (tmp_path / "mentions.jsonl").write_text(mark + json.dumps(MENTION) + "\r\n", "utf-8")
    done = webcare("run", "--offline", str(tmp_path / "mentions.jsonl"), "--output", str(tmp_path / "out"))
    assert done.exit_code == 0, done.stderr
    assert not (tmp_path / "out" / "webcare.dead-letter.v1.jsonl").exists()
    assert webcare("detect", given=mark + "timestamp,value\n2026-01-01 00:00:00,3\n").stdout.startswith("timestamp,value,expected")
    (tmp_path / "kust.csv").write_text(mark + "ts,tot,neg,mult_tot,mult_neg\n300,2,1,1,1\n", "utf-8")
    assert webcare("detect", "--counts", str(tmp_path), "--alerts", str(tmp_path / "alerts")).exit_code == 0
    assert webcare("score", "--batch", given=mark + '{"text":"Bedankt!"}\n').exit_code == 0
    assert webcare("explain", given=mark + json.dumps(MENTION)).exit_code == 0


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        pytest.param("utf-16", "is UTF-16, not UTF-8; save it as UTF-8", id="utf-16"),
        pytest.param("latin-1", "line 2: is not UTF-8 (Latin-1 or Windows-1252?); save it as UTF-8", id="latin-1"),
    ],
)
def test_another_encoding_is_named_with_what_to_do(tmp_path: Path, encoding: str, says: str) -> None:
    (tmp_path / "routing.toml").write_bytes((packaged_deployments() / "demo" / "routing.toml").read_bytes())
    (tmp_path / "brands.toml").write_bytes('[[brands]]\nnames = ["Café"]\nslug = "cafe"\n'.encode(encoding))
    checked = webcare("check", "--config", str(tmp_path))
    assert (checked.exit_code, f"brands.toml: {says}" in checked.stderr) == (2, True), checked.stderr
    rows = "timestamp,value,note\n2026-01-01 00:00:00,3,café\n".encode(encoding)
    detected = webcare("detect", given=rows)
    assert (detected.exit_code, f"standard input: {says}" in detected.stderr) == (2, True), detected.stderr


def test_semicolons_between_columns_are_named() -> None:
    assert "with commas between the columns" in webcare("detect", given="timestamp;value\n").stderr


@pytest.mark.parametrize("given", [("--counts", "here"), ("--alerts", "there")])
def test_counts_and_alerts_go_together(given: tuple[str, str]) -> None:
    assert "together" in webcare("detect", *given).stderr


def test_a_misspelt_variable_is_a_warning_and_for_check_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBCARE_STUCKAFTER", "60")
    scored = webcare("score", "Bedankt!", "--json")
    assert (scored.exit_code, scored.stderr.count("warning: WEBCARE_STUCKAFTER is not known")) == (0, 1)
    checked = webcare("check")
    assert checked.exit_code == 1
    assert "error: WEBCARE_STUCKAFTER is not known and has no effect; did you mean WEBCARE_STUCK_AFTER?" in checked.stderr


def test_check_names_a_misspelt_variable_also_where_the_files_are_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The name may be why they are not the files that were meant."""
    monkeypatch.setenv("WEBCARE_CONFG", "/elsewhere")
    checked = webcare("check", "--config", str(tmp_path))
    assert checked.exit_code == 2
    assert "error: WEBCARE_CONFG is not known" in checked.stderr
    assert "brands.toml" in checked.stderr


@pytest.mark.parametrize("zone", ["Nowhere", "Europe", "x" * 300, "../UTC"])
def test_detect_refuses_what_is_no_time_zone(zone: str) -> None:
    result = webcare("detect", "--timezone", zone, given="timestamp,value\n")
    assert result.exit_code == 2
    assert "unknown time zone" in result.stderr


def test_run_offline_and_explain_what_came_out(tmp_path: Path) -> None:
    file = tmp_path / "mentions.jsonl"
    file.write_text(json.dumps(MENTION) + "\n{broken\n")
    result = webcare("run", "--offline", str(file), "--output", str(tmp_path / "out"))
    assert result.exit_code == 0, result.stderr
    (routed,) = (tmp_path / "out" / "webcare.mention.routed.v1.jsonl").read_text().splitlines()
    (letter,) = (tmp_path / "out" / "webcare.dead-letter.v1.jsonl").read_text().splitlines()
    (item,) = {json.loads(line)["item_id"] for line in (tmp_path / "out" / "webcare.queue.item.v1.jsonl").read_text().splitlines()}
    assert json.loads(routed)["decision"]["item_id"] == item
    assert json.loads(letter)["value"] == "{broken"
    explained = webcare("explain", given=routed)
    assert explained.exit_code == 0, explained.stderr
    assert f"→ {json.loads(routed)['decision']['rule']}: decides" in explained.stdout
    assert "decided again from its own facts: the same" in explained.stdout


def test_a_bad_line_is_told_with_its_number_and_the_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "mentions.jsonl"
    lines = [json.dumps(MENTION), "", "{broken", json.dumps(MENTION | {"mention_id": "x:2", "rating": 9}), "\xe9".encode("latin-1")]
    file.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    result = webcare("run", "--offline", str(file), "--output", str(tmp_path / "out"))
    assert result.exit_code == 0, result.stderr
    letters = [json.loads(line) for line in (tmp_path / "out" / "webcare.dead-letter.v1.jsonl").read_text().splitlines()]
    assert {letter["line"]: letter["reason"] for letter in letters} == {3: "not_json", 4: "invalid_record", 5: "not_json"}
    assert "3 of 4 lines cannot be used (not_json 2, invalid_record 1), the first is line 3: " in result.stderr
    tested = webcare("backtest", str(file), "--output", str(tmp_path / "out"))
    assert tested.exit_code == 0, tested.stderr
    assert "3 of 4 lines cannot be used" in tested.stderr


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        pytest.param(b"# A page\n\nwith words\n", 1, "2 of 2 lines cannot be used (not_json 2), the first is line 1: ", id="a page"),
        pytest.param(json.dumps([MENTION], indent=1).encode(), 1, "it looks like a JSON array", id="array"),
        pytest.param(b"mention_id,text\nx:1,goed\n", 1, "each line must be one JSON object", id="csv"),
        pytest.param((json.dumps(MENTION) + "\n").encode("utf-16"), 2, "is UTF-16, not UTF-8; save it as UTF-8", id="utf-16"),
        pytest.param((json.dumps(MENTION) + "\n").encode("utf-16-le"), 2, "is UTF-16, not UTF-8", id="utf-16 without a mark"),
        pytest.param(
            b'{"text":"caf\xe9"}\n',
            1,
            "a text is not UTF-8 (its byte 3); is the file Latin-1 or Windows-1252? save it as UTF-8",
            id="latin-1",
        ),
    ],
)
def test_a_file_without_any_mention_is_no_success(tmp_path: Path, content: bytes, code: int, says: str) -> None:
    file = tmp_path / "mentions.jsonl"
    file.write_bytes(content)
    result = webcare("run", "--offline", str(file), "--output", str(tmp_path / "out"))
    assert result.exit_code == code
    assert says in result.stderr
    if content.startswith(b"#"):
        tested = webcare("backtest", str(file), "--output", str(tmp_path / "out"))
        assert (tested.exit_code, says in tested.stderr) == (code, True)
    assert not (tmp_path / "out" / "report.html").exists()


def test_brands_that_are_not_registered_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mentions.jsonl"
    brands = ["noordnett", "noordnet", "noordnett"]
    file.write_text("".join(json.dumps(MENTION | {"mention_id": f"x:{i}", "brand": brand}) + "\n" for i, brand in enumerate(brands)))
    for command in (("run", "--offline"), ("backtest",)):
        result = webcare(*command, str(file), "--output", str(tmp_path / "out"))
        assert result.exit_code == 0, result.stderr
        assert "brands.toml: noordnett (2; did you mean noordnet?); such a brand is judged by the defaults (--config" in result.stderr
    file.write_text(json.dumps(MENTION) + "\n")
    assert "brands.toml" not in webcare("run", "--offline", str(file), "--output", str(tmp_path / "out")).stderr


def test_the_demo_writes_its_weeks_to_try_other_commands_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "scenario", lambda phrases, seed: islice(scenario.scenario(phrases, seed), 40))
    file = tmp_path / "weeks.jsonl"
    written = webcare("demo", "--write", str(file))
    assert written.exit_code == 0, written.output
    lines = file.read_bytes().splitlines()
    assert len(lines) == 40
    assert {"mention_id", "brand", "text", "published_at"} <= set(json.loads(lines[0]))
    assert webcare("run", str(file), "--offline", "--output", str(tmp_path / "out")).exit_code == 0
    refused = webcare("demo", "--write", str(tmp_path / "nowhere" / "weeks.jsonl"))
    assert refused.exit_code == 2
    assert "nowhere" in refused.output


def test_explain_a_raw_mention_and_a_bad_one() -> None:
    explained = webcare("explain", given=json.dumps(MENTION)).stdout
    assert "decides" in explained
    assert "sure), by its letters" in explained, "the same words as `webcare score`"
    assert "due Tue 01 Sep 2026 1" in explained
    assert "CEST" in explained, "the brand's own time"
    assert "None" not in explained.split("fact", 1)[0]
    assert "decides" in webcare("explain", given=json.dumps(MENTION | {"brand": "not-registered"})).stdout
    bad = webcare("explain", given=json.dumps(MENTION | {"rating": 9}))
    assert bad.exit_code == 1
    assert "invalid_record" in bad.stderr
    assert webcare("explain", given="{").exit_code == 2


def test_check_the_packaged_deployment() -> None:
    result = webcare("check")
    assert result.exit_code == 0, result.stderr
    assert "as they should be" in result.stdout


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        pytest.param(
            "brands.toml", "[[brands]]\nslug = 'acme'\ntimezone = 'UTC'\n", "unknown field `timezone` - at `$.brands[0]`", id="typo"
        ),
        pytest.param("routing.toml", "[[rules]]\n", "routing.toml", id="rule without a name"),
        pytest.param("brands.toml", "[[brands]\n", "line 1", id="not TOML"),
    ],
)
def test_check_names_what_is_wrong(tmp_path: Path, file: str, content: str, says: str) -> None:
    for name in ("brands.toml", "routing.toml"):
        (tmp_path / name).write_bytes((packaged_deployments() / "demo" / name).read_bytes())
    (tmp_path / file).write_text(content)
    result = webcare("check", "--config", str(tmp_path))
    assert result.exit_code == 2
    assert says in result.stderr.replace("Object contains ", "")


def test_check_warns_of_a_registry_without_brands(tmp_path: Path) -> None:
    (tmp_path / "routing.toml").write_bytes((packaged_deployments() / "demo" / "routing.toml").read_bytes())
    (tmp_path / "brands.toml").write_text("")
    result = webcare("check", "--config", str(tmp_path))
    assert "brands.toml: no [[brands]]" in result.stderr
    assert "as they should be" not in result.stdout


def test_a_port_that_is_none_is_blamed_on_the_option() -> None:
    result = webcare("worker", "--port", "99999")
    assert result.exit_code == 2
    assert "--port" in result.output
    assert "WEBCARE_WEB_PORT" not in result.output


def test_a_live_worker_refuses_to_start_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBCARE_AUTHOR_KEY", raising=False)
    result = webcare("worker")
    assert result.exit_code == 2
    assert "WEBCARE_AUTHOR_KEY" in result.stderr


def test_no_broker_is_one_clear_line() -> None:
    result = webcare("tail", "webcare.mention.routed.v1", "--bootstrap", "127.0.0.1:1")
    assert result.exit_code == 2
    assert "no Kafka answers at 127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_installed_packages_are_ours() -> None:
    assert foreign_packages() == []


def test_a_foreign_package_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.installation.metadata.packages_distributions", lambda: {"agents": ["webcare-stream", "openai-agents"]})
    (problem,) = foreign_packages()
    assert "openai-agents" in problem
    assert "uninstall" in problem
