"""HTTP of imports of places: upload, correct, look, commit, follow, read the report, take back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from services.mapping.imports import commands, queries, worker
from services.mapping.imports.commands import NotPreviewed, NotUndoable, Options
from services.mapping.imports.rules import OUTCOMES, UPDATED
from services.mapping.items.routes import Network
from services.mapping.items.rules import Visibility
from services.mapping.places.rules import Kind
from services.mapping.territories.queries import known
from services.mapping.territories.routes import TerritoryRef
from shared import territories
from shared.access import links
from shared.runtime import csv, progress
from shared.runtime.edge import Anyone, At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import TYPES, Problems, problem, unauthenticated
from shared.runtime.progress import ProblemOut, Progress
from shared.runtime.vocabularies import vocabulary
from shared.sheets import LARGEST_FILE
from shared.sheets.problems import refusals
from shared.sheets.shapes import FoundOut

routes = APIRouter(tags=["place imports"])
HREF = "/mapping/v1/place-imports"
COLUMNS = (
    "line", "name", "outcome", "place_id", "municipality", "municipality_name", "province", "phone", "problem",
    "undone", "kept",
)  # fmt: skip
REPORT_PAGE = 2_000
Status = Literal["running", "mapping", "previewed", "done", "failed", "undoing", "undone"]
Outcome = Literal["created", "updated", "unchanged", "rejected"]


UNDER_WAY = ("running", "undoing")
ACTIONS: dict[str, list[str]] = {"mapping": ["correct"], "previewed": ["commit", "correct"], "done": ["undo"]}


class PlaceResultOut(BaseModel):
    """What has become of the rows, once the job has come to an end; of an undoing also what it took back."""

    created: int
    updated: int
    unchanged: int
    rejected: int
    undone: int
    kept: int
    report: str


class PlaceImportOut(BaseModel):
    """A job. `rows` counts those dealt with so far, each created, updated, unchanged or rejected; in a preview these
    say what a commit would do. `done` of `total` tells how far it is with what it is at (`total` is known once the file
    has been read through). Until `undo_until` it can be taken back: `undone` rows are as they were, `kept` ones have
    been changed since or are in use."""

    id: UUID
    network_id: UUID
    file_name: str
    options: Options
    state: Status
    commit: bool
    done: int
    total: int | None
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    undone: int
    kept: int
    found: FoundOut | None
    constants: dict[str, str]
    problem: ProblemOut | None
    result: PlaceResultOut | None
    requested_at: datetime
    finished_at: datetime | None
    undo_until: datetime | None
    version: int
    href: str
    report: str
    preview: str
    events: str
    allowed_actions: list[str]

    @classmethod
    def of(cls, job: Any) -> PlaceImportOut:
        href = f"{HREF}/{job.id}"
        return cls(
            id=job.id,
            network_id=job.network_id,
            file_name=job.file_name,
            options=Options.model_validate(job.options),
            state=job.status,
            commit=job.applying,
            done=job.done,
            total=job.total,
            rows=sum(getattr(job, outcome) for outcome in OUTCOMES),
            **_figures(job),
            found=FoundOut(**job.found) if job.found else None,
            constants=job.constants,
            problem=_problem(job),
            result=_result(job),
            requested_at=job.requested_at,
            finished_at=job.finished_at,
            undo_until=job.undo_until,
            version=job.version,
            href=href,
            report=f"{href}/rows.csv",
            preview=f"{href}/preview",
            events=f"{href}/events",
            allowed_actions=ACTIONS.get(job.status, []),
        )


def _figures(job: Any) -> dict[str, int]:
    return {name: getattr(job, name) for name in (*OUTCOMES, "undone", "kept")}


def _problem(job: Any) -> ProblemOut | None:
    return ProblemOut(type=f"{TYPES}import-failed", title=job.reason) if job.reason else None


def _result(job: Any) -> PlaceResultOut | None:
    if job.status not in ("previewed", "done", "undone"):
        return None
    return PlaceResultOut(**_figures(job), report=f"{HREF}/{job.id}/rows.csv")


def progress_of(job: Any) -> Progress:
    result = _result(job)
    return Progress(
        state=job.status,
        done=job.done,
        total=job.total,
        problem=_problem(job),
        result=result.model_dump() if result else None,
        ended=job.status not in UNDER_WAY,
    )


class PlaceRowOut(BaseModel):
    """A row: what it says as far as it was read, what becomes of it, what was healed in it or is wrong with it, and,
    where it changes a place that is there, by field what it was and what it becomes."""

    line: int
    outcome: Outcome
    name: str
    place_id: UUID | None
    municipality: TerritoryRef | None
    phone: str | None
    problem: str | None
    changes: dict[str, list[Any]]
    undone: bool | None
    kept: str | None

    @classmethod
    def of(cls, row: Any) -> PlaceRowOut:
        return cls(
            line=row.line,
            outcome=row.outcome,
            name=row.name,
            place_id=row.place_id,
            municipality=TerritoryRef.of(known(row.municipality)) if row.municipality else None,
            phone=row.phone,
            problem=row.problem,
            changes=row.changes if row.outcome == UPDATED and row.changes else {},
            undone=row.undone,
            kept=row.kept,
        )


class PlaceOutcomeOut(BaseModel):
    outcome: Outcome
    count: int
    rows: list[PlaceRowOut]


class PlacePreviewOut(BaseModel):
    """What a commit would do, or has done: the rows counted by outcome, and the first of each."""

    id: UUID
    state: Status
    total: int | None
    outcomes: list[PlaceOutcomeOut]
    version: int

    @classmethod
    def of(cls, found: tuple[Any, dict[str, list[Any]]]) -> PlacePreviewOut:
        job, rows = found
        outcomes = [
            PlaceOutcomeOut(outcome=name, count=getattr(job, name), rows=[PlaceRowOut.of(row) for row in rows[name]])
            for name in get_args(Outcome)
        ]
        return cls(id=job.id, state=job.status, total=job.total, outcomes=outcomes, version=job.version)


@routes.post("/networks/{network}/place-imports", status_code=202, response_model=PlaceImportOut)
async def upload(
    network: Network,
    at: At,
    file: UploadFile,
    commit: Annotated[bool, Form(description="At once, without preview")] = False,
    kind: Annotated[Kind | None, Form(description="Of all rows; without it each row says it, or its name")] = None,
    visibility: Annotated[Visibility, Form()] = Visibility.NETWORK,
    organisation_id: Annotated[UUID | None, Form(description="Which runs all of them")] = None,
    validated: Annotated[bool, Form(description="On the map at once, as looked at by the secretariat")] = False,
) -> Response:
    """Sends a list of places (CSV, XLSX, XLS or ODS, up to 20 MB); a worker reads it. Without `commit` it is only
    looked at, and can be committed afterwards. Every row becomes a place or is refused with the reason; a place that is
    there already is found again by its kind, municipality, name and address."""
    content = await file.read(LARGEST_FILE + 1)
    options = Options(kind=kind, visibility=visibility, organisation_id=organisation_id, validated=validated)
    answer = await at.command(
        commands.request,
        network,
        file_name=_file_name(file.filename),
        content=content,
        options=options,
        commit=commit,
        language=at.language,
        out=PlaceImportOut.of,
        location=lambda job: f"{HREF}/{job.id}",
    )
    worker.wake(at.context)
    return answer


def _file_name(given: str | None) -> str:
    """The last part of the name, whatever the system that sent it; for people to recognise, nothing else."""
    name = PurePath((given or "").replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[-120:] or "file"


@routes.get("/networks/{network}/place-imports", response_model=PageOut[PlaceImportOut])
async def imports(
    network: Network,
    at: At,
    status: Annotated[list[Status], Query(max_length=7)] = [],  # noqa: B006 (FastAPI copies it)
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The imports of places of a network, the last one first."""
    return await at.page(queries.listed, network, status=status, after=after, limit=limit, out=PlaceImportOut.of)


