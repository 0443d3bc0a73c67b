"""HTTP of documents: uploads that are never whole in memory, downloads by range, links that expire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Form, Header, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import RedirectResponse, Response

from services.learning.documents import commands, downloads, keeping, pages, queries, texts
from services.learning.documents.commands import DocumentBody, DocumentChange, EditionBody
from services.learning.documents.downloads import RangeUnfit, Ticket, TicketInvalid, path_of
from services.learning.documents.queries import Asked, Shown, Sort
from services.learning.documents.rules import (
    Edition,
    FileGone,
    FileTooLarge,
    HarmfulFile,
    Kind,
    NotAPerson,
    NotPossibleNow,
    SameFile,
    State,
    Text,
    Unfit,
    UnfitFile,
    UnknownDocument,
    UnknownEdition,
    Visibility,
)
from services.learning.documents.store import ObjectMissing, StoreAway, store_of
from services.learning.documents.texts import Looked
from services.learning.documents.uploads import Taken, Upload
from shared.access import links
from shared.access.actor import Actor
from shared.access.links import Link, LinkInvalid
from shared.runtime.browsers import HTML, Token, answered, as_json, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Instant, Ref
from shared.runtime.vocabularies import vocabulary

routes = APIRouter(tags=["documents"])
B = TypeVar("B", bound=BaseModel)

PURPOSE = "document"
HREF = "/learning/v1/documents"
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file"},
    206: {"content": {"application/octet-stream": {}}, "description": "The part that was asked for by Range"},
    304: {"description": "The caller has just this file"},
    416: {"description": "The file has no such part"},
}


class FileOut(BaseModel):
    name: str
    media_type: str
    size: int = Field(description="Bytes")
    sha256: str
    pages: int | None = Field(description="Of a PDF")
    href: str


class EditionOut(BaseModel):
    """`text` says how far its words are known to the search: waiting, ready, none (a scan, or a kind of which none are
    read) or failed. `file` is null once it was erased."""

    number: int
    note: str
    added_at: datetime
    text: Text
    erased_on: date | None
    file: FileOut | None

    @classmethod
    def of(cls, edition: Edition) -> EditionOut:
        return cls(
            number=edition.number,
            note=edition.note,
            added_at=edition.added_at,
            text=edition.text,
            erased_on=edition.erased_on,
            file=None
            if edition.erased_on
            else FileOut(
                name=edition.file_name,
                media_type=edition.media_type,
                size=edition.size,
                sha256=edition.sha256,
                pages=edition.pages,
                href=path_of(edition),
            ),
        )


class FoundOut(BaseModel):
    """Where the words are, in a PDF by page; `headline` is HTML that is safe to show: text, and `<mark>`."""

    page: int | None
    headline: str


class DocumentOut(BaseModel):
    """`edition` is the newest. `found` is there when words were searched for and are in the file."""

    id: UUID
    network_id: UUID
    title: str
    kind: Kind
    description: str
    territory: str | None
    body: Ref | None
    visibility: Visibility
    since: date | None
    until: date | None
    retained_until: date | None
    state: State
    withdrawn_on: date | None
    erased_on: date | None
    added_at: datetime
    edition: EditionOut
    found: FoundOut | None
    following: bool
    href: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> DocumentOut:
        return cls(**_fields(shown))


class DocumentInFullOut(DocumentOut):
    """With every edition, newest first."""

    editions: list[EditionOut]

    @classmethod
    def of(cls, shown: Shown) -> DocumentInFullOut:
        return cls(**_fields(shown), editions=[EditionOut.of(one) for one in shown.editions])


def _fields(shown: Shown) -> dict[str, Any]:
    document = shown.document
    return {
        **{name: getattr(document, name) for name in DocumentOut.model_fields if hasattr(document, name)},
        "body": Ref.body(document.body_id, shown.body) if document.body_id else None,
        "edition": EditionOut.of(shown.edition),
        "found": FoundOut(page=shown.found.page, headline=shown.found.headline) if shown.found else None,
        "following": shown.following,
        "href": f"{HREF}/{document.id}",
        "allowed_actions": list(shown.allowed),
    }


class LinkOut(BaseModel):
    """Open `href` before `expires_at`; it needs no sign-in."""

    href: str
    expires_at: datetime


def location(shown: Shown) -> str:
    return f"{HREF}/{shown.document.id}"


# --- uploads ---------------------------------------------------------------------------------------------------------


def form_of(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """How a form that is read as it comes is told in OpenAPI: its fields, and the file."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    defs = schema.pop("$defs", {})
    fields = {name: _inlined(one, defs) for name, one in schema["properties"].items()}
    fields["file"] = {"type": "string", "format": "binary", "description": "PDF, P7M, PNG, JPEG, WebP, DOCX, …"}
    content = {
        "type": "object",
        "properties": fields,
        "required": [*schema.get("required", ()), "file"],
        "additionalProperties": False,
    }
    return {
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": content, "example": example}},
        }
    }


