"""Marking messages as read."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Select, literal
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
    await _mark(session, queries.of(actor).where(deliveries.c.id == id_), now)
    return await queries.get(session, actor, writer, id_, now=now)


async def read_all(session: AsyncSession, actor: Actor, *, now: datetime) -> int:
    """Everything that is unread now, in one statement; returns how many."""
    return await _mark(session, queries.of(actor).where(read_marks.c.read_at.is_(None)), now)


async def _mark(session: AsyncSession, own: Select[Any], now: datetime) -> int:
    """Only what is the caller's own is ever marked."""
    which = own.with_only_columns(deliveries.c.id, literal(now, DateTime(timezone=True)))
    marks = insert(read_marks).from_select(["delivery_id", "read_at"], which).on_conflict_do_nothing()
    return len((await session.scalars(marks.returning(read_marks.c.delivery_id))).all())
