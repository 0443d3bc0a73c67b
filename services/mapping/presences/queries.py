"""Reading who is where."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.areas import queries as areas
from services.mapping.presences.tables import presences
from services.mapping.territories.queries import map_of, words
from shared.access.actor import Actor, day
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
        # a presence in a whole region is in none of its provinces
        codes = await areas.expand(session, network_id, territories, "?territory")
        query = query.where(or_(p.municipality.in_(codes), p.province.in_(codes), p.region.in_(codes)))
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


def _in_section(section: str, on: date) -> ColumnElement[bool]:
    """Judged row by row, after the index on the names has narrowed the list."""
    asked = {"section": section, "on": on.isoformat()}
    return func.jsonb_path_exists(presences.c.sections, cast(SECTION_IN_FORCE, JSONPATH), literal(asked, JSONB))
