"""The regions in order, read from the counters: twenty rows per kind, however many members there are."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.queries import NOBODY, counts
from services.mapping.ranking.rules import Figures, Place, rank
from services.mapping.territories.queries import listed
from services.mapping.territories.rules import Level


async def ranking(session: AsyncSession, network_id: UUID, kinds: Collection[str] = ()) -> list[Place]:
    """All regions of Italy; counting only members of these kinds when any is given."""
    counted = await counts(session, network_id, Level.REGION, kinds=kinds)
    return rank(
        Figures(region.code, region.name, total.organisations, total.organised, region.population)
        for region in listed(kinds=[Level.REGION])
        for total in [counted.get(region.code, NOBODY).total]
    )
