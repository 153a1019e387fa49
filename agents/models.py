"""Loads what the stages need and no code should carry: the language model of py3langid."""

from importlib.resources import files

from py3langid.langid import MODEL_FILE
from py3langid.langid import LanguageIdentifier as PackagedIdentifier

from pipeline.identify import NAMED, LanguageIdentifier
from pipeline.words import parse_words


def load_identifier() -> LanguageIdentifier:
    """The language identifier over py3langid's packaged model: about a second and 110 MB; one is enough for a process."""
    words = parse_words((files("pipeline") / "words.toml").read_bytes(), NAMED)
    return LanguageIdentifier(PackagedIdentifier.from_model_file(MODEL_FILE), words)
