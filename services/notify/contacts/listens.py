"""People as the registry tells them. An erased person leaves an empty row, and no trace in the deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.contacts.tables import contacts
from services.notify.deliveries.erasure import forget
from shared.contracts.registry import PersonErased, PersonState
from shared.messaging import Received, newest, projects, upsert_newest

EMPTY = {
    "given_name": "",
    "family_name": "",
    "email": None,
    "email_verified": False,
    "phone": None,
    "language": "it",
}


@projects(PersonState, PersonErased, tables=[contacts])
async def people(session: AsyncSession, facts: Sequence[Received[PersonState | PersonErased]], now: datetime) -> None:  # noqa: ARG001
    """Rebuildable: erasing again what deliveries say of an erased person changes nothing."""
    latest = newest(facts)
    await upsert_newest(session, contacts, [row(received) for received in latest])
    erased = [received.fact.id for received in latest if received.fact.tombstone]
    if erased:
        await forget(session, erased)


def row(received: Received[PersonState | PersonErased]) -> dict[str, Any]:
    fact = received.fact
    generation, version = received.rank
    known = {"person_id": fact.id, "generation": generation, "version": version, "network_id": fact.network_id}
    if not isinstance(fact, PersonState):
        return {**known, **EMPTY, "erased_at": received.occurred_at}
    said = {name: getattr(fact, name) for name in EMPTY}
    return {**known, **said, "erased_at": None}
