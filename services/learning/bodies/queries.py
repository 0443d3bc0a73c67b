"""What other slices ask of bodies."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.bodies.tables import bodies


async def of_others(session: AsyncSession, network: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of them that are another network's. One that nobody has told of yet may still turn out to be its own."""
    if not ids:
        return set()
    query = select(bodies.c.id).where(bodies.c.id.in_(ids), bodies.c.network_id != network)
    return set(await session.scalars(query))
