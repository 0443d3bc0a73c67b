"""Where the local stack takes answers from calendars."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.local.stack import REPLY_DOMAIN, _addresses, lmtp_port, service_environment
from services.notify.settings import Settings
from shared.access import jwks
from shared.runtime.settings import SettingsError


def test_a_port_may_be_chosen_and_is_free_otherwise() -> None:
    assert lmtp_port({"TRAMA_LMTP_PORT": "8024"}) == 8024
    assert 0 < lmtp_port({}) < 65536


@pytest.mark.parametrize("said", ["0", "65536", "lmtp", "-1", "８０"])
def test_a_port_that_cannot_be_is_named(said: str) -> None:
    with pytest.raises(SystemExit, match="TRAMA_LMTP_PORT"):
        lmtp_port({"TRAMA_LMTP_PORT": said})


def test_it_is_shown_beside_the_other_addresses() -> None:
    said = _addresses("http://127.0.0.1:8080", Path("/home"), 8024)
    assert f"for …@{REPLY_DOMAIN}: 127.0.0.1:8024" in said


def test_notify_alone_is_told_where_to_listen(tmp_path: Path) -> None:
    ports = {"notify": 1, "events": 2, "smtp": 3, "lmtp": 4}
    postgres: Any = SimpleNamespace(dsn=lambda *_: "postgresql://127.0.0.1:5")
    nats: Any = SimpleNamespace(url=lambda *_: "nats://127.0.0.1:6")
    told = {
        name: service_environment(tmp_path, name, "http://x", ports, postgres, nats) for name in ("notify", "events")
    }
    settings = Settings.load(told["notify"])
    assert (settings.lmtp_port, settings.lmtp_host, settings.reply_domain) == (4, "127.0.0.1", REPLY_DOMAIN)
    assert not [name for name in told["events"] if "LMTP" in name]


@pytest.fixture
def needed(tmp_path: Path) -> dict[str, str]:
    jwks.write_private(tmp_path / "links.json", jwks.new_key())
    return {
        "TRAMA_DATABASE_URL": "postgresql://x",
        "TRAMA_NATS_URL": "nats://x",
        "TRAMA_SMTP_URL": "smtp://x",
        "TRAMA_MAIL_FROM": "a@b.example",
        "TRAMA_LINK_KEY_FILE": str(tmp_path / "links.json"),
    }


def test_a_domain_left_empty_asks_for_no_answers(needed: dict[str, str]) -> None:
    assert Settings.load({**needed, "TRAMA_REPLY_DOMAIN": "", "TRAMA_LMTP_PORT": "8024"}).reply_domain is None
    assert Settings.load({**needed, "TRAMA_REPLY_DOMAIN": "Reply.Example"}).reply_domain == "reply.example"


@pytest.mark.parametrize(("name", "value"), [("REPLY_DOMAIN", "two words"), ("LMTP_PORT", "65536"), ("LMTP_PORT", "x")])
def test_what_cannot_be_is_named_at_the_start(needed: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"TRAMA_{name}"):
        Settings.load({**needed, f"TRAMA_{name}": value})
