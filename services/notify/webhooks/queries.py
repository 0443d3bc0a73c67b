"""Reading endpoints, what they were told, and how they answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.policy import Right, policy
from services.notify.webhooks.rules import Endpoint, MessageState, Outcome, State, Unknown
from services.notify.webhooks.tables import endpoint_attempts, endpoint_lanes, endpoint_messages, endpoints
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import networks
from shared.runtime.clock import wall
from shared.runtime.paging import Page, page

WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Shown:
    """An endpoint, how it answers, and whether the caller may change it."""

    endpoint: Endpoint
    network_name: str | None
    lane: Any
    may_manage: bool

    @property
    def version(self) -> int:
        return self.endpoint.version


@dataclass(frozen=True)
class Summary:
    """Of an endpoint, or of all of a network: what waits and since when, and the tries of the last 24 hours."""

    active: int
    paused: int
    disabled: int
    queued: int
    due: int
    oldest: datetime | None
    failed: int
    tries: int
    failures: int
    slowest_ms: int | None
    since: datetime


def _own(actor: Actor) -> ColumnElement[bool] | None:
    """A key sees the endpoints that it made, and no other partner's."""
    return endpoints.c.key_id == actor.key_id if actor.key_id is not None else None


async def asking(session: AsyncSession, networks_: Collection[UUID]) -> dict[UUID | None, list[Any]]:
    """Id and types of the endpoints of these networks for which something is queued now."""
    found: dict[UUID | None, list[Any]] = defaultdict(list)
    query = select(endpoints.c.id, endpoints.c.types, endpoints.c.network_id).where(
        endpoints.c.network_id.in_(sorted(networks_)), endpoints.c.state != State.DISABLED
    )
    for row in await session.execute(query.order_by(endpoints.c.id)) if networks_ else ():
        found[row.network_id].append(row)
    return found


SHOWN = (
    select(Endpoint, networks.c.name.label("network_name"), *(c for c in endpoint_lanes.c if c.name != "endpoint_id"))
    .join(endpoint_lanes, endpoint_lanes.c.endpoint_id == endpoints.c.id)
    .outerjoin(networks, networks.c.id == endpoints.c.network_id)
)


def _shown(row: Row[Any], actor: Actor, now: datetime) -> Shown:
    endpoint = row[0]
    may = policy.has(actor, Right.MANAGE_WEBHOOKS, network=endpoint.network_id, on=now)
    return Shown(endpoint, row.network_name, row, may)


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    state: Sequence[State] = (),
    updated_since: datetime | None = None,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Shown]:
    """The network's endpoints, in the order in which they were made. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_WEBHOOKS, network=room, on=now)
    query = SHOWN.where(endpoints.c.network_id == room)
    if (own := _own(actor)) is not None:
        query = query.where(own)
    if state:
        query = query.where(endpoints.c.state.in_(state))
    if updated_since:
        query = query.where(func.coalesce(endpoints.c.changed_at, endpoints.c.made_at) >= updated_since)
    found = await page(session, query, key=[endpoints.c.id], after=after, limit=limit)
    return Page([_shown(row, actor, now) for row in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, endpoint_id: UUID, *, now: datetime) -> Shown:
    """Raises Unknown, also to those who may not know of it."""
    row = (await session.execute(SHOWN.where(endpoints.c.id == endpoint_id))).one_or_none()
    if row is None or not may(actor, row[0], Right.READ_WEBHOOKS, now):
        raise Unknown
    return _shown(row, actor, now)


def may(actor: Actor, endpoint: Endpoint, right: Right, now: datetime) -> bool:
    owned = actor.key_id is None or actor.key_id == endpoint.key_id
    return owned and policy.has(actor, right, network=endpoint.network_id, on=now)


async def attempts(
    session: AsyncSession,
    actor: Actor,
    endpoint_id: UUID,
    *,
    outcome: Sequence[Outcome] = (),
    fact: Sequence[UUID] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row[Any]]:
    """Each try of the last thirty days, the latest first. Raises Unknown."""
    await get(session, actor, endpoint_id, now=now)
    log = endpoint_attempts.c
    query = select(endpoint_attempts).where(log.endpoint_id == endpoint_id)
    if outcome:
        query = query.where(log.outcome.in_(outcome))
    if fact:
        query = query.where(log.fact_id.in_(fact))
    if since:
        query = query.where(log.at >= since)
    if until:
        query = query.where(log.at < until)
    return await page(session, query, key=[log.at, log.id], after=after, limit=limit, descending=True)


async def messages(
    session: AsyncSession,
    actor: Actor,
    endpoint_id: UUID,
    *,
    state: Sequence[MessageState] = (),
    type: Sequence[str] = (),  # noqa: A002 (the name of the filter)
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Row[Any]]:
    """What the endpoint is and was told in the last thirty days, the latest first. Raises Unknown."""
    await get(session, actor, endpoint_id, now=now)
    queue = endpoint_messages.c
    query = select(endpoint_messages).where(queue.endpoint_id == endpoint_id)
    if state:
        query = query.where(queue.state.in_(state))
    if type:
        query = query.where(queue.type.in_(type))
    return await page(session, query, key=[queue.seq], after=after, limit=limit, descending=True)


async def summary(session: AsyncSession, actor: Actor, network: str, *, now: datetime) -> Summary:
    """Of all endpoints that the caller may see. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_WEBHOOKS, network=room, on=now)
    own = _own(actor)
    return await _summary(session, endpoints.c.network_id == room, *([] if own is None else [own]))


