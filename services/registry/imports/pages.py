"""Importing at the desk: send a sheet, say what its columns are, look at what would become of it, take it, follow it,
take it back. Without a script: a page about work under way opens itself again every two seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter, Form, UploadFile
from starlette.responses import RedirectResponse, Response

from services.registry.desk.seating import entered
from services.registry.imports import commands, queries, routes, worker
from services.registry.imports.kinds import KINDS
from shared.runtime.browsers import refusal
from shared.runtime.edge import Edge
from shared.runtime.pages import Pages, day, hour, link, number, tag
from shared.runtime.paging import After
from shared.runtime.problems import Invalid, NotFound, Problem
from shared.runtime.sessions import Seated
from shared.sheets import LARGEST_FILE

site = APIRouter()
PAGES = Pages(__file__)
COLUMN = re.compile(r"column-([0-9]{1,5})")
"""Name of the selection of a column, by its number in the sheet."""
REFRESH = 2
"""Seconds after which a page about work under way opens itself again."""
TEXTS: dict[str, dict[str, str]] = {
    "it": {
        "title": "Importazioni",
        "new": "Carica un foglio",
        "new_is": "CSV, Excel o LibreOffice, fino a 20 MB, così come l'hai: i titoli sopra la tabella, le colonne in "
        "più e gli accenti persi non danno fastidio. Prima di cambiare qualcosa ti mostro che cosa ho capito.",
        "file": "Il foglio",
        "of": "Che cosa contiene",
        "of_organisations": "enti che aderiscono alla rete",
        "of_representatives": "persone con i loro incarichi",
        "upload": "Carica e guarda",
        "before": "Importazioni fatte",
        "col_file": "Foglio",
        "col_when": "Quando",
        "col_state": "Stato",
        "col_rows": "Righe",
        "none": "Nessun foglio è stato ancora caricato.",
        "further": "Importazioni precedenti",
        "state_running": "in corso",
        "state_mapping": "aspetta: dimmi le colonne",
        "state_previewed": "aspetta la conferma",
        "state_done": "fatta",
        "state_failed": "non riuscita",
        "state_undoing": "annullamento in corso",
        "state_undone": "annullata",
        "one": "Importazione di «{file}»",
        "working": "Lavoro in corso: {done} di {total} righe",
        "working_start": "Sto leggendo il foglio…",
        "working_is": "La pagina si aggiorna da sola. Puoi chiuderla: il lavoro va avanti, e alla fine ti scrivo.",
        "columns": "Che cosa sono le colonne",
        "columns_is": "Ho riconosciuto quello che vedi. Se una colonna è altro, scegli che cosa è e ricontrolla.",
        "columns_missing": "Non trovo quello che serve: {missing}. Scegli qui sotto in quale colonna sta.",
        "col_column": "Colonna",
        "col_examples": "Che cosa c'è dentro",
        "col_field": "È",
        "nothing": "non importare",
        "recheck": "Ricontrolla con queste colonne",
        "preview": "Che cosa succederà",
        "done_title": "Che cosa è successo",
        "created": "nuovi",
        "updated": "cambiati",
        "unchanged": "già a posto",
        "rejected": "da rivedere",
        "first": "I primi {count} di {outcome}",
        "line": "Riga",
        "name": "Nome",
        "code": "Codice fiscale",
        "problem": "Che cosa non va",
        "changes": "Cambia",
        "commit": "Conferma e importa",
        "commit_is": "Le righe da rivedere restano fuori: le trovi nel rapporto.",
        "report": "Rapporto, riga per riga (CSV)",
        "undo": "Annulla l'importazione",
        "undo_is": "Fino al {day}, {hour}: quello che ha creato se ne va, quello che ha cambiato torna com'era, salvo "
        "ciò che qualcuno ha cambiato dopo.",
        "undone": "Annullate {undone} righe; {kept} restano, perché cambiate o usate dopo: il rapporto dice quali.",
        "failed": "Non è riuscita",
        "again": "Correggi il foglio e caricalo di nuovo.",
        "back": "Tutte le importazioni",
    },
    "en": {
        "title": "Imports",
        "new": "Upload a sheet",
        "new_is": "CSV, Excel or LibreOffice, up to 20 MB, as you have it: titles above the table, further columns and "
        "lost accents do no harm. Before anything is changed you see what was understood.",
        "file": "The sheet",
        "of": "What is in it",
        "of_organisations": "organisations that join the network",
        "of_representatives": "people with their offices",
        "upload": "Upload and look",
        "before": "Imports so far",
        "col_file": "Sheet",
        "col_when": "When",
        "col_state": "State",
        "col_rows": "Rows",
        "none": "No sheet has been uploaded yet.",
        "further": "Earlier imports",
        "state_running": "under way",
        "state_mapping": "waits: say what the columns are",
        "state_previewed": "waits for you to confirm",
        "state_done": "done",
        "state_failed": "failed",
        "state_undoing": "being undone",
        "state_undone": "undone",
        "one": "Import of “{file}”",
        "working": "Under way: {done} of {total} rows",
        "working_start": "The sheet is being read…",
        "working_is": "The page keeps itself up to date. You may close it: the work goes on, and you get a mail.",
        "columns": "What the columns are",
        "columns_is": "This is what was recognised. If a column is something else, choose what it is and check again.",
        "columns_missing": "What is needed was not found: {missing}. Choose below in which column it is.",
        "col_column": "Column",
        "col_examples": "What is in it",
        "col_field": "It is",
        "nothing": "do not import",
        "recheck": "Check again with these columns",
        "preview": "What will happen",
        "done_title": "What has happened",
        "created": "new",
        "updated": "changed",
        "unchanged": "as they are",
        "rejected": "to be looked at",
        "first": "The first {count} of {outcome}",
        "line": "Row",
        "name": "Name",
        "code": "Tax code",
        "problem": "What is wrong",
        "changes": "Changes",
        "commit": "Confirm and import",
        "commit_is": "The rows to be looked at are left out: you find them in the report.",
        "report": "Report, row by row (CSV)",
        "undo": "Undo the import",
        "undo_is": "Until {day}, {hour}: what it made leaves again, what it changed is as it was, but for what "
        "somebody has changed since.",
        "undone": "{undone} rows were undone; {kept} stay, having been changed or used since: the report says which.",
        "failed": "It failed",
        "again": "Correct the sheet and upload it again.",
        "back": "All imports",
    },
}
OUTCOMES: tuple[str, ...] = get_args(routes.Outcome)
TAGS = {"mapping": "late", "previewed": "late", "failed": "late", "done": "good"}
SHOWN = 5
"""Rows of each outcome on the page; the report has all."""


@site.get("/desk/{network}/imports")
async def imports(network: str, at: Seated, after: After = None) -> Response:
    """A form for a sheet, and what was imported so far."""
    return await listing(network, at, after=after)


async def listing(network: str, at: Edge, *, after: str | None = None, refused: Problem | None = None) -> Response:
    room, seat = await entered(at, network, "/imports")
    found = await at.query(queries.listed, network, after=after, limit=20)
    texts, base = TEXTS[at.language], f"/desk/{network}/imports"
    return PAGES.page(
        at.language,
        texts["title"],
        "imports.html",
        status=refused.status if refused else 200,
        network=room.network,
        seat=seat,
        wide=True,
        texts=texts,
        problem=refused.body(at.language) if refused else None,
        kinds=[(code, texts[f"of_{code}"]) for code in ("organisations", "representatives")],
        action=base,
        headings=[texts[term] for term in ("col_file", "col_when", "col_state", "col_rows")],
        items=[_row(job, base, at.language) for job in found.items],
        further=f"{base}?after={found.next}" if found.next else None,
    )


def _row(job: Any, base: str, language: str) -> tuple[Any, ...]:
    state = tag(TEXTS[language][f"state_{job.status}"], TAGS.get(job.status, ""))
    name = link(f"{base}/{job.id}", job.file_name)
    return name, day(job.requested_at, language), state, number(job.total or 0, language)


@site.post("/desk/{network}/imports")
async def send(
    network: str,
    at: Seated,
    file: UploadFile | None = None,
    of: Annotated[str, Form(max_length=40)] = "organisations",
) -> Response:
    """Keeps the sheet to be looked at; nothing is imported before it is confirmed."""
    made: list[Any] = []

    async def act() -> None:
        content = await file.read(LARGEST_FILE + 1) if file is not None else b""
        if not content:
            raise Invalid("/file", "missing", "CSV, XLSX, XLS, ODS")
        if of not in KINDS or of == "affiliates":
            raise Invalid("/of", "enum", ["organisations", "representatives"])
        await at.command(
            commands.request,
            network,
            file_name=routes.file_name_of(file.filename if file else None),
            content=content,
            commit=False,
            of=of,
            parent=None,
            language=at.language,
            out=made.append,
        )

    refused = await refusal(at, act)
    if refused is not None:
        return await listing(network, at, refused=refused)
    worker.wake(at.context)
    return RedirectResponse(f"/desk/{network}/imports/{made[-1].id}", 303)


@site.get("/desk/{network}/imports/{import_id}")
async def job(network: str, import_id: UUID, at: Seated) -> Response:
    """How far an import is, what was understood, and what may be done now."""
    return await one(network, import_id, at)


async def one(network: str, import_id: UUID, at: Edge, *, refused: Problem | None = None) -> Response:
    room, seat = await entered(at, network, "/imports")
    found, rows = await at.query(queries.preview, import_id, first=SHOWN)
    if found.network_id != room.network.id:
        raise NotFound
    texts, under_way = TEXTS[at.language], found.status in routes.UNDER_WAY
    base = f"/desk/{network}/imports"
    return PAGES.page(
        at.language,
        texts["one"].format(file=found.file_name),
        "import.html",
        status=refused.status if refused else 200,
        network=room.network,
        seat=seat,
        wide=True,
        refresh=REFRESH if under_way else None,
        texts=texts,
        problem=refused.body(at.language) if refused else None,
        job=found,
        state=tag(texts[f"state_{found.status}"], TAGS.get(found.status, "")),
        under_way=_under_way(found, at.language) if under_way else None,
        columns=_columns(found) if found.status in commands.WAITING else [],
        fields=_fields(found, at.language),
        missing=_missing(found, at.language),
        figures=[(texts[outcome], number(getattr(found, outcome), at.language)) for outcome in OUTCOMES],
        tables=_tables(rows, at.language) if not under_way else [],
        counted=found.status in ("previewed", "done", "undone", "undoing"),
        undo=_undo(found, at.language),
        undone=texts["undone"].format(undone=found.undone, kept=found.kept) if found.status == "undone" else None,
        base=base,
        action=f"{base}/{import_id}",
    )


def _under_way(found: Any, language: str) -> str:
    texts = TEXTS[language]
    if not found.total:
        return texts["working_start"]
    return texts["working"].format(done=number(found.done, language), total=number(found.total, language))


def _fields(found: Any, language: str) -> list[tuple[str, str]]:
    return [(name, _label(found, name, language)) for name in KINDS[found.of].fields]


def _label(found: Any, field: str, language: str) -> str:
    it, en = KINDS[found.of].fields[field]
    return it if language == "it" else en


def _missing(found: Any, language: str) -> str:
    wanted: Sequence[str] = (found.found or {}).get("missing", ()) if found.status == "mapping" else ()
    fields = KINDS[found.of].fields
    return ", ".join(_label(found, name, language) if name in fields else name for name in wanted)


def _columns(found: Any) -> list[Mapping[str, Any]]:
    """The columns of the file with the field that each is read as."""
    return [
        {
            "number": column["number"],
            "name": column["name"] or column["letter"],
            "examples": " · ".join(column["examples"][:3]),
            "field": column["field"],
        }
        for column in (found.found or {}).get("table", ())
    ]


def _tables(rows: Mapping[str, Sequence[Any]], language: str) -> list[tuple[str, list[str], list[tuple[Any, ...]]]]:
    """(caption, headings, rows) of each outcome that has any, what needs a look first."""
    texts, made = TEXTS[language], []
    for outcome in ("rejected", "updated", "created"):
        shown = [routes.RowOut.of(row) for row in rows.get(outcome, ())]
        if not shown:
            continue
        last = {"rejected": texts["problem"], "updated": texts["changes"]}.get(outcome)
        headings = [texts["line"], texts["name"], texts["code"], *([last] if last else [])]
        cells = [(row.line, row.name or "–", row.tax_code or "–", *([_why(row)] if last else [])) for row in shown]
        made.append((texts["first"].format(count=len(shown), outcome=texts[outcome]), headings, cells))
    return made


def _why(row: routes.RowOut) -> str:
    if row.problem:
        return row.problem
    return "; ".join(f"{name}: {_said(was)} → {_said(becomes)}" for name, (was, becomes) in row.changes.items()) or "–"


def _said(value: Any) -> str:
    return "–" if value in (None, "", []) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _undo(found: Any, language: str) -> str | None:
    if found.status != "done" or found.undo_until is None:
        return None
    until = found.undo_until
    return TEXTS[language]["undo_is"].format(day=day(until, language), hour=hour(until, language))


@site.post("/desk/{network}/imports/{import_id}/columns")
async def correct(network: str, import_id: UUID, at: Seated, version: Annotated[int, Form()]) -> Response:
    """What the columns are, as the form's selections say; the preview is made anew."""
    form = await at.request.form()
    chosen = {
        int(found[1]): value
        for name, value in form.items()
        if isinstance(value, str) and (found := COLUMN.fullmatch(name))
    }

    async def act() -> None:
        found, _ = await at.query(queries.preview, import_id, first=1)
        columns: dict[str, int | None] = dict.fromkeys(KINDS[found.of].fields)
        for number_, name in chosen.items():
            if not name:
                continue
            if columns.get(name) is not None:
                raise Invalid("/columns", "twice", f"{name}: one column only")
            columns[name] = number_
        await at.command(
            commands.correct,
            import_id,
            columns=columns,
            constants={},
            header_line=None,
            expected=version,
            out=lambda _: None,
        )

    return await _decided(network, import_id, at, act)


