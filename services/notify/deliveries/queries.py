"""Reading deliveries: what was intended in a network, what came of it, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bodies.tables import bodies
from services.notify.contacts.tables import contacts
from services.notify.deliveries.rules import RETURNS_WITHIN, UNREAD, State
from services.notify.deliveries.tables import attempts, deliveries
from services.notify.meetings.tables import meetings
from services.notify.messages.rules import DIGEST
from services.notify.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import networks
from shared.runtime.clock import wall
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
    channel: Sequence[str] = ()
    because_of: Sequence[UUID] = ()
    correlation: Sequence[UUID] = ()
    subject: Sequence[UUID] = ()
    since: datetime | None = None


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
    """The network's deliveries, the latest intent first; for its secretariat, and those of a meeting for who may
    convene it. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    await _require(session, actor, room, wanted, now)
    query = TOLD.where(deliveries.c.network_id == room, *_which(wanted))
    return await page(session, query, key=[deliveries.c.id], after=after, limit=limit, descending=True)


async def _require(session: AsyncSession, actor: Actor, room: UUID, wanted: Wanted, now: datetime) -> None:
    """Who asks for one meeting only may be who convenes it: a coordinator of its body and territory."""
    if policy.has(actor, Right.READ_DELIVERIES, network=room, on=now):
        return
    if len(wanted.subject) == 1:
        where = select(meetings.c.body_id, bodies.c.territory).where(
            meetings.c.id == wanted.subject[0], meetings.c.network_id == room
        )
        of = (await session.execute(where.outerjoin_from(meetings, bodies, bodies.c.id == meetings.c.body_id))).first()
        may = Right.READ_MEETING_DELIVERIES
        if of and policy.has(actor, may, network=room, body=of.body_id, territory=of.territory, on=now):
            return
    policy.require(actor, Right.READ_DELIVERIES, network=room, on=now)


def _which(wanted: Wanted) -> list[ColumnElement[bool]]:
    columns = (
        (deliveries.c.state, wanted.state),
        (deliveries.c.topic, wanted.topic),
        (deliveries.c.person_id, wanted.person),
        (deliveries.c.channel, wanted.channel),
        (deliveries.c.because_of, wanted.because_of),
        (deliveries.c.correlation, wanted.correlation),
        (deliveries.c.subject_id, wanted.subject),
    )
    which: list[ColumnElement[bool]] = [column.in_(values) for column, values in columns if values]
    if wanted.updated_since:
        which.append(deliveries.c.updated_at >= wanted.updated_since)
    if wanted.since:
        which.append(deliveries.c.intended_at >= wanted.since)
    return which


async def counted(
    session: AsyncSession, actor: Actor, network: str, wanted: Wanted, *, now: datetime
) -> Sequence[Row[Any]]:
    """How many deliveries are in each state and why, by topic; `delivered` of those that are sent. Digests are not
    counted, what went in them is. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    await _require(session, actor, room, wanted, now)
    gone_well = deliveries.c.sent_at <= wall() - RETURNS_WITHIN
    query = (
        select(
            deliveries.c.topic,
            deliveries.c.state,
            deliveries.c.problem,
            func.count().label("count_"),
            func.count().filter(deliveries.c.state == State.SENT, gone_well).label("delivered"),
        )
        .where(deliveries.c.network_id == room, deliveries.c.topic != DIGEST.code, *_which(wanted))
        .group_by(deliveries.c.topic, deliveries.c.state, deliveries.c.problem)
        .order_by(deliveries.c.topic, deliveries.c.state, deliveries.c.problem)
    )
    return (await session.execute(query)).all()


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
