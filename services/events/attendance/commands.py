"""Recording who was there, and closing a meeting. The meeting's row is locked first, by every command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import Field
from sqlalchemy import delete, exists, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.events.attendance import queries
from services.events.attendance.queries import Figures, Line, locked
from services.events.attendance.rules import (
    THERE,
    BallotsOpen,
    HasVoted,
    Mode,
    NotBegun,
    NotInCourse,
    OtherMeeting,
    TooManyProxies,
    WrongItem,
    in_parts,
    require_today,
)
from services.events.attendance.tables import attendances, proxies, quorums
from services.events.ballots.tables import ballots, votes
from services.events.invitations.rules import Invitation, Withdrawn
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.mandates.tables import mandates
from services.events.meetings import queries as meeting_queries
from services.events.meetings.commands import state_of
from services.events.meetings.rules import Meeting
from services.events.meetings.rules import Mode as MeetingMode
from services.events.meetings.rules import State as MeetingState
from services.events.policy import Right, policy
from shared.access.actor import Actor, day
from shared.access.links import LinkInvalid
from shared.contracts.events import AttendanceClosed, MeetingHeld
from shared.messaging import stage
from shared.runtime.problems import NotYetKnown, expect
from shared.runtime.shapes import Request

MOST = 1000


class Item(Request):
    """How one invitation, or one person, attended: whoever is not invited is a guest. `proxy_for` are the invitations
    (one or a list) that this one stands for, from now on these alone; left out, they stay as they are."""

    invitation_id: UUID | None = None
    person_id: UUID | None = None
    mode: Mode
    proxy_for: UUID | Annotated[list[UUID], Field(max_length=100)] | None = None

    @property
    def absent(self) -> list[UUID] | None:
        if self.proxy_for is None or isinstance(self.proxy_for, list):
            return self.proxy_for
        return [self.proxy_for]


class Roll(Request):
    items: Annotated[list[Item], Field(min_length=1, max_length=MOST)]


@dataclass(frozen=True)
class Recorded:
    """What was recorded, and the quorum that it makes."""

    lines: Sequence[Line]
    figures: Figures


async def record(session: AsyncSession, actor: Actor, meeting_id: UUID, roll: Roll, *, now: datetime) -> Recorded:
    """Takes the whole list or nothing of it. What was recorded before is corrected, until the meeting is closed."""
    meeting, body = await _in_course(session, actor, meeting_id, Right.RECORD_ATTENDANCE, now)
    found = await _invitations(session, meeting, roll.items)
    rows, guests = _rows(meeting, roll.items, found, actor, now)
    await _require_known(session, meeting, guests)
    written = [row["invitation_id"] for row in rows]
    if rows:
        await session.execute(UPSERT, rows)
    if guests:
        guests_written = await session.scalars(UPSERT_GUEST, list(guests.values()))
        written += list(guests_written)
    come = [row["invitation_id"] for row in rows if row["mode"] in THERE]
    await session.execute(delete(proxies).where(proxies.c.invitation_id.in_(come)))  # they speak for themselves
    await _record_proxies(session, meeting, body, roll.items, found, actor, now)
    await _require_voters_there(session, meeting, body, roll.items, found)
    shown = await queries.lines(session, meeting, body, only=written, limit=len(written))
    return Recorded(shown.items, await queries.figures(session, meeting, body))


async def take_part(session: AsyncSession, meeting: Meeting, person_id: UUID, now: datetime) -> None:
    """Who votes is there: recorded so by themselves, unless something is recorded of them already."""
    await take_part_all(session, meeting, [person_id], person_id, now)


async def take_part_all(
    session: AsyncSession, meeting: Meeting, people: Collection[UUID], by: UUID | None, now: datetime
) -> None:
    """The same of several, whose votes `by` enters: in two statements."""
    mode = Mode.PRESENT if meeting.mode is MeetingMode.IN_PERSON else Mode.REMOTE
    theirs = (
        await session.execute(
            select(invitations.c.id, invitations.c.organisation_id, invitations.c.person_id)
            .join(mandates, mandates.c.id == invitations.c.mandate_id)
            .where(
                invitations.c.meeting_id == meeting.id,
                invitations.c.person_id.in_(people),
                invitations.c.state == InvitationState.ISSUED,
                queries.held(meeting.day),
            )
            .order_by(invitations.c.id)
        )
    ).all()
    rows = [_row(meeting, row.id, row.person_id, row.organisation_id, mode, by, now) for row in theirs]
    if rows:
        await session.execute(insert(attendances).values(rows).on_conflict_do_nothing())


async def close(
    session: AsyncSession, actor: Actor, meeting_id: UUID, *, expected: int | None, now: datetime
) -> Figures:
    """The meeting has been held: its quorum is what it is now, and stays. One that was never reached is an outcome,
    not an error: nothing was decided, and a second call may be convened where the body's rules know one."""
    meeting, body = await _in_course(session, actor, meeting_id, Right.CONVENE_MEETINGS, now)
    expect(expected, meeting.version)
    if not meeting.begun(now):
        raise NotBegun(meeting.starts_at)
    open_ = (
        await session.scalars(
            select(ballots.c.id).where(ballots.c.meeting_id == meeting.id, ballots.c.outcome.is_(None))
        )
    ).all()
    if open_:
        raise BallotsOpen(open_)
    counted = await queries.count(session, meeting, body)
    await _fix(session, meeting, counted, actor, now)
    meeting.close(now, quorate=counted.quorum.reached)
    await session.flush()
    await stage(session, state_of(MeetingHeld, meeting), *await _who_was_there(session, meeting))
    return await queries.figures(session, meeting, body)


