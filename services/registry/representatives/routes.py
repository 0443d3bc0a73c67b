"""HTTP of the lists of representatives: sent by an association's referent, the secretariat, or by mailed link."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Form, UploadFile
from pydantic import BaseModel
from starlette.responses import Response

from services.registry.commitments import queries as commitments
from services.registry.commitments.pages import failed
from services.registry.commitments.queries import Linked
from services.registry.commitments.routes import LinkedOut
from services.registry.commitments.rules import State
from services.registry.representatives import commands, pages, queries
from services.registry.representatives.commands import Taken
from services.registry.representatives.rules import (
    MissingColumns,
    NotAList,
    NothingListed,
    Outcome,
    RowsRefused,
    Sheet,
    TooManyRows,
)
from shared.access import links
from shared.runtime.browsers import HTML, Token, answered, wants_html, wants_json
from shared.runtime.edge import Anyone, At, Edge
from shared.runtime.paging import After, Limit, PageOut
from shared.runtime.problems import FieldError, Problem, problem
from shared.sheets import LARGEST_FILE, FileTooLarge, Unreadable, why_unreadable

routes = APIRouter(tags=["commitments"])

PURPOSE = "representatives"
Complete = Annotated[bool, Form(description="The list is complete: the commitment is fulfilled with it")]


class FileRefused(Exception):
    """The file as a whole cannot be read; `why` is a sentence in the sender's language."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoFile(Exception):
    """A form was sent without choosing a file."""


class Representative(BaseModel):
    id: UUID
    name: str
    href: str


class ListedOut(BaseModel):
    """The mandate of a row: new, or there already. `until` is exclusive."""

    id: UUID
    line: int
    outcome: Literal["created", "unchanged"]
    person: Representative
    territory: str | None
    since: date
    until: date | None
    href: str

    @classmethod
    def of(cls, outcome: Outcome, taken: Taken) -> ListedOut:
        mandate = outcome.mandate
        person = mandate.person_id
        return cls(
            id=mandate.id,
            line=outcome.row.line,
            outcome="created" if outcome.new else "unchanged",
            person=Representative(id=person, name=taken.names[person], href=f"/registry/v1/people/{person}"),
            territory=mandate.territory,
            since=mandate.since,
            until=mandate.until,
            href=f"/registry/v1/mandates/{mandate.id}",
        )


class TakenOut(BaseModel):
    """A list, taken whole: `rows` are `created` and `unchanged` mandates; `entered` people were not known before.
    `state` is the commitment's. `unread` names the columns that nothing was read from."""

    id: UUID
    commitment_id: UUID
    state: State
    rows: int
    created: int
    unchanged: int
    entered: int
    complete: bool
    unread: list[str]
    mandates: list[ListedOut]

    @classmethod
    def of(cls, taken: Taken) -> TakenOut:
        return cls(
            id=taken.id,
            commitment_id=taken.commitment.commitment.id,
            state=taken.commitment.commitment.state,
            rows=len(taken.outcomes),
            created=taken.created,
            unchanged=len(taken.outcomes) - taken.created,
            entered=taken.entered,
            complete=taken.complete,
            unread=list(taken.unread),
            mandates=[ListedOut.of(outcome, taken) for outcome in taken.outcomes],
        )


class ListOut(BaseModel):
    """A list that was sent; `sent_by` is null when it came by the link."""

    id: UUID
    sent_at: datetime
    sent_by: UUID | None
    rows: int
    created: int
    unchanged: int
    complete: bool

    @classmethod
    def of(cls, row: Any) -> ListOut:
        return cls.model_validate(row, from_attributes=True)


@routes.post("/commitments/{commitment_id}/representatives", response_model=TakenOut)
async def take(commitment_id: UUID, at: At, file: UploadFile, complete: Complete = False) -> Response:
    """Sends a list of representatives (CSV, XLSX, XLS or ODS, up to 2,000 rows): each row a person with a dated
    mandate. Taken whole or not at all; sent again, it finds everything there. With `complete` the commitment is
    fulfilled."""
    await at.query(queries.awaited, commitment_id)  # before a file is read for somebody who may not send it
    sheet = await read(file, at)
    return await at.command(
        commands.take, commitment_id, sheet, complete=complete, language=at.language, out=TakenOut.of
    )


