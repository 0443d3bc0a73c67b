from __future__ import annotations

from typing import Any

import pytest

from tests.harness import Running
from tests.registry.conftest import Caller, Room, problem

FORM = {"grant_type": "client_credentials"}


async def issued(room: Room, *scopes: str, **more: Any) -> Any:
    return await room.made(f"/networks/{room.slug}/api-keys", {"title": "Sito", "scopes": list(scopes), **more})


def bearer(registry: Running, credential: str) -> Caller:
    return Caller(registry, {"authorization": f"Bearer {credential}"})


async def test_a_key_opens_what_its_scopes_name_in_its_network(registry: Running, room: Room, other_room: Room) -> None:
    key = await issued(room, "registry:read_people", per_minute=100)
    assert key["credential"].startswith(f"trama_{key['id'].replace('-', '')}_")
    partner = bearer(registry, key["credential"])
    seen = await partner.get(f"/networks/{room.slug}/people")
    assert seen.status_code == 200
    assert "100" in seen.headers["ratelimit-policy"]
    assert problem(await partner.get(f"/networks/{room.slug}/mandates")) == (403, "forbidden")
    assert problem(await partner.get(f"/networks/{other_room.slug}/people")) == (403, "forbidden")
    body = {"given_name": "Giulia", "family_name": "Serra"}
    assert problem(await partner.post(f"/networks/{room.slug}/people", body)) == (403, "forbidden")
    me = await partner.found("/me")
    assert (me["kind"], me["person"], me["email"], me["rights"]) == ("key", None, None, ["read_people"])


async def test_the_secret_is_shown_once_and_is_nowhere(registry: Running, room: Room) -> None:
    body = {"title": "Sito", "scopes": ["mapping:*"]}
    url = f"/networks/{room.slug}/api-keys"
    first = await room.post(url, body, **{"idempotency-key": "chiave"})
    assert (first.status_code, first.headers["cache-control"], first.headers["etag"]) == (201, "no-store", '"1"')
    secret = first.json()["credential"].rsplit("_", 1)[1]
    again = await room.post(url, body, **{"idempotency-key": "chiave"})
    assert (again.status_code, again.json()["id"], again.json()["credential"]) == (201, first.json()["id"], None)
    assert [item["credential"] for item in (await room.found(url))["items"]] == [None]
    assert (await room.found(f"/api-keys/{first.json()['id']}"))["credential"] is None
    for table in ("api_keys", "log", "idempotency"):
        rows = await registry.sql(f"select t::text as row from {table} t")
        assert not any(secret in row.row or secret.encode().hex() in row.row for row in rows), table
    ((type_, fact),) = await registry.published(f"registry.api_key.{first.json()['id']}.*")
    assert type_ == "trama.registry.api_key.issued.v1"
    assert (fact["network_id"], fact["scopes"], len(fact["secret_sha256"])) == (str(room.id), ["mapping:*"], 64)


async def test_a_rotated_key_works_with_both_secrets_for_the_grace_time(registry: Running, room: Room) -> None:
    key = await issued(room, "registry:read_people")
    url = f"/api-keys/{key['id']}/rotate"
    assert problem(await room.post(url, {})) == (428, "if-match-missing")
    rotated = await room.post(url, {"grace_hours": 1}, '"1"')
    assert rotated.status_code == 200
    people = f"/networks/{room.slug}/people"
    for credential in (key["credential"], rotated.json()["credential"]):
        assert (await bearer(registry, credential).get(people)).status_code == 200
    last = await room.post(url, {"grace_hours": 0}, rotated.headers["etag"])
    assert problem(await bearer(registry, rotated.json()["credential"]).get(people)) == (401, "key-invalid")
    assert problem(await bearer(registry, key["credential"]).get(people)) == (401, "key-invalid")
    assert (await bearer(registry, last.json()["credential"]).get(people)).status_code == 200


