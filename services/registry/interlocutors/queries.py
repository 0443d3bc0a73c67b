"""Reading interlocutors, their log and the 21 institutions; the locks with which commands take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.bodies.rules import Kind, State
from services.registry.bodies.tables import bodies
from services.registry.interlocutors.rules import (
    Contact,
    Institution,
    Interlocutor,
    Office,
    UnknownInterlocutor,
    institutions,
)
from services.registry.interlocutors.tables import contacts, interlocutors
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Coordination:
    """The body of a region, forming or constituted."""

    id: UUID
    name: str


@dataclass(frozen=True)
class Known:
    """An interlocutor with the coordination that deals with it."""

    interlocutor: Interlocutor
    body: Coordination | None

    @property
    def version(self) -> int:
        return self.interlocutor.version


@dataclass(frozen=True)
class Entry:
    """An entry of the log, and the later one that corrects it."""

    contact: Contact
    corrected_by: UUID | None


@dataclass(frozen=True)
class Overview:
    """An institution: which of its offices a network has recorded, and when it last spoke to it."""

    institution: Institution
    recorded: dict[Office, UUID]
    body: Coordination | None
    last_contact_on: date | None


COORDINATION = and_(bodies.c.kind == Kind.REGIONAL_COORDINATION, bodies.c.state != State.DISSOLVED)
"""An index allows one of a territory in a network."""


def _known() -> Select[Any]:
    """The link is no column: whichever of the two is recorded first, and whatever becomes of the body, it holds."""
    theirs = and_(
        COORDINATION, bodies.c.network_id == interlocutors.c.network_id, bodies.c.territory == interlocutors.c.region
    )
    return select(Interlocutor, bodies.c.id, bodies.c.name).outerjoin(bodies, theirs)


def _row(row: Any) -> Known:
    return Known(row[0], Coordination(row[1], row[2]) if row[1] else None)


async def known(session: AsyncSession, interlocutor: Interlocutor) -> Known:
    return Known(interlocutor, await coordination_of(session, interlocutor.network_id, interlocutor.region))


async def get(session: AsyncSession, actor: Actor, interlocutor_id: UUID, *, now: datetime) -> Known:
    """Raises UnknownInterlocutor also for who may not read it: ids do not tell who exists."""
    row = (await session.execute(_known().where(interlocutors.c.id == interlocutor_id))).one_or_none()
    if row is None or not _readable(actor, row[0], now):
        raise UnknownInterlocutor(interlocutor_id)
    return _row(row)


def _readable(actor: Actor, interlocutor: Interlocutor, now: datetime) -> bool:
    return policy.has(actor, Right.READ_INTERLOCUTORS, network=interlocutor.network_id, on=now)


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    institution: Sequence[str] = (),
    office: Sequence[Office] = (),
    territory: Sequence[str] = (),
    body: Sequence[UUID] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Known]:
    """The interlocutors that a network has recorded; a region includes the institutions that stand for it."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_INTERLOCUTORS, network=network_id, on=now)
    query = _known().where(interlocutors.c.network_id == network_id)
    for column, values in (
        (interlocutors.c.institution, institution),
        (interlocutors.c.office, office),
        (interlocutors.c.region, territory),
        (bodies.c.id, body),
    ):
        if values:
            query = query.where(column.in_(values))
    if updated_since:
        query = query.where(interlocutors.c.updated_at >= updated_since)
    found = await page(session, query, key=[interlocutors.c.id], after=after, limit=limit)
    return Page([_row(row) for row in found.items], found.next)


