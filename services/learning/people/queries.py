"""Who somebody is, as far as learning knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.mandates.tables import mandates
from services.learning.people.tables import people

NAME = func.trim(people.c.given_name + literal(" ") + people.c.family_name)


async def held_fast(session: AsyncSession, person_id: UUID) -> Any:
    """(network_id, erased_at) of a person who cannot be erased before the transaction ends; None: not heard of yet."""
    query = select(people.c.network_id, people.c.erased_at).where(people.c.id == person_id)
    return (await session.execute(query.with_for_update(read=True))).first()


async def hold_all_fast(session: AsyncSession, ids: Collection[UUID]) -> None:
    """None of them is erased before the transaction ends."""
    query = select(people.c.id).where(people.c.id.in_(ids)).order_by(people.c.id)
    await session.execute(query.with_for_update(read=True))


async def of_network(session: AsyncSession, person_id: UUID, network_id: UUID) -> bool:
    """The network entered the person, or has given them a mandate, ended ones included."""
    entered = exists().where(people.c.id == person_id, people.c.network_id == network_id)
    mandated = exists().where(mandates.c.person_id == person_id, mandates.c.network_id == network_id)
    return bool(await session.scalar(select(or_(entered, mandated))))


async def of_network_among(session: AsyncSession, ids: Collection[UUID], network_id: UUID) -> set[UUID]:
    """Those of them whom the network entered or gave a mandate, the erased left out."""
    mandated = exists().where(mandates.c.person_id == people.c.id, mandates.c.network_id == network_id)
    query = select(people.c.id).where(
        people.c.id.in_(ids), people.c.erased_at.is_(None), or_(people.c.network_id == network_id, mandated)
    )
    return set(await session.scalars(query))


async def strangers(session: AsyncSession, ids: Collection[UUID], network_id: UUID) -> set[UUID]:
    """Those of them whom the network neither entered nor gave a mandate, and those who were erased."""
    entered = select(people.c.id).where(
        people.c.id.in_(ids), people.c.network_id == network_id, people.c.erased_at.is_(None)
    )
    mandated = (
        select(mandates.c.person_id)
        .outerjoin(people, people.c.id == mandates.c.person_id)
        .where(mandates.c.person_id.in_(ids), mandates.c.network_id == network_id, people.c.erased_at.is_(None))
    )
    return set(ids) - set((await session.execute(entered.union(mandated))).scalars())