async def _who_was_there(session: AsyncSession, meeting: Meeting) -> list[AttendanceClosed]:
    """Everybody once, in parts that each fit into a fact; a meeting is closed once, so each part is told once."""
    there = select(attendances.c.person_id).where(attendances.c.meeting_id == meeting.id, attendances.c.mode.in_(THERE))
    people = (await session.scalars(there.distinct().order_by(attendances.c.person_id))).all()
    return [
        AttendanceClosed(
            id=uuid5(meeting.id, f"attendance/{part}"),
            version=1,
            network_id=meeting.network_id,
            meeting_id=meeting.id,
            body_id=meeting.body_id,
            series_id=meeting.series_id,
            starts_at=meeting.starts_at,
            part=part,
            people=those,
        )
        for part, those in enumerate(in_parts(people), 1)
    ]


async def _in_course(
    session: AsyncSession, actor: Actor, meeting_id: UUID, right: Right, now: datetime
) -> tuple[Meeting, Any]:
    """The meeting, locked, with its body's row. Raises UnknownMeeting, Forbidden, NotInCourse."""
    meeting = await locked(session, meeting_id)
    body = await meeting_queries.body_of(session, meeting.network_id, meeting.body_id)
    policy.require(actor, right, on=now, **meeting_queries.where(meeting.network_id, body))
    if meeting.state is not MeetingState.CONVENED:
        raise NotInCourse(meeting.state)
    return meeting, body


# --- the list -------------------------------------------------------------------------------------------------------

Found = Mapping[int, Sequence[Invitation]]
"""The invitations that each item of the list is about, by its place; none: a guest."""