async def overview(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    after: str | None = None,  # noqa: ARG001 (there is nothing after the one page)
    limit: int = DEFAULT,  # noqa: ARG001
    now: datetime,
) -> Page[Overview]:
    """All 21 institutions, with what the network has recorded of each: no names, so every member may see it."""
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.READ_INSTITUTIONS, network=network_id, on=now)
    found = (await session.execute(select(Interlocutor).where(interlocutors.c.network_id == network_id))).scalars()
    recorded: dict[str, list[Interlocutor]] = {}
    for interlocutor in found:
        recorded.setdefault(interlocutor.institution, []).append(interlocutor)
    query = select(bodies.c.territory, bodies.c.id, bodies.c.name)
    found_bodies = await session.execute(query.where(COORDINATION, bodies.c.network_id == network_id))
    coordinations = {row[0]: Coordination(row[1], row[2]) for row in found_bodies}
    return Page(
        [
            Overview(
                institution,
                {known.office: known.id for known in recorded.get(code, ())},
                coordinations.get(institution.region),
                max((known.last_contact_on for known in recorded.get(code, ()) if known.last_contact_on), default=None),
            )
            for code, institution in institutions().items()
        ],
        None,
    )


async def coordination_of(session: AsyncSession, network_id: UUID, region: str) -> Coordination | None:
    query = select(bodies.c.id, bodies.c.name).where(
        COORDINATION, bodies.c.network_id == network_id, bodies.c.territory == region
    )
    row = (await session.execute(query)).one_or_none()
    return Coordination(*row) if row else None


async def log_page(
    session: AsyncSession,
    actor: Actor,
    interlocutor_id: UUID,
    *,
    since: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Entry]:
    """What was said to an interlocutor, the latest first; entries that were corrected stay, and say by which."""
    await get(session, actor, interlocutor_id, now=now)
    corrections = contacts.alias("corrections")
    query = (
        select(Contact, corrections.c.id)
        .outerjoin(corrections, corrections.c.corrects_id == contacts.c.id)
        .where(contacts.c.interlocutor_id == interlocutor_id)
    )
    if since:
        query = query.where(contacts.c.happened_on >= since)
    key = [contacts.c.happened_on, contacts.c.id]
    found = await page(session, query, key=key, after=after, limit=limit, descending=True)
    return Page([Entry(row[0], row[1]) for row in found.items], found.next)


# --- locks ----------------------------------------------------------------------------------------------------------


async def lock_region(session: AsyncSession, network_id: UUID, region: str) -> None:
    """One command at a time for what belongs to a region of a network: whichever is first, the coordination or its
    interlocutors, the other finds it."""
    key = f"region {network_id} {region}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def of_office(session: AsyncSession, network_id: UUID, institution: str, office: Office) -> UUID | None:
    query = select(interlocutors.c.id).where(
        interlocutors.c.network_id == network_id,
        interlocutors.c.institution == institution,
        interlocutors.c.office == office,
    )
    return await session.scalar(query)


async def for_update(session: AsyncSession, actor: Actor, interlocutor_id: UUID, now: datetime) -> Interlocutor:
    """Locked. Raises UnknownInterlocutor for who may not read it, Forbidden when that is all they may."""
    interlocutor = await session.get(Interlocutor, interlocutor_id, with_for_update=True)
    if interlocutor is None or not _readable(actor, interlocutor, now):
        raise UnknownInterlocutor(interlocutor_id)
    where = {"network": interlocutor.network_id, "territory": interlocutor.institution}
    policy.require(actor, Right.WRITE_INTERLOCUTORS, on=now, **where)  # type: ignore[arg-type]
    return interlocutor


async def log_of(session: AsyncSession, interlocutor_id: UUID) -> Sequence[Contact]:
    """The whole log; the caller holds the interlocutor's row."""
    query = select(Contact).where(contacts.c.interlocutor_id == interlocutor_id)
    return (await session.execute(query.order_by(contacts.c.id))).scalars().all()


async def of_region_for_update(session: AsyncSession, network_id: UUID, region: str) -> Sequence[Interlocutor]:
    query = select(Interlocutor).where(interlocutors.c.network_id == network_id, interlocutors.c.region == region)
    return (await session.execute(query.order_by(interlocutors.c.id).with_for_update())).scalars().all()
