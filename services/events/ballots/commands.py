"""Opening, voting, closing. The meeting's row is locked first, then the ballot's: alone by who opens or closes, shared
by who votes, so that votes do not wait for each other and none comes after the count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import commands as attending
from services.events.attendance import queries as attendance
from services.events.attendance.rules import NotInCourse
from services.events.ballots import queries
from services.events.ballots.queries import Paper, Shown
from services.events.ballots.rules import (
    Ballot,
    Basis,
    Majority,
    NotYours,
    NoVoice,
    SeatHasVoted,
    UnknownBallot,
    Vote,
)
from services.events.ballots.tables import votes
from services.events.meetings import queries as meeting_queries
from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.links import Link
from shared.contracts.events import BallotClosed, BallotOpened, BallotState
from shared.messaging import stage
from shared.runtime.problems import Invalid, expect
from shared.runtime.shapes import line

Words = line(500)


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MajorityBody(Request):
    """More than `numerator`/`denominator` (as many, without `exceeded`) of the votes for and against, or of all who are
    entitled."""

    numerator: int = Field(default=1, ge=1, le=1000)
    denominator: int = Field(default=2, ge=1, le=1000)
    exceeded: bool = True
    of: Basis = Basis.VOTES


class Question(Request):
    """Without a majority the simple one carries: more votes for than against."""

    question: Annotated[str, Words] = Field(examples=["Si approva il piano di lavoro?"])
    majority: MajorityBody = MajorityBody()


class VoteBody(Request):
    """`invitation_id` says whose vote it is: one's own if left out, or that of somebody one stands for."""

    vote: Vote
    invitation_id: UUID | None = None


@dataclass(frozen=True)
class Given:
    """A vote as it stands now, and whether it replaced an earlier one."""

    ballot: Ballot
    paper: Paper
    vote: Vote
    cast_at: datetime
    replaced: bool


async def open_(session: AsyncSession, actor: Actor, meeting_id: UUID, request: Question, *, now: datetime) -> Shown:
    """Those who are invited are told by notify, with a link for each."""
    meeting, body = await _held_by(session, actor, meeting_id, now)
    majority = Majority(**request.majority.model_dump()).checked()
    ballot = Ballot(
        meeting.id,
        meeting.network_id,
        request.question,
        now,
        meeting.body_id,
        majority.numerator,
        majority.denominator,
        majority.exceeded,
        majority.of,
        entitled=await attendance.entitled(session, meeting, body),
        opened_by=actor.id,
    )
    session.add(ballot)
    await session.flush()
    await stage(session, state_of(BallotOpened, ballot))
    return await queries.shown(session, actor, ballot)


async def close(session: AsyncSession, actor: Actor, ballot_id: UUID, *, expected: int | None, now: datetime) -> Shown:
    """Counts. Without a quorum at this moment the outcome is `no_quorum`, whatever the votes say."""
    ballot = await _ballot(session, ballot_id)
    meeting, body = await _held_by(session, actor, ballot.meeting_id, now)
    await session.refresh(ballot, with_for_update=True)
    expect(expected, ballot.version)
    counted = await attendance.count(session, meeting, body)
    voices = await attendance.voices(session, meeting, body)
    cast = await session.execute(select(votes.c.voice, votes.c.vote).where(votes.c.ballot_id == ballot.id))
    ballot.close({row.voice: row.vote for row in cast}, voices, now, quorate=counted.quorum.reached)
    ballot.closed_by = actor.id
    await session.flush()
    await stage(session, state_of(BallotClosed, ballot))
    return await queries.shown(session, actor, ballot)


async def vote(session: AsyncSession, actor: Actor, ballot_id: UUID, request: VoteBody, *, now: datetime) -> Given:
    """One's own vote, or that of somebody one stands for. A partner's key is invited nowhere: NotYours."""
    if actor.person_id is None:
        raise NotYours
    return await _vote(session, await _ballot(session, ballot_id), actor.person_id, request, now)


