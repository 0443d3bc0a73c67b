"""Notify does not start on a bad variable, and says which one."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from joserfc.jwk import ECKey

from services.notify.bounces import rules as bounces
from services.notify.settings import Settings
from shared.runtime.settings import SettingsError


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    (tmp_path / "links.json").write_text(json.dumps(key.as_dict(private=True)))
    (tmp_path / "public.json").write_text(json.dumps(key.as_dict(private=False)))
    return {
        "TRAMA_DATABASE_URL": "postgresql://notify:geheim@localhost/notify",
        "TRAMA_NATS_URL": "nats://localhost:4222",
        "TRAMA_SMTP_URL": "smtp://trama:geheim@mail.example.org:587?starttls=required",
        "TRAMA_MAIL_FROM": "Alleanza <no-reply@müller.example>",
        "TRAMA_LINK_KEY_FILE": str(tmp_path / "links.json"),
    }


def test_good_variables_become_a_relay_a_sender_and_a_pace(environment: dict[str, str]) -> None:
    settings = Settings.load({**environment, "TRAMA_SMTP_PER_SECOND": "20", "TRAMA_SMTP_CONNECTIONS": "2"})
    assert (settings.relay.host, settings.relay.port, settings.relay.starttls) == ("mail.example.org", 587, True)
    assert settings.sender.name == "Alleanza"
    assert settings.sender.address == "no-reply@xn--mller-kva.example"
    assert (settings.pace.lanes, settings.pace.per_second) == (2, 20.0)
    assert settings.link_key.is_private
    assert "geheim" not in repr(settings)


def test_providers_have_rates_of_their_own_and_bounces_addresses_where_they_can_be_taken(
    environment: dict[str, str],
) -> None:
    assert (Settings.load(environment).return_path, Settings.load(environment).pace.per_domain) == (None, {})
    more = {"TRAMA_SMTP_PER_DOMAIN": '{"Gmail.com": 20}', "TRAMA_REPLY_DOMAIN": "reply.example"}
    settings = Settings.load({**environment, **more})
    assert settings.pace.per_domain == {"gmail.com": 20.0}
    made = settings.return_path
    assert made is not None
    address = made(UUID(int=7), "maria@example.org")
    token = bounces.token_of(address, "reply.example")
    assert token is not None
    assert bounces.named(settings.bounce_key, token) is not None
    for bad in ('{"gmail.com": 0}', '{"gmail.com": 2000}', '{"not a domain": 1}', "20"):
        with pytest.raises(SettingsError, match="TRAMA_SMTP_PER_DOMAIN"):
            Settings.load({**environment, "TRAMA_SMTP_PER_DOMAIN": bad})


@pytest.mark.parametrize("missing", ["TRAMA_SMTP_URL", "TRAMA_MAIL_FROM", "TRAMA_LINK_KEY_FILE"])
def test_a_missing_variable_stops_the_start_and_is_named(environment: dict[str, str], missing: str) -> None:
    del environment[missing]
    with pytest.raises(SettingsError, match=missing):
        Settings.load(environment)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRAMA_SMTP_URL", "http://geheim@mail.example.org"),
        ("TRAMA_SMTP_URL", "smtp://trama:geheim@mail.example.org?starttls=perhaps"),
        ("TRAMA_MAIL_FROM", "nobody"),
        ("TRAMA_MAIL_REPLY_TO", "a@b@c"),
        ("TRAMA_MAIL_FROM_DOMAINS", '["not a domain"]'),
        ("TRAMA_MAIL_FROM_DOMAINS", "example.org"),
        ("TRAMA_SMTP_CONNECTIONS", "0"),
        ("TRAMA_SMTP_PER_SECOND", "-1"),
        ("TRAMA_LINK_KEY_FILE", "/nowhere/key.json"),
    ],
)
def test_a_bad_variable_stops_the_start_is_named_and_not_repeated(
    environment: dict[str, str], variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=variable) as refused:
        Settings.load({**environment, variable: value})
    assert "geheim" not in str(refused.value)


def test_the_domains_that_the_relay_signs_for_are_its_own_and_those_given(environment: dict[str, str]) -> None:
    assert Settings.load(environment).domains_signed_for is None
    given = Settings.load({**environment, "TRAMA_MAIL_FROM_DOMAINS": '["Rete.example", "società.example"]'})
    assert given.domains_signed_for == frozenset({"rete.example", "xn--societ-nta.example", "xn--mller-kva.example"})


def test_a_public_key_cannot_sign_links(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TRAMA_LINK_KEY_FILE"):
        Settings.load({**environment, "TRAMA_LINK_KEY_FILE": str(tmp_path / "public.json")})
