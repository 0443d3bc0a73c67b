"""What the other services answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.erasures import commands
from shared.contracts.rights import ErasureAnswerState
from shared.messaging import Received, reacts


@reacts(ErasureAnswerState)
async def register_answers(session: AsyncSession, facts: Sequence[Received[ErasureAnswerState]], now: datetime) -> None:
    await commands.take_answers(session, facts, now)
