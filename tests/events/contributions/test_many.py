"""Contributions by the thousand: the number of statements follows the requests, never the contributions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert
from uuid_utils.compat import uuid7

from services.events.contributions import queries
from services.events.contributions.rules import By
from services.events.contributions.tables import contributions
from shared.runtime.database import Database
from tests.events.contributions.test_contributions import delegate, opened, tagged
from tests.events.contributions.test_syntheses import begun, issued, told
from tests.events.room import Room

pytestmark = pytest.mark.timeout(180)
MANY = 1000
OWN = re.compile(r"\b(collections|contributions|syntheses|synthesis_\w+|mandates|insert into log)\b")


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What was executed meanwhile, but for what the service does by itself."""
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if OWN.search(statement):
            seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def filled(room: Room, collection: Any) -> list[dict[str, str]]:
    """A thousand contributions of one person, a quarter to each theme."""
    person, organisation = await delegate(room, "03")
    codes = [theme["code"] for theme in collection["themes"]]
    rows = [
        {
            "id": uuid7(),
            "collection_id": collection["id"],
            "network_id": room.id,
            "theme": codes[number % len(codes)],
            "text": f"Contributo {number}",
            "person_id": person,
            "organisation_id": organisation,
            "territory": "03",
            "region": "03",
            "tags": [],
            "written_at": room.now,
            "version": 1,
        }
        for number in range(MANY)
    ]
    async with room.running.context.database.sessions.begin() as session:
        await session.execute(insert(contributions), rows)
    return [{"id": str(row["id"])} for row in rows]


async def test_a_thousand_are_tagged_in_one_statement_and_counted_in_one(room: Room) -> None:
    collection = await opened(room)
    made = await filled(room, collection)
    with statements(room.running.context.database) as seen:
        answer = await tagged(room, collection, *((one, ["strength"]) for one in made))
    assert answer.status_code == 200, answer.text
    assert sum("update contributions" in statement for statement in seen) == 1
    assert len(seen) <= 6, seen
    for by in (None, *By):
        with statements(room.running.context.database) as seen:
            async with room.running.context.database.sessions() as session:
                (counted,) = await queries.counts(session, collection_id=collection["id"], by=by)
        assert len(seen) == 1
        assert [(cell.contributions, cell.tags["strength"]) for cell in counted.cells] == [(250, 250)] * 4
    assert (counted.contributions, counted.contributors, counted.organisations) == (MANY, 1, 1)
    too_many = await tagged(room, collection, *((one, []) for one in [*made, *made[:1]]))
    assert too_many.status_code == 422


async def test_more_than_a_thousand_recipients_are_told_in_parts(room: Room) -> None:
    collection = await opened(room)
    synthesis = await begun(room, collection)
    await room.running.sql(
        "insert into mandates (id, network_id, person_id, role, territory, within, since, state, generation, version)"
        " select uuidv7(), :network, uuidv7(), 'representative', '03', '{03}', date '2000-01-01', 'in_office', 1, 1"
        " from generate_series(1, 1001)",
        network=room.id,
    )
    with statements(room.running.context.database) as seen:
        answer = await issued(room, synthesis)
    assert answer.json()["recipients"] == 1001, answer.text
    assert len(seen) <= 20, seen
    await room.running.settled()
    parts = [body for body in await told(room, "synthesis_audience") if body["synthesis_id"] == synthesis["id"]]
    assert sorted((body["part"], len(body["people"])) for body in parts) == [(1, 1000), (2, 1)]
    assert len({person for body in parts for person in body["people"]}) == 1001
    (kept,) = await room.running.sql(
        "select count(*) as rows from synthesis_recipients where synthesis_id = :id", id=synthesis["id"]
    )
    assert kept.rows == 1001
