"""Who was at a meeting when it was closed has done the units that ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.learning.enrolments import commands as enrolments
from services.learning.people.queries import hold_all_fast
from shared.access.actor import day
from shared.contracts.events import AttendanceClosed
from shared.messaging import Received, caused_by, reacts, stage

KEEP = text(
    """
    insert into attended (meeting_id, person_id, network_id, series_id, body_id, starts_at, day)
    select :meeting_id, person_id, :network_id, :series_id, :body_id, :starts_at, :day from unnest(:people) person_id
    where not exists (select from people where people.id = person_id and people.erased_at is not null)
    order by person_id
    on conflict do nothing
    """
).bindparams(
    bindparam("people", type_=ARRAY(Uuid)),
    *(bindparam(name, type_=Uuid) for name in ("meeting_id", "network_id", "series_id", "body_id")),
)


@reacts(AttendanceClosed)
async def count_who_came(session: AsyncSession, facts: Sequence[Received[AttendanceClosed]], now: datetime) -> None:
    """A part at a time, a handful of statements each: one holds a thousand people at most, and what it makes of their
    enrolments is told under its cause."""
    for received in facts:
        fact = received.fact
        if fact.network_id is None:
            continue
        await hold_all_fast(session, fact.people)  # nobody is erased between being looked at and being kept
        given = fact.model_dump(include={"meeting_id", "network_id", "series_id", "body_id", "starts_at"})
        await session.execute(KEEP, {**given, "day": day(fact.starts_at), "people": sorted(fact.people)})
        told = await enrolments.count_meetings(session, [fact.network_id], fact.people, now)
        with caused_by(replace(received.cause, at=now)):
            await stage(session, *told)
