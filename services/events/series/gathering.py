"""All that a plan needs to know, read in a handful of statements, however many bodies, people and meetings there are.

What happens in other networks is not seen from here, not even that somebody is busy; what people declared of themselves
counts in all of theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Date, Text, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.invitations.rules import Reply
from services.events.invitations.rules import State as InvitationState
from services.events.invitations.tables import invitations
from services.events.meetings.queries import ENTITLED, NAMED, asked_of
from services.events.meetings.rules import State as MeetingState
from services.events.meetings.tables import meetings
from services.events.people.tables import people
from services.events.series import plans, queries
from services.events.series.holidays import holidays_of
from services.events.series.plans import LONGEST_SEARCH, Group, Interval, Known, Standing, Wishes
from services.events.series.queries import Named
from services.events.series.rules import Room, RoomState, Series, UnknownRoom
from services.events.series.tables import absences, rooms
from shared.access.actor import LATEST, ROME, day, lies_in
from shared.runtime.problems import NotYetKnown

MOST_STEPS, MOST_ASKED = 60, 3_000
"""Days on which somebody enters or leaves: beyond so many (of one body, of all), the first of each month stands for
them, or of every few months."""
HELD_TILL = timedelta(days=LONGEST_SEARCH)


@dataclass(frozen=True)
class Asked:
    """What who asks for a plan wishes. `rooms`: in these only; None: in whatever room the network has."""

    since: date | None
    weekdays: tuple[int, ...]
    times: tuple[time, ...]
    minutes: int
    notice_days: int
    present: int
    avoid: tuple[tuple[date, date], ...]
    rooms: tuple[UUID, ...] | None


@dataclass(frozen=True)
class Gathered:
    groups: tuple[Group, ...]
    standing: tuple[Standing, ...]
    wishes: Wishes
    known: Known
    rooms: Mapping[UUID, Room]
    titles: Mapping[UUID, tuple[str, int]]  # of the programme's meetings, with their versions


async def gather(session: AsyncSession, named: Named, asked: Asked, now: datetime, language: str) -> Gathered:
    """Raises NotYetKnown for a body that has not arrived, UnknownRoom."""
    series, today = named.series, day(now)
    if len(named.bodies) < len(series.bodies):
        raise NotYetKnown("/bodies", "body")
    earliest = max(today + timedelta(days=asked.notice_days), series.since, asked.since or today)
    far = min(series.last_day + HELD_TILL, LATEST)
    standing, titles = await _standing(session, series)
    found = await _rooms(session, series, asked.rooms)
    booked = await queries.taken(session, found, _at(today), _at(far))
    territories = {row.id: row.territory for row in named.bodies}
    members = await _members(session, series, today, far)
    elsewhere = await _elsewhere(session, series, now)
    groups = tuple(
        Group(
            body_id,
            members[body_id],
            holidays_of(territories.get(body_id) if body_id else None, today, far, language),
            elsewhere[body_id],
            tuple(_fitting(found, booked, territories.get(body_id) if body_id else None)),
        )
        for body_id in series.groups
    )
    who = frozenset().union(*(group.everybody for group in groups))
    wishes = Wishes(
        earliest,
        today,
        series.last_day,
        asked.weekdays,
        asked.times,
        asked.minutes,
        asked.present,
        asked.avoid,
        series.min_days,
        series.per_month,
        bool(found),
    )
    known = Known(await _busy(session, series, who, now), await _away(session, series, who, today))
    return Gathered(groups, standing, wishes, known, found, titles)


def _at(on: date) -> datetime:
    return datetime.combine(on, time(), ROME)


async def _standing(session: AsyncSession, series: Series) -> tuple[tuple[Standing, ...], dict[UUID, tuple[str, int]]]:
    c = meetings.c
    query = select(c.id, c.body_id, c.mode, c.starts_at, c.ends_at, c.state, c.title, c.version)
    rows = (await session.execute(query.where(c.series_id == series.id, *queries.STANDS).order_by(c.starts_at))).all()
    standing = tuple(
        Standing(row.id, row.body_id, row.mode, row.starts_at, row.ends_at, row.state is not MeetingState.DRAFT)
        for row in rows
    )
    return standing, {row.id: (row.title, row.version) for row in rows}


STEPS = text(
    "select distinct d from (select since from mandates where network_id = :network"
    " union select ends from mandates where network_id = :network"
    " union select since from seats where network_id = :network"
    " union select until from seats where network_id = :network) as steps(d)"
    " where d > :today and d <= :far order by d limit :most"
)
ENTITLED_ON = text(
    "with asked as (select * from unnest(:keys, :networks, :bodies, :days) as a(key, network_id, body_id, day))"  # noqa: S608
    f" {ENTITLED}"
).bindparams(
    *(bindparam(name, type_=ARRAY(Uuid)) for name in ("keys", "networks", "bodies")),
    bindparam("days", type_=ARRAY(Date)),
    bindparam("seated", type_=ARRAY(Text)),
    *NAMED,
)


async def _members(
    session: AsyncSession, series: Series, today: date, far: date
) -> dict[UUID | None, tuple[tuple[date, frozenset[UUID]], ...]]:
    """Who belongs to each body from which day on: asked for the days on which somebody enters or leaves."""
    asked = {"network": series.network_id, "today": today, "far": far, "most": MOST_STEPS + 1}
    steps = list((await session.execute(STEPS, asked)).scalars())
    if len(steps) > MOST_STEPS or len(steps) * len(series.groups) > MOST_ASKED:
        months = range(today.year * 12 + today.month, far.year * 12 + far.month)
        every = 1 + len(months) * len(series.groups) // MOST_ASKED
        steps = [date(month // 12, month % 12 + 1, 1) for month in months[::every]]
    pairs = [(body_id, on) for body_id in series.groups for on in (today, *steps)]
    keys = [UUID(int=number) for number in range(len(pairs))]
    rows = await session.execute(
        ENTITLED_ON,
        {
            **asked_of(),
            "keys": keys,
            "networks": [series.network_id] * len(pairs),
            "bodies": [body_id for body_id, _ in pairs],
            "days": [on for _, on in pairs],
        },
    )
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for row in rows:
        found[row.key].add(row.person_id)
    members: dict[UUID | None, list[tuple[date, frozenset[UUID]]]] = defaultdict(list)
    for (body_id, on), key in zip(pairs, keys, strict=True):
        members[body_id].append((on, frozenset(found[key])))
    return {body_id: tuple(each) for body_id, each in members.items()}


async def _elsewhere(session: AsyncSession, series: Series, now: datetime) -> dict[UUID | None, frozenset[date]]:
    """The days on which the bodies meet outside the programme."""
    c = meetings.c
    query = select(c.body_id, c.day).where(
        c.body_id.in_(series.bodies),
        c.state.in_([MeetingState.DRAFT, MeetingState.CONVENED]),
        c.series_id.is_distinct_from(series.id),
        c.ends_at > now,
    )
    found: dict[UUID | None, set[date]] = defaultdict(set)
    for row in await session.execute(query):
        found[row.body_id].add(row.day)
    return {body_id: frozenset(found[body_id]) for body_id in series.groups}


DRAFTED = text(
    "with asked as (select id as key, network_id, body_id, day, starts_at, ends_at from meetings"  # noqa: S608
    " where network_id = :network and state = 'draft' and ends_at > :now and series_id is distinct from :series)"
    f" select e.person_id, a.starts_at, a.ends_at from ({ENTITLED}) e join asked a on a.key = e.key"
).bindparams(bindparam("seated", type_=ARRAY(Text)), *NAMED)


async def _busy(
    session: AsyncSession, series: Series, who: Collection[UUID], now: datetime
) -> dict[UUID, tuple[Interval, ...]]:
    """When these people are in meetings that this programme does not count: invited and not declining, or about to be
    when a draft is convened."""
    c, coming = meetings.c, invitations.c.answer.is_(None) | invitations.c.answer.in_([Reply.YES, Reply.PERHAPS])
    invited = (
        select(invitations.c.person_id, c.starts_at, c.ends_at)
        .join(meetings, c.id == invitations.c.meeting_id)
        .where(
            invitations.c.person_id.in_(who),
            invitations.c.state == InvitationState.ISSUED,
            coming,
            c.network_id == series.network_id,
            c.state == MeetingState.CONVENED,
            c.ends_at > now,
            c.series_id.is_distinct_from(series.id) | (c.call != 1),
        )
    )
    drafted = {**asked_of(), "network": series.network_id, "now": now, "series": series.id}
    found: dict[UUID, set[Interval]] = defaultdict(set)
    for rows in (await session.execute(invited), await session.execute(DRAFTED, drafted)):
        for row in rows:
            if row.person_id in who:
                found[row.person_id].add((row.starts_at, row.ends_at))
    return {person: tuple(sorted(times)) for person, times in found.items()}


async def _away(
    session: AsyncSession, series: Series, who: Collection[UUID], today: date
) -> dict[UUID, tuple[tuple[date, date], ...]]:
    c = absences.c
    query = select(c.person_id, c.since, c.until).where(
        c.person_id.in_(who), c.until > today, c.network_id.is_(None) | (c.network_id == series.network_id)
    )
    found: dict[UUID, set[tuple[date, date]]] = defaultdict(set)
    for row in await session.execute(query):
        found[row.person_id].add((row.since, row.until))
    return {person: tuple(sorted(spans)) for person, spans in found.items()}


async def _rooms(session: AsyncSession, series: Series, asked: Sequence[UUID] | None) -> dict[UUID, Room]:
    """Raises UnknownRoom for one that was asked for."""
    query = select(Room).where(rooms.c.network_id == series.network_id, rooms.c.state == RoomState.OPEN)
    if asked is not None:
        query = query.where(rooms.c.id.in_(asked))
    found = {room.id: room for room in await session.scalars(query.order_by(rooms.c.id))}
    for one in asked or ():
        if one not in found:
            raise UnknownRoom(one)
    return found


def _fitting(found: Mapping[UUID, Room], booked: Mapping[UUID, Any], territory: str | None) -> list[plans.Room]:
    """The rooms of a body's territory, or of one in which it lies."""

    def near(room: Room) -> bool:
        own = room.territory
        return own is None or territory is None or lies_in(own, territory) or lies_in(territory, own)

    return [
        plans.Room(room.id, room.capacity, tuple((start, end) for start, end, _ in booked[room.id]))
        for room in found.values()
        if near(room)
    ]


async def names(session: AsyncSession, who: Collection[UUID]) -> dict[UUID, str]:
    """How these people are called; of who was erased, nothing."""
    query = select(people.c.id, people.c.given_name, people.c.family_name).where(people.c.id.in_(who))
    return {row.id: f"{row.given_name} {row.family_name}".strip() for row in await session.execute(query)}
