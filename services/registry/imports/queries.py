"""Reading imports and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.imports.model import OUTCOMES
from services.registry.imports.tables import import_rows, imports
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound

NEEDED = {
    "organisations": (Right.IMPORT,),
    "affiliates": (Right.IMPORT,),
    "representatives": (Right.IMPORT, Right.WRITE_PEOPLE, Right.WRITE_MANDATES),
}
"""A file is no way round a right: who may not enter people may not import them."""


def may_import(actor: Actor, of: str, network_id: UUID, now: datetime) -> None:
    for right in NEEDED[of]:
        policy.require(actor, right, network=network_id, on=now)


def may_read(actor: Actor, of: str, network_id: UUID, now: datetime) -> bool:
    """Who may import such a file reads what others have sent: its rows name the people who are in it."""
    return all(policy.has(actor, right, network=network_id, on=now) for right in NEEDED[of])


async def get(session: AsyncSession, actor: Actor, import_id: UUID, *, now: datetime) -> Any:
    """Raises NotFound also for an import of a network in which the actor may import no such file."""
    found = (await session.execute(select(imports).where(imports.c.id == import_id))).one_or_none()
    if found is None or not may_read(actor, found.of, found.network_id, now):
        raise NotFound
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    of: Sequence[str] = (),
    status: Sequence[str] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Any]:
    """The imports of a network, the last one first; of people's files only for who may import them."""
    network = await networks.by_ref(session, ref)
    policy.require(actor, Right.IMPORT, network=network.id, on=now)
    readable = [kind for kind in NEEDED if may_read(actor, kind, network.id, now)]
    query = select(*imports.c).where(imports.c.network_id == network.id, imports.c.of.in_(readable))
    for column, values in ((imports.c.of, of), (imports.c.status, status)):
        if values:
            query = query.where(column.in_(values))
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
        select(*(import_rows.c[name] for name in REPORTED))
        .where(import_rows.c.import_id == import_id, import_rows.c.line > after)
        .order_by(import_rows.c.line)
        .limit(limit)
    )
    return list(rows)


REPORTED = (
    "line", "tax_code", "outcome", "organisation_id", "municipality", "problem", "person_id", "mandate_id", "undone",
    "kept",
)  # fmt: skip


async def rows(
    session: AsyncSession,
    actor: Actor,
    import_id: UUID,
    *,
    outcome: Sequence[str] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Any]:
    """Rows of an import in the order of the file, with what they say and what they change."""
    await get(session, actor, import_id, now=now)
    query = select(*import_rows.c).where(import_rows.c.import_id == import_id)
    if outcome:
        query = query.where(import_rows.c.outcome.in_(outcome))
    return await page(session, query, key=[import_rows.c.line], after=after, limit=limit)


async def preview(
    session: AsyncSession, actor: Actor, import_id: UUID, *, first: int, now: datetime
) -> tuple[Any, dict[str, list[Any]]]:
    """The import, and the first rows of each outcome."""
    job = await get(session, actor, import_id, now=now)
    place = func.row_number().over(partition_by=import_rows.c.outcome, order_by=import_rows.c.line).label("place")
    ranked = select(*import_rows.c, place).where(import_rows.c.import_id == import_id).subquery()
    query = select(ranked).where(ranked.c.place <= first).order_by(ranked.c.line)
    found: dict[str, list[Any]] = {outcome: [] for outcome in OUTCOMES}
    for row in await session.execute(query):
        found[row.outcome].append(row)
    return job, found


async def running(session: AsyncSession) -> int:
    """Imports that a worker is at, or should be: for readiness, and for whoever waits until everything is done."""
    query = select(func.count()).select_from(imports).where(imports.c.status.in_(("running", "undoing")))
    return int(await session.scalar(query) or 0)
