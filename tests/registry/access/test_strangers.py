"""Nobody gets in who should not: every operation of the registry, asked by every stranger."""

from __future__ import annotations

import pytest

from tests.access.matrix import STRANGERS, refused, unlisted
from tests.harness import Running
from tests.registry.conftest import Room

PUBLIC = {
    "GET /.well-known/jwks.json",
    "GET /sign-in",
    "POST /sign-in",
    "GET /sign-in/link",
    "POST /sign-in/link",
    "POST /sign-in/oidc",
    "GET /sign-in/oidc/{provider}/start",
    "GET /sign-in/oidc/{provider}/callback",
    "POST /token",
    "GET /logos/{fingerprint}",  # it stands in mails
    "GET /commitments/link",
    "POST /commitments/link",
    "GET /representatives/link",
    "POST /representatives/link",
    "GET /goals/link",
    "GET /notices/link",
    "GET /imports/{import_id}/events",  # by a ticket; its own tests refuse those who have none
    "GET /imports/{import_id}/rows.csv",  # also by a mailed link; its own tests refuse those who have none
}
OWN = {"GET /networks", "GET /me/access-requests"}
"""Lists of what is the caller's own, which may be empty."""


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_nobody_gets_in(registry: Running, room: Room, stranger: str) -> None:
    person, organisation = await room.person(), await room.organisation()
    mandate = await room.mandate(person, "secretariat", registry.context.clock.today().isoformat())
    body = await room.made(f"/networks/{room.slug}/bodies", {"name": "Gruppo", "kind": "community_of_practice"})
    group = {"name": "Segreteria", "kind": "secretariat", "seats": [{"title": "Segretaria", "role": "secretariat"}]}
    seat = (await room.made(f"/networks/{room.slug}/bodies", group))["vacant"][0]
    key = await room.made(f"/networks/{room.slug}/api-keys", {"title": "Sito", "scopes": ["mapping:*"]})
    rule = {"kind": "list_of_representatives", "title": "Elenco", "days": 30}
    rule = await room.made(f"/networks/{room.slug}/commitment-rules", rule)
    (commitment,) = (await room.found(f"/networks/{room.slug}/commitments"))["items"]
    path = await room.made(f"/networks/{room.slug}/constitutions", {"territory": "03"})
    goal = {"title": "Obiettivo", "last_day": registry.context.clock.today().isoformat(), "minimum": 1, "full": 1}
    goal = await room.made(f"/networks/{room.slug}/goals", goal)
    office = {"institution": "09", "office": "president"}
    office = await room.made(f"/networks/{room.slug}/interlocutors", office)
    (notice,) = (await room.found(f"/networks/{room.slug}/notices", person=person["id"]))["items"]
    project = {"title": "Progetto", "since": "2026-01-01", "last_day": "2030-12-31", "lead_id": organisation["id"]}
    project = await room.made(f"/networks/{room.slug}/projects", project)
    await registry.settled()
    ids = {
        "person_id": person["id"],
        "organisation_id": organisation["id"],
        "mandate_id": mandate["id"],
        "body_id": body["id"],
        "seat_id": seat["id"],
        "commitment_id": commitment["id"],
        "notice_id": notice["id"],
        "project_id": project["id"],
        "rule_id": rule["id"],
        "constitution_id": path["id"],
        "goal_id": goal["id"],
        "interlocutor_id": office["id"],
        "key_id": key["id"],
    }
    await refused(registry, stranger, network=room.id, public=PUBLIC, signed_in=OWN, ids=ids)
    assert (await room.found(f"/people/{person['id']}"))["version"] == 1
    assert (await room.found(f"/mandates/{mandate['id']}"))["state"] == "in_office"
    assert (await room.found(f"/bodies/{body['id']}"))["version"] == 1
    assert (await room.found(f"/seats/{seat['id']}"))["version"] == 1
    assert (await room.found(f"/commitments/{commitment['id']}"))["version"] == 1
    assert (await room.found(f"/commitment-rules/{rule['id']}"))["version"] == 1
    assert (await room.found(f"/constitutions/{path['id']}"))["version"] == 1
    assert (await room.found(f"/goals/{goal['id']}"))["version"] == 1
    assert (await room.found(f"/interlocutors/{office['id']}"))["version"] == 1


def test_what_is_open_is_open_on_purpose(registry: Running) -> None:
    assert unlisted(registry, PUBLIC) == []
