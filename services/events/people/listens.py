"""People as the registry tells them. An erased person leaves a row without a name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.people.tables import people
from shared.contracts.registry import PersonErased, PersonState
from shared.messaging import Received, newest, projects, upsert_newest


@projects(PersonState, PersonErased, tables=[people])
async def names_known(
    session: AsyncSession,
    facts: Sequence[Received[PersonState | PersonErased]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [
        {
            "id": r.fact.id,
            "given_name": r.fact.given_name if isinstance(r.fact, PersonState) else "",
            "family_name": r.fact.family_name if isinstance(r.fact, PersonState) else "",
            "generation": r.generation,
            "version": r.fact.version,
        }
        for r in newest(facts)
    ]
    await upsert_newest(session, people, rows)
