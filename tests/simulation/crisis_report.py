"""The figures as Markdown tables."""

from collections.abc import Iterator, Sequence
from typing import Any

MUST = {
    "standard": 78.0, "low false positives": 70.0, "low false negatives": 82.0, "f1": 0.62, "false_per_week": 0.7,
}  # fmt: skip
_OF_A_CRISIS, _OF_A_SURGE = ("detected",), ("called crisis", "seen")
_ASKED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("step", "ramp", "viral", "second", "slow_burn", "slowburn", "shift", "crisis_in_campaign", "by_mail", "behind_outage"),
        _OF_A_CRISIS,
    ),
    **dict.fromkeys(("positive_viral", "news_wave", "silence"), _OF_A_SURGE),
    "normal days": (),
}
"""Which columns say something of a kind, also where they are 0; of all others, whether they were called a crisis."""
_SIZES = ("sparse", "tiny", "small", "medium", "large", "huge")

_HEAD = """# Crisis detection, measured

`make eval-crisis` (with `DATA=` also the two parts whose data is not in the repository). **One row of trouble is one incident**: alerts
of an incident, its escalation and its children count once. Detected: an incident of tier warning or crisis begins, or rises a tier,
within the crisis. False: one that begins outside every crisis and the six hours after it. False alarms are per brand and 30 days; the
delay is the median time from the true onset until the record that decided had arrived. A rule that rings already when a crisis begins has
not told of it.

The other rows are the [documented rules of other products](../../pipeline/vendor_rules.py) on the same counts (mentions: on the labels
of our own stages), with six hours of cool-down, which their documentation does not promise. Figures that their documentation leaves
open are ours; they are written beside each rule there.
"""


def markdown(figures: dict[str, Any]) -> str:
    """The whole report."""
    lines = [_HEAD]
    if "mentions" in figures:
        lines += _mentions(figures["mentions"], "Simulation in mentions, through the product's own stages")
    if "many" in figures:
        lines += _mentions(figures["many"], "The same, brands with many mentions")
    if "counts" in figures:
        lines += [
            "## Simulation in counts (30 brands, 8 weeks, default seed)",
            "",
            *_detectors(figures["counts"]),
            *_kinds(figures["counts"]),
        ]
    if "nab" in figures:
        lines += _nab(figures["nab"])
    return "\n".join(lines).rstrip() + "\n"


def _mentions(figures: dict[str, Any], title: str) -> Iterator[str]:
    sizes = ", ".join(f"{count} {size}" for size, count in figures["brands"].items())
    yield f"## {title}"
    yield ""
    yield (
        f"Seed {figures['seed']}, {figures['weeks']} weeks, {sizes} brands, {figures['lines']:,} lines "
        "([how it is made](../simulation/README.md))."
    )
    if "brand_months" in figures:
        months = ", ".join(f"{size} {months:.1f}" for size, months in figures["brand_months"].items())
        yield f"Months judged, all brands of a size together (a week of each brand is granted for learning): {months}."
    labels = figures["labels"]
    meant = {what: sum(count for name, count in labels.items() if name.startswith(what)) for what in ("negative", "other")}
    if meant["negative"] and meant["other"]:
        found, unscored = (labels.get(f"negative {label}", 0) / meant["negative"] for label in ("negative", "unscored"))
        wrong = labels.get("other negative", 0) / meant["other"]
        yield (
            f"Of the posts meant as negative the sentiment stage called {found:.0%} so and left {unscored:.0%} unscored; "
            f"of the others it called {wrong:.0%} negative."
        )
    yield ""
    yield from _detectors(figures["detectors"])
    yield from _verdict(figures["detectors"])
    yield from _early(figures["detectors"]["webcare"])
    yield from _kinds(figures["detectors"])


def _verdict(detectors: dict[str, Any]) -> Iterator[str]:
    """The promise, and every rule that is not worse in both."""
    ours = detectors["webcare"]["all"]
    kept = {
        f"detected {ours['share']:.2f}": ours["share"] >= 0.9,
        f"{ours['false_per_month']:.2f} false alarms a brand-month": ours["false_per_month"] <= 1,
        f"{ours['incidents_per_crisis']:.2f} incidents per crisis": ours["incidents_per_crisis"] <= 1.3,
    }
    yield (
        "Must (.90 detected, 1 false alarm a brand-month, 1.3 incidents per crisis): "
        + ", ".join(f"{what} {'met' if met else 'MISSED'}" for what, met in kept.items())
        + "."
    )
    for name, detector in detectors.items():
        for size, theirs in {**detector["sizes"], "all": detector["all"]}.items():
            mine = ours if size == "all" else detectors["webcare"]["sizes"][size]
            found, quiet = theirs["share"] >= mine["share"], theirs["false_per_month"] <= mine["false_per_month"]
            if name != "webcare" and theirs["share"] > 0 and (found or quiet):
                better = " and ".join(
                    what for what, is_so in (("finds as many or more", found), ("raises as few or fewer false alarms", quiet)) if is_so
                )
                yield f"`{name}`, {size}: {better} ({theirs['share']:.2f} detected, {theirs['false_per_month']:.2f} false)."
    if blind := [f"`{name}`" for name, detector in detectors.items() if detector["all"]["share"] == 0]:
        yield f"Silent altogether: {', '.join(blind)}."
    yield "Everywhere else the rules find fewer crises with more false alarms."
    yield ""


