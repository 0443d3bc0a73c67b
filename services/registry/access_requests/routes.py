"""HTTP of access requests: ask, see who has answered, take the archive."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.registry.access_requests import commands, queries
from services.registry.access_requests.queries import Shown
from services.registry.access_requests.rules import (
    ArchiveGone,
    NotReady,
    RequestRuns,
    State,
    TooWeak,
    UnknownRequest,
    actions,
)
from services.registry.people.rules import UnknownPerson
from shared.access.actor import Actor
from shared.runtime.edge import At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["access requests"])


class AnswerOut(BaseModel):
    """`answered_at` is null while the service has not given its part, since the request."""

    service: str
    answered_at: datetime | None


class ReadingOut(BaseModel):
    """Somebody took the archive; `level` says how they had proved who they are."""

    read_at: datetime
    read_by: UUID | None
    level: str


class AccessRequestOut(BaseModel):
    id: UUID
    network_id: UUID
    person: Ref
    state: State
    requested_at: datetime
    ready_at: datetime | None
    until: datetime | None
    closed_on: date | None
    answers: list[AnswerOut]
    unanswered: list[str]
    readings: list[ReadingOut]
    archive: str | None
    correlation: UUID | None
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> AccessRequestOut:
        request = shown.request
        href = f"/registry/v1/access-requests/{request.id}"
        return cls(
            id=request.id,
            network_id=request.network_id,
            person=Ref(id=request.person_id, name=shown.name, href=f"/registry/v1/people/{request.person_id}"),
            state=request.state,
            requested_at=request.requested_at,
            ready_at=request.ready_at,
            until=request.until,
            closed_on=request.closed_on,
            answers=[AnswerOut.model_validate(row, from_attributes=True) for row in shown.answers],
            unanswered=[row.service for row in shown.answers if row.answered_at is None],
            readings=[ReadingOut.model_validate(row, from_attributes=True) for row in shown.readings],
            archive=f"{href}/archive" if request.state is State.READY else None,
            correlation=request.correlation,
            href=href,
            version=request.version,
            allowed_actions=actions(request),
        )


def _href(shown: Shown) -> str:
    return f"/registry/v1/access-requests/{shown.request.id}"


@routes.post("/people/{person_id}/access-requests", status_code=202, response_model=AccessRequestOut)
async def request(person_id: UUID, at: At) -> Response:
    """Asks every service for all that it holds of a person. For the person, and for the secretariat of a network that
    knows them. Its archive is kept for 30 days."""
    return await at.command(commands.request, person_id, out=AccessRequestOut.of, location=_href)


@routes.post("/me/access-requests", status_code=202, response_model=AccessRequestOut)
async def request_own(at: At) -> Response:
    """Asks for all that is held of oneself."""
    return await at.command(commands.request, own(at), out=AccessRequestOut.of, location=_href)


@routes.get("/me/access-requests", response_model=PageOut[AccessRequestOut])
async def own_requests(at: At, after: After = None, limit: Limit = 50) -> Response:
    """One's own requests, oldest first."""
    own(at)
    return await at.page(queries.own, after=after, limit=limit, out=AccessRequestOut.of)


@routes.get("/networks/{network}/access-requests", response_model=PageOut[AccessRequestOut])
async def access_requests(
    network: str,
    at: At,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI copies it)
    person: Annotated[list[UUID], Query()] = [],  # noqa: B006
    updated_since: AwareDatetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The requests about the people whom the network knows."""
    return await at.page(
        queries.listed,
        network,
        state=state,
        person=person,
        updated_since=updated_since,
        after=after,
        limit=limit,
        out=AccessRequestOut.of,
    )


@routes.get("/access-requests/{request_id}", response_model=AccessRequestOut)
async def access_request(request_id: UUID, at: At) -> Response:
    """Which services have given their part, and since when the others have not."""
    return await at.read(queries.get, request_id, out=AccessRequestOut.of)


@routes.get(
    "/access-requests/{request_id}/archive",
    response_class=Response,
    responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def archive(request_id: UUID, at: At) -> Response:
    """The archive: a JSON document for each service, and an index for people. Every reading is recorded."""
    content = b""

    async def read(session: AsyncSession, actor: Actor, *, now: datetime) -> None:
        nonlocal content
        content = await commands.read(session, actor, request_id, now=now)

    await at.command(read)
    headers = {"content-disposition": f'attachment; filename="{request_id}.zip"', "cache-control": "no-store"}
    return Response(content, headers=headers, media_type="application/zip")


@routes.post("/access-requests/{request_id}/close", response_model=AccessRequestOut, openapi_extra=GUARDED)
async def close(request_id: UUID, at: At) -> Response:
    """Destroys archive and key now. Needs If-Match."""
    return await at.command(commands.close, request_id, expected=at.if_match(), out=AccessRequestOut.of)


def own(at: Edge) -> UUID:
    """Who asks for themselves; a partner's key is nobody."""
    if at.identity is None or at.identity.person_id is None:
        raise UnknownPerson
    return at.identity.person_id


problems = {
    UnknownRequest: not_found,
    RequestRuns: problem(
        "access-request-runs",
        409,
        it="Una richiesta è già in corso\nL’archivio della richiesta {request_id} non è ancora pronto.",
        en="A request is under way\nThe archive of request {request_id} is not ready yet.",
    ),
    NotReady: problem(
        "archive-not-ready",
        409,
        it="L’archivio non è ancora pronto\nNon hanno ancora risposto: {services}.",
        en="The archive is not ready yet\nThese have not answered yet: {services}.",
        headers={"retry-after": "5"},
    ),
    ArchiveGone: problem(
        "archive-gone",
        410,
        it="L’archivio non c’è più\nEra conservato fino al {closed_on}; se ne può chiedere un altro.",
        en="The archive is gone\nIt was kept until {closed_on}; another can be asked for.",
    ),
    TooWeak: problem(
        "stronger-identity-needed",
        403,
        it="Occorre un accesso più sicuro\nChi arriva per {level} non può prendere l’archivio: accedere dalla propria "
        "casella di posta o con un’identità digitale.",
        en="A stronger identity is needed\nBy {level} the archive cannot be taken: sign in by your mailbox or with a "
        "digital identity.",
        code="level",
    ),
}

vocabularies = [
    vocabulary(
        "access_request_states",
        "stati di una richiesta di accesso ai dati",
        "states of an access request",
        [
            (State.GATHERING, "in preparazione", "being gathered"),
            (State.READY, "pronta", "ready"),
            (State.CLOSED, "chiusa", "closed"),
        ],
    ),
]
