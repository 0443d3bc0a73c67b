"""What becomes of the credentials of somebody who is erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.credentials import commands
from shared.contracts.registry import PersonErased
from shared.messaging import Received, reacts


@reacts(PersonErased)
async def attest_nothing_of_the_erased(
    session: AsyncSession, facts: Sequence[Received[PersonErased]], now: datetime
) -> None:
    await commands.forget(session, {received.fact.id: received.cause for received in facts}, now)
