"""Two records turn out to be one: what named the one names the other, in every table of a service.

A table's columns say by their names whom they name. Where a key lets only one row stand for both, the row of the one
that remains stays; a slice that knows better (the further of two enrolments) decides before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, MetaData, Table, UniqueConstraint, Uuid, bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

PEOPLE = frozenset({"person_id", "delegate_id", "maker_id", "owner_person_id", "debtor_person_id"})
"""Names of columns that name a person; so do those that end in `_by`: who did something."""

_quote = postgresql.dialect().identifier_preparer.quote  # type: ignore[no-untyped-call]


def naming_people(metadata: MetaData, people: Table | None = None) -> list[Column[Any]]:
    """The columns that name a person, by name or by a foreign key to `people`; in an order that does not change."""
    return [
        column
        for table in sorted(metadata.tables.values(), key=lambda table: table.name)
        for column in table.columns
        if isinstance(column.type, Uuid) and _names(column, people)
    ]


ORGANISATIONS = frozenset({"authority_id", "lead_id"})
"""Names of columns that name an organisation; so do those that end in `organisation_id`."""


def naming_organisations(metadata: MetaData, organisations: Table | None = None) -> list[Column[Any]]:
    """The columns that name an organisation, by name or by a foreign key; in an order that does not change."""
    return [
        column
        for table in sorted(metadata.tables.values(), key=lambda table: table.name)
        for column in table.columns
        if isinstance(column.type, Uuid)
        and (
            column.name in ORGANISATIONS
            or column.name.endswith("organisation_id")
            or (organisations is not None and any(key.column is organisations.c.id for key in column.foreign_keys))
        )
    ]


def _names(column: Column[Any], people: Table | None) -> bool:
    if column.name in PEOPLE or column.name.endswith("_by"):
        return True
    return people is not None and any(key.column is people.c.id for key in column.foreign_keys)


async def repoint(
    session: AsyncSession,
    columns: Collection[Column[Any]],
    into: Mapping[UUID, UUID],
    *,
    only: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Each old id (the key) gives way to the one that stands for it, in these columns; how many rows of each
    `table.column` did. Of versions and facts the slices that have any take care themselves. `only`: by table, the
    condition on its rows (as `t`) that may still change."""
    values = {"old": sorted(into), "new": [into[old] for old in sorted(into)]}
    moved: dict[str, int] = {}
    for column in columns:
        table, name = _quote(column.table.name), _quote(column.name)
        for others in _keys(column):
            same = "".join(f" and kept.{_quote(other)} = gone.{_quote(other)}" for other in others)
            await session.execute(
                _bound(
                    f"delete from {table} gone using unnest(:old, :new) as merged(old, new)"  # noqa: S608 (names of columns)
                    f" where gone.{name} = merged.old and exists ("
                    f" select from {table} kept where kept.{name} = merged.new{same})"
                ),
                values,
            )
        done: Any = await session.execute(
            _bound(
                f"update {table} t set {name} = merged.new from unnest(:old, :new) as merged(old, new)"  # noqa: S608
                f" where t.{name} = merged.old and ({(only or {}).get(column.table.name, 'true')})"
            ),
            values,
        )
        moved[f"{column.table.name}.{column.name}"] = done.rowcount
    return moved


def _keys(column: Column[Any]) -> Iterator[list[str]]:
    """The other columns of each key that the column is part of; of one with a condition, a slice must decide."""
    table = column.table
    uniques = [list(part.columns) for part in table.constraints if isinstance(part, UniqueConstraint)]
    indexed = [
        list(index.columns)
        for index in table.indexes
        if index.unique and index.dialect_options["postgresql"]["where"] is None
    ]
    for key in [list(table.primary_key.columns), *uniques, *indexed]:
        names = [str(one.name) for one in key]
        if column.name in names:
            yield [name for name in names if name != column.name]


def _bound(statement: str) -> Any:
    return text(statement).bindparams(bindparam("old", type_=ARRAY(Uuid)), bindparam("new", type_=ARRAY(Uuid)))
