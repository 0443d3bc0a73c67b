"""Reading minutes, and gathering what they are composed from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import queries as attendance
from services.events.attendance.queries import Line, locked
from services.events.attendance.rules import THERE
from services.events.attendance.tables import attendances
from services.events.ballots import results
from services.events.ballots.grids import EVERYBODY
from services.events.ballots.results import Results
from services.events.ballots.rules import Ballot, Kind, Outcome, winners
from services.events.ballots.tables import ballots
from services.events.bodies.tables import bodies
from services.events.decisions import queries as decisions
from services.events.decisions.rules import LABELS
from services.events.decisions.tables import decisions as decisions_table
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import Body
from services.events.meetings.rules import Meeting
from services.events.meetings.tables import meetings
from services.events.minutes.document import Attendee, Best, Decided, Figures, Material, Tally, Voted, approval
from services.events.minutes.rules import AnswerState, Approver, Minutes, Rule, State, UnknownMinutes
from services.events.minutes.tables import approvals, files, minutes
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared.access.actor import Actor
from shared.access.links import LinkInvalid
from shared.access.loading import network_id, network_row
from shared.runtime.paging import DEFAULT, Page, page
from shared.runtime.problems import NotYetKnown


@dataclass(frozen=True)
class Shown:
    """Minutes with what is shown beside them."""

    minutes: Minutes
    meeting: str
    body: Body | None
    tally: Tally
    sha256: str | None

    @property
    def version(self) -> int:
        return self.minutes.version

    @property
    def approved(self) -> str | None:
        """By whom they were approved and when, in a sentence of their language."""
        return approved(self.minutes, self.tally)


def approved(minutes_: Minutes, tally: Tally) -> str | None:
    if minutes_.label is None or minutes_.approved_on is None:
        return None
    language, on = minutes_.document["language"], minutes_.approved_on
    return approval(language, minutes_.approval, minutes_.label, on, tally, silence=minutes_.silence)


def place(minutes_: Minutes, body: Any) -> dict[str, Any]:
    return meeting_queries.where(minutes_.network_id, body)


def _answers(state: AnswerState) -> Any:
    """How many have answered so, of those asked since the minutes were last submitted."""
    theirs = and_(approvals.c.minutes_id == minutes.c.id, approvals.c.round == minutes.c.round)
    return select(func.count()).where(theirs, approvals.c.state == state).correlate(minutes).scalar_subquery()


SHOWN = (
    select(
        Minutes,
        meetings.c.title.label("meeting"),
        bodies.c.id,
        bodies.c.title,
        bodies.c.territory,
        files.c.sha256,
        _answers(AnswerState.APPROVED).label("agreed"),
        _answers(AnswerState.OBJECTED).label("objected"),
    )
    .join(meetings, meetings.c.id == minutes.c.meeting_id)
    .outerjoin(bodies, bodies.c.id == minutes.c.body_id)
    .outerjoin(files, files.c.minutes_id == minutes.c.id)
)


def _shown(row: Any) -> Shown:
    one: Minutes = row[0]
    body = Body(row.id, row.title, row.territory) if row.id is not None else None
    return Shown(one, row.meeting, body, Tally(one.asked, one.needed, row.agreed, row.objected), row.sha256)


async def shown(session: AsyncSession, minutes_id: UUID) -> Shown:
    row = (await session.execute(SHOWN.where(minutes.c.id == minutes_id))).one_or_none()
    if row is None:
        raise UnknownMinutes(minutes_id)
    return _shown(row)


async def get(session: AsyncSession, actor: Actor, minutes_id: UUID, *, now: datetime) -> Shown:
    """Approved ones are the whole network's to read; before that, their writers' and theirs who were invited."""
    found = await shown(session, minutes_id)
    one = found.minutes
    invited = select(_invited(actor)).where(minutes.c.id == one.id).select_from(minutes)
    if await session.scalar(invited):
        return found
    if one.state is State.APPROVED:
        policy.require(actor, Right.READ_MINUTES, network=one.network_id, on=now)
    else:
        policy.require(actor, Right.WRITE_MINUTES, on=now, **place(one, found.body))
    return found


@dataclass(frozen=True)
class Sheet:
    """Minutes and the network's row: for people to read."""

    shown: Shown
    network: Any


