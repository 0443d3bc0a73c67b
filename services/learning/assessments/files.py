"""Answers on paper as a table: a row for each person, by the id of their request, and a column for each item, named by
its competence and number (`coprogettazione 1`). The assessment gives out such a table (`template`), to be filled in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from services.learning.assessments.rules import AnswersRefused, Assessment, Wrong, read
from shared import sheets
from shared.runtime.csv import cell
from shared.sheets import Unreadable, plain

REQUEST = frozenset({"request", "richiesta", "request id", "id richiesta", "id"})
FIELDS = {"request": ("richiesta", "request"), "items": ("una colonna per domanda", "a column for each item")}
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Row:
    """A person's answers, and what is wrong with them."""

    line: int
    request_id: UUID
    answers: Mapping[UUID, int]
    wrong: Sequence[Wrong] = field(default_factory=tuple)


NOBODY = UUID(int=0)


def columns(assessment: Assessment) -> dict[str, UUID]:
    """The name of each item's column, in their order."""
    return {
        f"{competence.code} {number}": item.id
        for competence in assessment.competences
        for number, item in enumerate(competence.items, 1)
    }


def rows(content: bytes, assessment: Assessment) -> list[Row]:
    """The rows of a CSV file or a workbook; those without any answer say nothing. Takes a while for a large one: in a
    thread. Raises Unreadable."""
    names = columns(assessment)
    items = {plain(name): name for name in names}

    def columns_of(cells: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for at, title in enumerate(plain(one) for one in cells):
            meant = "request" if title in REQUEST else items.get(title)
            if meant is not None:
                found.setdefault(meant, at)
        return found

    with sheets.opened(content) as sheet:
        header = sheets.header_of(list(islice(sheet.records(), sheets.SAMPLE)), columns_of, needed=("request",))
        missing = [name for name in ("request", *names) if name not in header.columns]
        if missing:
            raise Unreadable("missing_columns", missing=missing, found=[one for one in header.cells if one])
        found = [_row(record, header.columns, names, assessment) for record in sheets.below(sheet.records(), header)]
    filled = [row for row in found if row is not None]
    if not filled:
        raise Unreadable("no_rows")
    return _once(filled)


def _row(record: sheets.Record, at: Mapping[str, int], names: Mapping[str, UUID], assessment: Assessment) -> Row | None:
    cells = {name: record.cells[place] if place < len(record.cells) else "" for name, place in at.items()}
    given: dict[str, Any] = {str(item): _answer(cells[name]) for name, item in names.items() if cells[name]}
    if not given:
        return None
    wrong: list[Wrong] = []
    answers: Mapping[UUID, int] = {}
    try:
        answers = read(assessment.items, given, whole=True, at="")
    except AnswersRefused as refused:
        by_item = {f"/{item}": name for name, item in names.items()}
        wrong = [Wrong(f"/rows/{record.line}/{by_item[one.path]}", one.code, one.accepted) for one in refused.errors]
    request_id = _id(cells["request"])
    if request_id is None:
        wrong.append(Wrong(f"/rows/{record.line}/request", "form", "the id of a request, as the template has it"))
    return Row(record.line, request_id or NOBODY, answers, tuple(wrong))


def _once(found: Sequence[Row]) -> list[Row]:
    """Somebody who is in two rows: which of the two holds?"""
    lines: dict[UUID, int] = {}
    checked = []
    for row in found:
        first = lines.setdefault(row.request_id, row.line)
        twice = first != row.line and row.request_id != NOBODY
        wrong = Wrong(f"/rows/{row.line}/request", "duplicate", f"each request once; line {first} has it too")
        checked.append(Row(row.line, row.request_id, row.answers, (*row.wrong, wrong)) if twice else row)
    return checked


def _answer(text: str) -> int | str:
    """A text that is no whole number stays one, and is refused as that."""
    return int(text) if _WHOLE.fullmatch(text) else text


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def template(assessment: Assessment, people: Iterable[tuple[UUID, str]]) -> bytes:
    """The table with those who have not answered, their names for whoever types, and empty columns."""
    names = list(columns(assessment))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["request", "name", *names])
    for request_id, name in people:
        writer.writerow([str(request_id), cell(name), *([""] * len(names))])
    return ("\ufeff" + out.getvalue()).encode()
