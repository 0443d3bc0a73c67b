"""Reading what networks share, and locking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks import queries as networks
from services.registry.networks.tables import networks as network_table
from services.registry.policy import Right, policy
from services.registry.sharings.rules import SharedAlready, Sharing, State
from services.registry.sharings.tables import sharings
from shared.access.actor import Actor, day
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotFound


@dataclass(frozen=True)
class Shared:
    """A sharing, and both networks as people call them."""

    sharing: Sharing
    giver: Any
    receiver: Any

    @property
    def version(self) -> int:
        return self.sharing.version


giver, receiver = network_table.alias("giver"), network_table.alias("receiver")


def _sharings() -> Select[Any]:
    return (
        select(Sharing, giver.c.slug, giver.c.name, receiver.c.slug, receiver.c.name)
        .join(giver, giver.c.id == sharings.c.network_id)
        .join(receiver, receiver.c.id == sharings.c.with_network_id)
    )


def _shared(row: Any) -> Shared:
    return Shared(row[0], (row[1], row[2]), (row[3], row[4]))


async def shared(session: AsyncSession, sharing: Sharing) -> Shared:
    return _shared((await session.execute(_sharings().where(sharings.c.id == sharing.id))).one())


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    direction: Sequence[str] = (),
    what: Sequence[str] = (),
    state: Sequence[State] = (),
    on: date | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shared]:
    """What this network shares with others (`given`) and they with it (`received`)."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_NETWORK, network=network_id, on=now)
    sides = {"given": sharings.c.network_id, "received": sharings.c.with_network_id}
    asked = [column == network_id for side, column in sides.items() if not direction or side in direction]
    query = _sharings().where(or_(*asked))
    if what:
        query = query.where(sharings.c.what.op("&&")(literal([str(one) for one in what], ARRAY(Text))))
    if state or on:
        query = query.where(or_(*(_in_state(one, on or day(now)) for one in state or [State.IN_FORCE])))
    if updated_since:
        query = query.where(sharings.c.updated_at >= updated_since)
    found = await page(session, query, key=[sharings.c.id], after=after, limit=limit)
    return Page([_shared(row) for row in found.items], found.next)


def _in_state(state: State, on: date) -> ColumnElement[bool]:
    """`Sharing.state` where the database has to choose rows by it."""
    ended = sharings.c.until <= func.greatest(on, sharings.c.since)
    return {
        State.ENDED: and_(sharings.c.until.is_not(None), ended),
        State.COMING: and_(sharings.c.since > on, or_(sharings.c.until.is_(None), ~ended)),
        State.IN_FORCE: and_(sharings.c.since <= on, or_(sharings.c.until.is_(None), ~ended)),
    }[state]


async def get(session: AsyncSession, actor: Actor, sharing_id: UUID, *, now: datetime) -> Shared:
    """For the people of both networks. Raises NotFound."""
    row = (await session.execute(_sharings().where(sharings.c.id == sharing_id))).one_or_none()
    if row is None or not _concerns(actor, row[0], now):
        raise NotFound
    return _shared(row)


async def for_update(session: AsyncSession, actor: Actor, sharing_id: UUID, now: datetime) -> Sharing:
    """Locked. Raises NotFound, Forbidden: only who gives may take back."""
    sharing = await session.get(Sharing, sharing_id, with_for_update=True)
    if sharing is None or not _concerns(actor, sharing, now):
        raise NotFound
    policy.require(actor, Right.SHARE, network=sharing.network_id, on=now)
    return sharing


def _concerns(actor: Actor, sharing: Sharing, now: datetime) -> bool:
    return any(
        policy.has(actor, Right.READ_NETWORK, network=network, on=now)
        for network in (sharing.network_id, sharing.with_network_id)
    )


async def require_free(session: AsyncSession, sharing: Sharing) -> None:
    """Raises SharedAlready when the two networks have another one on one of its days. Two requests at once are told
    apart by the constraint `sharings_one`."""
    days = func.daterange(sharing.since, sharing.until)
    query = select(sharings.c.id).where(
        sharings.c.network_id == sharing.network_id,
        sharings.c.with_network_id == sharing.with_network_id,
        sharings.c.id != sharing.id,
        func.daterange(sharings.c.since, sharings.c.until).op("&&")(days),
    )
    with session.no_autoflush:
        found = await session.scalar(query.limit(1))
    if found is not None:
        raise SharedAlready(found)
