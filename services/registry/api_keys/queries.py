"""Reading keys; nobody reads a secret, the registry has none."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.api_keys.rules import ApiKey, UnknownApiKey
from services.registry.api_keys.tables import api_keys
from services.registry.networks import queries as networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.runtime.paging import DEFAULT, Page, page


async def get(session: AsyncSession, actor: Actor, key_id: UUID, *, lock: bool = False, now: datetime) -> ApiKey:
    """Raises UnknownApiKey also for a key that the caller may not manage: ids must not tell which keys exist."""
    query = select(ApiKey).where(api_keys.c.id == key_id)
    key = (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if key is None or not policy.has(actor, Right.MANAGE_API_KEYS, network=key.network_id, on=now):
        raise UnknownApiKey(key_id)
    return key


async def listed(
    session: AsyncSession,
    actor: Actor,
    ref: str,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[ApiKey]:
    network_id = await networks.id_of(session, ref)
    policy.require(actor, Right.MANAGE_API_KEYS, network=network_id, on=now)
    query = select(ApiKey).where(api_keys.c.network_id == network_id)
    return await page(session, query, key=[api_keys.c.id], after=after, limit=limit)
