"""Which column of a sheet means what: guessed from its names, shown with examples, and corrected by whoever knows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

from shared.sheets.files import MOST_ROWS, Record, Unreadable

SAMPLE = 400  # rows from which the meaning of columns is guessed
HEADER_WITHIN = 25  # rows in which the header is looked for: titles and logos stand above it
EXAMPLES = 3  # cells that are shown of a column
LONGEST_EXAMPLE = 80
LONGEST_NAME = 120
MOSTLY = 0.8
SHORTEST_WORD = 4  # a synonym that is shorter means nothing at the beginning or end of a longer name

ColumnsOf = Callable[[Sequence[str]], dict[str, int]]
"""What the cells of a header mean: the field, and the position of its column."""

_WORDS = re.compile(r"[^\W_]+")


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Lower case, without accents, words of letters and digits with one space between: to compare what people typed."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(_WORDS.findall(text.lower()))


@dataclass(frozen=True)
class Words:
    """What people write above the columns of one kind of list.

    `synonyms`: field -> names, as `plain` gives them. `others`: words that make a column be about something else,
    whatever else its name says. `kept_apart`: whole names that are never guessed from.
    """

    synonyms: Mapping[str, Sequence[str]]
    others: re.Pattern[str] | None = None
    kept_apart: frozenset[str] = frozenset()

    @cached_property
    def field_of(self) -> dict[str, str]:
        return {name: field_ for field_, names in self.synonyms.items() for name in names}

    @cached_property
    def _longest_first(self) -> list[str]:
        return sorted((name for name in self.field_of if len(name) >= SHORTEST_WORD), key=len, reverse=True)

    def columns_of(self, cells: Sequence[str]) -> dict[str, int]:
        """The fields that a header's names mean: the exact synonyms first, then names that begin or end with one."""
        names = [plain(cell)[:LONGEST_NAME] for cell in cells]
        found: dict[str, int] = {}
        for at, name in enumerate(names):
            if name in self.field_of:
                found.setdefault(self.field_of[name], at)
        taken = set(found.values())
        for at, name in enumerate(names):
            if at not in taken and (likely := self.likely(name)) is not None:
                found.setdefault(likely, at)
        return found

    def likely(self, name: str) -> str | None:
        """The field of a name that begins or ends with a synonym: the longest one decides."""
        if not name or name in self.kept_apart or self.about_others(name):
            return None
        for synonym in self._longest_first:
            if name.startswith(synonym + " ") or name.endswith(" " + synonym):
                return self.field_of[synonym]
        return None

    def about_others(self, name: str) -> bool:
        return self.others is not None and self.others.search(name) is not None


@dataclass(frozen=True)
class Header:
    """Where the fields are. `line` is 0 and `cells` empty when the table begins with its first row."""

    line: int = 0
    cells: tuple[str, ...] = ()
    columns: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """By field, the column's own name."""
        return {field_: self.cells[at] for field_, at in self.columns.items() if at < len(self.cells)}


def header_of(
    sample: Sequence[Record],
    columns_of: ColumnsOf,
    *,
    needed: Sequence[str] = (),
    is_row: Callable[[Record], bool] = lambda _: False,
) -> Header:
    """The row among the first that names most fields, `needed` ones counting double; when no row names any, the first
    one if it has words above figures; else none.

    `is_row` tells what can only be a row of the table, however much it looks like names.
    """
    best, found = 0, Header()
    for record in sample[:HEADER_WITHIN]:
        columns = columns_of(record.cells)
        score = len(columns) + sum(name in columns for name in needed)
        if score > best and not is_row(record):
            best, found = score, Header(record.line, tuple(record.cells), columns)
    return found if best else _words_above_figures(sample)


def _words_above_figures(sample: Sequence[Record]) -> Header:
    """A header whose names nobody knows: without a figure, over a column that nearly always has one."""
    first = next((record for record in sample[:HEADER_WITHIN] if sum(map(bool, record.cells)) > 1), None)
    if first is None or any(_figures(cell) for cell in first.cells):
        return Header()
    for at, name in enumerate(first.cells):
        cells = [r.cells[at] for r in sample if r.line > first.line and at < len(r.cells) and r.cells[at]]
        if name and cells and sum(map(_figures, cells)) >= MOSTLY * len(cells):
            return Header(first.line, tuple(first.cells))
    return Header()


def _figures(cell: str) -> bool:
    return any(c.isdigit() for c in cell)


def below(records: Iterable[Record], header: Header) -> Iterator[Record]:
    """The rows below the header, without those that repeat it."""
    names = [plain(cell) for cell in header.cells]
    first = header.cells[0].casefold() if header.cells else None
    for record in records:
        if record.line <= header.line:
            continue
        if record.cells[0].casefold() == first and [plain(cell) for cell in record.cells] == names:
            continue
        yield record


