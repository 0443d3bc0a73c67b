"""Issuing and withdrawing invitations, and taking answers. Whoever calls `follow` holds the lock on the convocations
of the networks and the rows of the meetings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ARRAY, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.invitations import queries
from services.events.invitations.queries import Asked
from services.events.invitations.rules import (
    Invitation,
    NotDelegable,
    Reply,
    UnknownInvitation,
)
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import ENTITLED, NAMED, asked_of
from services.events.meetings.rules import Meeting
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.links import Link
from shared.contracts.events import InvitationAnswered, InvitationIssued, InvitationState, InvitationWithdrawn
from shared.messaging import stage
from shared.runtime.problems import expect


class Answer(BaseModel):
    """`delegate_id` is the invited person who will stand for this one, with the answer `delegated` alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: Reply
    delegate_id: UUID | None = None


# --- following mandates ---------------------------------------------------------------------------------------------

COLUMNS = (
    "id, version, network_id, meeting_id, person_id, mandate_id, seat_id, organisation_id, state, answer, delegate_id"
)
WANTED = (
    "asked as (select id as key, network_id, body_id, day from meetings where id = any(:meetings)),"  # noqa: S608
    f" wanted as ({ENTITLED})"
)
BOUND = [bindparam("meetings", type_=ARRAY(Uuid)), bindparam("seated", type_=ARRAY(Text)), *NAMED]
ISSUE = text(
    f"""
    with {WANTED}
    insert into invitations as i (id, meeting_id, network_id, person_id, mandate_id, seat_id, organisation_id, state,
                                  version)
    select uuidv7(), key, network_id, person_id, mandate_id, seat_id, organisation_id, 'issued', 1 from wanted
    on conflict (meeting_id, coalesce(mandate_id, person_id)) do update set
        state = 'issued', answer = null, answered_at = null, answered_by = null, delegate_id = null,
        seat_id = excluded.seat_id, organisation_id = excluded.organisation_id, updated_at = now(),
        version = i.version + 1
    where i.state = 'withdrawn'
    returning {COLUMNS}
    """  # noqa: S608 (names of our own)
).bindparams(*BOUND)
WITHDRAW = text(
    f"""
    with {WANTED}
    update invitations i set state = 'withdrawn', updated_at = now(), version = i.version + 1
    where i.meeting_id = any(:meetings) and i.state = 'issued' and i.mandate_id is not null
      and (:whole or i.seat_id = any(:seats) or (i.seat_id is null and i.person_id = any(:people)))
      and not exists (select from wanted w where (w.key, w.mandate_id) = (i.meeting_id, i.mandate_id))
    returning {COLUMNS}
    """  # noqa: S608
).bindparams(*BOUND)
LAPSE = text(
    f"""
    update invitations i
    set answer = null, answered_at = null, answered_by = null, delegate_id = null, updated_at = now(),
        version = i.version + 1
    from unnest(cast(:meetings as uuid[]), cast(:people as uuid[])) as gone(meeting, person)
    where i.meeting_id = gone.meeting and i.delegate_id = gone.person and i.state = 'issued'
      and not exists (
        select from invitations o where o.meeting_id = gone.meeting and o.person_id = gone.person
           and o.state = 'issued' and o.answer is distinct from 'no' and o.answer is distinct from 'delegated')
    returning {COLUMNS}
    """  # noqa: S608
)


async def follow(
    session: AsyncSession,
    meetings: Collection[UUID],
    *,
    seats: Iterable[UUID] | None = None,
    people: Iterable[UUID] | None = None,
) -> list[InvitationState]:
    """Brings the invitations to these convened meetings in line with who will be entitled on their days: everybody's,
    or those of these seats and people. Three statements for any number of people; the facts are the caller's to stage.
    """
    if not meetings:
        return []
    values = {**asked_of(seats, people), "meetings": sorted(meetings)}
    withdrawn = [_fact(InvitationWithdrawn, row) for row in await session.execute(WITHDRAW, values)]
    issued = [_fact(InvitationIssued, row) for row in await session.execute(ISSUE, values)]
    return [*withdrawn, *issued, *await lapse(session, withdrawn)]


async def lapse(session: AsyncSession, gone: Sequence[InvitationState]) -> list[InvitationState]:
    """Whoever had delegated somebody that will not come has not answered yet."""
    if not gone:
        return []
    values = {"meetings": [fact.meeting_id for fact in gone], "people": [fact.person_id for fact in gone]}
    return [_fact(InvitationAnswered, row) for row in await session.execute(LAPSE, values)]


def _fact(fact: type[InvitationState], row: Any) -> InvitationState:
    return fact(**{name: getattr(row, name) for name in COLUMNS.split(", ")})


# --- answering ------------------------------------------------------------------------------------------------------


async def answer(
    session: AsyncSession, actor: Actor, invitation_id: UUID, request: Answer, *, expected: int | None, now: datetime
) -> Asked:
    """The person's own answer; or one that they gave to the coordination, which says who entered it."""
    invitation, meeting, body = await _locked(session, invitation_id, request)
    own = actor.person_id == invitation.person_id
    if not own:
        place = meeting_queries.where(meeting.network_id, body)
        policy.require(actor, Right.ANSWER_FOR_OTHERS, on=now, **place)
    expect(expected, invitation.version)
    return await _answered(session, invitation, meeting, body, request, None if own else actor.id, now)


async def answer_by_link(session: AsyncSession, actor: Actor, link: Link, request: Answer, *, now: datetime) -> Asked:  # noqa: ARG001 (whoever has the link)
    """May be repeated until the meeting begins: the last answer counts."""
    invitation, meeting, body = await _locked(session, link.subject, request)
    return await _answered(session, invitation, meeting, body, request, None, now)


async def _locked(session: AsyncSession, invitation_id: UUID, request: Answer) -> tuple[Invitation, Meeting, Any]:
    """The invitation with its meeting and body. Answers to a meeting that touch others' wait for each other."""
    invitation = await session.get(Invitation, invitation_id)
    if invitation is None:
        raise UnknownInvitation(invitation_id)
    alone = request.answer in (Reply.YES, Reply.PERHAPS)
    meeting = await session.get(Meeting, invitation.meeting_id, with_for_update={"read": alone})
    assert meeting is not None
    await session.refresh(invitation, with_for_update=True)
    return invitation, meeting, await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)


async def _answered(
    session: AsyncSession,
    invitation: Invitation,
    meeting: Meeting,
    body: Any,
    request: Answer,
    by: UUID | None,
    now: datetime,
) -> Asked:
    await queries.require_open(session, invitation, meeting, now)
    delegate = None
    if request.answer is Reply.DELEGATED:
        others = await queries.concerned(session, invitation, request.delegate_id)
        delegate = invitation.delegate(request.delegate_id, others, body.proxies if body is not None else 0)
    elif request.delegate_id is not None:
        raise NotDelegable("not_allowed", "nobody, but with the answer delegated")
    invitation.reply(request.answer, now, by, delegate)
    await session.flush()
    fact = state_of(InvitationAnswered, invitation)
    lapsed = await lapse(session, [fact]) if request.answer in (Reply.NO, Reply.DELEGATED) else []
    await stage(session, fact, *lapsed)
    return await queries.asked(session, invitation.id)


def state_of(fact: type[InvitationState], invitation: Invitation) -> InvitationState:
    return _fact(fact, invitation)
