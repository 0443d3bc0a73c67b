"""Drafting, writing, submitting, returning and approving minutes. The meeting's row is locked first, then the minutes,
then the counter of their numbers: all of it in one transaction with the facts that follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import queries as attendance
from services.events.attendance.queries import locked
from services.events.decisions.rules import Decision
from services.events.decisions.rules import State as DecisionState
from services.events.decisions.tables import decisions
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting
from services.events.minutes import document, queries
from services.events.minutes.queries import Shown
from services.events.minutes.rules import HasMinutes, Minutes, require_held
from services.events.minutes.tables import numbers
from services.events.policy import Right, policy
from shared.access.actor import Actor, day
from shared.contracts.events import DecisionAdopted, MinutesApproved, MinutesReturned, MinutesState, MinutesSubmitted
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import prose

Text = Annotated[str, StringConstraints(max_length=50_000, pattern=r"^[^\x00]*$")]
Remarks = Annotated[str, prose(5_000)]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Draft(Request):
    """`text` is what the writer adds to what is composed."""

    text: Text = ""


class Writing(Request):
    """`text` replaces what the writer had added."""

    text: Text


class Returning(Request):
    remarks: Remarks = Field(examples=["Manca l'intervento del rappresentante di Ponti"])


async def draft(session: AsyncSession, actor: Actor, meeting_id: UUID, request: Draft, *, now: datetime) -> Shown:
    """Composes the minutes of a meeting that was held. Told to nobody before they are submitted."""
    meeting = await locked(session, meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, Right.WRITE_MINUTES, on=now, **meeting_queries.where(meeting.network_id, body))
    require_held(meeting.state)
    before = await queries.of_meeting(session, meeting_id)
    if before is not None:
        raise HasMinutes(before.id)
    quorum = await attendance.fixed(session, meeting.id)
    assert quorum is not None  # a meeting is held by being closed
    minutes = Minutes(
        meeting.id,
        meeting.network_id,
        meeting.day,
        quorum.reached,
        quorum.counted,
        quorum.entitled,
        meeting.body_id,
        meeting.founding,
        request.text,
        drafted_by=actor.id,
        document=document.compose(await queries.material(session, meeting, body), request.text),
    )
    session.add(minutes)
    await session.flush()
    return await queries.shown(session, minutes.id)


async def write(
    session: AsyncSession, actor: Actor, minutes_id: UUID, request: Writing, *, expected: int | None, now: datetime
) -> Shown:
    minutes, _ = await _to(session, actor, minutes_id, Right.WRITE_MINUTES, expected, now)
    minutes.require("write")
    minutes.text = request.text
    await recompose(session, minutes)
    return await queries.shown(session, minutes.id)


async def submit(
    session: AsyncSession, actor: Actor, minutes_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """From here on neither the minutes nor their decisions are written, unless they are returned."""
    minutes, _ = await _to(session, actor, minutes_id, Right.WRITE_MINUTES, expected, now)
    minutes.submit(actor.id)
    await recompose(session, minutes)
    await stage(session, state_of(MinutesSubmitted, minutes))
    return await queries.shown(session, minutes.id)


async def send_back(
    session: AsyncSession, actor: Actor, minutes_id: UUID, request: Returning, *, expected: int | None, now: datetime
) -> Shown:
    minutes, _ = await _to(session, actor, minutes_id, Right.APPROVE_MINUTES, expected, now)
    minutes.send_back(request.remarks)
    await session.flush()
    await stage(session, state_of(MinutesReturned, minutes))
    return await queries.shown(session, minutes.id)


async def approve(
    session: AsyncSession, actor: Actor, minutes_id: UUID, *, expected: int | None, now: datetime
) -> Shown:
    """Gives the number, and adopts the decisions; without a quorum they lapse, and the minutes say why."""
    minutes, meeting = await _to(session, actor, minutes_id, Right.APPROVE_MINUTES, expected, now)
    minutes.require("approve")
    taken = await _decisions(session, meeting.id)
    minutes.approve(await _number(session, minutes), actor.id, now, day(now))
    for decision in taken:
        decision.state = DecisionState.ADOPTED if minutes.quorate else DecisionState.LAPSED
    await session.flush()
    adopted = [_adopted(decision, minutes) for decision in taken if minutes.quorate]
    await stage(session, state_of(MinutesApproved, minutes), *adopted)
    return await queries.shown(session, minutes.id)


async def recompose(session: AsyncSession, minutes: Minutes) -> None:
    """Brings the document in line with what it is composed from; its version moves with its words. The caller holds
    the meeting's lock, and has flushed."""
    meeting = await session.get(Meeting, minutes.meeting_id)
    assert meeting is not None
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    minutes.document = document.compose(await queries.material(session, meeting, body), minutes.text)
    await session.flush()


async def _to(
    session: AsyncSession, actor: Actor, minutes_id: UUID, right: Right, expected: int | None, now: datetime
) -> tuple[Minutes, Meeting]:
    minutes, meeting, body = await queries.for_update(session, minutes_id)
    policy.require(actor, right, on=now, **queries.place(minutes, body))
    expect(expected, minutes.version)
    return minutes, meeting


async def _decisions(session: AsyncSession, meeting_id: UUID) -> Sequence[Decision]:
    query = select(Decision).where(decisions.c.meeting_id == meeting_id).order_by(decisions.c.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def _number(session: AsyncSession, minutes: Minutes) -> int:
    """The next number of the body and year. The counter's row stays locked until the commit, and a rollback takes the
    number back: so there are no gaps, and approvals of one body wait for each other."""
    series, year = minutes.series
    statement = insert(numbers).values(series_id=series, year=year, last=1)
    counted = statement.on_conflict_do_update(
        index_elements=["series_id", "year"], set_={"last": numbers.c.last + 1}
    ).returning(numbers.c.last)
    return int((await session.execute(counted)).scalar_one())


def state_of(fact: type[MinutesState], minutes: Minutes) -> MinutesState:
    """Figures and ids alone: the text has people's names."""
    return fact(
        id=minutes.id,
        version=minutes.version,
        network_id=minutes.network_id,
        meeting_id=minutes.meeting_id,
        body_id=minutes.body_id,
        founding=minutes.founding,
        number=minutes.label,
        state=minutes.state,
        quorate=minutes.quorate,
        present=minutes.present,
        entitled=minutes.entitled,
        held_on=minutes.held_on,
        approved_on=minutes.approved_on,
    )


def _adopted(decision: Decision, minutes: Minutes) -> DecisionAdopted:
    return DecisionAdopted(
        id=decision.id,
        version=decision.version,
        network_id=decision.network_id,
        meeting_id=decision.meeting_id,
        minutes_id=minutes.id,
        body_id=decision.body_id,
        title=decision.title,
        kind=decision.kind,
        owner_organisation_id=decision.organisation_id,
        owner_person_id=decision.person_id,
        owner_body_id=decision.owner_body_id,
        due=decision.due,
        decided_on=minutes.held_on,
    )
