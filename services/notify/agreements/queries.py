"""Who speaks for the members whom a call concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, Date, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

REFERENTS = text("""
    SELECT DISTINCT a.id, a.agreement_id, g.person_id, g.organisation_id
    FROM agreement_audiences a CROSS JOIN unnest(a.organisations) AS c(organisation_id)
    JOIN grants g ON g.network_id = a.network_id AND g.role = 'referent' AND g.organisation_id = c.organisation_id
    WHERE a.id = ANY(:ids) AND g.since <= :on AND (g.until IS NULL OR g.until > :on)
    ORDER BY a.id, g.organisation_id, g.person_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("on", type_=Date))

WAITED_FOR = text("""
    SELECT DISTINCT a.agreement_id, g.person_id, g.organisation_id
    FROM agreement_audiences a CROSS JOIN unnest(a.organisations) AS c(organisation_id)
    JOIN grants g ON g.network_id = a.network_id AND g.role = 'referent' AND g.organisation_id = c.organisation_id
    WHERE a.agreement_id = ANY(:ids) AND g.since <= :on AND (g.until IS NULL OR g.until > :on)
        AND NOT EXISTS (
            SELECT FROM agreement_interests i WHERE i.agreement_id = a.agreement_id
                AND i.organisation_id = c.organisation_id AND i.state <> 'withdrawn'
        )
    ORDER BY a.agreement_id, g.organisation_id, g.person_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("on", type_=Date))

Spoken = tuple[UUID, UUID]
"""Person, organisation."""


async def referents(session: AsyncSession, audiences: Collection[UUID], on: date) -> dict[UUID, list[Spoken]]:
    """Of the members in each of these parts of an audience, on that day."""
    found: dict[UUID, list[Spoken]] = defaultdict(list)
    for row in await session.execute(REFERENTS, {"ids": sorted(audiences), "on": on}) if audiences else ():
        found[row.id].append((row.person_id, row.organisation_id))
    return found


async def waited_for(session: AsyncSession, agreements: Collection[UUID], on: date) -> dict[UUID, list[Spoken]]:
    """Of the members whom each of these calls concerns and that have not come forward."""
    found: dict[UUID, list[Spoken]] = defaultdict(list)
    for row in await session.execute(WAITED_FOR, {"ids": sorted(agreements), "on": on}) if agreements else ():
        found[row.agreement_id].append((row.person_id, row.organisation_id))
    return found
