"""Founding and changing networks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.networks import queries
from services.registry.networks.rules import Kind, Language, Network
from services.registry.policy import Right, policy
from shared.access.actor import Actor
from shared.contracts.registry import NetworkChanged, NetworkFounded, NetworkState
from shared.messaging import stage
from shared.runtime.problems import expect


async def found(
    session: AsyncSession,
    actor: Actor,
    *,
    slug: str,
    name: str,
    kind: Kind = Kind.ALLIANCE,
    language: Language = Language.ITALIAN,
    now: datetime,
) -> Network:
    """Raises UnfitSlug; the index `networks_slug` refuses a slug that is taken."""
    policy.require(actor, Right.FOUND_NETWORKS, network=None, on=now)  # no key of one network founds another
    network = Network(slug, name, kind, language)
    session.add(network)
    await session.flush()
    await stage(session, state_of(NetworkFounded, network))
    return network


async def change(
    session: AsyncSession, actor: Actor, ref: str, *, expected: int | None, now: datetime, **fields: str
) -> Network:
    """Takes the fields given (name, kind, language)."""
    network = await queries.by_ref(session, ref, lock=True)
    policy.require(actor, Right.CHANGE_NETWORK, network=network.id, on=now)
    expect(expected, network.version)
    if network.change(**fields):
        await session.flush()
        await stage(session, state_of(NetworkChanged, network))
    return network


def state_of(fact: type[NetworkState], network: Network) -> NetworkState:
    return fact(
        id=network.id,
        version=network.version,
        network_id=network.id,
        slug=network.slug,
        title=network.name,
        kind=network.kind,
        language=network.language,
    )
