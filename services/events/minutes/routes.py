"""HTTP of minutes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.events.minutes import commands, document, pages, queries
from services.events.minutes.commands import Draft, Returning, Writing
from services.events.minutes.queries import Shown
from services.events.minutes.rules import HasMinutes, NotHeld, NotPossibleNow, State, UnknownMinutes
from services.events.policy import Right, policy
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["minutes"])

NEEDS = {
    "write": Right.WRITE_MINUTES,
    "submit": Right.WRITE_MINUTES,
    "return": Right.APPROVE_MINUTES,
    "approve": Right.APPROVE_MINUTES,
}


class MinutesOut(BaseModel):
    """`present` of `entitled` were there in person, remote or by proxy. `remarks` say why they were returned; `number`
    is of their body and year, once they are approved."""

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
    approved_on: date | None
    approved_at: datetime | None
    approved_by: UUID | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> MinutesOut:
        return cls(**_known(shown, at))


class SectionOut(BaseModel):
    code: str
    heading: str
    lines: list[str]
    items: list[str]


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
        "body": Ref(id=body.id, name=body.title, href=f"/registry/v1/bodies/{body.id}") if body else None,
        "founding": minutes.founding,
        "held_on": minutes.held_on,
        "quorate": minutes.quorate,
        "present": minutes.present,
        "entitled": minutes.entitled,
        "state": minutes.state,
        "number": minutes.label,
        "remarks": minutes.remarks,
        "approved_on": minutes.approved_on,
        "approved_at": minutes.approved_at,
        "approved_by": minutes.approved_by,
        "href": f"/events/v1/minutes/{minutes.id}",
        "version": minutes.version,
        "allowed_actions": [a for a in minutes.actions() if policy.has(at.actor, NEEDS[a], on=at.now, **place)],
    }


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
        return _vary(pages.show(sheet.shown.minutes, sheet.network))
    if accept.startswith("text/plain"):
        one = (await at.query(queries.get, minutes_id)).minutes
        text = document.plain(one.document, one.label)
        headers = {"content-language": one.document["language"], "etag": f'"{one.version}"'}
        return _vary(Response(text, headers=headers, media_type="text/plain; charset=utf-8"))
    return _vary(await at.read(queries.get, minutes_id, out=lambda shown: WholeOut.of(shown, at)))


def _vary(answer: Response) -> Response:
    answer.headers["vary"] = "Accept"
    return answer


@routes.patch("/minutes/{minutes_id}", response_model=WholeOut)
async def write(minutes_id: UUID, body: Writing, at: At) -> Response:
    """Replaces what the writer adds to the draft. Needs If-Match."""
    return await at.command(
        commands.write, minutes_id, body, expected=at.if_match(), out=lambda shown: WholeOut.of(shown, at)
    )


@routes.post("/minutes/{minutes_id}/submit", response_model=WholeOut, openapi_extra=GUARDED)
async def submit(minutes_id: UUID, at: At) -> Response:
    """Puts the draft in approval; it and its decisions are written no more. Needs If-Match."""
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
async def approve(minutes_id: UUID, at: At) -> Response:
    """Approves them: they get their number and never change again, and their decisions are adopted, if there was a
    quorum. Needs If-Match."""
    return await at.command(
        commands.approve, minutes_id, expected=at.if_match(), out=lambda shown: WholeOut.of(shown, at)
    )


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
)
