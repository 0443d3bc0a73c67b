"""HTTP of meetings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi import Body as FromBody
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.events.meetings import commands, queries
from services.events.meetings.commands import Audience
from services.events.meetings.queries import Known
from services.events.meetings.rules import (
    GROUPS,
    AgendaTooLong,
    Begun,
    BodyDissolved,
    BodyElsewhere,
    FirstCallStands,
    InvalidAudience,
    InvalidTimes,
    Meeting,
    Misplaced,
    Mode,
    NoSecondCall,
    NotForming,
    NoticeTooShort,
    NotPossibleNow,
    Overlapping,
    QuorumImpossible,
    SecondCallMade,
    State,
    UnknownMeeting,
    timetable,
)
from services.events.notices.rules import MOST
from services.events.series.rules import Level
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import NOT_GIVEN, Instant, Ref, line, prose
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["meetings"])

Words = line(300)
Title = Annotated[str, Words]
JoinUrl = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https://[^\x00-\x20\"<>\\^`{|}]+$")]
Prose = Annotated[str, prose(5000)]
Reason = Annotated[str, line(500)]
Places = Annotated[int, Field(ge=1, le=100_000, strict=True)]
Days = Annotated[int, Field(ge=0, le=MOST, strict=True)]
EXAMPLE: Any = {
    "title": "Comitato esecutivo nazionale",
    "body_id": "01936f5e-8a00-7000-8000-0000000000b1",
    "starts_at": "2030-10-03T15:00:00+02:00",
    "ends_at": "2030-10-03T17:00:00+02:00",
    "mode": "hybrid",
    "place": "Roma, via Marcora 18",
    "join_url": "https://meet.example.org/comitato",
    "agenda": [{"title": "Piano di lavoro", "minutes": 60}, {"title": "Varie ed eventuali"}],
}


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ItemBody(Body):
    title: Title
    minutes: int | None = Field(default=None, ge=1, le=1440)


class DraftBody(Body):
    """Without `body_id` the meeting is one of the whole network. What the mode needs (a place, a joining link) may come
    later, before the convocation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    title: Title
    body_id: UUID | None = None
    founding: bool = Field(default=False, description="Of a forming body: its minutes may constitute it")
    starts_at: Instant
    ends_at: Instant
    mode: Mode
    place: Title | None = None
    join_url: JoinUrl | None = Field(default=None, description="https; shown only to those who are invited")
    agenda: list[ItemBody] = Field(default=[], max_length=50)
    series_id: UUID | None = Field(default=None, description="The programme that it is a meeting of")
    level: Level | None = None
    open_to_public: bool = Field(default=False, description="Listed for everybody; outsiders may register")
    description: Prose | None = Field(default=None, description="What it is about, for everybody where it is open")
    capacity: Places | None = Field(default=None, description="Who says yes beyond so many waits for a place")
    notice_days: Days | None = Field(default=None, description="Asked for by this meeting, beyond what the rules ask")
    audience: Audience | None = Field(
        default=None, description="Left out: the people of the body, or whoever holds a mandate in the network"
    )


class ConveneBody(Body):
    urgency: Reason | None = Field(
        default=None, description="Why it is convened with less notice than the rules ask; recorded and shown"
    )


class ChangeBody(Body):
    """Only what is given changes."""

    title: Title = NOT_GIVEN
    founding: bool = NOT_GIVEN
    starts_at: Instant = NOT_GIVEN
    ends_at: Instant = NOT_GIVEN
    mode: Mode = NOT_GIVEN
    place: Title | None = None
    join_url: JoinUrl | None = None
    agenda: list[ItemBody] = Field(default_factory=list, max_length=50)
    series_id: UUID | None = None
    level: Level | None = None
    open_to_public: bool = NOT_GIVEN
    description: Prose | None = None
    capacity: Places | None = None
    notice_days: Days | None = None
    audience: Audience | None = Field(default=None, description="Of a convened meeting the people alone may change")
    urgency: Reason = Field(
        default_factory=lambda: "", description="Why a convened meeting moves to a day with less notice than is asked"
    )


class SecondCallBody(Body):
    starts_at: Instant
    ends_at: Instant


class ItemOut(BaseModel):
    """`starts_at` is known as long as the items before it say how many minutes they take."""

    title: str
    minutes: int | None
    starts_at: datetime | None = None

    @classmethod
    def all_of(cls, meeting: Meeting) -> list[ItemOut]:
        times = timetable(meeting.agenda, meeting.starts_at)
        return [cls(**item, starts_at=at) for item, at in zip(meeting.agenda, times, strict=True)]


