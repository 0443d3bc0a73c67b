"""HTTP of programmes, of the plans that fill them, of rooms and absences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from services.events.meetings.queries import Known
from services.events.meetings.rules import Mode
from services.events.series import commands, queries
from services.events.series.commands import (
    AbsenceBody,
    Acceptance,
    BookingBody,
    Closing,
    Day,
    ExtensionBody,
    Frame,
    FrameChange,
    Planned,
    RoomBody,
    RoomChange,
)
from services.events.series.gathering import Asked
from services.events.series.plans import Avoided, Failing, Proposed, Standing, UnknownNumber, Why
from services.events.series.plans import Short as ShortBody
from services.events.series.queries import Away, Booked, Figure, Named, Progress
from services.events.series.rules import (
    Breach,
    Extension,
    Framed,
    InvalidSeries,
    Level,
    MeetingsPending,
    NoSuchSeries,
    NotPossibleNow,
    OutsideSeries,
    Room,
    RoomState,
    RoomTaken,
    Rule,
    Short,
    State,
    UnknownAbsence,
    UnknownBooking,
    UnknownRoom,
    UnknownSeries,
)
from shared.access.actor import day
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Problem, not_found, problem
from shared.runtime.shapes import Ref, Request, Statistic
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["series"])


# --- shapes -----------------------------------------------------------------------------------------------------------


class QuotaOut(BaseModel):
    count: int
    each: bool
    mode: Mode | None
    exact: bool


class BodyOut(Ref):
    """A body that takes part, and how many meetings it may hold (null: the quotas alone bind)."""

    share: int | None


class SeriesOut(BaseModel):
    """`planned` meetings are drafted or convened, `held` are over; `extensions` is how many were recorded. `last_day`
    belongs to the programme."""

    id: UUID
    network_id: UUID
    title: str
    level: Level | None
    state: State
    since: date
    last_day: date
    bodies: list[BodyOut]
    quotas: list[QuotaOut]
    modes: list[Mode]
    min_days: int | None
    per_month: int | None
    project_id: UUID | None
    action_id: UUID | None
    planned: int
    held: int
    extensions: int
    adopted_at: datetime | None
    closed_at: datetime | None
    closing_reason: str | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, named: Named, at: Edge) -> SeriesOut:
        one = named.series
        may = queries.may_plan(at.actor, one.network_id, named.bodies, at.now)
        return cls(
            id=one.id,
            network_id=one.network_id,
            title=one.title,
            level=one.level,
            state=one.state,
            since=one.since,
            last_day=one.last_day,
            bodies=[BodyOut(**vars(_body(named, body_id)), share=one.share(body_id)) for body_id in one.bodies],
            quotas=[QuotaOut.model_validate(quota) for quota in one.quotas],
            modes=[Mode(mode) for mode in one.modes],
            min_days=one.min_days,
            per_month=one.per_month,
            project_id=one.project_id,
            action_id=one.action_id,
            planned=named.planned,
            held=named.held,
            extensions=one.extensions,
            adopted_at=one.adopted_at,
            closed_at=one.closed_at,
            closing_reason=one.closing_reason,
            href=href(named),
            version=one.version,
            allowed_actions=one.actions() if may else [],
        )


def _body(named: Named, body_id: UUID) -> Ref:
    title = next((row.title for row in named.bodies if row.id == body_id), "")
    return Ref.body(body_id, title)


class ExtensionOut(BaseModel):
    """What a recorded extension widened: the fields that it changed, `before` and `after`."""

    id: UUID
    number: int
    act: str
    day: date
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    recorded_by: UUID | None
    recorded_at: datetime

    @classmethod
    def of(cls, extension: Extension) -> ExtensionOut:
        return cls.model_validate(extension, from_attributes=True)


class FigureOut(BaseModel):
    """Meetings ahead and held; of the `limit` of a quota or a share so many are `left` (null: nothing limits them)."""

    planned: int
    held: int
    limit: int | None
    exact: bool
    left: int | None

    @classmethod
    def of(cls, figure: Figure) -> FigureOut:
        return cls(planned=figure.planned, held=figure.held, limit=figure.limit, exact=figure.exact, left=figure.left)


class ModeFigureOut(FigureOut):
    mode: str


class BodyProgressOut(FigureOut):
    """Without a `body` they are meetings of the whole network."""

    body: Ref | None
    modes: list[ModeFigureOut]


class ProgressOut(FigureOut):
    """How far a programme is: in all, by mode, and of each body by mode. `days_left` counts today and the last day."""

    series_id: UUID
    modes: list[ModeFigureOut]
    bodies: list[BodyProgressOut]
    days: Statistic
    days_left: int

    @classmethod
    def at(cls, progress: Progress, today: date) -> ProgressOut:
        series = progress.named.series
        days = (series.last_day - series.since).days + 1
        gone = min(max((today - series.since).days, 0), days)
        return cls(
            **vars(FigureOut.of(progress.figure)),
            series_id=series.id,
            modes=_modes(progress.modes),
            bodies=[
                BodyProgressOut(
                    **vars(FigureOut.of(one.figure)),
                    body=_body(progress.named, one.body_id) if one.body_id else None,
                    modes=_modes(one.modes),
                )
                for one in progress.bodies
            ],
            days=Statistic.out_of(gone, days),
            days_left=days - gone,
        )


def _modes(figures: dict[str, Figure]) -> list[ModeFigureOut]:
    return [ModeFigureOut(**vars(FigureOut.of(figure)), mode=mode) for mode, figure in figures.items()]


def href(named: Named) -> str:
    return f"/events/v1/series/{named.series.id}"


# --- programmes -------------------------------------------------------------------------------------------------------


@routes.post("/networks/{network}/series", status_code=201, response_model=SeriesOut)
async def draft(network: str, body: Frame, at: At) -> Response:
    """Drafts a programme of meetings. Its meetings are drafted with its `series_id` and convened once it is adopted."""
    return await at.command(commands.draft, network, body, out=lambda named: SeriesOut.of(named, at), location=href)


@routes.get("/networks/{network}/series", response_model=PageOut[SeriesOut])
async def series(
    network: str,
    at: At,
    body: Annotated[list[UUID], Query(description="In which any of these bodies takes part")] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    level: Annotated[list[Level], Query()] = [],  # noqa: B006
    project: Annotated[list[UUID], Query(description="Of any of these projects of the registry")] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="That runs on this day")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of the title")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The programmes of a network in the order in which they were drafted. Drafts are shown to those who plan them."""
    return await at.page(
        queries.listed,
        network,
        body=body,
        state=state,
        level=level,
        project=project,
        on=on,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda named: SeriesOut.of(named, at),
        model=SeriesOut,
    )


