"""Answers that the coordination enters as a list: all of them or, with something to say of each wrong row, none."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from uuid_utils.compat import uuid7

from tests.events.room import Room, problem

pytestmark = pytest.mark.timeout(120)


async def convened(room: Room, holders: int, capacity: int | None = None, **body: Any) -> tuple[Any, list[Any], Any]:
    committee = await room.committee(holders=holders, **body)
    meeting = await room.convened(committee.id, capacity=capacity)
    by_person = {one["person"]["id"]: one for one in await room.invitations(meeting)}
    return committee, [by_person[str(member.person_id)] for member in committee.members], meeting


async def enter(room: Room, meeting: Any, *items: Any) -> Any:
    return await room.post(f"/meetings/{meeting['id']}/answers", {"items": list(items)})


async def test_a_list_is_recorded_as_entered_by_who_entered_it(room: Room) -> None:
    committee, asked, meeting = await convened(room, holders=4, proxies=1)
    people = [str(member.person_id) for member in committee.members]
    clerk = room.person("Rita", "Segreti")
    await room.tell(clerk)
    secretariat = await room.caller("secretariat", clerk.id)
    done = await secretariat.post(
        f"/meetings/{meeting['id']}/answers",
        {
            "items": [
                {"person_id": people[0], "answer": "yes"},
                {"invitation_id": asked[1]["id"], "answer": "no"},
                {"person_id": people[2], "answer": "delegated", "delegate_id": people[0]},
            ]
        },
    )
    assert (done.status_code, done.json()) == (200, {"recorded": 3, "waiting": 0})
    found = [await room.found(f"/invitations/{one['id']}") for one in asked]
    assert [one["answer"] for one in found] == ["yes", "no", "delegated", None]
    assert [one["answered_via"] for one in found] == ["coordination"] * 3 + [None]
    assert found[2]["delegate"]["id"] == people[0]
    assert {one["answered_by"]["name"] for one in found[:3]} == {"Rita Segreti"}
    facts = await room.running.published(f"events.invitation.{asked[2]['id']}.answered")
    assert [body["delegate_id"] for _, body in facts] == [people[0]]


async def test_nothing_is_recorded_when_rows_are_wrong_and_each_is_told(room: Room) -> None:
    committee, asked, meeting = await convened(room, holders=3, proxies=1)
    await room.tell(room.ended(committee.members[2].mandate, room.today))
    people = [str(member.person_id) for member in committee.members]
    refused = await enter(
        room,
        meeting,
        {"person_id": people[0], "answer": "yes"},
        {"person_id": str(uuid7()), "answer": "yes"},
        {"invitation_id": asked[0]["id"], "answer": "no"},
        {"answer": "yes"},
        {"person_id": people[1], "answer": "delegated", "delegate_id": people[1]},
        {"person_id": people[2], "answer": "yes"},
        {"person_id": people[1], "answer": "yes", "delegate_id": people[0]},
    )
    assert problem(refused) == (422, "answers-refused")
    assert [(error["path"], error["code"]) for error in refused.json()["errors"]] == [
        ("/items/1/person_id", "not_invited"),
        ("/items/2/invitation_id", "twice"),
        ("/items/3", "one_of"),
        ("/items/4/delegate_id", "self"),
        ("/items/5/person_id", "withdrawn"),
        ("/items/6/person_id", "twice"),
    ]
    assert [one["answer"] for one in await room.invitations(meeting)] == [None, None]


async def test_a_list_sees_what_its_earlier_rows_say(room: Room) -> None:
    """A member stands for one other; whoever said no in the same list stands for nobody."""
    committee, _, meeting = await convened(room, holders=4, proxies=1)
    people = [str(member.person_id) for member in committee.members]

    def delegates(who: int, to: int) -> dict[str, Any]:
        return {"person_id": people[who], "answer": "delegated", "delegate_id": people[to]}

    twice = await enter(room, meeting, delegates(0, 3), delegates(1, 3))
    assert [(e["path"], e["code"]) for e in twice.json()["errors"]] == [("/items/1/delegate_id", "too_many")]
    away = await enter(room, meeting, {"person_id": people[3], "answer": "no"}, delegates(1, 3))
    assert [(e["path"], e["code"]) for e in away.json()["errors"]] == [("/items/1/delegate_id", "not_coming")]
    later = await enter(room, meeting, delegates(1, 3), {"person_id": people[3], "answer": "no"})
    assert later.status_code == 200
    found = {one["person"]["id"]: one["answer"] for one in await room.invitations(meeting)}
    assert (found[people[1]], found[people[3]]) == (None, "no"), "a delegation lapses when its delegate will not come"


async def test_places_go_by_the_order_of_the_list_after_those_who_waited(room: Room) -> None:
    _, asked, meeting = await convened(room, holders=6, capacity=2)
    rows = [{"invitation_id": one["id"], "answer": "yes"} for one in asked]
    assert (await enter(room, meeting, *rows[:3])).json() == {"recorded": 3, "waiting": 1}
    leaving = {"invitation_id": asked[0]["id"], "answer": "no"}
    assert (await enter(room, meeting, rows[3], leaving, rows[4])).json() == {"recorded": 3, "waiting": 2}
    found = [await room.found(f"/invitations/{one['id']}") for one in asked]
    assert [one["waiting"] for one in found] == [False, False, False, True, True, False]
    facts = await room.running.published(f"events.invitation.{asked[2]['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["issued", "answered", "admitted"]


async def test_many_answers_take_as_many_statements_as_few(room: Room) -> None:
    counts = []
    for holders in (2, 120):
        _, asked, meeting = await convened(room, holders=holders, capacity=holders)
        statements: list[str] = []
        engine = room.running.context.database.engine.sync_engine

        def counted(_connection: Any, _cursor: Any, statement: str, *_: Any, into: list[str] = statements) -> None:
            into.append(statement)

        event.listen(engine, "before_cursor_execute", counted)
        try:
            done = await enter(room, meeting, *({"invitation_id": one["id"], "answer": "yes"} for one in asked))
        finally:
            event.remove(engine, "before_cursor_execute", counted)
        assert done.json() == {"recorded": holders, "waiting": 0}
        counts.append(sum("invitations" in statement for statement in statements))
    assert counts[0] == counts[1], counts


async def test_the_coordination_alone_enters_lists_and_only_before_the_beginning(room: Room) -> None:
    committee, asked, meeting = await convened(room, holders=1)
    row = {"invitation_id": asked[0]["id"], "answer": "yes"}
    member = room.person_calling(committee.members[0].person_id)
    path = f"/meetings/{meeting['id']}/answers"
    assert problem(await member.post(path, {"items": [row]})) == (403, "forbidden")
    for items in ([], [row] * 1001, [{**row, "answer": "maybe"}], [{**row, "note": "x"}]):
        assert (await room.post(path, {"items": items})).status_code == 422
    await room.running.sql("update meetings set starts_at = now() where id = :id", id=UUID(meeting["id"]))
    assert problem(await enter(room, meeting, row)) == (410, "meeting-begun")


async def test_the_persons_own_answer_and_the_one_by_link_say_how_they_came(room: Room) -> None:
    committee, asked, _ = await convened(room, holders=2)
    member = room.person_calling(committee.members[0].person_id)
    await member.made(f"/invitations/{asked[0]['id']}/answer", {"answer": "yes"})
    token = room.link("rsvp", asked[1]["id"])
    await room.running.client.post("/events/v1/rsvp/link", params={"token": token}, data={"answer": "no"})
    found = [await room.found(f"/invitations/{one['id']}") for one in asked]
    assert [(one["answered_via"], one["answered_by"]) for one in found] == [("account", None), ("link", None)]
