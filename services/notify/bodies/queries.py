"""Who coordinates a territory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared import territories
from shared.access.roles import Role
from shared.access.tables import grants

Place = tuple[UUID | None, str | None]
"""A network and a territory of it."""


async def coordinators(session: AsyncSession, places: Collection[Place], on: date) -> dict[Place, list[UUID]]:
    """The coordinators of the smallest territory around each of these that has any on that day. One statement."""
    italy = territories.load()
    around = {place: italy.around(place[1]) for place in places}
    networks = {network_id for network_id, _ in places if network_id}
    held: dict[Place, list[UUID]] = defaultdict(list)
    if networks:
        found = await session.execute(
            select(grants.c.network_id, grants.c.territory, grants.c.person_id)
            .distinct()
            .where(
                grants.c.network_id.in_(networks),
                grants.c.role == Role.COORDINATOR,
                grants.c.territory.in_({code for codes in around.values() for code in codes}),
                grants.c.since <= on,
                or_(grants.c.until.is_(None), grants.c.until > on),
            )
            .order_by(grants.c.person_id)
        )
        for row in found:
            held[row.network_id, row.territory].append(row.person_id)
    return {
        place: next((held[place[0], code] for code in codes if (place[0], code) in held), [])
        for place, codes in around.items()
    }
