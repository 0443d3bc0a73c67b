"""Reading areas, and what filters mean by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas.rules import PREFIX, Kind, NetworkArea, UnknownArea
from services.mapping.areas.tables import area_territories, areas
from services.mapping.policy import Right, policy
from services.mapping.territories import queries as territories
from services.mapping.territories.queries import Territory, map_of, words
from services.mapping.territories.rules import COUNTRY, Area, Level
from shared.access.actor import Actor
from shared.runtime.paging import Page, page
from shared.runtime.problems import Invalid

Inside = Mapping[tuple[UUID, str], Sequence[str]]
"""The areas (`area:<code>`) of each network and territory that lies in any."""


@dataclass(frozen=True)
class Drawn:
    """An area as it is shown: its municipalities by code; `organisations` are the members present in it, each once, of
    `members` present anywhere. `version` is the area's."""

    area: NetworkArea
    municipalities: Sequence[str]
    organisations: int
    members: int
    actions: Sequence[str]

    @property
    def version(self) -> int:
        return self.area.version

    @property
    def territory(self) -> Territory:
        return as_territory(self.area.code, self.area.title, self.municipalities)


def as_territory(code: str, title: str, municipalities: Iterable[str]) -> Territory:
    """An area beside the territories of Italy, with the residents of its municipalities."""
    known = [territories.everything()[one] for one in municipalities if one in territories.everything()]
    ages = tuple(map(sum, zip(*(one.ages for one in known), strict=True)))
    regions = {one.area.region for one in known}
    region = regions.pop() if len(regions) == 1 else ""
    return Territory("area", Area(PREFIX + code, region), title, sum(ages), title, ages)


async def expand(session: AsyncSession, network_id: UUID, codes: Collection[str], path: str) -> list[str]:
    """The codes that a filter's values stand for: of a territory its own, of an area those of all that lies in it.

    What matches is in one of these or in something that lies in it. One statement if an area is named, none otherwise.
    Raises Invalid.
    """
    found = list(territories.areas([code for code in codes if not code.startswith(PREFIX)], path))
    own = {code.removeprefix(PREFIX) for code in codes if code.startswith(PREFIX)}
    if not own:
        return found
    query = (
        select(areas.c.code, func.array_agg(area_territories.c.territory))
        .join(area_territories, area_territories.c.area_id == areas.c.id)
        .where(areas.c.network_id == network_id, areas.c.code.in_(own))
        .group_by(areas.c.code)
    )
    drawn = {row[0]: row[1] for row in await session.execute(query)}
    if unknown := sorted(own - drawn.keys()):
        raise Invalid(path, "unknown-territory", f"an area of the network, not {PREFIX + unknown[0]!r}")
    return sorted({*found, *(code for codes_ in drawn.values() for code in codes_)})


async def inside(session: AsyncSession, places: Iterable[tuple[UUID, str]]) -> Inside:
    """In which areas of its network each territory lies: one statement for any number of them."""
    asked = sorted(set(places))
    if not asked:
        return {}
    networks, codes = [network for network, _ in asked], [code for _, code in asked]
    found: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    for row in await session.execute(INSIDE, {"networks": networks, "codes": codes}):
        found[row.network_id, row.territory].append(PREFIX + row.code)
    return found


INSIDE = text(
    """
    select t.network_id, t.territory, a.code
    from unnest(cast(:networks as uuid[]), cast(:codes as text[])) as asked(network_id, territory)
    join area_territories t on (t.network_id, t.territory) = (asked.network_id, asked.territory)
    join areas a on a.id = t.area_id
    order by 1, 2, 3
    """
)

# The members present in each area, each once, and those present anywhere: from the counters.
COUNTED = text(
    """
    select area, sum(organisations) as organisations from coverage
    where network_id = :network and (level = 'area' or level = 'country') group by area
    """
)


