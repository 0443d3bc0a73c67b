"""Signing in with another provider: its id token exchanged, or a browser sent there and back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.access import jwks
from tests.harness import Running
from tests.registry.access.provider import Provider, running_provider
from tests.registry.conftest import Caller, Room, problem, running_registry

ADMIN = "the-administrator"
SECOND = {"name": "altro", "title": "Altro", "issuer": "https://altro.example", "client_id": "x", "jwks": "/nowhere"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
async def registry(
    postgres: Postgres, nats: Nats, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    configured = json.dumps([provider.settings(admins=[ADMIN]), SECOND])
    home = tmp_path_factory.mktemp("registry")
    async with running_registry(postgres, home, nats, oidc_providers=configured) as running:
        yield running


@pytest.fixture
def anybody(registry: Running) -> Caller:
    return Caller(registry, {})


async def exchange(anybody: Caller, id_token: str, **more: Any) -> Any:
    return await anybody.post("/sign-in/oidc", {"id_token": id_token, **more})


async def test_the_first_login_finds_the_person_by_a_verified_address_and_the_next_by_the_identity(
    registry: Running, room: Room, anybody: Caller, provider: Provider
) -> None:
    person = await room.person(email="oidc@example.org")
    answer = await exchange(anybody, provider.id_token("s-1", "OIDC@example.org"))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["person"]["id"], answer.json()["level"]) == (person["id"], "oidc")
    shown = await room.found(f"/people/{person['id']}")
    assert shown["email_verified"]
    await room.patch(f"/people/{person['id']}", {"email": "nuovo@example.org"}, f'"{shown["version"]}"')
    again = await exchange(anybody, provider.id_token("s-1"))
    assert again.json()["person"]["id"] == person["id"]
    me = Caller(registry, {"authorization": f"Bearer {again.json()['access_token']}"})
    assert (await me.found("/me"))["level"] == "oidc"


async def test_a_first_login_that_does_not_name_one_person_is_refused_with_a_way_on(
    room: Room, anybody: Caller, provider: Provider
) -> None:
    for given in ("Giulia", "Marco"):
        await room.person(given, email="in-due@example.org")
    await room.person(email="non-verificata@example.org")
    cases = [
        (provider.id_token("s-2", "nessuno@example.org"), (403, "nobody-known")),
        (provider.id_token("s-3", "in-due@example.org"), (409, "several-people")),
        (provider.id_token("s-4", "non-verificata@example.org", email_verified=False), (403, "address-unverified")),
        (provider.id_token("s-5"), (403, "address-unverified")),
    ]
    for token, expected in cases:
        assert problem(await exchange(anybody, token)) == expected


async def test_only_good_tokens_of_configured_providers_count(room: Room, anybody: Caller, provider: Provider) -> None:
    await room.person(email="buona@example.org")
    bad = [
        provider.id_token("s-6", "buona@example.org", key=jwks.new_key()),
        provider.id_token("s-6", "buona@example.org", aud="another-client"),
        provider.id_token("s-6", "buona@example.org", azp="another-client"),
        provider.id_token("s-6", "buona@example.org", iat=0, exp=60),
        "nonsense",
        "a.b.c",
    ]
    for token in bad:
        assert (await exchange(anybody, token)).status_code == 401, token
    elsewhere = provider.id_token("s-6", "buona@example.org", iss="https://elsewhere.example")
    assert problem(await exchange(anybody, elsewhere)) == (404, "provider-unknown")
    assert problem(await exchange(anybody, elsewhere, provider="nessuno")) == (404, "provider-unknown")
    good = await exchange(anybody, provider.id_token("s-6", "buona@example.org"), provider="prova")
    assert good.status_code == 200


async def test_a_configured_subject_administers_the_platform(
    registry: Running, anybody: Caller, provider: Provider
) -> None:
    answer = await exchange(anybody, provider.id_token(ADMIN))
    assert (answer.status_code, answer.json()["person"]) == (200, None)
    admin = Caller(registry, {"authorization": f"Bearer {answer.json()['access_token']}"})
    shown = await admin.found("/me")
    assert (shown["admin"], shown["person"]) == (True, None)
    assert (await admin.post("/networks", {"slug": "dell-admin", "name": "X"})).status_code == 201


async def sent(registry: Running) -> dict[str, str]:
    """What the browser is sent to the provider with."""
    answer = await registry.client.get("/registry/v1/sign-in/oidc/prova/start")
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def test_a_browser_goes_to_the_provider_and_comes_back_signed_in(
    registry: Running, room: Room, provider: Provider
) -> None:
    await room.person(email="browser@example.org")
    asked = await sent(registry)
    assert asked["code_challenge_method"] == "S256"
    claims = {"subject": "s-7", "email": "browser@example.org", "nonce": asked["nonce"]}
    provider.codes["c-1"] = (claims, asked["code_challenge"])
    back = {"code": "c-1", "state": asked["state"], "session_state": "whatever", "iss": provider.issuer}
    url = urlsplit(asked["redirect_uri"]).path
    page = await registry.client.get(url, params=back, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/desk"), page.text
    cookies = page.headers.get_list("set-cookie")
    assert any("trama-oidc=" in cookie and "Max-Age=0" in cookie for cookie in cookies)
    assert any(cookie.startswith("trama-session=") and "SameSite=lax" in cookie for cookie in cookies)


@pytest.mark.parametrize("wrong", ["state", "nonce", "code", "denied", "cookie", "verifier"])
async def test_a_return_that_does_not_fit_its_departure_signs_nobody_in(
    registry: Running, room: Room, provider: Provider, wrong: str
) -> None:
    await room.person(email=f"{wrong}@example.org")
    asked = await sent(registry)
    nonce = "another" if wrong == "nonce" else asked["nonce"]
    challenge = "another" if wrong == "verifier" else asked["code_challenge"]
    provider.codes["c-2"] = ({"subject": "s-8", "email": f"{wrong}@example.org", "nonce": nonce}, challenge)
    back = {"code": "c-2", "state": asked["state"]}
    if wrong == "state":
        back["state"] = "another"
    elif wrong == "code":
        back["code"] = "another"
    elif wrong == "denied":
        back = {"error": "access_denied", "error_description": "no", "state": asked["state"]}
    elif wrong == "cookie":
        registry.client.cookies.clear()
    url = urlsplit(asked["redirect_uri"]).path
    page = await registry.client.get(url, params=back, headers={"accept": "text/html"})
    assert page.status_code == 400
    assert "Accesso non riuscito" in page.text
    asked_again = await registry.client.get(url, params=back, headers={"accept": "application/json"})
    assert problem(asked_again) == (400, "sign-in-failed")


async def test_a_provider_without_a_browser_flow_or_unknown_is_said_so(registry: Running) -> None:
    for name in ("altro", "nessuno"):
        assert problem(await registry.client.get(f"/registry/v1/sign-in/oidc/{name}/start")) == (
            404,
            "provider-unknown",
        )


async def test_the_ways_to_sign_in_are_told(registry: Running) -> None:
    answer = await registry.client.get("/registry/v1/sign-in")
    assert answer.json() == {
        "mail": True,
        "providers": [
            {"name": "prova", "title": "Provider di prova", "href": "/registry/v1/sign-in/oidc/prova/start"},
        ],
    }


async def test_the_public_keys_are_published_without_the_private_part(registry: Running) -> None:
    answer = await registry.client.get("/registry/.well-known/jwks.json")
    (key,) = answer.json()["keys"]
    assert "d" not in key
    assert key["kid"] == registry.key.kid
