"""Mapping's facts about municipalities, projected alike into every other service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.mapping import MunicipalityUpdated
from shared.messaging import Received, newest, projects, upsert_newest
from shared.territories.tables import municipality_updates


@projects(MunicipalityUpdated, tables=[municipality_updates])
async def municipalities_known(
    session: AsyncSession,
    facts: Sequence[Received[MunicipalityUpdated]],
    now: datetime,  # noqa: ARG001
) -> None:
    """The processes of the service take it over at their next look (`following`)."""
    rows = [
        {
            "id": f.id,
            "code": f.code,
            "istat": f.istat,
            "name": f.title,
            "italian_name": f.italian_title,
            "other_name": f.other_title or "",
            "province": f.province,
            "nuts3": f.nuts3,
            "since": f.since,
            "until": f.until,
            "successors": list(f.successors),
            "past": [past.model_dump(mode="json") for past in f.past],
            "generation": r.generation,
            "version": f.version,
        }
        for r in newest(facts)
        for f in [r.fact]
    ]
    await upsert_newest(session, municipality_updates, rows)
