"""Whom a meeting without a body is for: territories, kinds of organisations, bodies, people by name; and guests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.registry import MandateDesignated, OrganisationChanged, OrganisationRegistered, Section
from tests.events.room import Room

pytestmark = pytest.mark.timeout(120)


@dataclass
class Someone:
    person_id: UUID
    mandate: MandateDesignated
    organisation: OrganisationRegistered


async def someone(room: Room, kind: str = "association", territory: str | None = None, *sections: str) -> Someone:
    """Who holds a mandate for an organisation of a kind, and of RUNTS sections, in a territory."""
    person, plain = room.person(), room.organisation()
    dated = tuple(Section(section=one, since=room.today) for one in sections)
    organisation = plain.model_copy(update={"kind": kind, "sections": dated})
    mandate = room.mandate(person.id, "member", organisation_id=organisation.id, territory=territory)
    await room.tell(organisation, person, mandate)
    return Someone(person.id, mandate, organisation)


async def invited(room: Room, meeting: Any) -> set[str]:
    return {one["person"]["id"] for one in await room.invitations(meeting)}


def ids(*people: Someone) -> set[str]:
    return {str(one.person_id) for one in people}


async def test_those_whose_mandate_lies_in_a_territory_are_invited(room: Room) -> None:
    lecco, milan = await someone(room, territory="E507"), await someone(room, territory="F205")
    rome, nowhere = await someone(room, territory="H501"), await someone(room)
    province = await room.convened(audience={"territories": ["LC"]})
    region = await room.convened(audience={"territories": ["03"]})
    both = await room.convened(audience={"territories": ["e507", "12"]})
    everybody = await room.convened()
    assert await invited(room, province) == ids(lecco)
    assert await invited(room, region) == ids(lecco, milan)
    assert await invited(room, both) == ids(lecco, rome)
    assert await invited(room, everybody) == ids(lecco, milan, rome, nowhere)
    assert (await room.found(f"/meetings/{province['id']}"))["audience"] == {
        "territories": ["097"],
        "kinds": [],
        "bodies": [],
        "people": [],
    }


async def test_those_of_a_kind_or_a_section_are_invited_and_with_a_territory_those_of_both(room: Room) -> None:
    foundation = await someone(room, "community_foundation", "E507")
    elsewhere = await someone(room, "community_foundation", "H501")
    aps = await someone(room, "association", "E507", "aps")
    meeting = await room.convened(audience={"kinds": ["community_foundation", "aps"]})
    lombard = await room.convened(audience={"kinds": ["community_foundation"], "territories": ["03"]})
    assert await invited(room, meeting) == ids(foundation, elsewhere, aps)
    assert await invited(room, lombard) == ids(foundation)


async def test_an_invitation_by_kind_follows_mandate_and_organisation(room: Room) -> None:
    first = await someone(room, "community_foundation")
    meeting = await room.convened(audience={"kinds": ["community_foundation"]})
    second, other = await someone(room, "community_foundation"), await someone(room, "cooperative")
    assert await invited(room, meeting) == ids(first, second)
    await room.tell(room.ended(first.mandate, room.today))
    assert await invited(room, meeting) == ids(second)
    now_one = {**other.organisation.model_dump(), "version": 2, "kind": "community_foundation"}
    await room.tell(OrganisationChanged(**now_one))
    assert await invited(room, meeting) == ids(second, other)
    no_more = {**second.organisation.model_dump(), "version": 2, "kind": "consortium"}
    await room.tell(OrganisationChanged(**no_more))
    assert await invited(room, meeting) == ids(other)


async def test_an_organisation_that_comes_after_its_mandate_is_not_missed(room: Room) -> None:
    meeting = await room.convened(audience={"kinds": ["community_foundation"]})
    person = room.person()
    organisation = room.organisation().model_copy(update={"kind": "community_foundation"})
    await room.tell(person, room.mandate(person.id, organisation_id=organisation.id))
    assert await invited(room, meeting) == set()
    await room.tell(organisation)
    assert await invited(room, meeting) == {str(person.id)}


async def test_two_bodies_meet_together_and_who_sits_in_both_comes_once(room: Room) -> None:
    one, other = await room.committee(holders=2), await room.committee(holders=1)
    both = one.members[0].person_id
    seat = room.seat(other.id)
    held = room.mandate(both, body_id=other.id, seat_id=seat.id)
    await room.tell(seat, held)
    meeting = await room.convened(audience={"bodies": [str(one.id), str(other.id)]})
    members = {str(member.person_id) for member in (*one.members, *other.members)}
    invitations = await room.invitations(meeting)
    assert sorted(invitation["person"]["id"] for invitation in invitations) == sorted(members)
    assert {invitation["seat"] for invitation in invitations} == {None}
    await room.tell(room.ended(one.members[1].mandate, room.today))
    await room.tell(room.closed(other.members[0].seat, room.today))
    assert await invited(room, meeting) == {str(both)}
    successor = room.mandate(room.person().id, body_id=one.id, seat_id=one.members[1].seat.id)
    await room.tell(successor)
    assert await invited(room, meeting) == {str(both), str(successor.person_id)}
    await room.tell(room.body("one_per_member", one.id, state="dissolved", dissolved_on=room.today))


async def test_people_are_invited_by_name_with_or_without_a_mandate(room: Room) -> None:
    guest, holder, stranger = room.person("Ada", "Negri"), await someone(room), await someone(room)
    await room.tell(guest)
    meeting = await room.convened(audience={"people": [str(guest.id), str(holder.person_id)]})
    invitations = await room.invitations(meeting)
    assert {one["person"]["id"] for one in invitations} == {str(guest.id), str(holder.person_id)}
    assert {one["mandate_id"] for one in invitations} == {None}
    assert str(stranger.person_id) not in await invited(room, meeting)
    token = room.link("rsvp", next(one["id"] for one in invitations if one["person"]["name"] == "Ada Negri"))
    sent = await room.running.client.post("/events/v1/rsvp/link", params={"token": token}, data={"answer": "yes"})
    assert sent.status_code == 200


async def test_a_body_has_guests_who_are_no_voices_and_stay_when_mandates_change(room: Room) -> None:
    committee = await room.committee(holders=2)
    guest = room.person("Ada", "Negri")
    await room.tell(guest)
    people = [str(guest.id), str(committee.members[0].person_id)]
    meeting = await room.convened(committee.id, audience={"people": people})
    found = await room.invitations(meeting)
    assert len(found) == 3, "a member who is named is invited once, by the seat"
    assert [one["mandate_id"] is None for one in found if one["person"]["id"] == str(guest.id)] == [True]
    assert (await room.found(f"/meetings/{meeting['id']}/quorum"))["entitled"] == 2
    await room.tell(room.ended(committee.members[1].mandate, room.today))
    assert await invited(room, meeting) == set(people)
    await room.tell(room.ended(committee.members[0].mandate, room.today))
    assert await invited(room, meeting) == set(people), "who was named is a guest, once they have no seat"


async def test_guests_come_and_go_after_the_convocation_and_groups_do_not(room: Room) -> None:
    committee = await room.committee(holders=1)
    guest = room.person("Ada", "Negri")
    await room.tell(guest)
    meeting = await room.convened(committee.id)
    path = f"/meetings/{meeting['id']}"
    member = str(committee.members[0].person_id)
    with_guest = await room.patch(path, {"audience": {"people": [str(guest.id)]}}, f'"{meeting["version"]}"')
    assert (with_guest.status_code, await invited(room, meeting)) == (200, {member, str(guest.id)})
    without = await room.patch(path, {"audience": None}, f'"{with_guest.json()["version"]}"')
    assert (without.status_code, await invited(room, meeting)) == (200, {member})
    wide = await room.convened(audience={"territories": ["03"]})
    other = await room.patch(f"/meetings/{wide['id']}", {"audience": {"territories": ["12"]}}, f'"{wide["version"]}"')
    assert other.status_code == 409


async def test_another_day_asks_who_will_hold_a_mandate_in_the_territory_then(room: Room) -> None:
    leaving = await someone(room, territory="E507")
    staying = await someone(room, territory="E507")
    await room.tell(room.ended(leaving.mandate, room.today + timedelta(days=20)))
    meeting = await room.convened(audience={"territories": ["03"]})
    assert await invited(room, meeting) == ids(leaving, staying)
    later = room.now + timedelta(days=30)
    changes = {"starts_at": later.isoformat(), "ends_at": (later + timedelta(hours=1)).isoformat()}
    assert (await room.patch(f"/meetings/{meeting['id']}", changes, f'"{meeting["version"]}"')).status_code == 200
    assert await invited(room, meeting) == ids(staying)
