"""What the registry's facts mean for practices: an organisation that was entered twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.practices import commands
from shared.contracts.registry import OrganisationMerged
from shared.messaging import Received, caused_by, reacts, stage


@reacts(OrganisationMerged)
async def follow_the_merged(
    session: AsyncSession, facts: Sequence[Received[OrganisationMerged]], now: datetime
) -> None:
    """One after the other, in the order in which they were merged: who stands for one may be merged in turn."""
    for received in facts:
        told = await commands.follow_the_merged(session, received.fact.id, received.fact.into_id, now)
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *told)
