"""What an import answers of a file: the same words wherever a file is taken in."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class ColumnOut(BaseModel):
    """A column of the file: its number from 1, its letter, its name, a few of its cells, the field that it is read as
    (null: none) and why: `chosen` by somebody, `named` so, `likely` by its name, or by its `content`."""

    number: int
    letter: str
    name: str
    examples: list[str]
    field: str | None
    certainty: Literal["chosen", "named", "likely", "content"] | None


class FoundOut(BaseModel):
    """What the file turned out to be: its kind (csv, xlsx, xls, ods), encoding and delimiter, the line of the header
    (0: none), for each field the header that it is read from, every column of the `table`, and the fields that are
    needed and `missing`: then the import waits for a correction."""

    kind: str
    encoding: str
    delimiter: str
    header_line: int
    columns: dict[str, str]
    table: list[ColumnOut] = []
    missing: list[str] = []
