"""The migrations make the tables that the code describes."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from services.mapping.areas import tables as _areas
from services.mapping.coverage import tables as _coverage
from services.mapping.crossings import tables as _crossings
from services.mapping.experiences import tables as _experiences
from services.mapping.freshness import tables as _freshness
from services.mapping.imports import tables as _imports
from services.mapping.needs import tables as _needs
from services.mapping.presences import tables as _presences
from services.mapping.resources import tables as _resources
from services.mapping.store import mapper
from services.mapping.yardsticks import tables as _yardsticks

OWN = set(mapper.metadata.tables)


def differences(connection: Connection) -> list[Any]:
    def own(name: str | None, type_: str, _: Any) -> bool:
        return type_ != "table" or name in OWN

    options = {"compare_type": True, "compare_server_default": True, "include_name": own}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), mapper.metadata))


async def test_the_migrated_database_is_what_the_tables_say(mapping_engine: AsyncEngine) -> None:
    assert {_presences.presences.name, _coverage.coverage.name, _resources.resources.name} <= OWN
    assert {_experiences.experiences.name, _freshness.freshness.name} <= OWN
    assert {_imports.place_imports.name, _needs.needs.name} <= OWN
    assert {_areas.areas.name, _yardsticks.yardsticks.name, _crossings.crossings.name} <= OWN
    async with mapping_engine.connect() as connection:
        assert await connection.run_sync(differences) == []
