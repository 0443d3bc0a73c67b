from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.postgres import Postgres
from shared.runtime.database import Database
from shared.runtime.migrating import migrate_async
from tests import harness
from tests.notify.relay import FakeRelay


async def _migrated(url: str) -> None:
    await migrate_async("notify", url)


@pytest.fixture
async def url(postgres: Postgres) -> str:
    """A fresh, migrated database of notify's."""
    return await harness.fresh_database(postgres, "notify", _migrated)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    made = Database(url)
    yield made
    await made.dispose()


@pytest.fixture
async def relay() -> AsyncIterator[FakeRelay]:
    fake = await FakeRelay().start()
    yield fake
    await fake.stop()
