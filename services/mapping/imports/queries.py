"""Reading imports of places and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.imports.tables import place_import_rows, place_imports
from services.mapping.policy import Right, policy
from shared.access import loading
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound


async def get(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Raises NotFound also for an import of a network in which the actor may not import."""
    found = (await session.execute(select(place_imports).where(place_imports.c.id == import_id))).one_or_none()
    if found is None or not policy.has(actor, Right.IMPORT_PLACES, network=found.network_id, on=now):
        raise NotFound
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    status: Sequence[str] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Any]:
    """The imports of a network, the last one first."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.IMPORT_PLACES, network=network_id, on=now)
    query = select(*place_imports.c).where(place_imports.c.network_id == network_id)
    if status:
        query = query.where(place_imports.c.status.in_(status))
    return await page(session, query, key=[place_imports.c.id], after=after, limit=limit, descending=True)


async def report(
    session: AsyncSession, actor: Actor, import_id: UUID, *, linked: bool, after: int, limit: int, now: datetime
) -> list[Any]:
    """Rows of the report below the line `after`. `linked`: a signed link has shown the right to read it."""
    if not linked:
        await get(session, actor, import_id, now=now)
    elif await session.scalar(select(place_imports.c.id).where(place_imports.c.id == import_id)) is None:
        raise NotFound
    r = place_import_rows.c
    query = select(*r).where(r.import_id == import_id, r.line > after).order_by(r.line).limit(limit)
    return list(await session.execute(query))


async def preview(
    session: AsyncSession, actor: Actor, import_id: UUID, *, each: int, now: datetime
) -> tuple[Any, dict[str, list[Any]]]:
    """The job, and the first rows of each outcome."""
    job = await get(session, actor, import_id, now=now)
    r = place_import_rows.c
    found: dict[str, list[Any]] = {}
    for outcome in ("created", "updated", "unchanged", "rejected"):
        query = select(*r).where(r.import_id == import_id, r.outcome == outcome).order_by(r.line).limit(each)
        found[outcome] = list(await session.execute(query))
    return job, found


async def running(session: AsyncSession) -> int:
    """Imports that a worker is at, or should be: for readiness, and for whoever waits until everything is done."""
    query = select(func.count()).select_from(place_imports).where(place_imports.c.status.in_(("running", "undoing")))
    return int(await session.scalar(query) or 0)
