"""Reading deliveries: what was intended in a network, what came of it, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.tables import contacts
from services.notify.deliveries.rules import UNREAD, State
from services.notify.deliveries.tables import attempts, deliveries
from services.notify.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import networks
from shared.runtime.paging import Page, page
from shared.runtime.problems import NotFound

TOLD = select(
    *(column for column in deliveries.c if column.name not in {"parameters", "key", "lease_until", "traceparent"}),
    contacts.c.given_name,
    contacts.c.family_name,
    networks.c.name.label("network_name"),
).select_from(
    deliveries.outerjoin(contacts, contacts.c.person_id == deliveries.c.person_id).outerjoin(
        networks, networks.c.id == deliveries.c.network_id
    )
)


@dataclass(frozen=True)
class Wanted:
    """Filters; an empty one asks for everything. Values of one are alternatives, different ones must all hold."""

    state: Sequence[State] = ()
    topic: Sequence[str] = ()
    person: Sequence[UUID] = ()
    updated_since: datetime | None = None


@dataclass(frozen=True)
class Told:
    """One delivery with its attempts, oldest first, and what the reader may do with it."""

    row: Any
    attempts: Sequence[Any]
    allowed_actions: Sequence[str]

    @property
    def version(self) -> int:
        return int(self.row.version)


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    wanted: Wanted,
    *,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row[Any]]:
    """The network's deliveries, the latest intent first. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_DELIVERIES, network=room, on=now)
    query = TOLD.where(deliveries.c.network_id == room)
    if wanted.state:
        query = query.where(deliveries.c.state.in_(wanted.state))
    if wanted.topic:
        query = query.where(deliveries.c.topic.in_(wanted.topic))
    if wanted.person:
        query = query.where(deliveries.c.person_id.in_(wanted.person))
    if wanted.updated_since:
        query = query.where(deliveries.c.updated_at >= wanted.updated_since)
    return await page(session, query, key=[deliveries.c.id], after=after, limit=limit, descending=True)


async def get(session: AsyncSession, actor: Actor, id_: UUID, *, now: datetime) -> Told:
    """Raises NotFound, also to those who may not know of it."""
    found = (await session.execute(TOLD.where(deliveries.c.id == id_))).one_or_none()
    if found is None or not policy.has(actor, Right.READ_DELIVERIES, network=found.network_id, on=now):
        raise NotFound
    tries = await session.execute(select(attempts).where(attempts.c.delivery_id == id_).order_by(attempts.c.number))
    may_retry = found.state in UNREAD and policy.has(actor, Right.RETRY_DELIVERIES, network=found.network_id, on=now)
    return Told(found, tries.all(), ["retry"] if may_retry else [])


async def due(session: AsyncSession) -> int:
    """Mails that should be on their way by wall time: queued and due, or in a sender's hands."""
    waiting = select(func.count()).where(deliveries.c.state == State.QUEUED, deliveries.c.next_try <= func.now())
    sending = select(func.count()).where(deliveries.c.state == State.SENDING)
    return await session.scalar(select(waiting.scalar_subquery() + sending.scalar_subquery())) or 0
