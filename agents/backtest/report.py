"""What a backtest writes: alerts as JSON lines, the other products' alarms as CSV, and one HTML page that needs nothing from outside."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from agents.backtest.history import BrandHistory
from agents.backtest.picture import picture
from agents.backtest.readiness import PER_MONTH, WARM_DAYS, Readiness, readiness
from pipeline.brands import Brand, Registry
from pipeline.ticks import BUCKET
from pipeline.vendor_rules import VENDOR_RULES, alarms
from schemas.codec import encode

OURS = "webcare"
GRAVITY = {"crisis": 4, "warning": 3, "watch": 2, "silence": 1}
"""Which alert of a brand is told first of all; a surge is information."""

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;max-width:1120px;margin:24px auto;padding:0 16px;background:#fff}
h2{margin:40px 0 4px;border-top:2px solid #e4e7eb;padding-top:16px} h3{margin:18px 0 4px;font-size:15px}
svg{width:100%;height:auto;display:block;margin:8px 0} table{border-collapse:collapse;margin:4px 0 8px}
td,th{text-align:left;padding:3px 14px 3px 0;border-bottom:1px solid #e4e7eb;vertical-align:top;font-variant-numeric:tabular-nums}
th{font-weight:600} .band{fill:#dbe7f3} .expected{fill:none;stroke:#5b8bb5;stroke-width:1.5}
.observed{fill:none;stroke:#1f2933;stroke-width:1}
.event{fill:#f3e8c8} .grid{stroke:#eef1f4} .axis{font-size:11px;fill:#616e7c} .note{color:#616e7c}
.tier{font-weight:600} .crisis{color:#c1121f} .warning{color:#b45309} .watch,.surge,.silence{color:#475569}
"""


def rule_alarms(history: BrandHistory) -> dict[str, list[datetime]]:
    """When each documented rule of another product would have alarmed, on all negatives (nobody documents an author cap)."""
    stretch = history.stretch()
    series = [float(history.negatives[bucket]) for bucket in stretch]
    return {rule.name: [_close(stretch.start + index) for index in alarms(rule, series)] for rule in VENDOR_RULES}


def _close(bucket: int) -> datetime:
    return datetime.fromtimestamp((bucket + 1) * BUCKET, UTC)


def write_report(histories: Mapping[str, BrandHistory], registry: Registry, folder: Path) -> None:
    """Write ``alerts.jsonl``, ``rules.csv`` and ``report.html`` into the folder, brands by name."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = [histories[slug] for slug in sorted(histories)]
    with (folder / "alerts.jsonl").open("wb") as file:
        for history in ordered:
            file.writelines(encode(raised.alert) + b"\n" for raised in history.raised)
            file.writelines(encode({"brand": history.slug, **mark._asdict()}) + b"\n" for mark in history.told)
    rules = {history.slug: rule_alarms(history) for history in ordered}
    with (folder / "rules.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["brand", "rule", "alarm_at"])
        for history in ordered:
            for name, times in {OURS: history.incidents(), **rules[history.slug]}.items():
                writer.writerows([history.slug, name, at.isoformat()] for at in times)
    brands = {history.slug: registry.brand(history.slug) for history in ordered}
    ready = {history.slug: readiness(history, brands[history.slug]) for history in ordered}
    parts = [_overview(ordered, brands, ready)]
    for history in ordered:
        parts += _brand(history, brands[history.slug], ready[history.slug], rules[history.slug])
    (folder / "report.html").write_text(_page(parts), "utf-8")


def _page(parts: Sequence[str]) -> str:
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>webcare backtest</title>',
            f"<style>{_STYLE}</style></head><body><h1>What would have been raised</h1>",
            *parts[:1],
            '<p class="note">Pictures: negatives of the last hour as the detector counts them (black; each author once, no reposts),',
            "what it expected (blue), the band in which nine of ten of this brand's hours lie, announced events (sand), alerts (upright",
            "lines; hover for the sentence). Heights are square roots. Times are those of the brand's own time zone.</p>",
            *parts[1:],
            "</body></html>\n",
        )
    )


class _Link(str):
    """A brand's name, to be shown as a link to its part of the page."""