@routes.get("/place-imports/{id}", response_model=PlaceImportOut)
async def job(id: UUID, at: At) -> Response:  # noqa: A002 (the name in the path)
    """How far an import is."""
    return await at.read(queries.get, id, out=PlaceImportOut.of)


Cell = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class PlaceCorrectionBody(BaseModel):
    """What the file says, by somebody who knows it. `columns`: field -> column, by its name, its letter or its number
    from 1; null: that field is not read. `constants`: what stands in every row whose cell is empty; null takes it away.
    `header_line`: the line of the header, 0 when there is none. What is not named stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"columns": {"title": 2, "email": None}, "constants": {"province": "LC"}}]},
    )

    columns: dict[str, Annotated[int, Field(strict=True, ge=1, le=1_000)] | Cell | None] = Field(
        default={}, max_length=40
    )
    constants: dict[str, Cell | None] = Field(default={}, max_length=40)
    header_line: int | None = Field(default=None, ge=0, le=1_000)


@routes.patch("/place-imports/{id}", response_model=PlaceImportOut)
async def correct(id: UUID, body: PlaceCorrectionBody, at: At) -> Response:  # noqa: A002
    """Says which column is which, what stands in every row, or where the header is; the preview is made anew."""
    answer = await at.command(
        commands.correct,
        id,
        columns=body.columns,
        constants=body.constants,
        header_line=body.header_line,
        expected=at.if_match(),
        out=PlaceImportOut.of,
    )
    worker.wake(at.context)
    return answer


@routes.post("/place-imports/{id}/undo", status_code=202, response_model=PlaceImportOut)
async def undo(id: UUID, at: At) -> Response:  # noqa: A002
    """Takes an import back, until `undo_until`: what it made leaves again, what it changed is as it was, but for what
    has been changed since or is in use, which the report names. Sent again, it changes nothing."""
    answer = await at.command(commands.undo, id, out=PlaceImportOut.of)
    worker.wake(at.context)
    return answer


@routes.get("/place-imports/{id}/preview", response_model=PlacePreviewOut)
async def preview(
    id: UUID,  # noqa: A002
    at: At,
    each: Annotated[int, Query(ge=1, le=100, description="Rows shown of each outcome")] = 10,
) -> Response:
    """What becomes of the rows, the first of each outcome."""
    return await at.read(queries.preview, id, each=each, out=PlacePreviewOut.of)


@routes.post("/place-imports/{id}/commit", status_code=202, response_model=PlaceImportOut)
async def commit(id: UUID, at: At) -> Response:  # noqa: A002
    """Takes the rows of a preview. Sent again, it changes nothing."""
    answer = await at.command(commands.commit, id, out=PlaceImportOut.of)
    worker.wake(at.context)
    return answer


@routes.post("/place-imports/{id}/ticket", status_code=201, response_model=progress.TicketOut)
async def ticket(id: UUID, at: At) -> Response:  # noqa: A002
    """A short-lived ticket with which a browser may follow the import."""
    assert at.identity is not None
    return await at.command(
        progress.ticket,
        queries.get,
        "place-import",
        id,
        identity=at.identity,
        href=f"{HREF}/{id}/events",
        out=lambda made: made,
    )


@routes.get("/place-imports/{id}/events", response_class=Response, responses=progress.EVENTS)
async def events(id: UUID, at: Anyone, ticket: progress.Ticket = None) -> Response:  # noqa: A002
    """The import as it goes on, as server-sent events: `progress`, then `end`."""
    return await progress.events(at, queries.get, "place-import", id, ticket, progress_of)


@routes.get(
    "/place-imports/{id}/rows.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": ", ".join(COLUMNS)}},
)
async def rows(
    id: UUID,  # noqa: A002
    at: Anyone,
    token: Annotated[str | None, Query(max_length=4000, description="Of a signed link, instead of a sign-in")] = None,
) -> Response:
    """The report, a line for each row of the file: what became of it, and what was healed or is wrong; after an
    undoing, whether it was undone or why it was kept."""
    if token is not None:
        link = await links.verify(token, "mapping", "import-report", keys=at.context.link_keys)
        if link.subject != id:
            raise links.LinkInvalid("another report")
    elif at.identity is None:
        raise unauthenticated()

    async def page(after: int) -> list[Any]:
        return await at.query(queries.report, id, linked=token is not None, after=after, limit=REPORT_PAGE)

    first = await page(0)  # before the status is sent: a refusal must still be a problem

    async def text() -> AsyncIterator[bytes]:
        yield csv.lines([COLUMNS])
        found = first
        while found:
            yield csv.lines(_cells(row) for row in found)
            found = await page(found[-1].line) if len(found) == REPORT_PAGE else []

    headers = {"content-disposition": f'attachment; filename="luoghi-{id}.csv"'}
    return StreamingResponse(text(), headers=headers, media_type=csv.MEDIA_TYPE)


def _cells(row: Any) -> list[Any]:
    seat = territories.load().municipality(row.municipality) if row.municipality else None
    where = [seat.name, seat.province] if seat else ["", ""]
    return [
        row.line, row.name, row.outcome, row.place_id, row.municipality, *where, row.phone, row.problem, row.undone,
        row.kept,
    ]  # fmt: skip


problems: Problems = {
    **refusals,
    **progress.refusals,
    NotPreviewed: problem(
        "not-previewed",
        409,
        it="Non c'è un'anteprima da confermare\nL'importazione è nello stato {status}.",
        en="There is no preview to commit\nThe import is {status}.",
    ),
    NotUndoable: problem(
        "not-undoable",
        409,
        it="L'importazione non si può annullare\nÈ nello stato {status}; si poteva fino a: {until}.",
        en="The import cannot be undone\nIt is {status}; it could be until: {until}.",
    ),
}

vocabularies = (
    vocabulary(
        "place_import_states",
        "Stati di un'importazione di luoghi",
        "States of an import of places",
        [
            ("running", "In corso", "Running"),
            ("mapping", "In attesa di sapere quali sono le colonne", "Waiting to be told the columns"),
            ("previewed", "In anteprima, da confermare", "Previewed, to be committed"),
            ("done", "Conclusa", "Done"),
            ("failed", "Fallita", "Failed"),
            ("undoing", "In corso di annullamento", "Being undone"),
            ("undone", "Annullata", "Undone"),
        ],
    ),
    vocabulary(
        "place_import_outcomes",
        "Esiti di una riga",
        "Outcomes of a row",
        [
            ("created", "Creato", "Created"),
            ("updated", "Aggiornato", "Updated"),
            ("unchanged", "Invariato", "Unchanged"),
            ("rejected", "Rifiutato", "Rejected"),
        ],
    ),
)