def _inlined(one: Any, defs: dict[str, Any]) -> Any:
    if isinstance(one, dict):
        if "$ref" in one:
            return {
                **_inlined(defs[one["$ref"].rsplit("/", 1)[-1]], defs),
                **{k: v for k, v in one.items() if k != "$ref"},
            }
        return {key: _inlined(value, defs) for key, value in one.items()}
    return [_inlined(value, defs) for value in one] if isinstance(one, list) else one


def read(model: type[B], fields: dict[str, str]) -> B:
    """The fields of a form; an empty one was not given. Raises RequestValidationError."""
    try:
        return model.model_validate({name: value for name, value in fields.items() if value.strip()})
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from None


async def taken_in(at: Edge, model: type[B], act: Callable[[B, Taken, Looked], Awaitable[Response]]) -> Response:
    """The file into the store, looked into, and its row by `act`. What is refused leaves nothing behind; what fails
    otherwise may have been committed, so the object stays, for the sweep to decide."""
    store, upload = store_of(at.context), Upload(store_of(at.context))
    await upload.take(at.request)
    assert upload.file is not None
    try:
        body = read(model, upload.fields)
        answer = await act(body, upload.file, await texts.look(store, upload.file.id))
    except Exception as error:
        if at.context.answers(error).status < 500:
            await store.remove(upload.file.id)
        raise
    if "idempotency-replayed" in answer.headers:  # the file came before, and is there under its own name
        await store.remove(upload.file.id)
    keeping.wake(at.context)
    return answer


@routes.post(
    "/networks/{network}/documents",
    status_code=201,
    response_model=DocumentInFullOut,
    openapi_extra=form_of(DocumentBody, {"title": "Piano di zona 2021-2023", "kind": "plan", "territory": "03"}),
)
async def publish(network: str, at: At) -> Response:
    """Publishes a document: a form with the file, up to 50 MB, and what is said of it. The file is looked at while it
    comes and once it is there: what it is, whether it is whole, and that it runs nothing."""
    await at.query(queries.uploader, network)

    async def act(body: DocumentBody, taken: Taken, looked: Looked) -> Response:
        return await at.command(
            commands.publish, network, body, taken, looked, out=DocumentInFullOut.of, location=location
        )

    return await taken_in(at, DocumentBody, act)


@routes.post(
    "/documents/{document_id}/editions",
    status_code=201,
    response_model=DocumentInFullOut,
    openapi_extra=form_of(EditionBody, {"note": "Con gli allegati del 2022"}),
)
async def revise(document_id: UUID, at: At) -> Response:
    """Adds an edition: it counts from now on, those before stay, and whoever has read the document is told. With
    If-Match only if nobody changed it meanwhile."""
    await at.query(queries.reviser, document_id)
    expected = at.if_match() if "if-match" in at.request.headers else None

    async def act(body: EditionBody, taken: Taken, looked: Looked) -> Response:
        return await at.command(
            commands.revise,
            document_id,
            body,
            taken,
            looked,
            expected=expected,
            out=DocumentInFullOut.of,
            location=location,
        )

    return await taken_in(at, EditionBody, act)


# --- mailed links ----------------------------------------------------------------------------------------------------


