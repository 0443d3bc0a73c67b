"""Has this service taken in that fact? For reads that must follow a write made elsewhere (`?seen=<fact id>`)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from shared.runtime.context import Context

KNOWN = text("select exists (select from log where id = :id) or exists (select from inbox where fact_id = :id)")


async def seen(session: AsyncSession, context: Context, fact: UUID) -> bool:
    """Its own facts at once; others' when their batch is committed."""
    if context.broker is not None and context.broker.has_seen(fact):
        return True
    return bool((await session.execute(KNOWN, {"id": fact})).scalar_one())
