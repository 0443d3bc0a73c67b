"""What the registry's organisations, memberships and mandates mean on the map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.tables import coverage
from services.mapping.presences import commands
from services.mapping.presences.tables import mandates, memberships, organisations, presences
from shared.contracts import Fact
from shared.contracts.registry import MandateState, MembershipMerged, MembershipState, OrganisationState
from shared.messaging import Received, newest, projects, upsert_newest
from shared.territories.following import refreshed

S = TypeVar("S", bound=Fact)


@projects(
    OrganisationState,
    MembershipState,
    MembershipMerged,
    MandateState,
    tables=(organisations, memberships, mandates, presences, coverage),
)
async def members_and_where_they_are(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:  # noqa: ARG001
    """One handler for the three, so that a batch derives each member's presences once, with whatever has arrived.

    A membership or a mandate of a duplicate becomes another organisation's: then both are derived again. A duplicate
    itself is known on, and is a member of nothing.
    """
    await commands.take_turn(session)
    await refreshed(session)  # an operator may have applied a newer list of municipalities a moment ago
    touched: set[UUID] = set()
    if rows := [_organisation(fact) for fact in newest(of(facts, OrganisationState))]:
        touched |= set(await upsert_newest(session, organisations, rows))
    for table, rows in (
        (memberships, [_membership(fact) for fact in _memberships(facts)]),
        (mandates, [_mandate(fact) for fact in newest(of(facts, MandateState))]),
    ):
        if rows:
            touched |= await _before(session, table, [row["id"] for row in rows])
            changed = set(await upsert_newest(session, table, rows))
            touched |= {row["organisation_id"] for row in rows if row["id"] in changed and row["organisation_id"]}
    await commands.place(session, sorted(touched))


async def _before(session: AsyncSession, table: Table, ids: Sequence[UUID]) -> set[UUID]:
    """Of whom these were until now."""
    asked = literal(list(ids), ARRAY(Uuid))
    query = select(table.c.organisation_id).where(table.c.id == func.any(asked), table.c.organisation_id.is_not(None))
    return set(await session.scalars(query))


def _memberships(facts: Iterable[Received[Fact]]) -> list[Received[Any]]:
    both = [fact for fact in facts if isinstance(fact.fact, MembershipState | MembershipMerged)]
    return newest(cast(list[Received[Any]], both))


def of(facts: Iterable[Received[Fact]], state: type[S]) -> list[Received[S]]:
    return [cast(Received[S], fact) for fact in facts if isinstance(fact.fact, state)]


def _organisation(received: Received[OrganisationState]) -> dict[str, Any]:
    fact = received.fact
    return {
        "id": fact.id,
        "title": fact.title,
        "tax_code": fact.tax_code,
        "kind": fact.kind,
        "sections": [section.model_dump(mode="json") for section in fact.sections],
        "municipality": fact.municipality,
        "territories": list(fact.territories),
        "parent_id": fact.parent_id,
        "ownership": fact.ownership,
        **_received(received),
    }


def _membership(received: Received[Any]) -> dict[str, Any]:
    """Of a merged one a row stays that places nobody, so that an older fact cannot bring it back."""
    fact = received.fact
    if isinstance(fact, MembershipMerged):
        fact = MembershipState(
            id=fact.id,
            version=fact.version,
            network_id=fact.network_id,
            organisation_id=fact.organisation_id,
            state="merged",
            since=received.occurred_at.date(),
        )
    return {
        "id": fact.id,
        "network_id": fact.network_id,
        "organisation_id": fact.organisation_id,
        "state": fact.state,
        "since": fact.since,
        **_received(received),
    }


def _mandate(received: Received[MandateState]) -> dict[str, Any]:
    fact = received.fact
    return {
        "id": fact.id,
        "network_id": fact.network_id,
        "organisation_id": fact.organisation_id,
        "role": fact.role,
        "territory": fact.territory,
        "state": fact.state,
        "since": fact.since,
        "until": fact.until,
        **_received(received),
    }


def _received(received: Received[Any]) -> dict[str, Any]:
    """The order of the fact among those of its aggregate, and when it happened: the same in every rebuild."""
    return {
        "changed_at": received.occurred_at,
        "generation": received.generation,
        "version": received.fact.version,
    }
