"""Who reviews a practice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.queries import coordinators
from services.notify.messages.intents import secretariats
from shared.access.roles import Role
from shared.access.tables import grants
from shared.contracts.learning import PracticeState


async def reviewers(session: AsyncSession, practices: Sequence[PracticeState], on: date) -> dict[UUID, list[UUID]]:
    """Practice -> the network's secretariat, the coordinators of its body and those of the smallest territory around
    its own that has any, on that day; never its author, unless there is nobody else. Three statements."""
    offices = await secretariats(session, {p.network_id for p in practices}, on)
    around = await coordinators(session, {(p.network_id, p.territory) for p in practices}, on)
    leading = await _coordinators_of(session, {(p.network_id, p.body_id) for p in practices if p.body_id}, on)
    found = {}
    for p in practices:
        people = {*offices[p.network_id], *around[p.network_id, p.territory], *leading[p.network_id, p.body_id]}
        others = people - {p.author_id}
        found[p.id] = sorted(others or people)
    return found


async def _coordinators_of(
    session: AsyncSession, bodies: Collection[tuple[UUID | None, UUID | None]], on: date
) -> dict[tuple[UUID | None, UUID | None], list[UUID]]:
    found: dict[tuple[UUID | None, UUID | None], list[UUID]] = defaultdict(list)
    query = select(grants.c.network_id, grants.c.body_id, grants.c.person_id).where(
        tuple_(grants.c.network_id, grants.c.body_id).in_(bodies),
        grants.c.role == Role.COORDINATOR,
        grants.c.since <= on,
        or_(grants.c.until.is_(None), grants.c.until > on),
    )
    for row in await session.execute(query) if bodies else ():
        found[row.network_id, row.body_id].append(row.person_id)
    return found
