"""Reading programmes: what counts in them, how far they are, and the lock with which meetings take a place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.meetings.rules import Meeting
from services.events.meetings.rules import State as MeetingState
from services.events.meetings.tables import meetings
from services.events.people.tables import people
from services.events.policy import Right, policy
from services.events.series import rules
from services.events.series.rules import (
    Absence,
    Booking,
    Extension,
    Level,
    NoSuchSeries,
    Placed,
    Room,
    RoomState,
    Series,
    State,
    UnknownRoom,
    UnknownSeries,
)
from services.events.series.tables import absences, room_bookings, rooms, series_extensions
from services.events.series.tables import series as programmes
from shared.access.actor import Actor
from shared.access.loading import network_id
from shared.runtime.paging import DEFAULT, Page, page

STANDS = (meetings.c.state != MeetingState.CANCELLED, meetings.c.call == 1)
"""What counts in a programme: drafts too, for they are what is planned. One that was held without a quorum and its
second call are one meeting."""


async def lock(session: AsyncSession, series_id: UUID) -> Series:
    """The programme, its row locked until the transaction ends: one meeting after the other takes a place in it. Who
    refers to the row need not wait. Taken after the convocations of the network and the rows of meetings. Raises
    UnknownSeries."""
    query = select(Series).where(programmes.c.id == series_id).with_for_update(key_share=True)
    found = (await session.scalars(query, execution_options={"populate_existing": True})).one_or_none()
    if found is None:
        raise UnknownSeries(series_id)
    return found


async def require_fits(session: AsyncSession, meeting: Meeting, *, convening: bool = False) -> None:
    """Returns when the meeting, as it is about to be, has a place in its programme, or belongs to none. The programme's
    row stays locked. `convening`: it is about to be convened, which a draft of a programme does not allow. Raises
    NoSuchSeries, OutsideSeries."""
    if meeting.series_id is None:
        return
    with session.no_autoflush:  # the row of the programme is locked before the meeting's own is written
        try:
            series = await lock(session, meeting.series_id)
        except UnknownSeries:
            raise NoSuchSeries from None
        if series.network_id != meeting.network_id:
            raise NoSuchSeries
        others = await placed(session, series.id)
    rules.require_fits(series, others, _placed(meeting), convening=convening)


async def placed(
    session: AsyncSession, series_id: UUID, states: Collection[MeetingState] = tuple(MeetingState)
) -> Sequence[Placed]:
    """The meetings of a programme that stand, in these states. One statement."""
    c = meetings.c
    query = select(c.id, c.body_id, c.mode, c.day, c.level, c.call).where(c.series_id == series_id, *STANDS)
    return [Placed(*row) for row in await session.execute(query.where(c.state.in_(states)))]


def _placed(meeting: Meeting) -> Placed:
    return Placed(meeting.id, meeting.body_id, meeting.mode, meeting.day, meeting.level, meeting.call)


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Named:
    """A programme with the rows of its bodies, in their order, and how many meetings are ahead and have been held. Of a
    body that is not known any more there is no row."""

    series: Series
    bodies: tuple[Any, ...]
    planned: int
    held: int

    @property
    def version(self) -> int:
        return self.series.version


def _counted(*states: MeetingState) -> Any:
    of_it = meetings.c.series_id == programmes.c.id
    return select(func.count()).where(of_it, *STANDS, meetings.c.state.in_(states)).scalar_subquery()


SHOWN = select(
    Series,
    _counted(MeetingState.DRAFT, MeetingState.CONVENED).label("planned"),
    _counted(MeetingState.HELD).label("held"),
)


async def _with_bodies(session: AsyncSession, rows: Sequence[Any]) -> list[Named]:
    """The bodies of all of them in one statement."""
    ids = {body_id for row in rows for body_id in row[0].bodies}
    found = await session.execute(select(bodies).where(bodies.c.id.in_(ids))) if ids else ()
    known = {row.id: row for row in found}
    return [
        Named(row[0], tuple(known[one] for one in row[0].bodies if one in known), row.planned, row.held) for row in rows
    ]


async def named(session: AsyncSession, series_id: UUID) -> Named:
    """Raises UnknownSeries."""
    row = (await session.execute(SHOWN.where(programmes.c.id == series_id))).one_or_none()
    if row is None:
        raise UnknownSeries(series_id)
    return (await _with_bodies(session, [row]))[0]


def may_plan(actor: Actor, network: UUID, rows: Sequence[Any], now: datetime) -> bool:
    """Who may plan for each of the bodies, or for the whole network where none is named."""
    wheres = [{"body": row.id, "territory": row.territory} for row in rows] or [{"body": None, "territory": None}]
    return all(policy.has(actor, Right.PLAN_SERIES, on=now, network=network, **where) for where in wheres)


def require_planner(actor: Actor, network: UUID, rows: Sequence[Any], now: datetime) -> None:
    if not may_plan(actor, network, rows, now):
        where = {"body": rows[0].id, "territory": rows[0].territory} if rows else {"body": None, "territory": None}
        policy.require(actor, Right.PLAN_SERIES, on=now, network=network, **where)
        others = [{"body": row.id, "territory": row.territory} for row in rows[1:]]
        for other in others:
            policy.require(actor, Right.PLAN_SERIES, on=now, network=network, **other)


async def get(session: AsyncSession, actor: Actor, series_id: UUID, *, now: datetime) -> Named:
    """Raises UnknownSeries, Forbidden. A draft is its planners' alone."""
    found = await named(session, series_id)
    network = found.series.network_id
    policy.require(actor, Right.READ_MEETINGS, network=network, on=now)
    if found.series.state is State.DRAFT and not may_plan(actor, network, found.bodies, now):
        raise UnknownSeries(series_id)
    return found