async def vote_by_link(
    session: AsyncSession,
    actor: Actor,  # noqa: ARG001 (whoever has the link)
    link: Link,
    request: VoteBody,
    *,
    now: datetime,
) -> Given:
    """A link may vote again until the ballot is closed, as a person signed in may: the last vote counts."""
    ballot, person = await queries.of_link(session, link)
    return await _vote(session, ballot, person, request, now)


async def _ballot(session: AsyncSession, ballot_id: UUID) -> Ballot:
    ballot = await session.get(Ballot, ballot_id)
    if ballot is None:
        raise UnknownBallot(ballot_id)
    return ballot


async def _held_by(session: AsyncSession, actor: Actor, meeting_id: UUID, now: datetime) -> tuple[Meeting, Any]:
    """The meeting in course, locked, with its body's row, if the actor may hold ballots in it."""
    meeting = await attendance.locked(session, meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, Right.HOLD_BALLOTS, on=now, **meeting_queries.where(meeting.network_id, body))
    _require_in_course(meeting)
    return meeting, body


def _require_in_course(meeting: Meeting) -> None:
    if meeting.state is not MeetingState.CONVENED:
        raise NotInCourse(meeting.state)


# --- voting ---------------------------------------------------------------------------------------------------------


async def _vote(session: AsyncSession, ballot: Ballot, caster: UUID, request: VoteBody, now: datetime) -> Given:
    meeting = await attendance.locked(session, ballot.meeting_id, shared=True)
    await session.refresh(ballot, with_for_update={"read": True})
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    papers = await queries.papers(session, meeting, body, ballot, caster, now)
    paper = _chosen(papers, caster, request.invitation_id)
    ballot.require_open()
    _require_in_course(meeting)
    paper.ticket.require(caster)
    await attending.take_part(session, meeting, caster, now)
    replaced = await _write(session, ballot, paper, caster, request.vote, now)
    return Given(ballot, paper, request.vote, now, replaced)


def _chosen(papers: list[Paper], caster: UUID, invitation_id: UUID | None) -> Paper:
    """The invitation that was named; else one's own. Raises NotYours, and Invalid when one has several seats."""
    if invitation_id is not None:
        papers = [paper for paper in papers if paper.ticket.invitation_id == invitation_id]
    else:
        papers = [paper for paper in papers if paper.ticket.person_id == caster]
    if not papers:
        raise NotYours
    standing = [paper for paper in papers if paper.ticket.issued]
    if not standing:
        raise NoVoice("withdrawn")
    if len(standing) > 1:
        accepted = [str(paper.ticket.invitation_id) for paper in standing]
        raise Invalid("/invitation_id", "missing", accepted)
    return standing[0]


async def _write(session: AsyncSession, ballot: Ballot, paper: Paper, caster: UUID, given: Vote, now: datetime) -> bool:
    """True when it replaced an earlier vote. Raises SeatHasVoted when that was cast by somebody else."""
    ticket = paper.ticket
    statement = insert(votes).values(
        ballot_id=ballot.id,
        voice=ticket.voice,
        invitation_id=ticket.invitation_id,
        person_id=ticket.person_id,
        cast_by=caster,
        vote=given,
        cast_at=now,
    )
    same = and_(votes.c.cast_by == statement.excluded.cast_by, votes.c.person_id == statement.excluded.person_id)
    new = {name: statement.excluded[name] for name in ("vote", "cast_at", "invitation_id")}
    written = await session.execute(
        statement.on_conflict_do_update(index_elements=["ballot_id", "voice"], set_=new, where=same).returning(
            votes.c.voice
        )
    )
    if written.first() is None:
        raise SeatHasVoted
    return paper.vote is not None


def state_of(fact: type[BallotState], ballot: Ballot) -> BallotState:
    return fact(
        id=ballot.id,
        version=ballot.version,
        network_id=ballot.network_id,
        meeting_id=ballot.meeting_id,
        body_id=ballot.body_id,
        question=ballot.question,
        entitled=ballot.entitled,
        in_favour=ballot.in_favour,
        against=ballot.against,
        abstained=ballot.abstained,
        outcome=ballot.outcome,
    )
