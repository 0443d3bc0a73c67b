"""Writing decisions down, until the minutes that record them are submitted. The meeting's row is locked first; a draft
of the minutes is composed again with every change, so that it never says what no longer holds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance.queries import locked
from services.events.attendance.rules import NotInCourse
from services.events.ballots.tables import ballots
from services.events.bodies.tables import bodies
from services.events.decisions import queries
from services.events.decisions.queries import Named
from services.events.decisions.rules import (
    Decision,
    InvalidDecision,
    Kind,
    UnknownDecision,
    require_carried,
    require_unrecorded,
)
from services.events.mandates.tables import mandates
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState
from services.events.minutes import commands as minutes_commands
from services.events.minutes import queries as minutes_queries
from services.events.minutes.rules import Minutes
from services.events.organisations.tables import organisations
from services.events.policy import Right, policy
from shared.access.actor import EARLIEST, LATEST, Actor
from shared.runtime.problems import NotYetKnown, expect
from shared.runtime.shapes import NOT_GIVEN, Request, line

Words = line(500)
Title = Annotated[str, Words]
Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
IN_COURSE = (MeetingState.CONVENED, MeetingState.HELD)


class Proposal(Request):
    """With one owner (an organisation, a person or a body) and the day until which it is owed, or with neither. A
    `ballot_id` says that it rests on that ballot, which must have been carried."""

    title: Title = Field(examples=["Aprire la casella di posta dell'alleanza"])
    kind: Kind
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    body_id: UUID | None = None
    due: Day | None = None
    ballot_id: UUID | None = None


class Change(Request):
    """Only what is given changes; null takes an owner, the day or the ballot away."""

    title: Title = NOT_GIVEN
    kind: Kind = NOT_GIVEN
    organisation_id: UUID | None = None
    person_id: UUID | None = None
    body_id: UUID | None = None
    due: Day | None = None
    ballot_id: UUID | None = None


COLUMN = {"body_id": "owner_body_id"}
"""In a request `body_id` is who owes; in the entity that is the body that decides."""


async def propose(session: AsyncSession, actor: Actor, meeting_id: UUID, request: Proposal, *, now: datetime) -> Named:
    meeting, minutes = await _writable(session, actor, meeting_id, now)
    decision = Decision(meeting.id, meeting.network_id, request.title, request.kind, meeting.body_id)
    return await _written(session, decision, meeting, minutes, request.model_dump(exclude={"title", "kind"}))


async def change(
    session: AsyncSession, actor: Actor, decision_id: UUID, request: Change, *, expected: int | None, now: datetime
) -> Named:
    decision, meeting, minutes = await _to_write(session, actor, decision_id, expected, now)
    return await _written(session, decision, meeting, minutes, request.model_dump(exclude_unset=True))


async def remove(
    session: AsyncSession, actor: Actor, decision_id: UUID, *, expected: int | None, now: datetime
) -> None:
    """It was never taken, and told to nobody: nothing of it remains."""
    decision, _, minutes = await _to_write(session, actor, decision_id, expected, now)
    await session.delete(decision)
    await session.flush()
    if minutes is not None:
        await minutes_commands.recompose(session, minutes)


async def _to_write(
    session: AsyncSession, actor: Actor, decision_id: UUID, expected: int | None, now: datetime
) -> tuple[Decision, Meeting, Minutes | None]:
    decision = await session.get(Decision, decision_id)
    if decision is None:
        raise UnknownDecision(decision_id)
    meeting, minutes = await _writable(session, actor, decision.meeting_id, now)
    await session.refresh(decision, with_for_update=True)
    expect(expected, decision.version)
    return decision, meeting, minutes


async def _writable(
    session: AsyncSession, actor: Actor, meeting_id: UUID, now: datetime
) -> tuple[Meeting, Minutes | None]:
    """The meeting, locked, and its minutes if they are drafted. Raises Forbidden, NotInCourse, Recorded."""
    meeting = await locked(session, meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, Right.WRITE_MINUTES, on=now, **meeting_queries.where(meeting.network_id, body))
    if meeting.state not in IN_COURSE:
        raise NotInCourse(meeting.state)
    minutes = await minutes_queries.of_meeting(session, meeting_id)
    require_unrecorded(minutes.state if minutes is not None else None)
    return meeting, minutes


async def _written(
    session: AsyncSession, decision: Decision, meeting: Meeting, minutes: Minutes | None, fields: dict[str, Any]
) -> Named:
    for name, value in fields.items():
        setattr(decision, COLUMN.get(name, name), value)
    with session.no_autoflush:
        decision.check(meeting.day)
        await _require_known(session, decision)
        await _require_carried(session, decision)
    session.add(decision)
    await session.flush()
    if minutes is not None:
        await minutes_commands.recompose(session, minutes)
    return await queries.named(session, decision.id)


async def _require_known(session: AsyncSession, decision: Decision) -> None:
    """Who owes something is known here, and belongs to this network as far as that is known."""
    for field, id_ in decision.owners:
        known = {
            "organisation_id": exists().where(organisations.c.id == id_),
            "person_id": exists().where(mandates.c.person_id == id_, mandates.c.network_id == decision.network_id),
            "body_id": exists().where(bodies.c.id == id_, bodies.c.network_id == decision.network_id),
        }[field]
        if not await session.scalar(select(known)):
            raise NotYetKnown(f"/{field}", "owner")


async def _require_carried(session: AsyncSession, decision: Decision) -> None:
    if decision.ballot_id is None:
        return
    query = select(ballots.c.id, ballots.c.outcome).where(
        ballots.c.id == decision.ballot_id, ballots.c.meeting_id == decision.meeting_id
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise InvalidDecision("/ballot_id", "unknown", "a ballot of this meeting that was carried")
    require_carried(row.outcome)
