"""Whom a poll concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.polls.tables import poll_requests

ASKED, WITHDRAWN = "asked", "withdrawn"


async def people_asked(
    session: AsyncSession, polls: Collection[UUID], *, unanswered: bool = False
) -> dict[UUID, list[tuple[UUID, UUID]]]:
    """Poll -> (request, person) of whoever is asked in it; `unanswered`: only who has not answered. One statement."""
    found: dict[UUID, list[tuple[UUID, UUID]]] = defaultdict(list)
    if polls:
        c = poll_requests.c
        query = select(c.poll_id, c.id, c.person_id).where(c.poll_id.in_(polls))
        query = query.where(c.state == ASKED if unanswered else c.state != WITHDRAWN)
        for row in await session.execute(query.order_by(c.poll_id, c.id)):
            found[row.poll_id].append((row.id, row.person_id))
    return found
