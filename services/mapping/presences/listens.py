"""What the registry's organisations, memberships and mandates mean on the map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.tables import coverage
from services.mapping.presences import commands
from services.mapping.presences.tables import mandates, memberships, organisations, presences
from shared.contracts import Fact
from shared.contracts.registry import MandateState, MembershipState, OrganisationState
from shared.messaging import Received, newest, projects, upsert_newest
from shared.territories.following import refreshed

S = TypeVar("S", bound=Fact)


@projects(
    OrganisationState,
    MembershipState,
    MandateState,
    tables=(organisations, memberships, mandates, presences, coverage),
)
async def members_and_where_they_are(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:  # noqa: ARG001
    """One handler for the three, so that a batch derives each member's presences once, with whatever has arrived.

    Which organisation a membership or a mandate is of never changes, so the newest fact tells whom to derive again.
    """
    await commands.take_turn(session)
    await refreshed(session)  # an operator may have applied a newer list of municipalities a moment ago
    touched: set[UUID] = set()
    if rows := [_organisation(fact) for fact in newest(of(facts, OrganisationState))]:
        touched |= set(await upsert_newest(session, organisations, rows))
    for table, rows in (
        (memberships, [_membership(fact) for fact in newest(of(facts, MembershipState))]),
        (mandates, [_mandate(fact) for fact in newest(of(facts, MandateState))]),
    ):
        if rows:
            changed = set(await upsert_newest(session, table, rows))
            touched |= {row["organisation_id"] for row in rows if row["id"] in changed and row["organisation_id"]}
    await commands.place(session, sorted(touched))


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


def _membership(received: Received[MembershipState]) -> dict[str, Any]:
    fact = received.fact
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
