from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from nats.aio.client import Client
from sqlalchemy import text

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from shared.contracts.envelope import Fact
from shared.messaging import stage
from shared.messaging.listening import Listening
from shared.messaging.relay import Relay
from shared.runtime.database import Database
from tests import harness
from tests.messaging import mini


@dataclass
class Place:
    """The teller (the registry's user), the hearer (notify's user), and the broker between them."""

    nats: Nats
    postgres: Postgres
    teller: Database
    hearer: Database
    admin: Client

    def relay(self, **more: Any) -> Relay:
        return Relay(self.teller.engine, harness.nats_url(self.nats, "registry"), "registry", **{"poll": 0.05, **more})

    def listening(self, **more: Any) -> Listening:
        given = {"modules": [sys.modules[mini.__name__]], "backoff": (0.05, 0.05, 0.05, 0.05), **more}
        return Listening(self.hearer.engine, harness.nats_url(self.nats, "notify"), "notify", **given)

    async def tell(self, *facts: Fact) -> list[UUID]:
        async with self.teller.sessions.begin() as session:
            return await stage(session, *facts)

    async def stream(self) -> list[tuple[dict[str, str], bytes]]:
        return await harness.read_stream(self.admin, "registry.>")

    async def stored(self) -> int:
        return int((await self.admin.jetstream().stream_info("REGISTRY")).state.messages)

    async def relayed(self, number: int, seconds: float = 20) -> None:
        async def there() -> bool:
            return await self.stored() >= number

        await harness.until(there, seconds, f"{number} facts in the stream")

    async def heard(self, statement: str, **values: Any) -> Sequence[Any]:
        async with self.hearer.sessions.begin() as session:
            found: Any = await session.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    async def told(self, statement: str, **values: Any) -> Sequence[Any]:
        async with self.teller.sessions.begin() as session:
            found: Any = await session.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    async def settled(self, seconds: float = 20) -> None:
        """The log is in the stream, and both consumers have acknowledged all of it."""

        async def quiet() -> bool:
            relayed = {headers.get("ce-id") for headers, _ in await self.stream()}
            logged = {str(row.id) for row in await self.told("select id from log")}
            js = self.admin.jetstream()
            infos = [await js.consumer_info("REGISTRY", f"notify-registry-{k}") for k in ("projections", "reactions")]
            return logged <= relayed and not any((i.num_pending or 0) + (i.num_ack_pending or 0) for i in infos)

        await harness.until(quiet, seconds, "settled")


@asynccontextmanager
async def background(*runs: Callable[[], Awaitable[None]]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """The parts run meanwhile, and end before the block is left; a part that failed fails the test."""
    tasks: list[asyncio.Task[None]] = [asyncio.ensure_future(run()) for run in runs]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def place(postgres: Postgres, nats: Nats) -> AsyncIterator[Place]:
    await harness.clear_streams(nats)
    teller = Database(await harness.fresh_database(postgres, "mini", mini.prepare), pool_size=20)
    hearer = Database(await harness.fresh_database(postgres, "mini", mini.prepare))
    admin = await harness.connected(nats)
    yield Place(nats, postgres, teller, hearer, admin)
    await admin.close()
    await teller.dispose()
    await hearer.dispose()
