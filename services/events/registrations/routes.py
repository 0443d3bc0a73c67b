"""HTTP of registrations: the public page of a meeting, the page of who has registered, the coordination's list."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from secrets import token_urlsafe
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query
from pydantic import AwareDatetime, BaseModel, ValidationError
from starlette.responses import RedirectResponse, Response

from services.events.meetings.rules import Mode
from services.events.registrations import commands, pages, queries
from services.events.registrations.commands import LONGEST_CODE, Attendance, Code, Entry, PlacesBody, Registered
from services.events.registrations.queries import Listed, Managed, Open, Places
from services.events.registrations.rules import (
    MeetingCancelled,
    MeetingOver,
    NotAdmitted,
    NotBegun,
    NotPublic,
    RegistrationOver,
    State,
    UnknownRegistration,
    require_open,
)
from shared.calendars import Entry as CalendarEntry
from shared.calendars import Method, Status, uid, write
from shared.runtime import sessions
from shared.runtime.browsers import HTML, answered, as_json, refusal, wants_json
from shared.runtime.edge import Anyone, At, Edge, limited
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Invalid, not_found, problem
from shared.runtime.sessions import MaybeSeated, Seated
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["registrations"])

ShownCode = Annotated[str, Query(alias="code", max_length=LONGEST_CODE, description="From the address of one's page")]
Typed = Annotated[str, Form(max_length=5000)]
SHARE = 20
"""Registrations that strangers may send a minute from one address are this part of all their requests: a class at its
school's network, not a script."""
ACCEPTED = {
    "name": "1 to 200 characters on one line",
    "email": "an address such as name@example.org, or nothing",
    "organisation": "up to 200 characters on one line, or nothing",
}


class CountsOut(BaseModel):
    """`confirmed` have a place, `attended` of them came."""

    confirmed: int
    waiting: int
    cancelled: int
    attended: int

    @classmethod
    def of(cls, counts: queries.Counts) -> CountsOut:
        return cls(
            confirmed=counts.confirmed, waiting=counts.waiting, cancelled=counts.cancelled, attended=counts.attended
        )


class PlacesOut(BaseModel):
    """How many from outside may come (null: as many as want to), how many do, and the address for them."""

    meeting: Ref
    open_to_public: bool
    places: int | None
    registered: CountsOut
    page: str
    version: int

    @classmethod
    def of(cls, found: Places, at: Edge) -> PlacesOut:
        meeting = found.meeting
        return cls(
            meeting=Ref(id=meeting.id, name=meeting.title, href=f"/events/v1/meetings/{meeting.id}"),
            open_to_public=meeting.open_to_public,
            places=found.places,
            registered=CountsOut.of(found.counts),
            page=address(at, f"/{meeting.id}"),
            version=found.version,
        )


class OpenOut(BaseModel):
    """A public meeting as everybody may know it. `places_left` is null where there is no bound; whoever registers when
    none is left waits for one. `privacy` is what the page says of the data that it asks for."""

    meeting_id: UUID
    network: str
    title: str
    body: str | None
    description: str | None
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    place: str | None
    open: bool
    places_left: int | None
    privacy: list[str]

    @classmethod
    def of(cls, found: Open, at: Edge, open_: bool) -> OpenOut:
        meeting = found.meeting
        return cls(
            meeting_id=meeting.id,
            network=found.network.name,
            title=meeting.title,
            body=found.body,
            description=meeting.description,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            mode=meeting.mode,
            place=meeting.place,
            open=open_,
            places_left=found.left,
            privacy=pages.privacy(at.language, found.network),
        )


class ManagedOut(BaseModel):
    """One's own registration. `before` are those who wait in front; `join_url` is for who has a place."""

    title: str
    network: str
    starts_at: datetime
    ends_at: datetime
    place: str | None
    join_url: str | None
    meeting_cancelled: bool
    name: str
    number: int
    state: State
    before: int
    attended: bool
    erased_at: datetime | None
    manage_url: str
    calendar_url: str | None

    @classmethod
    def of(cls, managed: Managed, at: Edge, code: str) -> ManagedOut:
        registration, meeting = managed.registration, managed.open.meeting
        return cls(
            title=meeting.title,
            network=managed.open.network.name,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            place=meeting.place,
            join_url=pages.joins(managed),
            meeting_cancelled=pages.is_cancelled(managed),
            name=registration.name,
            number=registration.number,
            state=registration.state,
            before=managed.before,
            attended=registration.attended,
            erased_at=registration.erased_at,
            manage_url=manage_url(at, code),
            calendar_url=address(at, f"/manage.ics?{urlencode({'code': code})}")
            if pages.in_calendar(managed)
            else None,
        )


