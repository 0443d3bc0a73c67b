"""Lists by keyset: a page begins after the last row of the one before it, so the cost does not grow with the depth.

The cursor is opaque to callers and checked when it comes back: its shape, its types, and that it belongs to this order.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, Subquery, literal, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from shared.runtime.problems import Invalid

T = TypeVar("T")
DEFAULT, LARGEST = 50, 200

Limit = Annotated[int, Query(ge=1, le=LARGEST, description="Items in the page")]
After = Annotated[str | None, Query(max_length=1000, description="`next` of the page before")]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items in order, and the cursor of what follows (None at the end)."""

    items: Sequence[T]
    next: str | None


class PageOut(BaseModel, Generic[T]):
    """The shape of every list; `response_model=PageOut[MandateOut]` documents a route."""

    items: list[T]
    next: str | None = None


async def page(
    session: AsyncSession,
    select: Select[Any],
    *,
    key: Sequence[ColumnElement[Any]],
    after: str | None = None,
    limit: int = DEFAULT,
    descending: bool = False,
) -> Page[Any]:
    """One page of `select`, ordered by `key`: columns that are never null and together unique (end with the id).

    Items are entities or scalars when the select has one column, rows otherwise. Raises Invalid for a bad cursor.
    """
    if after is not None:
        found = tuple_(*key)
        bound = tuple_(*(literal(v, c.type) for v, c in zip(_read(after, key), key, strict=True)))
        select = select.where(found < bound if descending else found > bound)
    wide = len(select.column_descriptions)
    ordered = select.order_by(None).order_by(*(c.desc() if descending else c for c in key))
    keyed = ordered.add_columns(*(c.label(f"_key{i}") for i, c in enumerate(key))).limit(limit + 1)
    rows = (await session.execute(keyed)).all()
    cursor = _write(rows[limit - 1][-len(key) :], key) if len(rows) > limit else None
    items = [row[0] if wide == 1 else row for row in rows[:limit]]
    return Page(items, cursor)


def cut(
    selects: Sequence[Select[Any]], *, key: Sequence[str], after: str | None, limit: int, name: str = "all"
) -> Subquery:
    """Several selects with the same columns as one, for `page` by the columns named in `key` and with the same `after`
    and `limit`: each is cut to what the page can need before they are joined, so that each can follow its own index.
    Raises Invalid for a bad cursor."""
    whole = union_all(*selects).subquery(name)
    values = _read(after, [whole.c[column] for column in key]) if after is not None else None
    parts = []
    for one in selects:
        own = one.subquery()
        columns = [own.c[column] for column in key]
        part = select(own).order_by(*columns).limit(limit + 1)
        if values is not None:
            bound = tuple_(*(literal(v, c.type) for v, c in zip(values, columns, strict=True)))
            part = part.where(tuple_(*columns) > bound)
        parts.append(select(part.subquery()))
    return union_all(*parts).subquery(name)


def _order(key: Sequence[ColumnElement[Any]]) -> int:
    return zlib.crc32("|".join(str(c) for c in key).encode())


def _write(values: Sequence[Any], key: Sequence[ColumnElement[Any]]) -> str:
    held = orjson.dumps([_order(key), *values], default=str)
    return base64.urlsafe_b64encode(held).rstrip(b"=").decode()


def _read(cursor: str, key: Sequence[ColumnElement[Any]]) -> list[Any]:
    try:
        order, *values = orjson.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
        if order == _order(key) and len(values) == len(key):
            return [_value(v, c.type.python_type) for v, c in zip(values, key, strict=True)]
    except (ValueError, TypeError, binascii.Error):
        raise _bad() from None
    raise _bad()


def _bad() -> Invalid:
    return Invalid("?after", "cursor", "`next` of a page of this same list")


def _value(value: Any, kind: type[Any]) -> Any:
    """The value as the column has it; orjson has written what is not JSON's own as text."""
    if kind is datetime:
        read: Any = datetime.fromisoformat(value)
    elif kind is date:
        read = date.fromisoformat(value)
    elif kind is UUID:
        read = UUID(value)
    else:
        read = value
    if not isinstance(read, kind) or isinstance(read, bool) is not (kind is bool):
        raise TypeError
    if isinstance(read, int) and not -(1 << 63) <= read < 1 << 63:
        raise ValueError
    if isinstance(read, str) and "\0" in read:
        raise ValueError
    return read
