"""A deployment's configuration folder, read and checked, and the four stages built from it: the composition root."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from agents.lexicons import LANGUAGES
from agents.public_holidays import public_holidays
from agents.text_files import NotUtf8Error, utf8_of
from pipeline.brands import ConfigurationError, Registry, parse_brands
from pipeline.decisions import check_examples
from pipeline.dossiers import DossierBook, parse_dossiers
from pipeline.lexicon.own_words import OwnWords, parse_own_words
from pipeline.lexicon.pack import PackError
from pipeline.rules import RuleBook, parse_rules
from pipeline.stage import Stage
from pipeline.toml_places import Places

BRANDS = "brands.toml"
ROUTING = "routing.toml"
DOSSIERS = "dossiers.toml"
"""The headache files; it need not be there."""
WORDS = "words.toml"
"""The deployment's own words; it need not be there."""


@dataclass(frozen=True)
class Deployment:
    """What operators edit: brand registry, routing rule book, dossiers, and words of their own (language → word or phrase → valence)."""

    folder: Path
    brands: Registry
    rules: RuleBook
    words: OwnWords = field(default_factory=dict)
    dossiers: DossierBook = field(default_factory=DossierBook)

    @property
    def config_hash(self) -> str:
        """Names this version of all files together."""
        words = "" if not self.words else f"-{blake2b(repr(self.words).encode(), digest_size=8).hexdigest()}"
        dossiers = "" if not self.dossiers.hash else f"-{self.dossiers.hash}"
        return f"{self.brands.hash}-{self.rules.hash}{dossiers}{words}"


def packaged_deployments() -> Path:
    """The folder `deploy`: in the installed package, else in the checkout."""
    packaged = Path(__file__).parent / "deploy"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "deploy"


def load_deployment(folder: Path | None = None) -> Deployment:
    """Read a configuration folder; the packaged demo deployment where none is given.

    Raises:
        ConfigurationError: a file is missing or wrong, or a rule's own example comes out differently.
    """
    folder = packaged_deployments() / "demo" if folder is None else folder
    content = _read(folder / BRANDS)
    brands = _with_holidays(parse_brands(content, file=str(folder / BRANDS)), Places(str(folder / BRANDS), content))
    rules = parse_rules(_read(folder / ROUTING), file=str(folder / ROUTING))
    if failures := check_examples(rules):
        raise ConfigurationError("\n".join(failures))
    return Deployment(folder, brands, rules, load_own_words(folder), _load_dossiers(folder))


def _with_holidays(brands: Registry, places: Places) -> Registry:
    """The brands with the holidays of their countries."""
    for index, brand in enumerate(brands):
        if brand.country is not None and public_holidays(brand.country) is None:
            raise ConfigurationError(
                f"{places.of('brands', index)} ({brand.slug}): country {brand.country} is not known; use an ISO 3166 code such as NL, or "
                "DE-BY for a part, or give the days in holidays"
            )
    return brands.with_holidays(lambda country: public_holidays(country) or ())


def _load_dossiers(folder: Path) -> DossierBook:
    """The deployment's dossiers; none without the file."""
    file = folder / DOSSIERS
    if not file.exists():
        return DossierBook()
    return parse_dossiers(_read(file), file=str(file))


def load_languages(folder: Path) -> tuple[str, ...]:
    """The languages of the deployment's brands together; none without their file.

    Raises:
        ConfigurationError: the file is wrong.
    """
    file = folder / BRANDS
    if not file.exists():
        return ()
    return tuple(sorted({language for brand in parse_brands(_read(file), file=str(file)) for language in brand.languages}))


def load_own_words(folder: Path) -> OwnWords:
    """The deployment's own words; none without the file.

    Raises:
        ConfigurationError: the folder is not there, or the file is wrong; names line and entry.
    """
    file = folder / WORDS
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: is not a folder; a configuration folder holds {BRANDS} and {ROUTING}")
    if not file.exists():
        return {}
    try:
        return parse_own_words(_read(file), LANGUAGES, file=str(file))
    except PackError as error:
        raise ConfigurationError(str(error)) from None


def _read(path: Path) -> bytes:
    try:
        return utf8_of(path.read_bytes(), str(path))
    except NotUtf8Error as error:
        raise ConfigurationError(str(error)) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); a configuration folder holds {BRANDS} and {ROUTING}"
        ) from None


def version() -> str:
    """The installed version of webcare-stream."""
    return metadata.version("webcare-stream")


def detector_version() -> str:
    """What an alert was decided by: our version, and those of the time-zone data and of the holidays."""
    others = ", ".join(f"{name} {metadata.version(name)}" for name in ("tzdata", "holidays"))
    return f"webcare-stream {version()}, {others}"


def build_stages(
    deployment: Deployment, author_key: str, partitions: int, names: Sequence[str] = (), *, replaying: bool = True
) -> list[Stage]:
    """The stages in their order, models loaded; ``names`` picks some (all where empty); ``replaying``: only files are replayed."""
    # Imported here: a worker of one stage must not load the others' models.
    from agents import crisis, language, routing, sentiment

    builders: dict[str, Callable[[], Stage]] = {
        "language": lambda: language.language_stage(deployment, author_key, partitions, replaying=replaying),
        "sentiment": lambda: sentiment.sentiment_stage(deployment),
        "crisis": lambda: crisis.crisis_stage(deployment),
        "routing": lambda: routing.routing_stage(deployment),
    }
    return [build() for name, build in builders.items() if not names or name in names]