class AudienceOut(BaseModel):
    """Whom the meeting is for, beside or instead of its body. `people` are invited by name."""

    territories: list[str]
    kinds: list[str]
    bodies: list[UUID]
    people: list[UUID]

    @classmethod
    def of(cls, known: Known) -> AudienceOut | None:
        named = known.meeting.audience
        if named is None and not known.guests:
            return None
        groups: dict[str, Any] = {name: (named or {}).get(name, []) for name in GROUPS}
        return cls(**groups, people=known.guests)


class AnswersOut(BaseModel):
    """How many are invited, and how many of them have answered what. Of those who said yes, `waiting` have no place
    yet."""

    invited: int
    unanswered: int
    yes: int
    no: int
    perhaps: int
    delegated: int
    waiting: int


class MeetingOut(BaseModel):
    """`day` is that of the beginning in Italy; `sequence` rises with every change that a calendar must follow.
    `join_url` is shown to those who are invited, and to those who may convene the meeting. `moved_at`: when its time or
    place changed last, once it had been convened. `urgency`: why less notice was given than the rules ask."""

    id: UUID
    network_id: UUID
    body: Ref | None
    title: str
    founding: bool
    day: date
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    place: str | None
    join_url: str | None
    call: int
    first_call_id: UUID | None
    agenda: list[ItemOut]
    state: State
    sequence: int
    quorate: bool | None
    convened_at: datetime | None
    closed_at: datetime | None
    moved_at: datetime | None
    series: Ref | None
    level: Level | None
    open_to_public: bool
    description: str | None
    capacity: int | None
    free_places: int | None
    notice_days: int | None
    urgency: str | None
    audience: AudienceOut | None
    documents: int
    answers: AnswersOut
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, known: Known, at: Edge) -> MeetingOut:
        meeting, body = known.meeting, known.body
        convener = queries.may_convene(at.actor, meeting.network_id, body, at.now)
        return cls(
            id=meeting.id,
            network_id=meeting.network_id,
            body=Ref.body(body.id, body.title) if body else None,
            title=meeting.title,
            founding=meeting.founding,
            day=meeting.day,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            mode=meeting.mode,
            place=meeting.place,
            join_url=meeting.join_url if convener or known.invited else None,
            call=meeting.call,
            first_call_id=meeting.first_call_id,
            agenda=ItemOut.all_of(meeting),
            state=meeting.state,
            sequence=meeting.sequence,
            quorate=meeting.quorate,
            convened_at=meeting.convened_at,
            closed_at=meeting.closed_at,
            moved_at=meeting.moved_at,
            series=Ref(id=meeting.series_id, name=known.series or "", href=f"/events/v1/series/{meeting.series_id}")
            if meeting.series_id
            else None,
            level=meeting.level,
            open_to_public=meeting.open_to_public,
            description=meeting.description,
            capacity=meeting.capacity,
            free_places=known.free_places,
            notice_days=meeting.notice_days,
            urgency=meeting.urgency,
            audience=AudienceOut.of(known),
            documents=known.documents,
            answers=AnswersOut.model_validate(known.answers),
            href=f"/events/v1/meetings/{meeting.id}",
            version=meeting.version,
            allowed_actions=meeting.actions(at.now) if convener else [],
        )


def href(known: Known) -> str:
    return f"/events/v1/meetings/{known.meeting.id}"


@routes.post("/networks/{network}/meetings", status_code=201, response_model=MeetingOut)
async def draft(network: str, body: DraftBody, at: At) -> Response:
    """Drafts a meeting of a body, or of the whole network. Nobody is told before it is convened."""
    return await at.command(
        commands.draft,
        network,
        out=lambda known: MeetingOut.of(known, at),
        location=href,
        audience=body.audience,
        **body.model_dump(exclude={"audience"}),
    )


