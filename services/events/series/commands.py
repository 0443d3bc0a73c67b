"""What may be done with programmes, rooms and absences. Each command on a programme locks its row."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.events.bodies.tables import bodies
from services.events.mandates.tables import mandates
from services.events.meetings import commands as meeting_commands
from services.events.meetings import queries as meeting_queries
from services.events.meetings.queries import Known
from services.events.meetings.rules import BodyElsewhere, Mode, Overlapping
from services.events.meetings.rules import State as MeetingState
from services.events.meetings.tables import meetings
from services.events.policy import Right, policy
from services.events.series import gathering, planning, queries, rules
from services.events.series.gathering import Asked, Gathered
from services.events.series.lacking import targets
from services.events.series.plans import LONGEST_SEARCH, Plan
from services.events.series.queries import Named
from services.events.series.rules import (
    Absence,
    Booking,
    Extension,
    Level,
    MeetingsPending,
    OutsideSeries,
    Room,
    RoomState,
    Series,
    State,
    UnknownAbsence,
    UnknownBooking,
    UnknownRoom,
)
from services.events.series.tables import room_bookings
from shared import territories
from shared.access.actor import EARLIEST, LATEST, Actor, day
from shared.access.loading import network_id
from shared.contracts.events import (
    Quota,
    SeriesAdopted,
    SeriesChanged,
    SeriesClosed,
    SeriesExtended,
    SeriesState,
)
from shared.messaging import stage
from shared.runtime.problems import Invalid, NotYetKnown, expect
from shared.runtime.shapes import NOT_GIVEN, Instant, Request, line, prose

Title = Annotated[str, line(300)]
Prose = Annotated[str, prose(5_000)]
Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
Count = Annotated[int, Field(ge=1, le=rules.LARGEST_COUNT)]
Share = Annotated[int, Field(ge=0, le=rules.LARGEST_COUNT)]


class QuotaBody(Request):
    """At most `count` meetings, or exactly so many (`exact`): of all bodies together or of each (`each`), of one `mode`
    only where it is named."""

    count: Count
    each: bool = False
    mode: Mode | None = None
    exact: bool = False


class Frame(Request):
    """A programme of meetings, from `since` to `last_day` (included). Without `bodies` any body of the network may meet
    in it. `shares` are the bodies' own numbers of meetings, in their order; left out, what all may hold together is
    split evenly. `min_days` between two meetings of one body, at most `per_month` of them in a calendar month."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "title": "Palestre di capacità",
                    "since": "2030-01-01",
                    "last_day": "2030-12-31",
                    "bodies": [
                        "01936f5e-8a00-7000-8000-0000000000b1",
                        "01936f5e-8a00-7000-8000-0000000000b2",
                    ],
                    "quotas": [{"count": 6, "exact": True}, {"count": 1, "each": True, "mode": "in_person"}],
                    "shares": [4, 2],
                    "min_days": 14,
                }
            ]
        },
    )

    title: Title
    since: Day
    last_day: Day
    level: Level | None = None
    bodies: list[UUID] = Field(default=[], max_length=rules.MOST_BODIES)
    shares: list[Share] | None = Field(default=None, max_length=rules.MOST_BODIES)
    quotas: list[QuotaBody] = Field(default=[], max_length=10)
    modes: list[Mode] = Field(default=[], max_length=3, description="Those that are allowed; all if not said")
    min_days: int | None = Field(default=None, ge=1, le=366)
    per_month: int | None = Field(default=None, ge=1, le=31)
    project_id: UUID | None = Field(default=None, description="Of the registry")
    action_id: UUID | None = Field(default=None, description="Of the registry's project")


