"""Mandates as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.mandates.tables import mandates
from shared import territories
from shared.contracts.registry import MandateState
from shared.messaging import Received, newest, projects, upsert_newest

TOLD = ("network_id", "person_id", "role", "territory", "body_id", "state", "since", "until", "ended_on")


@projects(MandateState, tables=[mandates])
async def mandates_known(session: AsyncSession, facts: Sequence[Received[MandateState]], now: datetime) -> None:  # noqa: ARG001
    rows = [
        {
            "id": received.fact.id,
            **{name: getattr(received.fact, name) for name in TOLD},
            "within": around(received.fact.territory),
            "generation": received.generation,
            "version": received.fact.version,
        }
        for received in newest(facts)
    ]
    await upsert_newest(session, mandates, rows)


def around(territory: str | None) -> list[str]:
    """The territory and those in which it lies: of a municipality (`E507`) also its province and its region."""
    if territory is None:
        return []
    italy = territories.load()
    municipality, province = italy.today(territory), italy.province(territory)
    if municipality is not None:
        own = dict.fromkeys([territory, municipality.code])  # what took the place of one that is gone, too
        return [*own, municipality.province_code, municipality.region]
    return [province.code, province.region] if province is not None else [territory]
