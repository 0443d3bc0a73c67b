"""HTTP of reports: made, read, released; shown to everybody as a page, a PDF and JSON; the archive of evidence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from uuid_utils.compat import uuid7

from services.events.policy import Right
from services.events.reports import archive, commands, document, pages, queries
from services.events.reports.commands import Made, Making, NumberTaken
from services.events.reports.document import Document, Group
from services.events.reports.queries import File, Scope, Shown
from services.events.reports.rules import NotPossibleNow, State, UnknownProject, UnknownReport
from services.events.reports.wording import EMPTY, GROUPS, HEADINGS
from services.events.series.rules import UnknownSeries
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import not_found, problem
from shared.runtime.shapes import Ref
from shared.runtime.vocabularies import vocabulary
from shared.typesetting import checksum

routes = APIRouter(tags=["reports"])

HERE = "/events/v1/reports"
TRIES = 5
"""A report is made again when another one of the same subject took its number meanwhile."""
OPEN = {"access-control-allow-origin": "*", "cache-control": "public, max-age=60"}
"""A minute: a report that is withdrawn is soon nowhere."""
OWN = {"cache-control": "private, no-cache"}
PDF, JSON, ZIP = "application/pdf", "application/json", "application/zip"
AS_PDF: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {}}}}
AS_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}
AS_ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {ZIP: {}}}}


class ReportOut(BaseModel):
    """A report as it was made. `empty` are the chapters with nothing to say. `sha256` is of the PDF, `document_sha256`
    of the JSON, which the PDF names; `public_href` is where everybody reads it, once it is released."""

    id: UUID
    network_id: UUID
    subject: Ref
    series_id: UUID | None
    project_id: UUID | None
    number: int
    title: str
    language: str
    state: State
    chapters: list[str]
    empty: list[str]
    sha256: str
    document_sha256: str
    made_at: datetime
    made_by: UUID | None
    released_at: datetime | None
    withdrawn_at: datetime | None
    href: str
    pdf_href: str
    json_href: str
    public_href: str | None
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown, at: Edge) -> ReportOut:
        report = shown.report
        own = f"{HERE}/{report.id}"
        subject = f"/events/v1/series/{report.series_id}"
        if report.project_id is not None:
            subject = f"/registry/v1/projects/{report.project_id}"
        may = queries.may_write(at.actor, report.network_id, at.now)
        return cls(
            id=report.id,
            network_id=report.network_id,
            subject=Ref(id=report.series_id or report.project_id or report.id, name=shown.subject or "", href=subject),
            series_id=report.series_id,
            project_id=report.project_id,
            number=report.number,
            title=report.title,
            language=report.language,
            state=report.state,
            chapters=report.chapters,
            empty=report.empty,
            sha256=report.sha256,
            document_sha256=report.document_sha256,
            made_at=report.made_at,
            made_by=report.made_by,
            released_at=report.released_at,
            withdrawn_at=report.withdrawn_at,
            href=own,
            pdf_href=f"{own}.pdf",
            json_href=f"{own}.json",
            public_href=f"{HERE}/public/{report.id}" if report.state is State.RELEASED else None,
            version=report.version,
            allowed_actions=report.actions() if may else [],
        )


# --- making ---------------------------------------------------------------------------------------------------------


@routes.post("/series/{series_id}/reports", status_code=201, response_model=ReportOut)
async def of_series(series_id: UUID, at: At, body: Making | None = None) -> Response:
    """Makes the final report of a programme from what is known now: its figures, its JSON and its PDF stay as they are.
    Made again later, it is another report with the next number."""
    asked = body or Making()
    named = {"ballots": asked.ballots, "crossings": asked.crossings}
    return await _make(at, asked, lambda: at.query(queries.of_series, series_id, Right.WRITE_REPORTS, **named))


@routes.post("/networks/{network}/projects/{project_id}/reports", status_code=201, response_model=ReportOut)
async def of_project(network: str, project_id: UUID, at: At, body: Making | None = None) -> Response:
    """Makes the final report of a project, with all of its programmes, from what is known now."""
    asked = body or Making()
    named = {"ballots": asked.ballots, "crossings": asked.crossings}
    return await _make(
        at, asked, lambda: at.query(queries.of_project, network, project_id, Right.WRITE_REPORTS, **named)
    )


async def _make(at: Edge, asked: Making, scoped: Callable[[], Awaitable[Scope]]) -> Response:
    for left in reversed(range(TRIES)):
        made = await _made(at, asked, await scoped())
        try:
            return await at.command(
                commands.keep,
                made,
                out=lambda shown: ReportOut.of(shown, at),
                location=lambda shown: f"{HERE}/{shown.report.id}",
            )
        except NumberTaken:
            if not left:
                raise
    raise AssertionError("unreachable")


async def _made(at: Edge, asked: Making, scope: Scope) -> Made:
    """All figures come from one snapshot of the database, and no transaction waits for the PDF."""
    async with at.context.database.sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        material = await queries.gather(session, scope)
        number = await queries.next_number(session, scope.subject.id)
    said = document.compose(
        material,
        id_=uuid7(),
        number=number,
        title=asked.title or pages.title(scope.subject.language, scope.subject.title),
        groups=[Group(one.title, one.kinds, one.sections) for one in asked.groups],
        made_at=at.now,
    )
    content = commands.written(said)
    sha256 = checksum(content)
    pdf = await pages.pdf(said, sha256)
    return Made(scope, said, content, sha256, pdf, checksum(pdf))


# --- for everybody --------------------------------------------------------------------------------------------------


def _id(given: str) -> UUID:
    """Whatever is no report is not found, an address that somebody mistyped among it."""
    try:
        return UUID(given)
    except ValueError:
        raise UnknownReport(given) from None


@routes.get("/reports/public/{report_id}.pdf", response_class=Response, responses=AS_PDF)
async def public_pdf(report_id: str, at: Anyone) -> Response:
    """The PDF (PDF/UA) of a released report, for everybody; 404 for any other."""
    return _sent(at, await _public(at, report_id, pdf=True), PDF, OPEN)


@routes.get("/reports/public/{report_id}.json", response_model=Document)
async def public_json(report_id: str, at: Anyone) -> Response:
    """The figures of a released report, for everybody; 404 for any other."""
    return _sent(at, await _public(at, report_id, pdf=False), JSON, OPEN)


@routes.get("/reports/public/{report_id}", response_class=Response, responses=AS_PAGE)
async def public_page(report_id: str, at: Anyone) -> Response:
    """A released report as a page, for everybody; 404 for any other."""
    try:
        file = await _public(at, report_id, pdf=False)
    except UnknownReport:
        return pages.missing(at.language)
    page = pages.show(file.report, file.content, file.network, f"{HERE}/public/{file.report.id}")
    page.headers.update(OPEN)
    return _tagged(at, page, blake2b(bytes(page.body), digest_size=16).hexdigest())


async def _public(at: Edge, report_id: str, *, pdf: bool) -> File:
    at.identity = None  # nobody sees more here than anybody
    return await at.query(queries.public, _id(report_id), pdf=pdf)


def _sent(at: Edge, file: File, media_type: str, headers: dict[str, str]) -> Response:
    """Always the same bytes, with their SHA-256 as ETag."""
    answer = Response(file.content, media_type=media_type, headers=headers)
    if media_type == PDF:
        name = f"{archive.slug(file.report.title)}-{file.report.number}.pdf"
        answer.headers["content-disposition"] = f'inline; filename="{name}"'
    return _tagged(at, answer, file.sha256)


def _tagged(at: Edge, answer: Response, tag: str) -> Response:
    answer.headers["etag"] = f'"{tag}"'
    if tag in at.request.headers.get("if-none-match", ""):
        kept = ("etag", "cache-control", "access-control-allow-origin")
        return Response(status_code=304, headers={k: v for k, v in answer.headers.items() if k in kept})
    return answer


# --- reading --------------------------------------------------------------------------------------------------------


@routes.get("/networks/{network}/reports", response_model=PageOut[ReportOut])
async def listed(
    network: str,
    at: At,
    series: Annotated[list[UUID], Query()] = [],  # noqa: B006 (FastAPI copies it)
    project: Annotated[list[UUID], Query()] = [],  # noqa: B006
    state: Annotated[list[State], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The reports of a network, in the order in which they were made: released ones; for who writes them, all."""
    return await at.page(
        queries.listed,
        network,
        series=series,
        project=project,
        state=state,
        after=after,
        limit=limit,
        out=lambda shown: ReportOut.of(shown, at),
        model=ReportOut,
    )