async def readable(session: AsyncSession, actor: Actor, minutes_id: UUID, *, now: datetime) -> Sheet:
    found = await get(session, actor, minutes_id, now=now)
    return Sheet(found, await network_row(session, str(found.minutes.network_id)))


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    body: Sequence[UUID] = (),
    meeting: Sequence[UUID] = (),
    state: Sequence[State] = (),
    year: int | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Shown]:
    """The minutes of a network that the caller may read, in the order in which they were begun."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MINUTES, network=room, on=now)
    query = SHOWN.where(minutes.c.network_id == room)
    if not policy.has(actor, Right.WRITE_MINUTES, on=now, **meeting_queries.where(room, None)):
        mine = await _bodies_of_writer(session, actor, room, now)
        query = query.where(or_(minutes.c.state == State.APPROVED, minutes.c.body_id.in_(mine), _invited(actor)))
    for column, values in ((minutes.c.body_id, body), (minutes.c.meeting_id, meeting), (minutes.c.state, state)):
        if values:
            query = query.where(column.in_(values))
    if year is not None:
        query = query.where(minutes.c.year == year)
    found = await page(session, query, key=[minutes.c.id], after=after, limit=limit)
    return Page([_shown(row) for row in found.items], found.next)


def _invited(actor: Actor) -> ColumnElement[bool]:
    return exists().where(
        invitations.c.meeting_id == minutes.c.meeting_id,
        invitations.c.person_id == actor.person_id,
        invitations.c.state == InvitationState.ISSUED,
    )


async def _bodies_of_writer(session: AsyncSession, actor: Actor, network: UUID, now: datetime) -> list[UUID]:
    """A network has tens of bodies, and the policy alone knows whose minutes are the actor's to write."""
    rows = (await session.execute(select(bodies).where(bodies.c.network_id == network))).all()
    may = [policy.has(actor, Right.WRITE_MINUTES, on=now, **meeting_queries.where(network, row)) for row in rows]
    return [row.id for row, yes in zip(rows, may, strict=True) if yes]


@dataclass(frozen=True)
class File:
    """The PDF of approved minutes. `name` is what it is called when it is kept."""

    content: bytes
    sha256: str
    name: str


async def file(session: AsyncSession, actor: Actor, minutes_id: UUID, *, now: datetime) -> File | None:
    """For whoever may read the minutes; None before they are approved (and while it is still being made of those that
    were approved before there were files)."""
    one = (await get(session, actor, minutes_id, now=now)).minutes
    row = (await session.execute(select(files).where(files.c.minutes_id == minutes_id))).one_or_none()
    if row is None:
        return None
    return File(row.content, row.sha256, f"verbale-{(one.label or '').replace('/', '-')}.pdf")


# --- approvals ------------------------------------------------------------------------------------------------------


async def rule_of(session: AsyncSession, actor: Actor, body_id: UUID, *, now: datetime) -> Rule:
    """How the body approves its minutes, for whoever may read them. Raises NotYetKnown, Forbidden."""
    body = await body_row(session, body_id)
    policy.require(actor, Right.READ_MINUTES, network=body.network_id, on=now)
    return await rule(session, body)


async def body_row(session: AsyncSession, body_id: UUID) -> Any:
    row = (await session.execute(select(bodies).where(bodies.c.id == body_id))).one_or_none()
    if row is None:
        raise NotYetKnown("{body_id}", "body")
    return row


async def rule(session: AsyncSession, body: Any, *, lock: bool = False) -> Rule:
    found: Rule | None = await session.get(Rule, body.id, with_for_update=lock or None)
    return found or Rule(body.id, body.network_id)


@dataclass(frozen=True)
class Asked:
    """Somebody who is asked, with their name."""

    approver: Approver
    person: str

    @property
    def version(self) -> int:
        return self.approver.version


NAMED = select(Approver, func.trim(people.c.given_name + " " + people.c.family_name).label("person")).outerjoin(
    people, people.c.id == approvals.c.person_id
)


async def asked(
    session: AsyncSession,
    actor: Actor,
    minutes_id: UUID,
    *,
    state: Sequence[AnswerState] = (),
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Asked]:
    """Who was asked since the minutes were last submitted, and why somebody objects: for those who write them."""
    found = await get(session, actor, minutes_id, now=now)
    policy.require(actor, Right.WRITE_MINUTES, on=now, **place(found.minutes, found.body))
    query = NAMED.where(approvals.c.minutes_id == minutes_id, approvals.c.round == found.minutes.round)
    if state:
        query = query.where(approvals.c.state.in_(state))
    listed_ = await page(session, query, key=[approvals.c.id], after=after, limit=limit)
    return Page([Asked(row[0], row.person or "") for row in listed_.items], listed_.next)


@dataclass(frozen=True)
class Sent:
    """What the page of an approval's link shows."""

    asked: Asked
    shown: Shown
    network: Any

    @property
    def open(self) -> bool:
        return self.shown.minutes.state is State.IN_APPROVAL and self.asked.approver.state is not AnswerState.WITHDRAWN


async def sent(session: AsyncSession, actor: Actor, approval_id: UUID, *, now: datetime) -> Sent:  # noqa: ARG001
    """Raises LinkInvalid when nobody was ever asked this."""
    row = (await session.execute(NAMED.where(approvals.c.id == approval_id))).one_or_none()
    if row is None:
        raise LinkInvalid("approval")
    found = await shown(session, row[0].minutes_id)
    return Sent(Asked(row[0], row.person or ""), found, await network_row(session, str(row[0].network_id)))


