"""Whom a network can reach."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.tables import contacts
from services.notify.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import grants
from shared.runtime.paging import Page, page

REACHABLE = and_(contacts.c.email.is_not(None), contacts.c.email != "")


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    reachable: bool | None = None,
    q: str | None = None,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row[Any]]:
    """People whom the network has entered or to whom it has given a mandate. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_CONTACTS, network=room, on=now)
    holds = exists().where(grants.c.person_id == contacts.c.person_id, grants.c.network_id == room)
    query = select(contacts, REACHABLE.label("reachable")).where(
        contacts.c.erased_at.is_(None), or_(contacts.c.network_id == room, holds)
    )
    if reachable is not None:
        query = query.where(REACHABLE if reachable else ~func.coalesce(REACHABLE, False))
    if q:
        name = contacts.c.given_name + " " + contacts.c.family_name
        query = query.where(name.icontains(q, autoescape=True))
    return await page(session, query, key=[contacts.c.person_id], after=after, limit=limit)
