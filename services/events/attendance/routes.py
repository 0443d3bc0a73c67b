"""HTTP of attendance, of the quorum and its stream, of the codes that are read at the door, of signature sheets, and of
closing a meeting."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.events.attendance import commands, pages, queries
from services.events.attendance.commands import CheckedIn, Recorded, Roll, There
from services.events.attendance.queries import Figures, Line, Pass
from services.events.attendance.rules import (
    BallotsOpen,
    HasVoted,
    Mode,
    NotBegun,
    NotInCourse,
    NotToday,
    OtherMeeting,
    TooManyProxies,
    WrongItem,
)
from services.events.meetings.rules import State
from shared.access import jwt, links
from shared.runtime import progress
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_json
from shared.runtime.edge import Anyone, At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import problem
from shared.runtime.progress import Progress
from shared.runtime.sessions import MaybeSeated
from shared.runtime.shapes import Ref, Request
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["attendance"])


class AttendanceOut(BaseModel):
    """How an invitation was attended (`mode` null: nothing recorded), or a guest, who does not count. `stood_for_by` is
    who holds their proxy."""

    id: UUID
    invitation_id: UUID | None
    guest: bool
    person: Ref
    organisation: Ref | None
    mode: Mode | None
    stood_for_by: Ref | None
    recorded_by: UUID | None
    recorded_at: datetime | None

    @classmethod
    def of(cls, line: Line) -> AttendanceOut:
        organisation = line.organisation_id
        return cls(
            id=line.id,
            invitation_id=line.invitation_id,
            guest=line.invitation_id is None,
            person=Ref.person(line.person_id, line.person),
            organisation=Ref.organisation(organisation, line.organisation) if organisation else None,
            mode=line.mode,
            stood_for_by=Ref.person(line.stood_for_by, line.stood_for_by_name) if line.stood_for_by else None,
            recorded_by=line.recorded_by,
            recorded_at=line.recorded_at,
        )


class QuorumOut(BaseModel):
    """`entitled` counts vacant seats too; `present` those in person or remote, `by_proxy` those whom they stand for.
    `fixed`: the meeting was closed, and these figures stay."""

    call: int
    entitled: int
    present: int
    by_proxy: int
    needed: int
    reached: bool
    missing: int
    fixed: bool

    @classmethod
    def of(cls, figures: Figures) -> QuorumOut:
        quorum = figures.quorum
        return cls(
            call=quorum.call,
            entitled=quorum.entitled,
            present=quorum.present,
            by_proxy=quorum.by_proxy,
            needed=quorum.needed,
            reached=quorum.reached,
            missing=quorum.missing,
            fixed=figures.meeting.state is State.HELD,
        )


Search = Annotated[
    str | None,
    Query(min_length=1, max_length=100, pattern=r"^[^\x00]*$", description="A part of a name, or of a body's"),
]


class RecordedOut(BaseModel):
    items: list[AttendanceOut]
    quorum: QuorumOut

    @classmethod
    def of(cls, recorded: Recorded) -> RecordedOut:
        return cls(items=[AttendanceOut.of(line) for line in recorded.lines], quorum=QuorumOut.of(recorded.figures))


class ClosedOut(BaseModel):
    """A meeting that has been held. Without a quorum nothing was decided: `outcome` says what can be done."""

    id: UUID
    state: State
    closed_at: datetime
    quorate: bool
    quorum: QuorumOut
    second_call: bool
    outcome: str
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, figures: Figures, language: str) -> ClosedOut:
        meeting = figures.meeting
        assert meeting.closed_at is not None
        code = "quorate" if figures.quorum.reached else "second_call" if figures.second_call else "no_quorum"
        return cls(
            id=meeting.id,
            state=meeting.state,
            closed_at=meeting.closed_at,
            quorate=figures.quorum.reached,
            quorum=QuorumOut.of(figures),
            second_call=figures.second_call,
            outcome=OUTCOMES[language][code],
            href=f"/events/v1/meetings/{meeting.id}",
            version=meeting.version,
            allowed_actions=["draft_minutes", *(["second_call"] if figures.second_call else [])],
        )


OUTCOMES = {
    "it": {
        "quorate": "La riunione si è tenuta validamente: si può redigere il verbale.",
        "second_call": "Il numero legale non è stato raggiunto: nessuna decisione è adottata. Si può convocare la "
        "seconda convocazione.",
        "no_quorum": "Il numero legale non è stato raggiunto: nessuna decisione è adottata. Non è prevista una "
        "seconda convocazione.",
    },
    "en": {
        "quorate": "The meeting was validly held: its minutes can be drafted.",
        "second_call": "The quorum was never reached: no decision is adopted. A second call may be convened.",
        "no_quorum": "The quorum was never reached: no decision is adopted. There is no second call.",
    },
}


@routes.post("/meetings/{meeting_id}/attendance", response_model=RecordedOut)
async def record(meeting_id: UUID, body: Roll, at: At) -> Response:
    """Records who is there, who is not, and who stands for whom; the whole list or nothing. What was recorded before is
    corrected, until the meeting is closed. Who is not invited is a guest, if the network has given them a mandate."""
    return await at.command(commands.record, meeting_id, body, out=RecordedOut.of)


@routes.get("/meetings/{meeting_id}/attendance", response_model=PageOut[AttendanceOut])
async def attendance(
    meeting_id: UUID,
    at: At,
    mode: Annotated[list[Mode], Query()] = [],  # noqa: B006 (FastAPI copies it)
    q: Search = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Everybody who is invited, with what was recorded of them, and the guests."""
    return await at.page(
        queries.listed, meeting_id, mode=mode, q=q, after=after, limit=limit, out=AttendanceOut.of, model=AttendanceOut
    )


