"""Founding and changing networks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks import queries
from services.registry.networks.rules import Network, SlugTaken
from services.registry.networks.tables import networks
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.contracts.registry import NetworkChanged, NetworkFounded, NetworkState
from shared.messaging import stage


async def found(session: AsyncSession, actor: Actor, network: Network, now: datetime) -> Network:
    """Raises SlugTaken."""
    policy.require(actor, Right.FOUND_NETWORKS, on=now)
    if await session.scalar(select(exists().where(networks.c.slug == network.slug))):
        raise SlugTaken(network.slug)
    session.add(network)
    await session.flush()
    await stage(session, told(NetworkFounded, network))
    return network


def told(fact: type[NetworkState], network: Network) -> NetworkState:
    return fact(
        id=network.id,
        version=network.version,
        network_id=network.id,
        slug=network.slug,
        title=network.name,
        kind=network.kind,
        language=network.language,
    )
