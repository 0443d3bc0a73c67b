"""To whom no mail goes, and why: for the sender, and for the secretariat that finds out another address."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bounces.rules import Reason, strongest
from services.notify.bounces.tables import suppressions
from services.notify.contacts.tables import contacts
from services.notify.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.access.tables import grants, networks
from shared.runtime.paging import Page, page
from shared.runtime.problems import NotFound

MAILBOX = func.lower(func.btrim(contacts.c.email))
"""As addresses are compared; the index `contacts_mailbox` is over it."""
ADDRESS_KEY = func.encode(func.sha256(func.convert_to(MAILBOX, "UTF8")), "hex")
STANDS = suppressions.c.released_at.is_(None)


async def suppressed(session: AsyncSession, people: Iterable[UUID | None]) -> dict[UUID, Reason]:
    """Those of these people whose present address is on the list, whoever's mails came back from it. One statement, and
    none for a platform whose list is empty of them."""
    wanted = sorted({id_ for id_ in people if id_})
    found: dict[UUID, list[Reason]] = {}
    query = (
        select(contacts.c.person_id, suppressions.c.reason)
        .join(suppressions, and_(suppressions.c.address_key == ADDRESS_KEY, STANDS))
        .where(contacts.c.person_id.in_(wanted), contacts.c.email.is_not(None))
    )
    for row in await session.execute(query) if wanted else ():
        found.setdefault(row.person_id, []).append(Reason(row.reason))
    return {person: reason for person, reasons in found.items() if (reason := strongest(reasons))}


@dataclass(frozen=True)
class Shown:
    """One entry of the list, and what the reader may do with it."""

    row: Row[Any]
    allowed_actions: Sequence[str]


LISTED = (
    select(suppressions, contacts.c.given_name, contacts.c.family_name, contacts.c.network_id)
    .join(contacts, and_(contacts.c.person_id == suppressions.c.person_id, suppressions.c.address_key == ADDRESS_KEY))
    .where(STANDS, contacts.c.erased_at.is_(None))
)
"""Of addresses that their people still have: one that was changed is no concern any more."""


def _of_network(room: UUID) -> ColumnElement[bool]:
    holds = exists().where(grants.c.person_id == contacts.c.person_id, grants.c.network_id == room)
    return or_(contacts.c.network_id == room, holds)


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    reason: Collection[Reason] = (),
    person: Collection[UUID] = (),
    now: datetime,
    after: str | None = None,
    limit: int = 50,
) -> Page[Shown]:
    """The network's people whom no mail reaches, the longest known first. Raises NetworkUnknown, Forbidden."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_SUPPRESSIONS, network=room, on=now)
    query = LISTED.where(_of_network(room))
    if reason:
        query = query.where(suppressions.c.reason.in_(reason))
    if person:
        query = query.where(suppressions.c.person_id.in_(person))
    may = ["release"] if policy.has(actor, Right.RELEASE_SUPPRESSIONS, network=room, on=now) else []
    found = await page(session, query, key=[suppressions.c.id], after=after, limit=limit)
    return Page([Shown(row, may) for row in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, id_: UUID, *, now: datetime) -> Shown:
    """Also after it was released. Raises NotFound, also to those who may not know of it."""
    query = (
        select(suppressions, contacts.c.given_name, contacts.c.family_name, contacts.c.network_id)
        .outerjoin(contacts, contacts.c.person_id == suppressions.c.person_id)
        .where(suppressions.c.id == id_)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    rooms = await rooms_of(session, row.person_id)
    if not any(policy.has(actor, Right.READ_SUPPRESSIONS, network=room, on=now) for room in rooms):
        raise NotFound
    may = any(policy.has(actor, Right.RELEASE_SUPPRESSIONS, network=room, on=now) for room in rooms)
    return Shown(row, ["release"] if may and row.released_at is None else [])


async def rooms_of(session: AsyncSession, person_id: UUID) -> list[UUID | None]:
    """The networks in which a person is reached: that which entered them, and those of their grants."""
    own = select(contacts.c.network_id).where(contacts.c.person_id == person_id, contacts.c.network_id.is_not(None))
    held = select(grants.c.network_id).where(grants.c.person_id == person_id)
    found = await session.scalars(select(networks.c.id).where(networks.c.id.in_(own.union(held))).order_by("id"))
    return list(found) or [None]
