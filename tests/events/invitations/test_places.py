"""Places: who says yes beyond them waits, and comes in by turn when one falls free, however that happens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.events.room import Committee, Room

pytestmark = pytest.mark.timeout(120)


async def of(room: Room, holders: int, capacity: int | None, **body: Any) -> tuple[Committee, Any, list[Any]]:
    """A meeting with so many places, and its invitations in the order of the members."""
    committee = await room.committee(holders=holders, **body)
    meeting = await room.convened(committee.id, capacity=capacity)
    by_person = {one["person"]["id"]: one for one in await room.invitations(meeting)}
    return committee, meeting, [by_person[str(member.person_id)] for member in committee.members]


async def answer(room: Room, invitation: Any, reply: str, **more: Any) -> Any:
    return await room.made(f"/invitations/{invitation['id']}/answer", {"answer": reply, **more})


async def line(room: Room, invitations: list[Any]) -> list[Any]:
    """Of each invitation: None without a yes, True with a place, False while it waits."""
    found = [await room.found(f"/invitations/{one['id']}") for one in invitations]
    return [not one["waiting"] if one["answer"] == "yes" else None for one in found]


async def told(room: Room, invitation: Any) -> list[tuple[str, bool]]:
    facts = await room.running.published(f"events.invitation.{invitation['id']}.*")
    return [(type_.split(".")[3], body["waiting"]) for type_, body in facts]


async def test_who_says_yes_beyond_the_places_waits_and_is_admitted_by_turn(room: Room) -> None:
    _, meeting, asked = await of(room, holders=5, capacity=2)
    for invitation in asked[:4]:
        await answer(room, invitation, "yes")
    assert await line(room, asked) == [True, True, False, False, None]
    found = await room.found(f"/meetings/{meeting['id']}")
    assert (found["capacity"], found["free_places"], found["answers"]["yes"], found["answers"]["waiting"]) == (
        2,
        0,
        4,
        2,
    )
    await answer(room, asked[0], "no")
    assert await line(room, asked) == [None, True, True, False, None]
    assert await told(room, asked[2]) == [("issued", False), ("answered", True), ("admitted", False)]
    waiting = await room.items(f"/meetings/{meeting['id']}/invitations", waiting=True)
    assert [one["id"] for one in waiting] == [asked[3]["id"]]


async def test_to_say_yes_again_keeps_place_and_turn(room: Room) -> None:
    _, _, asked = await of(room, holders=4, capacity=1)
    for invitation in (asked[0], asked[1], asked[2], asked[1], asked[0]):
        await answer(room, invitation, "yes")
    assert await line(room, asked) == [True, False, False, None]
    await answer(room, asked[0], "perhaps")
    assert await line(room, asked) == [None, True, False, None]


async def test_who_leaves_the_line_and_comes_back_is_at_its_end(room: Room) -> None:
    _, _, asked = await of(room, holders=4, capacity=1)
    for invitation in asked[:4]:
        await answer(room, invitation, "yes")
    await answer(room, asked[1], "no")
    await answer(room, asked[1], "yes")
    for expected in ([None, False, True, False], [None, False, None, True]):
        first = next(place for place, has in enumerate(await line(room, asked)) if has)
        await answer(room, asked[first], "no")
        assert await line(room, asked) == expected


async def test_two_who_answer_at_once_never_have_one_place(room: Room) -> None:
    committee, meeting, asked = await of(room, holders=12, capacity=5)
    people = [room.person_calling(member.person_id) for member in committee.members]
    done = await asyncio.gather(
        *(
            who.post(f"/invitations/{one['id']}/answer", {"answer": "yes"})
            for who, one in zip(people, asked, strict=True)
        )
    )
    assert {reply.status_code for reply in done} == {200}
    assert sorted(await line(room, asked)) == [False] * 7 + [True] * 5
    assert [reply.json()["waiting"] for reply in done].count(False) == 5
    found = (await room.found(f"/meetings/{meeting['id']}"))["answers"]
    assert (found["yes"], found["waiting"]) == (12, 7)


async def test_places_that_fall_free_while_others_answer_are_given_once(room: Room) -> None:
    """Two leave while four come: five places, all of them taken, and nobody waits who could come."""
    _, _, asked = await of(room, holders=9, capacity=5)
    for invitation in asked[:5]:
        await answer(room, invitation, "yes")
    leave = [answer(room, one, "no") for one in asked[:2]]
    come = [answer(room, one, "yes") for one in asked[5:]]
    await asyncio.gather(*leave, *come)
    found = await line(room, asked)
    assert found[:2] == [None, None]
    assert (found.count(True), found.count(False)) == (5, 2)


async def test_more_places_admit_who_waits_and_fewer_take_nobodys(room: Room) -> None:
    _, meeting, asked = await of(room, holders=4, capacity=1)
    for invitation in asked:
        await answer(room, invitation, "yes")
    path = f"/meetings/{meeting['id']}"
    wider = (await room.patch(path, {"capacity": 3}, f'"{meeting["version"]}"')).json()
    assert await line(room, asked) == [True, True, True, False]
    fewer = (await room.patch(path, {"capacity": 2}, f'"{wider["version"]}"')).json()
    assert (fewer["free_places"], await line(room, asked)) == (0, [True, True, True, False])
    await answer(room, asked[0], "no")
    assert await line(room, asked) == [None, True, True, False], "two have the two places"
    await room.patch(path, {"capacity": None}, f'"{fewer["version"]}"')
    assert await line(room, asked) == [None, True, True, True]
    facts = await room.running.published(f"events.meeting.{meeting['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["convened"], "how many places there are is nobody's news"


async def test_the_end_of_a_mandate_frees_its_place(room: Room) -> None:
    committee, _, asked = await of(room, holders=3, capacity=1)
    for invitation in asked:
        await answer(room, invitation, "yes")
    await room.tell(room.ended(committee.members[0].mandate, room.today))
    assert (await line(room, asked))[1:] == [True, False]
    await room.tell(room.ended(committee.members[2].mandate, room.today))
    gone = await room.found(f"/invitations/{asked[2]['id']}")
    assert (gone["state"], gone["waiting"]) == ("withdrawn", False)


async def test_a_moved_meeting_keeps_answers_places_and_turns(room: Room) -> None:
    _, meeting, asked = await of(room, holders=3, capacity=2)
    for invitation in asked:
        await answer(room, invitation, "yes")
    later = room.now + timedelta(days=30)
    changes = {"starts_at": later.isoformat(), "ends_at": (later + timedelta(hours=1)).isoformat()}
    moved = await room.patch(f"/meetings/{meeting['id']}", changes, f'"{meeting["version"]}"')
    assert (moved.status_code, moved.json()["sequence"]) == (200, 1)
    assert moved.json()["moved_at"] is not None
    assert await line(room, asked) == [True, True, False]


async def test_a_meeting_that_counts_no_places_has_nobody_wait(room: Room) -> None:
    _, meeting, asked = await of(room, holders=2, capacity=None)
    for invitation in asked:
        assert (await answer(room, invitation, "yes"))["waiting"] is False
    assert (await room.found(f"/meetings/{meeting['id']}"))["free_places"] is None


async def test_nobody_delegates_who_has_no_place(room: Room) -> None:
    committee, _, asked = await of(room, holders=3, capacity=1, proxies=1)
    for invitation in asked[:2]:
        await answer(room, invitation, "yes")
    path = f"/invitations/{asked[2]['id']}/answer"
    for member, status in ((1, 422), (0, 200)):
        delegate = str(committee.members[member].person_id)
        assert (await room.post(path, {"answer": "delegated", "delegate_id": delegate})).status_code == status


async def test_the_page_of_the_link_says_that_somebody_waits(room: Room) -> None:
    _, _, asked = await of(room, holders=2, capacity=1)
    for invitation in asked:
        token = room.link("rsvp", invitation["id"])
        page = await room.running.client.post("/events/v1/rsvp/link", params={"token": token}, data={"answer": "yes"})
    assert "sei in lista d&#39;attesa" in page.text
    assert "La risposta è registrata: sì, in lista d&#39;attesa." in page.text


@pytest.mark.parametrize("capacity", [0, -1, 100_001, "2", 1.5])
async def test_a_number_of_places_is_a_number_of_places(room: Room, capacity: Any) -> None:
    draft = await room.meeting()
    assert (await room.patch(f"/meetings/{draft['id']}", {"capacity": capacity}, '"1"')).status_code == 422
