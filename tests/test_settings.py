"""Settings: environment, overrides, clear errors, and no secret in sight."""

from dataclasses import fields
from pathlib import Path

import pytest

from agents.settings import SETTINGS, Settings, SettingsError, read_settings


def test_every_setting_has_its_variable() -> None:
    assert {field.name for field in fields(Settings)} == set(SETTINGS)


def test_options_win_over_the_environment() -> None:
    environment = {"WEBCARE_KAFKA_BOOTSTRAP": "kafka:9092", "WEBCARE_WEB_PORT": "7000", "WEBCARE_CONFIG": "/etc/webcare"}
    settings = read_settings(environment, web_port=8000, bootstrap=None)
    assert (settings.bootstrap, settings.web_port, settings.config) == ("kafka:9092", 8000, Path("/etc/webcare"))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("WEBCARE_WEB_PORT", "many", "WEBCARE_WEB_PORT must be a number"),
        ("WEBCARE_WEB_PORT", "99999", "WEBCARE_WEB_PORT must be a port, at most 65535, not 99999"),
        ("WEBCARE_TICKS", "sun", "one of wall, log"),
        ("WEBCARE_LOG", "xml", "one of text, json"),
        ("WEBCARE_AUTHOR_KEY", "short", "shorter than 16"),
    ],
)
def test_a_wrong_value_is_named(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_settings({variable: value})


def test_the_key_is_never_shown() -> None:
    settings = read_settings({"WEBCARE_AUTHOR_KEY": "a-very-secret-long-key"})
    assert "secret-long" not in repr(settings)
