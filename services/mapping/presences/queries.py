"""Reading who is where."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.policy import Right, policy
from services.mapping.presences.tables import presences
from services.mapping.territories.queries import areas, words
from services.mapping.territories.rules import Area
from shared.access.actor import Actor, day
from shared.access.loading import network_id
from shared.runtime.paging import Page, page

ORDER = (presences.c.search, presences.c.organisation_id, presences.c.territory)

# Days are compared as text, which for YYYY-MM-DD is their order.
SECTION_IN_FORCE = (
    "$[*] ? (@.section == $section && (@.since == null || @.since <= $on) && (@.until == null || @.until > $on))"
)


async def presences_of(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    territories: Collection[str] = (),
    kinds: Collection[str] = (),
    sections: Collection[str] = (),
    sources: Collection[str] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    now: datetime,
    after: str | None,
    limit: int,
) -> Page[Any]:
    """The presences of a network that match everything asked, and of several values of one filter any, by name."""
    network_id = await map_of(session, actor, network, now)
    p = presences.c
    query = select(*presences.columns).where(p.network_id == network_id)
    if territories:
        query = query.where(or_(*(_within(area) for area in areas(territories, "?territory").values())))
    if kinds:
        query = query.where(p.kind.in_(kinds))
    if sections:
        in_force = or_(*(_in_section(section, day(now)) for section in sections))
        query = query.where(p.section_names.overlap(list(sections)), in_force)
    if sources:
        query = query.where(p.sources.overlap(list(sources)))
    for word in words(q):
        query = query.where(p.search.contains(word, autoescape=True))
    if updated_since:
        query = query.where(p.changed_at >= updated_since)
    return await page(session, query, key=ORDER, after=after, limit=limit)


async def map_of(session: AsyncSession, actor: Actor, network: str, now: datetime) -> UUID:
    """The id of the network given by slug or id, if the actor may see its map; NetworkUnknown, Forbidden."""
    found = await network_id(session, network)
    policy.require(actor, Right.SEE_MAP, network=found, on=now)
    return found


def _within(area: Area) -> ColumnElement[bool]:
    """The area and what lies in it. A presence in a whole region is in none of its provinces."""
    if area.municipality:
        return presences.c.municipality == area.municipality
    return presences.c.province == area.province if area.province else presences.c.region == area.region


def _in_section(section: str, on: date) -> ColumnElement[bool]:
    """Judged row by row, after the index on the names has narrowed the list."""
    asked = {"section": section, "on": on.isoformat()}
    return func.jsonb_path_exists(presences.c.sections, cast(SECTION_IN_FORCE, JSONPATH), literal(asked, JSONB))
