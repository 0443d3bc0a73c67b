"""COPY in the session's own transaction: for the tables that an import fills by thousands of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession


async def copy(session: AsyncSession, table: str, columns: Sequence[str], records: Iterable[tuple[Any, ...]]) -> None:
    """The transaction has begun: the fence has run."""
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    await driver.copy_records_to_table(table, columns=columns, records=records)


def as_json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()  # an id of the driver is no plain UUID
