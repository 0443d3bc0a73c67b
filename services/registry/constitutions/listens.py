"""What minutes mean here: approved founding minutes are one of the things that a coordination needs.

A reaction, and no projection: that a body was founded is the registry's own from then on. A projection is empty while
it is rebuilt; a path looked at in that minute would go back, or be completed on a later day than it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.constitutions import commands
from shared.access.actor import day
from shared.contracts.events import MinutesApproved
from shared.messaging import Received, reacts


@reacts(MinutesApproved)
async def founding_minutes_approved(
    session: AsyncSession, facts: Sequence[Received[MinutesApproved]], now: datetime
) -> None:
    """Those of a meeting that was quorate. They count from the day of their approval, however late they arrive."""
    approved = [
        (fact.body_id, fact.id, min(fact.approved_on or day(received.occurred_at), day(now)))
        for received in facts
        if (fact := received.fact).founding and fact.quorate and fact.body_id is not None
    ]
    if approved:
        await commands.minute(session, approved, now)
