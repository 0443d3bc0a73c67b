"""Reading affiliates, and finding who a batch means."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks import queries as networks
from services.registry.organisations import queries as organisations
from services.registry.organisations.queries import Member
from services.registry.organisations.rules import Membership, Organisation
from services.registry.organisations.tables import memberships
from services.registry.organisations.tables import organisations as organisation_table
from shared.access.actor import Actor
from shared.runtime.paging import Page


async def parent_of(
    session: AsyncSession, actor: Actor, ref: str, parent_id: UUID, now: datetime
) -> tuple[UUID, Organisation]:
    """The network, and the parent as a member of it. Raises NotFound, and Forbidden as reading the members does."""
    network_id = await networks.id_of(session, ref)
    await organisations.seen_as(session, actor, network_id, now)
    query = (
        select(Organisation)
        .join(memberships, memberships.c.organisation_id == organisation_table.c.id)
        .where(organisation_table.c.id == parent_id, memberships.c.network_id == network_id)
    )
    parent = (await session.execute(query)).scalar_one_or_none()
    if parent is None:
        raise await organisations.gone(session, actor, parent_id, now)
    return network_id, parent


async def listed(
    session: AsyncSession, actor: Actor, ref: str, parent_id: UUID, *, now: datetime, **filters: Any
) -> Page[Member]:
    """Those affiliates of a member that are members of the network themselves, as its lists show them."""
    await parent_of(session, actor, ref, parent_id, now)
    return await organisations.listed(session, actor, ref, parent=[parent_id], now=now, **filters)


async def without_code(
    session: AsyncSession, network_id: UUID, parent_id: UUID
) -> dict[tuple[str, str | None], Organisation]:
    """The parent's informal groups in this network by name and municipality, locked."""
    query = (
        select(Organisation)
        .join(memberships, memberships.c.organisation_id == organisation_table.c.id)
        .where(
            organisation_table.c.parent_id == parent_id,
            organisation_table.c.tax_code.is_(None),
            memberships.c.network_id == network_id,
        )
        .order_by(organisation_table.c.id)
        .with_for_update(key_share=True, of=organisation_table)
    )
    found = (await session.execute(query)).scalars()
    return {(one.title.casefold(), one.municipality): one for one in found}


async def memberships_of(session: AsyncSession, network_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Membership]:
    """By organisation, locked."""
    query = select(Membership).where(
        memberships.c.network_id == network_id, memberships.c.organisation_id.in_(sorted(set(ids)))
    )
    found = (await session.execute(query.order_by(memberships.c.id).with_for_update())).scalars()
    return {one.organisation_id: one for one in found}
