from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from shared.access import tables as access
from shared.messaging import tables as messaging
from shared.messaging.schema import PLACE
from shared.runtime.settings import ServiceSettings
from shared.runtime.tables import metadata
from tests import harness
from tests.harness import Running
from tests.runtime import toy


async def prepare(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.run_sync(toy.mapper.metadata.create_all)
        await connection.run_sync(messaging.metadata.create_all)
        await connection.execute(
            text(f"insert into relay_cursor (previous, place) select pg_current_snapshot(), {PLACE}")
        )
        await connection.run_sync(metadata.create_all)
        await connection.run_sync(access.metadata.create_all)
    await engine.dispose()


@pytest.fixture
async def database(postgres: Postgres) -> str:
    return await harness.fresh_database(postgres, "toy", prepare)


@pytest.fixture
def start(database: str, tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Running]]:
    """Starts the toy with settings of the test's own: `async with start(rate_per_minute="5") as toy`."""

    def starting(database_url: str = database, **variables: str) -> AbstractAsyncContextManager[Running]:
        return harness.running(toy.service, ServiceSettings, database_url, tmp_path, None, only="http", **variables)

    return starting


@pytest.fixture
async def running(start: Callable[..., AbstractAsyncContextManager[Running]]) -> AsyncIterator[Running]:
    async with start() as running:
        yield running


@pytest.fixture
async def network(running: Running) -> UUID:
    """A network `rete` and, in every test, nobody in it."""
    return await found(running, "rete")


async def found(running: Running, slug: str) -> UUID:
    id_ = uuid7()
    await running.sql(
        "insert into networks (id, slug, name, kind, version) values (:id, :slug, :slug, 'network', 1)",
        id=id_,
        slug=slug,
    )
    return id_


@pytest.fixture
async def secretary(running: Running, network: UUID) -> dict[str, str]:
    return await running.holder("secretariat", network)