@routes.get("/series/{series_id}", response_model=SeriesOut)
async def one_series(series_id: UUID, at: At) -> Response:
    """A programme."""
    return await at.read(queries.get, series_id, out=lambda named: SeriesOut.of(named, at))


@routes.patch("/series/{series_id}", response_model=SeriesOut)
async def change(series_id: UUID, body: FrameChange, at: At) -> Response:
    """Changes a draft; of an adopted programme its title, project and action. Needs If-Match."""
    given = body.model_dump(include=body.model_fields_set)
    return await at.command(
        commands.change, series_id, given, expected=at.if_match(), out=lambda named: SeriesOut.of(named, at)
    )


@routes.delete("/series/{series_id}", status_code=204, openapi_extra=GUARDED)
async def remove(series_id: UUID, at: At) -> Response:
    """Removes a draft that no meeting names. Needs If-Match."""
    return await at.command(commands.remove, series_id, expected=at.if_match(), out=lambda _: None)


@routes.post("/series/{series_id}/adopt", response_model=SeriesOut, openapi_extra=GUARDED)
async def adopt(series_id: UUID, at: At) -> Response:
    """Adopts a programme: from now on only a recorded extension widens it. Needs If-Match."""
    return await at.command(
        commands.adopt, series_id, expected=at.if_match(), out=lambda named: SeriesOut.of(named, at)
    )


@routes.post("/series/{series_id}/extensions", response_model=SeriesOut, openapi_extra=GUARDED)
async def extend(series_id: UUID, body: ExtensionBody, at: At) -> Response:
    """Records the extension of a programme by an act: more days or more meetings. Needs If-Match."""
    return await at.command(
        commands.extend, series_id, body, expected=at.if_match(), out=lambda named: SeriesOut.of(named, at)
    )