@routes.get("/networks/{network}/meetings", response_model=PageOut[MeetingOut])
async def meetings(
    network: str,
    at: At,
    body: Annotated[list[UUID], Query(description="Of any of these bodies")] = [],  # noqa: B006 (FastAPI copies it)
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="On this day")] = None,
    since: Annotated[date | None, Query(description="On this day or later")] = None,
    until: Annotated[date | None, Query(description="Before this day")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of the title")] = None,
    updated_since: AwareDatetime | None = None,
    series: Annotated[list[UUID], Query(description="Of any of these programmes")] = [],  # noqa: B006
    level: Annotated[list[Level], Query()] = [],  # noqa: B006
    mode: Annotated[list[Mode], Query()] = [],  # noqa: B006
    open_to_public: bool | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The meetings of a network in the order of their beginning. Drafts are shown to those who may convene them."""
    return await at.page(
        queries.listed,
        network,
        body=body,
        state=state,
        on=on,
        since=since,
        until=until,
        q=q,
        updated_since=updated_since,
        series=series,
        level=level,
        mode=mode,
        open_to_public=open_to_public,
        after=after,
        limit=limit,
        out=lambda known: MeetingOut.of(known, at),
        model=MeetingOut,
    )


@routes.get("/meetings/{meeting_id}", response_model=MeetingOut)
async def meeting(meeting_id: UUID, at: At) -> Response:
    """A meeting."""
    return await at.read(queries.get, meeting_id, out=lambda known: MeetingOut.of(known, at))


@routes.patch("/meetings/{meeting_id}", response_model=MeetingOut)
async def change(meeting_id: UUID, body: ChangeBody, at: At) -> Response:
    """Changes a draft or a convened meeting; who is invited is told when it moves. Another day invites those who will
    be entitled on it, and nobody else; who stays invited keeps answer and place. Needs If-Match."""
    changes: dict[str, Any] = body.model_dump(include=body.model_fields_set - {"audience"})
    if "audience" in body.model_fields_set:
        changes["audience"] = body.audience
    return await at.command(
        commands.change,
        meeting_id,
        changes,
        expected=at.if_match(),
        out=lambda known: MeetingOut.of(known, at),
    )


@routes.post("/meetings/{meeting_id}/convene", response_model=MeetingOut, openapi_extra=GUARDED)
async def convene(
    meeting_id: UUID, at: At, body: Annotated[ConveneBody, FromBody(default_factory=ConveneBody)]
) -> Response:
    """Invites everybody who will be entitled on the meeting's day; the invitations follow the mandates from then on.
    With less notice than the rules ask only for a recorded `urgency`. Needs If-Match."""
    return await at.command(
        commands.convene,
        meeting_id,
        urgency=body.urgency,
        expected=at.if_match(),
        out=lambda known: MeetingOut.of(known, at),
    )


@routes.post("/meetings/{meeting_id}/cancel", response_model=MeetingOut, openapi_extra=GUARDED)
async def cancel(meeting_id: UUID, at: At) -> Response:
    """Cancels a meeting; those who are invited are told. Needs If-Match."""
    return await at.command(
        commands.cancel, meeting_id, expected=at.if_match(), out=lambda known: MeetingOut.of(known, at)
    )


@routes.post("/meetings/{meeting_id}/second-call", status_code=201, response_model=MeetingOut, openapi_extra=GUARDED)
async def second_call(meeting_id: UUID, body: SecondCallBody, at: At) -> Response:
    """Convenes the second call of a meeting that was held without a quorum: a meeting of its own, in the same place and
    with the same agenda. Needs If-Match."""
    return await at.command(
        commands.second_call,
        meeting_id,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        expected=at.if_match(),
        out=lambda known: MeetingOut.of(known, at),
        location=href,
    )


second_call_made = problem(
    "second-call-made",
    409,
    it="La seconda convocazione c'è già\nÈ la riunione {meeting_id}.",
    en="The second call exists already\nIt is meeting {meeting_id}.",
)
problems = {
    UnknownMeeting: not_found,
    Overlapping: problem(
        "meeting-overlaps",
        409,
        it="L'organo è già riunito a quell'ora\nLa riunione {meeting_id} va dal {starts_at} al {ends_at}.",
        en="The body meets at that time already\nMeeting {meeting_id} lasts from {starts_at} to {ends_at}.",
        path="/starts_at",
        code="overlaps",
    ),
    NoticeTooShort: problem(
        "notice-too-short",
        422,
        it="Preavviso troppo breve\nServono {days} giorni: convocata oggi, la riunione si può tenere dal {earliest}; "
        "per il giorno indicato andava convocata entro il {latest}. Per convocarla lo stesso si motiva l'urgenza.",
        en="Notice too short\n{days} days are needed: convened today, the meeting can be held from {earliest}; for its "
        "day it had to be convened by {latest}. To convene it nevertheless, say why it is urgent.",
        path="/starts_at",
        code="notice",
    ),
    QuorumImpossible: problem(
        "quorum-impossible",
        409,
        it="Il numero legale è irraggiungibile\nServono {needed} presenti e gli aventi diritto sono {entitled}.",
        en="The quorum cannot be reached\n{needed} must be there, and {entitled} are entitled.",
        path="/body_id",
        code="quorum",
    ),
    AgendaTooLong: problem(
        "agenda-too-long",
        422,
        it="L'ordine del giorno non ci sta\nI punti occupano {given} minuti e la riunione ne dura {minutes}.",
        en="The agenda does not fit\nIts items take {given} minutes, and the meeting lasts {minutes}.",
        path="/agenda",
        code="too_long",
    ),
    InvalidAudience: problem(
        "invalid-audience",
        422,
        it="Destinatari non validi\n`errors` dice quale valore e che cosa si accetta.",
        en="Not an audience\n`errors` says which value, and what is accepted.",
    ),
    BodyElsewhere: problem(
        "body-elsewhere",
        422,
        it="L'organo è di un'altra rete\nUna riunione si tiene nella rete del proprio organo.",
        en="The body belongs to another network\nA meeting is held in the network of its body.",
        path="/body_id",
    ),
    BodyDissolved: problem(
        "body-dissolved",
        409,
        it="L'organo è sciolto\nUn organo sciolto non si riunisce più.",
        en="The body has been dissolved\nA dissolved body meets no more.",
        path="/body_id",
    ),
    NotForming: problem(
        "not-forming",
        422,
        it="Non è una riunione costitutiva\nÈ costitutiva solo la riunione di un organo non ancora costituito.",
        en="Not a founding meeting\nOnly the meeting of a body that is not constituted yet is a founding one.",
        path="/founding",
        accepted=False,
    ),
    InvalidTimes: problem(
        "invalid-times",
        422,
        it="Orari incompatibili\nInizio e fine si contraddicono, o sono già passati: `errors` dice che cosa si "
        "accetta.",
        en="Times that do not agree\nBeginning and end contradict each other, or have passed: `errors` says what is "
        "accepted.",
        code="times",
    ),
    Misplaced: problem(
        "meeting-misplaced",
        422,
        it="Luogo e modalità non concordano\nCon la modalità {mode}, `errors` dice che cosa manca o non va indicato.",
        en="Place and mode do not agree\nWith the mode {mode}, `errors` says what is missing or must not be given.",
    ),
    NotPossibleNow: problem(
        "meeting-not-possible-now",
        409,
        it="Ora non è possibile\nCon una riunione nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a meeting that is {state}, {action} cannot be done.",
    ),
    Begun: problem(
        "meeting-begun-already",
        409,
        it="La riunione è già cominciata\nData e luogo non si cambiano dopo l'inizio ({starts_at}).",
        en="The meeting has begun\nIts time and place cannot change after its beginning ({starts_at}).",
    ),
    NoSecondCall: problem(
        "no-second-call",
        409,
        it="Non è prevista una seconda convocazione\nLe regole dell'organo ne prevedono una sola, o questa è già la "
        "seconda.",
        en="There is no second call\nThe rules of the body know one call only, or this is the second one already.",
    ),
    FirstCallStands: problem(
        "first-call-stands",
        409,
        it="La prima convocazione non è andata deserta\nLa seconda si convoca quando la prima è stata tenuta senza "
        "numero legale; questa è nello stato {state}.",
        en="The first call has not failed\nThe second is convened when the first was held without a quorum; this one "
        "is {state}.",
    ),
    SecondCallMade: second_call_made,
    "meetings_second_call": second_call_made,
}

vocabularies = (
    vocabulary(
        "meeting_states",
        "Stati di una riunione",
        "States of a meeting",
        [
            (State.DRAFT, "In preparazione", "Draft"),
            (State.CONVENED, "Convocata", "Convened"),
            (State.HELD, "Tenuta", "Held"),
            (State.CANCELLED, "Annullata", "Cancelled"),
        ],
    ),
    vocabulary(
        "meeting_modes",
        "Modalità di una riunione",
        "Modes of a meeting",
        [
            (Mode.REMOTE, "A distanza", "Remote"),
            (Mode.IN_PERSON, "In presenza", "In person"),
            (Mode.HYBRID, "In presenza e a distanza", "In person and remote"),
        ],
    ),
)
