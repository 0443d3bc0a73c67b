"""Marking messages as read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.tables import deliveries
from services.notify.inbox import queries
from services.notify.inbox.queries import Message
from services.notify.inbox.tables import read_marks
from services.notify.messages.compose import Writer
from shared.access.actor import Actor


async def read(session: AsyncSession, actor: Actor, writer: Writer, id_: UUID, *, now: datetime) -> Message:
    """The first reading counts. Raises NotFound, also for somebody else's."""
    await queries.get(session, actor, writer, id_, now=now)
    await session.execute(insert(read_marks).values(delivery_id=id_, read_at=now).on_conflict_do_nothing())
    return await queries.get(session, actor, writer, id_, now=now)


async def read_all(session: AsyncSession, actor: Actor, *, now: datetime) -> int:
    """Everything that is unread now; returns how many."""
    waiting = queries.of(actor).where(read_marks.c.read_at.is_(None)).with_only_columns(deliveries.c.id)
    ids = list(await session.scalars(waiting))
    if ids:
        marks = insert(read_marks).values([{"delivery_id": id_, "read_at": now} for id_ in ids])
        await session.execute(marks.on_conflict_do_nothing())
    return len(ids)
