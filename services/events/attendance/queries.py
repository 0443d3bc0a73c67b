"""Counting who is there, and reading the list of it.

What counts is chosen by the database (seats and mandates in force on the meeting's day); the figures are the rules'.
The cost of counting is that of what was recorded and delegated, not of how many are invited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.attendance import document, rules
from services.events.attendance.document import Signer
from services.events.attendance.rules import THERE, WITHOUT_BODY, Mode, Quorum, Rule, Voice
from services.events.attendance.tables import attendances, proxies, quorums
from services.events.bodies.rules import SEATED
from services.events.bodies.tables import seats
from services.events.invitations.rules import Invitation, Withdrawn
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.mandates.tables import mandates
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import Body
from services.events.meetings.rules import Meeting, State, UnknownMeeting
from services.events.organisations.tables import organisations
from services.events.people.tables import people
from services.events.policy import Right, policy
from shared import typesetting
from shared.access.actor import Actor
from shared.access.links import LinkInvalid
from shared.access.loading import network_row
from shared.runtime.paging import DEFAULT, Page, page


def held(on: date) -> ColumnElement[bool]:
    """The mandate is held on that day."""
    return and_(mandates.c.since <= on, or_(mandates.c.ends.is_(None), mandates.c.ends > on))


def seated(body: Any) -> bool:
    return body is not None and body.composition in SEATED


def rule_of(body: Any, call: int) -> Rule:
    """What the body asks of a call; without rules for a second one, that of the first."""
    if body is None:
        return WITHOUT_BODY
    asked = body.second_call if call == 2 and body.second_call else body.first_call
    return Rule(asked["numerator"], asked["denominator"], asked["exceeded"], asked["at_least"])


async def locked(session: AsyncSession, meeting_id: UUID, *, shared: bool = False) -> Meeting:
    """The meeting, its row locked: what is recorded of one meeting is recorded one after the other. Votes share the
    lock among themselves. Raises UnknownMeeting."""
    meeting = await session.get(Meeting, meeting_id, with_for_update={"read": shared}, populate_existing=True)
    if meeting is None:
        raise UnknownMeeting(meeting_id)
    return meeting


# --- counting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """`stood_for`: from the invitation of the absent one to that of the one who is there."""

    quorum: Quorum
    stood_for: Mapping[UUID, UUID]


def _voices(meeting: Meeting, body: Any) -> Any:
    """All the voices that there are: the seats of the body on that day, or those who are invited by a mandate."""
    if seated(body):
        open_ = or_(seats.c.until.is_(None), seats.c.until > meeting.day)
        return select(seats.c.id).where(seats.c.body_id == body.id, seats.c.since <= meeting.day, open_)
    return (
        select(invitations.c.person_id)
        .join(mandates, mandates.c.id == invitations.c.mandate_id)
        .where(_issued(meeting), held(meeting.day))
        .distinct()
    )


def _issued(meeting: Meeting) -> ColumnElement[bool]:
    return and_(invitations.c.meeting_id == meeting.id, invitations.c.state == InvitationState.ISSUED)


async def voices(session: AsyncSession, meeting: Meeting, body: Any) -> frozenset[UUID]:
    return frozenset((await session.scalars(_voices(meeting, body))).all())


async def entitled(session: AsyncSession, meeting: Meeting, body: Any) -> int:
    """How many voices there are, vacant seats among them."""
    return await session.scalar(select(func.count()).select_from(_voices(meeting, body).subquery())) or 0


async def count(session: AsyncSession, meeting: Meeting, body: Any, *, coming: UUID | None = None) -> Count:
    """The figures of this moment; as they would be with the person `coming`, unless they are recorded as away. Whoever
    wants to act on them holds the meeting's lock."""
    known = await _known_voices(session, meeting, body, coming)
    by_hand = (
        await session.execute(
            select(proxies.c.invitation_id, proxies.c.holder_id).where(proxies.c.meeting_id == meeting.id)
        )
    ).all()
    limit = body.proxies if body is not None else 0
    stood_for = rules.proxies(known, {row.invitation_id: row.holder_id for row in by_hand}, limit)
    figures = rules.quorum(
        rule_of(body, meeting.call), meeting.call, await entitled(session, meeting, body), known, stood_for
    )
    return Count(figures, stood_for)


