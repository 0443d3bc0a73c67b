"""Bad configuration stops the start and says which variable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.runtime import cli
from shared.runtime.context import Service
from shared.runtime.settings import ServiceSettings, SettingsError
from tests.runtime import toy

GOOD = {"TRAMA_DATABASE_URL": "postgresql://trama:secret@db/toy", "TRAMA_NATS_URL": "nats://toy:secret@nats"}


def test_what_is_needed_is_enough() -> None:
    settings = ServiceSettings.load(GOOD)
    assert settings.profile == "production"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"TRAMA_DATABASE_URL": None}, "TRAMA_DATABASE_URL"),
        ({"TRAMA_DATABASE_URL": "mysql://secret"}, "TRAMA_DATABASE_URL"),
        ({"TRAMA_NATS_URL": None}, "TRAMA_NATS_URL"),
        ({"TRAMA_NATS_URL": "http://secret"}, "TRAMA_NATS_URL"),
        ({"TRAMA_HTTP_PORT": "secret"}, "TRAMA_HTTP_PORT"),
        ({"TRAMA_HTTP_PORT": "70000"}, "TRAMA_HTTP_PORT"),
        ({"TRAMA_PROFILE": "secret"}, "TRAMA_PROFILE"),
        ({"TRAMA_LOG_LEVEL": "secret"}, "TRAMA_LOG_LEVEL"),
        ({"TRAMA_CORS_ORIGINS": "secret"}, "TRAMA_CORS_ORIGINS"),
        ({"TRAMA_CLOCK_FILE": "/clock"}, "TRAMA_CLOCK_FILE"),
    ],
)
def test_a_bad_variable_is_named_and_its_value_is_not_told(changed: dict[str, str | None], named: str) -> None:
    environment = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    with pytest.raises(SettingsError) as refused:
        ServiceSettings.load(environment)
    assert named in str(refused.value)
    assert "secret" not in str(refused.value)


def test_every_bad_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        ServiceSettings.load({"TRAMA_HTTP_PORT": "x"})
    assert len(str(refused.value).splitlines()) == 3


def test_variables_of_others_are_ignored() -> None:
    assert ServiceSettings.load({**GOOD, "TRAMA_PORT": "x", "TRAMA_HOME": "y", "PATH": "z"})


def test_the_clock_may_be_set_in_the_local_profile_only() -> None:
    local = ServiceSettings.load({**GOOD, "TRAMA_PROFILE": "local", "TRAMA_CLOCK_FILE": "/clock"})
    assert local.clock_file == Path("/clock")


def test_a_value_may_be_in_a_file_as_secrets_are_mounted(tmp_path: Path) -> None:
    secret, origins = tmp_path / "nats-url", tmp_path / "origins"
    secret.write_text("nats://toy:hidden@nats\n")
    origins.write_text('["https://a.example"]')
    settings = ServiceSettings.load(
        {
            "TRAMA_DATABASE_URL": GOOD["TRAMA_DATABASE_URL"],
            "TRAMA_NATS_URL_FILE": str(secret),
            "TRAMA_CORS_ORIGINS_FILE": str(origins),
            "TRAMA_JWKS_FILE": "/a/path/that/is/the/value.json",
        }
    )
    assert settings.nats_url == "nats://toy:hidden@nats"
    assert settings.cors_origins == ("https://a.example",)
    assert settings.jwks_file == "/a/path/that/is/the/value.json"


def test_a_value_that_a_file_holds_too_is_refused(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("nats://secret")
    with pytest.raises(SettingsError) as refused:
        ServiceSettings.load({**GOOD, "TRAMA_NATS_URL_FILE": str(tmp_path / "url")})
    assert str(refused.value) == "TRAMA_NATS_URL: also given by TRAMA_NATS_URL_FILE: one of the two"


@pytest.mark.parametrize("content", [None, b"\xff\xfe secret"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "url").write_bytes(content)
    environment = {"TRAMA_DATABASE_URL_FILE": str(tmp_path / "url"), "TRAMA_NATS_URL": GOOD["TRAMA_NATS_URL"]}
    with pytest.raises(SettingsError, match=r"^TRAMA_DATABASE_URL_FILE: cannot be read: \w+$"):
        ServiceSettings.load(environment)


def test_lists_are_json() -> None:
    settings = ServiceSettings.load({**GOOD, "TRAMA_CORS_ORIGINS": '["https://a.example"]'})
    assert settings.cors_origins == ("https://a.example",)


def test_a_service_that_cannot_start_ends_with_2_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def factory(settings: ServiceSettings) -> Service:
        return toy.service(settings)

    with pytest.raises(SystemExit) as ended:
        cli.main(factory, ServiceSettings, ["serve"], {"TRAMA_NATS_URL": "nats://n"})
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == ["TRAMA_DATABASE_URL: Field required"]


def test_the_openapi_document_needs_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(toy.service, ServiceSettings, ["openapi"], GOOD)
    assert ended.value.code == 0
    assert '"openapi": "3.1.0"' in capsys.readouterr().out


def test_starting_loads_nothing_that_only_the_registry_has() -> None:
    """httpx is in the registry's extra: no other service's image has it."""
    code = "import sys, shared.runtime.cli; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
