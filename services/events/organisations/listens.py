"""Organisations and their memberships, as the registry tells them. A duplicate keeps its name in what is final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.organisations import commands
from services.events.organisations.tables import memberships, organisations
from shared.access.listens import guard
from shared.contracts.registry import MembershipMerged, MembershipState, OrganisationMerged, OrganisationState
from shared.messaging import Received, caused_by, newest, projects, reacts, stage, upsert_newest


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
            "sections": [one.section for one in r.fact.sections if one.until is None],
            "municipality": r.fact.municipality,
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


@reacts(OrganisationMerged)
async def follow_the_merged(
    session: AsyncSession, facts: Sequence[Received[OrganisationMerged]], now: datetime
) -> None:
    """One after the other, in the order in which they were merged: who stands for one may be merged in turn."""
    for received in facts:
        told = await commands.reassign(session, received.fact.id, received.fact.into_id)
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *told)