MUST_DELAY = 75.0


def _early(ours: dict[str, Any]) -> Iterator[str]:
    """What raising before the close gains, and whether the delay with lateness keeps the bound of the delay without it."""
    sizes = {**ours["sizes"], "all": ours["all"]}
    told = {size: one for size in (*sorted(ours["sizes"], key=_SIZES.index), "all") if "closed_delay" in (one := sizes[size])}
    if not told:
        return
    yield (
        "**Early raises.** Of crises that a new incident told of: how many before the bucket closed (10 minutes after its end), the "
        "minutes gained by that (a tenth gained less than the first figure, a tenth more than the last), and the median delay from "
        "the onset until the alert left the stage, lateness and all, beside the median delay to the end of the bucket that raised it, "
        "lateness left out. "
        f"The bound of {MUST_DELAY:.0f} minutes is what the simulation in counts must keep, where nothing is late."
    )
    yield ""
    yield from _table(
        ["size", "told by a new incident", "of them early", "minutes gained, 10 % / median / 90 %", "median delay, min",
         "to the bucket's end, min", f"at most {MUST_DELAY:.0f} min", "no later than the bucket's end"],
        [
            [
                size,
                str(one["raised"]),
                str(one["raised_early"]),
                " / ".join(f"{minutes:.0f}" for minutes in one["gains"] or ()),
                _number(one["raised_delay"], 0),
                _number(one["closed_delay"], 0),
                "met" if one["raised_delay"] <= MUST_DELAY else "MISSED",
                "met" if one["raised_delay"] <= one["closed_delay"] else "MISSED",
            ]
            for size, one in told.items()
        ],
    )  # fmt: skip


def _detectors(detectors: dict[str, Any]) -> Iterator[str]:
    ours = detectors["webcare"]
    sizes = [*sorted(ours["sizes"], key=_SIZES.index), "all"]
    yield from _table(
        ["detector", "size", "crises", "detected", "false a month", "false a quiet month", "median delay, min", "incidents per crisis"],
        [
            [name if size == sizes[0] else "", size, *_row(one["all"] if size == "all" else one["sizes"][size])]
            for name, one in sorted(detectors.items(), key=lambda pair: pair[0] != "webcare")
            for size in sizes
        ],
    )


def _row(figures: dict[str, Any]) -> list[str]:
    return [
        str(figures["crises"]),
        _number(figures["share"], 2),
        _number(figures["false_per_month"], 2),
        _number(figures["false_per_quiet_month"], 2),
        _number(figures["median_delay"], 0),
        _number(figures["incidents_per_crisis"], 2),
    ]


def _kinds(detectors: dict[str, Any]) -> Iterator[str]:
    yield "What became of each kind of happening, with our detector:"
    yield ""
    columns = ("all", "detected", "median delay", "called crisis", "seen", "false")
    rows = []
    for kind, known in sorted(detectors["webcare"]["kinds"].items()):
        counted: dict[str, Any] = dict.fromkeys(_ASKED.get(kind, ("called crisis",)), 0) | known
        rows.append([kind, *("" if counted.get(column) is None else f"{counted[column]:.0f}" for column in columns)])
    yield from _table(
        ["kind", "happened", "detected", "median delay, min", "called a crisis", "seen as what it is", "false alarms in it"], rows
    )


def _nab(detectors: dict[str, Any]) -> Iterator[str]:
    yield "## NAB, five public brands"
    yield ""
    yield "At the alarms that `webcare detect` raises itself; no threshold is searched for anybody."
    yield ""
    columns = list(MUST)
    rows = [
        [name, *(_number(one[column], 2 if column in ("f1", "false_per_week") else 1) for column in columns)]
        for name, one in detectors.items()
    ]
    yield from _table(["detector", "standard", "low FP", "low FN", "F1", "false episodes a brand-week"], rows)
    met = [f"{column} {'met' if _meets(column, detectors['webcare'][column]) else 'MISSED'}" for column in columns]
    yield f"Must (78 / 70 / 82, F1 .62, .7 false episodes): {', '.join(met)}."
    yield ""


def _meets(column: str, value: float) -> bool:
    return value <= MUST[column] if column == "false_per_week" else value >= MUST[column]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
