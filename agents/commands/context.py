"""What all commands share: settings, input, printing, and how an error ends a command."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import typer
from kafka.errors import KafkaError
from rich.console import Console

from agents.broker.errors import BrokerError
from agents.replay import InputError, Line, lines_of, read_lines
from agents.settings import Settings, SettingsError, read_settings
from agents.topics import TopicsError
from pipeline.brands import ConfigurationError, Registry
from pipeline.lexicon.pack import PackError

EXIT_FAILED = 1
"""The command ran and found something wrong."""
EXIT_USAGE = 2
"""What was given cannot be used: a file, an option, a setting, a broker that is not there."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)

KNOWN_ERRORS = (SettingsError, ConfigurationError, PackError, InputError, TopicsError, BrokerError)


def settings_of(**overrides: Any) -> Settings:
    """The process's settings; options win over the environment."""
    return read_settings(os.environ, **overrides)


def fail(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Say what is wrong on standard error, end with this code."""
    err.print(f"error: {message}", markup=False)
    raise typer.Exit(code)


@contextmanager
def explained() -> Iterator[None]:
    """Known errors become one clear line instead of a stack trace."""
    try:
        yield
    except KNOWN_ERRORS as error:
        fail(str(error))
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except ConnectionError as error:
        fail(f"{error}; start a broker with `webcare broker`, or set WEBCARE_KAFKA_BOOTSTRAP")
    except OSError as error:
        fail(f"{error.filename or 'system'}: {error.strerror or error}")
    except KafkaError as error:
        fail(f"Kafka: {type(error).__name__}; is the broker reachable? see `webcare topics check`")


def lines_from(file: str) -> list[Line]:
    """Lines of a file, or of standard input for ``-``."""
    if file == "-":
        return lines_of(sys.stdin.buffer.read(), "standard input")
    return read_lines(Path(file))


def number_of(count: int, noun: str) -> str:
    """`1 brand`, `2 brands`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


MOST_TOLD = 5
"""Unregistered brands that are named."""


def tell_unregistered(brands: Mapping[str, int], registry: Registry, place: str) -> None:
    """Say which of these brands (slug → how many of them) the registry at ``place`` does not know: often a typo, or the wrong folder."""
    unknown = [slug for slug in brands if not registry.knows(slug)]
    known = [brand.slug for brand in registry]
    told = []
    for slug in unknown[:MOST_TOLD]:
        nearest = get_close_matches(slug, known, n=1, cutoff=0.75)
        told.append(f"{slug} ({brands[slug]}{f'; did you mean {nearest[0]}?' if nearest else ''})")
    if len(unknown) > MOST_TOLD:
        told.append(f"{len(unknown) - MOST_TOLD} more")
    if told:
        err.print(
            f"not in {place}: {', '.join(told)}; such a brand is judged by the defaults (--config names another folder)", markup=False
        )