@routes.get("/series/{series_id}/extensions", response_model=PageOut[ExtensionOut])
async def extensions(series_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """What widened a programme, the first one first."""
    return await at.page(queries.extensions, series_id, after=after, limit=limit, out=ExtensionOut.of)


@routes.post("/series/{series_id}/close", response_model=SeriesOut, openapi_extra=GUARDED)
async def close(series_id: UUID, body: Closing, at: At) -> Response:
    """Closes a programme once its meetings have been held or cancelled. Needs If-Match."""
    return await at.command(
        commands.close, series_id, body, expected=at.if_match(), out=lambda named: SeriesOut.of(named, at)
    )


@routes.get("/series/{series_id}/progress", response_model=ProgressOut)
async def progress(series_id: UUID, at: At) -> Response:
    """How many meetings of which mode are planned, held and left, in all and of each body."""
    return await at.read(queries.progress, series_id, out=lambda found: ProgressOut.at(found, day(at.now)))


# --- plans ------------------------------------------------------------------------------------------------------------

Hour = Annotated[str, Field(pattern=r"^(0[6-9]|1\d|2[01]):[0-5]\d$", examples=["17:30"])]
Weekday = Annotated[int, Field(ge=1, le=7)]


class SpanBody(Request):
    """Half open: `until` is the first day after it."""

    since: Day
    until: Day


class PlanBody(Request):
    """What is wished of the dates: from `since` on (if not said, as soon as the notice allows), on these ISO weekdays,
    at these hours in Italy (the first are preferred), with at least `present` per cent of the people there, and never
    in `avoid`. `rooms`: only in these when in presence; an empty list: wherever; left out: any room of the network, if
    it has any. `meetings`: no more than so many of each body in all."""

    since: Day | None = None
    weekdays: list[Weekday] = Field(default=[1, 2, 3, 4, 5], min_length=1, max_length=7)
    times: list[Hour] = Field(default=["15:00", "17:30"], min_length=1, max_length=10)
    minutes: int = Field(default=120, ge=15, le=480)
    notice_days: int = Field(default=8, ge=1, le=366)
    present: int = Field(default=50, ge=0, le=100)
    avoid: list[SpanBody] = Field(default=[], max_length=50)
    rooms: list[UUID] | None = Field(default=None, max_length=200)
    meetings: int | None = Field(default=None, ge=1, le=1_000)

    def asked(self) -> Asked:
        return Asked(
            self.since,
            tuple(sorted(set(self.weekdays))),
            tuple(dict.fromkeys(time.fromisoformat(hour) for hour in self.times)),
            self.minutes,
            self.notice_days,
            self.present,
            tuple((span.since, span.until) for span in self.avoid),
            None if self.rooms is None else tuple(dict.fromkeys(self.rooms)),
        )


class AvoidedOut(BaseModel):
    """A day nearer to the ideal one that was not taken: `people` are busy or away, `name` is the holiday's."""

    day: date
    code: Why
    people: int | None
    name: str | None

    @classmethod
    def of(cls, avoided: Avoided) -> AvoidedOut:
        return cls(day=avoided.day, code=avoided.why, people=avoided.people, name=avoided.name)


class ItemOut(BaseModel):
    """A proposed date, in a form in which it can be accepted. `ideal` is where an even spread would have it; `present`
    counts those who are not away, `away` names the others. A `meeting_id` says that this draft (as seen in its
    `version`) moves there from `before`."""

    body: Ref | None
    body_id: UUID | None
    mode: Mode
    starts_at: datetime
    ends_at: datetime
    day: date
    ideal: date
    room_id: UUID | None
    room: str | None
    meeting_id: UUID | None
    version: int | None
    before: datetime | None
    present: Statistic
    away: list[Ref]
    avoided: list[AvoidedOut]
    why: str


class KeptOut(BaseModel):
    """A meeting that stays where it is: a convened or held one (`firm`) with what was answered to it, or a draft."""

    meeting: Ref
    body_id: UUID | None
    starts_at: datetime
    version: int
    firm: bool


class FailingOut(BaseModel):
    """A rule that alone keeps a body from its meetings: `needed` instead of `given` would do, a change of `by`."""

    code: Why
    given: str
    needed: str
    by: int
    why: str


class ShortOut(BaseModel):
    """A body that does not come to the meetings that it lacks, and the rules whose smallest change alone would help: in
    proportion the smallest first."""

    body: Ref | None
    lacking: int
    fitting: int
    failing: list[FailingOut]


class PlanOut(BaseModel):
    """Dates for what a programme lacks. What does not fit says why in `short`; `kept` stays, `dropped` are drafts that
    no quota has room for. Nothing is written before the plan is accepted."""

    series_id: UUID
    feasible: bool
    items: list[ItemOut]
    kept: list[KeptOut]
    dropped: list[KeptOut]
    short: list[ShortOut]

    @classmethod
    def of(cls, planned: Planned, at: Edge) -> PlanOut:
        plan = planned.plan
        kept = partial(_kept, planned)
        return cls(
            series_id=planned.named.series.id,
            feasible=plan.feasible,
            items=[_item(planned, item, at.language) for item in plan.items],
            kept=[kept(one) for one in plan.kept],
            dropped=[kept(one) for one in plan.dropped],
            short=[_short(planned, one, at.language) for one in plan.short],
        )


def _item(planned: Planned, item: Proposed, language: str) -> ItemOut:
    gathered = planned.gathered
    room = gathered.rooms[item.room_id] if item.room_id else None
    return ItemOut(
        body=_body(planned.named, item.body_id) if item.body_id else None,
        body_id=item.body_id,
        mode=Mode(item.mode),
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        day=day(item.starts_at),
        ideal=item.ideal,
        room_id=item.room_id,
        room=room.place if room else None,
        meeting_id=item.meeting_id,
        version=gathered.titles[item.meeting_id][1] if item.meeting_id else None,
        before=item.before,
        present=Statistic.out_of(item.members - len(item.away), item.members),
        away=[Ref.person(one, planned.names.get(one)) for one in item.away],
        avoided=[AvoidedOut.of(one) for one in item.avoided],
        why=_why(item, language),
    )


def _kept(planned: Planned, one: Standing) -> KeptOut:
    title, version = planned.gathered.titles[one.id]
    meeting = Ref(id=one.id, name=title, href=f"/events/v1/meetings/{one.id}")
    return KeptOut(meeting=meeting, body_id=one.body_id, starts_at=one.starts_at, version=version, firm=one.firm)


def _short(planned: Planned, short: ShortBody, language: str) -> ShortOut:
    return ShortOut(
        body=_body(planned.named, short.body_id) if short.body_id else None,
        lacking=short.lacking,
        fitting=short.fitting,
        failing=[
            FailingOut(code=one.why, given=one.given, needed=one.needed, by=one.by, why=_would_do(one, language))
            for one in short.failing
        ],
    )


WHY = {
    "it": {
        "best": "È il giorno ideale per una distribuzione uniforme.",
        "near": "Il giorno ideale è il {ideal}: questo è il più adatto tra i vicini.",
        "avoided": "Scartati: {days}.",
        "away": "Mancherebbero {away} persone su {members}.",
        "moved": "Sposta una bozza che non poteva restare dov'era.",
    },
    "en": {
        "best": "It is the ideal day for an even spread.",
        "near": "The ideal day is {ideal}: this is the most suitable near it.",
        "avoided": "Not taken: {days}.",
        "away": "{away} of {members} people would miss it.",
        "moved": "Moves a draft that could not stay where it was.",
    },
}


def _why(item: Proposed, language: str) -> str:
    """Why this date, in a few sentences."""
    said = WHY[language]
    on = day(item.starts_at)
    parts = [said["best"] if on == item.ideal else said["near"].format(ideal=_day(item.ideal))]
    if item.avoided:
        days = ", ".join(f"{_day(one.day)} ({_reason(one, language)})" for one in item.avoided[:5])
        parts.append(said["avoided"].format(days=days))
    if item.away:
        parts.append(said["away"].format(away=len(item.away), members=item.members))
    if item.meeting_id:
        parts.append(said["moved"])
    return " ".join(parts)


def _day(on: date) -> str:
    return f"{on.day}/{on.month}/{on.year}"


REASONS = {
    "it": {
        Why.AVOIDED: "periodo escluso",
        Why.OWN_MEETING: "l'organo si riunisce già",
        Why.MIN_DAYS: "troppo vicino a un'altra riunione",
        Why.PER_MONTH: "troppe riunioni nel mese",
        Why.PEOPLE_BUSY: "{people} persone in un'altra riunione",
        Why.PEOPLE_AWAY: "{people} persone assenti",
    },
    "en": {
        Why.AVOIDED: "excluded",
        Why.OWN_MEETING: "the body meets already",
        Why.MIN_DAYS: "too near to another meeting",
        Why.PER_MONTH: "too many meetings in the month",
        Why.PEOPLE_BUSY: "{people} people in another meeting",
        Why.PEOPLE_AWAY: "{people} people away",
    },
}


def _reason(avoided: Avoided, language: str) -> str:
    if avoided.why is Why.HOLIDAY:
        return avoided.name or ""
    return REASONS[language].get(avoided.why, str(avoided.why)).format(people=avoided.people)


WOULD_DO = {
    "it": {
        Why.LAST_DAY: "Il programma finisce il {given}: basterebbe una proroga al {needed} ({by} giorni).",
        Why.MIN_DAYS: "Tra due riunioni servono {given} giorni: ne basterebbero {needed}.",
        Why.PER_MONTH: "Al mese si ammettono {given} riunioni: ne servirebbero {needed}.",
        Why.WEEKDAYS: "I giorni della settimana ammessi sono {given}: basterebbero {needed}.",
        Why.PEOPLE_AWAY: "Si chiede la presenza del {given}: basterebbe accettare il {needed}.",
        Why.NOTICE: "Con il preavviso si comincia il {given}: bisognerebbe cominciare il {needed}.",
        Why.AVOIDED: "I periodi esclusi fanno {given} giorni: senza, le date si trovano.",
        Why.NO_ROOM: "Nessuna sala adatta è libera: la più grande ha {given} posti, ne servono {needed}.",
        Why.QUOTA: "Le quote lasciano posto a {given} riunioni su {needed}: ne mancano {by}.",
        Why.MEETINGS: "Delle {given} riunioni che mancano se ne collocano {needed}.",
    },
    "en": {
        Why.LAST_DAY: "The programme ends on {given}: an extension to {needed} ({by} days) would do.",
        Why.MIN_DAYS: "{given} days are asked between two meetings: {needed} would do.",
        Why.PER_MONTH: "{given} meetings a month are allowed: {needed} would be needed.",
        Why.WEEKDAYS: "The weekdays allowed are {given}: {needed} would do.",
        Why.PEOPLE_AWAY: "{given} of the people are asked to be there: {needed} would do.",
        Why.NOTICE: "The notice lets it begin on {given}: it would have to begin on {needed}.",
        Why.AVOIDED: "{given} days are excluded: without that there are dates.",
        Why.NO_ROOM: "No suitable room is free: the largest has {given} places, {needed} are needed.",
        Why.QUOTA: "The quotas leave room for {given} of {needed} meetings: {by} are too many.",
        Why.MEETINGS: "Of the {given} meetings that are lacking {needed} find a date.",
    },
}


def _would_do(one: Failing, language: str) -> str:
    return WOULD_DO[language][one.why].format(given=one.given, needed=one.needed, by=one.by)


class MadeOut(BaseModel):
    id: UUID
    name: str
    href: str
    starts_at: datetime
    version: int


class AcceptedOut(BaseModel):
    """The drafts that were made and moved, in the order of their beginning."""

    items: list[MadeOut]

    @classmethod
    def of(cls, found: Sequence[Known]) -> AcceptedOut:
        return cls(
            items=[
                MadeOut(
                    id=one.meeting.id,
                    name=one.meeting.title,
                    href=f"/events/v1/meetings/{one.meeting.id}",
                    starts_at=one.meeting.starts_at,
                    version=one.meeting.version,
                )
                for one in found
            ]
        )


@routes.post("/series/{series_id}/plan", response_model=PlanOut)
async def plan(series_id: UUID, body: PlanBody, at: At) -> Response:
    """Proposes dates for what the programme lacks and explains them, or says which rule fails and by how much. Convened
    meetings stay, and as many drafts as can; the same question has the same answer."""
    return await at.read(
        commands.plan,
        series_id,
        body.asked(),
        body.meetings,
        at.language,
        out=lambda planned: PlanOut.of(planned, at),
    )


@routes.post("/series/{series_id}/plan/accept", status_code=201, response_model=AcceptedOut)
async def accept(series_id: UUID, body: Acceptance, at: At) -> Response:
    """Makes the drafts of a plan, moves those that it moves and cancels those that it drops: all of it, or nothing."""
    return await at.command(commands.accept, series_id, body, out=AcceptedOut.of)


# --- rooms ------------------------------------------------------------------------------------------------------------


class RoomOut(BaseModel):
    id: UUID
    network_id: UUID
    title: str
    address: str
    capacity: int
    territory: str | None
    state: RoomState
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, room: Room) -> RoomOut:
        return cls(
            id=room.id,
            network_id=room.network_id,
            title=room.title,
            address=room.address,
            capacity=room.capacity,
            territory=room.territory,
            state=room.state,
            href=href_of_room(room),
            version=room.version,
            allowed_actions=["change", *(["book"] if room.state is RoomState.OPEN else [])],
        )


