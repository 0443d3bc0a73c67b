"""What all kinds of imports share: the job, how a file is read and what corrects that, what becomes of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.messaging import Cause
from shared.sheets import Correction, Header, Record, below

CREATED, UPDATED, UNCHANGED, REJECTED = "created", "updated", "unchanged", "rejected"
OUTCOMES = (CREATED, UPDATED, UNCHANGED, REJECTED)


class Reason(NamedTuple):
    """What is to be said of a field of a row; `code` and `values` find the sentence in `texts.py`."""

    field: str
    code: str
    values: Mapping[str, object] = {}


# --- how a file is read ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where the fields are, the columns of crosses, what stands in every row, and the fields that are still missing.
    `body` are the first rows below the header, for examples."""

    columns: Mapping[str, int]
    marks: Mapping[int, str] = field(default_factory=dict)
    header: Header = field(default_factory=Header)
    constants: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    body: Sequence[Record] = ()


def rows_below(sample: Sequence[Record], header: Header) -> list[Record]:
    return list(below(sample, header))


# --- what becomes of it ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Refused:
    """A row that cannot be taken, with what could be read of it."""

    line: int
    reasons: tuple[Reason, ...]
    tax_code: str = ""
    municipality: str | None = None


Changes = dict[str, list[Any]]
"""By field, what it was and what it becomes."""


class Judged(NamedTuple):
    """What becomes of a row. `entered`: this row is why the person is in the register."""

    item: Any
    outcome: str
    reasons: Sequence[Reason] = ()
    organisation_id: UUID | None = None
    changes: Changes | None = None
    person_id: UUID | None = None
    mandate_id: UUID | None = None
    entered: bool | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed import, and how far it is. `staged`: its rows are read already; `line` is the last one committed."""

    id: UUID
    network_id: UUID
    of: str
    parent_id: UUID | None
    requested_by: UUID | None
    correlation: UUID | None
    language: str
    status: str
    applying: bool
    staged: bool
    line: int
    attempts: int
    chosen: Mapping[str, int | None]
    constants: Mapping[str, str]
    header_line: int | None

    @property
    def correction(self) -> Correction:
        return Correction(self.chosen, self.constants, self.header_line)

    @property
    def undoing(self) -> bool:
        return self.status == "undoing"

    def cause(self, at: datetime) -> Cause:
        return Cause(correlation=self.correlation, actor=self.requested_by, at=at)
