"""HTTP of imports: upload, correct, look, commit, follow, read the report, take back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from services.registry.imports import commands, queries, texts, worker
from services.registry.imports.commands import NotPreviewed, NotUndoable, UnknownParent
from services.registry.imports.model import OUTCOMES, UPDATED
from services.registry.imports.rules import MEMBERSHIP
from shared import territories
from shared.access import links
from shared.runtime import csv, progress
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import TYPES, Problems, problem, unauthenticated
from shared.runtime.progress import ProblemOut, Progress
from shared.runtime.vocabularies import vocabulary
from shared.sheets import LARGEST_FILE
from shared.sheets.problems import refusals
from shared.sheets.shapes import FoundOut

routes = APIRouter(tags=["imports"])

COLUMNS = (
    "line", "tax_code", "outcome", "organisation_id", "municipality", "municipality_istat", "problem", "person_id",
    "mandate_id", "undone", "kept",
)  # fmt: skip
REPORT_PAGE = 2_000
Of = Literal["organisations", "affiliates", "representatives"]
Status = Literal["running", "mapping", "previewed", "done", "failed", "undoing", "undone"]
Outcome = Literal["created", "updated", "unchanged", "rejected"]
UNDER_WAY = ("running", "undoing")
ACTIONS: dict[str, list[str]] = {"mapping": ["correct"], "previewed": ["commit", "correct"], "done": ["undo"]}


class ResultOut(BaseModel):
    """What has become of the rows, when the job has come to an end; of an undoing also what it took back."""

    created: int
    updated: int
    unchanged: int
    rejected: int
    undone: int
    kept: int
    report: str


class ImportOut(BaseModel):
    """A job. `rows` counts those dealt with so far, each created, updated, unchanged or rejected; in a preview these
    say what a commit would do. `done` of `total` tells how far it is with what it is at (`total` is known once the file
    has been read through). `state` is the word of every long job; `status` says the same. Until `undo_until` it can be
    taken back: `undone` rows are as they were, `kept` ones have been changed since or are in use."""

    id: UUID
    network_id: UUID
    of: Of
    parent_id: UUID | None
    file_name: str
    state: Status
    status: Status
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
    result: ResultOut | None
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
    def of_job(cls, job: Any) -> ImportOut:
        href = _href(job.id)
        return cls(
            id=job.id,
            network_id=job.network_id,
            of=job.of,
            parent_id=job.parent_id,
            file_name=job.file_name,
            state=job.status,
            status=job.status,
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


def _href(import_id: UUID) -> str:
    return f"/registry/v1/imports/{import_id}"


def _figures(job: Any) -> dict[str, int]:
    return {name: getattr(job, name) for name in (*OUTCOMES, "undone", "kept")}


def _problem(job: Any) -> ProblemOut | None:
    return ProblemOut(type=f"{TYPES}import-failed", title=job.reason) if job.reason else None


def _result(job: Any) -> ResultOut | None:
    if job.status not in {"previewed", "done", "undone"}:
        return None
    return ResultOut(**_figures(job), report=f"{_href(job.id)}/rows.csv")


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


Cell = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class CorrectionBody(BaseModel):
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


class RowOut(BaseModel):
    """A row: what it says as far as it was read, what becomes of it and why, and, where it changes something that is
    there, by field what it was and what it becomes."""

    line: int
    outcome: Outcome
    name: str | None
    tax_code: str | None
    municipality: str | None
    organisation_id: UUID | None
    person_id: UUID | None
    mandate_id: UUID | None
    problem: str | None
    changes: dict[str, list[Any]]
    undone: bool | None
    kept: str | None

    @classmethod
    def of(cls, row: Any) -> RowOut:
        # Of an organisation that another network knows its earlier values are not this network's to learn.
        changes = row.changes if row.outcome == UPDATED and row.changes else {}
        return cls(
            line=row.line,
            outcome=row.outcome,
            name=_name(row.content or {}),
            tax_code=row.tax_code or None,
            municipality=row.municipality,
            organisation_id=row.organisation_id,
            person_id=row.person_id,
            mandate_id=row.mandate_id,
            problem=row.problem,
            changes={name: values for name, values in changes.items() if name != MEMBERSHIP},
            undone=row.undone,
            kept=row.kept,
        )


def _name(content: dict[str, Any]) -> str | None:
    if "title" in content:
        return str(content["title"])
    return f"{content.get('given_name', '')} {content.get('family_name', '')}".strip() or None


class OutcomeOut(BaseModel):
    outcome: Outcome
    count: int
    rows: list[RowOut]


class PreviewOut(BaseModel):
    """What a commit would do, or has done: the rows counted by outcome, and the first of each."""

    id: UUID
    state: Status
    total: int | None
    outcomes: list[OutcomeOut]
    version: int

    @classmethod
    def of(cls, found: tuple[Any, dict[str, list[Any]]]) -> PreviewOut:
        job, rows = found
        outcomes = [
            OutcomeOut(outcome=name, count=getattr(job, name), rows=[RowOut.of(row) for row in rows[name]])
            for name in get_args(Outcome)
        ]
        return cls(id=job.id, state=job.status, total=job.total, outcomes=outcomes, version=job.version)


@routes.post("/networks/{network}/imports", status_code=202, response_model=ImportOut)
async def upload(
    network: str,
    at: At,
    file: UploadFile,
    of: Annotated[Of, Query(description="What the rows are: members, affiliates of one, or people and mandates")] = (
        "organisations"
    ),
    parent: Annotated[UUID | None, Query(description="Of affiliates: the organisation whose they are")] = None,
    commit: Annotated[bool, Form(description="At once, without preview")] = False,
) -> Response:
    """Sends a file (CSV, XLSX, XLS or ODS, up to 20 MB); a worker reads it. Without `commit` it is only looked at, and
    can be corrected and committed afterwards. When it cannot be told which column is which, it waits to be told."""
    content = await file.read(LARGEST_FILE + 1)
    answer = await at.command(
        commands.request,
        network,
        of=of,
        parent=parent,
        file_name=file_name_of(file.filename),
        content=content,
        commit=commit,
        language=at.language,
        out=ImportOut.of_job,
        location=lambda job: _href(job.id),
    )
    worker.wake(at.context)
    return answer


def file_name_of(given: str | None) -> str:
    """The last part of the name, whatever the system that sent it; for people to recognise, nothing else."""
    name = PurePath((given or "").replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[-120:] or "file"


@routes.get("/networks/{network}/imports", response_model=PageOut[ImportOut])
async def imports(
    network: str,
    at: At,
    of: Annotated[list[Of], Query()] = [],  # noqa: B006 (FastAPI copies it)
    status: Annotated[list[Status], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The imports of a network, the last one first."""
    return await at.page(
        queries.listed,
        network,
        of=of,
        status=status,
        after=after,
        limit=limit,
        out=ImportOut.of_job,
        model=ImportOut,
    )


