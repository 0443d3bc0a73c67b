"""Preferences cost some statements for any number of people: when messages are intended, and when digests come."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, insert, select
from uuid_utils.compat import uuid7

from services.notify.deliveries.commands import intend
from services.notify.deliveries.rules import Delivery
from services.notify.deliveries.tables import deliveries
from services.notify.digests.commands import go_on
from services.notify.preferences.rules import Digests
from services.notify.preferences.tables import choices, preferences
from shared.runtime.database import Database

pytestmark = pytest.mark.timeout(120)
NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
WANTED = ("immediately", "daily", "weekly", "never")


class Statements:
    """What a piece of work asks the database, and how long it takes."""

    def __init__(self, database: Database) -> None:
        self.engine, self.count, self.seconds = database.engine.sync_engine, 0, 0.0

    def __enter__(self) -> Statements:
        event.listen(self.engine, "before_cursor_execute", self._one)
        self.began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.began
        event.remove(self.engine, "before_cursor_execute", self._one)

    def _one(self, *_: Any) -> None:
        self.count += 1


async def decided(database: Database, people: list[UUID]) -> None:
    """A quarter wants each thing."""
    async with database.sessions.begin() as session:
        await session.execute(insert(preferences), [{"person_id": person} for person in people])
        rows = [
            {"person_id": p, "about": "knowledge", "channel": "email", "choice": WANTED[n % 4]}
            for n, p in enumerate(people)
        ]
        await session.execute(insert(choices), rows)


def told(people: list[UUID], network: UUID) -> list[Delivery]:
    because = uuid7()
    return [
        Delivery("news-published", "email", f"news:{because}:{p}", because, NOW, network, p, {"news_id": str(because)})
        for p in people
    ]


async def test_statements_do_not_grow_with_people(database: Database) -> None:
    figures = []
    for number in (40, 1_600):
        people, network = [uuid7() for _ in range(number)], uuid7()
        await decided(database, people)
        with Statements(database) as intending:
            async with database.sessions.begin() as session:
                assert await intend(session, told(people, network), NOW) == number
        async with database.sessions() as session:
            rows = await session.execute(
                select(deliveries.c.state, deliveries.c.problem).where(deliveries.c.network_id == network)
            )
            found = Counter((row.state, row.problem) for row in rows)
        assert found == {
            ("queued", None): number / 4,
            ("queued", "in-digest"): number / 2,
            ("suppressed", "not-wanted"): number / 4,
        }
        with Statements(database) as sweeping:
            async with database.sessions.begin() as session:
                await go_on(session, [uuid7()], Digests().daily(NOW) + timedelta(seconds=1))
        figures.append((intending.count, sweeping.count))
    assert figures[0] == figures[1]


async def test_what_comes_as_its_digest_is_made_waits_for_the_next_and_no_digest_is_made_twice(
    database: Database,
) -> None:
    people, network = [uuid7()], uuid7()
    await decided(database, [uuid7(), *people])  # the second of four wants it daily
    seven = Digests().daily(NOW)
    for _ in range(2):  # the later one committed after the sweep of the instant for which it waits
        async with database.sessions.begin() as session:
            await intend(session, told(people, network), NOW)
        async with database.sessions.begin() as session:
            await go_on(session, [uuid7()], seven)
    async with database.sessions() as session:
        rows = (await session.execute(select(deliveries).order_by(deliveries.c.id))).all()
    first, digest, late = rows
    assert (digest.topic, digest.state, digest.in_inbox) == ("digest", "queued", False)
    assert (first.digest_id, first.waits_until) == (digest.id, None)
    assert (late.digest_id, late.problem, late.waits_until) == (None, "in-digest", seven + timedelta(days=1))
    assert late.next_try is None
