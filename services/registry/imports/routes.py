"""HTTP of imports: upload, look, commit, read the report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from services.registry.imports import commands, queries, worker
from services.registry.imports.commands import NotPreviewed
from shared import territories
from shared.access import links
from shared.runtime import csv
from shared.runtime.edge import Anyone, At
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import TYPES, problem, unauthenticated
from shared.runtime.vocabularies import vocabulary
from shared.sheets import LARGEST_FILE
from shared.sheets.problems import refusals

routes = APIRouter(tags=["imports"])

COLUMNS = ("line", "tax_code", "outcome", "organisation_id", "municipality", "municipality_istat", "problem")
REPORT_PAGE = 2_000
Status = Literal["running", "previewed", "done", "failed"]


class ProblemOut(BaseModel):
    """Why the file as a whole was refused, in the language of whoever sent it."""

    type: str
    title: str


class FoundOut(BaseModel):
    """What the file turned out to be: its kind (csv, xlsx, xls, ods), encoding and delimiter, the line of the header,
    and for each field the header that it is read from."""

    kind: str
    encoding: str
    delimiter: str
    header_line: int
    columns: dict[str, str]


class ImportOut(BaseModel):
    """A job. `rows` counts those dealt with so far, each created, updated, unchanged or rejected; in a preview these
    say what a commit would do. `total` is known once the file has been read through."""

    id: UUID
    network_id: UUID
    file_name: str
    status: Status
    commit: bool
    done: int
    total: int | None
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    found: FoundOut | None
    problem: ProblemOut | None
    requested_at: datetime
    finished_at: datetime | None
    href: str
    report: str
    allowed_actions: list[str]

    @classmethod
    def of(cls, job: Any) -> ImportOut:
        href = f"/registry/v1/imports/{job.id}"
        return cls(
            id=job.id,
            network_id=job.network_id,
            file_name=job.file_name,
            status=job.status,
            commit=job.applying,
            done=job.done,
            total=job.total,
            rows=job.done,
            created=job.created,
            updated=job.updated,
            unchanged=job.unchanged,
            rejected=job.rejected,
            found=FoundOut(**job.found) if job.found else None,
            problem=ProblemOut(type=f"{TYPES}import-failed", title=job.reason) if job.reason else None,
            requested_at=job.requested_at,
            finished_at=job.finished_at,
            href=href,
            report=f"{href}/rows.csv",
            allowed_actions=["commit"] if job.status == "previewed" else [],
        )


@routes.post("/networks/{network}/imports", status_code=202, response_model=ImportOut)
async def upload(
    network: str,
    at: At,
    file: UploadFile,
    commit: Annotated[bool, Form(description="At once, without preview")] = False,
) -> Response:
    """Sends a file of organisations (CSV, XLSX, XLS or ODS, up to 20 MB); a worker reads it. Without `commit` it is
    only looked at, and can be committed afterwards."""
    content = await file.read(LARGEST_FILE + 1)
    answer = await at.command(
        commands.request,
        network,
        file_name=_name_of(file.filename),
        content=content,
        commit=commit,
        language=at.language,
        out=ImportOut.of,
        location=lambda job: f"/registry/v1/imports/{job.id}",
    )
    worker.wake(at.context)
    return answer


def _name_of(given: str | None) -> str:
    """The last part of the name, whatever the system that sent it; for people to recognise, nothing else."""
    name = PurePath((given or "").replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[-120:] or "file"


@routes.get("/networks/{network}/imports", response_model=PageOut[ImportOut])
async def imports(
    network: str,
    at: At,
    status: Annotated[list[Status], Query()] = [],  # noqa: B006 (FastAPI copies it)
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The imports of a network, the last one first."""
    return await at.page(queries.listed, network, status=status, after=after, limit=limit, out=ImportOut.of)


@routes.get("/imports/{import_id}", response_model=ImportOut)
async def job(import_id: UUID, at: At) -> Response:
    """How far an import is."""
    return await at.read(queries.get, import_id, out=ImportOut.of)


@routes.post("/imports/{import_id}/commit", status_code=202, response_model=ImportOut)
async def commit(import_id: UUID, at: At) -> Response:
    """Takes the rows of a preview. Sent again, it changes nothing."""
    answer = await at.command(commands.commit, import_id, out=ImportOut.of)
    worker.wake(at.context)
    return answer


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
    """The report, a line for each row of the file: what became of it and why."""
    if token is not None:
        link = await links.verify(token, "registry", "import-report", keys=at.context.link_keys)
        if link.subject != import_id:
            raise links.LinkInvalid("another report")
    elif at.identity is None:
        raise unauthenticated()

    async def page(after: int) -> list[Any]:
        return await at.query(queries.report, import_id, linked=token is not None, after=after, limit=REPORT_PAGE)

    first = await page(0)  # before the status is sent: a refusal must still be a problem

    async def text() -> AsyncIterator[bytes]:
        yield csv.lines([COLUMNS])
        found = first
        while found:
            yield csv.lines(_cells(row) for row in found)
            found = await page(found[-1].line) if len(found) == REPORT_PAGE else []

    headers = {"content-disposition": f'attachment; filename="import-{import_id}.csv"'}
    return StreamingResponse(text(), headers=headers, media_type=csv.MEDIA_TYPE)


def _cells(row: Any) -> list[Any]:
    seat = territories.load().municipality(row.municipality) if row.municipality else None
    istat = seat.istat if seat else ""
    return [row.line, row.tax_code, row.outcome, row.organisation_id, row.municipality, istat, row.problem]


problems = {
    **refusals,
    NotPreviewed: problem(
        "not-previewed",
        409,
        it="Non c'è un'anteprima da confermare\nL'importazione è nello stato {status}.",
        en="There is no preview to commit\nThe import is {status}.",
    ),
}

vocabularies = (
    vocabulary(
        "import_statuses",
        "Stati di un'importazione",
        "States of an import",
        [
            ("running", "In corso", "Running"),
            ("previewed", "In anteprima, da confermare", "Previewed, to be committed"),
            ("done", "Conclusa", "Done"),
            ("failed", "Fallita", "Failed"),
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
)
