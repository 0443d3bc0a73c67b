from __future__ import annotations

import pytest

from shared.contracts.registry import OrganisationChanged
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
