"""What the migrations make is what the code maps."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import services.notify.app
from services.notify.store import mapper
from shared.runtime.database import Database

OWN = set(mapper.metadata.tables)


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection,
        opts={"include_object": lambda _o, name, kind, *_: kind != "table" or name in OWN, "compare_type": True},
    )
    return list(compare_metadata(context, mapper.metadata))


@pytest.mark.filterwarnings("ignore:Did not recognize type")  # messaging's own columns
async def test_the_migrations_make_the_tables_that_the_code_maps(database: Database) -> None:
    assert services.notify.app.service is not None
    assert set(OWN) >= {"contacts", "organisations", "deliveries", "attempts", "pace"}
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
