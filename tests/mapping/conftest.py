from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.mapping.app import service
from services.mapping.settings import Settings
from shared.runtime.database import Database
from tests import harness
from tests.harness import Running


@pytest.fixture(scope="module")
async def mapping(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Mapping with its database and its stream, empty at the beginning of a module."""
    await harness.clear_streams(nats)
    url = await harness.service_database(postgres, "mapping")
    async with harness.running(service, Settings, url, tmp_path_factory.mktemp("mapping"), nats) as running:
        yield running


@pytest.fixture(scope="module")
async def mapping_engine(postgres: Postgres) -> AsyncIterator[AsyncEngine]:
    """A migrated database of mapping's without the service."""
    database = Database(await harness.service_database(postgres, "mapping"))
    yield database.engine
    await database.dispose()
