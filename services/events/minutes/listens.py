"""What becomes of minutes that name somebody whom the registry has erased.

Approved ones stand: they are retained, as offices held are. Those that still can be written are composed again, and say
nothing where the name was. What their writer added by hand is the writer's to correct.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

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
    await compose_again(session, {received.fact.id for received in facts})


async def compose_again(session: AsyncSession, people: Collection[UUID]) -> None:
    """The minutes that name these people and can still be written, with their names as they are known now."""
    for _, minutes_id in await queries.unapproved(session, set(people)):
        minutes, _, _ = await queries.for_update(session, minutes_id)
        if minutes.state is not State.APPROVED:  # approved while its lock was waited for
            await commands.recompose(session, minutes, forgetting=True)
