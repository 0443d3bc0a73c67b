"""Crossings over HTTP: opened, filled in sheet by sheet or by the thousand, closed, read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints
from starlette.responses import Response

from services.mapping.crossings import commands, files, pages, queries
from services.mapping.crossings.commands import Recorded, SheetsRefused
from services.mapping.crossings.queries import DIGITS, Cell, Heat, Results, Shown
from services.mapping.crossings.rules import (
    EVERYBODY,
    LEAST,
    MOST_COHORTS,
    MOST_SCORES,
    MOST_TERMS,
    BadCrossing,
    BallotTaken,
    CohortFull,
    Crossing,
    Figure,
    NotOpen,
    Scored,
    Scoring,
    Sheet,
    State,
    StillOpen,
    TooManyScores,
    UnknownCrossing,
    UnknownSheet,
)
from services.mapping.items.routes import Network
from shared.runtime.edge import At
from shared.runtime.openapi import GUARDED
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import Problems, invalid, not_found, problem
from shared.runtime.shapes import Ref, Statistic, line
from shared.runtime.vocabularies import vocabulary
from shared.sheets import LARGEST_FILE, FileTooLarge, Unreadable, why_unreadable
from shared.sheets.problems import refusals

routes = APIRouter(tags=["crossings"])
HREF = "/mapping/v1/crossings"


class FileUnreadable(Exception):
    """The file as a whole cannot be taken; why, in both languages."""

    def __init__(self, why: Unreadable) -> None:
        super().__init__(why.reason)
        self.path = "/file"
        self.why_it = why_unreadable(why.reason, why.values, "it", files.FIELDS)
        self.why_en = why_unreadable(why.reason, why.values, "en", files.FIELDS)


problems: Problems = {
    **refusals,
    UnknownCrossing: not_found,
    UnknownSheet: not_found,
    BadCrossing: invalid,
    BallotTaken: problem(
        "ballot-taken",
        409,
        it="Votazione già usata\nI punteggi di questa votazione vanno già a un altro incrocio.",
        en="Ballot already used\nThe scores of this ballot go to another crossing already.",
        path="/ballot_id",
    ),
    NotOpen: problem(
        "crossing-closed",
        409,
        it="L'incrocio è chiuso\nI risultati sono definitivi: non si accettano altre schede né modifiche.",
        en="The crossing is closed\nIts results are final: no further sheet or change is taken.",
    ),
    StillOpen: problem(
        "crossing-open",
        409,
        it="L'incrocio è ancora aperto\nI risultati si leggono dopo la chiusura: chi vota non deve vederli prima.",
        en="The crossing is still open\nResults are read once it is closed: nobody votes looking at them.",
    ),
    Scored: problem(
        "crossing-scored",
        409,
        it="Ci sono già schede\nChi ha risposto lo ha fatto su questa griglia: si possono cambiare solo titolo, "
        "etichette e numeri che le contengono.",
        en="There are sheets already\nWho has answered did so on this grid: only the title, labels and numbers that "
        "hold them can change.",
        code="scored",
    ),
    CohortFull: problem(
        "cohort-full",
        409,
        it="Più schede che delegati\nLa coorte «{cohort}» ha {entitled} delegati: una scheda sarebbe di troppo.",
        en="More sheets than delegates\nThe cohort “{cohort}” has {entitled} delegates: a sheet would be one too many.",
        code="full",
    ),
    TooManyScores: problem(
        "too-many-scores",
        422,
        it="Troppi punteggi in una richiesta\nSe ne accettano al massimo {accepted}: dividerli in più richieste.",
        en="Too many scores in a request\nAt most {accepted} are accepted: split them into several requests.",
        code="count",
    ),
    SheetsRefused: problem(
        "scores-refused",
        422,
        it="Schede non valide\nNon è stato preso nulla: {count} valori sono sbagliati, `errors` dice quali.",
        en="Invalid sheets\nNothing was taken: {count} values are wrong, `errors` says which.",
    ),
    FileUnreadable: problem(
        "scores-file-unreadable",
        422,
        it="Il file non si può leggere\n{why_it}",
        en="The file cannot be read\n{why_en}",
        code="unreadable",
        accepted="CSV or a workbook with the columns sheet, cohort, field, need, resource, score",
    ),
}

vocabularies = [
    vocabulary(
        "crossing_states",
        "Stati di un incrocio",
        "States of a crossing",
        [(State.OPEN, "Aperto alle schede", "Open for sheets"), (State.CLOSED, "Chiuso, con risultati", "Closed")],
    ),
    vocabulary(
        "crossing_statistics",
        "Misure dei risultati di un incrocio",
        "Measures of a crossing's results",
        [
            ("n", "Punteggi dati; chi manca e chi non ha opinione non contano", "Scores given; neither who is missing "
             "nor who has no opinion counts"),
            ("mean", "Media aritmetica", "Arithmetic mean"),
            ("median", "Mediana", "Median"),
            ("deviation", "Scarto quadratico medio campionario (n - 1)", "Sample standard deviation (n - 1)"),
            ("lower_quartile", "Primo quartile, interpolato", "First quartile, interpolated"),
            ("upper_quartile", "Terzo quartile, interpolato", "Third quartile, interpolated"),
            ("rank", "Posto nel campo per media esatta; i pari hanno lo stesso", "Place in the field by exact mean; "
             "equal ones share it"),
        ],
    ),
]  # fmt: skip

Label = Annotated[str, line(120)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=40)]
Given = Annotated[str, Field(max_length=120)]
Codes = list[Annotated[str, Field(max_length=40)]]


class TermBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Code = Field(examples=["housing"])
    label: Label = Field(examples=["Abitare"])


class CohortBody(TermBody):
    """`entitled` is how many delegates it has."""

    entitled: int = Field(ge=1, le=100_000, examples=[57])


Terms = Annotated[list[TermBody], Field(min_length=1, max_length=MOST_TERMS)]
Cohorts = Annotated[list[CohortBody], Field(min_length=1, max_length=MOST_COHORTS)]
Entitled = Annotated[int, Field(ge=1, le=1_000_000, description="Delegates in all; those of the cohorts, if not given")]
Minimum = Annotated[
    int, Field(ge=LEAST, le=100_000, description="Scores that a cell needs to be named the best of its field")
]
Lowest = Annotated[StrictInt, Field(ge=1, le=9)]
Highest = Annotated[StrictInt, Field(ge=2, le=10)]


class CrossingBody(BaseModel):
    """A grid of fields x needs x resources, at most 2,000 cells, and the cohorts whose delegates score it."""

    model_config = ConfigDict(extra="forbid")

    title: Label = Field(examples=["Bisogni e fonti di finanziamento"])
    fields: Terms
    needs: Terms
    resources: Terms
    cohorts: Cohorts
    entitled: Entitled | None = None
    lowest: Lowest = 1
    highest: Highest = 10
    minimum: Minimum = LEAST
    ballot_id: UUID | None = Field(default=None, description="The ballot of events whose scores these are")


class CrossingChangeBody(BaseModel):
    """Only what is given changes. Once there are sheets, codes, their order and the scale stay."""

    model_config = ConfigDict(extra="forbid")

    title: Label | None = Field(default=None, examples=["Bisogni e fonti di finanziamento"])
    fields: Terms | None = None
    needs: Terms | None = None
    resources: Terms | None = None
    cohorts: Cohorts | None = None
    entitled: Entitled | None = None
    lowest: Lowest | None = None
    highest: Highest | None = None
    minimum: Minimum | None = None


class ScoreBody(BaseModel):
    """A cell by the codes of its field, need and resource. `score` null: no opinion; what was not answered is left
    out."""

    model_config = ConfigDict(extra="forbid")

    field: Given = Field(examples=["housing"])
    need: Given = Field(examples=["places"])
    resource: Given = Field(examples=["grants"])
    score: StrictInt | None = Field(examples=[7])


class SheetBody(BaseModel):
    """What one delegate answered. `respondent` is an opaque id, the same when they answer again, which replaces what
    they said before; none for a sheet of paper. No names."""

    model_config = ConfigDict(extra="forbid")

    cohort: Given = Field(examples=["aps_odv"])
    respondent: UUID | None = None
    items: Annotated[list[ScoreBody], Field(min_length=1, max_length=MOST_SCORES)]

    def sheet(self) -> Sheet:
        scorings = [Scoring(one.field, one.need, one.resource, one.score) for one in self.items]
        return Sheet(self.cohort, scorings, self.respondent)


class SheetsBody(BaseModel):
    """All of them are taken or none; at most 10,000 scores."""

    model_config = ConfigDict(extra="forbid")

    sheets: Annotated[list[SheetBody], Field(min_length=1, max_length=MOST_SCORES)]


class TermOut(BaseModel):
    code: str
    label: str


class CohortOut(TermOut):
    """`respondents` who have answered, of those entitled; how many scores and absent opinions they gave."""

    respondents: Statistic
    scores: int
    no_opinions: int


class CrossingOut(BaseModel):
    """A crossing and who has answered. Results are under `results`, once it is closed."""

    id: UUID
    network_id: UUID
    title: str
    state: State
    fields: list[TermOut]
    needs: list[TermOut]
    resources: list[TermOut]
    cells: int
    cohorts: list[CohortOut]
    respondents: Statistic
    scores: int
    no_opinions: int
    lowest: int
    highest: int
    minimum: int
    ballot_id: UUID | None
    opened_at: datetime
    closed_at: datetime | None
    href: str
    results: str
    version: int
    allowed_actions: list[str]

    @classmethod
    def of(cls, shown: Shown) -> CrossingOut:
        crossing, counts = shown.crossing, shown.entered
        same = ("id", "network_id", "title", "state", "cells", "lowest", "highest", "minimum", "ballot_id", "version")
        return cls.model_construct(
            **{name: getattr(crossing, name) for name in (*same, "opened_at", "closed_at")},
            fields=_terms(crossing.fields),
            needs=_terms(crossing.needs),
            resources=_terms(crossing.resources),
            cohorts=[
                CohortOut.model_construct(
                    code=cohort["code"],
                    label=cohort["label"],
                    respondents=_answered(crossing, counts, cohort["code"]),
                    scores=counts[cohort["code"]].scores if cohort["code"] in counts else 0,
                    no_opinions=counts[cohort["code"]].no_opinions if cohort["code"] in counts else 0,
                )
                for cohort in crossing.cohorts
            ],
            respondents=_answered(crossing, counts, EVERYBODY),
            scores=sum(count.scores for count in counts.values()),
            no_opinions=sum(count.no_opinions for count in counts.values()),
            href=f"{HREF}/{crossing.id}",
            results=f"{HREF}/{crossing.id}/results",
            allowed_actions=list(shown.actions),
        )


def _terms(terms: Sequence[dict[str, Any]]) -> list[TermOut]:
    return [TermOut.model_construct(code=term["code"], label=term["label"]) for term in terms]


def _answered(crossing: Crossing, counts: queries.Entered, cohort: str) -> Statistic:
    if cohort == EVERYBODY:
        return Statistic.out_of(sum(count.sheets for count in counts.values()), crossing.entitled)
    entitled = next(one["entitled"] for one in crossing.cohorts if one["code"] == cohort)
    return Statistic.out_of(counts[cohort].sheets if cohort in counts else 0, entitled)


class RecordedOut(BaseModel):
    """What was taken: the ids of the sheets in the order in which they came, how many stand in the place of a former
    one, how many scores and absent opinions they hold."""

    sheets: list[UUID]
    replaced: int
    scores: int
    no_opinions: int

    @classmethod
    def of(cls, recorded: Recorded) -> RecordedOut:
        return cls.model_construct(
            sheets=list(recorded.sheets),
            replaced=recorded.replaced,
            scores=recorded.scores,
            no_opinions=recorded.no_opinions,
        )


class SheetOut(BaseModel):
    """That a sheet is there, not what it says. `paper`: without a respondent, so that none will replace it."""

    id: UUID
    cohort: str
    paper: bool
    scores: int
    no_opinions: int
    entered_at: datetime
    href: str

    @classmethod
    def of(cls, row: Any) -> SheetOut:
        return cls.model_construct(
            id=row.id,
            cohort=row.cohort,
            paper=row.trace is None,
            scores=row.scores,
            no_opinions=row.no_opinions,
            entered_at=row.entered_at,
            href=f"{HREF}/{row.crossing_id}/sheets/{row.id}",
        )


class FigureOut(BaseModel):
    """Of one cell: `n` scores and how many had no opinion. Mean, median, sample standard deviation (null under two
    scores) and interpolated quartiles are null when nobody scored it, or fewer than may be shown; `rank` is its place
    in its field, null when fewer scored it than the crossing's `minimum`; `tied` with another of the same mean."""

    n: int
    no_opinion: int
    mean: float | None
    median: float | None
    deviation: float | None
    lower_quartile: float | None
    upper_quartile: float | None
    rank: int | None
    tied: bool

    @classmethod
    def of(cls, figure: Figure) -> FigureOut:
        return cls.model_construct(**_figures(figure))


