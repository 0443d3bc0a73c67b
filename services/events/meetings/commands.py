"""What may be done with meetings. Each command locks the convocations of the network, then the meeting's row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.invitations import commands as invitations
from services.events.meetings import queries, rules
from services.events.meetings.queries import Known
from services.events.meetings.rules import Change, Item, Meeting, Mode, State
from services.events.meetings.tables import meetings
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.contracts.events import (
    MeetingCancelled,
    MeetingChanged,
    MeetingConvened,
    MeetingMoved,
    MeetingState,
)
from shared.messaging import stage
from shared.runtime.problems import expect


async def draft(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    mode: Mode,
    body_id: UUID | None,
    founding: bool,
    place: str | None,
    join_url: str | None,
    agenda: list[Item],
    now: datetime,
) -> Known:
    """A draft, which is told to nobody."""
    room = await network_id(session, network)
    body = await queries.body_of(session, room, body_id)
    queries.require_convener(actor, room, body, now)
    meeting = Meeting(room, title, starts_at, ends_at, mode, body_id, founding, place, join_url, agenda=agenda)
    rules.draft(meeting, queries.of(body))
    session.add(meeting)
    await session.flush()
    return await queries.known(session, actor, meeting)


async def change(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    fields: dict[str, Any],
    *,
    expected: int | None,
    now: datetime,
) -> Known:
    """Takes the fields given. Another day of a convened meeting is another list of those entitled."""
    meeting, body = await _to_convene(session, actor, meeting_id, expected, now)
    before = meeting.day
    outcome = meeting.change(fields, queries.of(body), now)
    await session.flush()
    if meeting.state is State.CONVENED and outcome is not Change.NOTHING:
        followed = await invitations.follow(session, [meeting.id]) if meeting.day != before else []
        fact = MeetingMoved if outcome is Change.MOVED else MeetingChanged
        await stage(session, state_of(fact, meeting), *followed)
    return await queries.known(session, actor, meeting)


async def convene(
    session: AsyncSession, actor: Actor, meeting_id: UUID, *, expected: int | None, now: datetime
) -> Known:
    """Invites everybody who will be entitled on the day of the meeting, in one transaction and a handful of
    statements. Whoever becomes entitled later is invited when the news of the mandate comes."""
    meeting, body = await _to_convene(session, actor, meeting_id, expected, now)
    await _convene(session, meeting, body, now)
    return await queries.known(session, actor, meeting)


async def cancel(
    session: AsyncSession, actor: Actor, meeting_id: UUID, *, expected: int | None, now: datetime
) -> Known:
    meeting, _ = await _to_convene(session, actor, meeting_id, expected, now)
    told = meeting.cancel(now)
    await session.flush()
    if told:
        await stage(session, state_of(MeetingCancelled, meeting))
    return await queries.known(session, actor, meeting)


async def second_call(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    expected: int | None,
    now: datetime,
) -> Known:
    """Convenes the second call of a meeting that was held without a quorum: a meeting of its own, at once."""
    first, body = await _to_convene(session, actor, meeting_id, expected, now)
    meeting = rules.second_call(first, queries.of(body), await _second_calls(session, first), starts_at, ends_at, now)
    session.add(meeting)
    await _convene(session, meeting, body, now)
    return await queries.known(session, actor, meeting)


async def _to_convene(
    session: AsyncSession, actor: Actor, meeting_id: UUID, expected: int | None, now: datetime
) -> tuple[Meeting, Any]:
    """The meeting, locked, with the row of its body, if the actor may convene it and knows its newest version."""
    meeting = await queries.for_update(session, meeting_id)
    body = await queries.body_of(session, meeting.network_id, meeting.body_id)
    queries.require_convener(actor, meeting.network_id, body, now)
    expect(expected, meeting.version)
    return meeting, body


async def _convene(session: AsyncSession, meeting: Meeting, body: Any, now: datetime) -> None:
    meeting.convene(queries.of(body), now)
    await session.flush()
    issued = await invitations.follow(session, [meeting.id])
    await stage(session, state_of(MeetingConvened, meeting), *issued)


async def _second_calls(session: AsyncSession, first: Meeting) -> Sequence[UUID]:
    stands = meetings.c.state != State.CANCELLED
    return (await session.scalars(select(meetings.c.id).where(meetings.c.first_call_id == first.id, stands))).all()


def state_of(fact: type[MeetingState], meeting: Meeting) -> MeetingState:
    """Without the joining link: it lets in whoever has it."""
    return fact(
        id=meeting.id,
        version=meeting.version,
        network_id=meeting.network_id,
        title=meeting.title,
        body_id=meeting.body_id,
        founding=meeting.founding,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        mode=meeting.mode,
        place=meeting.place,
        call=meeting.call,
        sequence=meeting.sequence,
        agenda=tuple(item["title"] for item in meeting.agenda),
        state=meeting.state,
    )
