"""Make `pipeline/lexicon/fr/base.tsv` from the French lexicon in the PyPI package vaderSentiment-fr. The same package gives the same bytes.

    pip download --no-deps vaderSentiment-fr==1.3.4
    python deploy/lexicons/convert_fr.py vaderSentiment_fr-1.3.4.tar.gz pipeline/lexicon/fr/base.tsv

One line per word: form, polarity (VADER's -4 to 4 over 4, three decimals). Entries of several words are left out; none of the code is used.
"""

import sys
from collections.abc import Iterator

from bases import member, table, write

SOURCE = "vaderSentiment_fr-1.3.4/vaderSentiment_fr/fr_lexicon.txt"
SHA256 = "80f965ff0f6816310912195c1ce949f925af6ab45dcd4941e123c36049a2aed2"
SCALE = 4
HEAD = (
    "# French words and their polarity, -1 to 1: VADER's lexicon in French (vaderSentiment-fr 1.3.4), MIT; see PROVENANCE.md.\n"
    "# Made by deploy/lexicons/convert_fr.py.\n"
)


def convert(lexicon: bytes) -> str:
    """The lines of base.tsv, sorted by form."""
    return table(HEAD, _rows(lexicon.decode()))


def _rows(lexicon: str) -> Iterator[tuple[str, float]]:
    for line in lexicon.splitlines():
        form, arrow, valence = line.partition("->")
        if arrow:
            yield form.strip(), max(-1.0, min(1.0, float(valence) / SCALE))


def main(package: str, target: str) -> None:
    """Read the package, write the file."""
    write(convert(member(package, SOURCE, SHA256)), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