@routes.get("/reports/{report_id}.pdf", response_class=Response, responses=AS_PDF)
async def pdf(report_id: str, at: At) -> Response:
    """The PDF (PDF/UA), made with the report: always the same bytes."""
    return _sent(at, await at.query(queries.pdf, _id(report_id)), PDF, OWN)


@routes.get("/reports/{report_id}.json", response_model=Document)
async def figures(report_id: str, at: At) -> Response:
    """What the report says, byte for byte as it was made: the page and the PDF show nothing else."""
    return _sent(at, await at.query(queries.document, _id(report_id)), JSON, OWN)


@routes.get("/reports/{report_id}", response_model=ReportOut, responses=AS_PAGE)
async def report(report_id: UUID, at: At) -> Response:
    """The report; as a page with `Accept: text/html`."""
    if at.request.headers.get("accept", "").startswith("text/html"):
        file = await at.query(queries.document, report_id)
        return _vary(pages.show(file.report, file.content, file.network, f"{HERE}/{report_id}"))
    return _vary(await at.read(queries.get, report_id, out=lambda shown: ReportOut.of(shown, at)))


def _vary(answer: Response) -> Response:
    answer.headers["vary"] = "Accept"
    return answer


@routes.post("/reports/{report_id}/release", response_model=ReportOut, openapi_extra=GUARDED)
async def release(report_id: UUID, at: At) -> Response:
    """Shows it to everybody at `public_href`, as a page, a PDF and JSON. Needs If-Match."""
    return await at.command(
        commands.release, report_id, expected=at.if_match(), out=lambda shown: ReportOut.of(shown, at)
    )