async def test_a_revoked_key_stops_at_once_and_for_good(registry: Running, room: Room) -> None:
    key = await issued(room, "registry:read_people")
    partner = bearer(registry, key["credential"])
    token = await exchanged(registry, key)
    revoked = await room.post(f"/api-keys/{key['id']}/revoke", etag='"1"')
    assert (revoked.status_code, revoked.json()["allowed_actions"]) == (200, [])
    for caller in (partner, bearer(registry, token)):
        assert problem(await caller.get(f"/networks/{room.slug}/people")) == (401, "key-invalid")
    etag = revoked.headers["etag"]
    assert problem(await room.post(f"/api-keys/{key['id']}/rotate", {}, etag)) == (409, "key-revoked")
    assert problem(await room.post(f"/api-keys/{key['id']}/revoke", etag=etag)) == (409, "key-revoked")
    facts = await registry.published(f"registry.api_key.{key['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["issued", "revoked"]
    assert facts[-1][1]["revoked_at"] is not None


async def test_a_key_used_from_a_page_is_used_from_its_own_sites_only(registry: Running, room: Room) -> None:
    key = await issued(room, "registry:read_people", origins=["https://www.example.org"])
    partner = bearer(registry, key["credential"])
    partner.headers |= {"origin": "https://www.example.org"}
    seen = await partner.get(f"/networks/{room.slug}/people")
    assert (seen.status_code, seen.headers["access-control-allow-origin"]) == (200, "https://www.example.org")
    partner.headers |= {"origin": "https://elsewhere.example"}
    assert problem(await partner.get(f"/networks/{room.slug}/people")) == (403, "origin-refused")


async def exchanged(registry: Running, key: Any, **more: str) -> str:
    answer = await registry.client.post(
        "/registry/v1/token", data={**FORM, **more}, auth=(key["id"], key["credential"])
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["access_token"])


async def test_a_key_is_exchanged_for_a_short_token_with_no_more_than_its_scopes(registry: Running, room: Room) -> None:
    key = await issued(room, "registry:read_people", "registry:read_mandates")
    people, mandates = f"/networks/{room.slug}/people", f"/networks/{room.slug}/mandates"
    whole = bearer(registry, await exchanged(registry, key))
    assert [(await whole.get(url)).status_code for url in (people, mandates)] == [200, 200]
    part = bearer(registry, await exchanged(registry, key, scope="registry:read_people registry:write_people"))
    assert [(await part.get(url)).status_code for url in (people, mandates)] == [200, 403]
    form = {**FORM, "client_id": key["id"], "client_secret": key["credential"]}
    assert (await registry.client.post("/registry/v1/token", data=form)).status_code == 200


@pytest.mark.parametrize(
    ("client", "secret"),
    [("", ""), ("x", "y"), ("id", "trama_" + "0" * 32 + "_" + "x" * 43), ("id", "wrong"), ("other", "right")],
)
async def test_wrong_credentials_are_refused(registry: Running, room: Room, client: str, secret: str) -> None:
    key = await issued(room, "mapping:*")
    wrong = key["credential"][:-2] + ("ab" if key["credential"][-2:] != "ab" else "cd")
    form = {
        **FORM,
        "client_id": key["id"] if client == "id" else client,
        "client_secret": {"wrong": wrong, "right": key["credential"]}.get(secret, secret),
    }
    assert problem(await registry.client.post("/registry/v1/token", data=form)) == (401, "client-invalid")


async def test_another_kind_of_grant_is_refused(registry: Running) -> None:
    for form in ({}, {"grant_type": "password"}):
        assert (await registry.client.post("/registry/v1/token", data=form)).status_code == 422
    broken = {"authorization": "Basic ???"}
    answer = await registry.client.post("/registry/v1/token", data=FORM, headers=broken)
    assert problem(answer) == (401, "client-invalid")


@pytest.mark.parametrize(
    ("wrong", "status", "path"),
    [
        ({"scopes": []}, 422, "/scopes"),
        ({"scopes": ["registry:fly"]}, 422, "/scopes/0"),
        ({"scopes": ["registry:read_people", "all"]}, 422, "/scopes/1"),
        ({"origins": ["https://example.org/path"]}, 422, "/origins/0"),
        ({"per_minute": 0}, 422, "/per_minute"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "/expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, 422, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, 422, "/expires_at"),
        ({"title": ""}, 422, "/title"),
        ({"secret": "mine"}, 422, "/secret"),
    ],
)
async def test_what_is_wrong_with_a_key_is_named(room: Room, wrong: dict[str, Any], status: int, path: str) -> None:
    body = {"title": "Sito", "scopes": ["mapping:*"], **wrong}
    refused = await room.post(f"/networks/{room.slug}/api-keys", body)
    assert refused.status_code == status
    assert [error["path"] for error in refused.json()["errors"]] == [path]


async def test_keys_are_managed_by_the_secretariat_and_never_by_a_key(
    registry: Running, room: Room, other_room: Room
) -> None:
    key = await issued(room, "registry:*")
    partner = bearer(registry, key["credential"])
    body = {"title": "Figlia", "scopes": ["registry:*"]}
    assert problem(await partner.post(f"/networks/{room.slug}/api-keys", body)) == (403, "forbidden")
    assert problem(await partner.post("/networks", {"slug": "di-chiave", "name": "X"})) == (403, "forbidden")
    coordinator = Caller(registry, await registry.holder("coordinator", room.id))
    assert problem(await coordinator.get(f"/networks/{room.slug}/api-keys")) == (403, "forbidden")
    assert problem(await other_room.get(f"/api-keys/{key['id']}")) == (404, "not-found")
    assert problem(await other_room.post(f"/api-keys/{key['id']}/revoke", etag='"1"')) == (404, "not-found")


async def test_an_expired_key_is_none(registry: Running, room: Room) -> None:
    key = await issued(room, "registry:read_people", expires_at="2199-01-01T00:00:00Z")
    await registry.sql("update api_keys set expires_at = now() where id = :id", id=key["id"])
    assert problem(await bearer(registry, key["credential"]).get("/me")) == (401, "key-invalid")
