"""Are the top-level packages `agents`, `pipeline` and `schemas` ours? Other distributions install packages of these names."""

from importlib import import_module, metadata
from pathlib import Path

DISTRIBUTION = "webcare-stream"
PACKAGES = ("agents", "pipeline", "schemas")


def foreign_packages() -> list[str]:
    """What is wrong with the installation, one sentence each; empty where all packages are ours and lie side by side."""
    problems = []
    for package, owners in metadata.packages_distributions().items():
        strangers = sorted({owner for owner in owners if owner.lower().replace("_", "-") != DISTRIBUTION})
        if package in PACKAGES and strangers:
            problems.append(
                f"the distribution {', '.join(strangers)} installs a package `{package}` over ours; "
                f"uninstall it and install {DISTRIBUTION} again, in an environment of its own"
            )
    home = Path(__file__).resolve().parents[1]
    for package in PACKAGES:
        file = import_module(package).__file__
        if file is None or Path(file).resolve().parents[1] != home:
            problems.append(f"`import {package}` finds {file}, which does not belong to {DISTRIBUTION}; use an environment of its own")
    return problems
