"""Reading what was asked, and how often each network asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.freshness.rules import Rule
from services.mapping.freshness.tables import freshness_rules
from services.mapping.policy import Right, policy
from shared.access import loading
from shared.access.actor import Actor


@dataclass(frozen=True)
class Kept:
    """A network's rule; version 0 is the platform's, which nobody has changed."""

    network_id: UUID
    rule: Rule
    version: int


async def kept_rule(session: AsyncSession, network_id: UUID) -> Kept:
    row = (
        await session.execute(select(freshness_rules).where(freshness_rules.c.network_id == network_id))
    ).one_or_none()
    return Kept(network_id, Rule(row.every, row.days), row.version) if row else Kept(network_id, Rule(), 0)


async def rule_of(session: AsyncSession, network_id: UUID) -> Rule:
    """The network's own, or the platform's."""
    return (await kept_rule(session, network_id)).rule


async def rules_of(session: AsyncSession, networks: Collection[UUID]) -> Mapping[UUID, Rule]:
    """For every network there is one."""
    found: defaultdict[UUID, Rule] = defaultdict(Rule)
    query = select(freshness_rules).where(freshness_rules.c.network_id.in_(networks))
    for row in await session.execute(query):
        found[row.network_id] = Rule(row.every, row.days)
    return found


async def rule(session: AsyncSession, actor: Actor, ref: str, *, now: datetime) -> Kept:
    """The rule of a network, for its members."""
    network_id = await loading.network_id(session, ref)
    policy.require(actor, Right.SEE_MAP, network=network_id, on=now)
    return await kept_rule(session, network_id)