async def _invitations(session: AsyncSession, meeting: Meeting, items: Sequence[Item]) -> Found:
    """Raises WrongItem: neither or both of an invitation and a person, another meeting's invitation, one twice."""
    ids = {item.invitation_id for item in items} | {id_ for item in items for id_ in item.absent or ()}
    people = {item.person_id for item in items}
    query = select(Invitation).where(
        invitations.c.meeting_id == meeting.id,
        or_(invitations.c.id.in_(ids - {None}), invitations.c.person_id.in_(people - {None})),
    )
    known = (await session.scalars(query.order_by(invitations.c.id))).all()
    by_id = {invitation.id: invitation for invitation in known}
    found: dict[int, list[Invitation]] = {}
    seen: set[UUID | None] = set()
    for place, item in enumerate(items):
        found[place] = _of_item(place, item, by_id)
        about: set[UUID | None] = {one.id for one in found[place]} or {item.person_id}
        if about & seen:
            raise WrongItem(f"/items/{place}", "repeated", "each invitation and each person once")
        seen |= about
        for which in item.absent or ():
            if which not in by_id or by_id[which].state is not InvitationState.ISSUED:
                raise WrongItem(f"/items/{place}/proxy_for", "unknown", "an invitation to this meeting that stands")
    return found


def _of_item(place: int, item: Item, by_id: Mapping[UUID, Invitation]) -> list[Invitation]:
    if (item.invitation_id is None) == (item.person_id is None):
        raise WrongItem(f"/items/{place}", "one_of", "either invitation_id or person_id")
    if item.invitation_id is not None:
        invitation = by_id.get(item.invitation_id)
        if invitation is None or invitation.state is not InvitationState.ISSUED:
            raise WrongItem(f"/items/{place}/invitation_id", "unknown", "an invitation to this meeting that stands")
        return [invitation]
    return [one for one in by_id.values() if one.person_id == item.person_id and one.state is InvitationState.ISSUED]


def _rows(
    meeting: Meeting, items: Sequence[Item], found: Found, actor: Actor, now: datetime
) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    """The rows of those who are invited, and of the guests by their place in the list."""
    rows: list[dict[str, Any]] = []
    guests: dict[int, dict[str, Any]] = {}
    for place, item in enumerate(items):
        rows += [
            _row(meeting, one.id, one.person_id, one.organisation_id, item.mode, actor.id, now) for one in found[place]
        ]
        if not found[place]:
            assert item.person_id is not None
            if item.mode not in THERE:
                raise WrongItem(f"/items/{place}/mode", "guest", "present or remote: a guest is there or is none")
            if item.absent:
                raise WrongItem(f"/items/{place}/proxy_for", "guest", "nothing: a guest stands for nobody")
            guests[place] = _row(meeting, None, item.person_id, None, item.mode, actor.id, now)
    return sorted(rows, key=lambda row: row["invitation_id"]), guests


def _row(
    meeting: Meeting,
    invitation_id: UUID | None,
    person_id: UUID,
    organisation_id: UUID | None,
    mode: Mode,
    by: UUID | None,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "meeting_id": meeting.id,
        "network_id": meeting.network_id,
        "invitation_id": invitation_id,
        "person_id": person_id,
        "organisation_id": organisation_id,
        "mode": mode,
        "recorded_by": by,
        "recorded_at": now,
    }


async def _require_known(session: AsyncSession, meeting: Meeting, guests: Mapping[int, dict[str, Any]]) -> None:
    """A guest is somebody who has had a mandate in this network: whom only others know is nobody's to name here."""
    asked = {row["person_id"] for row in guests.values()}
    if not asked:
        return
    known = set(
        await session.scalars(
            select(mandates.c.person_id)
            .where(mandates.c.network_id == meeting.network_id, mandates.c.person_id.in_(asked))
            .distinct()
        )
    )
    for place, row in guests.items():
        if row["person_id"] not in known:
            raise NotYetKnown(f"/items/{place}/person_id", "person")


def _upsert(*index: Any, guests: bool) -> Any:
    statement = insert(attendances)
    new = {name: statement.excluded[name] for name in ("mode", "recorded_by", "recorded_at")}
    where = attendances.c.invitation_id.is_(None) if guests else None
    return statement.on_conflict_do_update(index_elements=index, index_where=where, set_=new)


