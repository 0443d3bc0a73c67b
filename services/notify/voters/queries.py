"""Whom a ballot that is in no meeting concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.voters.tables import voters

CALLED, VOTED = "called", "voted"


async def voters_of(
    session: AsyncSession, ballots: Collection[UUID], states: Collection[str] = (CALLED, VOTED)
) -> dict[UUID, list[Row[Any]]]:
    """Ballot -> (id, person_id, organisation_id) of its voters in one of these states. One statement."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    if ballots:
        c = voters.c
        query = select(c.ballot_id, c.id, c.person_id, c.organisation_id).where(
            c.ballot_id.in_(ballots), c.state.in_(states)
        )
        for row in await session.execute(query.order_by(c.ballot_id, c.id)):
            found[row.ballot_id].append(row)
    return found
