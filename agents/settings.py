"""Settings of a process: from the environment, overridden by command-line options; all read in one place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names it and says what to do."""


@dataclass(frozen=True)
class Setting:
    """One environment variable, for the code and for the README's table."""

    variable: str
    default: str
    meaning: str
    secret: bool = False


SETTINGS: dict[str, Setting] = {
    "bootstrap": Setting("WEBCARE_KAFKA_BOOTSTRAP", "127.0.0.1:9092", "Kafka brokers, `host:port` separated by commas"),
    "config": Setting(
        "WEBCARE_CONFIG",
        "the packaged demo deployment",
        "folder with `brands.toml`, `routing.toml` and, if wanted, `dossiers.toml` and `words.toml`",
    ),
    "author_key": Setting(
        "WEBCARE_AUTHOR_KEY",
        "none: a live worker refuses to start without it",
        "secret key (at least 16 characters) that author ids are hashed with",
        True,
    ),
    "ticks": Setting(
        "WEBCARE_TICKS", "wall", "`wall`: the worker appends a tick every 30 s; `log`: only the log's own ticks count (replays)"
    ),
    "app": Setting("WEBCARE_APP", "webcare", "name of the Faust application and prefix of the consumer groups"),
    "web_host": Setting("WEBCARE_WEB_HOST", "127.0.0.1", "address that `/metrics /livez /readyz /version` listen on"),
    "web_port": Setting("WEBCARE_WEB_PORT", "6066", "their port; 0 turns the web server off"),
    "session_timeout": Setting("WEBCARE_SESSION_TIMEOUT", "10", "seconds after which a silent worker loses its partitions"),
    "stuck_after": Setting("WEBCARE_STUCK_AFTER", "120", "seconds without progress, while there is work, after which a worker ends itself"),
    "max_ahead": Setting(
        "WEBCARE_MAX_AHEAD",
        "100000",
        "records that a stage may be ahead of what the next one has committed; then it pauses and the rest waits in Kafka; 0: no limit",
    ),
    "log_format": Setting("WEBCARE_LOG", "text", "`text` or `json`"),
    "cache": Setting("WEBCARE_CACHE", "`webcare-stream` in the user's cache folder", "where the embedded broker keeps its jars"),
}
DEMO_KEY = "webcare-demo-key-not-a-secret"
"""Fixed and announced: what the demo and offline runs hash author ids with."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a process runs with. Durations are in seconds."""

    bootstrap: str = "127.0.0.1:9092"
    config: Path | None = None
    author_key: str | None = None
    ticks: Literal["wall", "log"] = "wall"
    app: str = "webcare"
    web_host: str = "127.0.0.1"
    web_port: int = 6066
    session_timeout: float = 10.0
    stuck_after: float = 120.0
    max_ahead: int = 100_000
    log_format: Literal["text", "json"] = "text"
    cache: Path | None = None

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={'***' if SETTINGS[f.name].secret else getattr(self, f.name)!r}" for f in fields(self))
        return f"Settings({shown})"


def read_settings(environment: Mapping[str, str], **overrides: Any) -> Settings:
    """Settings from the environment; an override that is not None wins.

    Raises:
        SettingsError: a value that cannot be read; names the variable.
    """
    values: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        if (given := environment.get(setting.variable)) not in (None, ""):
            values[name] = given
        if overrides.get(name) is not None:
            values[name] = overrides[name]
    for name, kind in (("web_port", int), ("session_timeout", float), ("stuck_after", float), ("max_ahead", int)):
        if name in values:
            try:
                values[name] = kind(values[name])
            except ValueError:
                raise SettingsError(f"{SETTINGS[name].variable} must be a number, not {values[name]!r}") from None
            if not 0 <= values[name] < float("inf"):
                raise SettingsError(f"{SETTINGS[name].variable} must be a number from 0 up, not {values[name]}")
            if kind is float and not values[name]:
                raise SettingsError(f"{SETTINGS[name].variable} must be more than 0 seconds")
            if name == "web_port" and values[name] > 65_535:
                raise SettingsError(f"{SETTINGS[name].variable} must be a port, at most 65535, not {values[name]}")
    for name, allowed in (("ticks", ("wall", "log")), ("log_format", ("text", "json"))):
        if name in values and values[name] not in allowed:
            raise SettingsError(f"{SETTINGS[name].variable} must be one of {', '.join(allowed)}, not {values[name]!r}")
    for name in ("config", "cache"):
        if name in values:
            values[name] = Path(values[name])
    key = values.get("author_key")
    if key is not None and len(key) < 16:
        raise SettingsError("WEBCARE_AUTHOR_KEY is shorter than 16 characters; use a long random secret and keep it")
    return Settings(**values)


PREFIX = "WEBCARE_"
_SERVICE = re.compile(r"(_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)\Z")
"""What Kubernetes adds for a service called webcare, or webcare-something."""


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """What is to be told of variables that look like settings and are none: a line each, with the nearest name, never with the value.

    They are no errors: in a rolling upgrade an older worker sees the settings of the newer one. Those that Kubernetes makes of services
    (`WEBCARE_SERVICE_HOST`, `WEBCARE_PORT=tcp://…`) are passed over.
    """
    known = [setting.variable for setting in SETTINGS.values()]
    found = []
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in known and not _SERVICE.search(name) and not (name.endswith("_PORT") and "://" in value):
            nearest = get_close_matches(name, known, n=1, cutoff=0.75)
            hint = f"did you mean {nearest[0]}?" if nearest else "this version has no such setting"
            found.append(f"{name} is not known and has no effect; {hint}")
    return found


def group_of(app: str, stage: str) -> str:
    """Consumer group of a stage."""
    return f"{app}-{stage}"
