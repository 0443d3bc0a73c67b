"""Marking messages as read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Select, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.deliveries.tables import deliveries
from services.notify.inbox import queries
from services.notify.inbox.queries import EVERYTHING, Message, Wanted
from services.notify.inbox.tables import read_marks
from services.notify.messages.compose import Writer
from shared.access.actor import Actor


async def read(session: AsyncSession, actor: Actor, writer: Writer, id_: UUID, *, now: datetime) -> Message:
    """The first reading counts. Raises NotFound, also for somebody else's."""
    await _mark(session, queries.of(actor).where(deliveries.c.id == id_), now)
    return await queries.get(session, actor, writer, id_, now=now)


async def unread_again(session: AsyncSession, actor: Actor, writer: Writer, id_: UUID, *, now: datetime) -> Message:
    """As if it had not been read. Raises NotFound, also for somebody else's."""
    message = await queries.get(session, actor, writer, id_, now=now)
    if message.row.read_at is not None:
        marked = update(read_marks).where(read_marks.c.delivery_id == id_)
        await session.execute(marked.values(read_at=None, tx=func.pg_current_xact_id()))
    return await queries.get(session, actor, writer, id_, now=now)


async def read_all(session: AsyncSession, actor: Actor, wanted: Wanted = EVERYTHING, *, now: datetime) -> int:
    """Everything that is unread now, or what of it is wanted, in one statement; returns how many."""
    return await _mark(session, queries.narrowed(queries.of(actor), replace(wanted, unread=True)), now)


async def _mark(session: AsyncSession, own: Select[Any], now: datetime) -> int:
    """Only what is the caller's own is ever marked."""
    which = own.with_only_columns(deliveries.c.id, literal(now, DateTime(timezone=True))).order_by(deliveries.c.id)
    marks = insert(read_marks).from_select(["delivery_id", "read_at"], which)
    again = marks.on_conflict_do_update(
        index_elements=["delivery_id"],
        set_={"read_at": marks.excluded.read_at, "tx": func.pg_current_xact_id()},
        where=read_marks.c.read_at.is_(None),
    )
    return len((await session.scalars(again.returning(read_marks.c.delivery_id))).all())
