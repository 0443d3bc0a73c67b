"""Issuing and withdrawing invitations, and taking answers. Whoever calls `follow` holds the lock on the convocations
of the networks and the rows of the meetings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ARRAY, Text, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.invitations import queries, rules
from services.events.invitations.queries import Asked
from services.events.invitations.rules import (
    BadEntry,
    Channel,
    Invitation,
    Known,
    Line,
    NotDelegable,
    Reply,
    UnknownInvitation,
)
from services.events.invitations.tables import invitations
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import ENTITLED, NAMED, asked_of
from services.events.meetings.rules import Meeting
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.links import Link
from shared.contracts.events import (
    InvitationAdmitted,
    InvitationAnswered,
    InvitationIssued,
    InvitationLinkRequested,
    InvitationState,
    InvitationWithdrawn,
)
from shared.messaging import stage
from shared.runtime.problems import FieldError, expect
from shared.runtime.shapes import Request

EXAMPLE_PERSON = "01936f5e-8a00-7000-8000-0000000000a1"


class EntriesRefused(Exception):
    """Rows of a list of answers cannot be taken: `errors` says which and why, and nothing of the list was."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(f"{len(errors)} rows")
        self.errors, self.count = errors, len(errors)


class Answer(Request):
    """`delegate_id` is the invited person who will stand for this one, with the answer `delegated` alone."""

    answer: Reply
    delegate_id: UUID | None = None


# --- following mandates ---------------------------------------------------------------------------------------------

