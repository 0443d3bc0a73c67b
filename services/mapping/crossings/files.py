"""Sheets as a table: one row for each score, `sheet, cohort, field, need, resource, score` and perhaps `respondent`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from services.mapping.crossings.rules import MOST_SCORES, Crossing, Scoring, Sheet, TooManyScores, Wrong
from shared import sheets
from shared.sheets import Unreadable, Words, plain

WORDS = Words(
    {
        "sheet": ["sheet", "scheda", "foglio", "n scheda", "numero scheda", "sheet number"],
        "respondent": ["respondent", "rispondente", "respondent id", "id rispondente"],
        "cohort": ["cohort", "coorte", "gruppo", "group"],
        "field": ["field", "campo", "ambito", "tema"],
        "need": ["need", "bisogno"],
        "resource": ["resource", "risorsa", "fonte", "fonte di finanziamento", "funding source", "source"],
        "score": ["score", "punteggio", "voto", "vote"],
    }
)
NEEDED = ("cohort", "field", "need", "resource", "score")
FIELDS = {
    "sheet": ("scheda o rispondente", "sheet or respondent"),
    "cohort": ("coorte", "cohort"),
    "field": ("campo", "field"),
    "need": ("bisogno", "need"),
    "resource": ("risorsa", "resource"),
    "score": ("punteggio", "score"),
}
NO_OPINION = frozenset({"no opinion", "nessuna opinione", "senza opinione", "non so", "n o", "no_opinion"})
"""What stands for no opinion, besides a dash. An empty cell is no answer at all."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file, the header being one before; its cells by field."""

    line: int
    cells: Mapping[str, str]

    @property
    def sheet(self) -> str:
        """What tells the sheets of a file apart: any word or number, or else the respondent."""
        return self.cells.get("sheet") or self.cells.get("respondent", "")


def rows(content: bytes) -> list[Row]:
    """The rows of a CSV file or a workbook; takes a while for a large one. Raises Unreadable, TooManyScores."""
    with sheets.opened(content) as sheet:
        header = sheets.header_of(list(islice(sheet.records(), sheets.SAMPLE)), WORDS.columns_of, needed=NEEDED)
        missing = [name for name in NEEDED if name not in header.columns]
        if not {"sheet", "respondent"} & set(header.columns):
            missing.insert(0, "sheet")
        if missing:
            raise Unreadable("missing_columns", missing=missing, found=[cell for cell in header.cells if cell])
        below = sheets.below(sheet.records(), header)
        found = [_row(record, header.columns) for record in islice(below, MOST_SCORES + 1)]
    if len(found) > MOST_SCORES:
        raise TooManyScores("/file")
    if not found:
        raise Unreadable("no_rows")
    return found


def _row(record: sheets.Record, columns: Mapping[str, int]) -> Row:
    cells = record.cells
    return Row(record.line, {name: cells[at] if at < len(cells) else "" for name, at in columns.items()})


def sheets_of(rows: Iterable[Row], crossing: Crossing) -> tuple[list[Sheet], list[Wrong]]:
    """The rows gathered by sheet, and what does not let them be: rows of no sheet, and sheets of two cohorts or
    respondents. Terms may be given by code or by label."""
    codes = {name: _codes(getattr(crossing, f"{name}s")) for name in ("field", "need", "resource", "cohort")}
    gathered: dict[str, list[Row]] = {}
    wrong = []
    for row in rows:
        if row.sheet:
            gathered.setdefault(row.sheet, []).append(row)
        else:
            wrong.append(Wrong(f"/rows/{row.line}/sheet", "missing", "a word or number that tells sheets apart"))
    found = []
    for of in gathered.values():
        made, mistakes = _sheet(of, codes)
        found.append(made)
        wrong += mistakes
    return found, wrong


def _sheet(rows: Sequence[Row], codes: Mapping[str, Mapping[str, str]]) -> tuple[Sheet, list[Wrong]]:
    first = rows[0]
    wrong = [
        Wrong(f"/rows/{row.line}/{name}", "differs", f"one {name} in a sheet, as in line {first.line}")
        for row in rows[1:]
        for name in ("cohort", "respondent")
        if row.cells.get(name) != first.cells.get(name)
    ]
    respondent = _respondent(first)
    if isinstance(respondent, Wrong):
        return Sheet("", ()), [*wrong, respondent]
    cohort = _meant(first.cells["cohort"], codes["cohort"])
    scorings = [_scoring(row, codes) for row in rows if row.cells["score"]]
    return Sheet(cohort, scorings, respondent, f"/rows/{first.line}"), wrong


def _respondent(row: Row) -> UUID | Wrong | None:
    given = row.cells.get("respondent")
    try:
        return UUID(given) if given else None
    except ValueError:
        return Wrong(f"/rows/{row.line}/respondent", "form", "a UUID that is no one's name, or nothing")


def _scoring(row: Row, codes: Mapping[str, Mapping[str, str]]) -> Scoring:
    field, need, resource = (_meant(row.cells[name], codes[name]) for name in ("field", "need", "resource"))
    return Scoring(field, need, resource, _score(row.cells["score"]), f"/rows/{row.line}")


def _score(given: str) -> int | str | None:
    """A text that is no whole number stays one, and is refused as that."""
    if plain(given) in NO_OPINION or given in ("-", "–", "—"):
        return None
    return int(given) if _WHOLE.fullmatch(given) else given


def _codes(terms: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By code, and by label as people type it; a label that two terms have means neither."""
    known: dict[str, str] = {}
    for term in terms:
        label = plain(term["label"])
        known[label] = term["code"] if label not in known else ""
    return {label: code for label, code in known.items() if code} | {term["code"]: term["code"] for term in terms}


def _meant(given: str, codes: Mapping[str, str]) -> str:
    return codes.get(given) or codes.get(plain(given)) or given