class FrameChange(Request):
    """Only what is given changes. Of an adopted programme that is its title, project and action."""

    title: Title = NOT_GIVEN
    since: Day = NOT_GIVEN
    last_day: Day = NOT_GIVEN
    level: Level | None = None
    bodies: list[UUID] = Field(default_factory=list, max_length=rules.MOST_BODIES)
    shares: list[Share] | None = Field(default=None, max_length=rules.MOST_BODIES)
    quotas: list[QuotaBody] = Field(default_factory=list, max_length=10)
    modes: list[Mode] = Field(default_factory=list, min_length=1, max_length=3)
    min_days: int | None = Field(default=None, ge=1, le=366)
    per_month: int | None = Field(default=None, ge=1, le=31)
    project_id: UUID | None = None
    action_id: UUID | None = None


class ExtensionBody(Request):
    """The act that widens a programme, of which day and why, and what it widens: the last day, quotas (only those that
    change), the bodies' shares, modes, cadence. Nothing grows narrower."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "act": "Determina 12/2030 del Dipartimento",
                    "day": "2030-06-01",
                    "reason": "Proroga concessa per le alluvioni di maggio",
                    "last_day": "2031-03-31",
                    "quotas": [{"count": 19, "exact": True}],
                }
            ]
        },
    )

    act: Title
    day: Day
    reason: Prose
    last_day: Day = NOT_GIVEN
    quotas: list[QuotaBody] = Field(default_factory=list, max_length=10)
    shares: list[Share] = Field(default_factory=list, max_length=rules.MOST_BODIES)
    modes: list[Mode] = Field(default_factory=list, max_length=3)
    min_days: int | None = Field(default=None, ge=1, le=366)
    per_month: int | None = Field(default=None, ge=1, le=31)


class Closing(Request):
    reason: Prose | None = Field(
        default=None, description="Needed when fewer meetings were held than asked for exactly"
    )


WIDENED = ("last_day", "quotas", "shares", "modes", "min_days", "per_month")


# --- programmes -------------------------------------------------------------------------------------------------------


async def draft(session: AsyncSession, actor: Actor, network: str, request: Frame, *, now: datetime) -> Named:
    """Raises InvalidSeries, NotYetKnown, BodyElsewhere, Forbidden."""
    room = await network_id(session, network)
    rows = await _bodies(session, room, request.bodies)
    queries.require_planner(actor, room, rows, now)
    given = request.model_dump()
    given["modes"] = list(dict.fromkeys(given["modes"] or Mode))
    series = Series(room, **given)
    series.shares = rules.laid_out(rules.frame_of(series))["shares"]
    session.add(series)
    await session.flush()
    return await queries.named(session, series.id)


async def _bodies(session: AsyncSession, network: UUID, ids: Sequence[UUID]) -> Sequence[Any]:
    """Their rows, in their order. Raises NotYetKnown, BodyElsewhere."""
    found = (await session.execute(select(bodies).where(bodies.c.id.in_(ids)))).all() if ids else ()
    known = {row.id: row for row in found}
    for body_id in ids:
        if body_id not in known:
            raise NotYetKnown("/bodies", "body")
        if known[body_id].network_id != network:
            raise BodyElsewhere
    return [known[body_id] for body_id in ids]


async def change(
    session: AsyncSession, actor: Actor, series_id: UUID, fields: dict[str, Any], *, expected: int | None, now: datetime
) -> Named:
    """Takes the fields given; meetings that stand already still fit afterwards. Raises Framed, InvalidSeries,
    OutsideSeries."""
    series = await _to_plan(session, actor, series_id, expected, now)
    given = dict(fields)
    if "bodies" in given:
        queries.require_planner(
            actor, series.network_id, await _bodies(session, series.network_id, given["bodies"]), now
        )
    if "modes" in given:
        given["modes"] = list(dict.fromkeys(given["modes"]))
    if ("bodies" in given or "quotas" in given) and "shares" not in given and series.state is State.DRAFT:
        given["shares"] = None  # split anew
    changed = series.change(given)
    if changed and series.state is State.DRAFT:
        _require_all_fit(series, await queries.placed(session, series.id))
    await session.flush()
    if changed and series.state is State.ADOPTED:
        await _tell(session, SeriesChanged, series)
    return await queries.named(session, series_id)


def _require_all_fit(series: Series, standing: Sequence[rules.Placed]) -> None:
    for one in standing:
        rules.require_fits(series, standing, one)


async def remove(session: AsyncSession, actor: Actor, series_id: UUID, *, expected: int | None, now: datetime) -> None:
    """A draft that no meeting names leaves no trace. Raises NotPossibleNow, MeetingsPending."""
    series = await _to_plan(session, actor, series_id, expected, now)
    series.require("remove")
    ids = (await session.scalars(select(meetings.c.id).where(meetings.c.series_id == series_id))).all()
    if ids:
        raise MeetingsPending(len(ids))
    await session.delete(series)
    await session.flush()


async def adopt(session: AsyncSession, actor: Actor, series_id: UUID, *, expected: int | None, now: datetime) -> Named:
    series = await _to_plan(session, actor, series_id, expected, now)
    series.adopt(now)
    await session.flush()
    await _tell(session, SeriesAdopted, series)
    return await queries.named(session, series_id)


async def extend(
    session: AsyncSession,
    actor: Actor,
    series_id: UUID,
    request: ExtensionBody,
    *,
    expected: int | None,
    now: datetime,
) -> Named:
    """Records an extension. Raises NotPossibleNow, InvalidSeries, Invalid for an act of a day to come."""
    series = await _to_plan(session, actor, series_id, expected, now)
    if request.day > day(now):
        raise Invalid("/day", "to_come", f"<= {day(now)}")
    given = request.model_dump(include=request.model_fields_set & set(WIDENED))
    if "modes" in given:
        given["modes"] = list(dict.fromkeys(given["modes"]))
    before, after = series.extend(given)
    session.add(
        Extension(
            series.id,
            series.extensions,
            request.act,
            request.day,
            request.reason,
            _kept(before),
            _kept(after),
            actor.person_id,
            now,
        )
    )
    await session.flush()
    await _tell(session, SeriesExtended, series)
    return await queries.named(session, series_id)


def _kept(frame: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in frame.items()}


async def close(
    session: AsyncSession, actor: Actor, series_id: UUID, request: Closing, *, expected: int | None, now: datetime
) -> Named:
    """Raises NotPossibleNow, MeetingsPending, Short."""
    series = await _to_plan(session, actor, series_id, expected, now)
    held = await queries.placed(session, series_id, [MeetingState.HELD])
    pending = await queries.placed(session, series_id, [MeetingState.DRAFT, MeetingState.CONVENED])
    series.close(held, len(pending), request.reason, now)
    await session.flush()
    await _tell(session, SeriesClosed, series)
    return await queries.named(session, series_id)


async def _to_plan(session: AsyncSession, actor: Actor, series_id: UUID, expected: int | None, now: datetime) -> Series:
    """The programme, locked, if the actor may plan it and knows its newest version."""
    series = await queries.lock(session, series_id)
    found = await queries.named(session, series_id)
    queries.require_planner(actor, series.network_id, found.bodies, now)
    expect(expected, series.version)
    return series


async def _tell(session: AsyncSession, fact: type[SeriesState], series: Series) -> None:
    found = await queries.named(session, series.id)
    await stage(
        session,
        fact(
            id=series.id,
            version=series.version,
            network_id=series.network_id,
            title=series.title,
            state=series.state,
            level=series.level,
            bodies=tuple(series.bodies),
            since=series.since,
            last_day=series.last_day,
            quotas=tuple(Quota(**one) for one in series.quotas),
            planned=found.planned,
            held=found.held,
            extensions=series.extensions,
            project_id=series.project_id,
            action_id=series.action_id,
        ),
    )


# --- plans ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """A plan with what is shown beside it."""

    named: Named
    gathered: Gathered
    plan: Plan
    names: dict[UUID, str]


async def plan(
    session: AsyncSession,
    actor: Actor,
    series_id: UUID,
    asked: Asked,
    each: int | None,
    language: str,
    *,
    now: datetime,
) -> Planned:
    """Dates for what the programme lacks; nothing is written. Raises NotPossibleNow, UnknownNumber, UnknownRoom."""
    found = await queries.get(session, actor, series_id, now=now)
    queries.require_planner(actor, found.series.network_id, found.bodies, now)
    found.series.require("plan")
    _require_within_reach(found.series, asked)
    gathered = await gathering.gather(session, found, asked, now, language)
    _require_placeable(found.series, gathered, each)
    known = (gathered.groups, gathered.standing, gathered.wishes, gathered.known)
    made = await asyncio.to_thread(planning.plan, found.series, *known, each)  # others are answered meanwhile
    away = {person for item in made.items for person in item.away}
    return Planned(found, gathered, made, await gathering.names(session, away))


MOST_LOOKED_AT = 400_000
"""Times that one plan looks at: 200 bodies, two hours of each day, two years and a half."""


def _require_within_reach(series: Series, asked: Asked) -> None:
    days = (series.last_day - series.since).days + LONGEST_SEARCH
    most = MOST_LOOKED_AT // (len(series.groups) * days)
    if len(asked.times) > most:
        raise Invalid("/times", "too_many", f"at most {most} hours for so many bodies and days")
    for place, (since, until) in enumerate(asked.avoid):
        if until <= since:
            raise Invalid(f"/avoid/{place}/until", "span", f"later than {since}")


MOST_PLACED = 3_000_000
"""Meetings to be placed, by the times that are looked at for each, by how many a month may have: beyond it one plan
would take minutes, and a gigabyte. 1,000 meetings of 200 bodies in a year, at two hours of each day, are a quarter."""


def _require_placeable(series: Series, gathered: Gathered, each: int | None) -> None:
    wishes, held = gathered.wishes, Counter(one.body_id for one in gathered.standing)
    lacking = sum(max(number - held[of], 0) for of, number in targets(series, each).items())
    days = max((wishes.last_day - wishes.earliest).days + 1, 1)
    most = min(MOST_PLACED // (days * len(wishes.times) * (wishes.per_month or 1)), rules.LARGEST_COUNT)
    if lacking > most:
        raise Invalid("/meetings", "too_many", f"so many of each body that {most} are lacking in all, not {lacking}")


class PlanItem(Request):
    """A date of a plan, as it was proposed or changed by hand. With `meeting_id` and its `version` that draft moves
    there; without, a draft is made. A `room_id` gives it its place and takes the room."""

    body_id: UUID | None = None
    mode: Mode
    starts_at: Instant
    ends_at: Instant
    room_id: UUID | None = None
    place: Title | None = None
    title: Title | None = None
    meeting_id: UUID | None = None
    version: int | None = Field(default=None, ge=1, le=1_000_000_000)


class DroppedItem(Request):
    meeting_id: UUID
    version: int = Field(ge=1, le=1_000_000_000)


class Acceptance(Request):
    """The dates that are wanted; what is not named stays as it is."""

    items: list[PlanItem] = Field(default=[], max_length=rules.LARGEST_COUNT)
    drop: list[DroppedItem] = Field(default=[], max_length=rules.LARGEST_COUNT, description="Drafts to be cancelled")


async def accept(
    session: AsyncSession, actor: Actor, series_id: UUID, request: Acceptance, *, now: datetime
) -> list[Known]:
    """All drafts of a plan, or none: each is checked as any meeting is. Raises what drafting, moving and cancelling a
    meeting raise; RoomTaken."""
    found = await queries.get(session, actor, series_id, now=now)
    series = found.series
    queries.require_planner(actor, series.network_id, found.bodies, now)
    series.require("plan")
    await _require_own(session, series, request)
    await meeting_queries.lock_convocations(session, [series.network_id])
    rooms = await _rooms(session, series, request)
    for dropped in request.drop:
        await meeting_commands.cancel(session, actor, dropped.meeting_id, expected=dropped.version, now=now)
    moved = await _move(session, actor, [item for item in request.items if item.meeting_id], rooms, now)
    made = [await _draft(session, actor, found, item, rooms, now) for item in request.items if item.meeting_id is None]
    await _require_apart(session, made)
    await _book(session, rooms, [*moved, *made])
    known = [one for _, one in (*moved, *made)]
    return sorted(known, key=lambda one: (one.meeting.starts_at, one.meeting.id))


async def _require_own(session: AsyncSession, series: Series, request: Acceptance) -> None:
    """What is moved or dropped is a draft of this programme, once. Raises Invalid."""
    moved = [item.meeting_id for item in request.items if item.meeting_id]
    named = [*moved, *(item.meeting_id for item in request.drop)]
    c = meetings.c
    query = select(c.id).where(c.id.in_(named), c.series_id == series.id, c.state == MeetingState.DRAFT)
    own = set(await session.scalars(query))
    for place, item in enumerate(request.items):
        if item.meeting_id and item.meeting_id not in own:
            raise Invalid(f"/items/{place}/meeting_id", "not_a_draft", "a draft of this programme")
        if item.meeting_id and item.version is None:
            raise Invalid(f"/items/{place}/version", "missing", "the version of the draft that was seen")
        if item.meeting_id and named.count(item.meeting_id) > 1:
            raise Invalid(f"/items/{place}/meeting_id", "twice", "each draft once")
    for place, dropped in enumerate(request.drop):
        if dropped.meeting_id not in own or named.count(dropped.meeting_id) > 1:
            raise Invalid(f"/drop/{place}/meeting_id", "not_a_draft", "a draft of this programme, once")


async def _rooms(session: AsyncSession, series: Series, request: Acceptance) -> dict[UUID, Room]:
    """The rooms that are asked for, locked. Raises Invalid."""
    wanted = {item.room_id for item in request.items if item.room_id}
    found = await queries.rooms_locked(session, wanted) if wanted else {}
    for place, item in enumerate(request.items):
        room = found.get(item.room_id) if item.room_id else None
        if item.room_id and (room is None or room.network_id != series.network_id or room.state is RoomState.CLOSED):
            raise Invalid(f"/items/{place}/room_id", "unknown", "an open room of the network")
        if room is not None and (item.mode is Mode.REMOTE or item.place is not None):
            raise Invalid(f"/items/{place}/room_id", "not_allowed", "with a mode in presence, and no other place")
    return found


def _place(item: PlanItem, rooms: dict[UUID, Room]) -> str | None:
    return rooms[item.room_id].place if item.room_id else item.place


Made = tuple[PlanItem, Known]


async def _move(
    session: AsyncSession, actor: Actor, items: Sequence[PlanItem], rooms: dict[UUID, Room], now: datetime
) -> list[Made]:
    """In whatever order they make room for each other. Raises what the first of those says that none of them can."""
    moved: list[Made] = []
    waiting = list(items)
    while waiting:
        still, refused = [], None
        for item in waiting:
            try:
                async with session.begin_nested():
                    moved.append((item, await _moved(session, actor, item, rooms, now)))
            except (OutsideSeries, Overlapping) as error:
                refused = refused or error
                still.append(item)
        if refused is not None and len(still) == len(waiting):
            raise refused
        waiting = still
    return moved


async def _require_apart(session: AsyncSession, made: Sequence[Made]) -> None:
    """No body gets two meetings of the programme at one time, drafts among them: so a plan that is accepted twice is
    not drafted twice, whatever the quotas leave room for. Raises Overlapping."""
    one, other = meetings.c, meetings.alias("others").c
    query = (
        select(other.id, other.starts_at, other.ends_at)
        .where(one.id.in_([known.meeting.id for _, known in made]), other.id != one.id)
        .where(other.series_id == one.series_id, other.body_id.is_not_distinct_from(one.body_id))
        .where(other.starts_at < one.ends_at, other.ends_at > one.starts_at, other.state != MeetingState.CANCELLED)
    )
    found = (await session.execute(query.order_by(other.starts_at, other.id).limit(1))).one_or_none()
    if found is not None:
        raise Overlapping(found.id, found.starts_at, found.ends_at)


async def _moved(session: AsyncSession, actor: Actor, item: PlanItem, rooms: dict[UUID, Room], now: datetime) -> Known:
    assert item.meeting_id is not None
    fields: dict[str, Any] = {"starts_at": item.starts_at, "ends_at": item.ends_at, "mode": item.mode}
    place = _place(item, rooms)
    if place is not None or item.mode is Mode.REMOTE:
        fields["place"] = place
    return await meeting_commands.change(session, actor, item.meeting_id, fields, expected=item.version, now=now)


async def _draft(
    session: AsyncSession, actor: Actor, found: Named, item: PlanItem, rooms: dict[UUID, Room], now: datetime
) -> Made:
    titles = {row.id: row.title for row in found.bodies}
    body = titles.get(item.body_id) if item.body_id else None
    known = await meeting_commands.draft(
        session,
        actor,
        str(found.series.network_id),
        title=item.title or (f"{found.series.title}: {body}" if body else found.series.title)[:300],
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        mode=item.mode,
        body_id=item.body_id,
        founding=False,
        place=_place(item, rooms),
        join_url=None,
        agenda=[],
        series_id=found.series.id,
        level=found.series.level,
        now=now,
    )
    return item, known


async def _book(session: AsyncSession, rooms: dict[UUID, Room], made: Sequence[Made]) -> None:
    """The rooms, once all have their new times. Raises RoomTaken."""
    wanted = [(item, known.meeting) for item, known in made if item.room_id]
    if not wanted:
        return
    ids = [meeting.id for _, meeting in wanted]
    for old in await session.scalars(select(Booking).where(room_bookings.c.meeting_id.in_(ids))):
        await session.delete(old)
    await session.flush()
    first, last = min(item.starts_at for item, _ in wanted), max(item.ends_at for item, _ in wanted)
    taken = await queries.taken(session, rooms, first, last)
    for item, meeting in wanted:
        assert item.room_id is not None
        rules.free([(start, end) for start, end, _ in taken[item.room_id]], item.starts_at, item.ends_at)
        taken[item.room_id].append((item.starts_at, item.ends_at, meeting.id))
        session.add(Booking(item.room_id, meeting.id, rooms[item.room_id].place))
    await session.flush()


# --- rooms ------------------------------------------------------------------------------------------------------------


class RoomBody(Request):
    """Where people can meet in person: `territory` is a region, a province or a municipality."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"title": "Sala civica", "address": "via Roma 1, Lecco", "capacity": 60, "territory": "E507"}]
        },
    )

    title: Annotated[str, line(120)]
    address: Annotated[str, line(170)]
    capacity: int = Field(ge=1, le=100_000)
    territory: Annotated[str, line(8)] | None = None


