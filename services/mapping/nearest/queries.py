"""Reading what is near a municipality, and who works there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas.queries import inside
from services.mapping.items import queries as items
from services.mapping.items.rules import State
from services.mapping.nearest.rules import RINGS, Near, away, enough, nearest, within
from services.mapping.places.hours import open_at
from services.mapping.places.rules import Activity, Kind, Place
from services.mapping.places.tables import places
from services.mapping.presences.tables import organisations
from services.mapping.territories.queries import Territory, everything, find, map_of
from services.mapping.territories.rules import COUNTRY, Point
from shared import territories
from shared.access.actor import Actor, day
from shared.runtime.problems import Invalid


@dataclass(frozen=True)
class Found:
    """A place near the asked point; `exact`: its own position is known, else that of its municipality is taken."""

    place: Place
    organisation: str | None
    km: float
    exact: bool
    open_now: bool | None


def meant(name: str, path: str = "?municipality") -> Territory:
    """The municipality of a code or of a name. Raises Invalid with those that it may mean."""
    known = find(name.strip())
    if known is not None and known.kind == "municipality":
        return known
    answer = territories.load().resolve(name)
    if answer.municipality is None or not answer.certain:
        maybe = answer.candidates or ((answer.municipality,) if answer.municipality else ())
        accepted: Any = [f"{m.code} {m.italian_name} ({m.province})" for m in maybe] or "E507, Lecco, Castro (LE)"
        raise Invalid(path, "unknown-municipality", accepted)
    return everything()[answer.municipality.code]


def centre(municipality: str | None, latitude: float | None, longitude: float | None) -> Point:
    """From where is asked: a position, or the point of a municipality. Raises Invalid unless it is one of them."""
    if municipality is not None and latitude is None and longitude is None:
        at = meant(municipality).at
        assert at is not None  # a municipality has a point
        return at
    if municipality is None and latitude is not None and longitude is not None:
        return latitude, longitude
    raise Invalid("?municipality", "one-of", "municipality, or latitude and longitude")


async def near(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    municipality: str | None,
    latitude: float | None,
    longitude: float | None,
    kinds: Collection[Kind] = (),
    activities: Collection[Activity] = (),
    open_now: bool | None = None,
    limit: int,
    now: datetime,
) -> list[Found]:
    """The validated places that the caller sees, the nearest first.

    Looks at the municipalities of wider and wider rings until nothing beyond can be nearer: it costs what is near, not
    how many places there are.
    """
    network_id = await map_of(session, actor, network, now)
    here = centre(municipality, latitude, longitude)
    points = {t.code: t.at for t in everything().values() if t.at is not None}
    there = away(here, points.items())
    p = places.c
    query = (
        select(Place, organisations.c.title)
        .outerjoin(organisations, organisations.c.id == p.organisation_id)
        .where(p.network_id == network_id, p.state == State.VALIDATED)
        .where(await items.seen(session, actor, Place, network_id, now))
        .order_by(p.search, p.id)
    )
    if kinds:
        query = query.where(p.kind.in_(kinds))
    if activities:
        query = query.where(p.activities.overlap(list(activities)))
    found: list[Near[Any]] = []
    for radius in RINGS:
        rows = (await session.execute(query.where(p.areas.overlap(within(there, radius))))).all()
        placed = [(row, at) for row in rows if (at := _at(row[0], points)) and _opens(row[0], open_now, now)]
        found = nearest(here, placed, limit)
        if enough(found, limit, radius):
            break
    return [
        Found(one.one[0], one.one[1], one.km, one.one[0].latitude is not None, open_at(one.one[0].hours, now))
        for one in found
    ]


def _at(place: Place, points: Mapping[str, Point]) -> Point | None:
    if place.latitude is not None and place.longitude is not None:
        return place.latitude, place.longitude
    return points.get(place.municipality or "")


def _opens(place: Place, asked: bool | None, now: datetime) -> bool:
    return asked is None or open_at(place.hours, now) is asked


@dataclass(frozen=True)
class Worker:
    """An organisation that is in a municipality, or in something that the municipality lies in: `territory` says in
    which, the smallest of them."""

    organisation_id: UUID
    name: str
    kind: str
    territory: str
    sources: Sequence[Literal["seat", "works", "mandate", "place"]]


@dataclass(frozen=True)
class Who:
    """Who works in a municipality, by territory: its own first, then the network's areas, the province, the region."""

    territory: Territory
    areas: Sequence[tuple[str, str]]
    organisations: Sequence[Worker]
    coordinators: Sequence[Any]
    bodies: Sequence[Any]


async def who(session: AsyncSession, actor: Actor, network: str, name: str, *, now: datetime) -> Who:
    """Five statements, whatever there is. Raises Invalid for a name that means no municipality, or several."""
    network_id = await map_of(session, actor, network, now)
    here = meant(name, "municipality")
    chain = [code for _, code in here.area.chain() if code != COUNTRY]
    drawn = (await inside(session, [(network_id, here.code)])).get((network_id, here.code), ())
    given = {"network": network_id, "chain": chain, "areas": [code.partition(":")[2] for code in drawn], "on": day(now)}
    present = await session.execute(PRESENT, given)
    return Who(
        here,
        [(row.code, row.title) for row in await session.execute(AREAS, given)],
        [Worker(row.organisation_id, row.title, row.kind, row.territory, row.sources) for row in present],
        (await session.execute(COORDINATORS, given)).all(),
        (await session.execute(BODIES, given)).all(),
    )


# An organisation once, in the smallest territory in which it is; all of them come from the index of one network.
PRESENT = text(
    """
    select organisation_id, title, kind, territory, sources
    from (
        select *, row_number() over (
            partition by organisation_id order by array_position(cast(:chain as text[]), territory)
        ) as place
        from presences where network_id = :network and territory = any(cast(:chain as text[]))
    ) p
    where place = 1
    order by array_position(cast(:chain as text[]), territory), search, organisation_id
    """
)
AREAS = text(
    """
    select 'area:' || code as code, title from areas
    where network_id = :network and code = any(cast(:areas as text[])) order by search, id
    """
)
# Who acts as coordinator today, from the grants: people's names are the registry's.
COORDINATORS = text(
    """
    select person_id, territory from grants
    where network_id = :network and role = 'coordinator' and since <= :on and (until is null or until > :on)
      and (territory is null or territory = any(cast(:chain as text[])))
    order by coalesce(array_position(cast(:chain as text[]), territory), 99), person_id
    """
)
BODIES = text(
    """
    select id, title, kind, state, territory from bodies
    where network_id = :network and state <> 'dissolved' and territory = any(cast(:chain as text[]))
    order by array_position(cast(:chain as text[]), territory), title, id
    """
)
