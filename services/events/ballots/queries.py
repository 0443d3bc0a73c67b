"""Reading ballots and papers. Figures are shown when a ballot is closed; who voted, to the coordination."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import queries as attendance
from services.events.attendance.tables import attendances
from services.events.ballots.rules import Ballot, Kind, NotYours, NoVoice, Ticket, UnknownBallot, Vote, VoterState
from services.events.ballots.tables import ballots, paper_drafts, voters, votes
from services.events.bodies.tables import bodies
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.mandates.tables import mandates
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import Body
from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState
from services.events.meetings.tables import meetings
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.links import Link, LinkInvalid
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import Invalid


@dataclass(frozen=True)
class Shown:
    """A ballot with its meeting and body, how many votes were cast, and whether the caller is invited to vote."""

    ballot: Ballot
    meeting: Meeting | None
    body: Body | None
    cast: int
    invited: bool

    @property
    def version(self) -> int:
        return self.ballot.version


CAST = select(func.count()).where(votes.c.ballot_id == ballots.c.id).scalar_subquery()


def _called(actor: Actor) -> ColumnElement[bool]:
    return exists().where(
        voters.c.ballot_id == ballots.c.id,
        voters.c.person_id == actor.person_id,
        voters.c.state != VoterState.WITHDRAWN,
    )


async def shown(session: AsyncSession, actor: Actor, ballot: Ballot) -> Shown:
    query = select(CAST, _called(actor)).where(ballots.c.id == ballot.id).select_from(ballots)
    cast, called = (await session.execute(query)).one()
    if ballot.meeting_id is None:
        return Shown(ballot, None, await _body(session, ballot), cast, called)
    meeting = await session.get(Meeting, ballot.meeting_id)
    assert meeting is not None
    known = await meeting_queries.known(session, actor, meeting)
    return Shown(ballot, meeting, known.body, cast, known.invited)


async def _body(session: AsyncSession, ballot: Ballot) -> Body | None:
    row = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    return Body(row.id, row.title, row.territory) if row is not None else None


async def get(session: AsyncSession, actor: Actor, ballot_id: UUID, *, now: datetime) -> Shown:
    """For whoever may read the meeting; without one, for who is called and who may read the network's meetings. Raises
    UnknownBallot, Forbidden."""
    ballot = await session.get(Ballot, ballot_id)
    if ballot is None:
        raise UnknownBallot(ballot_id)
    if ballot.meeting_id is not None:
        await meeting_queries.get(session, actor, ballot.meeting_id, now=now)
    found = await shown(session, actor, ballot)
    if ballot.meeting_id is None and not found.invited:
        policy.require(actor, Right.READ_MEETINGS, network=ballot.network_id, on=now)
    return found


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


async def of_network(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    body: Sequence[UUID] = (),
    kind: Sequence[Kind] = (),
    state: Sequence[str] = (),
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The ballots of a network, in meetings and without, the newest first. `state` is open or closed."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MEETINGS, network=room, on=now)
    query = select(Ballot, CAST, _called(actor), Meeting, bodies.c.id, bodies.c.title, bodies.c.territory)
    query = query.select_from(ballots).outerjoin(meetings, meetings.c.id == ballots.c.meeting_id)
    query = query.outerjoin(bodies, bodies.c.id == ballots.c.body_id).where(ballots.c.network_id == room)
    if body:
        query = query.where(ballots.c.body_id.in_(body))
    if kind:
        query = query.where(ballots.c.kind.in_(kind))
    if len(set(state)) == 1:
        query = query.where(ballots.c.outcome.is_(None) if "open" in state else ballots.c.outcome.is_not(None))
    if q:
        query = query.where(ballots.c.question.icontains(q, autoescape=True))
    if updated_since:
        query = query.where(ballots.c.updated_at >= updated_since)
    found = await page(session, query, key=[ballots.c.id], after=after, limit=limit, descending=True)
    return Page([_shown(row) for row in found.items], found.next)


def _shown(row: Any) -> Shown:
    body = Body(row[4], row[5], row[6]) if row[4] is not None else None
    return Shown(row[0], row[3], body, row[1], row[2])


# --- who voted ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cast:
    """One vote. What it says is None while the ballot is open, for nobody votes after a count, and in a secret one, as
    when it was cast. `entered_by` typed in a paper."""

    voice: UUID
    ballot: Ballot
    invitation_id: UUID | None
    voter_id: UUID | None
    person_id: UUID
    person: str
    organisation_id: UUID | None
    organisation: str | None
    cast_by: UUID
    cast_by_name: str
    cast_at: datetime | None
    entered_by: UUID | None
    cohort: str | None
    weight: int
    vote: Vote | None
    marks: bytes | None


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
            func.coalesce(invitations.c.organisation_id, voters.c.organisation_id).label("organisation_id"),
            organisations.c.title.label("organisation"),
            _name(people).label("person"),
            _name(casters).label("caster"),
        )
        .outerjoin(invitations, invitations.c.id == votes.c.invitation_id)
        .outerjoin(voters, voters.c.id == votes.c.voter_id)
        .outerjoin(
            organisations,
            organisations.c.id == func.coalesce(invitations.c.organisation_id, voters.c.organisation_id),
        )
        .outerjoin(people, people.c.id == votes.c.person_id)
        .outerjoin(casters, casters.c.id == votes.c.cast_by)
        .where(votes.c.ballot_id == ballot_id)
    )
    found = await page(session, query, key=[votes.c.voice], after=after, limit=limit)
    return Page([_cast(row, ballot) for row in found.items], found.next)


def _cast(row: Any, ballot: Ballot) -> Cast:
    return Cast(
        row.voice,
        ballot,
        row.invitation_id,
        row.voter_id,
        row.person_id,
        row.person or "",
        row.organisation_id,
        row.organisation,
        row.cast_by,
        row.caster or "",
        row.cast_at,
        row.entered_by,
        row.cohort,
        row.weight,
        None if ballot.open else row.vote,
        None if ballot.open else row.marks,
    )


def _name(of: Any) -> Any:
    return func.trim(of.c.given_name + " " + of.c.family_name)


# --- whose vote it is -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """A vote that somebody may cast: their own, or that of whom they stand for. `vote` and `marks` are what was cast so
    far, `draft` what was only saved; `voted` also in a secret ballot, where nobody knows what. `version` moves with
    each saving and casting. `within`: where the mandate is, for cohorts."""

    ticket: Ticket
    person: str
    organisation: str | None
    vote: Vote | None
    organisation_id: UUID | None = None
    within: Sequence[str] = ()
    voted: bool = False
    marks: bytes | None = None
    draft: bytes | None = None
    version: int = 0
    cast_at: datetime | None = None
    entered_by: UUID | None = None
    voter_id: UUID | None = None
    place: tuple[str | None, int] | None = None  # cohort and weight, of a voter

    @property
    def id(self) -> UUID:
        """The invitation's, or the voter's."""
        return self.ticket.invitation_id

    @property
    def voice(self) -> UUID:
        return self.ticket.voice


KEPT = (
    votes.c.vote,
    votes.c.marks,
    votes.c.cast_at,
    votes.c.entered_by,
    votes.c.voice.is_not(None).label("voted"),
    paper_drafts.c.marks.label("draft"),
    (func.coalesce(votes.c.version, 0) + func.coalesce(paper_drafts.c.version, 0)).label("paper_version"),
)
"""What is kept of a paper."""


def _kept(row: Any) -> dict[str, Any]:
    return {
        "voted": row.voted,
        "marks": row.marks,
        "draft": row.draft,
        "version": row.paper_version,
        "cast_at": row.cast_at,
        "entered_by": row.entered_by,
    }


async def papers(
    session: AsyncSession, meeting: Meeting | None, body: Any, ballot: Ballot, caster: UUID, now: datetime
) -> list[Paper]:
    """The invitations of the caster, and those of whom they stand for when they are there: who votes is. Of a ballot
    without a meeting, what they were called to."""
    if meeting is None:
        return await _of_voters(session, ballot, voters.c.person_id == caster, now)
    stood_for = await _stood_for(session, meeting, body, caster)
    theirs = await _invitations_of(session, meeting, caster)
    holders = set(theirs)
    wanted = theirs | {absent for absent, holder in stood_for.items() if holder in holders}
    return await _of_invitations(session, body, ballot, wanted, stood_for, now, first=caster)


async def papers_of(
    session: AsyncSession, meeting: Meeting | None, body: Any, ballot: Ballot, ids: Collection[UUID], now: datetime
) -> list[Paper]:
    """Of these invitations to the meeting, or these voters of the ballot; others are left out."""
    if meeting is None:
        return await _of_voters(session, ballot, voters.c.id.in_(ids), now)
    stood_for = await _stood_for(session, meeting, body, None)
    here = select(invitations.c.id).where(invitations.c.meeting_id == meeting.id, invitations.c.id.in_(ids))
    return await _of_invitations(session, body, ballot, set(await session.scalars(here)), stood_for, now)


async def _of_invitations(
    session: AsyncSession,
    body: Any,
    ballot: Ballot,
    wanted: Collection[UUID],
    stood_for: dict[UUID, UUID],
    now: datetime,
    first: UUID | None = None,
) -> list[Paper]:
    persons = await _persons(session, {stood_for[id_] for id_ in wanted if id_ in stood_for})
    voice = invitations.c.seat_id if attendance.seated(body) else invitations.c.person_id
    rows = await session.execute(
        select(
            invitations,
            _held_on(now).label("in_force"),
            mandates.c.within,
            attendances.c.mode,
            *KEPT,
            _name(people).label("person"),
            organisations.c.title.label("organisation"),
        )
        .outerjoin(mandates, mandates.c.id == invitations.c.mandate_id)
        .outerjoin(attendances, attendances.c.invitation_id == invitations.c.id)
        .outerjoin(people, people.c.id == invitations.c.person_id)
        .outerjoin(organisations, organisations.c.id == invitations.c.organisation_id)
        .outerjoin(votes, and_(votes.c.ballot_id == ballot.id, votes.c.invitation_id == invitations.c.id))
        .outerjoin(paper_drafts, and_(paper_drafts.c.ballot_id == ballot.id, paper_drafts.c.voice == voice))
        .where(invitations.c.id.in_(wanted))
        .order_by(invitations.c.person_id != first, invitations.c.state, invitations.c.id)
    )
    made = []
    for row in rows:
        holder, name = persons.get(stood_for.get(row.id), (None, ""))  # type: ignore[arg-type]  # None is in no dict
        own = row.seat_id if attendance.seated(body) else row.person_id
        ticket = Ticket(
            row.id,
            row.person_id,
            own or row.id,
            issued=row.state is InvitationState.ISSUED,
            by_mandate=row.mandate_id is not None and own is not None,
            in_force=bool(row.in_force),
            mode=row.mode,
            proxy=holder,
            proxy_name=name,
        )
        more = {**_kept(row), "organisation_id": row.organisation_id, "within": row.within or ()}
        made.append(Paper(ticket, row.person or "", row.organisation, row.vote, **more))
    return made


async def _of_voters(session: AsyncSession, ballot: Ballot, which: ColumnElement[bool], now: datetime) -> list[Paper]:
    rows = await session.execute(
        select(
            voters,
            _held_on(now).label("in_force"),
            *KEPT,
            _name(people).label("person"),
            organisations.c.title.label("organisation"),
        )
        .outerjoin(mandates, mandates.c.id == voters.c.mandate_id)
        .outerjoin(people, people.c.id == voters.c.person_id)
        .outerjoin(organisations, organisations.c.id == voters.c.organisation_id)
        .outerjoin(votes, and_(votes.c.ballot_id == ballot.id, votes.c.voter_id == voters.c.id))
        .outerjoin(paper_drafts, and_(paper_drafts.c.ballot_id == ballot.id, paper_drafts.c.voice == voters.c.voice))
        .where(voters.c.ballot_id == ballot.id, which)
        .order_by(voters.c.state == VoterState.WITHDRAWN, voters.c.id)
    )
    made = []
    for row in rows:
        issued = row.state is not VoterState.WITHDRAWN
        ticket = Ticket(row.id, row.person_id, row.voice, issued=issued, by_mandate=True, in_force=bool(row.in_force))
        more = {**_kept(row), "organisation_id": row.organisation_id, "voter_id": row.id}
        place = (row.cohort, row.weight)
        made.append(Paper(ticket, row.person or "", row.organisation, row.vote, place=place, **more))
    return made


def _held_on(now: datetime) -> Any:
    return func.coalesce(attendance.held(day(now)), False)


async def _stood_for(session: AsyncSession, meeting: Meeting, body: Any, caster: UUID | None) -> dict[UUID, UUID]:
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

    now: datetime

    @property
    def votable(self) -> bool:
        meeting, ballot = self.shown.meeting, self.shown.ballot
        running = meeting is None or meeting.state is MeetingState.CONVENED
        return ballot.open and not ballot.over(self.now) and running


async def of_link(session: AsyncSession, link: Link) -> tuple[Ballot, UUID]:
    """The ballot of a link and the person whom it was sent to: of an invitation that it names, or of the voter that it
    is about. Raises LinkInvalid."""
    if "invitation" not in link.claims:
        return await _of_voter(session, link)
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


async def _of_voter(session: AsyncSession, link: Link) -> tuple[Ballot, UUID]:
    query = select(Ballot, voters.c.person_id).join(voters, voters.c.ballot_id == ballots.c.id)
    row = (await session.execute(query.where(voters.c.id == link.subject))).one_or_none()
    if row is None:
        raise LinkInvalid("voter")
    return row[0], row[1]


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
    made = Sheet(found, [paper for paper in theirs if paper.ticket.refusal(person) is None], now)
    if made.votable and not made.papers:
        if not theirs:
            raise NotYours
        theirs[0].ticket.require(person)
    return made


async def paper(session: AsyncSession, actor: Actor, ballot_id: UUID, *, now: datetime, voter: UUID | None) -> Slip:
    """One's own paper (`voter` None), or that of an invitation or voter, for who enters papers: what it says only if
    they were entered, or the ballot is closed. Raises UnknownBallot, NotYours, Invalid, Forbidden."""
    ballot = await session.get(Ballot, ballot_id)
    if ballot is None:
        raise UnknownBallot(ballot_id)
    meeting = await session.get(Meeting, ballot.meeting_id) if ballot.meeting_id is not None else None
    body = await meeting_queries.body_of(session, ballot.network_id, ballot.body_id)
    if voter is None:
        if actor.person_id is None:
            raise NotYours
        return Slip(ballot, own(await papers(session, meeting, body, ballot, actor.person_id, now), actor.person_id))
    policy.require(actor, Right.RECORD_PAPERS, on=now, **meeting_queries.where(ballot.network_id, body))
    found = await papers_of(session, meeting, body, ballot, [voter], now)
    if not found:
        raise UnknownBallot(voter)
    return Slip(ballot, found[0], told=found[0].entered_by is not None or not ballot.open)


@dataclass(frozen=True)
class Slip:
    """A paper with its ballot; `told`: may be shown what it says. `replaced`: it was cast over an earlier one."""

    ballot: Ballot
    paper: Paper
    told: bool = True
    replaced: bool = False

    @property
    def version(self) -> int:
        return self.paper.version


def own(found: Sequence[Paper], caster: UUID, id_: UUID | None = None) -> Paper:
    """The paper that was named; else one's own. Raises NotYours, NoVoice, and Invalid when one has several."""
    if id_ is not None:
        found = [paper for paper in found if paper.id == id_]
    else:
        found = [paper for paper in found if paper.ticket.person_id == caster]
    if not found:
        raise NotYours
    standing = [paper for paper in found if paper.ticket.issued]
    if not standing:
        raise NoVoice("withdrawn")
    if len(standing) > 1:
        raise Invalid("/invitation_id", "missing", [str(paper.id) for paper in standing])
    return standing[0]
