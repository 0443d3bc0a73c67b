"""All that was told is kept: once, with what led to it, and without what is confidential."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from services.notify.journeys.commands import keep
from services.notify.journeys.rules import recorded_at
from shared.contracts.envelope import Fact
from shared.contracts.events import MeetingMoved
from shared.messaging import Received
from shared.messaging.context import Cause
from shared.runtime.clock import wall
from shared.runtime.database import Database
from tests.notify.network import Network, then

pytestmark = pytest.mark.timeout(120)


async def test_it_is_kept_with_what_led_to_it_and_without_what_is_about_people(room: Network) -> None:
    person, meeting = room.person(), room.meeting()
    await room.running.tell(person, meeting, room.invited(meeting, person))
    await room.running.settled()
    rows = await room.running.sql(
        "select type, body, aggregate_id, correlation from told where network_id = :id order by id", id=room.id
    )
    assert [row.type for row in rows][1:] == [
        "registry.person.registered",
        "events.meeting.convened",
        "events.invitation.issued",
    ]
    assert rows[1].body is None
    assert rows[2].body["title"] == "Primo piano di lavoro"
    assert rows[3].body["meeting_id"] == str(meeting.id)


async def test_the_same_facts_again_change_nothing_whoever_brings_them(database: Database) -> None:
    network = Network(None, None, None)  # type: ignore[arg-type]
    meeting = network.meeting(body_id=uuid7())
    act, at = uuid7(), wall()

    def received(fact: Fact, because_of: object = None) -> Received[Fact]:
        id_ = uuid7()
        return Received(fact, id_, 1, at, Cause(act, id_), because_of)  # type: ignore[arg-type]

    first = received(meeting)
    second = received(then(meeting, MeetingMoved), first.fact_id)
    async with database.sessions.begin() as session:
        await keep(session, [second])
    async with database.sessions.begin() as session:
        await keep(session, [second, first, second])
        await keep(session, [])
    async with database.sessions() as session:
        (line,) = (await session.execute(text("select * from acts"))).all()
        rows = (await session.execute(text("select * from told order by id"))).all()
    assert (line.correlation, line.network_id, line.first_id, line.facts) == (act, network.id, first.fact_id, 2)
    assert [row.causation for row in rows] == [None, first.fact_id]
    assert rows[0].recorded_at == recorded_at(first.fact_id, at)
    assert rows[0].bodies == [meeting.body_id]