@routes.get("/imports/{import_id}", response_model=ImportOut)
async def job(import_id: UUID, at: At) -> Response:
    """How far an import is."""
    return await at.read(queries.get, import_id, out=ImportOut.of_job)


@routes.patch("/imports/{import_id}", response_model=ImportOut)
async def correct(import_id: UUID, body: CorrectionBody, at: At) -> Response:
    """Says which column is which, what stands in every row, or where the header is; the preview is made anew."""
    answer = await at.command(
        commands.correct,
        import_id,
        columns=body.columns,
        constants=body.constants,
        header_line=body.header_line,
        expected=at.if_match(),
        out=ImportOut.of_job,
    )
    worker.wake(at.context)
    return answer


@routes.post("/imports/{import_id}/commit", status_code=202, response_model=ImportOut)
async def commit(import_id: UUID, at: At) -> Response:
    """Takes the rows of a preview. Sent again, it changes nothing."""
    answer = await at.command(commands.commit, import_id, out=ImportOut.of_job)
    worker.wake(at.context)
    return answer


@routes.post("/imports/{import_id}/undo", status_code=202, response_model=ImportOut)
async def undo(import_id: UUID, at: At) -> Response:
    """Takes an import back, until `undo_until`: what it made leaves again, what it changed is as it was, but for what
    has been changed since or is in use, which the report names. Sent again, it changes nothing."""
    answer = await at.command(commands.undo, import_id, out=ImportOut.of_job)
    worker.wake(at.context)
    return answer


@routes.get("/imports/{import_id}/preview", response_model=PreviewOut)
async def preview(
    import_id: UUID, at: At, first: Annotated[int, Query(ge=1, le=100, description="Rows of each outcome")] = 10
) -> Response:
    """What a commit would do: counted, with the first rows of each outcome and what they change."""
    return await at.read(queries.preview, import_id, first=first, out=PreviewOut.of)