async def listed(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    body: Sequence[UUID] = (),
    state: Sequence[State] = (),
    level: Sequence[Level] = (),
    project: Sequence[UUID] = (),
    on: date | None = None,
    q: str | None = None,
    updated_since: datetime | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Named]:
    """The programmes of a network; drafts for those who may plan in all of it, or for the bodies they plan for."""
    room = await network_id(session, network)
    policy.require(actor, Right.READ_MEETINGS, network=room, on=now)
    c = programmes.c
    query = SHOWN.where(c.network_id == room)
    if not may_plan(actor, room, (), now):
        rows = (await session.execute(select(bodies).where(bodies.c.network_id == room))).all()
        mine = [row.id for row in rows if may_plan(actor, room, [row], now)]
        theirs = (func.cardinality(c.bodies) > 0) & c.bodies.contained_by(mine)
        query = query.where((c.state != State.DRAFT) | theirs)
    for bound in (
        c.bodies.overlap(list(body)) if body else None,
        c.state.in_(state) if state else None,
        c.level.in_(level) if level else None,
        c.project_id.in_(project) if project else None,
        (c.since <= on) & (c.last_day >= on) if on else None,
        c.title.icontains(q, autoescape=True) if q else None,
        c.updated_at >= updated_since if updated_since else None,
    ):
        if bound is not None:
            query = query.where(bound)
    found = await page(session, query, key=[c.id], after=after, limit=limit)
    return Page(await _with_bodies(session, found.items), found.next)


async def extensions(
    session: AsyncSession,
    actor: Actor,
    series_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Extension]:
    """What widened a programme, the first one first."""
    await get(session, actor, series_id, now=now)
    c = series_extensions.c
    return await page(
        session, select(Extension).where(c.series_id == series_id), key=[c.number], after=after, limit=limit
    )


# --- how far it is ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """Meetings ahead (drafts and convened ones) and held; `limit` where a quota or a share sets one, `left` of it."""

    planned: int
    held: int
    limit: int | None
    exact: bool

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(self.limit - self.planned - self.held, 0)


@dataclass(frozen=True)
class OfBody:
    body_id: UUID | None
    figure: Figure
    modes: dict[str, Figure]


@dataclass(frozen=True)
class Progress:
    named: Named
    figure: Figure
    modes: dict[str, Figure]
    bodies: list[OfBody]


async def progress(session: AsyncSession, actor: Actor, series_id: UUID, *, now: datetime) -> Progress:
    """How many meetings of which mode each body has ahead, has held and may still hold."""
    return await figures(session, await get(session, actor, series_id, now=now))


async def figures(session: AsyncSession, named: Named) -> Progress:
    """One statement, however many bodies and meetings."""
    c = meetings.c
    held = c.state == MeetingState.HELD
    query = (
        select(c.body_id, c.mode, func.count().filter(~held).label("planned"), func.count().filter(held).label("held"))
        .where(c.series_id == named.series.id, *STANDS)
        .group_by(c.body_id, c.mode)
    )
    rows = (await session.execute(query)).all()
    series = named.series
    groups = list(series.bodies) or sorted({row.body_id for row in rows}, key=str)
    return Progress(
        named,
        _figure(series, rows),
        {mode: _figure(series, rows, mode=mode) for mode in series.modes},
        [
            OfBody(
                body_id,
                _figure(series, rows, of=[body_id]),
                {mode: _figure(series, rows, mode=mode, of=[body_id]) for mode in series.modes},
            )
            for body_id in groups
        ],
    )


def _figure(series: Series, rows: Sequence[Any], *, mode: str | None = None, of: Sequence[UUID | None] = ()) -> Figure:
    """Of everything, of one mode, of one body (`of`), or of both."""
    counted = [row for row in rows if (mode is None or row.mode == mode) and (not of or row.body_id in of)]
    quota = next((quota for quota in series.allowed if quota.key == (bool(of), mode)), None)
    limits = [quota.count] if quota else []
    share = series.share(of[0]) if of and mode is None else None
    if share is not None:
        limits.append(share)
    return Figure(
        sum(row.planned for row in counted),
        sum(row.held for row in counted),
        min(limits) if limits else None,
        quota is not None and quota.exact,
    )


