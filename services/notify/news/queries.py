"""Who is in the audience of a piece of news."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.tables import bodies
from shared import territories
from shared.access.roles import Role
from shared.access.tables import grants


async def audience(
    session: AsyncSession,
    network_id: UUID,
    roles: Collection[Role] | None,
    territory: str | None,
    body_id: UUID | None,
    on: date,
) -> list[UUID]:
    """Everybody whose grant in the network runs on that day, each once; with `roles`, one of these; with `body_id`, in
    that body; with `territory`, a grant of it or of what lies in it. A grant that names no territory is where its body
    is; who is in none is told only what is for the whole network. Two statements at most."""
    where = func.coalesce(grants.c.territory, bodies.c.territory)
    held = (
        select(grants.c.person_id, where.label("territory"))
        .distinct()
        .outerjoin(bodies, bodies.c.id == grants.c.body_id)
        .where(
            grants.c.network_id == network_id,
            grants.c.since <= on,
            or_(grants.c.until.is_(None), grants.c.until > on),
        )
    )
    if roles is not None:
        held = held.where(grants.c.role.in_(sorted(roles)))
    if body_id is not None:
        held = held.where(grants.c.body_id == body_id)
    if territory is not None:
        italy = territories.load()
        wanted = italy.code_of(territory) or territory
        there = held.with_only_columns(where).distinct()
        codes = {code for code in await session.scalars(there) if code}
        held = held.where(where.in_(sorted(code for code in codes if wanted in italy.around(code))))
    return sorted({row.person_id for row in await session.execute(held)})