async def summary_of_one(session: AsyncSession, actor: Actor, endpoint_id: UUID, *, now: datetime) -> Summary:
    """Raises Unknown."""
    await get(session, actor, endpoint_id, now=now)
    return await _summary(session, endpoints.c.id == endpoint_id)


async def _summary(session: AsyncSession, *which: ColumnElement[bool]) -> Summary:
    at = wall()
    queue, log = endpoint_messages.c, endpoint_attempts.c
    counted = (func.count().filter(endpoints.c.state == state) for state in State)
    states = (await session.execute(select(*counted).where(*which))).one()
    waits, due = queue.state == MessageState.QUEUED, queue.next_try <= at
    waiting = (
        await session.execute(
            select(
                func.count().filter(waits),
                func.count().filter(waits, due),
                func.min(queue.queued_at).filter(waits),
                func.count().filter(queue.state == MessageState.FAILED),
            )
            .join_from(endpoint_messages, endpoints, endpoints.c.id == queue.endpoint_id)
            .where(*which, queue.state != MessageState.DELIVERED)
        )
    ).one()
    since = at - WINDOW
    bad = case((log.outcome != Outcome.DELIVERED, 1))
    tries = (
        await session.execute(
            select(func.count(), func.count(bad), func.max(log.latency_ms))
            .join_from(endpoint_attempts, endpoints, endpoints.c.id == log.endpoint_id)
            .where(*which, log.at >= since)
        )
    ).one()
    figures: list[Any] = [*states, *waiting, *tries, since]
    return Summary(*figures)


async def due(session: AsyncSession) -> int:
    """Messages that should be on their way: due, of endpoints that are active and not left alone."""
    at = func.now()
    free = or_(endpoint_lanes.c.open_until.is_(None), endpoint_lanes.c.open_until <= at)
    waiting = (
        select(func.count())
        .select_from(endpoint_messages)
        .join(endpoints, endpoints.c.id == endpoint_messages.c.endpoint_id)
        .join(endpoint_lanes, endpoint_lanes.c.endpoint_id == endpoints.c.id)
        .where(
            endpoint_messages.c.state == MessageState.QUEUED,
            endpoint_messages.c.next_try <= at,
            endpoints.c.state == State.ACTIVE,
            free,
        )
    )
    return await session.scalar(waiting) or 0
