"""Minutes that were approved elsewhere: a table that was held may refer to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.agreements.tables import approved_minutes
from shared.access.listens import guard
from shared.contracts.events import MinutesApproved
from shared.messaging import Received, newest, projects, upsert_newest


@projects(MinutesApproved, tables=[approved_minutes])
async def minutes_known(session: AsyncSession, facts: Sequence[Received[MinutesApproved]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {
            "id": r.fact.id,
            "network_id": r.fact.network_id,
            "held_on": r.fact.held_on,
            "number": r.fact.number,
            **guard(r),
        }
        for r in newest(facts)
    ]
    await upsert_newest(session, approved_minutes, rows)