class RoomChange(Request):
    """Only what is given changes. A closed room is proposed no more."""

    title: Annotated[str, line(120)] = NOT_GIVEN
    address: Annotated[str, line(170)] = NOT_GIVEN
    capacity: int = Field(default_factory=int, ge=1, le=100_000)
    territory: Annotated[str, line(8)] | None = None
    state: RoomState = NOT_GIVEN


class BookingBody(Request):
    starts_at: Instant
    ends_at: Instant


async def add_room(session: AsyncSession, actor: Actor, network: str, request: RoomBody, *, now: datetime) -> Room:
    place = await network_id(session, network)
    policy.require(actor, Right.PLAN_SERIES, network=place, on=now)
    given = request.model_dump()
    room = Room(place, **given | {"territory": _territory(given["territory"])})
    session.add(room)
    await session.flush()
    return room


def _territory(given: str | None) -> str | None:
    """A code as it is kept; a province's letters are its code. Raises Invalid."""
    if given is None:
        return None
    italy = territories.load()
    found = italy.region(given) or italy.province(given.upper()) or italy.today(given.upper())
    if found is None:
        raise Invalid("/territory", "unknown", "03, 097 or LC, E507")
    return found.code


async def change_room(
    session: AsyncSession, actor: Actor, room_id: UUID, fields: dict[str, Any], *, expected: int | None, now: datetime
) -> Room:
    await queries.room(session, actor, room_id, now=now)
    room = (await queries.rooms_locked(session, [room_id]))[room_id]
    expect(expected, room.version)
    given = dict(fields)
    if "territory" in given:
        given["territory"] = _territory(given["territory"])
    for name, value in given.items():
        if getattr(room, name) != value:
            setattr(room, name, value)
    await session.flush()
    return room


