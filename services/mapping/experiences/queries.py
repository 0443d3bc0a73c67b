"""Reading experiences and declared absences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.experiences.rules import Experience
from services.mapping.experiences.tables import absences, experiences
from services.mapping.items import queries as items
from services.mapping.items.queries import Filters, Shown
from services.mapping.policy import Right, policy
from services.mapping.presences.tables import organisations
from shared.access import loading
from shared.access.actor import Actor
from shared.runtime.paging import Page, page


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    filters: Filters,
    *,
    theme: Sequence[str] = (),
    on: date | None = None,
    after: str | None = None,
    limit: int,
    now: datetime,
) -> Page[Shown[Experience]]:
    """`on`: going on that day."""
    e, more = experiences.c, list[ColumnElement[bool]]()
    if theme:
        more.append(e.themes.overlap(theme))
    if on:
        more.append(and_(or_(e.since.is_(None), e.since <= on), or_(e.until.is_(None), e.until > on)))
    asked = replace(filters, more=more)
    return await items.listed(session, actor, ref, Experience, asked, after=after, limit=limit, now=now)


async def get(session: AsyncSession, actor: Actor, experience_id: UUID, *, now: datetime) -> Shown[Experience]:
    return await items.get(session, actor, Experience, experience_id, now=now)


async def absences_of(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    organisation: Sequence[UUID] = (),
    after: str | None = None,
    limit: int,
    now: datetime,
) -> Page[Any]:
    """Who has declared that there is nothing to report; for the network."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SEE_MAP, network=network_id, on=now)
    a = absences.c
    query = (
        select(*a, organisations.c.title.label("organisation"))
        .outerjoin(organisations, organisations.c.id == a.organisation_id)
        .where(a.network_id == network_id)
    )
    if organisation:
        query = query.where(a.organisation_id.in_(organisation))
    return await page(session, query, key=[a.id], after=after, limit=limit)