async def there(session: AsyncSession, meeting_id: UUID) -> Sequence[UUID]:
    """Who was at the meeting by a mandate, in person or remote: each person once."""
    rows = await session.scalars(
        select(attendances.c.person_id)
        .join(invitations, invitations.c.id == attendances.c.invitation_id)
        .where(
            attendances.c.meeting_id == meeting_id,
            invitations.c.mandate_id.is_not(None),
            attendances.c.mode.in_(THERE),
        )
        .distinct()
        .order_by(attendances.c.person_id)
    )
    return rows.all()


# --- for commands ---------------------------------------------------------------------------------------------------


async def of_meeting(session: AsyncSession, meeting_id: UUID) -> Minutes | None:
    """The minutes of a meeting, if they were begun, as they are now; the caller holds the meeting's lock."""
    query = select(Minutes).where(minutes.c.meeting_id == meeting_id).execution_options(populate_existing=True)
    found: Minutes | None = await session.scalar(query)
    return found


async def for_update(session: AsyncSession, minutes_id: UUID) -> tuple[Minutes, Meeting, Any]:
    """The minutes with their meeting, both locked, and the row of its body; raises UnknownMinutes."""
    one = await session.get(Minutes, minutes_id)
    if one is None:
        raise UnknownMinutes(minutes_id)
    meeting = await locked(session, one.meeting_id)
    await session.refresh(one, with_for_update=True)
    return one, meeting, await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)


async def unapproved(session: AsyncSession, people: Collection[UUID]) -> Sequence[tuple[UUID, UUID]]:
    """(meeting, minutes) of those that may name one of these people and still can be written, in the order of locks."""
    named = [
        exists().where(table.c.meeting_id == minutes.c.meeting_id, table.c.person_id.in_(people))
        for table in (invitations, attendances, decisions_table)
    ]
    query = select(minutes.c.meeting_id, minutes.c.id).where(minutes.c.state != State.APPROVED, or_(*named))
    rows = await session.execute(query.order_by(minutes.c.meeting_id))
    return [(row.meeting_id, row.id) for row in rows]


async def material(session: AsyncSession, meeting: Meeting, body: Any) -> Material:
    """What a meeting that was held left behind."""
    network = await network_row(session, str(meeting.network_id))
    quorum = await attendance.fixed(session, meeting.id)
    assert quorum is not None  # a meeting is held by being closed
    voted = await session.scalars(select(Ballot).where(ballots.c.meeting_id == meeting.id).order_by(ballots.c.id))
    decided = await decisions.of_meeting(session, meeting.id)
    return Material(
        language=network.language,
        network=network.name,
        body=body.title if body is not None else None,
        title=meeting.title,
        founding=meeting.founding,
        starts_at=meeting.starts_at,
        mode=meeting.mode,
        place=meeting.place,
        agenda=[item["title"] for item in meeting.agenda],
        attendees=[_attendee(line) for line in await attendance.all_lines(session, meeting, body)],
        figures=Figures(quorum.call, quorum.entitled, quorum.present, quorum.by_proxy, quorum.needed),
        ballots=[await _voted(session, one) for one in voted.all()],
        decisions=[
            Decided(one.decision.title, LABELS[one.decision.kind], one.owner, one.decision.due) for one in decided
        ],
    )


async def _voted(session: AsyncSession, ballot: Ballot) -> Voted:
    """A ballot as the minutes tell it; only of a scored grid are the papers read again."""
    scored = await results.of_ballot(session, ballot.id) if ballot.outcome is Outcome.SCORED else None
    counts = ballot.counts or [0] * len(ballot.options)
    chosen = ballot.outcome is Outcome.CHOSEN
    return Voted(
        ballot.question,
        ballot.in_favour,
        ballot.against,
        ballot.abstained,
        ballot.entitled_votes if ballot.weighted and ballot.kind is Kind.MOTION else ballot.entitled,
        str(ballot.outcome),
        kind=ballot.kind,
        secret=ballot.secret,
        weighted=ballot.weighted,
        cast=ballot.cast,
        options=list(zip(ballot.options, counts, strict=True)),
        winners=[ballot.options[place] for place in winners(counts, ballot.winners)] if chosen else [],
        cohorts=[(one["title"], one["cast"], one["entitled"]) for one in ballot.cohorts],
        best=_best(ballot, scored) if scored is not None else [],
    )


def _best(ballot: Ballot, scored: Results) -> list[Best]:
    """The best of each field over all papers, every one of those that are tied."""
    grid, found = ballot.cells, []
    for figure in (one for one in scored.figures if one.cohort == EVERYBODY and one.rank == 1):
        field, rest = divmod(figure.cell, grid.of_a_field)
        need, resource = divmod(rest, len(grid.resources))
        mean = figure.mean or 0.0  # a cell with a rank has scores
        found.append(Best(grid.fields[field], grid.needs[need], grid.resources[resource], mean, figure.n))
    return found


def _attendee(line: Line) -> Attendee:
    return Attendee(
        line.person,
        line.organisation,
        str(line.mode) if line.mode else None,
        guest=line.invitation_id is None,
        stood_for_by=line.stood_for_by_name or ("–" if line.stood_for_by else None),
        organisation_id=line.organisation_id,
    )
