"""What each fact means for reminders, of commitments and meetings as of paths: it plans, moves or cancels them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.commitments.rules import outstanding
from services.notify.pacts.rules import live, step_id
from services.notify.reminders.commands import by_subject, follow
from services.notify.reminders.queries import Because
from services.notify.reminders.rules import Subject, Topic, end_of
from shared.contracts.events import BallotState, MeetingState, PollState
from shared.contracts.learning import AssessmentRequestState, EnrolmentState
from shared.contracts.registry import AgreementState, CommitmentState, PactState
from shared.messaging import Received, newest, reacts

Found = tuple[Subject, Because]


@reacts(CommitmentState)
async def remind_of_commitments(
    session: AsyncSession, facts: Sequence[Received[CommitmentState]], now: datetime
) -> None:
    """A commitment is reminded of while it is open and not late: then it is escalated."""
    found = [
        (
            Subject(Topic.COMMITMENT, r.fact.id, r.fact.network_id, end_of(r.fact.due), r.fact.state == "open"),
            because(r),
        )
        for r in newest(facts)
        if r.fact.network_id is not None
    ]
    await follow(session, by_subject(found), now)


@reacts(CommitmentState)
async def climb_with_commitments(
    session: AsyncSession, facts: Sequence[Received[CommitmentState]], now: datetime
) -> None:
    """What is owed by a body, or to one, climbs the tree of bodies from there while it has not come. What is owed to
    the network as a whole has no tree: its secretariat is told on the first day."""
    found = [
        (
            Subject(Topic.CLIMB, r.fact.id, r.fact.network_id, end_of(r.fact.due), outstanding(r.fact.state)),
            because(r),
        )
        for r in newest(facts)
        if r.fact.network_id is not None and (r.fact.debtor_body_id or r.fact.creditor_body_id)
    ]
    await follow(session, by_subject(found), now)


@reacts(AgreementState)
async def remind_of_calls(session: AsyncSession, facts: Sequence[Received[AgreementState]], now: datetime) -> None:
    """Of the deadline of an open procedure or call; one that was never open leaves nothing."""
    found = [
        (
            Subject(Topic.AGREEMENT, r.fact.id, r.fact.network_id, end_of(r.fact.deadline), r.fact.state == "open"),
            because(r),
        )
        for r in newest(facts)
        if r.fact.network_id is not None and r.fact.deadline is not None
    ]
    await follow(session, by_subject(found), now)


@reacts(MeetingState)
async def remind_of_meetings(session: AsyncSession, facts: Sequence[Received[MeetingState]], now: datetime) -> None:
    found = [
        (Subject(Topic.MEETING, r.fact.id, r.fact.network_id, r.fact.starts_at, r.fact.state == "convened"), because(r))
        for r in newest(facts)
        if r.fact.network_id is not None
    ]
    await follow(session, by_subject(found), now)


@reacts(PollState)
async def remind_of_polls(session: AsyncSession, facts: Sequence[Received[PollState]], now: datetime) -> None:
    """Of the end of an open poll, who has not answered."""
    found = [
        (Subject(Topic.POLL, r.fact.id, r.fact.network_id, r.fact.closes_at, r.fact.state == "open"), because(r))
        for r in newest(facts)
        if r.fact.network_id is not None
    ]
    await follow(session, by_subject(found), now)


@reacts(BallotState)
async def remind_of_ballots(session: AsyncSession, facts: Sequence[Received[BallotState]], now: datetime) -> None:
    """Of the end of a ballot that is in no meeting, who has not voted; in a meeting one is there."""
    found = [
        (Subject(Topic.BALLOT, r.fact.id, r.fact.network_id, r.fact.closes_at, r.fact.outcome is None), because(r))
        for r in newest(facts)
        if r.fact.network_id is not None and r.fact.meeting_id is None and r.fact.closes_at is not None
    ]
    await follow(session, by_subject(found), now)


@reacts(PactState)
async def remind_of_steps(session: AsyncSession, facts: Sequence[Received[PactState]], now: datetime) -> None:
    """Each open step of a signed pact by itself; one that has its outcome is reminded of no more."""
    found = []
    for r in newest(facts):
        if r.fact.network_id is None:
            continue
        due = {step.number: step.due for step in r.fact.due_steps}
        for number in range(1, r.fact.steps + 1):
            on = due.get(number)
            at = end_of(on) if on is not None else now
            alive = live(r.fact.state, on)
            found.append(
                (Subject(Topic.PACT_STEP, step_id(r.fact.id, number), r.fact.network_id, at, alive), because(r))
            )
    await follow(session, by_subject(found), now)


@reacts(EnrolmentState)
async def remind_of_paths(session: AsyncSession, facts: Sequence[Received[EnrolmentState]], now: datetime) -> None:
    """Of the day by which a path is to be completed; of one that has none, or has it no more, nobody is reminded."""
    found = [
        _by(Topic.ENROLMENT, r, r.fact.due, now, live=r.fact.state == "active")
        for r in newest(facts)
        if r.fact.network_id is not None
    ]
    await follow(session, by_subject(found), now)


@reacts(AssessmentRequestState)
async def remind_of_assessments(
    session: AsyncSession, facts: Sequence[Received[AssessmentRequestState]], now: datetime
) -> None:
    """Of the last day on which it can be answered, who has not."""
    found = [
        _by(Topic.ASSESSMENT, r, r.fact.closes_on, now, live=r.fact.state == "asked")
        for r in newest(facts)
        if r.fact.network_id is not None
    ]
    await follow(session, by_subject(found), now)


def _by(topic: Topic, received: Received[Any], due: date | None, now: datetime, *, live: bool) -> Found:
    at = end_of(due) if due is not None else now
    return Subject(topic, received.fact.id, received.fact.network_id, at, live and due is not None), because(received)


def because(received: Received[Any]) -> Because:
    return Because(received.fact_id, received.cause.correlation)
