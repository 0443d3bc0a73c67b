"""A network's own yardsticks. They are nobody else's business, so nothing is told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.policy import Right, policy
from services.mapping.yardsticks import queries
from services.mapping.yardsticks.queries import Shown
from services.mapping.yardsticks.rules import CodeTaken, OfEverybody, Yardstick
from services.mapping.yardsticks.tables import yardsticks
from shared.access.actor import Actor
from shared.access.loading import network_id as id_of
from shared.runtime.problems import expect


async def set_up(session: AsyncSession, actor: Actor, network: str, *, now: datetime, **given: Any) -> Shown:
    """Raises BadYardstick, CodeTaken."""
    network_id = await id_of(session, network)
    policy.require(actor, Right.SET_YARDSTICKS, network=network_id, on=now)
    made = Yardstick(network_id=network_id, **given)
    made.check()
    taken = select(yardsticks.c.id).where(yardsticks.c.network_id == network_id, yardsticks.c.code == made.code)
    if await session.scalar(taken):
        raise CodeTaken(made.code)
    session.add(made)
    await session.flush()
    return queries.shown(actor, made, now)


async def change(
    session: AsyncSession, actor: Actor, yardstick_id: UUID, *, expected: int | None, now: datetime, **given: Any
) -> Shown:
    """Takes the fields given; the code stays. Raises UnknownYardstick, OfEverybody, BadYardstick."""
    own = await _own(session, actor, yardstick_id, now)
    expect(expected, own.version)
    for name, value in given.items():
        if getattr(own, name) != value:
            setattr(own, name, value)
    own.check()
    await session.flush()
    return queries.shown(actor, own, now)


async def remove(
    session: AsyncSession, actor: Actor, yardstick_id: UUID, *, expected: int | None, now: datetime
) -> None:
    """Raises UnknownYardstick, OfEverybody."""
    own = await _own(session, actor, yardstick_id, now)
    expect(expected, own.version)
    await session.delete(own)


async def _own(session: AsyncSession, actor: Actor, yardstick_id: UUID, now: datetime) -> Yardstick:
    await queries.get(session, actor, yardstick_id, now=now)
    found = await queries.for_update(session, yardstick_id)
    if found.network_id is None:
        raise OfEverybody
    policy.require(actor, Right.SET_YARDSTICKS, network=found.network_id, on=now)
    return found
