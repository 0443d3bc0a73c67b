"""Where texts hold a person's name: for somebody to look at, since nobody else can say whom a text means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    null,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.registry import PersonState
from shared.contracts.rights import Mention
from shared.messaging.tables import log

MOST = 200
"""Mentions that one answer names; it says how many there are."""
PATIENCE = text("set local statement_timeout = '600s'")
NO_TEXT = (Uuid, Integer, Boolean, Date, DateTime, LargeBinary, Enum, Numeric)


@dataclass(frozen=True)
class Mentions:
    first: tuple[Mention, ...]
    count: int


def pattern(given_name: str, family_name: str, *others: str | None) -> str:
    """A regular expression of PostgreSQL: both orders of the name as whole words, with and without accents, and the
    other things (address, number) wherever they stand."""
    given, family = _words(given_name), _words(family_name)
    both = {f"{one} {two}" for one, two in ((given, family), (family, given)) if one and two}
    names = sorted({form for name in both for form in (name, _plain(name))})
    found = [r"\m" + re.sub(r"(?:\\ | )+", r"\\s+", re.escape(name)) + r"\M" for name in names]
    return "|".join([*found, *(re.escape(other) for other in others if other)])


def _words(name: str) -> str:
    return " ".join(name.split())


def _plain(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


def of(person: PersonState) -> str:
    return pattern(person.given_name, person.family_name, person.email, person.phone)


async def mentions(
    session: AsyncSession, metadata: Iterable[MetaData], silent: frozenset[str], expression: str
) -> Mentions:
    """Reads every text of these tables and of the service's own facts, but the facts of people, which are redacted with
    them. It takes as long as reading the database: erasures are rare."""
    first: list[Mention] = []
    count = 0
    if not expression:
        return Mentions((), 0)
    await session.execute(PATIENCE)
    for table, columns in texts(metadata, silent):
        key = next((c for c in table.primary_key.columns if isinstance(c.type, Uuid)), None)
        for column in columns:
            found = [row async for row in _rows(session, table, column, key, expression)]
            count += len(found)
            first += [Mention(what=table.name, column=column.name, id=id_) for id_ in found[: MOST - len(first)]]
    return Mentions(tuple(first), count)


async def _rows(session: AsyncSession, table: Table, column: Column[Any], key: Any, expression: str) -> Any:
    holds = cast(column, Text).regexp_match(bindparam("expression", expression), flags="i")
    if table is log:
        query = select(log.c.aggregate_id).distinct().where(holds, log.c.subject.not_like("registry.person.%"))
    else:
        query = select(key if key is not None else null()).where(holds)
    for row in await session.execute(query):
        yield row[0] if isinstance(row[0], UUID) else None


def texts(metadata: Iterable[MetaData], silent: frozenset[str]) -> Iterator[tuple[Table, list[Column[Any]]]]:
    """The tables with columns that can hold words, in the order of their names; `silent` ones left out."""
    for table in [*(t for m in metadata for t in sorted(m.tables.values(), key=lambda t: t.name)), log]:
        columns = [c for c in table.columns if not isinstance(c.type, NO_TEXT) and c.computed is None]
        if table is log:
            columns = [log.c.body]
        if columns and table.name not in silent:
            yield table, columns