class BookedOut(BaseModel):
    """A time at which the room is taken; a meeting's follows it."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    meeting: Ref | None

    @classmethod
    def of(cls, booked: Booked) -> BookedOut:
        id_ = booked.booking.meeting_id
        meeting = Ref(id=id_, name=booked.meeting or "", href=f"/events/v1/meetings/{id_}") if id_ else None
        return cls(id=booked.booking.id, starts_at=booked.starts_at, ends_at=booked.ends_at, meeting=meeting)


def href_of_room(room: Room) -> str:
    return f"/events/v1/rooms/{room.id}"


@routes.post("/networks/{network}/rooms", status_code=201, response_model=RoomOut)
async def add_room(network: str, body: RoomBody, at: At) -> Response:
    """Enters a room in which meetings can be held."""
    return await at.command(commands.add_room, network, body, out=RoomOut.of, location=href_of_room)


@routes.get("/networks/{network}/rooms", response_model=PageOut[RoomOut])
async def rooms(
    network: str,
    at: At,
    state: Annotated[list[RoomState], Query()] = [],  # noqa: B006
    territory: Annotated[list[str], Query(description="Of any of these regions, provinces, municipalities")] = [],  # noqa: B006
    q: Annotated[str | None, Query(max_length=100, description="Part of the title")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The rooms of a network."""
    return await at.page(
        queries.rooms_of, network, state=state, territory=territory, q=q, after=after, limit=limit, out=RoomOut.of
    )


