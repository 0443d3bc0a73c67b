"""Keeping a process's map of Italy equal to what its database knows, without asking at every request.

Each process of a service looks at one number every few seconds and reads the changes (a few rows) only when it moved.
Whoever derives something lasting from the map, and so must not be those seconds behind, calls `refreshed` first, in the
transaction in which it writes.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.territories import store
from shared.territories.changes import Update
from shared.territories.history import Period
from shared.territories.tables import municipality_updates

if TYPE_CHECKING:
    from shared.runtime.context import Context

STAMP = text("select count(*), coalesce(sum(version), 0), coalesce(sum(generation), 0) from municipality_updates")
NOTHING = (0, 0, 0)


async def follow(context: Context) -> None:
    """Until cancelled. What one database said does not outlive the process's use of it."""
    try:
        idle = context.database.engine.execution_options(isolation_level="AUTOCOMMIT")  # no transaction to look once
        while True:
            async with AsyncSession(idle) as session:
                await refreshed(session)
            await asyncio.sleep(context.settings.territories_poll)
    finally:
        store.install((), None)


async def refreshed(session: AsyncSession) -> bool:
    """Reads the changes when they are not those that the process has; whether it did. One short statement if not."""
    stamp = tuple((await session.execute(STAMP)).one())
    if stamp == (store.installed() or NOTHING):
        return False
    store.install(await updates(session), stamp)
    return True


async def updates(session: AsyncSession) -> list[Update]:
    """The changes that this database knows."""
    return [update(row) for row in await session.execute(select(municipality_updates))]


def update(row: Any) -> Update:
    """A row of `municipality_updates`."""
    return Update(
        code=row.code,
        istat=row.istat,
        name=row.name,
        italian_name=row.italian_name,
        other_name=row.other_name,
        province=row.province,
        nuts3=row.nuts3,
        since=row.since,
        until=row.until,
        successors=tuple(row.successors),
        past=tuple(
            Period(row.code, past["name"], past["province"], _day(past["since"]), _day(past["until"]))
            for past in row.past
        ),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
