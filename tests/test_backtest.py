"""The backtest: what it counts, what it proposes, and a page that needs nothing from outside and shows no text."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from agents.backtest.counts import read_history as read_counted_history
from agents.backtest.history import STAGES, BrandHistory, HourSeen, Mark, Raised, read_history
from agents.backtest.picture import HEIGHT, WIDTH, picture, spread
from agents.backtest.profiles import EveryProfile, other_profiles
from agents.backtest.readiness import PROFILES, proposed, readiness
from agents.backtest.report import rule_alarms, write_report
from agents.broker import Broker
from agents.cli import app
from agents.deployment import build_stages, load_deployment
from agents.replay import in_order, read_line, replay
from agents.sending import send_records
from agents.settings import DEMO_KEY, Settings
from agents.topics import apply_topics
from pipeline.brands import Brand, CalendarEvent, Registry
from pipeline.crisis import CrisisStage
from pipeline.partition import Partitioner
from pipeline.ticks import BUCKET
from schemas.mention import Tier
from schemas.outputs import Alert, Band

FIRST = int(datetime(2026, 9, 14, tzinfo=UTC).timestamp()) // BUCKET
DAY = 288


def history(days: int = 20, slug: str = "noordnet") -> BrandHistory:
    """One negative and two others every half hour."""
    known = BrandHistory(slug)
    for bucket in range(FIRST, FIRST + days * DAY, 6):
        known.mentions[bucket] = known.counted[bucket] = 3
        known.negatives[bucket] = known.counted_negatives[bucket] = 1
        known.hours[bucket // 12] = HourSeen(2.0, 2.0)
    known.by_source.update({"feed": 900, "mailbox": 100})
    known.late.update({"feed": 9})
    known.authors.update({"h1:aa": 50, "h1:bb": 5})
    known.otherwise = {"sensitive": 0, "quiet": 0}
    known.tones = {"social": Counter(negative=30, neutral=60, positive=10), "mail": Counter(negative=80, neutral=15, positive=5)}
    return known


def test_readiness_of_a_warm_brand() -> None:
    ready = readiness(history(), Brand(slug="noordnet"))
    assert ready.warm
    assert [(one.source, one.late, one.too_late) for one in ready.sources] == [("feed", 0.01, 0.0), ("mailbox", 0.0, 0.0)]
    assert ready.loudest[0] == ("h1:aa", 50, 0.05)
    assert [(tone.family, tone.negative) for tone in ready.tones] == [("mail", 0.8), ("social", 0.3)]
    assert ready.tones[0].divergence == pytest.approx(ready.tones[1].divergence)
    assert ready.tones[0].divergence is not None
    assert 0.3 < ready.tones[0].divergence < 0.5
    assert ready.incidents == {"sensitive": 0, "default": 0, "quiet": 0}
    assert ready.profile == "sensitive"


def test_that_a_short_history_is_not_warm_and_tells_no_profile() -> None:
    ready = readiness(history(days=5), Brand(slug="noordnet"))
    assert (ready.warm, ready.profile) == (False, "default")


def test_that_little_tone_is_no_tone() -> None:
    known = history()
    known.tones["review"] = Counter(negative=3)
    assert readiness(known, Brand(slug="noordnet")).tones[1].negative is None


@pytest.mark.parametrize(
    ("sensitive", "default", "quiet", "wanted"), [(2, 1, 0, "sensitive"), (3, 2, 0, "default"), (9, 5, 1, "quiet"), (9, 9, 9, "quiet")]
)
def test_which_profile_is_proposed(sensitive: int, default: int, quiet: int, wanted: str) -> None:
    assert proposed({"sensitive": sensitive, "default": default, "quiet": quiet}, 30.0) == wanted


@pytest.mark.parametrize(("days", "wanted"), [(22.0, "quiet"), (30.0, "sensitive"), (14.0, "quiet"), (15.0, "quiet"), (13.9, "default")])
def test_that_a_shorter_history_may_hold_fewer_incidents(days: float, wanted: str) -> None:
    assert proposed({"sensitive": 2, "default": 2, "quiet": 1}, days) == wanted


def test_that_nine_hours_in_ten_lie_in_the_band() -> None:
    hours = [HourSeen(4.0 + 0.1 * index, 4.0) for index in range(100)]
    width = spread(hours)
    assert sum(abs(hour.observed - hour.expected) <= width * (hour.expected + 0.25) ** 0.5 for hour in hours) in (90, 91)


def test_the_picture_is_well_formed_and_holds_the_calendar() -> None:
    start = datetime(2026, 9, 16, tzinfo=UTC)
    event = CalendarEvent(name="Herfst & <actie>", kind="campaign", starts_at=start, ends_at=start + timedelta(days=1))
    drawn = ElementTree.fromstring(picture(history(), Brand(slug="noordnet", events=(event,))))
    assert "campaign: Herfst & <actie>" in [title.text for title in drawn.iter("title")]
    assert {line.get("class") for line in drawn.iter("polyline")} == {"expected", "observed"}


def test_that_all_that_is_drawn_lies_in_the_picture() -> None:
    known = history()
    known.hours[FIRST // 12 + 100] = HourSeen(900.0, 2.0)
    known.told = [Mark(datetime(2026, 9, day, tzinfo=UTC), "warning", "burst", "", opens=True) for day in (1, 20, 29)]
    drawn = ElementTree.fromstring(picture(known, Brand(slug="noordnet")))
    points = [point.split(",") for line in (*drawn.iter("polyline"), *drawn.iter("polygon")) for point in line.get("points", "").split()]
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)
    assert [0 <= float(mark.get("cx", "-1")) <= WIDTH for mark in drawn.iter("circle")] == [True] * 3


def test_that_a_brand_without_hours_has_no_picture() -> None:
    assert picture(BrandHistory("leeg"), Brand(slug="leeg")) == ""


def test_that_rules_see_every_negative(tmp_path: Path) -> None:
    known = history(30)
    for bucket in range(FIRST + 20 * DAY, FIRST + 20 * DAY + 36):
        known.negatives[bucket] = 6
    times = rule_alarms(known)["meltwater"]
    assert len(times) == 1
    assert FIRST + 20 * DAY < times[0].timestamp() / BUCKET <= FIRST + 20 * DAY + 12
    write_report({"noordnet": known}, Registry([]), tmp_path)
    with (tmp_path / "rules.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"brand": "noordnet", "rule": "meltwater", "alarm_at": times[0].isoformat()} in rows


def test_the_page_begins_with_a_line_for_each_brand_in_its_own_time(tmp_path: Path) -> None:
    known = history()
    moments = [("warning", 20, "8 klachten"), ("crisis", 21, "17 klachten"), ("surge", 23, "61 berichten")]
    known.told = [Mark(datetime(2026, 9, day, 23, 30, tzinfo=UTC), name, "burst", said, name == "warning") for name, day, said in moments]
    write_report(
        {"noordnet": known, "stil": history(5, "stil")}, Registry([Brand(slug="noordnet", time_zone="Europe/Amsterdam")]), tmp_path
    )
    page = (tmp_path / "report.html").read_text("utf-8")
    overview, rest = page.split("</table>", 1)
    rows = [re.sub(r"<[^>]+>", "|", row) for row in overview.split("<tr>")[2:]]
    assert "|1|" in rows[0]
    assert "|crisis||22 Sep 01:30||17 klachten|" in re.sub(r"\|+", lambda bars: "||" if len(bars[0]) > 1 else bars[0], rows[0])
    assert "none" in rows[1]
    assert "5 days, too short" in rows[1]
    assert 'href="#noordnet"' in overview
    assert '<h2 id="noordnet">' in rest
    assert "; 1 incident of tier" in rest
    assert "Mon 21 Sep 01:30" in rest
    assert "warning, 21 Sep 01:30: 8 klachten" in rest


def test_the_gravest_alert_is_the_brands_own_when_it_first_was_so_grave(tmp_path: Path) -> None:
    known = history()
    told = [
        ("warning", 9, 40, False),
        ("crisis", 11, 35, False),
        ("crisis", 11, 20, True),
        ("crisis", 21, 45, True),
        ("surge", 22, 0, False),
    ]
    known.told = [
        Mark(datetime(2026, 9, 22, hour, minute, tzinfo=UTC), name, "burst", f"om {hour}:{minute}", name == "warning", is_child)
        for name, hour, minute, is_child in told
    ]
    write_report({"noordnet": known}, Registry([Brand(slug="noordnet", time_zone="UTC")]), tmp_path)
    overview = (tmp_path / "report.html").read_text("utf-8").split("</table>", 1)[0]
    assert "22 Sep 11:35" in overview
    assert "om 11:35" in overview


def test_that_an_alert_with_a_parent_is_a_childs_and_opens_nothing() -> None:
    known = BrandHistory("noordnet")
    known.raised = [Raised(alert("eigen", "warning", 9), None), Raised(alert("deel", "crisis", 11, "eigen"), None)]
    known.raised += [Raised(alert("eigen", "crisis", 10), None)]
    assert [(mark.at.hour, mark.name, mark.opens, mark.is_child) for mark in known.marks()] == [
        (9, "warning", True, False),
        (10, "crisis", False, False),
        (11, "crisis", False, True),
    ]
    assert [at.hour for at in known.incidents()] == [9]


def test_that_what_becomes_part_of_another_is_one_incident_with_it() -> None:
    """A part that pages before the brand itself does, and an early raise that goes on under another name."""
    known = BrandHistory("noordnet")
    known.raised = [
        Raised(alert("deel", "warning", 9), None),
        Raised(alert("vroeg", "warning", 10), None),
        Raised(replace(alert("vroeg", "warning", 10, "eigen"), transition="resolved"), None),
        Raised(alert("eigen", "warning", 11), None),
        Raised(replace(alert("deel", "warning", 11, "vroeg"), transition="updated"), None),
        Raised(alert("later", "warning", 22), None),
    ]
    assert [at.hour for at in known.incidents()] == [9, 22]


def alert(incident_id: str, tier: Tier, hour: int, parent: str | None = None) -> Alert:
    at = datetime(2026, 9, 22, hour, tzinfo=UTC)
    return Alert(
        fingerprint="f",
        incident_id=incident_id,
        revision=1,
        brand="noordnet",
        kind="crisis",
        status="firing",
        transition="raised" if tier == "warning" else "escalated",
        mode="live",
        raised_at=at,
        started_at=at,
        updated_at=at,
        headline="",
        language="nl",
        window_seconds=3_600,
        observed=9.0,
        expected=Band(mean=1.0, half_width=2.0),
        detector_version="",
        config_hash="",
        tier=tier,
        parent_incident_id=parent,
    )


def test_a_history_of_counts(tmp_path: Path) -> None:
    file = tmp_path / "noordnet.csv"
    rows = [(FIRST + index) * BUCKET for index in range(16 * DAY)]
    row_of_trouble = range(15 * DAY, 15 * DAY + 24)
    counts = [(3, 1) if index % 6 == 0 else (0, 0) for index in range(len(rows))]
    text = "".join(
        f"{at},{8 if i in row_of_trouble else counts[i][0]},{8 if i in row_of_trouble else counts[i][1]}\n" for i, at in enumerate(rows)
    )
    file.write_text("ts,tot,neg\n" + text, "utf-8")
    done = CliRunner().invoke(app, ["backtest", str(file), "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    told = [json.loads(line) for line in (tmp_path / "out" / "alerts.jsonl").read_text("utf-8").splitlines()]
    opened = [datetime.fromisoformat(mark["at"]).timestamp() / BUCKET - FIRST for mark in told if mark["opens"]]
    assert len(opened) == 1
    assert row_of_trouble.start < opened[0] <= row_of_trouble.stop


def rows_of_three_sizes() -> str:
    """Four quiet days, then a little trouble, more, and most of all after an hour of little."""
    out = ["ts,tot,neg"]
    for index in range(7 * DAY):
        day, bucket = divmod(index, DAY)
        trouble = {4: 5, 5: 7, 6: 5 if bucket < 132 else 20}.get(day, 0) if 120 <= bucket < 144 else 0
        negatives = (index % 12 == 0) + (trouble if bucket % 12 == 0 or trouble == 20 else 0)
        out.append(f"{(FIRST + index) * BUCKET},{negatives + 2 * (index % 6 == 0)},{negatives}")
    return "\n".join(out) + "\n"


def test_that_counts_tell_of_each_profile_what_it_itself_would_raise(tmp_path: Path) -> None:
    file = tmp_path / "noordnet.csv"
    file.write_text(rows_of_three_sizes(), "utf-8")
    found = []
    for profile in PROFILES:
        brand = Brand(slug="noordnet", profile=profile, complaints_per_month=4_000.0)
        known = read_counted_history(file, brand)
        ready = readiness(known, brand)
        assert ready.incidents[profile] == len(known.incidents())
        found.append(ready.incidents)
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].values())) > 1


def test_that_counts_follow_the_brands_calendar(tmp_path: Path) -> None:
    file = tmp_path / "noordnet.csv"
    file.write_text(rows_of_three_sizes(), "utf-8")
    start = datetime(2026, 9, 18, tzinfo=UTC)
    sale = CalendarEvent(
        name="uitverkoop",
        kind="campaign",
        starts_at=start,
        ends_at=start + timedelta(days=5),
        expected_mentions=20.0,
        expected_negatives=200.0,
    )
    assert read_counted_history(file, Brand(slug="noordnet")).incidents()
    assert not read_counted_history(file, Brand(slug="noordnet", events=(sale,))).incidents()


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "ts,tot,neg\n1,2\n", "ts,tot,neg\n0,x,1\n", "ts,tot,neg\n99999999999999999999,1,1\n"])
def test_that_wrong_counts_are_named_with_their_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "noordnet.csv"
    file.write_text(content, "utf-8")
    done = CliRunner().invoke(app, ["backtest", str(file), "--output", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert re.search(r"line \d", done.stderr)


def written(number: int, start: datetime) -> dict[str, Any]:
    """A mention every seven minutes."""
    return {
        "mention_id": f"x:{number}",
        "brand": "noordnet",
        "channel": "x",
        "channel_family": "social",
        "text": "Al drie dagen geen internet, waardeloos!" if number % 3 else "Kan ik mijn abonnement wijzigen?",
        "published_at": (start + timedelta(minutes=7 * number)).isoformat(),
        "author": {"id": f"iemand{number % 40}"},
    }


def test_the_command(tmp_path: Path) -> None:
    start = datetime(2026, 9, 14, 8, tzinfo=UTC)
    lines = [written(number, start) for number in range(120)]
    file = tmp_path / "mentions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    done = CliRunner().invoke(app, ["backtest", str(file), "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "120 mentions" in page
    assert re.search(r"\(incidents raised: sensitive \d+, default \d+ \(configured\), quiet \d+; at most 2 a month", page)
    assert not re.search(r"(?:src|href)=(?!\"#)|url\(|@import|<script", page)
    assert "waardeloos" not in page
    assert "iemand" not in page
    assert (tmp_path / "out" / "alerts.jsonl").exists()
    assert (tmp_path / "out" / "rules.csv").read_text("utf-8").startswith("brand,rule,alarm_at\n")


def two_rows(start: datetime) -> Iterator[dict[str, Any]]:
    """A quiet day and a half, then a small row in mails, which are a row of their own, and a larger one in public."""
    for number in range(24 * 2):
        yield mention(number, start + timedelta(minutes=45 * number), "Kan ik mijn abonnement wijzigen?")
    for number in range(100, 107):
        at = start + timedelta(days=1, hours=4, minutes=3 * number - 300)
        yield mention(number, at, "Al drie dagen geen internet, waardeloos!") | {"channel": "mail", "channel_family": "mail"}
    for number in range(200, 218):
        yield mention(number, start + timedelta(days=1, hours=12, minutes=2 * number - 400), "Al drie dagen geen internet, waardeloos!")


def mention(number: int, at: datetime, text: str) -> dict[str, Any]:
    return written(number, at) | {"text": text, "published_at": at.isoformat(), "author": {"id": f"iemand{number}"}}


def test_that_the_page_says_the_same_of_a_profile_whichever_is_configured(tmp_path: Path) -> None:
    rows = sorted(two_rows(datetime(2026, 9, 14, 8, tzinfo=UTC)), key=lambda line: str(line["published_at"]))
    sent = [json.dumps(row | {"brand": brand}).encode() for row in rows for brand in ("klein", "groot")]
    lines, times = in_order([read_line(number, line) for number, line in enumerate(sent, start=1)], sort=False, name="")
    demo = load_deployment()
    before_crisis = build_stages(demo, DEMO_KEY, 1, STAGES[:-1])
    said = []
    for profile in PROFILES:
        brands = Registry(
            [Brand(slug=slug, complaints_per_month=often, profile=profile) for slug, often in (("klein", 90), ("groot", 1e5))]
        )
        every_profile = EveryProfile(CrisisStage(brands, ""), brands, lambda registry: CrisisStage(registry, ""))
        histories = read_history(replay(lines, times, Partitioner(1)), [*before_crisis, every_profile])
        every_profile.tell(histories)
        write_report(histories, brands, tmp_path)
        parts = (tmp_path / "report.html").read_text("utf-8").split("<h2")[1:]
        counted = [re.findall(r"(\w+) (\d+)( \(configured\))?[,;]", part[part.index("(incidents raised:") :]) for part in parts]
        for part, counts in zip(parts, counted, strict=True):
            [configured] = [(name, count) for name, count, mark in counts if mark]
            assert configured[0] == profile
            assert f"; {configured[1]} incident" in part
        said.append([{name: int(count) for name, count, _ in counts} for counts in counted])
    assert said[0] == said[1] == said[2]
    large, small = said[0]
    assert small["sensitive"] > small["quiet"] > 0
    assert large["default"] < small["default"]


def test_that_other_profiles_are_tried_of_a_brand_that_is_not_registered_too() -> None:
    known = Registry([Brand(slug="noordnet", profile="quiet")], channels=["x"], hash_="h")
    other = known.changed(lambda brand: replace(brand, profile=other_profiles(brand)[0]))
    assert (other.brand("noordnet").profile, other.brand("elders").profile, other.brand("elders").slug) == (
        "sensitive",
        "sensitive",
        "elders",
    )
    assert (other.knows("elders"), other.channels, other.hash) == (False, known.channels, "h")
    assert known.brand("elders").profile == "default"


@pytest.mark.broker
@pytest.mark.timeout(300)
def test_the_raw_topic_tells_the_same_as_the_file(fresh_broker: Broker, tmp_path: Path) -> None:
    start = datetime(2026, 9, 14, 8, tzinfo=UTC)
    lines = [
        read_line(
            number, json.dumps(written(number, start) | {"received_at": (start + timedelta(minutes=7 * number)).isoformat()}).encode()
        )
        for number in range(60)
    ]
    file = tmp_path / "mentions.jsonl"
    file.write_bytes(b"".join(line.value + b"\n" for line in lines))
    ordered, times = in_order(lines, sort=False, name="mentions")
    apply_topics(fresh_broker.bootstrap, 2)
    send_records(Settings(bootstrap=fresh_broker.bootstrap), replay(ordered, times, Partitioner(2)))
    environment = {"WEBCARE_TICKS": "log"}
    for name, given in (("file", [str(file)]), ("topic", ["--topic", "--bootstrap", fresh_broker.bootstrap])):
        done = CliRunner().invoke(app, ["backtest", *given, "--output", str(tmp_path / name)], env=environment)
        assert done.exit_code == 0, done.output
    for name in ("report.html", "rules.csv", "alerts.jsonl"):
        assert (tmp_path / "topic" / name).read_text("utf-8") == (tmp_path / "file" / name).read_text("utf-8")
