"""The migrations make what the tables say."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.learning.store import mapper
from tests.harness import Running


async def test_the_migrations_make_what_the_tables_say(learning: Running) -> None:
    assert {"people", "mandates", "paths", "enrolments", "enrolment_grounds"} <= set(mapper.metadata.tables)

    def differences(connection: Connection) -> list[Any]:
        def own(name: str | None, kind: str, _: Any) -> bool:
            return kind != "table" or name in mapper.metadata.tables

        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": own})
        return list(compare_metadata(context, mapper.metadata))

    async with learning.context.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