@routes.get("/commitments/{commitment_id}/representatives", response_model=PageOut[ListOut])
async def lists(commitment_id: UUID, at: At, after: After = None, limit: Limit = 50) -> Response:
    """The lists that were sent for a commitment, the last one first."""
    return await at.page(queries.lists, commitment_id, after=after, limit=limit, out=ListOut.of)


@routes.get("/representatives/link", response_model=LinkedOut, responses=HTML)
async def show_link(token: Token, at: Anyone) -> Response:
    """The list that a mailed link asks for, with a form while it is owed. Opening it does nothing."""
    at.identity = None

    async def shown() -> Response:
        commitment_id = await subject_of(token, at)
        if wants_json(at):
            return await at.read(commitments.linked, commitment_id, out=LinkedOut.of)
        return pages.form(at.language, await at.query(commitments.linked, commitment_id))

    return await answered(at, shown, partial(failed, at.language, []), html=not wants_json(at))


Cell = Annotated[str, Form(max_length=300)]


class ByHand:
    """The fields of the form that takes one person; empty where a file is sent."""

    def __init__(
        self,
        given_name: Cell = "",
        family_name: Cell = "",
        email: Cell = "",
        phone: Cell = "",
        territory: Cell = "",
        since: Cell = "",
        until: Cell = "",
    ) -> None:
        given = {"given_name": given_name, "family_name": family_name, "email": email, "phone": phone}
        self.cells = {**given, "territory": territory, "since": since, "until": until}
        self.filled = any(cell.strip() for cell in self.cells.values())


@routes.post("/representatives/link", response_model=TakenOut, responses=HTML)
async def use_link(
    token: Token,
    at: Anyone,
    by_hand: Annotated[ByHand, Depends()],
    file: UploadFile | None = None,
    complete: Complete = False,
) -> Response:
    """Sends the list as a file, or one person by a form; with `complete` alone, declares what was sent before complete.
    By whoever has the link, until the commitment is closed or the link expires."""
    at.identity = None
    html = wants_html(at)
    seen: list[Linked] = []

    async def used() -> Response:
        commitment_id = await subject_of(token, at)
        if html:
            seen.append(await at.query(commitments.linked, commitment_id))
        await at.query(queries.awaited, commitment_id, by_link=True)
        try:
            taken = await taken_by_link(at, commitment_id, file, by_hand, complete=complete)
        except AGAIN as error:
            if not html:
                raise
            refused = error if isinstance(error, RowsRefused) else None
            return pages.form(
                at.language, seen[-1], refused=refused, problem=at.context.answers(error), given=by_hand.cells
            )
        if html:
            return pages.done(at.language, await at.query(commitments.linked, commitment_id), taken)
        body = orjson.dumps(TakenOut.of(taken).model_dump(mode="json"))
        return Response(body, media_type="application/json")

    return await answered(at, used, partial(failed, at.language, seen), html=html)


AGAIN = (RowsRefused, FileRefused, MissingColumns, TooManyRows, FileTooLarge, NoFile, NothingListed)
"""What can be put right by sending another file: the form is shown again."""


async def taken_by_link(
    at: Edge, commitment_id: UUID, file: UploadFile | None, by_hand: ByHand, *, complete: bool
) -> Taken:
    taken: list[Taken] = []
    by: dict[str, Any] = {"language": at.language, "by_link": True, "out": taken.append}
    if complete and not by_hand.filled and (file is None or not file.filename):
        await at.command(commands.declare_complete, commitment_id, **by)
        return taken[-1]
    sheet = pages.from_form(by_hand.cells, at.language) if by_hand.filled else await read(file, at)
    await at.command(commands.take, commitment_id, sheet, complete=complete, **by)
    return taken[-1]


