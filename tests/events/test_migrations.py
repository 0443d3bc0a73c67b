"""The migrations make the tables that the code describes."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from services.events.app import service
from services.events.store import mapper

OWN = set(mapper.metadata.tables)


def differences(connection: Connection) -> list[Any]:
    def own(name: str | None, type_: str, _: Any) -> bool:
        return type_ != "table" or name in OWN

    options = {"compare_type": True, "compare_server_default": True, "include_name": own}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), mapper.metadata))


async def test_the_migrated_database_is_what_the_tables_say(events_engine: AsyncEngine) -> None:
    assert service.__module__ == "services.events.app"  # imports every slice's tables
    assert {"meetings", "invitations", "mandates"} <= OWN
    async with events_engine.connect() as connection:
        assert await connection.run_sync(differences) == []
