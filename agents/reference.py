"""The tables of the README and of schemas/README.md, made from the code: `python -m agents.reference write`; a test compares them.

Each stands between `<!-- name -->` and `<!-- /name -->`.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import typer
from prometheus_client import CollectorRegistry

from agents.settings import SETTINGS
from agents.telemetry import Telemetry
from schemas.headers import HEADERS
from schemas.topics import TOPICS

ROOT = Path(__file__).parents[1]


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
                or ("snapshots" if topic.name.startswith("webcare.state.") else "original bytes"),
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


def headers_table() -> str:
    """All headers."""
    return _table(
        ("header", "where", "value", "meaning"),
        ((f"`{header.name}`", header.where + ("" if header.always else ", if known"), header.value, header.meaning) for header in HEADERS),
    )


TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"topics": topics_table, "settings": settings_table, "metrics": metrics_table, "commands": commands_table},
    "schemas/README.md": {"headers": headers_table},
}


def filled(content: str, tables: dict[str, Callable[[], str]]) -> str:
    """A page with its tables as the code gives them.

    Raises:
        ValueError: a table has no place in it.
    """
    for name, table in tables.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = content.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"no place for the table {name}")
        content = f"{before}{start}{table()}\n{end}{after}"
    return content


def differing(write: bool = False) -> list[str]:
    """Pages whose tables are not what the code gives; with ``write`` they are made so."""
    pages = []
    for page, tables in TABLES.items():
        before = (ROOT / page).read_text("utf-8")
        after = filled(before, tables)
        if before != after:
            pages.append(page)
            if write:
                (ROOT / page).write_text(after, "utf-8")
    return pages


if __name__ == "__main__":
    wrong = differing(write=sys.argv[1:] == ["write"])
    if wrong and sys.argv[1:] != ["write"]:
        sys.exit(f"{', '.join(wrong)}: tables differ from the code; run `python -m agents.reference write`")
