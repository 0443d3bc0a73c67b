"""Partners' keys: bound to their scopes, network, sites and pace; rotated without an outage; revoked at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.access import keys
from shared.runtime.clock import wall
from tests.harness import Running
from tests.runtime.conftest import found
from tests.runtime.test_edge import THINGS, kind

INSERT = (
    "insert into api_keys (id, network_id, title, secret_sha256, previous_sha256, previous_until, scopes, origins,"
    " per_minute, expires_at, revoked_at, version) values (:id, :network_id, 'p', :secret_sha256, :previous_sha256,"
    " :previous_until, :scopes, :origins, :per_minute, :expires_at, :revoked_at, 1)"
)


async def issue(running: Running, network: UUID | None, scopes: list[str], **more: Any) -> tuple[UUID, dict[str, str]]:
    key_id = uuid7()
    key, digest = keys.issue(key_id)
    row: dict[str, Any] = {
        "previous_sha256": None,
        "previous_until": None,
        "origins": [],
        "per_minute": 1000,
        "expires_at": None,
        "revoked_at": None,
        "secret_sha256": digest,
        **more,
    }
    await running.sql(INSERT, id=key_id, network_id=network, scopes=scopes, **row)
    return key_id, {"authorization": f"Bearer {key}"}


async def test_a_key_does_what_its_scopes_say_in_its_network(running: Running, network: UUID) -> None:
    _, reader = await issue(running, network, ["toy:read"])
    _, writer = await issue(running, network, ["toy:*"])
    await found(running, "altra")
    assert (await running.client.get(THINGS, headers=reader)).status_code == 200
    refused = await running.client.post(THINGS, json={"name": "lamp"}, headers=reader)
    assert (refused.status_code, kind(refused)) == (403, "forbidden")
    assert (await running.client.post(THINGS, json={"name": "lamp"}, headers=writer)).status_code == 201
    elsewhere = await running.client.get("/toy/v1/networks/altra/things", headers=writer)
    assert (elsewhere.status_code, kind(elsewhere)) == (403, "forbidden")


async def test_a_scope_of_another_service_means_nothing_here(running: Running, network: UUID) -> None:
    _, other = await issue(running, network, ["registry:*", "toy:reading"])
    assert (await running.client.get(THINGS, headers=other)).status_code == 403


async def test_a_key_stops_when_it_is_revoked_or_over(running: Running, network: UUID) -> None:
    now = wall()
    for more in ({"revoked_at": now}, {"expires_at": now}):
        _, key = await issue(running, network, ["toy:*"], **more)
        answer = await running.client.get(THINGS, headers=key)
        assert (answer.status_code, kind(answer)) == (401, "key-invalid")
    _, key = await issue(running, network, ["toy:*"], expires_at=now + timedelta(hours=1))
    assert (await running.client.get(THINGS, headers=key)).status_code == 200


async def test_the_secret_must_be_the_keys_own(running: Running, network: UUID) -> None:
    key_id, _ = await issue(running, network, ["toy:*"])
    wrong = {"authorization": f"Bearer {keys.issue(key_id)[0]}"}
    answer = await running.client.get(THINGS, headers=wrong)
    assert (answer.status_code, kind(answer)) == (401, "key-invalid")


async def test_during_a_rotation_both_secrets_work_and_then_one(running: Running, network: UUID) -> None:
    previous = keys.digest("old-secret")
    hour = timedelta(hours=1)
    for until, good in ((wall() + hour, 200), (wall() - hour, 401)):
        key_id, now = await issue(running, network, ["toy:*"], previous_sha256=previous, previous_until=until)
        old = "x" * 43
        await running.sql("update api_keys set previous_sha256 = :d where id = :id", d=keys.digest(old), id=key_id)
        before = {"authorization": f"Bearer trama_{key_id.hex}_{old}"}
        assert (await running.client.get(THINGS, headers=before)).status_code == good
        assert (await running.client.get(THINGS, headers=now)).status_code == 200


async def test_a_token_for_a_key_has_no_more_than_the_key_and_ends_with_it(running: Running, network: UUID) -> None:
    key_id, _ = await issue(running, network, ["toy:read"])
    token = running.signed_in(key_id, of_key=True, scopes=["toy:read", "toy:write"])
    fewer = running.signed_in(key_id, of_key=True, scopes=["registry:read"])
    assert (await running.client.get(THINGS, headers=token)).status_code == 200
    assert (await running.client.post(THINGS, json={"name": "x"}, headers=token)).status_code == 403
    assert (await running.client.get(THINGS, headers=fewer)).status_code == 403
    await running.sql("update api_keys set revoked_at = now()")
    assert (await running.client.get(THINGS, headers=token)).status_code == 401


async def test_a_browser_uses_a_key_only_from_the_sites_of_that_key(running: Running, network: UUID) -> None:
    site, other = "https://map.example", "https://other.example"
    _, key = await issue(running, network, ["toy:read"], origins=[site])
    await issue(running, network, ["toy:read"], origins=[other])
    preflight = {"origin": site, "access-control-request-method": "GET"}
    asked = await running.client.options(THINGS, headers=preflight)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, site)
    answer = await running.client.get(THINGS, headers={**key, "origin": site})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, site)
    assert "Origin" in answer.headers["vary"]
    wrong = await running.client.get(THINGS, headers={**key, "origin": other})
    assert (wrong.status_code, kind(wrong)) == (403, "origin-refused")
    unknown = await running.client.options(THINGS, headers={**preflight, "origin": "https://evil.example"})
    assert unknown.status_code == 403
    assert "access-control-allow-origin" not in unknown.headers
    assert (await running.client.get(THINGS, headers=key)).status_code == 200


async def test_a_key_has_a_pace_of_its_own_and_is_told(running: Running, network: UUID) -> None:
    _, key = await issue(running, network, ["toy:read"], per_minute=2)
    answers = [await running.client.get(THINGS, headers=key) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"caller";q=2;w=60'
    assert answers[0].headers["ratelimit"].startswith('"caller";r=1;t=')
    assert kind(answers[2]) == "rate-limited"
    assert answers[2].json()["errors"][0]["accepted"] == 2
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
