"""A person was entered twice: what named the duplicate names the other, and nobody is asked twice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.contracts.registry import MandateChanged, MandateDesignated, PersonMerged, PersonRegistered
from tests.events.hall import Hall
from tests.events.room import Room

pytestmark = pytest.mark.timeout(120)


def merged(room: Room, going: UUID, staying: UUID) -> PersonMerged:
    return PersonMerged(id=going, version=room.next(going) + 1, network_id=room.id, into_id=staying)


def moved(room: Room, mandate: MandateDesignated, person: PersonRegistered) -> MandateChanged:
    return MandateChanged(**{**mandate.model_dump(), "version": room.next(mandate.id), "person_id": person.id})


async def people_invited(room: Room, meeting: Any) -> list[str]:
    return sorted(one["person"]["id"] for one in await room.invitations(meeting))


async def test_an_invitation_and_its_answer_go_on_with_who_stands_for_both(room: Room) -> None:
    committee = await room.committee(2)
    first, second = committee.members
    meeting = await room.convened(committee.id)
    (one,) = [i for i in await room.invitations(meeting) if i["person"]["id"] == str(first.person_id)]
    own = room.person_calling(first.person_id)
    await own.made(f"/invitations/{one['id']}/answer", {"answer": "yes"}, f'"{one["version"]}"')
    other = room.person("Giulia", "Serra")
    await room.tell(other, merged(room, first.person_id, other.id), moved(room, first.mandate, other))
    assert await people_invited(room, meeting) == sorted([str(other.id), str(second.person_id)])
    (after,) = [i for i in await room.invitations(meeting) if i["id"] == one["id"]]
    assert (after["answer"], after["person"]["name"]) == ("yes", "Giulia Serra")
    facts = await room.running.published(f"events.invitation.{one['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["issued", "answered", "reassigned"]
    assert facts[-1][1]["person_id"] == str(other.id)


@pytest.mark.parametrize("order", ["person_first", "mandates_first"])
async def test_who_belonged_to_a_body_twice_is_invited_once(room: Room, order: str) -> None:
    body = room.body("by_territory", territory="03", roles=("representative",))
    going, staying = room.person(), room.person()
    mandates = [
        room.mandate(person.id, "representative", territory=code) for person, code in ((staying, "097"), (going, "016"))
    ]
    await room.tell(body, going, staying, *mandates)
    meeting = await room.convened(body.id)
    assert len(await room.invitations(meeting)) == 2
    news = [merged(room, going.id, staying.id), moved(room, mandates[1], staying)]
    for fact in news if order == "person_first" else news[::-1]:
        await room.tell(fact)
    assert await people_invited(room, meeting) == [str(staying.id)]


async def test_who_had_delegated_themselves_will_come(room: Room) -> None:
    committee = await room.committee(2, proxies=3)
    meeting = await room.convened(committee.id)
    first, second = committee.members
    (one,) = [i for i in await room.invitations(meeting) if i["person"]["id"] == str(first.person_id)]
    answer = {"answer": "delegated", "delegate_id": str(second.person_id)}
    await room.person_calling(first.person_id).made(f"/invitations/{one['id']}/answer", answer, f'"{one["version"]}"')
    await room.tell(merged(room, first.person_id, second.person_id))
    (after,) = [i for i in await room.invitations(meeting) if i["id"] == one["id"]]
    assert (after["answer"], after["delegate"]) == ("yes", None)


async def test_of_two_votes_without_seats_the_last_counts_and_guests_are_there_once(room: Room) -> None:
    hall = await Hall.opened(room)
    going, staying = room.person(), room.person()
    await room.tell(going, staying)
    ids = {"going": going.id, "staying": staying.id, "meeting": UUID(hall.meeting["id"])}
    await room.running.sql(
        "insert into attendances (id, meeting_id, network_id, person_id, mode, recorded_at)"
        " select uuidv7(), :meeting, network_id, p, 'present', now() from meetings,"
        " unnest(array[cast(:going as uuid), cast(:staying as uuid)]) p where id = :meeting",
        **ids,
    )
    [ballot] = await room.running.sql(
        "insert into ballots (id, meeting_id, network_id, question, numerator, denominator, exceeded, basis, entitled,"
        " in_favour, against, abstained, opened_at, version) select uuidv7(), id, network_id, 'Sì?', 1, 2, true,"
        " 'cast', 2, 0, 0, 0, now(), 1 from meetings where id = :meeting returning id",
        meeting=ids["meeting"],
    )
    for who, vote, minutes in (("staying", "in_favour", 0), ("going", "against", 1)):
        await room.running.sql(
            "insert into votes (ballot_id, voice, invitation_id, person_id, cast_by, vote, cast_at)"
            " select :ballot, :who, :invitation, :who, :who, :vote, now() + make_interval(mins => :minutes)",
            ballot=ballot.id,
            who=ids[who],
            invitation=UUID(hall.invitation(0)),
            vote=vote,
            minutes=minutes,
        )
    await room.tell(merged(room, going.id, staying.id))
    votes = await room.running.sql(
        "select voice, person_id, cast_by, vote from votes where ballot_id = :id", id=ballot.id
    )
    assert [tuple(row) for row in votes] == [(staying.id, staying.id, staying.id, "against")]
    there = await room.running.sql(
        "select person_id from attendances where meeting_id = :id and invitation_id is null", id=ids["meeting"]
    )
    assert [row.person_id for row in there] == [staying.id]


async def test_a_duplicate_has_no_name_however_late_the_name_comes(room: Room) -> None:
    going, staying = room.person("Doppia", "Scheda"), room.person()
    await room.tell(staying, merged(room, going.id, staying.id), going)
    (row,) = await room.running.sql("select given_name, family_name from people where id = :id", id=going.id)
    assert tuple(row) == ("", "")


async def test_no_row_that_may_change_names_the_duplicate_afterwards(room: Room) -> None:
    hall = await Hall.opened(room)
    first, other = hall.members[0], room.person()
    await room.tell(other)
    await room.made(f"{hall.path}/attendance", {"items": [{"invitation_id": hall.invitation(0), "mode": "present"}]})
    await room.tell(merged(room, first.person_id, other.id), moved(room, first.mandate, other))
    tables = await room.running.sql(
        "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'public' and c.relkind = 'r'"
    )
    named = set()
    for table in tables:
        like = f'select count(*) from "{table.name}" t where t::text like :id'
        if (await room.running.sql(like, id=f"%{first.person_id}%"))[0][0]:
            named.add(table.name)
    assert named <= {"people", "log", "grant_lists", "idempotency"}


async def test_who_was_invited_by_name_twice_is_invited_once(room: Room) -> None:
    going, staying, guest = room.person(), room.person(), room.person("Ada", "Negri")
    await room.tell(going, staying, guest)
    named = [str(person.id) for person in (going, staying, guest)]
    both = await room.convened(audience={"people": named})
    one = await room.convened(audience={"people": [str(going.id), str(guest.id)]})
    await room.tell(merged(room, going.id, staying.id))
    for meeting in (both, one):
        assert await people_invited(room, meeting) == sorted([str(staying.id), str(guest.id)])
        shown = await room.found(f"/meetings/{meeting['id']}")
        assert sorted(shown["audience"]["people"]) == sorted([str(staying.id), str(guest.id)])
    facts = await room.running.published("events.invitation.*.*")
    of_both = [
        type_.split(".")[3]
        for type_, body in facts
        if body["meeting_id"] == both["id"] and body["person_id"] == str(going.id)
    ]
    assert of_both == ["issued", "withdrawn"]
