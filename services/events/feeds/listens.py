"""What people answer in their calendars, as notify took it from their mail, becomes their answer to the invitation; or
a statement of why it cannot, by which they are told.

Here and not with the invitations: whatever reaches us from calendars is together with what we tell them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.invitations import commands, queries
from services.events.invitations.commands import Answer
from services.events.invitations.rules import (
    Invitation,
    MeetingBegun,
    MeetingCancelled,
    NotDelegable,
    Reply,
    UnknownInvitation,
    Withdrawn,
)
from services.events.meetings.rules import Meeting
from services.events.meetings.tables import meetings
from shared.contracts.events import ReplyRefused
from shared.contracts.notify import CalendarReplied
from shared.messaging import Received, caused_by, reacts, stage


class Reason(StrEnum):
    """Why an answer could not be taken in."""

    STALE = "stale"
    BEGUN = "begun"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    NOT_INVITED = "not_invited"
    NOT_POSSIBLE = "not_possible"


class Stale(Exception):
    """It answers the meeting as it was before it moved: nobody knows whether they could come then, too."""


REASONS: dict[type[Exception], Reason] = {
    Stale: Reason.STALE,
    MeetingBegun: Reason.BEGUN,
    MeetingCancelled: Reason.CANCELLED,
    Withdrawn: Reason.WITHDRAWN,
    UnknownInvitation: Reason.NOT_INVITED,
    NotDelegable: Reason.NOT_POSSIBLE,
}


@reacts(CalendarReplied)
async def take_answers(session: AsyncSession, facts: Sequence[Received[CalendarReplied]], now: datetime) -> None:
    """In the order in which they came, so that of two places the first has the last one."""
    wanted = {received.fact.meeting_id for received in facts}
    # All of them now, in the order in which everybody takes several: answering locks them one by one.
    await session.execute(
        select(meetings.c.id).where(meetings.c.id.in_(wanted)).order_by(meetings.c.id).with_for_update()
    )
    for received in facts:
        with caused_by(replace(received.cause, at=now)):
            try:
                await _take(session, received.fact, now)
            except tuple(REASONS) as refused:
                await stage(session, _refused(received.fact, REASONS[type(refused)]))


async def _take(session: AsyncSession, fact: CalendarReplied, now: datetime) -> None:
    invitation = await session.get(Invitation, fact.invitation_id)
    if invitation is None or invitation.person_id != fact.person_id:
        raise UnknownInvitation(fact.invitation_id)
    meeting = await session.get_one(Meeting, invitation.meeting_id, populate_existing=True)
    await queries.require_open(session, invitation, meeting, now)
    if fact.sequence < meeting.sequence:
        raise Stale
    try:
        answer = Reply(fact.answer)
    except ValueError:
        raise NotDelegable("unknown", "yes, no, perhaps") from None
    await commands.answer_by_calendar(session, invitation.id, Answer(answer=answer), now=now)


def _refused(fact: CalendarReplied, reason: Reason) -> ReplyRefused:
    return ReplyRefused(
        id=fact.id,
        version=fact.version,
        network_id=fact.network_id,
        meeting_id=fact.meeting_id,
        person_id=fact.person_id,
        invitation_id=fact.invitation_id,
        reason=reason,
    )