# --- rooms ------------------------------------------------------------------------------------------------------------

TIMES = (
    func.coalesce(meetings.c.starts_at, room_bookings.c.starts_at),
    func.coalesce(meetings.c.ends_at, room_bookings.c.ends_at),
)
IN_FORCE = room_bookings.c.meeting_id.is_(None) | (
    (meetings.c.state != MeetingState.CANCELLED) & (meetings.c.place == room_bookings.c.place)
)
"""A meeting's booking follows its times, and lapses when it is cancelled or goes somewhere else."""


def _bookings() -> Any:
    return (
        select(Booking, TIMES[0].label("start"), TIMES[1].label("end"), meetings.c.title)
        .outerjoin(meetings, meetings.c.id == room_bookings.c.meeting_id)
        .where(IN_FORCE)
    )


@dataclass(frozen=True)
class Booked:
    """A booking with its times; those of a meeting, where it is one's."""

    booking: Booking
    starts_at: datetime
    ends_at: datetime
    meeting: str | None


async def room(session: AsyncSession, actor: Actor, room_id: UUID, *, now: datetime) -> Room:
    """Raises UnknownRoom, Forbidden."""
    found = await session.get(Room, room_id)
    if found is None:
        raise UnknownRoom(room_id)
    policy.require(actor, Right.PLAN_SERIES, network=found.network_id, on=now)
    return found


async def rooms_locked(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Room]:
    """In the order of their ids, so that nobody waits for somebody who waits for them."""
    query = select(Room).where(rooms.c.id.in_(sorted(ids))).order_by(rooms.c.id).with_for_update(key_share=True)
    return {one.id: one for one in await session.scalars(query, execution_options={"populate_existing": True})}


async def rooms_of(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    state: Sequence[RoomState] = (),
    territory: Sequence[str] = (),
    q: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Room]:
    """The rooms of a network."""
    place = await network_id(session, network)
    policy.require(actor, Right.PLAN_SERIES, network=place, on=now)
    query = select(Room).where(rooms.c.network_id == place)
    if state:
        query = query.where(rooms.c.state.in_(state))
    if territory:
        query = query.where(rooms.c.territory.in_(territory))
    if q:
        query = query.where(rooms.c.title.icontains(q, autoescape=True))
    return await page(session, query, key=[rooms.c.id], after=after, limit=limit)


async def bookings(
    session: AsyncSession,
    actor: Actor,
    room_id: UUID,
    *,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Booked]:
    """The times at which a room is taken, as they were entered."""
    await room(session, actor, room_id, now=now)
    query = _bookings().where(room_bookings.c.room_id == room_id)
    found = await page(session, query, key=[room_bookings.c.id], after=after, limit=limit)
    return Page([Booked(row[0], row.start, row.end, row.title) for row in found.items], found.next)


async def taken(session: AsyncSession, ids: Collection[UUID], since: datetime, until: datetime) -> dict[UUID, Any]:
    """By room, the (start, end, meeting's id) of what overlaps with the time asked about."""
    found: dict[UUID, Any] = {one: [] for one in ids}
    query = _bookings().where(room_bookings.c.room_id.in_(sorted(ids)), TIMES[0] < until, TIMES[1] > since)
    for row in await session.execute(query) if ids else ():
        found[row[0].room_id].append((row.start, row.end, row[0].meeting_id))
    return found


# --- absences ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Away:
    absence: Absence
    name: str


def _away() -> Any:
    name = func.trim(people.c.given_name + " " + people.c.family_name)
    return select(Absence, func.coalesce(name, "").label("name")).outerjoin(people, people.c.id == absences.c.person_id)


async def absences_of(
    session: AsyncSession,
    actor: Actor,
    network: str,
    *,
    person: Sequence[UUID] = (),
    on: date | None = None,
    after: str | None = None,
    limit: int = DEFAULT,
    now: datetime,
) -> Page[Away]:
    """The caller's own; for the coordination also what was recorded in its network. What others declared themselves
    shows only in what is planned."""
    place = await network_id(session, network)
    policy.require(actor, Right.READ_MEETINGS, network=place, on=now)
    seen = absences.c.person_id == actor.person_id
    if policy.has(actor, Right.PLAN_SERIES, network=place, on=now):
        seen = seen | (absences.c.network_id == place)
    query = _away().where(seen)
    if person:
        query = query.where(absences.c.person_id.in_(person))
    if on:
        query = query.where(absences.c.since <= on, absences.c.until > on)
    found = await page(session, query, key=[absences.c.id], after=after, limit=limit)
    return Page([Away(row[0], row.name) for row in found.items], found.next)
