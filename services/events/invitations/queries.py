"""Reading invitations, with the names of those whom they concern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.events.bodies.tables import bodies, seats
from services.events.documents import queries as documents
from services.events.documents.rules import Document
from services.events.invitations.rules import (
    Invitation,
    Known,
    MeetingBegun,
    MeetingCancelled,
    Reply,
    State,
    UnknownInvitation,
    Withdrawn,
)
from services.events.invitations.tables import invitations
from services.events.mandates.rules import held
from services.events.mandates.tables import mandates
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import Body
from services.events.meetings.rules import Meeting, UnknownMeeting
from services.events.meetings.rules import State as MeetingState
from services.events.meetings.tables import meetings
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.loading import network_row
from shared.runtime.paging import DEFAULT, Page, page

invited, delegates, enterers = (people.alias(name) for name in ("invited", "delegates", "enterers"))


@dataclass(frozen=True)
class Asked:
    """An invitation with its meeting, its body and the names of those whom it concerns."""

    invitation: Invitation
    meeting: Meeting
    body: Body | None
    proxies: int
    person: str
    organisation: str | None
    seat: str | None
    delegate: str | None
    entered_by: str | None

    @property
    def version(self) -> int:
        return self.invitation.version


def _name(of: Any) -> Any:
    return func.trim(of.c.given_name + " " + of.c.family_name)


ASKED = (
    select(
        Invitation,
        Meeting,
        bodies.c.id,
        bodies.c.title,
        bodies.c.territory,
        bodies.c.proxies,
        _name(invited).label("person"),
        organisations.c.title.label("organisation"),
        seats.c.title.label("seat"),
        _name(delegates).label("delegate"),
        _name(enterers).label("entered_by"),
    )
    .join(meetings, meetings.c.id == invitations.c.meeting_id)
    .outerjoin(bodies, bodies.c.id == meetings.c.body_id)
    .outerjoin(seats, seats.c.id == invitations.c.seat_id)
    .outerjoin(organisations, organisations.c.id == invitations.c.organisation_id)
    .outerjoin(invited, invited.c.id == invitations.c.person_id)
    .outerjoin(delegates, delegates.c.id == invitations.c.delegate_id)
    .outerjoin(enterers, enterers.c.id == invitations.c.answered_by)
)


def _asked(row: Any) -> Asked:
    body = Body(row.id, row.title, row.territory) if row.id is not None else None
    return Asked(
        row[0],
        row[1],
        body,
        row.proxies or 0,
        row.person or "",
        row.organisation,
        row.seat,
        row.delegate,
        row.entered_by,
    )


async def asked(session: AsyncSession, invitation_id: UUID) -> Asked:
    """Raises UnknownInvitation."""
    row = (await session.execute(ASKED.where(invitations.c.id == invitation_id))).one_or_none()
    if row is None:
        raise UnknownInvitation(invitation_id)
    return _asked(row)


async def get(session: AsyncSession, actor: Actor, invitation_id: UUID, *, now: datetime) -> Asked:
    """For the invited person, the coordination, and others who are invited to the same meeting."""
    found = await asked(session, invitation_id)
    if actor.person_id != found.invitation.person_id:
        await _require_reader(session, actor, found.meeting, found.body, now)
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    state: Sequence[State] = (),
    answer: Sequence[Reply] = (),
    person: Sequence[UUID] = (),
    organisation: Sequence[UUID] = (),
    waiting: bool | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Asked]:
    """The invitations to a meeting in the order in which they were issued. Raises UnknownMeeting, Forbidden."""
    meeting = await session.get(Meeting, meeting_id)
    if meeting is None:
        raise UnknownMeeting(meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    await _require_reader(session, actor, meeting, body, now)
    query = ASKED.where(invitations.c.meeting_id == meeting_id)
    for column, values in (
        (invitations.c.state, state),
        (invitations.c.answer, answer),
        (invitations.c.person_id, person),
        (invitations.c.organisation_id, organisation),
    ):
        if values:
            query = query.where(column.in_(values))
    if waiting is not None:
        query = query.where(invitations.c.waiting == waiting)
    if updated_since:
        query = query.where(invitations.c.updated_at >= updated_since)
    found = await page(session, query, key=[invitations.c.id], after=after, limit=limit)
    return Page([_asked(row) for row in found.items], found.next)


async def _require_reader(session: AsyncSession, actor: Actor, meeting: Meeting, body: Any, now: datetime) -> None:
    place = meeting_queries.where(meeting.network_id, body)
    if not policy.has(actor, Right.READ_INVITATIONS, on=now, **place) and not await _is_invited(
        session, actor, meeting.id
    ):
        policy.require(actor, Right.READ_INVITATIONS, on=now, **place)


async def _is_invited(session: AsyncSession, actor: Actor, meeting_id: UUID) -> bool:
    if actor.person_id is None:
        return False
    theirs = exists().where(
        invitations.c.meeting_id == meeting_id,
        invitations.c.person_id == actor.person_id,
        invitations.c.state == State.ISSUED,
    )
    return bool(await session.scalar(select(theirs)))


async def concerned(session: AsyncSession, invitation: Invitation, delegate_id: UUID | None) -> Sequence[Invitation]:
    """The invitations to the same meeting that a delegation depends on: the delegate's, those that were delegated to
    the delegate, and those that were delegated to this person."""
    query = select(Invitation).where(
        invitations.c.meeting_id == invitation.meeting_id,
        or_(
            invitations.c.person_id == delegate_id,
            invitations.c.delegate_id.in_([invitation.person_id, delegate_id]),
        ),
    )
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def require_open(session: AsyncSession, invitation: Invitation, meeting: Meeting, now: datetime) -> None:
    """Raises MeetingCancelled, MeetingBegun, or Withdrawn: also when the news of the mandate's end is still being
    followed."""
    require_awaited(meeting, now)
    if invitation.state is State.WITHDRAWN:
        raise Withdrawn
    term = select(mandates.c.since, mandates.c.ends).where(mandates.c.id == invitation.mandate_id)
    mandate = (await session.execute(term)).one_or_none()
    if mandate is not None and not held(mandate.since, mandate.ends, meeting.day):
        raise Withdrawn


def require_awaited(meeting: Meeting, now: datetime) -> None:
    """Raises MeetingCancelled, MeetingBegun."""
    if meeting.state is MeetingState.CANCELLED:
        raise MeetingCancelled
    if not meeting.open_to_answers(now):
        raise MeetingBegun


OWN = [column for column in invitations.c if column.name not in ("updated_at", "waiting")]


async def all_of(session: AsyncSession, meeting: Meeting) -> Sequence[Known]:
    """The invitations to a meeting, tied to no session: what is done to them is only tried. One statement."""
    query = (
        select(*OWN, mandates.c.since, mandates.c.ends)
        .outerjoin(mandates, mandates.c.id == invitations.c.mandate_id)
        .where(invitations.c.meeting_id == meeting.id)
    )
    names = [column.name for column in OWN]
    return [
        Known(
            Invitation(**{name: getattr(row, name) for name in names}),
            row.since is None or held(row.since, row.ends, meeting.day),
        )
        for row in await session.execute(query)
    ]


# --- the page of a link ---------------------------------------------------------------------------------------------

CHOICES = 500
"""Delegates offered on a page; who wants another one asks the secretariat."""


@dataclass(frozen=True)
class Shown:
    """What the page of a link shows: the invitation, the network that invites, who may stand for the person, and the
    meeting's documents."""

    asked: Asked
    network: Any
    delegates: Sequence[tuple[UUID, str]]
    documents: Sequence[Document] = ()


