"""Answers that people gave in their calendars, as notify tells them: taken in, or told why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.notify import CalendarReplied
from shared.runtime import clock
from tests.events.room import Committee, Room

pytestmark = pytest.mark.timeout(120)


async def asked(room: Room, holders: int = 2, **meeting: Any) -> tuple[Committee, Any, list[Any]]:
    """A convened meeting with the invitations to it, in the order of the committee's members."""
    committee = await room.committee(holders)
    made = await room.convened(committee.id, **meeting)
    by_person = {invitation["person"]["id"]: invitation for invitation in await room.invitations(made)}
    return committee, made, [by_person[str(member.person_id)] for member in committee.members]


def reply(room: Room, meeting: Any, invitation: Any, answer: str = "yes", **changed: Any) -> CalendarReplied:
    known: dict[str, Any] = {
        "id": uuid7(),
        "version": 1,
        "network_id": room.id,
        "meeting_id": UUID(meeting["id"]),
        "invitation_id": UUID(invitation["id"]),
        "person_id": UUID(invitation["person"]["id"]),
        "answer": answer,
        "sequence": meeting["sequence"],
        "stamped_at": datetime.now(UTC),
    }
    return CalendarReplied(**{**known, **changed})


async def refusals(room: Room, *replies: CalendarReplied) -> list[str]:
    """Why each of these was not taken in."""
    told = await room.running.published("events.calendar_reply.>")
    reasons = {body["id"]: body["reason"] for _, body in told}
    return [reasons[str(one.id)] for one in replies if str(one.id) in reasons]


async def answered(room: Room, invitation: Any) -> tuple[Any, Any, Any]:
    now = await room.found(f"/invitations/{invitation['id']}")
    return now["answer"], now["answered_by"], now["answered_via"]


@pytest.mark.parametrize("answer", ["yes", "no", "perhaps"])
async def test_an_answer_from_a_calendar_is_the_persons_own(room: Room, answer: str) -> None:
    _, meeting, (anna, _) = await asked(room)
    given = reply(room, meeting, anna, answer)
    await room.tell(given)
    assert await answered(room, anna) == (answer, None, "calendar")
    assert await refusals(room, given) == []
    facts = await room.running.published(f"events.invitation.{anna['id']}.>")
    assert facts[-1][1]["answer"] == answer


async def test_the_last_of_several_answers_counts(room: Room) -> None:
    _, meeting, (anna, bruno) = await asked(room)
    await room.tell(
        reply(room, meeting, anna, "yes"),
        reply(room, meeting, bruno, "no"),
        reply(room, meeting, anna, "no"),
        reply(room, meeting, bruno, "perhaps"),
    )
    assert (await answered(room, anna))[0] == "no"
    assert (await answered(room, bruno))[0] == "perhaps"


async def test_the_same_fact_again_answers_once(room: Room) -> None:
    _, meeting, (anna, _) = await asked(room)
    given = reply(room, meeting, anna)
    await room.tell(given)
    version = (await room.found(f"/invitations/{anna['id']}"))["version"]
    await room.made(f"/invitations/{anna['id']}/answer", {"answer": "no"})
    await room.running.settled()
    assert (await answered(room, anna))[0] == "no"
    assert (await room.found(f"/invitations/{anna['id']}"))["version"] == version + 1


async def test_an_answer_to_the_meeting_as_it_was_before_it_moved_is_not_taken(room: Room) -> None:
    _, meeting, (anna, _) = await asked(room)
    changed = {"starts_at": (room.now + timedelta(days=12)).isoformat()}
    changed["ends_at"] = (room.now + timedelta(days=12, hours=1)).isoformat()
    moved = await room.patch(f"/meetings/{meeting['id']}", changed, etag=f'"{meeting["version"]}"')
    assert moved.status_code == 200, moved.text
    late, fresh = reply(room, meeting, anna), reply(room, moved.json(), anna, "perhaps")
    await room.tell(late)
    assert await refusals(room, late) == ["stale"]
    assert (await answered(room, anna))[0] is None
    await room.tell(fresh)
    assert await refusals(room, fresh) == []
    assert (await answered(room, anna))[0] == "perhaps"


async def test_a_new_agenda_makes_no_answer_stale(room: Room) -> None:
    _, meeting, (anna, _) = await asked(room)
    changed = await room.patch(f"/meetings/{meeting['id']}", {"title": "Altro"}, etag=f'"{meeting["version"]}"')
    assert changed.status_code == 200, changed.text
    await room.tell(reply(room, meeting, anna))
    assert (await answered(room, anna))[0] == "yes"


async def test_an_answer_to_a_cancelled_meeting_says_so_and_not_that_it_is_stale(room: Room) -> None:
    _, meeting, (anna, _) = await asked(room)
    await room.made(f"/meetings/{meeting['id']}/cancel", etag=f'"{meeting["version"]}"')
    given = reply(room, meeting, anna)
    await room.tell(given)
    assert await refusals(room, given) == ["cancelled"]


async def test_an_answer_by_an_ended_mandate_is_not_taken(room: Room) -> None:
    committee, meeting, (anna, _) = await asked(room)
    await room.tell(room.ended(committee.members[0].mandate, room.today))
    given = reply(room, meeting, anna)
    await room.tell(given)
    assert await refusals(room, given) == ["withdrawn"]


async def test_an_answer_for_another_person_or_to_no_invitation_is_not_taken(room: Room) -> None:
    _, meeting, (anna, bruno) = await asked(room)
    wrong = reply(room, meeting, anna, person_id=UUID(bruno["person"]["id"]))
    unknown = reply(room, meeting, anna, invitation_id=uuid7())
    await room.tell(wrong, unknown)
    assert await refusals(room, wrong, unknown) == ["not_invited", "not_invited"]
    assert (await answered(room, anna))[0] is None


@pytest.mark.parametrize("answer", ["delegated", "maybe", ""])
async def test_what_a_calendar_cannot_answer_is_not_taken(room: Room, answer: str) -> None:
    _, meeting, (anna, _) = await asked(room)
    given = reply(room, meeting, anna, answer)
    await room.tell(given)
    assert await refusals(room, given) == ["not_possible"]


async def test_an_answer_after_the_beginning_is_not_taken(room: Room) -> None:
    _, meeting, (anna, _) = await asked(room, days=0.02)
    starts = datetime.fromisoformat(meeting["starts_at"])
    clock_file = room.running.context.settings.clock_file
    assert clock_file is not None
    clock.set(clock_file, starts + timedelta(minutes=1))
    given = reply(room, meeting, anna)
    await room.tell(given)
    assert await refusals(room, given) == ["begun"]


async def test_one_that_is_refused_does_not_hold_back_the_others(room: Room) -> None:
    _, meeting, (anna, bruno) = await asked(room)
    unknown = reply(room, meeting, anna, invitation_id=uuid7())
    await room.tell(unknown, reply(room, meeting, bruno), reply(room, meeting, anna, "perhaps"))
    assert [(await answered(room, one))[0] for one in (anna, bruno)] == ["perhaps", "yes"]


async def test_the_last_place_is_the_first_ones_who_answered(room: Room) -> None:
    _, meeting, invitations = await asked(room, 3, capacity=1)
    await room.tell(*(reply(room, meeting, one) for one in invitations))
    places = [(await room.found(f"/invitations/{one['id']}"))["waiting"] for one in invitations]
    assert places == [False, True, True]
    await room.tell(reply(room, meeting, invitations[0], "no"))
    places = [(await room.found(f"/invitations/{one['id']}"))["waiting"] for one in invitations]
    assert places == [False, False, True]
