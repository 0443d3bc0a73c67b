"""A convocation and the news of mandates at the same moment: whichever commits first, nobody is left out."""

from __future__ import annotations

import asyncio

import pytest
from uuid_utils.compat import uuid7

from tests.events.room import Room

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("turn", range(5))
async def test_nobody_is_left_out_by_a_convocation_that_crosses_the_news_of_a_mandate(room: Room, turn: int) -> None:
    body = room.body("open")
    first = [room.mandate(uuid7(), "member", body_id=body.id) for _ in range(10)]
    await room.tell(body, *first)
    draft = await room.meeting(body.id)
    joining = [room.mandate(uuid7(), "member", body_id=body.id) for _ in range(20)]
    leaving = [room.ended(mandate, room.today) for mandate in first[:5]]
    news = [fact for pair in zip(joining, [*leaving, *joining[5:]], strict=True) for fact in dict.fromkeys(pair)]

    async def convene() -> None:
        await room.made(f"/meetings/{draft['id']}/convene", etag='"1"')

    await asyncio.gather(room.running.tell(*news), convene())
    invited = {invitation["mandate_id"] for invitation in await room.invitations(draft)}
    assert invited == {str(mandate.id) for mandate in [*joining, *first[5:]]}


async def test_two_who_convene_at_once_invite_everybody_once(room: Room) -> None:
    committee = await room.committee(holders=5)
    draft = await room.meeting(committee.id)
    path = f"/meetings/{draft['id']}/convene"
    done = await asyncio.gather(*(room.post(path, etag='"1"') for _ in range(4)))
    assert sorted(answer.status_code for answer in done) == [200, 412, 412, 412]
    assert len(await room.items(f"/meetings/{draft['id']}/invitations")) == 5
    facts = await room.running.published("events.invitation.*.issued")
    assert len([body for _, body in facts if body["meeting_id"] == draft["id"]]) == 5