UPSERT = _upsert(attendances.c.invitation_id, guests=False)
UPSERT_GUEST = _upsert(attendances.c.meeting_id, attendances.c.person_id, guests=True).returning(attendances.c.id)


# --- proxies --------------------------------------------------------------------------------------------------------


async def _record_proxies(
    session: AsyncSession,
    meeting: Meeting,
    body: Any,
    items: Sequence[Item],
    found: Found,
    actor: Actor,
    now: datetime,
) -> None:
    """Raises WrongItem for who cannot stand for whom, TooManyProxies beyond what the body allows."""
    limit = body.proxies if body is not None else 0
    for place, item in enumerate(items):
        if item.absent is None or not found[place]:
            continue
        holder, path = found[place][0], f"/items/{place}/proxy_for"
        if item.absent and item.mode not in THERE:
            raise WrongItem(path, "not_there", "nothing: who is not there stands for nobody")
        if len(set(item.absent)) > limit:
            raise TooManyProxies(path, limit)
        await session.execute(delete(proxies).where(proxies.c.holder_id.in_([one.id for one in found[place]])))
        if item.absent:
            await _require_away(session, holder, item.absent, path)
            given = [
                {
                    "invitation_id": absent,
                    "holder_id": holder.id,
                    "meeting_id": meeting.id,
                    "recorded_by": actor.id,
                    "recorded_at": now,
                }
                for absent in sorted(set(item.absent))
            ]
            statement = insert(proxies).values(given)
            new = {name: statement.excluded[name] for name in ("holder_id", "recorded_by", "recorded_at")}
            await session.execute(statement.on_conflict_do_update(index_elements=["invitation_id"], set_=new))
    await _require_within(session, meeting, items, found, limit)


async def _require_away(session: AsyncSession, holder: Invitation, absent: Sequence[UUID], path: str) -> None:
    theirs = await session.execute(
        select(invitations.c.id, invitations.c.person_id, attendances.c.mode)
        .outerjoin(attendances, attendances.c.invitation_id == invitations.c.id)
        .where(invitations.c.id.in_(absent))
    )
    for row in theirs:
        if row.person_id == holder.person_id:
            raise WrongItem(path, "self", "invitations of other people")
        if row.mode in THERE:
            raise WrongItem(path, "there", "invitations of people who are not there")


async def _require_within(
    session: AsyncSession, meeting: Meeting, items: Sequence[Item], found: Found, limit: int
) -> None:
    """No person stands for more than the limit, in whichever of their seats it was recorded."""
    rows = await session.scalars(
        select(invitations.c.person_id)
        .join(proxies, proxies.c.holder_id == invitations.c.id)
        .where(proxies.c.meeting_id == meeting.id)
    )
    over = {person for person, held in Counter(rows).items() if held > limit}
    for place, item in enumerate(items):
        if item.absent and found[place][0].person_id in over:
            raise TooManyProxies(f"/items/{place}/proxy_for", limit)


async def _require_voters_there(
    session: AsyncSession, meeting: Meeting, body: Any, items: Sequence[Item], found: Found
) -> None:
    """A vote that was cast stays with somebody who is there, for themselves or for whom they stand for."""
    there = exists().where(
        attendances.c.meeting_id == meeting.id,
        attendances.c.person_id == votes.c.cast_by,
        attendances.c.mode.in_(THERE),
    )
    cast = (
        await session.execute(
            select(votes.c.invitation_id, votes.c.person_id, votes.c.cast_by, there.label("there"))
            .join(ballots, ballots.c.id == votes.c.ballot_id)
            .where(ballots.c.meeting_id == meeting.id, or_(~there, votes.c.cast_by != votes.c.person_id))
        )
    ).all()
    if not cast:
        return
    stood_for = (await queries.count(session, meeting, body)).stood_for
    own = await session.scalars(
        select(attendances.c.invitation_id).where(attendances.c.meeting_id == meeting.id, attendances.c.mode.in_(THERE))
    )
    spoken_for = set(own) | set(stood_for)
    for vote in cast:
        if not vote.there or vote.invitation_id not in spoken_for:
            raise HasVoted(_path(vote, items, found), vote.invitation_id)


