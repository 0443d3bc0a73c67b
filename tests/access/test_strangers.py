"""Nobody gets in who should not: every operation of the toy, asked by every stranger."""

from __future__ import annotations

from uuid import UUID

import pytest
from fastapi import APIRouter
from starlette.responses import Response

from shared.access import jwt
from shared.runtime.edge import Anyone, At
from tests.access.matrix import STRANGERS, guarded, operations, refused, unlisted
from tests.harness import Running
from tests.runtime.test_edge import THINGS, kind, made

PUBLIC = {"POST /links/{token}", "GET /whoever"}
SIGNED_IN = {"POST /uploads"}


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(running: Running, network: UUID, secretary: dict[str, str], stranger: str) -> None:
    thing = await made(running, secretary)
    await refused(running, stranger, network=network, public=PUBLIC, signed_in=SIGNED_IN, ids={"thing_id": thing["id"]})


async def test_every_operation_is_asked(running: Running, network: UUID) -> None:
    asked = {o.name for o in guarded(running, PUBLIC)}
    assert asked == {
        "GET /facts/{state}",
        "GET /facts/{state}/{id}",
        "GET /me",
        "GET /networks/{network}/things",
        "GET /things/{thing_id}",
        "PATCH /things/{thing_id}",
        "POST /facts/{state}/{id}/replay",
        "POST /networks/{network}/things",
        "POST /uploads",
    }
    assert len(operations(running)) == len(asked) + len(PUBLIC) + 1
    assert unlisted(running, PUBLIC) == []


async def test_a_new_endpoint_that_lets_everybody_in_is_found(running: Running, network: UUID) -> None:
    careless = APIRouter()

    @careless.get("/secrets")
    async def secrets(at: Anyone) -> dict[str, str]:
        return {"secret": "told"}

    @careless.get("/signed")
    async def signed(at: At) -> Response:
        return Response("told")

    running.app.include_router(careless, prefix="/toy/v1")
    assert unlisted(running, PUBLIC) == ["GET /secrets"]
    with pytest.raises(AssertionError, match="GET /secrets -> 200"):
        await refused(running, "no token", network=network, public=PUBLIC)
    with pytest.raises(AssertionError, match="GET /signed -> 200"):
        await refused(running, "no grant", network=network, public=PUBLIC)


async def test_a_public_name_that_is_no_operation_is_a_mistake(running: Running) -> None:
    with pytest.raises(AssertionError, match="GET /typo"):
        list(guarded(running, {"GET /typo"}))


async def test_a_lower_role_may_look_and_not_touch(running: Running, network: UUID) -> None:
    member = await running.holder("member", network)
    assert (await running.client.get(THINGS, headers=member)).status_code == 200
    answer = await running.client.post(THINGS, json={"name": "lamp"}, headers=member)
    assert (answer.status_code, kind(answer)) == (403, "forbidden")
    assert "toy:write" in answer.json()["detail"]
    assert "secretariat" in answer.json()["detail"]


async def test_an_administrator_may_do_everything_and_only_by_the_token(running: Running, network: UUID) -> None:
    answer = await running.client.post(THINGS, json={"name": "lamp"}, headers=running.signed_in(admin=True))
    assert answer.status_code == 201


@pytest.mark.parametrize("claim", ["true", 1, "yes"])
async def test_only_true_makes_an_administrator(running: Running, network: UUID, claim: object) -> None:
    token = running.token()
    claims = {**_claims(token), "admin": claim}
    forged = jwt.sign(running.key, claims)
    answer = await running.client.get(THINGS, headers={"authorization": f"Bearer {forged}"})
    assert answer.status_code == 403


def _claims(token: str) -> dict[str, object]:
    import base64
    import json

    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


async def test_a_public_endpoint_takes_a_bad_token_for_none(running: Running) -> None:
    for headers, known in (
        ({}, False),
        ({"authorization": "Bearer nonsense"}, False),
        (running.signed_in(), True),
    ):
        assert (await running.client.get("/toy/v1/whoever", headers=headers)).json() == {"known": known}


async def test_me_tells_who_i_am_and_what_i_may_do(running: Running, secretary: dict[str, str], network: UUID) -> None:
    me = (await running.client.get("/toy/v1/me", headers=secretary)).json()
    assert me["kind"] == "person"
    assert me["networks"] == [{"network_id": str(network), "slug": "rete", "rights": ["read", "write"]}]
    assert [g["role"] for g in me["grants"]] == ["secretariat"]
