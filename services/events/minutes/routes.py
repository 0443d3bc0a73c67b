"""HTTP of minutes, of the rule by which a body approves them, and the page of an approval's link."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.events.minutes import answering, commands, document, pages, queries
from services.events.minutes.answering import Answer, Ruling, Share
from services.events.minutes.commands import Approving, Draft, Returning, Section, Writing
from services.events.minutes.queries import Asked, Sent, Shown
from services.events.minutes.rules import (
    AnswerState,
    Approval,
    HasMinutes,
    InvalidRule,
    NoReason,
    NotAsked,
    NotEditable,
    NotHeld,
    NotPossibleNow,
    NotTheBallot,
    OthersApprove,
    Rule,
    State,
    UnknownMinutes,
    UnknownSection,
)
from services.events.policy import Right, policy
from shared.access import links
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Invalid, NotFound, Problem, not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["minutes"])

NEEDS = {
    "write": Right.WRITE_MINUTES,
    "submit": Right.WRITE_MINUTES,
    "return": Right.APPROVE_MINUTES,
    "approve": Right.APPROVE_MINUTES,
}


class ApprovalsOut(BaseModel):
    """How those who were asked have answered so far: `needed` of `asked` must agree before `until`."""

    asked: int
    needed: int
    approved: int
    objected: int
    silence: bool
    until: datetime | None


class MinutesOut(BaseModel):
    """`present` of `entitled` were there in person, remote or by proxy. `remarks` say why they were returned; `number`
    is of their body and year, once they are approved. `approval` is who says that they are right, by the body's rule
    when they were submitted; `approvals` is there when those are the attendees. `sha256` is of their PDF."""

    id: UUID
    network_id: UUID
    meeting: Ref
    body: Ref | None
    founding: bool
    held_on: date
    quorate: bool
    present: int
    entitled: int
    state: State
    number: str | None
    remarks: str | None
    approval: Approval
    approvals: ApprovalsOut | None
    approved_in: UUID | None
    sha256: str | None
    approved_on: date | None
    approved_at: datetime | None
    approved_by: UUID | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> MinutesOut:
        return cls(**_known(shown, at))


class TableOut(BaseModel):
    caption: str
    headings: list[str]
    rows: list[list[str]]


class SectionOut(BaseModel):
    """`added` is what the writer added; `instead`: lines are the writer's own, and `outdated` when what was composed
    there has changed since."""

    code: str
    heading: str
    lines: list[str]
    items: list[str]
    table: TableOut | None = None
    added: list[str] = []
    instead: bool = False
    outdated: bool = False


class DocumentOut(BaseModel):
    """What was composed from agenda, attendance, quorum, ballots and decisions, in the network's language."""

    language: str
    title: str
    subtitle: str
    sections: list[SectionOut]


class WholeOut(MinutesOut):
    """`text` is what their writer added; `document` the whole, as it is read."""

    text: str
    document: DocumentOut

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> WholeOut:
        minutes = shown.minutes
        return cls(**_known(shown, at), text=minutes.text, document=DocumentOut.model_validate(minutes.document))


def _known(shown: Shown, at: Edge) -> dict[str, object]:
    minutes, body = shown.minutes, shown.body
    place = queries.place(minutes, body)
    return {
        "id": minutes.id,
        "network_id": minutes.network_id,
        "meeting": Ref(id=minutes.meeting_id, name=shown.meeting, href=f"/events/v1/meetings/{minutes.meeting_id}"),
        "body": Ref.body(body.id, body.title) if body else None,
        "founding": minutes.founding,
        "held_on": minutes.held_on,
        "quorate": minutes.quorate,
        "present": minutes.present,
        "entitled": minutes.entitled,
        "state": minutes.state,
        "number": minutes.label,
        "remarks": minutes.remarks,
        "approval": minutes.approval,
        "approvals": _approvals(shown),
        "approved_in": minutes.approved_in,
        "sha256": shown.sha256,
        "approved_on": minutes.approved_on,
        "approved_at": minutes.approved_at,
        "approved_by": minutes.approved_by,
        "href": f"/events/v1/minutes/{minutes.id}",
        "version": minutes.version,
        "allowed_actions": [a for a in minutes.offered() if policy.has(at.actor, NEEDS[a], on=at.now, **place)],
    }


