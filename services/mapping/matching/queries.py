"""Finding matches: what could fit is narrowed by the database, judged by the rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.items import queries as items
from services.mapping.items.rules import State, UnknownItem
from services.mapping.matching.rules import Demand, Match, Offer, match
from services.mapping.needs import queries as needs_queries
from services.mapping.needs.rules import OPEN, Need
from services.mapping.needs.tables import needs
from services.mapping.policy import Right, policy
from services.mapping.presences.tables import organisations
from services.mapping.resources.rules import Resource
from services.mapping.resources.tables import resources
from services.mapping.territories.queries import everything
from services.mapping.territories.rules import great_circle
from shared.access.actor import Actor, day

MOST = 5_000
"""Candidates that are judged at most, the newest first: more of one theme in one network would be a misuse."""


@dataclass(frozen=True)
class Matched:
    """A match of the need or resource asked about with `other`: a need with its place, or a resource with who offers
    it (`name`)."""

    match: Match
    other: Any
    name: str | None


async def of_need(
    session: AsyncSession, actor: Actor, need_id: UUID, *, least: int, limit: int, now: datetime
) -> list[Matched]:
    """The resources that answer a need, the best first; of those that the caller sees. Raises UnknownNeed."""
    read = await needs_queries.get(session, actor, need_id, now=now)
    need, today = read.need, day(now)
    kinds = await _kinds(session, [need])
    r = resources.c
    seen = await items.seen(session, actor, Resource, need.network_id, now)
    query = (
        select(Resource, organisations.c.title)
        .outerjoin(organisations, organisations.c.id == r.organisation_id)
        .where(r.network_id == need.network_id, r.state == State.VALIDATED, seen)
        .where(or_(r.themes.contains([need.theme]), r.themes == []), or_(r.expires_on.is_(None), r.expires_on > today))
        .order_by(r.id.desc())
        .limit(MOST)
    )
    demand = _demand(need, kinds)
    return _best(
        [
            (found, resource, name)
            for resource, name in (await session.execute(query)).all()
            if (found := match(demand, _offer(resource), today, distance))
        ],
        least,
        limit,
    )


async def of_resource(
    session: AsyncSession, actor: Actor, resource_id: UUID, *, least: int, limit: int, now: datetime
) -> list[Matched]:
    """The open needs that a resource answers, the best first; of those that the caller follows. Raises UnknownItem."""
    shown = await items.get(session, actor, Resource, resource_id, now=now)
    resource, today = shown.item, day(now)
    if not policy.has(actor, Right.SEE_MAP, network=resource.network_id, on=now):
        raise UnknownItem(resource_id)  # needs are for the network's own people, whoever sees the resource
    if resource.state is not State.VALIDATED:
        return []
    themed = needs.c.theme.in_(resource.themes) if resource.themes else needs.c.theme.is_not(None)
    followed = needs_queries.followed(actor, resource.network_id, now)
    query = (
        needs_queries.named()
        .where(and_(needs.c.network_id == resource.network_id, needs.c.state.in_(OPEN), followed, themed))
        .order_by(needs.c.id.desc())
        .limit(MOST)
    )
    rows = (await session.execute(query)).all()
    kinds = await _kinds(session, [row[0] for row in rows])
    offer = _offer(resource)
    return _best(
        [
            (found, row[0], row.place)
            for row in rows
            if (found := match(_demand(row[0], kinds), offer, today, distance))
        ],
        least,
        limit,
    )


def distance(a: str, b: str) -> float | None:
    """Kilometres between points inside two municipalities; None when one of them is none of today's."""
    here, there = everything().get(a), everything().get(b)
    if here is None or there is None or here.at is None or there.at is None:
        return None
    return great_circle(here.at, there.at)


async def _kinds(session: AsyncSession, found: Collection[Need]) -> dict[UUID, str]:
    """The kind of each organisation that is to answer one of these needs."""
    ids = {need.organisation_id for need in found if need.organisation_id}
    if not ids:
        return {}
    rows = await session.execute(select(organisations.c.id, organisations.c.kind).where(organisations.c.id.in_(ids)))
    return {row.id: row.kind for row in rows}


def _demand(need: Need, kinds: dict[UUID, str]) -> Demand:
    kind = kinds.get(need.organisation_id) if need.organisation_id else None
    return Demand(need.theme, need.municipality, frozenset(need.areas), kind)


def _offer(resource: Resource) -> Offer:
    until: date | None = resource.expires_on
    return Offer(
        frozenset(resource.themes),
        frozenset(resource.territories),
        resource.since,
        until,
        frozenset(resource.available_to),
    )


def _best(found: Sequence[tuple[Match, Any, str | None]], least: int, limit: int) -> list[Matched]:
    ordered = sorted(found, key=lambda one: (-one[0].score, one[1].id))
    return [Matched(*one) for one in ordered if one[0].score >= least][:limit]