class RegistrationOut(BaseModel):
    """Somebody from outside, for the coordination. `entered_by` is who wrote it down, when it was not the person;
    `possible_duplicate`: another registration has the same address or name."""

    id: UUID
    number: int
    name: str
    email: str | None
    organisation: str | None
    state: State
    registered_at: datetime
    entered_by: Ref | None
    attended: bool
    checked_in_at: datetime | None
    possible_duplicate: bool
    version: int

    @classmethod
    def of(cls, listed: Listed) -> RegistrationOut:
        registration = listed.registration
        by = registration.entered_by
        return cls(
            id=registration.id,
            number=registration.number,
            name=registration.name,
            email=registration.email,
            organisation=registration.organisation,
            state=registration.state,
            registered_at=registration.registered_at,
            entered_by=Ref.person(by, listed.entered_by) if by else None,
            attended=registration.attended,
            checked_in_at=registration.checked_in_at,
            possible_duplicate=listed.again,
            version=registration.version,
        )


class RegisteredOut(BaseModel):
    """`manage_url` is the address of the person's own page. It is shown now and never again."""

    state: State
    number: int
    manage_url: str

    @classmethod
    def of(cls, made: Registered, at: Edge) -> RegisteredOut:
        registration = made.listed.registration
        return cls(state=registration.state, number=registration.number, manage_url=manage_url(at, made.code))


def address(at: Edge, path: str) -> str:
    """With the host: it is printed, scanned and sent on."""
    return f"{at.context.settings.public_url.rstrip('/')}/events/v1/registrations{path}"


def manage_url(at: Edge, code: str) -> str:
    return address(at, f"/manage?{urlencode({'code': code})}")


# --- one's own page (before the meetings' own: their path would take it) ----------------------------------------------


@routes.get("/registrations/manage", response_model=ManagedOut, responses=HTML)
async def manage(code: ShownCode, at: MaybeSeated) -> Response:
    """One's own registration: where and when, a code to show at the door, a way to give the place up. Opening it does
    nothing. A page; with `Accept: application/json` the same for programs."""

    async def shown() -> Response:
        managed = await at.query(queries.managed, code)
        if wants_json(at):
            return as_json(ManagedOut.of(managed, at, code))
        return pages.manage(at.language, managed, code, manage_url(at, code), now=at.now, form=form_of(at, managed))

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


@routes.post("/registrations/manage", response_model=ManagedOut, responses=HTML)
async def give_up(code: ShownCode, at: Anyone) -> Response:
    """The person will not come: the place goes to the next who waits, the data are erased at once. Once the meeting is
    over, the data alone are."""
    at.identity = None

    async def given_up() -> Response:
        await at.command(commands.give_up, code, out=lambda _: None)
        managed = await at.query(queries.managed, code)
        if wants_json(at):
            return as_json(ManagedOut.of(managed, at, code))
        return pages.manage(at.language, managed, code, manage_url(at, code), now=at.now, form=None)

    return await answered(at, given_up, partial(pages.failed, at.language), html=not wants_json(at))


@routes.get("/registrations/manage.ics", response_class=Response, responses={200: {"content": {"text/calendar": {}}}})
async def calendar(code: ShownCode, at: Anyone) -> Response:
    """The meeting for one's own calendar, with the link to join for who has a place."""
    at.identity = None
    managed = await at.query(queries.managed, code)
    if not pages.in_calendar(managed):
        raise UnknownRegistration
    meeting, public_url = managed.open.meeting, at.context.settings.public_url
    entry = CalendarEntry(
        uid=uid("meeting", meeting.id, public_url),
        sequence=meeting.sequence,
        stamp=at.now,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        summary=meeting.title,
        status=Status.CANCELLED if pages.is_cancelled(managed) else Status.CONFIRMED,
        location=meeting.place,
        description=meeting.description,
        url=manage_url(at, code),
        join_url=pages.joins(managed),
    )
    headers = {"content-disposition": 'attachment; filename="meeting.ics"', "cache-control": "no-store"}
    return Response(write([entry], method=Method.PUBLISH), headers=headers, media_type="text/calendar; charset=utf-8")