@dataclass(frozen=True)
class Correction:
    """What somebody who knows the file has said of it. `chosen`: field -> position of its column, None when it is not
    to be read; `constants`: what stands in every row whose cell is empty; `header_line`: 0 when there is no header."""

    chosen: Mapping[str, int | None] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    header_line: int | None = None

    def header(self, sample: Sequence[Record], columns_of: ColumnsOf, **how: Any) -> Header:
        """The header that was pointed out, else the one that looks most like one; with the columns chosen."""
        if self.header_line is None:
            found = header_of(sample, columns_of, **how)
        else:
            cells = next((record.cells for record in sample if record.line == self.header_line), [])
            found = Header(self.header_line, tuple(cells), columns_of(cells))
        return Header(found.line, found.cells, self.settle(found.columns))

    def settle(self, guessed: Mapping[str, int]) -> dict[str, int]:
        """The columns guessed, but for what was chosen: no column is read for two fields unless somebody says so."""
        taken = set(self.chosen.values())
        kept = {name: at for name, at in guessed.items() if name not in self.chosen and at not in taken}
        return kept | {name: at for name, at in self.chosen.items() if at is not None}


AS_IT_IS = Correction()


# --- for people ------------------------------------------------------------------------------------------------------

Certainty = Literal["chosen", "named", "likely", "content"]
"""Why a column is taken for a field: somebody said so; its name is a synonym; its name holds one; its cells can only be
that."""


def counted(records: Iterable[Record], header: Header) -> int:
    """How many rows there are: what is wrong with a table as a whole comes out before a row is taken. Raises
    Unreadable."""
    total = 0
    for total, _ in enumerate(below(records, header), 1):
        if total > MOST_ROWS:
            raise Unreadable("too_many_rows", limit=MOST_ROWS)
    if not total:
        raise Unreadable("no_rows")
    return total


class Column(NamedTuple):
    """A column as it is shown: its number from 1 and letter, its name, examples of its cells, and what it is taken for
    (None: nothing is read from it)."""

    number: int
    letter: str
    name: str
    examples: list[str]
    field: str | None
    certainty: Certainty | None


def described(
    header: Header, body: Sequence[Record], columns: Mapping[str, int], words: Words, chosen: Iterable[str] = ()
) -> list[Column]:
    """Every column of a sheet. `body`: rows below the header to take examples from; `chosen`: fields that somebody
    has set."""
    width = max((len(header.cells), *(len(record.cells) for record in body)), default=0)
    by_position = {at: field_ for field_, at in columns.items()}
    said = set(chosen)
    found = []
    for at in range(width):
        field_ = by_position.get(at)
        name = header.cells[at] if at < len(header.cells) else ""
        certainty = _certainty(field_, name, words, said) if field_ else None
        found.append(Column(at + 1, letter(at), name[:LONGEST_NAME], _examples(body, at), field_, certainty))
    return found


def _certainty(field_: str, name: str, words: Words, chosen: set[str]) -> Certainty:
    if field_ in chosen:
        return "chosen"
    asked = plain(name)[:LONGEST_NAME]
    if words.field_of.get(asked) == field_:
        return "named"
    return "likely" if asked and any(synonym in asked for synonym in words.synonyms[field_]) else "content"


def _examples(body: Sequence[Record], at: int) -> list[str]:
    """The first cells that differ."""
    found: dict[str, None] = {}
    for record in body:
        if at < len(record.cells) and record.cells[at]:
            found[" ".join(record.cells[at].split())[:LONGEST_EXAMPLE]] = None
            if len(found) == EXAMPLES:
                break
    return list(found)


def letter(at: int) -> str:
    """The name that spreadsheets give to the column at a position from 0: A, B, ... Z, AA."""
    name, number = "", at + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


class UnknownColumn(Exception):
    """Somebody chose a column that the sheet does not have, or that several columns bear the name of."""

    def __init__(self, field: str, accepted: Sequence[str], *, several: bool = False) -> None:
        super().__init__(field)
        self.field, self.accepted = field, list(accepted)
        self.path, self.code = f"/columns/{field}", "several" if several else "unknown"


def chosen(given: Mapping[str, str | int | None], cells: Sequence[str], width: int) -> dict[str, int | None]:
    """Positions of the columns that somebody chose: by number from 1, by name, or by letter when no column has that
    name; None: the field is not read. Raises UnknownColumn with the names that there are."""
    return {field_: None if said is None else _position(field_, said, cells, width) for field_, said in given.items()}


def _position(field_: str, said: str | int, cells: Sequence[str], width: int) -> int:
    accepted = [cell or letter(at) for at, cell in enumerate([*cells, *[""] * (width - len(cells))])]
    if isinstance(said, int):
        if 1 <= said <= width:
            return said - 1
        raise UnknownColumn(field_, accepted)
    same = [at for at, cell in enumerate(cells) if cell == said] or [
        at for at, cell in enumerate(cells) if plain(said) and plain(cell) == plain(said)
    ]
    if len(same) > 1:
        raise UnknownColumn(field_, [letter(at) for at in same], several=True)
    if same:
        return same[0]
    lettered = [at for at in range(width) if letter(at) == said.strip().upper()]
    if lettered:
        return lettered[0]
    raise UnknownColumn(field_, accepted)
