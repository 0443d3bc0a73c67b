"""What becomes of minutes that name somebody whom the registry has erased.

Approved ones stand: they are retained, as offices held are. Those that still can be written are composed again, and say
nothing where the name was. What their writer added by hand is the writer's to correct.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.minutes import commands, queries
from services.events.minutes.rules import State
from services.events.people.listens import names_known
from shared.contracts.registry import PersonErased
from shared.messaging import Received, reacts


@reacts(PersonErased)
async def forget(session: AsyncSession, facts: Sequence[Received[PersonErased]], now: datetime) -> None:
    """Takes the erasure in by itself: the projection may come later, and the name must not be read again."""
    await names_known(session, facts, now)
    for _, minutes_id in await queries.unapproved(session, {received.fact.id for received in facts}):
        minutes, _, _ = await queries.for_update(session, minutes_id)
        if minutes.state is not State.APPROVED:  # approved while its lock was waited for
            await commands.recompose(session, minutes)