@site.post("/desk/{network}/imports/{import_id}/commit")
async def commit(network: str, import_id: UUID, at: Seated) -> Response:
    return await _decided(network, import_id, at, lambda: at.command(commands.commit, import_id, out=lambda _: None))


@site.post("/desk/{network}/imports/{import_id}/undo")
async def undo(network: str, import_id: UUID, at: Seated) -> Response:
    return await _decided(network, import_id, at, lambda: at.command(commands.undo, import_id, out=lambda _: None))


async def _decided(network: str, import_id: UUID, at: Edge, act: Any) -> Response:
    room, _ = await entered(at, network)
    if (await at.query(queries.get, import_id)).network_id != room.network.id:
        raise NotFound  # of another network: not from this desk, whatever one may do there
    refused = await refusal(at, act)
    if refused is not None:
        return await one(network, import_id, at, refused=refused)
    worker.wake(at.context)
    return RedirectResponse(f"/desk/{network}/imports/{import_id}", 303)


@site.get("/desk/{network}/imports/{import_id}/rows.csv")
async def report(network: str, import_id: UUID, at: Seated) -> Response:
    """The report as a file."""
    room, _ = await entered(at, network)
    if (await at.query(queries.get, import_id)).network_id != room.network.id:
        raise NotFound
    return await routes.report_of(at, import_id, linked=False)
