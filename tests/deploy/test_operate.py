"""What an operator runs once: secrets, a token, the users of NATS."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import operate
from shared.access import jwks, tokens
from shared.access.jwks import PublicKeys
from shared.access.roles import Level
from shared.messaging import topology

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "nats" / "nats-server.conf"
RELAY = "smtps://user:word@relay.example.org"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    made = operate.make_secrets(tmp_path, RELAY)
    before = contents(tmp_path)
    assert "registry-key.json" in made
    assert operate.make_secrets(tmp_path, None) == []
    assert contents(tmp_path) == before


def test_no_password_is_like_another(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, RELAY)
    urls = [text for name, text in contents(tmp_path).items() if name.endswith(("-database-url", "-nats-url"))]
    passwords = [url.split(":")[2].split("@")[0] for url in urls]
    assert len(set(passwords)) == len(passwords) == len(topology.SERVICES) + len(topology.USERS)
    assert all(len(password) >= 32 for password in passwords)


def test_others_on_the_host_are_kept_out_by_the_folder_and_containers_may_read(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path / "secrets", RELAY)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o644}


def test_the_mail_relay_must_be_said_and_nothing_is_made_before(tmp_path: Path) -> None:
    with pytest.raises(operate.Refused, match="--smtp-url"):
        operate.make_secrets(tmp_path / "secrets", None)
    assert not (tmp_path / "secrets").exists()


def test_what_somebody_replaced_is_kept_and_reaches_what_follows_from_it(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, RELAY)
    (tmp_path / "registry-nats-url").write_text("nats://registry:a%20new%22one@nats:4222\n")
    (tmp_path / "registry-key.json").unlink()
    before = (tmp_path / "registry-jwks.json").read_text()
    assert operate.make_secrets(tmp_path, None) == ["registry-key.json"]
    passwords = (tmp_path / operate.PASSWORDS).read_text()
    assert 'password_of_registry: "a new\\"one"\n' in passwords
    assert (tmp_path / "registry-jwks.json").read_text() != before


def test_a_url_without_a_password_is_refused_by_name(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, RELAY)
    (tmp_path / "erasure-nats-url").write_text("nats://nats:4222\n")
    with pytest.raises(operate.Refused, match="erasure-nats-url"):
        operate.make_secrets(tmp_path, None)


async def test_the_token_is_an_administrators_and_verified_with_the_published_key(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, RELAY)
    token = operate.admin_token(tmp_path / "registry-key.json", "https://trama.example/", 1)
    keys = PublicKeys(str(tmp_path / "registry-jwks.json"))
    identity = await tokens.Verifier(keys, "https://trama.example/registry").verify(token)
    assert (identity.admin, identity.level, identity.person_id) == (True, Level.OIDC, operate.ADMIN)
    with pytest.raises(operate.Refused):
        operate.admin_token(tmp_path / "registry-key.json", "https://trama.example", 25)


def test_the_private_key_is_not_in_the_public_set(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, RELAY)
    for private, public in operate.KEYS.items():
        key = jwks.read_private(tmp_path / private)
        published = json.loads((tmp_path / public).read_text())["keys"]
        assert [entry["kid"] for entry in published] == [key.kid]
        assert "d" not in published[0]


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert operate.main(["secrets", str(tmp_path / "new")], {}) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert operate.main(["admin-token", str(tmp_path)], {}) == 1
    assert "registry-key.json" in capsys.readouterr().err
    assert operate.main(["secrets", str(tmp_path / "new"), "--smtp-url", RELAY], {}) == 0
    assert RELAY not in capsys.readouterr().out


def test_the_shipped_configuration_of_nats_is_the_topologys() -> None:
    assert SHIPPED.read_text().rstrip() == operate.nats_config().rstrip(), "run `make contracts`"
    assert "sync_interval: always" in SHIPPED.read_text()


def test_nats_takes_the_shipped_configuration_with_the_made_passwords(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, RELAY)
    file = tmp_path / "trama.conf"
    file.write_text(SHIPPED.read_text())
    server = Path(sys.executable).parent / "nats-server"
    done = subprocess.run([server, "-t", "-c", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "is valid" in done.stderr
