"""Asking those who were there whether the minutes are right, and asking them no more."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.minutes.rules import AnswerState, Approval, Approver, Minutes
from services.events.minutes.tables import approvals
from shared.contracts.events import MinutesApprovalAsked, MinutesApprovalState, MinutesApprovalWithdrawn
from shared.runtime import due

OVER = "minutes-approval"
"""Due: the time of those who are asked about minutes is over."""


async def ask(session: AsyncSession, minutes: Minutes, people: Sequence[UUID]) -> list[MinutesApprovalState]:
    """Gives the facts to tell."""
    asked = [Approver(minutes.id, minutes.meeting_id, minutes.network_id, person, minutes.round) for person in people]
    session.add_all(asked)
    await session.flush()
    if minutes.answers_until is not None:
        await due.schedule(session, OVER, minutes.id, minutes.answers_until)
    return [state_of(MinutesApprovalAsked, one) for one in asked]


async def withdraw(session: AsyncSession, minutes: Minutes) -> list[MinutesApprovalState]:
    """Whoever has not answered is asked no more. Gives the facts to tell; the caller holds the minutes' lock."""
    if minutes.approval is not Approval.ATTENDEES:
        return []
    await due.cancel(session, OVER, minutes.id)
    waiting = (
        await session.scalars(
            select(Approver)
            .where(approvals.c.minutes_id == minutes.id, approvals.c.state == AnswerState.ASKED)
            .order_by(approvals.c.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).all()
    for one in waiting:
        one.state = AnswerState.WITHDRAWN
    await session.flush()
    return [state_of(MinutesApprovalWithdrawn, one) for one in waiting]


def state_of(fact: type[MinutesApprovalState], approver: Approver) -> MinutesApprovalState:
    """Without the reason of who objects: it is for those who write the minutes."""
    return fact(
        id=approver.id,
        version=approver.version,
        network_id=approver.network_id,
        minutes_id=approver.minutes_id,
        meeting_id=approver.meeting_id,
        person_id=approver.person_id,
        state=approver.state,
    )
