"""The page of an invitation's link: opening it shows, the form acts, and what cannot be answered says why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from shared.access import jwks, links
from shared.contracts.registry import NetworkChanged, PersonErased
from tests.events.room import Committee, Room, problem

pytestmark = pytest.mark.timeout(120)

HTML = {"accept": "text/html"}
JSON = {"accept": "application/json"}


async def invited(room: Room, holders: int = 2, meeting: Any = None, **state: Any) -> tuple[Committee, Any, Any]:
    """A committee, its meeting, and the invitation of its first member."""
    committee = await room.committee(holders=holders, **state)
    agenda = [{"title": "Piano di lavoro", "minutes": 45}]
    made = await room.convened(committee.id, agenda=agenda, **(meeting or {}))
    (invitation,) = await room.invitations(made, person=str(committee.members[0].person_id))
    return committee, made, invitation


async def show(room: Room, token: str, headers: dict[str, str] = HTML) -> httpx.Response:
    return await room.running.client.get("/events/v1/rsvp/link", params={"token": token}, headers=headers)


async def send(room: Room, token: str, data: dict[str, str], headers: dict[str, str] = HTML) -> httpx.Response:
    return await room.running.client.post("/events/v1/rsvp/link", params={"token": token}, data=data, headers=headers)


async def test_opening_a_link_shows_the_invitation_and_does_nothing(room: Room) -> None:
    await room.tell(
        NetworkChanged(
            id=room.id,
            version=2,
            network_id=room.id,
            slug=room.slug,
            title="Alleanza <prova>",
            kind="alliance",
            logo="/registry/v1/logos/abc",
        )
    )
    meeting = {
        "mode": "hybrid",
        "join_url": "https://meet.example.org/comitato",
        "starts_at": room.now.replace(year=room.now.year + 1, month=10, day=3, hour=13, minute=30),
    }
    _, _, invitation = await invited(room, meeting=meeting)
    for _ in range(2):
        page = await show(room, room.link("rsvp", invitation["id"]))
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert page.headers["content-type"].startswith("text/html")
    for shown in (
        "Invito: Riunione",
        "Alleanza &lt;prova&gt;",
        'src="/registry/v1/logos/abc"',
        "Persona Numero 1",
        "3 ottobre",
        "15:30",
        "Roma, via Marcora 18",
        'href="https://meet.example.org/comitato"',
        "Piano di lavoro (45 min)",
        "Ente 1",
        "Comitato esecutivo",
        "Non hai ancora risposto.",
    ):
        assert shown in page.text, shown
    assert "<script" not in page.text
    assert "delegate_id" not in page.text  # nobody may stand for others in this body
    found = await room.found(f"/invitations/{invitation['id']}")
    assert (found["answer"], found["version"]) == (None, 1)


async def test_the_form_answers_and_the_last_one_counts(room: Room) -> None:
    _, _, invitation = await invited(room)
    token = room.link("rsvp", invitation["id"])
    for reply, said in (("yes", "Sì"), ("no", "No"), ("perhaps", "Forse")):
        page = await send(room, token, {"answer": reply})
        assert page.status_code == 200
        assert f"La risposta è registrata: {said}." in page.text
        assert f'value="{reply}" required checked' in page.text
        found = await room.found(f"/invitations/{invitation['id']}")
        assert (found["answer"], found["answered_by"]) == (reply, None)
    assert "Hai risposto: Forse." in (await show(room, token)).text


async def test_the_page_speaks_english_to_who_asks_for_it(room: Room) -> None:
    _, _, invitation = await invited(room)
    token = room.link("rsvp", invitation["id"])
    page = await show(room, token, {**HTML, "accept-language": "en"})
    assert page.headers["content-language"] == "en"
    assert "Will you come?" in page.text
    told = await send(room, token, {"answer": "yes"}, {**HTML, "accept-language": "en"})
    assert "The answer is recorded: Yes." in told.text


async def test_a_program_is_told_the_same(room: Room) -> None:
    committee, meeting, invitation = await invited(room, proxies=1)
    token = room.link("rsvp", invitation["id"])
    shown = (await show(room, token, JSON)).json()
    assert (shown["invitation_id"], shown["title"], shown["answer"]) == (invitation["id"], "Riunione", None)
    assert (shown["starts_at"], shown["network"]) == (meeting["starts_at"], "Rete di prova")
    assert [delegate["id"] for delegate in shown["delegates"]] == [str(committee.members[1].person_id)]
    answered = await send(room, token, {"answer": "no"}, JSON)
    assert (answered.status_code, answered.json()["answer"]) == (200, "no")
    refused = await send(room, token, {"answer": "maybe"}, JSON)
    assert problem(refused) == (422, "invalid")
    assert refused.json()["errors"][0]["path"] == "/answer"


async def test_the_form_offers_those_who_may_stand_for_the_person(room: Room) -> None:
    committee, meeting, invitation = await invited(room, holders=4, proxies=1)
    by_person = {i["person"]["id"]: i for i in await room.invitations(meeting)}
    second, third, fourth = (str(member.person_id) for member in committee.members[1:])
    await room.made(f"/invitations/{by_person[second]['id']}/answer", {"answer": "no"})
    token = room.link("rsvp", invitation["id"])
    page = await show(room, token)
    assert "Delego un'altra persona" in page.text.replace("&#39;", "'")
    assert [value in page.text for value in (second, third, fourth, str(committee.members[0].person_id))] == [
        False,
        True,
        True,
        False,
    ]
    told = await send(room, token, {"answer": "delegated", "delegate_id": third})
    assert "La risposta è registrata: delega a Persona Numero 3." in told.text
    assert f'<option value="{third}" selected>' in told.text
    assert (await room.found(f"/invitations/{invitation['id']}"))["delegate"]["id"] == third


async def test_a_delegation_that_cannot_be_shows_the_form_again_with_the_reason(room: Room) -> None:
    _, _, invitation = await invited(room, proxies=1)
    token = room.link("rsvp", invitation["id"])
    for delegate in ("", str(uuid7())):
        page = await send(room, token, {"answer": "delegated", "delegate_id": delegate})
        assert page.status_code == 422
        assert 'role="alert"' in page.text
        assert "Questa delega non è possibile" in page.text
        assert 'value="delegated" required checked' in page.text
    assert (await room.found(f"/invitations/{invitation['id']}"))["answer"] is None


@pytest.mark.parametrize("data", [{}, {"answer": ""}, {"answer": "maybe"}, {"answer": "delegated", "delegate_id": "x"}])
async def test_a_form_without_a_good_answer_is_shown_again(room: Room, data: dict[str, str]) -> None:
    _, _, invitation = await invited(room, proxies=1)
    page = await send(room, room.link("rsvp", invitation["id"]), data)
    assert page.status_code == 422
    assert "Scegli una delle risposte." in page.text


async def test_a_person_left_chosen_beside_another_answer_is_not_delegated(room: Room) -> None:
    committee, _, invitation = await invited(room, proxies=1)
    data = {"answer": "yes", "delegate_id": str(committee.members[1].person_id)}
    assert (await send(room, room.link("rsvp", invitation["id"]), data)).status_code == 200
    found = await room.found(f"/invitations/{invitation['id']}")
    assert (found["answer"], found["delegate"]) == ("yes", None)


async def test_the_page_says_who_answered_for_the_person(room: Room) -> None:
    _, _, invitation = await invited(room)
    clerk = room.person("Rita", "Segreti")
    await room.tell(clerk)
    secretariat = await room.caller("secretariat", clerk.id)
    await secretariat.made(f"/invitations/{invitation['id']}/answer", {"answer": "yes"})
    page = await show(room, room.link("rsvp", invitation["id"]))
    assert "Risposta registrata per te da Rita Segreti: Sì." in page.text


# --- refused --------------------------------------------------------------------------------------------------------


async def refused(room: Room, token: str, status: int, type_: str, said: str) -> None:
    """A page for people and a problem for programs, whether it is opened or sent."""
    for page in (await show(room, token), await send(room, token, {"answer": "yes"})):
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert said in page.text
    for answer in (await show(room, token, JSON), await send(room, token, {"answer": "yes"}, JSON)):
        assert problem(answer) == (status, type_)


async def test_the_link_of_an_ended_mandate_says_so(room: Room) -> None:
    committee, _, invitation = await invited(room)
    await room.tell(room.ended(committee.members[0].mandate, room.today))
    token = room.link("rsvp", invitation["id"])
    await refused(room, token, 410, "invitation-withdrawn", "Rete di prova")
    await refused(room, token, 410, "invitation-withdrawn", "non dura fino alla riunione")


async def test_the_link_to_a_cancelled_meeting_says_so(room: Room) -> None:
    _, meeting, invitation = await invited(room)
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    await refused(room, room.link("rsvp", invitation["id"]), 410, "meeting-cancelled", "La riunione è annullata")


async def test_the_link_to_a_meeting_that_is_over_says_so(room: Room) -> None:
    _, meeting, invitation = await invited(room)
    await room.running.sql(  # as if its hour had come
        "update meetings set starts_at = now() - interval '2 hours', ends_at = now() where id = :id",
        id=UUID(meeting["id"]),
    )
    await refused(room, room.link("rsvp", invitation["id"]), 410, "meeting-begun", "Non si può più rispondere")
    wrong = await send(room, room.link("rsvp", invitation["id"]), {"answer": "delegated"})
    assert (wrong.status_code, "Non si può più rispondere" in wrong.text) == (410, True)


async def test_an_expired_link_says_so(room: Room) -> None:
    _, _, invitation = await invited(room)
    await refused(room, room.link("rsvp", invitation["id"], hours=-1), 410, "link-expired", "è scaduto")


async def test_a_link_for_something_else_opens_nothing(room: Room) -> None:
    _, _, invitation = await invited(room)
    expires = room.now + timedelta(hours=1)
    subject = UUID(invitation["id"])
    tokens = {
        "another purpose": room.link("vote", invitation["id"]),
        "another service": links.mint(room.running.link_key, "registry", "rsvp", subject, expires),
        "another key": links.mint(jwks.new_key(), "events", "rsvp", subject, expires),
        "nonsense": "nonsense",
    }
    for token in tokens.values():
        await refused(room, token, 400, "link-invalid", "non è valido")
    assert (await room.found(f"/invitations/{invitation['id']}"))["answer"] is None


async def test_a_link_to_nothing_finds_nothing(room: Room) -> None:
    await refused(room, room.link("rsvp", uuid7()), 404, "not-found", "Non trovato")


async def test_an_erased_person_leaves_no_name_on_the_page(room: Room) -> None:
    committee, _, invitation = await invited(room)
    person = committee.members[0].person_id
    await room.tell(PersonErased(id=person, version=2, network_id=room.id))
    page = await show(room, room.link("rsvp", invitation["id"]))
    assert (page.status_code, "Persona Numero 1" in page.text) == (200, False)
