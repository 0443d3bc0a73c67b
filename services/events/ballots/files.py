"""Papers of a grid as a table: one row for each score, `voter, field, need, resource, score`. The ballot gives out such
a table of its voters and cells (`template`), to be filled in and sent back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from services.events.ballots.grids import Grid, Wrong
from shared import sheets
from shared.sheets import Unreadable, Words, plain

WORDS = Words(
    {
        "voter": ["voter", "votante", "voter id", "id votante", "scheda", "paper"],
        "field": ["field", "campo", "ambito", "tema"],
        "need": ["need", "bisogno"],
        "resource": ["resource", "risorsa", "fonte", "fonte di finanziamento", "funding source", "source"],
        "score": ["score", "punteggio", "voto", "vote"],
    }
)
NEEDED = ("voter", "field", "need", "resource", "score")
FIELDS = {
    "voter": ("votante", "voter"),
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


@dataclass(frozen=True, slots=True)
class Sheet:
    """The paper of one voter, and the line on which it begins."""

    voter: UUID
    line: int
    marks: bytes


def rows(content: bytes) -> list[Row]:
    """The rows of a CSV file or a workbook; takes a while for a large one. Raises Unreadable."""
    with sheets.opened(content) as sheet:
        header = sheets.header_of(list(islice(sheet.records(), sheets.SAMPLE)), WORDS.columns_of, needed=NEEDED)
        missing = [name for name in NEEDED if name not in header.columns]
        if missing:
            raise Unreadable("missing_columns", missing=missing, found=[cell for cell in header.cells if cell])
        below = sheets.below(sheet.records(), header)
        found = [_row(record, header.columns) for record in below]
    if not found:
        raise Unreadable("no_rows")
    return found


def _row(record: sheets.Record, columns: Mapping[str, int]) -> Row:
    cells = record.cells
    return Row(record.line, {name: cells[at] if at < len(cells) else "" for name, at in columns.items()})


def sheets_of(rows: Iterable[Row], grid: Grid) -> tuple[list[Sheet], list[Wrong]]:
    """The rows gathered by voter, and what is wrong in them. Rows without a score say nothing, and a voter who has
    none but such is left out."""
    terms = {name: _numbers(getattr(grid, f"{name}s")) for name in ("field", "need", "resource")}
    gathered: dict[UUID, dict[str, tuple[int, object]]] = {}
    wrong: list[Wrong] = []
    for row in rows:
        if not row.cells["score"]:
            continue
        voter, key = _voter(row.cells["voter"]), _key(row, terms, wrong)
        if voter is None:
            wrong.append(Wrong(f"/rows/{row.line}/voter", "form", "the id of a voter, as the template has it"))
            continue
        of_voter = gathered.setdefault(voter, {})
        if key in of_voter:
            accepted = f"{key} once in a paper; line {of_voter[key][0]} has it too"
            wrong.append(Wrong(f"/rows/{row.line}", "duplicate", accepted))
        elif key is not None:
            of_voter[key] = row.line, _score(row.cells["score"])
    found = []
    for voter, cells in gathered.items():
        marks, mistakes = grid.read({key: score for key, (_, score) in cells.items()})
        wrong += [Wrong(f"/rows/{cells[_last(one.path)][0]}/score", one.code, one.accepted) for one in mistakes]
        if cells:
            found.append(Sheet(voter, min(line for line, _ in cells.values()), marks))
    return found, wrong


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _voter(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None


def _numbers(terms: Sequence[str]) -> dict[str, int]:
    """By its number or its words, as people type them; words that two terms share mean neither."""
    known: dict[str, int] = {}
    for number, term in enumerate(terms, 1):
        known[plain(term)] = number if plain(term) not in known else 0
    return {words: number for words, number in known.items() if number} | {
        str(number): number for number in range(1, len(terms) + 1)
    }


def _key(row: Row, terms: Mapping[str, Mapping[str, int]], wrong: list[Wrong]) -> str | None:
    found = []
    for name, known in terms.items():
        number = known.get(plain(row.cells[name]), known.get(row.cells[name]))
        if number is None:
            wrong.append(Wrong(f"/rows/{row.line}/{name}", "unknown", f"a {name} of this grid, or its number"))
        else:
            found.append(str(number))
    return ".".join(found) if len(found) == len(terms) else None


def _score(given: str) -> int | str | None:
    """A text that is no whole number stays one, and is refused as that."""
    if plain(given) in NO_OPINION or given in ("-", "–", "—"):
        return None
    return int(given) if _WHOLE.fullmatch(given) else given
