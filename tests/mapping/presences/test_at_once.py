"""Two processes project at once: the two sides of a presence arrive in transactions that cannot see each other."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from services.mapping.presences.listens import members_and_where_they_are
from services.mapping.presences.tables import presences
from shared.contracts import Fact
from shared.contracts.registry import MembershipActivated, OrganisationRegistered
from shared.messaging import Cause, Received
from tests import harness

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sides(organisation: UUID) -> list[Fact]:
    network = uuid4()
    return [
        OrganisationRegistered(
            id=organisation, version=1, title="Città Aperta", kind="association", municipality="E507"
        ),
        MembershipActivated(
            id=uuid4(),
            version=1,
            network_id=network,
            organisation_id=organisation,
            state="active",
            since=date(2026, 1, 1),
        ),
    ]


async def project(session: AsyncSession, fact: Fact) -> None:
    await members_and_where_they_are(session, [Received(fact, uuid4(), 1, NOON, Cause())], NOON)


@pytest.mark.parametrize("first", [0, 1])
async def test_the_second_waits_for_the_first_and_sees_what_it_wrote(mapping_engine: AsyncEngine, first: int) -> None:
    organisation = uuid4()
    facts = sides(organisation)

    async def second() -> None:
        async with AsyncSession(mapping_engine) as session, session.begin():
            await project(session, facts[1 - first])

    async with AsyncSession(mapping_engine) as session, session.begin():
        await project(session, facts[first])
        waiting = asyncio.create_task(second())

        async def blocked_or_done() -> bool:
            async with mapping_engine.connect() as watcher:
                locks = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                return waiting.done() or bool((await watcher.execute(text(locks))).scalar())

        await harness.until(blocked_or_done, what="the second transaction waits")
    await waiting
    async with AsyncSession(mapping_engine) as session:
        found = (await session.execute(select(presences).where(presences.c.organisation_id == organisation))).all()
    assert [row.territory for row in found] == ["E507"]
