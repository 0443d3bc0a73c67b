"""Reading ballots. Their figures are shown when they are closed; who voted, to the coordination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import queries as attendance
from services.events.attendance.tables import attendances
from services.events.ballots.rules import Ballot, Ticket, UnknownBallot, Vote
from services.events.ballots.tables import ballots, votes
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.mandates.tables import mandates
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import Body
from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.links import Link, LinkInvalid
from shared.access.loading import network_row
from shared.runtime.paging import DEFAULT, Page, page


@dataclass(frozen=True)
class Shown:
    """A ballot with its meeting and body, how many votes were cast, and whether the caller is invited."""

    ballot: Ballot
    meeting: Meeting
    body: Body | None
    cast: int
    invited: bool

    @property
    def version(self) -> int:
        return self.ballot.version


CAST = select(func.count()).where(votes.c.ballot_id == ballots.c.id).scalar_subquery()


async def shown(session: AsyncSession, actor: Actor, ballot: Ballot) -> Shown:
    meeting = await session.get(Meeting, ballot.meeting_id)
    assert meeting is not None
    known = await meeting_queries.known(session, actor, meeting)
    cast = await session.scalar(select(CAST).where(ballots.c.id == ballot.id).select_from(ballots))
    return Shown(ballot, meeting, known.body, cast or 0, known.invited)


async def get(session: AsyncSession, actor: Actor, ballot_id: UUID, *, now: datetime) -> Shown:
    """For whoever may read the meeting. Raises UnknownBallot, Forbidden."""
    ballot = await session.get(Ballot, ballot_id)
    if ballot is None:
        raise UnknownBallot(ballot_id)
    await meeting_queries.get(session, actor, ballot.meeting_id, now=now)
    return await shown(session, actor, ballot)


async def listed(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The ballots of a meeting in the order in which they were opened."""
    known = await meeting_queries.get(session, actor, meeting_id, now=now)
    query = select(Ballot, CAST).where(ballots.c.meeting_id == meeting_id)
    found = await page(session, query, key=[ballots.c.id], after=after, limit=limit)
    items = [Shown(row[0], known.meeting, known.body, row[1], known.invited) for row in found.items]
    return Page(items, found.next)


# --- who voted ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cast:
    """One vote. `vote` is None while the ballot is open: nobody votes after a count."""

    voice: UUID
    invitation_id: UUID
    person_id: UUID
    person: str
    organisation_id: UUID | None
    organisation: str | None
    cast_by: UUID
    cast_by_name: str
    cast_at: datetime
    vote: Vote | None


async def cast(
    session: AsyncSession,
    actor: Actor,
    ballot_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Cast]:
    """Who voted; and what, once the ballot is closed. Raises UnknownBallot, Forbidden."""
    ballot = (await get(session, actor, ballot_id, now=now)).ballot
    body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    policy.require(actor, Right.READ_VOTES, on=now, **meeting_queries.where(ballot.network_id, body))
    casters = people.alias("casters")
    query = (
        select(
            votes,
            invitations.c.organisation_id,
            organisations.c.title.label("organisation"),
            _name(people).label("person"),
            _name(casters).label("caster"),
        )
        .join(invitations, invitations.c.id == votes.c.invitation_id)
        .outerjoin(organisations, organisations.c.id == invitations.c.organisation_id)
        .outerjoin(people, people.c.id == votes.c.person_id)
        .outerjoin(casters, casters.c.id == votes.c.cast_by)
        .where(votes.c.ballot_id == ballot_id)
    )
    found = await page(session, query, key=[votes.c.voice], after=after, limit=limit)
    return Page([_cast(row, ballot) for row in found.items], found.next)


def _cast(row: Any, ballot: Ballot) -> Cast:
    return Cast(
        row.voice,
        row.invitation_id,
        row.person_id,
        row.person or "",
        row.organisation_id,
        row.organisation,
        row.cast_by,
        row.caster or "",
        row.cast_at,
        None if ballot.open else row.vote,
    )


def _name(of: Any) -> Any:
    return func.trim(of.c.given_name + " " + of.c.family_name)


# --- whose vote it is -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """A vote that somebody may cast: their own, or that of whom they stand for. `vote` is the one cast so far."""

    ticket: Ticket
    person: str
    organisation: str | None
    vote: Vote | None