async def _known_voices(session: AsyncSession, meeting: Meeting, body: Any, coming: UUID | None) -> list[Voice]:
    """The voices that something was recorded of, or that have delegated somebody; those of who comes are there."""
    voice = invitations.c.seat_id if seated(body) else invitations.c.person_id
    told = or_(
        attendances.c.mode.is_not(None),
        invitations.c.delegate_id.is_not(None),
        exists().where(proxies.c.invitation_id == invitations.c.id),
        invitations.c.person_id == coming,
    )
    found = await session.execute(
        select(
            invitations.c.id,
            invitations.c.person_id,
            voice.label("voice"),
            attendances.c.mode,
            invitations.c.delegate_id,
            invitations.c.answered_at,
        )
        .join(mandates, mandates.c.id == invitations.c.mandate_id)
        .outerjoin(attendances, attendances.c.invitation_id == invitations.c.id)
        .where(_issued(meeting), held(meeting.day), voice.in_(_voices(meeting, body)), told)
    )
    return [
        Voice(
            row.id,
            row.person_id,
            row.voice,
            Mode.REMOTE if row.mode is None and row.person_id == coming else row.mode,
            row.delegate_id,
            row.answered_at,
        )
        for row in found
    ]


async def fixed(session: AsyncSession, meeting_id: UUID) -> Quorum | None:
    """The quorum as it was when the meeting was closed; None before that."""
    row = (await session.execute(select(quorums).where(quorums.c.meeting_id == meeting_id))).one_or_none()
    return Quorum(row.call, row.entitled, row.present, row.by_proxy, row.needed) if row is not None else None


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """The quorum of a meeting, fixed or of this moment, and whether a second call may be convened."""

    meeting: Meeting
    quorum: Quorum
    second_call: bool

    @property
    def version(self) -> int:
        return self.meeting.version


async def figures(session: AsyncSession, meeting: Meeting, body: Any) -> Figures:
    quorum = await fixed(session, meeting.id)
    if quorum is None:
        quorum = (await count(session, meeting, body)).quorum
    has_one = body is not None and body.second_call is not None and meeting.call == 1
    return Figures(meeting, quorum, has_one and not quorum.reached)


async def quorum(session: AsyncSession, actor: Actor, meeting_id: UUID, *, now: datetime) -> Figures:
    """For whoever may read the meeting. Raises UnknownMeeting, Forbidden."""
    found = await meeting_queries.get(session, actor, meeting_id, now=now)
    body = await meeting_queries.body_of(session, found.meeting.network_id, found.meeting.body_id)
    return await figures(session, found.meeting, body)


@dataclass(frozen=True)
class Line:
    """One invitation, or one guest, as the list of attendance shows it. `mode` None: nothing was recorded."""

    id: UUID
    invitation_id: UUID | None
    person_id: UUID
    person: str
    organisation_id: UUID | None
    organisation: str | None
    mode: Mode | None
    stood_for_by: UUID | None  # the person
    stood_for_by_name: str
    recorded_by: UUID | None
    recorded_at: datetime | None


async def require_reader(session: AsyncSession, actor: Actor, meeting_id: UUID, now: datetime) -> Any:
    """The meeting and its body's row, for the coordination and who is invited. Raises UnknownMeeting, Forbidden."""
    found = await meeting_queries.get(session, actor, meeting_id, now=now)
    body = await meeting_queries.body_of(session, found.meeting.network_id, found.meeting.body_id)
    if not found.invited:
        place = meeting_queries.where(found.meeting.network_id, body)
        policy.require(actor, Right.READ_ATTENDANCE, on=now, **place)
    return found.meeting, body


async def listed(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    mode: Sequence[Mode] = (),
    q: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Line]:
    """Everybody who is invited, with what was recorded of them, and the guests."""
    meeting, body = await require_reader(session, actor, meeting_id, now)
    return await lines(session, meeting, body, mode=mode, q=q, after=after, limit=limit)


