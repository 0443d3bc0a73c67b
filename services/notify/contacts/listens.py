"""People as the registry tells them. An erased person leaves an empty row, and no trace in the deliveries; a duplicate
leaves an empty row, and its deliveries to the one who stands for both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.bounces import commands as bounces
from services.notify.contacts.tables import contacts
from services.notify.deliveries.erasure import forget, hand_on
from services.notify.preferences import commands as preferences
from shared.contracts.registry import PersonErased, PersonMerged, PersonState
from shared.messaging import Received, newest, projects, upsert_newest

EMPTY = {
    "given_name": "",
    "family_name": "",
    "email": None,
    "email_verified": False,
    "phone": None,
    "language": "it",
}


@projects(PersonState, PersonErased, PersonMerged, tables=[contacts])
async def people(
    session: AsyncSession,
    facts: Sequence[Received[PersonState | PersonErased | PersonMerged]],
    now: datetime,  # noqa: ARG001
) -> None:
    """Rebuildable: erasing again what deliveries say of an erased person changes nothing, nor does handing on again
    what was a duplicate's."""
    latest = newest(facts)
    await upsert_newest(session, contacts, [row(received) for received in latest])
    for received in facts:  # in their order, and before the next batch of the sender finds nobody there
        if isinstance(received.fact, PersonMerged):
            await hand_on(session, received.fact.id, received.fact.into_id)
            await bounces.hand_on(session, received.fact.id, received.fact.into_id)
            await preferences.hand_on(session, received.fact.id, received.fact.into_id)
    erased = [received.fact.id for received in latest if isinstance(received.fact, PersonErased)]
    if erased:
        await forget(session, erased)


def row(received: Received[PersonState | PersonErased | PersonMerged]) -> dict[str, Any]:
    fact = received.fact
    generation, version = received.rank
    known = {
        "person_id": fact.id,
        "generation": generation,
        "version": version,
        "network_id": fact.network_id,
        "merged_into": fact.into_id if isinstance(fact, PersonMerged) else None,
    }
    if not isinstance(fact, PersonState):
        return {**known, **EMPTY, "erased_at": received.occurred_at}
    said = {name: getattr(fact, name) for name in EMPTY}
    return {**known, **said, "erased_at": None}
