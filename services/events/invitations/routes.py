"""HTTP of invitations, and the page of their links."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.events.documents.rules import Document
from services.events.invitations import commands, pages, queries
from services.events.invitations.commands import Answer, Entered, Entries, EntriesRefused
from services.events.invitations.queries import Asked, Shown
from services.events.invitations.rules import (
    Channel,
    MeetingBegun,
    MeetingCancelled,
    NotDelegable,
    Reply,
    State,
    UnknownInvitation,
    Withdrawn,
)
from services.events.meetings import queries as meeting_queries
from services.events.meetings.routes import ItemOut
from services.events.meetings.rules import Mode
from services.events.policy import Right, policy
from shared.access import links
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Invalid, Problem, not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["invitations"])


class SeatRef(BaseModel):
    id: UUID
    name: str


class InvitationOut(BaseModel):
    """`seat` is the one of the meeting's body that the person holds, where it has seats. `answered_by` is who entered
    the answer, when it was not the person; `answered_via` how it came. `waiting`: the answer was yes, and there is no
    place yet. Without `mandate_id` they are invited by name."""

    id: UUID
    meeting: Ref
    person: Ref
    organisation: Ref | None
    seat: SeatRef | None
    mandate_id: UUID | None
    state: State
    answer: Reply | None
    answered_at: datetime | None
    answered_by: Ref | None
    answered_via: Channel | None
    waiting: bool
    delegate: Ref | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, asked: Asked, at: Edge) -> InvitationOut:
        invitation, meeting = asked.invitation, asked.meeting
        own = at.actor.person_id == invitation.person_id
        place = meeting_queries.where(meeting.network_id, asked.body)
        may = own or policy.has(at.actor, Right.ANSWER_FOR_OTHERS, on=at.now, **place)
        open_ = invitation.state is State.ISSUED and meeting.open_to_answers(at.now)
        return cls(
            id=invitation.id,
            meeting=Ref(id=meeting.id, name=meeting.title, href=f"/events/v1/meetings/{meeting.id}"),
            person=Ref.person(invitation.person_id, asked.person),
            organisation=Ref.organisation(invitation.organisation_id, asked.organisation)
            if invitation.organisation_id
            else None,
            seat=SeatRef(id=invitation.seat_id, name=asked.seat or "") if invitation.seat_id else None,
            mandate_id=invitation.mandate_id,
            state=invitation.state,
            answer=invitation.answer,
            answered_at=invitation.answered_at,
            answered_by=Ref.person(invitation.answered_by, asked.entered_by) if invitation.answered_by else None,
            answered_via=invitation.answered_via,
            waiting=invitation.waiting,
            delegate=Ref.person(invitation.delegate_id, asked.delegate) if invitation.delegate_id else None,
            href=f"/events/v1/invitations/{invitation.id}",
            version=invitation.version,
            allowed_actions=["answer"] if may and open_ else [],
        )


@routes.get("/meetings/{meeting_id}/invitations", response_model=PageOut[InvitationOut])
async def invitations(
    meeting_id: UUID,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    answer: Annotated[list[Reply], Query()] = [],  # noqa: B006
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    organisation: Annotated[list[UUID], Query()] = [],  # noqa: B006
    waiting: Annotated[bool | None, Query(description="Who said yes and has no place yet; or all others")] = None,
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who is invited to a meeting and what they answered: for the coordination, and for those who are invited to it."""
    return await at.page(
        queries.listed,
        meeting_id,
        state=state,
        answer=answer,
        person=person,
        organisation=organisation,
        waiting=waiting,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=lambda asked: InvitationOut.of(asked, at),
        model=InvitationOut,
    )


@routes.get("/invitations/{invitation_id}", response_model=InvitationOut)
async def invitation(invitation_id: UUID, at: At) -> Response:
    """An invitation."""
    return await at.read(queries.get, invitation_id, out=lambda asked: InvitationOut.of(asked, at))


@routes.post("/invitations/{invitation_id}/answer", response_model=InvitationOut)
async def answer(invitation_id: UUID, body: Answer, at: At) -> Response:
    """The person's own answer, or one that they gave to the coordination, which is recorded as entered by it. It may be
    repeated until the meeting begins, and the last one counts; with If-Match only over the version that was seen."""
    expected = at.if_match() if "if-match" in at.request.headers else None
    return await at.command(
        commands.answer, invitation_id, body, expected=expected, out=lambda asked: InvitationOut.of(asked, at)
    )


