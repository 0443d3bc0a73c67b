"""HTTP of the meetings that are open to the public: for everybody, without a token."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.events.meetings.routes import ItemOut
from services.events.meetings.rules import Mode, State
from services.events.public_meetings import queries
from services.events.public_meetings.queries import Open
from services.events.series.rules import Level
from shared.runtime.edge import Anyone, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems
from shared.runtime.shapes import Ref

routes = APIRouter(tags=["public meetings"])


class PublicDocumentOut(BaseModel):
    id: UUID
    title: str
    item: int | None
    href: str
    media_type: str | None
    size: int | None


class PublicMeetingOut(BaseModel):
    """What everybody may know. `register` is where an outsider registers, while that is possible; `page` the same for
    people. `documents`: of one meeting, not of a list."""

    id: UUID
    network: Ref
    body: str | None
    title: str
    description: str | None
    level: Level | None
    state: State
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    place: str | None
    agenda: list[ItemOut]
    documents: list[PublicDocumentOut]
    register_href: str | None
    page: str
    href: str

    @classmethod
    def of(cls, shown: Open, at: Edge) -> PublicMeetingOut:
        meeting = shown.meeting
        return cls(
            id=meeting.id,
            network=Ref(
                id=meeting.network_id, name=shown.network.name, href=f"/registry/v1/networks/{meeting.network_id}"
            ),
            body=shown.body,
            title=meeting.title,
            description=meeting.description,
            level=meeting.level,
            state=meeting.state,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            mode=meeting.mode,
            place=meeting.place,
            agenda=ItemOut.all_of(meeting),
            documents=[
                PublicDocumentOut(
                    id=one.id,
                    title=one.title,
                    item=one.item,
                    href=one.url or f"/events/v1/public-meetings/{meeting.id}/documents/{one.id}",
                    media_type=one.media_type,
                    size=one.size,
                )
                for one in shown.documents
            ],
            register_href=register_at(meeting.id) if shown.takes_registrations(at.now) else None,
            page=f"/events/public/{meeting.id}",
            href=f"/events/v1/public-meetings/{meeting.id}",
        )


def register_at(meeting_id: UUID) -> str:
    return f"/events/v1/registrations/{meeting_id}"


@routes.get("/public-meetings", response_model=PageOut[PublicMeetingOut])
async def meetings(
    at: Anyone,
    network: Annotated[str | None, Query(max_length=63, description="Slug or id")] = None,
    level: Annotated[list[Level], Query()] = [],  # noqa: B006 (FastAPI copies it)
    mode: Annotated[list[Mode], Query()] = [],  # noqa: B006
    since: Annotated[date | None, Query(description="On this day or later")] = None,
    until: Annotated[date | None, Query(description="Before this day")] = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of the title")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The meetings to which everybody may come, in the order of their beginning; never who is invited, nor the link to
    join."""
    at.identity = None  # nobody sees more here than anybody
    return await at.page(
        queries.listed,
        network=network,
        level=level,
        mode=mode,
        since=since,
        until=until,
        q=q,
        after=after,
        limit=limit,
        out=lambda shown: PublicMeetingOut.of(shown, at),
        model=PublicMeetingOut,
    )


@routes.get("/public-meetings/{meeting_id}", response_model=PublicMeetingOut)
async def meeting(meeting_id: UUID, at: Anyone) -> Response:
    """A meeting to which everybody may come; also when it was cancelled after its convocation."""
    at.identity = None
    return await at.read(queries.get, meeting_id, out=lambda shown: PublicMeetingOut.of(shown, at))


problems: Problems = {}
vocabularies = ()
