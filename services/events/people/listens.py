"""People as the registry tells them. An erased person leaves a row without a name, and so does a duplicate, whose rows
name the one that stands for it from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.events.people import commands
from services.events.people.tables import people
from services.events.polls import commands as polls
from shared.contracts.registry import PersonErased, PersonMerged, PersonState
from shared.messaging import Received, caused_by, newest, projects, reacts, stage, upsert_newest


@projects(PersonState, PersonErased, PersonMerged, tables=[people])
async def names_known(
    session: AsyncSession,
    facts: Sequence[Received[PersonState | PersonErased | PersonMerged]],
    now: datetime,  # noqa: ARG001
) -> None:
    rows = [
        {
            "id": r.fact.id,
            "given_name": r.fact.given_name if isinstance(r.fact, PersonState) else "",
            "family_name": r.fact.family_name if isinstance(r.fact, PersonState) else "",
            "generation": r.generation,
            "version": r.fact.version,
        }
        for r in newest(facts)
    ]
    await upsert_newest(session, people, rows)


@reacts(PersonMerged)
async def follow_the_merged(session: AsyncSession, facts: Sequence[Received[PersonMerged]], now: datetime) -> None:
    """One after the other, in the order in which they were merged: who stands for somebody may be merged in turn."""
    await names_known(session, facts, now)
    for received in facts:
        asked = await polls.reassign(session, received.fact.id, received.fact.into_id)
        told = await commands.reassign(session, received.fact.id, received.fact.into_id, now)
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *told, *asked)
