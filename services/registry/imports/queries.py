"""Reading imports and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.imports.tables import import_rows, imports
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound


async def get(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Raises NotFound also for an import of a network in which the actor may not import."""
    found = (await session.execute(select(imports).where(imports.c.id == import_id))).one_or_none()
    if found is None or not policy.has(actor, Right.IMPORT, network=found.network_id, on=now):
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
    network = await networks.by_ref(session, ref)
    policy.require(actor, Right.IMPORT, network=network.id, on=now)
    query = select(*imports.c).where(imports.c.network_id == network.id)
    if status:
        query = query.where(imports.c.status.in_(status))
    return await page(session, query, key=[imports.c.id], after=after, limit=limit, descending=True)


async def report(
    session: AsyncSession, actor: Actor, import_id: UUID, *, linked: bool, after: int, limit: int, now: datetime
) -> list[Any]:
    """Rows of the report below the line `after`. `linked`: a signed link has shown the right to read it."""
    if not linked:
        await get(session, actor, import_id, now=now)
    elif await session.scalar(select(imports.c.id).where(imports.c.id == import_id)) is None:
        raise NotFound
    rows = await session.execute(
        select(
            import_rows.c.line,
            import_rows.c.tax_code,
            import_rows.c.outcome,
            import_rows.c.organisation_id,
            import_rows.c.municipality,
            import_rows.c.problem,
        )
        .where(import_rows.c.import_id == import_id, import_rows.c.line > after)
        .order_by(import_rows.c.line)
        .limit(limit)
    )
    return list(rows)


async def running(session: AsyncSession) -> int:
    """Imports that a worker is at, or should be: for readiness, and for whoever waits until everything is done."""
    query = select(func.count()).select_from(imports).where(imports.c.status == "running")
    return int(await session.scalar(query) or 0)