def _path(vote: Any, items: Sequence[Item], found: Found) -> str:
    """The item that would take the vote's ground away."""
    for place in range(len(items)):
        if any(one.person_id == vote.cast_by for one in found[place]):
            return f"/items/{place}"
    return "/items"


# --- at the door ----------------------------------------------------------------------------------------------------

There = Literal[Mode.PRESENT, Mode.REMOTE]


@dataclass(frozen=True)
class CheckedIn:
    """Somebody who has come; `already`: they had been recorded before, and that stands."""

    line: Line
    figures: Figures
    already: bool


async def check_in(
    session: AsyncSession,
    actor: Actor,
    invitation_id: UUID,
    mode: There,
    *,
    meeting_id: UUID | None = None,
    now: datetime,
) -> CheckedIn:
    """Records who shows the code of their invitation, in all their seats, on the days of the meeting and once: what was
    recorded first stands. Raises LinkInvalid, OtherMeeting, Forbidden, NotInCourse, Withdrawn, NotToday."""
    invitation = await session.get(Invitation, invitation_id)
    if invitation is None:
        raise LinkInvalid("invitation")
    meeting, body = await _in_course(session, actor, invitation.meeting_id, Right.RECORD_ATTENDANCE, now)
    if meeting_id not in (None, meeting.id):
        raise OtherMeeting
    await session.refresh(invitation)
    if invitation.state is not InvitationState.ISSUED:
        raise Withdrawn
    require_today(meeting.day, day(meeting.ends_at), day(now))
    shown = await queries.lines(session, meeting, body, only=[invitation.id], limit=1)
    if shown.items[0].mode in THERE:
        return CheckedIn(shown.items[0], await queries.figures(session, meeting, body), already=True)
    come = Roll(items=[Item(person_id=invitation.person_id, mode=mode)])
    recorded = await record(session, actor, meeting.id, come, now=now)
    line = next(line for line in recorded.lines if line.invitation_id == invitation.id)
    return CheckedIn(line, recorded.figures, already=False)


# --- closing --------------------------------------------------------------------------------------------------------


async def _fix(session: AsyncSession, meeting: Meeting, counted: queries.Count, actor: Actor, now: datetime) -> None:
    """Keeps the figures, and of the proxies those that were in force."""
    figures = counted.quorum
    await session.execute(
        insert(quorums).values(
            meeting_id=meeting.id,
            call=figures.call,
            entitled=figures.entitled,
            present=figures.present,
            by_proxy=figures.by_proxy,
            needed=figures.needed,
            reached=figures.reached,
            fixed_by=actor.id,
            fixed_at=now,
        )
    )
    pairs = sorted(counted.stood_for.items())
    values = {
        "meeting": meeting.id,
        "absent": [absent for absent, _ in pairs],
        "holders": [holder for _, holder in pairs],
        "now": now,
    }
    await session.execute(DROP_PROXIES, values)
    await session.execute(KEEP_PROXIES, values)


DROP_PROXIES = text(
    """
    delete from proxies p where p.meeting_id = :meeting and not exists (
        select from unnest(cast(:absent as uuid[]), cast(:holders as uuid[])) as f(invitation_id, holder_id)
        where (f.invitation_id, f.holder_id) = (p.invitation_id, p.holder_id))
    """
)
KEEP_PROXIES = text(
    """
    insert into proxies (invitation_id, holder_id, meeting_id, recorded_at)
    select f.invitation_id, f.holder_id, :meeting, :now
    from unnest(cast(:absent as uuid[]), cast(:holders as uuid[])) as f(invitation_id, holder_id)
    on conflict do nothing
    """
)