async def book(
    session: AsyncSession, actor: Actor, room_id: UUID, request: BookingBody, *, now: datetime
) -> queries.Booked:
    """A time at which the room is not to be had. Raises RoomTaken."""
    await queries.room(session, actor, room_id, now=now)
    room = (await queries.rooms_locked(session, [room_id]))[room_id]
    if request.ends_at <= request.starts_at:
        raise Invalid("/ends_at", "times", f"later than {request.starts_at.isoformat()}")
    if room.state is RoomState.CLOSED:
        raise UnknownRoom(room_id)
    taken = await queries.taken(session, [room_id], request.starts_at, request.ends_at)
    rules.free([(start, end) for start, end, _ in taken[room_id]], request.starts_at, request.ends_at)
    booking = Booking(room_id, starts_at=request.starts_at, ends_at=request.ends_at)
    session.add(booking)
    await session.flush()
    return queries.Booked(booking, request.starts_at, request.ends_at, None)


async def unbook(session: AsyncSession, actor: Actor, room_id: UUID, booking_id: UUID, *, now: datetime) -> None:
    """Raises UnknownBooking."""
    await queries.room(session, actor, room_id, now=now)
    booking = await session.get(Booking, booking_id)
    if booking is None or booking.room_id != room_id:
        raise UnknownBooking(booking_id)
    await session.delete(booking)
    await session.flush()


