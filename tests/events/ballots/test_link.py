"""The signed link of a ballot: opening it shows, the button votes; in Italian and English, without a script."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.events.hall import Hall
from tests.events.room import Room

pytestmark = pytest.mark.timeout(180)


async def link(hall: Hall, ballot: Any, member: int, **more: Any) -> str:
    return hall.room.link("vote", ballot["id"], **{"invitation": hall.invitation(member), **more})


async def opened(room: Room, token: str, accept: str = "text/html", language: str = "it") -> httpx.Response:
    headers = {"accept": accept, "accept-language": language}
    return await room.running.client.get("/events/v1/ballots/link", params={"token": token}, headers=headers)


async def pressed(room: Room, token: str, accept: str = "text/html", **fields: str) -> httpx.Response:
    return await room.running.client.post(
        "/events/v1/ballots/link", params={"token": token}, data=fields, headers={"accept": accept}
    )


async def test_opening_shows_the_question_and_votes_nothing(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot("Si approva il piano di lavoro?")
    token = await link(hall, ballot, 0)
    page = await opened(room, token)
    assert (page.status_code, page.headers["content-language"]) == (200, "it")
    assert "Si approva il piano di lavoro?" in page.text
    assert "Rete di prova" in page.text
    assert "<script" not in page.text
    assert page.text.count('type="radio"') == 3
    assert "In favour" in (await opened(room, token, language="en")).text
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 0


async def test_the_button_votes_and_may_be_pressed_again_until_the_count(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    token = await link(hall, ballot, 0)
    first = await pressed(room, token, vote="yes")
    assert (first.status_code, "a favore" in first.text) == (200, True)
    assert 'value="yes" required checked' in (await opened(room, token)).text
    await pressed(room, token, vote="no")
    await hall.votes(ballot, None, "no")
    closed = await hall.close_ballot(ballot)
    assert (closed["result"]["in_favour"], closed["result"]["against"]) == (0, 2)
    shown = await opened(room, token)
    assert (shown.status_code, "respinta" in shown.text, 'type="radio"' in shown.text) == (200, True, False)
    late = await pressed(room, token, vote="yes")
    assert (late.status_code, "La votazione è chiusa" in late.text) == (409, True)


async def test_who_stands_for_another_finds_both_votes(room: Room) -> None:
    hall = await Hall.opened(room, proxies=1, begun=False)
    delegate = {"answer": "delegated", "delegate_id": str(hall.members[0].person_id)}
    await hall.voter(1).post(f"/invitations/{hall.invitation(1)}/answer", delegate)
    ballot = await hall.ballot()
    token = await link(hall, ballot, 0)
    page = await opened(room, token)
    assert "Voto per delega di Persona Numero 2" in page.text
    assert re.findall(r'name="invitation_id" value="([^"]+)"', page.text) == [hall.invitation(0), hall.invitation(1)]
    done = await pressed(room, token, vote="abstain", invitation_id=hall.invitation(1))
    assert "per delega di Persona Numero 2: astensione" in done.text
    assert (await hall.quorum())["by_proxy"] == 1


async def test_programs_are_answered_in_json(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    token = await link(hall, ballot, 0)
    shown = (await opened(room, token, "application/json")).json()
    assert [(paper["invitation_id"], paper["vote"]) for paper in shown["papers"]] == [(hall.invitation(0), None)]
    given = await pressed(room, token, "application/json", vote="yes")
    assert (given.json()["vote"], given.json()["replaced"]) == ("yes", False)
    wrong = await pressed(room, token, "application/json", vote="maybe")
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == [{"path": "/vote", "code": "enum", "accepted": ["yes", "no", "abstain"]}]


async def test_a_link_of_an_ended_mandate_says_so_and_votes_nothing(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    token = await link(hall, ballot, 0)
    await room.tell(room.ended(hall.members[0].mandate, room.today))
    await room.invitations(hall.meeting)
    for answer in (await opened(room, token), await pressed(room, token, vote="yes")):
        assert answer.status_code == 403
        assert "non dà diritto di voto" in answer.text
        assert "Rete di prova" in answer.text
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 0


async def test_a_link_is_good_for_its_ballot_and_invitation_alone(room: Room) -> None:
    hall = await Hall.opened(room)
    other = await Hall.of(room, await room.committee(1))
    ballot = await hall.ballot()
    tokens = {
        "of another purpose": room.link("rsvp", hall.invitation(0)),
        "without an invitation": room.link("vote", ballot["id"]),
        "of another meeting's invitation": room.link("vote", ballot["id"], invitation=other.invitation(0)),
        "of no ballot": room.link("vote", hall.meeting["id"], invitation=hall.invitation(0)),
        "cut short": (await link(hall, ballot, 0))[:-4],
    }
    for what, token in tokens.items():
        assert (await opened(room, token)).status_code == 400, what
        assert (await pressed(room, token, vote="yes")).status_code == 400, what
    expired = await link(hall, ballot, 0, hours=-1)
    assert (await pressed(room, expired, vote="yes")).status_code == 410
    assert (await room.found(f"/ballots/{ballot['id']}"))["cast"] == 0