@routes.get("/imports/{import_id}/rows", response_model=PageOut[RowOut])
async def all_rows(
    import_id: UUID,
    at: At,
    outcome: Annotated[list[Outcome], Query()] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The rows of an import, in the order of the file."""
    return await at.page(queries.rows, import_id, outcome=outcome, after=after, limit=limit, out=RowOut.of)


@routes.post("/imports/{import_id}/ticket", status_code=201, response_model=progress.TicketOut)
async def ticket(import_id: UUID, at: At) -> Response:
    """What opens the stream of this import for a few minutes, where no header can be sent."""
    return await at.command(
        progress.ticket,
        queries.get,
        "import",
        import_id,
        identity=at.identity,
        href=f"{_href(import_id)}/events",
        headers={"cache-control": "no-store"},
        out=lambda made: made,
    )


@routes.get("/imports/{import_id}/events", response_class=Response, responses=progress.EVENTS)
async def events(import_id: UUID, at: Anyone, ticket: progress.Ticket = None) -> Response:
    """How far an import is, as server-sent events, until it ends."""
    return await progress.events(at, queries.get, "import", import_id, ticket, progress_of)


@routes.get(
    "/imports/{import_id}/rows.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": ", ".join(COLUMNS)}},
)
async def rows(
    import_id: UUID,
    at: Anyone,
    token: Annotated[str | None, Query(max_length=4000, description="Of a signed link, instead of a sign-in")] = None,
) -> Response:
    """The report, a line for each row of the file: what became of it and why; after an undoing, whether it was undone
    or why it was kept."""
    if token is not None:
        link = await links.verify(token, "registry", "import-report", keys=at.context.link_keys)
        if link.subject != import_id:
            raise links.LinkInvalid("another report")
    elif at.identity is None:
        raise unauthenticated()
    return await report_of(at, import_id, linked=token is not None)


async def report_of(at: Edge, import_id: UUID, *, linked: bool) -> Response:
    """The report as it is read; `linked`: a signed link has shown the right to it."""

    async def page(after: int) -> list[Any]:
        return await at.query(queries.report, import_id, linked=linked, after=after, limit=REPORT_PAGE)

    first = await page(0)  # before the status is sent: a refusal must still be a problem

    async def text() -> AsyncIterator[bytes]:
        yield csv.lines([COLUMNS])
        found = first
        while found:
            yield csv.lines(_cells(row) for row in found)
            found = await page(found[-1].line) if len(found) == REPORT_PAGE else []

    headers = {"content-disposition": f'attachment; filename="import-{import_id}.csv"', "cache-control": "no-store"}
    return StreamingResponse(text(), headers=headers, media_type=csv.MEDIA_TYPE)


def _cells(row: Any) -> list[Any]:
    seat = territories.load().municipality(row.municipality) if row.municipality else None
    istat = seat.istat if seat else ""
    return [
        row.line, row.tax_code, row.outcome, row.organisation_id, row.municipality, istat, row.problem, row.person_id,
        row.mandate_id, row.undone, row.kept,
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
    UnknownParent: problem(
        "parent-unknown",
        422,
        it="L'ente di cui sarebbero gli affiliati non è nella rete\nIndicare con `parent` un ente che vi aderisce.",
        en="The organisation whose affiliates they are is not in the network\nName one of its members as `parent`.",
        path="?parent",
    ),
}

vocabularies = (
    vocabulary(
        "import_kinds",
        "Che cosa si importa",
        "What is imported",
        [
            ("organisations", "Enti aderenti", "Members"),
            ("affiliates", "Affiliati di un ente", "Affiliates of an organisation"),
            ("representatives", "Persone e incarichi", "People and mandates"),
        ],
    ),
    vocabulary(
        "import_statuses",
        "Stati di un'importazione",
        "States of an import",
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
        "import_outcomes",
        "Esiti di una riga",
        "Outcomes of a row",
        [
            ("created", "Creato", "Created"),
            ("updated", "Aggiornato", "Updated"),
            ("unchanged", "Invariato", "Unchanged"),
            ("rejected", "Rifiutato", "Rejected"),
        ],
    ),
    vocabulary(
        "import_fields",
        "Campi di un elenco di enti",
        "Fields of a list of organisations",
        [(code, it.capitalize() if it.islower() else it, en.capitalize()) for code, (it, en) in texts.FIELDS.items()],
    ),
    vocabulary(
        "import_people_fields",
        "Campi di un elenco di persone",
        "Fields of a list of people",
        [(code, it.capitalize(), en.capitalize()) for code, (it, en) in texts.PEOPLE_FIELDS.items()],
    ),
)