# --- absences ---------------------------------------------------------------------------------------------------------


class AbsenceBody(Request):
    """From `since` until `until` (exclusive: the first day back). Why is nobody's business. Without `person_id` the
    caller's own."""

    since: Day
    until: Day
    person_id: UUID | None = None


async def record(
    session: AsyncSession, actor: Actor, network: str, request: AbsenceBody, *, now: datetime
) -> queries.Away:
    """One's own, which counts in all of one's networks; or somebody's by the coordination, for its network."""
    place = await network_id(session, network)
    own = request.person_id in (None, actor.person_id)
    policy.require(actor, Right.READ_MEETINGS if own else Right.PLAN_SERIES, network=place, on=now)
    who = actor.person_id if own else request.person_id
    if who is None:
        raise Invalid("/person_id", "missing", "the id of a person")  # a partner's system is never away
    if own:
        return await _absent(session, Absence(who, request.since, request.until))
    if not await session.scalar(
        select(exists().where(mandates.c.person_id == who, mandates.c.network_id == place))
    ):  # whom only other networks know is nobody's to name here
        raise NotYetKnown("/person_id", "person")
    return await _absent(session, Absence(who, request.since, request.until, place, actor.person_id))


async def _absent(session: AsyncSession, absence: Absence) -> queries.Away:
    rules.in_order(absence.since, absence.until)
    session.add(absence)
    await session.flush()
    names = await gathering.names(session, [absence.person_id])
    return queries.Away(absence, names.get(absence.person_id, ""))


async def withdraw(session: AsyncSession, actor: Actor, absence_id: UUID, *, now: datetime) -> None:
    """By the person, or by the coordination where it was recorded. Raises UnknownAbsence."""
    absence = await session.get(Absence, absence_id)
    if absence is None:
        raise UnknownAbsence(absence_id)
    if absence.person_id != actor.person_id:
        network = absence.network_id
        if network is None or not policy.has(actor, Right.PLAN_SERIES, network=network, on=now):
            raise UnknownAbsence(absence_id)
    await session.delete(absence)
    await session.flush()
