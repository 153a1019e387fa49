"""Keeps the contract files beside the records: ``python -m agents.contracts check|write|freeze``.

- ``schemas/json/<topic>.schema.json``: what the code says today; ``write`` makes them anew.
- ``schemas/frozen/<topic>.schema.json``: what has been released; ``freeze`` copies today's over them, at a release, if ``check`` is clean.
- ``schemas/examples/<topic>/*.json``: values that go on decoding for ever (`tests/test_contracts.py`).

``check`` names every file that differs from the code and every change that breaks what was released, and ends with 1 if there is any.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import schemas
from schemas.compatibility import compare_topics
from schemas.json_schema import Node, render, topic_schema
from schemas.topics import TOPICS

ROOT = Path(schemas.__file__).parent
COMMAND = "python -m agents.contracts"
_SUFFIX = ".schema.json"


def generated() -> dict[str, Node]:
    """Topic name → schema, of all topics whose values we describe, from the code."""
    return {topic.name: topic_schema(topic) for topic in TOPICS if topic.records}


def stored(folder: Path) -> dict[str, Node]:
    """Topic name → schema, as the files of a folder hold them.

    Raises:
        json.JSONDecodeError: a file is not JSON.
    """
    return {path.name.removesuffix(_SUFFIX): json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(f"*{_SUFFIX}"))}


def check(root: Path = ROOT) -> list[str]:
    """Everything that is wrong with the contract files under ``root``, one line each."""
    current = generated()
    written = {path.name.removesuffix(_SUFFIX): path.read_text(encoding="utf-8") for path in (root / "json").glob(f"*{_SUFFIX}")}
    problems = [
        f"{name}: json/{name}{_SUFFIX} is not what the records say; run `{COMMAND} write`"
        for name, schema in current.items()
        if written.get(name) != render(schema)
    ]
    problems += [f"{name}: json/{name}{_SUFFIX} belongs to no topic; delete it" for name in sorted(written.keys() - current.keys())]
    frozen = stored(root / "frozen")
    problems += [str(finding) for finding in compare_topics(frozen, current)]
    problems += [f"{name}: $: has no frozen schema; run `{COMMAND} freeze`" for name in current if name not in frozen]
    return problems


def write(root: Path = ROOT) -> None:
    """Write the generated schemas under ``root``; files of topics that are gone go too."""
    _store(root / "json", generated())


def freeze(root: Path = ROOT) -> list[str]:
    """Take today's schemas as released, unless they break what was released before: then nothing is written and the findings come back."""
    findings = compare_topics(stored(root / "frozen"), generated())
    if not findings:
        _store(root / "frozen", generated())
    return [str(finding) for finding in findings]


def _store(folder: Path, contents: dict[str, Node]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"*{_SUFFIX}"):
        if path.name.removesuffix(_SUFFIX) not in contents:
            path.unlink()
    for name, schema in contents.items():
        (folder / f"{name}{_SUFFIX}").write_text(render(schema), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("action", choices=["check", "write", "freeze"])
    action = parser.parse_args(arguments).action
    problems: list[str] = []
    if action == "write":
        write()
    else:
        problems = check() if action == "check" else freeze()
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
