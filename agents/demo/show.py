"""What the demo shows while it runs: mentions in, alerts with their explanation, the queue by priority."""

from collections import Counter
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agents.demo.planted import ZONE
from agents.topic_reader import Record
from schemas.outputs import Alert, WorkItem
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, DEAD_LETTER, ITEM, ROUTED, ROUTED_SHADOW

PRIORITIES = ("critical", "high", "normal", "low")
TOPICS = (ROUTED, ROUTED_SHADOW, ITEM, ALERT_EVENT, ALERT_EVENT_SHADOW, DEAD_LETTER)
_STYLE = {"crisis": "bold white on red", "warning": "bold yellow", "watch": "cyan"}
_decode_alert = msgspec.json.Decoder(Alert).decode
_decode_item = msgspec.json.Decoder(WorkItem).decode


class Show:
    """Takes records as they come and draws them."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.outcomes: Counter[str] = Counter()
        self.brands: Counter[str] = Counter()
        self.items: dict[str, WorkItem] = {}
        self.alerts: list[Alert] = []
        self._seen: set[str] = set()
        self.event_time = ""

    def take(self, record: Record) -> None:
        """One record of one of `TOPICS`."""
        self.outcomes[record.topic] += 1
        if record.topic == ITEM.name:
            key = (record.key or b"").decode()
            if record.value is None:
                self.items.pop(key, None)
            else:
                self.items[key] = _decode_item(record.value)
        elif record.topic in (ALERT_EVENT.name, ALERT_EVENT_SHADOW.name) and record.value is not None:
            alert = _decode_alert(record.value)
            if (identity := f"{alert.incident_id}/{alert.revision}") not in self._seen:
                self._seen.add(identity)
                self.alerts.append(alert)
        elif record.topic == ROUTED.name:
            self.brands[(record.key or b"?").decode()] += 1

    @property
    def done(self) -> int:
        """Mentions with an outcome."""
        return self.outcomes[ROUTED.name] + self.outcomes[ROUTED_SHADOW.name] + self.outcomes[DEAD_LETTER.name]

    def draw(self, note: str) -> RenderableType:
        """The whole picture."""
        head = Table.grid(padding=(0, 2))
        head.add_row("mentions", ProgressBar(total=max(1, self.total), completed=self.done, width=40), f"{self.done} of {self.total}", note)
        return Group(head, *map(alert_line, self.alerts[-4:]), self.queue())

    def queue(self) -> Table:
        """Open tasks by queue and priority."""
        table = Table("queue", *PRIORITIES, "overdue", title="open tasks: nobody answers in the demo", title_justify="left")
        counts: dict[str, Counter[str]] = {}
        for item in self.items.values():
            if item.kind == "task" and item.status == "open":
                row = counts.setdefault(item.queue or "-", Counter())
                row[item.priority] += 1
                row["overdue"] += item.sla == "breached"
        for queue, row in sorted(counts.items()):
            table.add_row(queue, *(str(row[name]) for name in (*PRIORITIES, "overdue")))
        return table


def alert_line(alert: Alert) -> RenderableType:
    """One transition of an incident, with its explanation when it is raised, and what it came to at its end."""
    tier = alert.tier or alert.kind
    title = Text.assemble(
        (f" {tier.upper()} ", _STYLE.get(tier, "bold")),
        f" {alert.brand}  {alert.transition}  {alert.updated_at.astimezone(ZONE):%a %d %b %H:%M %Z}",
        "  (observe-only)" if alert.mode == "observe" else "",
    )
    tells = alert.transition == "raised" or (alert.transition == "resolved" and alert.summary is not None)
    text = f"{alert.headline}\n{alert.explanation}" if tells and alert.explanation else alert.headline
    return Panel(Text(text), title=title, title_align="left", border_style="red" if tier == "crisis" else "yellow")


def summary(show: Show, ledger: Any) -> RenderableType:
    """The end: what came of it, and whether the ledger law holds."""
    table = Table.grid(padding=(0, 2))
    for topic in (ROUTED, ROUTED_SHADOW, DEAD_LETTER):
        table.add_row(topic.name, str(show.outcomes[topic.name]))
    table.add_row("raw records", str(ledger.raw))
    verdict = (
        Text("the ledger law holds: every raw record has exactly one outcome", style="bold green")
        if ledger.clean
        else Text(
            f"the ledger law is broken: {len(ledger.missing)} missing, {len(ledger.doubled)} doubled, {len(ledger.unknown)} from nowhere",
            style="bold red",
        )
    )
    return Group(table, verdict)
