from __future__ import annotations

import pytest

from shared.contracts.registry import OrganisationChanged, OrganisationMerged
from tests.events.room import Room

pytestmark = pytest.mark.timeout(120)


async def test_an_organisation_is_called_as_the_newest_fact_says(room: Room) -> None:
    organisation = room.organisation("Ponti")
    renamed = OrganisationChanged(**{**organisation.model_dump(), "version": 2, "title": "Ponti ETS"})
    await room.tell(renamed, organisation)
    rows = await room.running.sql("select title from organisations where id = :id", id=organisation.id)
    assert [row.title for row in rows] == ["Ponti ETS"]


async def test_an_invitation_names_the_organisation_by_its_newest_name(room: Room) -> None:
    committee = await room.committee(holders=1)
    meeting = await room.convened(committee.id)
    known = room.organisation("Ente rinominato").model_dump()
    await room.tell(OrganisationChanged(**{**known, "id": committee.members[0].organisation_id, "version": 2}))
    (invitation,) = await room.invitations(meeting)
    assert invitation["organisation"]["name"] == "Ente rinominato"


async def test_who_came_for_a_duplicate_came_for_the_one_that_stands_for_it(room: Room) -> None:
    committee = await room.committee(holders=2)
    meeting = await room.convened(committee.id)
    going, into = committee.members[0].organisation_id, room.organisation("Ente unito")
    await room.tell(into, OrganisationMerged(id=going, version=9, into_id=into.id))
    invitations = {one["person"]["id"]: one for one in await room.invitations(meeting)}
    mine = invitations[str(committee.members[0].person_id)]
    other = invitations[str(committee.members[1].person_id)]
    assert (mine["organisation"]["id"], mine["organisation"]["name"]) == (str(into.id), "Ente unito")
    assert other["organisation"]["id"] == str(committee.members[1].organisation_id)
    facts = await room.running.published(f"events.invitation.{mine['id']}.*")
    assert [type_.split(".")[3] for type_, _ in facts] == ["issued", "reassigned"]
    assert (facts[-1][1]["organisation_id"], facts[-1][1]["version"]) == (str(into.id), 2)