async def lines(
    session: AsyncSession,
    meeting: Meeting,
    body: Any,
    *,
    only: Collection[UUID] = (),
    mode: Sequence[Mode] = (),
    q: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
) -> Page[Line]:
    """`only`: of these invitations and guests (the ids of their records). `q`: a part of the name, or of the name of
    whom they represent, whatever its accents."""
    roll = _roll(meeting.id).subquery("roll")
    query = select(roll, _name(people), organisations.c.title.label("organisation"))
    query = query.outerjoin(people, people.c.id == roll.c.person_id)
    query = query.outerjoin(organisations, organisations.c.id == roll.c.organisation_id)
    if only:
        query = query.where(or_(roll.c.id.in_(only), roll.c.attendance_id.in_(only)))
    if mode:
        query = query.where(roll.c.mode.in_(mode))
    if q:
        told = func.concat_ws(" ", people.c.given_name, people.c.family_name, organisations.c.title)
        query = query.where(func.strpos(func.unaccented(told), func.unaccented(q)) > 0)
    found = await page(session, query, key=[roll.c.id], after=after, limit=limit)
    holders = await _holders(session, meeting, body, [row.id for row in found.items])
    return Page([_line(row, holders) for row in found.items], found.next)


def _roll(meeting_id: UUID) -> Any:
    """A row for each invitation that stands or was attended, and for each guest."""
    invited = (
        select(
            invitations.c.id,
            invitations.c.id.label("invitation_id"),
            attendances.c.id.label("attendance_id"),
            invitations.c.person_id,
            invitations.c.organisation_id,
            attendances.c.mode,
            attendances.c.recorded_by,
            attendances.c.recorded_at,
        )
        .outerjoin(attendances, attendances.c.invitation_id == invitations.c.id)
        .where(
            invitations.c.meeting_id == meeting_id,
            or_(invitations.c.state == InvitationState.ISSUED, attendances.c.mode.in_(THERE)),
        )
    )
    guests = select(
        attendances.c.id,
        null().label("invitation_id"),
        attendances.c.id.label("attendance_id"),
        attendances.c.person_id,
        attendances.c.organisation_id,
        attendances.c.mode,
        attendances.c.recorded_by,
        attendances.c.recorded_at,
    ).where(attendances.c.meeting_id == meeting_id, attendances.c.invitation_id.is_(None))
    return union_all(invited, guests)


def _name(of: Any) -> Any:
    return func.trim(of.c.given_name + " " + of.c.family_name).label("person")


async def _holders(
    session: AsyncSession, meeting: Meeting, body: Any, ids: Sequence[UUID]
) -> dict[UUID, tuple[UUID, str]]:
    """Who stands for whom: by the invitation of the absent one, the person and their name."""
    if body is None or not body.proxies:
        return {}
    if meeting.state is State.HELD:
        rows = await session.execute(
            select(proxies.c.invitation_id, proxies.c.holder_id).where(proxies.c.invitation_id.in_(ids))
        )
        stood_for = {row.invitation_id: row.holder_id for row in rows}
    else:
        live = (await count(session, meeting, body)).stood_for
        stood_for = {absent: holder for absent, holder in live.items() if absent in set(ids)}
    named = await session.execute(
        select(invitations.c.id, invitations.c.person_id, _name(people))
        .outerjoin(people, people.c.id == invitations.c.person_id)
        .where(invitations.c.id.in_(set(stood_for.values())))
    )
    who = {row.id: (row.person_id, row.person or "") for row in named}
    return {absent: who[holder] for absent, holder in stood_for.items()}


def _line(row: Any, holders: Mapping[UUID, tuple[UUID, str]]) -> Line:
    holder, name = holders.get(row.id, (None, ""))
    return Line(
        row.id,
        row.invitation_id,
        row.person_id,
        row.person or "",
        row.organisation_id,
        row.organisation,
        Mode(row.mode) if row.mode else None,
        holder,
        name,
        row.recorded_by,
        row.recorded_at,
    )


async def all_lines(session: AsyncSession, meeting: Meeting, body: Any) -> list[Line]:
    """The whole list, page by page: for the minutes."""
    found: list[Line] = []
    after: str | None = None
    while True:
        part = await lines(session, meeting, body, after=after, limit=1000)
        found += part.items
        after = part.next
        if after is None:
            return found


