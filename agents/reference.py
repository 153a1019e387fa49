"""The README's tables, made from the code: `python -m agents.reference write`; a test compares them.

Each stands between `<!-- name -->` and `<!-- /name -->`.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import typer
from prometheus_client import CollectorRegistry

from agents.settings import SETTINGS
from agents.telemetry import Telemetry
from schemas.topics import TOPICS, changelog

README = Path(__file__).parents[1] / "README.md"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def topics_table() -> str:
    """All topics."""
    return _table(
        ("topic", "key", "records", "cleanup, kept", "read by"),
        (
            (
                f"`{topic.name}`",
                topic.key,
                ", ".join(f"`{record.__name__}`" for record in topic.records)
                or ("snapshots" if topic.name == changelog(topic.name.split(".")[2]).name else "original bytes"),
                f"{topic.cleanup}{f', {topic.retention.days} d' if topic.retention else ''}",
                topic.read_by + (" (worker only)" if topic.worker_only else ""),
            )
            for topic in TOPICS
        ),
    )


def settings_table() -> str:
    """All environment variables."""
    return _table(
        ("variable", "default", "meaning"), ((f"`{setting.variable}`", setting.default, setting.meaning) for setting in SETTINGS.values())
    )


def metrics_table() -> str:
    """All metrics of a worker."""
    declared = sorted(Telemetry(CollectorRegistry()).declared)
    return _table(
        ("metric", "type", "labels", "meaning"),
        ((f"`{metric.name}`", metric.kind, ", ".join(metric.labels), metric.meaning) for metric in declared),
    )


def commands_table() -> str:
    """All commands, with the first sentence of their help."""
    from agents.cli import app

    group = typer.main.get_command(app)
    return _table(("command", "what it does"), sorted(_commands(group, "webcare")))


def _commands(command: object, name: str) -> Iterable[tuple[str, str]]:
    children = getattr(command, "commands", None)
    if children:
        for child_name, child in children.items():
            yield from _commands(child, f"{name} {child_name}")
    else:
        yield f"`{name}`", str(getattr(command, "help", "")).split("\n\n", maxsplit=1)[0].replace("\n", " ")


TABLES: dict[str, Callable[[], str]] = {
    "topics": topics_table,
    "settings": settings_table,
    "metrics": metrics_table,
    "commands": commands_table,
}


def filled(content: str) -> str:
    """The README with its tables as the code gives them.

    Raises:
        ValueError: a table has no place in it.
    """
    for name, table in TABLES.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        if not place.search(content):
            raise ValueError(f"the README has no place for {name}")
        content = place.sub(r"\1" + table().replace("\\", r"\\") + r"\2", content)
    return content


if __name__ == "__main__":
    before = README.read_text("utf-8")
    after = filled(before)
    if sys.argv[1:] == ["write"]:
        README.write_text(after, "utf-8")
    elif before != after:
        sys.exit("README.md: its tables differ from the code; run `python -m agents.reference write`")
