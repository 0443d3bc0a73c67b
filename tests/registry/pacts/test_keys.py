"""The master keys: named when they are missing or bad, replaced without anybody noticing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog

from deploy import operate
from deploy.local import secrets
from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.registry.app import service
from services.registry.pacts.sealing import vault
from services.registry.settings import Settings
from shared.access import jwks
from shared.runtime.settings import SettingsError
from tests import harness
from tests.registry.conftest import Caller, new_room, problem
from tests.registry.pacts.scene import NAME, new_scene

pytestmark = pytest.mark.timeout(180)

FIRST = harness.PACT_KEYS
SECOND = json.dumps({"keys": [{"kty": "oct", "kid": "second", "k": "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMTI"}]})
BOTH = json.dumps({"keys": [*json.loads(SECOND)["keys"], *json.loads(FIRST)["keys"]]})


def environment(home: Path, **more: str) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    jwks.write_private(home / "registry_key.json", jwks.new_key())
    return {
        "TRAMA_DATABASE_URL": "postgresql://x",
        "TRAMA_NATS_URL": "nats://x",
        "TRAMA_SIGNING_KEY_FILE": str(home / "registry_key.json"),
        **more,
    }


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"TRAMA_PACT_KEYS": ""},
        {"TRAMA_PACT_KEYS": "geheim"},
        {"TRAMA_PACT_KEYS": '{"keys": []}'},
        {"TRAMA_PACT_KEYS": '{"keys": [{"kty": "oct", "kid": "a", "k": "Z2VoZWlt"}]}'},
        {"TRAMA_PACT_KEYS": FIRST.replace('"oct"', '"EC"')},
        {"TRAMA_PACT_KEYS": json.dumps({"keys": json.loads(FIRST)["keys"] * 2})},
        {"TRAMA_PACT_KEYS_FILE": "/nowhere/pact-keys.json"},
    ],
)
def test_a_missing_or_bad_key_fails_at_the_start_with_the_variables_name(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="TRAMA_PACT_KEYS") as refused:
        Settings.load(environment(tmp_path, **given))
    assert "geheim" not in str(refused.value)
    assert "Z2Vo" not in str(refused.value)


def test_a_file_holds_the_keys_too_and_the_settings_never_show_them(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(BOTH)
    settings = Settings.load(environment(tmp_path, TRAMA_PACT_KEYS_FILE=str(file)))
    assert settings.pact_vault.current == "second"
    assert "b3RoZXIt" not in repr(settings) + repr(settings.pact_vault)


def test_operators_make_and_replace_the_keys_with_a_command(tmp_path: Path) -> None:
    operate.make_secrets(tmp_path, "smtp://relay.example:25")
    file = tmp_path / operate.PACT_KEYS
    before = vault(file.read_text())
    made = operate.rotate_pact_keys(tmp_path)
    after = vault(file.read_text())
    assert after.current == made != before.current
    assert set(after.keys) == {made, before.current}
    assert after.keys[before.current] == before.keys[before.current]
    with pytest.raises(operate.Refused):
        operate.rotate_pact_keys(tmp_path / "nowhere")


def test_the_local_profile_makes_its_keys_once(tmp_path: Path) -> None:
    file = secrets.pact_keys(tmp_path)
    first = vault(file.read_text())
    assert vault(secrets.pact_keys(tmp_path).read_text()).keys == first.keys
    assert file.stat().st_mode & 0o777 == 0o600


async def test_after_the_master_key_is_replaced_all_keys_are_wrapped_by_the_new_one_and_texts_stay_readable(
    postgres: Postgres, nats: Nats, tmp_path: Path
) -> None:
    database = await harness.service_database(postgres, "registry")
    await harness.clear_streams(nats)

    def served(keys: str) -> Any:
        own = {"signing_key_file": str(tmp_path / "registry_key.json"), "pact_keys": keys}
        return harness.running(service, Settings, database, tmp_path, nats, **own)

    async with served(FIRST) as registry:
        room = await new_room(registry, Caller(registry, registry.signed_in(admin=True)))
        scene = await new_scene(registry, room)
        pact = await scene.drafted()
        maker = UUID(scene.maker_id)
        assert await wrapped_by(registry) == ["first"]
    async with served(SECOND) as registry:  # a wrong key: nothing is read, nothing is broken
        refused = await Caller(registry, registry.signed_in(maker)).post(f"/pacts/{pact['id']}/readings")
        assert problem(refused) == (503, "pact-unreadable")
        await registry.settled()
        assert await wrapped_by(registry) == ["first"]
    with structlog.testing.capture_logs() as logged:
        async with served(BOTH) as registry:
            await harness.until(lambda: _all_by(registry, "second"), 20, "wrapped anew")
            again = await Caller(registry, registry.signed_in(maker)).post(f"/pacts/{pact['id']}/readings")
            assert again.json()["beneficiary"]["name"] == NAME
    assert [(line["count"], line["key_id"]) for line in logged if line["event"] == "pact_keys_rewrapped"] == [
        (1, "second")
    ]
    async with served(SECOND) as registry:
        again = await Caller(registry, registry.signed_in(maker)).post(f"/pacts/{pact['id']}/readings")
        assert again.json()["beneficiary"]["name"] == NAME


async def wrapped_by(registry: harness.Running) -> list[str]:
    return [row.key_id for row in await registry.sql("select key_id from pact_keys")]


async def _all_by(registry: harness.Running, key_id: str) -> bool:
    return set(await wrapped_by(registry)) == {key_id}
