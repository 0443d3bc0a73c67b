"""Organisations and their memberships, as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.organisations.tables import memberships, organisations
from shared.access.listens import guard
from shared.contracts.registry import MembershipMerged, MembershipState, OrganisationState
from shared.messaging import Received, newest, projects, upsert_newest


@projects(OrganisationState, tables=[organisations])
async def organisations_known(
    session: AsyncSession,
    facts: Sequence[Received[OrganisationState]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [
        {
            "id": r.fact.id,
            "title": r.fact.title,
            "kind": r.fact.kind,
            "municipality": r.fact.municipality,
            "territories": list(r.fact.territories),
            **guard(r),
        }
        for r in newest(facts)
    ]
    await upsert_newest(session, organisations, rows)


@projects(MembershipState, MembershipMerged, tables=[memberships])
async def memberships_known(
    session: AsyncSession,
    facts: Sequence[Received[MembershipState | MembershipMerged]],
    now: datetime,  # noqa: ARG001
) -> None:
    await upsert_newest(session, memberships, [_membership(r) for r in newest(facts)])


def _membership(received: Received[MembershipState | MembershipMerged]) -> dict[str, Any]:
    fact = received.fact
    known: dict[str, Any] = {"organisation_id": None, "state": "merged", "since": None}
    if isinstance(fact, MembershipState):
        known = {"organisation_id": fact.organisation_id, "state": fact.state, "since": fact.since}
    return {"id": fact.id, "network_id": fact.network_id, **known, **guard(received)}
