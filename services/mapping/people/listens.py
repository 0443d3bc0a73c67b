"""Mapping knows nobody by name, only who proposed, collected or is to answer; of a duplicate's, the one who stands for
both did and is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.needs.commands import fact_of
from services.mapping.needs.rules import Need, State
from services.mapping.needs.tables import needs
from services.mapping.store import mapper
from shared.contracts.mapping import NeedAssigned
from shared.contracts.registry import PersonMerged
from shared.messaging import Received, caused_by, reacts, stage
from shared.runtime.repointing import naming_people, repoint


@reacts(PersonMerged)
async def follow_the_merged(session: AsyncSession, facts: Sequence[Received[PersonMerged]], now: datetime) -> None:
    """One after the other, in the order in which they were merged: who stands for somebody may be merged in turn. The
    needs that the duplicate was to answer are told again."""
    for received in facts:
        theirs = select(Need).where(needs.c.person_id == received.fact.id, needs.c.state == State.ASSIGNED)
        locked = theirs.order_by(needs.c.id).with_for_update().execution_options(populate_existing=True)
        assigned = (await session.execute(locked)).scalars().all()
        for need in assigned:
            need.person_id = received.fact.into_id
        await session.flush()
        await repoint(session, naming_people(mapper.metadata), {received.fact.id: received.fact.into_id})
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *(fact_of(NeedAssigned, need) for need in assigned))