async def read(file: UploadFile | None, at: Edge) -> Sheet:
    """What the file holds, read in a thread: HTTP goes on meanwhile. Raises FileRefused, NoFile, and as `commands.read`
    does."""
    if file is None or not file.filename:
        raise NoFile
    content = await file.read(LARGEST_FILE + 1)
    try:
        return await asyncio.to_thread(commands.read, content)
    except Unreadable as unreadable:
        why = why_unreadable(unreadable.reason, unreadable.values, at.language)
        raise FileRefused(why) from unreadable


async def subject_of(token: str, at: Edge) -> UUID:
    """The commitment of a good link. Raises LinkInvalid, LinkExpired: also when its person answers for it no more."""
    link = await links.verify(token, "registry", PURPOSE, keys=at.context.link_keys)
    await at.query(commitments.require_standing, link)
    return link.subject


rows_refused = problem(
    "rows-refused",
    422,
    it="Alcune righe non vanno ({count})\nNulla è stato preso: `errors` dice riga e campo, `lines` il perché a parole.",
    en="Some rows are wrong ({count})\nNothing was taken: `errors` says line and field, `lines` the reasons in words.",
)
columns_missing = problem(
    "columns-missing",
    422,
    it="Mancano delle colonne\nOccorrono nome e cognome, e email o telefono. Intestazioni trovate: {found}.",
    en="Columns are missing\nGiven and family name are needed, and email or phone. Headers found: {found}.",
)


def rows_as_problem(error: BaseException) -> Problem:
    """With the first findings for programs (`errors`: `/lines/<line>/<field>`) and for people (`lines`)."""
    assert isinstance(error, RowsRefused)
    found = error.findings[: pages.MOST_SHOWN]
    errors = [FieldError(f"/lines/{one.line}/{one.field}", one.code, one.accepted) for one in found]
    return rows_refused(None, count=error.count, errors=errors, more={"lines": pages.lines(error)})


COLUMNS = {"name": "nome, cognome | given name, family name", "contact": "email, telefono | email, phone"}


def columns_as_problem(error: BaseException) -> Problem:
    assert isinstance(error, MissingColumns)
    errors = [FieldError("/file", f"missing_{name}", COLUMNS[name]) for name in error.missing]
    found = ", ".join(name[:40] for name in error.found[:30]) or "–"
    return columns_missing(None, found=found, errors=errors)


problems = {
    RowsRefused: rows_as_problem,
    MissingColumns: columns_as_problem,
    FileRefused: problem(
        "file-refused",
        422,
        it="Il file non si può leggere\n{why}",
        en="The file cannot be read\n{why}",
        path="/file",
        code="unreadable",
        accepted="CSV, XLSX, XLS, ODS",
    ),
    NoFile: problem(
        "file-missing",
        422,
        it="Manca il file\nScegliere il file da inviare.",
        en="The file is missing\nChoose the file to send.",
        path="/file",
        code="missing",
        accepted="CSV, XLSX, XLS, ODS",
    ),
    TooManyRows: problem(
        "too-many-rows",
        422,
        it="Troppe righe\nUn elenco può avere al massimo {accepted} righe: dividerlo in più file.",
        en="Too many rows\nA list may have at most {accepted} rows: split it.",
        path="/file",
    ),
    NothingListed: problem(
        "nothing-listed",
        409,
        it="L'elenco è ancora vuoto\nSi dichiara completo dopo aver indicato almeno una persona.",
        en="The list is still empty\nIt is declared complete after at least one person was named.",
        path="/complete",
        code="empty",
        accepted="a file, or one person",
    ),
    NotAList: problem(
        "not-a-list",
        409,
        it="L'impegno non è un elenco di rappresentanti\nSi può assolvere con parole o con un collegamento.",
        en="The commitment is no list of representatives\nIt can be fulfilled with words or a link.",
    ),
}
