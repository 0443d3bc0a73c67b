"""Mandates as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.mandates.tables import mandates
from shared import territories
from shared.contracts.registry import MandateState
from shared.messaging import Received, newest, projects, upsert_newest

TOLD = ("network_id", "person_id", "role", "territory", "body_id", "state", "since", "until", "ended_on")


@projects(MandateState, tables=[mandates])
async def mandates_known(session: AsyncSession, facts: Sequence[Received[MandateState]], now: datetime) -> None:  # noqa: ARG001
    italy = territories.load()
    rows = [
        {
            "id": received.fact.id,
            **{name: getattr(received.fact, name) for name in TOLD},
            "within": italy.around(received.fact.territory),
            "generation": received.generation,
            "version": received.fact.version,
        }
        for received in newest(facts)
    ]
    await upsert_newest(session, mandates, rows)
