"""What deliveries keep of an erased person: that something of a topic was sent on a day, to nobody; and of a duplicate:
whose it was, under the id that stands for both."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import case, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bounces.tables import bounces, suppressions
from services.notify.deliveries.rules import Problem, State
from services.notify.deliveries.tables import attempts, deliveries


async def forget(session: AsyncSession, people: Sequence[UUID]) -> None:
    """Empties parameters and the relay's words, and takes them off the list of addresses; what is queued is not sent
    any more. A mail that is in a lane at this moment goes out: its outcome is recorded without an address, like every
    outcome."""
    theirs = deliveries.c.person_id.in_(people)
    queued = deliveries.c.state == State.QUEUED
    await session.execute(
        update(deliveries)
        .where(theirs, or_(queued, deliveries.c.parameters != {}, deliveries.c.reason.is_not(None)))
        .values(
            parameters={},
            reason=None,
            state=case((queued, State.SUPPRESSED), else_=deliveries.c.state),
            problem=case((queued, Problem.PERSON_ERASED), else_=deliveries.c.problem),
            next_try=case((queued, None), else_=deliveries.c.next_try),
            updated_at=func.now(),
            version=deliveries.c.version + 1,
        )
    )
    for table in (bounces, suppressions):
        await session.execute(delete(table).where(table.c.person_id.in_(people)))
    await session.execute(
        update(attempts)
        .where(attempts.c.delivery_id.in_(select(deliveries.c.id).where(theirs)), attempts.c.reason != "")
        .values(reason="")
    )


async def hand_on(session: AsyncSession, going: UUID, staying: UUID) -> None:
    """What was for the duplicate is for the other; what is queued for both is sent once. Two digests stay two: each has
    entries of its own."""
    asked = {"going": going, "staying": staying}
    await session.execute(TOLD_TWICE, asked)
    await session.execute(HANDED_ON, asked)


TOLD_TWICE = text(
    """
    update deliveries d set state = 'suppressed', problem = 'too-late', next_try = null, updated_at = now(),
        version = version + 1
    where d.person_id = :going and d.state = 'queued' and d.topic <> 'digest' and exists (
        select from deliveries o where o.person_id = :staying
           and o.key = replace(d.key, cast(cast(:going as uuid) as text), cast(cast(:staying as uuid) as text)))
    """
)
HANDED_ON = text(
    "update deliveries set person_id = :staying, updated_at = now(), version = version + 1 where person_id = :going"
)
