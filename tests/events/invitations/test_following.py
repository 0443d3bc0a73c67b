"""Invitations follow mandates: over facts and HTTP alone, whatever comes first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts import Fact
from shared.contracts.registry import MandateDesignated, MandateExtended
from tests.events.room import Room, problem
from tests.harness import Running, until

pytestmark = pytest.mark.timeout(120)


async def told(room: Room, invitation_id: Any) -> list[str]:
    """The last words of the types of what was told of an invitation."""
    found = await room.running.published(f"events.invitation.{invitation_id}.*")
    return [type_.split(".")[3] for type_, _ in found]


async def mandates_invited(room: Room, meeting: Any) -> set[str]:
    return {i["mandate_id"] for i in await room.invitations(meeting)}


async def test_a_mandate_that_ends_takes_its_invitation_along(room: Room) -> None:
    committee = await room.committee(holders=2)
    meeting = await room.convened(committee.id)
    leaves, stays = committee.members
    (invitation,) = await room.invitations(meeting, person=str(leaves.person_id))
    await room.tell(room.ended(leaves.mandate, room.today))
    assert await mandates_invited(room, meeting) == {str(stays.mandate.id)}
    assert await told(room, invitation["id"]) == ["issued", "withdrawn"]
    withdrawn = await room.found(f"/invitations/{invitation['id']}")
    assert (withdrawn["state"], withdrawn["allowed_actions"]) == ("withdrawn", [])


async def test_an_end_decided_for_a_later_day_counts_by_the_day_of_the_meeting(room: Room) -> None:
    committee = await room.committee(holders=2)
    meeting = await room.convened(committee.id, days=10)
    before, after = committee.members
    await room.tell(
        room.ended(before.mandate, room.today + timedelta(days=9)),
        room.ended(after.mandate, room.today + timedelta(days=12)),
    )
    assert await mandates_invited(room, meeting) == {str(after.mandate.id)}


async def test_a_successor_is_invited_in_the_place_of_who_leaves(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id)
    (member,) = committee.members
    on = room.today + timedelta(days=3)
    successor = room.mandate(uuid7(), since=on, seat_id=member.seat.id, organisation_id=member.organisation_id)
    await room.tell(room.ended(member.mandate, on), successor)
    (invitation,) = await room.invitations(meeting)
    assert (invitation["mandate_id"], invitation["seat"]["id"]) == (str(successor.id), str(member.seat.id))
    assert await told(room, invitation["id"]) == ["issued"]


async def test_a_successor_told_before_the_end_of_who_leaves_has_the_seat_already(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id)
    (member,) = committee.members
    on = room.today + timedelta(days=3)
    successor = room.mandate(uuid7(), since=on, seat_id=member.seat.id)
    await room.tell(successor)
    assert await mandates_invited(room, meeting) == {str(successor.id)}
    await room.tell(room.ended(member.mandate, on))
    assert await mandates_invited(room, meeting) == {str(successor.id)}


async def test_who_takes_a_vacant_seat_is_invited(room: Room) -> None:
    body = room.body("fixed")
    seat = room.seat(body.id)
    await room.tell(body, seat)
    meeting = await room.convened(body.id)
    assert await room.invitations(meeting) == []
    mandate = room.mandate(uuid7(), seat_id=seat.id)
    await room.tell(mandate)
    assert await mandates_invited(room, meeting) == {str(mandate.id)}


async def test_a_seat_that_is_closed_before_the_meeting_has_no_place_in_it(room: Room) -> None:
    committee = await room.committee(holders=2)
    meeting = await room.convened(committee.id)
    closed, open_ = committee.members
    await room.tell(room.closed(closed.seat, room.today + timedelta(days=1)))
    assert await mandates_invited(room, meeting) == {str(open_.mandate.id)}


async def test_a_term_that_is_extended_reaches_the_meeting(room: Room) -> None:
    body = room.body("open")
    mandate = room.mandate(uuid7(), "member", body_id=body.id, until=room.today + timedelta(days=2))
    await room.tell(body, mandate)
    meeting = await room.convened(body.id)
    assert await room.invitations(meeting) == []
    extended = {**mandate.model_dump(), "version": room.next(mandate.id), "until": None}
    await room.tell(MandateExtended(**extended))
    assert await mandates_invited(room, meeting) == {str(mandate.id)}


async def test_who_has_another_mandate_left_is_invited_by_that_one(room: Room) -> None:
    """One place for each person where people belong themselves; by the mandate given first, as long as it holds."""
    body = room.body("by_territory", territory="03", roles=("representative",))
    person = uuid7()
    first, second = (
        room.mandate(person, "representative", organisation_id=uuid7(), territory=code) for code in ("097", "016")
    )
    await room.tell(body, first)
    meeting = await room.convened(body.id)
    await room.tell(second)
    assert await mandates_invited(room, meeting) == {str(first.id)}
    await room.tell(room.ended(first, room.today))
    assert await mandates_invited(room, meeting) == {str(second.id)}


async def test_a_body_that_changes_its_roles_changes_who_is_invited(room: Room) -> None:
    body = room.body("by_territory", territory="03", roles=("representative",))
    representative = room.mandate(uuid7(), "representative", territory="03", organisation_id=uuid7())
    delegate = room.mandate(uuid7(), "delegate", territory="03", organisation_id=uuid7())
    await room.tell(body, representative, delegate)
    meeting = await room.convened(body.id)
    await room.tell(room.body("by_territory", body.id, territory="03", roles=("delegate",)))
    assert await mandates_invited(room, meeting) == {str(delegate.id)}


async def test_meetings_that_are_over_or_not_convened_invite_nobody_later(room: Room, events: Running) -> None:
    body = room.body("open")
    await room.tell(body)
    draft = await room.meeting(body.id)
    cancelled = await room.convened(body.id)
    await room.made(f"/meetings/{cancelled['id']}/cancel", etag=f'"{cancelled["version"]}"')
    begun = await room.convened(body.id)
    await room.running.sql(  # as if its hour had come
        "update meetings set starts_at = now() - interval '1 hour', ends_at = now() where id = :id",
        id=UUID(begun["id"]),
    )
    await room.tell(room.mandate(uuid7(), "member", body_id=body.id))
    for meeting in (draft, cancelled, begun):
        assert await room.invitations(meeting) == []


async def test_a_mandate_of_another_network_changes_nothing(room: Room, events: Running) -> None:
    meeting = await room.convened()
    elsewhere = await Room.founded(events)
    await elsewhere.tell(elsewhere.mandate(uuid7(), "secretariat"))
    assert await room.invitations(meeting) == []


async def test_each_invitation_names_the_fact_that_led_to_it(room: Room) -> None:
    """A batch holds the consequences of several requests: each keeps its own correlation."""
    body = room.body("open")
    await room.tell(body)
    meeting = await room.convened(body.id)
    joining = [room.mandate(uuid7(), "member", body_id=body.id) for _ in range(3)]
    fact_ids = await room.running.tell(*joining)
    await room.invitations(meeting)
    rows = await room.running.sql(
        "select body::jsonb->>'mandate_id' as mandate, headers->>'correlationid' as correlation,"
        " headers->>'causationid' as causation, occurred_at from log where network_id = :n"
        " and type like '%invitation.issued%'",
        n=room.id,
    )
    expected = {(str(m.id), str(f), str(f)) for m, f in zip(joining, fact_ids, strict=True)}
    assert {(row.mandate, row.correlation, row.causation) for row in rows} == expected


async def test_the_history_told_three_times_more_changes_nothing(room: Room) -> None:
    body = room.body("fixed")
    seats = [room.seat(body.id, f"Seggio {n}") for n in range(3)]
    mandates: list[MandateDesignated] = [room.mandate(uuid7(), seat_id=seat.id) for seat in seats]
    history: list[Fact] = [body, *seats, *mandates]
    await room.tell(*history)
    meeting = await room.convened(body.id)
    history.append(room.ended(mandates[0], room.today))
    await room.tell(history[-1])

    async def state() -> Any:
        rows = await room.running.sql(
            "select i::text as row from invitations i where network_id = :n order by 1", n=room.id
        )
        log = await room.running.sql("select count(*) as count from log where network_id = :n", n=room.id)
        return [row.row for row in rows], log[0].count

    before = await state()
    for _ in range(3):
        await room.tell(*history)
    assert await state() == before
    assert len(await room.invitations(meeting)) == 2


async def test_a_mandate_of_a_seat_that_is_not_known_yet_waits_for_it(room: Room) -> None:
    body = room.body("fixed")
    await room.tell(body)
    meeting = await room.convened(body.id)
    seat = room.seat(body.id)
    mandate = room.mandate(uuid7(), seat_id=seat.id)
    await room.running.tell(mandate)
    await room.tell(seat)
    assert await mandates_invited(room, meeting) == {str(mandate.id)}


async def test_nobody_loses_an_invitation_while_the_mandates_are_read_again(room: Room) -> None:
    """A rebuild empties what is known; what is told meanwhile waits until all of it is here again."""
    committee = await room.committee(holders=3, kind="assembly")
    meeting = await room.convened(committee.id)
    seats, mandates = [member.seat for member in committee.members], [member.mandate for member in committee.members]
    for table in ("mandates", "seats"):
        await room.running.sql(f"delete from {table} where network_id = :n", n=room.id)
    closing = room.closed(seats[0], room.today)
    await room.running.tell(room.body("one_per_member", committee.id, title="Altro nome"), closing)

    async def waits() -> bool:
        parked = await room.running.sql("select reason from parked where aggregate_id = :id", id=committee.id)
        return [row.reason.split(":")[0] for row in parked] == ["NotYet"]

    await until(waits, what="the change of the body waits for the mandates")
    issued = await room.running.sql("select id from invitations where network_id = :n and state = 'issued'", n=room.id)
    assert len(issued) == 3
    await room.tell(*seats, *mandates)
    assert await mandates_invited(room, meeting) == {str(mandate.id) for mandate in mandates[1:]}


async def test_who_is_invited_to_what_is_read_by_those_concerned(room: Room) -> None:
    committee = await room.committee(holders=2)
    meeting = await room.convened(committee.id)
    path = f"/meetings/{meeting['id']}/invitations"
    invited = await room.caller("referent", committee.members[0].person_id)
    assert len(await invited.items(path)) == 2
    outsider = await room.caller("referent")
    assert problem(await outsider.get(path)) == (403, "forbidden")
    (own,) = await room.invitations(meeting, person=str(committee.members[0].person_id))
    assert (await invited.found(f"/invitations/{own['id']}"))["allowed_actions"] == ["answer"]
    assert problem(await outsider.get(f"/invitations/{own['id']}")) == (403, "forbidden")
    organisation = str(committee.members[1].organisation_id)
    assert [i["organisation"]["id"] for i in await room.invitations(meeting, organisation=organisation)] == [
        organisation
    ]