def _approvals(shown: Shown) -> ApprovalsOut | None:
    minutes, tally = shown.minutes, shown.tally
    if minutes.approval is not Approval.ATTENDEES:
        return None
    return ApprovalsOut(
        asked=tally.asked,
        needed=tally.needed,
        approved=tally.approved,
        objected=tally.objected,
        silence=minutes.silence,
        until=minutes.answers_until,
    )


def href(shown: Shown) -> str:
    return f"/events/v1/minutes/{shown.minutes.id}"


@routes.post("/meetings/{meeting_id}/minutes", status_code=201, response_model=WholeOut)
async def draft(meeting_id: UUID, at: At, body: Draft | None = None) -> Response:
    """Drafts the minutes of a meeting that was held, from its agenda, attendance, quorum, ballots and decisions."""
    return await at.command(
        commands.draft, meeting_id, body or Draft(), out=lambda shown: WholeOut.of(shown, at), location=href
    )


@routes.get("/networks/{network}/minutes", response_model=PageOut[MinutesOut])
async def listed(
    network: str,
    at: At,
    body: Annotated[list[UUID], Query()] = [],  # noqa: B006 (FastAPI copies it)
    meeting: Annotated[list[UUID], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    year: Annotated[int | None, Query(ge=1900, le=9999, description="Of the meeting")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The minutes of a network: approved ones for everybody in it, others for their writers and who was invited."""
    return await at.page(
        queries.listed,
        network,
        body=body,
        meeting=meeting,
        state=state,
        year=year,
        after=after,
        limit=limit,
        out=lambda shown: MinutesOut.of(shown, at),
        model=MinutesOut,
    )


@routes.get(
    "/minutes/{minutes_id}",
    response_model=WholeOut,
    responses={200: {"content": {"text/html": {}, "text/plain": {}}}},
)
async def minutes(minutes_id: UUID, at: At) -> Response:
    """The minutes; as a page with `Accept: text/html`, as text with `Accept: text/plain`."""
    accept = at.request.headers.get("accept", "")
    if accept.startswith("text/html"):
        sheet = await at.query(queries.readable, minutes_id)
        return _vary(pages.show(sheet.shown, sheet.network))
    if accept.startswith("text/plain"):
        one = (await at.query(queries.get, minutes_id)).minutes
        text = document.plain(one.document, one.label)
        headers = {"content-language": one.document["language"], "etag": f'"{one.version}"'}
        return _vary(Response(text, headers=headers, media_type="text/plain; charset=utf-8"))
    return _vary(await at.read(queries.get, minutes_id, out=lambda shown: WholeOut.of(shown, at)))


def _vary(answer: Response) -> Response:
    answer.headers["vary"] = "Accept"
    return answer


@routes.get(
    "/minutes/{minutes_id}/pdf",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
async def pdf(minutes_id: UUID, at: At) -> Response:
    """The PDF (PDF/UA) that was made when the minutes were approved: always the same bytes, with their SHA-256 as ETag.
    404 before."""
    file = await at.query(queries.file, minutes_id)
    if file is None:
        raise NotFound
    headers = {"etag": f'"{file.sha256}"', "cache-control": "private, no-cache"}
    if file.sha256 in at.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers["content-disposition"] = f'inline; filename="{file.name}"'
    return Response(file.content, media_type="application/pdf", headers=headers)


@routes.put("/minutes/{minutes_id}/sections/{code}", response_model=WholeOut, openapi_extra=GUARDED)
async def section(minutes_id: UUID, code: str, body: Section, at: At) -> Response:
    """Adds to a section of the draft, or with `instead` replaces the meeting, the agenda or the attendance: what was
    counted or decided is corrected where it is kept. An empty text takes it back. Needs If-Match."""
    return await at.command(
        commands.edit, minutes_id, code, body, expected=at.if_match(), out=lambda shown: WholeOut.of(shown, at)
    )


@routes.patch("/minutes/{minutes_id}", response_model=WholeOut)
async def write(minutes_id: UUID, body: Writing, at: At) -> Response:
    """Replaces what the writer adds to the draft. Needs If-Match."""
    return await at.command(
        commands.write, minutes_id, body, expected=at.if_match(), out=lambda shown: WholeOut.of(shown, at)
    )


@routes.post("/minutes/{minutes_id}/submit", response_model=WholeOut, openapi_extra=GUARDED)
async def submit(minutes_id: UUID, at: At) -> Response:
    """Puts the draft in approval; it and its decisions are written no more. By the body's rule those who were there are
    asked whether it is right. Needs If-Match."""
    return await at.command(
        commands.submit, minutes_id, expected=at.if_match(), out=lambda shown: WholeOut.of(shown, at)
    )


@routes.post("/minutes/{minutes_id}/return", response_model=WholeOut, openapi_extra=GUARDED)
async def send_back(minutes_id: UUID, body: Returning, at: At) -> Response:
    """Makes them a draft again, with the remarks that say why. Needs If-Match."""
    return await at.command(
        commands.send_back, minutes_id, body, expected=at.if_match(), out=lambda shown: WholeOut.of(shown, at)
    )


@routes.post("/minutes/{minutes_id}/approve", response_model=WholeOut, openapi_extra=GUARDED)
async def approve(minutes_id: UUID, at: At, body: Approving | None = None) -> Response:
    """Approves them: they get their number and their PDF and never change again, and their decisions are adopted, if
    there was a quorum. Where the body's rule says `next_meeting`, with the motion that was carried there. Needs
    If-Match."""
    return await at.command(
        commands.approve,
        minutes_id,
        body or Approving(),
        expected=at.if_match(),
        out=lambda shown: WholeOut.of(shown, at),
    )


# --- those who were there -------------------------------------------------------------------------------------------


class RuleOut(BaseModel):
    """`share`, `days` and `silence` are of `attendees`."""

    body_id: UUID
    approval: Approval
    share: Share
    days: int
    silence: bool
    version: int

    @classmethod
    def of(cls, rule: Rule) -> RuleOut:
        return cls(
            body_id=rule.body_id,
            approval=rule.approval,
            share=Share(numerator=rule.numerator, denominator=rule.denominator),
            days=rule.days,
            silence=rule.silence,
            version=rule.version,
        )


@routes.get("/bodies/{body_id}/minutes-rule", response_model=RuleOut)
async def rule(body_id: UUID, at: At) -> Response:
    """How the body approves its minutes: by its coordination, unless another rule was set."""
    return await at.read(queries.rule_of, body_id, out=RuleOut.of)


@routes.put("/bodies/{body_id}/minutes-rule", response_model=RuleOut, openapi_extra=GUARDED)
async def set_rule(body_id: UUID, body: Ruling, at: At) -> Response:
    """For minutes that are submitted from now on. Needs If-Match, of the rule that was read."""
    return await at.command(answering.set_rule, body_id, body, expected=at.if_match(), out=RuleOut.of)


class ApprovalOut(BaseModel):
    """Somebody who is asked whether the minutes are right; `reason` is why they object."""

    id: UUID
    person: Ref
    state: AnswerState
    reason: str | None
    answered_at: datetime | None

    @classmethod
    def of(cls, asked: Asked) -> ApprovalOut:
        one = asked.approver
        return cls(
            id=one.id,
            person=Ref.person(one.person_id, asked.person),
            state=one.state,
            reason=one.reason,
            answered_at=one.answered_at,
        )


@routes.get("/minutes/{minutes_id}/approvals", response_model=PageOut[ApprovalOut])
async def approvals(
    minutes_id: UUID,
    at: At,
    state: Annotated[list[AnswerState], Query()] = [],  # noqa: B006 (FastAPI copies it)
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Who was asked since the minutes were last submitted, and what they answered: for those who write them."""
    return await at.page(
        queries.asked, minutes_id, state=state, after=after, limit=limit, out=ApprovalOut.of, model=ApprovalOut
    )


@routes.post("/minutes/{minutes_id}/approvals/me", response_model=MinutesOut)
async def answer(minutes_id: UUID, body: Answer, at: At) -> Response:
    """The caller's own answer: the minutes are right, or what is wrong. It may be repeated while answers count, and the
    last one counts; the one that is enough approves them."""
    return await at.command(answering.answer, minutes_id, body, out=lambda shown: MinutesOut.of(shown, at))


PURPOSE = "approval"


class AskedOut(BaseModel):
    """What the link is about, for programs: the minutes as they are read, and the answer so far."""

    minutes_id: UUID
    network: str
    person: str
    state: AnswerState
    reason: str | None
    open: bool
    until: datetime | None
    document: DocumentOut

    @classmethod
    def of(cls, sent: Sent) -> AskedOut:
        minutes, approver = sent.shown.minutes, sent.asked.approver
        return cls(
            minutes_id=minutes.id,
            network=sent.network.name,
            person=sent.asked.person,
            state=approver.state,
            reason=approver.reason,
            open=sent.open,
            until=minutes.answers_until,
            document=DocumentOut.model_validate(minutes.document),
        )


@routes.get("/minutes/approval/link", response_model=AskedOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The text of the minutes, with a form: they are right, or what is wrong. Opening it does nothing."""
    at.identity = None  # the link says who it is
    seen: list[Sent] = []

    async def shown() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.sent, link.subject))
        return as_json(AskedOut.of(seen[-1])) if wants_json(at) else pages.ask(at.language, seen[-1])

    return await answered(at, shown, partial(failed, at, seen), html=not wants_json(at))


@routes.post("/minutes/approval/link", response_model=AskedOut, responses=HTML)
async def use_link(
    token: Token,
    at: Anyone,
    answer: Annotated[str, Form(max_length=32, description="approve or object")] = "",
    reason: Annotated[str, Form(max_length=2_000, description="With `object`: what is wrong")] = "",
) -> Response:
    """Records the answer; it may be repeated while answers count, and the last one counts."""
    at.identity = None
    seen: list[Sent] = []

    async def used() -> Response:
        link = await links.verify(token, "events", PURPOSE, keys=at.context.link_keys)
        seen.append(await at.query(queries.sent, link.subject))
        try:
            await at.command(answering.answer_by_link, link, request_of(answer, reason), out=seen.append)
        except (Invalid, NoReason) as error:
            if wants_json(at) or not seen[-1].open:
                raise
            return pages.ask(at.language, seen[-1], refused=at.context.answers(error), chosen=answer, written=reason)
        return as_json(AskedOut.of(seen[-1])) if wants_json(at) else pages.ask(at.language, seen[-1], recorded=True)

    return await answered(at, used, partial(failed, at, seen), html=not wants_json(at))


def failed(at: Edge, seen: list[Sent], refusal: Problem) -> Response:
    return pages.failed(at.language, refusal, seen[-1].network if seen else None)


def request_of(answer: str, reason: str) -> Answer:
    if answer not in ("approve", "object"):
        raise Invalid("/answer", "enum", ["approve", "object"])
    written = reason.strip()
    if "\x00" in written:
        raise Invalid("/reason", "unwritable", NoReason().accepted)
    return Answer(answer=answer, reason=written or None)


problems = {
    UnknownMinutes: not_found,
    NotHeld: problem(
        "meeting-not-held",
        409,
        it="La riunione non si è tenuta\nÈ nello stato {state}: il verbale si redige dopo la chiusura.",
        en="The meeting was not held\nIt is {state}: minutes are drafted after it is closed.",
    ),
    HasMinutes: problem(
        "minutes-exist",
        409,
        it="Il verbale c'è già\nÈ {minutes_id}: una riunione ne ha uno solo.",
        en="There are minutes already\nThey are {minutes_id}: a meeting has one set of them.",
    ),
    NotPossibleNow: problem(
        "minutes-not-possible-now",
        409,
        it="Ora non è possibile\nCon un verbale nello stato {state} non si può fare {action}; uno approvato non cambia "
        "più.",
        en="Not possible now\nWith minutes that are {state}, {action} cannot be done; approved ones never change.",
    ),
    OthersApprove: problem(
        "minutes-others-approve",
        409,
        it="Non spetta a chi coordina\nPer la regola di questo organo il verbale lo approva chi era presente: si può "
        "rimandarlo in bozza.",
        en="Not for the coordination to say\nBy this body's rule those who were there approve the minutes: they can be "
        "returned.",
    ),
    NotTheBallot: problem(
        "minutes-approving-ballot",
        422,
        it="La votazione non approva questo verbale\nLo dice la regola dell'organo: `errors` dice che cosa si accetta.",
        en="The ballot does not approve these minutes\nThe body's rule says so: `errors` says what is accepted.",
    ),
    NotAsked: problem(
        "minutes-not-asked",
        409,
        it="Non si può più rispondere su questo verbale\nÈ già approvato, è tornato in bozza o il termine è passato; "
        "risponde solo chi era presente.",
        en="Answers about these minutes are no longer taken\nThey are approved already, are a draft again, or the time "
        "is over; only those who were there answer.",
    ),
    NoReason: problem(
        "objection-without-reason",
        422,
        it="Manca il motivo\nChi obietta dice che cosa non va: chi scrive il verbale lo possa correggere.",
        en="The reason is missing\nWho objects says what is wrong, so that who writes the minutes can correct it.",
    ),
    NotEditable: problem(
        "minutes-section-composed",
        422,
        it="La sezione non si riscrive\nViene da ciò che è stato contato o deciso: si corregge lì, o si aggiunge un "
        "testo.",
        en="The section cannot be rewritten\nIt comes from what was counted or decided: correct that, or add a text.",
    ),
    UnknownSection: not_found,
    InvalidRule: problem(
        "minutes-rule",
        422,
        it="Regola di approvazione non valida\n`errors` dice che cosa si accetta.",
        en="Invalid rule of approval\n`errors` says what is accepted.",
    ),
}

vocabularies = (
    vocabulary(
        "minutes_states",
        "Stati di un verbale",
        "States of minutes",
        [
            (State.DRAFT, "Bozza", "Draft"),
            (State.IN_APPROVAL, "In approvazione", "In approval"),
            (State.APPROVED, "Approvato", "Approved"),
        ],
    ),
    vocabulary(
        "minutes_approvals",
        "Chi approva un verbale",
        "Who approves minutes",
        [
            (Approval.COORDINATION, "Chi coordina l'organo", "Who coordinates the body"),
            (Approval.ATTENDEES, "Chi era presente", "Those who were there"),
            (Approval.NEXT_MEETING, "Una riunione successiva", "A later meeting"),
        ],
    ),
    vocabulary(
        "minutes_answers",
        "Risposte su un verbale",
        "Answers about minutes",
        [
            (AnswerState.ASKED, "In attesa", "Asked"),
            (AnswerState.APPROVED, "D'accordo", "Agreed"),
            (AnswerState.OBJECTED, "Obiezione", "Objected"),
            (AnswerState.WITHDRAWN, "Non più richiesta", "No longer asked"),
        ],
    ),
)
