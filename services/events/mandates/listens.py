"""Mandates, as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.mandates.rules import ends
from services.events.mandates.tables import mandates
from shared import territories
from shared.contracts.registry import MandateState
from shared.messaging import Received, newest, projects, upsert_newest

SAME = (
    "id",
    "network_id",
    "person_id",
    "organisation_id",
    "role",
    "territory",
    "body_id",
    "seat_id",
    "since",
    "state",
    "version",
)


@projects(MandateState, tables=[mandates])
async def mandates_known(session: AsyncSession, facts: Sequence[Received[MandateState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, mandates, [_row(received) for received in newest(facts)])


def _row(received: Received[MandateState]) -> dict[str, Any]:
    fact = received.fact
    return {
        **{name: getattr(fact, name) for name in SAME},
        "within": territories.load().around(fact.territory),
        "ends": ends(fact.since, fact.until, holds_over=fact.holds_over, ended_on=fact.ended_on),
        "generation": received.generation,
    }
