"""Reading the counters: as many rows as there are territories and kinds, however many members there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.coverage.rules import NONE, Count
from services.mapping.coverage.tables import coverage
from services.mapping.presences.queries import map_of
from services.mapping.territories.queries import Territory, areas, listed, paged
from services.mapping.territories.rules import COUNTRY, Level
from shared.access.actor import Actor
from shared.runtime.paging import Page


@dataclass(frozen=True)
class Counted:
    """The counters of one territory by kind; a territory that has none is all zeroes."""

    kinds: Mapping[str, Count] = field(default_factory=dict)

    @property
    def total(self) -> Count:
        """An organisation has one kind, so the kinds add up without counting anybody twice."""
        return sum(self.kinds.values(), NONE)

    def of(self, kind: str) -> Count:
        return self.kinds.get(kind, NONE)

    def only(self, kinds: Collection[str]) -> Counted:
        """What these kinds count for; everything when none is given."""
        return Counted({kind: count for kind, count in self.kinds.items() if kind in kinds}) if kinds else self


NOBODY = Counted()


async def counts(
    session: AsyncSession,
    network_id: UUID,
    level: Level,
    *,
    kinds: Collection[str] = (),
    areas: Collection[str] | None = None,
) -> dict[str, Counted]:
    """The territories of a level that have anybody (of these kinds; of all without any), by code."""
    c = coverage.c
    query = select(c.area, c.kind, c.organisations, c.organised).where(c.network_id == network_id, c.level == level)
    if areas is not None:
        query = query.where(c.area.in_(areas))
    if kinds:
        query = query.where(c.kind.in_(kinds))
    found: dict[str, dict[str, Count]] = defaultdict(dict)
    for area, kind, organisations, organised in await session.execute(query.order_by(c.area, c.kind)):
        found[area][kind] = Count(organisations, organised)
    return {area: Counted(by_kind) for area, by_kind in found.items()}


async def populated(session: AsyncSession, network_id: UUID, level: Level, kinds: Collection[str] = ()) -> set[str]:
    """The territories of a level where anybody is: at most as many rows as the level has territories."""
    c = coverage.c
    query = select(c.area).where(c.network_id == network_id, c.level == level).distinct()
    if kinds:
        query = query.where(c.kind.in_(kinds))
    return set(await session.scalars(query))


async def everywhere(session: AsyncSession, network_id: UUID) -> Counted:
    """The members that are anywhere on the map, each once."""
    return (await counts(session, network_id, Level.COUNTRY)).get(COUNTRY, NOBODY)


@dataclass(frozen=True, slots=True)
class Covered:
    """Who is in a territory. `kinds` are those asked for or found anywhere, `members` those of them anywhere."""

    territory: Territory
    here: Counted
    kinds: tuple[str, ...]
    members: int


async def coverage_of(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    level: Level,
    within: Collection[str] = (),
    kinds: Collection[str] = (),
    white: bool | None = None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Covered]:
    """The territories of a level that lie in one of the given areas, by name, zeroes included."""
    network_id = await map_of(session, actor, network, now)
    found = listed(kinds=[level], within=areas(within, "?within"))
    if white is not None:
        inhabited = await populated(session, network_id, level, kinds)
        found = [territory for territory in found if (territory.code not in inhabited) is white]
    page = paged(found, after, limit)
    anywhere = (await everywhere(session, network_id)).only(kinds)
    here = await counts(session, network_id, level, kinds=kinds, areas=[territory.code for territory in page.items])
    shown = tuple(sorted({*anywhere.kinds, *kinds}))
    return Page(
        [
            Covered(territory, here.get(territory.code, NOBODY), shown, anywhere.total.organisations)
            for territory in page.items
        ],
        page.next,
    )


RECOUNT = text(
    """
    with places as (
        select network_id, organisation_id, kind, sources @> array['mandate'] as mandated,
               unnest(array['municipality', 'province', 'region', 'country']) as level,
               unnest(array[municipality, province, region, :country]) as area
        from presences
    ), members as (
        select network_id, level, area, kind, organisation_id, bool_or(mandated) as mandated
        from places where area is not null group by 1, 2, 3, 4, 5
    ), recounted as (
        select network_id, level, area, kind, count(*) as organisations, count(*) filter (where mandated) as organised
        from members group by 1, 2, 3, 4
    )
    select * from recounted full join coverage c using (network_id, level, area, kind)
    where (recounted.organisations, recounted.organised) is distinct from (c.organisations, c.organised)
    order by 1, 2, 3, 4
    """
).bindparams(country=COUNTRY)


async def recount(session: AsyncSession) -> list[tuple[object, ...]]:
    """The cells whose counter differs from a count of the presences from nothing: empty when all is well.

    Reads every presence; for tests and for an operator who doubts.
    """
    return [tuple(row) for row in await session.execute(RECOUNT)]
