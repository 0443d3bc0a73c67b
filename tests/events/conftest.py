from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.events.app import service
from services.events.settings import Settings
from shared.runtime.database import Database
from tests import harness
from tests.events.room import Room
from tests.harness import Running


@pytest.fixture(scope="module")
async def events(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Events with its database and its streams, empty at the beginning of a module."""
    await harness.clear_streams(nats)
    url = await harness.service_database(postgres, "events")
    async with harness.running(service, Settings, url, tmp_path_factory.mktemp("events"), nats) as running:
        yield running


@pytest.fixture(scope="module")
async def events_engine(postgres: Postgres) -> AsyncIterator[AsyncEngine]:
    """A migrated database of events' without the service."""
    database = Database(await harness.service_database(postgres, "events"))
    yield database.engine
    await database.dispose()


@pytest.fixture
async def room(events: Running) -> Room:
    """A network of its own, spoken to by its secretariat."""
    return await Room.founded(events)