async def drawn_of(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    kinds: Collection[Kind] = (),
    q: str | None = None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Drawn]:
    """The areas of a network by title."""
    network_id = await map_of(session, actor, network, now)
    query = select(NetworkArea).where(areas.c.network_id == network_id)
    if kinds:
        query = query.where(areas.c.kind.in_(kinds))
    for word in words(q):
        query = query.where(areas.c.search.contains(word, autoescape=True))
    found = await page(session, query, key=(areas.c.search, areas.c.id), after=after, limit=limit)
    return Page(await shown(session, actor, found.items, now), found.next)


async def get(session: AsyncSession, actor: Actor, area_id: UUID, *, now: datetime) -> Drawn:
    """Raises UnknownArea, also for one that the caller may not see."""
    area = await session.get(NetworkArea, area_id)
    if area is None or not policy.has(actor, Right.SEE_MAP, network=area.network_id, on=now):
        raise UnknownArea(area_id)
    return (await shown(session, actor, [area], now))[0]


async def for_update(session: AsyncSession, area_id: UUID) -> NetworkArea:
    """The area, its row locked. Raises UnknownArea."""
    found = await session.get(NetworkArea, area_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise UnknownArea(area_id)
    return found


async def shown(session: AsyncSession, actor: Actor, found: Sequence[NetworkArea], now: datetime) -> list[Drawn]:
    """Three statements for any number of areas of one network."""
    if not found:
        return []
    network_id = found[0].network_id
    members = await municipalities_of(session, [area.id for area in found])
    counted = {row.area: int(row.organisations) for row in await session.execute(COUNTED, {"network": network_id})}
    may = policy.has(actor, Right.DRAW_AREAS, network=network_id, on=now)
    anywhere = counted.get(COUNTRY, 0)
    return [
        Drawn(
            area,
            members[area.id],
            counted.get(PREFIX + area.code, 0),
            anywhere,
            ["change", "remove"] if may else [],
        )
        for area in found
    ]


async def municipalities_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The municipalities of each area, by code."""
    query: Select[Any] = (
        select(area_territories.c.area_id, area_territories.c.territory)
        .where(area_territories.c.area_id.in_(ids), area_territories.c.level == Level.MUNICIPALITY)
        .order_by(area_territories.c.territory)
    )
    found: dict[UUID, list[str]] = defaultdict(list)
    for area_id, code in await session.execute(query):
        found[area_id].append(code)
    return found


async def territories_of(session: AsyncSession, network_id: UUID) -> list[Territory]:
    """All areas of a network as territories, by title."""
    query = select(NetworkArea).where(areas.c.network_id == network_id).order_by(areas.c.search, areas.c.id)
    found = list(await session.scalars(query))
    members = await municipalities_of(session, [area.id for area in found])
    return [as_territory(area.code, area.title, members[area.id]) for area in found]


@dataclass(frozen=True, slots=True)
class Union:
    """The members present in any of some territories, each once, of those present anywhere; and by kind."""

    organisations: int
    members: int
    kinds: Mapping[str, int]
    summed: int


async def union(session: AsyncSession, actor: Actor, network: str, codes: Collection[str], *, now: datetime) -> Union:
    """Counts presences and not counters: which territories are asked together is nobody's to foresee."""
    network_id = await map_of(session, actor, network, now)
    here = await expand(session, network_id, codes, "?territory")
    rows = (await session.execute(UNION, {"network": network_id, "codes": here})).all()
    apart = 0
    for code in sorted(set(codes)):
        alone = await expand(session, network_id, [code], "?territory")
        apart += sum(row.n for row in await session.execute(UNION, {"network": network_id, "codes": alone}))
    counted = await session.execute(COUNTED, {"network": network_id})
    anywhere = next((int(row.organisations) for row in counted if row.area == COUNTRY), 0)
    return Union(sum(row.n for row in rows), anywhere, {row.kind: row.n for row in rows}, apart)


UNION = text(
    """
    select kind, count(distinct organisation_id) as n from presences
    where network_id = :network
      and (municipality = any(:codes) or province = any(:codes) or region = any(:codes))
    group by kind order by kind
    """
)
