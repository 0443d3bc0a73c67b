"""Reading networks. `id_of` is what every collection under `/networks/{network}` begins with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks.rules import Kind, Network, UnknownLogo, is_id
from services.registry.networks.tables import logos, networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import NetworkUnknown
from shared.runtime.paging import DEFAULT, Page, page


async def by_ref(session: AsyncSession, ref: str | UUID, *, lock: bool = False) -> Network:
    """The network with this slug or id, locked against changes if asked; raises NetworkUnknown."""
    identified = isinstance(ref, UUID) or is_id(ref)
    query = select(Network).where(networks.c.id == UUID(str(ref)) if identified else networks.c.slug == ref)
    network = (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if network is None:
        raise NetworkUnknown(ref)
    return network


_ids: WeakKeyDictionary[Any, dict[str, UUID]] = WeakKeyDictionary()
"""By database: the id of each slug. Neither changes and no network goes away, so it is looked up once in a process."""


async def id_of(session: AsyncSession, ref: str) -> UUID:
    """The id of the network with this slug or id, when nothing else of it is needed; raises NetworkUnknown."""
    known = _ids.setdefault(session.get_bind(), {})
    name = str(UUID(ref)) if is_id(ref) else ref  # an id has many spellings, and callers choose
    if name not in known:
        known[name] = (await by_ref(session, name)).id
    return known[name]


async def get(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Network:
    network = await by_ref(session, ref)
    policy.require(actor, Right.READ_NETWORK, network=network.id, on=now)
    return network


async def logo(session: AsyncSession, actor: Actor, fingerprint: str, *, now: datetime) -> bytes:  # noqa: ARG001 (public: it stands in mails)
    """The image (PNG) with this fingerprint. Raises UnknownLogo."""
    content = await session.scalar(select(logos.c.content).where(logos.c.sha256 == fingerprint))
    if content is None:
        raise UnknownLogo(fingerprint)
    return bytes(content)


async def listed(
    session: AsyncSession,
    actor: Actor,
    *,
    q: str | None = None,
    kind: Sequence[Kind] = (),
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Network]:
    """The networks in which the caller has a mandate or a key; an administrator is shown all. `q`: part of the name."""
    query = select(Network)
    if not actor.admin:
        query = query.where(networks.c.id.in_(actor.networks(now)))
    if q:
        query = query.where(networks.c.name.icontains(q, autoescape=True))
    if kind:
        query = query.where(networks.c.kind.in_(kind))
    if updated_since:
        query = query.where(networks.c.updated_at >= updated_since)
    return await page(session, query, key=[networks.c.slug], after=after, limit=limit)
