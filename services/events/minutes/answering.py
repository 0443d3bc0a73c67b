"""The rule by which a body approves its minutes, what those who were there answer, and what their answers make of the
minutes, at once or when their time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.minutes import commands, document, queries
from services.events.minutes.approving import OVER as OVER
from services.events.minutes.approving import state_of
from services.events.minutes.queries import Sent, Shown
from services.events.minutes.rules import (
    Approval,
    Approver,
    Minutes,
    NoReason,
    NotAsked,
    Rule,
    State,
    Verdict,
    verdict,
)
from services.events.minutes.tables import approvals
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.links import Link
from shared.contracts.events import MinutesApprovalGiven
from shared.messaging import stage
from shared.runtime.problems import expect
from shared.runtime.shapes import Request, prose


class Share(Request):
    """A part of those who were there, as a fraction: 2/3."""

    numerator: int = Field(ge=1, le=100)
    denominator: int = Field(ge=1, le=100)


class Ruling(Request):
    """`share`, `days` and `silence` are of `attendees`: how many must agree, in how many days, and whether who does not
    answer agrees. `next_meeting`: a motion carried in a later meeting of the body approves."""

    approval: Approval
    share: Share = Share(numerator=1, denominator=2)
    days: int = 7
    silence: bool = True


class Answer(Request):
    """`approve`, or `object` with a reason."""

    answer: Annotated[str, Field(pattern="^(approve|object)$", examples=["approve"])]
    reason: Annotated[str, prose(2_000)] | None = None

    def objection(self) -> str | None:
        """The reason of who objects; None for who approves. Raises NoReason."""
        if self.answer == "approve":
            return None
        if self.reason is None:
            raise NoReason
        return self.reason


async def set_rule(
    session: AsyncSession, actor: Actor, body_id: UUID, request: Ruling, *, expected: int | None, now: datetime
) -> Rule:
    """For minutes that are submitted from now on. Raises NotYetKnown, Forbidden, InvalidRule."""
    body = await queries.body_row(session, body_id)
    place = {"network": body.network_id, "body": body.id, "territory": body.territory}
    policy.require(actor, Right.APPROVE_MINUTES, on=now, **place)
    rule = await queries.rule(session, body, lock=True)
    expect(expected, rule.version)
    rule.approval, rule.days, rule.silence = request.approval, request.days, request.silence
    rule.numerator, rule.denominator = request.share.numerator, request.share.denominator
    rule.set_by = actor.id
    rule.check()
    session.add(rule)
    await session.flush()
    return rule


async def answer_by_link(session: AsyncSession, actor: Actor, link: Link, request: Answer, *, now: datetime) -> Sent:
    """The answer of whom the link was sent to; the last one counts. Raises LinkInvalid, NotAsked, NoReason."""
    found = await queries.sent(session, actor, link.subject, now=now)
    await _answer(session, found.asked.approver, request, now)
    return await queries.sent(session, actor, link.subject, now=now)


async def answer(session: AsyncSession, actor: Actor, minutes_id: UUID, request: Answer, *, now: datetime) -> Shown:
    """The caller's own answer. Raises NotAsked, NoReason, and UnknownMinutes for who may not see them."""
    await queries.get(session, actor, minutes_id, now=now)
    query = select(Approver).where(approvals.c.minutes_id == minutes_id, approvals.c.person_id == actor.person_id)
    approver: Approver | None = await session.scalar(query.order_by(approvals.c.round.desc()).limit(1))
    if approver is None:
        raise NotAsked("unknown")
    await _answer(session, approver, request, now)
    return await queries.shown(session, minutes_id)


async def _answer(session: AsyncSession, approver: Approver, request: Answer, now: datetime) -> None:
    """Locks the meeting and the minutes before the answer: it may be the one that decides."""
    reason = request.objection()
    minutes, _, _ = await queries.for_update(session, approver.minutes_id)
    await session.refresh(approver, with_for_update=True)
    over = minutes.answers_until is None or minutes.answers_until <= now
    if minutes.state is not State.IN_APPROVAL or minutes.round != approver.round or over:
        raise NotAsked("over" if over else minutes.state)
    approver.answer(reason, now)
    await session.flush()
    await stage(session, state_of(MinutesApprovalGiven, approver))
    await _decide(session, minutes, now, over=False)


async def time_is_over(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> None:
    """What the answers, and the silence, make of minutes whose time is over (kind `OVER`)."""
    for minutes_id in sorted(ids):
        minutes, _, _ = await queries.for_update(session, minutes_id)
        waiting = minutes.state is State.IN_APPROVAL and minutes.approval is Approval.ATTENDEES
        if waiting and minutes.answers_until is not None and minutes.answers_until <= now:
            await _decide(session, minutes, now, over=True)


async def _decide(session: AsyncSession, minutes: Minutes, now: datetime, *, over: bool) -> None:
    tally = (await queries.shown(session, minutes.id)).tally
    found = verdict(tally.asked, tally.needed, tally.approved, tally.objected, silence=minutes.silence, over=over)
    if found is Verdict.APPROVED:
        await commands.approved(session, minutes, None, tally, now)
    elif found is Verdict.RETURNED:
        await commands.returned(session, minutes, document.returned(minutes.document["language"], tally))