@routes.post("/registrations/check-in", response_class=Response, responses=HTML, include_in_schema=False)
async def check_in_here(code: ShownCode, at: Seated) -> Response:
    """From the page that the person's code opens on the telephone of who is at the door."""
    refused = await refusal(at, partial(at.command, commands.check_in_by_code, code, out=lambda _: None))
    managed = await at.query(queries.managed, code)
    return pages.manage(
        at.language,
        managed,
        code,
        manage_url(at, code),
        now=at.now,
        form=form_of(at, managed),
        refused=refused,
        checked_in=refused is None,
    )


def form_of(at: Edge, managed: Managed) -> str | None:
    """What a form for the door sends back; None for whoever is not at it."""
    return sessions.form_of(at) if managed.may_check_in else None


# --- the public page --------------------------------------------------------------------------------------------------


@routes.get("/registrations/{meeting_id}", response_model=OpenOut, responses=HTML)
async def show(meeting_id: UUID, at: Anyone) -> Response:
    """A public meeting, with a form to register. A page; with `Accept: application/json` the same for programs."""
    at.identity = None

    async def shown() -> Response:
        found = await at.query(queries.public, meeting_id)
        if wants_json(at):
            closed = await refusal(at, partial(_require_open, found, at))
            return as_json(OpenOut.of(found, at, closed is None))
        require_open(found.meeting, at.now)
        return pages.register(at.language, found)

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


async def _require_open(found: Open, at: Edge) -> None:
    require_open(found.meeting, at.now)


