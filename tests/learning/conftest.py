from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from services.learning.app import service
from services.learning.settings import Settings
from tests import harness
from tests.harness import Running
from tests.learning.school import School


@pytest.fixture(scope="module")
async def learning(postgres: Postgres, nats: Nats, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Learning with its database and its stream, empty at the beginning of a module."""
    await harness.clear_streams(nats)
    url = await harness.service_database(postgres, "learning")
    async with harness.running(service, Settings, url, tmp_path_factory.mktemp("learning"), nats) as running:
        yield running


@pytest.fixture
async def school(learning: Running) -> School:
    """A network of its own, with its secretariat."""
    return await School(learning).founded()
