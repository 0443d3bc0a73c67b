"""Who speaks for an organisation in a network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.messages.intents import secretariats
from shared.access.roles import Role
from shared.access.tables import grants

Who = tuple[UUID | None, UUID | None]
"""Network and organisation."""


async def referents(session: AsyncSession, asked: Collection[Who], on: date) -> dict[Who, list[UUID]]:
    """The referents of each of these organisations on that day; where there is none, or no organisation, the network's
    secretariat. Two statements."""
    pairs = {who for who in asked if who[0] and who[1]}
    found: dict[Who, list[UUID]] = defaultdict(list)
    query = (
        select(grants.c.network_id, grants.c.organisation_id, grants.c.person_id)
        .distinct()
        .where(
            tuple_(grants.c.network_id, grants.c.organisation_id).in_(pairs),
            grants.c.role == Role.REFERENT,
            grants.c.since <= on,
            or_(grants.c.until.is_(None), grants.c.until > on),
        )
        .order_by(grants.c.person_id)
    )
    for row in await session.execute(query) if pairs else ():
        found[row.network_id, row.organisation_id].append(row.person_id)
    offices = await secretariats(session, {network for network, _ in asked}, on)
    return {who: found[who] or offices[who[0]] for who in asked}
