"""Writing grants down where the registry itself reads them, and telling the other services."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.grants import rules
from services.registry.mandates.rules import Mandate
from services.registry.mandates.tables import mandates
from shared.access import tables as access
from shared.access.actor import day
from shared.contracts.registry import GrantsChanged
from shared.messaging import stage


async def follow(session: AsyncSession, people: Collection[UUID], now: datetime) -> None:
    """Derives the grants of these people from their mandates anew, and tells the whole lists.

    The row in `grant_lists` is locked before the mandates are read: of two transactions that change one person's
    mandates the second sees what the first committed.
    """
    lists = insert(access.grant_lists).values([{"person_id": person, "version": 1} for person in sorted(people)])
    versions: list[Row[UUID, int]] = list(
        await session.execute(
            lists.on_conflict_do_update(
                index_elements=["person_id"], set_={"version": access.grant_lists.c.version + 1}
            ).returning(access.grant_lists.c.person_id, access.grant_lists.c.version)
        )
    )
    lasting = or_(mandates.c.ends.is_(None), mandates.c.ends > day(now))
    held: dict[UUID, list[Mandate]] = {}
    for mandate in await session.scalars(select(Mandate).where(mandates.c.person_id.in_(people), lasting)):
        held.setdefault(mandate.person_id, []).append(mandate)
    facts = [
        GrantsChanged(id=id_, version=version, grants=rules.grants(held.get(id_, ()), day(now)))
        for id_, version in versions
    ]
    await session.execute(delete(access.grants).where(access.grants.c.person_id.in_(people)))
    rows = [
        {"person_id": fact.id, "position": position, "version": fact.version, **grant.model_dump()}
        for fact in facts
        for position, grant in enumerate(fact.grants)
    ]
    if rows:
        await session.execute(insert(access.grants), rows)
    await stage(session, *facts)