@routes.get("/documents/link", response_class=Response, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """A page with the document, what is new, and a button for each file. Opening it does nothing."""
    at.identity = None

    async def opened() -> Response:
        return await _page_of(at, await _link(token, at))

    return await answered(at, opened, partial(pages.failed, at.language), html=not wants_json(at))


@routes.post("/documents/link", response_model=LinkOut)
async def use_link(
    token: Token,
    at: Anyone,
    edition: Annotated[int | None, Form(ge=1, le=1_000_000, description="The edition to be downloaded")] = None,
    follow: Annotated[bool | None, Form(description="Whether to be told of new editions")] = None,
) -> Response:
    """The person of the link downloads an edition (a browser is led to the file, a program told where it is), or says
    whether they want to be told of new ones."""
    at.identity = None

    async def used() -> Response:
        link = await _link(token, at)
        person = _person(link)
        if follow is not None:
            await at.command(commands.follow_by_link, link.subject, person, follow)
        if edition is None:
            return await _page_of(at, link)
        href, expires = await at.query(queries.link_of, link.subject, edition, person)
        if wants_html(at):
            return RedirectResponse(href, 303, {"cache-control": "no-store"})
        return as_json(LinkOut(href=href, expires_at=expires))

    return await answered(at, used, partial(pages.failed, at.language), html=wants_html(at))


async def _link(token: str, at: Edge) -> Link:
    return await links.verify(token, "learning", PURPOSE, keys=at.context.link_keys)


def _person(link: Link) -> UUID:
    try:
        return UUID(str(link.claims["person"]))
    except (KeyError, ValueError):
        raise LinkInvalid("person") from None


async def _page_of(at: Edge, link: Link) -> Response:
    shown, network = await at.query(queries.by_link, link.subject, _person(link))
    if wants_json(at):
        return as_json(DocumentInFullOut.of(shown))
    return pages.document(at.language, shown, network, personal=True)


# --- reading ---------------------------------------------------------------------------------------------------------


@routes.get("/networks/{network}/documents", response_model=PageOut[DocumentOut])
async def documents(
    network: str,
    at: Anyone,
    territory: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=10)]],
        Query(max_length=50, description="With what lies in it"),
    ] = [],  # noqa: B006 (FastAPI copies it)
    kind: Annotated[list[Kind], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    body: Annotated[list[UUID], Query(max_length=100)] = [],  # noqa: B006
    visibility: Annotated[list[Visibility], Query()] = [],  # noqa: B006
    on: Annotated[date | None, Query(description="Valid on that day")] = None,
    updated_since: Instant | None = None,
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=200, pattern=r"^[^\x00]+$", description='Words, "a phrase", or, -without'),
    ] = None,
    sort: Annotated[Sort | None, Query(description="Newest first; when words are searched for, the best first")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The documents of a network that the caller may read (everybody: the public ones), also by what is written in
    them. JSON, or CSV with `Accept: text/csv`."""
    asked = Asked(tuple(code.upper() for code in territory), kind, state, body, visibility, on, updated_since, q)
    return await at.page(
        queries.listed, network, asked, sort=sort, after=after, limit=limit, out=DocumentOut.of, model=DocumentOut
    )


@routes.get("/documents/{document_id}", response_model=DocumentInFullOut)
async def document(document_id: UUID, at: Anyone) -> Response:
    """A document with all its editions."""
    return await at.read(queries.get, document_id, out=DocumentInFullOut.of)


@routes.get("/documents/{document_id}/editions", response_model=PageOut[EditionOut])
async def editions(document_id: UUID, at: Anyone, after: After = None, limit: Limit = 50) -> Response:
    """The editions of a document, newest first."""
    return await at.page(
        queries.listed_editions, document_id, after=after, limit=limit, out=EditionOut.of, model=EditionOut
    )


@routes.get("/documents/{document_id}/page", response_class=Response, responses=HTML)
async def page(document_id: UUID, at: Anyone) -> Response:
    """For everybody: a public document."""
    at.identity = None

    async def shown() -> Response:
        found, network = await at.query(queries.public, document_id)
        return pages.document(at.language, found, network, personal=False)

    return await answered(at, shown, partial(pages.failed, at.language), html=not wants_json(at))


# --- files -----------------------------------------------------------------------------------------------------------

Range = Annotated[str | None, Header(max_length=100, description="bytes=0-1023")]
IfRange = Annotated[str | None, Header(max_length=200)]
IfNoneMatch = Annotated[str | None, Header(max_length=500)]


@routes.get("/documents/{document_id}/editions/{number}/file", response_class=Response, responses=FILE)
async def file(
    document_id: UUID,
    number: int,
    at: Anyone,
    ticket: Ticket = None,
    range: Range = None,  # noqa: A002 (the name of the header)
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The file of an edition, whole or by Range: for whoever may read the document, or by a short-lived link."""
    shown, edition, reader = await at.query(_opened, document_id, number, ticket)
    answer = await downloads.file(
        store_of(at.context), edition, downloads.Asked(range, if_range, if_none_match), public=shown.public
    )
    if reader is not None:
        async with at.context.database.sessions.begin() as session:
            await commands.note_reading(session, edition, reader, at.now)
    return answer


@routes.head("/documents/{document_id}/editions/{number}/file", response_class=Response, responses=FILE)
async def file_head(
    document_id: UUID,
    number: int,
    at: Anyone,
    ticket: Ticket = None,
    range: Range = None,  # noqa: A002
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What a download of the file would say of it."""
    shown, edition, _ = await at.query(_opened, document_id, number, ticket)
    asked = downloads.Asked(range, if_range, if_none_match)
    return await downloads.file(store_of(at.context), edition, asked, public=shown.public, body=False)


async def _opened(
    session: Any, actor: Actor, document_id: UUID, number: int, ticket: str | None, *, now: datetime
) -> tuple[Shown, Edition, UUID | None]:
    """The edition, for the caller or for whom the ticket was made; and who reads it, if it is a person."""
    if ticket is None:
        return *await queries.edition(session, actor, document_id, number, now=now), actor.person_id
    return await queries.edition_by_ticket(session, document_id, number, ticket, now=now)


@routes.get("/documents/{document_id}/editions/{number}/link", response_model=LinkOut)
async def link(document_id: UUID, number: int, at: At) -> Response:
    """A signed address of the file that needs no sign-in, for 15 minutes: for a browser, or a viewer."""
    href, expires = await at.query(queries.own_link, document_id, number)
    return as_json(LinkOut(href=href, expires_at=expires))


# --- changing --------------------------------------------------------------------------------------------------------


@routes.patch("/documents/{document_id}", response_model=DocumentInFullOut, openapi_extra=GUARDED)
async def change(document_id: UUID, body: DocumentChange, at: At) -> Response:
    """Changes what is said of a document. Needs If-Match."""
    return await at.command(commands.change, document_id, body, expected=at.if_match(), out=DocumentInFullOut.of)


@routes.post("/documents/{document_id}/withdraw", response_model=DocumentInFullOut, openapi_extra=GUARDED)
async def withdraw(document_id: UUID, at: At) -> Response:
    """Only those who look after it read it from now on; its files are kept as long as was said. Needs If-Match."""
    return await at.command(commands.withdraw, document_id, expected=at.if_match(), out=DocumentInFullOut.of)


@routes.post("/documents/{document_id}/erase", response_model=DocumentInFullOut, openapi_extra=GUARDED)
async def erase(document_id: UUID, at: At) -> Response:
    """Withdraws it, and takes its files and their words away for good; what was said of it stays. Needs If-Match."""
    return await at.command(commands.erase, document_id, expected=at.if_match(), out=DocumentInFullOut.of)


@routes.post("/documents/{document_id}/follow", status_code=204)
async def follow(document_id: UUID, at: At) -> Response:
    """I want to be told of new editions, as whoever downloaded one is anyway."""
    return await at.command(commands.follow, document_id, True)


@routes.delete("/documents/{document_id}/follow", status_code=204)
async def unfollow(document_id: UUID, at: At) -> Response:
    """I do not want to be told of new editions."""
    return await at.command(commands.follow, document_id, False)


problems = {
    UnknownDocument: not_found,
    UnknownEdition: problem(
        "edition-unknown",
        404,
        it="Edizione sconosciuta\nIl documento non ha un'edizione con questo numero.",
        en="Unknown edition\nThe document has no edition of this number.",
    ),
    FileGone: problem(
        "document-file-erased",
        410,
        it="Il file non si conserva più\nÈ stato cancellato il {erased_on}.",
        en="The file is no longer kept\nIt was erased on {erased_on}.",
    ),
    ObjectMissing: problem(
        "document-file-missing",
        503,
        it="Il file non si trova\nNon dipende da questa richiesta: avvisare chi gestisce la piattaforma.",
        en="The file cannot be found\nIt is not this request's fault: tell whoever runs the platform.",
        headers={"retry-after": "60"},
    ),
    StoreAway: problem(
        "document-store-away",
        503,
        it="L'archivio dei file non risponde\nNulla è andato perso: riprovare tra poco.",
        en="The store of files does not answer\nNothing is lost: try again soon.",
        headers={"retry-after": "5"},
    ),
    NotPossibleNow: problem(
        "document-not-possible-now",
        409,
        it="Ora non è possibile\nCon un documento nello stato {state} non si può fare {action}.",
        en="Not possible now\nWith a document that is {state}, {action} cannot be done.",
    ),
    SameFile: problem(
        "document-same-file",
        409,
        it="È lo stesso file\nL'edizione {edition} ha esattamente questo file.",
        en="It is the same file\nEdition {edition} has exactly this file.",
    ),
    NotAPerson: problem(
        "document-follower-not-a-person",
        403,
        it="Solo le persone seguono un documento\nUna chiave API legge per un sistema: i sistemi hanno i webhook.",
        en="Only people follow a document\nAn API key reads for a system: systems have webhooks.",
    ),
    Unfit: problem(
        "document-incoherent",
        422,
        it="Documento incoerente\nUn valore non va d'accordo con gli altri: `errors` dice quale e che cosa si accetta.",
        en="Document that does not hold together\nA value does not go with the others: `errors` says which, and what "
        "is accepted.",
    ),
    UnfitFile: problem(
        "document-file-unfit",
        415,
        it="Il file non si può prendere\nÈ vuoto, incompleto, protetto o di un tipo che non si accetta: `errors` dice "
        "quale dei casi, e che cosa si accetta.",
        en="The file cannot be taken\nIt is empty, not whole, protected or of a kind that is not taken: `errors` says "
        "which of these, and what is accepted.",
    ),
    HarmfulFile: problem(
        "document-file-harmful",
        422,
        it="Il file è pericoloso\nContiene, o finge, qualcosa che un documento non ha: `errors` dice che cosa. Non è "
        "stato conservato.",
        en="The file is harmful\nIt holds, or pretends, something that no document has: `errors` says what. It was not "
        "kept.",
    ),
    FileTooLarge: problem(
        "document-too-large",
        413,
        it="Il file è troppo grande\nSi accettano file fino a {most} MB.",
        en="The file is too large\nFiles are taken up to {most} MB.",
        code="too_large",
    ),
    TicketInvalid: problem(
        "document-link-invalid",
        401,
        it="Il collegamento al file non vale\nÈ scaduto, o è per un altro file: chiederne un altro.",
        en="The link to the file is no good\nIt has expired, or is for another file: ask for a new one.",
        headers={"www-authenticate": "Bearer"},
    ),
    RangeUnfit: problem(
        "document-range-unfit",
        416,
        it="Il file non ha questa parte\nSi accetta: {accepted}.",
        en="The file has no such part\nAccepted: {accepted}.",
        code="range",
    ),
}
vocabularies = (
    vocabulary(
        "document_kinds",
        "Tipi di documento",
        "Kinds of document",
        [
            (Kind.PLAN, "Piano", "Plan"),
            (Kind.GUIDELINE, "Linee guida", "Guideline"),
            (Kind.REGULATION, "Regolamento o norma", "Regulation"),
            (Kind.STATUTE, "Statuto o atto costitutivo", "Statute"),
            (Kind.AGREEMENT, "Accordo, protocollo o convenzione", "Agreement"),
            (Kind.NOTICE, "Avviso o bando", "Notice or call"),
            (Kind.REPORT, "Relazione o rapporto", "Report"),
            (Kind.MINUTES, "Verbale", "Minutes"),
            (Kind.FORM, "Modulo", "Form"),
            (Kind.GUIDE, "Guida o materiale formativo", "Guide or training material"),
            (Kind.PRESENTATION, "Presentazione", "Presentation"),
            (Kind.OTHER, "Altro", "Other"),
        ],
    ),
    vocabulary(
        "document_visibilities",
        "Chi può leggere un documento",
        "Who may read a document",
        [
            (Visibility.NETWORK, "La rete", "The network"),
            (Visibility.BODY, "Un organo", "A body"),
            (Visibility.PUBLIC, "Tutti", "Everybody"),
        ],
    ),
    vocabulary(
        "document_states",
        "Stati del documento",
        "States of a document",
        [(State.PUBLISHED, "Pubblicato", "Published"), (State.WITHDRAWN, "Ritirato", "Withdrawn")],
    ),
    vocabulary(
        "document_texts",
        "Testo di un file per la ricerca",
        "Text of a file for the search",
        [
            (Text.WAITING, "Si sta leggendo", "Being read"),
            (Text.READY, "Si trova", "Can be found"),
            (Text.NONE, "Non ce n'è", "There is none"),
            (Text.FAILED, "Non si è potuto leggere", "Could not be read"),
        ],
    ),
)
