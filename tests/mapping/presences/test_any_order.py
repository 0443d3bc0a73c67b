"""Whatever the order, the repetition and the batches in which the registry's facts arrive, the map is the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from services.mapping.coverage.queries import recount
from services.mapping.coverage.tables import coverage
from services.mapping.presences.listens import members_and_where_they_are
from services.mapping.presences.tables import mandates, memberships, organisations, presences
from shared.contracts import Fact
from shared.contracts.registry import (
    MandateEnded,
    MandateStarted,
    MembershipActivated,
    MembershipWithdrawn,
    OrganisationChanged,
)
from shared.messaging import Cause, Received

TABLES = (organisations, memberships, mandates, presences, coverage)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NETWORKS = [UUID(int=1), UUID(int=2)]
ORGANISATIONS = [UUID(int=11), UUID(int=12)]
PLACES = st.sampled_from(["E507", "C933", "H501", "097", "03", "12", "Z404"])


def membership_of(network: UUID, organisation: UUID) -> UUID:
    return UUID(int=network.int * 1000 + organisation.int)


@st.composite
def organisation(draw: st.DrawFn, version: int) -> Fact:
    return OrganisationChanged(
        id=draw(st.sampled_from(ORGANISATIONS)),
        version=version,
        title=draw(st.sampled_from(["Città Aperta", "Il Girasole"])),
        kind=draw(st.sampled_from(["association", "firm"])),
        municipality=draw(st.none() | PLACES),
        territories=tuple(draw(st.lists(PLACES, max_size=2))),
    )


@st.composite
def membership(draw: st.DrawFn, version: int) -> Fact:
    made = draw(st.sampled_from([MembershipActivated, MembershipActivated, MembershipWithdrawn]))
    network, member = draw(st.sampled_from(NETWORKS)), draw(st.sampled_from(ORGANISATIONS))
    return made(
        id=membership_of(network, member),
        version=version,
        network_id=network,
        organisation_id=member,
        state="active" if made is MembershipActivated else "withdrawn",
        since=date(2026, 1, 1),
    )


@st.composite
def mandate(draw: st.DrawFn, version: int) -> Fact:
    network, member = draw(st.sampled_from(NETWORKS)), draw(st.sampled_from([*ORGANISATIONS, None]))
    territory, made = draw(st.none() | PLACES), draw(st.sampled_from([MandateStarted, MandateEnded]))
    return made(
        # a mandate keeps its organisation, network and territory; which are told by its id
        id=UUID(bytes=bytes(f"{network.int}{member.int if member else 0:02}{territory or '':>4}".ljust(16), "ascii")),
        version=version,
        network_id=network,
        person_id=UUID(int=99),
        organisation_id=member,
        role="referent",
        territory=territory,
        since=date(2026, 1, 1),
        state="in_office" if made is MandateStarted else "ended",
    )


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Received[Fact]], list[list[Received[Fact]]]]:
    """Facts as published, and the same shuffled, some repeated, cut into batches."""
    kinds = draw(st.lists(st.sampled_from([organisation, membership, mandate]), min_size=2, max_size=14))
    published = [
        Received(draw(kind(version)), UUID(int=10_000 + version), 1, NOON + timedelta(minutes=version), Cause())
        for version, kind in enumerate(kinds, 1)
    ]
    arrived = draw(st.permutations([*published, *draw(st.lists(st.sampled_from(published), max_size=3))]))
    cuts = sorted(draw(st.lists(st.integers(0, len(arrived)), max_size=5)))
    return published, [arrived[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrived)], strict=True) if a < b]


async def arrive(session: AsyncSession, batch: Sequence[Received[Fact]]) -> None:
    await members_and_where_they_are(session, batch, NOON)


async def contents(session: AsyncSession) -> dict[str, list[Any]]:
    return {
        table.name: [tuple(row) for row in await session.execute(select(table).order_by(*table.primary_key.columns))]
        for table in TABLES
    }


async def emptied(session: AsyncSession) -> None:
    for table in TABLES:
        await session.execute(table.delete())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals())
async def test_any_order_gives_the_same_map_as_the_order_of_publication(
    mapping_engine: AsyncEngine, arrivals: tuple[list[Received[Fact]], list[list[Received[Fact]]]]
) -> None:
    published, batches = arrivals
    async with AsyncSession(mapping_engine) as session:
        await emptied(session)
        for received in published:
            await arrive(session, [received])
            assert await recount(session) == []
        in_order = await contents(session)
        await emptied(session)
        for batch in batches:
            await arrive(session, batch)
        assert await contents(session) == in_order
        await session.rollback()
