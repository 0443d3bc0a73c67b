"""What the invited answer, themselves or through the coordination; over HTTP alone."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tests.events.room import Committee, Room, problem

pytestmark = pytest.mark.timeout(120)


async def convened(room: Room, holders: int = 3, **state: Any) -> tuple[Committee, Any, list[Any]]:
    """A committee, its meeting, and the invitations in the order of the members."""
    committee = await room.committee(holders=holders, **state)
    meeting = await room.convened(committee.id)
    by_person = {i["person"]["id"]: i for i in await room.invitations(meeting)}
    return committee, meeting, [by_person[str(member.person_id)] for member in committee.members]


async def answers(room: Room, invitation: Any) -> list[tuple[str | None, str | None]]:
    found = await room.running.published(f"events.invitation.{invitation['id']}.answered")
    return [(body["answer"], body["delegate_id"]) for _, body in found]


@pytest.mark.parametrize("reply", ["yes", "no", "perhaps"])
async def test_the_invited_answer_for_themselves(room: Room, reply: str) -> None:
    committee, meeting, (invitation, *_) = await convened(room, 1)
    person = room.person_calling(committee.members[0].person_id)
    answered = await person.made(f"/invitations/{invitation['id']}/answer", {"answer": reply})
    assert (answered["answer"], answered["answered_by"], answered["version"]) == (reply, None, 2)
    assert answered["answered_at"] is not None
    assert await answers(room, invitation) == [(reply, None)]
    assert (await room.found(f"/meetings/{meeting['id']}"))["answers"][reply] == 1


async def test_the_last_answer_counts(room: Room) -> None:
    committee, _, (invitation, *_) = await convened(room, 1)
    person = room.person_calling(committee.members[0].person_id)
    for reply in ("yes", "no", "perhaps"):
        await person.made(f"/invitations/{invitation['id']}/answer", {"answer": reply})
    assert (await person.found(f"/invitations/{invitation['id']}"))["answer"] == "perhaps"


async def test_an_answer_over_a_version_that_was_seen_is_refused_when_another_came_between(room: Room) -> None:
    committee, _, (invitation, *_) = await convened(room, 1)
    person = room.person_calling(committee.members[0].person_id)
    path = f"/invitations/{invitation['id']}/answer"
    assert (await person.post(path, {"answer": "yes"}, '"1"')).status_code == 200
    assert problem(await person.post(path, {"answer": "no"}, '"1"')) == (412, "version-mismatch")


async def test_an_answer_entered_by_the_secretariat_says_so_until_the_person_answers(room: Room) -> None:
    committee, _, (invitation, *_) = await convened(room, 1)
    clerk = room.person("Rita", "Segreti")
    await room.tell(clerk)
    secretariat = await room.caller("secretariat", clerk.id)
    path = f"/invitations/{invitation['id']}/answer"
    entered = await secretariat.made(path, {"answer": "yes"})
    assert (entered["answered_by"]["id"], entered["answered_by"]["name"]) == (str(clerk.id), "Rita Segreti")
    person = room.person_calling(committee.members[0].person_id)
    assert (await person.found(f"/invitations/{invitation['id']}"))["answered_by"]["name"] == "Rita Segreti"
    assert (await person.made(path, {"answer": "yes"}))["answered_by"] is None


async def test_nobody_else_answers_for_a_person(room: Room) -> None:
    committee, _, (invitation, other, *_) = await convened(room, 2)
    colleague = await room.caller("referent", committee.members[1].person_id)
    elsewhere = await room.caller("coordinator", territory="03")
    for caller in (colleague, elsewhere):
        refused = await caller.post(f"/invitations/{invitation['id']}/answer", {"answer": "no"})
        assert problem(refused) == (403, "forbidden")
    assert (await colleague.found(f"/invitations/{other['id']}"))["allowed_actions"] == ["answer"]


async def test_a_coordinator_enters_answers_in_their_territory(room: Room) -> None:
    body = room.body("by_territory", territory="03", roles=("representative",))
    await room.tell(body, room.mandate(uuid7(), "representative", organisation_id=uuid7(), territory="097"))
    meeting = await room.convened(body.id)
    (invitation,) = await room.invitations(meeting)
    ours, theirs = await room.caller("coordinator", territory="03"), await room.caller("coordinator", territory="12")
    path = f"/invitations/{invitation['id']}/answer"
    assert (await ours.post(path, {"answer": "yes"})).status_code == 200
    assert problem(await theirs.post(path, {"answer": "yes"})) == (403, "forbidden")


async def test_what_is_no_answer_is_refused(room: Room) -> None:
    _, _, (invitation, *_) = await convened(room, 1)
    path = f"/invitations/{invitation['id']}/answer"
    for body in ({"answer": "maybe"}, {}, {"answer": "yes", "seat": 2}):
        assert (await room.post(path, body)).status_code == 422
    assert problem(await room.post(f"/invitations/{uuid7()}/answer", {"answer": "yes"})) == (404, "not-found")


# --- delegating -----------------------------------------------------------------------------------------------------


async def test_an_invited_person_delegates_another(room: Room) -> None:
    committee, _, (first, *_) = await convened(room, 2, proxies=1)
    delegate = committee.members[1].person_id
    person = room.person_calling(committee.members[0].person_id)
    body = {"answer": "delegated", "delegate_id": str(delegate)}
    answered = await person.made(f"/invitations/{first['id']}/answer", body)
    assert (answered["answer"], answered["delegate"]["name"]) == ("delegated", "Persona Numero 2")
    assert await answers(room, first) == [("delegated", str(delegate))]


@pytest.mark.parametrize(
    ("proxies", "whom", "code"),
    [
        (0, 1, "no_proxies"),
        (1, None, "missing"),
        (1, 0, "self"),
        (1, "nobody", "not_invited"),
        (1, 2, "delegated_on"),
    ],
)
async def test_a_delegation_that_cannot_be_says_why(room: Room, proxies: int, whom: Any, code: str) -> None:
    committee, _, invitations = await convened(room, 4, proxies=proxies)
    if proxies:
        chained = {"answer": "delegated", "delegate_id": str(committee.members[3].person_id)}
        await room.made(f"/invitations/{invitations[2]['id']}/answer", chained)
    delegate = committee.members[whom].person_id if isinstance(whom, int) else whom and uuid7()
    body = {"answer": "delegated", "delegate_id": delegate and str(delegate)}
    refused = await room.post(f"/invitations/{invitations[0]['id']}/answer", body)
    assert problem(refused) == (422, "not-delegable")
    (error,) = refused.json()["errors"]
    assert (error["path"], error["code"]) == ("/delegate_id", code)


async def test_a_delegate_named_with_another_answer_is_refused(room: Room) -> None:
    committee, _, (first, *_) = await convened(room, 2, proxies=1)
    body = {"answer": "yes", "delegate_id": str(committee.members[1].person_id)}
    refused = await room.post(f"/invitations/{first['id']}/answer", body)
    assert refused.json()["errors"][0]["code"] == "not_allowed"


async def test_two_who_delegate_the_same_person_at_once_do_not_exceed_what_the_body_allows(room: Room) -> None:
    committee, meeting, invitations = await convened(room, 6, proxies=2)
    body = {"answer": "delegated", "delegate_id": str(committee.members[0].person_id)}
    done = await asyncio.gather(*(room.post(f"/invitations/{i['id']}/answer", body) for i in invitations[1:]))
    assert sorted(answer.status_code for answer in done) == [200, 200, 422, 422, 422]
    assert len(await room.invitations(meeting, answer="delegated")) == 2


async def test_two_who_delegate_each_other_at_once_make_no_circle(room: Room) -> None:
    committee, meeting, invitations = await convened(room, 2, proxies=1)
    crossed = zip(invitations, reversed(committee.members), strict=True)
    bodies = [(i, {"answer": "delegated", "delegate_id": str(m.person_id)}) for i, m in crossed]
    done = await asyncio.gather(*(room.post(f"/invitations/{i['id']}/answer", body) for i, body in bodies))
    assert sorted(answer.status_code for answer in done) == [200, 422]
    assert len(await room.invitations(meeting, answer="delegated")) == 1


async def test_a_delegation_lapses_when_the_delegate_will_not_come(room: Room) -> None:
    committee, _, (first, second, *_) = await convened(room, 2, proxies=1)
    body = {"answer": "delegated", "delegate_id": str(committee.members[1].person_id)}
    await room.made(f"/invitations/{first['id']}/answer", body)
    await room.made(f"/invitations/{second['id']}/answer", {"answer": "no"})
    found = await room.found(f"/invitations/{first['id']}")
    assert (found["answer"], found["delegate"], found["answered_at"]) == (None, None, None)
    assert await answers(room, first) == [("delegated", str(committee.members[1].person_id)), (None, None)]


async def test_a_delegation_lapses_when_the_mandate_of_the_delegate_ends(room: Room) -> None:
    committee, _, (first, second, *_) = await convened(room, 2, proxies=1)
    body = {"answer": "delegated", "delegate_id": str(committee.members[1].person_id)}
    await room.made(f"/invitations/{first['id']}/answer", body)
    await room.tell(room.ended(committee.members[1].mandate, room.today))
    assert (await room.found(f"/invitations/{second['id']}"))["state"] == "withdrawn"
    assert (await room.found(f"/invitations/{first['id']}"))["answer"] is None


# --- too late -------------------------------------------------------------------------------------------------------


async def test_the_invitation_of_an_ended_mandate_is_not_answered(room: Room) -> None:
    committee, _, (invitation, *_) = await convened(room, 1)
    await room.tell(room.ended(committee.members[0].mandate, room.today))
    person = room.person_calling(committee.members[0].person_id)
    refused = await person.post(f"/invitations/{invitation['id']}/answer", {"answer": "yes"})
    assert problem(refused) == (410, "invitation-withdrawn")


async def test_a_mandate_that_is_known_to_end_is_refused_before_its_invitation_is_withdrawn(room: Room) -> None:
    """The projection may come before the reaction: nobody slips through in between."""
    committee, _, (invitation, *_) = await convened(room, 1)
    mandate = committee.members[0].mandate
    await room.running.sql("update mandates set ends = since where id = :id", id=mandate.id)
    person = room.person_calling(committee.members[0].person_id)
    refused = await person.post(f"/invitations/{invitation['id']}/answer", {"answer": "yes"})
    assert problem(refused) == (410, "invitation-withdrawn")


async def test_a_cancelled_meeting_takes_no_answers(room: Room) -> None:
    _, meeting, (invitation, *_) = await convened(room, 1)
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    refused = await room.post(f"/invitations/{invitation['id']}/answer", {"answer": "yes"})
    assert problem(refused) == (410, "meeting-cancelled")


async def test_a_meeting_that_has_begun_takes_no_answers(room: Room) -> None:
    _, meeting, (invitation, *_) = await convened(room, 1)
    await room.running.sql(  # as if its hour had come
        "update meetings set starts_at = now(), ends_at = now() + interval '1 hour' where id = :id",
        id=UUID(meeting["id"]),
    )
    refused = await room.post(f"/invitations/{invitation['id']}/answer", {"answer": "yes"})
    assert problem(refused) == (410, "meeting-begun")
    assert (await room.found(f"/invitations/{invitation['id']}"))["allowed_actions"] == []
