"""Every fact of the other services is kept, in the order in which it comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.journeys.commands import keep
from services.notify.journeys.tables import acts, told
from shared.contracts.envelope import Fact
from shared.messaging import Received, projects


@projects(Fact, tables=[told, acts])
async def all_that_was_told(session: AsyncSession, facts: Sequence[Received[Fact]], now: datetime) -> None:  # noqa: ARG001
    await keep(session, facts)
