"""The whole map of a network, as its members see and export it: organisations, places, resources and experiences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Date, Double, Select, Text, cast, literal, null, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas.queries import expand
from services.mapping.experiences.rules import Experience
from services.mapping.items import queries as items
from services.mapping.items.queries import Filters
from services.mapping.items.rules import Item, State
from services.mapping.places.rules import Place
from services.mapping.presences.tables import organisations, presences
from services.mapping.resources.rules import Resource
from services.mapping.territories.queries import everything, map_of, words
from services.mapping.territories.rules import Point
from shared.access.actor import Actor
from shared.runtime.paging import Page, cut, page

SUBJECTS = ("organisation", "place", "resource", "experience")
MODELS: dict[str, type[Item]] = {"place": Place, "resource": Resource, "experience": Experience}


@dataclass(frozen=True)
class Asked:
    """What of the map is wanted; of several values of one any, of different ones all. `theme` asks for resources and
    experiences of a theme or laboratories with an activity, so there are no organisations then."""

    subject: Collection[str] = ()
    territory: Collection[str] = ()
    kind: Collection[str] = ()
    theme: Collection[str] = ()
    state: Collection[State] = (State.VALIDATED,)
    organisation: Collection[UUID] = ()
    q: str | None = None
    updated_since: datetime | None = field(default=None)


async def listed(
    session: AsyncSession, actor: Actor, network: str, asked: Asked, *, after: str | None, limit: int, now: datetime
) -> Page[Any]:
    """Everything on the map that the caller sees, by name. Organisations once for each territory where they are."""
    network_id = await map_of(session, actor, network, now)
    here = await expand(session, network_id, asked.territory, "?territory") if asked.territory else []
    parts = [
        await _items(session, actor, subject, network_id, asked, now)
        for subject in asked.subject or SUBJECTS
        if subject in MODELS
    ]
    if "organisation" in (asked.subject or SUBJECTS) and not asked.theme:
        parts.append(_organisations(network_id, asked, here))
    nothing = _organisations(network_id, asked, here).where(literal(value=False))
    found = cut(parts or [nothing], key=["search", "id", "at"], after=after, limit=limit, name="map")
    query = select(*found.c, organisations.c.title.label("organisation")).outerjoin(
        organisations, organisations.c.id == found.c.organisation_id
    )
    return await page(session, query, key=[found.c.search, found.c.id, found.c.at], after=after, limit=limit)


async def _items(
    session: AsyncSession, actor: Actor, subject: str, network_id: UUID, asked: Asked, now: datetime
) -> Select[Any]:
    model = MODELS[subject]
    table = items.table_of(model)
    themes = table.c.get("themes", table.c.get("activities"))
    assert themes is not None
    more: list[ColumnElement[bool]] = []
    if asked.kind:
        more.append(table.c.kind.in_(asked.kind) if "kind" in table.c else literal(value=False))
    if asked.theme:
        more.append(themes.overlap(list(asked.theme)))
    filters = Filters(
        territory=asked.territory,
        state=asked.state,
        organisation=asked.organisation,
        q=asked.q,
        updated_since=asked.updated_since,
        more=more,
    )
    kind = cast(table.c.kind, Text) if "kind" in table.c else cast(null(), Text)
    position = [table.c.get(name, cast(null(), Double)).label(name) for name in ("latitude", "longitude")]
    return select(
        literal(subject, Text).label("subject"),
        table.c.id.label("id"),
        literal("", Text).label("at"),
        table.c.title,
        table.c.search,
        table.c.organisation_id,
        kind.label("kind"),
        cast(themes, ARRAY(Text)).label("themes"),
        table.c.municipality,
        cast(table.c.territories, ARRAY(Text)).label("territories"),
        cast(table.c.state, Text).label("state"),
        cast(table.c.visibility, Text).label("visibility"),
        table.c.checked_on,
        *position,
        table.c.updated_at,
    ).where(*await items.conditions(session, actor, model, network_id, filters, now))


def _organisations(network_id: UUID, asked: Asked, here: Collection[str]) -> Select[Any]:
    p = presences.c
    query = select(
        literal("organisation", Text).label("subject"),
        p.organisation_id.label("id"),
        p.territory.label("at"),
        p.title,
        p.search,
        p.organisation_id,
        p.kind,
        cast(literal("{}"), ARRAY(Text)).label("themes"),
        p.municipality,
        cast(literal("{"), Text).concat(p.territory).concat("}").cast(ARRAY(Text)).label("territories"),
        literal("active", Text).label("state"),
        literal("network", Text).label("visibility"),
        cast(null(), Date).label("checked_on"),
        cast(null(), Double).label("latitude"),
        cast(null(), Double).label("longitude"),
        p.changed_at.label("updated_at"),
    ).where(p.network_id == network_id)
    if asked.territory:
        query = query.where(or_(p.municipality.in_(here), p.province.in_(here), p.region.in_(here)))
    if asked.kind:
        query = query.where(p.kind.in_(asked.kind))
    if asked.organisation:
        query = query.where(p.organisation_id.in_(asked.organisation))
    for word in words(asked.q):
        query = query.where(p.search.contains(word, autoescape=True))
    return query.where(p.changed_at >= asked.updated_since) if asked.updated_since else query


def position(row: Any) -> tuple[Point | None, bool]:
    """Where it is drawn, and whether that is its own position: else a point inside its municipality, or inside the
    first of its territories that is one. What is only in provinces or regions is drawn nowhere."""
    if row.latitude is not None:
        return (row.latitude, row.longitude), True
    for code in (row.municipality, *row.territories):
        known = everything().get(code) if code else None
        if known is not None and known.at is not None:
            return known.at, False
    return None, False
