"""A link that has expired offers a new one: mailed to the invited person, whoever holds the old one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.access import jwks, links
from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)
HTML = {"accept": "text/html"}


async def invitation_of(room: Room) -> tuple[Any, Any]:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id)
    (invitation,) = await room.invitations(meeting)
    return meeting, invitation


async def renew(room: Room, token: str, headers: dict[str, str] = HTML) -> httpx.Response:
    return await room.running.client.post("/events/v1/rsvp/renew", params={"token": token}, headers=headers)


async def asked(room: Room, invitation: Any) -> int:
    return len(await room.running.published(f"events.invitation.{invitation['id']}.link_requested"))


async def test_the_page_of_an_expired_link_offers_a_new_one_and_asks_for_none_itself(room: Room) -> None:
    meeting, invitation = await invitation_of(room)
    token = room.link("rsvp", invitation["id"], hours=-24)
    page = await room.running.client.get("/events/v1/rsvp/link", params={"token": token}, headers=HTML)
    assert page.status_code == 410
    assert f'<form method="post" action="/events/v1/rsvp/renew?token={token}">' in page.text
    assert "Mandami un nuovo collegamento" in page.text
    assert meeting["title"] not in page.text
    assert "Persona Numero 1" not in page.text
    assert await asked(room, invitation) == 0


async def test_a_new_link_is_asked_for_once_in_half_an_hour(room: Room) -> None:
    _, invitation = await invitation_of(room)
    token = room.link("rsvp", invitation["id"], hours=-24)
    for _ in range(3):
        page = await renew(room, token)
        assert (page.status_code, "Controlla la posta" in page.text) == (202, True)
    assert await asked(room, invitation) == 1
    (fact,) = await room.running.published(f"events.invitation.{invitation['id']}.link_requested")
    assert fact[1]["person_id"] == invitation["person"]["id"]
    assert "token" not in str(fact)
    await room.running.sql(
        "update invitations set link_asked_at = link_asked_at - interval '31 minutes' where id = :id",
        id=UUID(invitation["id"]),
    )
    assert (await renew(room, token, {"accept": "application/json"})).status_code == 202
    assert await asked(room, invitation) == 2


async def test_a_link_that_still_works_may_be_sent_again_too(room: Room) -> None:
    _, invitation = await invitation_of(room)
    assert (await renew(room, room.link("rsvp", invitation["id"]))).status_code == 202
    assert await asked(room, invitation) == 1


async def test_nothing_is_sent_for_what_was_never_a_link_of_ours(room: Room) -> None:
    _, invitation = await invitation_of(room)
    past = room.now.replace(year=2020)
    forged = links.mint(jwks.new_key(), "events", "rsvp", UUID(invitation["id"]), past)
    ballot = room.link("ballot", invitation["id"], hours=-1)
    elsewhere = links.mint(room.running.link_key, "registry", "rsvp", UUID(invitation["id"]), past)
    for token in (forged, ballot, elsewhere, "nonsense", ""):
        assert problem(await renew(room, token, {"accept": "application/json"})) == (400, "link-invalid")
    assert await asked(room, invitation) == 0


async def test_an_expired_link_answers_nothing(room: Room) -> None:
    _, invitation = await invitation_of(room)
    token = room.link("rsvp", invitation["id"], hours=-1)
    sent = await room.running.client.post(
        "/events/v1/rsvp/link", params={"token": token}, data={"answer": "yes"}, headers=HTML
    )
    assert (sent.status_code, "Mandami un nuovo collegamento" in sent.text) == (410, True)
    assert (await room.found(f"/invitations/{invitation['id']}"))["answer"] is None


async def test_no_link_is_sent_to_a_meeting_that_takes_no_answers(room: Room) -> None:
    meeting, invitation = await invitation_of(room)
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    page = await renew(room, room.link("rsvp", invitation["id"], hours=-1))
    assert (page.status_code, "La riunione è annullata" in page.text) == (410, True)
    assert await asked(room, invitation) == 0