# --- at the door ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pass:
    """What the link of a check-in shows: whose it is, for which meeting, what was recorded of them and by whom, and
    whether the caller may record it."""

    invitation: Invitation
    meeting: Meeting
    body: Body | None
    network: Any
    line: Line
    recorded_by: str
    may: bool

    @property
    def there(self) -> bool:
        return self.line.mode in THERE


async def pass_of(session: AsyncSession, actor: Actor, invitation_id: UUID, *, now: datetime) -> Pass:
    """Raises LinkInvalid for an invitation that never was, Withdrawn for one that is no longer."""
    invitation = await session.get(Invitation, invitation_id)
    if invitation is None:
        raise LinkInvalid("invitation")
    meeting = await session.get(Meeting, invitation.meeting_id)
    assert meeting is not None  # a foreign key
    found = await lines(session, meeting, None, only=[invitation.id], limit=1)
    if invitation.state is not InvitationState.ISSUED or not found.items:
        raise Withdrawn
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    line = found.items[0]
    return Pass(
        invitation,
        meeting,
        Body(body.id, body.title, body.territory) if body is not None else None,
        await network_row(session, str(meeting.network_id)),
        line,
        await _name_of(session, line.recorded_by),
        policy.has(actor, Right.RECORD_ATTENDANCE, on=now, **meeting_queries.where(meeting.network_id, body)),
    )


async def _name_of(session: AsyncSession, person_id: UUID | None) -> str:
    """Empty for nobody, and for whom nobody names any more."""
    if person_id is None:
        return ""
    return await session.scalar(select(_name(people)).where(people.c.id == person_id)) or ""


@dataclass(frozen=True)
class Door:
    """What the page for the door shows."""

    meeting: Meeting
    body: Body | None
    network: Any
    name: str
    figures: Figures
    lines: Page[Line]


async def door(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    q: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Door:
    """For whoever records attendance. Raises UnknownMeeting, Forbidden."""
    meeting, row = await _to_record(session, actor, meeting_id, now)
    return Door(
        meeting,
        Body(row.id, row.title, row.territory) if row is not None else None,
        await network_row(session, str(meeting.network_id)),
        await _name_of(session, actor.person_id),
        await figures(session, meeting, row),
        await lines(session, meeting, row, q=q, after=after, limit=limit),
    )


async def require_recorder(session: AsyncSession, actor: Actor, meeting_id: UUID, *, now: datetime) -> None:
    """Raises UnknownMeeting, Forbidden."""
    await _to_record(session, actor, meeting_id, now)


async def _to_record(session: AsyncSession, actor: Actor, meeting_id: UUID, now: datetime) -> tuple[Meeting, Any]:
    meeting = await session.get(Meeting, meeting_id)
    if meeting is None:
        raise UnknownMeeting(meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, Right.RECORD_ATTENDANCE, on=now, **meeting_queries.where(meeting.network_id, body))
    return meeting, body


# --- signature sheets -----------------------------------------------------------------------------------------------


async def sheet(session: AsyncSession, actor: Actor, meeting_id: UUID, blank: int, *, now: datetime) -> bytes:
    """The PDF to sign, for whoever records attendance. Raises UnknownMeeting, Forbidden."""
    meeting, _ = await _to_record(session, actor, meeting_id, now)
    return await signature_sheet(session, meeting, blank)


async def signature_sheet(session: AsyncSession, meeting: Meeting, blank: int = 0) -> bytes:
    """A line for each person invited, by the body that they represent, and `blank` ones for whoever else comes. Made in
    a thread: of 1,000 people it takes about a second."""
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    network = await network_row(session, str(meeting.network_id))
    signers = [
        Signer(one.person, one.organisation, str(one.mode) if one.mode else None, one.stood_for_by_name or None)
        for one in await all_lines(session, meeting, body)
    ]
    data = document.sheet(
        language=network.language,
        network=network.name,
        body=body.title if body is not None else None,
        title=meeting.title,
        starts_at=meeting.starts_at,
        place=meeting.place,
        signers=signers,
        blank=blank,
    )
    return await asyncio.to_thread(typesetting.pdf, document.TEMPLATE, data, meeting.day)
