"""Reading yardsticks, and what they say of territories: from counters and residents, however many items there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.queries import of_level
from services.mapping.policy import Right, policy
from services.mapping.territories.queries import Territory, map_of, paged
from services.mapping.territories.rules import Level
from services.mapping.yardsticks import rules
from services.mapping.yardsticks.rules import Range, UnknownYardstick, Yardstick
from services.mapping.yardsticks.tables import yardsticks
from shared.access.actor import Actor
from shared.runtime.paging import Page, page


@dataclass(frozen=True)
class Shown:
    """A yardstick and what the caller may do with it."""

    yardstick: Yardstick
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.yardstick.version


@dataclass(frozen=True, slots=True)
class Measured:
    """What a territory needs by a yardstick, what it has and what lacks."""

    territory: Territory
    needed: Range
    have: int
    missing: Range


async def listed(
    session: AsyncSession, actor: Actor, network: str, *, now: datetime, after: str | None, limit: int
) -> Page[Shown]:
    """Those of the law and the network's own, by code."""
    network_id = await map_of(session, actor, network, now)
    y = yardsticks.c
    query = select(Yardstick).where(or_(y.network_id.is_(None), y.network_id == network_id))
    found = await page(session, query, key=(y.code, y.id), after=after, limit=limit)
    return Page([shown(actor, one, now) for one in found.items], found.next)


async def get(session: AsyncSession, actor: Actor, yardstick_id: UUID, *, now: datetime) -> Shown:
    """Raises UnknownYardstick, also for one that the caller may not see."""
    found = await session.get(Yardstick, yardstick_id)
    hidden = found is not None and found.network_id is not None
    if found is None or (hidden and not policy.has(actor, Right.SEE_MAP, network=found.network_id, on=now)):
        raise UnknownYardstick(yardstick_id)
    return shown(actor, found, now)


def shown(actor: Actor, yardstick: Yardstick, now: datetime) -> Shown:
    own = yardstick.network_id is not None
    may = own and policy.has(actor, Right.SET_YARDSTICKS, network=yardstick.network_id, on=now)
    return Shown(yardstick, ["change", "remove"] if may else [])


async def for_update(session: AsyncSession, yardstick_id: UUID) -> Yardstick:
    """The yardstick, its row locked. Raises UnknownYardstick."""
    found = await session.get(Yardstick, yardstick_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownYardstick(yardstick_id)
    return found


async def measured(
    session: AsyncSession,
    actor: Actor,
    network: str,
    code: str,
    *,
    level: Level,
    within: Collection[str] = (),
    missing: bool | None = None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Measured]:
    """The territories of a level by name with what each needs: all, or only those where something (or nothing) lacks to
    the least. The network's own yardstick wins over one of the law with the same code. Raises UnknownYardstick."""
    network_id = await map_of(session, actor, network, now)
    y = yardsticks.c
    query = select(Yardstick).where(y.code == code, or_(y.network_id.is_(None), y.network_id == network_id))
    yardstick = await session.scalar(query.order_by(y.network_id.is_(None)).limit(1))
    if yardstick is None:
        raise UnknownYardstick(code)
    found = await of_level(session, network_id, level, within)
    asked = {"network": network_id, "level": level, "item": yardstick.item, "facet": yardstick.facet}
    have = {row.area: row.items for row in await session.execute(HAVE, asked)}
    measures = {one.code: _measure(one, have.get(one.code, 0), yardstick) for one in found}
    if missing is not None:
        found = [one for one in found if (measures[one.code].missing.least > 0) is missing]
    here = paged(found, after, limit)
    return Page([measures[one.code] for one in here.items], here.next)


HAVE = text(
    """
    select area, items from item_coverage
    where network_id = :network and level = :level and item = :item and facet = :facet
    """
)


def _measure(territory: Territory, have: int, yardstick: Yardstick) -> Measured:
    need = rules.needed(territory.population, yardstick)
    return Measured(territory, need, have, rules.missing(need, have))
