"""The parts that the other services give."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.access_requests import commands
from shared.contracts.rights import AccessAnswerState
from shared.messaging import Received, reacts


@reacts(AccessAnswerState)
async def gather_parts(session: AsyncSession, facts: Sequence[Received[AccessAnswerState]], now: datetime) -> None:
    await commands.take_parts(session, facts, now)
