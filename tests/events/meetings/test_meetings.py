from __future__ import annotations

import pytest

from tests.events.room import Room

pytestmark = pytest.mark.timeout(120)


async def test_a_convened_meeting_invites_the_holders_of_the_seats(room: Room) -> None:
    committee = await room.committee(holders=3, vacant=1)
    meeting = await room.convened(committee.id)
    assert meeting["state"] == "convened"
    assert meeting["answers"]["invited"] == 3
    invitations = await room.invitations(meeting)
    assert {i["person"]["id"] for i in invitations} == {str(member.person_id) for member in committee.members}
