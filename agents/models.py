"""Loads what the stages need and no code should carry: the language model of py3langid."""

from py3langid.langid import MODEL_FILE
from py3langid.langid import LanguageIdentifier as PackagedIdentifier

from pipeline.identify import LanguageIdentifier


def load_identifier() -> LanguageIdentifier:
    """The language identifier over py3langid's packaged model: about a second and 110 MB; one is enough for a process."""
    return LanguageIdentifier(PackagedIdentifier.from_model_file(MODEL_FILE))
