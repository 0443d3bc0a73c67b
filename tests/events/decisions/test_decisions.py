"""Decisions while they are being written: what is asked of them, and until when."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.events.hall import Hall
from tests.events.room import Room, problem
from tests.harness import Running

pytestmark = pytest.mark.timeout(180)


def held_on(hall: Hall) -> date:
    return date.fromisoformat(hall.meeting["day"])


def path_of(answer: Any) -> str:
    return str(answer.json()["errors"][0]["path"])


async def test_a_decision_has_an_owner_and_a_day_and_is_told_to_nobody_yet(room: Room) -> None:
    hall = await Hall.opened(room)
    owner, due = hall.members[0].organisation_id, held_on(hall) + timedelta(days=30)
    made = await hall.decide(organisation_id=str(owner), due=due.isoformat())
    assert made["owner"] == {
        "id": str(owner),
        "name": "Ente 1",
        "href": f"/registry/v1/organisations/{owner}",
        "kind": "organisation",
    }
    assert (made["state"], made["due"], made["decided_on"]) == ("proposed", due.isoformat(), hall.meeting["day"])
    assert made["allowed_actions"] == ["change", "remove"]
    assert await room.found(f"/decisions/{made['id']}") == made
    assert await room.items(f"{hall.path}/decisions") == [made]
    assert await hall.told("decision", made["id"]) == []


async def test_people_and_bodies_may_own_a_decision_too(room: Room) -> None:
    hall = await Hall.opened(room)
    due = held_on(hall).isoformat()
    person = await hall.decide(person_id=str(hall.members[0].person_id), due=due)
    body = await hall.decide(body_id=str(hall.committee.id), due=due)
    assert (person["owner"]["kind"], person["owner"]["name"]) == ("person", "Persona Numero 1")
    assert (body["owner"]["kind"], body["owner"]["name"]) == ("body", "Comitato esecutivo")


async def test_what_is_missing_or_contradicts_is_refused_with_the_field(room: Room) -> None:
    hall = await Hall.opened(room)
    organisation, person = str(hall.members[0].organisation_id), str(hall.members[0].person_id)
    good, early = held_on(hall).isoformat(), (held_on(hall) - timedelta(days=1)).isoformat()
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"organisation_id": organisation}, 422, "/due"),
        ({"due": good}, 422, "/organisation_id"),
        ({"organisation_id": organisation, "due": early}, 422, "/due"),
        ({"organisation_id": organisation, "due": "9999-12-31"}, 422, "/due"),
        ({"organisation_id": organisation, "person_id": person, "due": good}, 422, "/person_id"),
        ({"ballot_id": str(uuid4())}, 422, "/ballot_id"),
        ({"kind": "wish"}, 422, "/kind"),
        ({"title": " "}, 422, "/title"),
    ]
    for body, status, path in cases:
        answer = await room.post(f"{hall.path}/decisions", {"title": "Aprire", "kind": "action", **body})
        assert (answer.status_code, path_of(answer)) == (status, path), answer.text
    assert await room.items(f"{hall.path}/decisions") == []


async def test_nobody_owes_who_is_not_known_in_the_network(room: Room, events: Running) -> None:
    hall = await Hall.opened(room)
    other = await Room.founded(events)
    committee = await other.committee(1)
    due = held_on(hall).isoformat()
    for owner in (
        {"person_id": str(committee.members[0].person_id)},
        {"body_id": str(committee.id)},
        {"organisation_id": str(uuid4())},
    ):
        answer = await room.post(f"{hall.path}/decisions", {"title": "Aprire", "kind": "action", "due": due, **owner})
        assert problem(answer) == (409, "not-yet-known")


async def test_a_decision_rests_on_a_carried_ballot_or_on_none(room: Room) -> None:
    hall = await Hall.opened(room)
    ballot = await hall.ballot()
    body = {"title": "Aprire", "kind": "resolution", "ballot_id": ballot["id"]}
    refused = await room.post(f"{hall.path}/decisions", body)
    assert (problem(refused), path_of(refused)) == ((409, "ballot-not-carried"), "/ballot_id")
    await hall.votes(ballot, "yes", "yes")
    await hall.close_ballot(ballot)
    assert (await hall.decide(kind="resolution", ballot_id=ballot["id"]))["ballot_id"] == ballot["id"]
    lost = await hall.ballot("E questo?")
    await hall.votes(lost, "no", "no")
    await hall.close_ballot(lost)
    refused = await room.post(f"{hall.path}/decisions", {**body, "ballot_id": lost["id"]})
    assert "rejected" in refused.json()["detail"]


async def test_a_ballot_of_another_meeting_bears_no_decision_here(room: Room) -> None:
    hall = await Hall.opened(room)
    other = await Hall.of(room, hall.committee)
    ballot = await other.ballot()
    await other.votes(ballot, "yes", "yes")
    await other.close_ballot(ballot)
    answer = await room.post(f"{hall.path}/decisions", {"title": "Aprire", "kind": "action", "ballot_id": ballot["id"]})
    assert (problem(answer), path_of(answer)) == ((422, "invalid-decision"), "/ballot_id")


async def test_a_decision_is_changed_and_removed_with_if_match(room: Room) -> None:
    hall = await Hall.opened(room)
    made = await hall.decide()
    path = f"/decisions/{made['id']}"
    assert problem(await room.patch(path, {"title": "Altro"})) == (428, "if-match-missing")
    changed = await room.patch(path, {"title": "Altro", "kind": "appointment"}, '"1"')
    assert (changed.json()["title"], changed.json()["kind"], changed.json()["version"]) == ("Altro", "appointment", 2)
    assert problem(await room.patch(path, {"title": "Ancora"}, '"1"')) == (412, "version-mismatch")
    half = await room.patch(path, {"due": hall.meeting["day"]}, '"2"')
    assert (problem(half), path_of(half)) == ((422, "invalid-decision"), "/organisation_id")
    whole = {"organisation_id": str(hall.members[1].organisation_id), "due": hall.meeting["day"]}
    owed = (await room.patch(path, whole, '"2"')).json()
    assert (owed["owner"]["name"], owed["version"]) == ("Ente 2", 3)
    gone = await room.running.client.delete(f"/events/v1{path}", headers={**room.headers, "if-match": '"3"'})
    assert gone.status_code == 204
    assert problem(await room.get(path)) == (404, "not-found")


async def test_decisions_belong_to_meetings_in_course_or_held_and_to_who_writes_the_minutes(room: Room) -> None:
    hall = await Hall.opened(room)
    body = {"title": "Aprire", "kind": "action"}
    assert problem(await hall.voter(0).post(f"{hall.path}/decisions", body)) == (403, "forbidden")
    draft = await room.meeting(hall.committee.id)
    answer = await room.post(f"/meetings/{draft['id']}/decisions", body)
    assert problem(answer) == (409, "meeting-not-in-course")
    made = await hall.decide()
    await hall.attend("present", "present")
    await hall.close()
    await hall.decide("Anche dopo la chiusura")
    member = await room.caller("member")
    assert await member.items(f"{hall.path}/decisions") == []
    assert problem(await member.get(f"/decisions/{made['id']}")) == (403, "forbidden")
    assert len(await hall.voter(0).items(f"{hall.path}/decisions")) == 2


async def test_what_is_recorded_is_written_no_more(room: Room) -> None:
    hall = await Hall.opened(room)
    made = await hall.decide()
    await hall.attend("present", "present")
    await hall.close()
    minutes = await hall.drafted()
    await hall.act(minutes, "submit")
    path, etag = f"/decisions/{made['id']}", f'"{made["version"]}"'
    assert problem(await room.patch(path, {"title": "Altro"}, etag)) == (409, "decision-recorded")
    new = await room.post(f"{hall.path}/decisions", {"title": "Tardi", "kind": "action"})
    assert problem(new) == (409, "decision-recorded")
    await hall.act(minutes, "return", {"remarks": "Manca un intervento"})
    assert (await room.patch(path, {"title": "Altro"}, etag)).status_code == 200
    await hall.act(minutes, "submit")
    await hall.act(minutes, "approve")
    refused = await room.running.client.delete(f"/events/v1{path}", headers={**room.headers, "if-match": '"3"'})
    assert problem(refused) == (409, "decision-recorded")
