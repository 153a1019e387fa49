"""Deadlines: a time to reply, counted in the hours a team works (`[calendars.<name>]` of the rule book)."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "always"
"""The calendar of a route that names none: the clock round, every day."""

MOST_REMEMBERED_DAYS = 4_000


class CalendarSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One calendar as the rule book has it. ``hours``: day or range of days (``mon-fri``) → open hours of local time, several by comma."""

    always: bool = False
    time_zone: str | None = None
    hours: dict[str, str] = {}
    closed: tuple[date, ...] = ()


_Spans = tuple[tuple[datetime, datetime], ...]


class Calendar:
    """Open hours. Without a ``zone`` of its own it counts in that of the brand."""

    def __init__(self, hours: tuple[tuple[tuple[int, int], ...], ...], closed: frozenset[date] = frozenset(), zone: ZoneInfo | None = None):
        self._hours = hours
        self._closed = closed
        self._zone = zone
        self._always = hours == _ALL_HOURS and not closed
        self._open: dict[tuple[str, date], _Spans] = {}
        self._now: dict[str, tuple[datetime, datetime, datetime]] = {}

    def add(self, start: datetime, span: timedelta, brand_zone: ZoneInfo) -> datetime:
        """The moment (UTC) by which ``span`` of open time has passed since ``start``. Summer time is minded: an hour is an hour."""
        now = start if start.tzinfo is UTC else start.astimezone(UTC)
        if self._always:
            return now + span
        zone = self._zone or brand_zone
        after, opens, closes = self._now.get(zone.key, _NEVER)
        if after <= now:  # the deadline lies in the open hours that the last one fell in, as most do
            due = (opens if opens > now else now) + span
            if due <= closes:
                return due
        return self._find(now, span, zone)

    def _find(self, now: datetime, span: timedelta, zone: ZoneInfo) -> datetime:
        """Day by day. Remembers the hours in which it falls, and since when they are the next that are open."""
        after = now
        day = now.astimezone(zone).date()
        while True:  # open hours come round every week: a calendar without any is refused
            for opens, closes in self._open.get((zone.key, day)) or self._open_on(day, zone):
                begins = max(opens, now)
                if closes - begins >= span:
                    self._now[zone.key] = (after, opens, closes)
                    return begins + span
                if closes > begins:
                    span -= closes - begins
                    after = closes
            day += _DAY

    def _open_on(self, day: date, zone: ZoneInfo) -> _Spans:
        if len(self._open) >= MOST_REMEMBERED_DAYS:
            self._open.clear()
        hours = () if day in self._closed else self._hours[day.weekday()]
        spans = tuple((_moment(day, opens, zone), _moment(day, closes, zone)) for opens, closes in hours)
        self._open[zone.key, day] = spans
        return spans


_DAY = timedelta(days=1)
_NEVER = (datetime.max.replace(tzinfo=UTC),) * 3
"""Open hours that nothing falls in."""


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """In UTC, where moments are compared and counted without asking for a zone."""
    days, minute = divmod(minute, 24 * 60)
    return datetime.combine(day + timedelta(days=days), time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)


_ALL_HOURS = (((0, 24 * 60),),) * 7


def build_calendar(settings: CalendarSettings) -> Calendar:
    """The calendar that the settings describe.

    Raises:
        ValueError: an unknown time zone, day or hour, no open hours at all, hours beside ``always``.
    """
    zone = None
    if settings.time_zone is not None:
        try:
            zone = ZoneInfo(settings.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("unknown time_zone; use an IANA name such as Europe/Amsterdam") from None
    if settings.always:
        if settings.hours or settings.closed:
            raise ValueError("always = true leaves no room for hours or closed days; take one or the other")
        return Calendar(_ALL_HOURS)
    week: list[tuple[tuple[int, int], ...]] = [()] * 7
    for days, hours in settings.hours.items():
        spans = _parse_hours(hours)
        for day in _parse_days(days):
            if week[day]:
                raise ValueError(f"hours of {DAYS[day]} are given twice")
            week[day] = spans
    if not any(week):
        raise ValueError('it is never open; give hours such as { mon-fri = "08:00-22:00" }, or always = true')
    return Calendar(tuple(week), frozenset(settings.closed), zone)


def _parse_days(written: str) -> range:
    first, dash, last = written.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise ValueError(f"unknown day {written!r}; write one of {', '.join(DAYS)}, or a range such as mon-fri")
    start, end = DAYS.index(first), DAYS.index(last if dash else first)
    if end < start:
        raise ValueError(f"{written!r} runs backwards; write two ranges")
    return range(start, end + 1)


_HOURS = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")


def _parse_hours(written: str) -> tuple[tuple[int, int], ...]:
    spans: list[tuple[int, int]] = []
    for part in written.split(","):
        match = _HOURS.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"hours {written!r} do not have the form 08:00-22:00")
        first, first_minute, last, last_minute = map(int, match.groups())
        opens, closes = first * 60 + first_minute, last * 60 + last_minute
        if closes > 24 * 60 or opens >= closes or (spans and opens < spans[-1][1]):
            raise ValueError(f"hours {written!r} must run forward, inside one day")
        spans.append((opens, closes))
    return tuple(spans)


_SPAN = re.compile(r"(?:([0-9]{1,3})h)?(?:([0-9]{1,3})m)?")


def parse_span(written: str) -> timedelta:
    """A time to reply: ``30m``, ``2h``, ``1h30m``; longer ones in hours too, since they are hours of a calendar.

    Raises:
        ValueError: another form, or no time at all.
    """
    match = _SPAN.fullmatch(written)
    span = timedelta(hours=int(match.group(1) or 0), minutes=int(match.group(2) or 0)) if match is not None else timedelta()
    if not span:
        raise ValueError(f"{written!r} is not a time to reply; write 30m, 2h or 1h30m")
    return span