@routes.get("/rooms/{room_id}", response_model=RoomOut)
async def room(room_id: UUID, at: At) -> Response:
    """A room."""
    return await at.read(queries.room, room_id, out=RoomOut.of)


@routes.patch("/rooms/{room_id}", response_model=RoomOut)
async def change_room(room_id: UUID, body: RoomChange, at: At) -> Response:
    """Changes a room, or closes it. Needs If-Match."""
    given = body.model_dump(include=body.model_fields_set)
    return await at.command(commands.change_room, room_id, given, expected=at.if_match(), out=RoomOut.of)


@routes.post("/rooms/{room_id}/bookings", status_code=201, response_model=BookedOut)
async def book(room_id: UUID, body: BookingBody, at: At) -> Response:
    """Takes a room for something that is no meeting here."""
    return await at.command(commands.book, room_id, body, out=BookedOut.of)


@routes.get("/rooms/{room_id}/bookings", response_model=PageOut[BookedOut])
async def bookings(room_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The times at which a room is taken."""
    return await at.page(queries.bookings, room_id, after=after, limit=limit, out=BookedOut.of)


@routes.delete("/rooms/{room_id}/bookings/{booking_id}", status_code=204)
async def unbook(room_id: UUID, booking_id: UUID, at: At) -> Response:
    """Gives a room back."""
    return await at.command(commands.unbook, room_id, booking_id, out=lambda _: None)


# --- absences ---------------------------------------------------------------------------------------------------------


class AbsenceOut(BaseModel):
    """Somebody is away from `since` until `until` (exclusive); `declared` by themselves, or recorded by others."""

    id: UUID
    person: Ref
    since: date
    until: date
    declared: bool

    @classmethod
    def of(cls, away: Away) -> AbsenceOut:
        one = away.absence
        person = Ref.person(one.person_id, away.name)
        return cls(id=one.id, person=person, since=one.since, until=one.until, declared=one.network_id is None)


@routes.post("/networks/{network}/absences", status_code=201, response_model=AbsenceOut)
async def record(network: str, body: AbsenceBody, at: At) -> Response:
    """Says when one is away, which counts wherever one is to meet; or records it of somebody, for this network."""
    return await at.command(commands.record, network, body, out=AbsenceOut.of)


@routes.get("/networks/{network}/absences", response_model=PageOut[AbsenceOut])
async def absences(
    network: str,
    at: At,
    person: Annotated[list[UUID], Query(description="Of any of these people")] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="Away on this day")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """One's own absences, and to the coordination those that were recorded in the network."""
    return await at.page(
        queries.absences_of, network, person=person, on=on, after=after, limit=limit, out=AbsenceOut.of
    )


@routes.delete("/absences/{absence_id}", status_code=204)
async def withdraw(absence_id: UUID, at: At) -> Response:
    """Takes an absence back."""
    return await at.command(commands.withdraw, absence_id, out=lambda _: None)


# --- problems ---------------------------------------------------------------------------------------------------------

outside_series = problem(
    "outside-series",
    409,
    it="La riunione non rientra nel programma\n{said_it}",
    en="The meeting does not fit into its programme\n{said_en}",
)
BROKEN = {
    Rule.STATE: (
        "Il programma è nello stato «{counted}»: le riunioni si convocano quando è adottato e finché non è chiuso.",
        "The programme is {counted}: meetings are convened once it is adopted and until it is closed.",
    ),
    Rule.BODY: (
        "L'organo non partecipa al programma.",
        "The body does not take part in the programme.",
    ),
    Rule.LEVEL: (
        "Il livello del programma è «{limit}», quello della riunione «{counted}».",
        "The programme's level is {limit}, the meeting's is {counted}.",
    ),
    Rule.MODE: (
        "La modalità «{counted}» non è tra quelle ammesse: {limit}.",
        "The mode {counted} is not among those allowed: {limit}.",
    ),
    Rule.SPAN: (
        "Il giorno {counted} è fuori dal programma, che ha per limite il {limit}.",
        "The day {counted} is outside the programme, whose limit is {limit}.",
    ),
    Rule.QUOTA: (
        "Sarebbe la riunione numero {counted} delle {limit} previste{mode_it}{each_it}.",
        "It would be meeting number {counted} of the {limit} foreseen{mode_en}{each_en}.",
    ),
    Rule.SHARE: (
        "Sarebbe la riunione numero {counted} dell'organo, a cui ne spettano {limit}.",
        "It would be meeting number {counted} of the body, whose share is {limit}.",
    ),
    Rule.MIN_DAYS: (
        "Ci sono {counted} giorni da un'altra riunione dello stesso organo: ne servono almeno {limit}.",
        "There are {counted} days to another meeting of the same body: at least {limit} are needed.",
    ),
    Rule.PER_MONTH: (
        "Sarebbe la riunione numero {counted} dell'organo nel mese: se ne ammettono {limit}.",
        "It would be meeting number {counted} of the body in the month: {limit} are allowed.",
    ),
}
WIDER = {
    "it": " Si potrà con una proroga registrata (`extension`).",
    "en": " A recorded extension makes it possible (`extension`).",
}
MODES = {
    Mode.REMOTE: (" a distanza", " remote"),
    Mode.IN_PERSON: (" in presenza", " in person"),
    Mode.HYBRID: (" in presenza e a distanza", " in person and remote"),
}


def outside(error: BaseException) -> Problem:
    """Every rule that is broken: the limit, what would count, and the extension that would do."""
    assert isinstance(error, OutsideSeries)
    breaches = error.breaches
    extension = _extension(breaches)
    said = {
        language: " ".join(_said(breach, place) for breach in breaches) + (WIDER[language] if extension else "")
        for place, language in enumerate(("it", "en"))
    }
    return outside_series(
        None,
        said_it=said["it"],
        said_en=said["en"],
        errors=[FieldError(breach.path, breach.rule, _accepted(breach)) for breach in breaches],
        more={"breaches": [_breach(breach) for breach in breaches], "extension": extension},
    )


def _said(breach: Breach, language: int) -> str:
    mode = MODES[Mode(breach.mode)] if breach.mode else ("", "")
    each = (" per ogni organo", " for each body") if breach.rule is Rule.QUOTA and breach.body_id else ("", "")
    limit = ", ".join(map(str, breach.limit)) if isinstance(breach.limit, list) else breach.limit
    return BROKEN[breach.rule][language].format(
        limit=limit,
        counted=breach.counted,
        mode_it=mode[0],
        mode_en=mode[1],
        each_it=each[0],
        each_en=each[1],
    )


def _accepted(breach: Breach) -> Any:
    return [str(one) for one in breach.limit] if isinstance(breach.limit, list) else breach.limit


def _breach(breach: Breach) -> dict[str, Any]:
    return {
        "rule": breach.rule,
        "limit": _accepted(breach),
        "counted": breach.counted,
        "mode": breach.mode,
        "body_id": breach.body_id,
        "extension": breach.extension,
    }


def _extension(breaches: Sequence[Breach]) -> dict[str, Any] | None:
    """The fields of the one extension that helps against all; None when there is none."""
    if any(breach.extension is None for breach in breaches):
        return None
    merged: dict[str, Any] = {}
    for breach in breaches:
        for name, value in (breach.extension or {}).items():
            merged[name] = [*merged.get(name, []), *value] if name == "quotas" else value
    return merged


problems = {
    UnknownSeries: not_found,
    UnknownRoom: not_found,
    UnknownBooking: not_found,
    UnknownAbsence: not_found,
    OutsideSeries: outside,
    NoSuchSeries: problem(
        "no-such-series",
        422,
        it="La rete non ha questo programma\nUna riunione è di un programma della propria rete, o di nessuno.",
        en="The network has no such programme\nA meeting belongs to a programme of its network, or to none.",
        path="/series_id",
        accepted="a programme of the same network",
    ),
    InvalidSeries: problem(
        "invalid-series",
        422,
        it="Il programma si contraddice\n`errors` dice quale valore e che cosa si accetta.",
        en="The programme contradicts itself\n`errors` says which value, and what is accepted.",
    ),
    NotPossibleNow: problem(
        "series-not-possible-now",
        409,
        it="Ora non è possibile\nCon un programma nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a programme that is {state}, {action} cannot be done.",
    ),
    Framed: problem(
        "series-framed",
        409,
        it="Il programma è adottato\nDurata, quote, organi e cadenza cambiano solo con una proroga registrata.",
        en="The programme is adopted\nIts days, quotas, bodies and cadence change by a recorded extension only.",
        code="adopted",
    ),
    MeetingsPending: problem(
        "series-meetings-pending",
        409,
        it="Ci sono riunioni del programma\nSono {pending}: prima si tengono o si annullano; una bozza che ne ha "
        "non si elimina.",
        en="There are meetings of the programme\nThey are {pending}: first they are held or cancelled; a draft with "
        "meetings is not removed.",
    ),
    Short: problem(
        "series-short",
        409,
        it="Il programma non è completo\nMancano riunioni ({missing}): per chiuderlo occorre dire perché.",
        en="The programme is not complete\nMeetings are missing ({missing}): to close it, say why.",
        code="missing",
    ),
    UnknownNumber: problem(
        "series-number-unknown",
        422,
        it="Non è detto quante riunioni\nIl programma non ha un numero per organo: indicarlo con `meetings`.",
        en="It is not said how many meetings\nThe programme has no number for each body: say it with `meetings`.",
        path="/meetings",
        code="missing",
        accepted="how many meetings each body is to have",
    ),
    RoomTaken: problem(
        "room-taken",
        409,
        it="La sala è occupata\nQualcun altro la usa da {starts_at} a {ends_at}.",
        en="The room is taken\nSomebody else has it from {starts_at} to {ends_at}.",
        code="taken",
    ),
}

vocabularies = (
    vocabulary(
        "series_states",
        "Stati di un programma",
        "States of a programme",
        [
            (State.DRAFT, "In preparazione", "Draft"),
            (State.ADOPTED, "Adottato", "Adopted"),
            (State.CLOSED, "Chiuso", "Closed"),
        ],
    ),
    vocabulary(
        "meeting_levels",
        "Livelli di una riunione",
        "Levels of a meeting",
        [
            (Level.NATIONAL, "Nazionale", "National"),
            (Level.REGIONAL, "Regionale", "Regional"),
            (Level.TERRITORIAL, "Territoriale", "Territorial"),
        ],
    ),
    vocabulary(
        "series_rules",
        "Regole di un programma",
        "Rules of a programme",
        [
            (Rule.STATE, "Stato del programma", "State of the programme"),
            (Rule.BODY, "Organi che partecipano", "Bodies that take part"),
            (Rule.LEVEL, "Livello", "Level"),
            (Rule.MODE, "Modalità ammesse", "Modes allowed"),
            (Rule.SPAN, "Durata", "Days"),
            (Rule.QUOTA, "Quote", "Quotas"),
            (Rule.SHARE, "Ripartizione tra gli organi", "Share of each body"),
            (Rule.MIN_DAYS, "Giorni tra due riunioni", "Days between two meetings"),
            (Rule.PER_MONTH, "Riunioni al mese", "Meetings a month"),
        ],
    ),
    vocabulary(
        "planning_reasons",
        "Motivi di un piano di date",
        "Reasons of a plan of dates",
        [
            (Why.HOLIDAY, "Festività", "Holiday"),
            (Why.AVOIDED, "Periodo escluso", "Excluded period"),
            (Why.OWN_MEETING, "L'organo si riunisce già", "The body meets already"),
            (Why.MIN_DAYS, "Giorni tra due riunioni", "Days between two meetings"),
            (Why.PER_MONTH, "Riunioni al mese", "Meetings a month"),
            (Why.PEOPLE_BUSY, "Persone in altre riunioni", "People in other meetings"),
            (Why.PEOPLE_AWAY, "Persone assenti", "People away"),
            (Why.NO_ROOM, "Nessuna sala adatta", "No suitable room"),
            (Why.LAST_DAY, "Fine del programma", "End of the programme"),
            (Why.WEEKDAYS, "Giorni della settimana", "Weekdays"),
            (Why.NOTICE, "Preavviso", "Notice"),
            (Why.QUOTA, "Quote", "Quotas"),
            (Why.MEETINGS, "Numero di riunioni", "Number of meetings"),
        ],
    ),
    vocabulary(
        "room_states",
        "Stati di una sala",
        "States of a room",
        [(RoomState.OPEN, "Utilizzabile", "Open"), (RoomState.CLOSED, "Chiusa", "Closed")],
    ),
)