def _overview(histories: Sequence[BrandHistory], brands: Mapping[str, Brand], ready: Mapping[str, Readiness]) -> str:
    """One line for each brand: how often its team would have been called, the gravest sentence, and whether it is ready."""
    rows = []
    for history in histories:
        one, marks = ready[history.slug], history.marks()
        # Of alerts as grave as each other, one of the brand itself before one of a part of it; and when it first was so grave.
        gravest = min(marks, key=lambda mark: (-GRAVITY.get(mark.name, 0), mark.is_child, mark.at), default=None)
        rows.append(
            [
                _Link(history.slug),
                f"{history.mentions.total() / max(one.days, 1e-9):,.0f}",
                len(history.incidents()),
                "" if gravest is None else gravest.name,
                "" if gravest is None else f"{gravest.at.astimezone(brands[history.slug].zone()):%d %b %H:%M}",
                "none" if gravest is None else gravest.sentence,
                f"{one.days:.0f} days{'' if one.warm else ', too short'}",
                one.profile,
            ]
        )
    return _table(["brand", "mentions a day", "incidents", "gravest", "at", "alert", "history", "proposed profile"], rows)


def _brand(history: BrandHistory, brand: Brand, ready: Readiness, rules: Mapping[str, list[datetime]]) -> Iterator[str]:
    months = max(ready.days / 30, 1e-9)
    yield f'<h2 id="{escape(history.slug)}">{escape(history.slug)}</h2>'
    written, incidents = history.mentions.total(), len(history.incidents())
    a_day, noun = written / max(ready.days, 1e-9), "incident" if incidents == 1 else "incidents"
    yield (
        f"<p>{written:,} mentions in {ready.days:.0f} days ({a_day:,.0f} a day), {history.negatives.total():,} of them negative; "
        f"{incidents} {noun} of tier warning or crisis.</p>"
    )
    yield picture(history, brand)
    if told := history.marks():
        yield "<h3>Alerts</h3>"
        yield _table(
            ["at", "tier", "signal", "sentence"],
            [
                [f"{mark.at.astimezone(brand.zone()):%a %d %b %H:%M}", mark.name, mark.signal.replace("_", " "), mark.sentence]
                for mark in told
            ],
        )
    yield "<h3>Other products' documented rules on the same data</h3>"
    counted = [(OURS, incidents, "this detector")]
    counted += [(rule.name, len(rules[rule.name]), f"{rule.documented} ({rule.assumed})") for rule in VENDOR_RULES]
    yield _table(
        ["rule", "alarms", "a month", "what it does"], [(name, count, f"{count / months:.1f}", what) for name, count, what in counted]
    )
    yield from _readiness(ready)


def _readiness(ready: Readiness) -> Iterator[str]:
    yield "<h3>Readiness</h3>"
    warm = "warm" if ready.warm else f"not warm: {WARM_DAYS:.0f} days show every hour of the week twice"
    raised = ", ".join(
        f"{profile} {count}{' (configured)' if profile == ready.configured else ''}" for profile, count in ready.incidents.items()
    )
    yield (
        f"<p>History of {ready.days:.1f} days, {warm}. Proposed profile: <b>{ready.profile}</b> (incidents raised: {raised}; "
        f"at most {PER_MONTH:.0f} a month should be, which is {ready.bearable:.1f} in this time).</p>"
    )
    if not ready.sources:
        yield (
            '<p class="note">Counts tell nothing of connectors, channels and authors, and raise no alert before a bucket closes, none of a '
            "part of the brand, and none with a dossier: mentions may raise more or fewer.</p>"
        )
        return
    yield _table(
        ["connector", "mentions", "missed the close of their bucket", "too late to count"],
        [[one.source, f"{one.mentions:,}", _share(one.late), _share(one.too_late)] for one in ready.sources],
    )
    yield _table(
        ["channel family", "mentions", "negative", "positive", "unscored", "distance from the others (0 to 1)"],
        [
            [
                one.family,
                f"{one.mentions:,}",
                _share(one.negative),
                _share(one.positive),
                _share(one.unscored),
                "too few" if one.divergence is None else f"{one.divergence:.2f}",
            ]
            for one in ready.tones
        ],
    )
    yield _table(
        ["loudest authors (hashed)", "mentions", "of all"], [[one.author, f"{one.mentions:,}", _share(one.share)] for one in ready.loudest]
    )


def _share(value: float | None) -> str:
    return "too few" if value is None else f"{value:.1%}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    tiers = {"crisis", "warning", "watch", "surge", "silence"}

    def cell(value: object) -> str:
        if isinstance(value, _Link):
            return f'<td><a href="#{escape(value)}">{escape(value)}</a></td>'
        mark = f' class="tier {value}"' if value in tiers else ""
        return f"<td{mark}>{escape(str(value))}</td>"

    body = "".join("<tr>" + "".join(cell(value) for value in row) + "</tr>" for row in rows)
    return "<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + f"</tr>{body}</table>"