async def shown(session: AsyncSession, actor: Actor, invitation_id: UUID, *, now: datetime) -> Shown:  # noqa: ARG001 (whoever has the link)
    """Raises UnknownInvitation."""
    found = await asked(session, invitation_id)
    network = await network_row(session, str(found.meeting.network_id))
    papers = await documents.of_meeting(session, found.meeting.id)
    return Shown(found, network, await _choices(session, found) if found.proxies else [], papers)


async def still_open(session: AsyncSession, actor: Actor, invitation_id: UUID, *, now: datetime) -> None:  # noqa: ARG001
    """Raises MeetingCancelled, MeetingBegun, Withdrawn, UnknownInvitation."""
    found = await asked(session, invitation_id)
    await require_open(session, found.invitation, found.meeting, now)


async def _choices(session: AsyncSession, of: Asked) -> Sequence[tuple[UUID, str]]:
    """Those who are invited, do not say no, delegate nobody themselves, and can still stand for one more."""
    other = aliased(invitations)
    given = (
        select(func.count())
        .where(
            other.c.meeting_id == of.meeting.id,
            other.c.state == State.ISSUED,
            other.c.delegate_id == invitations.c.person_id,
            other.c.id != of.invitation.id,
        )
        .scalar_subquery()
    )
    name = _name(invited)
    comes = and_(
        or_(invitations.c.answer.is_(None), invitations.c.answer.in_([Reply.YES, Reply.PERHAPS])),
        invitations.c.turn.is_(None),
    )
    query = (
        select(invitations.c.person_id, name.label("name"))
        .join(invited, invited.c.id == invitations.c.person_id)
        .where(
            invitations.c.meeting_id == of.meeting.id,
            invitations.c.state == State.ISSUED,
            invitations.c.person_id != of.invitation.person_id,
            comes,
            given < of.proxies,
            name != "",
        )
        .distinct()
        .order_by(literal_column("name"), invitations.c.person_id)
        .limit(CHOICES)
    )
    return [(row.person_id, row.name) for row in await session.execute(query)]