@routes.get(
    "/meetings/{meeting_id}/signature-sheet",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
async def signature_sheet(
    meeting_id: UUID,
    at: At,
    blank: Annotated[int, Query(ge=0, le=100, description="Lines for whoever else comes")] = 5,
) -> Response:
    """A PDF to print and sign: a line for each person invited, by the body that they represent."""
    content = await at.query(queries.sheet, meeting_id, blank)
    headers = {"cache-control": "no-store", "content-disposition": f'inline; filename="firme-{meeting_id}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


@routes.get("/meetings/{meeting_id}/quorum", response_model=QuorumOut)
async def quorum(meeting_id: UUID, at: At) -> Response:
    """The quorum of this moment; once the meeting is closed, as it was then."""
    found = await at.query(queries.quorum, meeting_id)
    return Response(
        QuorumOut.of(found).model_dump_json(), headers={"cache-control": "no-store"}, media_type="application/json"
    )


def progress_of(figures: Figures) -> Progress:
    """The quorum as a stream tells it: so many of so many, until the meeting is closed or cancelled."""
    quorum, state = figures.quorum, figures.meeting.state
    return Progress(
        state="reached" if quorum.reached else "missing",
        done=quorum.counted,
        total=quorum.needed,
        problem=None,
        result=QuorumOut.of(figures).model_dump(),
        ended=state in (State.HELD, State.CANCELLED),
    )


@routes.post("/meetings/{meeting_id}/quorum/ticket", status_code=201, response_model=progress.TicketOut)
async def quorum_ticket(meeting_id: UUID, at: At) -> Response:
    """A ticket for the stream of the quorum, for a browser's EventSource."""
    return await at.command(
        progress.ticket,
        queries.quorum,
        "quorum",
        meeting_id,
        identity=at.identity,
        href=f"/events/v1/meetings/{meeting_id}/quorum/events",
        out=lambda made: made,
        repeatable=False,
    )


@routes.get("/meetings/{meeting_id}/quorum/events", response_class=Response, responses=progress.EVENTS)
async def quorum_events(meeting_id: UUID, at: Anyone, ticket: progress.Ticket = None) -> Response:
    """The quorum as it changes, as server-sent events: `progress` with the figures in `result`, then `end` when the
    meeting is closed or cancelled."""
    return await progress.events(at, queries.quorum, "quorum", meeting_id, ticket, progress_of)


# --- codes that are read at the door --------------------------------------------------------------------------------


class CheckIn(Request):
    """`token` is that of the link in the code."""

    token: str = Field(max_length=jwt.LONGEST)
    mode: There = Field(examples=["present"])


class CheckedInOut(BaseModel):
    """`already`: the person had been recorded before, as `attendance` says, and that stands."""

    already: bool
    attendance: AttendanceOut
    quorum: QuorumOut

    @classmethod
    def of(cls, checked: CheckedIn) -> CheckedInOut:
        return cls(
            already=checked.already,
            attendance=AttendanceOut.of(checked.line),
            quorum=QuorumOut.of(checked.figures),
        )


class PassOut(BaseModel):
    """What the link is about, for programs. `may_record`: the caller may record that the person has come."""

    invitation_id: UUID
    meeting: Ref
    network: str
    person: str
    organisation: str | None
    mode: Mode | None
    recorded_at: datetime | None
    may_record: bool

    @classmethod
    def of(cls, shown: Pass) -> PassOut:
        meeting = shown.meeting
        return cls(
            invitation_id=shown.invitation.id,
            meeting=Ref(id=meeting.id, name=meeting.title, href=f"/events/v1/meetings/{meeting.id}"),
            network=shown.network.name,
            person=shown.line.person,
            organisation=shown.line.organisation,
            mode=shown.line.mode,
            recorded_at=shown.line.recorded_at,
            may_record=shown.may,
        )


@routes.post("/meetings/{meeting_id}/check-ins", response_model=CheckedInOut)
async def check_in(meeting_id: UUID, body: CheckIn, at: At) -> Response:
    """Records who shows their code, read by an app of the coordination; once, on the days of the meeting."""
    await at.query(queries.require_recorder, meeting_id)
    link = await links.verify(body.token, "events", pages.PURPOSE, keys=at.context.link_keys)
    return await at.command(commands.check_in, link.subject, body.mode, meeting_id=meeting_id, out=CheckedInOut.of)


@routes.get("/check-in/link", response_model=PassOut, responses=HTML)
async def show_pass(token: Token, at: MaybeSeated) -> Response:
    """The code to show at the door. Opened by somebody signed in who records attendance, it offers to record it;
    opening it does nothing."""
    seen: list[Pass] = []

    async def shown() -> Response:
        link = await links.verify(token, "events", pages.PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.pass_of, link.subject))
        return as_json(PassOut.of(seen[-1])) if wants_json(at) else pages.code(at, seen[-1], token)

    return await answered(at, shown, partial(pages.failed, at, seen), html=not wants_json(at))


@routes.post("/meetings/{meeting_id}/close", response_model=ClosedOut, openapi_extra=GUARDED)
async def close(meeting_id: UUID, at: At) -> Response:
    """The meeting has been held, with a quorum or without. Needs If-Match (the meeting's ETag)."""
    return await at.command(
        commands.close,
        meeting_id,
        expected=at.if_match(),
        out=lambda figures: ClosedOut.of(figures, at.language),
    )


problems = {
    NotInCourse: problem(
        "meeting-not-in-course",
        409,
        it="La riunione non è in corso\nÈ nello stato {state}: dopo la convocazione e fino alla chiusura si registrano "
        "presenze, votazioni e decisioni (queste fino al verbale).",
        en="The meeting is not in course\nIt is {state}: attendance, ballots and decisions are recorded from the "
        "convocation until it is closed (decisions until the minutes).",
    ),
    NotBegun: problem(
        "meeting-not-begun",
        409,
        it="La riunione non è ancora cominciata\nComincia alle {starts_at}: si chiude dopo.",
        en="The meeting has not begun yet\nIt begins at {starts_at}: it can be closed after that.",
    ),
    NotToday: problem(
        "check-in-not-today",
        409,
        it="Non è il giorno della riunione\nIl codice si legge all'ingresso, dal {first} al {last}.",
        en="Not the day of the meeting\nThe code is read at the door, from {first} to {last}.",
    ),
    OtherMeeting: problem(
        "check-in-elsewhere",
        409,
        it="Il codice è di un'altra riunione\nChi lo mostra è invitato altrove: cerca il suo nome nell'elenco.",
        en="The code is of another meeting\nWho shows it is invited elsewhere: look for their name in the list.",
    ),
    BallotsOpen: problem(
        "ballots-open",
        409,
        it="Ci sono votazioni aperte\nPrima chiuderle: {ballots}.",
        en="Ballots are open\nClose them first: {ballots}.",
    ),
    WrongItem: problem(
        "attendance-item",
        422,
        it="Una voce non si può registrare\nNulla dell'elenco è stato registrato: `errors` dice quale voce e che cosa "
        "si accetta.",
        en="An item cannot be recorded\nNothing of the list was recorded: `errors` says which item, and what is "
        "accepted.",
    ),
    TooManyProxies: problem(
        "too-many-proxies",
        422,
        it="Troppe deleghe\nIn questo organo una persona può rappresentare al massimo {limit} assenti.",
        en="Too many proxies\nIn this body a person can stand for {limit} absent members at most.",
    ),
    HasVoted: problem(
        "has-voted",
        409,
        it="Per questo invito si è già votato\nChi ha votato era presente o rappresentato: la presenza non si può "
        "togliere (invito {invitation_id}).",
        en="A vote was cast for this invitation\nWho voted was there or stood for: that cannot be taken back "
        "(invitation {invitation_id}).",
    ),
    **progress.refusals,
}

vocabularies = (
    vocabulary(
        "attendance_modes",
        "Modi di partecipazione",
        "Modes of attendance",
        [
            (Mode.PRESENT, "Presente", "Present"),
            (Mode.REMOTE, "Presente a distanza", "Present remotely", "art. 24 c. 4 d.lgs. 117/2017"),
            (Mode.EXCUSED, "Assente giustificato", "Excused"),
            (Mode.ABSENT, "Assente", "Absent"),
        ],
    ),
)