async def papers(
    session: AsyncSession, meeting: Meeting, body: Any, ballot: Ballot, caster: UUID, now: datetime
) -> list[Paper]:
    """The invitations of the caster, and those of whom they stand for when they are there: who votes is."""
    stood_for = await _stood_for(session, meeting, body, caster)
    theirs = await _invitations_of(session, meeting, caster)
    holders = set(theirs)
    wanted = theirs | {absent for absent, holder in stood_for.items() if holder in holders}
    persons = await _persons(session, {stood_for[id_] for id_ in wanted if id_ in stood_for})
    rows = await session.execute(
        select(
            invitations,
            _held_on(now).label("in_force"),
            attendances.c.mode,
            votes.c.vote,
            _name(people).label("person"),
            organisations.c.title.label("organisation"),
        )
        .outerjoin(mandates, mandates.c.id == invitations.c.mandate_id)
        .outerjoin(attendances, attendances.c.invitation_id == invitations.c.id)
        .outerjoin(people, people.c.id == invitations.c.person_id)
        .outerjoin(organisations, organisations.c.id == invitations.c.organisation_id)
        .outerjoin(votes, and_(votes.c.ballot_id == ballot.id, votes.c.invitation_id == invitations.c.id))
        .where(invitations.c.id.in_(wanted))
        .order_by(invitations.c.person_id != caster, invitations.c.state, invitations.c.id)
    )
    made = []
    for row in rows:
        holder, name = persons.get(stood_for.get(row.id), (None, ""))  # type: ignore[arg-type]  # None is in no dict
        voice = row.seat_id if attendance.seated(body) else row.person_id
        ticket = Ticket(
            row.id,
            row.person_id,
            voice or row.id,
            issued=row.state is InvitationState.ISSUED,
            by_mandate=row.mandate_id is not None and voice is not None,
            in_force=bool(row.in_force),
            mode=row.mode,
            proxy=holder,
            proxy_name=name,
        )
        made.append(Paper(ticket, row.person or "", row.organisation, row.vote))
    return made


def _held_on(now: datetime) -> Any:
    return func.coalesce(attendance.held(day(now)), False)


async def _stood_for(session: AsyncSession, meeting: Meeting, body: Any, caster: UUID) -> dict[UUID, UUID]:
    if body is None or not body.proxies:
        return {}
    return dict((await attendance.count(session, meeting, body, coming=caster)).stood_for)


async def _invitations_of(session: AsyncSession, meeting: Meeting, person_id: UUID) -> set[UUID]:
    of_them = select(invitations.c.id).where(
        invitations.c.meeting_id == meeting.id, invitations.c.person_id == person_id
    )
    return set(await session.scalars(of_them))


async def _persons(session: AsyncSession, ids: set[UUID]) -> dict[UUID, tuple[UUID, str]]:
    if not ids:
        return {}
    rows = await session.execute(
        select(invitations.c.id, invitations.c.person_id, _name(people).label("person"))
        .outerjoin(people, people.c.id == invitations.c.person_id)
        .where(invitations.c.id.in_(ids))
    )
    return {row.id: (row.person_id, row.person or "") for row in rows}


# --- the page of a link ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """What the page of a link shows: the ballot, and the votes that its holder may cast."""

    shown: Shown
    papers: Sequence[Paper]

    @property
    def votable(self) -> bool:
        return self.shown.ballot.open and self.shown.meeting.state is MeetingState.CONVENED


async def of_link(session: AsyncSession, link: Link) -> tuple[Ballot, UUID]:
    """The ballot of a link and the person whom it was sent to. Raises LinkInvalid."""
    try:
        invitation_id = UUID(str(link.claims.get("invitation")))
    except ValueError as error:
        raise LinkInvalid("invitation") from error
    ballot = await session.get(Ballot, link.subject)
    if ballot is None:
        raise LinkInvalid("ballot")
    person = await session.scalar(
        select(invitations.c.person_id).where(
            invitations.c.id == invitation_id, invitations.c.meeting_id == ballot.meeting_id
        )
    )
    if person is None:
        raise LinkInvalid("invitation")
    return ballot, person


async def network_of(session: AsyncSession, actor: Actor, link: Link, *, now: datetime) -> Any:  # noqa: ARG001
    """The network whose ballot it is: how its pages present themselves. Raises LinkInvalid."""
    ballot, _ = await of_link(session, link)
    return await network_row(session, str(ballot.network_id))


async def sheet(session: AsyncSession, actor: Actor, link: Link, *, now: datetime) -> Sheet:
    """Raises LinkInvalid; while votes are taken NotYours, NoVoice, Delegated or NotThere when there is none to cast."""
    ballot, person = await of_link(session, link)
    found = await shown(session, actor, ballot)
    body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    theirs = await papers(session, found.meeting, body, ballot, person, now)
    made = Sheet(found, [paper for paper in theirs if paper.ticket.refusal(person) is None])
    if made.votable and not made.papers:
        theirs[0].ticket.require(person)
    return made
