"""The names of organisations, as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.organisations.tables import organisations
from shared.contracts.registry import OrganisationState
from shared.messaging import Received, newest, projects, upsert_newest


@projects(OrganisationState, tables=[organisations])
async def titles(session: AsyncSession, facts: Sequence[Received[OrganisationState]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {"id": r.fact.id, "title": r.fact.title, "generation": r.generation, "version": r.fact.version}
        for r in newest(facts)
    ]
    await upsert_newest(session, organisations, rows)
