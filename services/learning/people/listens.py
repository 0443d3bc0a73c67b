"""People as the registry tells them. An erased person leaves an empty row, so that no older fact brings them back; so
does a duplicate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.people.tables import people
from shared.contracts.registry import PersonErased, PersonMerged, PersonState
from shared.messaging import Received, newest, projects, upsert_newest


@projects(PersonState, PersonErased, PersonMerged, tables=[people])
async def people_known(
    session: AsyncSession,
    facts: Sequence[Received[PersonState | PersonErased | PersonMerged]],
    now: datetime,  # noqa: ARG001
) -> None:
    await upsert_newest(session, people, [row(received) for received in newest(facts)])


def row(received: Received[PersonState | PersonErased | PersonMerged]) -> dict[str, Any]:
    fact = received.fact
    names = (fact.given_name, fact.family_name) if isinstance(fact, PersonState) else ("", "")
    return {
        "id": fact.id,
        "network_id": fact.network_id,
        "given_name": names[0],
        "family_name": names[1],
        "erased_at": received.occurred_at if fact.tombstone else None,
        "generation": received.generation,
        "version": fact.version,
    }
