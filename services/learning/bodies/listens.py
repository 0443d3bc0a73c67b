"""Bodies, as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.tables import bodies
from shared.contracts.registry import BodyState
from shared.messaging import Received, newest, projects, upsert_newest

TOLD = ("id", "network_id", "title", "kind", "state", "territory", "parent_id", "dissolved_on", "version")


@projects(BodyState, tables=[bodies])
async def bodies_known(session: AsyncSession, facts: Sequence[Received[BodyState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in TOLD}, "generation": r.generation} for r in newest(facts)]
    await upsert_newest(session, bodies, rows)