@routes.post("/reports/{report_id}/withdraw", response_model=ReportOut, openapi_extra=GUARDED)
async def withdraw(report_id: UUID, at: At) -> Response:
    """Takes it back: from now on there is nothing at its public address. It is not released again; another report is
    made instead. Needs If-Match."""
    return await at.command(
        commands.withdraw, report_id, expected=at.if_match(), out=lambda shown: ReportOut.of(shown, at)
    )


# --- evidence -------------------------------------------------------------------------------------------------------


@routes.get("/series/{series_id}/evidence", response_class=Response, responses=AS_ZIP)
async def evidence_of_series(series_id: UUID, at: At) -> Response:
    """The evidence of a programme as a ZIP, sent while it is made: its meetings, for each the attendance, the signature
    sheet and the approved minutes (PDF); decisions, outcomes, the last report; SHA256SUMS over all of them."""
    return await _archive(at, await at.query(queries.of_series, series_id, Right.READ_EVIDENCE))


@routes.get("/networks/{network}/projects/{project_id}/evidence", response_class=Response, responses=AS_ZIP)
async def evidence_of_project(
    network: str,
    project_id: UUID,
    at: At,
    action: Annotated[UUID | None, Query(description="Of the project: its programmes and outcomes alone")] = None,
) -> Response:
    """The evidence of a project, or of one of its actions, as a ZIP like that of a programme."""
    return await _archive(
        at, await at.query(queries.of_project, network, project_id, Right.READ_EVIDENCE, action=action)
    )


async def _archive(at: Edge, scope: Scope) -> Response:
    first = await at.query(queries.sittings, scope)  # before the status is sent: a refusal must still be a problem
    headers = {
        "content-disposition": f'attachment; filename="{archive.file_name(scope)}"',
        "cache-control": "private, no-store",
    }
    files = archive.streamed(archive.entries(at, scope, first), at.now)
    return StreamingResponse(files, headers=headers, media_type=ZIP)


problems = {
    UnknownReport: not_found,
    UnknownProject: not_found,
    UnknownSeries: not_found,
    NumberTaken: problem(
        "report-being-made",
        409,
        it="Altri stanno redigendo la stessa relazione\nRiprova tra poco.",
        en="Others are making the same report\nTry again shortly.",
    ),
    NotPossibleNow: problem(
        "report-not-possible-now",
        409,
        it="Ora non è possibile\nCon una relazione nello stato {state} non si può fare {action}: si pubblica una "
        "volta, e ritirata non torna; se ne redige un'altra.",
        en="Not possible now\nWith a report that is {state}, {action} cannot be done: it is released once, and does "
        "not come back when it is withdrawn; another one is made.",
    ),
}

vocabularies = (
    vocabulary(
        "report_states",
        "Stati di una relazione",
        "States of reports",
        [
            (State.MADE, "Redatta", "Made"),
            (State.RELEASED, "Pubblicata", "Released"),
            (State.WITHDRAWN, "Ritirata", "Withdrawn"),
        ],
    ),
    vocabulary(
        "report_chapters",
        "Capitoli di una relazione",
        "Chapters of reports",
        [(code, it, en) for code, (it, en) in HEADINGS.items()],
    ),
    vocabulary(
        "report_empty",
        "Perché un capitolo non dice nulla",
        "Why a chapter says nothing",
        [(code, it, en) for code, (it, en) in EMPTY.items()],
    ),
    vocabulary(
        "report_groups",
        "Gruppi di organizzazioni in una relazione",
        "Groups of organisations in reports",
        [(code, it, en) for code, (it, en) in GROUPS.items()],
    ),
)
