"""Reading the counters: as many rows as there are territories and kinds, however many members there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas.queries import expand, territories_of
from services.mapping.areas.rules import PREFIX
from services.mapping.coverage.rules import ALL, NONE, PUBLIC, Count
from services.mapping.coverage.tables import coverage
from services.mapping.territories.queries import Territory, listed, map_of, paged
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
    found = await of_level(session, network_id, level, within)
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


async def of_level(session: AsyncSession, network_id: UUID, level: Level, within: Collection[str]) -> list[Territory]:
    """The territories of a level that lie in one of the given ones, or the areas of the network that touch one."""
    if level is not Level.AREA:
        here = await expand(session, network_id, within, "?within")
        return listed(kinds=[level], within=here)
    drawn = await territories_of(session, network_id)
    if not within:
        return drawn
    touched = await expand(session, network_id, within, "?within")
    codes = {PREFIX + row.code for row in await session.execute(TOUCHING, {"network": network_id, "codes": touched})}
    return [area for area in drawn if area.code in codes]


TOUCHING = text(
    """
    select distinct a.code from areas a join area_territories t on t.area_id = a.id
    where a.network_id = :network and t.territory = any(:codes)
    """
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted of one kind of item in a territory: all, and by facet (`kind:…`, `theme:…`, `activity:…`)."""

    count: int
    facets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stocked:
    """What there is in a territory, by item. `facets` are those asked for or found anywhere in the network."""

    territory: Territory
    items: Mapping[str, Counts]
    facets: Mapping[str, Sequence[str]]
    white: bool


async def items_of(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    level: Level,
    within: Collection[str] = (),
    items: Collection[str] = (),
    facets: Collection[str] = (),
    white: bool | None = None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Stocked]:
    """The territories of a level with what there is in each, zeroes included: of these kinds of item and under these
    facets when any are given. A white spot has nothing of what was asked for.

    Three statements, which read as many rows as the territories of the page have counters.
    """
    network_id = await map_of(session, actor, network, now)
    found = await of_level(session, network_id, level, within)
    asked = {"network": network_id, "items": list(items or ITEMS), "facets": list(facets)}
    if white is not None:
        full = set(await session.scalars(STOCKED, {**asked, "level": level}))
        found = [territory for territory in found if (territory.code not in full) is white]
    page = paged(found, after, limit)
    anywhere = await session.execute(STOCK, {**asked, "level": Level.COUNTRY, "areas": [COUNTRY]})
    known: dict[str, set[str]] = {item: set() for item in items or ITEMS}
    for row in anywhere:
        known[row.item] |= {row.facet} - {ALL}
    codes = [territory.code for territory in page.items]
    here: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in await session.execute(STOCK, {**asked, "level": level, "areas": codes}):
        here[row.area][row.item][row.facet] = row.items
    shown = {item: sorted(names) for item, names in known.items()}
    return Page([_stocked(one, here[one.code], shown, facets) for one in page.items], page.next)


ITEMS = ("place", "resource", "experience")
STOCK = text(
    """
    select area, item, facet, items from item_coverage
    where network_id = :network and level = :level and area = any(:areas) and item = any(:items)
      and (facet = '' or cardinality(cast(:facets as text[])) = 0 or facet = any(:facets))
    """
)
STOCKED = text(
    """
    select distinct area from item_coverage
    where network_id = :network and level = :level and item = any(:items)
      and facet = any(case cardinality(cast(:facets as text[])) when 0 then array[''] else cast(:facets as text[]) end)
    """
)


def _stocked(
    territory: Territory,
    here: Mapping[str, Mapping[str, int]],
    shown: Mapping[str, Sequence[str]],
    asked: Collection[str],
) -> Stocked:
    counts = {
        item: Counts(here.get(item, {}).get(ALL, 0), {facet: here.get(item, {}).get(facet, 0) for facet in facets})
        for item, facets in shown.items()
    }
    there = [
        sum(count for facet, count in one.facets.items() if facet in asked) if asked else one.count
        for one in counts.values()
    ]
    return Stocked(territory, counts, shown, not any(there))


RECOUNT = text(
    """
    with places as (
        select network_id, organisation_id, kind, sources @> array['mandate'] as mandated,
               unnest(array['municipality', 'province', 'region', 'country']) as level,
               unnest(array[municipality, province, region, :country]) as area
        from presences
        union all
        select p.network_id, p.organisation_id, p.kind, p.sources @> array['mandate'], 'area', 'area:' || a.code
        from presences p join area_territories t using (network_id, territory) join areas a on a.id = t.area_id
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


RECOUNT_ITEMS = text(
    """
    with said as (
        select 'place' as item, id, network_id, territories, areas,
               array['kind:' || kind] || array(select 'activity:' || a from unnest(activities) a) as facets, visibility
        from places where state = 'validated' and visibility <> 'body'
        union all
        select 'resource', id, network_id, territories, areas,
               array['kind:' || kind] || array(select 'theme:' || t from unnest(themes) t), visibility
        from resources where state = 'validated' and visibility <> 'body'
        union all
        select 'experience', id, network_id, territories, areas, array(select 'theme:' || t from unnest(themes) t),
               visibility
        from experiences where state = 'validated' and visibility <> 'body'
    ), items as (
        select item, id, network_id, territories, areas,
               facets || case visibility when 'public' then array[cast(:public as text)] else '{}' end as facets
        from said
    ), cells as (
        select network_id, item, id, facets,
               case length(code) when 2 then 'region' when 3 then 'province' else 'municipality' end as level,
               code as area
        from items, unnest(areas) as code
        union select network_id, item, id, facets, 'country', :country from items
        union
        select i.network_id, i.item, i.id, i.facets, 'area', 'area:' || a.code
        from items i join area_territories t on t.network_id = i.network_id and t.territory = any(i.territories)
        join areas a on a.id = t.area_id
    ), recounted as (
        select network_id, level, area, item, facet, count(*) as items
        from cells, unnest(array[''] || facets) as facet group by 1, 2, 3, 4, 5
    )
    select * from recounted full join item_coverage c using (network_id, level, area, item, facet)
    where recounted.items is distinct from c.items
    order by 1, 2, 3, 4, 5
    """
).bindparams(country=COUNTRY, public=PUBLIC)


async def recount(session: AsyncSession) -> list[tuple[object, ...]]:
    """The cells whose counter differs from a count of the presences and items from nothing: empty when all is well.

    Reads every presence and item; for tests and for an operator who doubts.
    """
    return [tuple(row) for query in (RECOUNT, RECOUNT_ITEMS) for row in await session.execute(query)]
