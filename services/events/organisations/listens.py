"""The names of organisations, as the registry tells them. A duplicate keeps its name in what is final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.organisations import commands
from services.events.organisations.tables import organisations
from shared.contracts.registry import OrganisationMerged, OrganisationState
from shared.messaging import Received, caused_by, newest, projects, reacts, stage, upsert_newest


@projects(OrganisationState, tables=[organisations])
async def titles(session: AsyncSession, facts: Sequence[Received[OrganisationState]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {"id": r.fact.id, "title": r.fact.title, "generation": r.generation, "version": r.fact.version}
        for r in newest(facts)
    ]
    await upsert_newest(session, organisations, rows)


@reacts(OrganisationMerged)
async def follow_the_merged(
    session: AsyncSession, facts: Sequence[Received[OrganisationMerged]], now: datetime
) -> None:
    """One after the other, in the order in which they were merged: who stands for one may be merged in turn."""
    for received in facts:
        told = await commands.reassign(session, received.fact.id, received.fact.into_id)
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *told)
