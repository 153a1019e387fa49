"""The backtest: what it counts, what it proposes, and a page that needs nothing from outside and shows no text."""

import csv
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from agents.backtest.history import BrandHistory, HourSeen, Mark
from agents.backtest.picture import HEIGHT, WIDTH, picture, spread
from agents.backtest.readiness import proposed, readiness
from agents.backtest.report import rule_alarms, write_report
from agents.broker import Broker
from agents.cli import app
from agents.replay import in_order, read_line, replay
from agents.sending import send_records
from agents.settings import Settings
from agents.topics import apply_topics
from pipeline.brands import Brand, CalendarEvent, Registry
from pipeline.partition import Partitioner
from pipeline.ticks import BUCKET

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
    assert not re.search(r"(?:src|href)=(?!\"#)|url\(|@import|<script", page)
    assert "waardeloos" not in page
    assert "iemand" not in page
    assert (tmp_path / "out" / "alerts.jsonl").exists()
    assert (tmp_path / "out" / "rules.csv").read_text("utf-8").startswith("brand,rule,alarm_at\n")


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
