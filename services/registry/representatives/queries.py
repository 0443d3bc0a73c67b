"""Reading what a list of representatives is compared with, and the lists that were sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.commitments import queries as commitments
from services.registry.commitments.queries import Named
from services.registry.commitments.rules import Closed
from services.registry.mandates.rules import Mandate
from services.registry.mandates.tables import mandates
from services.registry.organisations.tables import directory, organisations
from services.registry.people.tables import known_people, people
from services.registry.representatives.rules import NotAList, Row, same_name
from services.registry.representatives.tables import listed_people, representative_lists
from shared.access.actor import Actor
from shared.access.roles import Role
from shared.runtime.paging import DEFAULT, Page, page


async def lists(
    session: AsyncSession,
    actor: Actor,
    commitment_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Any]:
    """The lists that were sent for a commitment, the last one first."""
    await commitments.get(session, actor, commitment_id, now=now)
    query = select(*representative_lists.c).where(representative_lists.c.commitment_id == commitment_id)
    return await page(session, query, key=[representative_lists.c.id], after=after, limit=limit, descending=True)


async def awaited(
    session: AsyncSession, actor: Actor, commitment_id: UUID, *, by_link: bool = False, now: datetime
) -> Named:
    """The commitment, when the caller may send its list now: asked before a file is read. Raises UnknownCommitment,
    Forbidden, NotAList, Closed."""
    named = await commitments.named_by_id(session, commitment_id)
    if not by_link:
        commitments.require_fulfil(actor, named, now)
    require_awaited(named)
    return named


def require_awaited(named: Named) -> None:
    one = named.commitment
    if not one.running:
        raise Closed(one.state)
    if "upload" not in one.actions():
        raise NotAList


async def listed(session: AsyncSession, commitment_id: UUID) -> int:
    """How many people the lists and forms for a commitment have named."""
    named = (
        select(func.count(listed_people.c.person_id.distinct()))
        .join(representative_lists, representative_lists.c.id == listed_people.c.list_id)
        .where(representative_lists.c.commitment_id == commitment_id)
    )
    return int(await session.scalar(named) or 0)


async def lock_lists(session: AsyncSession, network_id: UUID, organisation_id: UUID) -> None:
    """One list of an organisation at a time: of two, the second finds the people whom the first has entered."""
    key = f"representatives {network_id} {organisation_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def known(session: AsyncSession, network_id: UUID, rows: Collection[Row]) -> dict[tuple[str, str], UUID]:
    """By identity, those whom the network knows already: the same name with the same mailbox, or, where the list has
    none, with the same phone. Of several the one who was entered first."""
    wanted = {row.identity for row in rows}
    asked = {
        "network": network_id,
        "emails": sorted({row.email for row in rows if row.email}),
        "phones": sorted({row.phone for row in rows if row.phone and not row.email}),
    }
    found: dict[tuple[str, str], UUID] = {}
    for id_, name, email, phone in await session.execute(KNOWN, asked):
        for contact in (email, phone):
            identity = (same_name(name), contact or "")
            if contact and identity in wanted:
                found.setdefault(identity, id_)
    return found


# Joined with `unnest`, which is planned as index probes whatever the number of rows.
KNOWN = text(
    """
    select p.id, p.given_name || ' ' || p.family_name, p.email, null from unnest(:emails) as asked(email)
    join people p using (email) join known_people k on k.person_id = p.id and k.network_id = :network
    union
    select p.id, p.given_name || ' ' || p.family_name, null, p.phone from unnest(:phones) as asked(phone)
    join people p using (phone) join known_people k on k.person_id = p.id and k.network_id = :network
    order by 1
    """
).bindparams(bindparam("emails", type_=ARRAY(Text)), bindparam("phones", type_=ARRAY(Text)))


async def lock_people(session: AsyncSession, network_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of them who are still there; they stay until the transaction ends."""
    query = (
        select(people.c.id)
        .join(known_people, known_people.c.person_id == people.c.id)
        .where(people.c.id.in_(ids), people.c.erased_at.is_(None), known_people.c.network_id == network_id)
        .order_by(people.c.id)
        .with_for_update(read=True, of=people)
    )
    return set((await session.execute(query)).scalars())


async def held(
    session: AsyncSession, network_id: UUID, organisation_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Sequence[Mandate]]:
    """By person, what they represent of this organisation or have represented."""
    query = select(Mandate).where(
        mandates.c.network_id == network_id,
        mandates.c.organisation_id == organisation_id,
        mandates.c.role == Role.REPRESENTATIVE,
        mandates.c.body_id.is_(None),
        mandates.c.person_id.in_(ids),
    )
    found: dict[UUID, list[Mandate]] = {}
    for mandate in (await session.execute(query.order_by(mandates.c.since, mandates.c.id))).scalars():
        found.setdefault(mandate.person_id, []).append(mandate)
    return dict(found)


async def other_members(
    session: AsyncSession, network_id: UUID, organisation_id: UUID, cells: Collection[str]
) -> Sequence[str]:
    """The names of other members that these cells bear exactly."""
    query = (
        select(organisations.c.title)
        .join(directory, directory.c.organisation_id == organisations.c.id)
        .where(
            directory.c.network_id == network_id,
            directory.c.organisation_id != organisation_id,
            directory.c.name.in_([func.fold(cell, type_=Text) for cell in cells]),
        )
    )
    return (await session.execute(query)).scalars().all()


async def title_of(session: AsyncSession, organisation_id: UUID) -> tuple[str, str | None]:
    """Its name and tax code."""
    query = select(organisations.c.title, organisations.c.tax_code).where(organisations.c.id == organisation_id)
    row = (await session.execute(query)).one()
    return row.title, row.tax_code
