"""Many invitations at once: the number of statements follows the batches, never the people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import event, insert, select
from uuid_utils.compat import uuid7

from services.notify.app import service
from services.notify.contacts.tables import contacts
from services.notify.deliveries.commands import CHUNK
from services.notify.deliveries.outcomes import Claimed
from services.notify.deliveries.tables import deliveries
from services.notify.meetings.listens import convene, invitations_known, meetings_known, tell_where_it_moved
from services.notify.messages.queries import known
from shared.access.tables import networks
from shared.contracts.envelope import Fact
from shared.contracts.events import MeetingMoved
from shared.messaging import Cause, NotYet, Received
from shared.runtime.database import Database
from tests.notify.network import Network, then

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
PEOPLE = 1000


def received(fact: Fact) -> Received[Any]:
    id_ = uuid7()
    return Received(fact, id_, 1, NOW, Cause(id_, id_, None))


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What was executed meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_a_thousand_invitations_are_a_thousand_intents_in_a_few_statements(database: Database) -> None:
    assert service is not None
    room = Network(None, None, ECKey.generate_key("P-256"))  # type: ignore[arg-type]  # it only makes facts
    people = [room.person() for _ in range(PEOPLE)]
    meeting = room.meeting()
    issued = [received(room.invited(meeting, person)) for person in people]
    async with database.sessions.begin() as session:
        await session.execute(
            insert(networks).values(id=room.id, slug="a", name="A", kind="alliance", generation=1, version=1)
        )
        rows = [{"person_id": p.id, "email": p.email, "generation": 1, "version": 1} for p in people]
        await session.execute(insert(contacts), rows)
        await meetings_known(session, [received(meeting)], NOW)
        with pytest.raises(NotYet, match="invitations"):
            await convene(session, issued, NOW)
        await invitations_known(session, issued, NOW)
    with statements(database) as seen:
        async with database.sessions.begin() as session:
            await convene(session, issued, NOW)
    assert len(seen) <= 6 + PEOPLE / CHUNK, seen
    moved = received(then(meeting, MeetingMoved, place="Via Po 2"))
    with statements(database) as seen:
        async with database.sessions.begin() as session:
            await meetings_known(session, [moved], NOW)
            await tell_where_it_moved(session, [moved], NOW)
    assert len(seen) <= 7 + PEOPLE / CHUNK, seen
    async with database.sessions() as session:
        intents = (await session.execute(select(deliveries))).all()
    assert len(intents) == 2 * PEOPLE
    assert {row.person_id for row in intents} == {person.id for person in people}
    with statements(database) as seen:
        async with database.sessions() as session:
            told = await known(session, claimed(intents))
    assert len(seen) <= 6, seen
    assert len(told.invitations) == PEOPLE


def claimed(rows: Sequence[Any]) -> list[Claimed]:
    return [
        Claimed(r.id, r.network_id, r.person_id, r.channel, r.topic, r.parameters, UUID(int=1), None, None, 1, NOW)
        for r in rows
    ]