class EnteredOut(BaseModel):
    """How many answers were recorded; of those who said yes, `waiting` have no place yet."""

    recorded: int
    waiting: int

    @classmethod
    def of(cls, entered: Entered) -> EnteredOut:
        return cls(recorded=entered.recorded, waiting=entered.waiting)


@routes.post("/meetings/{meeting_id}/answers", response_model=EnteredOut)
async def enter(meeting_id: UUID, body: Entries, at: At) -> Response:
    """Records what many people answered, as entered by the coordination: the whole list, or nothing of it when `errors`
    has something to say of a row. Places are given in the order of the list."""
    return await at.command(commands.enter, meeting_id, body, out=EnteredOut.of)


# --- mailed links ---------------------------------------------------------------------------------------------------


PURPOSE = "rsvp"
EXPIRED = "link-expired"


class PaperOut(BaseModel):
    """A document: a link, or a file (`/rsvp/documents/{id}?token=`)."""

    id: UUID
    title: str
    item: int | None
    url: str | None
    media_type: str | None
    size: int | None

    @classmethod
    def of(cls, document: Document) -> PaperOut:
        return cls(**{name: getattr(document, name) for name in cls.model_fields})


class RsvpOut(BaseModel):
    """What the link is about, for programs: the invitation, the meeting, and who may be delegated."""

    invitation_id: UUID
    network: str
    title: str
    body: str | None
    call: int
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    place: str | None
    join_url: str | None
    agenda: list[ItemOut]
    documents: list[PaperOut]
    person: str
    organisation: str | None
    answer: Reply | None
    answered_at: datetime | None
    answered_by: str | None
    answered_via: Channel | None
    waiting: bool
    delegate: Ref | None
    delegates: list[Ref]

    @classmethod
    def of(cls, shown: Shown) -> RsvpOut:
        asked = shown.asked
        meeting, invitation = asked.meeting, asked.invitation
        return cls(
            invitation_id=invitation.id,
            network=shown.network.name,
            title=meeting.title,
            body=asked.body.title if asked.body else None,
            call=meeting.call,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            mode=meeting.mode,
            place=meeting.place,
            join_url=meeting.join_url,
            agenda=ItemOut.all_of(meeting),
            documents=[PaperOut.of(one) for one in shown.documents],
            person=asked.person,
            organisation=asked.organisation,
            answer=invitation.answer,
            answered_at=invitation.answered_at,
            answered_by=asked.entered_by,
            answered_via=invitation.answered_via,
            waiting=invitation.waiting,
            delegate=Ref.person(invitation.delegate_id, asked.delegate) if invitation.delegate_id else None,
            delegates=[Ref.person(id_, name) for id_, name in shown.delegates],
        )


@routes.get("/rsvp/link", response_model=RsvpOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """What the person is invited to, with a form for the answer. Opening it does nothing. A page; with
    `Accept: application/json` the same for programs."""
    at.identity = None  # the link says who it is

    seen: list[Shown] = []

    async def shown() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.shown, link.subject))
        await at.query(queries.still_open, link.subject)
        return as_json(RsvpOut.of(seen[-1])) if wants_json(at) else pages.ask(at.language, seen[-1], token)

    return await answered(at, shown, partial(failed, at, seen, token), html=not wants_json(at))


@routes.post("/rsvp/link", response_model=RsvpOut, responses=HTML)
async def use_link(
    token: Token,
    at: Anyone,
    answer: Annotated[str, Form(max_length=32, description="yes, no, perhaps or delegated")] = "",
    delegate_id: Annotated[str, Form(max_length=36, description="With `delegated`: the id of an invited person")] = "",
) -> Response:
    """Records the answer; it may be repeated until the meeting begins, and the last one counts."""
    at.identity = None

    seen: list[Shown] = []

    async def used() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.shown, link.subject))
        try:
            await at.command(commands.answer_by_link, link, request_of(answer, delegate_id), out=lambda _: None)
        except (Invalid, NotDelegable) as error:
            if wants_json(at):
                raise
            # the page of a closed meeting says so, whatever was chosen
            await at.query(queries.still_open, link.subject)
            why = pages.not_delegable if isinstance(error, NotDelegable) else pages.choose
            return pages.ask(at.language, seen[-1], token, error=why(at.language), chosen=answer)
        seen.append(await at.query(queries.shown, link.subject))
        return (
            as_json(RsvpOut.of(seen[-1])) if wants_json(at) else pages.ask(at.language, seen[-1], token, recorded=True)
        )

    return await answered(at, used, partial(failed, at, seen, token), html=not wants_json(at))


