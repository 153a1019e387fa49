"""Settings: environment, overrides, clear errors, and no secret in sight."""

from dataclasses import fields
from pathlib import Path

import pytest

from agents.settings import SETTINGS, Settings, SettingsError, read_settings, unknown_variables


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
        ("WEBCARE_MAX_AHEAD", "-1", "WEBCARE_MAX_AHEAD must be a number from 0 up, not -1"),
        ("WEBCARE_STUCK_AFTER", "nan", "WEBCARE_STUCK_AFTER must be a number from 0 up, not nan"),
        ("WEBCARE_SESSION_TIMEOUT", "inf", "WEBCARE_SESSION_TIMEOUT must be a number from 0 up, not inf"),
        ("WEBCARE_SESSION_TIMEOUT", "0", "WEBCARE_SESSION_TIMEOUT must be more than 0 seconds"),
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


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("WEBCARE_STUCKAFTER", "60", "did you mean WEBCARE_STUCK_AFTER?"),
        ("WEBCARE_KAFKA_BOOTSTAP", "kafka:9092", "did you mean WEBCARE_KAFKA_BOOTSTRAP?"),
        ("WEBCARE_WBE_PORT", "7000", "did you mean WEBCARE_WEB_PORT?"),
        ("WEBCARE_OF_A_LATER_VERSION", "1", "this version has no such setting"),
        ("WEBCARE_AUTHORKEY", "a-very-secret-long-key", "did you mean WEBCARE_AUTHOR_KEY?"),
    ],
)
def test_a_variable_that_is_no_setting_is_told_with_the_nearest_name(variable: str, value: str, says: str) -> None:
    (told,) = unknown_variables({variable: value, "HOME": "/", "WEBCARE_LOG": "json"})
    assert told.startswith(f"{variable} is not known")
    assert says in told
    assert value not in told


def test_what_kubernetes_adds_for_a_service_is_not_told() -> None:
    links = {
        "WEBCARE_SERVICE_HOST": "10.0.0.1",
        "WEBCARE_SERVICE_PORT": "6066",
        "WEBCARE_SERVICE_PORT_METRICS": "6066",
        "WEBCARE_PORT": "tcp://10.0.0.1:6066",
        "WEBCARE_PORT_6066_TCP": "tcp://10.0.0.1:6066",
        "WEBCARE_PORT_6066_TCP_ADDR": "10.0.0.1",
        "WEBCARE_PORT_6066_TCP_PORT": "6066",
        "WEBCARE_PORT_6066_TCP_PROTO": "tcp",
        "WEBCARE_WORKER_SERVICE_HOST": "10.0.0.1",
    }
    assert unknown_variables(links) == []
