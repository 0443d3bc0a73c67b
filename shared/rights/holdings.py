"""What a service holds of people: a list that counts, exports and forgets by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Computed,
    Date,
    LargeBinary,
    Table,
    cast,
    delete,
    exists,
    func,
    literal,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.rights import Holding
from shared.rights.words import OUTCOME_OF, Ground, Outcome, Phase

INNER = frozenset({"version", "generation", "search"})
"""Columns that say nothing about anybody."""


@dataclass(frozen=True)
class Held:
    """The rows whose `column` names a person; or those of `of` that belong to such a row, by `on`.

    `what` is the kind of item that people read. With a `ground` the rows stay when the person is erased (`until` is the
    day on which that ends, where there is one); without, nothing of the person stays in them: `forget` deletes the rows
    or sets columns, and where it is None the slice itself does it when it hears that the person was erased. `only`
    narrows the rows. In the archive of an access request come the columns (`shows`: only these) and `beside` them what
    makes them readable.
    """

    what: str
    column: Column[Any]
    ground: Ground | None = None
    until: ColumnElement[Any] | None = None
    forget: Literal["delete"] | Mapping[str, Any] | None = None
    only: ColumnElement[bool] | None = None
    shows: tuple[str, ...] | None = None
    beside: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    of: Table | None = None
    on: ColumnElement[bool] | None = None

    @property
    def table(self) -> Table:
        return self.of if self.of is not None else self.column.table

    def where(self, person_id: UUID) -> list[ColumnElement[bool]]:
        theirs: ColumnElement[bool] = self.column == person_id
        if self.on is not None:
            theirs = exists().where(self.on, theirs).correlate(self.table)
        return [theirs] if self.only is None else [theirs, self.only]


@dataclass(frozen=True)
class Found:
    """So many rows of one line of the list."""

    held: Held
    count: int
    until: date | None


def of_row(title: ColumnElement[Any], *on: ColumnElement[bool]) -> ColumnElement[Any]:
    """The name of what a row points to, for `beside`: `of_row(meetings.c.title, meetings.c.id == …)`."""
    return select(title).where(*on).limit(1).scalar_subquery()


async def found(session: AsyncSession, held: Sequence[Held], person_id: UUID) -> list[Found]:
    """The lines of the list that have any row of this person; one statement for all."""
    if not held:
        return []
    counts = [
        select(
            literal(position).label("position"),
            func.count().label("count"),
            cast(null() if line.until is None else func.max(line.until), Date).label("until"),
        )
        .select_from(line.table)
        .where(*line.where(person_id))
        for position, line in enumerate(held)
    ]
    rows = sorted((await session.execute(union_all(*counts))).all())
    return [Found(held[row.position], row[1], row.until) for row in rows if row[1]]


def holdings(lines: Sequence[Found], phase: Phase) -> tuple[Holding, ...]:
    """The answer to a phase: the lines of one kind and ground together, the latest of their days."""
    sums: dict[tuple[str, Ground | None], tuple[int, date | None]] = {}
    for line in lines:
        count, until = sums.get((line.held.what, line.held.ground), (0, None))
        days = [day for day in (until, line.until) if day is not None]
        sums[line.held.what, line.held.ground] = (count + line.count, max(days, default=None))
    return tuple(
        Holding(what=what, count=count, outcome=outcome(phase, ground), ground=ground, until=until)
        for (what, ground), (count, until) in sums.items()
    )


def outcome(phase: Phase, ground: Ground | None) -> Outcome:
    return Outcome.RETAINED if phase is Phase.ERASE and ground is not None else OUTCOME_OF[phase]


async def forget(session: AsyncSession, held: Sequence[Held], person_id: UUID) -> None:
    """Deletes or empties what the list says. Twice is once."""
    for line in held:
        where = line.where(person_id)
        if line.forget == "delete":
            await session.execute(delete(line.table).where(*where))
        elif line.forget is not None:
            await session.execute(update(line.table).where(*where).values(dict(line.forget)))


async def rows(session: AsyncSession, held: Sequence[Held], person_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """All that the list holds of a person, by kind; files are named by their rows and not in it."""
    every: dict[str, list[dict[str, Any]]] = {}
    for line in held:
        columns: list[ColumnElement[Any]] = [c for c in line.table.columns if shown(line, c)]
        columns += [expression.label(name) for name, expression in line.beside.items()]
        if not columns:
            continue
        query = select(*columns).select_from(line.table).where(*line.where(person_id))
        for row in (await session.execute(query)).mappings():
            every.setdefault(line.what, []).append({str(name): value for name, value in row.items()})
    return every


def shown(line: Held, column: Column[Any]) -> bool:
    if line.shows is not None:
        return column.name in line.shows
    inner = column.name in INNER or isinstance(column.type, LargeBinary)
    return not inner and not isinstance(column.computed, Computed)