@routes.post("/rsvp/renew", status_code=202, responses={202: HTML[200]})
async def renew(token: Token, at: Anyone) -> Response:
    """Has a fresh link mailed to the person whose link has expired: to their own mailbox and to nobody else's, so that
    whoever finds an old link gains nothing by it. At most every half hour."""
    at.identity = None
    seen: list[Shown] = []

    async def renewed() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys, expired=True)
        seen.append(await at.query(queries.shown, link.subject))
        await at.command(commands.ask_for_link, link, out=lambda _: None)
        if wants_json(at):
            return Response(status_code=202)
        return pages.renewed(at.language, seen[-1].network)

    return await answered(at, renewed, partial(failed, at, seen, None), html=not wants_json(at))


def failed(at: Edge, seen: list[Shown], token: str | None, refusal: Problem) -> Response:
    network = seen[-1].network if seen else None
    if refusal.type == EXPIRED and token is not None:
        return pages.expired(at.language, refusal, token)
    return pages.failed(at.language, refusal, network)


def request_of(answer: str, delegate_id: str) -> Answer:
    """The form as an answer: a person chosen beside another answer than `delegated` was left there by mistake."""
    if answer not in list(Reply):
        raise Invalid("/answer", "enum", [str(reply) for reply in Reply])
    if answer != Reply.DELEGATED or not delegate_id:
        return Answer(answer=Reply(answer))
    try:
        return Answer(answer=Reply(answer), delegate_id=UUID(delegate_id))
    except ValueError:
        raise Invalid("/delegate_id", "uuid_parsing", "a UUID") from None


problems = {
    UnknownInvitation: not_found,
    EntriesRefused: problem(
        "answers-refused",
        422,
        it="Nessuna risposta è stata registrata\n{count} righe hanno qualcosa che non va: `errors` dice quali e che "
        "cosa si accetta.",
        en="No answer was recorded\n{count} rows have something wrong with them: `errors` says which, and what is "
        "accepted.",
    ),
    Withdrawn: problem(
        "invitation-withdrawn",
        410,
        it="L'invito non vale più\nIl mandato per cui la persona era invitata non dura fino alla riunione.",
        en="The invitation is no longer good\nThe mandate by which the person was invited does not last until the "
        "meeting.",
    ),
    MeetingCancelled: problem(
        "meeting-cancelled",
        410,
        it="La riunione è annullata\nNon occorre rispondere.",
        en="The meeting is cancelled\nNo answer is needed.",
    ),
    MeetingBegun: problem(
        "meeting-begun",
        410,
        it="Non si può più rispondere\nLa riunione è cominciata o è già stata tenuta.",
        en="Answers are no longer taken\nThe meeting has begun, or has been held already.",
    ),
    NotDelegable: problem(
        "not-delegable",
        422,
        it="Delega non possibile\nSi delega una persona invitata che sarà presente di persona e che può ancora "
        "rappresentare un altro membro: `errors` dice che cosa si accetta.",
        en="Delegation not possible\nOnly a person can be delegated who is invited, will be there in person and can "
        "still stand for one more member: `errors` says what is accepted.",
        path="/delegate_id",
    ),
}

vocabularies = (
    vocabulary(
        "invitation_states",
        "Stati di un invito",
        "States of an invitation",
        [(State.ISSUED, "Valido", "Issued"), (State.WITHDRAWN, "Ritirato", "Withdrawn")],
    ),
    vocabulary(
        "answers",
        "Risposte a un invito",
        "Answers to an invitation",
        [
            (Reply.YES, "Sì", "Yes"),
            (Reply.NO, "No", "No"),
            (Reply.PERHAPS, "Forse", "Perhaps"),
            (Reply.DELEGATED, "Delega", "Delegated", "art. 24 d.lgs. 117/2017"),
        ],
    ),
    vocabulary(
        "answer_channels",
        "Come è arrivata una risposta",
        "How an answer came",
        [
            (Channel.ACCOUNT, "Dalla persona, con accesso", "From the person, signed in"),
            (Channel.LINK, "Dal link ricevuto per posta", "From the mailed link"),
            (Channel.CALENDAR, "Dal calendario della persona", "From the person's calendar"),
            (Channel.COORDINATION, "Inserita dalla segreteria", "Entered by the coordination"),
        ],
    ),
)
