"""HTTP of the documents of a meeting."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.events.documents import commands, queries
from services.events.documents.queries import File, Shown
from services.events.documents.rules import (
    LARGEST_FILE,
    Cancelled,
    FileTooLarge,
    NoSuchItem,
    TooManyDocuments,
    UnfitFile,
    UnknownDocument,
)
from shared.access import links
from shared.runtime.browsers import Token
from shared.runtime.edge import Anyone, At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Invalid, not_found, problem
from shared.runtime.shapes import line

routes = APIRouter(tags=["documents"])
Title = Annotated[str, line(300)]
Item = Annotated[int, Field(ge=1, le=50, description="The number on the agenda; none: of the whole meeting")]
Url = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https://[^\x00-\x20\"<>\\^`{|}]+$")]
EXAMPLE: Any = {"title": "Bozza di bilancio 2030", "url": "https://docs.example.org/bilancio-2030.pdf", "item": 1}


class LinkBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    title: Title
    url: Url = Field(description="https")
    item: Item | None = None
    public: bool = Field(default=False, description="Shown to everybody, where the meeting is open to the public")


class FileOut(BaseModel):
    name: str
    media_type: str
    size: int
    sha256: str
    href: str


class DocumentOut(BaseModel):
    """A link (`url`) or a file."""

    id: UUID
    meeting_id: UUID
    item: int | None
    title: str
    url: str | None
    file: FileOut | None
    public: bool
    added_at: datetime
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> DocumentOut:
        document = shown.document
        return cls(
            id=document.id,
            meeting_id=document.meeting_id,
            item=document.item,
            title=document.title,
            url=document.url,
            file=FileOut(
                name=document.file_name,
                media_type=document.media_type or "",
                size=document.size or 0,
                sha256=document.sha256 or "",
                href=f"/events/v1/meetings/{document.meeting_id}/documents/{document.id}/file",
            )
            if document.file_name
            else None,
            public=document.public,
            added_at=document.added_at,
            allowed_actions=["remove"] if shown.convener else [],
        )


FILE_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


def attached(file: File) -> Response:
    """To be kept, and never shown in the browser as a page of the platform's."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "etag": f'"{file.sha256}"',
        "cache-control": "private, no-store",
    }
    return Response(file.content, media_type=file.media_type, headers=headers)


def location(shown: Shown) -> str:
    return f"/events/v1/meetings/{shown.document.meeting_id}/documents"


@routes.get("/meetings/{meeting_id}/documents", response_model=PageOut[DocumentOut])
async def documents(meeting_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The documents of a meeting: for whoever may read it, and whoever is invited."""
    return await at.page(queries.listed, meeting_id, after=after, limit=limit, out=DocumentOut.of, model=DocumentOut)


@routes.post("/meetings/{meeting_id}/documents", status_code=201, response_model=DocumentOut)
async def link(meeting_id: UUID, body: LinkBody, at: At) -> Response:
    """Adds a link to a meeting, or to an item of its agenda."""
    return await at.command(commands.add, meeting_id, out=DocumentOut.of, location=location, **body.model_dump())


@routes.post("/meetings/{meeting_id}/documents/file", status_code=201, response_model=DocumentOut)
async def upload(
    meeting_id: UUID,
    at: At,
    file: UploadFile,
    title: Annotated[str, line(300), Form()],
    item: Annotated[int | None, Form(ge=1, le=50, description="The number on the agenda")] = None,
    public: Annotated[bool, Form(description="Shown to everybody, where the meeting is open")] = False,
) -> Response:
    """Adds a file: PDF, signed P7M, image, DOCX, XLSX, PPTX, ODT, ODS, ODP or plain text, up to 10 MB."""
    if not file.filename:
        raise Invalid("/file", "missing", "a file")
    content = await file.read(LARGEST_FILE + 1)
    return await at.command(
        commands.add,
        meeting_id,
        title=title,
        item=item,
        public=public,
        file=(file.filename, content),
        out=DocumentOut.of,
        location=location,
    )


@routes.get("/meetings/{meeting_id}/documents/{document_id}/file", response_class=Response, responses=FILE_SHOWN)
async def file(meeting_id: UUID, document_id: UUID, at: At) -> Response:
    """The file, to be kept: for whoever may read the meeting, and whoever is invited."""
    return attached(await at.query(queries.file, meeting_id, document_id))


@routes.delete("/meetings/{meeting_id}/documents/{document_id}", status_code=204)
async def remove(meeting_id: UUID, document_id: UUID, at: At) -> Response:
    """Takes a document away, with its file."""
    return await at.command(commands.remove, meeting_id, document_id)


@routes.get("/rsvp/documents/{document_id}", response_class=Response, responses=FILE_SHOWN)
async def file_by_link(document_id: UUID, token: Token, at: Anyone) -> Response:
    """The file, for who is invited, by the link of the invitation."""
    at.identity = None  # the link says who it is
    found = await links.verify(token, "events", "rsvp", keys=at.context.link_keys)
    return attached(await at.query(queries.file_by_link, found, document_id))


@routes.get("/public-meetings/{meeting_id}/documents/{document_id}", response_class=Response, responses=FILE_SHOWN)
async def public_file(meeting_id: UUID, document_id: UUID, at: Anyone) -> Response:
    """A public document of a meeting that is open to the public."""
    at.identity = None
    return attached(await at.query(queries.public_file, meeting_id, document_id))


problems = {
    UnknownDocument: not_found,
    Cancelled: problem(
        "document-of-cancelled-meeting",
        409,
        it="La riunione è annullata\nNon le si aggiungono documenti.",
        en="The meeting is cancelled\nNo documents are added to it.",
    ),
    TooManyDocuments: problem(
        "too-many-documents",
        409,
        it="Troppi documenti\nUna riunione ne ha al massimo {most}.",
        en="Too many documents\nA meeting has at most {most}.",
    ),
    NoSuchItem: problem(
        "no-such-agenda-item",
        422,
        it="Il punto non c'è\nL'ordine del giorno accetta: {accepted}.",
        en="There is no such item\nThe agenda accepts: {accepted}.",
        path="/item",
        code="range",
    ),
    FileTooLarge: problem(
        "document-too-large",
        413,
        it="Il file è troppo grande\nSi accettano file fino a {most} MB.",
        en="The file is too large\nFiles are taken up to {most} MB.",
        path="/file",
        code="too_large",
    ),
    UnfitFile: problem(
        "document-unfit",
        422,
        it="Il file non si può prendere\nÈ vuoto, pericoloso o di un tipo che non si accetta: `errors` dice quale dei "
        "tre. Si accetta: {accepted}.",
        en="The file cannot be taken\nIt is empty, harmful or of a kind that is not taken: `errors` says which of the "
        "three. Accepted: {accepted}.",
        path="/file",
    ),
}
vocabularies = ()
