"""Bodies and seats, as the registry tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies, seats
from shared.contracts.registry import BodyState, SeatState
from shared.messaging import Received, newest, projects, upsert_newest

BODY = (
    "id",
    "network_id",
    "title",
    "kind",
    "state",
    "composition",
    "roles",
    "territory",
    "parent_id",
    "proxies",
    "constituted_on",
    "dissolved_on",
    "version",
)
SEAT = ("id", "network_id", "body_id", "title", "role", "organisation_id", "since", "until", "version")


@projects(BodyState, tables=[bodies])
async def bodies_known(session: AsyncSession, facts: Sequence[Received[BodyState]], now: datetime) -> None:  # noqa: ARG001
    await upsert_newest(session, bodies, [_body(received) for received in newest(facts)])


@projects(SeatState, tables=[seats])
async def seats_known(session: AsyncSession, facts: Sequence[Received[SeatState]], now: datetime) -> None:  # noqa: ARG001
    rows = [{**{name: getattr(r.fact, name) for name in SEAT}, "generation": r.generation} for r in newest(facts)]
    await upsert_newest(session, seats, rows)


def _body(received: Received[BodyState]) -> dict[str, Any]:
    fact = received.fact
    return {
        **{name: getattr(fact, name) for name in BODY},
        "first_call": fact.first_call.model_dump(),
        "second_call": fact.second_call and fact.second_call.model_dump(),
        "generation": received.generation,
    }
