"""Deadlines in working hours: named cases, and laws over all calendars."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.deadlines import Calendar, CalendarSettings, build_calendar, parse_span

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
WEBCARE = build_calendar(CalendarSettings(hours={"mon-fri": "08:00-22:00", "sat-sun": "09:00-18:00"}))
OFFICE = build_calendar(CalendarSettings(hours={"mon-thu": "09:00-12:30, 13:00-17:30", "fri": "09:00-12:00"}, closed=(date(2026, 9, 8),)))
ALWAYS = build_calendar(CalendarSettings(always=True))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("calendar", "start", "span", "due"),
    [
        pytest.param(ALWAYS, "2026-09-05 23:50", "2h", "2026-09-06 01:50", id="the clock round"),
        pytest.param(WEBCARE, "2026-09-03 10:00", "2h", "2026-09-03 12:00", id="inside a day"),
        pytest.param(WEBCARE, "2026-09-03 21:30", "2h", "2026-09-04 09:30", id="over the night"),
        pytest.param(WEBCARE, "2026-09-03 23:30", "2h", "2026-09-04 10:00", id="asked while closed"),
        pytest.param(WEBCARE, "2026-09-04 20:00", "2h", "2026-09-04 22:00", id="due at closing time, not in the next morning"),
        pytest.param(WEBCARE, "2026-09-04 22:00", "30m", "2026-09-05 09:30", id="asked at closing time"),
        pytest.param(WEBCARE, "2026-09-05 17:00", "3h", "2026-09-06 11:00", id="shorter hours at the weekend"),
        pytest.param(OFFICE, "2026-09-03 12:00", "1h", "2026-09-03 13:30", id="over lunch"),
        pytest.param(OFFICE, "2026-09-04 11:30", "1h", "2026-09-07 09:30", id="over the weekend"),
        pytest.param(OFFICE, "2026-09-07 17:00", "1h", "2026-09-09 09:30", id="over a closed day"),
        pytest.param(WEBCARE, "2026-10-24 17:00", "2h", "2026-10-25 10:00", id="over the night on which summer time ends"),
        pytest.param(ALWAYS, "2026-10-25 01:00", "3h", "2026-10-25 03:00", id="an hour is an hour when summer time ends"),
        pytest.param(ALWAYS, "2026-03-29 01:00", "3h", "2026-03-29 05:00", id="and when it begins"),
    ],
)
def test_a_deadline(calendar: Calendar, start: str, span: str, due: str):
    assert calendar.add(local(start), parse_span(span), AMSTERDAM) == local(due)


def test_a_calendar_counts_in_the_brands_zone_unless_it_has_its_own():
    start = datetime(2026, 9, 3, 20, 30, tzinfo=UTC)  # half past ten in Amsterdam, half past four in New York
    assert WEBCARE.add(start, timedelta(hours=1), ZoneInfo("America/New_York")) == start + timedelta(hours=1)
    assert WEBCARE.add(start, timedelta(hours=1), AMSTERDAM) == local("2026-09-04 09:00")
    own = build_calendar(CalendarSettings(hours={"mon-sun": "08:00-22:00"}, time_zone="Europe/Amsterdam"))
    assert own.add(start, timedelta(hours=1), ZoneInfo("America/New_York")) == local("2026-09-04 09:00")


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        (CalendarSettings(), "never open"),
        (CalendarSettings(always=True, hours={"mon": "08:00-22:00"}), "always"),
        (CalendarSettings(hours={"maandag": "08:00-22:00"}), "unknown day 'maandag'"),
        (CalendarSettings(hours={"fri-mon": "08:00-22:00"}), "backwards"),
        (CalendarSettings(hours={"mon-fri": "8-22"}), "form 08:00-22:00"),
        (CalendarSettings(hours={"mon-fri": "22:00-08:00"}), "run forward"),
        (CalendarSettings(hours={"mon-fri": "08:00-12:00, 11:00-17:00"}), "run forward"),
        (CalendarSettings(hours={"mon-fri": "08:00-24:30"}), "run forward"),
        (CalendarSettings(hours={"mon-fri": "08:00-22:00", "fri": "08:00-18:00"}), "fri are given twice"),
        (CalendarSettings(hours={"mon": "08:00-22:00"}, time_zone="Europe/Zwolle"), "unknown time_zone"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(settings_: CalendarSettings, message: str):
    with pytest.raises(ValueError, match=message):
        build_calendar(settings_)


@pytest.mark.parametrize(("written", "minutes"), [("30m", 30), ("2h", 120), ("1h30m", 90), ("48h", 48 * 60)])
def test_a_time_to_reply(written: str, minutes: int):
    assert parse_span(written) == timedelta(minutes=minutes)


@pytest.mark.parametrize("written", ["", "0m", "2", "2d", "h", "2 h", "-2h", "2h 30m", "1.5h"])
def test_what_is_no_time_to_reply(written: str):
    with pytest.raises(ValueError, match="is not a time to reply"):
        parse_span(written)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
spans = st.integers(1, 60 * 40).map(lambda minutes: timedelta(minutes=minutes))
calendars = st.sampled_from([WEBCARE, OFFICE, ALWAYS])


@settings(max_examples=200, deadline=None)
@given(calendars, moments, spans, spans)
def test_time_to_reply_adds_up(calendar: Calendar, start: datetime, first: timedelta, second: timedelta):
    halfway = calendar.add(start, first, AMSTERDAM)
    assert calendar.add(halfway, second, AMSTERDAM) == calendar.add(start, first + second, AMSTERDAM)


@settings(max_examples=200, deadline=None)
@given(calendars, moments, spans, st.integers(0, 10**6))
def test_who_asks_later_is_due_later_and_nobody_early(calendar: Calendar, start: datetime, span: timedelta, seconds: int):
    later = start + timedelta(seconds=seconds)
    due = calendar.add(start, span, AMSTERDAM)
    assert start + span <= due <= calendar.add(later, span, AMSTERDAM)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([WEBCARE, OFFICE]), moments, spans)
def test_a_deadline_falls_in_open_hours(calendar: Calendar, start: datetime, span: timedelta):
    at = calendar.add(start, span, AMSTERDAM).astimezone(AMSTERDAM)
    assert 8 <= at.hour <= 22
    assert at.date() != date(2026, 9, 8) or calendar is WEBCARE
