"""Who was there, for whom, and whether it was enough: over HTTP, with what others are told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.events.hall import Hall, names
from tests.events.room import Room, problem
from tests.harness import Running

pytestmark = pytest.mark.timeout(180)


def figures(quorum: Any) -> tuple[int, int, int, int, bool, int]:
    """(entitled, present, by proxy, needed, reached, missing)"""
    entitled, present, by_proxy = quorum["entitled"], quorum["present"], quorum["by_proxy"]
    return entitled, present, by_proxy, quorum["needed"], quorum["reached"], quorum["missing"]


async def test_the_quorum_is_counted_as_people_come_and_includes_vacant_seats(room: Room) -> None:
    hall = await Hall.opened(room, holders=6, vacant=1)
    assert figures(await hall.quorum()) == (7, 0, 0, 4, False, 4)
    recorded = await hall.attend("present", "remote", "present", "excused")
    assert figures(recorded["quorum"]) == (7, 3, 0, 4, False, 1)
    assert [item["mode"] for item in recorded["items"]] == ["present", "remote", "present", "excused"]
    recorded = await hall.attend(None, None, None, "present")
    assert figures(recorded["quorum"]) == (7, 4, 0, 4, True, 0)


async def test_what_was_recorded_is_corrected_and_says_by_whom(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.attend("present")
    coordinator = await room.caller("secretariat")
    body = {"items": [{"person_id": str(hall.members[0].person_id), "mode": "excused"}]}
    (item,) = (await coordinator.made(f"{hall.path}/attendance", body))["items"]
    me = await coordinator.found("/me")
    assert (item["mode"], item["recorded_by"]) == ("excused", me["id"])
    assert (await hall.quorum())["present"] == 0


async def test_a_guest_is_shown_and_does_not_count(room: Room) -> None:
    hall = await Hall.opened(room)
    guest = room.person("Anna", "Ospite")
    await room.tell(guest, room.mandate(guest.id, "delegate"))
    body = {"items": [{"person_id": str(guest.id), "mode": "present"}]}
    recorded = await room.made(f"{hall.path}/attendance", body)
    assert [(item["guest"], item["person"]["name"]) for item in recorded["items"]] == [(True, "Anna Ospite")]
    assert recorded["quorum"]["present"] == 0
    again = await room.made(f"{hall.path}/attendance", body)
    assert [item["id"] for item in again["items"]] == [recorded["items"][0]["id"]]
    listed = await room.items(f"{hall.path}/attendance", mode="present")
    assert names(listed) == ["Anna Ospite"]


async def test_whom_the_network_does_not_know_is_no_guest(room: Room, events: Running) -> None:
    hall = await Hall.opened(room)
    other = await Room.founded(events)
    stranger = other.person("Elena", "Altrove")
    await other.tell(stranger, other.mandate(stranger.id, "delegate"))
    for who in (stranger.id, uuid4()):
        body = {"items": [{"person_id": str(who), "mode": "present"}]}
        assert problem(await room.post(f"{hall.path}/attendance", body)) == (409, "not-yet-known")


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"mode": "present"}, "/items/1", "one_of"),
    ({"mode": "present", "invitation_id": "first", "person_id": "first"}, "/items/1", "one_of"),
    ({"mode": "present", "invitation_id": "other"}, "/items/1/invitation_id", "unknown"),
    ({"mode": "present", "invitation_id": "first"}, "/items/1", "repeated"),
    ({"mode": "present", "person_id": "first"}, "/items/1", "repeated"),
    ({"mode": "absent", "person_id": "other"}, "/items/1/mode", "guest"),
    ({"mode": "present", "person_id": "other", "proxy_for": "third"}, "/items/1/proxy_for", "guest"),
    ({"mode": "excused", "invitation_id": "second", "proxy_for": "third"}, "/items/1/proxy_for", "not_there"),
    ({"mode": "present", "invitation_id": "second", "proxy_for": "other"}, "/items/1/proxy_for", "unknown"),
    ({"mode": "present", "invitation_id": "second", "proxy_for": "second"}, "/items/1/proxy_for", "self"),
    ({"mode": "present", "invitation_id": "second", "proxy_for": "first"}, "/items/1/proxy_for", "there"),
]


async def test_a_list_with_a_wrong_item_is_refused_whole_and_the_item_is_named(room: Room) -> None:
    hall = await Hall.opened(room, proxies=2)
    people = {name: hall.members[place].person_id for place, name in enumerate(("first", "second", "third"))}

    def named(key: str, name: str) -> str:
        if name == "other":
            return str(uuid4())
        return str(people[name]) if key == "person_id" else hall.invitations[people[name]]

    found = []
    for item, _, _ in WRONG:
        wrong = {key: value if key == "mode" else named(key, value) for key, value in item.items()}
        body = {"items": [{"invitation_id": hall.invitation(0), "mode": "present"}, wrong]}
        answer = await room.post(f"{hall.path}/attendance", body)
        assert problem(answer) == (422, "attendance-item")
        found += [(item, error["path"], error["code"]) for error in answer.json()["errors"]]
    assert found == WRONG
    assert (await hall.quorum())["present"] == 0


async def test_who_delegated_by_the_link_is_stood_for_by_who_comes(room: Room) -> None:
    hall = await Hall.opened(room, holders=4, proxies=1, begun=False)
    delegate = {"answer": "delegated", "delegate_id": str(hall.members[0].person_id)}
    answered = await hall.voter(1).post(f"/invitations/{hall.invitation(1)}/answer", delegate)
    assert answered.status_code == 200, answered.text
    assert (await hall.quorum())["by_proxy"] == 0  # who stands for them is not there yet
    await hall.begin()
    recorded = await hall.attend("present", None, "remote")
    assert figures(recorded["quorum"]) == (4, 2, 1, 3, True, 0)
    listed = {item["invitation_id"]: item for item in await room.items(f"{hall.path}/attendance")}
    assert listed[hall.invitation(1)]["stood_for_by"]["id"] == str(hall.members[0].person_id)
    recorded = await hall.attend(None, "remote")  # who comes after all speaks for themselves
    assert figures(recorded["quorum"]) == (4, 3, 0, 3, True, 0)


async def test_proxies_by_hand_keep_to_the_bodys_limit(room: Room) -> None:
    hall = await Hall.opened(room, holders=5, proxies=1)
    holder = {"invitation_id": hall.invitation(0), "mode": "present"}
    two = [hall.invitation(1), hall.invitation(2)]
    refused = await room.post(f"{hall.path}/attendance", {"items": [{**holder, "proxy_for": two}]})
    assert problem(refused) == (422, "too-many-proxies")
    assert refused.json()["errors"][0]["path"] == "/items/0/proxy_for"
    recorded = await room.made(f"{hall.path}/attendance", {"items": [{**holder, "proxy_for": two[0]}]})
    assert figures(recorded["quorum"]) == (5, 1, 1, 3, False, 1)
    again = {"items": [{**holder, "proxy_for": [two[1]]}]}
    assert (await room.made(f"{hall.path}/attendance", again))["quorum"]["by_proxy"] == 1
    none = {"items": [{**holder, "proxy_for": []}]}
    assert (await room.made(f"{hall.path}/attendance", none))["quorum"]["by_proxy"] == 0


async def test_a_body_without_proxies_knows_none(room: Room) -> None:
    hall = await Hall.opened(room, proxies=0)
    body = {"items": [{"invitation_id": hall.invitation(0), "mode": "present", "proxy_for": hall.invitation(1)}]}
    assert problem(await room.post(f"{hall.path}/attendance", body)) == (422, "too-many-proxies")


async def test_an_ended_mandate_does_not_count_though_it_was_recorded(room: Room) -> None:
    hall = await Hall.opened(room, holders=3)
    await hall.attend("present", "present")
    assert (await hall.quorum())["reached"] is True
    await room.tell(room.ended(hall.members[1].mandate, room.today))
    assert figures(await hall.quorum()) == (3, 1, 0, 2, False, 1)


async def test_a_closed_meeting_keeps_its_quorum_and_takes_no_more(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.attend("present", "remote", "absent")
    closed = await hall.close()
    assert (closed["state"], closed["quorate"], closed["second_call"]) == ("held", True, False)
    assert closed["allowed_actions"] == ["draft_minutes"]
    assert (await hall.told("meeting", hall.meeting["id"]))[-1][0] == "held"
    (there,) = [body for _, body in await told_of_attendance(room, hall)]
    assert sorted(there["people"]) == sorted(str(hall.members[place].person_id) for place in (0, 1))
    assert (there["part"], there["body_id"], there["version"]) == (1, hall.meeting["body"]["id"], 1)
    await room.tell(room.ended(hall.members[0].mandate, room.today))
    after = await hall.quorum()
    assert (figures(after), after["fixed"]) == ((3, 2, 0, 2, True, 0), True)
    body = {"items": [{"invitation_id": hall.invitation(2), "mode": "present"}]}
    assert problem(await room.post(f"{hall.path}/attendance", body)) == (409, "meeting-not-in-course")
    answer = await room.post(f"{hall.path}/close", etag=await hall.etag())
    assert problem(answer) == (409, "meeting-not-in-course")


async def told_of_attendance(room: Room, hall: Hall) -> list[tuple[str, Any]]:
    facts = await room.running.published("events.attendance.*.closed")
    return [(type_, body) for type_, body in facts if body["meeting_id"] == hall.meeting["id"]]


async def test_a_quorum_never_reached_is_an_outcome_and_a_second_call_may_follow(room: Room) -> None:
    second = {"numerator": 1, "denominator": 3, "exceeded": False, "at_least": 1}
    hall = await Hall.opened(room, holders=3, second_call=second)
    await hall.attend("present", "absent", "excused")
    closed = await hall.close()
    assert (closed["state"], closed["quorate"], closed["second_call"]) == ("held", False, True)
    assert figures(closed["quorum"]) == (3, 1, 0, 2, False, 1)
    assert "seconda convocazione" in closed["outcome"]
    assert closed["allowed_actions"] == ["draft_minutes", "second_call"]
    starts = room.now + timedelta(days=1)
    times = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=1)).isoformat()}
    made = await room.made(f"{hall.path}/second-call", times, await hall.etag())
    invited = await room.invitations(made)
    items = [{"invitation_id": invited[0]["id"], "mode": "remote"}]
    recorded = await room.made(f"/meetings/{made['id']}/attendance", {"items": items})
    assert (recorded["quorum"]["call"], figures(recorded["quorum"])) == (2, (3, 1, 0, 1, True, 0))


async def test_without_a_second_call_in_the_rules_the_outcome_says_so(room: Room) -> None:
    hall = await Hall.opened(room)
    closed = await hall.close()
    assert await told_of_attendance(room, hall) == []  # nobody was there
    assert (closed["quorate"], closed["second_call"]) == (False, False)
    assert "Non è prevista" in closed["outcome"]


async def test_a_meeting_is_closed_neither_before_it_begins_nor_while_something_is_voted_on(room: Room) -> None:
    hall = await Hall.opened(room, begun=False)
    assert problem(await room.post(f"{hall.path}/close", etag=await hall.etag())) == (409, "meeting-not-begun")
    await hall.begin()
    ballot = await hall.ballot()
    refused = await room.post(f"{hall.path}/close", etag=await hall.etag())
    assert problem(refused) == (409, "ballots-open")
    assert ballot["id"] in refused.json()["detail"]
    await hall.close_ballot(ballot)
    assert (await hall.close())["state"] == "held"


async def test_a_meeting_of_no_body_needs_somebody_there(room: Room) -> None:
    person = room.person()
    await room.tell(person, room.mandate(person.id, "delegate"))
    made = await room.convened(days=0.01)
    (invited,) = await room.invitations(made)
    assert figures(await room.found(f"/meetings/{made['id']}/quorum")) == (1, 0, 0, 1, False, 1)
    body = {"items": [{"invitation_id": invited["id"], "mode": "present"}]}
    recorded = await room.made(f"/meetings/{made['id']}/attendance", body)
    assert figures(recorded["quorum"]) == (1, 1, 0, 1, True, 0)


async def test_of_two_who_close_at_once_one_does_and_one_fact_says_so(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.attend("present", "present")
    etag = await hall.etag()
    answers = await asyncio.gather(*(room.post(f"{hall.path}/close", etag=etag) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert [fact for fact, _ in await hall.told("meeting", hall.meeting["id"])].count("held") == 1


async def test_attendance_and_closing_at_once_agree_on_the_figures(room: Room) -> None:
    """Whichever comes first: what was fixed is what is listed."""
    hall = await Hall.opened(room, holders=5)
    etag = await hall.etag()
    items = [[{"invitation_id": hall.invitation(place), "mode": "present"}] for place in range(5)]
    answers = await asyncio.gather(
        *(room.post(f"{hall.path}/attendance", {"items": one}) for one in items[:3]),
        room.post(f"{hall.path}/close", etag=etag),
        *(room.post(f"{hall.path}/attendance", {"items": one}) for one in items[3:]),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    there = await room.items(f"{hall.path}/attendance", mode="present")
    assert (await hall.quorum())["present"] == len(there)


async def test_the_list_is_the_coordinations_and_theirs_who_are_invited(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.attend("present")
    assert len(await hall.voter(1).items(f"{hall.path}/attendance")) == 3
    member = await room.caller("member")
    assert problem(await member.get(f"{hall.path}/attendance")) == (403, "forbidden")
    assert (await member.get(f"{hall.path}/quorum")).status_code == 200
    body = {"items": [{"invitation_id": hall.invitation(1), "mode": "present"}]}
    assert problem(await hall.voter(1).post(f"{hall.path}/attendance", body)) == (403, "forbidden")


async def test_a_coordinator_records_in_their_territory_alone(room: Room) -> None:
    hall = await Hall.opened(room, territory="03", kind="regional_coordination")
    body = {"items": [{"invitation_id": hall.invitation(0), "mode": "present"}]}
    there = await room.caller("coordinator", territory="03")
    elsewhere = await room.caller("coordinator", territory="09")
    assert problem(await elsewhere.post(f"{hall.path}/attendance", body)) == (403, "forbidden")
    assert (await there.post(f"{hall.path}/attendance", body)).status_code == 200


async def test_what_was_fixed_the_database_lets_nobody_change(room: Room) -> None:
    hall = await Hall.opened(room)
    await hall.close()
    for statement in ("update quorums set present = 3", "delete from quorums"):
        with pytest.raises(Exception, match="final"):
            await room.running.sql(f"{statement} where meeting_id = :id", id=UUID(hall.meeting["id"]))
