"""Keeping the counters by differences, and counting again from nothing to check them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.rules import difference
from services.mapping.presences.rules import Presence

# A cell that falls to zero is removed: whether anybody was ever there must not show after a rebuild. MERGE and not an
# upsert, because a check constraint judges an upsert's proposed row too, and a difference may be negative. The turn
# that the caller holds (see presences) is what makes it safe beside other writers.
COUNT = text(
    """
    merge into coverage c
    using unnest(
        cast(:networks as uuid[]), cast(:levels as text[]), cast(:areas as text[]), cast(:kinds as text[]),
        cast(:organisations as int[]), cast(:organised as int[])
    ) as d(network_id, level, area, kind, organisations, organised)
    on (c.network_id, c.level, c.area, c.kind) = (d.network_id, d.level, d.area, d.kind)
    when matched and c.organisations + d.organisations = 0 then delete
    when matched then update set
        organisations = c.organisations + d.organisations, organised = c.organised + d.organised
    when not matched then insert values (d.network_id, d.level, d.area, d.kind, d.organisations, d.organised)
    """
)


async def count(session: AsyncSession, before: Iterable[Presence], after: Iterable[Presence]) -> None:
    """Takes away what `before` counted for and adds what `after` counts for; both hold all presences of the same
    organisations, in the transaction that writes them."""
    delta = difference(before, after)
    if delta:
        await session.execute(
            COUNT,
            {
                "networks": [cell.network_id for cell in delta],
                "levels": [cell.level for cell in delta],
                "areas": [cell.area for cell in delta],
                "kinds": [cell.kind for cell in delta],
                "organisations": [change.organisations for change in delta.values()],
                "organised": [change.organised for change in delta.values()],
            },
        )
