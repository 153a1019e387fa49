"""A brand's weeks as one inline SVG: negatives an hour, what was expected, the band of quiet hours, alerts and the calendar."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from agents.backtest.history import BrandHistory, HourSeen
from pipeline.brands import Brand

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 1_100, 240, 44, 22, 14
Scale = Callable[[float], float]
_COLOURS = {"watch": "#b8860b", "warning": "#d9730d", "crisis": "#c1121f", "surge": "#1d6fb8", "silence": "#6b7280"}


def spread(hours: Sequence[HourSeen]) -> float:
    """How wide the band must be so that nine hours in ten lie in it, in roots of the expectation. From the brand's own hours."""
    away = sorted(abs(hour.observed - hour.expected) / math.sqrt(hour.expected + 0.25) for hour in hours)
    return away[int(len(away) * 0.9)] if away else 2.0


def picture(history: BrandHistory, brand: Brand) -> str:
    """The SVG element; nothing in it comes from outside the file. Empty where the detector saw no hour."""
    hours = sorted(history.hours.items())
    if not hours:
        return ""
    first, last, zone = hours[0][0], max(hours[-1][0], hours[0][0] + 1), brand.zone()
    width = spread([seen for _, seen in hours])
    highest = max(max(seen.observed, seen.expected) for _, seen in hours) * 1.08 + 1

    def x(hour: float) -> float:
        return LEFT + (hour - first) / (last - first) * (WIDTH - LEFT - 8)

    def y(value: float) -> float:
        # Roots: a row of hundreds must not flatten the days before it.
        return HEIGHT - BOTTOM - math.sqrt(max(value, 0.0) / highest) * (HEIGHT - BOTTOM - TOP)

    def line(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x(hour):.1f},{y(value):.1f}" for hour, value in points)

    upper = [(hour, seen.expected + width * math.sqrt(seen.expected + 0.25)) for hour, seen in hours]
    lower = [(hour, seen.expected - width * math.sqrt(seen.expected + 0.25)) for hour, seen in hours]
    out = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Negatives an hour of {escape(brand.slug)}, expected and observed">',
        *_calendar(brand, first, last, x),
        f'<polygon class="band" points="{line([*upper, *reversed(lower)])}"/>',
        *_axes(first, last, zone, highest, x, y),
        f'<polyline class="expected" points="{line([(hour, seen.expected) for hour, seen in hours])}"/>',
        f'<polyline class="observed" points="{line([(hour, seen.observed) for hour, seen in hours])}"/>',
    ]
    for mark in history.marks():
        at = x(min(max(mark.at.timestamp() / 3600, first), last))
        title = escape(f"{mark.name}, {mark.at.astimezone(zone):%d %b %H:%M}: {mark.sentence}")
        colour = _COLOURS[mark.name]
        out.append(
            f'<g><title>{title}</title><line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{colour}"/>'
            f'<circle cx="{at:.1f}" cy="{TOP}" r="4" fill="{colour}"/></g>'
        )
    return "\n".join([*out, "</svg>"])


def _calendar(brand: Brand, first: int, last: int, x: Scale) -> list[str]:
    out = []
    for event in brand.events:
        begin, end = (min(max(at.timestamp() / 3600, first), last) for at in (event.starts_at, event.ends_at))
        if end > begin:
            out.append(
                f'<g><title>{escape(f"{event.kind}: {event.name}")}</title><rect class="event" x="{x(begin):.1f}" y="{TOP}" '
                f'width="{x(end) - x(begin):.1f}" height="{HEIGHT - BOTTOM - TOP}"/></g>'
            )
    return out


def _axes(first: int, last: int, zone: ZoneInfo, highest: float, x: Scale, y: Scale) -> list[str]:
    out = []
    every = max(1, round((last - first) / 24 / 10))
    day = datetime.fromtimestamp(first * 3600, zone).date() + timedelta(days=1)
    while (midnight := datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() / 3600) <= last:
        if day.toordinal() % every == 0:
            out.append(f'<text class="axis" x="{x(midnight):.1f}" y="{HEIGHT - 6}">{day:%d %b}</text>')
        day += timedelta(days=1)
    for value in sorted({round(highest * share**2) for share in (0.25, 0.5, 0.75, 0.95)} | {0}):
        out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 8}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        out.append(f'<text class="axis" text-anchor="end" x="{LEFT - 6}" y="{y(value) + 4:.1f}">{value}</text>')
    return out