@routes.post("/registrations/{meeting_id}", status_code=201, response_model=RegisteredOut, responses=HTML)
async def register(
    meeting_id: UUID,
    at: Anyone,
    name: Typed = "",
    email: Typed = "",
    organisation: Typed = "",
    website: Annotated[str, Form(max_length=5000, description="Leave it empty")] = "",
) -> Response:
    """Registers somebody from outside, without an account. Whether there is a place, and everything else, is on their
    own page, to which a browser is sent on."""
    at.identity = None
    limited(at, f"register:{at.address}", max(1, at.context.settings.anonymous_per_minute // SHARE))

    async def registered() -> Response:
        found = await at.query(queries.public, meeting_id)
        require_open(found.meeting, at.now)
        typed = {"name": name, "email": email, "organisation": organisation}
        try:
            entry = read(typed)
        except Invalid as error:
            if wants_json(at):
                raise
            return pages.register(at.language, found, typed=typed, wrong={e.path[1:] for e in error.errors})
        if website:  # a field that people do not see: who fills it in is told what people are told, and nothing is kept
            return sent_on(at, RegisteredOut(state=State.CONFIRMED, number=1, manage_url=manage_url(at, nobodys())))
        made: list[RegisteredOut] = []
        await at.command(commands.register, meeting_id, entry, out=lambda new: made.append(RegisteredOut.of(new, at)))
        return sent_on(at, made[-1])

    return await answered(at, registered, partial(pages.failed, at.language), html=not wants_json(at))


def nobodys() -> str:
    return token_urlsafe(16)


def sent_on(at: Edge, made: RegisteredOut) -> Response:
    """A browser to the person's own page, so that loading it again registers nobody twice."""
    if wants_json(at):
        answer = as_json(made)
        answer.status_code = 201
        return answer
    code = made.manage_url.rpartition("/manage?")[2]
    return RedirectResponse(f"/events/v1/registrations/manage?{code}", 303, {"cache-control": "no-store"})


def read(typed: dict[str, str]) -> Entry:
    """What was typed into the form; what is left empty was not given. Raises Invalid for all that is wrong."""
    try:
        return Entry.model_validate({name: value for name, value in typed.items() if value.strip()})
    except ValidationError as error:
        found = {str(one["loc"][0]): one["type"] for one in error.errors()}
        wrong = Invalid("", "", None)
        wrong.errors = [FieldError(f"/{name}", code, ACCEPTED[name]) for name, code in found.items()]
        raise wrong from None


# --- for the coordination ---------------------------------------------------------------------------------------------


@routes.get("/meetings/{meeting_id}/public-places", response_model=PlacesOut)
async def places(meeting_id: UUID, at: At) -> Response:
    """How many from outside may come to a meeting that is open to the public, and how many do."""
    return await at.read(queries.places, meeting_id, out=lambda found: PlacesOut.of(found, at))


@routes.put("/meetings/{meeting_id}/public-places", response_model=PlacesOut)
async def bound(meeting_id: UUID, body: PlacesBody, at: At) -> Response:
    """Sets how many from outside may come; who waits and now has a place is admitted, in turn. Nobody loses a place.
    Needs If-Match."""
    return await at.command(
        commands.bound, meeting_id, body, expected=at.if_match(), out=lambda found: PlacesOut.of(found, at)
    )


@routes.get("/meetings/{meeting_id}/registrations", response_model=PageOut[RegistrationOut])
async def registrations(
    meeting_id: UUID,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    attended: bool | None = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of the name")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who from outside has registered, in the order in which they came: for the coordination. Names are gone 90 days
    after the meeting."""
    return await at.page(
        queries.listed,
        meeting_id,
        state=state,
        attended=attended,
        q=q,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=RegistrationOut.of,
    )


@routes.post("/meetings/{meeting_id}/registrations", status_code=201, response_model=RegisteredOut)
async def enter(meeting_id: UUID, body: Entry, at: At) -> Response:
    """Writes down somebody who telephones or stands at the door; recorded as entered by the caller. The answer holds
    the address of the person's own page, so it is not kept: sent again, it registers again."""
    return await at.command(
        commands.enter, meeting_id, body, out=lambda made: RegisteredOut.of(made, at), repeatable=False
    )


@routes.post("/meetings/{meeting_id}/registrations/check-in", response_model=RegistrationOut)
async def check_in(meeting_id: UUID, body: Code, at: At) -> Response:
    """Who shows the code of their page is there: counted as a guest of the meeting. Twice is once."""
    return await at.command(commands.check_in, meeting_id, body.code, out=RegistrationOut.of)


@routes.post(
    "/meetings/{meeting_id}/registrations/{registration_id}/attendance",
    response_model=RegistrationOut,
    openapi_extra=GUARDED,
)
async def attendance(meeting_id: UUID, registration_id: UUID, body: Attendance, at: At) -> Response:
    """By hand, also to take a mistake back. Needs If-Match."""
    return await at.command(
        commands.attended, meeting_id, registration_id, body, expected=at.if_match(), out=RegistrationOut.of
    )


@routes.delete(
    "/meetings/{meeting_id}/registrations/{registration_id}",
    status_code=204,
    response_class=Response,
    openapi_extra=GUARDED,
)
async def remove(meeting_id: UUID, registration_id: UUID, at: At) -> Response:
    """For somebody who asks for it: the place goes to the next who waits, the data are erased at once. Needs
    If-Match."""
    return await at.command(commands.remove, meeting_id, registration_id, expected=at.if_match(), out=lambda _: None)


problems = {
    UnknownRegistration: not_found,
    NotPublic: problem(
        "not-public",
        404,
        it="Non c'è nessuna riunione pubblica a questo indirizzo\nForse non è più aperta al pubblico, o l'indirizzo "
        "non è completo.",
        en="There is no public meeting at this address\nPerhaps it is no longer open to the public, or the address is "
        "not whole.",
    ),
    MeetingCancelled: problem(
        "public-meeting-cancelled",
        410,
        it="L'incontro è annullato\nNon si terrà: non occorre fare nulla.",
        en="The meeting is cancelled\nIt will not take place: nothing needs to be done.",
    ),
    RegistrationOver: problem(
        "registration-over",
        410,
        it="Le iscrizioni sono chiuse\nL'incontro è cominciato: chi arriva ora si iscrive all'ingresso.",
        en="Registration is over\nThe meeting has begun: whoever comes now registers at the door.",
    ),
    MeetingOver: problem(
        "public-meeting-over",
        410,
        it="L'incontro è finito\nNon ci si può più iscrivere.",
        en="The meeting is over\nNobody can register any more.",
    ),
    NotBegun: problem(
        "check-in-too-early",
        409,
        it="È troppo presto\nLe presenze si registrano dal giorno dell'incontro, {day}.",
        en="It is too early\nPeople are checked in from the day of the meeting, {day}.",
    ),
    NotAdmitted: problem(
        "registration-without-place",
        409,
        it="Questa iscrizione non ha un posto\nÈ nello stato {state}: se c'è posto, si aumentano i posti per il "
        "pubblico.",
        en="This registration has no place\nIt is {state}: if there is room, raise the places for the public.",
    ),
}

vocabularies = (
    vocabulary(
        "registration_states",
        "Stati di un'iscrizione",
        "States of a registration",
        [
            (State.CONFIRMED, "Posto confermato", "Confirmed"),
            (State.WAITING, "In lista d'attesa", "Waiting"),
            (State.CANCELLED, "Annullata", "Cancelled"),
        ],
    ),
)
