"""What the documents say is what the code does."""

import re
from pathlib import Path

import pytest

from agents.reference import ROOT, differing

PAGES = ("README.md", "schemas/README.md")


def test_tables_are_those_of_the_code() -> None:
    assert differing() == [], "run `python -m agents.reference write`"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text("utf-8")):
        assert target.startswith("https://") or (folder / target).exists(), target


def test_make_and_uv_commands_are_the_same() -> None:
    """The README prints both; the Makefile must run what the README says."""
    makefile = Path(ROOT / "Makefile").read_text("utf-8")
    readme = Path(ROOT / "README.md").read_text("utf-8")
    for target, command in re.findall(r"^make (\w+) +# or: (.+)$", readme, re.MULTILINE):
        assert re.search(rf"^{target}:.*\n\t{re.escape(command)}$", makefile, re.MULTILINE), target
    assert "uv run --all-extras --group dev pytest".removeprefix("uv ") in Path(ROOT / ".ci/run").read_text("utf-8")