COLUMNS = (
    "id, version, network_id, meeting_id, person_id, mandate_id, seat_id, organisation_id, state, answer, delegate_id,"
    " waiting"
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
        answered_via = null, turn = null,
        seat_id = excluded.seat_id, organisation_id = excluded.organisation_id, updated_at = now(),
        version = i.version + 1
    where i.state = 'withdrawn'
    returning {COLUMNS}
    """  # noqa: S608 (names of our own)
).bindparams(*BOUND)
WITHDRAW = text(
    f"""
    with {WANTED}
    update invitations i set state = 'withdrawn', turn = null, updated_at = now(), version = i.version + 1
    where i.meeting_id = any(:meetings) and i.state = 'issued'
      and (:whole or i.seat_id = any(:seats) or (i.seat_id is null and i.person_id = any(:people)))
      and not exists (select from wanted w where w.key = i.meeting_id
        and coalesce(w.mandate_id, w.person_id) = coalesce(i.mandate_id, i.person_id))
    returning {COLUMNS}
    """  # noqa: S608
).bindparams(*BOUND)
LAPSE = text(
    f"""
    update invitations i
    set answer = null, answered_at = null, answered_by = null, delegate_id = null, answered_via = null,
        updated_at = now(), version = i.version + 1
    from unnest(cast(:meetings as uuid[]), cast(:people as uuid[])) as gone(meeting, person)
    where i.meeting_id = gone.meeting and i.delegate_id = gone.person and i.state = 'issued'
      and not exists (
        select from invitations o where o.meeting_id = gone.meeting and o.person_id = gone.person
           and o.state = 'issued' and o.answer is distinct from 'no' and o.answer is distinct from 'delegated')
    returning {COLUMNS}
    """  # noqa: S608
)
ADMIT = text(
    f"""
    with free as (
        select m.id, m.capacity - (
            select count(*) from invitations t
            where t.meeting_id = m.id and t.state = 'issued' and t.answer = 'yes' and t.turn is null) as places
        from meetings m where m.id = any(:meetings)
    ), queue as (
        select w.id as waiting_id, w.meeting_id, row_number() over (partition by w.meeting_id order by w.turn) as nth
        from invitations w where w.meeting_id = any(:meetings) and w.turn is not null
    )
    update invitations i set turn = null, updated_at = now(), version = i.version + 1
    where i.id in (
        select queue.waiting_id from queue join free on free.id = queue.meeting_id
        where free.places is null or queue.nth <= free.places)
    returning {COLUMNS}
    """  # noqa: S608
).bindparams(bindparam("meetings", type_=ARRAY(Uuid)))
LINE = text(
    """
    select count(*) filter (where answer = 'yes' and turn is null) as taken, coalesce(max(turn), 0) as last
    from invitations where meeting_id = :meeting and state = 'issued' and id <> all(:but)
    """
).bindparams(bindparam("but", type_=ARRAY(Uuid)))
LOCK_PLACES = text("select pg_advisory_xact_lock(hashtextextended('places ' || cast(:meeting as uuid), 0))")


async def admit(session: AsyncSession, meetings: Collection[UUID]) -> list[InvitationState]:
    """Gives the places that are free to who has waited longest; all of them where places are no longer counted. Whoever
    calls it is alone with the places of these meetings."""
    rows = await session.execute(ADMIT, {"meetings": sorted(meetings)})
    return [_fact(InvitationAdmitted, row) for row in rows]


async def follow(
    session: AsyncSession,
    meetings: Collection[UUID],
    *,
    seats: Iterable[UUID] | None = None,
    people: Iterable[UUID] | None = None,
) -> list[InvitationState]:
    """Brings the invitations to these convened meetings in line with who will be entitled on their days: everybody's,
    or those of these seats and people. Some statements for any number of people; the facts are the caller's to stage.
    """
    if not meetings:
        return []
    values = {**asked_of(seats, people), "meetings": sorted(meetings)}
    withdrawn = [_fact(InvitationWithdrawn, row) for row in await session.execute(WITHDRAW, values)]
    issued = [_fact(InvitationIssued, row) for row in await session.execute(ISSUE, values)]
    lapsed = await lapse(session, withdrawn)
    return [*withdrawn, *issued, *lapsed, *(await admit(session, meetings) if withdrawn else [])]


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
    by, via = (None, Channel.ACCOUNT) if own else (actor.id, Channel.COORDINATION)
    return await _answered(session, invitation, meeting, body, request, by, via, now)


async def answer_by_link(session: AsyncSession, actor: Actor, link: Link, request: Answer, *, now: datetime) -> Asked:  # noqa: ARG001 (whoever has the link)
    """May be repeated until the meeting begins: the last answer counts."""
    invitation, meeting, body = await _locked(session, link.subject, request)
    return await _answered(session, invitation, meeting, body, request, None, Channel.LINK, now)


async def answer_by_calendar(session: AsyncSession, invitation_id: UUID, request: Answer, *, now: datetime) -> Asked:
    """What the person's own calendar answered for them; whoever calls it knows that it was theirs. Raises
    UnknownInvitation, MeetingCancelled, MeetingBegun, Withdrawn."""
    invitation, meeting, body = await _locked(session, invitation_id, request)
    return await _answered(session, invitation, meeting, body, request, None, Channel.CALENDAR, now)


async def _locked(session: AsyncSession, invitation_id: UUID, request: Answer) -> tuple[Invitation, Meeting, Any]:
    """The invitation with its meeting and body. Answers to a meeting that touch others' wait for each other; where
    places are counted, all do."""
    invitation = await session.get(Invitation, invitation_id)
    if invitation is None:
        raise UnknownInvitation(invitation_id)
    alone = request.answer in (Reply.YES, Reply.PERHAPS)
    meeting = await session.get(Meeting, invitation.meeting_id, with_for_update={"read": alone}, populate_existing=True)
    assert meeting is not None
    if alone and meeting.capacity is not None:  # nobody counts them now: that would hold the row for itself
        await session.execute(LOCK_PLACES, {"meeting": meeting.id})
    await session.refresh(invitation, with_for_update=True)
    return invitation, meeting, await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)


async def _answered(
    session: AsyncSession,
    invitation: Invitation,
    meeting: Meeting,
    body: Any,
    request: Answer,
    by: UUID | None,
    via: Channel,
    now: datetime,
) -> Asked:
    await queries.require_open(session, invitation, meeting, now)
    delegate = None
    if request.answer is Reply.DELEGATED:
        others = await queries.concerned(session, invitation, request.delegate_id)
        delegate = invitation.delegate(request.delegate_id, others, body.proxies if body is not None else 0)
    elif request.delegate_id is not None:
        raise NotDelegable("not_allowed", "nobody, but with the answer delegated")
    line = await _line(session, meeting, [invitation.id])
    freed = invitation.reply(request.answer, now, by, delegate, via=via, line=line)
    await session.flush()
    fact = state_of(InvitationAnswered, invitation)
    lapsed = await lapse(session, [fact]) if request.answer in (Reply.NO, Reply.DELEGATED) else []
    admitted = await admit(session, [meeting.id]) if freed and line is not None else []
    await stage(session, fact, *lapsed, *admitted)
    return await queries.asked(session, invitation.id)


async def _line(session: AsyncSession, meeting: Meeting, but: Collection[UUID]) -> Line | None:
    """The places of the meeting as they are without these invitations; None where they are not counted."""
    if meeting.capacity is None:
        return None
    row = (await session.execute(LINE, {"meeting": meeting.id, "but": sorted(but)})).one()
    return Line(meeting.capacity, row.taken, row.last)


def state_of(fact: type[InvitationState], invitation: Invitation) -> InvitationState:
    return _fact(fact, invitation)


# --- many answers at once -------------------------------------------------------------------------------------------

MOST_ANSWERS = 1000


class Entry(Answer):
    """What one invited person answered: named by the invitation, or by the person where they have one only."""

    invitation_id: UUID | None = None
    person_id: UUID | None = None


class Entries(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"items": [{"person_id": EXAMPLE_PERSON, "answer": "yes"}]}]},
    )

    items: Annotated[list[Entry], Field(min_length=1, max_length=MOST_ANSWERS)]


@dataclass(frozen=True)
class Entered:
    """How many answers were taken in, and how many of those who said yes wait for a place."""

    recorded: int
    waiting: int


async def enter(session: AsyncSession, actor: Actor, meeting_id: UUID, entries: Entries, *, now: datetime) -> Entered:
    """Takes the whole list in, or says of every row what is wrong with it and takes nothing. Places are given in the
    order of the list. Some statements for any number of answers."""
    meeting = await meeting_queries.for_update(session, meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, Right.ANSWER_FOR_OTHERS, on=now, **meeting_queries.where(meeting.network_id, body))
    queries.require_awaited(meeting, now)
    known = await queries.all_of(session, meeting)
    line = await _line(session, meeting, [])
    proxies = body.proxies if body is not None else 0
    asked = _taken_in(entries.items, known, proxies, actor, line, now)
    rows = await session.execute(ENTER, _columns(asked))
    told = {row.id: _fact(InvitationAnswered, row) for row in rows}
    gone = [fact for fact in told.values() if fact.answer in (Reply.NO, Reply.DELEGATED)]
    for fact in [*await lapse(session, gone), *(await admit(session, [meeting.id]) if line is not None else [])]:
        told[fact.id] = InvitationAnswered(**fact.model_dump()) if fact.id in told else fact
    await stage(session, *told.values())
    return Entered(len(asked), sum(told[one.id].waiting for one in asked))


def _taken_in(
    items: Sequence[Entry], known: Sequence[Known], proxies: int, actor: Actor, line: Line | None, now: datetime
) -> list[Invitation]:
    """The invitations as the list answers them. Raises EntriesRefused with what is wrong with each row."""
    book = rules.Book(known)
    taken: list[Invitation] = []
    wrong: list[FieldError] = []
    for place, item in enumerate(items):
        try:
            invitation = book.asked(item.invitation_id, item.person_id)
            delegate_id = book.delegate(invitation, item.answer, item.delegate_id, proxies)
        except (BadEntry, NotDelegable) as error:
            wrong.append(FieldError(f"/items/{place}{error.path}", error.code, error.accepted))
            continue
        # who says yes anew gets a turn first: those who waited before them come before them
        queue = Line(0, 0, line.last + place) if line is not None else None
        own = actor.person_id == invitation.person_id
        via = Channel.ACCOUNT if own else Channel.COORDINATION
        invitation.reply(item.answer, now, None if own else actor.id, delegate_id, via=via, line=queue)
        taken.append(invitation)
    if wrong:
        raise EntriesRefused(wrong)
    return taken


ANSWERED = ("id", "answer", "answered_at", "answered_by", "delegate_id", "turn", "answered_via")
ENTER = text(
    f"""
    update invitations i
    set answer = given.answer, answered_at = given.answered_at, answered_by = given.answered_by,
        delegate_id = given.delegate_id, turn = given.turn, answered_via = given.answered_via, updated_at = now(),
        version = i.version + 1
    from unnest(:id, :answer, :answered_at, :answered_by, :delegate_id, :turn, :answered_via)
        as given(given_id, answer, answered_at, answered_by, delegate_id, turn, answered_via)
    where i.id = given.given_id
    returning {", ".join("i." + name for name in COLUMNS.split(", "))}
    """  # noqa: S608 (names of our own)
).bindparams(*(bindparam(name, type_=ARRAY(invitations.c[name].type)) for name in ANSWERED))


def _columns(answered: Sequence[Invitation]) -> dict[str, list[Any]]:
    return {name: [getattr(one, name) for one in answered] for name in ANSWERED}


# --- a fresh link -----------------------------------------------------------------------------------------------------

AGAIN = timedelta(minutes=30)
"""Between two links that are asked for: an old address that many open must not fill a mailbox."""


async def ask_for_link(session: AsyncSession, actor: Actor, link: Link, *, now: datetime) -> None:  # noqa: ARG001 (whoever has the old link)
    """Has a fresh link mailed to the invited person, and to nobody else. Raises UnknownInvitation, MeetingCancelled,
    MeetingBegun, Withdrawn."""
    invitation, meeting, _ = await _locked(session, link.subject, Answer(answer=Reply.PERHAPS))
    await queries.require_open(session, invitation, meeting, now)
    if invitation.link_asked_at is not None and now < invitation.link_asked_at + AGAIN:
        return
    invitation.link_asked_at = now
    await session.flush()
    await stage(session, state_of(InvitationLinkRequested, invitation))
