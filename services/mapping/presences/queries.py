"""Reading who is where."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from services.mapping.presences.tables import presences
from services.mapping.territories.rules import Area, fold

ORDER = (presences.c.search, presences.c.organisation_id, presences.c.territory)

# Days are compared as text, which for YYYY-MM-DD is their order.
SECTION_IN_FORCE = (
    "$[*] ? (@.section == $section && (@.since == null || @.since <= $on) && (@.until == null || @.until > $on))"
)


def of_network(
    network_id: UUID,
    *,
    on: date,
    areas: Sequence[Area] = (),
    kinds: Collection[str] = (),
    sections: Collection[str] = (),
    sources: Collection[str] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
) -> Select[Any]:
    """The presences of a network that match everything asked; of several values of one filter, any. Order: ORDER."""
    p = presences.c
    query = select(presences).where(p.network_id == network_id)
    if areas:
        query = query.where(or_(*(_within(area) for area in areas)))
    if kinds:
        query = query.where(p.kind.in_(kinds))
    if sections:
        query = query.where(or_(*(_in_section(section, on) for section in sections)))
    if sources:
        query = query.where(p.sources.overlap(list(sources)))
    for word in fold(q or "").split():
        query = query.where(p.search.contains(word, autoescape=True))
    if updated_since:
        query = query.where(p.changed_at >= updated_since)
    return query


def _within(area: Area) -> ColumnElement[bool]:
    """The area and what lies in it. A presence in a whole region is in none of its provinces."""
    if area.municipality:
        return presences.c.municipality == area.municipality
    return presences.c.province == area.province if area.province else presences.c.region == area.region


def _in_section(section: str, on: date) -> ColumnElement[bool]:
    asked = {"section": section, "on": on.isoformat()}
    return func.jsonb_path_exists(presences.c.sections, cast(SECTION_IN_FORCE, JSONPATH), literal(asked, JSONB))