def _figures(figure: Figure) -> dict[str, Any]:
    return {
        "n": figure.n,
        "no_opinion": figure.no_opinion,
        "mean": _rounded(figure.mean),
        "median": _rounded(figure.median),
        "deviation": _rounded(figure.deviation),
        "lower_quartile": _rounded(figure.lower),
        "upper_quartile": _rounded(figure.upper),
        "rank": figure.rank,
        "tied": figure.tied,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


class CellOut(FigureOut):
    """`cohort` is its code, `all` for everybody; `entitled` how many delegates it has."""

    cohort: str
    field: TermOut
    need: TermOut
    resource: TermOut
    entitled: int

    @classmethod
    def made(cls, cell: Cell) -> CellOut:
        crossing, figure = cell
        field, need, resource = _terms(crossing.terms(figure.cell))
        entitled = {one["code"]: one["entitled"] for one in crossing.cohorts}.get(figure.cohort, crossing.entitled)
        return cls.model_construct(
            cohort=figure.cohort or "all",
            field=field,
            need=need,
            resource=resource,
            entitled=entitled,
            **_figures(figure),
        )


class NamedOut(FigureOut):
    need: TermOut
    resource: TermOut


class BestOut(BaseModel):
    """The best crossings of a field: one, several when they are tied, none when too few scored any."""

    field: TermOut
    tied: bool
    cells: list[NamedOut]


class GroupOut(BaseModel):
    """All together (`cohort` null) or a cohort, with its best crossings per field."""

    cohort: TermOut | None
    respondents: Statistic
    best: list[BestOut]
    cells: str


class ResultsOut(BaseModel):
    """Of a closed crossing. `hidden` are the cohorts of which nothing is shown: those of fewer than `least` respondents
    (or of none), and those from which, with the rest, these could be worked out."""

    crossing: Ref
    closed_at: datetime
    respondents: Statistic
    minimum: int
    least: int
    groups: list[GroupOut]
    hidden: list[TermOut]

    @classmethod
    def of(cls, found: Results) -> ResultsOut:
        crossing = found.crossing
        assert crossing.closed_at is not None  # there are no results before
        href = f"{HREF}/{crossing.id}"
        return cls.model_construct(
            crossing=Ref(id=crossing.id, name=crossing.title, href=href),
            closed_at=crossing.closed_at,
            respondents=_answered(crossing, found.entered, EVERYBODY),
            minimum=crossing.minimum,
            least=LEAST,
            groups=[_group(found, group) for group in found.groups],
            hidden=_terms([one for one in crossing.cohorts if one["code"] in found.hidden]),
        )


def _group(found: Results, group: str) -> GroupOut:
    crossing = found.crossing
    term = next((one for one in crossing.cohorts if one["code"] == group), None)
    return GroupOut.model_construct(
        cohort=_terms([term])[0] if term else None,
        respondents=_answered(crossing, found.entered, group),
        best=[_best(crossing, field, found.best.get((group, at), ())) for at, field in enumerate(crossing.fields)],
        cells=f"{HREF}/{crossing.id}/results/cells?cohort={group or 'all'}",
    )


def _best(crossing: Crossing, field: dict[str, Any], figures: Sequence[Figure]) -> BestOut:
    cells = []
    for figure in figures:
        _, need, resource = _terms(crossing.terms(figure.cell))
        cells.append(NamedOut.model_construct(need=need, resource=resource, **_figures(figure)))
    return BestOut.model_construct(field=_terms([field])[0], tied=len(cells) > 1, cells=cells)


class HeatRowOut(BaseModel):
    need: TermOut
    cells: list[FigureOut]


class HeatOut(BaseModel):
    """Needs by resources in one field: `cells` of a row are in the order of `columns`."""

    crossing: UUID
    field: TermOut
    cohort: TermOut | None
    lowest: int
    highest: int
    columns: list[TermOut]
    rows: list[HeatRowOut]
    svg: str

    @classmethod
    def of(cls, heat: Heat) -> HeatOut:
        crossing = heat.crossing
        field = crossing.fields[heat.field]
        cohort = next((one for one in crossing.cohorts if one["code"] == heat.cohort), None)
        return cls.model_construct(
            crossing=crossing.id,
            field=_terms([field])[0],
            cohort=_terms([cohort])[0] if cohort else None,
            lowest=crossing.lowest,
            highest=crossing.highest,
            columns=_terms(crossing.resources),
            rows=[
                HeatRowOut.model_construct(need=need, cells=[FigureOut.of(figure) for figure in row])
                for need, row in zip(_terms(crossing.needs), heat.rows, strict=True)
            ],
            svg=f"{HREF}/{crossing.id}/heatmap.svg?field={field['code']}&cohort={heat.cohort or 'all'}",
        )


@routes.post("/networks/{network}/crossings", status_code=201, response_model=CrossingOut)
async def open_(network: Network, body: CrossingBody, at: At) -> Response:
    """Opens a crossing: from then on sheets are taken."""
    return await at.command(commands.open_, network, **body.model_dump(), out=CrossingOut.of, location=_href)


@routes.get("/networks/{network}/crossings", response_model=PageOut[CrossingOut])
async def listed(
    network: Network,
    at: At,
    state: Annotated[list[State], Query(max_length=2)] = [],  # noqa: B006 (FastAPI copies defaults)
    ballot: Annotated[list[UUID], Query(max_length=50)] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The crossings of a network, the newest first."""
    return await at.page(
        queries.listed, network, state=state, ballot=ballot, after=after, limit=limit, out=CrossingOut.of
    )


@routes.get("/crossings/{id}", response_model=CrossingOut)
async def one(id: UUID, at: At) -> Response:  # noqa: A002 (the name in the path)
    """A crossing: its grid, its cohorts, and how many of them have answered."""
    return await at.read(queries.get, id, out=CrossingOut.of)


@routes.patch("/crossings/{id}", response_model=CrossingOut, openapi_extra=GUARDED)
async def change(id: UUID, body: CrossingChangeBody, at: At) -> Response:  # noqa: A002
    """Changes an open crossing. Needs If-Match."""
    given = body.model_dump(exclude_none=True)
    return await at.command(commands.change, id, **given, expected=at.if_match(), out=CrossingOut.of)


@routes.post("/crossings/{id}/close", response_model=CrossingOut, openapi_extra=GUARDED)
async def close(id: UUID, at: At) -> Response:  # noqa: A002
    """Ends it and works out its results, which are final. Needs If-Match."""
    return await at.command(commands.close, id, expected=at.if_match(), out=CrossingOut.of)


@routes.post("/crossings/{id}/sheets", status_code=201, response_model=RecordedOut)
async def enter(id: UUID, body: SheetBody, at: At) -> Response:  # noqa: A002
    """One sheet. A whole number of the scale, or null for no opinion, in each cell that was answered."""
    return await at.command(commands.enter, id, [body.sheet()], path="", out=RecordedOut.of)


@routes.post("/crossings/{id}/sheets/bulk", status_code=201, response_model=RecordedOut)
async def enter_many(id: UUID, body: SheetsBody, at: At) -> Response:  # noqa: A002
    """Many sheets at once, up to 10,000 scores. All are taken, or none. What has too long codes for a request
    comes as a file."""
    return await at.command(commands.enter, id, [sheet.sheet() for sheet in body.sheets], out=RecordedOut.of)


@routes.post("/crossings/{id}/sheets/file", status_code=201, response_model=RecordedOut)
async def enter_file(id: UUID, file: UploadFile, at: At) -> Response:  # noqa: A002
    """Many sheets as CSV or a workbook: a row for each score with the columns `sheet` (what tells sheets apart in this
    file), `cohort`, `field`, `need`, `resource`, `score`, and `respondent` (a UUID) for sheets that may be replaced. A
    score `-` is no opinion; empty: not answered. Up to 10,000 rows; all are taken, or none."""
    await at.query(queries.recordable, id)
    content = await file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise FileTooLarge
    try:
        rows = await asyncio.to_thread(files.rows, content)
    except Unreadable as why:
        raise FileUnreadable(why) from why
    return await at.command(commands.enter_file, id, rows, out=RecordedOut.of)


@routes.get("/crossings/{id}/sheets", response_model=PageOut[SheetOut])
async def sheets(
    id: UUID,  # noqa: A002
    at: At,
    cohort: Annotated[Codes, Query(max_length=MOST_COHORTS)] = [],  # noqa: B006
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """Which sheets there are, the newest first, for who enters them; not what they say, nor whose they are."""
    return await at.page(queries.sheets, id, cohort=cohort, after=after, limit=limit, out=SheetOut.of)


@routes.delete("/crossings/{id}/sheets/{sheet_id}", status_code=204)
async def remove(id: UUID, sheet_id: UUID, at: At) -> Response:  # noqa: A002
    """Takes out a sheet that was entered in error, while the crossing is open."""
    return await at.command(commands.remove, id, sheet_id)


@routes.get("/crossings/{id}/results", response_model=ResultsOut)
async def results(
    id: UUID,  # noqa: A002
    at: At,
    cohort: Annotated[Codes, Query(max_length=MOST_COHORTS, description="Only of these; else of all")] = [],  # noqa: B006
) -> Response:
    """How many answered, of how many, and the best crossing of each field, of all and by cohort. Once it is closed."""
    return await at.read(queries.results, id, cohort=cohort, out=ResultsOut.of)


@routes.get("/crossings/{id}/results/cells", response_model=PageOut[CellOut])
async def cells(
    id: UUID,  # noqa: A002
    at: At,
    cohort: Annotated[Codes, Query(max_length=MOST_COHORTS + 1, description="`all`: together")] = [],  # noqa: B006
    field: Annotated[Codes, Query(max_length=MOST_TERMS)] = [],  # noqa: B006
    need: Annotated[Codes, Query(max_length=MOST_TERMS)] = [],  # noqa: B006
    resource: Annotated[Codes, Query(max_length=MOST_TERMS)] = [],  # noqa: B006
    best: Annotated[bool | None, Query(description="Only the best of each field, or only the others")] = None,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """The figures of every cell: first of all together, then cohort by cohort. JSON, or CSV with `Accept: text/csv`."""
    return await at.page(
        queries.cells,
        id,
        cohort=cohort,
        field=field,
        need=need,
        resource=resource,
        best=best,
        after=after,
        limit=limit,
        out=CellOut.made,
    )


FieldCode = Annotated[str, Query(max_length=40, description="The code of a field")]
CohortCode = Annotated[str | None, Query(max_length=40, description="The code of a cohort; without: all together")]


@routes.get("/crossings/{id}/heatmap", response_model=HeatOut)
async def heatmap(id: UUID, at: At, field: FieldCode, cohort: CohortCode = None) -> Response:  # noqa: A002
    """A field as needs by resources, each cell with its figures."""
    return await at.read(queries.heat, id, field=field, cohort=cohort, out=HeatOut.of)


@routes.get(
    "/crossings/{id}/heatmap.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}, "description": "The heat map"}},
)
async def heatmap_svg(id: UUID, at: At, field: FieldCode, cohort: CohortCode = None) -> Response:  # noqa: A002
    """The same as a picture: each cell says its mean and how many scored it, so that it needs no colours to be read."""
    heat = await at.query(queries.heat, id, field=field, cohort=cohort)
    headers = {"content-language": at.language, "vary": "Accept-Language", "cache-control": "private, max-age=60"}
    return Response(pages.heatmap(heat, at.language), headers=headers, media_type="image/svg+xml")


def _href(shown: Shown) -> str:
    return f"{HREF}/{shown.crossing.id}"
