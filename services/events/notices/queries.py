"""Which notice is asked for, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.notices import rules
from services.events.notices.rules import NoticeRule, UnknownBody
from services.events.notices.tables import notice_rules
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id


@dataclass(frozen=True)
class Notice:
    """What is asked of a body, or of a network's bodies; `own` when it is its own rule that says so."""

    network_id: UUID
    body_id: UUID | None
    days: int
    assembly_days: int | None
    own: bool
    version: int


async def asked(session: AsyncSession, network: UUID, body: Any) -> int:
    """The days of notice of a meeting of this body (its row), or of the network's. One statement."""
    wanted = [network] if body is None else [network, body.id]
    found = (await session.scalars(select(NoticeRule).where(notice_rules.c.id.in_(wanted)))).all()
    by_id = {rule.id: rule for rule in found}
    kind = body.kind if body is not None else None
    return rules.asked(kind, by_id.get(body.id) if body is not None else None, by_id.get(network))


async def of_network(session: AsyncSession, actor: Actor, network: str, *, now: datetime) -> Notice:
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MEETINGS, network=room, on=now)
    rule = await session.get(NoticeRule, room)
    days = [await asked(session, room, None), rules.asked(rules.ASSEMBLY, None, rule)]
    return Notice(room, None, days[0], days[1], rule is not None, rule.version if rule else 0)


async def of_body(session: AsyncSession, actor: Actor, body_id: UUID, *, now: datetime) -> Notice:
    """Raises UnknownBody, Forbidden."""
    body = await body_row(session, body_id)
    policy.require(actor, Right.READ_MEETINGS, network=body.network_id, on=now)
    rule = await session.get(NoticeRule, body_id)
    days = await asked(session, body.network_id, body)
    return Notice(body.network_id, body_id, days, None, rule is not None, rule.version if rule else 0)


async def body_row(session: AsyncSession, body_id: UUID) -> Any:
    row = (await session.execute(select(bodies).where(bodies.c.id == body_id))).one_or_none()
    if row is None:
        raise UnknownBody(body_id)
    return row
