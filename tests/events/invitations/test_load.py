"""Ten thousand people are convened in as many statements as two: what a convocation costs grows with its rows alone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from tests.events.room import Room

pytestmark = pytest.mark.timeout(180)
MANY = 10_000


async def holders(room: Room, count: int) -> None:
    """So many people with a mandate in the network: what the registry told of them is here already."""
    await room.running.sql(
        "insert into mandates (id, network_id, person_id, role, within, since, state, generation, version)"
        " select uuidv7(), :network, uuidv7(), 'member', '{}', date '2000-01-01', 'in_office', 1, 1"
        " from generate_series(1, :count)",
        network=room.id,
        count=count,
    )


async def statements_of(room: Room, meeting: Any) -> list[str]:
    """What is said to the database while the meeting is convened."""
    said: list[str] = []
    engine = room.running.context.database.engine.sync_engine

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "relay_cursor" not in statement and "inbox" not in statement:
            said.append(statement)

    event.listen(engine, "before_cursor_execute", heard)
    try:
        answer = await room.post(f"/meetings/{meeting['id']}/convene", etag=f'"{meeting["version"]}"')
    finally:
        event.remove(engine, "before_cursor_execute", heard)
    assert answer.status_code == 200, answer.text
    return [statement for statement in said if "invitations" in statement or "into log" in statement.lower()]


async def test_ten_thousand_are_convened_in_as_many_statements_as_two(room: Room) -> None:
    await holders(room, 2)
    few = await statements_of(room, await room.meeting())
    await holders(room, MANY - 2)
    meeting = await room.meeting(days=20)
    many = await statements_of(room, meeting)
    assert len(many) == len(few) <= 6, (len(few), len(many))
    ((invited, people),) = await room.running.sql(
        "select count(*), count(distinct person_id) from invitations where meeting_id = cast(:id as uuid)",
        id=meeting["id"],
    )
    assert (invited, people) == (MANY, MANY)
    ((told,),) = await room.running.sql(
        "select count(distinct aggregate_id) from log where type like 'trama.events.invitation.issued%'"
        " and body::jsonb->>'meeting_id' = :id",
        id=meeting["id"],
    )
    assert told == MANY
